//! On the explanation page: how far this network's probabilities can be trusted, and what became of cases like this one.

use super::{frame::Place, models::charts, models::words};
use crate::models::{
    Papers,
    papers::{Figure, metric_name},
};
use maud::{Markup, PreEscaped, html};

/// Figures named here; the network's page has all.
const METRICS: [&str; 5] = ["auroc", "quadratic_kappa", "accuracy", "f1", "ece"];

/// How the network was checked, with the band in which this probability falls. `finding`: label and probability.
pub fn section(place: &Place, papers: &Papers, finding: Option<(&str, f64)>) -> Markup {
    let manifest = &papers.manifest;
    let (_, many) = words::noun(manifest.kind);
    html! {
        section {
            h2 { "How it was tested" }
            p { (manifest.intended_use) }
            @if let (Some(report), Some((label, probability))) = (&papers.report, finding) {
                @if let Some(such) = words::among_such(manifest, report, label, probability) { p { b { "Cases like this one: " } (such) } }
                @if let Some(picture) = charts::reliability(report) { div.chart.small { (PreEscaped(picture)) } }
            }
            @if let Some(evaluation) = manifest.evaluation.get("validation") {
                p {
                    "On " (words::count(evaluation.n)) " held-out " (many) ": "
                    @for (index, (key, figure)) in METRICS.iter().filter_map(|key| Some((key, Figure::of(evaluation, key)?))).enumerate() {
                        @if index > 0 { ", " } (metric_name(key)) " " (figure)
                    } "."
                }
            }
            @for label in &manifest.labels {
                p {
                    "At the threshold for " (words::plain(&label.name)) " (" (label.policy) "): of 100 with it " (Figure::of_label(manifest, "sensitivity", label.sensitivity).of_hundred())
                    " are found; of 100 cards " (Figure::of_label(manifest, "ppv", label.ppv).of_hundred()) " are right."
                }
            }
            p { "Not for: " (manifest.not_for.join("; ")) "." }
            p { a href={ (place.prefix) "/models/" (manifest.name) } { "How this network was checked, in full" } }
        }
    }
}
