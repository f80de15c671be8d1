//! Writes the folder of an imported network.
//!
//! Contract: a network of courses takes its input contract (which variables, how scaled) from one that is already there and
//! whose inputs it was trained on; a network of pictures sees grey values divided by 255. There are no figures, the probability is the softmax's own, the threshold one half: such a
//! folder does not load for service (`Manifest::load`) until `auscult calibrate` has filled it.

use super::{Architecture, read};
use crate::{
    domain::{Clock, ModelName},
    models::{
        Manifest,
        manifest::{Calibration, FileDigest, Kind, Label, Provenance},
        mortality::contract::Contract,
        textbook::{
            cnn::Padding,
            film::{Grey, Settings, classes},
        },
    },
    training::TrainingError,
};
use candle_core::Tensor;
use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::PathBuf,
};

const WEIGHTS: &str = "weights.safetensors";

/// What to import.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Keras's file.
    pub file: PathBuf,
    /// The textbook network it holds.
    pub architecture: Architecture,
    /// The new network's name.
    pub name: ModelName,
    /// What the last class stands for.
    pub labels: Vec<String>,
    /// Folder of the network whose inputs a `textbook-lstm` was trained on.
    pub like: PathBuf,
    /// Folder of the networks.
    pub out: PathBuf,
}

/// Imports; gives the new folder.
///
/// # Errors
/// [`TrainingError`] when the file is not that network, the other folder is of another architecture, or the new folder is
/// already there.
pub fn import(plan: &Plan, clock: &dyn Clock) -> Result<PathBuf, TrainingError> {
    let wrong = |words: String| TrainingError::Data(words);
    let out = plan.out.join(plan.name.as_str());
    if out.exists() {
        return Err(wrong(format!("{} is already there", out.display())));
    }
    let tensors =
        read(&plan.file, plan.architecture).map_err(|error| wrong(format!("{}: {error}", plan.file.display())))?;
    let (kind, input) = input(plan, &tensors)?;
    fs::create_dir_all(&out).map_err(TrainingError::io(&out))?;
    candle_core::safetensors::save(&tensors, out.join(WEIGHTS))?;
    let labels = plan
        .labels
        .iter()
        .map(|name| Label { policy: "none: imported and not yet calibrated".into(), ..Label::open(name) });
    let manifest = Manifest {
        name: plan.name.clone(),
        version: "0.1.0".into(),
        title: format!("{} from Keras ({})", plan.name, plan.architecture),
        kind,
        architecture: plan.architecture.to_string(),
        intended_use: "Imported from Keras; not evaluated here. Not for care.".into(),
        not_for: vec!["care: nothing is known here about the data it was trained on".into()],
        files: vec![FileDigest::of(&out, WEIGHTS)?],
        input,
        labels: labels.collect(),
        calibration: Calibration::IDENTITY,
        provenance: provenance(plan, clock),
        attributes: BTreeMap::new(),
        evaluation: BTreeMap::new(),
    };
    manifest.save(&out)?;
    Ok(out)
}

/// What the network reads, checked against the weights.
fn input(plan: &Plan, tensors: &HashMap<String, Tensor>) -> Result<(Kind, toml::Table), TrainingError> {
    let wrong = |words: String| TrainingError::Data(words);
    let size = |name: &str, axis: usize| tensors.get(name).and_then(|tensor| tensor.dims().get(axis).copied());
    match plan.architecture {
        Architecture::Cnn => {
            let same = size("dense1.weight", 0) == Some(Padding::Same.flattened());
            let padding = if same { Padding::Same } else { Padding::Valid };
            if size("dense2.weight", 1) != Some(classes(plan.labels.len())) {
                return Err(wrong(format!("its number of classes does not fit {} labels", plan.labels.len())));
            }
            let settings = Settings { padding, grey: Grey::Scaled, limits: None };
            let table = toml::Table::try_from(settings).map_err(|error| wrong(error.to_string()))?;
            Ok((Kind::Image, table))
        }
        Architecture::Lstm => {
            let like = Manifest::load(&plan.like)?;
            if like.architecture != plan.architecture.to_string() {
                return Err(wrong(format!("{} is a {}, not a {}", like.name, like.architecture, plan.architecture)));
            }
            let mut table = like.input.clone();
            table.remove("familiarity_limit");
            let contract: Contract =
                table.clone().try_into().map_err(|error: toml::de::Error| wrong(error.to_string()))?;
            let width = size("lstm.weight_ih_l0", 1).unwrap_or(0);
            if width != contract.channels() {
                let channels = contract.channels();
                return Err(wrong(format!("it reads {width} numbers per hour, but {} gives {channels}", like.name)));
            }
            if plan.labels.len() != 1 {
                return Err(wrong("a network of courses has one label: what its second class stands for".into()));
            }
            Ok((Kind::Sequence, table))
        }
    }
}

fn provenance(plan: &Plan, clock: &dyn Clock) -> Provenance {
    let file = plan.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let labels = plan.labels.join(",");
    Provenance {
        data: "unknown: trained elsewhere, in Keras".into(),
        ages: None,
        licence: "unknown".into(),
        citation: "unknown".into(),
        source: "unknown".into(),
        command: format!(
            "auscult import keras {file} --architecture {} --name {} --labels {labels}",
            plan.architecture, plan.name
        ),
        seed: 0,
        epoch: 0,
        date: clock.now().date().to_string(),
    }
}
