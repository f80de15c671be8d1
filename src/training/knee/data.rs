//! The graded knees: `labels.csv` (file, official_split, kl_grade, patient_id, side) beside the zip archives that hold
//! them.
//!
//! Contract: both knees of a patient are in one part. The publisher's own validation part is `validation` here, its
//! training part is divided into `train` and `tune` by patient and seed; a test folder's knees all belong to `test`.

use crate::{
    domain::{Digest, Film, GreyImage, ModelInput, Side, SourceRef},
    models::knee::grade::GRADES,
    training::{
        Split, TrainingError, archives,
        trial::{Trial, Truth},
    },
};
use rayon::prelude::*;
use serde::Deserialize;
use std::path::Path;

/// Share of the training part's patients on whom epoch, calibration, thresholds and limits are chosen.
const TUNE: f64 = 0.12;

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
    let rows: Vec<Row> = archives::rows(folder)?;
    let names: Vec<&str> = rows.iter().map(|row| row.file.as_str()).collect();
    let files = archives::films(folder, &names)?;
    rows.par_iter().zip(&files).map(|(row, bytes)| graded(row, bytes, seed)).collect()
}

fn graded(row: &Row, bytes: &[u8], seed: u64) -> Result<GradedKnee, TrainingError> {
    if row.kl_grade >= GRADES {
        return Err(TrainingError::Data(format!("{} is not a grade", row.kl_grade)));
    }
    let split = match row.official_split.as_str() {
        "val" => Split::Validation,
        "test" => Split::Test,
        "train" if archives::place(&row.patient_id, seed) < TUNE => Split::Tune,
        "train" => Split::Train,
        other => return Err(TrainingError::Data(format!("`{other}` is not a part of the data"))),
    };
    let side = match row.side.as_str() {
        "L" => Some(Side::Left),
        "R" => Some(Side::Right),
        _ => None,
    };
    let image = archives::grey(bytes)?;
    let name = row.file.rsplit('/').next().unwrap_or_default().to_owned();
    Ok(GradedKnee { image, grade: row.kl_grade, side, name, patient: row.patient_id.clone(), split })
}
