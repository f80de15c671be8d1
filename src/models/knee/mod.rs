//! Kellgren–Lawrence grade of one knee on a frontal film: architecture `knee-cnn`.
//!
//! Contract: one label, `osteoarthritis` (grade 2 or more), and the grade itself on every answer; the probabilities of
//! the grades from 2 upwards add up to the finding's. Every film is read as it is and mirrored, so the answer does not
//! depend on the side. A film that cannot be judged gets an abstention in words; the heat map adds up to the score less
//! its bias.

pub mod film;
pub mod grade;
pub mod network;
pub mod phantom;
pub mod suitability;

use super::{
    Manifest, Model, ModelError,
    attribution::{self, Effort, film::Differentiable},
    chest::film::{TEMPLATE_SIDE, unmirrored},
    familiarity,
    loading::{self, Tensors},
    manifest::Calibration,
};
use crate::domain::{
    Abstention, Attribution, Explanation, Film, Finding, Grade, GreyImage, HeatMap, ModelInput, Prediction,
};
use candle_core::{Device, Tensor};
use familiarity::Space;
use film::{COLUMNS, PLANES, ROWS, SIDE, TOP, planes};
use grade::{CUTS, OSTEOARTHRITIS};
use network::{Network, Shape};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::Path};
use suitability::Limits;

/// The architecture's name in manifests.
pub const ARCHITECTURE: &str = "knee-cnn";
/// The only label: grade 2 or more.
pub const LABEL: &str = "osteoarthritis";
/// The scale of the grades.
pub const SCALE: &str = "kellgren-lawrence";
/// The tensor that holds the mean of the equalised training films, [`TEMPLATE_SIDE`] squared.
pub const TEMPLATE: &str = "template";
/// Greatest difference accepted between the sum of the heat map and the score it explains.
const TOLERANCE: f64 = 1e-3;
/// With fewer points nothing is integrated: a point costs as much as reading the film two or three times.
const POINTS_FROM: usize = 64;
/// Rows and columns of the map of integrated gradients over the network's input.
const FIELDS: (usize, usize) = (9, 18);
/// The tensor that holds the mean input of the training films of grade 0, (rows, columns, planes).
pub const BASELINE: &str = "baseline";
/// Pixels of the squashed film per cell of the heat map.
const CELL: usize = 8;
/// Pixels of the network's input per cell.
const REDUCTION: usize = CELL * COLUMNS / SIDE;
/// Greatest number of channels of a layer, and of blocks.
const WIDTH_MAX: usize = 1024;
const BLOCKS_MAX: usize = 32;

/// The manifest's `[input]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Side of the squashed film, first row kept, rows of the network's input: fixed.
    pub frame: [usize; 3],
    /// Names of the input planes; fixed.
    pub planes: [String; PLANES],
    /// Sizes of the network.
    pub shape: Shape,
    /// When a film is not read.
    pub limits: Limits,
    /// How the raw scores of the cuts after the first become probabilities; the first has the manifest's calibration.
    pub cuts: [Calibration; CUTS - 1],
    /// The conformal interval of the grade, fitted on the split `tune`.
    pub interval: Interval,
}

/// A split-conformal interval of neighbouring grades (Vovk, Gammerman & Shafer 2005).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    /// Promised share of true grades inside.
    pub coverage: f64,
    /// Greatest [`grade::strangeness`] of a grade inside.
    pub limit: f64,
}

impl Settings {
    /// The frame of [`film`].
    pub const FRAME: [usize; 3] = [SIDE, TOP, ROWS];

    /// The planes of [`film::planes`], by name.
    #[must_use]
    pub fn plane_names() -> [String; PLANES] {
        ["locally-equalised".to_owned(), "local-contrast".to_owned()]
    }

    fn check(&self) -> Result<(), String> {
        if self.frame != Self::FRAME || self.planes != Self::plane_names() {
            return Err(format!("frame must be {:?} and planes {:?}", Self::FRAME, Self::plane_names()));
        }
        let Shape { stem, stages, features } = &self.shape;
        let sizes =
            stages.iter().flat_map(|stage| [stage.width, stage.blocks, stage.kernel, stage.stride, stage.expand]);
        let some = |size: usize| (1..=WIDTH_MAX).contains(&size);
        let blocks = stages.iter().map(|stage| stage.blocks).fold(0, usize::saturating_add);
        let fits = sizes.chain([*stem, *features]).all(some) && blocks <= BLOCKS_MAX;
        if !fits || stages.iter().any(|stage| stage.kernel.is_multiple_of(2)) || self.shape.reduction() != REDUCTION {
            return Err(format!(
                "sizes must be from 1 to {WIDTH_MAX}, kernels odd, and the strides must make one of {REDUCTION} pixels"
            ));
        }
        let cuts = self.cuts.iter().flat_map(|cut| [cut.slope, cut.intercept]);
        let numbers = self.limits.all().into_iter().chain(cuts).chain([self.interval.coverage, self.interval.limit]);
        if numbers.into_iter().all(f64::is_finite) { Ok(()) } else { Err("limits and cuts must be finite".into()) }
    }
}

/// What the network computes of a film, mean of the film and its mirror image.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Raw scores of the cuts.
    pub scores: [f64; CUTS],
    /// The pooled features.
    pub features: Vec<f32>,
}

/// The network as loaded.
#[derive(Debug)]
pub struct Knee {
    manifest: Manifest,
    settings: Settings,
    network: Network,
    space: Space,
    template: Vec<f32>,
    baseline: Vec<f32>,
}

impl Knee {
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
        let (network, space, [template, baseline]) =
            loading::assembled(folder, &manifest, |tensors| assemble(tensors, &settings.shape))?;
        Ok(Self { manifest, settings, network, space, template, baseline })
    }

    fn compute(&self, source: candle_core::Error) -> ModelError {
        ModelError::Compute { name: self.manifest.name.clone(), source }
    }

    /// What the network computes of squashed films, whatever they show.
    ///
    /// # Errors
    /// [`ModelError`] when the arithmetic fails or gives no finite number.
    pub fn readings(&self, squashed: &[GreyImage]) -> Result<Vec<Reading>, ModelError> {
        if squashed.is_empty() {
            return Ok(Vec::new());
        }
        let readings = self.both_ways(squashed).map_err(|error| self.compute(error))?;
        let finite = readings.iter().all(|one| one.scores.iter().all(|score| score.is_finite()));
        if finite { Ok(readings) } else { Err(ModelError::NotFinite(self.manifest.name.clone())) }
    }

    fn both_ways(&self, squashed: &[GreyImage]) -> candle_core::Result<Vec<Reading>> {
        let pooled = |mirrored| self.network.pooled(&self.network.features(&tensor(squashed, mirrored)?)?);
        let pooled = ((pooled(false)? + pooled(true)?)? * 0.5)?;
        let scores = self.network.head(&pooled)?.to_vec2::<f32>()?;
        let reading = |(features, scores): (Vec<f32>, Vec<f32>)| {
            let mut all = [f64::NAN; CUTS];
            all.iter_mut().zip(scores).for_each(|(to, score)| *to = f64::from(score));
            Reading { scores: all, features }
        };
        Ok(pooled.to_vec2::<f32>()?.into_iter().zip(scores).map(reading).collect())
    }

    /// Whether the pixels alone look like a film that can be judged.
    ///
    /// # Errors
    /// [`ModelError`] as for [`Knee::readings`].
    pub fn reads(&self, image: &GreyImage) -> Result<bool, ModelError> {
        let squashed = film::squashed(image);
        let reading = self.readings(std::slice::from_ref(&squashed))?;
        let familiar =
            reading.iter().all(|one| self.space.distance(&one.features) <= self.settings.limits.distance_max);
        Ok(familiar && self.refusal(&squashed).is_none())
    }

    fn refusal(&self, squashed: &GreyImage) -> Option<Abstention> {
        suitability::measured(squashed, &self.template, &self.settings.limits)
    }

    /// The film squashed, or why it cannot be read.
    fn readable(&self, film: &Film) -> Result<GreyImage, Abstention> {
        if let Some(refusal) = suitability::stated(film) {
            return Err(refusal);
        }
        let squashed = film::squashed(&film.image);
        self.refusal(&squashed).map_or(Ok(squashed), Err)
    }

    fn film<'a>(&self, input: &'a ModelInput) -> Result<&'a Film, ModelError> {
        match input {
            ModelInput::Film(film) => Ok(film),
            _ => Err(ModelError::Input(self.manifest.name.clone())),
        }
    }

    /// Probabilities of the grades; those from 2 upwards add up to the finding's probability.
    #[must_use]
    pub fn probabilities(&self, scores: &[f64; CUTS]) -> [f64; grade::GRADES] {
        let mut yes = [self.manifest.calibration.probability(scores[OSTEOARTHRITIS]); CUTS];
        for (at, cut) in self.settings.cuts.iter().enumerate() {
            yes[at + 1] = cut.probability(scores[at + 1]);
        }
        grade::probabilities(yes)
    }

    fn prediction(&self, film: &Film, reading: &Reading) -> Prediction {
        let familiarity = self.space.familiarity(&reading.features, self.settings.limits.distance_max);
        if familiarity.distance > familiarity.limit {
            return Prediction::abstained(suitability::unfamiliar()).with_familiarity(familiarity);
        }
        let label = self.manifest.labels.first();
        let score = reading.scores[OSTEOARTHRITIS];
        let probability = self.manifest.calibration.probability(score);
        let finding = Finding {
            label: LABEL.into(),
            score,
            probability,
            threshold: label.map_or(1.0, |label| label.threshold),
            mention: None,
            certainty: label.and_then(|label| label.certainty(probability)),
        };
        let probabilities = self.probabilities(&reading.scores);
        let grade = Grade {
            scale: SCALE.into(),
            grade: grade::likeliest(&probabilities),
            interval: grade::interval(&probabilities, self.settings.interval.limit),
            coverage: self.settings.interval.coverage,
            probabilities: probabilities.to_vec(),
        };
        let scored = Prediction::scored(vec![finding], suitability::missing(film, self.manifest.provenance.ages));
        Prediction { grade: Some(grade), ..scored.with_familiarity(familiarity) }
    }
}

/// Squashed films as the network's input.
fn tensor(squashed: &[GreyImage], mirrored: bool) -> candle_core::Result<Tensor> {
    let values: Vec<f32> = squashed.iter().flat_map(|image| planes(image.pixels(), mirrored)).collect();
    Tensor::from_vec(values, (squashed.len(), ROWS, COLUMNS, PLANES), &Device::Cpu)
}

/// Takes all tensors, each with its shape checked, and nothing else.
fn assemble(tensors: &mut Tensors, shape: &Shape) -> candle_core::Result<(Network, Space, [Vec<f32>; 2])> {
    let mut get = |name: &str, shape: &[usize]| tensors.get(name, shape);
    let network = Network::new(shape, &mut get)?;
    let template = get(TEMPLATE, &[TEMPLATE_SIDE * TEMPLATE_SIDE])?.to_vec1::<f32>()?;
    let features = shape.features;
    let means = get(familiarity::MEANS, &[grade::GRADES, features])?;
    let space = Space::from_tensors(&means, &get(familiarity::FACTOR, &[features, features])?)?;
    let baseline = get(BASELINE, &[ROWS, COLUMNS, PLANES])?.flatten_all()?.to_vec1::<f32>()?;
    Ok((network, space, [template, baseline]))
}

impl Model for Knee {
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
        let mut readings = self.readings(&squashed)?.into_iter();
        let predictions = films.iter().zip(refusals).map(|(film, refusal)| match refusal {
            Some(refusal) => Ok(Prediction::abstained(refusal)),
            None => {
                let reading = readings.next().ok_or_else(|| ModelError::NotFinite(self.manifest.name.clone()))?;
                Ok(self.prediction(film, &reading))
            }
        });
        predictions.collect()
    }

    fn explain(&self, input: &ModelInput, effort: Effort) -> Result<Explanation, ModelError> {
        let film = self.film(input)?;
        let squashed = film::squashed(&film.image);
        let explained = if effort.points_max < POINTS_FROM {
            self.activation(&squashed)
        } else {
            attribution::film::explained(self, &squashed, FIELDS, effort)
        };
        let explanation = explained.map_err(|error| self.compute(error))?;
        let Attribution::Heat(map) = &explanation.attribution else { return Ok(explanation) };
        let (width, height, values) = film::around(&framed(map), map.width, &film.image);
        let attribution = Attribution::Heat(HeatMap { width, height, values });
        Ok(Explanation { attribution, ..explanation })
    }
}

impl Knee {
    /// The class activation map: one pass, where gradients take dozens.
    fn activation(&self, squashed: &GreyImage) -> candle_core::Result<Explanation> {
        let planes = self.input(squashed);
        let tensor = Tensor::from_slice(&planes, &Differentiable::shape(self), &Device::Cpu)?;
        let features = self.network.features(&tensor)?;
        let score = f64::from(self.view_scores(&features)?.mean_all()?.to_scalar::<f32>()?);
        let map = self.network.activation_map(&features, OSTEOARTHRITIS)?;
        let (_, height, width) = map.dims3()?;
        let map = HeatMap { width, height, values: unmirrored(&map.to_vec3::<f32>()?) };
        let opinion = attribution::film::occluded(self, &planes, &map)?;
        let bias = self.network.bias(OSTEOARTHRITIS)?;
        let gap = (map.values.iter().map(|value| f64::from(*value)).sum::<f64>() - (score - bias)).abs();
        let parameters = BTreeMap::from([
            ("fields".to_owned(), format!("{width} × {height}")),
            ("bias".to_owned(), format!("{bias:.4}")),
            ("film".to_owned(), format!("central square at {SIDE} × {SIDE} pixels, as it is and mirrored")),
        ]);
        let heat = Attribution::Heat(map);
        Ok(Explanation::checked("class activation map", parameters, (gap, TOLERANCE), opinion, heat))
    }
}

/// A map of the network's input with rows of zeros around it, so that it covers the squashed square.
fn framed(map: &HeatMap) -> Vec<f32> {
    let columns = map.width;
    let mut square = vec![0f32; columns * columns];
    let start = TOP * columns / SIDE * columns;
    square[start..start + map.values.len()].copy_from_slice(&map.values);
    square
}

impl Differentiable for Knee {
    fn shape(&self) -> [usize; 4] {
        [2, ROWS, COLUMNS, PLANES]
    }

    fn input(&self, squashed: &GreyImage) -> Vec<f32> {
        [planes(squashed.pixels(), false), planes(squashed.pixels(), true)].concat()
    }

    fn baseline(&self) -> Vec<f32> {
        let mirrored: Vec<f32> = (self.baseline.chunks_exact(COLUMNS * PLANES))
            .flat_map(|row| row.chunks_exact(PLANES).rev().flatten().copied())
            .collect();
        [self.baseline.as_slice(), &mirrored].concat()
    }

    fn baseline_words(&self) -> &'static str {
        "the average training film of grade 0"
    }

    fn features(&self, planes: &Tensor) -> candle_core::Result<Tensor> {
        self.network.features(planes)
    }

    fn view_scores(&self, features: &Tensor) -> candle_core::Result<Tensor> {
        self.network.head(&self.network.pooled(features)?)?.narrow(1, OSTEOARTHRITIS, 1)?.squeeze(1)
    }
}

#[cfg(test)]
mod tests;
