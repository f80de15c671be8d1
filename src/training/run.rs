//! One training run: epochs, checkpoints, the best weights.
//!
//! Contract: after every epoch the checkpoint folder holds everything the next epoch depends on, replaced in one
//! rename; a run that resumes from it ends with the same bits as one that was never interrupted, provided the
//! [`Trainee`] draws its randomness from (seed, epoch, step) alone.

use super::{
    EpochLine, Progress, TrainingError,
    checkpoint::{self, State},
    optimiser::{AdamW, learning_rate, sorted},
    papers,
};
use candle_core::Tensor;
use candle_nn::VarMap;
use std::{collections::HashMap, path::PathBuf};

/// Largest global norm of the gradients.
const NORM_MAX: f64 = 1.0;

/// How to train.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Number of passes over the data.
    pub epochs: usize,
    /// Cases per update.
    pub batch: usize,
    /// Greatest learning rate.
    pub learning_rate: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Updates over which the learning rate rises.
    pub warmup: usize,
    /// Seed of everything random.
    pub seed: u64,
    /// Decay per update of an exponential moving average of the weights, which then is validated and kept
    /// (Polyak & Juditsky 1992).
    pub ema: Option<f64>,
    /// Stop when the metric has not risen for this many epochs (early stopping; Prechelt 1998). The learning rate still
    /// falls as if all epochs were to come, so the weights of an epoch do not depend on it.
    pub patience: Option<usize>,
    /// Continue from the checkpoint if there is one.
    pub resume: bool,
    /// Folder for `state.safetensors`, `best.safetensors`, `curve.csv` and `learning-curve.svg`.
    pub checkpoint: PathBuf,
}

/// Something that can be trained.
pub trait Trainee {
    /// The weights, all f32.
    fn vars(&self) -> &VarMap;
    /// Starts epoch `epoch` (from 1): shuffles with seed + epoch and gives the number of updates, the same every epoch.
    fn steps(&mut self, epoch: usize) -> usize;
    /// The loss of one batch, a scalar; randomness from (seed, epoch, step) alone.
    ///
    /// # Errors
    /// Candle's.
    fn loss(&mut self, epoch: usize, step: usize) -> candle_core::Result<Tensor>;
    /// What the learning rate of a variable is multiplied by, by its name.
    fn rate(&self, _variable: &str) -> f64 {
        1.0
    }
    /// A metric on validation data, higher is better.
    ///
    /// # Errors
    /// Candle's.
    fn validate(&mut self) -> candle_core::Result<f64>;
}

/// What a run found. The trainee's variables hold the best weights when it returns.
#[derive(Debug, Clone)]
pub struct Best {
    /// Epoch of the best weights, from 1.
    pub epoch: usize,
    /// Their validation metric.
    pub metric: f64,
    /// Where they are.
    pub weights: PathBuf,
    /// The learning curve.
    pub curve: Vec<EpochLine>,
}

/// Trains and leaves the best weights in the trainee's variables.
///
/// # Errors
/// [`TrainingError`] when the arithmetic fails or diverges, or the checkpoint cannot be written or does not fit.
pub fn run(trainee: &mut dyn Trainee, plan: &Plan, progress: &dyn Progress) -> Result<Best, TrainingError> {
    std::fs::create_dir_all(&plan.checkpoint).map_err(TrainingError::io(&plan.checkpoint))?;
    let mut optimiser = AdamW::new(trainee.vars(), plan.weight_decay).with_rates(|name| trainee.rate(name));
    let mut state = State::default();
    let mut average = plan.ema.map(|decay| Average::new(decay, trainee.vars())).transpose()?;
    if plan.resume
        && let Some(loaded) = checkpoint::load(plan)?
    {
        set(trainee.vars(), &loaded.part("weights"))?;
        optimiser.restore(&loaded.tensors, loaded.state.steps)?;
        if let Some(average) = &mut average {
            average.restore(&loaded.part("ema"))?;
        }
        state = loaded.state;
    }
    for epoch in state.curve.len() + 1..=plan.epochs {
        // Asked before an epoch, so that a run that resumes stops where one that was never interrupted did.
        if exhausted(plan, &state) {
            break;
        }
        let line = pass(trainee, plan, progress, epoch, &mut optimiser, average.as_mut())?;
        let best = finish(trainee, plan, line, &mut state, &optimiser, average.as_ref())?;
        draw_curve(plan, &state, progress.metric())?;
        progress.epoch(line, best);
    }
    let (epoch, metric) = state.best.ok_or_else(|| TrainingError::Checkpoint("no epoch was trained".into()))?;
    let weights = checkpoint::best_path(plan);
    set(trainee.vars(), &candle_core::safetensors::load(&weights, &candle_core::Device::Cpu)?)?;
    Ok(Best { epoch, metric, weights, curve: state.curve })
}

/// Whether the metric has not risen for as long as the plan is patient.
fn exhausted(plan: &Plan, state: &State) -> bool {
    let since = state.best.map_or(0, |(epoch, _)| state.curve.len() - epoch);
    plan.patience.is_some_and(|patience| since >= patience.max(1))
}

/// The learning curve so far, for people who watch.
fn draw_curve(plan: &Plan, state: &State, metric: &str) -> Result<(), TrainingError> {
    let path = plan.checkpoint.join(papers::CURVE);
    let picture = papers::learning_curve(&state.curve, metric, state.best.map(|(epoch, _)| epoch));
    std::fs::write(&path, picture).map_err(TrainingError::io(&path))
}

/// One pass over the data and its validation.
fn pass(
    trainee: &mut dyn Trainee,
    plan: &Plan,
    progress: &dyn Progress,
    epoch: usize,
    optimiser: &mut AdamW,
    mut average: Option<&mut Average>,
) -> Result<EpochLine, TrainingError> {
    let steps = trainee.steps(epoch);
    let (before, total) = ((epoch - 1) * steps, plan.epochs * steps);
    progress.begin(before, total);
    let (mut sum, mut rate) = (0.0, 0.0);
    for step in 0..steps {
        let loss = trainee.loss(epoch, step)?;
        let value = f64::from(loss.to_scalar::<f32>()?);
        rate = learning_rate(plan.learning_rate, before + step, plan.warmup, total);
        let norm = optimiser.step(&loss.backward()?, rate, NORM_MAX)?;
        if !value.is_finite() || !norm.is_finite() {
            return Err(TrainingError::Diverged { epoch, step });
        }
        if let Some(average) = average.as_deref_mut() {
            average.update(trainee.vars(), optimiser.steps())?;
        }
        sum += value;
        progress.step(epoch, plan.epochs, sum / (step + 1) as f64);
    }
    let metric = match average {
        Some(average) => average.during(trainee, |trainee| trainee.validate())?,
        None => trainee.validate()?,
    };
    Ok(EpochLine { epoch, loss: sum / steps.max(1) as f64, metric, learning_rate: rate })
}

/// Writes what the epoch gave; says whether it was the best so far.
fn finish(
    trainee: &dyn Trainee,
    plan: &Plan,
    line: EpochLine,
    state: &mut State,
    optimiser: &AdamW,
    average: Option<&Average>,
) -> Result<bool, TrainingError> {
    let weights = snapshot(trainee.vars())?;
    let best = state.best.is_none_or(|(_, metric)| line.metric > metric);
    // The best weights go first: if the process dies in between, the repeated epoch writes the same ones again.
    if best {
        state.best = Some((line.epoch, line.metric));
        checkpoint::save_best(plan, average.map_or(&weights, |average| &average.weights))?;
    }
    state.curve.push(line);
    state.steps = optimiser.steps();
    let mut tensors = optimiser.moments()?;
    tensors.extend(weights.into_iter().map(|(name, tensor)| (format!("weights/{name}"), tensor)));
    if let Some(average) = average {
        tensors.extend(average.weights.iter().map(|(name, tensor)| (format!("ema/{name}"), tensor.clone())));
    }
    checkpoint::save(plan, state, tensors)?;
    Ok(best)
}

/// A copy of all weights.
fn snapshot(vars: &VarMap) -> candle_core::Result<HashMap<String, Tensor>> {
    sorted(vars).into_iter().map(|(name, var)| Ok((name, var.as_tensor().detach().copy()?))).collect()
}

/// Sets all variables; every one must be among the tensors.
fn set(vars: &VarMap, tensors: &HashMap<String, Tensor>) -> Result<(), TrainingError> {
    for (name, var) in sorted(vars) {
        let tensor = tensors.get(&name).ok_or_else(|| TrainingError::Checkpoint(format!("`{name}` is missing")))?;
        var.set(tensor)?;
    }
    Ok(())
}

/// An exponential moving average of the weights.
struct Average {
    decay: f64,
    weights: HashMap<String, Tensor>,
}

impl Average {
    fn new(decay: f64, vars: &VarMap) -> candle_core::Result<Self> {
        Ok(Self { decay, weights: snapshot(vars)? })
    }

    /// Early on the decay is smaller, so that the first random weights are soon forgotten.
    fn update(&mut self, vars: &VarMap, steps: u64) -> candle_core::Result<()> {
        let decay = self.decay.min((1.0 + steps as f64) / (10.0 + steps as f64));
        for (name, var) in sorted(vars) {
            if let Some(mean) = self.weights.get_mut(&name) {
                *mean = ((&*mean * decay)? + (var.as_tensor().detach() * (1.0 - decay))?)?;
            }
        }
        Ok(())
    }

    fn restore(&mut self, weights: &HashMap<String, Tensor>) -> Result<(), TrainingError> {
        for (name, mean) in &mut self.weights {
            let kept = weights.get(name).filter(|kept| kept.shape() == mean.shape());
            *mean = kept.ok_or_else(|| TrainingError::Checkpoint(format!("`ema/{name}` is missing")))?.clone();
        }
        Ok(())
    }

    /// Runs `work` with the averaged weights in place, then puts the trained ones back.
    fn during<T>(
        &self,
        trainee: &mut dyn Trainee,
        work: impl FnOnce(&mut dyn Trainee) -> candle_core::Result<T>,
    ) -> Result<T, TrainingError> {
        let trained = snapshot(trainee.vars())?;
        set(trainee.vars(), &self.weights)?;
        let result = work(trainee);
        set(trainee.vars(), &trained)?;
        Ok(result?)
    }
}

#[cfg(test)]
mod tests;
