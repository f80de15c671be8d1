//! What follows the weights: template, familiarity, calibration of every cut, threshold, interval.
//!
//! Contract: template and feature space come from `train`, everything else from `tune`.

use super::{GradedKnee, readings, trainee::KneeTrainee};
use crate::{
    domain::GreyImage,
    models::{
        Manifest,
        chest::film::{Measures, TEMPLATE_SIDE, template_view},
        familiarity::{FACTOR, MEANS, Space},
        knee::{
            BASELINE, Interval, Knee, LABEL, Reading, Settings, TEMPLATE,
            film::{COLUMNS, PLANES, ROWS, planes, squashed},
            grade::{CUTS, GRADES, OSTEOARTHRITIS, OSTEOARTHRITIS_FROM, SIDES, strangeness},
            network::Shape,
            suitability::Limits,
        },
        manifest::{Calibration, FileDigest},
    },
    training::{TrainingError, calibration, conformal, image::limits::mean},
};
use candle_core::{DType, Device, Tensor};
use rayon::prelude::*;
use std::{collections::HashMap, fs, path::Path};

/// Sensitivity for osteoarthritis the threshold must keep on `tune`.
const SENSITIVITY: f64 = 0.90;
/// Sought by intervals and conformal answers; promised is a little less, by how few cases they rest on.
const COVERAGE: f64 = 0.90;
/// This share of the training films may fall below a limit on contrast or smoothness …
const ROUGH: f64 = 0.004;
/// … this share below that on likeness: 1.2 % of them are black where others are white, and likeness falls from 0.4 to
/// below −0.3 between the two sorts …
const UNLIKE: f64 = 0.015;
/// … and this share of the films for tuning may lie farther away than the limit of familiarity.
const UNFAMILIAR: f64 = 0.01;

/// Writes the weights with everything fitted, and gives the manifest they belong to, not yet saved.
pub(super) fn write(
    out: &Path,
    trainee: &KneeTrainee,
    shape: &Shape,
    [train, tune]: [&[&GradedKnee]; 2],
    papers: impl Fn(&Path, &Settings) -> Result<Manifest, TrainingError>,
) -> Result<Manifest, TrainingError> {
    fs::create_dir_all(out).map_err(TrainingError::io(out))?;
    let template = template(train);
    let mut tensors = trainee.tensors()?;
    tensors.insert(TEMPLATE.into(), Tensor::from_slice(&template, template.len(), &Device::Cpu)?);
    let sound = train.iter().filter(|knee| knee.grade == 0);
    let baseline = mean(sound.map(|knee| planes(squashed(&knee.image).pixels(), false)));
    tensors.insert(BASELINE.into(), Tensor::from_vec(baseline, (ROWS, COLUMNS, PLANES), &Device::Cpu)?);
    // A space that nothing is far from stands in until the features are known.
    let width = shape.features;
    tensors.insert(MEANS.into(), Tensor::zeros((GRADES, width), DType::F32, &Device::Cpu)?);
    tensors.insert(FACTOR.into(), Tensor::zeros((width, width), DType::F32, &Device::Cpu)?);
    save(out, &tensors)?;
    let mut settings = Settings {
        frame: Settings::FRAME,
        planes: Settings::plane_names(),
        shape: shape.clone(),
        limits: limits(train, &template),
        cuts: [Calibration::IDENTITY; CUTS - 1],
        interval: Interval { coverage: COVERAGE, limit: 1.0 },
    };
    // The weights as they will be served, rounded to half precision, decide everything that follows.
    let bare = Knee::load(out, papers(out, &settings)?)?;
    let (of_train, of_tune) = (readings(&bare, train)?, readings(&bare, tune)?);
    let features: Vec<Vec<f32>> = of_train.into_iter().map(|one| one.features).collect();
    let space = Space::fit(&features, &train.iter().map(|knee| knee.grade).collect::<Vec<_>>())?;
    tensors.extend(space.tensors()?);
    save(out, &tensors)?;
    let stored = candle_core::safetensors::load(out.join(WEIGHTS), &Device::Cpu)?;
    let stored = |name: &str| {
        let tensor = stored.get(name).ok_or_else(|| TrainingError::Data(format!("`{name}` was not stored")))?;
        Ok::<Tensor, TrainingError>(tensor.to_dtype(DType::F32)?)
    };
    let space = Space::from_tensors(&stored(MEANS)?, &stored(FACTOR)?)?;
    settings.limits.distance_max = high(of_tune.iter().map(|one| space.distance(&one.features)).collect(), UNFAMILIAR);
    calibrated(out, settings, &of_tune, tune, papers)
}

const WEIGHTS: &str = "weights.safetensors";

/// Writes all tensors in half precision.
fn save(out: &Path, tensors: &HashMap<String, Tensor>) -> Result<(), TrainingError> {
    let half: candle_core::Result<HashMap<String, Tensor>> =
        tensors.iter().map(|(name, tensor)| Ok((name.clone(), tensor.to_dtype(DType::F16)?))).collect();
    let bytes = safetensors::serialize(half?, None).map_err(|error| TrainingError::Checkpoint(error.to_string()))?;
    let path = out.join(WEIGHTS);
    fs::write(&path, bytes).map_err(TrainingError::io(path))
}

/// Calibrations, threshold, conformal answers and interval.
fn calibrated(
    out: &Path,
    mut settings: Settings,
    readings: &[Reading],
    tune: &[&GradedKnee],
    papers: impl Fn(&Path, &Settings) -> Result<Manifest, TrainingError>,
) -> Result<Manifest, TrainingError> {
    let wrong = |error: &dyn std::fmt::Display| TrainingError::Data(error.to_string());
    let first = cut(OSTEOARTHRITIS, readings, tune)?;
    for (at, calibration) in settings.cuts.iter_mut().enumerate() {
        *calibration = cut(at + 1, readings, tune)?;
    }
    let labels: Vec<bool> = tune.iter().map(|knee| knee.grade >= OSTEOARTHRITIS_FROM).collect();
    let chances: Vec<f64> = readings.iter().map(|one| first.probability(one.scores[OSTEOARTHRITIS])).collect();
    let mut label =
        calibration::threshold_for_sensitivity(LABEL, &chances, &labels, SENSITIVITY).map_err(|e| wrong(&e))?;
    label.policy = format!("sensitivity at least {SENSITIVITY:.2} for grade 2 or more on the split tune");
    label.conformal = Some(conformal::binary(&chances, &labels, COVERAGE).map_err(|e| wrong(&e))?);
    let with = |settings: &Settings| -> Result<Manifest, TrainingError> {
        let mut manifest = papers(out, settings)?;
        manifest.calibration = first;
        manifest.labels = vec![label.clone()];
        manifest.files = vec![FileDigest::of(out, WEIGHTS)?];
        Ok(manifest)
    };
    let model = Knee::load(out, with(&settings)?)?;
    let strange: Vec<f64> = readings
        .iter()
        .zip(tune)
        .map(|(reading, knee)| strangeness(&model.probabilities(&reading.scores), knee.grade))
        .collect();
    settings.interval = Interval {
        coverage: conformal::assured(strange.len(), COVERAGE),
        limit: conformal::quantile(&strange, COVERAGE).map_err(|e| wrong(&e))?.min(1.0),
    };
    with(&settings)
}

/// Platt scaling of one cut, on the cases it is asked about.
fn cut(at: usize, readings: &[Reading], tune: &[&GradedKnee]) -> Result<Calibration, TrainingError> {
    let (above, below) = SIDES[at];
    let asked =
        readings.iter().zip(tune).filter(|(_, knee)| above.contains(&knee.grade) || below.contains(&knee.grade));
    let (scores, labels): (Vec<f64>, Vec<bool>) =
        asked.map(|(reading, knee)| (reading.scores[at], above.contains(&knee.grade))).unzip();
    calibration::platt(&scores, &labels).map_err(|error| TrainingError::Data(format!("cut {at}: {error}")))
}

/// The mean of the equalised training films: thousands of people, nobody's film.
fn template(knees: &[&GradedKnee]) -> Vec<f32> {
    let mut sum = vec![0.0f64; TEMPLATE_SIDE * TEMPLATE_SIDE];
    for knee in knees {
        let view = template_view(&squashed(&knee.image));
        sum.iter_mut().zip(view).for_each(|(sum, value)| *sum += f64::from(value));
    }
    sum.into_iter().map(|sum| (sum / knees.len().max(1) as f64) as f32).collect()
}

/// Limits on the measures that nearly every training film passes; familiarity is limited later.
fn limits(knees: &[&GradedKnee], template: &[f32]) -> Limits {
    let squashed: Vec<GreyImage> = knees.par_iter().map(|knee| squashed(&knee.image)).collect();
    let measures: Vec<Measures> = squashed.par_iter().map(|film| Measures::of(film, template)).collect();
    let low = |of: fn(&Measures) -> f64, share: f64| -high(measures.iter().map(|one| -of(one)).collect(), share);
    let rounded = |value: f64| (value * 1000.0).round() / 1000.0;
    Limits {
        contrast_min: rounded(low(|m| m.contrast, ROUGH) * 0.4),
        // Halfway between the roughest training films and noise, which is at 0.
        smoothness_min: rounded(low(|m| m.smoothness, ROUGH) * 0.5),
        likeness_min: rounded(low(|m| m.likeness, UNLIKE)),
        distance_max: 1e9,
    }
}

/// The value that only `share` of the values exceed.
fn high(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = ((1.0 - share) * values.len() as f64) as usize;
    values.get(place.min(values.len().saturating_sub(1))).copied().unwrap_or(0.0)
}
