//! MTSamples: transcribed reports with all their specialties and key phrases, one JSON object per line.
//!
//! Contract: a text belongs to one split whatever it is labelled with; only the labels of [`TOPICS`] are kept.

use crate::{
    domain::{Digest, ModelInput, Note, Phi, SourceRef},
    models::notes::heads::phrases::key,
    training::{
        Split, TrainingError,
        trial::{Trial, Truth},
    },
};
use flate2::read::GzDecoder;
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

/// The specialties with at least 40 reports, as [`slug`] writes them.
pub const TOPICS: [&str; 21] = [
    "cardiovascular-pulmonary",
    "consult-history-and-phy",
    "discharge-summary",
    "ent-otolaryngology",
    "emergency-room-reports",
    "gastroenterology",
    "general-medicine",
    "hematology-oncology",
    "nephrology",
    "neurology",
    "neurosurgery",
    "obstetrics-gynecology",
    "ophthalmology",
    "orthopedic",
    "pain-management",
    "pediatrics-neonatal",
    "psychiatry-psychology",
    "radiology",
    "soap-chart-progress-notes",
    "surgery",
    "urology",
];
/// One in this many training reports is for tuning: chosen by the text's digest.
const TUNE_ONE_IN: u8 = 8;

/// One report.
#[derive(Debug, Clone)]
pub struct Report {
    /// Number in the collection.
    pub name: String,
    /// The report.
    pub text: String,
    /// Its labels among [`TOPICS`].
    pub topics: BTreeSet<&'static str>,
    /// Its key phrases as [`key`] writes them.
    pub phrases: BTreeSet<String>,
    /// Where it belongs.
    pub split: Split,
    /// The first bytes of its text's digest: what folds are cut by.
    pub lot: u8,
}

#[derive(Deserialize)]
struct Row {
    sample_id: serde_json::Value,
    text: String,
    #[serde(default)]
    specialties: Vec<String>,
    #[serde(default)]
    keywords: Vec<String>,
    #[serde(default)]
    split: Option<String>,
}

/// A specialty as a label: lower case, words joined by hyphens.
#[must_use]
pub fn slug(specialty: &str) -> String {
    let words = specialty.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}

/// Every report of every `*.jsonl` and `*.jsonl.gz` in `folder`, in order, each text once.
///
/// # Errors
/// [`TrainingError`] when there is none or one cannot be read.
pub fn read(folder: &Path) -> Result<Vec<Report>, TrainingError> {
    let listed = fs::read_dir(folder).map_err(TrainingError::io(folder))?;
    let mut files: Vec<PathBuf> = listed.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.to_string_lossy().ends_with(".jsonl") || path.to_string_lossy().ends_with(".jsonl.gz"));
    files.sort();
    let (mut reports, mut seen) = (Vec::new(), BTreeSet::new());
    for path in &files {
        let file = fs::File::open(path).map_err(TrainingError::io(path))?;
        let packed = path.extension().is_some_and(|end| end == "gz");
        let reader: Box<dyn Read> = if packed { Box::new(GzDecoder::new(file)) } else { Box::new(file) };
        for line in BufReader::new(reader).lines() {
            let line = line.map_err(TrainingError::io(path))?;
            if line.trim().is_empty() {
                continue;
            }
            let wrong = |error: serde_json::Error| TrainingError::Data(format!("{}: {error}", path.display()));
            let report = report(serde_json::from_str(&line).map_err(wrong)?, path);
            if seen.insert(Digest::of(report.text.as_bytes()).to_string()) {
                reports.push(report);
            }
        }
    }
    if reports.is_empty() {
        return Err(TrainingError::Data(format!("{}: no reports in *.jsonl or *.jsonl.gz here", folder.display())));
    }
    Ok(reports)
}

fn report(row: Row, path: &Path) -> Report {
    let lot = u8::from_str_radix(&Digest::of(row.text.as_bytes()).to_string()[7..9], 16).unwrap_or(0);
    let file = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let split = match row.split.as_deref().unwrap_or(if file.starts_with("test") { "test" } else { "train" }) {
        "test" => Split::Test,
        "dev" | "devel" | "val" | "validation" => Split::Validation,
        _ if lot.is_multiple_of(TUNE_ONE_IN) => Split::Tune,
        _ => Split::Train,
    };
    let slugs: BTreeSet<String> = row.specialties.iter().map(|one| slug(one)).collect();
    Report {
        name: row.sample_id.to_string().trim_matches('"').to_owned(),
        topics: TOPICS.into_iter().filter(|topic| slugs.contains(*topic)).collect(),
        phrases: row.keywords.iter().map(|one| key(one)).filter(|one| !one.is_empty()).collect(),
        text: row.text,
        split,
        lot,
    }
}

/// A report as a note of a chart.
#[must_use]
pub fn note(text: &str) -> Note {
    let source = SourceRef {
        reference: "DocumentReference/1".into(),
        version: None,
        last_updated: None,
        key: "notes".into(),
        digest: Digest::of(text.as_bytes()),
    };
    Note { text: Phi::new(text.to_owned()), source, title: None, code: None, time: None }
}

/// The cases of a split.
///
/// # Errors
/// [`TrainingError`] when the data cannot be read or the split is empty.
pub fn trials(data: &Path, split: Split) -> Result<Vec<Trial>, TrainingError> {
    let trial = |report: Report| Trial {
        name: report.name.clone(),
        cluster: report.name,
        input: ModelInput::Notes(vec![note(&report.text)]),
        truth: Truth::Topics(report.topics.iter().map(|topic| (*topic).to_owned()).collect()),
        groups: BTreeMap::from([("length".to_owned(), length(&report.text).to_owned())]),
    };
    let trials: Vec<Trial> = read(data)?.into_iter().filter(|report| report.split == split).map(trial).collect();
    if trials.is_empty() {
        return Err(TrainingError::Data(format!("{}: no report of the split {split}", data.display())));
    }
    Ok(trials)
}

fn length(text: &str) -> &'static str {
    match text.split_whitespace().count() {
        0..250 => "under 250 words",
        250..500 => "250 to 499 words",
        500..750 => "500 to 749 words",
        _ => "750 words and more",
    }
}

#[cfg(test)]
mod tests {
    use super::{TOPICS, read, slug, trials};
    use crate::training::{Split, trial::Truth};
    use std::{collections::BTreeSet, fs};

    #[test]
    fn a_text_is_read_once_and_its_labels_become_slugs() {
        assert_eq!(slug("SOAP / Chart / Progress Notes"), "soap-chart-progress-notes");
        assert_eq!(slug("Consult - History and Phy."), "consult-history-and-phy");
        assert_eq!(TOPICS.iter().collect::<BTreeSet<_>>().len(), 21);
        let folder = tempfile::tempdir().unwrap();
        let row = r#"{"sample_id": 7, "text": "Chest pain.", "specialties": ["Cardiovascular / Pulmonary", "Dentistry"], "keywords": ["Chest  Pain", ""], "split": "dev"}"#;
        fs::write(folder.path().join("a.jsonl"), format!("{row}\n{row}\n\n")).unwrap();
        fs::write(folder.path().join("test.jsonl"), r#"{"sample_id": "x", "text": "Cough."}"#).unwrap();
        let all = read(folder.path()).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].phrases.iter().collect::<Vec<_>>(), ["chest pain"]);
        let validation = trials(folder.path(), Split::Validation).unwrap();
        assert_eq!(validation[0].truth, Truth::Topics(vec!["cardiovascular-pulmonary".into()]));
        assert_eq!(trials(folder.path(), Split::Test).unwrap()[0].name, "x");
        assert!(trials(folder.path(), Split::Train).is_err());
    }
}
