//! The textbook's convolutional network as a reader of chest films: architecture `textbook-cnn`.
//!
//! Contract: films of any size are squashed to 28 × 28; with one label the softmax has two classes (without it, with it),
//! with more it has one per label. The attribution adds up to the score less that of the average film without the finding (a grey film for networks from elsewhere),
//! within a stated gap.

use super::cnn::{Padding, SIDE, TextbookCnn, UNITS, log_odds};
use crate::{
    domain::{Explanation, GreyImage, ModelInput, Prediction},
    models::{
        Manifest, Model, ModelError,
        attribution::{
            Effort,
            film::{self, Differentiable},
        },
        chest::{
            BASELINE, BASELINE_WORDS, TEMPLATE,
            film::{TEMPLATE_SIDE, rank_plane},
            reader::{Answer, FilmReader, Guard},
            stranger::Stranger,
            suitability::Limits,
        },
        familiarity::{FACTOR, MEANS, Space},
        loading::{self, Tensors},
        manifest::Kind,
    },
};
use candle_core::{Device, Result as Computed, Tensor};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The architecture's name in manifests.
pub const ARCHITECTURE: &str = "textbook-cnn";

/// What the network sees of a grey value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grey {
    /// Value / 255, as networks from elsewhere are usually trained.
    Scaled,
    /// The value's rank in the film, mean 0 and variance 1: no change of exposure, window or gamma alters it.
    Equalised,
}

/// The manifest's `[input]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What happens at the edges.
    pub padding: Padding,
    /// What the network sees of a grey value.
    pub grey: Grey,
    /// When a film is not read; a network from elsewhere may come without, and then judges by the chart's words alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
}

/// The network as loaded.
#[derive(Debug)]
pub struct TextbookFilm {
    manifest: Manifest,
    settings: Settings,
    network: TextbookCnn,
    guard: Option<GuardParts>,
}

/// What tells films from other pictures; absent in networks from elsewhere.
#[derive(Debug)]
struct GuardParts {
    stranger: Stranger,
    template: Vec<f32>,
    space: Space,
    baseline: Vec<f32>,
}

/// Classes of the softmax.
#[must_use]
pub fn classes(labels: usize) -> usize {
    labels.max(2)
}

/// The network's input for a squashed film.
#[must_use]
pub fn plane(squashed: &[u8], grey: Grey) -> Vec<f32> {
    match grey {
        Grey::Scaled => squashed.iter().map(|value| f32::from(*value) / 255.0).collect(),
        Grey::Equalised => rank_plane(squashed),
    }
}

impl TextbookFilm {
    /// Loads the network of a checked manifest.
    ///
    /// # Errors
    /// [`ModelError`] when labels, input contract or tensors do not fit.
    pub fn load(folder: &Path, manifest: Manifest) -> Result<Self, ModelError> {
        let contract = |reason: String| loading::contract(&manifest, reason);
        if manifest.architecture != ARCHITECTURE || manifest.kind != Kind::Image {
            return Err(contract(format!("it must be an image network `{ARCHITECTURE}`")));
        }
        let settings: Settings = loading::settings(&manifest)?;
        if settings.limits.is_some_and(|limits| limits.all().iter().any(|limit| !limit.is_finite())) {
            return Err(contract("[input]: limits must be finite".into()));
        }
        let classes = classes(manifest.labels.len());
        let (network, guard) = loading::assembled(folder, &manifest, |tensors| assemble(tensors, &settings, classes))?;
        Ok(Self { manifest, settings, network, guard })
    }

    fn tensor(&self, squashed: &[GreyImage]) -> Computed<Tensor> {
        let numbers: Vec<f32> = squashed.iter().flat_map(|image| plane(image.pixels(), self.settings.grey)).collect();
        Tensor::from_vec(numbers, (squashed.len(), SIDE, SIDE, 1), &Device::Cpu)
    }

    /// Log-odds of the labels, one row per film.
    fn label_odds(&self, features: &Tensor) -> Computed<Tensor> {
        let odds = log_odds(&self.network.logits(features)?)?;
        // With one label the first class is "without it".
        if self.manifest.labels.len() == 1 { odds.narrow(1, 1, 1) } else { Ok(odds) }
    }

    fn answered(&self, squashed: &[GreyImage]) -> Computed<Vec<Answer>> {
        let features = self.network.features(&self.tensor(squashed)?)?;
        let scores = self.label_odds(&features)?.to_vec2::<f32>()?;
        let rows = features.to_vec2::<f32>()?;
        let strangers = match &self.guard {
            Some(guard) => guard.stranger.scores(&features)?.to_vec1::<f32>()?,
            None => vec![0.0; squashed.len()],
        };
        let distance = |row: &Vec<f32>| self.guard.as_ref().map_or(0.0, |guard| guard.space.distance(row));
        let answers = scores.into_iter().zip(strangers).zip(&rows).map(|((scores, stranger), row)| Answer {
            scores: scores.into_iter().map(f64::from).collect(),
            stranger: f64::from(stranger),
            distance: distance(row),
        });
        Ok(answers.collect())
    }

    fn compute(&self, source: candle_core::Error) -> ModelError {
        ModelError::Compute { name: self.manifest.name.clone(), source }
    }
}

/// The network as a function of one label's score.
struct OfLabel<'a> {
    film: &'a TextbookFilm,
    label: usize,
}

impl Differentiable for OfLabel<'_> {
    fn shape(&self) -> [usize; 4] {
        [1, SIDE, SIDE, 1]
    }

    fn input(&self, squashed: &GreyImage) -> Vec<f32> {
        plane(squashed.pixels(), self.film.settings.grey)
    }

    fn baseline(&self) -> Vec<f32> {
        match (&self.film.guard, self.film.settings.grey) {
            (Some(guard), _) => guard.baseline.clone(),
            (None, Grey::Scaled) => vec![0.5; SIDE * SIDE],
            (None, Grey::Equalised) => vec![0.0; SIDE * SIDE],
        }
    }

    fn baseline_words(&self) -> &'static str {
        match self.film.guard {
            Some(_) => BASELINE_WORDS,
            None => "a film that is grey all over",
        }
    }

    fn features(&self, planes: &Tensor) -> Computed<Tensor> {
        self.film.network.maps(planes)
    }

    fn view_scores(&self, features: &Tensor) -> Computed<Tensor> {
        self.film.label_odds(&self.film.network.units(features)?)?.narrow(1, self.label, 1)?.squeeze(1)
    }
}

impl TextbookFilm {
    /// The network as a function of the score of one label, by index.
    #[must_use]
    pub fn of_label(&self, label: usize) -> impl Differentiable + '_ {
        OfLabel { film: self, label }
    }
}

/// Takes all tensors, each with its shape checked, and nothing else.
fn assemble(tensors: &mut Tensors, settings: &Settings, classes: usize) -> Computed<(TextbookCnn, Option<GuardParts>)> {
    let mut get = |name: &str, shape: &[usize]| tensors.get(name, shape);
    let network = TextbookCnn::new(settings.padding, classes, &mut get)?;
    let guard = match settings.limits {
        None => None,
        Some(_) => Some(GuardParts {
            stranger: Stranger::new(UNITS, &mut get)?,
            template: get(TEMPLATE, &[TEMPLATE_SIDE * TEMPLATE_SIDE])?.to_vec1::<f32>()?,
            baseline: get(BASELINE, &[SIDE, SIDE, 1])?.flatten_all()?.to_vec1::<f32>()?,
            space: Space::from_tensors(&get(MEANS, &[classes, UNITS])?, &get(FACTOR, &[UNITS, UNITS])?)?,
        }),
    };
    Ok((network, guard))
}

impl FilmReader for TextbookFilm {
    fn guard(&self) -> Guard<'_> {
        let template = self.guard.as_ref().map_or(&[][..], |guard| &guard.template);
        Guard { side: SIDE, side_min: SIDE, limits: self.settings.limits, template }
    }

    fn squashed_answers(&self, squashed: &[GreyImage]) -> Result<Vec<Answer>, ModelError> {
        self.answered(squashed).map_err(|source| self.compute(source))
    }
}

impl Model for TextbookFilm {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn predict(&self, inputs: &[&ModelInput]) -> Result<Vec<Prediction>, ModelError> {
        self.predictions(inputs)
    }

    fn explain(&self, input: &ModelInput, effort: Effort) -> Result<Explanation, ModelError> {
        let squashed = self.squashed(&self.film(input)?.image);
        let answer = self.answers(&[&squashed])?.into_iter().next();
        let scores = answer.map(|answer| answer.scores).unwrap_or_default();
        let strongest = scores.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        let network = self.of_label(strongest.map_or(0, |(label, _)| label));
        film::explained(&network, &squashed, (SIDE, SIDE), effort).map_err(|e| self.compute(e))
    }
}

#[cfg(test)]
mod tests;
