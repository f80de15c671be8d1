//! Requests made here, from clean to hostile.

use super::{NOTES_MAX, TEXT_BYTES_MAX, notes};
use crate::domain::Note;
use crate::fhir::{Extracted, KeyRequest, Limits, gather};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};
use time::macros::datetime;

fn read(resources: Vec<Value>) -> Extracted<Vec<Note>> {
    let entries: Vec<Value> = resources.into_iter().map(|resource| json!({"resource": resource})).collect();
    let prefetch = json!({"notes": {"resourceType": "Bundle", "entry": entries}});
    let keys = [KeyRequest { key: "notes".into(), template: "{{context.anything}}".into(), required: false }];
    notes(&gather(&keys, prefetch.as_object(), "1", &Limits::default()).unwrap())
}

fn texts(read: &Extracted<Vec<Note>>) -> Vec<&str> {
    read.value.iter().map(|note| note.text.expose().as_str()).collect()
}

fn reasons(read: &Extracted<Vec<Note>>) -> Vec<&str> {
    read.ignored.iter().map(|one| one.reason).collect()
}

fn attached(content_type: &str, bytes: impl AsRef<[u8]>) -> Value {
    json!({"contentType": content_type, "data": STANDARD.encode(bytes)})
}

fn document(id: usize, date: &str, forms: Vec<Value>) -> Value {
    let content: Vec<Value> = forms.into_iter().map(|form| json!({"attachment": form})).collect();
    json!({
        "resourceType": "DocumentReference", "id": format!("d{id}"), "status": "current", "date": date, "content": content,
        "type": {"coding": [{"system": "urn:x", "code": "p"}, {"system": "http://loinc.org", "code": "11506-3", "display": "Progress note"}]},
    })
}

fn plain(id: usize, date: &str, text: &str) -> Value {
    document(id, date, vec![attached("text/plain", text)])
}

#[test]
fn notes_come_newest_first_with_their_evidence() {
    let read =
        read(vec![plain(1, "2026-01-01T08:00:00Z", "old"), plain(2, "", "undated"), plain(3, "2026-02-01", "new")]);
    assert_eq!(texts(&read), ["new", "old", "undated"]);
    let note = &read.value[1];
    assert_eq!(
        (note.source.reference.as_str(), note.title.as_deref()),
        ("DocumentReference/d1", Some("Progress note"))
    );
    assert_eq!(note.code.as_ref().map(|code| code.code.as_str()), Some("11506-3"));
    assert_eq!(note.time, Some(datetime!(2026-01-01 08:00 UTC)));
    assert!(read.ignored.is_empty());
}

#[test]
fn of_several_forms_the_plain_one_is_read() {
    let forms = vec![
        attached("application/pdf", "%PDF-"),
        attached("text/html", "<p>as html</p>"),
        attached("text/plain; charset=iso-8859-1", b"as pl\xe4in"),
    ];
    let read_all = read(vec![document(1, "2026", forms.clone())]);
    assert_eq!((texts(&read_all), reasons(&read_all)), (vec!["as pläin"], vec!["alternative-form"; 2]));
    let read_two = read(vec![document(1, "2026", forms[..2].to_vec())]);
    assert_eq!(texts(&read_two), ["as html"]);
    let read_one = read(vec![document(1, "2026", forms[..1].to_vec())]);
    assert_eq!((texts(&read_one), reasons(&read_one)), (vec![], vec!["unsupported-media-type"]));
}

#[test]
fn an_unreadable_form_falls_back_to_the_next_and_is_named() {
    let forms = vec![json!({"contentType": "text/plain", "data": "***"}), attached("text/rtf", "{\\rtf1 as rtf}")];
    let read = read(vec![document(1, "2026", forms)]);
    assert_eq!((texts(&read), reasons(&read)), (vec!["as rtf"], vec!["undecodable-base64"]));
}

#[test]
fn withdrawn_documents_are_not_read() {
    let with = |mut resource: Value, member: &str, value: Value| {
        resource[member] = value;
        resource
    };
    let report = json!({"resourceType": "DiagnosticReport", "id": "r", "status": "cancelled", "conclusion": "No."});
    let read = read(vec![
        with(plain(1, "", "a"), "status", json!("entered-in-error")),
        with(plain(2, "", "b"), "status", json!("superseded")),
        with(plain(3, "", "c"), "docStatus", json!("entered-in-error")),
        with(plain(4, "", "d"), "modifierExtension", json!([{"url": "urn:x", "valueBoolean": true}])),
        report,
        json!({"resourceType": "Composition", "id": "c", "status": "entered-in-error", "section": []}),
    ]);
    assert!(read.value.is_empty());
    let expected =
        ["entered-in-error", "superseded", "entered-in-error", "modifier-extension", "cancelled", "entered-in-error"];
    assert_eq!(reasons(&read), expected);
}

#[test]
fn a_report_gives_its_form_and_what_its_conclusion_adds() {
    let report = |id: &str, conclusion: &str| {
        json!({"resourceType": "DiagnosticReport", "id": id, "status": "final", "code": {"text": "Chest film"}, "issued": "2026-01-01T00:00:00Z",
            "conclusion": conclusion, "presentedForm": [attached("text/plain", "Findings: clear  lungs.")]})
    };
    let read = read(vec![
        report("a", "No pneumonia."),
        report("b", "clear lungs."),
        json!({"resourceType": "DiagnosticReport", "id": "c", "conclusion": "Only this."}),
        json!({"resourceType": "DiagnosticReport", "id": "d"}),
    ]);
    assert_eq!(
        texts(&read),
        ["Findings: clear  lungs.\n\nConclusion:\nNo pneumonia.", "Findings: clear  lungs.", "Only this."]
    );
    assert_eq!(read.value[0].title.as_deref(), Some("Chest film"));
    assert!(read.ignored.is_empty());
}

#[test]
fn sections_keep_their_titles_and_their_order() {
    let div = |text: &str| json!({"status": "generated", "div": format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{text}</div>")});
    let composition = json!({"resourceType": "Composition", "id": "c", "title": "Discharge summary", "date": "2026-01-02", "section": [
        {"title": "History", "text": div("<p>Cough &amp; fever</p>"), "section": [{"title": "Social", "text": div("Lives alone")}]},
        {"title": "Nothing"},
        {"title": "Empty", "text": {"status": "empty", "div": "<div>none</div>"}},
        {"code": {"text": "Plan"}, "section": [{"text": div("Rest")}]},
    ]});
    let bare = json!({"resourceType": "Composition", "id": "n", "text": div("Only a summary")});
    let hollow = json!({"resourceType": "Composition", "id": "h", "section": [{"title": "x"}]});
    let read = read(vec![composition, bare, hollow]);
    assert_eq!(texts(&read), ["History\nCough & fever\n\nSocial\nLives alone\n\nPlan\n\nRest", "Only a summary"]);
    assert_eq!(reasons(&read), ["empty"]);
}

#[test]
fn nesting_without_end_is_cut_and_named() {
    let mut section = json!({"text": {"div": "<div>bottom</div>"}});
    for _ in 0..50 {
        section = json!({"title": "t", "section": [section]});
    }
    let read = read(vec![
        json!({"resourceType": "Composition", "id": "c", "section": [section, {"text": {"div": "<div>top</div>"}}]}),
    ]);
    assert_eq!((texts(&read), reasons(&read)), (vec!["top"], vec!["sections-left-out"]));
}

#[test]
fn the_same_text_twice_is_one_note() {
    let read = read(vec![
        plain(1, "2026-01-01", "same\r\n"),
        document(2, "2026-01-02", vec![attached("text/html", "<p>same</p>")]),
    ]);
    assert_eq!(texts(&read), ["same"]);
    assert_eq!((read.value[0].source.reference.as_str(), reasons(&read)), ("DocumentReference/d2", vec!["duplicate"]));
}

#[test]
fn images_are_left_to_the_films_and_addresses_are_not_followed() {
    let read = read(vec![
        document(1, "", vec![attached("image/png", b"\x89PNG\r\n\x1a\n")]),
        document(2, "", vec![json!({"data": STANDARD.encode(b"\x89PNG\r\n\x1a\n")})]),
        document(3, "", vec![json!({"contentType": "text/plain", "url": "https://elsewhere/note.txt"})]),
        document(4, "", vec![]),
        document(5, "", vec![json!({"data": STANDARD.encode([&[0; 128][..], b"DICM"].concat())})]),
        json!({"resourceType": "DiagnosticReport", "id": "r", "presentedForm": [attached("image/png", b"\x89PNG\r\n\x1a\n")]}),
    ]);
    assert!(read.value.is_empty());
    assert_eq!(reasons(&read), ["by-url", "unsupported-media-type"]);
}

#[test]
fn number_and_length_are_bounded_and_the_oldest_go_first() {
    let many = (0..NOTES_MAX + 7).map(|n| plain(n, &format!("{}", 1_900 + n), &format!("note {n}"))).collect();
    let read_many = read(many);
    assert_eq!((read_many.value.len(), texts(&read_many)[0]), (NOTES_MAX, "note 56"));
    assert_eq!(reasons(&read_many), ["too-many-notes"]);
    assert!(read_many.ignored[0].detail.contains("7 times"));
    let long = "x".repeat(TEXT_BYTES_MAX - 10);
    let read_long =
        read(vec![plain(1, "2026", &long), plain(2, "2025", "too long for the rest"), plain(3, "2024", "fits")]);
    assert_eq!((read_long.value.len(), reasons(&read_long)), (2, vec!["too-much-text"]));
}

proptest! {
    #[test]
    fn odd_resources_never_panic(
        kind in prop::sample::select(vec!["DocumentReference", "DiagnosticReport", "Composition"]),
        member in prop::sample::select(vec!["content", "presentedForm", "section", "type", "code", "date", "status", "text", "conclusion"]),
        value in prop::sample::select(vec![json!(null), json!(1), json!("x"), json!([]), json!([1, null]), json!({}), json!([{"attachment": 1}]), json!([{"attachment": {"data": 1, "contentType": []}}]), json!([{"text": {"div": 1}, "section": {"section": "x"}}])]),
    ) {
        let mut resource = json!({"resourceType": kind, "id": "x"});
        resource[member] = value;
        prop_assert!(read(vec![resource]).value.len() <= 1);
    }
}
