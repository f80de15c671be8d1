//! `/models`: every network in service on one page.

use super::{
    Entry,
    words::{count, figure, noun, reads},
};
use crate::{
    http::pages::frame::Place,
    models::{
        Papers,
        papers::{Headline, rounded},
    },
};
use maud::{Markup, html};

/// The page.
pub fn page(place: &Place, entries: &[Entry<'_>]) -> Markup {
    html! {
        main.why.networks #content {
            section {
                h1 { "Networks in service" }
                p {
                    "Every number that Auscult shows comes from one of these. Each page says what its network was made for and "
                    "not made for, how often it was right on cases it had never seen, and what it was trained on."
                }
            }
            @for entry in entries { (one(place, entry)) }
            p.quiet { "The same for programs: " a href={ (place.prefix) "/models.json" } { "models.json" } "." }
        }
    }
}

fn one(place: &Place, entry: &Entry<'_>) -> Markup {
    let manifest = &entry.papers.manifest;
    let address = format!("{}/models/{}", place.prefix, manifest.name);
    html! {
        section.network {
            div {
                h2 { a href=(address) { (manifest.title) } }
                p.quiet { (reads(manifest.kind)) " · " (manifest.name) " " (manifest.version) " · " (dated(entry.papers)) }
                p { (manifest.intended_use) }
                @if let Some(patients) = manifest.attributes.get("intended-patients") { p { b { "For: " } (patients) } }
                @if !manifest.not_for.is_empty() {
                    p { b { "Not for:" } }
                    ul { @for one in &manifest.not_for { li { (one) } } }
                }
                @if !entry.services.is_empty() {
                    p.quiet { "Speaks in: " (entry.services.join("; ")) }
                }
            }
            div.figures { (figures(entry.papers)) p { a href=(address) aria-label={ "How it was checked: " (manifest.title) } { "How it was checked →" } } }
        }
    }
}

fn figures(papers: &Papers) -> Markup {
    let manifest = &papers.manifest;
    let (_, many) = noun(manifest.kind);
    html! {
        @match papers.headline() {
            Some(headline) => (big(&headline, many)),
            None => p { "No figure on held-out data." },
        }
        @if let Some(error) = figure(manifest, "ece") {
            p { b { (format!("{:.1}", 100.0 * error.value)) } span.quiet { " points: mean error of its probabilities" } }
        }
    }
}

fn big(headline: &Headline, many: &str) -> Markup {
    html! {
        p.figure {
            span.big { (rounded(headline.figure.value, 3)) }
            span { (headline.name) }
            @if let Some(words) = meaning(&headline.metric) { span.quiet { (words) } }
            span.quiet {
                @if let Some([low, high]) = headline.figure.interval {
                    "95 % interval " (rounded(low, 3)) " to " (rounded(high, 3)) ", "
                }
                (count(headline.n)) " held-out " (many)
            }
        }
    }
}

/// What a headline figure means, for readers who do not meet it daily.
fn meaning(metric: &str) -> Option<&'static str> {
    Some(match metric {
        "auroc" => {
            "of two cases, how often the one with the finding gets the higher probability (1: always, 0.5: chance)"
        }
        "quadratic_kappa" | "kappa" => "agreement with the readers' grades beyond chance (1: always)",
        "f1" => "balance of finding all mentions and marking no wrong ones (1: perfect)",
        "macro_f1" => "the same balance per subject, averaged (1: perfect)",
        "accuracy" => "share of right answers",
        _ => return None,
    })
}

/// When it was evaluated, or else trained.
pub fn dated(papers: &Papers) -> String {
    match &papers.report {
        Some(report) => format!("evaluated {}", report.date.get(..10).unwrap_or(&report.date)),
        None => format!("trained {}", papers.manifest.provenance.date),
    }
}
