//! How good a network is on a split: the report that `auscult evaluate --json` writes, that lies as `evaluation.json`
//! beside the weights and that the network's page shows.
//!
//! Contract: plain data, computed by `training::report` from served predictions only; a figure that could not be
//! computed is absent, never zero.

use crate::domain::ModelName;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fs, path::Path};

/// File name in a network's folder.
pub const FILE: &str = "evaluation.json";

/// Figures of one network on one split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The network.
    pub model: ModelName,
    /// Its version.
    pub version: String,
    /// `train`, `tune`, `validation` or `test`.
    pub split: String,
    /// Day of the evaluation (ISO 8601).
    pub date: String,
    /// `here`, or the address of the service that was asked.
    pub through: String,
    /// Number of cases asked about.
    pub n: usize,
    /// Number of them with the finding (mentions marked by people, for notes).
    pub positives: usize,
    /// Cases the network refused, by reason; they are left out of the metrics.
    pub refused: BTreeMap<String, usize>,
    /// Metric → value, keys as in `models/README.md`.
    pub metrics: BTreeMap<String, f64>,
    /// 95 % percentile-bootstrap intervals (resampling patients or documents), for metrics that have one.
    pub intervals: BTreeMap<String, [f64; 2]>,
    /// Reliability diagram, 15 bins of equal width, for networks with one binary finding.
    #[serde(default)]
    pub reliability: Vec<ReliabilityBin>,
    /// The same in ten groups of equal size, from the least probable to the most.
    #[serde(default)]
    pub deciles: Vec<ReliabilityBin>,
    /// Points of the ROC curve from (0, 0) to (1, 1): share of false alarms, sensitivity.
    #[serde(default)]
    pub roc: Vec<[f64; 2]>,
    /// Thresholds with what they would mean, rising; the one in use is marked.
    #[serde(default)]
    pub thresholds: Vec<ThresholdRow>,
    /// The same metrics in parts of the cases.
    #[serde(default)]
    pub subgroups: Vec<Subgroup>,
    /// What the conformal answers kept of their promise.
    #[serde(default)]
    pub conformal: Option<ConformalCheck>,
    /// True class (row) against the network's (column), for grades.
    #[serde(default)]
    pub confusion: Vec<Vec<usize>>,
    /// The worst mistakes, without patient data.
    #[serde(default)]
    pub failures: Vec<Failure>,
    /// Speed as measured on the evaluating machine.
    #[serde(default)]
    pub speed: Option<Speed>,
    /// Bytes of all files of the network.
    #[serde(default)]
    pub size_bytes: u64,
}

/// One bin of the reliability diagram.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// Lower edge of the bin.
    pub from: f64,
    /// Upper edge.
    pub to: f64,
    /// Cases in it.
    pub n: usize,
    /// Mean predicted probability.
    pub predicted: f64,
    /// Share of cases with the finding.
    pub observed: f64,
    /// 95 % Wilson interval of the share.
    pub interval: [f64; 2],
}

/// What a threshold would mean.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ThresholdRow {
    /// On the calibrated probability.
    pub threshold: f64,
    /// Whether it is the manifest's.
    pub in_use: bool,
    /// Share of those with the finding that get a card.
    pub sensitivity: f64,
    /// Share of those without that get none.
    pub specificity: f64,
    /// Share of cards that are right; absent when no card would appear.
    pub ppv: Option<f64>,
    /// Share of silences that are right.
    pub npv: Option<f64>,
    /// Cards per 100 patients.
    pub alerts_per_100: f64,
    /// Net benefit (Vickers & Elkin, Med Decis Making 2006;26:565) at this threshold.
    pub net_benefit: f64,
    /// Net benefit of a card for everybody at this threshold.
    pub net_benefit_all: f64,
}

/// Figures of a part of the cases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subgroup {
    /// What divides the cases, for example `age`.
    pub by: String,
    /// The part, for example `65 to 79`.
    pub group: String,
    /// Cases.
    pub n: usize,
    /// With the finding.
    pub positives: usize,
    /// Metrics.
    pub metrics: BTreeMap<String, f64>,
    /// 95 % bootstrap intervals.
    pub intervals: BTreeMap<String, [f64; 2]>,
}

/// Promise and performance of the conformal answers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ConformalCheck {
    /// Promised share of true answers among those that remain.
    pub promised: f64,
    /// Share found.
    pub covered: f64,
    /// 95 % Wilson interval of the share found.
    pub interval: [f64; 2],
    /// Share of cases in which the network cannot tell (or more than one grade remains).
    pub undecided: f64,
    /// Mean number of answers that remain.
    pub mean_size: f64,
}

/// A mistake worth knowing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The case by its number or file name in the public data.
    pub case: String,
    /// What was true.
    pub truth: String,
    /// What the network said.
    pub said: String,
}

/// How long it takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// Cases answered per second.
    pub cases_per_second: f64,
    /// Threads used.
    pub threads: usize,
}

impl Report {
    /// Reads `folder/evaluation.json`; nothing when there is none.
    ///
    /// # Errors
    /// A sentence when the file is there but cannot be read.
    pub fn load(folder: &Path) -> Result<Option<Self>, String> {
        let path = folder.join(FILE);
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|e| format!("{}: {e}", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("{}: {error}", path.display())),
        }
    }
}
