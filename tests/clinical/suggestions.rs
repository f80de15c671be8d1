//! What accepting a card would put into the chart: valid R4, visibly a machine's proposal, and never more than a draft.

use super::charts::*;
use crate::support::r4_schema::r4_faults;
use auscult::cards::Outcome;
use auscult::{
    cds_hooks::{Action, Card},
    domain::{Assertion, ModelInput, Side},
};
use serde_json::{Value, json};

fn resources(card: &Card) -> Vec<&Value> {
    let actions = card.suggestions.iter().flat_map(|suggestion| &suggestion.actions);
    actions
        .map(|action| match action {
            Action::Create { resource, .. } => resource,
            other => panic!("only drafts are proposed, not {other:?}"),
        })
        .collect()
}

fn every_chart() -> Vec<Chart> {
    let coded = ("atrial fibrillation", Some("I48.91"), Assertion::Present, 0.9);
    vec![
        Chart::film(film(0.9)),
        Chart::knee(knee(3, 0.9, Some(Side::Left))),
        Chart::knee(knee(4, 0.99, None)),
        Chart::course(course(0.9, 1, false)),
        Chart::course(course(0.9, 1, true)),
        Chart::notes(notes(&[coded, ("gout <b>*x*</b>", None, Assertion::Present, 0.8)])),
        Chart::review(film(0.9), course(0.9, 1, false), notes(&[coded])),
    ]
}

#[test]
fn every_proposed_resource_is_valid_r4_and_says_that_a_machine_proposed_it() {
    let mut kinds = std::collections::BTreeSet::new();
    for card in every_chart().iter().flat_map(|chart| chart.build().cards) {
        for resource in resources(&card) {
            assert_eq!(r4_faults(resource), Vec::<String>::new(), "{resource:#}");
            kinds.insert(resource["resourceType"].to_string());
            assert_eq!(resource["meta"]["security"][0]["code"], "AIAST");
            assert_eq!(resource["subject"]["reference"], "Patient/pat-1");
            assert_eq!(resource["encounter"]["reference"], "Encounter/enc-1");
            let draft = resource["status"] == "draft" && resource["intent"] == "proposal";
            let unconfirmed = resource["verificationStatus"]["coding"][0]["code"] == "unconfirmed";
            assert!(draft || unconfirmed, "{resource:#}");
        }
        assert!(card.suggestions.iter().filter(|one| one.is_recommended == Some(true)).count() <= 1);
    }
    assert_eq!(kinds.len(), 2, "{kinds:?}");
}

#[test]
fn the_schema_check_finds_what_is_wrong() {
    let chart = Chart::film(film(0.9)).build();
    let sound = resources(&chart.cards[0])[0].clone();
    for (member, value) in
        [("status", json!(7)), ("id", json!("not an id!")), ("invented", json!(1)), ("subject", json!({"invented": 1}))]
    {
        let mut broken = sound.clone();
        broken[member] = value;
        assert!(!r4_faults(&broken).is_empty(), "{member}");
    }
    assert!(!r4_faults(&json!({})).is_empty() && !r4_faults(&json!({"resourceType": "Invented"})).is_empty());
}

#[test]
fn the_request_for_a_reading_names_the_film_and_why() {
    let chart = Chart::film(film(0.9)).build();
    let request = resources(&chart.cards[0])[0];
    assert_eq!(request["code"]["text"], "Radiologist's reading of a chest film");
    assert_eq!(request["priority"], "urgent");
    assert_eq!(request["authoredOn"], "2026-01-02T12:00:00Z");
    assert_eq!(request["supportingInfo"], json!([{"reference": "Media/film-1"}]));
    assert_eq!(
        request["reasonCode"][0]["text"],
        "Possible pneumonia on the film according to a network (probability 90 %)"
    );
    assert_eq!(request["note"][0]["text"], "Proposed by chest-radiograph 1.2.0 (Auscult), not by a person.");
}

#[test]
fn a_lactate_is_proposed_only_when_none_was_measured() {
    let labels = |lactate| {
        let built = Chart::course(course(0.9, 1, lactate)).build();
        built.cards[0].suggestions.iter().map(|one| one.label.clone()).collect::<Vec<_>>()
    };
    let (review, order) =
        ("Ask for a bedside clinical review within 30 minutes", "Order a lactate (none measured in the window)");
    assert_eq!(labels(false), [review, order]);
    assert_eq!(labels(true), [review]);
    let built = Chart::course(course(0.9, 1, false)).build();
    let lactate = resources(&built.cards[0])[1];
    assert_eq!(lactate["code"]["coding"][0]["code"], "32693-4");
    assert_eq!(lactate["supportingInfo"], json!([{"reference": "Observation/HR-60"}]));
}

#[test]
fn a_mention_becomes_an_unconfirmed_problem_with_its_sentence_and_note_as_evidence() {
    let built = Chart::notes(notes(&[("atrial fibrillation", Some("I48.91"), Assertion::Present, 0.9)])).build();
    assert_eq!(built.cards[0].suggestions[0].label, "Add “atrial fibrillation” to the problem list as unconfirmed");
    let problem = resources(&built.cards[0])[0];
    assert_eq!(problem["resourceType"], "Condition");
    assert_eq!(problem["clinicalStatus"]["coding"][0]["code"], "active");
    assert_eq!(problem["category"][0]["coding"][0]["code"], "problem-list-item");
    assert_eq!(problem["code"]["text"], "atrial fibrillation");
    assert_eq!(problem["code"]["coding"], json!([{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "I48.91"}]));
    assert_eq!(problem["evidence"][0]["detail"][0]["reference"], "DocumentReference/note-1");
    assert!(problem["note"][0]["text"].as_str().unwrap().contains("“He has atrial fibrillation.”"));
}

#[test]
fn a_reference_that_breaks_fhirs_rules_is_left_out_rather_than_repeated() {
    let mut outcome = film(0.9);
    if let Outcome::Answered { input, .. } = &mut outcome {
        let ModelInput::Film(film) = input.as_ref() else { panic!("a film") };
        let mut film = film.clone();
        film.source.reference = "Media/<img onerror=x>".into();
        *input = std::sync::Arc::new(ModelInput::Film(film));
    }
    let built = Chart::film(outcome).build();
    let request = resources(&built.cards[0])[0];
    assert_eq!(request.get("supportingInfo"), None);
    assert_eq!(r4_faults(request), Vec::<String>::new());
}
