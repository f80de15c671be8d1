//! The link on a card: opens one explanation for a time, for whoever holds it, and is recorded.

use crate::support::TestApp;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::{Method, Response};
use serde_json::Value;
use sha2::Sha256;
use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};
use std::{os::unix::fs::PermissionsExt as _, sync::Arc, time::Duration};

const SAMPLE: &str = "walter-brandt";
const SERVICE: &str = "chest-radiograph";
/// 32 bytes `s`, so that a test can sign too.
const KEY: &str = "c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M=";

/// The path of a card's explanation as it stands on the card, and the card's uuid.
pub(super) async fn link(app: &TestApp) -> (String, String) {
    let card = app.cards(SERVICE, SAMPLE).await.remove(0);
    let url = card["links"][0]["url"].as_str().unwrap();
    (url.strip_prefix(&app.url).unwrap().to_owned(), card["uuid"].as_str().unwrap().to_owned())
}

/// The same as the service signs.
fn signed(card: &str, until: i64) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(&[b's'; 32]).unwrap();
    mac.update(format!("auscult-explain-v1\n36:{card}\n{}:{until}", until.to_string().len()).as_bytes());
    format!("/explain/{card}?until={until}&key={}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

/// Asserts a page in words with this status.
pub(super) async fn page(response: Response, status: u16) -> String {
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["referrer-policy"], "no-referrer");
    assert_eq!(response.status().as_u16(), status);
    let text = response.text().await.unwrap();
    assert!(kind.starts_with("text/html") && text.contains("<h1>"), "{kind} {text}");
    text
}

pub(super) async fn send(app: &TestApp, link: &str, form: &[(&str, &str)]) -> Response {
    app.request(Method::POST, &link.replace('?', "/feedback?"))
        .form(form)
        .header("origin", "null")
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn the_link_on_a_card_opens_its_explanation_without_a_login_and_holds_nothing_about_the_patient() {
    let app = TestApp::spawn().await;
    let (link, card) = link(&app).await;
    let shape: Vec<&str> = link.split(['?', '&', '=']).collect();
    assert_eq!((shape[0], shape[1], shape[3], shape.len()), (format!("/explain/{card}").as_str(), "until", "key", 5));
    // As from another machine, through a proxy.
    let response = app.request(Method::GET, &link).header("x-forwarded-for", "10.0.0.1").send().await.unwrap();
    assert!(page(response, 200).await.contains("Why this card?"));
}

#[tokio::test]
async fn a_link_without_key_with_a_changed_one_or_with_another_cards_opens_nothing_and_says_nothing() {
    let app = TestApp::spawn().await;
    let ((first, card), (second, other)) = (link(&app).await, link(&app).await);
    let query = |link: &str| link.split_once('?').unwrap().1.to_owned();
    let unknown = "4e0a3a1e-3283-4575-ab82-028d55fe2719";
    let mut pages = Vec::new();
    for wrong in [
        format!("/explain/{card}"),
        format!("/explain/{card}?{}", query(&second)),
        format!("/explain/{other}?{}", query(&first)),
        format!("/explain/{card}?{}", query(&first).replace("until=1", "until=2")),
        format!("{}x", first),
        format!("{first}&by=smart-launch"),
        format!("/explain/{unknown}?{}", query(&first)),
        "/explain/nothing".to_owned(),
    ] {
        pages.push(page(app.get(&wrong).await, 404).await);
        let asked = if wrong.contains('?') { wrong } else { format!("{wrong}?") };
        page(send(&app, &asked, &[("reason", "0")]).await, 404).await;
    }
    assert!(pages.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(app.records("access").await.len() + app.records("feedback").await.len(), 0);
}

#[tokio::test]
async fn a_link_that_is_over_says_to_open_the_card_again() {
    let app = TestApp::spawn_with(&[("AUSCULT__HTTP__LINK_KEY", KEY)]).await;
    let (link, card) = link(&app).await;
    let until: i64 = link.split(['=', '&']).nth(1).unwrap().parse().unwrap();
    assert_eq!(link, signed(&card, until), "signed as documented");
    let text = page(app.get(&signed(&card, until - 73 * 3_600)).await, 410).await;
    assert!(text.contains("open the card again in your record system"), "{text}");
    page(send(&app, &signed(&card, until - 73 * 3_600), &[("reason", "0")]).await, 410).await;
    page(app.get(&signed(&card, until + 9)).await, 200).await;
    // A true key to a card that was never shown is no different from a wrong one.
    page(app.get(&signed("4e0a3a1e-3283-4575-ab82-028d55fe2719", until)).await, 404).await;
}

#[tokio::test]
async fn every_opening_is_in_the_record_with_the_card_and_the_browser() {
    let app = TestApp::spawn().await;
    let (link, card) = link(&app).await;
    let request = app.request(Method::GET, &link).header("user-agent", "x".repeat(400)).header("accept-language", "de");
    page(request.send().await.unwrap(), 200).await;
    let [access] = &app.records("access").await[..] else { panic!("one record") };
    let prediction = app.records("prediction").await.remove(0);
    let content = &access["content"];
    assert_eq!(
        (&content["what"], &content["by"], &content["language"]),
        (&"explanation".into(), &"link".into(), &"de".into())
    );
    assert_eq!(content["user_agent"].as_str().unwrap().len(), 200);
    assert_eq!((&content["card"], &content["record"]), (&Value::from(card.as_str()), &prediction["id"]));
    assert_eq!((&access["cards"][0], &access["links"][0]), (&Value::from(card.as_str()), &prediction["id"]));
    assert_eq!(access["svc"], SERVICE);
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_shown() {
    let app = TestApp::spawn_with(&[("AUSCULT__AUDIT__WRITE_DEADLINE_MS", "1500")]).await;
    let (link, _) = link(&app).await;
    let mut connection = SqliteConnectOptions::new().filename(app.database()).connect().await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
    let response = app.get(&link).await;
    assert!(response.headers().contains_key("retry-after"));
    let text = page(response, 503).await;
    assert!(!text.contains("What it looked at") && text.contains("recorded"), "{text}");
    page(send(&app, &link, &[("reason", "0")]).await, 503).await;
    connection.close().await.unwrap();
    assert_eq!(app.records("feedback").await.len(), 0);
}

#[tokio::test]
async fn the_key_is_made_once_for_its_owner_outlives_a_restart_and_is_never_said() {
    let debug = [("AUSCULT__LOG__FILTER", "debug")];
    let mut app = TestApp::spawn_with(&debug).await;
    let (link, _) = link(&app).await;
    let file = app.folder.path().join("data/links.key");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let key = std::fs::read_to_string(&file).unwrap();
    app.signal("TERM");
    app.wait();
    let folder = Arc::clone(&app.folder);
    let again = TestApp::spawn_in(folder, &debug).await;
    page(again.get(&link).await, 200).await;
    assert_eq!(std::fs::read_to_string(&file).unwrap(), key);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let signature = link.split("key=").nth(1).unwrap();
    for log in [&app.log, &again.log] {
        let log = log.lock().unwrap();
        assert!(!log.contains(key.trim()) && !log.contains(signature), "the key is in the log");
    }
}
