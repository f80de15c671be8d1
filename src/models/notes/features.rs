//! What the encoder makes of a note's words, for heads that stand beside the recogniser.
//!
//! Contract: rows are in the order of the words of the sentences read; the same numbers whether they are asked for alone
//! (while a head is trained) or come with a prediction.

use super::{Notes, Tagged, language::Unread};
use crate::{
    domain::{Digest, Note, Phi, SourceRef},
    models::ModelError,
};
use candle_core::Tensor;
use std::ops::Range;

/// A note as the encoder sees it.
#[derive(Debug, Clone)]
pub struct WordFeatures {
    /// Bytes of the note for each word read.
    pub words: Vec<Range<usize>>,
    /// Words of each sentence read, as a range of `words`.
    pub sentences: Vec<Range<usize>>,
    /// (words, hidden) of f32: the encoder's last layer at each word's first piece; `None` when nothing was read.
    pub hidden: Option<Tensor>,
    /// Why nothing was read, if so.
    pub unread: Option<Unread>,
}

impl Notes {
    /// The words of one text with their vectors, read as in service (sentences, bound on the work, language).
    ///
    /// # Errors
    /// [`ModelError`] when the arithmetic fails.
    pub fn words_with_features(&self, text: &str) -> Result<WordFeatures, ModelError> {
        let source = SourceRef {
            reference: String::new(),
            version: None,
            last_updated: None,
            key: String::new(),
            digest: Digest::of(text.as_bytes()),
        };
        let note = Note { text: Phi::new(text.to_owned()), source, title: None, code: None, time: None };
        let tagged = self.tag_notes(&[&[note]])?.pop();
        let tagged = tagged.ok_or_else(|| ModelError::Input(self.name().clone()))?;
        Ok(tagged.features(0))
    }
}

impl Tagged {
    /// The words of note `note` of those read.
    pub(super) fn features(&self, note: usize) -> WordFeatures {
        let (mut words, mut sentences, mut skipped) = (Vec::new(), Vec::new(), 0);
        for sentence in &self.reading.sentences {
            if sentence.note == note {
                sentences.push(words.len()..words.len() + sentence.words.len());
                words.extend(sentence.words.iter().cloned());
            } else if sentence.note < note {
                skipped += sentence.words.len();
            }
        }
        let hidden = self.hidden.as_ref().and_then(|hidden| hidden.narrow(0, skipped, words.len()).ok());
        let hidden = hidden.filter(|_| !words.is_empty());
        WordFeatures { words, sentences, hidden, unread: self.reading.unread.first().copied() }
    }
}
