//! What every answer carries, who is let in, and what operators see.

use super::{CANARY, SERVICE, answered, refused, view};
use crate::support::TestApp;
use reqwest::{Method, Response};
use serde_json::json;

async fn with_header(app: &TestApp, name: &str, value: &str) -> Response {
    to_with_header(app, SERVICE, name, value).await
}

async fn to_with_header(app: &TestApp, path: &str, name: &str, value: &str) -> Response {
    let request = app.request(Method::POST, path).header("content-type", "application/json").header(name, value);
    request.body(view().to_string()).send().await.unwrap()
}

#[tokio::test]
async fn a_harmless_request_id_is_echoed_and_any_other_replaced() {
    let app = TestApp::spawn().await;
    let echoed = |response: &Response| response.headers()["x-request-id"].to_str().unwrap().to_owned();
    assert_eq!(echoed(&with_header(&app, "x-request-id", "ehr-7.A_9").await), "ehr-7.A_9");
    for bad in [CANARY.replace('-', " ").as_str(), "a/b", "x".repeat(65).as_str()] {
        let id = echoed(&with_header(&app, "x-request-id", bad).await);
        assert_ne!(id, bad);
        assert!(!id.is_empty());
    }
    let refusal = app.get("/nowhere").await;
    assert!(!echoed(&refusal).is_empty());
}

#[tokio::test]
async fn every_answer_forbids_guessing_and_keeping() {
    let app = TestApp::spawn().await;
    for response in [
        app.post(SERVICE, &view()).await,
        app.post(SERVICE, &json!({})).await,
        app.get("/nowhere").await,
        app.get("/healthz").await,
        app.get("/metrics").await,
    ] {
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert_eq!(response.headers()["referrer-policy"], "no-referrer");
    }
}

#[tokio::test]
async fn calls_that_are_not_from_this_machine_are_refused_all_alike() {
    let app = TestApp::spawn().await;
    let mut bodies = Vec::new();
    for (name, value) in [("x-forwarded-for", "10.0.0.1"), ("forwarded", "for=10.0.0.1"), ("host", "evil.example")] {
        for path in [SERVICE, "/cds-services/chart-review/feedback"] {
            let response = to_with_header(&app, path, name, value).await;
            assert_eq!(response.status(), 401, "{name}");
            assert_eq!(response.headers()["www-authenticate"], "Bearer");
            bodies.push(refused(response, 401).await);
        }
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn pages_about_patients_are_for_this_machine_too() {
    let app = TestApp::spawn().await;
    for path in ["/", "/try/samples", "/try/records"] {
        let response = app.request(Method::GET, path).header("x-forwarded-for", "10.0.0.1").send().await.unwrap();
        refused(response, 401).await;
        assert_ne!(app.get(path).await.status(), 401, "{path}");
    }
}

#[tokio::test]
async fn a_call_with_a_trace_of_the_caller_is_answered() {
    let app = TestApp::spawn().await;
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for value in [parent, "nonsense"] {
        answered(with_header(&app, "traceparent", value).await).await;
    }
}

#[tokio::test]
async fn operators_see_that_the_service_runs_is_ready_and_what_it_did() {
    let app = TestApp::spawn().await;
    assert_eq!(answered(app.get("/healthz").await).await["status"], "up");
    assert_eq!(answered(app.get("/readyz").await).await["status"], "ready");
    answered(app.post(SERVICE, &view()).await).await;
    app.post("/cds-services/Quagmire-Zebulon", &view()).await;
    app.get("/Quagmire-Zebulon").await;
    let response = app.get("/metrics").await;
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
    let text = response.text().await.unwrap();
    assert!(text.contains("auscult_requests_total{service=\"chart-review\",status=\"2xx\"} 1"), "{text}");
    assert!(text.contains("auscult_refusals_total{reason=\"no-address\"} 1"), "{text}");
    assert!(text.ends_with("# EOF\n"));
    assert!(!text.contains(CANARY));
}
