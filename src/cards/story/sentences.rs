//! The story's sentences: what was found, how sure it is, what was missing.
//!
//! Contract: at most one sentence each, none about what the evidence does not hold. A finding is an estimate of a
//! network: never “has”, always “looks like” or “estimates”.

use super::{
    Evidence, Finding, Language, SENTENCES_MAX,
    chinese::Kind,
    grammar::{
        Name,
        Token::{self, Count, InTen, List, Percent, Quoted, Times, Words},
        agree, first_fitting,
    },
    name, otherwise, reasons,
};
use crate::{cards::words, domain::Answer};

/// Missing things that are named before the rest is only counted.
const MISSING_MAX: usize = 6;

/// All sentences in order; none when there is no finding to tell.
pub fn told(evidence: &Evidence<'_>, language: Language) -> Vec<String> {
    let Some(finding) = finding(evidence, language) else { return Vec::new() };
    let more = [
        reasons::reasons(evidence, language),
        certainty(evidence, language),
        missing(evidence.missing, language),
        evidence.counterfactual.and_then(|one| otherwise::otherwise(one, language)),
    ];
    std::iter::once(finding).chain(more.into_iter().flatten()).take(SENTENCES_MAX).collect()
}

/// Whether a number is a probability.
pub fn is_share(number: f64) -> bool {
    (0.0..=1.0).contains(&number)
}

/// `under`, or `just under` where both figures would look the same.
pub fn under(probability: f64, threshold: f64, plain: &'static str, just: &'static str) -> &'static str {
    if words::percent(probability) == words::percent(threshold) { just } else { plain }
}

fn finding(evidence: &Evidence<'_>, language: Language) -> Option<String> {
    if !is_share(evidence.probability) || !is_share(evidence.threshold) {
        return None;
    }
    let reaches = evidence.probability >= evidence.threshold;
    let opening = match evidence.finding {
        Finding::Film { what, .. } => film(Name::of(what, language)?, reaches, language),
        Finding::Risk { what } => risk(Name::of(what, language)?, language),
        Finding::Mentions { count: 0, negated: 0, .. } => return None,
        Finding::Mentions { what, count, negated } => {
            name::quoted(what)?;
            mentions(what, count, negated, language)
        }
    };
    let wordings = [true, false].map(|in_ten| [opening.clone(), estimate(evidence, in_ten, language)].concat());
    first_fitting(wordings, language)
}

fn film<'a>(what: Name, reaches: bool, language: Language) -> Vec<Token<'a>> {
    let (before, after) = match (language, reaches) {
        (Language::English, true) => ("To the network this film looks like ", "; it estimates the probability at "),
        (Language::English, false) => ("The network estimates the probability of ", " on this film at "),
        (Language::Chinese, true) => ("在模型看来，此片的表现类似", "：估计概率为"),
        (Language::Chinese, false) => ("模型估计此片有", "的概率为"),
    };
    vec![Words(before), Token::Name(what), Words(after)]
}

fn risk<'a>(what: Name, language: Language) -> Vec<Token<'a>> {
    let (before, after) = match language {
        Language::English => ("The network estimates the risk of ", " at "),
        Language::Chinese => ("模型估计", "的风险为"),
    };
    vec![Words(before), Token::Name(what), Words(after)]
}

fn mentions(what: &str, count: usize, negated: usize, language: Language) -> Vec<Token<'_>> {
    let what = Quoted(what);
    let mut tokens = match (language, count) {
        (Language::English, 0) => vec![Words("The notes deny "), what, Words(" "), Times(negated)],
        (Language::English, _) => vec![Words("The notes mention "), what, Words(" "), Times(count)],
        (Language::Chinese, 0) => vec![Words("病历"), Times(negated), Words("否认"), what],
        (Language::Chinese, _) => vec![Words("病历"), Times(count), Words("提到"), what],
    };
    match language {
        Language::English if count > 0 && negated > 0 => tokens.extend([Words(" and deny it "), Times(negated)]),
        Language::Chinese if count > 0 && negated > 0 => tokens.extend([Words("，"), Times(negated), Words("否认")]),
        _ => {}
    }
    tokens.push(Words(match language {
        Language::English => "; the network estimates the probability that the words name a problem at ",
        Language::Chinese => "；模型估计这些词指某种疾病的概率为",
    }));
    tokens
}

/// The probability, and how it lies to its threshold.
fn estimate<'a>(evidence: &Evidence<'_>, in_ten: bool, language: Language) -> Vec<Token<'a>> {
    let (probability, threshold) = (evidence.probability, evidence.threshold);
    let mut tokens = vec![Percent(probability)];
    if in_ten {
        let (open, close) = brackets(language);
        tokens.extend([Words(open), InTen(probability), Words(close)]);
    }
    let to_threshold = match (language, probability >= threshold) {
        (Language::English, true) => ", which reaches its threshold of ",
        (Language::English, false) => {
            under(probability, threshold, ", under its threshold of ", ", just under its threshold of ")
        }
        (Language::Chinese, true) => "，达到阈值",
        (Language::Chinese, false) => under(probability, threshold, "，低于阈值", "，略低于阈值"),
    };
    tokens.extend([Words(to_threshold), Percent(threshold), stop(language)]);
    tokens
}

fn certainty(evidence: &Evidence<'_>, language: Language) -> Option<String> {
    let (answer, coverage) = evidence.certainty.filter(|one| is_share(one.1))?;
    let reaches = evidence.probability >= evidence.threshold;
    let (before, after) = match language {
        Language::English => (
            "At ",
            match answer {
                Answer::Yes => " confidence only the answer yes is left.",
                Answer::No if reaches => {
                    " confidence only the answer no is left, though the estimate reaches its threshold."
                }
                Answer::No => " confidence only the answer no is left.",
                Answer::Either => " confidence neither yes nor no can be ruled out: the network cannot tell.",
            },
        ),
        Language::Chinese => (
            "在",
            match answer {
                Answer::Yes => "的置信水平下，只剩肯定的答案。",
                Answer::No if reaches => "的置信水平下，只剩否定的答案，尽管估计达到了阈值。",
                Answer::No => "的置信水平下，只剩否定的答案。",
                Answer::Either => "的置信水平下，肯定与否定都不能排除：模型无法判断。",
            },
        ),
    };
    first_fitting([vec![Words(before), Percent(coverage), Words(after)]], language)
}

/// What was not measured, not stated, not read; as many as fit are named.
fn missing(missing: &[String], language: Language) -> Option<String> {
    let named: Vec<(Name, Kind)> =
        missing.iter().filter_map(|one| Some((Name::of(one, language)?, name::kind(one)))).collect();
    let wordings = (1..=named.len().min(MISSING_MAX)).rev().map(|most| {
        let total = (most < missing.len()).then_some(missing.len());
        missing_tokens(&named[..most], total, language)
    });
    first_fitting(wordings, language)
}

fn missing_tokens<'a>(named: &[(Name, Kind)], total: Option<usize>, language: Language) -> Vec<Token<'a>> {
    let of = |kinds: &[Kind]| -> Vec<Name> {
        named.iter().filter(|one| kinds.contains(&one.1)).map(|one| one.0.clone()).collect()
    };
    let groups = [
        (of(&[Kind::Measured, Kind::Flag]), " was not measured", " were not measured", "未测量"),
        (of(&[Kind::Stated]), " was not stated", " were not stated", "未注明"),
        (of(&[Kind::Lacking, Kind::Finding]), " was not available", " were not available", "没有"),
    ];
    let mut clauses: Vec<Vec<Token<'_>>> = Vec::new();
    for (names, one, many, chinese) in groups.into_iter().filter(|group| !group.0.is_empty()) {
        let count = if names[0].is_plural() { 2 } else { names.len() };
        let list = List(names.into_iter().map(|name| vec![Token::Name(name)]).collect());
        clauses.push(match language {
            Language::English => vec![list, agree(count, one, many)],
            Language::Chinese => vec![Words(chinese), list],
        });
    }
    clauses.extend(of(&[Kind::Clause]).into_iter().map(|name| vec![Token::Name(name)]));
    if let Some(total) = total {
        clauses.push(match language {
            Language::English => vec![Count(total), agree(total, " thing in all", " things in all")],
            Language::Chinese => vec![Words("共"), Count(total), Words("项")],
        });
    }
    let (opening, between) = match language {
        Language::English => ("What was missing: ", "; "),
        Language::Chinese => ("缺少的信息：", "；"),
    };
    let mut tokens = vec![Words(opening)];
    for (at, clause) in clauses.into_iter().enumerate() {
        tokens.extend((at > 0).then_some(Words(between)));
        tokens.extend(clause);
    }
    tokens.push(stop(language));
    tokens
}

/// Brackets with the space that each language puts before them.
pub const fn brackets(language: Language) -> (&'static str, &'static str) {
    match language {
        Language::English => (" (", ")"),
        Language::Chinese => ("（", "）"),
    }
}

/// The full stop.
pub const fn stop<'a>(language: Language) -> Token<'a> {
    match language {
        Language::English => Words("."),
        Language::Chinese => Words("。"),
    }
}
