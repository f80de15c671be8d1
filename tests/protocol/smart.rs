//! A card's explanation launched as a SMART app: registered EHRs, this browser, the open patient.

use crate::support::{TestApp, ehr::Ehr};
use reqwest::{Method, Response, Url};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const SAMPLE: &str = "walter-brandt";
const SERVICE: &str = "/cds-services/chest-radiograph";

/// The service with one EHR that may launch.
async fn service(ehr: &Ehr) -> TestApp {
    let smart = format!("[{{ issuer = \"{}\", client_id = \"auscult-test\" }}]", ehr.issuer());
    TestApp::spawn_with(&[("AUSCULT__SMART", &smart), ("AUSCULT__LOG__FILTER", "debug")]).await
}

/// A card shown to an EHR with this FHIR server, and its patient.
async fn card(app: &TestApp, fhir_server: &str) -> (Value, String) {
    let mut body = app.sample(SAMPLE).await;
    body["fhirServer"] = fhir_server.into();
    let answer: Value = app.post(SERVICE, &body).await.json().await.unwrap();
    (answer["cards"][0].clone(), body["context"]["patientId"].as_str().unwrap().to_owned())
}

fn smart_link(card: &Value) -> Option<&Value> {
    card["links"].as_array().unwrap().iter().find(|link| link["type"] == "smart")
}

fn location(response: &Response) -> Url {
    Url::parse(response.headers()["location"].to_str().unwrap()).unwrap()
}

fn query(url: &Url) -> BTreeMap<String, String> {
    url.query_pairs().into_owned().collect()
}

/// The path and query of an address of the service.
fn path(url: &Url) -> String {
    url.as_str().split_at(url.as_str().find(url.path()).unwrap()).1.to_owned()
}

/// Launches; gives the address of the authorisation server and the cookie.
async fn launch(app: &TestApp, issuer: &str) -> (Url, String) {
    let response = app.get(&format!("/smart/launch?iss={}&launch=ZqLaunch", issuer.replace(':', "%3A"))).await;
    assert_eq!(response.status(), 302);
    let cookie = response.headers()["set-cookie"].to_str().unwrap().to_owned();
    for part in ["; HttpOnly", "; SameSite=Lax", "; Path=/smart/callback", "; Max-Age=600"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    (location(&response), cookie.split(';').next().unwrap().to_owned())
}

/// Lets the EHR authorise, and comes back with these cookies.
async fn come_back(app: &TestApp, to: &Url, cookie: &str) -> Response {
    let client = auscult::http::outbound::client(std::time::Duration::from_secs(10)).unwrap();
    let back = location(&client.get(to.clone()).send().await.unwrap());
    assert!(back.as_str().starts_with(&format!("{}/smart/callback?code=", app.url)), "{back}");
    app.request(Method::GET, &path(&back)).header("cookie", cookie).send().await.unwrap()
}

async fn page(response: Response, status: u16) -> String {
    let got = response.status().as_u16();
    let text = response.text().await.unwrap();
    assert_eq!(got, status, "{text}");
    assert!(text.contains("<h1>"), "{text}");
    text
}

#[tokio::test]
async fn a_card_leads_through_the_ehrs_authorisation_to_its_explanation_for_the_open_patient() {
    let ehr = Ehr::start().await;
    let app = service(&ehr).await;
    let (card, patient) = card(&app, &ehr.issuer()).await;
    let link = smart_link(&card).unwrap();
    assert_eq!(link["url"], format!("{}/smart/launch", app.url));
    ehr.grant(&patient, &link["appContext"]);

    let (to, cookie) = launch(&app, &ehr.issuer()).await;
    let asked = query(&to);
    assert!(to.as_str().starts_with(&format!("{}/authorize?", ehr.url)), "{to}");
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "auscult-test"),
        ("scope", "launch"),
        ("aud", &ehr.issuer()),
        ("launch", "ZqLaunch"),
        ("code_challenge_method", "S256"),
        ("redirect_uri", &format!("{}/smart/callback", app.url)),
    ] {
        assert_eq!(asked[name], value, "{name}");
    }
    let response = come_back(&app, &to, &cookie).await;
    assert_eq!(response.status(), 303);
    let opened = response.headers()["location"].to_str().unwrap().to_owned();
    assert!(response.headers()["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    let text = page(app.get(&opened).await, 200).await;
    assert!(text.contains("Why this card?"), "{text}");

    let access = app.records("access").await.remove(0);
    assert_eq!((&access["content"]["by"], &access["content"]["card"]), (&"smart-launch".into(), &card["uuid"]));
    let notes = ehr.notes.lock().unwrap();
    assert_eq!((notes.token_form["client_id"].as_str(), notes.authorization.as_deref()), ("auscult-test", None));
    let log = app.log.lock().unwrap();
    for secret in ["ZqToken", "ZqCode", "ZqLaunch", notes.token_form["code_verifier"].as_str()] {
        assert!(!log.contains(secret), "`{secret}` is in the log");
    }
}

#[tokio::test]
async fn only_a_registered_ehr_gets_the_link_and_may_launch() {
    let ehr = Ehr::start().await;
    let app = service(&ehr).await;
    let (other, _) = card(&app, "https://other.example/fhir").await;
    assert_eq!(smart_link(&other), None);
    for query in [
        "?iss=https%3A%2F%2Fevil.example%2Ffhir&launch=x".to_owned(),
        format!("?iss={}x&launch=x", ehr.issuer()),
        format!("?iss={}", ehr.issuer()),
        format!("?iss={}&launch=", ehr.issuer()),
        String::new(),
    ] {
        let text = page(app.get(&format!("/smart/launch{query}")).await, 400).await;
        assert!(!text.contains("evil.example"), "nothing of the request is repeated");
    }
}

#[tokio::test]
async fn the_way_back_is_only_for_the_browser_that_went_and_with_its_own_state() {
    let ehr = Ehr::start().await;
    let app = service(&ehr).await;
    let (card, patient) = card(&app, &ehr.issuer()).await;
    ehr.grant(&patient, &smart_link(&card).unwrap()["appContext"]);
    let ((to, cookie), (_, other)) = (launch(&app, &ehr.issuer()).await, launch(&app, &ehr.issuer()).await);
    page(come_back(&app, &to, "").await, 400).await;
    page(come_back(&app, &to, &other).await, 400).await;
    let (name, _) = cookie.split_once('=').unwrap();
    let (_, foreign) = other.split_once('=').unwrap();
    page(come_back(&app, &to, &format!("{name}={foreign}")).await, 400).await;
    let state = query(&to)["state"].clone();
    for query in ["code=x&state=wrong", "code=x", "", &format!("code=x&state={state}x")] {
        let request = app.request(Method::GET, &format!("/smart/callback?{query}")).header("cookie", &cookie);
        page(request.send().await.unwrap(), 400).await;
    }
    assert!(ehr.notes.lock().unwrap().token_form.is_empty(), "no code was exchanged");
    let declined = app.request(Method::GET, &format!("/smart/callback?error=access_denied&state={state}"));
    page(declined.header("cookie", &cookie).send().await.unwrap(), 403).await;
}

#[tokio::test]
async fn a_card_about_another_patient_stays_closed_and_that_is_recorded() {
    let ehr = Ehr::start().await;
    let app = service(&ehr).await;
    let (own, patient) = card(&app, &ehr.issuer()).await;
    let context = &smart_link(&own).unwrap()["appContext"];
    ehr.grant("somebody-else", context);
    let (to, cookie) = launch(&app, &ehr.issuer()).await;
    let text = page(come_back(&app, &to, &cookie).await, 403).await;
    assert!(text.contains("another patient") && !text.contains("somebody-else"), "{text}");
    let access = app.records("access").await.remove(0);
    assert_eq!((&access["content"]["refused"], &access["content"]["card"]), (&"other-patient".into(), &own["uuid"]));
    // The same id at another EHR is another patient.
    let (foreign, _) = card(&app, "https://other.example/fhir").await;
    ehr.grant(&patient, &json!({"card": foreign["uuid"]}));
    let (to, cookie) = launch(&app, &ehr.issuer()).await;
    page(come_back(&app, &to, &cookie).await, 403).await;
}

#[tokio::test]
async fn a_launch_from_no_known_card_or_a_server_that_does_not_answer_is_said_in_words() {
    let ehr = Ehr::start().await;
    let app = service(&ehr).await;
    for context in [json!(null), json!("no JSON"), json!({"card": "4e0a3a1e-3283-4575-ab82-028d55fe2719"})] {
        ehr.grant("anyone", &context);
        let (to, cookie) = launch(&app, &ehr.issuer()).await;
        page(come_back(&app, &to, &cookie).await, 404).await;
    }
    let silent = r#"[{ issuer = "http://127.0.0.1:9/fhir", client_id = "a" }]"#;
    let app = TestApp::spawn_with(&[("AUSCULT__SMART", silent)]).await;
    page(app.get("/smart/launch?iss=http://127.0.0.1:9/fhir&launch=x").await, 502).await;
}

#[tokio::test]
async fn a_confidential_client_shows_its_secret_to_the_token_endpoint_alone() {
    let ehr = Ehr::start().await;
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "ses ame\n").unwrap();
    let (issuer, file) = (ehr.issuer(), file.display());
    let smart = format!("[{{ issuer = \"{issuer}\", client_id = \"auscult-test\", client_secret_file = \"{file}\" }}]");
    let app = TestApp::spawn_with(&[("AUSCULT__SMART", &smart)]).await;
    let (card, patient) = card(&app, &ehr.issuer()).await;
    ehr.grant(&patient, &smart_link(&card).unwrap()["appContext"]);
    let (to, cookie) = launch(&app, &ehr.issuer()).await;
    assert_eq!(come_back(&app, &to, &cookie).await.status(), 303);
    let notes = ehr.notes.lock().unwrap();
    assert_eq!(notes.authorization.as_deref(), Some("Basic YXVzY3VsdC10ZXN0OnNlcythbWU="));
    assert!(!notes.token_form.contains_key("client_id"));
}
