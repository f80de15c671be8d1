//! One card's explanation as a page that needs no script: what is claimed, how sure, what was looked at, what was
//! missing, why, and how to disagree. Everything on it comes from the card's record and the network's manifest.

use super::{frame::Place, trust as tested};
use crate::{
    cards,
    domain::{Answer, Certainty, Factor, HeatMap},
    explain::{bars, heat},
    models::Papers,
};
use maud::{Markup, PreEscaped, html};
use serde_json::Value;

/// What the page is drawn from.
pub struct Subject<'a> {
    /// The card's uuid as text.
    pub card: &'a str,
    /// Id of the card's record.
    pub record: &'a str,
    /// SHA-256 of the record.
    pub digest: &'a str,
    /// The record's envelope.
    pub envelope: &'a Value,
    /// Envelopes of the feedback given on this card, oldest first.
    pub feedback: &'a [Value],
    /// The papers of the card's network, when it is (still) loaded.
    pub papers: Option<&'a Papers>,
    /// Where pages lie.
    pub place: &'a Place,
}

/// Name of the network a card of this record speaks for.
#[must_use]
pub fn model_of<'a>(envelope: &'a Value, card: &str) -> Option<&'a str> {
    origin(envelope, card)?.get("model")?.as_str()
}

fn origin<'a>(envelope: &'a Value, card: &str) -> Option<&'a Value> {
    list(envelope, "/content/origins").iter().find(|origin| origin["card"] == card)
}

fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

/// The page.
#[must_use]
pub fn page(subject: &Subject<'_>) -> String {
    let envelope = subject.envelope;
    let response: Value = serde_json::from_str(text(envelope, "/content/response")).unwrap_or_default();
    let card = list(&response, "/cards").iter().find(|card| card["uuid"] == subject.card).unwrap_or(&Value::Null);
    let origin = origin(envelope, subject.card).unwrap_or(&Value::Null);
    let model = list(envelope, "/content/models").iter().find(|model| model["name"] == origin["model"]);
    let main = html! {
        main.why #content {
            section {
                p.quiet { "Why this card?" }
                h1 { (text(card, "/summary")) }
                @if let Some(model) = model { (certainty(model, origin)) }
                p.quiet { "Decision support for professionals. Not a diagnosis, not a certified medical device." }
            }
            @match model {
                Some(model) if model["outcome"] == "answered" => {
                    (reasons(model, origin, text(card, "/summary")))
                    (looked_at(model))
                    (missing(model))
                }
                Some(model) => section {
                    h2 { "No answer from the network" }
                    p { "Outcome: " (text(model, "/outcome")) ". " (text(model, "/why")) }
                },
                None => {}
            }
            (ignored(envelope))
            @if let Some(papers) = subject.papers { (tested::section(subject.place, papers, model.and_then(|model| single(model, origin)))) }
            (disagree(subject.feedback))
            (papers(subject, model))
        }
    };
    subject.place.page("Why this card?", &main)
}

/// Label and probability of a card that speaks of a whole film or course.
fn single<'a>(model: &'a Value, origin: &Value) -> Option<(&'a str, f64)> {
    let first = *findings(model, origin).first().filter(|first| first.get("mention").is_none())?;
    Some((first["label"].as_str()?, first["probability"].as_f64()?))
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

/// The findings this card is about.
fn findings<'a>(model: &'a Value, origin: &Value) -> Vec<&'a Value> {
    let label = origin["label"].as_str();
    let at = origin.get("at");
    list(model, "/prediction/findings")
        .iter()
        .filter(|one| label.is_none() || one["label"].as_str() == label)
        .filter(|one| at.is_none_or(|at| at[0] == one["mention"]["note"] && at[1] == one["mention"]["start"]))
        .collect()
}

fn certainty(model: &Value, origin: &Value) -> Markup {
    if let Some(words) = model.pointer("/prediction/words").and_then(Value::as_str) {
        return html! { p { "The network gave no number. " (words) } };
    }
    let findings = findings(model, origin);
    let Some(first) = findings.first().filter(|first| first.get("mention").is_none()) else { return html! {} };
    html! {
        div.pair {
            div { div.big { (percent(&first["probability"])) } span.quiet { "estimated probability, calibrated" } }
            div { div.big { (percent(&first["threshold"])) } span.quiet { "a card appears from here" } }
        }
        @if let Some(promise) = promise(first) { p { "How sure: " (promise) "." } }
    }
}

fn percent(value: &Value) -> String {
    value.as_f64().map_or_else(|| "unknown".into(), cards::percent)
}

fn reasons(model: &Value, origin: &Value, summary: &str) -> Markup {
    let explanation = &model["explanation"];
    let kind = text(explanation, "/attribution/kind");
    let sentences = findings(model, origin);
    html! {
        section {
            h2 { "What it rests on" }
            @match kind {
                "factors" => (factors(explanation)),
                "heat" => (film(model, explanation, summary)),
                _ => @if sentences.iter().all(|finding| finding.get("mention").is_none()) {
                    p { "No attribution was computed for this answer." }
                },
            }
            @for finding in sentences.iter().filter(|finding| finding.get("mention").is_some()).take(20) {
                p { (marked(finding)) }
            }
            @if !kind.is_empty() { p.quiet { (trust(explanation)) } }
        }
    }
}

fn trust(explanation: &Value) -> Markup {
    let number = |name: &str| explanation[name].as_f64().unwrap_or(f64::NAN);
    let parameters = explanation["parameters"].as_object();
    html! {
        "Method: " (text(explanation, "/method"))
        @if let Some(parameters) = parameters.filter(|parameters| !parameters.is_empty()) {
            " (" @for (index, (name, value)) in parameters.iter().enumerate() {
                @if index > 0 { ", " } (name) " " (value.as_str().unwrap_or_default())
            } ")"
        }
        ". Check: what the parts add up to differs from the score by " (format!("{:.3}", number("gap")))
        ", accepted up to " (format!("{:.3}", number("tolerance"))) ". "
        @if explanation["reliable"] == true { "Passed." } @else { span.bad { "Failed: do not rely on this picture." } }
    }
}

fn factors(explanation: &Value) -> Markup {
    let factors: Vec<Factor> =
        serde_json::from_value(explanation.pointer("/attribution/factors").cloned().unwrap_or_default())
            .unwrap_or_default();
    html! {
        p { "How much each value raised or lowered the estimate (log-odds). Pale bars: what counted was that it was not measured, or not lately." }
        (PreEscaped(bars::chart(&factors)))
    }
}

fn film(model: &Value, explanation: &Value, summary: &str) -> Markup {
    let map: Option<HeatMap> = serde_json::from_value(explanation["attribution"].clone()).ok();
    let Some(map) = map else { return html! { p.bad { "The picture of this explanation cannot be read." } } };
    let thumbnail = model.pointer("/input/thumbnail").and_then(Value::as_str);
    let place = heat::strongest(&map);
    html! {
        @if let Some(place) = place { p { "Strongest support: " (place) "." } }
        div.film { (PreEscaped(heat::overlay(&map, thumbnail, &format!("Film with the regions that speak for: {summary}")))) }
    }
}

/// The sentence with the mention marked.
fn marked(finding: &Value) -> Markup {
    let (sentence, words) = (text(finding, "/mention/sentence"), text(finding, "/mention/text"));
    let (before, after) = sentence.split_once(words).unwrap_or((sentence, ""));
    html! {
        "“" (before) @if sentence.contains(words) { mark { (words) } } (after) "”"
        span.quiet { " read as " (text(finding, "/mention/assertion")) ", " (percent(&finding["probability"])) }
    }
}

fn looked_at(model: &Value) -> Markup {
    let input = &model["input"];
    html! {
        section {
            h2 { "What it looked at" }
            @match text(input, "/kind") {
                "course" => (measurements(input)),
                "film" => table { tbody {
                    tr { th scope="row" { "Film" } td { (text(input, "/source/reference")) } }
                    tr { th scope="row" { "Taken" } td { (when(text(input, "/time"))) } }
                    tr { th scope="row" { "Stated as" } td { (text(input, "/modality")) " " (text(input, "/body_site")) " " (text(input, "/view")) } }
                } },
                "notes" => table {
                    thead { tr { th scope="col" { "Note" } th scope="col" { "Written" } th scope="col" { "Source" } } }
                    tbody { @for note in list(input, "/notes") {
                        tr { td { (text(note, "/title")) } td { (when(text(note, "/time"))) } td { (text(note, "/source/reference")) } }
                    } }
                },
                _ => p { "Nothing: there was no input for this network." },
            }
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
        p { (all.len()) " values from " (when(text(input, "/start"))) " to " (when(text(input, "/end"))) ". The newest of each:" }
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

/// `2026-03-01T08:00:00Z` as `2026-03-01 08:00 UTC`.
fn when(rfc3339: &str) -> String {
    match (rfc3339.get(..10), rfc3339.get(11..16)) {
        (Some(day), Some(clock)) if rfc3339.ends_with('Z') => format!("{day} {clock} UTC"),
        (Some(day), Some(clock)) => format!("{day} {clock}"),
        _ => "at an unknown time".into(),
    }
}

fn missing(model: &Value) -> Markup {
    let missing: Vec<&str> = list(model, "/prediction/missing").iter().filter_map(Value::as_str).collect();
    html! {
        section {
            h2 { "What was missing" }
            @if missing.is_empty() { p { "Nothing this network asks for." } } @else { p { (missing.join(", ")) } }
        }
    }
}

fn ignored(envelope: &Value) -> Markup {
    let ignored = list(envelope, "/content/ignored");
    if ignored.is_empty() {
        return html! {};
    }
    html! {
        section {
            details {
                summary { "Not used: " (ignored.len()) " entries, with the reason" }
                table { tbody { @for one in ignored {
                    tr { td { (text(one, "/reference")) } td { (text(one, "/detail")) } }
                } } }
            }
        }
    }
}

fn disagree(feedback: &[Value]) -> Markup {
    html! {
        section {
            h2 { "If you disagree" }
            p { "Choose a reason on the card in your record system and add a comment; it is stored with this record and read by those who maintain the network." }
            @for one in feedback {
                p.quiet {
                    (when(text(one, "/t"))) ": " (text(one, "/content/feedback/outcome"))
                    @let reason = text(one, "/content/feedback/overrideReason/reason/display");
                    @if !reason.is_empty() { " (" (reason) ")" }
                    @let comment = text(one, "/content/feedback/overrideReason/userComment");
                    @if !comment.is_empty() { ": " (comment) }
                }
            }
        }
    }
}

fn papers(subject: &Subject<'_>, model: Option<&Value>) -> Markup {
    html! {
        section {
            h2 { "Where this is written down" }
            table { tbody {
                tr { th scope="row" { "Record" } td { (subject.record) } }
                tr { th scope="row" { "Recorded" } td { (when(text(subject.envelope, "/t"))) } }
                tr { th scope="row" { "SHA-256" } td { (subject.digest) } }
                @if let Some(model) = model {
                    tr { th scope="row" { "Network" } td { a href={ (subject.place.prefix) "/models/" (text(model, "/name")) } { (text(model, "/name")) } " " (text(model, "/version")) } }
                    tr { th scope="row" { "Its papers" } td { (text(model, "/manifest")) } }
                }
            } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, Subject, page};
    use serde_json::json;

    fn envelope() -> serde_json::Value {
        let response = json!({"cards": [{"uuid": "c1", "summary": "Risk <b>high</b>"}]}).to_string();
        json!({"t": "2026-03-01T08:00:00.000000Z", "content": {
            "response": response,
            "origins": [{"card": "c1", "model": "inpatient-mortality", "label": "death-in-hospital"}],
            "ignored": [{"reference": "Observation/<i>", "detail": "unknown unit"}],
            "models": [{"name": "inpatient-mortality", "version": "1.0.0", "manifest": "sha256:00", "outcome": "answered",
                "input": {"kind": "course", "start": "2026-02-27T08:00:00Z", "end": "2026-03-01T07:00:00Z", "measurements": [
                    {"variable": "HR", "value": 80.0, "unit": "/min", "original_value": "80", "time": "2026-03-01T06:00:00Z", "source": {"reference": "Observation/1"}},
                    {"variable": "HR", "value": 131.0, "unit": "/min", "original_value": "131", "time": "2026-03-01T07:00:00Z", "source": {"reference": "Observation/2"}}]},
                "prediction": {"status": "scored", "findings": [{"label": "death-in-hospital", "probability": 0.62, "threshold": 0.3, "certainty": {"answer": "either", "coverage": 0.9}}], "missing": ["lactate"]},
                "explanation": {"method": "integrated gradients", "parameters": {"steps": "32"}, "gap": 0.4, "tolerance": 0.05, "reliable": false,
                    "attribution": {"kind": "factors", "factors": [{"variable": "HR", "label": "heart rate", "contribution": 0.5, "from_absence": 0.0, "value": 131.0, "unit": "/min", "by_hour": []}]}}}]}})
    }

    #[test]
    fn the_page_says_what_how_sure_from_what_and_what_was_missing_and_escapes_everything() {
        let envelope = envelope();
        let subject = Subject {
            card: "c1",
            record: "r1",
            digest: "sha256:aa",
            envelope: &envelope,
            feedback: &[],
            papers: None,
            place: &Place::default(),
        };
        let page = page(&subject);
        for part in [
            "62 %",
            "30 %",
            "the network cannot tell",
            "href=\"/models/inpatient-mortality\"",
            "131 per minute",
            "Observation/2",
            "lactate",
            "Failed: do not rely",
            "unknown unit",
            "heart rate",
        ] {
            assert!(page.contains(part), "{part} is not on the page");
        }
        assert!(!page.contains("<b>high") && !page.contains("Observation/<i>"));
        assert!(!page.contains("<script"));
    }
}
