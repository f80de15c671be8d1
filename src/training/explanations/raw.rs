//! Inputs and attributions as plain numbers, for comparison with another program (`scripts/captum`).
//!
//! Contract: one safetensors file per network; names and shapes are those that `scripts/captum` reads. Every case is
//! integrated with the same number of points, so that both sides do the same arithmetic.

use super::cases;
use crate::{
    domain::GreyImage,
    models::{
        Manifest, ModelError,
        attribution::film::{self, Differentiable},
        chest::{Chest, reader::FilmReader as _},
        knee::{self, Knee},
        mortality::{Mortality, attribution::Parts, series::Hourly},
        notes::{
            Notes,
            shares::{Asked, Sentence},
        },
        textbook::film::TextbookFilm,
    },
    training::TrainingError,
};
use candle_core::{Device, Result, Tensor};
use safetensors::serialize_to_file;
use std::{collections::HashMap, path::Path};

/// Points of courses and sentences.
const POINTS: usize = 32;
const POINTS_NOTES: usize = 16;
/// Points of films. Rounding switches single rectified units on or off on one side and not on the other; the more points,
/// the less each of them counts.
const POINTS_CHEST: usize = 128;
const POINTS_TEXTBOOK: usize = 256;
const POINTS_KNEE: usize = 64;

/// Named tensors.
type Tensors = Vec<(String, Tensor)>;

/// Writes `out/<name>.safetensors` with `count` drawn cases of the network in `folder`.
///
/// # Errors
/// [`TrainingError`] when the network does not load, fails, or has none of the known architectures.
pub fn write(folder: &Path, count: usize, out: &Path) -> std::result::Result<(), TrainingError> {
    let manifest = Manifest::load(folder).map_err(ModelError::from)?;
    let name = manifest.name.clone();
    let (points, tensors) = match manifest.architecture.as_str() {
        "chest-cnn" => {
            let network = Chest::load(folder, manifest)?;
            (
                POINTS_CHEST,
                films(&network, POINTS_CHEST, (0..count).map(|case| network.squashed(&cases::chest(case).0)))?,
            )
        }
        "textbook-cnn" => {
            let network = TextbookFilm::load(folder, manifest)?;
            let squashed = (0..count).map(|case| network.squashed(&cases::chest(case).0));
            (POINTS_TEXTBOOK, films(&network.of_label(0), POINTS_TEXTBOOK, squashed)?)
        }
        "knee-cnn" => {
            let network = Knee::load(folder, manifest)?;
            (
                POINTS_KNEE,
                films(&network, POINTS_KNEE, (0..count).map(|case| knee::film::squashed(&cases::knee(case))))?,
            )
        }
        "lstm-3x128" | "textbook-lstm" => (POINTS, courses(&Mortality::load(folder, manifest)?, count)?),
        "bert-ner" => (POINTS_NOTES, sentences(&Notes::load(folder, manifest)?, count)?),
        other => return Err(TrainingError::Data(format!("`{other}` has no attribution of its own"))),
    };
    let metadata = HashMap::from([("points".to_owned(), points.to_string())]);
    let path = out.join(format!("{name}.safetensors"));
    serialize_to_file(tensors, Some(metadata), &path)
        .map_err(|error| TrainingError::Data(format!("{}: {error}", path.display())))
}

fn films(network: &dyn Differentiable, points: usize, squashed: impl Iterator<Item = GreyImage>) -> Result<Tensors> {
    let (mut inputs, mut scores, mut integrated, mut maps) =
        (Vec::new(), [Vec::new(), Vec::new()], Vec::new(), Vec::new());
    let (shape, baseline) = (network.shape(), network.baseline());
    for image in squashed {
        let input = network.input(&image);
        let score = |values: &[f32]| -> Result<f32> {
            let planes = Tensor::from_slice(values, &shape, &Device::Cpu)?;
            network.view_scores(&network.features(&planes)?)?.mean_all()?.to_scalar::<f32>()
        };
        scores[0].push(score(&input)?);
        scores[1].push(score(&baseline)?);
        integrated.push(film::integrated_with(network, &input, points)?);
        maps.push(film::grad_cam(network, &input)?);
        inputs.push(Tensor::from_vec(input, &shape, &Device::Cpu)?);
    }
    let inputs = Tensor::stack(&inputs, 0)?;
    let integrated: Vec<f32> = integrated.into_iter().flatten().map(|part| part as f32).collect();
    let [score, baseline_score] = scores;
    Ok(vec![
        (
            "baseline".into(),
            Tensor::from_vec(baseline, &shape, &Device::Cpu)?.broadcast_as(inputs.shape())?.contiguous()?,
        ),
        ("integrated".into(), Tensor::from_vec(integrated, inputs.shape(), &Device::Cpu)?),
        ("grad_cam".into(), Tensor::stack(&maps, 0)?),
        ("input".into(), inputs),
        ("score".into(), vector(score)?),
        ("baseline_score".into(), vector(baseline_score)?),
    ])
}

fn courses(model: &Mortality, count: usize) -> Result<Tensors> {
    let (contract, network) = (model.contract(), model.network());
    let (mut tensors, mut scores): (Tensors, _) = (Vec::new(), [Vec::new(), Vec::new()]);
    for case in 0..count {
        let course = cases::varied(contract, case);
        let encoded = model.encode(&Hourly::of(&course, contract), &course);
        let ends = crate::models::mortality::attribution::ends(network, contract, &encoded)?;
        scores.iter_mut().zip(ends).for_each(|(scores, end)| scores.push(end as f32));
        let parts = Parts::integrate(network, contract, &encoded, POINTS)?;
        let rows = (encoded.hours, contract.channels());
        let statics = [parts.statics.as_slice(), &[0.0]].concat();
        let own = |name: &str| format!("{name}.{case}");
        tensors.extend([
            (own("steps"), Tensor::from_slice(&encoded.steps, rows, &Device::Cpu)?),
            (own("bins"), vector(encoded.bins.clone())?),
            (own("statics"), vector(encoded.statics.to_vec())?),
            (own("integrated.steps"), vector(single(&parts.steps))?.reshape(rows)?),
            (own("integrated.bins"), vector(single(&parts.bins))?),
            (own("integrated.statics"), vector(single(&statics))?),
        ]);
    }
    let [score, baseline_score] = scores;
    tensors.extend([("score".into(), vector(score)?), ("baseline_score".into(), vector(baseline_score)?)]);
    Ok(tensors)
}

fn sentences(model: &Notes, count: usize) -> std::result::Result<Tensors, TrainingError> {
    let (mut tensors, mut scores): (Tensors, _) = (Vec::new(), [Vec::new(), Vec::new()]);
    for case in 0..count {
        let (words, at) = cases::sentence(case);
        let asked = Asked { sentence: &words, kind: 0, words: at..at + 1 };
        let Some(sentence) = Sentence::new(model, asked)? else {
            return Err(TrainingError::Data("a drawn sentence is too long".into()));
        };
        let (pieces, ends) = sentence.with_points(POINTS_NOTES)?;
        scores.iter_mut().zip(ends).for_each(|(scores, end)| scores.push(end));
        let window = sentence.window();
        let (count, own) = (window.ids.len(), |name: &str| format!("{name}.{case}"));
        let firsts: Vec<u32> = window.firsts.iter().map(|first| *first as u32).collect();
        tensors.extend([
            (own("ids"), Tensor::new(window.ids.as_slice(), &Device::Cpu)?),
            (own("kinds"), Tensor::new(window.kinds.as_slice(), &Device::Cpu)?),
            (own("firsts"), Tensor::new(firsts, &Device::Cpu)?),
            (own("vectors"), vector(window.vectors.clone())?.reshape((count, ()))?),
            (own("span"), Tensor::new(&[0u32, at as u32, at as u32 + 1], &Device::Cpu)?),
            (own("integrated"), vector(single(&pieces))?),
        ]);
    }
    let [score, baseline_score] = scores;
    tensors.extend([
        ("score".into(), vector(score)?),
        ("baseline_score".into(), vector(baseline_score)?),
        ("baseline_id".into(), Tensor::new(&[model.unknown_piece()], &Device::Cpu)?),
    ]);
    Ok(tensors)
}

fn single(values: &[f64]) -> Vec<f32> {
    values.iter().map(|value| *value as f32).collect()
}

fn vector(values: Vec<f32>) -> Result<Tensor> {
    let count = values.len();
    Tensor::from_vec(values, count, &Device::Cpu)
}
