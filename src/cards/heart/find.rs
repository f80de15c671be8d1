//! What the notes and the values say of each item.
//!
//! Contract: pure. A phrase counts as the ConText rules read it; the newest note that states it wins over older ones
//! that deny it; past mentions count for the history only; relatives' illnesses, suspicions and warnings never.

use super::items::{ITEMS, Item, LIMITS, Limit, Part, Strand, nt_pro_bnp};
use crate::{
    domain::{Assertion, Measurement, Note, Problem},
    models::notes::{
        concepts::normalise,
        context::Context,
        language,
        sentences::{Section, sentences},
    },
};
use std::ops::Range;

/// What one item says.
#[derive(Debug, Clone)]
pub struct Evidence {
    pub strand: Strand,
    pub part: Part,
    pub name: String,
    /// Likelihood ratio.
    pub ratio: f64,
    pub source: char,
    pub from: From,
}

/// Where it stands.
#[derive(Debug, Clone)]
pub enum From {
    /// In a note: its index, the byte offset and the sentence.
    Note { note: usize, start: usize, sentence: String },
    /// On the problem list.
    Listed(String),
    /// Measured: index of the value.
    Measured(usize),
}

/// A phrase in a note.
#[derive(Debug, Clone)]
struct Said {
    note: usize,
    start: usize,
    sentence: String,
    assertion: Assertion,
}

/// A note cut into sentences once for all phrases.
pub struct Pages<'a> {
    sentences: Vec<(usize, usize, &'a str, Section, String)>,
}

impl<'a> Pages<'a> {
    /// The notes that are in English.
    pub fn of(notes: &'a [Note]) -> Self {
        let mut pages = Vec::new();
        for (index, note) in notes.iter().enumerate() {
            let text = note.text.expose().as_str();
            if language::unread(text).is_some() {
                continue;
            }
            for one in sentences(text) {
                let body = &text[one.range.clone()];
                pages.push((index, one.range.start, body, one.section, body.to_lowercase().replace("oedema", "edema")));
            }
        }
        Self { sentences: pages }
    }

    /// The first place where one of the phrases stands, best assertion first: stated, then past, then denied.
    fn said(&self, phrases: &[&str]) -> Option<Said> {
        let mut best: Option<Said> = None;
        for (note, start, body, section, lower) in &self.sentences {
            for place in phrases.iter().filter_map(|phrase| place(lower, phrase)) {
                // Lower case and one spelling can move places; the sentence is what is shown.
                let place = place.start.min(body.len())..place.end.min(body.len());
                if !body.is_char_boundary(place.start) || !body.is_char_boundary(place.end) {
                    continue;
                }
                let assertion = Context::new(body, *section, std::slice::from_ref(&place)).assertion(&place);
                let better = best.as_ref().is_none_or(|best| rank(assertion) > rank(best.assertion));
                if better && rank(assertion) > 0 {
                    best =
                        Some(Said { note: *note, start: start + place.start, sentence: (*body).to_owned(), assertion });
                }
            }
        }
        best
    }

    /// Whether one of the phrases is stated of the patient, now.
    pub fn states(&self, phrases: &[&str]) -> bool {
        self.said(phrases).is_some_and(|said| said.assertion == Assertion::Present)
    }
}

const fn rank(assertion: Assertion) -> u8 {
    match assertion {
        Assertion::Present => 3,
        Assertion::Historical => 2,
        Assertion::Negated => 1,
        Assertion::Uncertain | Assertion::Hypothetical | Assertion::Family => 0,
    }
}

/// Where a phrase stands between word borders.
fn place(text: &str, phrase: &str) -> Option<Range<usize>> {
    let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(phrase)
        .map(|(at, _)| at..at + phrase.len())
        .find(|place| !letter(text[..place.start].chars().next_back()) && !letter(text[place.end..].chars().next()))
}

/// Everything that speaks for or against.
pub fn evidence(pages: &Pages<'_>, list: &[Problem], values: &[Measurement], age: Option<f64>) -> Vec<Evidence> {
    let mut found: Vec<Evidence> =
        ITEMS.iter().filter_map(|item| said(pages, item).or_else(|| listed(list, item))).collect();
    found.extend(LIMITS.iter().filter_map(|limit| measured(values, limit, age)));
    found
}

fn said(pages: &Pages<'_>, item: &Item) -> Option<Evidence> {
    let said = pages.said(item.phrases)?;
    let ratio = match said.assertion {
        Assertion::Present => Some(item.present),
        Assertion::Historical if item.part == Part::History => Some(item.present),
        Assertion::Negated => item.absent,
        _ => None,
    };
    let denied = said.assertion == Assertion::Negated;
    Some(Evidence {
        strand: item.strand,
        part: item.part,
        name: if denied { format!("no {}", item.name) } else { item.name.to_owned() },
        ratio: ratio?,
        source: item.source,
        from: From::Note { note: said.note, start: said.start, sentence: said.sentence },
    })
}

/// The problem list counts as history.
fn listed(list: &[Problem], item: &Item) -> Option<Evidence> {
    let entry = list.iter().find(|problem| names(problem, item.phrases)).filter(|_| item.part == Part::History)?;
    Some(Evidence {
        strand: item.strand,
        part: item.part,
        name: item.name.to_owned(),
        ratio: item.present,
        source: item.source,
        from: From::Listed(entry.text.expose().clone()),
    })
}

/// Whether an entry of the problem list names one of these.
pub fn names(problem: &Problem, phrases: &[&str]) -> bool {
    let displays = problem.codes.iter().filter_map(|code| code.display.as_deref());
    std::iter::once(problem.text.expose().as_str())
        .chain(displays)
        .map(normalise)
        .any(|entry| phrases.iter().any(|phrase| place(&entry, phrase).is_some()))
}

fn measured(values: &[Measurement], limit: &Limit, age: Option<f64>) -> Option<Evidence> {
    let at = values.iter().position(|value| value.variable == limit.variable)?;
    let value = values[at].value;
    let high = if limit.variable == "NTproBNP" { nt_pro_bnp(age) } else { limit.high };
    let (ratio, name) = if value >= high {
        (limit.above, format!("{} at or above {high} {}", limit.name, limit.unit))
    } else if value < limit.low {
        (limit.below, format!("{} under {} {}", limit.name, limit.low, limit.unit))
    } else {
        return None;
    };
    let (strand, source) = (limit.strand, limit.source);
    Some(Evidence { strand, part: Part::Blood, name, ratio, source, from: From::Measured(at) })
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn phrases_stand_between_word_borders() {
        assert_eq!(place("admitted with mi.", "mi"), Some(14..16));
        assert_eq!(place("family meeting", "mi"), None);
    }
}
