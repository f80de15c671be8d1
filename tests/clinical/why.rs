//! Why a card was shown: computed with the answer or when its link is opened, recorded, and told in words and pictures.

use crate::support::TestApp;
use reqwest::Method;
use serde_json::Value;

/// The first card of a service for a sample, and the path of its explanation.
async fn card(app: &TestApp, service: &str, sample: &str) -> (Value, String) {
    let card = app.cards(service, sample).await.remove(0);
    let url = card["links"][0]["url"].as_str().unwrap();
    let link = url.strip_prefix(&app.url).unwrap().to_owned();
    (card, link)
}

async fn opened(app: &TestApp, link: &str) -> String {
    let response = app.get(link).await;
    assert_eq!(response.status(), 200);
    response.text().await.unwrap()
}

#[tokio::test]
async fn what_would_have_had_to_differ_is_computed_from_the_record_when_the_link_is_opened_and_recorded() {
    let app = TestApp::spawn().await;
    let (_, link) = card(&app, "inpatient-deterioration", "walter-brandt").await;
    let page = opened(&app, &link).await;
    for part in
        ["What would have had to differ", "not advice to change a number", "passed their checks", "class=\"tl\""]
    {
        assert!(page.contains(part), "{part} is not on the page");
    }
    let access = app.records("access").await.remove(0);
    let computed = &access["content"]["computed"];
    assert_eq!(computed["input"], "the recorded values, bit for bit");
    let changes = computed["counterfactual"]["changes"].as_array().unwrap();
    assert!((1..=3).contains(&changes.len()));
    let p = |member: &str| computed["counterfactual"][member].as_f64().unwrap();
    assert!(p("changed_probability") < p("probability"));
    // What the answer said and what is computed from its record again are the same numbers.
    let prediction = app.records("prediction").await.remove(0);
    let recorded = &prediction["content"]["models"][0]["explanation"];
    assert_eq!(recorded["attribution"], computed["explanation"]["attribution"]);
    assert_eq!(recorded["reliable"], true);
    assert!(recorded["second_opinion"]["agrees"].as_bool().unwrap());
}

#[tokio::test]
async fn the_words_that_led_to_a_mention_are_on_its_page() {
    let app = TestApp::spawn().await;
    let (card, link) = card(&app, "note-review", "walter-brandt").await;
    let page = opened(&app, &link).await;
    assert!(page.contains("focus") && page.contains("w-p") && page.contains("log-odds"), "{page}");
    assert!(page.contains("m negated"), "what is denied is struck");
    let origin = &app.records("prediction").await[0]["content"]["origins"][0];
    assert_eq!(origin["card"], card["uuid"]);
}

#[tokio::test]
async fn a_film_is_shown_with_its_map_an_opacity_control_and_no_inline_script() {
    let app = TestApp::spawn().await;
    let (_, link) = card(&app, "chest-radiograph", "mila-horvat").await;
    let page = opened(&app, &link).await;
    for part in
        ["data:image/jpeg;base64,", "data:image/png;base64,", "speaks against", "type=\"radio\"", "Second opinion"]
    {
        assert!(page.contains(part), "{part} is not on the page");
    }
    assert_eq!(page.matches("<script").count(), page.matches("<script src=").count());
    assert_eq!(app.get("/try/opacity.js").await.status(), 200);
}

#[tokio::test]
async fn sentences_are_in_the_language_the_caller_asks_for_and_both_are_in_the_record() {
    let app = TestApp::spawn().await;
    let body = app.sample("walter-brandt").await;
    let ask = |language: &'static str| {
        let request = app.request(Method::POST, "/cds-services/inpatient-deterioration").json(&body);
        async move {
            let answer: Value = request.header("accept-language", language).send().await.unwrap().json().await.unwrap();
            answer["cards"][0]["detail"].as_str().unwrap().to_owned()
        }
    };
    assert!(ask("zh-CN,zh;q=0.9,en;q=0.5").await.contains("模型估计院内死亡的风险为"));
    assert!(ask("en-GB,zh;q=0.1").await.contains("The network estimates the risk of death in hospital at"));
    for record in app.records("prediction").await {
        let story = &record["content"]["origins"][0]["story"];
        assert!(story["en"].as_array().unwrap().len() >= 2 && story["zh"].as_array().unwrap().len() >= 2, "{story}");
    }
}
