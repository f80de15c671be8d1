//! Fit, calibrate, evaluate.
//!
//! Contract: writes a `models/<name>` folder that `models` accepts; everything random comes from the plan's seed, so
//! that the same command on the same data gives the same weights; an interrupted run resumes bit for bit.

pub mod archives;
pub mod calibration;
pub mod checkpoint;
pub mod conformal;
pub mod explanations;
pub mod films;
pub mod image;
pub mod keras;
pub mod knee;
pub mod logistic;
pub mod metrics;
pub mod ner_data;
pub mod notes;
pub mod optimiser;
pub mod own;
pub mod papers;
pub mod physionet;
pub mod progress;
pub mod report;
pub mod run;
pub mod seeded;
pub mod sequence;
pub mod specialty;
pub mod textbook;
pub mod trial;

pub use progress::{Bar, EpochLine, Progress, Silent};
pub use run::{Best, Plan, Trainee};
pub use seeded::generator;

use crate::models::{ManifestError, ModelError};
use serde::Serialize;
use std::path::PathBuf;

/// Why training or evaluation stopped.
#[derive(Debug, thiserror::Error)]
pub enum TrainingError {
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The data folder is not laid out as expected.
    #[error("the data do not fit: {0}")]
    Data(String),
    /// The arithmetic failed.
    #[error(transparent)]
    Compute(#[from] candle_core::Error),
    /// The loss or a gradient is not a finite number.
    #[error("training diverged in epoch {epoch}, step {step}: the loss or a gradient is not a finite number")]
    Diverged {
        /// Epoch, from 1.
        epoch: usize,
        /// Step inside the epoch, from 0.
        step: usize,
    },
    /// A checkpoint cannot be continued from.
    #[error("the checkpoint does not fit: {0}")]
    Checkpoint(String),
    /// The model folder is wrong.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The trained network does not load or run.
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl TrainingError {
    /// Wraps an I/O failure with the file it happened on.
    pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}

/// A part of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// What the weights are fitted on.
    Train,
    /// What the epoch, the calibration, the threshold and the limits of refusal are chosen on.
    Tune,
    /// What nothing is chosen on: the figures in manifests, cards and reports come from here.
    Validation,
    /// Data of the same layout that nothing was chosen on.
    Test,
}

impl std::fmt::Display for Split {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Train => "train",
            Self::Tune => "tune",
            Self::Validation => "validation",
            Self::Test => "test",
        })
    }
}
