//! The textbook's convolutional network as a reader of chest films: architecture `textbook-cnn`.
//!
//! Contract: films of any size are squashed to 28 × 28; with one label the softmax has two classes (without it, with it),
//! with more it has one per label. The attribution adds up to the score less that of a grey film, within a stated gap.

use super::cnn::{Padding, SIDE, TextbookCnn, UNITS, log_odds};
use crate::{
    domain::{Attribution, Explanation, GreyImage, HeatMap, ModelInput, Prediction},
    models::{
        Manifest, Model, ModelError,
        chest::{
            TEMPLATE,
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
use candle_core::{Device, Result as Computed, Tensor, Var};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::Path};

/// The architecture's name in manifests.
pub const ARCHITECTURE: &str = "textbook-cnn";
/// Steps from the grey film to the film.
const STEPS: usize = 96;
/// Greatest gap accepted, as a share of the change of score …
const TOLERANCE: f64 = 0.05;
/// … and at least this.
const TOLERANCE_MIN: f64 = 0.02;

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
        let features = self.network.features(&self.tensor(squashed)?, false)?;
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

    /// Integrated gradients (Sundararajan et al., ICML 2017) of the label's score, from a film that is grey all over, by
    /// the midpoint rule: one number per pixel, and the score of the grey film.
    fn integrated(&self, squashed: &GreyImage, label: usize) -> Computed<(Vec<f64>, f64)> {
        let film = self.tensor(std::slice::from_ref(squashed))?.flatten_all()?.to_vec1::<f32>()?;
        let base = match self.settings.grey {
            Grey::Scaled => 0.5,
            Grey::Equalised => 0.0,
        };
        let mut path = Vec::with_capacity((STEPS + 1) * film.len());
        for step in 0..STEPS {
            let share = (step as f32 + 0.5) / STEPS as f32;
            path.extend(film.iter().map(|value| base + share * (value - base)));
        }
        path.extend(std::iter::repeat_n(base, film.len()));
        let path = Var::from_vec(path, (STEPS + 1, SIDE, SIDE, 1), &Device::Cpu)?;
        let scores = self.label_odds(&self.network.features(&path, true)?)?.narrow(1, label, 1)?;
        let grey = f64::from(scores.narrow(0, STEPS, 1)?.sum_all()?.to_scalar::<f32>()?);
        let gradients = scores.narrow(0, 0, STEPS)?.sum_all()?.backward()?;
        let Some(gradient) = gradients.get(&path) else { candle_core::bail!("the film has no gradient") };
        let mean = (gradient.narrow(0, 0, STEPS)?.sum(0)? / STEPS as f64)?.flatten_all()?.to_vec1::<f32>()?;
        let parts = mean.iter().zip(&film).map(|(slope, value)| f64::from(*slope) * f64::from(value - base));
        Ok((parts.collect(), grey))
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
        let compute = |source| ModelError::Compute { name: self.manifest.name.clone(), source };
        self.answered(squashed).map_err(compute)
    }
}

impl Model for TextbookFilm {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn predict(&self, inputs: &[&ModelInput]) -> Result<Vec<Prediction>, ModelError> {
        self.predictions(inputs)
    }

    fn explain(&self, input: &ModelInput) -> Result<Explanation, ModelError> {
        let squashed = self.squashed(&self.film(input)?.image);
        let answer = self.answers(&[&squashed])?.into_iter().next();
        let scores = answer.map(|answer| answer.scores).unwrap_or_default();
        let strongest = scores.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        let (label, score) = strongest.map_or((0, f64::NAN), |(label, score)| (label, *score));
        let compute = |source| ModelError::Compute { name: self.manifest.name.clone(), source };
        let (parts, grey) = self.integrated(&squashed, label).map_err(compute)?;
        let change = score - grey;
        let gap = (parts.iter().sum::<f64>() - change).abs();
        let tolerance = (TOLERANCE * change.abs()).max(TOLERANCE_MIN);
        Ok(Explanation {
            method: "integrated gradients".into(),
            parameters: BTreeMap::from([
                ("grid".to_owned(), format!("{SIDE} × {SIDE}")),
                ("steps".to_owned(), STEPS.to_string()),
                ("baseline".to_owned(), format!("a film that is grey all over (score {grey:.4})")),
                ("film".to_owned(), format!("squashed to {SIDE} × {SIDE} pixels")),
            ]),
            gap,
            tolerance,
            reliable: gap <= tolerance,
            attribution: Attribution::Heat(HeatMap {
                width: SIDE,
                height: SIDE,
                values: parts.iter().map(|value| *value as f32).collect(),
            }),
        })
    }
}

#[cfg(test)]
mod tests;
