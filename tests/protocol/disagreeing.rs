//! The form at the end of a card's explanation: no script, only with the card's link, recorded like any feedback.

use super::links::{link, page, send};
use crate::support::TestApp;
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn disagreeing_needs_no_script_and_becomes_the_record_that_cds_hooks_feedback_becomes() {
    let app = TestApp::spawn().await;
    let (link, card) = link(&app).await;
    let form = page(app.get(&link).await, 200).await;
    assert!(
        form.contains("type=\"radio\"")
            && form.contains("maxlength=\"2000\"")
            && form.matches("<script").count() == form.matches("<script src=\"/try/opacity.js\" defer>").count(),
        "{form}"
    );
    let comment = "line one\r\n<img src=x onerror=alert(1)> Grüße";
    let response = send(&app, &link, &[("reason", "1"), ("comment", comment)]).await;
    assert_eq!(response.status(), 303);
    let back = response.headers()["location"].to_str().unwrap().to_owned();
    assert!(back.starts_with(&format!("{link}&thanks=1")), "{back}");
    let text = page(app.get(back.split('#').next().unwrap()).await, 200).await;
    assert!(
        text.contains("Recorded. Thank you.") && text.contains("&lt;img src=x onerror=alert(1)&gt; Grüße"),
        "{text}"
    );
    assert!(!text.contains("<img src=x"));
    let [given] = &app.records("feedback").await[..] else { panic!("one record") };
    let shown = app.records("prediction").await.remove(0);
    let response: Value = serde_json::from_str(shown["content"]["response"].as_str().unwrap()).unwrap();
    let feedback = &given["content"]["feedback"];
    assert_eq!((&feedback["card"], &feedback["outcome"]), (&Value::from(card.as_str()), &"overridden".into()));
    assert_eq!(feedback["overrideReason"]["reason"]["code"], response["cards"][0]["overrideReasons"][1]["code"]);
    assert_eq!(feedback["overrideReason"]["userComment"], "line one\n<img src=x onerror=alert(1)> Grüße");
    assert_eq!((&given["content"]["card_known"], &given["links"][0]), (&true.into(), &shown["id"]));
    let metrics = app.get("/metrics").await.text().await.unwrap();
    assert!(metrics.contains("auscult_feedback_total{") && metrics.contains("overridden"), "{metrics}");
}

#[tokio::test]
async fn a_form_without_a_reason_comes_back_with_what_was_written() {
    let app = TestApp::spawn().await;
    let (link, _) = link(&app).await;
    let comment = "not <b>this</b> patient's film";
    for form in [&[("comment", comment)][..], &[("comment", comment), ("reason", "99")]] {
        let text = page(send(&app, &link, form).await, 422).await;
        assert!(text.contains("choose a reason") && text.contains("not &lt;b&gt;this&lt;/b&gt; patient"), "{text}");
    }
    let text = page(send(&app, &link, &[("reason", "0"), ("comment", &"ä".repeat(2_001))]).await, 422).await;
    assert!(text.contains("shorten") && text.contains("checked"), "{text}");
    assert_eq!(app.records("feedback").await.len(), 0);
}

#[tokio::test]
async fn only_a_form_within_its_bounds_and_with_the_key_is_taken() {
    let app = TestApp::spawn().await;
    let (link, card) = link(&app).await;
    let address = link.replace('?', "/feedback?");
    page(send(&app, &link, &[("reason", "0"), ("comment", &"x".repeat(40_000))]).await, 400).await;
    page(send(&app, &link, &[("reason", "first")]).await, 400).await;
    page(app.post(&address, &json!({"reason": 0})).await, 400).await;
    // What a foreign page could send: it does not know the key.
    let foreign = app.request(Method::POST, &format!("/explain/{card}/feedback")).form(&[("reason", "0")]);
    page(foreign.header("origin", "https://evil.example").send().await.unwrap(), 404).await;
    assert_eq!(app.get(&address).await.status(), 405);
    assert_eq!(app.records("feedback").await.len(), 0);
}
