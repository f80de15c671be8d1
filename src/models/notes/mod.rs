//! Diseases and drugs in clinical notes, with how each is meant (`architecture = "bert-ner"`).
//!
//! Contract: every mention's byte range is a range of its note's text and its words are what stands there; what was
//! not read (other languages, too long) is named in [`Prediction::missing`]. The work per call is bounded.

pub mod concepts;
pub mod context;
pub mod crf;
pub mod decode;
pub mod explain;
pub mod features;
pub mod heads;
pub mod language;
pub mod mentions;
pub mod network;
pub mod pieces;
pub mod reading;
pub mod sentences;
pub mod shares;
pub mod specialty;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
pub mod vectors;
pub mod words;

pub use concepts::{Concepts, normalise, same_problem};

use super::{Manifest, Model, ModelError, attribution::Effort, bert::Sizes};
use crate::domain::{Abstention, Digest, Explanation, ModelInput, ModelName, Note, Prediction};
use candle_core::Tensor;
use decode::{KINDS, TagScores};
use heads::Heads;
use language::Unread;
use network::Tagger;
use pieces::{Pieces, WINDOW};
use reading::Reading;
use std::{cell::RefCell, fs, path::Path};
use vectors::Vectors;

/// The notes network.
pub struct Notes {
    manifest: Manifest,
    tagger: Tagger,
    pieces: Pieces,
    concepts: Concepts,
    pieces_max: usize,
    heads: Option<Heads>,
    recent: RefCell<Vec<(Digest, Tagged)>>,
}

/// Notes read and tagged: numbers and places, no text.
#[derive(Debug, Clone)]
struct Tagged {
    reading: Reading,
    /// Tags of every word of every sentence read.
    scores: Vec<Vec<TagScores>>,
    /// (words, hidden), the words of all sentences read one after another; nothing once only remembered.
    hidden: Option<Tensor>,
}

/// A text that was read as one: its sentences are each other's context.
#[derive(Debug, Clone)]
pub struct Document {
    /// Log-probabilities of the tags of every word of every sentence.
    pub scores: Vec<Vec<TagScores>>,
    /// (words, hidden): the encoder's last layer at every word; `None` when there is no word.
    pub hidden: Option<Tensor>,
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
        if pieces.len() != sizes.vocabulary || sizes.positions < WINDOW {
            return Err(wrong(format!("the tokenizer has {} pieces, or windows do not fit", pieces.len())));
        }
        let table = String::from_utf8(read("concepts.tsv")?).map_err(|error| wrong(error.to_string()))?;
        let concepts = Concepts::parse(&table).map_err(&wrong)?;
        let vectors = Vectors::read(&read("vectors.safetensors")?).map_err(|error| wrong(error.to_string()))?;
        let weights = read("weights.safetensors")?;
        let tagger = Tagger::read(&sizes, vectors.dims(), weights).map_err(|error| wrong(error.to_string()))?;
        let pieces = pieces.with_vectors(vectors);
        let pieces_max = number("pieces_max")?;
        Ok(Self { manifest, tagger, pieces, concepts, pieces_max, heads: None, recent: RefCell::default() })
    }

    /// Reads the manifest of `folder`, then [`Notes::load`].
    ///
    /// # Errors
    /// [`ModelError`] as for both.
    pub fn open(folder: &Path) -> Result<Self, ModelError> {
        Self::load(folder, Manifest::load(folder)?)
    }

    /// The same with the heads of `folder`, if they are there and were fitted on this encoder. Their own network,
    /// [`specialty::Specialty`], is the one that complains if they were not.
    ///
    /// # Errors
    /// [`ModelError`] when they were fitted on this encoder and do not load all the same.
    pub fn with_heads(self, folder: &Path) -> Result<Self, ModelError> {
        let heads = match Manifest::load(folder) {
            Ok(manifest) if specialty::fits(&manifest, &self.manifest) => Some(Heads::load(folder, &manifest)?),
            _ => None,
        };
        Ok(Self { heads, ..self })
    }

    /// The piece that stands for what the vocabulary does not hold.
    #[must_use]
    pub const fn unknown_piece(&self) -> u32 {
        self.pieces.unknown()
    }

    /// The network's name.
    #[must_use]
    pub const fn name(&self) -> &ModelName {
        &self.manifest.name
    }

    /// Reads documents given as sentences of words. A document's answer does not depend on the others.
    ///
    /// # Errors
    /// [`ModelError`] when the arithmetic fails.
    pub fn read_documents<S: AsRef<[W]>, W: AsRef<str>>(
        &self,
        documents: &[Vec<S>],
    ) -> Result<Vec<Document>, ModelError> {
        let windows: Vec<pieces::Window> =
            documents.iter().flat_map(|sentences| self.pieces.windows(sentences, WINDOW)).collect();
        if windows.is_empty() {
            let blank = |sentences: &Vec<S>| Document { scores: vec![Vec::new(); sentences.len()], hidden: None };
            return Ok(documents.iter().map(blank).collect());
        }
        let encoded = self.tagger.encode(&windows).map_err(|source| self.failed(source))?;
        if encoded.emissions.iter().flatten().any(|score| score.is_nan()) {
            return Err(ModelError::NotFinite(self.manifest.name.clone()));
        }
        let mut start = 0;
        let each = documents.iter().map(|sentences| {
            let counts: Vec<usize> = sentences.iter().map(|sentence| sentence.as_ref().len()).collect();
            let words = counts.iter().sum::<usize>();
            let scores = self.tagger.tags(&encoded.emissions[start..start + words], &counts)?;
            let hidden = (words > 0).then(|| encoded.hidden.narrow(0, start, words)).transpose()?;
            start += words;
            Ok(Document { scores, hidden })
        });
        each.collect::<candle_core::Result<_>>().map_err(|source| self.failed(source))
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

    /// Reads and tags the notes of several inputs together. Every note is a document of its own.
    fn tag_notes(&self, inputs: &[&[Note]]) -> Result<Vec<Tagged>, ModelError> {
        let readings: Vec<Reading> =
            inputs.iter().map(|notes| reading::read(notes, &self.pieces, self.pieces_max)).collect();
        let documents: Vec<Vec<Vec<&str>>> =
            readings.iter().zip(inputs).flat_map(|(reading, notes)| reading.documents(notes)).collect();
        let mut read = self.read_documents(&documents)?.into_iter();
        let each = readings.into_iter().map(|reading| {
            let documents: Vec<Document> = read.by_ref().take(reading.document_ranges().len()).collect();
            let hidden: Vec<&Tensor> = documents.iter().filter_map(|document| document.hidden.as_ref()).collect();
            let hidden = (!hidden.is_empty()).then(|| Tensor::cat(&hidden, 0)).transpose()?;
            let scores = documents.into_iter().flat_map(|document| document.scores).collect();
            Ok(Tagged { reading, scores, hidden })
        });
        each.collect::<candle_core::Result<_>>().map_err(|source| self.failed(source))
    }

    fn prediction(&self, notes: &[Note], tagged: &Tagged) -> Result<Prediction, ModelError> {
        if tagged.reading.sentences.is_empty() {
            return Ok(Prediction::abstained(abstention(notes, &tagged.reading)));
        }
        let found = mentions::find(notes, &tagged.reading, &tagged.scores);
        let heads = self.heads.as_ref().map(|heads| heads.read(notes, tagged, &found)).transpose();
        let (topics, key_phrases) = heads.map_err(|source| self.failed(source))?.unwrap_or_default();
        let findings = mentions::findings(found, &self.manifest, &self.concepts);
        Ok(Prediction { topics, key_phrases, ..Prediction::scored(findings, tagged.reading.missing()) })
    }

    /// What the heads see of one note, read as in service; nothing when it is not read.
    ///
    /// # Errors
    /// [`ModelError`] when the arithmetic fails.
    pub fn view<R>(
        &self,
        note: &Note,
        look: impl FnOnce(&heads::view::View<'_>) -> R,
    ) -> Result<Option<R>, ModelError> {
        let notes = std::slice::from_ref(note);
        let Some(tagged) = self.tag_notes(&[notes])?.pop() else { return Ok(None) };
        let found = mentions::find(notes, &tagged.reading, &tagged.scores);
        let view = heads::view::View::of(notes, 0, &tagged, &found).map_err(|source| self.failed(source))?;
        Ok(view.map(|view| look(&view)))
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
        let small = tagged.into_iter().map(|tagged| Tagged { hidden: None, ..tagged });
        recent.extend(inputs.iter().map(|input| input.digest()).zip(small));
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
        let each = notes.iter().zip(&tagged).map(|(notes, tagged)| self.prediction(notes, tagged));
        let predictions = each.collect::<Result<_, _>>()?;
        self.remember(inputs, tagged);
        Ok(predictions)
    }

    fn explain(&self, input: &ModelInput, effort: Effort) -> Result<Explanation, ModelError> {
        let notes = self.notes(input)?;
        explain::explain(self, notes, &self.recall(input, notes)?, effort)
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
