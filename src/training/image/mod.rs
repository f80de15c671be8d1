//! `auscult train chest-radiograph` and `auscult evaluate chest-radiograph`.
//!
//! Contract: the folder written is one `models::chest` loads; every figure in it comes from the weights as written,
//! through the loaded model.

pub mod augment;
pub mod data;
pub(super) mod figures;
pub(super) mod limits;
pub mod looks;
pub(super) mod papers;
pub mod scanner;
pub mod shifts;
pub mod strangers;
pub mod trainee;
mod words;

use super::{Bar, Best, Plan, Split, TrainingError, run, trial::Trial};
use crate::{
    domain::Clock,
    models::{
        Manifest,
        chest::{
            BASELINE, Chest, Settings, TEMPLATE,
            film::{PLANES, TEMPLATE_SIDE, planes},
            network::Network,
        },
    },
};
use candle_core::{DType, Device, Tensor};
use data::LabelledFilm;
use looks::Looks;
use rayon::prelude::*;
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};
use trainee::ChestTrainee;

/// Films are squashed to this many pixels a side.
const SIDE: usize = 128;
/// Channels of the stem and the stages.
const WIDTHS: [usize; 4] = [24, 32, 64, 128];

/// The plan `auscult train chest-radiograph` follows unless told otherwise.
#[must_use]
pub fn plan(checkpoint: PathBuf) -> Plan {
    Plan {
        epochs: 48,
        batch: 32,
        learning_rate: 2e-3,
        weight_decay: 0.05,
        warmup: 100,
        seed: 20_180_222,
        ema: Some(0.997),
        patience: None,
        resume: true,
        checkpoint,
    }
}

/// Trains the chest network on a data folder and writes the model folder `out`.
///
/// # Errors
/// [`TrainingError`] when data, arithmetic or files fail.
pub fn train(data: &Path, out: &Path, plan: &Plan, clock: &dyn Clock) -> Result<(), TrainingError> {
    let films = data::read(data, plan.seed)?;
    let parts = Parts {
        train: of(&films, Split::Train),
        tune: of(&films, Split::Tune),
        validation: of(&films, Split::Validation),
    };
    let squashed = |films: &[&LabelledFilm]| -> Vec<(Vec<u8>, bool)> {
        films.par_iter().map(|film| (film.image.resized(SIDE, SIDE).pixels().to_vec(), film.positive)).collect()
    };
    let train = squashed(&parts.train);
    let weights = weights(&train);
    let sizes = ((&WIDTHS[..], SIDE), (plan.batch, plan.seed));
    let mut trainee = ChestTrainee::new(sizes.0, sizes.1, (train, weights), &squashed(&parts.tune))?;
    let best = run::run(&mut trainee, plan, &Bar::new("auroc (plain and shifted)"))?;
    write(out, &trainee, &parts, plan, &best, clock)
}

/// The films of each split.
struct Parts<'a> {
    train: Vec<&'a LabelledFilm>,
    tune: Vec<&'a LabelledFilm>,
    validation: Vec<&'a LabelledFilm>,
}

fn of(films: &[LabelledFilm], split: Split) -> Vec<&LabelledFilm> {
    films.iter().filter(|film| film.belongs(split)).collect()
}

/// How much each training film counts: every look holds as much illness as health.
fn weights(train: &[(Vec<u8>, bool)]) -> Vec<f32> {
    let pixels: Vec<&[u8]> = train.iter().map(|(pixels, _)| pixels.as_slice()).collect();
    let looks = Looks::of(&pixels, SIDE);
    let groups: Vec<usize> = pixels.par_iter().map(|pixels| looks.group(pixels, SIDE)).collect();
    let labels: Vec<bool> = train.iter().map(|(_, positive)| *positive).collect();
    looks::weights(&groups, &labels)
}

/// From the trained weights to a folder that loads.
fn write(
    out: &Path,
    trainee: &ChestTrainee,
    parts: &Parts<'_>,
    plan: &Plan,
    best: &Best,
    clock: &dyn Clock,
) -> Result<(), TrainingError> {
    fs::create_dir_all(out).map_err(TrainingError::io(out))?;
    let template = limits::template(&parts.train);
    let mut settings = Settings {
        side: SIDE,
        planes: Settings::plane_names(),
        widths: WIDTHS.to_vec(),
        mirror: true,
        limits: limits::measured(&parts.train, &template, SIDE),
    };
    let mut tensors = half(trainee.tensors()?)?;
    let network = stored_network(&tensors)?;
    let space = limits::space(&parts.train, SIDE, |films| {
        let numbers: Vec<f32> = films.par_iter().flat_map_iter(|film| planes(film.pixels(), SIDE)).collect();
        let planes = Tensor::from_vec(numbers, (films.len(), SIDE, SIDE, PLANES), &Device::Cpu)?;
        network.pooled(&network.features(&planes)?)
    })?;
    tensors.insert(TEMPLATE.into(), Tensor::from_vec(template, TEMPLATE_SIDE * TEMPLATE_SIDE, &Device::Cpu)?);
    let baseline = limits::baseline(&parts.train, SIDE, |pixels| planes(pixels, SIDE));
    let baseline = Tensor::from_vec(baseline, (SIDE, SIDE, PLANES), &Device::Cpu)?;
    tensors.insert(BASELINE.into(), baseline.to_dtype(DType::F16)?);
    tensors.extend(space.tensors()?);
    save(out, tensors)?;

    let counts = [&parts.train, &parts.tune, &parts.validation].map(|films| papers::Count::of(films));
    let mut manifest = papers::chest(out, papers::table(&settings)?, plan, best, counts, clock)?;
    let tuned = figures::Tuned::of(&Chest::load(out, manifest.clone())?, &parts.tune)?;
    settings.limits = limits::of_network(settings.limits, &tuned);
    manifest.input = papers::table(&settings)?;
    papers::calibrate(&mut manifest, &tuned)?;
    let model = Chest::load(out, manifest)?;
    let (card, attributes) = words::chest(&settings);
    papers::finish(out, &model, &parts.validation, best, (&card, &attributes), clock)?;
    // What was written must load as the service loads it.
    Chest::load(out, Manifest::load(out)?)?;
    Ok(())
}

/// The network as it will be loaded.
fn stored_network(tensors: &HashMap<String, Tensor>) -> candle_core::Result<Network> {
    Network::new(&WIDTHS, &mut |name, _| {
        let tensor = tensors.get(name).ok_or_else(|| candle_core::Error::Msg(format!("`{name}` is missing")))?;
        tensor.to_dtype(DType::F32)
    })
}

/// Writes the weights file.
pub(super) fn save(out: &Path, tensors: HashMap<String, Tensor>) -> Result<(), TrainingError> {
    let bytes = safetensors::serialize(tensors, None).map_err(|error| TrainingError::Checkpoint(error.to_string()))?;
    let path = out.join("weights.safetensors");
    fs::write(&path, bytes).map_err(TrainingError::io(path))
}

/// The tensors as they are stored.
pub(super) fn half(tensors: HashMap<String, Tensor>) -> candle_core::Result<HashMap<String, Tensor>> {
    tensors.into_iter().map(|(name, tensor)| Ok((name, tensor.to_dtype(DType::F16)?))).collect()
}

/// The films of a split as cases, in the order of the data; splits are those of training.
///
/// # Errors
/// [`TrainingError`] when the data do not fit or the split has no film.
pub fn trials(data: &Path, split: Split) -> Result<Vec<Trial>, TrainingError> {
    let films = data::read(data, plan(PathBuf::new()).seed)?;
    papers::trials(&of(&films, split))
}
