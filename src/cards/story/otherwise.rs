//! The sentence about what would have changed the answer.
//!
//! Contract: an association in the network, always said to be one and never advice. All changes belong together: they
//! are told all with their values, or all by name, or only counted; never some of them.

use super::{
    Language,
    grammar::{
        Name, Quantity,
        Token::{self, Bare, Count, Details, List, Percent, Value, Words},
        agree, first_fitting,
    },
    sentences::{is_share, under},
};
use crate::domain::{Change, Counterfactual};

/// What the estimate would have been; nothing when no change was found, or the figures do not fit together.
pub fn otherwise(one: &Counterfactual, language: Language) -> Option<String> {
    let fits = is_share(one.changed_probability) && is_share(one.threshold);
    if one.changes.is_empty() || !fits || one.reached != (one.changed_probability < one.threshold) {
        return None;
    }
    let names: Option<Vec<Name>> = one.changes.iter().map(|change| Name::of(&change.label, language)).collect();
    let conditions = [
        names.as_deref().and_then(|names| with_values(&one.changes, names, language)),
        names.as_deref().map(|names| with_names(names, language)),
        Some(counted(one.changes.len(), language)),
    ];
    let wordings = conditions.into_iter().flatten().flat_map(|condition| {
        disclaimers(language).map(|disclaimer| told(one, condition.clone(), disclaimer, language))
    });
    first_fitting(wordings, language)
}

/// In full, and shorter.
const fn disclaimers(language: Language) -> [&'static str; 2] {
    match language {
        Language::English => {
            ["; this is an association, not advice to change a number.", "; this is an association, not advice."]
        }
        Language::Chinese => ["；这只是关联，并非建议改变某个数值。", "；这只是关联，并非建议。"],
    }
}

fn told<'a>(
    one: &Counterfactual,
    condition: Vec<Token<'a>>,
    disclaimer: &'static str,
    language: Language,
) -> Vec<Token<'a>> {
    let (changed, threshold) = (one.changed_probability, one.threshold);
    let (opening, would_be, limit) = match (language, one.reached) {
        (Language::English, true) => (
            "In the network, with ",
            ", the estimate would be ",
            under(changed, threshold, ", under its threshold of ", ", just under its threshold of "),
        ),
        (Language::English, false) => {
            ("In the network, even with ", ", the estimate would be ", ", not under its threshold of ")
        }
        (Language::Chinese, true) => {
            ("在模型中，若", "，估计会是", under(changed, threshold, "，低于阈值", "，略低于阈值"))
        }
        (Language::Chinese, false) => ("在模型中，即使", "，估计仍会是", "，不低于阈值"),
    };
    let mut tokens = vec![Words(opening)];
    tokens.extend(condition);
    tokens.extend([Words(would_be), Percent(changed), Words(limit), Percent(threshold), Words(disclaimer)]);
    tokens
}

/// `a lactate of 2 mmol/L over the last 12 hours instead of 4.2`; nothing when the changes are of different hours.
fn with_values<'a>(changes: &'a [Change], names: &[Name], language: Language) -> Option<Vec<Token<'a>>> {
    let hours = changes.first()?.hours;
    if hours == 0 || changes.iter().any(|change| change.hours != hours) {
        return None;
    }
    let last = match (language, hours) {
        (Language::English, 1) => vec![Words(" over the last hour")],
        (Language::English, _) => vec![Words(" over the last "), Count(hours), Words(" hours")],
        (Language::Chinese, _) => vec![Words("过去"), Count(hours), Words("小时")],
    };
    let quantities = |change: &'a Change| {
        let unit = change.unit.as_str();
        Quantity::of(change.to, unit).zip(Quantity::of(change.from, unit))
    };
    let told = changes.iter().zip(names).map(|(change, name)| Some((name, quantities(change)?)));
    let told: Vec<_> = told.collect::<Option<_>>()?;
    let alone = told.len() == 1 && language == Language::English;
    let items = told.into_iter().map(|(name, (to, from))| match language {
        Language::English => {
            let when = if alone { last.clone() } else { Vec::new() };
            let value = vec![Words(name.article()), Token::Name(name.clone()), Words(" of "), Value(to)];
            [value, when, vec![Words(" instead of "), Bare(from)]].concat()
        }
        Language::Chinese => vec![Token::Name(name.clone()), Words("为"), Value(to), Words("而非"), Bare(from)],
    });
    let items: Vec<_> = items.collect();
    Some(match language {
        Language::English if alone => vec![List(items)],
        Language::English => [vec![List(items)], last].concat(),
        Language::Chinese => [last, vec![Details(items)]].concat(),
    })
}

fn with_names<'a>(names: &[Name], language: Language) -> Vec<Token<'a>> {
    let list = List(names.iter().map(|name| vec![Token::Name(name.clone())]).collect());
    match language {
        Language::English => vec![agree(names.len(), "another value of ", "other values of "), list],
        Language::Chinese => vec![list, Words("为其他数值")],
    }
}

fn counted<'a>(count: usize, language: Language) -> Vec<Token<'a>> {
    match language {
        Language::English => vec![Count(count), agree(count, " value changed", " values changed")],
        Language::Chinese => vec![Words("改变"), Count(count), Words("项数值")],
    }
}
