//! The networks' papers over HTTP: pages, JSON, caching, and who may see them.

use super::{answered, refused};
use crate::support::{TestApp, command};
use reqwest::Method;
use serde_json::Value;
use tempfile::TempDir;

async fn names(app: &TestApp) -> Vec<String> {
    let body = answered(app.get("/models.json").await).await;
    body["models"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn models_lists_exactly_what_check_lists_with_the_same_figures() {
    let app = TestApp::spawn().await;
    let output = command(&TempDir::new().unwrap()).arg("check").output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let mut lines: Vec<&str> = said.lines().filter(|line| line.starts_with("network ")).collect();
    lines.sort_unstable();
    let body = answered(app.get("/models.json").await).await;
    let models = body["models"].as_array().unwrap();
    assert_eq!(lines.len(), models.len(), "{said}");
    for (line, model) in lines.iter().zip(models) {
        let start = format!("network {} {}: ", model["name"].as_str().unwrap(), model["version"].as_str().unwrap());
        assert!(line.starts_with(&start), "{line}");
        let value = model["headline"]["value"].as_f64().unwrap();
        assert!(line.contains(&format!("{value:.3}")) && line.contains("n = "), "{line}");
        if let Some(low) = model["headline"]["interval"][0].as_f64() {
            assert!(line.contains(&format!("({low:.3} to ")), "{line}");
        }
    }
}

#[tokio::test]
async fn every_network_has_a_page_and_a_document_at_the_address_the_list_gives() {
    let app = TestApp::spawn().await;
    let body = answered(app.get("/models.json").await).await;
    let list = app.get("/models").await.text().await.unwrap();
    for model in body["models"].as_array().unwrap() {
        let address = model["page"].as_str().unwrap();
        assert!(list.contains(&format!("href=\"{address}\"")), "{address}");
        let page = app.get(address).await;
        assert_eq!(page.status(), 200);
        assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
        let page = page.text().await.unwrap();
        assert!(page.contains(model["title"].as_str().unwrap()) && !page.contains("<script"));
        let document = answered(app.get(model["json"].as_str().unwrap()).await).await;
        assert_eq!(document["manifest"]["name"], model["name"]);
        assert_eq!(document["digest"], model["manifest"]);
        assert!(document["manifest"]["labels"][0]["threshold"].is_number());
        assert!(page.contains(document["digest"].as_str().unwrap()));
    }
}

#[tokio::test]
async fn programs_ask_for_json_at_the_pages_own_address() {
    let app = TestApp::spawn().await;
    let ask = |path: String, accept: &'static str| app.request(Method::GET, &path).header("accept", accept).send();
    for path in ["/models".to_owned(), format!("/models/{}", names(&app).await[0])] {
        let json = ask(path.clone(), "application/json").await.unwrap();
        assert_eq!(json.headers()["content-type"], "application/json");
        assert_eq!(json.headers()["vary"].to_str().unwrap().split(", ").next(), Some("Accept"));
        let _: Value = json.json().await.unwrap();
        let page = ask(path, "text/html,application/xhtml+xml,application/json;q=0.9").await.unwrap();
        assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    }
}

#[tokio::test]
async fn an_unknown_network_is_refused_in_words_or_as_an_outcome() {
    let app = TestApp::spawn().await;
    for name in ["no-such-network", "..%2Fchest-radiograph", "%3Cscript%3E", "UPPER"] {
        let page = app.get(&format!("/models/{name}")).await;
        assert_eq!(page.status(), 404, "{name}");
        assert!(page.headers()["content-type"].to_str().unwrap().starts_with("text/html"), "{name}");
        let text = page.text().await.unwrap();
        assert!(text.contains("There is no such network") && !text.contains("<script"), "{text}");
        refused(app.get(&format!("/models/{name}.json")).await, 404).await;
    }
}

#[tokio::test]
async fn pages_are_cached_by_their_digest_and_have_the_headers_of_all_pages() {
    let app = TestApp::spawn().await;
    for path in ["/models".to_owned(), "/models.json".into(), format!("/models/{}", names(&app).await[0])] {
        let first = app.get(&path).await;
        let header = |name: &str| first.headers()[name].to_str().unwrap().to_owned();
        assert!(header("cache-control").contains("must-revalidate"));
        assert_eq!(
            (header("x-content-type-options"), header("referrer-policy")),
            ("nosniff".into(), "no-referrer".into())
        );
        assert!(header("content-security-policy").starts_with("default-src 'none'"));
        assert!(!header("content-security-policy").contains("unsafe-inline"));
        let again = app.request(Method::GET, &path).header("if-none-match", header("etag")).send().await.unwrap();
        assert_eq!(
            (again.status().as_u16(), again.headers()["etag"].to_str().unwrap()),
            (304, header("etag").as_str())
        );
        assert_eq!(again.text().await.unwrap(), "");
        let head = app.request(Method::HEAD, &path).send().await.unwrap();
        assert_eq!((head.status().as_u16(), head.headers()["etag"].to_str().unwrap()), (200, header("etag").as_str()));
        assert_eq!(head.text().await.unwrap(), "");
        let post = app.post(&path, &serde_json::json!({})).await;
        assert_eq!(post.headers()["allow"], "GET, HEAD, OPTIONS");
        refused(post, 405).await;
    }
}

#[tokio::test]
async fn papers_hold_nothing_about_patients_so_everyone_may_read_them() {
    let app = TestApp::spawn().await;
    for path in ["/models", "/models.json", "/try/style.css"] {
        let response = app.request(Method::GET, path).header("x-forwarded-for", "10.0.0.1").send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
    }
}
