//! The evidence of one answer, told in one to five sentences of plain words, English or Chinese.
//!
//! Contract: pure, deterministic and total. [`compose`] says what was found, what weighed most, how sure the network
//! is, what was missing, and what would have changed the answer, each in at most one sentence of at most
//! [`SENTENCE_CHARS_MAX`] characters. A finding is worded as an estimate, never as a fact; reasons that failed their
//! own check are not told. **Every number and every name in the text is licensed by the evidence**: sentences are made
//! of typed tokens (`grammar`) and checked once more by [`licensed`], which knows nothing of how they were made; a
//! story that it refuses is not told at all. The text is plain (no Markdown): the caller escapes it.
//!
//! `sentences`, `reasons` and `otherwise` word the evidence, `name` and `chinese` say how a name is shown. Nothing
//! here can be printed with `{:?}`: values and words of notes are the patient's.

mod chinese;
mod claims;
mod grammar;
mod language;
mod license;
#[cfg(test)]
mod license_tests;
mod name;
mod otherwise;
#[cfg(test)]
mod otherwise_tests;
#[cfg(test)]
mod properties;
mod reasons;
mod sentences;
#[cfg(test)]
mod tests;

pub use language::Language;
pub use license::{Unlicensed, licensed};
pub use name::Place;

use crate::domain::{Answer, Counterfactual};
use time::OffsetDateTime;

/// Sentences of a story, at most.
pub const SENTENCES_MAX: usize = 5;
/// Characters of a sentence, at most.
pub const SENTENCE_CHARS_MAX: usize = 240;

/// What a network said.
#[derive(Clone, Copy)]
pub enum Finding<'a> {
    /// Something seen on a film, and the part of the picture that weighed most.
    Film {
        /// For example `pneumonia` or `knee osteoarthritis grade 2 or more`.
        what: &'a str,
        /// Where; a reason, so told only when the explanation is reliable.
        place: Option<Place>,
    },
    /// A risk, for example `death in hospital`.
    Risk {
        /// Of what.
        what: &'a str,
    },
    /// A problem that notes mention.
    Mentions {
        /// The words of the note.
        what: &'a str,
        /// How often it is stated.
        count: usize,
        /// How often it is denied.
        negated: usize,
    },
}

/// One variable that weighed.
#[derive(Clone, Copy)]
pub struct Fact<'a> {
    /// The variable in words.
    pub label: &'a str,
    /// Its latest value, if measured.
    pub value: Option<f64>,
    /// Of the value (UCUM).
    pub unit: &'a str,
    /// When it was measured.
    pub time: Option<OffsetDateTime>,
    /// Whether it speaks for the finding.
    pub raises: bool,
    /// Whether most of its weight comes from its not having been measured.
    pub from_absence: bool,
    /// What is typical, in the same unit.
    pub range: Option<(f64, f64)>,
}

/// All that a story may be made of.
#[derive(Clone)]
pub struct Evidence<'a> {
    /// What was found.
    pub finding: Finding<'a>,
    /// Calibrated probability, 0 to 1.
    pub probability: f64,
    /// From this probability on there is a card.
    pub threshold: f64,
    /// The conformal answer and its coverage.
    pub certainty: Option<(Answer, f64)>,
    /// What weighed, strongest first; the first few are told.
    pub factors: Vec<Fact<'a>>,
    /// Words of a note that weighed, strongest first; the first few are told.
    pub words: Vec<&'a str>,
    /// The time from which ages are counted.
    pub now: OffsetDateTime,
    /// What the network would have liked to see ([`crate::domain::Prediction::missing`]).
    pub missing: &'a [String],
    /// Whether the explanation passed its own check; nothing when there is none. Reasons are told only if it did.
    pub reliable: Option<bool>,
    /// What would have brought the risk under its threshold.
    pub counterfactual: Option<&'a Counterfactual>,
}

/// A composed text.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Story {
    /// In order; empty when there is nothing that may be said.
    pub sentences: Vec<String>,
}

impl Story {
    /// All sentences as one paragraph.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for sentence in &self.sentences {
            // A full-width stop brings its own space.
            if text.ends_with('.') {
                text.push(' ');
            }
            text.push_str(sentence);
        }
        text
    }
}

/// Tells the evidence; an empty story when it holds numbers that cannot be told, or words that are not licensed.
#[must_use]
pub fn compose(evidence: &Evidence<'_>, language: Language) -> Story {
    let story = checked(Story { sentences: sentences::told(evidence, language) }, evidence, language);
    debug_assert!(story.is_ok(), "the composer said something that the evidence does not license");
    story.unwrap_or_default()
}

fn checked(story: Story, evidence: &Evidence<'_>, language: Language) -> Result<Story, Unlicensed> {
    licensed(&story.text(), evidence, language).map(|()| story)
}
