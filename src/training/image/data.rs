//! The labelled films: `labels.csv` (file, label, patient_key, pixel_md5 …) beside the zip archives that hold them.
//!
//! Contract: films of one patient, and films with the same pixels, are on one side of the split; of films with the same
//! pixels one is kept. Nothing here prints or keeps a patient's key.

use super::shifts::Shift;
use crate::{
    domain::{Digest, GreyImage},
    training::{Split, TrainingError},
};
use rayon::prelude::*;
use serde::Deserialize;
use std::{
    collections::HashMap,
    fs::{self, File},
    io::Read,
    path::Path,
};

/// Share of the patients held back for validation.
const VALIDATION: f64 = 0.15;
/// The next share of patients chooses epoch, calibration, thresholds and limits.
const TUNE_END: f64 = 0.25;
/// Greatest size of one film's file, in bytes.
const FILE_MAX: u64 = 16 << 20;

/// One labelled film.
#[derive(Debug)]
pub struct LabelledFilm {
    /// The film as stored.
    pub image: GreyImage,
    /// Whether it shows pneumonia.
    pub positive: bool,
    /// What people called it: `normal`, `bacteria`, `virus`; empty when the data do not say.
    pub kind: String,
    /// File name in the public data.
    pub name: String,
    /// Where this patient's films belong, 0 to 1: below the validation share means validation.
    place: f64,
}

impl LabelledFilm {
    /// A film of data that come split already: number `index` of `count` films of its part; each is its own cluster.
    #[must_use]
    pub fn of_part(
        image: GreyImage,
        positive: bool,
        name: String,
        split: Split,
        (index, count): (usize, usize),
    ) -> Self {
        let share = index as f64 / count.max(1) as f64;
        let (from, to) = match split {
            Split::Validation => (0.0, VALIDATION),
            Split::Tune => (VALIDATION, TUNE_END),
            Split::Train | Split::Test => (TUNE_END, 1.0),
        };
        let kind = if positive { "pneumonia" } else { "normal" };
        Self { image, positive, kind: kind.into(), name, place: from + share * (to - from) }
    }

    /// The film's pixels as another hospital might have made them, squashed; depends on shift, seed and index only.
    #[must_use]
    pub fn shifted(&self, shift: &Shift, side: usize, seed: u64, index: usize) -> GreyImage {
        let squashed = self.image.resized(side, side);
        let pixels = shift.of(squashed.pixels(), side, seed, index);
        GreyImage::new(side, side, pixels).unwrap_or(squashed)
    }

    /// Films of one patient (or of patients who share a film) have the same cluster; names nobody.
    #[must_use]
    pub fn cluster(&self) -> String {
        format!("{:08x}", (self.place * (f64::from(u32::MAX) + 1.0)) as u32)
    }

    /// Whether both are of one patient (or of patients who share a film).
    #[must_use]
    pub fn same_patient(&self, other: &Self) -> bool {
        self.place.to_bits() == other.place.to_bits()
    }

    /// Whether the film belongs to `split`; a test folder's films all belong to the test split.
    #[must_use]
    pub fn belongs(&self, split: Split) -> bool {
        match split {
            Split::Train => self.place >= TUNE_END,
            Split::Tune => (VALIDATION..TUNE_END).contains(&self.place),
            Split::Validation => self.place < VALIDATION,
            Split::Test => true,
        }
    }
}

#[derive(Debug, Deserialize)]
struct Row {
    file: String,
    label: String,
    #[serde(default)]
    subtype: String,
    patient_key: String,
    pixel_md5: String,
}

/// Reads a data folder. The seed decides which patients are held back.
///
/// # Errors
/// [`TrainingError`] when a file is missing or a row does not fit.
pub fn read(folder: &Path, seed: u64) -> Result<Vec<LabelledFilm>, TrainingError> {
    let path = folder.join("labels.csv");
    let file = File::open(&path).map_err(TrainingError::io(&path))?;
    let rows: Result<Vec<Row>, _> = csv::Reader::from_reader(file).deserialize().collect();
    let mut rows = rows.map_err(|error| TrainingError::Data(format!("{}: {error}", path.display())))?;
    let groups = groups(&rows);
    let mut seen = std::collections::HashSet::new();
    rows.retain(|row| seen.insert(row.pixel_md5.clone()));
    let wanted: HashMap<&str, usize> = rows.iter().enumerate().map(|(index, row)| (row.file.as_str(), index)).collect();
    let mut files: Vec<(usize, Vec<u8>)> = Vec::with_capacity(rows.len());
    for archive in archives(folder)? {
        unpack(&archive, &wanted, &mut files)?;
    }
    files.sort_by_key(|(index, _)| *index);
    files.dedup_by_key(|(index, _)| *index);
    if files.len() != rows.len() || rows.is_empty() {
        return Err(TrainingError::Data(format!("{} of {} films are in the archives", files.len(), rows.len())));
    }
    files.par_iter().map(|(index, bytes)| labelled(&rows[*index], bytes, seed, &groups)).collect()
}

/// Patient key → the smallest key among patients joined by films with the same pixels.
fn groups(rows: &[Row]) -> HashMap<String, String> {
    let mut group: HashMap<String, String> =
        rows.iter().map(|row| (row.patient_key.clone(), row.patient_key.clone())).collect();
    // A few dozen films are doubled, so a handful of passes joins even chains of patients.
    for _ in 0..8 {
        let mut smallest: HashMap<&str, String> = HashMap::new();
        for row in rows {
            let own = &group[&row.patient_key];
            let entry = smallest.entry(&row.pixel_md5).or_insert_with(|| own.clone());
            if own < entry {
                entry.clone_from(own);
            }
        }
        for row in rows {
            let joined = &smallest[row.pixel_md5.as_str()];
            if let Some(own) = group.get_mut(&row.patient_key)
                && *joined < *own
            {
                own.clone_from(joined);
            }
        }
    }
    group
}

fn archives(folder: &Path) -> Result<Vec<std::path::PathBuf>, TrainingError> {
    let entries = fs::read_dir(folder).map_err(TrainingError::io(folder))?;
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "zip"));
    paths.sort();
    Ok(paths)
}

fn unpack(path: &Path, wanted: &HashMap<&str, usize>, files: &mut Vec<(usize, Vec<u8>)>) -> Result<(), TrainingError> {
    let broken = |error: zip::result::ZipError| TrainingError::Data(format!("{}: {error}", path.display()));
    let mut archive = zip::ZipArchive::new(File::open(path).map_err(TrainingError::io(path))?).map_err(broken)?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(broken)?;
        let row = entry.name().ok().and_then(|name| wanted.get(&*name).copied());
        let Some(row) = row else { continue };
        let mut bytes = Vec::new();
        entry.by_ref().take(FILE_MAX).read_to_end(&mut bytes).map_err(TrainingError::io(path))?;
        files.push((row, bytes));
    }
    Ok(())
}

fn labelled(
    row: &Row,
    bytes: &[u8],
    seed: u64,
    groups: &HashMap<String, String>,
) -> Result<LabelledFilm, TrainingError> {
    let positive = match row.label.as_str() {
        "PNEUMONIA" => true,
        "NORMAL" => false,
        other => return Err(TrainingError::Data(format!("`{other}` is not a label"))),
    };
    let unreadable = |error: String| TrainingError::Data(format!("a film cannot be decoded: {error}"));
    let grey = image::load_from_memory(bytes).map_err(|error| unreadable(error.to_string()))?.to_luma8();
    let (width, height) = (grey.width() as usize, grey.height() as usize);
    let image = GreyImage::new(width, height, grey.into_raw()).map_err(|error| unreadable(error.to_string()))?;
    let group = groups.get(&row.patient_key).map_or(row.patient_key.as_str(), String::as_str);
    Ok(LabelledFilm { image, positive, kind: row.subtype.clone(), name: row.file.clone(), place: place(group, seed) })
}

/// A number from 0 to 1 that depends on the patient and the seed only.
fn place(group: &str, seed: u64) -> f64 {
    let digest = Digest::of_parts([&seed.to_le_bytes()[..], group.as_bytes()]);
    let first = digest.as_bytes().iter().take(4).fold(0u32, |sum, byte| (sum << 8) | u32::from(*byte));
    f64::from(first) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::{Row, groups, place};

    fn row(patient: &str, pixels: &str) -> Row {
        Row {
            file: String::new(),
            label: "NORMAL".into(),
            subtype: String::new(),
            patient_key: patient.into(),
            pixel_md5: pixels.into(),
        }
    }

    #[test]
    fn patients_who_share_a_film_are_on_one_side() {
        let rows = [row("b", "1"), row("c", "1"), row("c", "2"), row("a", "2"), row("d", "3")];
        let groups = groups(&rows);
        assert!(["a", "b", "c"].iter().all(|patient| groups[*patient] == "a"));
        assert_eq!(groups["d"], "d");
    }

    #[test]
    fn the_split_depends_on_patient_and_seed_and_holds_back_about_its_share() {
        assert_eq!(place("p1", 7), place("p1", 7));
        assert_ne!(place("p1", 7), place("p1", 8));
        let held = (0..4000).filter(|index| place(&format!("p{index}"), 7) < super::VALIDATION).count();
        assert!((500..700).contains(&held), "{held}");
    }
}
