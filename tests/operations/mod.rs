//! Running it: killed, stopped, overloaded, out of time, without a store; and what its log may not hold.

mod crash;
mod outage;
mod privacy;

use crate::support::TestApp;
use futures_util::future::join_all;
use serde_json::Value;
use std::time::Duration;

async fn outcome(response: reqwest::Response) -> (u16, Value) {
    let status = response.status().as_u16();
    (status, response.json().await.expect("every answer is JSON"))
}

/// A line of the metrics that says that an invocation is being answered.
fn is_busy(line: &str) -> bool {
    line.starts_with("auscult_in_flight ") && !line.ends_with(" 0")
}

#[tokio::test]
async fn stopping_finishes_what_is_in_flight_and_then_ends_in_good_order() {
    let mut app = TestApp::spawn().await;
    let body = app.sample("walter-brandt").await;
    let calls: Vec<_> = (0..12)
        .map(|index| {
            let mut body = body.clone();
            body["hookInstance"] = format!("6f1b3f0a-0000-4000-8000-{index:012}").into();
            app.request(reqwest::Method::POST, "/cds-services/chart-review").json(&body).send()
        })
        .collect();
    let stop = async {
        for _ in 0..500 {
            if app.get("/metrics").await.text().await.unwrap().lines().any(is_busy) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        app.signal("TERM");
    };
    let (calls, ()) = tokio::join!(join_all(calls), stop);
    // A call whose connection was not yet accepted may be refused; an accepted one is answered in full.
    let mut answered = 0;
    for response in calls.into_iter().flatten() {
        let (status, body) = outcome(response).await;
        assert!(status == 200 || status == 503, "{status}");
        if status == 200 {
            assert!(!body["cards"].as_array().unwrap().is_empty());
            answered += 1;
        }
    }
    assert!(answered > 0, "nothing was in flight");
    assert!(app.wait().success());
    assert!(app.log.lock().unwrap().contains("everything in flight was answered"));
}

#[tokio::test]
async fn an_answer_whose_record_cannot_be_stored_is_withheld() {
    let app = TestApp::spawn_with(&[("AUSCULT__AUDIT__RECORD_MAX_BYTES", "4096")]).await;
    let response = app.post("/cds-services/chart-review", &app.sample("walter-brandt").await).await;
    let (status, body) = outcome(response).await;
    assert_eq!((status, &body["resourceType"]), (503, &"OperationOutcome".into()));
    assert!(body.get("cards").is_none());
}

#[tokio::test]
async fn without_time_for_any_network_the_answer_is_a_failure_and_never_an_empty_list() {
    let settings = [("AUSCULT__DECISION__DEADLINE_MS", "61"), ("AUSCULT__DECISION__RECORD_RESERVE_MS", "60")];
    let app = TestApp::spawn_with(&settings).await;
    let (status, body) =
        outcome(app.post("/cds-services/chart-review", &app.sample("walter-brandt").await).await).await;
    assert_eq!((status, &body["resourceType"]), (504, &"OperationOutcome".into()));
}

#[tokio::test]
async fn more_calls_than_permits_are_refused_at_once_with_a_time_to_come_back() {
    let app = TestApp::spawn_with(&[("AUSCULT__HTTP__MAX_IN_FLIGHT", "1")]).await;
    let body = app.sample("walter-brandt").await;
    let calls = (0..16).map(|_| app.post("/cds-services/chart-review", &body));
    let (mut served, mut refused) = (0, 0);
    for response in join_all(calls).await {
        match response.status().as_u16() {
            200 => served += 1,
            503 => {
                assert!(response.headers().contains_key("retry-after"));
                refused += 1;
            }
            other => panic!("unexpected status {other}"),
        }
    }
    assert!(served >= 1 && refused >= 1, "{served} served, {refused} refused");
}

#[tokio::test]
async fn health_readiness_and_metrics_answer() {
    let app = TestApp::spawn().await;
    app.cards("chart-review", "ingrid-solberg").await;
    assert_eq!(app.get("/healthz").await.status(), 200);
    assert_eq!(app.get("/readyz").await.status(), 200);
    let metrics = app.get("/metrics").await.text().await.unwrap();
    assert!(metrics.contains("chart-review") && metrics.contains("# TYPE"), "{metrics}");
}

#[tokio::test]
async fn a_second_service_on_the_same_port_says_so_and_ends() {
    let app = TestApp::spawn().await;
    let port = app.url.rsplit(':').next().unwrap().to_owned();
    let folder = tempfile::TempDir::new().unwrap();
    let output =
        crate::support::command(&folder).env("AUSCULT__HTTP__LISTEN", format!("127.0.0.1:{port}")).output().unwrap();
    assert!(!output.status.success());
    assert!(!output.stderr.is_empty());
}
