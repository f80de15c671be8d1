//! `auscult train knee-radiograph`: from a folder of graded films to a model folder, and the trials to measure it with.
//!
//! Contract: the folder written is one `models::knee` loads. Weights are fitted on `train`; epoch, calibration,
//! threshold, interval and the limit of familiarity on `tune`; every figure comes from `validation`, through the loaded
//! model.

pub mod augment;
pub mod data;
mod fit;
mod papers;
mod start;
pub mod trainee;

use super::{Bar, Plan, Split, TrainingError, run, trial::Trial};
use crate::{
    domain::{Clock, GreyImage},
    models::{
        Manifest,
        knee::{Knee, film::squashed, network::Shape},
    },
};
use data::GradedKnee;
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use trainee::{Example, KneeTrainee};

/// Films per batch when a network is asked.
const BATCH: usize = 32;

/// Seed of everything random: the year and page of the scale.
const SEED: u64 = 19_570_494;

/// The plan `auscult train knee-radiograph` follows unless told otherwise.
#[must_use]
pub fn plan(checkpoint: PathBuf) -> Plan {
    Plan {
        epochs: 14,
        batch: 32,
        learning_rate: 1.5e-3,
        weight_decay: 0.05,
        warmup: 200,
        seed: SEED,
        ema: Some(0.997),
        resume: true,
        patience: None,
        checkpoint,
    }
}

/// Trains the knee network on a data folder and writes the model folder `out`. With a pretrained network in
/// `<checkpoint>/encoder` it starts from that, otherwise from random weights.
///
/// # Errors
/// [`TrainingError`] when data, arithmetic or files fail.
pub fn train(data: &Path, out: &Path, plan: &Plan, clock: &dyn Clock) -> Result<(), TrainingError> {
    let knees = data::read(data, plan.seed)?;
    let [train, tune] = [Split::Train, Split::Tune].map(|split| of(&knees, split));
    let examples = |knees: &[&GradedKnee]| -> Vec<Example> {
        knees.par_iter().map(|knee| (squashed(&knee.image).pixels().to_vec(), knee.grade)).collect()
    };
    let shape = Shape::lite0();
    let encoder = plan.checkpoint.join("encoder/model.safetensors");
    let encoder = encoder.is_file().then_some(encoder.as_path());
    let mut trainee = KneeTrainee::new(&shape, encoder, (plan.batch, plan.seed), examples(&train), &examples(&tune))?;
    let best = run::run(&mut trainee, plan, &Bar::new("mean of accuracy and kappa"))?;
    let counts = papers::Counts::of(&knees);
    let manifest = fit::write(out, &trainee, &shape, [&train, &tune], |folder, settings| {
        papers::manifest(folder, settings, plan, (&best, encoder.is_some()), &counts, clock)
    })?;
    let model = Knee::load(out, manifest)?;
    papers::finish(out, &model, &cases(&knees, Split::Validation), (&best, encoder.is_some()), clock)?;
    // What was written must load as the service loads it.
    Knee::load(out, Manifest::load(out)?)?;
    Ok(())
}

/// The knees of one split.
fn of(knees: &[GradedKnee], split: Split) -> Vec<&GradedKnee> {
    knees.iter().filter(|knee| knee.belongs(split)).collect()
}

/// The cases of one split of a data folder, divided as by training with the plan's own seed.
///
/// # Errors
/// [`TrainingError`] when the data do not fit.
pub fn trials(data: &Path, split: Split) -> Result<Vec<Trial>, TrainingError> {
    Ok(cases(&data::read(data, SEED)?, split))
}

fn cases(knees: &[GradedKnee], split: Split) -> Vec<Trial> {
    of(knees, split).into_iter().map(GradedKnee::trial).collect()
}

/// Readings of films, a batch at a time, whatever they show.
fn readings(model: &Knee, knees: &[&GradedKnee]) -> Result<Vec<crate::models::knee::Reading>, TrainingError> {
    let mut readings = Vec::with_capacity(knees.len());
    for chunk in knees.chunks(BATCH) {
        let films: Vec<GreyImage> = chunk.iter().map(|knee| squashed(&knee.image)).collect();
        readings.extend(model.readings(&films)?);
    }
    Ok(readings)
}

#[cfg(test)]
mod tests;
