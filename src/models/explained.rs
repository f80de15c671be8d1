//! What was measured of a network's explanations, in `explanations.json` beside its weights.
//!
//! Contract: written by `auscult evaluate --explanations`; figures about another network or other weights do not load.

use super::Manifest;
use crate::domain::{Digest, ModelName};
use serde::{Deserialize, Serialize};
use std::{fs, io::ErrorKind, path::Path};

/// The file in a network's folder.
pub const FILE: &str = "explanations.json";
/// Largest file that is read.
const BYTES_MAX: usize = 64 * 1024;

/// Figures of one network's explanations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// The network.
    pub model: ModelName,
    /// SHA-256 of its weights.
    pub weights: Digest,
    /// The split.
    pub split: String,
    /// The method.
    pub method: String,
    /// Cases explained.
    pub n: usize,
    /// Whose contributions add up within the tolerance.
    pub complete: Share,
    /// Whose second opinion agrees in sign.
    pub agreed: Share,
    /// That passed every check.
    pub reliable: Share,
    /// Points per explanation, mean.
    pub points: f64,
    /// Deletion and insertion.
    pub curves: Curves,
}

/// A share of cases with its 95 % interval (Wilson).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// How many.
    pub count: usize,
    /// Of how many.
    pub of: usize,
    /// The share.
    pub share: f64,
    /// Its interval.
    pub interval: [f64; 2],
}

/// Mean areas in log-odds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Curves {
    /// Cases.
    pub n: usize,
    /// Most contributing first taken away: small is good.
    pub deletion: f64,
    /// In random order.
    pub deletion_random: f64,
    /// Cases in which it is smaller than in random order.
    pub deletion_better: Share,
    /// Most contributing first put in: large is good.
    pub insertion: f64,
    /// In random order.
    pub insertion_random: f64,
    /// Cases in which it is larger than in random order.
    pub insertion_better: Share,
}

impl Figures {
    /// Reads them from a network's folder; nothing when there are none.
    ///
    /// # Errors
    /// A sentence when the file cannot be read or is about other weights.
    pub fn load(folder: &Path, manifest: &Manifest) -> Result<Option<Self>, String> {
        let text = match fs::read(folder.join(FILE)) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        if text.len() > BYTES_MAX {
            return Err(format!("it has {} bytes, and {BYTES_MAX} are allowed", text.len()));
        }
        let figures: Self = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
        if figures.model != manifest.name || Some(figures.weights) != manifest.files.first().map(|file| file.digest) {
            return Err(format!(
                "it is about other weights: run `auscult evaluate {} --explanations` again",
                manifest.name
            ));
        }
        Ok(Some(figures))
    }
}
