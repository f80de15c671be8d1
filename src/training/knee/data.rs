//! The graded knees: `labels.csv` (file, official_split, kl_grade, patient_id, side) beside the zip archives that hold
//! them.
//!
//! Contract: both knees of a patient are in one part. The publisher's own validation part is `validation` here, its
//! training part is divided into `train` and `tune` by patient and seed; a test folder's knees all belong to `test`.

use crate::{
    domain::{Digest, Film, GreyImage, ModelInput, Side, SourceRef},
    models::knee::grade::GRADES,
    training::{
        Split, TrainingError,
        trial::{Trial, Truth},
    },
};
use rayon::prelude::*;
use serde::Deserialize;
use std::{
    collections::HashMap,
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

/// Share of the training part's patients on whom epoch, calibration, thresholds and limits are chosen.
const TUNE: f64 = 0.12;
/// Greatest size of one film's file, in bytes.
const FILE_MAX: u64 = 16 << 20;

/// One graded knee.
#[derive(Debug)]
pub struct GradedKnee {
    /// The film as stored.
    pub image: GreyImage,
    /// Grade of Kellgren and Lawrence, 0 to 4.
    pub grade: usize,
    /// The side, if stated.
    pub side: Option<Side>,
    /// File name without folder, as in the public data.
    pub name: String,
    /// The patient, as a number of the public data.
    pub patient: String,
    split: Split,
}

impl GradedKnee {
    /// Whether the knee belongs to `split`.
    #[must_use]
    pub fn belongs(&self, split: Split) -> bool {
        self.split == split || split == Split::Test
    }

    /// The knee as a case for the scorer: what the chart of such a knee would state, and nothing more.
    #[must_use]
    pub fn trial(&self) -> Trial {
        let reference = format!("Media/{}", self.name.trim_end_matches(".jpg"));
        let film = Film {
            image: self.image.clone(),
            source: SourceRef {
                digest: Digest::of(reference.as_bytes()),
                reference,
                version: None,
                last_updated: None,
                key: "imaging".into(),
            },
            time: None,
            content_type: "image/jpeg".into(),
            modality: Some("DX".into()),
            body_site: Some("Knee".into()),
            side: self.side,
            view: Some("PA".into()),
            age_years: None,
        };
        let side = self.side.map(|side| ("side".to_owned(), side.as_str().to_owned()));
        Trial {
            name: self.name.clone(),
            cluster: self.patient.clone(),
            input: ModelInput::Film(film),
            truth: Truth::Grade(self.grade),
            groups: side.into_iter().collect(),
        }
    }
}

#[derive(Debug, Deserialize)]
struct Row {
    file: String,
    official_split: String,
    kl_grade: usize,
    patient_id: String,
    side: String,
}

/// Reads a data folder. The seed decides which patients are for tuning.
///
/// # Errors
/// [`TrainingError`] when a file is missing or a row does not fit.
pub fn read(folder: &Path, seed: u64) -> Result<Vec<GradedKnee>, TrainingError> {
    let path = folder.join("labels.csv");
    let file = File::open(&path).map_err(TrainingError::io(&path))?;
    let rows: Result<Vec<Row>, _> = csv::Reader::from_reader(file).deserialize().collect();
    let rows = rows.map_err(|error| TrainingError::Data(format!("{}: {error}", path.display())))?;
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
    files.par_iter().map(|(index, bytes)| graded(&rows[*index], bytes, seed)).collect()
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

fn graded(row: &Row, bytes: &[u8], seed: u64) -> Result<GradedKnee, TrainingError> {
    if row.kl_grade >= GRADES {
        return Err(TrainingError::Data(format!("{} is not a grade", row.kl_grade)));
    }
    let split = match row.official_split.as_str() {
        "val" => Split::Validation,
        "test" => Split::Test,
        "train" if place(&row.patient_id, seed) < TUNE => Split::Tune,
        "train" => Split::Train,
        other => return Err(TrainingError::Data(format!("`{other}` is not a part of the data"))),
    };
    let side = match row.side.as_str() {
        "L" => Some(Side::Left),
        "R" => Some(Side::Right),
        _ => None,
    };
    let unreadable = |error: String| TrainingError::Data(format!("a film cannot be decoded: {error}"));
    let grey = image::load_from_memory(bytes).map_err(|error| unreadable(error.to_string()))?.to_luma8();
    let (width, height) = (grey.width() as usize, grey.height() as usize);
    let image = GreyImage::new(width, height, grey.into_raw()).map_err(|error| unreadable(error.to_string()))?;
    let name = row.file.rsplit('/').next().unwrap_or_default().to_owned();
    Ok(GradedKnee { image, grade: row.kl_grade, side, name, patient: row.patient_id.clone(), split })
}

/// A number from 0 to 1 that depends on the patient and the seed only.
fn place(patient: &str, seed: u64) -> f64 {
    let digest = Digest::of_parts([&seed.to_le_bytes()[..], patient.as_bytes()]);
    let first = digest.as_bytes().iter().take(4).fold(0u32, |sum, byte| (sum << 8) | u32::from(*byte));
    f64::from(first) / (f64::from(u32::MAX) + 1.0)
}
