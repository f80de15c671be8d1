//! When a network keeps silent, and what it promises when it speaks.

use super::words::{count, noun, plain, wilson};
use crate::models::{
    Manifest, Papers,
    evaluation::{ConformalCheck, Report},
    papers::hundred,
};
use maud::{Markup, html};

/// What it refuses and how often.
pub fn refusals(papers: &Papers) -> Markup {
    let (_, many) = noun(papers.manifest.kind);
    html! {
        section #refusals {
            h2 { "When it says “I cannot judge this”" }
            p {
                "What it was not made for is refused: a card then says so in words, and there is no number. It is checked "
                "what the chart says about the input, whether the input can be read at all, and whether it looks like those in training."
            }
            @match &papers.report {
                Some(report) => (refused(report, many)),
                None => p { "How often valid inputs are refused has not been reported." },
            }
        }
    }
}

fn refused(report: &Report, many: &str) -> Markup {
    let refused: usize = report.refused.values().sum();
    let [low, high] = wilson(refused, report.n);
    html! {
        p {
            "Of " (count(report.n)) " valid held-out " (many) " it refused " b { (count(refused)) }
            " (" (format!("{:.1}", 100.0 * refused as f64 / report.n.max(1) as f64)) " %, 95 % interval "
            (format!("{:.1} to {:.1}", 100.0 * low, 100.0 * high)) " %); the figures on this page are about the others."
        }
        @if refused > 0 {
            table.narrow {
                thead { tr { th scope="col" { "Reason" } th scope="col" { "Refused" } } }
                tbody { @for (reason, number) in &report.refused { tr { td { (plain(reason)) } td { (count(*number)) } } } }
            }
        }
    }
}

/// The conformal promise and what was kept of it.
pub fn promise(papers: &Papers) -> Markup {
    let check = papers.report.as_ref().and_then(|report| report.conformal);
    let limits = papers.manifest.labels.iter().any(|label| label.conformal.is_some());
    if check.is_none() && !limits {
        return html! {};
    }
    html! {
        section #promise {
            h2 { "What it promises" }
            p {
                "Beside the probability an answer names what cannot be ruled out. Limits were set on other patients so that the truth "
                "is among what is left at least as often as promised (split conformal prediction; the promise allows for luck with "
                "those patients), as long as patients are like those."
            }
            @if let Some(check) = check { (kept(&check)) }
            (bounds(&papers.manifest))
        }
    }
}

fn kept(check: &ConformalCheck) -> Markup {
    let percent = |share: f64| format!("{:.1}", 100.0 * share);
    html! {
        div.pair {
            div { div.big { (percent(check.promised)) " %" } span.quiet { "promised" } }
            div {
                div.big { (percent(check.covered)) " %" }
                span.quiet { "kept on held-out cases (95 % interval " (percent(check.interval[0])) " to " (percent(check.interval[1])) " %)" }
            }
            div { div.big { (percent(check.undecided)) " %" } span.quiet { "of cases left undecided" } }
        }
    }
}

fn bounds(manifest: &Manifest) -> Markup {
    html! {
        @for label in &manifest.labels {
            @if let Some(limits) = label.conformal {
                p.quiet {
                    (plain(&label.name)) ", at " (hundred(limits.coverage)) " % for each answer: “it is there” remains possible from a probability of "
                    (format!("{:.3}", limits.yes_from)) " on, “it is not there” up to " (format!("{:.3}", limits.no_to)) "."
                }
            }
        }
    }
}
