//! Section 9 of the requirements: feedback.

use super::{CANARY, SERVICE, answered, refused, view};
use crate::support::TestApp;
use serde_json::{Value, json};

const FEEDBACK: &str = "/cds-services/chart-review/feedback";
const UNKNOWN: &str = "4e0a3a1e-3283-4575-ab82-028d55fe2719";

fn accepted(card: &Value) -> Value {
    json!({"card": card, "outcome": "accepted", "acceptedSuggestions": [{"id": UNKNOWN}],
           "outcomeTimestamp": "2026-11-23T13:28:05.261Z"})
}

fn overridden(card: &Value) -> Value {
    json!({"card": card, "outcome": "overridden", "outcomeTimestamp": "2026-11-23T13:28:05Z",
           "overrideReason": {"reason": {"code": "our-own"}, "userComment": CANARY}})
}

#[tokio::test]
async fn a_card_may_be_accepted_and_overridden_in_one_batch_and_again() {
    let app = TestApp::spawn().await;
    let cards = answered(app.post(SERVICE, &view()).await).await["cards"].clone();
    let shown = cards.as_array().unwrap().first().map_or(json!(UNKNOWN), |card| card["uuid"].clone());
    let batch = json!({"feedback": [accepted(&shown), overridden(&shown)]});
    for _ in 0..2 {
        let response = app.post(FEEDBACK, &batch).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.text().await.unwrap(), "");
    }
}

#[tokio::test]
async fn feedback_on_an_unknown_card_is_answered_like_any_other() {
    let app = TestApp::spawn().await;
    let response = app.post(FEEDBACK, &json!({"feedback": [overridden(&json!(UNKNOWN))]})).await;
    assert_eq!((response.status().as_u16(), response.text().await.unwrap()), (200, String::new()));
}

#[tokio::test]
async fn an_empty_batch_is_legal() {
    let app = TestApp::spawn().await;
    assert_eq!(app.post(FEEDBACK, &json!({"feedback": []})).await.status(), 200);
}

#[tokio::test]
async fn a_batch_with_one_unusable_entry_is_refused_as_a_whole_and_names_it() {
    let app = TestApp::spawn().await;
    let good = accepted(&json!(UNKNOWN));
    for (member, value) in [
        ("card", Value::Null),
        ("card", json!(CANARY)),
        ("outcome", json!("ignored")),
        ("outcome", Value::Null),
        ("acceptedSuggestions", Value::Null),
        ("acceptedSuggestions", json!([])),
        ("outcomeTimestamp", json!("yesterday")),
        ("outcomeTimestamp", Value::Null),
    ] {
        let mut bad = good.clone();
        bad[member] = value;
        let words = refused(app.post(FEEDBACK, &json!({"feedback": [good, bad]})).await, 400).await;
        assert!(words.contains("feedback[1]") && words.contains(member), "{words}");
    }
    let metrics = app.get("/metrics").await.text().await.unwrap();
    assert!(!metrics.contains("auscult_feedback_total{"), "nothing was stored: {metrics}");
}

#[tokio::test]
async fn another_shape_than_a_list_is_refused() {
    let app = TestApp::spawn().await;
    for body in [json!({}), json!([]), json!({"feedback": {}}), json!({"feedback": CANARY}), json!({"feedback": [7]})] {
        refused(app.post(FEEDBACK, &body).await, 400).await;
    }
}

#[tokio::test]
async fn feedback_is_sent_with_post_only() {
    let app = TestApp::spawn().await;
    let response = app.get(FEEDBACK).await;
    assert_eq!(response.headers()["allow"], "POST, OPTIONS");
    refused(response, 405).await;
}
