//! Each service with the sample patients, as an EHR would call it.

mod cards;
mod charts;
mod definitions;
mod record;
mod suggestions;

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
    for sample in ["omar-haddad", "hostile-input"] {
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
