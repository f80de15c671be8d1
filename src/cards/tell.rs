//! From a network's answer to the evidence of its story, and the story in both languages.
//!
//! Contract: nothing but what the answer holds goes in; the composer sees to it that nothing else comes out.

use super::{
    finding::Answer,
    reasons,
    story::{self, Evidence, Fact, Language, Place},
};
use crate::{
    cds_hooks::escape_markdown,
    domain::{Assertion, Attribution, Factor, Finding, Mention, MentionWords, ModelInput, ranges::typical},
};
use serde::Serialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Factors handed to the composer, which tells the first few.
const FACTORS_MAX: usize = 6;
/// Words around a mention that are named, and the least share of the mention's own contribution that they need.
const WORDS_MAX: usize = 2;
const WORD_SHARE_MIN: f64 = 0.25;

/// A card's sentences in every language.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Stories {
    /// English.
    pub en: Vec<String>,
    /// Simplified Chinese.
    pub zh: Vec<String>,
}

impl Stories {
    /// Composes the sentences about one finding; `mention` is that of a note.
    pub fn of(answer: &Answer<'_>, finding: &Finding, mention: Option<&Mention>, now: OffsetDateTime) -> Self {
        let what = finding.label.replace('-', " ");
        let factors: &[Factor] = match answer.explanation.map(|one| &one.attribution) {
            Some(Attribution::Factors { factors }) => factors,
            _ => &[],
        };
        let about = match (answer.input, mention) {
            (ModelInput::Notes(_), Some(mention)) => mentioned(answer, mention),
            (ModelInput::Notes(_), None) => return Self::default(),
            (ModelInput::Film(_), _) => story::Finding::Film { what: &what, place: place(answer) },
            (ModelInput::Course(_), _) => story::Finding::Risk { what: &what },
        };
        let evidence = Evidence {
            finding: about,
            probability: finding.probability,
            threshold: finding.threshold,
            certainty: finding.certainty.map(|one| (one.answer, one.coverage)),
            factors: factors.iter().take(FACTORS_MAX).map(fact).collect(),
            words: mention.map(|mention| around(answer, mention)).unwrap_or_default(),
            now,
            missing: answer.missing,
            reliable: reliable(answer),
            counterfactual: None,
        };
        let composed = |language| story::compose(&evidence, language).sentences;
        Self { en: composed(Language::English), zh: composed(Language::Chinese) }
    }

    /// The sentences in one language, as Markdown.
    pub fn markdown(&self, language: Language) -> String {
        match language {
            Language::English => escape_markdown(&self.en.join(" ")),
            Language::Chinese => escape_markdown(&self.zh.concat()),
        }
    }
}

/// A mention's own words need no further reason, so only what was attributed is judged.
fn reliable(answer: &Answer<'_>) -> Option<bool> {
    let explanation = answer.explanation?;
    (!matches!(explanation.attribution, Attribution::Spans)).then_some(explanation.reliable)
}

fn fact(factor: &Factor) -> Fact<'_> {
    Fact {
        label: &factor.label,
        value: factor.value,
        unit: &factor.unit,
        time: factor.time.as_deref().and_then(|time| OffsetDateTime::parse(time, &Rfc3339).ok()),
        raises: factor.contribution > 0.0,
        from_absence: factor.from_absence.abs() > factor.contribution.abs() / 2.0,
        range: typical(&factor.variable),
    }
}

fn place(answer: &Answer<'_>) -> Option<Place> {
    match answer.explanation.map(|one| &one.attribution) {
        Some(Attribution::Heat(map)) => Place::ALL.get(reasons::ninth(map)?.0).copied(),
        _ => None,
    }
}

/// How often the notes say it, and how often they deny it.
fn mentioned<'a>(answer: &Answer<'_>, mention: &'a Mention) -> story::Finding<'a> {
    let same = |other: &&Mention| {
        other.assertion == Assertion::Negated && other.text.expose().eq_ignore_ascii_case(mention.text.expose())
    };
    let denied = answer.findings.iter().filter_map(|one| one.mention.as_ref()).filter(same);
    story::Finding::Mentions {
        what: mention.text.expose(),
        count: 1 + mention.repeats.len(),
        negated: denied.map(|one| 1 + one.repeats.len()).sum(),
    }
}

/// Words of the sentence, other than the mention's own, that spoke for it.
fn around<'a>(answer: &Answer<'_>, mention: &'a Mention) -> Vec<&'a str> {
    let Some(Attribution::Words { mentions }) = answer.explanation.map(|one| &one.attribution) else {
        return Vec::new();
    };
    let own = |one: &&MentionWords| (one.note, one.start) == (mention.note, mention.start);
    let Some(words) = mentions.iter().find(own) else { return Vec::new() };
    let inside = |start: usize| (mention.start..mention.end).contains(&(words.sentence + start));
    let of_mention: f64 = words.words.iter().filter(|one| inside(one.start)).map(|one| one.contribution).sum();
    let speaks = |contribution: f64| contribution > 0.0 && contribution >= WORD_SHARE_MIN * of_mention;
    let mut others: Vec<_> = words.words.iter().filter(|one| !inside(one.start) && speaks(one.contribution)).collect();
    others.sort_by(|a, b| b.contribution.total_cmp(&a.contribution));
    let sentence = mention.sentence.expose();
    let named = others.iter().filter_map(|one| sentence.get(one.start..one.end));
    named.filter(|word| word.chars().any(char::is_alphabetic)).take(WORDS_MAX).collect()
}
