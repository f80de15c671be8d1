//! What was looked at and when it was measured, what was missing, and what was not used.

use super::{Told, list, text, when};
use crate::explain::bars;
use maud::{Markup, html};
use serde_json::Value;

/// What was missing.
pub(super) fn missing(told: &Told<'_>) -> Markup {
    let missing: Vec<&str> = list(told.model, "/prediction/missing").iter().filter_map(Value::as_str).collect();
    html! {
        section.missing {
            h2 { "What was missing" }
            @if missing.is_empty() { p { "Nothing this network asks for." } } @else { p { (missing.join(", ")) } }
        }
    }
}

/// What was looked at, and what was not used.
pub(super) fn looked_at(told: &Told<'_>) -> Markup {
    let input = &told.model["input"];
    html! {
        section.wide {
            h2 { "What it looked at" }
            @match text(input, "/kind") {
                "course" => (measurements(input)),
                "film" => table.narrow { tbody {
                    tr { th scope="row" { "Film" } td { (text(input, "/source/reference")) } }
                    tr { th scope="row" { "Taken" } td { (when(text(input, "/time"))) } }
                    tr { th scope="row" { "Stated as" } td { (text(input, "/modality")) " " (text(input, "/body_site")) " " (text(input, "/view")) } }
                    tr { th scope="row" { "Pixels" } td { (input["pixels"][0].as_u64().unwrap_or(0)) " × " (input["pixels"][1].as_u64().unwrap_or(0)) } }
                } },
                "notes" => table {
                    thead { tr { th scope="col" { "Note" } th scope="col" { "Written" } th scope="col" { "Source" } } }
                    tbody { @for note in list(input, "/notes") {
                        tr { td { (text(note, "/title")) } td { (when(text(note, "/time"))) } td { (text(note, "/source/reference")) } }
                    } }
                },
                _ => p { "Nothing: there was no input for this network." },
            }
            (ignored(told.envelope))
        }
    }
}

/// The newest value of each variable, with what was originally written where that differs.
fn measurements(input: &Value) -> Markup {
    let all = list(input, "/measurements");
    let mut latest: Vec<(&str, &Value, usize)> = Vec::new();
    for one in all {
        let name = text(one, "/variable");
        match latest.iter_mut().find(|(known, ..)| *known == name) {
            Some(entry) => *entry = (name, one, entry.2 + 1),
            None => latest.push((name, one, 1)),
        }
    }
    html! {
        p { (all.len()) " values from " (when(text(input, "/start"))) " to " (when(text(input, "/end"))) "." }
        details {
            summary { "The newest value of each of " (latest.len()) " variables" }
            table {
            thead { tr { th scope="col" { "Value" } th scope="col" { "Newest" } th scope="col" { "As written" } th scope="col" { "Measured" } th scope="col" { "Times" } th scope="col" { "Source" } } }
            tbody { @for (name, one, count) in latest {
                tr {
                    td { (one.pointer("/code/display").and_then(Value::as_str).unwrap_or(name)) }
                    td { (bars::short(one["value"].as_f64().unwrap_or(f64::NAN))) " " (bars::unit(text(one, "/unit"))) }
                    td { (text(one, "/original_value")) " " (text(one, "/original_unit")) }
                    td { (when(text(one, "/time"))) }
                    td { (count) }
                    td { (text(one, "/source/reference")) }
                }
            } }
            }
        }
    }
}

fn ignored(envelope: &Value) -> Markup {
    let ignored = list(envelope, "/content/ignored");
    html! {
        @if !ignored.is_empty() {
            details {
                summary { "Not used: " (ignored.len()) " entries, with the reason" }
                table { tbody { @for one in ignored {
                    tr { td { (text(one, "/reference")) } td { (text(one, "/detail")) } }
                } } }
            }
        }
    }
}
