//! The knee network while it learns.
//!
//! Contract: every weight has a learned scale per channel, which folds exactly into plain convolutions; the
//! normalisation of the start is kept (no statistics of batches), so a film's answer depends on that film alone.

use super::start;
use crate::{
    models::knee::{
        film::{COLUMNS, PLANES, ROWS, SIDE, planes},
        grade::{self, CUTS, GRADES, SIDES},
        network::{Network, Shape},
    },
    training::{
        Trainee,
        image::augment,
        seeded::{self, Named, generator},
    },
};
use candle_core::{Device, Result, Tensor};
use candle_nn::VarMap;
use rand::RngExt as _;
use rayon::prelude::*;
use std::{collections::HashMap, path::Path};

/// Share of pooled features left out in training.
const DROPOUT: f64 = 0.35;
/// Share of a grade's weight given to each neighbouring grade: two readers often differ by one.
const SMOOTHING: f32 = 0.05;
/// Weight of the squared distance of the cumulative distributions (Hou et al. 2016): far mistakes cost more.
const DISTANCE: f64 = 1.0;
/// Chance that a batch is mixed with itself (Zhang et al., ICLR 2018), and the greatest share of the second film.
const MIXED: f64 = 0.5;
const MIX_MAX: f32 = 0.5;
/// Films per validation pass.
const CHUNK: usize = 32;
/// Training films on whose answers the start is normalised.
const FITTED: usize = 192;
/// The pretrained stages learn this much slower than what is new.
const PRETRAINED_RATE: f64 = 0.2;

/// A squashed film and its grade.
pub type Example = (Vec<u8>, usize);

/// The network, its films and its randomness.
pub struct KneeTrainee {
    vars: VarMap,
    shape: Shape,
    pretrained: bool,
    batch: usize,
    seed: u64,
    train: Vec<Example>,
    order: Vec<usize>,
    tune: Vec<[Tensor; 2]>,
    grades: Vec<usize>,
}

impl KneeTrainee {
    /// A network over these films, from the pretrained file if one is given.
    ///
    /// # Errors
    /// Candle's, also when the file does not fit.
    pub fn new(
        shape: &Shape,
        encoder: Option<&Path>,
        (batch, seed): (usize, u64),
        train: Vec<Example>,
        tune: &[Example],
    ) -> Result<Self> {
        let every = train.len().div_ceil(FITTED).max(1);
        let fitted: Vec<Vec<u8>> = train.iter().step_by(every).map(|(pixels, _)| pixels.clone()).collect();
        let films: Vec<Vec<u8>> = tune.iter().map(|(pixels, _)| pixels.clone()).collect();
        let both = |chunk: &[Vec<u8>]| Ok([tensor(chunk, false)?, tensor(chunk, true)?]);
        Ok(Self {
            vars: start::variables(shape, encoder, seed, &tensor(&fitted, false)?)?,
            shape: shape.clone(),
            pretrained: encoder.is_some(),
            batch,
            seed,
            train,
            order: Vec::new(),
            tune: films.chunks(CHUNK).map(both).collect::<Result<_>>()?,
            grades: tune.iter().map(|(_, grade)| *grade).collect(),
        })
    }

    /// The network with scales folded in.
    ///
    /// # Errors
    /// Candle's.
    pub fn network(&self) -> Result<Network> {
        let vars = Named::of(&self.vars);
        let one = |name: &str| vars.get(name);
        Network::new(&self.shape, &mut |name, _| match name.rsplit_once('.') {
            None | Some(("head", _)) => one(name),
            Some((layer, "bias")) => one(&format!("{layer}.shift")),
            Some((layer, _)) => one(&format!("{layer}.direction"))?.broadcast_mul(&one(&format!("{layer}.scale"))?),
        })
    }

    /// All tensors of the folded network by name, for the weights file.
    ///
    /// # Errors
    /// Candle's.
    pub fn tensors(&self) -> Result<HashMap<String, Tensor>> {
        Ok(self.network()?.tensors().into_iter().map(|(name, tensor)| (name, tensor.detach())).collect())
    }
}

/// Films as one tensor.
fn tensor(films: &[Vec<u8>], mirrored: bool) -> Result<Tensor> {
    let planes: Vec<f32> = films.par_iter().flat_map_iter(|pixels| planes(pixels, mirrored)).collect();
    Tensor::from_vec(planes, (films.len(), ROWS, COLUMNS, PLANES), &Device::Cpu)
}

/// The grade's distribution as two readers would give it.
fn smoothed(grade: usize) -> [f32; GRADES] {
    let mut target = [0.0; GRADES];
    target[grade] = 1.0;
    for neighbour in [grade.wrapping_sub(1), grade + 1] {
        if neighbour < GRADES {
            target[neighbour] = SMOOTHING;
            target[grade] -= SMOOTHING;
        }
    }
    target
}

/// Logarithms of the grades' probabilities from the cuts' raw scores: (batch, [`CUTS`]) → (batch, [`GRADES`]).
fn log_probabilities(scores: &Tensor) -> Result<Tensor> {
    // ln sigmoid(z) = min(z, 0) − ln(1 + e^−|z|); that of the other side is less by z.
    let yes = (scores.neg()?.relu()?.neg()? - (scores.abs()?.neg()?.exp()? + 1.0)?.log()?)?;
    let no = (&yes - scores)?;
    let mut sums = vec![0f32; 2 * CUTS * GRADES];
    for (cut, (above, below)) in SIDES.iter().enumerate() {
        above.iter().for_each(|grade| sums[cut * GRADES + grade] = 1.0);
        below.iter().for_each(|grade| sums[(CUTS + cut) * GRADES + grade] = 1.0);
    }
    let sums = Tensor::from_vec(sums, (2 * CUTS, GRADES), &Device::Cpu)?;
    Tensor::cat(&[yes, no], 1)?.matmul(&sums)
}

/// Cross-entropy, and the squared distance between the cumulative distributions.
fn loss(scores: &Tensor, targets: &Tensor) -> Result<Tensor> {
    let batch = scores.dim(0)? as f64;
    let logarithms = log_probabilities(scores)?;
    let entropy = ((targets * &logarithms)?.sum_all()? * (-1.0 / batch))?;
    let below = (0..GRADES * CUTS).map(|at| if at / CUTS <= at % CUTS { 1f32 } else { 0.0 }).collect::<Vec<_>>();
    let below = Tensor::from_vec(below, (GRADES, CUTS), &Device::Cpu)?;
    let distance = (logarithms.exp()? - targets)?.matmul(&below)?.sqr()?.sum_all()?;
    entropy + (distance * (DISTANCE / batch))?
}

impl Trainee for KneeTrainee {
    fn vars(&self) -> &VarMap {
        &self.vars
    }

    fn steps(&mut self, epoch: usize) -> usize {
        self.order = seeded::order(self.train.len(), self.seed, epoch);
        self.train.len() / self.batch
    }

    fn loss(&mut self, epoch: usize, step: usize) -> Result<Tensor> {
        let chosen = &self.order[step * self.batch..(step + 1) * self.batch];
        let films: Vec<Vec<u8>> = chosen
            .par_iter()
            .map(|index| {
                let mut rng = generator(self.seed, epoch as u64, *index as u64);
                augment::changed(&self.train[*index].0, SIDE, &super::augment::TRAINING, &mut rng)
            })
            .collect();
        let targets: Vec<f32> = chosen.iter().flat_map(|index| smoothed(self.train[*index].1)).collect();
        let mut targets = Tensor::from_vec(targets, (chosen.len(), GRADES), &Device::Cpu)?;
        let mut input = tensor(&films, false)?;
        let mut rng = generator(self.seed, 4 << 32, (epoch * 1_000_000 + step) as u64);
        if rng.random_bool(MIXED) {
            // Squared, so that small shares are common.
            let share = f64::from(MIX_MAX * rng.random_range(0f32..1.0).powi(2));
            let turned: Vec<u32> = (0..chosen.len() as u32).rev().collect();
            let turned = Tensor::from_vec(turned, chosen.len(), &Device::Cpu)?;
            input = ((&input * (1.0 - share))? + (input.index_select(&turned, 0)? * share)?)?;
            targets = ((&targets * (1.0 - share))? + (targets.index_select(&turned, 0)? * share)?)?;
        }
        let network = self.network()?;
        let pooled = network.pooled(&network.features(&input)?)?;
        let kept =
            (0..pooled.elem_count()).map(|_| if rng.random_bool(DROPOUT) { 0.0 } else { 1.0 / (1.0 - DROPOUT) as f32 });
        let mask = Tensor::from_vec(kept.collect::<Vec<f32>>(), pooled.shape(), &Device::Cpu)?;
        loss(&network.head(&(pooled * mask)?)?, &targets)
    }

    fn rate(&self, variable: &str) -> f64 {
        let new = ["mix.", "head.", "places"].iter().any(|name| variable.starts_with(name));
        if new || !self.pretrained { 1.0 } else { PRETRAINED_RATE }
    }

    /// The mean of accuracy and quadratic kappa on the films for tuning, each read plain and mirrored.
    fn validate(&mut self) -> Result<f64> {
        let network = self.network()?.detached();
        let mut answers = Vec::new();
        for both in &self.tune {
            let of = |planes: &Tensor| network.head(&network.pooled(&network.features(planes)?)?);
            let mean = ((of(&both[0])? + of(&both[1])?)? * 0.5)?;
            for probabilities in log_probabilities(&mean)?.exp()?.to_vec2::<f32>()? {
                let probabilities: Vec<f64> = probabilities.into_iter().map(f64::from).collect();
                answers.push(grade::likeliest(&probabilities));
            }
        }
        let right = answers.iter().zip(&self.grades).filter(|(answer, truth)| answer == truth).count();
        let accuracy = right as f64 / answers.len().max(1) as f64;
        Ok(f64::midpoint(accuracy, kappa(&answers, &self.grades)))
    }
}

/// Cohen's kappa with quadratic weights (Cohen, Psychol Bull 1968;70:213); 0 when only one grade occurs.
#[must_use]
pub fn kappa(answers: &[usize], truths: &[usize]) -> f64 {
    let n = answers.len().max(1) as f64;
    let mut counts = [[0f64; GRADES]; 2];
    let mut seen = 0.0;
    for (answer, truth) in answers.iter().zip(truths) {
        counts[0][*answer] += 1.0;
        counts[1][*truth] += 1.0;
        seen += answer.abs_diff(*truth).pow(2) as f64;
    }
    let pairs = (0..GRADES * GRADES).map(|at| (at / GRADES, at % GRADES));
    let chance: f64 = pairs.map(|(a, t)| counts[0][a] * counts[1][t] / n * a.abs_diff(t).pow(2) as f64).sum();
    if chance > 0.0 { 1.0 - seen / chance } else { 0.0 }
}
