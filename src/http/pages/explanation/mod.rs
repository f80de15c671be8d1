//! One card's explanation as a page that needs no script: what is claimed, how sure and how often that is right, the
//! picture and the factors, what was looked at, what was missing, and how to disagree.
//!
//! Contract: everything on it comes from the card's record, from what was computed for this visit (and is recorded with
//! it), and from the network's papers.

mod claim;
mod inputs;
mod pictures;
mod reasons;

use super::{frame::Place, trust as tested};
use crate::models::Papers;
use maud::{Markup, html};
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
    /// What was computed for this visit; null when nothing was.
    pub computed: &'a Value,
    /// How to disagree, and what was said so far.
    pub disagree: Markup,
    /// The papers of the card's network, when it is (still) loaded.
    pub papers: Option<&'a Papers>,
    /// Where pages lie.
    pub place: &'a Place,
}

/// What one card is about, found in its record.
struct Told<'a> {
    envelope: &'a Value,
    origin: &'a Value,
    /// The entry of the network it speaks for.
    model: &'a Value,
    /// The explanation as recorded, or as computed for this visit.
    explanation: &'a Value,
    computed: &'a Value,
    summary: String,
}

impl<'a> Told<'a> {
    fn of(subject: &Subject<'a>) -> Self {
        let envelope = subject.envelope;
        let response: Value = serde_json::from_str(text(envelope, "/content/response")).unwrap_or_default();
        let card = list(&response, "/cards").iter().find(|card| card["uuid"] == subject.card);
        let origin = origin(envelope, subject.card).unwrap_or(&Value::Null);
        let model = list(envelope, "/content/models").iter().find(|model| model["name"] == origin["model"]);
        let model = model.unwrap_or(&Value::Null);
        let fresh = &subject.computed["explanation"];
        Self {
            envelope,
            origin,
            model,
            explanation: if fresh.is_null() { &model["explanation"] } else { fresh },
            computed: subject.computed,
            summary: card.map(|card| text(card, "/summary")).unwrap_or_default().to_owned(),
        }
    }

    fn answered(&self) -> bool {
        self.model["outcome"] == "answered"
    }

    /// The findings this card is about.
    fn findings(&self) -> Vec<&'a Value> {
        let (label, at) = (self.origin["label"].as_str(), self.origin.get("at"));
        list(self.model, "/prediction/findings")
            .iter()
            .filter(|one| label.is_none() || one["label"].as_str() == label)
            .filter(|one| at.is_none_or(|at| at[0] == one["mention"]["note"] && at[1] == one["mention"]["start"]))
            .collect()
    }

    /// Label and probability of a card that speaks of a whole film or course.
    fn single(&self) -> Option<(&'a str, f64)> {
        let first = *self.findings().first().filter(|first| first.get("mention").is_none())?;
        Some((first["label"].as_str()?, first["probability"].as_f64()?))
    }
}

/// Name of the network a card of this record speaks for.
#[must_use]
pub fn model_of<'a>(envelope: &'a Value, card: &str) -> Option<&'a str> {
    origin(envelope, card)?.get("model")?.as_str()
}

fn origin<'a>(envelope: &'a Value, card: &str) -> Option<&'a Value> {
    list(envelope, "/content/origins").iter().find(|origin| origin["card"] == card)
}

pub(super) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

/// `2026-03-01T08:00:00Z` as `2026-03-01 08:00 UTC`.
pub(super) fn when(rfc3339: &str) -> String {
    match (rfc3339.get(..10), rfc3339.get(11..16)) {
        (Some(day), Some(clock)) if rfc3339.ends_with('Z') => format!("{day} {clock} UTC"),
        (Some(day), Some(clock)) => format!("{day} {clock}"),
        _ => "at an unknown time".into(),
    }
}

/// The page.
#[must_use]
pub fn page(subject: &Subject<'_>) -> String {
    let told = Told::of(subject);
    let film = text(told.explanation, "/attribution/kind") == "heat";
    let main = html! {
        main.why.explained #content {
            (claim::section(&told))
            div.side {
                @if told.answered() { (pictures::section(&told)) (inputs::missing(&told)) }
                @else if !told.model.is_null() { (no_answer(told.model)) }
            }
            div.side {
                @if told.answered() { (reasons::section(&told)) }
                @if let Some(papers) = subject.papers { (tested::section(subject.place, papers, told.single())) }
            }
            (inputs::looked_at(&told))
            (subject.disagree)
            (written_down(subject, told.model))
        }
        @if film { script src={ (subject.place.prefix) "/try/opacity.js" } defer {} }
    };
    subject.place.page("Why this card?", &main)
}

fn no_answer(model: &Value) -> Markup {
    html! {
        section {
            h2 { "No answer from the network" }
            p { "Outcome: " (text(model, "/outcome")) ". " (text(model, "/why")) }
        }
    }
}

fn written_down(subject: &Subject<'_>, model: &Value) -> Markup {
    html! {
        section.wide {
            h2 { "Where this is written down" }
            table.narrow { tbody {
                tr { th scope="row" { "Record" } td.hash { (subject.record) } }
                tr { th scope="row" { "Recorded" } td { (when(text(subject.envelope, "/t"))) } }
                tr { th scope="row" { "SHA-256" } td.hash { (subject.digest) } }
                @if !model.is_null() {
                    tr { th scope="row" { "Network" } td { a href={ (subject.place.prefix) "/models/" (text(model, "/name")) } { (text(model, "/name")) } " " (text(model, "/version")) } }
                    tr { th scope="row" { "Its papers" } td.hash { (text(model, "/manifest")) } }
                }
            } }
            p.quiet { "That this page was opened is recorded as well." }
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
                "explanation": {"method": "integrated gradients", "parameters": {"steps": "32"}, "gap": 0.4, "tolerance": 0.05, "reliable": false, "doubts": ["gap"],
                    "attribution": {"kind": "factors", "factors": [{"variable": "HR", "label": "heart rate", "contribution": 0.5, "from_absence": 0.0, "value": 131.0, "unit": "/min", "by_hour": [0.2, 0.3]}]}}}]}})
    }

    #[test]
    fn the_page_says_what_how_sure_from_what_and_what_was_missing_and_escapes_everything() {
        let envelope = envelope();
        let computed = json!({"input": "the recorded values", "explanation": null, "counterfactual": {
            "changes": [{"variable": "Lactate", "label": "lactate", "from": 4.2, "to": 2.0, "unit": "mmol/L", "hours": 24}],
            "probability": 0.62, "changed_probability": 0.24, "threshold": 0.3, "reached": true}});
        let subject = Subject {
            card: "c1",
            record: "r1",
            digest: "sha256:aa",
            envelope: &envelope,
            computed: &computed,
            disagree: maud::html! {},
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
            "Do not rely on these reasons: the parts do not add up",
            "2 mmol/L",
            "24 %",
            "not advice to change a number",
            "unknown unit",
            "heart rate",
        ] {
            assert!(page.contains(part), "{part} is not on the page");
        }
        assert!(!page.contains("<b>high") && !page.contains("Observation/<i>"));
        assert!(!page.contains("<script"));
    }

    #[test]
    fn a_note_is_shown_in_sentences_with_the_cards_mention_in_focus_and_what_was_denied_struck() {
        let finding = |start: u64, end: u64, text: &str, sentence: &str, assertion: &str| {
            json!({"label": "Disease", "probability": 0.9, "threshold": 0.5,
                "mention": {"note": 0, "start": start, "end": end, "text": text, "sentence": sentence, "assertion": assertion}})
        };
        let envelope = json!({"t": "2026-03-01T08:00:00Z", "content": {
            "response": json!({"cards": [{"uuid": "c1", "summary": "s"}]}).to_string(),
            "origins": [{"card": "c1", "kind": "finding", "model": "note-problems", "label": "Disease", "at": [0, 16],
                "story": {"en": ["One sentence."], "zh": ["一句话。"]}}],
            "models": [{"name": "note-problems", "outcome": "answered",
                "input": {"kind": "notes", "notes": [{"title": "Admission", "time": "2026-02-28T18:10:00Z", "source": {"reference": "DocumentReference/1"}}]},
                "prediction": {"status": "scored", "findings": [
                    finding(16, 25, "pneumonia", "Admitted <i>for pneumonia.", "present"),
                    finding(60, 65, "fever", "No fever.", "negated")]},
                "explanation": {"method": "integrated gradients", "parameters": {}, "gap": 0.01, "tolerance": 0.05, "reliable": true,
                    "attribution": {"kind": "words", "mentions": [{"note": 0, "start": 16, "sentence": 0, "score": 5.0,
                        "gap": 0.01, "tolerance": 0.05, "words": [{"start": 16, "end": 25, "contribution": 4.0}]}]}}}]}});
        let place = Place::default();
        let subject = Subject {
            card: "c1",
            record: "r1",
            digest: "sha256:aa",
            envelope: &envelope,
            computed: &serde_json::Value::Null,
            disagree: maud::html! {},
            papers: None,
            place: &place,
        };
        let page = page(&subject);
        for part in [
            "One sentence.",
            "一句话。",
            "Admission",
            "m present focus",
            "m negated",
            "w-p5",
            "passed their checks",
            "class=\"gap\"",
        ] {
            assert!(page.contains(part), "{part} is not on the page");
        }
        assert!(!page.contains("<i>for"));
    }
}
