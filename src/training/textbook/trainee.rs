//! The textbook's convolutional network while it learns.
//!
//! Contract: plain layers, no normalisation; what keeps it from learning by heart is changes of every film, dropout before
//! the last layer, weight decay and the average of the weights over updates.

use super::Tensors;
use crate::{
    models::{
        chest::stranger::{BIAS, Stranger, WEIGHT},
        textbook::{
            cnn::{Padding, SIDE, TextbookCnn, UNITS, log_odds, shapes},
            film::{Grey, plane},
        },
    },
    training::{
        Trainee,
        image::{
            augment::{self, TRAINING},
            looks::{self, Looks},
            scanner, shifts,
            strangers::stranger,
            trainee::cross_entropy,
        },
        metrics::auroc,
        optimiser::sorted,
        seeded::{self, Named, generator},
    },
};
use candle_core::{Device, Result, Tensor};
use candle_nn::VarMap;
use rand::RngExt as _;
use rand_distr::{Distribution, StandardNormal};

/// Classes of the softmax: without pneumonia, with it.
const CLASSES: usize = 2;
/// Share of the dense layer's units left out in training.
const DROPOUT: f64 = 0.5;
/// Targets are 0.03 and 0.97.
const SMOOTHING: f32 = 0.03;
/// One picture that is no chest film per this many films.
const STRANGERS: usize = 6;
/// Share of the loss of the output that tells them.
const STRANGER_WEIGHT: f64 = 0.3;
/// Films per pass over the tuning films.
const CHUNK: usize = 64;

/// A squashed film and its label.
type Example = (Vec<u8>, bool);

/// The network, its films and its randomness.
pub struct TextbookTrainee {
    vars: VarMap,
    padding: Padding,
    grey: Grey,
    batch: usize,
    seed: u64,
    train: Vec<Example>,
    weights: Vec<f32>,
    order: Vec<usize>,
    plain: Vec<Tensor>,
    shifted: Vec<Tensor>,
    labels: Vec<bool>,
}

impl TextbookTrainee {
    /// A fresh network over these films.
    ///
    /// # Errors
    /// Candle's.
    pub fn new(
        (padding, grey): (Padding, Grey),
        (batch, seed): (usize, u64),
        train: Vec<Example>,
        tune: &[Example],
    ) -> Result<Self> {
        let pixels: Vec<&[u8]> = train.iter().map(|(pixels, _)| pixels.as_slice()).collect();
        let looks = Looks::of(&pixels, SIDE);
        let groups: Vec<usize> = pixels.iter().map(|pixels| looks.group(pixels, SIDE)).collect();
        let weights = looks::weights(&groups, &train.iter().map(|(_, positive)| *positive).collect::<Vec<_>>());
        let plain: Vec<Vec<u8>> = tune.iter().map(|(pixels, _)| pixels.clone()).collect();
        let moved: Vec<Vec<u8>> =
            plain.iter().enumerate().map(|(index, pixels)| shifts::ALL.of(pixels, SIDE, seed, index)).collect();
        let chunks = |films: &[Vec<u8>]| films.chunks(CHUNK).map(|chunk| tensor(chunk, grey)).collect::<Result<_>>();
        Ok(Self {
            vars: variables(padding, seed)?,
            padding,
            grey,
            batch,
            seed,
            weights,
            order: Vec::new(),
            plain: chunks(&plain)?,
            shifted: chunks(&moved)?,
            labels: tune.iter().map(|(_, positive)| *positive).collect(),
            train,
        })
    }

    /// All tensors by name, for the weights file.
    ///
    /// # Errors
    /// Candle's.
    pub fn tensors(&self) -> Result<Tensors> {
        Ok(sorted(&self.vars).into_iter().map(|(name, var)| (name, var.as_tensor().detach())).collect())
    }

    fn parts(&self) -> Result<(TextbookCnn, Stranger)> {
        let vars = Named::of(&self.vars);
        let mut get = |name: &str, _: &[usize]| vars.get(name);
        Ok((TextbookCnn::new(self.padding, CLASSES, &mut get)?, Stranger::new(UNITS, &mut get)?))
    }

    fn area(&self, chunks: &[Tensor]) -> Result<f64> {
        let network = self.parts()?.0.detached();
        let mut scores = Vec::new();
        for chunk in chunks {
            let odds = log_odds(&network.logits(&network.features(chunk)?)?)?.narrow(1, 1, 1)?;
            scores.extend(odds.flatten_all()?.to_vec1::<f32>()?.into_iter().map(f64::from));
        }
        Ok(auroc(&scores, &self.labels).unwrap_or(0.0))
    }

    /// The films and the pictures that are none of one batch.
    fn pictures(&self, epoch: usize, chosen: &[usize]) -> Result<Tensor> {
        let films = chosen.iter().map(|index| {
            let mut rng = generator(self.seed, epoch as u64, *index as u64);
            let film = augment::changed(&self.train[*index].0, SIDE, &TRAINING, &mut rng);
            scanner::changed(film, SIDE, &scanner::TRAINING, &mut rng)
        });
        let strangers = chosen[..self.batch.div_ceil(STRANGERS)].iter().map(|index| {
            let mut rng = generator(self.seed, (5 << 32) + epoch as u64, *index as u64);
            stranger(&self.train[*index].0, SIDE, &mut rng)
        });
        tensor(&films.chain(strangers).collect::<Vec<_>>(), self.grey)
    }
}

/// Starting values: weights normal with variance 2 / inputs (He et al., ICCV 2015), the last layers and all biases zero.
fn variables(padding: Padding, seed: u64) -> Result<VarMap> {
    let mut all: Vec<(String, Tensor)> = Vec::new();
    for (index, (name, shape)) in shapes(padding, CLASSES).into_iter().enumerate() {
        let count: usize = shape.iter().product();
        let fan_in = count / shape.last().copied().unwrap_or(1).max(1);
        let spread = if name.ends_with("bias") || name == "dense2.weight" { 0.0 } else { (2.0 / fan_in as f32).sqrt() };
        let mut rng = generator(seed, 2 << 32, index as u64);
        let values = (0..count).map(|_| spread * Distribution::<f32>::sample(&StandardNormal, &mut rng));
        all.push((name, Tensor::from_vec(values.collect::<Vec<f32>>(), shape, &Device::Cpu)?));
    }
    all.push((WEIGHT.into(), Tensor::zeros(UNITS, candle_core::DType::F32, &Device::Cpu)?));
    all.push((BIAS.into(), Tensor::zeros(1, candle_core::DType::F32, &Device::Cpu)?));
    seeded::variables(all)
}

fn tensor(films: &[Vec<u8>], grey: Grey) -> Result<Tensor> {
    let numbers: Vec<f32> = films.iter().flat_map(|pixels| plane(pixels, grey)).collect();
    Tensor::from_vec(numbers, (films.len(), SIDE, SIDE, 1), &Device::Cpu)
}

impl Trainee for TextbookTrainee {
    fn vars(&self) -> &VarMap {
        &self.vars
    }

    fn steps(&mut self, epoch: usize) -> usize {
        self.order = seeded::order(self.train.len(), self.seed, epoch);
        self.train.len() / self.batch
    }

    fn loss(&mut self, epoch: usize, step: usize) -> Result<Tensor> {
        let chosen = &self.order[step * self.batch..(step + 1) * self.batch];
        let (network, stranger) = self.parts()?;
        let features = network.features(&self.pictures(epoch, chosen)?)?;
        let mut rng = generator(self.seed, 4 << 32, (epoch * 1_000_000 + step) as u64);
        let scale = 1.0 / (1.0 - DROPOUT) as f32;
        let kept = (0..features.elem_count()).map(|_| if rng.random_bool(DROPOUT) { 0.0 } else { scale });
        let mask = Tensor::from_vec(kept.collect::<Vec<f32>>(), features.shape(), &Device::Cpu)?;
        let features = (features * mask)?;
        let films = features.narrow(0, 0, self.batch)?;
        let odds = log_odds(&network.logits(&films)?)?.narrow(1, 1, 1)?.flatten_all()?;
        let target = |positive: bool| if positive { 1.0 - SMOOTHING } else { SMOOTHING };
        let targets: Vec<f32> = chosen.iter().map(|index| target(self.train[*index].1)).collect();
        let weights: Vec<f32> = chosen.iter().map(|index| self.weights[*index]).collect();
        let pneumonia = cross_entropy(&odds, &targets, &weights)?;
        let strange = stranger.scores(&features)?;
        let all = strange.dim(0)?;
        let targets: Vec<f32> = (0..all).map(|index| target(index >= self.batch)).collect();
        let share = |index| all as f32 / 2.0 / if index < self.batch { self.batch } else { all - self.batch } as f32;
        let strangeness = cross_entropy(&strange, &targets, &(0..all).map(share).collect::<Vec<f32>>())?;
        pneumonia + (strangeness * STRANGER_WEIGHT)?
    }

    /// The mean of the areas under the curve on the films of `tune` as they are and shifted.
    fn validate(&mut self) -> Result<f64> {
        Ok(f64::midpoint(self.area(&self.plain)?, self.area(&self.shifted)?))
    }
}

#[cfg(test)]
mod tests {
    use super::TextbookTrainee;
    use crate::{
        models::{
            chest::phantom,
            textbook::{
                cnn::{Padding, SIDE},
                film::Grey,
            },
        },
        training::{Plan, Silent, Trainee as _, run},
    };

    #[test]
    fn it_learns_to_tell_two_phantoms_and_gives_the_same_weights_for_the_same_seed() {
        let example = |positive: bool| {
            let film = if positive { phantom::shadowed() } else { phantom::normal() };
            (film.resized(SIDE, SIDE).pixels().to_vec(), positive)
        };
        let films: Vec<_> = (0..32).map(|index| example(index % 2 == 0)).collect();
        let train = || {
            let folder = tempfile::tempdir().unwrap();
            let mut trainee =
                TextbookTrainee::new((Padding::Valid, Grey::Equalised), (16, 5), films.clone(), &films[..8]).unwrap();
            let plan = Plan {
                epochs: 12,
                batch: 16,
                learning_rate: 2e-3,
                weight_decay: 0.0,
                warmup: 2,
                seed: 5,
                ema: None,
                patience: None,
                resume: false,
                checkpoint: folder.path().to_owned(),
            };
            let best = run::run(&mut trainee, &plan, &Silent).unwrap();
            (best.metric, trainee.tensors().unwrap()["dense2.weight"].flatten_all().unwrap().to_vec1::<f32>().unwrap())
        };
        let (first, second) = (train(), train());
        assert!(first.0 > 0.8, "{}", first.0);
        assert_eq!(first.1, second.1);
    }

    #[test]
    fn the_loss_falls_along_its_gradient() {
        let film = phantom::normal().resized(SIDE, SIDE).pixels().to_vec();
        let films = vec![(film.clone(), true), (film, false)];
        let mut trainee = TextbookTrainee::new((Padding::Same, Grey::Scaled), (2, 1), films.clone(), &films).unwrap();
        assert_eq!(trainee.steps(1), 1);
        let loss = trainee.loss(1, 0).unwrap();
        let grads = loss.backward().unwrap();
        let mut expected = 0.0;
        for (_, var) in super::sorted(trainee.vars()) {
            let grad = grads.get(var.as_tensor()).unwrap().clone();
            expected += f64::from(grad.sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap());
            var.set(&(var.as_tensor() - (grad * 1e-4).unwrap()).unwrap()).unwrap();
        }
        let before = f64::from(loss.to_scalar::<f32>().unwrap());
        let after = f64::from(trainee.loss(1, 0).unwrap().to_scalar::<f32>().unwrap());
        let slope = (before - after) / 1e-4;
        assert!((slope / expected - 1.0).abs() < 0.1, "{slope} against {expected}");
    }
}
