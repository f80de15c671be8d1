//! What of the notes is read: sentences with their words, up to a bound on the work.

use super::{
    language::{self, Unread},
    pieces::Pieces,
    sentences::{Section, sentences},
    words::words,
};
use crate::domain::Note;
use std::ops::Range;

/// One sentence to be tagged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// Index of the note.
    pub note: usize,
    /// Bytes of the note.
    pub range: Range<usize>,
    /// Its section.
    pub section: Section,
    /// Bytes of the note for each word.
    pub words: Vec<Range<usize>>,
}

/// The sentences read, and what was not.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// In the order of the notes.
    pub sentences: Vec<Read>,
    /// Why notes were left out, one entry per note.
    pub unread: Vec<Unread>,
    /// Characters after the bound on the work.
    pub characters_left: usize,
}

/// Reads the notes, newest first as they come, until `pieces_max` word pieces.
#[must_use]
pub fn read(notes: &[Note], pieces: &Pieces, pieces_max: usize) -> Reading {
    let (mut reading, mut spent) = (Reading::default(), 0);
    for (note, text) in notes.iter().map(|note| note.text.expose().as_str()).enumerate() {
        // Cheap before the costly: a note that will not be read is not cut into sentences.
        if spent >= pieces_max {
            reading.characters_left += text.chars().count();
            continue;
        }
        if let Some(reason) = language::unread(text) {
            reading.unread.push(reason);
            continue;
        }
        for sentence in sentences(text) {
            let words: Vec<Range<usize>> = words(&text[sentence.range.clone()])
                .into_iter()
                .map(|word| shifted(&word, sentence.range.start))
                .collect();
            spent += 2 + words.iter().map(|word| pieces.count(&text[word.clone()])).sum::<usize>();
            if spent > pieces_max {
                reading.characters_left += text[sentence.range.start..].chars().count();
                break;
            }
            reading.sentences.push(Read { note, range: sentence.range, section: sentence.section, words });
        }
    }
    reading
}

fn shifted(range: &Range<usize>, by: usize) -> Range<usize> {
    range.start + by..range.end + by
}

impl Reading {
    /// The words of every sentence as text.
    #[must_use]
    pub fn words<'a>(&self, notes: &'a [Note]) -> Vec<Vec<&'a str>> {
        let text = |read: &Read| notes[read.note].text.expose().as_str();
        self.sentences.iter().map(|read| read.words.iter().map(|word| &text(read)[word.clone()]).collect()).collect()
    }

    /// The sentences of each note that was read, as places in [`Reading::sentences`].
    #[must_use]
    pub fn document_ranges(&self) -> Vec<Range<usize>> {
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for (at, sentence) in self.sentences.iter().enumerate() {
            match ranges.last_mut() {
                Some(range) if self.sentences[range.start].note == sentence.note => range.end = at + 1,
                _ => ranges.push(at..at + 1),
            }
        }
        ranges
    }

    /// The words of every sentence of each note that was read.
    #[must_use]
    pub fn documents<'a>(&self, notes: &'a [Note]) -> Vec<Vec<Vec<&'a str>>> {
        let words = self.words(notes);
        self.document_ranges().into_iter().map(|range| words[range].to_vec()).collect()
    }

    /// What was not read, in words.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let foreign = self.unread.iter().filter(|reason| **reason == Unread::NotEnglish).count();
        let mut missing = Vec::new();
        if foreign > 0 {
            missing.push(match foreign {
                1 => "one note that does not look like English text was not read".to_owned(),
                some => format!("{some} notes that do not look like English text were not read"),
            });
        }
        if self.characters_left > 0 {
            missing.push(format!("the last {} characters of the notes were not read", self.characters_left));
        }
        missing
    }
}
