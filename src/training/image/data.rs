//! The labelled films: `labels.csv` (file, label, patient_key, pixel_md5 …) beside the zip archives that hold them.
//!
//! Contract: films of one patient, and films with the same pixels, are on one side of the split; of films with the same
//! pixels one is kept. Nothing here prints or keeps a patient's key.

use super::shifts::Shift;
use crate::{
    domain::GreyImage,
    training::{Split, TrainingError, archives},
};
use rayon::prelude::*;
use serde::Deserialize;
use std::{collections::HashMap, path::Path};

/// Share of the patients held back for validation.
const VALIDATION: f64 = 0.15;
/// The next share of patients chooses epoch, calibration, thresholds and limits.
const TUNE_END: f64 = 0.25;

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
    let mut rows: Vec<Row> = archives::rows(folder)?;
    let groups = groups(&rows);
    let mut seen = std::collections::HashSet::new();
    rows.retain(|row| seen.insert(row.pixel_md5.clone()));
    let names: Vec<&str> = rows.iter().map(|row| row.file.as_str()).collect();
    let files = archives::films(folder, &names)?;
    rows.par_iter().zip(&files).map(|(row, bytes)| labelled(row, bytes, seed, &groups)).collect()
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
    let image = archives::grey(bytes)?;
    let group = groups.get(&row.patient_key).map_or(row.patient_key.as_str(), String::as_str);
    Ok(LabelledFilm {
        image,
        positive,
        kind: row.subtype.clone(),
        name: row.file.clone(),
        place: archives::place(group, seed),
    })
}

#[cfg(test)]
mod tests {
    use super::{Row, groups};

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
}
