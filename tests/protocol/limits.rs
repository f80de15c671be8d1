//! Everything is bounded, and what is beyond the bounds is refused early and by name.

use super::{SERVICE, answered, raw, refused, reply, view, view_with};
use crate::support::TestApp;
use reqwest::Method;
use serde_json::{Value, json};
use std::{net::TcpStream, time::Duration};

/// The head of a call whose body of `length` bytes is yet to come.
fn head(length: usize) -> String {
    format!(
        "POST {SERVICE} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{{"
    )
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_whether_or_not_it_says_its_length() {
    let app = TestApp::spawn_with(&[("AUSCULT__HTTP__BODY_MAX_BYTES", "4096")]).await;
    let long = view_with("extension", json!({"org.example.pad": "x".repeat(8_000)}));
    refused(app.post(SERVICE, &long).await, 413).await;
    let mut unsaid = String::from(
        "POST /cds-services/chart-review HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\n",
    );
    for _ in 0..5 {
        unsaid.push_str(&format!("400\r\n{}\r\n", " ".repeat(1_024)));
    }
    let text = reply(raw(&app, unsaid.as_bytes())).await;
    assert!(text.starts_with("HTTP/1.1 413 ") && text.contains("OperationOutcome"), "{text}");
}

#[tokio::test]
async fn a_film_of_twenty_megabytes_arrives() {
    let app = TestApp::spawn().await;
    let film = "QUJD".repeat(5 * 1024 * 1024);
    assert!(
        answered(app.post(SERVICE, &view_with("extension", json!({"org.example.film": film}))).await).await["cards"]
            .is_array()
    );
}

#[tokio::test]
async fn json_nested_too_deeply_is_refused() {
    let app = TestApp::spawn().await;
    let nested = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    let words = refused(app.post(SERVICE, &view_with("extension", nested(64))).await, 400).await;
    assert!(words.contains("64"), "{words}");
    answered(app.post(SERVICE, &view_with("extension", nested(60))).await).await;
    let bomb = "[".repeat(3_000_000);
    let request = app.request(Method::POST, SERVICE).header("content-type", "application/json").body(bomb);
    refused(request.send().await.unwrap(), 400).await;
}

#[tokio::test]
async fn json_with_too_many_values_is_refused() {
    let app = TestApp::spawn_with(&[("AUSCULT__HTTP__JSON_ELEMENTS_MAX", "1000")]).await;
    let many: Value = vec![0; 1_001].into();
    refused(app.post(SERVICE, &view_with("extension", many)).await, 413).await;
    answered(app.post(SERVICE, &view()).await).await;
}

#[tokio::test]
async fn a_member_given_twice_is_refused() {
    let app = TestApp::spawn().await;
    let twice = view().to_string().replacen('{', "{\"hook\":\"order-sign\",", 1);
    let request = app.request(Method::POST, SERVICE).header("content-type", "application/json").body(twice);
    let words = refused(request.send().await.unwrap(), 400).await;
    assert!(words.contains("same name"), "{words}");
}

#[tokio::test]
async fn a_compressed_body_is_refused() {
    let app = TestApp::spawn().await;
    let request = app.request(Method::POST, SERVICE).header("content-encoding", "gzip");
    refused(request.header("content-type", "application/json").body("{}").send().await.unwrap(), 415).await;
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_given_up() {
    let app = TestApp::spawn_with(&[("AUSCULT__HTTP__BODY_TIMEOUT_S", "1")]).await;
    let text = reply(raw(&app, head(1_000).as_bytes())).await;
    assert!(text.starts_with("HTTP/1.1 408 ") && text.contains("OperationOutcome"), "{text}");
}

/// Begins a call that announces `length` bytes and does not send them, then makes another, which should be refused
/// with 503 because bodies together are bounded. If the other was there first, the roles are reversed, so the pair is tried again.
async fn refused_beside_a_held_call(app: &TestApp, length: usize) -> TcpStream {
    for _ in 0..50 {
        let holding = raw(app, head(length).as_bytes());
        tokio::time::sleep(Duration::from_millis(50)).await;
        let response = app.post(SERVICE, &view()).await;
        if response.status() == 503 {
            assert!(response.headers()["retry-after"].to_str().unwrap().parse::<u32>().unwrap() > 0);
            refused(response, 503).await;
            return holding;
        }
    }
    panic!("no call was refused beside the one that is held");
}

async fn answered_again(app: &TestApp) {
    for _ in 0..100 {
        if app.post(SERVICE, &view()).await.status() == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the place is not free again although the caller has gone");
}

#[tokio::test]
async fn an_upload_that_never_ends_takes_no_place_from_calls_that_compute() {
    let app = TestApp::spawn_with(&[("AUSCULT__HTTP__MAX_IN_FLIGHT", "1")]).await;
    let _holding = raw(&app, head(1_000).as_bytes());
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(app.post(SERVICE, &view()).await.status(), 200);
}

#[tokio::test]
async fn bodies_together_take_no_more_memory_than_set() {
    let environment = [("AUSCULT__HTTP__BODY_MEMORY_MIB", "1"), ("AUSCULT__HTTP__BODY_MAX_BYTES", "1048576")];
    let app = TestApp::spawn_with(&environment).await;
    drop(refused_beside_a_held_call(&app, 1 << 20).await);
    answered_again(&app).await;
}
