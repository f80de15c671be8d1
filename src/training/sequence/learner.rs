//! One epoch of a mortality network: batches, augmentation, dropout, loss, the metric on the split `tune`.
//!
//! Contract: everything random comes from (seed, epoch, step). Severity scores and length of stay are foretold beside
//! death while the network learns (auxiliary outcomes; Caruana, Machine Learning 1997;28:41); they are never read, and
//! what foretells them is not kept.

use super::{AUXILIARY, Case};
use crate::{
    models::mortality::{
        contract::Contract,
        network::{Joined, Network, Noise},
        series::{self, Batch, Encoded, Hourly},
        summary::Bins,
    },
    training::{Plan, Trainee, metrics, optimiser},
};
use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{Linear, Module, VarBuilder, VarMap, linear};
use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

/// Beginning of the names of what only helps to learn.
pub const NOT_KEPT: &str = "auxiliary";

/// How the data are varied and the network held back while it learns.
#[derive(Debug, Clone, Copy)]
pub struct Recipe {
    /// Share of the stays that are cut to a shorter window, so that short histories can be read as well.
    pub cut: f64,
    /// Share of the stays of which some variables are hidden …
    pub hide: f64,
    /// … and the share of their variables that is.
    pub hide_variables: f64,
    /// Dropout between the LSTM layers.
    pub drop_layers: f64,
    /// Dropout on what a head reads, and on its units.
    pub drop_heads: f64,
    /// Weight of the auxiliary outcomes in the loss.
    pub auxiliary: f64,
}

impl Default for Recipe {
    fn default() -> Self {
        Self { cut: 0.2, hide: 0.2, hide_variables: 0.2, drop_layers: 0.3, drop_heads: 0.5, auxiliary: 0.3 }
    }
}

/// The network in training.
pub struct Learner {
    contract: Contract,
    bins: Option<Bins>,
    vars: VarMap,
    network: Network,
    auxiliary: Linear,
    train: Vec<Case>,
    tune: Vec<Case>,
    order: Vec<usize>,
    recipe: Recipe,
    seed: u64,
    batch: usize,
}

impl Learner {
    /// A fresh network.
    ///
    /// # Errors
    /// Candle's.
    pub fn new(
        (contract, bins): (Contract, Option<Bins>),
        train: Vec<Case>,
        tune: Vec<Case>,
        recipe: Recipe,
        plan: &Plan,
    ) -> Result<Self> {
        let vars = VarMap::new();
        let builder = VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu);
        let network = Network::new(&contract, &builder)?;
        let auxiliary = linear(contract.hidden, 1 + AUXILIARY, builder.pp(NOT_KEPT))?;
        let died = train.iter().filter(|case| case.died).count() as f64 / train.len() as f64;
        initialise(&vars, contract.hidden, (died / (1.0 - died)).ln(), &mut ChaCha8Rng::seed_from_u64(plan.seed))?;
        let order = (0..train.len()).collect();
        let (seed, batch) = (plan.seed, plan.batch);
        Ok(Self { contract, bins, vars, network, auxiliary, train, tune, order, recipe, seed, batch })
    }

    fn random(&self, epoch: usize, step: usize) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(((epoch as u64) << 32) | step as u64);
        rng
    }

    fn encode(&self, hourly: &Hourly, case: &Case) -> Encoded {
        series::encode(&self.contract, self.bins.as_ref(), hourly, case.who)
    }

    fn augmented(&self, case: &Case, rng: &mut ChaCha8Rng) -> Encoded {
        let mut hourly = case.hourly.clone();
        if rng.random_bool(self.recipe.cut) && hourly.hours > self.contract.hours_min {
            let hours = rng.random_range(self.contract.hours_min..=hourly.hours);
            // The last hours of a longer stay look different from its first: both are met in service.
            let start = if rng.random_bool(0.5) { 0 } else { hourly.hours - hours };
            hourly = hourly.window(start, hours);
        }
        if rng.random_bool(self.recipe.hide) {
            hide(&mut hourly, self.contract.variables.len(), self.recipe.hide_variables, rng);
        }
        self.encode(&hourly, case)
    }

    fn noise(&self, cases: usize, rng: &mut ChaCha8Rng) -> Result<Noise> {
        let (contract, recipe) = (&self.contract, &self.recipe);
        let layers: Result<Vec<Tensor>> =
            (0..contract.layers).map(|_| dropped(&[1, cases, contract.hidden], recipe.drop_layers, rng)).collect();
        let heads = (0..contract.heads).map(|_| {
            let read = dropped(&[cases, Joined::features(contract)], recipe.drop_heads, rng)?;
            Ok((read, dropped(&[cases, contract.joint], recipe.drop_heads, rng)?))
        });
        Ok(Noise { layers: layers?, heads: heads.collect::<Result<_>>()? })
    }

    /// Cross-entropy of every head (so that their mean is an ensemble, not one wide head), of a logit read from the last
    /// state alone, and the squared error of the auxiliary outcomes.
    fn loss_of(&self, batch: &Batch, noise: &Noise, cases: &[&Case]) -> Result<Tensor> {
        let died = Tensor::from_iter(cases.iter().map(|case| f32::from(u8::from(case.died))), &Device::Cpu)?;
        let output = self.network.output(batch, Some(noise))?;
        let mut loss = cross_entropy(&output.heads[0], &died)?;
        for head in &output.heads[1..] {
            loss = (loss + cross_entropy(head, &died)?)?;
        }
        if self.contract.textbook() {
            return Ok(loss);
        }
        let beside = self.auxiliary.forward(&output.state)?;
        let loss = (loss * 0.5)? + cross_entropy(&beside.narrow(1, 0, 1)?.squeeze(1)?, &died)?;
        // What is not known counts as foretold.
        let known = cases.iter().flat_map(|case| case.auxiliary.map(|value| f32::from(u8::from(!value.is_nan()))));
        let known = Tensor::from_iter(known, &Device::Cpu)?.reshape((cases.len(), AUXILIARY))?;
        let values = cases.iter().flat_map(|case| case.auxiliary.map(|value| if value.is_nan() { 0.0 } else { value }));
        let values = Tensor::from_iter(values, &Device::Cpu)?.reshape((cases.len(), AUXILIARY))?;
        let missed = ((beside.narrow(1, 1, AUXILIARY)? - values)?.sqr()? * known)?.mean_all()?;
        loss? + (missed * self.recipe.auxiliary)?
    }
}

impl Trainee for Learner {
    fn vars(&self) -> &VarMap {
        &self.vars
    }

    fn steps(&mut self, epoch: usize) -> usize {
        self.order = (0..self.train.len()).collect();
        let mut rng = self.random(epoch, u32::MAX as usize);
        self.order.shuffle(&mut rng);
        self.train.len() / self.batch
    }

    fn loss(&mut self, epoch: usize, step: usize) -> Result<Tensor> {
        let mut rng = self.random(epoch, step);
        let chosen = &self.order[step * self.batch..(step + 1) * self.batch];
        let cases: Vec<&Case> = chosen.iter().map(|index| &self.train[*index]).collect();
        let encoded: Vec<Encoded> = cases.iter().map(|case| self.augmented(case, &mut rng)).collect();
        let noise = self.noise(cases.len(), &mut rng)?;
        self.loss_of(&Batch::new(&encoded, self.contract.channels())?, &noise, &cases)
    }

    fn validate(&mut self) -> Result<f64> {
        let mut scores = Vec::with_capacity(self.tune.len());
        for part in self.tune.chunks(64) {
            let encoded: Vec<Encoded> = part.iter().map(|case| self.encode(&case.hourly, case)).collect();
            let logits = self.network.forward(&Batch::new(&encoded, self.contract.channels())?)?;
            scores.extend(logits.to_vec1::<f32>()?.into_iter().map(f64::from));
        }
        let died: Vec<bool> = self.tune.iter().map(|case| case.died).collect();
        let missing = || candle_core::Error::Msg("the split `tune` needs stays of both outcomes".into());
        metrics::auroc(&scores, &died).ok_or_else(missing)
    }
}

/// Hides whole variables, as in places that do not measure them.
fn hide(hourly: &mut Hourly, width: usize, share: f64, rng: &mut ChaCha8Rng) {
    let hidden: Vec<bool> = (0..width).map(|_| rng.random_bool(share)).collect();
    for row in hourly.values.chunks_exact_mut(width) {
        row.iter_mut().zip(&hidden).filter(|(_, hidden)| **hidden).for_each(|(value, _)| *value = f32::NAN);
    }
}

/// Factors that are 0 with probability `rate` and 1/(1 − rate) otherwise.
fn dropped(shape: &[usize], rate: f64, rng: &mut ChaCha8Rng) -> Result<Tensor> {
    let kept = (1.0 / (1.0 - rate)) as f32;
    let count = shape.iter().product::<usize>();
    let factors: Vec<f32> = (0..count).map(|_| if rng.random_bool(rate) { 0.0 } else { kept }).collect();
    Tensor::from_vec(factors, shape, &Device::Cpu)
}

/// Mean binary cross-entropy from logits, written so that large logits do not overflow.
fn cross_entropy(logits: &Tensor, targets: &Tensor) -> Result<Tensor> {
    let tail = (logits.abs()?.neg()?.exp()? + 1.0)?.log()?;
    ((logits.relu()? - (logits * targets)?)? + tail)?.mean_all()
}

/// Weights uniform within ±1/√inputs, biases 0, forget gates open (bias 1; Jozefowicz et al., ICML 2015), the answer
/// at the base rate. Set here because Candle's own initial values do not follow a seed.
fn initialise(vars: &VarMap, hidden: usize, base: f64, rng: &mut ChaCha8Rng) -> Result<()> {
    for (name, var) in optimiser::sorted(vars) {
        let inputs = if name.starts_with("lstm") { hidden } else { var.dims().last().copied().unwrap_or(1) };
        let bound = 1.0 / (inputs as f32).sqrt();
        let value = |index: usize, rng: &mut ChaCha8Rng| match name.as_str() {
            name if name.ends_with("output.bias") => base as f32,
            "dense.bias" if index == 1 => base as f32,
            "auxiliary.bias" if index == 0 => base as f32,
            name if name.contains("bias_ih") && (hidden..2 * hidden).contains(&index) => 1.0,
            name if name.contains("bias") => 0.0,
            _ => rng.random_range(-bound..bound),
        };
        let values: Vec<f32> = (0..var.elem_count()).map(|index| value(index, rng)).collect();
        var.set(&Tensor::from_vec(values, var.shape(), &Device::Cpu)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Var;

    #[test]
    fn the_loss_is_the_negative_log_likelihood_also_far_out() {
        let logits = Var::new(&[0.0f32, 2.0, -80.0, 80.0], &Device::Cpu).unwrap();
        let died = Tensor::new(&[1.0f32, 0.0, 0.0, 0.0], &Device::Cpu).unwrap();
        let loss = cross_entropy(&logits, &died).unwrap();
        let expected = (2f32.ln() + (1.0 + 2f32.exp()).ln() + 0.0 + 80.0) / 4.0;
        assert!((loss.to_scalar::<f32>().unwrap() - expected).abs() < 1e-5);
        let gradient = loss.backward().unwrap().get(&logits).unwrap().to_vec1::<f32>().unwrap();
        assert!((gradient[1] - 0.880_797 / 4.0).abs() < 1e-6 && gradient.iter().all(|g| g.is_finite()), "{gradient:?}");
    }
}
