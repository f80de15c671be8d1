//! Makes the sample films of the page at `/`: new films drawn from a model of thousands, nobody's own.
//!
//! Contract: every film written differs from each training film by more than training films of different patients
//! usually differ from one another, and the network reads it as intended; `films.json` beside them states both.

mod align;
mod components;
mod copies;
mod finish;
pub mod knees;

use super::{
    Split, TrainingError,
    image::data::{self, LabelledFilm},
};
use crate::{
    domain::GreyImage,
    models::{
        Manifest, Model as _,
        chest::{Chest, reader::FilmReader as _},
    },
};
use align::{COARSE, Placement, place, standardise};
use components::Components;
use copies::{Fingerprints, quantile};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::Serialize;
use std::{fs, path::Path};

/// How the films of one network are made.
struct Making {
    /// Side of the films while they are made: that of the training films.
    side: usize,
    /// Components kept; fewer than there are films.
    components: usize,
    /// What the finished films are like.
    kind: finish::Kind,
}

/// Chest films.
const CHEST: Making = Making { side: 176, components: 160, kind: finish::CHEST };
/// Films the model of one class is fitted on: those that agree best with the class's mean.
const FITTED: usize = 700;
/// Films drawn per class, of which the clearest are kept.
const DRAWN: usize = 96;
/// A made film must be farther from every training film than this share of training films from their nearest.
const SHARE: f64 = 0.5;

/// A film that was made.
#[derive(Debug, Serialize)]
pub struct MadeFilm {
    /// File name.
    pub file: String,
    /// Which class's model it was drawn from.
    pub drawn_as: &'static str,
    /// Calibrated probability of pneumonia.
    pub probability: f64,
    /// Distance to the nearest training film (`copies`).
    pub nearest: f64,
    /// The distance it had to exceed.
    pub nearest_required: f64,
}

/// Draws films with the fitted model and the network's help and writes `count` of each class.
///
/// # Errors
/// [`TrainingError`] when data or model do not load, a file cannot be written, or too few drawn films pass.
pub fn generate(
    data: &Path,
    model: &Path,
    out: &Path,
    count: usize,
    seed: u64,
) -> Result<Vec<MadeFilm>, TrainingError> {
    let chest = Chest::load(model, Manifest::load(model)?)?;
    let films = data::read(data, chest.manifest().provenance.seed)?;
    let training: Vec<&LabelledFilm> = films.iter().filter(|film| film.belongs(Split::Train)).collect();
    let all: Vec<&GreyImage> = films.iter().map(|film| &film.image).collect();
    let shared = copies::shared(&all);
    let known = Fingerprints::of(&all, &shared);
    let required = usual_distance(&films, &known, &shared);
    fs::create_dir_all(out).map_err(TrainingError::io(out))?;
    let mut made = Vec::new();
    for (positive, drawn_as) in [(false, "normal"), (true, "pneumonia")] {
        let class: Vec<&GreyImage> =
            training.iter().filter(|film| film.positive == positive).map(|film| &film.image).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(seed + u64::from(positive));
        let drawn = draw(&class, &CHEST, &mut rng);
        let chosen = choose(&chest, &drawn, positive, (&known, &shared, required), count)?;
        for (number, (index, probability, nearest)) in chosen.into_iter().enumerate() {
            let file = format!("{drawn_as}-{}.png", number + 1);
            save(&drawn[index], &out.join(&file))?;
            made.push(MadeFilm { file, drawn_as, probability, nearest, nearest_required: required });
        }
    }
    let text = serde_json::to_string_pretty(&made).map_err(|error| TrainingError::Data(error.to_string()))?;
    let path = out.join("films.json");
    fs::write(&path, text + "\n").map_err(TrainingError::io(path))?;
    Ok(made)
}

/// How far training films of different patients are from their nearest ([`SHARE`] of them are nearer).
fn usual_distance(films: &[LabelledFilm], known: &Fingerprints, shared: &[f32]) -> f64 {
    let step = (films.len() / 800).max(1);
    let sampled: Vec<usize> = (0..films.len()).step_by(step).collect();
    let some = Fingerprints::of(&sampled.iter().map(|index| &films[*index].image).collect::<Vec<_>>(), shared);
    let distances = some.nearest(known, |row, other| !films[sampled[row]].same_patient(&films[other]));
    quantile(&distances, SHARE)
}

/// Fits the class's model and draws films from it.
fn draw(class: &[&GreyImage], making: &Making, rng: &mut ChaCha8Rng) -> Vec<GreyImage> {
    let mut template = vec![0.0; COARSE * COARSE];
    for film in class {
        let mut values = Placement::IDENTITY.apply(&film.resized(COARSE, COARSE), COARSE);
        standardise(&mut values);
        template.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
    }
    standardise(&mut template);
    let mut placed: Vec<(usize, Placement, f32)> = Vec::new();
    for _ in 0..2 {
        placed = class
            .par_iter()
            .enumerate()
            .map(|(index, film)| {
                let (placement, agreement) = place(film, &template);
                (index, placement, agreement)
            })
            .collect();
        placed.sort_by(|left, right| right.2.total_cmp(&left.2));
        placed.truncate(FITTED);
        template.fill(0.0);
        for (index, placement, _) in &placed {
            let mut values = placement.apply(&class[*index].resized(COARSE, COARSE), COARSE);
            standardise(&mut values);
            template.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        }
        standardise(&mut template);
    }
    let rows: Vec<f32> = placed
        .par_iter()
        .flat_map_iter(|(index, placement, _)| {
            let mut values = placement.apply(class[*index], making.side);
            standardise(&mut values);
            values
        })
        .collect();
    let tones = finish::Tones::of(&placed.iter().map(|(index, ..)| class[*index]).collect::<Vec<_>>());
    let model = Components::fit(rows, making.side * making.side, making.components.min(placed.len() / 2), rng);
    (0..DRAWN).filter_map(|_| finish::film(&model.sample(0.9, rng), making.side, making.kind, &tones, rng)).collect()
}

/// The films the network reads most clearly as intended, of those that are no copies.
fn choose(
    chest: &Chest,
    drawn: &[GreyImage],
    positive: bool,
    (known, shared, required): (&Fingerprints, &[f32], f64),
    count: usize,
) -> Result<Vec<(usize, f64, f64)>, TrainingError> {
    let images: Vec<&GreyImage> = drawn.iter().collect();
    let scores = chest.scores(&images)?;
    let nearest = Fingerprints::of(&images, shared).nearest(known, |_, _| true);
    let threshold = chest.manifest().labels.first().map_or(0.5, |label| label.threshold);
    let mut passing: Vec<(usize, f64, f64)> = scores
        .iter()
        .zip(&nearest)
        .enumerate()
        .map(|(index, (score, nearest))| (index, chest.manifest().calibration.probability(*score), *nearest))
        .filter(|(index, probability, nearest)| {
            *nearest > required
                && (*probability >= threshold) == positive
                && chest.reads(&drawn[*index]).unwrap_or(false)
        })
        .collect();
    passing.sort_by(|left, right| if positive { right.1.total_cmp(&left.1) } else { left.1.total_cmp(&right.1) });
    passing.truncate(count);
    if passing.len() < count {
        let (low, high) = (quantile(&nearest, 0.0), quantile(&nearest, 1.0));
        return Err(TrainingError::Data(format!(
            "only {} of {} drawn films pass; they are {low:.3} to {high:.3} from a training film, {required:.3} is required",
            passing.len(),
            drawn.len()
        )));
    }
    Ok(passing)
}

fn save(film: &GreyImage, path: &Path) -> Result<(), TrainingError> {
    let (width, height) = (film.width() as u32, film.height() as u32);
    let image = image::GrayImage::from_raw(width, height, film.pixels().to_vec())
        .ok_or_else(|| TrainingError::Data("a film's pixels do not fill it".into()))?;
    image.save(path).map_err(|error| TrainingError::Data(format!("{}: {error}", path.display())))
}
