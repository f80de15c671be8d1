//! Films in a data folder: `labels.csv` beside the zip archives that hold the pictures.
//!
//! Contract: every row has its picture or the folder is refused; where a patient belongs depends on patient and seed
//! alone.

use super::TrainingError;
use crate::domain::{Digest, GreyImage};
use serde::de::DeserializeOwned;
use std::{
    collections::HashMap,
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

/// Greatest size of one film's file, in bytes.
const FILE_MAX: u64 = 16 << 20;

/// The rows of `labels.csv`.
///
/// # Errors
/// [`TrainingError`] when the file is missing or a row does not fit.
pub fn rows<Row: DeserializeOwned>(folder: &Path) -> Result<Vec<Row>, TrainingError> {
    let path = folder.join("labels.csv");
    let file = File::open(&path).map_err(TrainingError::io(&path))?;
    let rows: Result<Vec<Row>, _> = csv::Reader::from_reader(file).deserialize().collect();
    rows.map_err(|error| TrainingError::Data(format!("{}: {error}", path.display())))
}

/// The bytes of these files of the folder's archives, in the order of `names`.
///
/// # Errors
/// [`TrainingError`] when an archive cannot be read or a file is in none.
pub fn films(folder: &Path, names: &[&str]) -> Result<Vec<Vec<u8>>, TrainingError> {
    let wanted: HashMap<&str, usize> = names.iter().enumerate().map(|(index, name)| (*name, index)).collect();
    let mut files: Vec<(usize, Vec<u8>)> = Vec::with_capacity(names.len());
    for archive in archives(folder)? {
        unpack(&archive, &wanted, &mut files)?;
    }
    files.sort_by_key(|(index, _)| *index);
    files.dedup_by_key(|(index, _)| *index);
    if files.len() != names.len() || names.is_empty() {
        return Err(TrainingError::Data(format!("{} of {} films are in the archives", files.len(), names.len())));
    }
    Ok(files.into_iter().map(|(_, bytes)| bytes).collect())
}

fn archives(folder: &Path) -> Result<Vec<PathBuf>, TrainingError> {
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

/// A film's file as a grey picture.
///
/// # Errors
/// [`TrainingError`] when it cannot be decoded.
pub fn grey(bytes: &[u8]) -> Result<GreyImage, TrainingError> {
    let unreadable = |error: String| TrainingError::Data(format!("a film cannot be decoded: {error}"));
    let grey = image::load_from_memory(bytes).map_err(|error| unreadable(error.to_string()))?.to_luma8();
    let (width, height) = (grey.width() as usize, grey.height() as usize);
    GreyImage::new(width, height, grey.into_raw()).map_err(|error| unreadable(error.to_string()))
}

/// A number from 0 to 1 that depends on the patient and the seed only.
#[must_use]
pub fn place(patient: &str, seed: u64) -> f64 {
    let digest = Digest::of_parts([&seed.to_le_bytes()[..], patient.as_bytes()]);
    let first = digest.as_bytes().iter().take(4).fold(0u32, |sum, byte| (sum << 8) | u32::from(*byte));
    f64::from(first) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn a_place_depends_on_patient_and_seed_and_is_spread_evenly() {
        assert_eq!(place("p1", 7), place("p1", 7));
        assert_ne!(place("p1", 7), place("p1", 8));
        let held = (0..4000).filter(|index| place(&format!("p{index}"), 7) < 0.15).count();
        assert!((500..700).contains(&held), "{held}");
    }
}
