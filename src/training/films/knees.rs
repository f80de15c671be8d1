//! Sample films of knees, drawn as those of chests are.
//!
//! Contract: as in the module above: nobody's film, read by the network as intended; `knee-films.json` states both. All
//! are drawn as right knees.

use super::{Fingerprints, Making, copies, draw, finish, quantile, save};
use crate::{
    domain::{GreyImage, Side},
    models::{
        Manifest, Model as _,
        knee::{Knee, film::squashed, grade::likeliest},
    },
    training::{
        Split, TrainingError,
        knee::data::{self, GradedKnee},
    },
};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use std::{fs, path::Path};

const KNEE: Making = Making { side: 144, components: 120, kind: finish::KNEE };
/// Grades drawn: an unremarkable knee, and one each for the cards with suggestions.
const DRAWN_AS: [usize; 3] = [0, 3, 4];
/// A made film must be farther from every training film than this share of training films from their nearest.
const SHARE: f64 = 0.5;

/// A film that was made.
#[derive(Debug, Serialize)]
pub struct MadeKnee {
    /// File name.
    pub file: String,
    /// Which grade's model it was drawn from; the network's likeliest grade is the same.
    pub drawn_as: usize,
    /// Probability of that grade.
    pub probability: f64,
    /// Distance to the nearest training film (`copies`).
    pub nearest: f64,
    /// The distance it had to exceed.
    pub nearest_required: f64,
}

/// A knee as a right knee.
fn as_right(knee: &GradedKnee) -> GreyImage {
    let image = squashed(&knee.image);
    if knee.side != Some(Side::Left) {
        return image;
    }
    let pixels = image.pixels().chunks_exact(image.width()).flat_map(|row| row.iter().rev()).copied().collect();
    GreyImage::new(image.width(), image.height(), pixels).unwrap_or(image)
}

/// Draws films with the network's help and writes `count` of each grade drawn.
///
/// # Errors
/// [`TrainingError`] when data or model do not load, a file cannot be written, or too few drawn films pass.
pub fn generate(
    data: &Path,
    model: &Path,
    out: &Path,
    count: usize,
    seed: u64,
) -> Result<Vec<MadeKnee>, TrainingError> {
    let network = Knee::load(model, Manifest::load(model)?)?;
    let knees = data::read(data, network.manifest().provenance.seed)?;
    let images: Vec<GreyImage> = knees.iter().map(as_right).collect();
    let all: Vec<&GreyImage> = images.iter().collect();
    let shared = copies::shared(&all);
    let known = Fingerprints::of(&all, &shared);
    let required = usual_distance(&knees, &all, &known, &shared);
    fs::create_dir_all(out).map_err(TrainingError::io(out))?;
    let mut made = Vec::new();
    for drawn_as in DRAWN_AS {
        let of_grade =
            knees.iter().zip(&images).filter(|(knee, _)| knee.grade == drawn_as && knee.belongs(Split::Train));
        let class: Vec<&GreyImage> = of_grade.map(|(_, image)| image).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(seed + drawn_as as u64);
        let drawn = draw(&class, &KNEE, &mut rng);
        let nearest = Fingerprints::of(&drawn.iter().collect::<Vec<_>>(), &shared).nearest(&known, |_, _| true);
        let mut passing = Vec::new();
        for (film, nearest) in drawn.iter().zip(nearest) {
            for reading in network.readings(&[squashed(film)])? {
                let probabilities = network.probabilities(&reading.scores);
                let intended = likeliest(&probabilities) == drawn_as && network.reads(film)?;
                if intended && nearest > required {
                    passing.push((film, probabilities[drawn_as], nearest));
                }
            }
        }
        if passing.len() < count {
            let found = passing.len();
            return Err(TrainingError::Data(format!(
                "only {found} of {} drawn films of grade {drawn_as} pass",
                drawn.len()
            )));
        }
        passing.sort_by(|left, right| right.1.total_cmp(&left.1));
        for (number, (film, probability, nearest)) in passing.into_iter().take(count).enumerate() {
            let file = format!("knee-{drawn_as}-{}.png", number + 1);
            save(film, &out.join(&file))?;
            made.push(MadeKnee { file, drawn_as, probability, nearest, nearest_required: required });
        }
    }
    let text = serde_json::to_string_pretty(&made).map_err(|error| TrainingError::Data(error.to_string()))?;
    let path = out.join("knee-films.json");
    fs::write(&path, text + "\n").map_err(TrainingError::io(path))?;
    Ok(made)
}

/// How far films of different patients are from their nearest.
fn usual_distance(knees: &[GradedKnee], all: &[&GreyImage], known: &Fingerprints, shared: &[f32]) -> f64 {
    let sampled: Vec<usize> = (0..all.len()).step_by((all.len() / 800).max(1)).collect();
    let some = Fingerprints::of(&sampled.iter().map(|index| all[*index]).collect::<Vec<_>>(), shared);
    quantile(&some.nearest(known, |row, other| knees[sampled[row]].patient != knees[other].patient), SHARE)
}
