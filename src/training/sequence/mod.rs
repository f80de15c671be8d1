//! Trains and evaluates the networks for death in hospital on the PhysioNet Challenge 2012: `inpatient-mortality`
//! (`lstm-3x128`) and, for teaching and comparison, `mortality-textbook` (`textbook-lstm`).
//!
//! Contract: writes the network's folder. Weights come from the split `train`; epoch and the limit of familiarity from
//! `tune`; calibration, threshold and conformal limits from both, cross-fitted ([`folds`]); figures from `validation`,
//! through the same courses and the same [`Model::predict`] as the service.

pub mod fit;
mod folds;
pub mod golden;
pub mod learner;
pub mod papers;
pub mod scale;
pub mod trials;
pub mod variables;

use super::{
    Bar, Best, Plan, Split, TrainingError,
    physionet::{self, Stay},
    run,
};
use crate::{
    domain::{Clock, ModelInput},
    models::{
        Manifest, Model,
        manifest::FileDigest,
        mortality::{
            Mortality,
            contract::Contract,
            series::{Hourly, Who},
            summary::{self, Bins},
        },
    },
};
use candle_core::{Device, Tensor};
use learner::{Learner, NOT_KEPT, Recipe};
use rayon::prelude::*;
use std::{collections::HashMap, fs, path::Path};

pub use trials::trials;

/// The only label.
pub const LABEL: &str = "death-in-hospital";
/// Auxiliary outcomes: SAPS-I, SOFA, logarithm of the length of stay.
pub const AUXILIARY: usize = 3;
pub(crate) const WEIGHTS: &str = "weights.safetensors";

/// Which network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Heads over the last state, summaries, age and sex.
    Joined,
    /// Exactly the textbook's.
    Textbook,
}

impl Form {
    /// The network of that name, if it is one of ours.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        [Self::Joined, Self::Textbook].into_iter().find(|form| form.name() == name)
    }

    /// The network's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Joined => "inpatient-mortality",
            Self::Textbook => "mortality-textbook",
        }
    }

    /// Its architecture.
    #[must_use]
    pub const fn architecture(self) -> &'static str {
        match self {
            Self::Joined => "lstm-3x128",
            Self::Textbook => "textbook-lstm",
        }
    }
}

/// A stay as the learner needs it.
#[derive(Debug, Clone)]
pub struct Case {
    /// Values per hour.
    pub hourly: Hourly,
    /// Age and sex.
    pub who: Who,
    /// Died in hospital.
    pub died: bool,
    /// Auxiliary outcomes, standardised; NaN where not known.
    pub auxiliary: [f32; AUXILIARY],
}

/// The plan that gave the shipped weights.
#[must_use]
pub fn plan(form: Form, checkpoint: &Path) -> Plan {
    let (epochs, learning_rate) = match form {
        Form::Joined => (4, 1.2e-3),
        Form::Textbook => (8, 1.5e-3),
    };
    Plan {
        epochs,
        batch: 64,
        learning_rate,
        weight_decay: 0.2,
        warmup: 50,
        seed: 2012,
        ema: Some(0.995),
        patience: None,
        resume: false,
        checkpoint: checkpoint.to_owned(),
    }
}

/// Trains on `data` and writes the model folder `out`.
///
/// # Errors
/// [`TrainingError`] when the data do not fit, training fails or files cannot be written.
pub fn train(form: Form, data: &Path, out: &Path, plan: &Plan, clock: &dyn Clock) -> Result<(), TrainingError> {
    let (train, tune) = (physionet::read(data, Split::Train)?, physionet::read(data, Split::Tune)?);
    let (fitted, tuned) = (cases(&train), cases(&tune));
    let contract = scale::fit(form, &fitted);
    let bins = (form == Form::Joined).then(|| bins(&contract, &fitted));
    let mut learner = Learner::new((contract.clone(), bins.clone()), fitted, tuned, Recipe::default(), plan)?;
    let best = run::run(&mut learner, plan, &Bar::new("auroc on tune"))?;
    fs::create_dir_all(out).map_err(TrainingError::io(out))?;
    let stays = fit::Stays { train, tune, validation: physionet::read(data, Split::Validation)? };
    let counts = papers::Counts::of([&stays.train, &stays.tune, &stays.validation]);
    let mut manifest = papers::manifest(form, &contract, (plan, best.epoch), counts, clock.now())?;
    manifest.files = vec![store(out, &best, bins.as_ref())?];
    let judged = fit::Judged {
        scored: folds::score(form, (&stays.train, &stays.tune), (plan, best.epoch), clock)?,
        on: "stays of train and tune, each scored by a network that had not seen it",
    };
    fit::finish(out, manifest, &stays, Some(judged), &best.curve, clock)
}

/// Fits everything but the weights on `data`: familiarity on its training stays, calibration, threshold and limits on its
/// tune stays, and figures on its validation stays.
///
/// # Errors
/// [`TrainingError`] when the data do not fit or files cannot be written.
pub fn calibrate(data: &Path, folder: &Path, manifest: Manifest, clock: &dyn Clock) -> Result<(), TrainingError> {
    let read = |split| physionet::read(data, split);
    let stays =
        fit::Stays { train: read(Split::Train)?, tune: read(Split::Tune)?, validation: read(Split::Validation)? };
    fit::finish(folder, manifest, &stays, None, &[], clock)
}

fn bins(contract: &Contract, cases: &[Case]) -> Bins {
    let one = |case: &Case| summary::of(contract, &case.hourly, case.who.age_years);
    Bins::fit(&cases.par_iter().map(one).collect::<Vec<_>>())
}

/// Writes the weights that are kept, with the bins.
fn store(out: &Path, best: &Best, bins: Option<&Bins>) -> Result<FileDigest, TrainingError> {
    let mut tensors: HashMap<String, Tensor> = candle_core::safetensors::load(&best.weights, &Device::Cpu)?;
    tensors.retain(|name, _| !name.starts_with(NOT_KEPT));
    if let Some(bins) = bins {
        tensors.extend(bins.tensors()?);
    }
    candle_core::safetensors::save(&tensors, out.join(WEIGHTS))?;
    Ok(FileDigest::of(out, WEIGHTS)?)
}

/// Sorts stays into hours and standardises the auxiliary outcomes.
fn cases(stays: &[Stay]) -> Vec<Case> {
    let neutral = scale::neutral(Form::Joined);
    let outcomes: Vec<[f32; AUXILIARY]> = stays.iter().map(auxiliary).collect();
    let moments: Vec<(f64, f64)> = (0..AUXILIARY)
        .map(|at| {
            scale::moments(&outcomes.iter().map(|one| f64::from(one[at])).filter(|v| !v.is_nan()).collect::<Vec<_>>())
        })
        .collect();
    let one = |(stay, outcome): (&Stay, &[f32; AUXILIARY])| Case {
        hourly: Hourly::of(&stay.course(), &neutral),
        who: Who { age_years: stay.age_years, sex: stay.sex },
        died: stay.died,
        auxiliary: std::array::from_fn(|at| ((f64::from(outcome[at]) - moments[at].0) / moments[at].1) as f32),
    };
    stays.par_iter().zip(&outcomes).map(one).collect()
}

fn auxiliary(stay: &Stay) -> [f32; AUXILIARY] {
    let known = |value: Option<f32>| value.unwrap_or(f32::NAN);
    [known(stay.outcome.saps), known(stay.outcome.sofa), known(stay.outcome.days).ln_1p()]
}

/// Loads the network of a folder.
///
/// # Errors
/// [`TrainingError`] when it does not load.
pub fn load(folder: &Path) -> Result<Mortality, TrainingError> {
    Ok(Mortality::load(folder, Manifest::load(folder)?)?)
}

/// Raw score and outcome of every stay the network answers.
fn answered(model: &Mortality, stays: &[Stay]) -> Result<(Vec<f64>, Vec<bool>), TrainingError> {
    let (mut scores, mut died) = (Vec::new(), Vec::new());
    for part in stays.chunks(64) {
        let inputs: Vec<ModelInput> = part.iter().map(|stay| ModelInput::Course(stay.course())).collect();
        for (prediction, stay) in model.predict(&inputs.iter().collect::<Vec<_>>())?.iter().zip(part) {
            if let crate::domain::Status::Scored { findings } = &prediction.status {
                scores.push(findings[0].score);
                died.push(stay.died);
            }
        }
    }
    Ok((scores, died))
}
