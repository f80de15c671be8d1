//! The factors for and against, the checks of the attribution, and what would have had to differ.

use super::{Told, pictures, text};
use crate::{
    cards,
    domain::{Counterfactual, Doubt, Factor, SecondOpinion, ranges::typical},
    explain::bars,
};
use maud::{Markup, PreEscaped, html};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// The section below the picture.
pub(super) fn section(told: &Told<'_>) -> Markup {
    let factors = pictures::factors(told);
    html! {
        section.reasons {
            @if !factors.is_empty() {
                h2 { "For and against" }
                p { "How much each value raised or lowered the estimate (log-odds)." }
                (PreEscaped(bars::chart(&rows(told, &factors))))
            } @else { h2 { "Can this be relied on?" } }
            (checks(told))
            (counterfactual(told))
        }
    }
}

fn rows(told: &Told<'_>, factors: &[Factor]) -> Vec<bars::Row> {
    let shown = OffsetDateTime::parse(text(told.envelope, "/t"), &Rfc3339).ok();
    let row = |factor: &Factor| {
        let range = typical(&factor.variable);
        let time = factor.time.as_deref().and_then(|time| OffsetDateTime::parse(time, &Rfc3339).ok());
        bars::Row {
            label: factor.label.clone(),
            value: factor.value.map(|value| written(value, &factor.unit)),
            when: shown.zip(time).map(|(shown, time)| cards::ago(shown, time)),
            range: range.map(bars::range),
            outside: factor.value.and_then(|value| bars::Outside::of(value, range)),
            contribution: factor.contribution,
            from_absence: factor.from_absence,
        }
    };
    factors.iter().map(row).collect()
}

fn written(value: f64, unit: &str) -> String {
    match unit {
        "a" => format!("{value:.0} years"),
        unit => format!("{} {}", bars::short(value), bars::unit(unit)).trim_end().to_owned(),
    }
}

/// Method and checks in sentences; parameters for those who want them.
fn checks(told: &Told<'_>) -> Markup {
    let explanation = told.explanation;
    if let Some(why) = told.computed["not_computed"].as_str() {
        return html! { p { "More could not be computed now: " (why) "." } };
    }
    if explanation.is_null() {
        return html! { p { "Why it said so was not computed." } };
    }
    let number = |name: &str| explanation[name].as_f64().unwrap_or(f64::NAN);
    let doubts: Vec<Doubt> = serde_json::from_value(explanation["doubts"].clone()).unwrap_or_default();
    let opinion: Option<SecondOpinion> = serde_json::from_value(explanation["second_opinion"].clone()).ok().flatten();
    html! {
        @if explanation["reliable"] == true {
            p.checked { "✓ These reasons passed their checks." }
        } @else {
            p.bad { "✗ Do not rely on these reasons: " (doubted(&doubts)) }
        }
        ul.quiet {
            li { "Adding up: the parts differ from the score they explain by " (format!("{:.3}", number("gap"))) " log-odds; up to " (format!("{:.3}", number("tolerance"))) " is accepted." }
            @if let Some(opinion) = opinion {
                li {
                    "Second opinion (" (opinion.method) "): without " (opinion.without) " the score " (moved(opinion.change))
                    "; the attribution says " (format!("{:+.2}", opinion.attributed)) "."
                }
            }
        }
        details {
            summary { "Method: " (text(explanation, "/method")) }
            table.narrow { tbody {
                @for (name, value) in explanation["parameters"].as_object().into_iter().flatten() {
                    tr { th scope="row" { (name) } td { (value.as_str().unwrap_or_default()) } }
                }
                @if let Some(input) = told.computed["input"].as_str() {
                    tr { th scope="row" { "computed" } td { "when this page was opened, from " (input) } }
                }
            } }
        }
    }
}

/// `falls by 0.40`, seen from the score as it is.
fn moved(change: f64) -> String {
    match change {
        change if change.abs() < 0.005 => "stays where it is".into(),
        change if change > 0.0 => format!("falls by {change:.2}"),
        change => format!("rises by {:.2}", -change),
    }
}

fn doubted(doubts: &[Doubt]) -> &'static str {
    match doubts.first() {
        Some(Doubt::NotFinite) => "a contribution is not a number.",
        Some(Doubt::Gap) => "the parts do not add up to the score they should explain.",
        Some(Doubt::Disagreement) => "an independent method contradicts the leading reason.",
        None => "they failed their check.",
    }
}

/// What would have had to differ, as association.
fn counterfactual(told: &Told<'_>) -> Markup {
    let found: Option<Counterfactual> = serde_json::from_value(told.computed["counterfactual"].clone()).ok().flatten();
    let Some(found) = found else { return html! {} };
    html! {
        h3 { "What would have had to differ" }
        @if found.changes.is_empty() {
            p { "No value that may change within a day lies outside its typical range and would lower the estimate." }
        } @else {
            p {
                "With these values instead, the network's estimate would have been "
                b { (cards::percent(found.changed_probability)) } " instead of " (cards::percent(found.probability))
                @if found.reached { ", under the " } @else { ", still not under the " }
                (cards::percent(found.threshold)) " from which a card appears:"
            }
            ul { @for change in &found.changes {
                li {
                    (change.label) ": " b { (written(change.to, &change.unit)) } " instead of " (written(change.from, &change.unit))
                    ", where it lay outside its typical range in the last " (change.hours) " hours (mean)"
                }
            } }
            p.quiet { "This is how the estimate goes together with the values, not advice to change a number: treating a number need not change what the number stands for." }
        }
    }
}
