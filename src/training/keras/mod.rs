//! Takes over the weights of the two textbook networks from Keras: `.keras`, `.weights.h5` and the older `.h5`.
//!
//! Contract: what comes out answers as Keras does with the same weights (within 1e-4, held by a test against Keras's own
//! answers), or nothing comes out: layers of another kind, order, size or activation are refused by name. An imported
//! network has no figures; it is not served before `auscult calibrate` has fitted and measured it here.

mod config;
mod convert;
mod file;
mod folder;

pub use convert::Architecture;
pub use folder::{Plan, import};

use super::papers::CardText;
use candle_core::Tensor;
use std::{collections::HashMap, path::Path};

/// Largest file read, and largest file inside a `.keras` archive, in bytes.
pub const BYTES_MAX: u64 = 256 << 20;

/// Why nothing was taken over.
#[derive(Debug, thiserror::Error)]
pub enum KerasError {
    /// The file cannot be read.
    #[error("it cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// The file is too large.
    #[error("it is larger than {} MiB", BYTES_MAX >> 20)]
    Size,
    /// It is neither a `.keras` archive nor HDF5.
    #[error("it is neither a .keras archive nor an HDF5 file")]
    Kind,
    /// The archive or the HDF5 file is damaged or not laid out as Keras does.
    #[error("it is not laid out as Keras writes it: {0}")]
    Layout(String),
    /// The network is another one.
    #[error("it is not this network: {0}")]
    Network(String),
    /// The tensors cannot be made.
    #[error(transparent)]
    Compute(#[from] candle_core::Error),
}

/// An array of weights as Keras stores it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Array {
    shape: Vec<usize>,
    values: Vec<f32>,
}

/// A layer that has weights.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layer {
    name: String,
    /// In Keras's order: kernel, (recurrent kernel,) bias.
    arrays: Vec<Array>,
}

/// Reads a file and gives the tensors under our names.
///
/// # Errors
/// [`KerasError`] when the file is not Keras's, or holds another network.
pub fn read(path: &Path, architecture: Architecture) -> Result<HashMap<String, Tensor>, KerasError> {
    if std::fs::metadata(path)?.len() > BYTES_MAX {
        return Err(KerasError::Size);
    }
    tensors(std::fs::read(path)?, architecture)
}

/// The same from bytes.
///
/// # Errors
/// As [`read`].
pub fn tensors(bytes: Vec<u8>, architecture: Architecture) -> Result<HashMap<String, Tensor>, KerasError> {
    let found = file::read(bytes)?;
    if let Some(config) = &found.config {
        config::check(config, architecture)?;
    }
    convert::tensors(&found.layers, architecture)
}

/// What can be said of a network that was trained elsewhere.
#[must_use]
pub fn card() -> CardText {
    CardText {
        details:
            "Weights taken over from Keras with `auscult import keras`; the arithmetic is Keras's (held by a test to \
                  1e-4). Calibration, threshold and conformal limits were fitted here on the split `tune`."
                .into(),
        metrics: "As for the other networks, on the split validation of the data it was calibrated on.".into(),
        caveats:
            "Nothing is known here about what it was trained on: the cases it is measured on may have been among them."
                .into(),
        ..CardText::default()
    }
}

#[cfg(test)]
mod tests;
