//! Trained networks and their papers.
//!
//! Contract: a loaded model matches its manifest's digests, labels and shapes, or start-up fails. A model is
//! synchronous, owned by one thread and knows nothing of HTTP, FHIR or the record.

pub mod attributes;
pub mod attribution;
pub mod bert;
pub mod chest;
pub mod evaluation;
pub mod explained;
pub mod familiarity;
pub mod knee;
mod loading;
pub mod manifest;
pub mod mortality;
pub mod notes;
pub mod ops;
pub mod papers;
mod radiograph;
#[cfg(test)]
pub(crate) mod testing;
pub mod textbook;

pub use manifest::{Manifest, ManifestError};
pub use papers::Papers;

use crate::domain::{Counterfactual, Explanation, ModelInput, ModelName, Prediction};
use attribution::Effort;
use std::path::Path;

/// Why a network could not be loaded or run.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The folder and its manifest disagree.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The manifest's input contract, labels or architecture do not fit the code.
    #[error("{name}: {reason}")]
    Contract {
        /// The network.
        name: ModelName,
        /// What does not fit.
        reason: String,
    },
    /// The arithmetic failed.
    #[error("{name}: {source}")]
    Compute {
        /// The network.
        name: ModelName,
        /// Candle's error.
        source: candle_core::Error,
    },
    /// The network was handed another kind of input than it reads.
    #[error("{0} was handed an input of another kind")]
    Input(ModelName),
    /// The answer holds a value that is not a finite number.
    #[error("{0} gave a score that is not a finite number")]
    NotFinite(ModelName),
}

/// The narrow waist between the service and a network. Synchronous and owned by one thread (`inference`).
pub trait Model: Send {
    /// The network's papers.
    fn manifest(&self) -> &Manifest;

    /// One prediction per input, in order. An input alone and in a batch gives the same answer within 1e-5.
    ///
    /// # Errors
    /// [`ModelError`] when the arithmetic fails or an input is of the wrong kind. Unsuitable content is not an
    /// error: it is answered with [`crate::domain::Status::Abstained`].
    fn predict(&self, inputs: &[&ModelInput]) -> Result<Vec<Prediction>, ModelError>;

    /// Why it said so, for one input, with at most that effort; deterministic.
    ///
    /// # Errors
    /// [`ModelError`] as for [`Model::predict`].
    fn explain(&self, input: &ModelInput, effort: Effort) -> Result<Explanation, ModelError>;

    /// What would have had to differ for nothing to fire, for networks of values that may differ; costs many passes.
    ///
    /// # Errors
    /// [`ModelError`] as for [`Model::predict`].
    fn counterfactual(&self, _: &ModelInput) -> Result<Option<Counterfactual>, ModelError> {
        Ok(None)
    }
}

/// Loads one network from its folder.
///
/// # Errors
/// [`ModelError`] when anything disagrees with the manifest or the architecture is unknown.
pub fn load(folder: &Path) -> Result<Box<dyn Model>, ModelError> {
    let manifest = Manifest::load(folder)?;
    match manifest.architecture.as_str() {
        "chest-cnn" => Ok(Box::new(chest::Chest::load(folder, manifest)?)),
        "knee-cnn" => Ok(Box::new(knee::Knee::load(folder, manifest)?)),
        "textbook-cnn" => Ok(Box::new(textbook::film::TextbookFilm::load(folder, manifest)?)),
        "lstm-3x128" | "textbook-lstm" => Ok(Box::new(mortality::Mortality::load(folder, manifest)?)),
        "bert-ner" => {
            let heads = folder.parent().unwrap_or(Path::new("..")).join(notes::heads::FOLDER);
            Ok(Box::new(notes::Notes::load(folder, manifest)?.with_heads(&heads)?))
        }
        "note-heads" => Ok(Box::new(notes::specialty::Specialty::load(folder, manifest)?)),
        other => Err(ModelError::Contract {
            name: manifest.name.clone(),
            reason: format!("architecture `{other}` is not known"),
        }),
    }
}
