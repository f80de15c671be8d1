//! From trained weights to a finished folder: limit of familiarity on `tune`, calibration, threshold and conformal limits
//! on `tune` or on cross-fitted scores, figures on `validation`, papers.
//!
//! Contract: nothing here looks at validation before everything is fitted; also finishes a network whose weights came
//! from elsewhere (`auscult import keras`).

use super::{LABEL, Stay, WEIGHTS, answered, golden, papers, trials};
use crate::{
    domain::{Clock, Course},
    models::{
        Manifest, Model as _,
        familiarity::{self, Space},
        manifest::FileDigest,
        mortality::Mortality,
    },
    training::{
        EpochLine, Split, TrainingError, calibration, conformal, keras, metrics,
        papers::{self as common, Papers},
        report::{self, Asked},
        trial::Trial,
    },
};
use candle_core::Device;
use std::{collections::BTreeMap, path::Path};

/// A card should be right at least this often.
const PPV_MIN: f64 = 0.40;
/// Coverage sought by the conformal answer, for each class; promised is a little less, by how few cases it rests on.
const COVERAGE: f64 = 0.90;
/// Share of the stays of `tune` that lie within the limit of familiarity: nearly all, because the sickest lie furthest out
/// and should be the last to be refused.
const FAMILIAR: f64 = 0.995;
/// Stays per batch.
const BATCH: usize = 64;

/// The stays by what they are used for.
pub struct Stays {
    /// For the familiar space.
    pub train: Vec<Stay>,
    /// For everything that is chosen.
    pub tune: Vec<Stay>,
    /// For the figures.
    pub validation: Vec<Stay>,
}

/// Scores to calibrate on.
pub struct Judged {
    /// Raw scores and outcomes.
    pub scored: (Vec<f64>, Vec<bool>),
    /// Where they come from, in words.
    pub on: &'static str,
}

/// Fits everything that stands beside the weights and writes it; calibrates on `tune` when nothing else is `judged`.
///
/// # Errors
/// [`TrainingError`] when the folder does not fit, the scores allow no calibration or a file cannot be written.
pub fn finish(
    out: &Path,
    manifest: Manifest,
    stays: &Stays,
    judged: Option<Judged>,
    curve: &[EpochLine],
    clock: &dyn Clock,
) -> Result<(), TrainingError> {
    let manifest = familiar(out, manifest, stays)?;
    let judged = match judged {
        Some(judged) => judged,
        None => {
            let scored = answered(&Mortality::load(out, manifest.clone())?, &stays.tune)?;
            Judged { scored, on: "stays of tune" }
        }
    };
    let manifest = calibrated(manifest, &judged)?;
    let model = Mortality::load(out, manifest.clone())?;
    golden::write(out, &model)?;
    let validation: Vec<Trial> = stays.validation.iter().map(trials::trial).collect();
    let (answers, speed) = report::ask(&model, &validation, BATCH, &|_| ())?;
    let asked = Asked { speed: Some(speed), ..Asked::new(&manifest, out, Split::Validation, clock.now().date()) };
    let mut report = report::score(&asked, &validation, &answers)?;
    report.metrics.extend(by_window(&model, &stays.validation)?);
    // Epoch 0: the weights came from elsewhere.
    let imported = manifest.provenance.epoch == 0;
    let card = if imported { keras::card() } else { papers::card(&manifest, &report) };
    let papers = Papers {
        folder: out,
        manifest,
        card: &card,
        attributes: if imported { &[] } else { &papers::ATTRIBUTES },
        report,
        curve,
        curve_metric: "AUROC on tune",
    };
    common::finish(papers)?;
    Ok(())
}

/// Fits the familiar space on the last states of the training stays, its limit on `tune`, and stores both.
fn familiar(out: &Path, mut manifest: Manifest, stays: &Stays) -> Result<Manifest, TrainingError> {
    let weights = out.join(WEIGHTS);
    let mut tensors = candle_core::safetensors::load(&weights, &Device::Cpu)?;
    for name in [familiarity::MEANS, familiarity::FACTOR] {
        tensors.remove(name);
    }
    manifest.input.remove(LIMIT);
    candle_core::safetensors::save(&tensors, &weights)?;
    let model = Mortality::load(out, manifest.clone())?;
    let died: Vec<usize> = stays.train.iter().map(|stay| usize::from(stay.died)).collect();
    let space = Space::fit(&states(&model, &stays.train)?, &died)?;
    let mut distances: Vec<f64> = states(&model, &stays.tune)?.iter().map(|state| space.distance(state)).collect();
    distances.sort_by(f64::total_cmp);
    let limit = distances.get(((distances.len() as f64 * FAMILIAR) as usize).min(distances.len().saturating_sub(1)));
    let limit = limit.ok_or_else(|| TrainingError::Data("there are no stays in the split `tune`".into()))?;
    tensors.extend(space.tensors()?);
    candle_core::safetensors::save(&tensors, &weights)?;
    manifest.input.insert(LIMIT.into(), (*limit).into());
    manifest.files = vec![FileDigest::of(out, WEIGHTS)?];
    Ok(manifest)
}

/// The contract's key.
const LIMIT: &str = "familiarity_limit";

fn states(model: &Mortality, stays: &[Stay]) -> Result<Vec<Vec<f32>>, TrainingError> {
    let courses: Vec<Course> = stays.iter().map(Stay::course).collect();
    Ok(model.scores(&courses.iter().collect::<Vec<_>>())?.into_iter().map(|one| one.state).collect())
}

/// Platt scaling, threshold and conformal limits.
fn calibrated(mut manifest: Manifest, judged: &Judged) -> Result<Manifest, TrainingError> {
    let (scores, died) = &judged.scored;
    let unusable = |error: &dyn std::error::Error| TrainingError::Data(error.to_string());
    manifest.calibration = calibration::platt(scores, died).map_err(|error| unusable(&error))?;
    let probabilities: Vec<f64> = scores.iter().map(|score| manifest.calibration.probability(*score)).collect();
    let mut label = calibration::threshold_for_ppv(LABEL, &probabilities, died, PPV_MIN).map_err(|e| unusable(&e))?;
    label.policy =
        format!("most sensitivity with a positive predictive value of at least {PPV_MIN:.2} on {}", judged.on);
    label.conformal = Some(conformal::binary(&probabilities, died, COVERAGE).map_err(|error| unusable(&error))?);
    manifest.labels = vec![label];
    Ok(manifest)
}

/// AUROC when only the first hours are sent, over the stays that then are answered.
fn by_window(model: &Mortality, stays: &[Stay]) -> Result<BTreeMap<String, f64>, TrainingError> {
    let mut figures = BTreeMap::new();
    for hours in papers::WINDOWS {
        let shortened: Vec<Stay> = stays.iter().map(|stay| stay.first_hours(hours)).collect();
        let (scores, died) = answered(model, &shortened)?;
        figures.insert(format!("answered_first_{hours}_hours"), scores.len() as f64 / stays.len().max(1) as f64);
        if let Some(auroc) = metrics::auroc(&scores, &died) {
            figures.insert(format!("auroc_first_{hours}_hours"), auroc);
        }
        let probabilities: Vec<f64> =
            scores.iter().map(|score| model.manifest().calibration.probability(*score)).collect();
        if let Some(ece) = metrics::ece(&probabilities, &died) {
            figures.insert(format!("ece_first_{hours}_hours"), ece);
        }
    }
    Ok(figures)
}
