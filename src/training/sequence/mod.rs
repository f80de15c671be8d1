//! Trains and evaluates the network for death in hospital (`lstm-3x128`) on the PhysioNet Challenge 2012.
//!
//! Contract: writes `models/inpatient-mortality`; figures are measured by loading what was written and scoring courses
//! exactly as the service does, so `evaluate` finds the manifest's figures again. Every stay of a split counts, also
//! those for which the service would give no number.

pub mod golden;
pub mod learner;
pub mod papers;
pub mod scale;
pub mod variables;

use super::{
    Bar, Plan, Report, Split, TrainingError, calibration, metrics,
    physionet::{self, Stay},
    run,
};
use crate::{
    domain::{Clock, Course, Sex},
    models::{
        Manifest, Model,
        manifest::{Evaluation, FileDigest},
        mortality::{Mortality, series::Hourly},
    },
};
use learner::{Learner, Recipe};
use rayon::prelude::*;
use std::{collections::BTreeMap, fs, path::Path};

/// The only label.
pub const LABEL: &str = "death-in-hospital";
/// A card should be right at least this often.
const PPV_MIN: f64 = 0.40;
const WEIGHTS: &str = "weights.safetensors";

/// A stay as the learner needs it.
#[derive(Debug, Clone)]
pub struct Case {
    /// Values per hour.
    pub hourly: Hourly,
    /// Age in years.
    pub age_years: Option<f64>,
    /// Sex.
    pub sex: Option<Sex>,
    /// Died in hospital.
    pub died: bool,
}

/// The plan that gave the shipped weights.
#[must_use]
pub fn plan(checkpoint: &Path) -> Plan {
    Plan {
        epochs: 14,
        batch: 64,
        learning_rate: 1.5e-3,
        weight_decay: 0.05,
        warmup: 100,
        seed: 2012,
        ema: Some(0.995),
        resume: false,
        checkpoint: checkpoint.to_owned(),
    }
}

/// Trains on `data` and writes the model folder `out`.
///
/// # Errors
/// [`TrainingError`] when the data do not fit, training fails or files cannot be written.
pub fn train(data: &Path, out: &Path, plan: &Plan, clock: &dyn Clock) -> Result<(), TrainingError> {
    train_by(Recipe::default(), data, out, plan, clock)
}

/// Trains by another recipe.
///
/// # Errors
/// As [`train`].
pub fn train_by(recipe: Recipe, data: &Path, out: &Path, plan: &Plan, clock: &dyn Clock) -> Result<(), TrainingError> {
    let (train, validation) = (physionet::read(data, Split::Train)?, physionet::read(data, Split::Validation)?);
    let contract = scale::fit(&cases(&train));
    let counts = papers::Counts::of(&train, &validation);
    let (fitted, checked) = (cases(&train), cases(&validation));
    let mut learner = Learner::new(contract.clone(), fitted, checked, recipe, plan)?;
    let best = run::run(&mut learner, plan, &Bar::new("auroc"))?;
    fs::create_dir_all(out).map_err(TrainingError::io(out))?;
    let weights = out.join(WEIGHTS);
    fs::copy(&best.weights, &weights).map_err(TrainingError::io(&weights))?;
    let mut manifest = papers::manifest(&contract, plan, &best, &counts, clock.now())?;
    manifest.files = vec![FileDigest::of(out, WEIGHTS)?];
    finish(out, manifest, &validation)
}

/// Calibrates, chooses the threshold and writes everything that stands beside the weights.
fn finish(out: &Path, mut manifest: Manifest, validation: &[Stay]) -> Result<(), TrainingError> {
    let model = Mortality::load(out, manifest.clone())?;
    let (scores, died) = (score(&model, validation, 64)?, outcomes(validation));
    let unusable = |error: calibration::CalibrationError| TrainingError::Data(error.to_string());
    manifest.calibration = calibration::platt(&scores, &died).map_err(unusable)?;
    let probabilities: Vec<f64> = scores.iter().map(|score| manifest.calibration.probability(*score)).collect();
    manifest.labels = vec![calibration::threshold_for_ppv(LABEL, &probabilities, &died, PPV_MIN).map_err(unusable)?];
    let (n, positives) = (died.len(), died.iter().filter(|died| **died).count());
    let metrics = measure(&manifest, &scores, &died)?;
    manifest.evaluation = BTreeMap::from([("validation".to_owned(), Evaluation { n, positives, metrics })]);
    let model = Mortality::load(out, manifest.clone())?;
    golden::write(out, &model)?;
    papers::card(out, &manifest)?;
    Ok(manifest.save(out)?)
}

/// Measures the network in `folder` on a split of `data`, `batch` stays at a time.
///
/// # Errors
/// [`TrainingError`] when the folder or the data do not fit.
pub fn evaluate(folder: &Path, data: &Path, split: Split, batch: usize) -> Result<Report, TrainingError> {
    let manifest = Manifest::load(folder)?;
    let model = Mortality::load(folder, manifest)?;
    let stays = physionet::read(data, split)?;
    let (scores, died) = (score(&model, &stays, batch)?, outcomes(&stays));
    Ok(Report {
        model: model.manifest().name.clone(),
        split,
        n: died.len(),
        positives: died.iter().filter(|died| **died).count(),
        metrics: measure(model.manifest(), &scores, &died)?,
    })
}

/// All figures: ranking of scores, calibration of probabilities, what the threshold does.
fn measure(manifest: &Manifest, scores: &[f64], died: &[bool]) -> Result<BTreeMap<String, f64>, TrainingError> {
    let probabilities: Vec<f64> = scores.iter().map(|score| manifest.calibration.probability(*score)).collect();
    let counts = metrics::confusion_at(&probabilities, died, manifest.labels[0].threshold);
    let figures = [
        ("auroc", metrics::auroc(scores, died)),
        ("auprc", metrics::auprc(scores, died)),
        ("event1", metrics::event1(scores, died)),
        ("brier", metrics::brier(&probabilities, died)),
        ("ece", metrics::ece(&probabilities, died)),
        ("accuracy", counts.accuracy()),
        ("sensitivity", counts.sensitivity()),
        ("specificity", counts.specificity()),
        ("ppv", counts.ppv()),
        ("alerts_per_100", counts.alerts_per_100()),
    ];
    let missing = |name: &str| TrainingError::Data(format!("`{name}` is not defined on these stays"));
    figures.into_iter().map(|(name, value)| Ok((name.to_owned(), value.ok_or_else(|| missing(name))?))).collect()
}

/// Raw scores, through the same courses the service would build.
fn score(model: &Mortality, stays: &[Stay], batch: usize) -> Result<Vec<f64>, TrainingError> {
    let mut scores = Vec::with_capacity(stays.len());
    for part in stays.chunks(batch.max(1)) {
        let courses: Vec<Course> = part.iter().map(Stay::course).collect();
        scores.extend(model.scores(&courses.iter().collect::<Vec<_>>())?);
    }
    Ok(scores)
}

fn outcomes(stays: &[Stay]) -> Vec<bool> {
    stays.iter().map(|stay| stay.died).collect()
}

/// Sorts stays into hours.
fn cases(stays: &[Stay]) -> Vec<Case> {
    let neutral = scale::neutral();
    let one = |stay: &Stay| Case {
        hourly: Hourly::of(&stay.course(), &neutral),
        age_years: stay.age_years,
        sex: stay.sex,
        died: stay.died,
    };
    stays.par_iter().map(one).collect()
}
