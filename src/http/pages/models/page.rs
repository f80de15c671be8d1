//! `/models/{name}`: one network, from what it says to the last digest. The first screen answers what it is for, what
//! not, and how often it is right; everything below is the evidence.

use super::{
    Entry, evidence, limits,
    list::dated,
    reasons, right, sources,
    words::{plain, reads},
};
use crate::{http::pages::frame::Place, models::Manifest};
use maud::{Markup, html};

/// The page.
pub fn page(place: &Place, entry: &Entry<'_>) -> Markup {
    let papers = entry.papers;
    let address = format!("{}/models/{}", place.prefix, papers.manifest.name);
    html! {
        main.why.model #content {
            (top(place, entry))
            (right::section(papers))
            @if let Some(report) = &papers.report { (evidence::charts(report)) }
            @else { section { p { "There is no evaluation in full beside these weights: charts appear after " code { "auscult evaluate" } "." } } }
            (limits::promise(papers))
            (limits::refusals(papers))
            (reasons::section(papers))
            @if let Some(report) = &papers.report { (evidence::failures(report)) }
            (evidence::figures(papers))
            (sources::attributes(&papers.manifest))
            (sources::training(papers))
            (sources::card(papers))
            (sources::digests(papers, &address))
        }
    }
}

fn top(place: &Place, entry: &Entry<'_>) -> Markup {
    let manifest = &entry.papers.manifest;
    let attribute = |key: &str| manifest.attributes.get(key).filter(|text| *text != crate::models::attributes::UNKNOWN);
    html! {
        section {
            p.quiet { a href={ (place.prefix) "/models" } { "Networks" } " › " (manifest.name) " " (manifest.version) ", " (dated(entry.papers)) }
            h1 { (manifest.title) }
            p { (manifest.intended_use) }
            div.columns {
                div {
                    h2 { "What it says" }
                    @match attribute("output") { Some(text) => p { (text) }, None => p { (says(manifest)) } }
                    @if !entry.services.is_empty() { p.quiet { "Speaks in: " (entry.services.join("; ")) } }
                }
                div {
                    h2 { "For whom" }
                    @match (attribute("intended-patients"), attribute("intended-users")) {
                        (None, None) => p { "Its papers do not say more than the sentence above." },
                        (patients, users) => {
                            @if let Some(patients) = patients { p { b { "Patients: " } (patients) } }
                            @if let Some(users) = users { p { b { "Users: " } (users) } }
                        }
                    }
                }
                div {
                    h2 { "Not for" }
                    ul { @for one in &manifest.not_for { li { (one) } } }
                }
            }
            (contents(entry))
        }
    }
}

fn says(manifest: &Manifest) -> String {
    let labels: Vec<String> = manifest.labels.iter().map(|label| plain(&label.name)).collect();
    format!("{} and gives a calibrated probability for: {}.", reads(manifest.kind), labels.join(", "))
}

/// Links to the parts that this page has.
fn contents(entry: &Entry<'_>) -> Markup {
    let papers = entry.papers;
    let report = papers.report.as_ref();
    let curves = report.is_some_and(|report| !report.reliability.is_empty());
    let parts = [
        ("right", "How often it is right", true),
        ("calibration", "Calibration", curves),
        ("burden", "Cards per 100", report.is_some_and(|report| !report.thresholds.is_empty())),
        ("groups", "Groups", report.is_some_and(|report| !report.subgroups.is_empty())),
        ("refusals", "Refusals", true),
        ("reasons", "Reasons", papers.explained.is_some()),
        ("failures", "Worst mistakes", report.is_some_and(|report| !report.failures.is_empty())),
        ("figures", "Figures", true),
        ("attributes", "Source attributes", true),
        ("training", "Training", true),
        ("card", "Model card", papers.card.is_some()),
        ("digests", "Digests", true),
    ];
    html! {
        p.contents {
            @for (id, words, _) in parts.into_iter().filter(|(_, _, there)| *there) { a href={ "#" (id) } { (words) } " " }
        }
    }
}
