//! What the specification forbids is refused, and what is sent has neither nulls nor empty members.

use super::{Card, CardError, CdsResponse, Indicator, OverrideReason, SelectionBehavior, Source};
use crate::cds_hooks::action::{Action, Link, Suggestion};
use crate::domain::Coding;
use serde_json::{Value, json};
use uuid::Uuid;

fn suggestion(number: u128, is_recommended: Option<bool>) -> Suggestion {
    let resource = json!({"resourceType": "Task", "id": "new", "status": "requested"});
    let action = Action::Create { description: String::from("Ask for a second reading"), resource };
    Suggestion {
        label: String::from("Second reading"),
        uuid: Uuid::from_u128(number),
        is_recommended,
        actions: vec![action],
    }
}

fn bare() -> Card {
    let topic = Coding { system: String::from("http://loinc.org"), code: String::from("36643-5"), display: None };
    Card {
        uuid: Uuid::from_u128(1),
        summary: String::from("Chest film: findings suggest pneumonia"),
        detail: None,
        indicator: Indicator::Warning,
        source: Source { label: String::from("Auscult"), url: None, icon: None, topic },
        suggestions: Vec::new(),
        selection_behavior: None,
        override_reasons: Vec::new(),
        links: Vec::new(),
    }
}

fn full() -> Card {
    Card {
        detail: Some(String::from("Probability 0.83")),
        suggestions: vec![suggestion(2, Some(true)), suggestion(3, None)],
        selection_behavior: Some(SelectionBehavior::AtMostOne),
        override_reasons: vec![OverrideReason {
            system: String::from("http://example.org/reasons"),
            code: String::from("known"),
            display: String::from("Already known"),
        }],
        links: vec![
            Link::Absolute { label: String::from("Why"), url: String::from("https://example.org/why") },
            Link::Smart {
                label: String::from("App"),
                url: String::from("https://example.org/launch"),
                app_context: Some(String::from("{}")),
            },
        ],
        ..bare()
    }
}

/// Every member of `value` that is null or empty, by its path.
fn hollow(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Null => found.push(path.to_owned()),
        Value::String(text) if text.trim().is_empty() => found.push(path.to_owned()),
        Value::Array(items) if items.is_empty() && path != "/cards" => found.push(path.to_owned()),
        Value::Object(members) if members.is_empty() => found.push(path.to_owned()),
        Value::Array(items) => items.iter().for_each(|item| hollow(item, path, found)),
        Value::Object(members) => members.iter().for_each(|(key, item)| hollow(item, &format!("{path}/{key}"), found)),
        _ => {}
    }
}

#[test]
fn an_answer_has_no_null_and_no_empty_member_but_cards() {
    for cards in [vec![], vec![bare()], vec![full()]] {
        let answer = serde_json::to_value(CdsResponse::new(cards, vec![]).unwrap()).unwrap();
        let mut found = Vec::new();
        hollow(&answer, "", &mut found);
        assert_eq!(found, Vec::<String>::new());
    }
}

#[test]
fn nothing_to_say_is_an_empty_list_of_cards() {
    assert_eq!(serde_json::to_string(&CdsResponse::new(vec![], vec![]).unwrap()).unwrap(), r#"{"cards":[]}"#);
}

#[test]
fn the_wire_names_are_those_of_the_specification() {
    let card = serde_json::to_value(full()).unwrap();
    assert_eq!(card["indicator"], "warning");
    assert_eq!(card["selectionBehavior"], "at-most-one");
    assert_eq!(card["suggestions"][0]["isRecommended"], true);
    assert_eq!(card["suggestions"][1].get("isRecommended"), None);
    assert_eq!(card["suggestions"][0]["actions"][0]["type"], "create");
    assert_eq!(card["suggestions"][0]["actions"][0]["resource"]["resourceType"], "Task");
    assert_eq!(card["overrideReasons"][0]["display"], "Already known");
    assert_eq!(card["links"][0], json!({"type": "absolute", "label": "Why", "url": "https://example.org/why"}));
    assert_eq!(card["links"][1]["type"], "smart");
    assert_eq!(card["links"][1]["appContext"], "{}");
    let delete = Action::Delete { description: String::from("Remove"), resource_id: String::from("Task/1") };
    let expected = json!({"type": "delete", "description": "Remove", "resourceId": "Task/1"});
    assert_eq!(serde_json::to_value(delete).unwrap(), expected);
}

#[test]
fn a_summary_of_139_characters_passes_and_one_of_140_does_not() {
    let of = |length| Card { summary: "ä".repeat(length), ..bare() }.check();
    assert_eq!(of(139), Ok(()));
    assert_eq!(of(140), Err(CardError::Summary(140)));
}

#[test]
fn each_rule_of_the_specification_refuses_its_card() {
    let blank = |member| Err(CardError::Blank(member));
    assert_eq!(Card { summary: String::from(" \u{200B}"), ..bare() }.check(), blank("summary"));
    assert_eq!(Card { detail: Some(String::new()), ..bare() }.check(), blank("detail"));
    assert_eq!(Card { selection_behavior: None, ..full() }.check(), Err(CardError::Selection));
    assert_eq!(Card { suggestions: vec![], ..full() }.check(), Err(CardError::Selection));
    let both = vec![suggestion(2, Some(true)), suggestion(3, Some(true))];
    assert_eq!(Card { suggestions: both.clone(), ..full() }.check(), Err(CardError::Recommended(2)));
    let any = Card { suggestions: both, selection_behavior: Some(SelectionBehavior::Any), ..full() };
    assert_eq!(any.check(), Ok(()));
    let mut card = full();
    card.override_reasons[0].display.clear();
    assert_eq!(card.check(), blank("overrideReasons.display"));
    let mut card = full();
    card.source.url = Some(String::from("/about"));
    assert_eq!(card.check(), Err(CardError::Address("source.url")));
    let mut card = full();
    card.source.topic.system.clear();
    assert_eq!(card.check(), blank("source.topic.system"));
    let mut card = full();
    card.links[0] = Link::Absolute { label: String::from("Why"), url: String::from("javascript:alert(1)") };
    assert_eq!(card.check(), Err(CardError::Address("links.url")));
}

#[test]
fn an_action_needs_a_description_and_a_resource_with_an_id() {
    let create = |resource| Action::Create { description: String::from("Do"), resource }.check();
    assert_eq!(create(json!({"resourceType": "Task", "id": "1"})), Ok(()));
    for resource in [json!({"resourceType": "Task"}), json!({"id": "1"}), json!("{\"resourceType\":\"Task\"}")] {
        assert_eq!(create(resource), Err(CardError::Resource("create")));
    }
    let wordless = Action::Update { description: String::new(), resource: json!({"resourceType": "Task", "id": "1"}) };
    assert_eq!(wordless.check(), Err(CardError::Blank("actions.description")));
    let delete = Action::Delete { description: String::from("Do"), resource_id: String::from("http://x/Task/1") };
    assert_eq!(delete.check(), Err(CardError::Reference));
}

#[test]
fn a_uuid_used_twice_is_refused() {
    assert_eq!(CdsResponse::new(vec![bare(), bare()], vec![]), Err(CardError::Uuid));
    let twins = Card { suggestions: vec![suggestion(2, None), suggestion(2, None)], ..full() };
    assert_eq!(CdsResponse::new(vec![twins], vec![]), Err(CardError::Uuid));
}

#[test]
fn printing_a_card_shows_nothing_of_its_text() {
    let printed = format!("{:?} {:?}", full(), CdsResponse::new(vec![full()], vec![]));
    for text in ["pneumonia", "0.83", "Task"] {
        assert!(!printed.contains(text), "{printed}");
    }
}
