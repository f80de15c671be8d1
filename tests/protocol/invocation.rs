//! Sections 3, 4b, 6 and 7 of the requirements: a call, and the status of its answer.

use super::{CANARY, SERVICE, answered, assert_full, refused, view, view_with};
use crate::support::TestApp;
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_complete_call_is_answered_with_cards_and_no_null_or_empty_member() {
    let app = TestApp::spawn().await;
    let response = app.post(SERVICE, &view()).await;
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let body = answered(response).await;
    assert!(body["cards"].is_array());
    assert!(body.as_object().unwrap().keys().all(|name| ["cards", "systemActions"].contains(&name.as_str())));
    assert_full(&body, &["/cards"]);
}

#[tokio::test]
async fn what_real_clients_add_or_bend_is_tolerated() {
    let app = TestApp::spawn().await;
    let mut prefixed = view();
    prefixed["context"] = json!({"userId": "dr-house", "patientId": "Patient/p-1", "encounterId": null, "extra": [1]});
    let mut unrequested = view();
    unrequested["prefetch"]["somethingElse"] = json!({"resourceType": "Basic"});
    unrequested["prefetch"]["user"] = json!("123");
    let open_server = view_with("fhirServer", json!("https://launch.example/v/r4/fhir"));
    let mut granted = open_server.clone();
    granted["fhirAuthorization"] = json!({
        "access_token": "t", "token_type": "Bearer", "expires_in": 300, "scope": "patient/*.rs", "subject": "x",
    });
    for body in [
        view_with("extension", json!({"org.example.flag": true})),
        view_with("user", json!("Practitioner/1")),
        view_with("hookInstance", json!("randomGUIDforthehookevent")),
        prefixed,
        unrequested,
        open_server,
        granted,
    ] {
        assert!(answered(app.post(SERVICE, &body).await).await["cards"].is_array(), "{body}");
    }
}

#[tokio::test]
async fn a_missing_required_member_is_named() {
    let app = TestApp::spawn().await;
    for member in ["hook", "hookInstance", "context"] {
        let words = refused(app.post(SERVICE, &view_with(member, Value::Null)).await, 400).await;
        assert!(words.contains(member), "{words}");
    }
    for (field, context) in
        [("patientId", json!({"userId": "Practitioner/1"})), ("userId", json!({"patientId": "p-1"}))]
    {
        let words = refused(app.post(SERVICE, &view_with("context", context)).await, 400).await;
        assert!(words.contains(field), "{words}");
    }
}

#[tokio::test]
async fn members_of_another_kind_are_refused_and_never_repeated() {
    let app = TestApp::spawn().await;
    for member in ["hook", "hookInstance", "context", "prefetch"] {
        for value in [json!([CANARY]), json!(17), json!(false)] {
            refused(app.post(SERVICE, &view_with(member, value)).await, 400).await;
        }
    }
    for body in [json!([view()]), json!(CANARY), json!(null)] {
        refused(app.post(SERVICE, &body).await, 400).await;
    }
}

#[tokio::test]
async fn another_hook_than_the_service_offers_is_refused() {
    let app = TestApp::spawn().await;
    for hook in ["order-sign", "no-such-hook", CANARY] {
        let words = refused(app.post(SERVICE, &view_with("hook", json!(hook))).await, 400).await;
        assert!(words.contains("patient-view"), "{words}");
    }
}

#[tokio::test]
async fn required_data_that_is_not_supplied_gives_412_and_its_key() {
    let app = TestApp::spawn().await;
    let outcome = json!({"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "forbidden"}]});
    for prefetch in [
        Value::Null,
        json!({}),
        json!({"patient": null}),
        json!({"patient": outcome}),
        json!({"patient": "p-1"}),
        json!({"patient": {"resourceType": "Basic", "id": "p-1"}}),
    ] {
        let words = refused(app.post(SERVICE, &view_with("prefetch", prefetch)).await, 412).await;
        assert!(words.contains("patient"), "{words}");
    }
}

#[tokio::test]
async fn data_about_another_patient_are_refused() {
    let app = TestApp::spawn().await;
    let mut body = view();
    body["prefetch"]["patient"]["id"] = json!("p-2");
    refused(app.post(SERVICE, &body).await, 412).await;
}

#[tokio::test]
async fn the_same_call_twice_gives_two_records() {
    let app = TestApp::spawn().await;
    for _ in 0..2 {
        answered(app.post(SERVICE, &view()).await).await;
    }
    let metrics = app.get("/metrics").await.text().await.unwrap();
    assert!(metrics.contains("auscult_records_total{result=\"stored\"} 2"), "{metrics}");
}

#[tokio::test]
async fn json_is_accepted_under_its_names_and_nothing_else_is() {
    let app = TestApp::spawn().await;
    let send =
        |kind: &str| app.request(Method::POST, SERVICE).header("content-type", kind).body(view().to_string()).send();
    for kind in ["application/json", "application/json; charset=utf-8", "application/fhir+json", "APPLICATION/JSON"] {
        assert_eq!(send(kind).await.unwrap().status(), 200, "{kind}");
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/xml"] {
        refused(send(kind).await.unwrap(), 415).await;
    }
    let untyped = app.request(Method::POST, SERVICE).body(view().to_string()).send().await.unwrap();
    refused(untyped, 415).await;
}

#[tokio::test]
async fn a_byte_order_mark_in_front_is_skipped() {
    let app = TestApp::spawn().await;
    let body = format!("\u{FEFF}{}", view());
    let request = app.request(Method::POST, SERVICE).header("content-type", "application/json").body(body);
    answered(request.send().await.unwrap()).await;
}

#[tokio::test]
async fn what_is_not_json_is_refused_without_being_repeated() {
    let app = TestApp::spawn().await;
    let cut = view().to_string();
    for body in
        [&b""[..], b"{", CANARY.as_bytes(), &cut.as_bytes()[..cut.len() - 1], b"{'hook': 1}", b"{} {}", b"\"\xFF\""]
    {
        let request = app.request(Method::POST, SERVICE).header("content-type", "application/json").body(body.to_vec());
        refused(request.send().await.unwrap(), 400).await;
    }
}

#[tokio::test]
async fn an_unknown_service_or_address_is_not_found() {
    let app = TestApp::spawn().await;
    for path in [
        "/cds-services/none",
        "/cds-services/UPPER",
        "/cds-services/%2e%2e%2fetc",
        "/cds-services/none/feedback",
        "/cds-services/chart-review/other",
        "/nowhere",
    ] {
        refused(app.post(path, &view()).await, 404).await;
    }
}

#[tokio::test]
async fn a_service_is_called_with_post_only() {
    let app = TestApp::spawn().await;
    let response = app.get(SERVICE).await;
    assert_eq!(response.headers()["allow"], "POST, OPTIONS");
    refused(response, 405).await;
}

#[tokio::test]
async fn an_access_token_never_comes_back() {
    let app = TestApp::spawn().await;
    let mut body = view_with("fhirServer", json!("https://ehr.example/fhir"));
    body["fhirAuthorization"] = json!({
        "access_token": CANARY, "token_type": "Bearer", "expires_in": 300, "scope": "patient/*.rs",
        "subject": "auscult", "patient": "p-2",
    });
    let response = app.post(SERVICE, &body).await;
    let status = response.status().as_u16();
    assert!(status == 400 || status == 412, "a token for another patient: {status}");
    refused(response, status).await;
}
