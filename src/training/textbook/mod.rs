//! `auscult train pneumonia-28` and `auscult evaluate pneumonia-28`: the textbook's convolutional network on chest films of
//! 28 × 28 pixels.
//!
//! Contract: the folder written is one `models::textbook::film` loads; epoch, calibration, threshold and limits come from
//! the split `tune`, figures from validation.

pub mod data;
mod papers;
mod trainee;

use super::{
    Bar, Best, Plan, Split, TrainingError,
    image::{self, data::LabelledFilm, figures::Tuned, limits, papers as films, papers::Count},
    run,
    trial::Trial,
};
use crate::{
    domain::Clock,
    models::{
        Manifest,
        chest::{BASELINE, TEMPLATE, film::TEMPLATE_SIDE},
        textbook::{
            cnn::{Padding, SIDE, TextbookCnn},
            film::{Grey, Settings, TextbookFilm, plane},
        },
    },
};
use candle_core::{DType, Device, Tensor};
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};
use trainee::TextbookTrainee;

/// Edges of the trained network.
const PADDING: Padding = Padding::Same;
/// What it sees of a grey value.
const GREY: Grey = Grey::Equalised;

/// The plan `auscult train pneumonia-28` follows unless told otherwise.
#[must_use]
pub fn plan(checkpoint: PathBuf) -> Plan {
    Plan {
        epochs: 40,
        batch: 64,
        learning_rate: 1e-3,
        weight_decay: 0.05,
        warmup: 100,
        seed: 19_981_128,
        ema: Some(0.998),
        patience: None,
        resume: true,
        checkpoint,
    }
}

/// Trains the network on a data folder and writes the model folder `out`.
///
/// # Errors
/// [`TrainingError`] when data, arithmetic or files fail.
pub fn train(data: &Path, out: &Path, plan: &Plan, clock: &dyn Clock) -> Result<(), TrainingError> {
    let all = [Split::Train, Split::Tune, Split::Validation].map(|split| data::read(data, split));
    let [train, tune, validation] = all;
    let (train, tune, validation) = (train?, tune?, validation?);
    let examples = |films: &[LabelledFilm]| -> Vec<(Vec<u8>, bool)> {
        films.iter().map(|film| (film.image.resized(SIDE, SIDE).pixels().to_vec(), film.positive)).collect()
    };
    let mut trainee =
        TextbookTrainee::new((PADDING, GREY), (plan.batch, plan.seed), examples(&train), &examples(&tune))?;
    let best = run::run(&mut trainee, plan, &Bar::new("auroc (plain and shifted)"))?;
    let parts = [&train, &tune, &validation].map(|films| films.iter().collect::<Vec<_>>());
    write(out, &trainee, &parts, plan, &best, clock)
}

/// From the trained weights to a folder that loads.
fn write(
    out: &Path,
    trainee: &TextbookTrainee,
    parts: &[Vec<&LabelledFilm>; 3],
    plan: &Plan,
    best: &Best,
    clock: &dyn Clock,
) -> Result<(), TrainingError> {
    let [train, tune, validation] = parts;
    fs::create_dir_all(out).map_err(TrainingError::io(out))?;
    let template = limits::template(train);
    let open = limits::measured(train, &template, SIDE);
    let mut tensors = image::half(trainee.tensors()?)?;
    let network = TextbookCnn::new(PADDING, 2, &mut |name, _| {
        let tensor = tensors.get(name).ok_or_else(|| candle_core::Error::Msg(format!("`{name}` is missing")))?;
        tensor.to_dtype(DType::F32)
    })?;
    let space = limits::space(train, SIDE, |films| {
        let numbers: Vec<f32> = films.iter().flat_map(|film| plane(film.pixels(), GREY)).collect();
        network.features(&Tensor::from_vec(numbers, (films.len(), SIDE, SIDE, 1), &Device::Cpu)?)
    })?;
    tensors.insert(TEMPLATE.into(), Tensor::from_vec(template, TEMPLATE_SIDE * TEMPLATE_SIDE, &Device::Cpu)?);
    let baseline = limits::baseline(train, SIDE, |pixels| plane(pixels, GREY));
    tensors.insert(BASELINE.into(), Tensor::from_vec(baseline, (SIDE, SIDE, 1), &Device::Cpu)?);
    tensors.extend(space.tensors()?);
    image::save(out, tensors)?;

    let settings = |limits| films::table(&Settings { padding: PADDING, grey: GREY, limits: Some(limits) });
    let counts = [train, tune, validation].map(|films| Count::of(films));
    let mut manifest = papers::manifest(out, settings(open)?, plan, best, counts, clock)?;
    let tuned = Tuned::of(&TextbookFilm::load(out, manifest.clone())?, tune)?;
    manifest.input = settings(limits::of_network(open, &tuned))?;
    films::calibrate(&mut manifest, &tuned)?;
    let model = TextbookFilm::load(out, manifest)?;
    films::finish(out, &model, validation, best, (&papers::card(), &papers::ATTRIBUTES), clock)?;
    // What was written must load as the service loads it.
    TextbookFilm::load(out, Manifest::load(out)?)?;
    Ok(())
}

/// Calibrates and measures a network whose weights came from elsewhere (`auscult import keras`).
///
/// # Errors
/// [`TrainingError`] when the folder or the data do not fit, or files cannot be written.
pub fn calibrate(data: &Path, folder: &Path, mut manifest: Manifest, clock: &dyn Clock) -> Result<(), TrainingError> {
    let (tune, validation) = (data::read(data, Split::Tune)?, data::read(data, Split::Validation)?);
    let (tune, validation) = (tune.iter().collect::<Vec<_>>(), validation.iter().collect::<Vec<_>>());
    let tuned = Tuned::of(&TextbookFilm::load(folder, manifest.clone())?, &tune)?;
    films::calibrate(&mut manifest, &tuned)?;
    let model = TextbookFilm::load(folder, manifest)?;
    let nothing = Best { epoch: 0, metric: 0.0, weights: PathBuf::new(), curve: Vec::new() };
    films::finish(folder, &model, &validation, &nothing, (&super::keras::card(), &[]), clock)
}

/// All tensors of a network that is being trained, by name.
type Tensors = HashMap<String, Tensor>;

/// The films of a split as cases, in the order of the data.
///
/// # Errors
/// [`TrainingError`] when the data do not fit.
pub fn trials(data: &Path, split: Split) -> Result<Vec<Trial>, TrainingError> {
    let films = data::read(data, split)?;
    films::trials(&films.iter().collect::<Vec<_>>())
}
