//! Section 11 of the requirements: clients that are web pages.

use super::{SERVICE, refused, view};
use crate::support::TestApp;
use reqwest::{Method, Response};
use serde_json::json;

const OURS: &str = "https://sandbox.cds-hooks.org";
const ADDRESSES: [(&str, &str); 3] =
    [("/cds-services", "GET"), (SERVICE, "POST"), ("/cds-services/chart-review/feedback", "POST")];

async fn open_to_sandbox() -> TestApp {
    TestApp::spawn_with(&[("AUSCULT__HTTP__ALLOWED_ORIGINS", &format!("[{OURS:?}]"))]).await
}

async fn preflight(app: &TestApp, path: &str, method: &str, origin: &str) -> Response {
    app.request(Method::OPTIONS, path)
        .header("origin", origin)
        .header("access-control-request-method", method)
        .header("access-control-request-headers", "authorization,content-type")
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn preflight_is_answered_for_a_listed_origin_without_identity() {
    let app = open_to_sandbox().await;
    for (path, method) in ADDRESSES {
        let response = preflight(&app, path, method, OURS).await;
        assert!(response.status().is_success(), "{path}: {}", response.status());
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_lowercase();
        assert_eq!(header("access-control-allow-origin"), OURS);
        assert!(header("access-control-allow-methods").contains(&method.to_lowercase()));
        for name in ["authorization", "content-type"] {
            assert!(header("access-control-allow-headers").contains(name), "{name}");
        }
        assert!(header("access-control-max-age").parse::<u32>().unwrap() >= 600);
        assert!(header("vary").contains("origin"));
    }
}

#[tokio::test]
async fn errors_carry_the_headers_too_so_that_a_page_can_read_them() {
    let app = open_to_sandbox().await;
    let send = |path: &str, body: String| {
        let request = app.request(Method::POST, path).header("origin", OURS).header("content-type", "application/json");
        request.body(body).send()
    };
    let mut unsupplied = view();
    unsupplied["prefetch"] = json!({});
    for (path, body, status) in [
        (SERVICE, String::from("{"), 400),
        (SERVICE, unsupplied.to_string(), 412),
        ("/cds-services/none", view().to_string(), 404),
        ("/cds-services", String::from("{}"), 405),
    ] {
        let response = send(path, body).await.unwrap();
        assert_eq!(response.headers()["access-control-allow-origin"], OURS, "{status}");
        assert!(response.headers()["vary"].to_str().unwrap().to_lowercase().contains("origin"));
        refused(response, status).await;
    }
}

#[tokio::test]
async fn another_origin_is_answered_without_leave_to_read() {
    let app = open_to_sandbox().await;
    for origin in
        ["https://evil.example", "http://sandbox.cds-hooks.org", "https://sandbox.cds-hooks.org.evil.example", "null"]
    {
        for (path, method) in ADDRESSES {
            let response = preflight(&app, path, method, origin).await;
            assert_eq!(response.headers().get("access-control-allow-origin"), None, "{origin} {path}");
        }
        let response = app.request(Method::GET, "/cds-services").header("origin", origin).send().await.unwrap();
        assert_eq!(response.headers().get("access-control-allow-origin"), None, "{origin}");
        assert!(response.headers()["vary"].to_str().unwrap().to_lowercase().contains("origin"));
    }
}

#[tokio::test]
async fn nobody_is_listed_unless_configured() {
    let app = TestApp::spawn().await;
    let response = preflight(&app, SERVICE, "POST", OURS).await;
    assert_eq!(response.headers().get("access-control-allow-origin"), None);
    refused(response, 400).await;
}
