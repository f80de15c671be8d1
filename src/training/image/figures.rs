//! What a network that reads chest films says of whole splits, plain and shifted, and how good that is.
//!
//! Contract: everything through the loaded model; shifts are seeded, so the same films shift the same way every time.

use super::{
    data::LabelledFilm,
    looks::{self, Looks},
    shifts::{ALL, SHIFTS, Shift},
};
use crate::{
    domain::GreyImage,
    models::chest::reader::{Answer, FilmReader},
    training::{TrainingError, metrics},
};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Films per pass.
const CHUNK: usize = 32;
/// Least number of films of a class for a figure across looks.
const FEW: usize = 15;

/// The network's answers on the split `tune`, plain and under all shifts together.
#[derive(Debug)]
pub struct Tuned {
    plain: Vec<Answer>,
    shifted: Vec<Answer>,
    /// Whether each film shows pneumonia.
    pub labels: Vec<bool>,
}

impl Tuned {
    /// Asks the network.
    pub fn of(model: &impl FilmReader, films: &[&LabelledFilm]) -> Result<Self, TrainingError> {
        Ok(Self {
            plain: answers(model, films, None)?,
            shifted: answers(model, films, Some(&ALL))?,
            labels: films.iter().map(|film| film.positive).collect(),
        })
    }

    /// One number per film as it is.
    pub fn plain(&self, of: impl Fn(&Answer) -> f64) -> Vec<f64> {
        self.plain.iter().map(of).collect()
    }

    /// One number per shifted film.
    pub fn shifted(&self, of: impl Fn(&Answer) -> f64) -> Vec<f64> {
        self.shifted.iter().map(of).collect()
    }
}

/// Answers to films, whether or not the service would read them.
fn answers(
    model: &impl FilmReader,
    films: &[&LabelledFilm],
    shift: Option<&Shift>,
) -> Result<Vec<Answer>, TrainingError> {
    let (seed, side) = (model.manifest().provenance.seed, model.guard().side);
    let mut all = Vec::with_capacity(films.len());
    for (number, chunk) in films.chunks(CHUNK).enumerate() {
        let moved: Vec<GreyImage> = chunk
            .par_iter()
            .enumerate()
            .filter_map(|(index, film)| shift.map(|shift| film.shifted(shift, side, seed, number * CHUNK + index)))
            .collect();
        let images: Vec<&GreyImage> = match shift {
            Some(_) => moved.iter().collect(),
            None => chunk.iter().map(|film| &film.image).collect(),
        };
        all.extend(model.answers(&images)?);
    }
    Ok(all)
}

/// What the report on a split does not have: figures under each shift, and across looks.
pub fn of(model: &impl FilmReader, films: &[&LabelledFilm]) -> Result<BTreeMap<String, f64>, TrainingError> {
    let labels: Vec<bool> = films.iter().map(|film| film.positive).collect();
    let manifest = model.manifest();
    let threshold = manifest.labels.first().map_or(0.5, |label| label.threshold);
    let scores = |answers: &[Answer]| answers.iter().map(Answer::score).collect::<Vec<f64>>();
    let chances = |raw: &[f64]| raw.iter().map(|score| manifest.calibration.probability(*score)).collect::<Vec<f64>>();
    let plain = scores(&answers(model, films, None)?);
    let side = model.guard().side;
    let mut all = vec![
        ("auroc_across_looks".to_owned(), across_looks(films, &plain, side)),
        ("accuracy_at_half".to_owned(), metrics::accuracy_at(&chances(&plain), &labels, 0.5)),
    ];
    for shift in SHIFTS.iter().chain([&ALL]) {
        let raw = scores(&answers(model, films, Some(shift))?);
        let name = if shift.name == ALL.name { "shifted".to_owned() } else { format!("shift_{}", shift.name) };
        all.push((format!("auroc_{name}"), metrics::auroc(&raw, &labels)));
        all.push((format!("accuracy_{name}"), metrics::accuracy_at(&chances(&raw), &labels, threshold)));
    }
    let moved: Vec<GreyImage> = films
        .par_iter()
        .enumerate()
        .map(|(index, film)| film.shifted(&ALL, side, manifest.provenance.seed, index))
        .collect();
    all.push(("refused_shifted".into(), Some(refused(model, &moved)?)));
    Ok(all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
}

/// The least area under the curve when films with the finding of one look are set against films without of another: what
/// remains when the look as a whole says nothing, or the wrong thing, about the finding.
fn across_looks(films: &[&LabelledFilm], scores: &[f64], side: usize) -> Option<f64> {
    let squashed: Vec<GreyImage> = films.par_iter().map(|film| film.image.resized(side, side)).collect();
    let pixels: Vec<&[u8]> = squashed.iter().map(GreyImage::pixels).collect();
    let looks = Looks::of(&pixels, side);
    let groups: Vec<usize> = pixels.iter().map(|pixels| looks.group(pixels, side)).collect();
    let mut least: Option<f64> = None;
    for with in 0..looks::COUNT {
        for without in (0..looks::COUNT).filter(|without| *without != with) {
            let chosen: Vec<usize> = (0..films.len())
                .filter(|index| groups[*index] == if films[*index].positive { with } else { without })
                .collect();
            let labels: Vec<bool> = chosen.iter().map(|index| films[*index].positive).collect();
            let positives = labels.iter().filter(|label| **label).count();
            if positives >= FEW && labels.len() - positives >= FEW {
                let own: Vec<f64> = chosen.iter().map(|index| scores[*index]).collect();
                least = [least, metrics::auroc(&own, &labels)].into_iter().flatten().reduce(f64::min);
            }
        }
    }
    least
}

/// Share of films the service would refuse to read.
fn refused(model: &impl FilmReader, films: &[GreyImage]) -> Result<f64, TrainingError> {
    let read: Result<Vec<bool>, _> = films.iter().map(|film| model.reads(film)).collect();
    let count = read?.into_iter().filter(|read| !read).count();
    Ok(count as f64 / films.len().max(1) as f64)
}
