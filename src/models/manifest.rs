//! The paper a network comes with: `models/<name>/manifest.toml`.
//!
//! Contract: written by `auscult train` and `auscult evaluate`, never by hand; read strictly. A folder whose files,
//! labels or figures disagree with its manifest does not load.

use crate::domain::{Answer, Certainty, Digest, ModelName};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// What is wrong with a model folder.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The TOML does not fit the manifest's form.
    #[error("{path}: {reason}")]
    Form {
        /// The manifest.
        path: PathBuf,
        /// What does not fit, with the line where known.
        reason: String,
    },
    /// The network has no figures on validation.
    #[error(
        "{name} was never evaluated here, so it is not served: `auscult calibrate {name} --data DIR` calibrates and measures it"
    )]
    Unevaluated {
        /// The network.
        name: ModelName,
    },
    /// A file differs from the one the manifest was written for.
    #[error("{path}: its digest is {found}, but the manifest says {stated}")]
    Digest {
        /// The file.
        path: PathBuf,
        /// Digest of the file as it is.
        found: Digest,
        /// Digest in the manifest.
        stated: Digest,
    },
}

/// What kind of input a network reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// One film.
    Image,
    /// Vitals and labs over time.
    Sequence,
    /// Clinical notes.
    Notes,
}

/// A network's papers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The folder's name.
    pub name: ModelName,
    /// Version of the trained network, semantic versioning.
    pub version: String,
    /// The network in a few words, for example `Pneumonia on a frontal chest film`.
    pub title: String,
    /// Kind of input.
    pub kind: Kind,
    /// Name of the architecture in the registry (`models::registry`).
    pub architecture: String,
    /// What it is for, in one or two sentences.
    pub intended_use: String,
    /// Populations, settings and inputs it is not for.
    pub not_for: Vec<String>,
    /// Every file of the folder that decides the answer, with its digest: weights first, then tokenizer and tables.
    pub files: Vec<FileDigest>,
    /// Hyper-parameters and input contract; the architecture checks it.
    pub input: toml::Table,
    /// The outputs, in the order of the network's last layer.
    pub labels: Vec<Label>,
    /// How raw scores become probabilities.
    pub calibration: Calibration,
    /// Where the weights came from.
    pub provenance: Provenance,
    /// The 31 source attributes of 45 CFR 170.315(b)(11)(iv)(B), by the keys of [`super::attributes::ATTRIBUTES`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
    /// How good it is, per split; `validation` is always there.
    pub evaluation: BTreeMap<String, Evaluation>,
}

/// A file and its digest.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileDigest {
    /// File name inside the folder.
    pub file: String,
    /// SHA-256.
    pub digest: Digest,
}

/// One output with the threshold at which a card appears.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// Its name, used in cards and definitions.
    pub name: String,
    /// Threshold on the calibrated probability.
    pub threshold: f64,
    /// How the threshold was chosen, for example `sensitivity at least 0.90 on validation`.
    pub policy: String,
    /// Sensitivity at the threshold on validation.
    pub sensitivity: f64,
    /// Positive predictive value at the threshold on validation.
    pub ppv: f64,
    /// Cards to expect per 100 patients like those of validation.
    pub alerts_per_100: f64,
    /// Limits of the conformal answer, fitted on the split `tune`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conformal: Option<Conformal>,
}

impl Label {
    /// A label before its threshold is chosen: one half, and no figures yet.
    #[must_use]
    pub fn open(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            threshold: 0.5,
            policy: String::new(),
            sensitivity: 0.0,
            ppv: 0.0,
            alerts_per_100: 0.0,
            conformal: None,
        }
    }

    /// Which answers remain possible at this calibrated probability.
    #[must_use]
    pub fn certainty(&self, probability: f64) -> Option<Certainty> {
        self.conformal.map(|limits| limits.certainty(probability))
    }
}

/// Class-conditional split-conformal limits (Vovk 2012, "Conditional validity of inductive conformal predictors"):
/// of cases with the finding, `coverage` have a probability of at least `yes_from`; of those without, `coverage` one of at
/// most `no_to`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conformal {
    /// The promise, for each class: kept with a probability of 0.90 over the draw of the cases the limits were fitted on.
    pub coverage: f64,
    /// From this probability on "it is there" remains possible.
    pub yes_from: f64,
    /// Up to this probability "it is not there" remains possible.
    pub no_to: f64,
}

impl Conformal {
    /// Which answers remain possible. Where neither is usual the network cannot tell either.
    #[must_use]
    pub fn certainty(self, probability: f64) -> Certainty {
        let answer = match (probability >= self.yes_from, probability <= self.no_to) {
            (true, false) => Answer::Yes,
            (false, true) => Answer::No,
            (true, true) | (false, false) => Answer::Either,
        };
        Certainty { answer, coverage: self.coverage }
    }
}

/// Platt scaling: probability = sigmoid(`slope` × score + `intercept`), fitted on validation data
/// (Platt 1999; slope alone is temperature scaling, Guo et al., ICML 2017).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Slope on the raw score.
    pub slope: f64,
    /// Intercept.
    pub intercept: f64,
    /// Expected calibration error (15 equal-width bins) after fitting, on the data it was fitted on.
    pub ece: f64,
    /// Brier score after fitting, on the same data.
    pub brier: f64,
}

impl Calibration {
    /// Raw scores taken as log odds, before anything is fitted.
    pub const IDENTITY: Self = Self { slope: 1.0, intercept: 0.0, ece: 0.0, brier: 0.0 };

    /// The calibrated probability of a raw score.
    #[must_use]
    pub fn probability(&self, score: f64) -> f64 {
        1.0 / (1.0 + (-(self.slope * score + self.intercept)).exp())
    }
}

/// Where the weights came from.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// The data in words, with counts.
    pub data: String,
    /// Ages of the people in the data, from (inclusive) to (exclusive), in years; absent when not known or of no concern.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ages: Option<[f64; 2]>,
    /// Licence of the data.
    pub licence: String,
    /// Citation of the data.
    pub citation: String,
    /// Where the public finds it.
    pub source: String,
    /// The command that trains it.
    pub command: String,
    /// Seed of everything random.
    pub seed: u64,
    /// Epoch whose weights were kept.
    pub epoch: usize,
    /// Date of training (ISO 8601).
    pub date: String,
}

/// Figures on one split.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// Number of cases (films, stays, sentences).
    pub n: usize,
    /// Number of them with the finding (positive cases, or mentions for notes).
    pub positives: usize,
    /// Metric → value; keys as in `models/README.md` (`auroc`, `accuracy`, `auprc`, `event1`, `f1`, `brier`, `ece` …).
    pub metrics: BTreeMap<String, f64>,
    /// 95 % bootstrap intervals of the metrics that have one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub intervals: BTreeMap<String, [f64; 2]>,
}

impl Manifest {
    /// Reads `folder/manifest.toml` and checks every file's digest. Only a network that was evaluated loads.
    ///
    /// # Errors
    /// [`ManifestError`] when a file is missing, a digest differs, the form is wrong or there are no figures.
    pub fn load(folder: &Path) -> Result<Self, ManifestError> {
        let manifest = Self::open(folder)?;
        if manifest.evaluation.contains_key("validation") {
            return Ok(manifest);
        }
        Err(ManifestError::Unevaluated { name: manifest.name })
    }

    /// The same for a network that may not have been evaluated yet (imported weights): to calibrate it, not to serve it.
    ///
    /// # Errors
    /// As [`Manifest::load`], figures aside.
    pub fn open(folder: &Path) -> Result<Self, ManifestError> {
        let path = folder.join("manifest.toml");
        let text = fs::read_to_string(&path).map_err(|source| ManifestError::Io { path: path.clone(), source })?;
        let manifest: Self = toml::from_str(&text)
            .map_err(|error| ManifestError::Form { path: path.clone(), reason: error.to_string() })?;
        manifest.check(folder, &path)?;
        Ok(manifest)
    }

    /// Writes `folder/manifest.toml`.
    ///
    /// # Errors
    /// [`ManifestError::Io`] when the file cannot be written.
    pub fn save(&self, folder: &Path) -> Result<(), ManifestError> {
        let path = folder.join("manifest.toml");
        let text = toml::to_string(self)
            .map_err(|error| ManifestError::Form { path: path.clone(), reason: error.to_string() })?;
        let header = "# Written by `auscult train` and `auscult evaluate`. Do not edit: the service compares it with the files beside it.\n\n";
        fs::write(&path, format!("{header}{text}")).map_err(|source| ManifestError::Io { path, source })
    }

    /// Digest of the manifest itself: names the network, its calibration and its thresholds in the record.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&serde_json::to_vec(self).unwrap_or_default())
    }

    /// The first file: the weights.
    #[must_use]
    pub fn weights(&self, folder: &Path) -> PathBuf {
        folder.join(self.files.first().map_or("weights.safetensors", |file| file.file.as_str()))
    }

    fn check(&self, folder: &Path, path: &Path) -> Result<(), ManifestError> {
        let form = |reason: String| ManifestError::Form { path: path.to_owned(), reason };
        if folder.file_name().and_then(|name| name.to_str()) != Some(self.name.as_str()) {
            return Err(form(format!("the folder is not called `{}`", self.name)));
        }
        if self.labels.is_empty() || self.files.is_empty() {
            return Err(form("a network needs at least one label and one file".into()));
        }
        if let Some(problem) = super::attributes::problems(&self.attributes).into_iter().next() {
            return Err(form(problem));
        }
        for label in &self.labels {
            if !(label.threshold > 0.0 && label.threshold < 1.0) {
                return Err(form(format!("the threshold of `{}` is not between 0 and 1", label.name)));
            }
        }
        if !(self.calibration.slope.is_finite()
            && self.calibration.slope > 0.0
            && self.calibration.intercept.is_finite())
        {
            return Err(form("the calibration needs a positive slope and a finite intercept".into()));
        }
        self.files.iter().try_for_each(|file| file.check(folder))
    }
}

impl FileDigest {
    /// The entry for a file that is there now.
    ///
    /// # Errors
    /// [`ManifestError::Io`] when it cannot be read.
    pub fn of(folder: &Path, file: &str) -> Result<Self, ManifestError> {
        let path = folder.join(file);
        let bytes = fs::read(&path).map_err(|source| ManifestError::Io { path, source })?;
        Ok(Self { file: file.to_owned(), digest: Digest::of(&bytes) })
    }

    fn check(&self, folder: &Path) -> Result<(), ManifestError> {
        let found = Self::of(folder, &self.file)?.digest;
        if found == self.digest {
            return Ok(());
        }
        Err(ManifestError::Digest { path: folder.join(&self.file), found, stated: self.digest })
    }
}
