//! A folder of images: one subfolder per label, or `labels.csv` with `file,label` and, if known, `patient` and `side`.
//!
//! Contract: PNG or JPEG of any size. Films with the same pixels are one film. Without a patient every film is taken for
//! a patient of its own: say `patient` when somebody has several, or they end up on both sides of the split.

use super::{Columns, emptied, part, table, wrong};
use crate::{domain::Digest, training::TrainingError};
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// Greatest size of one film's file, in bytes.
const FILE_MAX: u64 = 16 << 20;

/// What the labels of a network are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Labels {
    /// This finding, or not.
    Finding(&'static str),
    /// Grades from 0, so many.
    Grades(usize),
}

/// One film.
struct Film {
    path: PathBuf,
    label: String,
    patient: Option<String>,
    side: Option<String>,
    /// Where it is named, for errors.
    place: String,
}

/// Rewrites the images as `labels.csv` and `train.zip`; says whether there was anything to rewrite.
///
/// # Errors
/// [`TrainingError`] when a file cannot be read, is no image, or a label is not known.
pub fn prepare(data: &Path, scratch: &Path, labels: Labels) -> Result<bool, TrainingError> {
    let films = match listed(data)? {
        Listed::Published => return Ok(false),
        Listed::Films(films) => films,
        Listed::Nothing => return Ok(false),
    };
    emptied(scratch)?;
    let path = scratch.join("train.zip");
    let mut archive = ZipWriter::new(File::create(&path).map_err(TrainingError::io(&path))?);
    let broken = |error: zip::result::ZipError| TrainingError::Data(format!("{}: {error}", path.display()));
    let mut rows = String::from("file,official_split,label,subtype,patient_key,pixel_md5,kl_grade,patient_id,side\n");
    for (number, film) in films.iter().enumerate() {
        let (bytes, pixels) = image(film)?;
        let (label, grade) = label(film, labels)?;
        let name = format!("{number:06}.{}", extension(&film.path).unwrap_or_default());
        // Names of patients may hold anything; their digests keep films together as well and say nothing.
        let whose =
            film.patient.as_ref().map_or_else(|| pixels.clone(), |patient| Digest::of(patient.as_bytes()).to_string());
        let side = film.side.as_deref().map_or("", side);
        rows.push_str(&format!("{name},{},{label},,{whose},{pixels},{grade},{whose},{side}\n", part(&whose)));
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        archive.start_file(&name, options).map_err(broken)?;
        archive.write_all(&bytes).map_err(TrainingError::io(&path))?;
    }
    archive.finish().map_err(broken)?;
    let path = scratch.join("labels.csv");
    fs::write(&path, rows).map_err(TrainingError::io(&path))?;
    Ok(true)
}

enum Listed {
    Published,
    Films(Vec<Film>),
    Nothing,
}

fn listed(data: &Path) -> Result<Listed, TrainingError> {
    let path = data.join("labels.csv");
    if path.is_file() {
        let (mut reader, columns) = table(&path, b',')?;
        if ["patient_key", "kl_grade"].iter().any(|name| columns.has(name)) {
            return Ok(Listed::Published);
        }
        let films: Result<Vec<Film>, TrainingError> = reader
            .records()
            .map(|record| {
                let record = record.map_err(|error| TrainingError::Data(format!("{}: {error}", path.display())))?;
                row(data, &path, &columns, &record)
            })
            .collect();
        return Ok(Listed::Films(films?));
    }
    let mut films = Vec::new();
    for folder in sorted(data)?.into_iter().filter(|path| path.is_dir()) {
        let label = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        for path in sorted(&folder)?.into_iter().filter(|path| extension(path).is_some()) {
            let place = path.display().to_string();
            films.push(Film { path, label: label.clone(), patient: None, side: None, place });
        }
    }
    Ok(if films.is_empty() { Listed::Nothing } else { Listed::Films(films) })
}

fn row(data: &Path, path: &Path, columns: &Columns, record: &csv::StringRecord) -> Result<Film, TrainingError> {
    let cell = |name: &str| columns.cell(record, name).map(str::to_owned);
    let file = cell("file").ok_or_else(|| wrong(path, record, "there is no `file`"))?;
    let inside = !file.starts_with('/') && !file.split('/').any(|part| part == "..");
    if !inside {
        return Err(wrong(path, record, "`file` leads out of the folder"));
    }
    Ok(Film {
        path: data.join(file),
        label: cell("label").ok_or_else(|| wrong(path, record, "there is no `label`"))?,
        patient: cell("patient"),
        side: cell("side"),
        place: format!("{}, line {}", path.display(), record.position().map_or(0, csv::Position::line)),
    })
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>, TrainingError> {
    let entries = fs::read_dir(folder).map_err(TrainingError::io(folder))?;
    let paths: BTreeSet<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    Ok(paths.into_iter().collect())
}

/// `png` or `jpg`.
fn extension(path: &Path) -> Option<&'static str> {
    match path.extension()?.to_str()?.to_lowercase().as_str() {
        "png" => Some("png"),
        "jpg" | "jpeg" => Some("jpg"),
        _ => None,
    }
}

/// The file's bytes, and a name for its pixels.
fn image(film: &Film) -> Result<(Vec<u8>, String), TrainingError> {
    let size = fs::metadata(&film.path).map_err(TrainingError::io(&film.path))?.len();
    if size > FILE_MAX {
        return Err(TrainingError::Data(format!("{}: the file has over {} MB", film.place, FILE_MAX >> 20)));
    }
    let bytes = fs::read(&film.path).map_err(TrainingError::io(&film.path))?;
    let decoded = image::load_from_memory(&bytes)
        .map_err(|error| TrainingError::Data(format!("{}: no PNG or JPEG: {error}", film.place)))?
        .to_luma8();
    let size = format!("{}x{}", decoded.width(), decoded.height());
    Ok((bytes, Digest::of_parts([size.as_bytes(), decoded.as_raw().as_slice()]).to_string()))
}

/// The label as the published layouts write it: `PNEUMONIA` or `NORMAL`, and the grade.
fn label(film: &Film, labels: Labels) -> Result<(&'static str, usize), TrainingError> {
    let said = film.label.to_lowercase();
    match labels {
        Labels::Finding(finding) => match said.as_str() {
            "yes" | "1" | "true" | "positive" => Ok(("PNEUMONIA", 0)),
            other if other == finding => Ok(("PNEUMONIA", 0)),
            "no" | "0" | "false" | "negative" | "normal" => Ok(("NORMAL", 0)),
            _ => Err(TrainingError::Data(format!("{}: the label is neither `{finding}` nor `normal`", film.place))),
        },
        Labels::Grades(count) => {
            let grade = said.parse::<usize>().ok().filter(|grade| *grade < count);
            let grade = grade.ok_or_else(|| {
                TrainingError::Data(format!("{}: the label is no grade from 0 to {}", film.place, count - 1))
            })?;
            Ok(("", grade))
        }
    }
}

/// `L`, `R`, or nothing.
fn side(said: &str) -> &'static str {
    match said.to_lowercase().as_str() {
        "l" | "left" => "L",
        "r" | "right" => "R",
        _ => "",
    }
}
