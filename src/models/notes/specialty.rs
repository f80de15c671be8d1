//! What notes are about and their key phrases, as a network of its own (`architecture = "note-heads"`).
//!
//! Contract: the heads of `models/note-specialty` on the encoder of the folder its manifest names, which must be the
//! very one they were fitted on. In service the network of that folder gives these answers with its own, from one pass;
//! here the encoder is read when the first input comes, so that a service that asks only the other holds it once.

use super::{Notes, heads::Heads};
use crate::{
    domain::{Attribution, Explanation, ModelInput, Prediction, Status, Work},
    models::{Manifest, Model, ModelError, attribution::Effort},
};
use std::{
    cell::OnceCell,
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Key of the manifest's input table: folder of the encoder, beside this one.
pub const ENCODER: &str = "encoder";
/// Key of the manifest's input table: digest of the encoder's weights.
pub const ENCODER_DIGEST: &str = "encoder_digest";

/// Key of the manifest's input table: width of the word vectors they read.
pub const VECTORS: &str = "vectors";

/// The heads as a network.
pub struct Specialty {
    manifest: Manifest,
    encoder: PathBuf,
    folder: PathBuf,
    notes: OnceCell<Notes>,
}

impl Specialty {
    /// Checks the heads against the encoder in `folder`'s neighbour.
    ///
    /// # Errors
    /// [`ModelError`] when the encoder is another one than the heads were fitted on, or a file does not fit.
    pub fn load(folder: &Path, manifest: Manifest) -> Result<Self, ModelError> {
        let wrong = |reason: &str| ModelError::Contract { name: manifest.name.clone(), reason: reason.to_owned() };
        let named = manifest.input.get(ENCODER).and_then(toml::Value::as_str);
        let named = named
            .filter(|name| !name.contains(['/', '\\', '.']))
            .ok_or_else(|| wrong("input.encoder must name a folder"))?;
        let encoder = folder.parent().unwrap_or(Path::new("..")).join(named);
        let papers = Manifest::load(&encoder)?;
        if !fits(&manifest, &papers) {
            return Err(wrong("its heads were fitted on another encoder: run `auscult train note-specialty` again"));
        }
        Heads::load(folder, &manifest)?;
        Ok(Self { manifest, encoder, folder: folder.to_owned(), notes: OnceCell::new() })
    }

    fn notes(&self) -> Result<&Notes, ModelError> {
        if let Some(notes) = self.notes.get() {
            return Ok(notes);
        }
        let notes = Notes::open(&self.encoder)?.with_heads(&self.folder)?;
        Ok(self.notes.get_or_init(|| notes))
    }
}

/// Whether heads with this manifest were fitted on the encoder with those papers, or need none.
pub(super) fn fits(heads: &Manifest, encoder: &Manifest) -> bool {
    let digest = heads.input.get(ENCODER_DIGEST).and_then(toml::Value::as_str);
    let same = digest.is_some() && digest == encoder.files.first().map(|file| file.digest.to_string()).as_deref();
    let hidden = encoder.input.get("hidden").and_then(toml::Value::as_integer);
    vectors(heads) == 0 || (same && hidden.and_then(|hidden| usize::try_from(hidden).ok()) == Some(vectors(heads)))
}

/// Width of the word vectors that the heads read; 0 for none.
pub(super) fn vectors(heads: &Manifest) -> usize {
    let width = heads.input.get(VECTORS).and_then(toml::Value::as_integer);
    width.and_then(|width| usize::try_from(width).ok()).unwrap_or(0)
}

impl Model for Specialty {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn predict(&self, inputs: &[&ModelInput]) -> Result<Vec<Prediction>, ModelError> {
        let mut predictions = self.notes()?.predict(inputs)?;
        for prediction in &mut predictions {
            // Mentions are the other network's answer.
            if let Status::Scored { findings } = &mut prediction.status {
                findings.clear();
            }
        }
        Ok(predictions)
    }

    fn explain(&self, _: &ModelInput, _: Effort) -> Result<Explanation, ModelError> {
        Ok(Explanation {
            method: "none: key phrases are shown beside the topics, and neither is attributed further".to_owned(),
            parameters: BTreeMap::new(),
            gap: 0.0,
            tolerance: 0.0,
            reliable: false,
            doubts: Vec::new(),
            second_opinion: None,
            work: Work::default(),
            attribution: Attribution::Spans,
        })
    }
}
