//! Text with labels: `*.jsonl` with `text` and `labels`, or `*.tsv` with the columns `text` and `labels` (parted by `;`);
//! `patient` and `keywords` if known.
//!
//! Contract: texts of one patient are on one side of the split; without a patient every text is its own. A text without
//! a label is kept: it is about none of the topics.

use super::{emptied, part, table, wrong};
use crate::{domain::Digest, training::TrainingError};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

#[derive(Deserialize)]
struct Own {
    text: String,
    labels: Vec<String>,
    #[serde(default)]
    patient: Option<String>,
    #[serde(default)]
    keywords: Vec<String>,
}

/// As the published layout writes it.
#[derive(Serialize)]
struct Row<'a> {
    sample_id: usize,
    text: &'a str,
    specialties: &'a [String],
    keywords: &'a [String],
    split: &'a str,
}

/// Rewrites the texts as `own.jsonl`; says whether there was anything to rewrite.
///
/// # Errors
/// [`TrainingError`] when a file or a line is not understood.
pub fn prepare(data: &Path, scratch: &Path) -> Result<bool, TrainingError> {
    let entries = fs::read_dir(data).map_err(TrainingError::io(data))?;
    let files: BTreeSet<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    let ends = |path: &&PathBuf, end: &str| path.extension().is_some_and(|own| own == end);
    let mut texts = Vec::new();
    for path in files.iter().filter(|path| ends(path, "jsonl")) {
        texts.extend(lines(path)?);
    }
    for path in files.iter().filter(|path| ends(path, "tsv")) {
        texts.extend(rows(path)?);
    }
    if texts.is_empty() {
        return Ok(false);
    }
    emptied(scratch)?;
    let mut out = String::new();
    for (index, own) in texts.iter().enumerate() {
        let whose = own.patient.clone().unwrap_or_else(|| Digest::of(own.text.as_bytes()).to_string());
        let split = if part(&whose) == "val" { "dev" } else { "train" };
        let row =
            Row { sample_id: index + 1, text: &own.text, specialties: &own.labels, keywords: &own.keywords, split };
        out.push_str(&serde_json::to_string(&row).map_err(|error| TrainingError::Data(error.to_string()))?);
        out.push('\n');
    }
    let path = scratch.join("own.jsonl");
    fs::write(&path, out).map_err(TrainingError::io(&path))?;
    Ok(true)
}

/// A JSON object per line; nothing when the file is of the published layout.
fn lines(path: &Path) -> Result<Vec<Own>, TrainingError> {
    let text = fs::read_to_string(path).map_err(TrainingError::io(path))?;
    let full = || text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let published = full().next().is_some_and(|(_, line)| line.contains("\"specialties\""));
    if published {
        return Ok(Vec::new());
    }
    let one = |(index, line): (usize, &str)| {
        // serde's own words may hold parts of the text, which is about a patient.
        serde_json::from_str(line).map_err(|_| {
            TrainingError::Data(format!("{}, line {}: no object with `text` and `labels`", path.display(), index + 1))
        })
    };
    full().map(one).collect()
}

fn rows(path: &Path) -> Result<Vec<Own>, TrainingError> {
    let (mut reader, columns) = table(path, b'\t')?;
    if !(columns.has("text") && columns.has("labels")) {
        return Ok(Vec::new());
    }
    let parts = |cell: Option<&str>| -> Vec<String> {
        let parts = cell.unwrap_or_default().split(';').map(str::trim).filter(|one| !one.is_empty());
        parts.map(str::to_owned).collect()
    };
    let mut found = Vec::new();
    for record in reader.records() {
        let record = record
            .map_err(|_| TrainingError::Data(format!("{}: a line has another number of columns", path.display())))?;
        let text = columns.cell(&record, "text").ok_or_else(|| wrong(path, &record, "there is no `text`"))?;
        found.push(Own {
            text: text.to_owned(),
            labels: parts(columns.cell(&record, "labels")),
            patient: columns.cell(&record, "patient").map(str::to_owned),
            keywords: parts(columns.cell(&record, "keywords")),
        });
    }
    Ok(found)
}
