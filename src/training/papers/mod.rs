//! What lies beside the weights: `evaluation.json`, `learning-curve.svg`, `MODEL_CARD.md` and, last, `manifest.toml`.
//!
//! Contract: every figure is taken from the report; words come from the network's own module. The manifest is written
//! last, so a folder with half of its papers does not load.
//!
//! ```no_run
//! # use auscult::{domain::Clock, models::{Manifest, Model}, training::{papers::{self, CardText, Papers}, report::{self, Asked}, trial::Trial}};
//! # use auscult::training::{Best, Split, TrainingError};
//! # fn example(out: &std::path::Path, model: &dyn Model, validation: &[Trial], best: &Best, clock: &dyn Clock) -> Result<(), TrainingError> {
//! // `model` was loaded with the manifest that has its calibration, thresholds and limits (all fitted on `tune`).
//! let manifest = model.manifest().clone();
//! let (answers, speed) = report::ask(model, validation, 32, &|_| ())?;
//! let asked = Asked { speed: Some(speed), ..Asked::new(&manifest, out, Split::Validation, clock.now().date()) };
//! let mut report = report::score(&asked, validation, &answers)?;
//! report.metrics.insert("auroc_shifted".into(), 0.97); // whatever else was measured on validation
//! let card = CardText { details: "A small network …".into(), ..CardText::default() };
//! let attributes = [("funding", "none"), ("sensitive-inputs", "age and sex are inputs")];
//! let papers = Papers { folder: out, manifest, card: &card, attributes: &attributes, report, curve: &best.curve, curve_metric: "AUROC" };
//! papers::finish(papers)?;
//! # Ok(()) }
//! ```

mod attributes;
mod card;

use super::{EpochLine, TrainingError};
use crate::{
    explain::charts::{self, CurvePoint},
    models::{
        Manifest,
        evaluation::{self, Report},
        explained,
        manifest::Evaluation,
    },
};
use std::{fs, path::Path};

/// The prose of a model card, Markdown, one field per section of Mitchell et al., "Model Cards for Model Reporting",
/// FAT* 2019. What is left empty says "unknown". Intended use comes from the manifest, figures from the report.
#[derive(Debug, Clone, Default)]
pub struct CardText {
    /// Model details: how the network works.
    pub details: String,
    /// Factors: groups, instruments and environments that matter, and which were looked at.
    pub factors: String,
    /// Metrics: why these, how thresholds were chosen.
    pub metrics: String,
    /// Evaluation data: which, why, how prepared.
    pub evaluation_data: String,
    /// Training data.
    pub training_data: String,
    /// Remarks before the generated tables of the quantitative analyses; may stay empty.
    pub analyses: String,
    /// Ethical considerations.
    pub ethics: String,
    /// Caveats and recommendations.
    pub caveats: String,
}

/// Everything that is written beside the weights.
#[derive(Debug)]
pub struct Papers<'a> {
    /// The network's folder; its files are already there.
    pub folder: &'a Path,
    /// Calibrated, with thresholds and limits; `attributes` and `evaluation` are filled in here.
    pub manifest: Manifest,
    /// The card's prose.
    pub card: &'a CardText,
    /// Texts of the source attributes, by the keys of [`crate::models::attributes::ATTRIBUTES`]. What is left out is
    /// computed from the report, taken from the manifest, or `unknown`.
    pub attributes: &'a [(&'a str, &'a str)],
    /// Figures on validation.
    pub report: Report,
    /// The learning curve, `Best::curve`.
    pub curve: &'a [EpochLine],
    /// What the curve's metric is called.
    pub curve_metric: &'a str,
}

/// Writes the papers; gives back the manifest as written.
///
/// # Errors
/// [`TrainingError`] when the report is not of validation, an attribute is not known or a file cannot be written.
pub fn finish(papers: Papers<'_>) -> Result<Manifest, TrainingError> {
    let Papers { folder, mut manifest, card, attributes, report, curve, curve_metric } = papers;
    if report.split != "validation" {
        return Err(TrainingError::Data(format!("the papers need figures on validation, not {}", report.split)));
    }
    manifest.attributes = attributes::complete(attributes, &manifest, &report)?;
    measured_labels(&mut manifest, &report);
    let figures = Evaluation {
        n: report.n,
        positives: report.positives,
        metrics: report.metrics.clone(),
        intervals: report.intervals.clone(),
    };
    manifest.evaluation.insert(report.split.clone(), figures);
    let json = serde_json::to_string_pretty(&report).map_err(|error| TrainingError::Data(error.to_string()))?;
    put(folder, evaluation::FILE, &format!("{json}\n"))?;
    put(folder, CURVE, &learning_curve(curve, curve_metric, Some(manifest.provenance.epoch)))?;
    put(folder, "MODEL_CARD.md", &card::text(&manifest, card, &report))?;
    // Measured of other weights; `auscult evaluate --explanations` writes them anew.
    match fs::remove_file(folder.join(explained::FILE)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(TrainingError::io(&folder.join(explained::FILE))(error));
        }
        _ => manifest.save(folder)?,
    }
    Ok(manifest)
}

/// File name of the learning curve, in a network's folder and in a checkpoint's.
pub const CURVE: &str = "learning-curve.svg";

/// The learning curve as a picture.
#[must_use]
pub fn learning_curve(curve: &[EpochLine], metric: &str, chosen: Option<usize>) -> String {
    let point = |line: &EpochLine| CurvePoint { epoch: line.epoch, loss: line.loss, metric: line.metric };
    charts::learning_curve(&curve.iter().map(point).collect::<Vec<_>>(), metric, chosen)
}

fn put(folder: &Path, file: &str, text: &str) -> Result<(), TrainingError> {
    let path = folder.join(file);
    fs::write(&path, text).map_err(TrainingError::io(&path))
}

/// The figures at each label's threshold, as validation found them (thresholds are fitted on `tune`).
fn measured_labels(manifest: &mut Manifest, report: &Report) {
    let only = manifest.labels.len() == 1 || !report.thresholds.is_empty();
    for (index, label) in manifest.labels.iter_mut().enumerate() {
        let name = label.name.to_lowercase();
        let find = |keys: &[String]| keys.iter().find_map(|key| report.metrics.get(key)).copied();
        let plain = |key: &str| if only && index == 0 { vec![key.to_owned(), format!("oa_{key}")] } else { Vec::new() };
        let keys = |key: &str, of_spans: &str| [vec![format!("{of_spans}_{name}")], plain(key)].concat();
        label.sensitivity = find(&keys("sensitivity", "recall")).unwrap_or(label.sensitivity);
        label.ppv = find(&keys("ppv", "precision")).unwrap_or(label.ppv);
        label.alerts_per_100 = find(&keys("alerts_per_100", "alerts")).unwrap_or(label.alerts_per_100);
    }
}

#[cfg(test)]
mod tests;
