//! Section 2 of the requirements: discovery.

use super::{answered, assert_full, refused};
use crate::support::TestApp;
use auscult::cds_hooks::{hooks::Hook, template};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

async fn services(app: &TestApp) -> Vec<Value> {
    answered(app.get("/cds-services").await).await["services"].as_array().unwrap().clone()
}

#[tokio::test]
async fn discovery_lists_services_without_null_or_empty_members() {
    let app = TestApp::spawn().await;
    let response = app.get("/cds-services").await;
    assert_eq!(response.headers()["content-type"], "application/json");
    let body = answered(response).await;
    assert_eq!(body.as_object().unwrap().len(), 1);
    assert_full(&body, &["/services"]);
    let known = ["hook", "id", "title", "description", "prefetch", "usageRequirements", "version", "hookVersion"];
    for service in body["services"].as_array().unwrap() {
        for member in ["hook", "id", "title", "description", "version", "hookVersion"] {
            assert!(service[member].is_string(), "{member}");
        }
        assert!(service.as_object().unwrap().keys().all(|name| known.contains(&name.as_str())), "{service}");
        assert_eq!(service["version"].as_str().unwrap().split('.').count(), 3);
    }
}

#[tokio::test]
async fn ids_are_unique_and_every_listed_service_and_its_feedback_can_be_called() {
    let app = TestApp::spawn().await;
    let services = services(&app).await;
    assert!(!services.is_empty());
    let ids: BTreeSet<_> = services.iter().map(|service| service["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), services.len());
    for id in ids {
        refused(app.post(&format!("/cds-services/{id}"), &json!({})).await, 400).await;
        let feedback = app.post(&format!("/cds-services/{id}/feedback"), &json!({"feedback": []})).await;
        assert_eq!(feedback.status(), 200, "{id}");
    }
}

#[tokio::test]
async fn templates_and_hook_versions_are_those_of_the_library() {
    let app = TestApp::spawn().await;
    for service in services(&app).await {
        let hook = Hook::find(service["hook"].as_str().unwrap()).unwrap();
        assert_eq!(service["hookVersion"], hook.version);
        let prefetch = service["prefetch"].as_object().unwrap();
        for (key, query) in prefetch {
            assert_eq!(template::check(query.as_str().unwrap(), hook), Ok(()), "{key}");
        }
    }
}

#[tokio::test]
async fn a_client_that_has_the_list_is_told_that_it_still_holds() {
    let app = TestApp::spawn().await;
    let first = app.get("/cds-services").await;
    assert!(first.headers()["cache-control"].to_str().unwrap().contains("must-revalidate"));
    let tag = first.headers()["etag"].clone();
    let ask = |tag: &str| app.request(Method::GET, "/cds-services").header("if-none-match", tag).send();
    let again = ask(tag.to_str().unwrap()).await.unwrap();
    assert_eq!((again.status().as_u16(), again.headers()["etag"].clone()), (304, tag));
    assert_eq!(again.text().await.unwrap(), "");
    assert_eq!(ask("\"another\"").await.unwrap().status(), 200);
}

#[tokio::test]
async fn slashes_at_the_end_or_doubled_make_no_difference() {
    let app = TestApp::spawn().await;
    for path in ["/cds-services/", "//cds-services"] {
        assert_eq!(app.get(path).await.status(), 200, "{path}");
    }
    refused(app.post("/cds-services/chart-review/", &json!({})).await, 400).await;
}

#[tokio::test]
async fn other_methods_are_refused_with_those_that_there_are() {
    let app = TestApp::spawn().await;
    let response = app.post("/cds-services", &json!({})).await;
    assert_eq!(response.headers()["allow"], "GET, HEAD, OPTIONS");
    refused(response, 405).await;
    let head = app.request(Method::HEAD, "/cds-services").send().await.unwrap();
    assert_eq!(head.status(), 200);
    let options = app.request(Method::OPTIONS, "/cds-services").send().await.unwrap();
    assert_eq!((options.status().as_u16(), options.headers()["allow"].to_str().unwrap()), (204, "GET, HEAD, OPTIONS"));
}
