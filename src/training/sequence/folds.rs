//! Scores of stays by networks that did not learn from them (cross-fitting; Stone, J R Stat Soc B 1974;36:111).
//!
//! Contract: every stay of `train` and `tune` is scored once, by a network trained with the same plan on the other
//! folds; of each the epoch is taken that was best for the network to be calibrated, so that nothing is chosen on the
//! stays it scores and the scores have the same spread. Calibration, threshold and conformal limits fitted on these scores
//! rest on eight times as many stays as `tune` alone has.

use super::{Form, Learner, Recipe, Stay, answered, bins, cases, papers, scale, store};
use crate::{
    domain::Clock,
    models::mortality::Mortality,
    training::{Bar, Plan, Trainee, TrainingError, run},
};
use candle_core::{Result, Tensor};
use candle_nn::VarMap;
use std::fs;

/// Number of networks.
const FOLDS: usize = 5;

/// Raw scores and outcomes of the stays that were answered.
pub(super) type Scored = (Vec<f64>, Vec<bool>);

/// Scores every stay by a network trained without it.
///
/// # Errors
/// [`TrainingError`] when training fails or a file cannot be written.
pub(super) fn score(
    form: Form,
    (train, tune): (&[Stay], &[Stay]),
    (plan, epoch): (&Plan, usize),
    clock: &dyn Clock,
) -> std::result::Result<Scored, TrainingError> {
    let (mut scores, mut died) = (Vec::new(), Vec::new());
    let all = || train.iter().chain(tune).enumerate();
    for fold in 0..FOLDS {
        let held: Vec<Stay> = all().filter(|(at, _)| at % FOLDS == fold).map(|(_, stay)| stay.clone()).collect();
        let rest: Vec<Stay> = all().filter(|(at, _)| at % FOLDS != fold).map(|(_, stay)| stay.clone()).collect();
        let checkpoint = plan.checkpoint.join(format!("fold-{}", fold + 1));
        let plan = Plan { checkpoint, patience: Some(1), ..plan.clone() };
        let model = network(form, &rest, (&plan, epoch), clock)?;
        let (fold_scores, fold_died) = answered(&model, &held)?;
        scores.extend(fold_scores);
        died.extend(fold_died);
    }
    Ok((scores, died))
}

/// A network trained on these stays for so many epochs of the plan.
fn network(
    form: Form,
    stays: &[Stay],
    (plan, epoch): (&Plan, usize),
    clock: &dyn Clock,
) -> std::result::Result<Mortality, TrainingError> {
    let fitted = cases(stays);
    let contract = scale::fit(form, &fitted);
    let bins = (form == Form::Joined).then(|| bins(&contract, &fitted));
    let learner = Learner::new((contract.clone(), bins.clone()), fitted, Vec::new(), Recipe::default(), plan)?;
    let mut until = Until { learner, epoch, now: 0 };
    let best = run::run(&mut until, plan, &Bar::new("epochs"))?;
    let folder = plan.checkpoint.join("network");
    fs::create_dir_all(&folder).map_err(TrainingError::io(&folder))?;
    let counts = papers::Counts::of([stays, &[], &[]]);
    let mut manifest = papers::manifest(form, &contract, (plan, best.epoch), counts, clock.now())?;
    manifest.files = vec![store(&folder, &best, bins.as_ref())?];
    Ok(Mortality::load(&folder, manifest)?)
}

/// A learner whose best epoch is decided.
struct Until {
    learner: Learner,
    epoch: usize,
    now: usize,
}

impl Trainee for Until {
    fn vars(&self) -> &VarMap {
        self.learner.vars()
    }

    fn steps(&mut self, epoch: usize) -> usize {
        self.now = epoch;
        self.learner.steps(epoch)
    }

    fn loss(&mut self, epoch: usize, step: usize) -> Result<Tensor> {
        self.learner.loss(epoch, step)
    }

    fn rate(&self, variable: &str) -> f64 {
        self.learner.rate(variable)
    }

    fn validate(&mut self) -> Result<f64> {
        Ok(if self.now > self.epoch { 0.0 } else { self.now as f64 })
    }
}
