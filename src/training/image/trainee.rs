//! The chest network while it learns.
//!
//! Contract: weights are standardised in every pass (Qiao et al. 2019; scaled for ReLU as in Brock et al., ICLR 2021),
//! which normalises like batch normalisation but depends on no batch and folds exactly into plain convolutions.

use super::{
    augment::{self, TRAINING},
    scanner, shifts,
    strangers::stranger,
};
use crate::{
    models::{
        chest::{
            film::{PLANES, planes},
            network::{Network, Spec, specs},
            stranger::{BIAS, WEIGHT},
        },
        ops::activation::Activation,
    },
    training::{
        Trainee,
        metrics::auroc,
        seeded::{self, Named, generator},
    },
};
use candle_core::{Device, Result, Tensor};
use candle_nn::VarMap;
use rand::RngExt as _;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;
use std::collections::HashMap;

/// Makes the variance after a ReLU one again: sqrt(2 / (1 − 1/π)).
const RELU_GAIN: f64 = 1.713_958_859_443_646_7;
/// Share of pooled features left out in training.
const DROPOUT: f64 = 0.2;
/// Targets are 0.02 and 0.98: a few labels are wrong, and scores stay moderate.
const SMOOTHING: f32 = 0.02;
/// One picture that is no chest film per this many films.
const STRANGERS: usize = 6;
/// Share of the loss of the output that tells them.
const STRANGER_WEIGHT: f64 = 0.3;
/// Films per validation pass.
const CHUNK: usize = 32;

/// A squashed film and its label.
pub type Example = (Vec<u8>, bool);

/// The network, its films and its randomness.
pub struct ChestTrainee {
    vars: VarMap,
    widths: Vec<usize>,
    side: usize,
    batch: usize,
    seed: u64,
    train: Vec<Example>,
    weights: Vec<f32>,
    order: Vec<usize>,
    plain: Vec<Tensor>,
    shifted: Vec<Tensor>,
    labels: Vec<bool>,
}

impl ChestTrainee {
    /// A fresh network over these films; `weights` says how much each training film counts.
    ///
    /// # Errors
    /// Candle's.
    pub fn new(
        (widths, side): (&[usize], usize),
        (batch, seed): (usize, u64),
        (train, weights): (Vec<Example>, Vec<f32>),
        tune: &[Example],
    ) -> Result<Self> {
        if train.len() != weights.len() || batch < 2 {
            candle_core::bail!("every film needs a weight, and a batch two films")
        }
        let plain: Vec<Vec<u8>> = tune.iter().map(|(pixels, _)| pixels.clone()).collect();
        let shifted = |(index, pixels): (usize, &Vec<u8>)| shifts::ALL.of(pixels, side, seed, index);
        let moved: Vec<Vec<u8>> = plain.par_iter().enumerate().map(shifted).collect();
        Ok(Self {
            vars: variables(widths, seed)?,
            widths: widths.to_vec(),
            side,
            batch,
            seed,
            order: Vec::new(),
            weights,
            train,
            plain: chunks(&plain, side)?,
            shifted: chunks(&moved, side)?,
            labels: tune.iter().map(|(_, positive)| *positive).collect(),
        })
    }

    fn one(&self, name: &str) -> Result<Tensor> {
        Named::of(&self.vars).get(name)
    }

    /// The network with its normalisation folded in.
    ///
    /// # Errors
    /// Candle's.
    pub fn network(&self) -> Result<Network> {
        let vars = Named::of(&self.vars);
        let one = |name: &str| vars.get(name);
        Network::new(&self.widths, &mut |name, shape| match name.strip_suffix(".weight") {
            Some("head") | None => one(name),
            Some(layer) => {
                let weight =
                    standardised(&one(&format!("{layer}.direction"))?, &one(&format!("{layer}.gain"))?, layer)?;
                let weight = if layer.ends_with("second") {
                    weight.broadcast_mul(&one(&format!("{layer}.branch"))?)?
                } else {
                    weight
                };
                weight.reshape(shape)
            }
        })
    }

    /// All tensors of the folded network by name, for the weights file.
    ///
    /// # Errors
    /// Candle's.
    pub fn tensors(&self) -> Result<HashMap<String, Tensor>> {
        let mut tensors = self.network()?.tensors();
        for name in [WEIGHT, BIAS] {
            tensors.push((name.to_owned(), self.one(name)?));
        }
        Ok(tensors.into_iter().map(|(name, tensor)| (name, tensor.detach())).collect())
    }

    /// Raw scores of prepared films.
    fn scores(&self, chunks: &[Tensor]) -> Result<Vec<f64>> {
        let network = self.network()?.detached();
        let mut scores = Vec::new();
        for chunk in chunks {
            scores.extend(network.scores(chunk)?.to_vec1::<f32>()?.into_iter().map(f64::from));
        }
        Ok(scores)
    }
}

impl ChestTrainee {
    /// The loss of the output that tells strangers: the first films of a batch are chest films, the rest are not, and both
    /// halves weigh the same.
    fn strangeness(&self, pooled: &Tensor) -> Result<Tensor> {
        let scores = pooled.broadcast_mul(&self.one(WEIGHT)?)?.sum(1)?.broadcast_add(&self.one(BIAS)?)?;
        let (all, films) = (scores.dim(0)?, self.batch);
        let is_film = |index: usize| index < films;
        let targets: Vec<f32> =
            (0..all).map(|index| if is_film(index) { SMOOTHING } else { 1.0 - SMOOTHING }).collect();
        let half = all as f32 / 2.0;
        let weight = |index| half / if is_film(index) { films as f32 } else { (all - films).max(1) as f32 };
        cross_entropy(&scores, &targets, &(0..all).map(weight).collect::<Vec<f32>>())
    }
}

/// Starting values: directions normal, gains one, branches small, everything else zero.
fn variables(widths: &[usize], seed: u64) -> Result<VarMap> {
    let mut all: Vec<(String, Tensor)> = Vec::new();
    let constant = |value: f32, shape: &[usize]| Tensor::full(value, shape, &Device::Cpu);
    for (index, spec) in specs(widths).iter().enumerate() {
        let Spec { name, input, output, .. } = spec;
        let mut rng = generator(seed, 2 << 32, index as u64);
        let count = spec.shape().iter().product::<usize>();
        let spread = 1.0 / (9.0 * *input as f32).sqrt();
        let values = (0..count).map(|_| spread * Distribution::<f32>::sample(&StandardNormal, &mut rng));
        all.push((
            format!("{name}.direction"),
            Tensor::from_vec(values.collect::<Vec<f32>>(), &spec.shape(), &Device::Cpu)?,
        ));
        all.push((format!("{name}.gain"), constant(1.0, &[*output])?));
        all.push((format!("{name}.bias"), constant(0.0, &[*output])?));
        if spec.activation() == Activation::Linear {
            all.push((format!("{name}.branch"), constant(0.2, &[1])?));
        }
    }
    let features = widths.last().copied().unwrap_or(0);
    all.push(("head.weight".into(), constant(0.0, &[features])?));
    all.push(("head.bias".into(), constant(0.0, &[1])?));
    all.push((WEIGHT.into(), constant(0.0, &[features])?));
    all.push((BIAS.into(), constant(0.0, &[1])?));
    seeded::variables(all)
}

/// Each output channel's weights with mean 0 and variance 1 / fan-in, times its gain; after a ReLU also times its gain.
fn standardised(direction: &Tensor, gain: &Tensor, layer: &str) -> Result<Tensor> {
    let flat = direction.flatten(0, 2)?;
    let fan_in = flat.dim(0)? as f64;
    let centred = flat.broadcast_sub(&flat.mean_keepdim(0)?)?;
    let spread = ((centred.sqr()?.mean_keepdim(0)? * fan_in)? + 1e-4)?.sqrt()?;
    let after_relu = if layer == "stem" { 1.0 } else { RELU_GAIN };
    (centred.broadcast_div(&spread)?.broadcast_mul(gain)? * after_relu)?.contiguous()
}

/// Films as tensors of at most [`CHUNK`].
fn chunks(films: &[Vec<u8>], side: usize) -> Result<Vec<Tensor>> {
    films.chunks(CHUNK).map(|chunk| tensor(chunk, side)).collect()
}

fn tensor(films: &[Vec<u8>], side: usize) -> Result<Tensor> {
    let planes: Vec<f32> = films.par_iter().flat_map_iter(|pixels| planes(pixels, side)).collect();
    Tensor::from_vec(planes, (films.len(), side, side, PLANES), &Device::Cpu)
}

impl Trainee for ChestTrainee {
    fn vars(&self) -> &VarMap {
        &self.vars
    }

    fn steps(&mut self, epoch: usize) -> usize {
        self.order = seeded::order(self.train.len(), self.seed, epoch);
        self.train.len() / self.batch
    }

    fn loss(&mut self, epoch: usize, step: usize) -> Result<Tensor> {
        let chosen = &self.order[step * self.batch..(step + 1) * self.batch];
        let mut films: Vec<Vec<u8>> = chosen
            .par_iter()
            .map(|index| {
                let mut rng = generator(self.seed, epoch as u64, *index as u64);
                let film = augment::changed(&self.train[*index].0, self.side, &TRAINING, &mut rng);
                scanner::changed(film, self.side, &scanner::TRAINING, &mut rng)
            })
            .collect();
        let step_rng = |purpose: u64| generator(self.seed, purpose << 32, (epoch * 1_000_000 + step) as u64);
        let strangers: Vec<Vec<u8>> = chosen[..self.batch.div_ceil(STRANGERS)]
            .par_iter()
            .map(|index| {
                let mut rng = generator(self.seed, (5 << 32) + epoch as u64, *index as u64);
                stranger(&self.train[*index].0, self.side, &mut rng)
            })
            .collect();
        films.extend(strangers);
        let network = self.network()?;
        let pooled = network.pooled(&network.features(&tensor(&films, self.side)?)?)?;
        let mut rng = step_rng(4);
        let kept =
            (0..pooled.elem_count()).map(|_| if rng.random_bool(DROPOUT) { 0.0 } else { 1.0 / (1.0 - DROPOUT) as f32 });
        let mask = Tensor::from_vec(kept.collect::<Vec<f32>>(), pooled.shape(), &Device::Cpu)?;
        let pooled = (pooled * mask)?;
        let scores = network.head(&pooled.narrow(0, 0, self.batch)?)?;
        let labels = chosen.iter().map(|index| self.train[*index].1);
        let targets: Vec<f32> = labels.map(|label| if label { 1.0 - SMOOTHING } else { SMOOTHING }).collect();
        let weights: Vec<f32> = chosen.iter().map(|index| self.weights[*index]).collect();
        let pneumonia = cross_entropy(&scores, &targets, &weights)?;
        pneumonia + (self.strangeness(&pooled)? * STRANGER_WEIGHT)?
    }

    /// The mean of the areas under the curve on the films of `tune` as they are and shifted.
    fn validate(&mut self) -> Result<f64> {
        let area = |chunks: &[Tensor]| {
            Ok::<f64, candle_core::Error>(auroc(&self.scores(chunks)?, &self.labels).unwrap_or(0.0))
        };
        Ok(f64::midpoint(area(&self.plain)?, area(&self.shifted)?))
    }
}

/// Weighted mean of max(z, 0) − z·t + ln(1 + e^−|z|).
///
/// # Errors
/// Candle's, when lengths differ.
pub fn cross_entropy(scores: &Tensor, targets: &[f32], weights: &[f32]) -> Result<Tensor> {
    let targets = Tensor::from_slice(targets, targets.len(), &Device::Cpu)?;
    let weights = Tensor::from_slice(weights, weights.len(), &Device::Cpu)?;
    let tail = (scores.abs()?.neg()?.exp()? + 1.0)?.log()?;
    (((scores.relu()? - (scores * targets)?)? + tail)? * weights)?.mean_all()
}
