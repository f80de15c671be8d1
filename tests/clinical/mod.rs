//! Each service with the sample patients, as an EHR would call it.

mod abstention;
mod cards;
mod charts;
mod definitions;
mod heart;
mod record;
mod strange;
mod suggestions;
mod why;

use crate::support::TestApp;
use serde_json::Value;

fn text<'a>(card: &'a Value, member: &str) -> &'a str {
    card[member].as_str().unwrap_or_default()
}

fn all_text(cards: &[Value]) -> String {
    serde_json::to_string(cards).unwrap()
}

#[tokio::test]
async fn a_clear_film_gives_a_card_and_an_unremarkable_one_gives_none() {
    let app = TestApp::spawn().await;
    let cards = app.cards("chest-radiograph", "mila-horvat").await;
    assert_eq!(cards.len(), 1, "{cards:?}");
    assert!(text(&cards[0], "summary").to_lowercase().contains("pneumonia"));
    assert_ne!(text(&cards[0], "indicator"), "info");
    assert_eq!(app.cards("chest-radiograph", "jonas-weber").await, Vec::<Value>::new());
}

#[tokio::test]
async fn an_inverted_dicom_film_is_read_like_any_other() {
    let app = TestApp::spawn().await;
    let cards = app.cards("chest-radiograph", "yuki-tanaka").await;
    assert!(text(&cards[0], "summary").to_lowercase().contains("pneumonia"), "{cards:?}");
}

#[tokio::test]
async fn what_is_not_a_chest_film_or_cannot_be_decoded_is_declined_in_words() {
    let app = TestApp::spawn().await;
    for sample in ["nils-berg", "hostile-input"] {
        let cards = app.cards("chest-radiograph", sample).await;
        assert_eq!(cards.len(), 1, "{sample}: {cards:?}");
        assert_eq!(text(&cards[0], "indicator"), "info");
        assert!(!all_text(&cards).contains(" %)"), "a number was given: {cards:?}");
    }
}

#[tokio::test]
async fn a_deteriorating_patient_gives_a_card_with_values_and_a_stable_one_none() {
    let app = TestApp::spawn().await;
    let cards = app.cards("inpatient-deterioration", "walter-brandt").await;
    assert_eq!(cards.len(), 1, "{cards:?}");
    assert_ne!(text(&cards[0], "indicator"), "info");
    assert!(!cards[0]["suggestions"].as_array().unwrap().is_empty());
    assert_eq!(app.cards("inpatient-deterioration", "ingrid-solberg").await, Vec::<Value>::new());
    assert_eq!(app.cards("inpatient-deterioration", "grace-miller").await, Vec::<Value>::new());
}

#[tokio::test]
async fn hardly_any_measurement_gives_words_and_no_number() {
    let app = TestApp::spawn().await;
    let cards = app.cards("inpatient-deterioration", "lena-moser").await;
    assert_eq!((cards.len(), text(&cards[0], "indicator")), (1, "info"));
}

#[tokio::test]
async fn problems_in_the_letter_that_are_not_listed_are_proposed_and_denied_ones_are_not() {
    let app = TestApp::spawn().await;
    let cards = app.cards("note-review", "amara-okafor").await;
    let said = all_text(&cards).to_lowercase();
    assert!(said.contains("atrial fibrillation") && said.contains("heart failure"), "{said}");
    let summaries: String = cards.iter().map(|card| text(card, "summary").to_lowercase()).collect();
    for denied in ["diabetes", "valvular", "stroke", "hypertension"] {
        assert!(!summaries.contains(denied), "{denied} is proposed: {summaries}");
    }
    assert_eq!(app.cards("note-review", "pedro-alvarez").await, Vec::<Value>::new());
}

#[tokio::test]
async fn one_call_reads_the_whole_chart() {
    let app = TestApp::spawn().await;
    let cards = app.cards("chart-review", "walter-brandt").await;
    let topics: Vec<String> = cards.iter().map(|card| text(card, "summary").to_lowercase()).collect();
    assert!(cards.len() >= 3, "{topics:?}");
    assert!(topics.iter().any(|topic| topic.contains("pneumonia")), "{topics:?}");
}

#[tokio::test]
async fn markup_in_a_chart_never_reaches_a_card_as_markup() {
    let app = TestApp::spawn().await;
    for service in ["chart-review", "note-review", "chest-radiograph", "inpatient-deterioration"] {
        let said = all_text(&app.cards(service, "hostile-input").await);
        // Escaped brackets (`\]`) make no link, so only an unescaped one would do harm.
        let said = said.replace("\\\\]", "");
        for bad in ["<img", "<script", "](javascript", "![x]"] {
            assert!(!said.contains(bad), "{service}: {bad} in {said}");
        }
    }
}

#[tokio::test]
async fn every_card_says_what_it_looked_at_how_it_was_validated_and_how_to_disagree() {
    let app = TestApp::spawn().await;
    for card in app.cards("chart-review", "walter-brandt").await {
        let detail = text(&card, "detail").to_lowercase();
        for part in ["validat", "not a diagnosis", "ago"] {
            assert!(detail.contains(part), "`{part}` is not in {detail}");
        }
        assert!(!card["overrideReasons"].as_array().unwrap().is_empty());
        assert!(text(&card["links"][0], "url").starts_with("http"));
        assert!(text(&card, "summary").chars().count() <= 139);
    }
}

#[tokio::test]
async fn a_worn_knee_gives_a_card_with_side_and_grade_and_an_unremarkable_one_none() {
    let app = TestApp::spawn().await;
    for (sample, side, grade, name) in [
        ("helga-lindqvist", "Right knee", "grade 3, moderate", "physiotherapy"),
        ("omar-haddad", "Left knee", "grade 4, severe", "orthopaedics"),
    ] {
        let cards = app.cards("knee-radiograph", sample).await;
        assert_eq!(cards.len(), 1, "{cards:?}");
        let summary = text(&cards[0], "summary");
        assert!(summary.starts_with(side) && summary.contains(grade), "{summary}");
        assert!(text(&cards[0]["suggestions"][0], "label").contains(name), "{:?}", cards[0]["suggestions"]);
    }
    assert_eq!(app.cards("knee-radiograph", "sofia-marino").await, Vec::<Value>::new());
}

/// Films that state what they show go to the network of that part, or to none.
#[tokio::test]
async fn a_chest_film_is_refused_by_the_knee_service_and_a_knee_film_by_the_chest_service() {
    let app = TestApp::spawn().await;
    for (service, sample) in [("knee-radiograph", "mila-horvat"), ("chest-radiograph", "omar-haddad")] {
        let cards = app.cards(service, sample).await;
        assert_eq!(cards.len(), 1, "{cards:?}");
        assert!(text(&cards[0], "detail").contains("another part of the body"), "{service}: {cards:?}");
        assert_eq!(cards[0]["indicator"], "info");
    }
    // Without any word of what it shows, the pixels decide.
    let mut request = app.sample("mila-horvat").await;
    for film in request["prefetch"]["imaging"]["entry"].as_array_mut().unwrap() {
        for member in ["bodySite", "modality", "view"] {
            film["resource"].as_object_mut().unwrap().remove(member);
        }
    }
    // A grown-up, so that it is not the age that is refused.
    request["prefetch"]["patient"]["birthDate"] = serde_json::json!("1960-01-01");
    let response = app.post("/cds-services/knee-radiograph", &request).await;
    let answer: Value = response.json().await.unwrap();
    let cards = answer["cards"].as_array().unwrap();
    assert_eq!(cards.len(), 1, "{cards:?}");
    assert!(text(&cards[0], "summary").len() > 10 && cards[0]["suggestions"].is_null(), "{cards:?}");
}

#[tokio::test]
async fn the_whole_chart_is_reviewed_with_each_film_at_its_own_network() {
    let app = TestApp::spawn().await;
    let summaries =
        |cards: Vec<Value>| -> Vec<String> { cards.iter().map(|card| text(card, "summary").to_owned()).collect() };
    let knee = summaries(app.cards("chart-review", "omar-haddad").await);
    assert!(knee.iter().any(|one| one.starts_with("Left knee")), "{knee:?}");
    assert!(!knee.iter().any(|one| one.to_lowercase().contains("chest")), "{knee:?}");
    let chest = summaries(app.cards("chart-review", "mila-horvat").await);
    assert!(!chest.iter().any(|one| one.to_lowercase().contains("knee")), "{chest:?}");

    // Both knees of one visit: the newest is read, the other is named; an unstated film is the chest network's.
    let mut request = app.sample("omar-haddad").await;
    let entries = request["prefetch"]["imaging"]["entry"].as_array_mut().unwrap();
    let mut other = entries[0].clone();
    other["resource"]["id"] = serde_json::json!("other-knee");
    other["resource"]["bodySite"] = serde_json::json!({"text": "Right knee"});
    let right = app.sample("helga-lindqvist").await["prefetch"]["imaging"]["entry"][0]["resource"]["content"].clone();
    other["resource"]["content"] = right;
    other["resource"]["createdDateTime"] = entries[0]["resource"]["createdDateTime"].clone();
    entries.push(other);
    let answer: Value = app.post("/cds-services/knee-radiograph", &request).await.json().await.unwrap();
    let card = &answer["cards"][0];
    let both = [text(card, "summary"), text(card, "detail")].join(" ").to_lowercase();
    assert!(both.contains("left knee") && both.contains("right knee"), "{both}");
    assert!(both.contains("same visit"), "{both}");
}
