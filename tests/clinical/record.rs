//! The record behind the cards: every value with where it came from.

use crate::support::TestApp;
use serde_json::Value;

async fn newest(app: &TestApp, kind: &str) -> Value {
    let list: Value = app.get("/try/records").await.json().await.unwrap();
    let entry = list["records"].as_array().unwrap().iter().find(|entry| entry["kind"] == kind).unwrap().clone();
    app.get(&format!("/try/records/{}", entry["id"].as_str().unwrap())).await.json().await.unwrap()
}

#[tokio::test]
async fn every_value_that_reached_a_network_carries_resource_version_code_time_unit_and_original() {
    let app = TestApp::spawn().await;
    app.cards("inpatient-deterioration", "grace-miller").await;
    let record = newest(&app, "prediction").await;
    let measurements = record["content"]["models"][0]["input"]["measurements"].as_array().unwrap();
    assert!(measurements.len() > 100);
    for one in measurements {
        for pointer in [
            "/variable",
            "/source/reference",
            "/source/version",
            "/source/digest",
            "/code/system",
            "/code/code",
            "/time",
            "/unit",
            "/original_value",
            "/original_unit",
        ] {
            assert!(one.pointer(pointer).is_some_and(Value::is_string), "{pointer} is missing in {one}");
        }
    }
    let fever = measurements.iter().find(|one| one["variable"] == "Temp").unwrap();
    assert_eq!(fever["original_unit"], "degF");
    assert!((36.0..38.5).contains(&fever["value"].as_f64().unwrap()), "{fever}");
    let weight = measurements.iter().find(|one| one["variable"] == "Weight").unwrap();
    assert!((67.0..69.0).contains(&weight["value"].as_f64().unwrap()), "{weight}");
}

#[tokio::test]
async fn what_was_not_used_is_listed_with_its_reason() {
    let app = TestApp::spawn().await;
    app.cards("inpatient-deterioration", "hostile-input").await;
    let record = newest(&app, "prediction").await;
    let ignored = record["content"]["ignored"].as_array().unwrap();
    let reasons: std::collections::BTreeSet<&str> = ignored.iter().map(|one| one["reason"].as_str().unwrap()).collect();
    assert!(reasons.contains("entered-in-error"), "{reasons:?}");
    assert!(reasons.len() >= 4, "{reasons:?}");
}

#[tokio::test]
async fn the_record_holds_the_answer_byte_for_byte_and_feedback_is_linked_to_it() {
    let app = TestApp::spawn().await;
    let response = app.post("/cds-services/chart-review", &app.sample("mila-horvat").await).await;
    let body = response.text().await.unwrap();
    let prediction = newest(&app, "prediction").await;
    assert_eq!(prediction["content"]["response"], body.as_str());
    let answer: Value = serde_json::from_str(&body).unwrap();
    let card = &answer["cards"][0];
    let feedback = serde_json::json!({"feedback": [{"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": "2026-11-23T13:28:05Z",
        "overrideReason": {"reason": card["overrideReasons"][0], "userComment": "seen on the ward"}}]});
    assert_eq!(app.post("/cds-services/chart-review/feedback", &feedback).await.status(), 200);
    let record = newest(&app, "feedback").await;
    assert_eq!(record["links"][0], prediction["id"]);
    assert_eq!(record["content"]["card_known"], true);
    assert_eq!(record["content"]["feedback"]["overrideReason"]["userComment"], "seen on the ward");
}
