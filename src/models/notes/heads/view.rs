//! One note as the heads see it: words with their vectors, sentences, mentions.

use crate::{
    domain::{Assertion, Note},
    models::notes::{
        Tagged,
        mentions::Found,
        sentences::{Section, sentences},
        words::words,
    },
};
use std::ops::Range;

/// One note, as far as it was read.
#[derive(Debug, Clone)]
pub struct View<'a> {
    /// The whole text.
    pub text: &'a str,
    /// Bytes of the text for each word read.
    pub words: Vec<Range<usize>>,
    /// Words of each sentence read, and its section.
    pub sentences: Vec<(Range<usize>, Section)>,
    /// The encoder's vector of every word, one after another.
    pub vectors: Vec<f32>,
    /// Width of a vector.
    pub width: usize,
    /// Bytes of each mention, and how it is meant.
    pub mentions: Vec<(Range<usize>, Assertion)>,
}

impl<'a> View<'a> {
    /// What was read of note `note`; nothing when it was not read at all.
    pub(in crate::models::notes) fn of(
        notes: &'a [Note],
        note: usize,
        tagged: &Tagged,
        found: &[Found],
    ) -> candle_core::Result<Option<Self>> {
        let Some(hidden) = &tagged.hidden else { return Ok(None) };
        let (mut words, mut sentences, mut before) = (Vec::new(), Vec::new(), 0);
        for sentence in tagged.reading.sentences.iter().filter(|sentence| sentence.note <= note) {
            if sentence.note < note {
                before += sentence.words.len();
                continue;
            }
            sentences.push((words.len()..words.len() + sentence.words.len(), sentence.section));
            words.extend(sentence.words.iter().cloned());
        }
        if words.is_empty() {
            return Ok(None);
        }
        let width = hidden.dim(1)?;
        let vectors = hidden.narrow(0, before, words.len())?.flatten_all()?.to_vec1::<f32>()?;
        let mentions = found
            .iter()
            .filter(|one| one.mention.note == note)
            .map(|one| (one.mention.start..one.mention.end, one.mention.assertion))
            .collect();
        let text = notes[note].text.expose().as_str();
        Ok(Some(Self { text, words, sentences, vectors, width, mentions }))
    }

    /// A text read without an encoder: its words and sentences, no vectors and no mentions.
    #[must_use]
    pub fn of_text(text: &'a str) -> Self {
        let (mut found, mut cut) = (Vec::new(), Vec::new());
        for sentence in sentences(text) {
            let start = found.len();
            let inside = words(&text[sentence.range.clone()]);
            found.extend(
                inside.into_iter().map(|word| word.start + sentence.range.start..word.end + sentence.range.start),
            );
            cut.push((start..found.len(), sentence.section));
        }
        Self { text, words: found, sentences: cut, vectors: Vec::new(), width: 0, mentions: Vec::new() }
    }

    /// The vector of one word.
    #[must_use]
    pub fn vector(&self, word: usize) -> &[f32] {
        &self.vectors[word * self.width..(word + 1) * self.width]
    }

    /// Mean of the word vectors, then their greatest value in every direction.
    #[must_use]
    pub fn pooled(&self) -> Vec<f32> {
        let (mut mean, mut most) = (vec![0.0; self.width], vec![f32::NEG_INFINITY; self.width]);
        for vector in self.vectors.chunks_exact(self.width.max(1)) {
            for ((mean, most), value) in mean.iter_mut().zip(&mut most).zip(vector) {
                *mean += value;
                *most = most.max(*value);
            }
        }
        let count = self.words.len().max(1) as f32;
        mean.iter_mut().for_each(|value| *value /= count);
        mean.extend(most);
        mean
    }
}
