//! The heads beside recognition, on the same word vectors: what a note is about, and its key phrases.
//!
//! Contract: one pass of the encoder serves all; a note that was read in part is judged by its whole wording and by the
//! vectors of what was read; a note that was not read has neither topics nor phrases. The weights lie in
//! `models/note-specialty` and name the digest of the encoder they were fitted on: on another one they do not load. Heads
//! fitted without vectors (the manifest says `vectors = 0`) judge by words and mentions alone and fit every encoder.

pub mod lexicon;
pub mod phrases;
#[cfg(test)]
mod tests;
pub mod topics;
pub mod view;

use super::{Tagged, mentions::Found, specialty};
use crate::{
    domain::{KeyPhrase, Note, Topic},
    models::{Manifest, ModelError, manifest::Label},
};
use candle_core::{DType, Device, Tensor};
use lexicon::Lexicon;
use phrases::{PLAIN, Phrases};
use std::{collections::HashMap, fs, path::Path};
use topics::Topics;
use view::View;

/// Name of the folder with the heads, beside the encoder's.
pub const FOLDER: &str = "note-specialty";
/// Files of that folder, in the manifest's order.
pub const FILES: [&str; 2] = ["weights.safetensors", "words.txt"];
/// Most notes that get topics and phrases: the newest.
const NOTES_MAX: usize = 20;

/// The heads.
#[derive(Debug, Clone)]
pub struct Heads {
    labels: Vec<Label>,
    /// The vocabulary.
    pub lexicon: Lexicon,
    /// Topics.
    pub topics: Topics,
    /// Key phrases.
    pub phrases: Phrases,
}

impl Heads {
    /// Reads weights and vocabulary from `folder`, whose manifest was read and checked.
    ///
    /// # Errors
    /// [`ModelError::Contract`] when a file is missing or a shape does not fit.
    pub fn load(folder: &Path, manifest: &Manifest) -> Result<Self, ModelError> {
        let width = specialty::vectors(manifest);
        let wrong = |reason: String| ModelError::Contract { name: manifest.name.clone(), reason };
        if FILES.iter().any(|file| manifest.files.iter().all(|one| one.file != *file)) {
            return Err(wrong(format!("its files must be {FILES:?}")));
        }
        let tensors = candle_core::safetensors::load(folder.join(FILES[0]), &Device::Cpu)
            .map_err(|error| wrong(error.to_string()))?;
        let words = fs::read_to_string(folder.join(FILES[1])).map_err(|error| wrong(error.to_string()))?;
        let words: Vec<String> = words.lines().map(str::to_owned).collect();
        let (labels, vocabulary) = (manifest.labels.len(), words.len());
        let get = |name: &str, length: usize| numbers(&tensors, name, length).map_err(&wrong);
        let topics = Topics {
            words: get("topics.words", labels * vocabulary)?,
            pooled: get("topics.pooled", labels * 2 * width)?,
            bias: get("topics.bias", labels)?,
        };
        let bias = get("phrases.bias", 1)?;
        let phrases = Phrases { weights: get("phrases.weights", PLAIN + width)?, bias: bias[0] };
        let lexicon = Lexicon::new(words, get("words.idf", vocabulary)?).map_err(&wrong)?;
        Ok(Self { labels: manifest.labels.clone(), lexicon, topics, phrases })
    }

    /// Topics and key phrases of one note.
    #[must_use]
    pub fn of_view(&self, view: &View<'_>, note: usize) -> (Vec<Topic>, Vec<KeyPhrase>) {
        (self.topics.read(view, note, &self.lexicon, &self.labels), self.phrases.read(view, note, &self.lexicon))
    }

    /// Topics and key phrases of the notes that were read.
    pub(super) fn read(
        &self,
        notes: &[Note],
        tagged: &Tagged,
        found: &[Found],
    ) -> candle_core::Result<(Vec<Topic>, Vec<KeyPhrase>)> {
        let (mut topics, mut key_phrases) = (Vec::new(), Vec::new());
        for note in 0..notes.len().min(NOTES_MAX) {
            if let Some(view) = View::of(notes, note, tagged, found)? {
                let (some, phrases) = self.of_view(&view, note);
                topics.extend(some);
                key_phrases.extend(phrases);
            }
        }
        Ok((topics, key_phrases))
    }
}

fn numbers(tensors: &HashMap<String, Tensor>, name: &str, length: usize) -> Result<Vec<f32>, String> {
    if length == 0 {
        return Ok(Vec::new());
    }
    let tensor = tensors.get(name).ok_or_else(|| format!("there is no tensor `{name}`"))?;
    let read = tensor.to_dtype(DType::F32).and_then(|tensor| tensor.flatten_all()?.to_vec1::<f32>());
    let values = read.map_err(|error| error.to_string())?;
    if values.len() != length || values.iter().any(|value| !value.is_finite()) {
        return Err(format!("`{name}` has {} numbers instead of {length}, or one is not finite", values.len()));
    }
    Ok(values)
}
