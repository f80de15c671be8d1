//! The papers themselves: source attributes, model card, training, digests.

use super::words::count;
use crate::{
    http::pages::markdown,
    models::{
        Manifest, Papers,
        attributes::{ATTRIBUTES, UNKNOWN},
    },
};
use maud::{Markup, PreEscaped, html};

/// The 31 source attributes of 45 CFR 170.315(b)(11)(iv)(B).
pub fn attributes(manifest: &Manifest) -> Markup {
    html! {
        section #attributes {
            h2 { "Source attributes" }
            p.quiet { "What 45 CFR 170.315(b)(11)(iv)(B) (ONC, HTI-1) asks a predictive decision support intervention to tell. “Unknown” means that nobody knows, not that it does not matter." }
            @if manifest.attributes.is_empty() {
                p { "This network's papers do not answer them yet." }
            } @else {
                table.attributes {
                    thead { tr { th scope="col" { "Rule" } th scope="col" { "Attribute" } th scope="col" { "Answer" } } }
                    tbody { @for (key, paragraph, words) in ATTRIBUTES {
                        @let answer = manifest.attributes.get(key).map_or(UNKNOWN, String::as_str);
                        tr {
                            td { (numbered(paragraph)) }
                            th scope="row" { (words) }
                            td.quiet[answer == UNKNOWN] { (answer) }
                        }
                    } }
                }
            }
        }
    }
}

/// `3(ii)` as the rule numbers it below (iv)(B).
fn numbered(paragraph: &str) -> String {
    match paragraph.split_once('(') {
        Some((number, rest)) => format!("(B)({number})({rest}"),
        None => format!("(B)({paragraph})"),
    }
}

/// Data, licence, citation, command.
pub fn training(papers: &Papers) -> Markup {
    let provenance = &papers.manifest.provenance;
    html! {
        section #training {
            h2 { "Training" }
            table.plain { tbody {
                tr { th scope="row" { "Data" } td { (provenance.data) } }
                tr { th scope="row" { "Licence" } td { (provenance.licence) } }
                tr { th scope="row" { "Citation" } td { (provenance.citation) } }
                tr { th scope="row" { "Where to find it" } td { @if is_web(&provenance.source) { a href=(provenance.source) rel="noopener" { (provenance.source) } } @else { (provenance.source) } } }
                tr { th scope="row" { "Command" } td { code { (provenance.command) } } }
                tr { th scope="row" { "Seed, epoch kept, date" } td { (provenance.seed) ", " (provenance.epoch) ", " (provenance.date) } }
            } }
            @if let Some(curve) = &papers.curve {
                h3 { "Learning curve" }
                p.quiet { "Loss and figure on the tuning split after each epoch. The weights in service are those of epoch " (provenance.epoch) "." }
                div.chart { (PreEscaped(curve.as_str())) }
            }
        }
    }
}

fn is_web(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

/// The model card as it lies beside the weights.
pub fn card(papers: &Papers) -> Markup {
    html! {
        @if let Some(card) = &papers.card {
            section #card {
                h2 { "Model card" }
                div.card-text { (PreEscaped(markdown::below(card, 2))) }
            }
        }
    }
}

/// What exactly this page is about.
pub fn digests(papers: &Papers, address: &str) -> Markup {
    let manifest = &papers.manifest;
    let size = papers.report.as_ref().map(|report| report.size_bytes).filter(|size| *size > 0);
    let speed = papers.report.as_ref().and_then(|report| report.speed.as_ref());
    html! {
        section #digests {
            h2 { "Exactly which network" }
            p { "Every record names the network by the digest of its manifest, which names every file." }
            table.plain { tbody {
                tr { th scope="row" { "Manifest" } td.hash { (manifest.digest()) } }
                @for file in &manifest.files { tr { th scope="row" { (file.file) } td.hash { (file.digest) } } }
                tr { th scope="row" { "Architecture" } td { (manifest.architecture) } }
                @if let Some(size) = size { tr { th scope="row" { "Size" } td { (format!("{:.1} MB", size as f64 / 1e6)) } } }
                @if let Some(speed) = speed {
                    tr { th scope="row" { "Speed" } td { (format!("{:.1}", speed.cases_per_second)) " cases per second with " (count(speed.threads)) @if speed.threads == 1 { " thread" } @else { " threads" } } }
                }
            } }
            p.quiet { "For programs: " a href={ (address) ".json" } { (manifest.name) ".json" } ", the manifest and the evaluation in full." }
        }
    }
}
