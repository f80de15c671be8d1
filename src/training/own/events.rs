//! A CSV of events: `events.csv` with `stay,time,variable,value,unit`, and `outcomes.csv` with `stay,died` and, if known,
//! `age`, `sex` and `patient`.
//!
//! Contract: `variable` is the network's name (`HR`), its plain name (`heart rate`) or a LOINC code; the unit is converted
//! to the network's and must be stated unless it is a count of points or a pH; `time` is hours since admission, `HH:MM`
//! since admission, or a date and time (RFC 3339). Variables that the network does not know are left out.

use super::{Columns, emptied, table, wrong};
use crate::{
    fhir::{VARIABLES, Variable, units::Unit},
    training::TrainingError,
};
use flate2::{Compression, write::GzEncoder};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs::{self, File},
    path::Path,
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Longest stay that is read, in minutes.
const MINUTES_MAX: i64 = 60 * 24 * 60;
/// The published layout numbers its stays; one's own are numbered from here.
const FIRST: u32 = 900_001;

/// When something was measured.
#[derive(Clone, Copy)]
enum When {
    /// Since admission.
    Minutes(i64),
    /// On the clock.
    Moment(OffsetDateTime),
}

/// One stay's events: when, which variable, value in the network's unit.
type Events = Vec<(When, &'static Variable, f64)>;

/// Rewrites the events as `set-own.tar.gz` and `Outcomes-own.txt`; says whether there was anything to rewrite.
///
/// # Errors
/// [`TrainingError`] when a file or a line is not understood, or no event is of a variable the network knows.
pub fn prepare(data: &Path, scratch: &Path) -> Result<bool, TrainingError> {
    let (events, outcomes) = (data.join("events.csv"), data.join("outcomes.csv"));
    if !events.is_file() || !outcomes.is_file() {
        return Ok(false);
    }
    let mut stays = read_events(&events)?;
    emptied(scratch)?;
    let path = scratch.join("set-own.tar.gz");
    let packed = GzEncoder::new(File::create(&path).map_err(TrainingError::io(&path))?, Compression::fast());
    let mut archive = tar::Builder::new(packed);
    let mut died = String::from("RecordID,SAPS-I,SOFA,Length_of_stay,Survival,In-hospital_death\n");
    for (number, outcome) in (FIRST..).zip(read_outcomes(&outcomes)?) {
        let text = stay_text(number, &outcome, stays.remove(&outcome.stay).unwrap_or_default());
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o600);
        header.set_cksum();
        archive
            .append_data(&mut header, format!("set-own/{number}.txt"), text.as_bytes())
            .map_err(TrainingError::io(&path))?;
        // Writing to a String cannot fail.
        writeln!(died, "{number},-1,-1,-1,-1,{}", u8::from(outcome.died)).unwrap_or(());
    }
    if let Some(stay) = stays.keys().next() {
        return Err(TrainingError::Data(format!(
            "{}: {} stays have no outcome (the first in order is `{stay}`)",
            events.display(),
            stays.len()
        )));
    }
    let packed = archive.into_inner().map_err(TrainingError::io(&path))?;
    packed.finish().map_err(TrainingError::io(&path))?;
    let path = scratch.join("Outcomes-own.txt");
    fs::write(&path, died).map_err(TrainingError::io(&path))?;
    Ok(true)
}

fn read_events(path: &Path) -> Result<BTreeMap<String, Events>, TrainingError> {
    let (mut reader, columns) = table(path, b',')?;
    let mut stays: BTreeMap<String, Events> = BTreeMap::new();
    let mut known = false;
    for record in reader.records() {
        let record = record.map_err(|error| TrainingError::Data(format!("{}: {error}", path.display())))?;
        let cell = |name: &str| {
            columns.cell(&record, name).ok_or_else(|| wrong(path, &record, &format!("there is no `{name}`")))
        };
        let stay = stays.entry(cell("stay")?.to_owned()).or_default();
        let Some(variable) = variable(cell("variable")?) else { continue };
        known = true;
        let value: f64 = cell("value")?.parse().map_err(|_| wrong(path, &record, "`value` is not a number"))?;
        let value = converted(variable, value, columns.cell(&record, "unit")).ok_or_else(|| {
            wrong(path, &record, &format!("the unit of `{}` cannot be converted to {}", variable.label, variable.unit))
        })?;
        let when = when(cell("time")?).ok_or_else(|| wrong(path, &record, "`time` is not understood"))?;
        stay.push((when, variable, value));
    }
    if !known {
        return Err(TrainingError::Data(format!("{}: no event is of a variable the network knows", path.display())));
    }
    Ok(stays)
}

/// By the network's name, the plain name, or a LOINC code.
fn variable(said: &str) -> Option<&'static Variable> {
    let low = said.to_lowercase();
    VARIABLES.iter().find(|one| one.name == said || one.label == low || one.loinc.contains(&said))
}

/// The value in the network's unit.
fn converted(variable: &Variable, value: f64, unit: Option<&str>) -> Option<f64> {
    let target = Unit::parse(variable.unit)?;
    match unit {
        Some(unit) => Unit::parse(unit)?.convert(value, target, variable.chemistry),
        None => target.is_bare().then_some(value),
    }
    .filter(|value| value.is_finite())
}

fn when(said: &str) -> Option<When> {
    if let Ok(moment) = OffsetDateTime::parse(said, &Rfc3339) {
        return Some(When::Moment(moment));
    }
    let minutes = match said.split_once(':') {
        Some((hours, minutes)) => {
            hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok().filter(|one| (0..60).contains(one))?
        }
        None => {
            let hours: f64 = said.parse().ok().filter(|hours: &f64| hours.is_finite())?;
            (hours * 60.0).round() as i64
        }
    };
    (0..=MINUTES_MAX).contains(&minutes).then_some(When::Minutes(minutes))
}

struct Outcome {
    stay: String,
    died: bool,
    age: Option<f64>,
    /// 0 female, 1 male, as the published layout writes it.
    sex: Option<u8>,
}

fn read_outcomes(path: &Path) -> Result<Vec<Outcome>, TrainingError> {
    let (mut reader, columns) = table(path, b',')?;
    let (mut found, mut stays, mut patients) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for record in reader.records() {
        let record = record.map_err(|error| TrainingError::Data(format!("{}: {error}", path.display())))?;
        let one = outcome(path, &columns, &record)?;
        if !stays.insert(one.stay.clone()) {
            return Err(wrong(path, &record, "the stay is there twice"));
        }
        let patient = columns.cell(&record, "patient");
        if patient.is_some_and(|patient| !patients.insert(patient.to_owned())) {
            return Err(wrong(
                path,
                &record,
                "a second stay of one patient: keep one, or both sides of the split know the patient",
            ));
        }
        found.push(one);
    }
    Ok(found)
}

fn outcome(path: &Path, columns: &Columns, record: &csv::StringRecord) -> Result<Outcome, TrainingError> {
    let cell = |name: &str| columns.cell(record, name);
    let stay = cell("stay").ok_or_else(|| wrong(path, record, "there is no `stay`"))?.to_owned();
    let died = match cell("died").map(str::to_lowercase).as_deref() {
        Some("1" | "yes" | "true") => true,
        Some("0" | "no" | "false") => false,
        _ => return Err(wrong(path, record, "`died` is neither 1 nor 0")),
    };
    let age = cell("age").map(|age| age.parse::<f64>().map_err(|_| wrong(path, record, "`age` is not a number")));
    let sex = match cell("sex").map(str::to_lowercase).as_deref() {
        Some("f" | "female") => Some(0),
        Some("m" | "male") => Some(1),
        _ => None,
    };
    Ok(Outcome { stay, died, age: age.transpose()?, sex })
}

/// One stay as the published layout writes it.
fn stay_text(number: u32, outcome: &Outcome, events: Events) -> String {
    let moments = events.iter().filter_map(|(when, ..)| match when {
        When::Moment(moment) => Some(*moment),
        When::Minutes(_) => None,
    });
    let first = moments.min();
    let minutes = |when: &When| match (when, first) {
        (When::Minutes(minutes), _) => *minutes,
        (When::Moment(moment), Some(first)) => (*moment - first).whole_minutes().min(MINUTES_MAX),
        (When::Moment(_), None) => 0,
    };
    let mut lines: Vec<(i64, &str, f64)> =
        events.iter().map(|(when, one, value)| (minutes(when), one.name, *value)).collect();
    lines.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
    let mut text = format!("Time,Parameter,Value\n00:00,RecordID,{number}\n");
    let age = outcome.age.map_or(-1.0, |age| age);
    let sex = outcome.sex.map_or(-1, i32::from);
    writeln!(text, "00:00,Age,{age}\n00:00,Gender,{sex}").unwrap_or(());
    for (minutes, name, value) in lines {
        writeln!(text, "{:02}:{:02},{name},{value}", minutes / 60, minutes % 60).unwrap_or(());
    }
    text
}
