//! Whatever the evidence, a story keeps its promises; and no digit of it can be changed unnoticed.

use super::{
    Evidence, Fact, Finding, Language, Place, SENTENCE_CHARS_MAX, SENTENCES_MAX,
    chinese::{Kind, NAMES},
    compose, licensed,
};
use crate::domain::{Answer, Change, Counterfactual};
use proptest::{collection::vec, option, prelude::*};
use std::collections::BTreeSet;
use time::{Duration, OffsetDateTime, macros::datetime};

const NOW: OffsetDateTime = datetime!(2026-01-02 12:00 UTC);
const UNITS: [&str; 9] = ["mmol/L", "mg/dL", "mm[Hg]", "Cel", "/min", "%", "10*3/uL", "{score}", "mL/{shift}"];

#[derive(Debug, Clone)]
struct OneFact {
    label: String,
    value: Option<f64>,
    unit: usize,
    seconds: Option<i64>,
    raises: bool,
    from_absence: bool,
    range: Option<(f64, f64)>,
}

#[derive(Debug, Clone)]
struct Chart {
    finding: (usize, String, usize, usize),
    shares: (f64, f64, f64),
    answer: Option<usize>,
    facts: Vec<OneFact>,
    words: Vec<String>,
    missing: Vec<String>,
    reliable: Option<bool>,
    other: Option<Counterfactual>,
}

fn label() -> impl Strategy<Value = String> {
    let known: Vec<&str> =
        NAMES.iter().filter(|one| matches!(one.2, Kind::Measured | Kind::Flag)).map(|one| one.0).collect();
    prop_oneof![
        9 => prop::sample::select(known).prop_map(str::to_owned),
        1 => "marker q[a-z]{3,70}( \\([a-z ]{1,20}\\))?",
    ]
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![8 => -50.0..500.0f64, 1 => prop::num::f64::ANY, 1 => (0..400i32).prop_map(|n| f64::from(n) / 10.0)]
}

fn share() -> impl Strategy<Value = f64> {
    prop_oneof![8 => 0.0..=1.0f64, 1 => Just(0.0), 1 => Just(1.0)]
}

fn a_fact() -> impl Strategy<Value = OneFact> {
    let seconds = option::of(prop_oneof![-9_000..400_000_i64, -4_000_000_000_i64..4_000_000_000]);
    let range = option::of((number(), number()));
    (label(), option::of(number()), 0..UNITS.len(), seconds, any::<bool>(), any::<bool>(), range).prop_map(
        |(label, value, unit, seconds, raises, from_absence, range)| OneFact {
            label,
            value,
            unit,
            seconds,
            raises,
            from_absence,
            range,
        },
    )
}

fn other() -> impl Strategy<Value = Counterfactual> {
    let change = (label(), number(), number(), 0..UNITS.len(), prop_oneof![Just(12usize), 0..40usize]);
    let change = change.prop_map(|(label, from, to, unit, hours)| Change {
        variable: label.clone(),
        label,
        from,
        to,
        unit: UNITS[unit].into(),
        hours,
    });
    (vec(change, 0..6), share(), share()).prop_map(|(changes, changed_probability, threshold)| Counterfactual {
        changes,
        probability: 0.5,
        changed_probability,
        threshold,
        reached: changed_probability < threshold,
    })
}

fn missing() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => label(),
        2 => prop::sample::select(NAMES.iter().map(|one| one.0).collect::<Vec<_>>()).prop_map(str::to_owned),
        1 => (1..40u32).prop_map(|hours| format!("earlier hours (there are {hours} of 48)")),
        1 => (2..40u32).prop_map(|count| format!("{count} notes that do not look like English text were not read")),
        1 => (5..90u32).prop_map(|years| format!("training films of adults (the network learned from 1 to {years} years; nobody knows)")),
    ]
}

fn chart() -> impl Strategy<Value = Chart> {
    let finding = (0..3usize, "\\PC{0,90}", 0..4usize, 0..4usize);
    let shares = (share(), share(), share());
    let words = vec("\\PC{0,40}|[a-z]{2,12} [0-9]{1,3}", 0..5);
    let parts = (finding, shares, option::of(0..3usize), vec(a_fact(), 0..6), words, vec(missing(), 0..9));
    (parts, option::of(any::<bool>()), option::of(other())).prop_map(
        |((finding, shares, answer, facts, words, missing), reliable, other)| Chart {
            finding,
            shares,
            answer,
            facts,
            words,
            missing,
            reliable,
            other,
        },
    )
}

impl Chart {
    fn evidence(&self) -> Evidence<'_> {
        let (kind, what, count, negated) = &self.finding;
        let finding = match kind {
            0 => Finding::Film { what: "pneumonia", place: Place::ALL.get(3 * count + negated).copied() },
            1 => Finding::Risk { what: "death in hospital" },
            _ => Finding::Mentions { what, count: *count, negated: *negated },
        };
        let answers = [Answer::Yes, Answer::No, Answer::Either];
        let fact = |one: &'_ OneFact| one.seconds.map(|seconds| NOW - Duration::seconds(seconds));
        let factors = self.facts.iter().map(|one| Fact {
            label: &one.label,
            value: one.value,
            unit: UNITS[one.unit],
            time: fact(one),
            raises: one.raises,
            from_absence: one.from_absence,
            range: one.range,
        });
        Evidence {
            finding,
            probability: self.shares.0,
            threshold: self.shares.1,
            certainty: self.answer.map(|at| (answers[at], self.shares.2)),
            factors: factors.collect(),
            words: self.words.iter().map(String::as_str).collect(),
            now: NOW,
            missing: &self.missing,
            reliable: self.reliable,
            counterfactual: self.other.as_ref(),
        }
    }
}

/// Every whole number of the text, as it is written.
fn numbers(text: &str) -> BTreeSet<String> {
    let inner = |letter: char| letter.is_ascii_digit() || letter == '.' || letter == ',';
    let pieces = text.split(|letter| !inner(letter)).map(|piece| piece.trim_matches(['.', ',']));
    pieces.filter(|piece| !piece.is_empty()).map(str::to_owned).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_story_is_licensed_tidy_and_short(chart in chart()) {
        let evidence = chart.evidence();
        for (language, stop) in [(Language::English, '.'), (Language::Chinese, '。')] {
            let story = compose(&evidence, language);
            let text = story.text();
            prop_assert!(licensed(&text, &evidence, language).is_ok(), "{text}");
            let bad = text.contains("  ") || text.contains(['{', '}']);
            prop_assert!(story.sentences.len() <= SENTENCES_MAX && !bad, "{text}");
            for sentence in &story.sentences {
                prop_assert!(sentence.ends_with(stop) && sentence.chars().count() <= SENTENCE_CHARS_MAX, "{sentence}");
            }
            let untold = matches!(evidence.finding, Finding::Mentions { what, count, negated }
                if count + negated == 0 || super::name::quoted(what).is_none());
            prop_assert_eq!(story.sentences.is_empty(), untold);
        }
    }

    #[test]
    fn no_digit_can_be_changed_into_a_number_that_the_evidence_does_not_hold(chart in chart(), by in 1..10u8, one: prop::sample::Index) {
        let evidence = chart.evidence();
        let everything = format!("{:?} {:?}", super::claims::numbers(&evidence, Language::English).iter()
            .chain(&super::claims::numbers(&evidence, Language::Chinese)).map(|claim| claim.phrase.clone())
            .collect::<Vec<_>>(), (&chart.words, &chart.missing, &chart.finding.1));
        let licensed_numbers = numbers(&everything);
        for language in [Language::English, Language::Chinese] {
            let text = compose(&evidence, language).text();
            let digits: Vec<_> = text.char_indices().filter(|(_, letter)| letter.is_ascii_digit()).collect();
            let Some((at, digit)) = digits.get(one.index(digits.len().max(1))).copied() else { continue };
            let other = char::from(b'0' + (digit as u8 - b'0' + by) % 10);
            let changed = format!("{}{other}{}", &text[..at], &text[at + 1..]);
            let fresh = numbers(&changed).iter().any(|number| !licensed_numbers.contains(number));
            prop_assert!(!fresh || licensed(&changed, &evidence, language).is_err(), "{changed}");
        }
    }
}
