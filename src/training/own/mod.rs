//! One's own data: a folder of images, a CSV of events, or text with labels, rewritten in the layout that the trainers
//! read.
//!
//! Contract: data in the published layout are used where they lie; one's own are copied once into a scratch folder
//! (which then holds patients' data: it is as confidential as they are). Nothing is guessed: a label, unit or time that
//! is not understood is an error that names the file and the line, never a value.

pub mod events;
pub mod images;
mod papers;
pub mod texts;

use super::TrainingError;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Share of patients (or texts) that validate, where the layout must say so: one in this many.
const VALIDATION_ONE_IN: u32 = 6;

/// The folder a network's trainer should read: `data` itself, or `scratch` with what `data` holds.
///
/// # Errors
/// [`TrainingError`] when the data are in no known layout or something in them is not understood.
pub fn prepare(network: &str, data: &Path, scratch: &Path) -> Result<PathBuf, TrainingError> {
    let written = match network {
        "chest-radiograph" => images::prepare(data, scratch, images::Labels::Finding("pneumonia"))?,
        "knee-radiograph" => images::prepare(data, scratch, images::Labels::Grades(5))?,
        "inpatient-mortality" | "mortality-textbook" => events::prepare(data, scratch)?,
        "note-specialty" => texts::prepare(data, scratch)?,
        _ => false,
    };
    Ok(if written { scratch.to_owned() } else { data.to_owned() })
}

/// Takes what the trainer wrote about the public data out of a network's papers, when it was trained on one's own.
///
/// # Errors
/// [`TrainingError`] when the folder does not hold a network's papers or a file cannot be written.
pub fn describe(folder: &Path) -> Result<(), TrainingError> {
    papers::rewrite(folder)
}

/// An empty scratch folder.
fn emptied(scratch: &Path) -> Result<(), TrainingError> {
    if scratch.exists() {
        fs::remove_dir_all(scratch).map_err(TrainingError::io(scratch))?;
    }
    fs::create_dir_all(scratch).map_err(TrainingError::io(scratch))
}

/// `val` or `train`, by a hash of who it is about.
fn part(whom: &str) -> &'static str {
    let digest = crate::domain::Digest::of_parts([b"auscult own data".as_slice(), whom.as_bytes()]);
    let number = digest.as_bytes().iter().take(4).fold(0_u32, |sum, byte| (sum << 8) | u32::from(*byte));
    if number.is_multiple_of(VALIDATION_ONE_IN) { "val" } else { "train" }
}

/// The columns of a CSV or TSV file by name, in lower case.
struct Columns(Vec<String>);

impl Columns {
    fn of(reader: &mut csv::Reader<fs::File>, path: &Path) -> Result<Self, TrainingError> {
        let wrong = |error: csv::Error| TrainingError::Data(format!("{}: {error}", path.display()));
        let headers = reader.headers().map_err(wrong)?;
        Ok(Self(headers.iter().map(|name| name.trim().trim_start_matches('\u{feff}').to_lowercase()).collect()))
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|own| own == name)
    }

    /// A cell without surrounding space; nothing when the column or the value is missing.
    fn cell<'r>(&self, record: &'r csv::StringRecord, name: &str) -> Option<&'r str> {
        let at = self.0.iter().position(|own| own == name)?;
        record.get(at).map(str::trim).filter(|cell| !cell.is_empty())
    }
}

/// Opens a CSV (or, with a tab, a TSV) file.
fn table(path: &Path, delimiter: u8) -> Result<(csv::Reader<fs::File>, Columns), TrainingError> {
    let file = fs::File::open(path).map_err(TrainingError::io(path))?;
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(file);
    let columns = Columns::of(&mut reader, path)?;
    Ok((reader, columns))
}

/// An error about one line of a file, counted from 1 with the heading.
fn wrong(path: &Path, record: &csv::StringRecord, what: &str) -> TrainingError {
    let line = record.position().map_or(0, csv::Position::line);
    TrainingError::Data(format!("{}, line {line}: {what}", path.display()))
}

#[cfg(test)]
mod tests;
