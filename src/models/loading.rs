//! From a checked manifest to settings and tensors of a film network.
//!
//! Contract: every tensor is asked for once with its shape, and none is left over.

use super::{Manifest, ModelError};
use candle_core::{DType, Device, Result, Tensor, bail};
use serde::de::DeserializeOwned;
use std::{collections::HashMap, path::Path};

/// What does not fit, as an error of this network.
pub(super) fn contract(manifest: &Manifest, reason: impl Into<String>) -> ModelError {
    ModelError::Contract { name: manifest.name.clone(), reason: reason.into() }
}

/// The manifest's `[input]`.
pub(super) fn settings<T: DeserializeOwned>(manifest: &Manifest) -> std::result::Result<T, ModelError> {
    let table = toml::Value::Table(manifest.input.clone());
    table.try_into().map_err(|error| contract(manifest, format!("[input]: {error}")))
}

/// Loads the weights and lets `assemble` take them.
pub(super) fn assembled<T>(
    folder: &Path,
    manifest: &Manifest,
    assemble: impl FnOnce(&mut Tensors) -> Result<T>,
) -> std::result::Result<T, ModelError> {
    let tensors = candle_core::safetensors::load(manifest.weights(folder), &Device::Cpu)
        .map_err(|error| contract(manifest, format!("the weights cannot be read: {error}")))?;
    let mut tensors = Tensors(tensors);
    let parts = assemble(&mut tensors).and_then(|parts| tensors.finish().map(|()| parts));
    parts.map_err(|error| contract(manifest, format!("the weights do not fit: {error}")))
}

/// Tensors that were not asked for yet.
pub(super) struct Tensors(HashMap<String, Tensor>);

impl Tensors {
    /// Takes a tensor in single precision.
    pub(super) fn get(&mut self, name: &str, shape: &[usize]) -> Result<Tensor> {
        let Some(tensor) = self.0.remove(name) else { bail!("`{name}` is missing") };
        if tensor.dims() != shape {
            bail!("`{name}` is {:?}, not {shape:?}", tensor.dims());
        }
        tensor.to_dtype(DType::F32)
    }

    fn finish(self) -> Result<()> {
        match self.0.keys().next() {
            Some(name) => bail!("`{name}` is not part of the network"),
            None => Ok(()),
        }
    }
}
