//! What is claimed, in words and in numbers, and how sure.

use super::{Told, list, text};
use crate::{
    cards,
    domain::{Answer, Certainty},
};
use maud::{Markup, html};
use serde_json::Value;

/// The first thing on the page.
pub(super) fn section(told: &Told<'_>) -> Markup {
    html! {
        section.head {
            p.quiet { "Why this card?" }
            h1 { (told.summary) }
            (certainty(told))
            (story(told))
            p.quiet { "Decision support for professionals. Not a diagnosis, not a certified medical device." }
        }
    }
}

/// The sentences that were composed when the card was made.
fn story(told: &Told<'_>) -> Markup {
    let sentences = |language: &str| -> Vec<&str> {
        list(&told.origin["story"], language).iter().filter_map(Value::as_str).collect()
    };
    let (english, chinese) = (sentences("/en"), sentences("/zh"));
    html! {
        @if !english.is_empty() { p.story { (english.join(" ")) } }
        @if !chinese.is_empty() { details.story { summary { "In Chinese · " span lang="zh" { "中文" } } p lang="zh" { (chinese.concat()) } } }
    }
}

fn certainty(told: &Told<'_>) -> Markup {
    if let Some(words) = told.model.pointer("/prediction/words").and_then(Value::as_str) {
        return html! { p { "The network gave no number. " (words) } };
    }
    let findings = told.findings();
    let Some(first) = findings.first() else { return html! {} };
    html! {
        div.pair {
            div { div.big { (percent(&first["probability"])) } span.quiet { "estimated probability, calibrated" } }
            div { div.big { (percent(&first["threshold"])) } span.quiet { "a card appears from here" } }
        }
        (grades(told))
        // The composed sentences say it too.
        @if let Some(promise) = promise(first).filter(|_| told.origin["story"].is_null()) { p { "How sure: " (promise) "." } }
        (familiarity(told))
    }
}

/// Probability of each grade, for networks that grade.
fn grades(told: &Told<'_>) -> Markup {
    let grade = &told.model["prediction"]["grade"];
    let probabilities = list(grade, "/probabilities");
    html! {
        @if !probabilities.is_empty() {
            table.narrow.grades {
                caption { "Probability of each grade (" (text(grade, "/scale").replace('-', " ")) ")" }
                tbody { tr { @for (grade, probability) in probabilities.iter().enumerate() { td { b { (grade) } " " (percent(probability)) } } } }
            }
        }
    }
}

/// How like the cases it learned from.
fn familiarity(told: &Told<'_>) -> Markup {
    let found = &told.model["prediction"]["familiarity"];
    let (Some(distance), Some(limit)) = (found["distance"].as_f64(), found["limit"].as_f64()) else { return html! {} };
    let share = (100.0 * distance / limit.max(f64::MIN_POSITIVE)).clamp(0.0, 999.0);
    html! {
        p.quiet { "How like the cases it learned from: at " (format!("{share:.0} %")) " of the distance from which on the network refuses to answer." }
    }
}

/// The conformal answer as the record holds it.
fn promise(finding: &Value) -> Option<String> {
    let answer = match finding.pointer("/certainty/answer")?.as_str()? {
        "yes" => Answer::Yes,
        "no" => Answer::No,
        _ => Answer::Either,
    };
    let coverage = finding.pointer("/certainty/coverage")?.as_f64()?;
    Some(cards::certainty(finding["label"].as_str()?, Certainty { answer, coverage }))
}

pub(super) fn percent(value: &Value) -> String {
    value.as_f64().map_or_else(|| "unknown".into(), cards::percent)
}
