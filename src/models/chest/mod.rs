//! Pneumonia on a frontal chest film: architecture `chest-cnn`.
//!
//! Contract: one label, `pneumonia`; films of any size are squashed to a square (as the training films were); a film
//! that cannot be judged gets an abstention in words; the heat map adds up to the score less its bias.

pub mod film;
pub mod network;
pub mod phantom;
pub mod suitability;

use super::{Manifest, Model, ModelError};
use crate::domain::{
    Abstention, Attribution, Explanation, Film, Finding, GreyImage, HeatMap, ModelInput, Prediction, Status,
};
use candle_core::{DType, Device, Tensor};
use film::{Measures, PLANES, TEMPLATE_SIDE};
use network::Network;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};
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
        let limits = [self.limits.contrast_min, self.limits.smoothness_min, self.limits.likeness_min];
        if limits.iter().any(|limit| !limit.is_finite()) { Err("limits must be finite".into()) } else { Ok(()) }
    }
}

/// The network as loaded.
#[derive(Debug)]
pub struct Chest {
    manifest: Manifest,
    settings: Settings,
    network: Network,
    template: Vec<f32>,
}

impl Chest {
    /// Loads the network of a checked manifest.
    ///
    /// # Errors
    /// [`ModelError`] when label, input contract or tensors do not fit.
    pub fn load(folder: &Path, manifest: Manifest) -> Result<Self, ModelError> {
        let contract = |reason: String| ModelError::Contract { name: manifest.name.clone(), reason };
        let labels: Vec<&str> = manifest.labels.iter().map(|label| label.name.as_str()).collect();
        if manifest.architecture != ARCHITECTURE || manifest.kind != super::manifest::Kind::Image || labels != [LABEL] {
            return Err(contract(format!("it must be an image network `{ARCHITECTURE}` with the one label `{LABEL}`")));
        }
        let settings: Settings = toml::Value::Table(manifest.input.clone())
            .try_into()
            .map_err(|error| contract(format!("[input]: {error}")))?;
        settings.check().map_err(|reason| contract(format!("[input]: {reason}")))?;
        let tensors = candle_core::safetensors::load(manifest.weights(folder), &Device::Cpu)
            .map_err(|error| contract(format!("the weights cannot be read: {error}")))?;
        let (network, template) =
            assemble(tensors, &settings).map_err(|error| contract(format!("the weights do not fit: {error}")))?;
        Ok(Self { manifest, settings, network, template })
    }

    /// Squashes a film to the network's square.
    fn squashed(&self, image: &GreyImage) -> GreyImage {
        image.resized(self.settings.side, self.settings.side)
    }

    fn tensor(&self, squashed: &[GreyImage]) -> Result<Tensor, ModelError> {
        let side = self.settings.side;
        let planes: Vec<f32> = squashed.iter().flat_map(|image| film::planes(image.pixels(), side)).collect();
        Tensor::from_vec(planes, (squashed.len(), side, side, PLANES), &Device::Cpu).map_err(|e| self.compute(e))
    }

    fn compute(&self, source: candle_core::Error) -> ModelError {
        ModelError::Compute { name: self.manifest.name.clone(), source }
    }

    /// Raw scores of images, whatever they show: for golden outputs and evaluation.
    ///
    /// # Errors
    /// [`ModelError`] when the arithmetic fails or gives no finite number.
    pub fn scores(&self, images: &[&GreyImage]) -> Result<Vec<f64>, ModelError> {
        let squashed: Vec<GreyImage> = images.iter().map(|image| self.squashed(image)).collect();
        self.squashed_scores(&squashed)
    }

    fn squashed_scores(&self, squashed: &[GreyImage]) -> Result<Vec<f64>, ModelError> {
        if squashed.is_empty() {
            return Ok(Vec::new());
        }
        let scores = self.network.scores(&self.tensor(squashed)?).and_then(|scores| scores.to_vec1::<f32>());
        let scores: Vec<f64> = scores.map_err(|e| self.compute(e))?.into_iter().map(f64::from).collect();
        if scores.iter().all(|score| score.is_finite()) {
            Ok(scores)
        } else {
            Err(ModelError::NotFinite(self.manifest.name.clone()))
        }
    }

    /// Whether the pixels alone look like a film that can be judged.
    #[must_use]
    pub fn reads(&self, image: &GreyImage) -> bool {
        self.refusal(&self.squashed(image)).is_none()
    }

    fn refusal(&self, squashed: &GreyImage) -> Option<Abstention> {
        suitability::measured(Measures::of(squashed, &self.template), self.settings.limits)
    }

    /// The film squashed, or why it cannot be read.
    fn readable(&self, film: &Film) -> Result<GreyImage, Abstention> {
        if let Some(refusal) = suitability::stated(film) {
            return Err(refusal);
        }
        let squashed = self.squashed(&film.image);
        self.refusal(&squashed).map_or(Ok(squashed), Err)
    }

    fn film<'a>(&self, input: &'a ModelInput) -> Result<&'a Film, ModelError> {
        match input {
            ModelInput::Film(film) => Ok(film),
            _ => Err(ModelError::Input(self.manifest.name.clone())),
        }
    }

    fn finding(&self, score: f64) -> Status {
        let threshold = self.manifest.labels.first().map_or(1.0, |label| label.threshold);
        let probability = self.manifest.calibration.probability(score);
        Status::Scored { findings: vec![Finding { label: LABEL.into(), score, probability, threshold, mention: None }] }
    }
}

/// Takes all tensors, each with its shape checked, and nothing else.
fn assemble(mut tensors: HashMap<String, Tensor>, settings: &Settings) -> candle_core::Result<(Network, Vec<f32>)> {
    let mut get = |name: &str, shape: &[usize]| {
        let tensor = tensors.remove(name).ok_or_else(|| candle_core::Error::Msg(format!("`{name}` is missing")))?;
        if tensor.dims() != shape {
            candle_core::bail!("`{name}` is {:?}, not {shape:?}", tensor.dims());
        }
        tensor.to_dtype(DType::F32)
    };
    let network = Network::new(&settings.widths, &mut get)?;
    let template = get(TEMPLATE, &[TEMPLATE_SIDE * TEMPLATE_SIDE])?.to_vec1::<f32>()?;
    match tensors.keys().next() {
        Some(name) => candle_core::bail!("`{name}` is not part of the network"),
        None => Ok((network, template)),
    }
}

impl Model for Chest {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn predict(&self, inputs: &[&ModelInput]) -> Result<Vec<Prediction>, ModelError> {
        let films: Vec<&Film> = inputs.iter().map(|input| self.film(input)).collect::<Result<_, _>>()?;
        let mut squashed = Vec::new();
        let mut refusals = Vec::new();
        for film in &films {
            refusals.push(self.readable(film).map(|image| squashed.push(image)).err());
        }
        let mut scores = self.squashed_scores(&squashed)?.into_iter();
        let predictions = films.iter().zip(refusals).map(|(film, refusal)| match refusal {
            Some(refusal) => Ok(Prediction { status: Status::Abstained(refusal), missing: Vec::new() }),
            None => {
                let score = scores.next().ok_or_else(|| ModelError::NotFinite(self.manifest.name.clone()))?;
                Ok(Prediction { status: self.finding(score), missing: suitability::missing(film, self.settings.side) })
            }
        });
        predictions.collect()
    }

    fn explain(&self, input: &ModelInput) -> Result<Explanation, ModelError> {
        let squashed = [self.squashed(&self.film(input)?.image)];
        let score = self.squashed_scores(&squashed)?.first().copied().unwrap_or(f64::NAN);
        let features = self.network.features(&self.tensor(&squashed)?).map_err(|e| self.compute(e))?;
        let map = self.network.activation_map(&features).map_err(|e| self.compute(e))?;
        let (_, height, width) = map.dims3().map_err(|e| self.compute(e))?;
        let values = map.flatten_all().and_then(|map| map.to_vec1::<f32>()).map_err(|e| self.compute(e))?;
        let bias = self.network.bias().map_err(|e| self.compute(e))?;
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
