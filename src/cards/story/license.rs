//! Whether a text says only what the evidence holds.
//!
//! Contract: independent of the composer: it reads the text from left to right and accepts every number, every name of
//! the tables (in either language) and every quotation only where `claims` license it. It judges numbers and names, not
//! verbs: whether a value is said to raise or to lower is not seen here.

use super::{
    Evidence, Language, Place,
    chinese::NAMES,
    claims::{self, Claim},
};
use crate::domain::Phi;
use std::fmt;

/// What would turn a number into another claim if it stood right before it.
const BEFORE: [&str; 14] = [
    "under ",
    "over ",
    "than ",
    "about ",
    "threshold of ",
    "last ",
    "低于",
    "高于",
    "不到",
    "超过",
    "约",
    "阈值",
    "过去",
    "每",
];
/// The same right after it.
const AFTER: [&str; 2] = [" confidence", "的置信"];
/// What may follow a number that has no unit.
const AFTER_BARE: [&str; 17] = [
    ",",
    ".",
    ";",
    ")",
    "，",
    "。",
    "；",
    "、",
    "）",
    "（",
    " (",
    " and ",
    " instead ",
    " over ",
    "和",
    "而非",
    " at ",
];
/// Numbers without digits.
const SPELLED: [&str; 28] = [
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "twenty", "hundred",
    "thousand", "twice", "half", "二", "两", "三", "四", "五", "六", "七", "八", "九", "十", "百", "千",
];

/// A claim that the evidence does not license.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unlicensed {
    /// A number, with the words around it.
    Number(Phi<String>),
    /// A name or a quotation.
    Name(Phi<String>),
}

impl fmt::Display for Unlicensed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Number(_) => "the text holds a number that the evidence does not",
            Self::Name(_) => "the text holds a name that the evidence does not",
        })
    }
}

impl std::error::Error for Unlicensed {}

/// Accepts a text about the evidence, or names the first thing in it that the evidence does not license.
///
/// # Errors
///
/// [`Unlicensed`], which holds the piece of text.
pub fn licensed(text: &str, evidence: &Evidence<'_>, language: Language) -> Result<(), Unlicensed> {
    let allowed = claims::names(evidence, language);
    let places =
        [Language::English, Language::Chinese].into_iter().flat_map(|one| Place::ALL.map(|place| place.words(one)));
    let known = NAMES.iter().flat_map(|one| [one.0, one.1]).chain(places);
    let mut names: Vec<(&str, bool)> = known.map(|name| (name, false)).collect();
    names.extend(allowed.iter().map(|name| (name.as_str(), true)));
    // At one place the longest name counts; of two that are equal, the licensed one.
    names.sort_by_key(|(name, licensed)| std::cmp::Reverse((name.len(), *licensed)));
    let reader = Reader {
        text,
        claims: claims::numbers(evidence, language),
        quotes: claims::quotes(evidence),
        sayings: claims::sayings(evidence),
        names,
    };
    reader.read()
}

struct Reader<'t> {
    text: &'t str,
    claims: Vec<Claim>,
    quotes: Vec<String>,
    sayings: [(&'static str, bool); 4],
    names: Vec<(&'t str, bool)>,
}

impl<'t> Reader<'t> {
    fn read(&self) -> Result<(), Unlicensed> {
        let (mut at, mut depth, mut subject) = (0usize, 0usize, None);
        while let Some(letter) = self.text[at..].chars().next() {
            if letter == '“' {
                at += self.quotation(at)?;
                continue;
            }
            if let Some(name) = self.name(at)? {
                (at, subject) = (at + name.len(), Some(name));
                continue;
            }
            if let Some(length) = self.number(at, subject)? {
                at += length;
                continue;
            }
            match letter {
                '(' | '（' => depth += 1,
                ')' | '）' => depth = depth.saturating_sub(1),
                // What follows is about something else.
                ';' | '.' | '；' | '。' if depth == 0 => subject = None,
                _ => {}
            }
            at += letter.len_utf8();
        }
        Ok(())
    }

    /// The length of a licensed quotation.
    fn quotation(&self, at: usize) -> Result<usize, Unlicensed> {
        let inner = self.text[at..].strip_prefix('“').and_then(|rest| rest.split_once('”')).map(|(inner, _)| inner);
        match inner.filter(|inner| self.quotes.iter().any(|quote| quote == inner)) {
            Some(inner) => Ok('“'.len_utf8() + inner.len() + '”'.len_utf8()),
            None => Err(Unlicensed::Name(self.around(at))),
        }
    }

    /// The name that stands here.
    fn name(&self, at: usize) -> Result<Option<&'t str>, Unlicensed> {
        match self.names.iter().find(|(name, _)| self.stands(at, name)) {
            None => Ok(None),
            Some((name, true)) => Ok(Some(name)),
            Some((_, false)) => Err(Unlicensed::Name(self.around(at))),
        }
    }

    /// The length of the licensed number that stands here.
    fn number(&self, at: usize, subject: Option<&str>) -> Result<Option<usize>, Unlicensed> {
        if let Some((saying, licensed)) = self.sayings.iter().find(|(saying, _)| self.stands(at, saying)) {
            return if *licensed { Ok(Some(saying.len())) } else { Err(Unlicensed::Number(self.around(at))) };
        }
        let rest = &self.text[at..];
        let spelled = SPELLED.iter().any(|word| self.stands(at, word));
        if !spelled && !is_number(rest, self.text[..at].chars().next_back()) {
            return Ok(None);
        }
        let claim =
            self.claims.iter().filter(|claim| self.holds(claim, at, subject)).max_by_key(|claim| claim.phrase.len());
        claim.map(|claim| Some(claim.phrase.len())).ok_or_else(|| Unlicensed::Number(self.around(at)))
    }

    fn holds(&self, claim: &Claim, at: usize, subject: Option<&str>) -> bool {
        let Some(before) = self.text[..at].strip_suffix(claim.before.as_str()) else { return false };
        let Some(after) = self.text[at..].strip_prefix(claim.phrase.as_str()) else { return false };
        let bare = claim.phrase.ends_with(|letter: char| letter.is_ascii_digit());
        let more_digits = after.strip_prefix(['.', ',']).is_some_and(|rest| rest.starts_with(|c: char| c.is_numeric()));
        claim.of.as_deref().is_none_or(|name| Some(name) == subject)
            && (claim.is_threshold() || !BEFORE.iter().any(|words| before.ends_with(words)))
            && !AFTER.iter().any(|words| after.starts_with(words))
            && !joins(claim.phrase.chars().next_back(), after.chars().next())
            && !more_digits
            && (!bare || after.is_empty() || AFTER_BARE.iter().any(|words| after.starts_with(words)))
    }

    /// Whether these words stand here as words, not as a part of longer ones.
    fn stands(&self, at: usize, words: &str) -> bool {
        let Some(after) = self.text[at..].strip_prefix(words) else { return false };
        !joins(self.text[..at].chars().next_back(), words.chars().next())
            && !joins(words.chars().next_back(), after.chars().next())
    }

    fn around(&self, at: usize) -> Phi<String> {
        Phi::new(self.text[at..].chars().take(24).collect())
    }
}

/// Whether two neighbours belong to one word or number.
fn joins(one: Option<char>, other: Option<char>) -> bool {
    let latin = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_alphanumeric());
    latin(one) && latin(other)
}

/// Whether a number begins here: a digit of any script, or a sign before one.
fn is_number(rest: &str, before: Option<char>) -> bool {
    let mut letters = rest.chars();
    let signed = |c: char| matches!(c, '-' | '−') && !before.is_some_and(|letter| letter.is_ascii_alphanumeric());
    match letters.next() {
        Some(sign) if signed(sign) => letters.next().is_some_and(char::is_numeric),
        Some(letter) => letter.is_numeric(),
        None => false,
    }
}
