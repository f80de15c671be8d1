//! `auscult train chest-radiograph` and `auscult evaluate chest-radiograph`.
//!
//! Contract: the folder written is one `models::chest` loads; every figure in it comes from the weights as written,
//! through the loaded model.

pub mod augment;
pub mod data;
mod papers;
pub mod trainee;

use super::{Bar, Best, Plan, Report, Split, TrainingError, metrics, run};
use crate::{
    domain::{Clock, GreyImage},
    models::{
        Manifest, Model as _,
        chest::{
            Chest, Settings, TEMPLATE,
            film::{Measures, TEMPLATE_SIDE, template_view},
            suitability::Limits,
        },
    },
};
use candle_core::{DType, Device, Tensor};
use data::LabelledFilm;
use rayon::prelude::*;
use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
};
use trainee::ChestTrainee;

/// Films are squashed to this many pixels a side.
const SIDE: usize = 128;
/// Channels of the stem and the stages.
const WIDTHS: [usize; 4] = [16, 24, 48, 96];
/// Films whose measures fall below this quantile of the training films' are refused, less a margin.
const QUANTILE: f64 = 0.001;

/// The plan `auscult train chest-radiograph` follows unless told otherwise.
#[must_use]
pub fn plan(checkpoint: PathBuf) -> Plan {
    Plan {
        epochs: 14,
        batch: 32,
        learning_rate: 2e-3,
        weight_decay: 0.02,
        warmup: 100,
        seed: 20_180_222,
        ema: Some(0.995),
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
    let (train, validation) = (of(&films, Split::Train), of(&films, Split::Validation));
    let squashed = |films: &[&LabelledFilm]| -> Vec<(Vec<u8>, bool)> {
        films.par_iter().map(|film| (film.image.resized(SIDE, SIDE).pixels().to_vec(), film.positive)).collect()
    };
    let mut trainee =
        ChestTrainee::new((&WIDTHS, SIDE), (plan.batch, plan.seed), squashed(&train), &squashed(&validation))?;
    let best = run::run(&mut trainee, plan, &Bar::new("auroc (plain and shifted)"))?;
    let template = template(&train);
    let settings = Settings {
        side: SIDE,
        planes: Settings::plane_names(),
        widths: WIDTHS.to_vec(),
        limits: limits(&train, &template),
    };
    write(out, &trainee, template, &settings, plan, &best, [&train, &validation], clock)
}

fn of(films: &[LabelledFilm], split: Split) -> Vec<&LabelledFilm> {
    films.iter().filter(|film| film.belongs(split)).collect()
}

/// The mean of the equalised training films: thousands of patients, nobody's film.
fn template(films: &[&LabelledFilm]) -> Vec<f32> {
    let mut sum = vec![0.0f64; TEMPLATE_SIDE * TEMPLATE_SIDE];
    for film in films {
        sum.iter_mut().zip(template_view(&film.image)).for_each(|(sum, value)| *sum += f64::from(value));
    }
    sum.into_iter().map(|sum| (sum / films.len().max(1) as f64) as f32).collect()
}

/// Limits that nearly every training film passes with room to spare.
fn limits(films: &[&LabelledFilm], template: &[f32]) -> Limits {
    let measures: Vec<Measures> =
        films.par_iter().map(|film| Measures::of(&film.image.resized(SIDE, SIDE), template)).collect();
    let low = |of: fn(&Measures) -> f64| {
        let mut values: Vec<f64> = measures.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get((QUANTILE * values.len() as f64) as usize).copied().unwrap_or(0.0)
    };
    let rounded = |value: f64| (value * 1000.0).round() / 1000.0;
    Limits {
        contrast_min: rounded(low(|m| m.contrast) * 0.4),
        // Several times as far from perfect smoothness as the roughest training films: noise is at 0.
        smoothness_min: rounded(1.0 - 5.0 * (1.0 - low(|m| m.smoothness))),
        likeness_min: rounded(low(|m| m.likeness) * 0.7),
    }
}

#[expect(clippy::too_many_arguments, reason = "everything a model folder is made from, once")]
fn write(
    out: &Path,
    trainee: &ChestTrainee,
    template: Vec<f32>,
    settings: &Settings,
    plan: &Plan,
    best: &Best,
    [train, validation]: [&[&LabelledFilm]; 2],
    clock: &dyn Clock,
) -> Result<(), TrainingError> {
    fs::create_dir_all(out).map_err(TrainingError::io(out))?;
    let mut tensors: HashMap<String, Tensor> = trainee.tensors()?;
    tensors.insert(TEMPLATE.into(), Tensor::from_vec(template, TEMPLATE_SIDE * TEMPLATE_SIDE, &Device::Cpu)?);
    let half: candle_core::Result<HashMap<String, Tensor>> =
        tensors.into_iter().map(|(name, tensor)| Ok((name, tensor.to_dtype(DType::F16)?))).collect();
    let bytes = safetensors::serialize(half?, None).map_err(|error| TrainingError::Checkpoint(error.to_string()))?;
    let path = out.join("weights.safetensors");
    fs::write(&path, bytes).map_err(TrainingError::io(path))?;

    let counts = [train, validation].map(papers::Count::of);
    let mut manifest = papers::manifest(out, settings, plan, best, counts, clock)?;
    let model = Chest::load(out, manifest.clone())?;
    let labels: Vec<bool> = validation.iter().map(|film| film.positive).collect();
    let scores = scores(&model, validation, plan.batch)?;
    papers::calibrate(&mut manifest, &scores, &labels)?;
    let model = Chest::load(out, manifest.clone())?;
    let figures = figures(&model, validation, Split::Validation, plan.batch)?;
    papers::finish(out, manifest, &model, counts, figures)?;
    // What was written must load as the service loads it.
    Chest::load(out, Manifest::load(out)?)?;
    Ok(())
}

/// Raw scores of films, whether or not the service would read them.
fn scores(model: &Chest, films: &[&LabelledFilm], batch: usize) -> Result<Vec<f64>, TrainingError> {
    let mut scores = Vec::with_capacity(films.len());
    for chunk in films.chunks(batch.max(1)) {
        let images: Vec<&GreyImage> = chunk.iter().map(|film| &film.image).collect();
        scores.extend(model.scores(&images)?);
    }
    Ok(scores)
}

/// The metrics of a split; on validation also under a synthetic shift.
fn figures(
    model: &Chest,
    films: &[&LabelledFilm],
    split: Split,
    batch: usize,
) -> Result<BTreeMap<String, f64>, TrainingError> {
    let labels: Vec<bool> = films.iter().map(|film| film.positive).collect();
    let raw = scores(model, films, batch)?;
    let manifest = model.manifest();
    let threshold = manifest.labels.first().map_or(0.5, |label| label.threshold);
    let probabilities: Vec<f64> = raw.iter().map(|score| manifest.calibration.probability(*score)).collect();
    let mut all: Vec<(&str, Option<f64>)> = vec![
        ("auroc", metrics::auroc(&raw, &labels)),
        ("auprc", metrics::auprc(&raw, &labels)),
        ("accuracy", metrics::accuracy_at(&probabilities, &labels, threshold)),
        ("accuracy_at_half", metrics::accuracy_at(&probabilities, &labels, 0.5)),
        ("sensitivity", metrics::sensitivity_at(&probabilities, &labels, threshold)),
        ("specificity", metrics::specificity_at(&probabilities, &labels, threshold)),
        ("ppv", metrics::ppv_at(&probabilities, &labels, threshold)),
        ("brier", metrics::brier(&probabilities, &labels)),
        ("ece", metrics::ece(&probabilities, &labels)),
        ("refused", Some(refused(model, films))),
    ];
    if split == Split::Validation {
        let moved: Vec<LabelledFilm> = films
            .par_iter()
            .enumerate()
            .map(|(index, film)| film.shifted(SIDE, manifest.provenance.seed, index))
            .collect();
        let raw = scores(model, &moved.iter().collect::<Vec<_>>(), batch)?;
        let probabilities: Vec<f64> = raw.iter().map(|score| manifest.calibration.probability(*score)).collect();
        all.push(("auroc_shifted", metrics::auroc(&raw, &labels)));
        all.push(("accuracy_shifted", metrics::accuracy_at(&probabilities, &labels, threshold)));
        all.push(("refused_shifted", Some(refused(model, &moved.iter().collect::<Vec<_>>()))));
    }
    Ok(all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}

/// Share of films the service would refuse to read.
fn refused(model: &Chest, films: &[&LabelledFilm]) -> f64 {
    let count = films.par_iter().filter(|film| !model.reads(&film.image)).count();
    count as f64 / films.len().max(1) as f64
}

/// Evaluates a model folder on a split of a data folder; validation is split off as it was for training.
///
/// # Errors
/// [`TrainingError`] when the model does not load or the data do not fit.
pub fn evaluate(folder: &Path, data: &Path, split: Split, batch: usize) -> Result<Report, TrainingError> {
    let model = Chest::load(folder, Manifest::load(folder)?)?;
    let films = data::read(data, model.manifest().provenance.seed)?;
    let chosen = of(&films, split);
    let positives = chosen.iter().filter(|film| film.positive).count();
    let metrics = figures(&model, &chosen, split, batch)?;
    Ok(Report { model: model.manifest().name.clone(), split, n: chosen.len(), positives, metrics })
}
