//! The evaluation as pictures, each with the numbers it is drawn from.

use super::{
    charts,
    words::{count, noun},
};
use crate::models::{
    Papers,
    evaluation::{Report, Subgroup},
    papers::{Figure, METRICS, hundred, metric_name, rounded},
};
use maud::{Markup, PreEscaped, html};

/// All figures on the split of the report, and every other split in the manifest.
pub fn figures(papers: &Papers) -> Markup {
    html! {
        section #figures {
            h2 { "Figures" }
            p.quiet { "With 95 % intervals (bootstrap over patients or documents)." }
            @for (split, evaluation) in &papers.manifest.evaluation {
                @let keys = ranked(evaluation.metrics.keys().collect());
                table {
                    caption { (split_words(split)) ", " (count(evaluation.n)) " " (noun(papers.manifest.kind).1) }
                    thead { tr { th scope="col" { "Figure" } th scope="col" { "Value" } th scope="col" { "95 % interval" } } }
                    tbody { @for key in keys {
                        @if let Some(figure) = Figure::of(evaluation, key) {
                            tr { th scope="row" { (metric_name(key)) } td { (number(figure.value)) } td { @if let Some([low, high]) = figure.interval { (number(low)) " to " (number(high)) } } }
                        }
                    } }
                }
            }
        }
    }
}

fn split_words(split: &str) -> String {
    match split {
        "validation" => "Held-out patients (validation)".into(),
        "test" => "The collection's official test".into(),
        "train" => "Training (not a measure of quality)".into(),
        other => format!("Split {other}"),
    }
}

/// Three decimals for shares, fewer for counts.
fn number(value: f64) -> String {
    if value.abs() >= 10.0 { format!("{value:.1}") } else { rounded(value, 3) }
}

/// Every chart the report has numbers for.
pub fn charts(report: &Report) -> Markup {
    html! {
        div.pairs {
            (drawn("calibration", "Can its probabilities be taken at their word?", "Cases grouped by the probability they were given: on the diagonal, as many had the finding as was said. Bars are 95 % intervals.",
                charts::reliability(report), &reliability_table(report)))
            (drawn("ranking", "How well does it tell apart?", "For every possible threshold: the share found against the share of false alarms. The diagonal is chance.",
                charts::roc(report), &html! {}))
            (drawn("burden", "How many cards, and how many of them right?", "What other thresholds would mean, per 100 cases like these. The marked one is in use.",
                charts::alerts(report), &alerts_table(report)))
            (drawn("benefit", "From which threshold is a card worth its trouble?", "Net benefit: cards that are right less those that are wrong, weighed by the threshold (Vickers and Elkin 2006), against a card for everybody and a card for nobody.",
                charts::decision(report), &html! {}))
            (subgroups(report))
            (confusion(report))
        }
    }
}

fn drawn(id: &str, title: &str, words: &str, picture: Option<String>, table: &Markup) -> Markup {
    html! {
        @if let Some(picture) = picture {
            section id=(id) {
                h2 { (title) }
                p { (words) }
                div.chart { (PreEscaped(picture)) }
                (table)
            }
        }
    }
}

fn reliability_table(report: &Report) -> Markup {
    html! {
        details {
            summary { "The numbers" }
            table {
                thead { tr { th scope="col" { "Given probability" } th scope="col" { "Cases" } th scope="col" { "Mean given" } th scope="col" { "Had it" } th scope="col" { "95 % interval" } } }
                tbody { @for bin in &report.reliability {
                    tr {
                        td { (percent(bin.from)) " to " (percent(bin.to)) " %" } td { (count(bin.n)) } td { (percent(bin.predicted)) " %" }
                        td { (percent(bin.observed)) " %" } td { (percent(bin.interval[0])) " to " (percent(bin.interval[1])) " %" }
                    }
                } }
            }
        }
    }
}

fn percent(share: f64) -> String {
    format!("{:.0}", 100.0 * share)
}

/// What each threshold would mean: every tenth, and the one in use.
fn alerts_table(report: &Report) -> Markup {
    let share = |share: Option<f64>| share.map_or_else(|| "–".into(), hundred);
    let tenth = |threshold: f64| (10.0 * threshold - (10.0 * threshold).round()).abs() < 1e-6;
    let rows = report.thresholds.iter().filter(|row| row.in_use || tenth(row.threshold));
    html! {
        table.numbers {
            thead { tr { th scope="col" { "Card from" } th scope="col" { "Cards per 100" } th scope="col" { "Found, of 100 with it" } th scope="col" { "Right, of 100 cards" } th scope="col" { "Right, of 100 silences" } } }
            tbody { @for row in rows {
                tr.in-use[row.in_use] {
                    th scope="row" { (rounded(row.threshold, 2)) @if row.in_use { " (in use)" } }
                    td { (format!("{:.0}", row.alerts_per_100)) } td { (hundred(row.sensitivity)) } td { (share(row.ppv)) } td { (share(row.npv)) }
                }
            } }
        }
    }
}

/// The same figure in parts of the cases.
fn subgroups(report: &Report) -> Markup {
    let Some(key) = ["auroc", "quadratic_kappa", "f1", "macro_f1", "oa_auroc", "accuracy"]
        .into_iter()
        .find(|key| report.subgroups.iter().any(|group| group.metrics.contains_key(*key)))
    else {
        return html! {};
    };
    let figure = |group: &Subgroup| {
        let value = group.metrics.get(key)?;
        Some(Figure { value: *value, interval: group.intervals.get(key).copied() }.words(3))
    };
    let error = |group: &Subgroup| group.metrics.get("ece").map(|error| format!("{:.1}", 100.0 * error));
    html! {
        section #groups {
            h2 { "Is it as good for everybody?" }
            p { "The same figure in parts of the held-out cases. Small groups have wide intervals: there, little is known." }
            @if let Some(picture) = charts::subgroups(report) { div.chart { (PreEscaped(picture)) } }
            details {
                summary { "The numbers" }
                table {
                    thead { tr { th scope="col" { "By" } th scope="col" { "Group" } th scope="col" { "Cases" } th scope="col" { "With the finding" } th scope="col" { (metric_name(key)) } th scope="col" { "Calibration error, points" } } }
                    tbody { @for group in &report.subgroups {
                        tr {
                            td { (group.by) } th scope="row" { (group.group) } td { (count(group.n)) } td { (count(group.positives)) }
                            td { (figure(group).unwrap_or_else(|| "–".into())) } td { (error(group).unwrap_or_else(|| "–".into())) }
                        }
                    } }
                }
            }
        }
    }
}

/// Grades: the truth against the answer.
fn confusion(report: &Report) -> Markup {
    if report.confusion.is_empty() {
        return html! {};
    }
    html! {
        section #confusion {
            h2 { "Which grades does it mistake for which?" }
            @if let Some(picture) = charts::confusion(report) { div.chart { (PreEscaped(picture)) } }
            details {
                summary { "The numbers" }
                table.numbers {
                    thead { tr { th scope="col" { "Readers said" } @for grade in 0..report.confusion.len() { th scope="col" { "It said " (grade) } } } }
                    tbody { @for (grade, row) in report.confusion.iter().enumerate() {
                        tr { th scope="row" { (grade) } @for number in row { td { (count(*number)) } } }
                    } }
                }
            }
        }
    }
}

/// The worst mistakes.
pub fn failures(report: &Report) -> Markup {
    if report.failures.is_empty() {
        return html! {};
    }
    html! {
        section #failures {
            h2 { "Where it was most wrong" }
            p { "The worst mistakes on held-out cases, by their number in the public collection." }
            table {
                thead { tr { th scope="col" { "Case" } th scope="col" { "True" } th scope="col" { "It said" } } }
                tbody { @for one in &report.failures { tr { th scope="row" { (one.case) } td { (one.truth) } td { (one.said) } } } }
            }
        }
    }
}

/// The metrics in the order in which they are shown.
fn ranked(mut keys: Vec<&String>) -> Vec<&String> {
    let rank = |key: &str| METRICS.iter().position(|(known, _)| *known == key).unwrap_or(METRICS.len());
    keys.sort_by_key(|key| (rank(key), (*key).clone()));
    keys
}
