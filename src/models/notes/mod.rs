//! Diseases and drugs in clinical notes, with how each is meant (`architecture = "bert-ner"`).
//!
//! Contract: every mention's byte range is a range of its note's text and its words are what stands there; what was
//! not read (other languages, too long) is named in [`Prediction::missing`]. The work per call is bounded.

pub mod concepts;
pub mod context;
pub mod decode;
pub mod explain;
pub mod language;
pub mod mentions;
pub mod network;
pub mod pieces;
pub mod reading;
pub mod sentences;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
pub mod words;

pub use concepts::{Concepts, normalise, same_problem};

use super::{Manifest, Model, ModelError, bert::Sizes};
use crate::domain::{Abstention, Digest, Explanation, ModelInput, ModelName, Note, Prediction, Status};
use decode::{KINDS, TagScores};
use language::Unread;
use network::Tagger;
use pieces::Pieces;
use reading::Reading;
use std::{cell::RefCell, fs, path::Path};

/// The notes network.
pub struct Notes {
    manifest: Manifest,
    tagger: Tagger,
    pieces: Pieces,
    concepts: Concepts,
    pieces_max: usize,
    recent: RefCell<Vec<(Digest, Tagged)>>,
}

/// Notes read and tagged: numbers and places, no text.
#[derive(Debug, Clone)]
struct Tagged {
    reading: Reading,
    scores: Vec<Vec<TagScores>>,
}

/// Inputs whose tags are kept, because an explanation follows the prediction and needs the same ones.
const RECENT: usize = 16;

impl Notes {
    /// Reads weights, tokenizer and table from `folder`, whose manifest was read and checked.
    ///
    /// # Errors
    /// [`ModelError`] when the manifest's input contract or labels do not fit the code, or a file does not fit the
    /// manifest.
    pub fn load(folder: &Path, manifest: Manifest) -> Result<Self, ModelError> {
        let wrong = |reason: String| ModelError::Contract { name: manifest.name.clone(), reason };
        let names: Vec<&str> = manifest.labels.iter().map(|label| label.name.as_str()).collect();
        if names != KINDS {
            return Err(wrong(format!("its labels must be {KINDS:?}")));
        }
        let number = |key: &str| {
            let value = manifest.input.get(key).and_then(toml::Value::as_integer);
            value
                .and_then(|value| usize::try_from(value).ok())
                .ok_or_else(|| wrong(format!("input.{key} must be a whole number")))
        };
        let sizes = Sizes {
            vocabulary: number("vocabulary")?,
            hidden: number("hidden")?,
            layers: number("layers")?,
            heads: number("heads")?,
            intermediate: number("intermediate")?,
            positions: number("positions")?,
            kinds: number("kinds")?,
        };
        let listed = |file: &str| manifest.files.iter().any(|one| one.file == file);
        let read = |file: &str| match listed(file) {
            true => fs::read(folder.join(file)).map_err(|error| wrong(format!("{file}: {error}"))),
            false => Err(wrong(format!("the manifest does not list {file}"))),
        };
        let pieces = Pieces::from_json(&read("tokenizer.json")?).map_err(&wrong)?;
        if pieces.len() != sizes.vocabulary || sizes.positions < pieces::WINDOW {
            return Err(wrong(format!("the tokenizer has {} pieces, or windows do not fit", pieces.len())));
        }
        let table = String::from_utf8(read("concepts.tsv")?).map_err(|error| wrong(error.to_string()))?;
        let concepts = Concepts::parse(&table).map_err(&wrong)?;
        let tagger = Tagger::load(&sizes, read("weights.safetensors")?).map_err(|error| wrong(error.to_string()))?;
        let pieces_max = number("pieces_max")?;
        Ok(Self { manifest, tagger, pieces, concepts, pieces_max, recent: RefCell::default() })
    }

    /// Reads the manifest of `folder`, then [`Notes::load`].
    ///
    /// # Errors
    /// [`ModelError`] as for both.
    pub fn open(folder: &Path) -> Result<Self, ModelError> {
        Self::load(folder, Manifest::load(folder)?)
    }

    /// The network's name.
    #[must_use]
    pub const fn name(&self) -> &ModelName {
        &self.manifest.name
    }

    /// Log-probabilities of the tags of every word of every sentence, given as words.
    ///
    /// # Errors
    /// [`ModelError`] when the arithmetic fails.
    pub fn tag_words(&self, sentences: &[Vec<&str>]) -> Result<Vec<Vec<TagScores>>, ModelError> {
        let windows: Vec<Vec<pieces::Window>> = sentences.iter().map(|words| self.pieces.windows(words)).collect();
        let counts: Vec<usize> = windows.iter().map(Vec::len).collect();
        let mut tagged = self.tagger.tag(&windows.concat()).map_err(|source| self.failed(source))?.into_iter();
        if tagged.as_slice().iter().flatten().flatten().any(|score| score.is_nan()) {
            return Err(ModelError::NotFinite(self.manifest.name.clone()));
        }
        Ok(counts.into_iter().map(|count| tagged.by_ref().take(count).flatten().collect()).collect())
    }

    fn failed(&self, source: candle_core::Error) -> ModelError {
        ModelError::Compute { name: self.manifest.name.clone(), source }
    }

    fn notes<'a>(&self, input: &'a ModelInput) -> Result<&'a [Note], ModelError> {
        match input {
            ModelInput::Notes(notes) => Ok(notes),
            _ => Err(ModelError::Input(self.manifest.name.clone())),
        }
    }

    /// Reads and tags the notes of several inputs together, so that sentences of like length share a pass.
    fn tag_notes(&self, inputs: &[&[Note]]) -> Result<Vec<Tagged>, ModelError> {
        let readings: Vec<Reading> =
            inputs.iter().map(|notes| reading::read(notes, &self.pieces, self.pieces_max)).collect();
        let words: Vec<Vec<&str>> =
            readings.iter().zip(inputs).flat_map(|(reading, notes)| reading.words(notes)).collect();
        let mut scores = self.tag_words(&words)?.into_iter();
        let each = readings.into_iter().map(|reading| {
            let scores = scores.by_ref().take(reading.sentences.len()).collect();
            Tagged { reading, scores }
        });
        Ok(each.collect())
    }

    fn prediction(&self, notes: &[Note], tagged: &Tagged) -> Prediction {
        if tagged.reading.sentences.is_empty() {
            let status = Status::Abstained(abstention(notes, &tagged.reading));
            return Prediction { status, missing: Vec::new() };
        }
        let found = mentions::find(notes, &tagged.reading, &tagged.scores);
        let findings = mentions::findings(found, &self.manifest, &self.concepts);
        Prediction { status: Status::Scored { findings }, missing: tagged.reading.missing() }
    }

    /// What [`Notes::predict`] found in this input, if it was among the last ones; otherwise reads it again.
    fn recall(&self, input: &ModelInput, notes: &[Note]) -> Result<Tagged, ModelError> {
        let digest = input.digest();
        let known = self.recent.borrow().iter().find(|(other, _)| *other == digest).map(|(_, tagged)| tagged.clone());
        match known {
            Some(tagged) => Ok(tagged),
            None => self.tag_notes(&[notes])?.pop().ok_or_else(|| ModelError::Input(self.manifest.name.clone())),
        }
    }

    fn remember(&self, inputs: &[&ModelInput], tagged: Vec<Tagged>) {
        let mut recent = self.recent.borrow_mut();
        recent.extend(inputs.iter().map(|input| input.digest()).zip(tagged));
        let surplus = recent.len().saturating_sub(RECENT);
        recent.drain(..surplus);
    }
}

impl Model for Notes {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn predict(&self, inputs: &[&ModelInput]) -> Result<Vec<Prediction>, ModelError> {
        let notes: Vec<&[Note]> = inputs.iter().map(|input| self.notes(input)).collect::<Result<_, _>>()?;
        let tagged = self.tag_notes(&notes)?;
        let predictions = notes.iter().zip(&tagged).map(|(notes, tagged)| self.prediction(notes, tagged)).collect();
        self.remember(inputs, tagged);
        Ok(predictions)
    }

    fn explain(&self, input: &ModelInput) -> Result<Explanation, ModelError> {
        let notes = self.notes(input)?;
        explain::explain(self, notes, &self.recall(input, notes)?)
    }
}

fn abstention(notes: &[Note], reading: &Reading) -> Abstention {
    let (reason, words) = if notes.is_empty() {
        ("no-notes", "There is no note to read.")
    } else if reading.unread.contains(&Unread::NotEnglish) {
        ("not-english", "The notes do not look like English text.")
    } else {
        ("note-too-short", "The notes hold too few words to read.")
    };
    Abstention { reason: reason.to_owned(), words: words.to_owned() }
}
