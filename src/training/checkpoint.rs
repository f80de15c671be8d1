//! A training run on disk: `state.safetensors` (everything), `best.safetensors` (weights only), `curve.csv`.
//!
//! Contract: each file is written beside its place and renamed into it, so a reader never sees half of one; the bytes
//! depend on the state alone (tensors and metadata are written in a fixed order).

use super::{EpochLine, Plan, TrainingError};
use candle_core::{Device, Tensor};
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    fmt::Write as _,
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
};

/// Everything of a run that is not a tensor.
#[derive(Debug, Default, Clone)]
pub struct State {
    /// Updates so far.
    pub steps: u64,
    /// Epoch (from 1) and metric of the best weights.
    pub best: Option<(usize, f64)>,
    /// One line per finished epoch.
    pub curve: Vec<EpochLine>,
}

/// A checkpoint as it was read.
#[derive(Debug)]
pub struct Loaded {
    /// What is not a tensor.
    pub state: State,
    /// Weights, moments and averages, with their prefixes.
    pub tensors: HashMap<String, Tensor>,
}

impl Loaded {
    /// The tensors under `prefix/`, without it.
    #[must_use]
    pub fn part(&self, prefix: &str) -> HashMap<String, Tensor> {
        let strip = |name: &str| Some(name.strip_prefix(prefix)?.strip_prefix('/')?.to_owned());
        self.tensors.iter().filter_map(|(name, tensor)| Some((strip(name)?, tensor.clone()))).collect()
    }
}

/// The state as JSON; floating-point numbers as bits, because the continuation must be exact.
#[derive(Serialize, Deserialize)]
struct Written {
    plan: String,
    steps: u64,
    best: Option<(usize, u64)>,
    curve: Vec<(u64, u64, u64)>,
}

/// What must be the same for a run to go on.
fn fingerprint(plan: &Plan) -> String {
    format!(
        "epochs {} batch {} learning-rate {} weight-decay {} warmup {} seed {} ema {:?}",
        plan.epochs, plan.batch, plan.learning_rate, plan.weight_decay, plan.warmup, plan.seed, plan.ema
    )
}

fn state_path(plan: &Plan) -> PathBuf {
    plan.checkpoint.join("state.safetensors")
}

/// Where the best weights are.
#[must_use]
pub fn best_path(plan: &Plan) -> PathBuf {
    plan.checkpoint.join("best.safetensors")
}

/// Reads the checkpoint, if there is one.
///
/// # Errors
/// [`TrainingError`] when it cannot be read or belongs to another plan.
pub fn load(plan: &Plan) -> Result<Option<Loaded>, TrainingError> {
    let path = state_path(plan);
    if !path.exists() {
        return Ok(None);
    }
    let bytes = fs::read(&path).map_err(TrainingError::io(&path))?;
    let wrong = |error: &dyn std::fmt::Display| TrainingError::Checkpoint(format!("{}: {error}", path.display()));
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|error| wrong(&error))?;
    let text = header.metadata().as_ref().and_then(|metadata| metadata.get("state"));
    let written: Written = serde_json::from_str(text.map_or("", String::as_str)).map_err(|error| wrong(&error))?;
    if written.plan != fingerprint(plan) {
        return Err(wrong(&format!("it was written for another plan ({})", written.plan)));
    }
    let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu)?;
    let curve = written.curve.iter().enumerate().map(|(index, (loss, metric, rate))| EpochLine {
        epoch: index + 1,
        loss: f64::from_bits(*loss),
        metric: f64::from_bits(*metric),
        learning_rate: f64::from_bits(*rate),
    });
    let best = written.best.map(|(epoch, metric)| (epoch, f64::from_bits(metric)));
    Ok(Some(Loaded { state: State { steps: written.steps, best, curve: curve.collect() }, tensors }))
}

/// Writes the checkpoint and the learning curve.
///
/// # Errors
/// [`TrainingError`] when a file cannot be written.
pub fn save(plan: &Plan, state: &State, tensors: HashMap<String, Tensor>) -> Result<(), TrainingError> {
    let lines = state.curve.iter();
    let written = Written {
        plan: fingerprint(plan),
        steps: state.steps,
        best: state.best.map(|(epoch, metric)| (epoch, metric.to_bits())),
        curve: lines.map(|line| (line.loss.to_bits(), line.metric.to_bits(), line.learning_rate.to_bits())).collect(),
    };
    let text = serde_json::to_string(&written).map_err(|error| TrainingError::Checkpoint(error.to_string()))?;
    replace(&state_path(plan), &serialised(tensors, Some(HashMap::from([("state".to_owned(), text)])))?)?;
    let mut csv = String::from("epoch,loss,metric,learning_rate\n");
    for line in &state.curve {
        // Writing to a String cannot fail.
        writeln!(csv, "{},{},{},{}", line.epoch, line.loss, line.metric, line.learning_rate).unwrap_or(());
    }
    replace(&plan.checkpoint.join("curve.csv"), csv.as_bytes())
}

/// Writes the best weights.
///
/// # Errors
/// [`TrainingError`] when the file cannot be written.
pub fn save_best(plan: &Plan, weights: &HashMap<String, Tensor>) -> Result<(), TrainingError> {
    replace(&best_path(plan), &serialised(weights.clone(), None)?)
}

fn serialised(
    tensors: HashMap<String, Tensor>,
    metadata: Option<HashMap<String, String>>,
) -> Result<Vec<u8>, TrainingError> {
    safetensors::serialize(tensors, metadata).map_err(|error| TrainingError::Checkpoint(error.to_string()))
}

/// Puts `bytes` in place of the file in one step.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), TrainingError> {
    let beside = path.with_extension("tmp");
    let write = || {
        let mut file = File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().map_err(TrainingError::io(path))
}
