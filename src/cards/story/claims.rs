//! What a text about some evidence may claim: every number with the words that belong to it, and every name.
//!
//! Contract: made from the evidence alone, not from what the composer said of it. A number is licensed together with
//! its unit or noun and, if it is a variable's, only beside that variable's name. Reasons are licensed only when they
//! passed their own check.

use super::{Evidence, Fact, Finding, Language, name};
use crate::{
    cards::words,
    domain::{Change, Counterfactual},
};
use time::OffsetDateTime;

/// What stands before the threshold's number.
const THRESHOLDS: [&str; 2] = ["threshold of ", "阈值"];

/// A number that may be said.
pub struct Claim {
    /// What must stand right before it.
    pub before: String,
    /// The number and what belongs to it.
    pub phrase: String,
    /// The name that must have been said last.
    pub of: Option<String>,
}

impl Claim {
    /// The phrase begins at the first digit, or at the sign before it.
    fn new(words: &str, of: Option<&String>) -> Self {
        let digit = words.find(|letter: char| letter.is_ascii_digit()).unwrap_or(words.len());
        let start = if words[..digit].ends_with('-') { digit - 1 } else { digit };
        Self { before: words[..start].to_owned(), phrase: words[start..].to_owned(), of: of.cloned() }
    }

    /// Whether it is a claim about the threshold, which is said to lie under or over something.
    pub fn is_threshold(&self) -> bool {
        THRESHOLDS.iter().any(|words| self.before.starts_with(words))
    }
}

/// Every number that may be said.
pub fn numbers(evidence: &Evidence<'_>, language: Language) -> Vec<Claim> {
    let mut claims = estimates(evidence, language);
    claims.extend(counts(evidence, language));
    for fact in reasons(evidence) {
        claims.extend(measured(fact, evidence.now, language));
    }
    for change in evidence.counterfactual.iter().flat_map(|one| &one.changes) {
        claims.extend(changed(change, language));
    }
    claims
}

/// Every name that may be said without quotation marks.
pub fn names(evidence: &Evidence<'_>, language: Language) -> Vec<String> {
    let found = match evidence.finding {
        Finding::Film { what, .. } | Finding::Risk { what } => Some(what),
        Finding::Mentions { .. } => None,
    };
    let place = match evidence.finding {
        Finding::Film { place: Some(place), .. } if evidence.reliable == Some(true) => Some(place.words(language)),
        _ => None,
    };
    let changes = evidence.counterfactual.iter().flat_map(|one| &one.changes).map(|change| change.label.as_str());
    let labels = found.into_iter().chain(reasons(evidence).map(|fact| fact.label)).chain(changes);
    let labels = labels.chain(evidence.missing.iter().map(String::as_str));
    labels.filter_map(|label| name::shown(label, language)).chain(place.map(str::to_owned)).collect()
}

/// Everything that may be said between quotation marks.
pub fn quotes(evidence: &Evidence<'_>) -> Vec<String> {
    let problem = match evidence.finding {
        Finding::Mentions { what, .. } => Some(what),
        Finding::Film { .. } | Finding::Risk { .. } => None,
    };
    let words = evidence.words.iter().copied().filter(|_| evidence.reliable == Some(true));
    problem.into_iter().chain(words).filter_map(name::quoted).collect()
}

/// Words that say a number without digits, and whether they are true.
pub fn sayings(evidence: &Evidence<'_>) -> [(&'static str, bool); 4] {
    let once = matches!(evidence.finding, Finding::Mentions { count, negated, .. } if count == 1 || negated == 1);
    let now = |fact: &Fact<'_>| fact.time.is_some_and(|time| (evidence.now - time).whole_minutes().abs() < 2);
    let just_now = reasons(evidence).any(now);
    let hour = evidence.counterfactual.is_some_and(|one| one.changes.iter().any(|change| change.hours == 1));
    [("once", once), ("just now", just_now), ("刚刚", just_now), ("last hour", hour)]
}

fn reasons<'e, 'a>(evidence: &'e Evidence<'a>) -> impl Iterator<Item = &'e Fact<'a>> {
    evidence.factors.iter().filter(|_| evidence.reliable == Some(true))
}

fn estimates(evidence: &Evidence<'_>, language: Language) -> Vec<Claim> {
    let other = evidence.counterfactual;
    let mut said = vec![percent(evidence.probability, language), in_ten(evidence.probability, language)];
    said.extend(other.map(|one| percent(one.changed_probability, language)));
    let threshold = THRESHOLDS[usize::from(language == Language::Chinese)];
    for share in [Some(evidence.threshold), other.map(|one| one.threshold)].into_iter().flatten() {
        said.push(format!("{threshold}{}", percent(share, language)));
    }
    let confidence = if language == Language::English { " confidence" } else { "的置信" };
    said.extend(evidence.certainty.map(|(_, coverage)| format!("{}{confidence}", percent(coverage, language))));
    said.iter().map(|words| Claim::new(words, None)).collect()
}

fn counts(evidence: &Evidence<'_>, language: Language) -> Vec<Claim> {
    let english = language == Language::English;
    let mut said = Vec::new();
    if let Finding::Mentions { count, negated, .. } = evidence.finding {
        let times = |times: usize| words::counted(times, "time");
        let stated = if count == 0 { negated } else { count };
        said.extend(match language {
            Language::English => [format!("” {}", times(stated)), format!("deny it {}", times(negated))],
            Language::Chinese => [format!("{count}次提到"), format!("{negated}次否认")],
        });
    }
    let missing = evidence.missing.len();
    said.push(if english { words::counted(missing, "thing") } else { format!("共{missing}项") });
    if let Some(Counterfactual { changes, .. }) = evidence.counterfactual {
        let count = changes.len();
        let values = || format!("{} changed", words::counted(count, "value"));
        said.push(if english { values() } else { format!("改变{count}项") });
        let last = |hours: usize| format!("last {}", words::counted(hours, "hour"));
        said.extend(changes.iter().map(|one| if english { last(one.hours) } else { format!("过去{}小时", one.hours) }));
    }
    said.iter().map(|words| Claim::new(words, None)).collect()
}

fn measured(fact: &Fact<'_>, now: OffsetDateTime, language: Language) -> Vec<Claim> {
    let mut said: Vec<String> = fact.value.into_iter().flat_map(|value| with_unit(value, fact.unit)).collect();
    if let Some((low, high)) = fact.range.map(|(low, high)| (number(low), number(high))) {
        let to = if language == Language::English { " to " } else { "至" };
        said.push(if low == high { low } else { format!("{low}{to}{high}") });
    }
    said.extend(fact.time.into_iter().flat_map(|then| ages(now, then, language)));
    beside(fact.label, &said, language)
}

fn changed(change: &Change, language: Language) -> Vec<Claim> {
    let mut said = with_unit(change.to, &change.unit);
    said.extend(with_unit(change.from, &change.unit));
    // The unit has been said with the other value.
    said.push(number(change.from));
    beside(&change.label, &said, language)
}

fn beside(label: &str, said: &[String], language: Language) -> Vec<Claim> {
    let Some(name) = name::shown(label, language) else { return Vec::new() };
    said.iter().map(|words| Claim::new(words, Some(&name))).collect()
}

fn with_unit(value: f64, ucum: &str) -> Vec<String> {
    let (number, unit) = (number(value), words::unit(ucum));
    if unit.is_empty() { vec![number] } else { vec![format!("{number} {unit}"), format!("{number}{unit}")] }
}

fn number(value: f64) -> String {
    match words::number(value).as_str() {
        "-0" => "0".to_owned(),
        other => other.to_owned(),
    }
}

/// Every whole number of minutes, hours, days … that has passed.
fn ages(now: OffsetDateTime, then: OffsetDateTime, language: Language) -> Vec<String> {
    let minutes = (now - then).whole_seconds().unsigned_abs() / 60;
    let units = [
        (1, "minute", "分钟"),
        (60, "hour", "小时"),
        (24 * 60, "day", "天"),
        (30 * 24 * 60, "month", "个月"),
        (365 * 24 * 60, "year", "年"),
    ];
    let passed = units.into_iter().map(|(length, english, chinese)| (minutes / length, english, chinese));
    let passed = passed.filter(|one| one.0 > 0).map(|(count, english, chinese)| match (language, then > now) {
        (Language::English, false) => format!("{} ago", words::counted(count, english)),
        (Language::English, true) => format!("{} ahead", words::counted(count, english)),
        (Language::Chinese, false) => format!("{count}{chinese}前"),
        (Language::Chinese, true) => format!("{count}{chinese}后"),
    });
    passed.collect()
}

fn percent(share: f64, language: Language) -> String {
    let figure = (100.0 * share).round();
    match (language, share) {
        (Language::English, _) => words::percent(share),
        (Language::Chinese, p) if p < 0.01 => "低于1%".to_owned(),
        (Language::Chinese, p) if p > 0.99 => "高于99%".to_owned(),
        (Language::Chinese, _) => format!("{figure:.0}%"),
    }
}

fn in_ten(share: f64, language: Language) -> String {
    match (language, (10.0 * share).round()) {
        (Language::English, _) => words::in_ten(share),
        (Language::Chinese, n) if n < 1.0 => "每10例中不到1例".to_owned(),
        (Language::Chinese, n) if n >= 10.0 => "每10例中超过9例".to_owned(),
        (Language::Chinese, n) => format!("每10例中约{n:.0}例"),
    }
}
