//! When a film is not read: limits set from the training films (pixels) and from the split `tune` (the network's own view).
//!
//! Contract: what is refused is refused because nearly no film of the training population is like it; the share of valid
//! films refused is measured on validation.

use super::{data::LabelledFilm, figures::Tuned};
use crate::{
    domain::GreyImage,
    models::{
        chest::{
            film::{Measures, TEMPLATE_SIDE, template_view},
            suitability::Limits,
        },
        familiarity::Space,
    },
    training::TrainingError,
};
use candle_core::Tensor;
use rayon::prelude::*;

/// Films whose measures fall below this quantile of the training films' are refused, less a margin.
const QUANTILE: f64 = 0.001;
/// Share of the films of `tune` that each of the network's two limits may refuse.
const REFUSED: f64 = 0.005;
/// The same for films under all shifts together.
const REFUSED_SHIFTED: f64 = 0.02;
/// The second output stays silent up to this score whatever the films of `tune` say.
const STRANGER_FLOOR: f64 = 0.0;
/// Films per forward pass.
const CHUNK: usize = 32;

/// The mean of the equalised training films: thousands of patients, nobody's film.
pub fn template(films: &[&LabelledFilm]) -> Vec<f32> {
    let mut sum = vec![0.0f64; TEMPLATE_SIDE * TEMPLATE_SIDE];
    for film in films {
        sum.iter_mut().zip(template_view(&film.image)).for_each(|(sum, value)| *sum += f64::from(value));
    }
    sum.into_iter().map(|sum| (sum / films.len().max(1) as f64) as f32).collect()
}

/// The mean input of the films without the finding: what explanations compare a film with.
pub fn baseline(films: &[&LabelledFilm], side: usize, planes: impl Fn(&[u8]) -> Vec<f32>) -> Vec<f32> {
    mean(films.iter().filter(|film| !film.positive).map(|film| planes(film.image.resized(side, side).pixels())))
}

/// The mean of inputs of one length; nothing of none.
pub fn mean(inputs: impl Iterator<Item = Vec<f32>>) -> Vec<f32> {
    let (mut sum, mut count) = (Vec::<f64>::new(), 0usize);
    for input in inputs {
        sum.resize(input.len(), 0.0);
        sum.iter_mut().zip(input).for_each(|(sum, value)| *sum += f64::from(value));
        count += 1;
    }
    sum.into_iter().map(|sum| (sum / count.max(1) as f64) as f32).collect()
}

/// Limits on the pixels that nearly every training film passes with room to spare; the network's own are open.
pub fn measured(films: &[&LabelledFilm], template: &[f32], side: usize) -> Limits {
    let measures: Vec<Measures> =
        films.par_iter().map(|film| Measures::of(&film.image.resized(side, side), template)).collect();
    let low = |of: fn(&Measures) -> f64| {
        let mut values: Vec<f64> = measures.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get((QUANTILE * values.len() as f64) as usize).copied().unwrap_or(0.0)
    };
    Limits {
        contrast_min: rounded(low(|m| m.contrast) * 0.4),
        // Several times as far from perfect smoothness as the roughest training films: noise is at 0.
        smoothness_min: rounded(1.0 - 5.0 * (1.0 - low(|m| m.smoothness))),
        likeness_min: rounded(low(|m| m.likeness) * 0.7),
        stranger_max: 1e6,
        distance_max: 1e6,
        age_end_years: None,
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// The same with the network's own limits.
pub fn of_network(limits: Limits, tuned: &Tuned) -> Limits {
    let high = |plain: Vec<f64>, shifted: Vec<f64>| {
        quantile(plain, 1.0 - REFUSED).max(quantile(shifted, 1.0 - REFUSED_SHIFTED))
    };
    let stranger = high(tuned.plain(|one| one.stranger), tuned.shifted(|one| one.stranger));
    let distance = high(tuned.plain(|one| one.distance), tuned.shifted(|one| one.distance));
    Limits { stranger_max: rounded(stranger.max(STRANGER_FLOOR)), distance_max: rounded(distance), ..limits }
}

fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = (share * values.len() as f64) as usize;
    values.get(place.min(values.len().saturating_sub(1))).copied().unwrap_or(1e6)
}

/// The space of the training films' features, which `features` gives for squashed films.
pub fn space(
    films: &[&LabelledFilm],
    side: usize,
    features: impl Fn(&[GreyImage]) -> candle_core::Result<Tensor>,
) -> Result<Space, TrainingError> {
    let mut rows = Vec::with_capacity(films.len());
    for chunk in films.chunks(CHUNK) {
        let squashed: Vec<GreyImage> = chunk.par_iter().map(|film| film.image.resized(side, side)).collect();
        rows.extend(features(&squashed)?.to_vec2::<f32>()?);
    }
    let classes: Vec<usize> = films.iter().map(|film| usize::from(film.positive)).collect();
    Ok(Space::fit(&rows, &classes)?)
}
