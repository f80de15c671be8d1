//! The stays of the PhysioNet/CinC Challenge 2012 (Silva et al., CinC 2012;39:245), ODC-BY 1.0.
//!
//! Contract: reads every `set-*.tar.gz` of a folder with its `Outcomes-*.txt`; only age, sex and the variables of the
//! network's table are taken over, in that table's units. Severity scores and length of stay are outcomes: they are read
//! as such ([`Outcome`]) and never enter a course, nor does the kind of unit. Traps handled: −1 for missing, rows without a parameter, Temp in °F, pH times 10 or 100.

use super::{Split, TrainingError, sequence::variables};
use crate::domain::{Coding, Course, Digest, Measurement, Phi, Sex, SourceRef};
use flate2::read::GzDecoder;
use sha2::{Digest as _, Sha256};
use std::{
    collections::HashMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
};
use time::{Duration, OffsetDateTime};

/// One stay in intensive care, its first 48 hours.
#[derive(Debug, Clone)]
pub struct Stay {
    /// `RecordID`.
    pub id: u32,
    /// Age in years.
    pub age_years: Option<f64>,
    /// Sex.
    pub sex: Option<Sex>,
    /// Died in hospital.
    pub died: bool,
    /// What else is known of how it went.
    pub outcome: Outcome,
    /// Kind of intensive care unit, for subgroup figures only.
    pub unit: Option<&'static str>,
    /// Values in the order of the file.
    pub readings: Vec<Reading>,
}

/// Outcomes beside death, which a network may learn to foretell while it trains and never reads.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Outcome {
    /// SAPS-I score.
    pub saps: Option<f32>,
    /// SOFA score.
    pub sofa: Option<f32>,
    /// Length of stay in hospital, days.
    pub days: Option<f32>,
}

/// One value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// Index into [`variables::TABLE`].
    pub variable: usize,
    /// Minutes since admission.
    pub minutes: u32,
    /// Value in the table's unit.
    pub value: f64,
}

/// Reads the stays of a split, sorted by id. Validation is a fifth of all stays, chosen by the SHA-256 of the id alone,
/// so that it is the same for every seed; training is the rest. The test split is everything in its folder.
///
/// # Errors
/// [`TrainingError`] when files are missing or not laid out as expected.
pub fn read(folder: &Path, split: Split) -> Result<Vec<Stay>, TrainingError> {
    let outcomes = outcomes(folder)?;
    let mut stays = Vec::new();
    for archive in files(folder, "set-", ".tar.gz")? {
        let file = fs::File::open(&archive).map_err(TrainingError::io(&archive))?;
        let mut tar = tar::Archive::new(GzDecoder::new(std::io::BufReader::new(file)));
        for entry in tar.entries().map_err(TrainingError::io(&archive))? {
            let mut entry = entry.map_err(TrainingError::io(&archive))?;
            let id = entry.path().ok().and_then(|path| path.file_stem()?.to_str()?.parse().ok());
            let Some(id) = id.filter(|id| entry.header().entry_type().is_file() && belongs(*id, split)) else {
                continue;
            };
            let mut text = String::new();
            entry.read_to_string(&mut text).map_err(TrainingError::io(&archive))?;
            let known = outcomes.get(&id).ok_or_else(|| TrainingError::Data(format!("stay {id} has no outcome")))?;
            stays.push(parse(id, *known, &text));
        }
    }
    if stays.is_empty() {
        return Err(TrainingError::Data(format!("{} holds no stay of this split", folder.display())));
    }
    stays.sort_by_key(|stay| stay.id);
    Ok(stays)
}

/// Whether a stay is in the split.
fn belongs(id: u32, split: Split) -> bool {
    let digest = Sha256::digest(format!("auscult physionet2012 {id}"));
    let (validation, tune) = (digest[0] % 5 == 0, digest[1] % 8 == 0);
    match split {
        Split::Train => !validation && !tune,
        Split::Tune => !validation && tune,
        Split::Validation => validation,
        Split::Test => true,
    }
}

/// The folder's files with that beginning and end, sorted.
fn files(folder: &Path, start: &str, end: &str) -> Result<Vec<PathBuf>, TrainingError> {
    let entries = fs::read_dir(folder).map_err(TrainingError::io(folder))?;
    let mut found: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    found.retain(|path| {
        path.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.starts_with(start) && name.ends_with(end))
    });
    found.sort();
    if found.is_empty() {
        return Err(TrainingError::Data(format!("{} holds no {start}*{end}", folder.display())));
    }
    Ok(found)
}

/// Died in hospital and the other outcomes, by id.
fn outcomes(folder: &Path) -> Result<HashMap<u32, (bool, Outcome)>, TrainingError> {
    let mut outcomes = HashMap::new();
    for path in files(folder, "Outcomes-", ".txt")? {
        let wrong = |what: &str| TrainingError::Data(format!("{}: {what}", path.display()));
        let text = fs::read_to_string(&path).map_err(TrainingError::io(&path))?;
        let mut lines = text.lines();
        let header: Vec<&str> = lines.next().unwrap_or_default().split(',').map(str::trim).collect();
        let find = |name: &str| header.iter().position(|one| *one == name);
        let column = |name: &str| find(name).ok_or_else(|| wrong("a column is missing"));
        let (id, death) = (column("RecordID")?, column("In-hospital_death")?);
        let others = ["SAPS-I", "SOFA", "Length_of_stay"].map(find);
        for line in lines.filter(|line| !line.trim().is_empty()) {
            let cells: Vec<&str> = line.split(',').map(str::trim).collect();
            let cell = |at: usize| cells.get(at).and_then(|cell| cell.parse::<u32>().ok());
            let (id, death) = cell(id).zip(cell(death)).ok_or_else(|| wrong("a line does not fit"))?;
            // -1 stands for "not known".
            let known = |value: &f32| *value >= 0.0;
            let [saps, sofa, days] = others.map(|at| cells.get(at?)?.parse::<f32>().ok().filter(known));
            outcomes.insert(id, (death == 1, Outcome { saps, sofa, days }));
        }
    }
    Ok(outcomes)
}

/// Reads one stay's lines `HH:MM,parameter,value`; lines that are no measurement are passed over.
fn parse(id: u32, (died, outcome): (bool, Outcome), text: &str) -> Stay {
    let mut stay = Stay { id, age_years: None, sex: None, died, outcome, unit: None, readings: Vec::new() };
    for line in text.lines().skip(1) {
        let mut cells = line.trim().splitn(3, ',');
        let (Some(time), Some(name), Some(value)) = (cells.next(), cells.next(), cells.next()) else { continue };
        let (Some(minutes), Ok(value)) = (minutes(time), value.parse::<f64>()) else { continue };
        match name {
            "Age" => stay.age_years = (value > 0.0).then_some(value),
            "Gender" if value == 0.0 => stay.sex = Some(Sex::Female),
            "Gender" if value == 1.0 => stay.sex = Some(Sex::Male),
            "ICUType" => stay.unit = unit(value),
            name => {
                let reading = variables::position(name).and_then(|variable| {
                    let value = repaired(name, value)?;
                    let [low, high] = variables::TABLE[variable].plausible;
                    (low..=high).contains(&value).then_some(Reading { variable, minutes, value })
                });
                stay.readings.extend(reading);
            }
        }
    }
    stay
}

fn unit(code: f64) -> Option<&'static str> {
    ["coronary care", "cardiac surgery recovery", "medical", "surgical"].get((code as usize).checked_sub(1)?).copied()
}

fn minutes(time: &str) -> Option<u32> {
    let (hours, minutes) = time.split_once(':')?;
    Some(hours.parse::<u32>().ok()? * 60 + minutes.parse::<u32>().ok()?)
}

/// Undoes the known slips of the pen.
fn repaired(name: &str, value: f64) -> Option<f64> {
    match name {
        _ if value == -1.0 => None,
        "Temp" if (80.0..115.0).contains(&value) => Some((value - 32.0) / 1.8),
        "pH" if (600.0..850.0).contains(&value) => Some(value / 100.0),
        "pH" if (60.0..85.0).contains(&value) => Some(value / 10.0),
        _ => Some(value),
    }
}

impl Stay {
    /// The stay as it was so many hours after admission.
    #[must_use]
    pub fn first_hours(&self, hours: u32) -> Self {
        let readings = self.readings.iter().filter(|one| one.minutes <= hours * 60).copied().collect();
        Self { readings, ..self.clone() }
    }

    /// The stay as the service would see it: admission lies at the beginning of 2012.
    ///
    /// A stay without any measurement is a course of no length.
    #[must_use]
    pub fn course(&self) -> Course {
        let admission = OffsetDateTime::UNIX_EPOCH + Duration::days(15_340);
        let at = |minutes: u32| admission + Duration::minutes(i64::from(minutes));
        let first = self.readings.iter().map(|one| one.minutes).min().unwrap_or(0);
        let last = self.readings.iter().map(|one| one.minutes).max().unwrap_or(0);
        let end = at(last);
        let start = at(first).max(end - Duration::hours(48));
        let kept = self.readings.iter().filter(|one| at(one.minutes) >= start);
        let mut measurements: Vec<Measurement> = kept.map(|one| one.measurement(at(one.minutes))).collect();
        measurements.sort_by_key(|one| one.time);
        Course { end, start, measurements, age_years: self.age_years, sex: self.sex }
    }
}

impl Reading {
    fn measurement(&self, time: OffsetDateTime) -> Measurement {
        let variable = &variables::TABLE[self.variable];
        Measurement {
            variable: variable.name.to_owned(),
            source: SourceRef {
                reference: String::new(),
                version: None,
                last_updated: None,
                key: String::new(),
                digest: Digest::of(b""),
            },
            code: Coding { system: "physionet-2012".into(), code: variable.name.to_owned(), display: None },
            time,
            value: self.value,
            unit: variable.unit.to_owned(),
            original_value: Phi::new(String::new()),
            original_unit: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_traps_of_the_files_are_handled() {
        let text = "Time,Parameter,Value\n00:00,RecordID,1\n00:00,Age,54\n00:00,Gender,0\n00:00,ICUType,3\n00:00,Height,-1\n\
                    00:00,Weight,-1\n00:07,,\n00:07,Temp,98.6\n01:00,pH,735\n01:05,pH,73.5\n02:00,SAPS-I,6\n\
                    47:30,HR,80\n47:31,HR,8000\n";
        let stay = parse(1, (true, Outcome::default()), text);
        assert_eq!((stay.age_years, stay.sex, stay.died), (Some(54.0), Some(Sex::Female), true));
        assert_eq!(stay.unit, Some("medical"));
        let named: Vec<(&str, u32, f64)> =
            stay.readings.iter().map(|one| (variables::TABLE[one.variable].name, one.minutes, one.value)).collect();
        assert_eq!(named.len(), 4, "{named:?}");
        assert!(named[0].0 == "Temp" && (named[0].2 - 37.0).abs() < 1e-9);
        assert!(named[1] == ("pH", 60, 7.35) && named[2] == ("pH", 65, 7.35) && named[3] == ("HR", 2850, 80.0));
        let course = stay.course();
        assert_eq!((course.end - course.start).whole_minutes(), 2843);
        assert_eq!(course.measurements.len(), 4);
    }

    #[test]
    fn a_fifth_of_the_stays_is_kept_for_validation() {
        let kept = (132_539..142_539).filter(|id| belongs(*id, Split::Validation)).count();
        assert!((1900..2200).contains(&kept), "{kept}");
        let splits = [Split::Train, Split::Tune, Split::Validation];
        assert!((1..500).all(|id| splits.into_iter().filter(|split| belongs(id, *split)).count() == 1));
    }
}
