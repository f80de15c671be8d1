//! How a mention is meant: the ConText algorithm (Harkema, Dowling, Thornblade & Chapman, J Biomed Inform 2009;42:839).
//!
//! Contract: pure. A trigger before a mention reaches forward to the end of the sentence or to a terminator; one after
//! it reaches back a few words; pseudo-triggers (`no increase`) trigger nothing. Denied beats family, family what may
//! come, that doubt, and doubt the past; a section's own meaning applies where no trigger does. The phrases are in
//! [`triggers`]; how well they do is measured in `tests.rs` on sentences written for it.

#[cfg(test)]
mod tests;
mod triggers;

use super::{sentences::Section, words::words};
use crate::domain::Assertion;
use std::ops::Range;
use triggers::{END, Effect, PHRASES, Phrase, Reach, YEAR};

/// Words a backward trigger reaches over.
const BACK: usize = 8;
/// The same for `resolved`, `3 years ago`: they speak of their neighbour.
const BACK_HISTORICAL: usize = 5;
/// Words a near trigger (`p.r.n.`) reaches forward over, within its part of the sentence.
const NEAR: usize = 4;

/// A sentence with its triggers found.
pub struct Context {
    words: Vec<(Range<usize>, String)>,
    found: Vec<(Range<usize>, Effect, Reach)>,
    section: Section,
}

impl Context {
    /// Finds the triggers of a sentence outside of `mentions` (byte ranges): words of a name trigger nothing.
    #[must_use]
    pub fn new(sentence: &str, section: Section, mentions: &[Range<usize>]) -> Self {
        let lower = |word: Range<usize>| (word.clone(), sentence[word].to_lowercase().replace('’', "'"));
        let words: Vec<(Range<usize>, String)> = words(sentence).into_iter().map(lower).collect();
        let free =
            |word: &Range<usize>| !mentions.iter().any(|mention| word.start < mention.end && mention.start < word.end);
        let mut found = Vec::new();
        let mut at = 0;
        while at < words.len() {
            let matching = |phrase: &&Phrase| matches(phrase, &words[at..], &free);
            let length = PHRASES.iter().find(matching).map_or(0, |phrase| phrase.length);
            // A phrase may reach both ways (`ruled out`): take all readings of the longest match.
            let readings = PHRASES.iter().filter(|phrase| length > 0 && phrase.length == length).filter(matching);
            found.extend(readings.map(|phrase| (at..at + length, phrase.effect, phrase.reach)));
            at += length.max(1);
        }
        Self { words, found, section }
    }

    /// How the mention at `mention` (bytes of the sentence) is meant.
    #[must_use]
    pub fn assertion(&self, mention: &Range<usize>) -> Assertion {
        let first = self.words.iter().position(|(word, _)| word.end > mention.start).unwrap_or(0);
        let after = self.words.iter().position(|(word, _)| word.start >= mention.end).unwrap_or(self.words.len());
        let holds = |effect: Effect| {
            self.found.iter().any(|trigger| trigger.1 == effect && self.reaches(trigger, first, after))
        };
        if holds(Effect::Negated) {
            Assertion::Negated
        } else if holds(Effect::Family) || self.section == Section::Family {
            Assertion::Family
        } else if holds(Effect::Hypothetical) {
            Assertion::Hypothetical
        } else if holds(Effect::Uncertain) {
            Assertion::Uncertain
        } else if holds(Effect::Historical) || matches!(self.section, Section::Past | Section::Allergies) {
            Assertion::Historical
        } else {
            Assertion::Present
        }
    }

    fn reaches(&self, (at, effect, reach): &(Range<usize>, Effect, Reach), first: usize, after: usize) -> bool {
        match reach {
            Reach::Forward => at.end <= first && !self.stopped(*effect, at.end..first),
            Reach::Near => at.end <= first && first - at.end <= NEAR && !self.parted(at.end..first),
            Reach::Backward => {
                let far = if *effect == Effect::Historical { BACK_HISTORICAL } else { BACK };
                at.start >= after && at.start - after <= far && !self.stopped(*effect, after..at.start)
            }
        }
    }

    /// Whether a terminator stands among these words.
    fn stopped(&self, of: Effect, between: Range<usize>) -> bool {
        self.found.iter().any(|(stop, effect, _)| {
            // `and has` turns from what is denied to what is there, but a relative keeps what she `and has`.
            let stops = *effect == Effect::Stop || (*effect == Effect::Turn && of != Effect::Family);
            stops && stop.start >= between.start && stop.end <= between.end
        })
    }

    fn parted(&self, between: Range<usize>) -> bool {
        self.words[between].iter().any(|(_, word)| matches!(word.as_str(), "," | ";" | ":"))
    }
}

/// Whether the words begin with the phrase, none of its words being part of a name.
fn matches(phrase: &Phrase, words: &[(Range<usize>, String)], free: &dyn Fn(&Range<usize>) -> bool) -> bool {
    let token = |(at, token): (usize, &&str)| match (*token, words.get(at)) {
        (END, next) => next.is_none_or(|(_, word)| !word.starts_with(char::is_alphanumeric)),
        (_, None) => false,
        (YEAR, Some((_, word))) => is_year(word),
        (token, Some((range, word))) => token == word && free(range),
    };
    phrase.tokens.iter().enumerate().all(token)
}

fn is_year(word: &str) -> bool {
    word.len() == 4
        && word.bytes().all(|byte| byte.is_ascii_digit())
        && (word.starts_with("19") || word.starts_with("20"))
}
