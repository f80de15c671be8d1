//! The sentence about what weighed most.
//!
//! Contract: at most one sentence, of the first kind that the evidence holds: variables, a part of the picture, words
//! of a note. Reasons that failed their check, or were never computed, are not told; that is said instead.

use super::{
    Evidence, Fact, Finding, Language,
    chinese::Kind,
    grammar::{
        Name, Quantity,
        Token::{self, Age, Details, List, Quoted, Range, Value, Words},
        agree, first_fitting,
    },
    name,
    sentences::{brackets, stop},
};
use time::OffsetDateTime;

/// Variables, and words of a note, that are told.
const TOLD_MAX: usize = 3;

/// What weighed most, or why that is not told.
pub fn reasons(evidence: &Evidence<'_>, language: Language) -> Option<String> {
    let instead = match (evidence.reliable, evidence.finding, language) {
        (Some(true), ..) => return weighed(evidence, language),
        // A mention's own words are its evidence: there is nothing to compute.
        (None, Finding::Mentions { .. }, _) => return None,
        (Some(false), _, Language::English) => {
            "The explanation is unreliable: it failed its own check, so no reasons are given."
        }
        (Some(false), _, Language::Chinese) => "对该判断的解释不可靠：未通过自身检验，因此不列出理由。",
        (None, _, Language::English) => "Why the network says so was not computed.",
        (None, _, Language::Chinese) => "模型为何如此判断，未能算出。",
    };
    first_fitting([vec![Words(instead)]], language)
}

fn weighed(evidence: &Evidence<'_>, language: Language) -> Option<String> {
    let told: Vec<Told<'_>> =
        evidence.factors.iter().filter_map(|fact| Told::of(fact, language)).take(TOLD_MAX).collect();
    let most = (1..=told.len()).rev();
    let wordings = most.flat_map(|most| [true, false].map(|ranges| (&told[..most], ranges)));
    let wordings = wordings.map(|(told, ranges)| factors(told, ranges, evidence.now, language));
    first_fitting(wordings, language)
        .or_else(|| part(evidence.finding, language))
        .or_else(|| leading_words(&evidence.words, language))
}

/// A fact that can be told.
struct Told<'a> {
    name: Name,
    value: Option<Quantity<'a>>,
    range: Option<(Quantity<'a>, Quantity<'a>)>,
    fact: &'a Fact<'a>,
}

impl<'a> Told<'a> {
    /// Nothing when its name, value or unit cannot be written.
    fn of(fact: &'a Fact<'a>, language: Language) -> Option<Self> {
        let name = Name::of(fact.label, language)?;
        let value = match fact.value {
            Some(value) => Some(Quantity::of(value, fact.unit)?),
            None => None,
        };
        let shows_value = name::kind(fact.label) != Kind::Flag;
        let range = fact.range.filter(|_| shows_value && value.is_some());
        let range = range.and_then(|(low, high)| Quantity::of(low, fact.unit).zip(Quantity::of(high, fact.unit)));
        Some(Self { name, value, range, fact })
    }

    /// `lactate 4.2 mmol/L (3 hours ago, typical 0.5 to 2)`.
    fn tokens(&self, ranges: bool, now: OffsetDateTime, language: Language) -> Vec<Token<'a>> {
        let english = language == Language::English;
        let mut tokens = vec![Token::Name(self.name.clone())];
        let mut details = Vec::new();
        match self.value {
            None => details.push(vec![Words(if english { "not measured" } else { "未测量" })]),
            Some(value) => {
                if name::kind(self.fact.label) != Kind::Flag {
                    tokens.extend([Words(if english { " " } else { "" }), Value(value)]);
                }
                details.extend(self.fact.time.map(|then| vec![Age { now, then }]));
                if let Some((low, high)) = self.range.filter(|_| ranges) {
                    details.push(vec![Words(if english { "typical " } else { "一般为" }), Range(low, high)]);
                }
                if self.fact.from_absence {
                    let seldom = if english { "mostly for being measured seldom" } else { "主要因为测量得少" };
                    details.push(vec![Words(seldom)]);
                }
            }
        }
        if !details.is_empty() {
            let (open, close) = brackets(language);
            tokens.extend([Words(open), Details(details), Words(close)]);
        }
        tokens
    }
}

fn factors<'a>(told: &[Told<'a>], ranges: bool, now: OffsetDateTime, language: Language) -> Vec<Token<'a>> {
    let (raised, lowered, between) = match language {
        Language::English => ("What raised the estimate most: ", "what lowered it most: ", "; "),
        Language::Chinese => ("使估计升高最多的是", "使估计降低最多的是", "；"),
    };
    let list = |raises: bool| -> Vec<_> {
        let these = told.iter().filter(|one| one.fact.raises == raises);
        these.map(|one| one.tokens(ranges, now, language)).collect()
    };
    let mut tokens = match (list(true), list(false)) {
        (up, down) if down.is_empty() => vec![Words(raised), List(up)],
        (up, down) if up.is_empty() && language == Language::English => {
            vec![Words("What lowered the estimate most: "), List(down)]
        }
        (up, down) if up.is_empty() => vec![Words(lowered), List(down)],
        (up, down) => vec![Words(raised), List(up), Words(between), Words(lowered), List(down)],
    };
    tokens.push(stop(language));
    tokens
}

fn part(finding: Finding<'_>, language: Language) -> Option<String> {
    let Finding::Film { place: Some(place), .. } = finding else { return None };
    let (before, after) = match language {
        Language::English => ("The ", " weighed most."),
        Language::Chinese => ("", "的影响最大。"),
    };
    first_fitting([vec![Words(before), Words(place.words(language)), Words(after)]], language)
}

fn leading_words(leading: &[&str], language: Language) -> Option<String> {
    let told: Vec<&str> = leading.iter().copied().filter(|one| name::quoted(one).is_some()).take(TOLD_MAX).collect();
    let wordings = (1..=told.len()).rev().map(|most| {
        let list = List(told[..most].iter().map(|one| vec![Quoted(one)]).collect());
        match language {
            Language::English => vec![agree(most, "The word ", "The words "), list, Words(" weighed most.")],
            Language::Chinese => vec![Words("影响最大的词是"), list, stop(language)],
        }
    });
    first_fitting(wordings, language)
}
