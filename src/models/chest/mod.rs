//! Pneumonia on a frontal chest film: architecture `chest-cnn`.
//!
//! Contract: one label, `pneumonia`; films of any size are squashed to a square (as the training films were); a film
//! that cannot be judged, or is unlike those of the training data, gets an abstention in words; the heat map adds up to
//! the score less its bias.

pub mod film;
pub mod network;
pub mod phantom;
pub mod reader;
pub mod stranger;
pub mod suitability;
pub mod wrong;

use super::{
    Manifest, Model, ModelError,
    familiarity::{FACTOR, MEANS, Space},
    loading::{self, Tensors},
};
use crate::domain::{Attribution, Explanation, GreyImage, HeatMap, ModelInput, Prediction};
use candle_core::{Device, Tensor};
use film::{PLANES, TEMPLATE_SIDE};
use network::Network;
use reader::{Answer, FilmReader, Guard};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::Path};
use stranger::Stranger;
use suitability::Limits;

/// The architecture's name in manifests.
pub const ARCHITECTURE: &str = "chest-cnn";
/// The only label.
pub const LABEL: &str = "pneumonia";
/// The tensor that holds the mean of the equalised training films, [`TEMPLATE_SIDE`] squared.
pub const TEMPLATE: &str = "template";
/// Greatest difference accepted between the sum of the heat map and the score it explains.
const TOLERANCE: f64 = 1e-3;

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
        let mut planes: Vec<f32> = Vec::with_capacity(squashed.len() * self.views() * side * side * PLANES);
        for image in squashed {
            let own = film::planes(image.pixels(), side);
            let mirrored = self.settings.mirror.then(|| film::mirrored(&own, side));
            planes.extend(own);
            planes.extend(mirrored.unwrap_or_default());
        }
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
    Ok(Parts { network, stranger, template, space })
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

    fn explain(&self, input: &ModelInput) -> Result<Explanation, ModelError> {
        let squashed = [self.squashed(&self.film(input)?.image)];
        let score = self.squashed_answers(&squashed)?.first().map_or(f64::NAN, Answer::score);
        let network = &self.parts.network;
        let features = network.features(&self.tensor(&squashed)?).map_err(|e| self.compute(e))?;
        let map = network.activation_map(&features).map_err(|e| self.compute(e))?;
        let (_, height, width) = map.dims3().map_err(|e| self.compute(e))?;
        let maps = map.to_vec3::<f32>().map_err(|e| self.compute(e))?;
        let values = film::unmirrored(&maps);
        let bias = network.bias().map_err(|e| self.compute(e))?;
        let gap = (values.iter().map(|value| f64::from(*value)).sum::<f64>() - (score - bias)).abs();
        Ok(Explanation {
            method: "class activation map".into(),
            parameters: BTreeMap::from([
                ("grid".to_owned(), format!("{width} × {height}")),
                ("bias".to_owned(), format!("{bias:.4}")),
                ("film".to_owned(), format!("squashed to {0} × {0} pixels", self.settings.side)),
            ]),
            gap,
            tolerance: TOLERANCE,
            reliable: gap <= TOLERANCE,
            attribution: Attribution::Heat(HeatMap { width, height, values }),
        })
    }
}

#[cfg(test)]
mod tests;
