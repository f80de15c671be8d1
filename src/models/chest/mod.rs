//! Pneumonia on a frontal chest film: architecture `chest-cnn`.
//!
//! Contract: one label, `pneumonia`; films of any size are squashed to a square (as the training films were); a film
//! that cannot be judged, or is unlike those of the training data, gets an abstention in words; the heat map adds up to
//! the score less that of the average film without the finding, within a stated gap.

pub mod film;
pub mod network;
pub mod phantom;
pub mod reader;
pub mod stranger;
pub mod suitability;
pub mod wrong;

use super::{
    Manifest, Model, ModelError,
    attribution::{self, Effort, film::Differentiable},
    familiarity::{FACTOR, MEANS, Space},
    loading::{self, Tensors},
};
use crate::domain::{Explanation, GreyImage, ModelInput, Prediction};
use candle_core::{Device, Tensor};
use film::{PLANES, TEMPLATE_SIDE};
use network::Network;
use reader::{Answer, FilmReader, Guard};
use serde::{Deserialize, Serialize};
use std::path::Path;
use stranger::Stranger;
use suitability::Limits;

/// The architecture's name in manifests.
pub const ARCHITECTURE: &str = "chest-cnn";
/// The only label.
pub const LABEL: &str = "pneumonia";
/// The tensor that holds the mean of the equalised training films, [`TEMPLATE_SIDE`] squared.
pub const TEMPLATE: &str = "template";
/// The tensor that holds the mean input of the training films without the finding, (side, side, planes).
pub const BASELINE: &str = "baseline";
/// What it is, in words.
pub const BASELINE_WORDS: &str = "the average training film without the finding";
/// Rows and columns of the map that explains a film.
const FIELDS: usize = 16;

/// The manifest's `[input]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Films are squashed to this many pixels a side.
    pub side: usize,
    /// Names of the input planes; fixed.
    pub planes: [String; PLANES],
    /// Channels of the stem and of each stage.
    pub widths: Vec<usize>,
    /// Whether the mirrored film is read too, and the mean of both answers given.
    pub mirror: bool,
    /// When a film is not read.
    pub limits: Limits,
}

impl Settings {
    /// The planes of [`film::planes`], by name.
    #[must_use]
    pub fn plane_names() -> [String; PLANES] {
        ["equalised".to_owned(), "local-contrast".to_owned()]
    }

    fn check(&self) -> Result<(), String> {
        if !(32..=512).contains(&self.side) || self.planes != Self::plane_names() {
            return Err("side must be 32 to 512 and planes [\"equalised\", \"local-contrast\"]".into());
        }
        if !(2..=8).contains(&self.widths.len()) || self.widths.iter().any(|width| !(1..=1024).contains(width)) {
            return Err("widths must be 2 to 8 numbers of 1 to 1024".into());
        }
        if self.limits.all().iter().any(|limit| !limit.is_finite()) {
            return Err("limits must be finite".into());
        }
        Ok(())
    }
}

/// The network as loaded.
#[derive(Debug)]
pub struct Chest {
    manifest: Manifest,
    settings: Settings,
    parts: Parts,
}

/// What the weights file holds.
#[derive(Debug)]
struct Parts {
    network: Network,
    stranger: Stranger,
    template: Vec<f32>,
    space: Space,
    baseline: Vec<f32>,
}

impl Chest {
    /// Loads the network of a checked manifest.
    ///
    /// # Errors
    /// [`ModelError`] when label, input contract or tensors do not fit.
    pub fn load(folder: &Path, manifest: Manifest) -> Result<Self, ModelError> {
        let contract = |reason: String| loading::contract(&manifest, reason);
        let labels: Vec<&str> = manifest.labels.iter().map(|label| label.name.as_str()).collect();
        if manifest.architecture != ARCHITECTURE || manifest.kind != super::manifest::Kind::Image || labels != [LABEL] {
            return Err(contract(format!("it must be an image network `{ARCHITECTURE}` with the one label `{LABEL}`")));
        }
        let settings: Settings = loading::settings(&manifest)?;
        settings.check().map_err(|reason| contract(format!("[input]: {reason}")))?;
        let parts = loading::assembled(folder, &manifest, |tensors| assemble(tensors, &settings))?;
        Ok(Self { manifest, settings, parts })
    }

    /// The films as planes; with their mirror images after each if the network reads those.
    fn tensor(&self, squashed: &[GreyImage]) -> Result<Tensor, ModelError> {
        let side = self.settings.side;
        let planes: Vec<f32> = squashed.iter().flat_map(|image| self.input(image)).collect();
        Tensor::from_vec(planes, (squashed.len() * self.views(), side, side, PLANES), &Device::Cpu)
            .map_err(|e| self.compute(e))
    }

    /// Readings per film.
    const fn views(&self) -> usize {
        if self.settings.mirror { 2 } else { 1 }
    }

    fn compute(&self, source: candle_core::Error) -> ModelError {
        ModelError::Compute { name: self.manifest.name.clone(), source }
    }

    /// The features of squashed films, averaged over positions and readings, one row per film.
    fn pooled(&self, squashed: &[GreyImage]) -> Result<Tensor, ModelError> {
        let planes = self.tensor(squashed)?;
        let network = &self.parts.network;
        let pooled = network.features(&planes).and_then(|features| network.pooled(&features)).and_then(|pooled| {
            let width = pooled.dim(1)?;
            pooled.reshape((squashed.len(), self.views(), width))?.mean(1)
        });
        pooled.map_err(|e| self.compute(e))
    }
}

/// Takes all tensors, each with its shape checked, and nothing else.
fn assemble(tensors: &mut Tensors, settings: &Settings) -> candle_core::Result<Parts> {
    let mut get = |name: &str, shape: &[usize]| tensors.get(name, shape);
    let network = Network::new(&settings.widths, &mut get)?;
    let features = settings.widths.last().copied().unwrap_or(0);
    let stranger = Stranger::new(features, &mut get)?;
    let template = get(TEMPLATE, &[TEMPLATE_SIDE * TEMPLATE_SIDE])?.to_vec1::<f32>()?;
    let space = Space::from_tensors(&get(MEANS, &[2, features])?, &get(FACTOR, &[features, features])?)?;
    let baseline = get(BASELINE, &[settings.side, settings.side, PLANES])?.flatten_all()?.to_vec1::<f32>()?;
    Ok(Parts { network, stranger, template, space, baseline })
}

impl FilmReader for Chest {
    fn guard(&self) -> Guard<'_> {
        Guard {
            side: self.settings.side,
            side_min: suitability::SIDE_MIN,
            limits: Some(self.settings.limits),
            template: &self.parts.template,
        }
    }

    fn squashed_answers(&self, squashed: &[GreyImage]) -> Result<Vec<Answer>, ModelError> {
        let pooled = self.pooled(squashed)?;
        let numbers = |tensor: candle_core::Result<Tensor>| {
            tensor.and_then(|tensor| tensor.to_vec1::<f32>()).map_err(|e| self.compute(e))
        };
        let scores = numbers(self.parts.network.head(&pooled))?;
        let strangers = numbers(self.parts.stranger.scores(&pooled))?;
        let features = pooled.to_vec2::<f32>().map_err(|e| self.compute(e))?;
        let answers = scores.into_iter().zip(strangers).zip(features).map(|((score, stranger), features)| Answer {
            scores: vec![f64::from(score)],
            stranger: f64::from(stranger),
            distance: self.parts.space.distance(&features),
        });
        Ok(answers.collect())
    }
}

impl Model for Chest {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn predict(&self, inputs: &[&ModelInput]) -> Result<Vec<Prediction>, ModelError> {
        self.predictions(inputs)
    }

    fn explain(&self, input: &ModelInput, effort: Effort) -> Result<Explanation, ModelError> {
        let squashed = self.squashed(&self.film(input)?.image);
        attribution::film::explained(self, &squashed, (FIELDS, FIELDS), effort).map_err(|e| self.compute(e))
    }
}

impl Differentiable for Chest {
    fn shape(&self) -> [usize; 4] {
        [self.views(), self.settings.side, self.settings.side, PLANES]
    }

    fn input(&self, squashed: &GreyImage) -> Vec<f32> {
        let own = film::planes(squashed.pixels(), self.settings.side);
        let mirrored = self.settings.mirror.then(|| film::mirrored(&own, self.settings.side));
        [own, mirrored.unwrap_or_default()].concat()
    }

    fn baseline(&self) -> Vec<f32> {
        let own = &self.parts.baseline;
        let mirrored = self.settings.mirror.then(|| film::mirrored(own, self.settings.side));
        [own.as_slice(), &mirrored.unwrap_or_default()].concat()
    }

    fn baseline_words(&self) -> &'static str {
        BASELINE_WORDS
    }

    fn features(&self, planes: &Tensor) -> candle_core::Result<Tensor> {
        self.parts.network.features(planes)
    }

    fn view_scores(&self, features: &Tensor) -> candle_core::Result<Tensor> {
        self.parts.network.head(&self.parts.network.pooled(features)?)
    }
}

#[cfg(test)]
mod tests;
