//! The whole service on Postgres, with the database lost and back.

use crate::{
    audit::{fixture::Fixture as _, postgres::Postgres},
    support::TestApp,
};
use serde_json::Value;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres_cards_are_withheld_while_the_database_hangs_and_come_back_with_it() {
    let mut database = Postgres::prepare().await;
    let url = database.url();
    let settings = [
        ("DATABASE_URL", url.as_str()),
        ("AUSCULT__AUDIT__WRITE_DEADLINE_MS", "700"),
        ("AUSCULT__AUDIT__ATTEMPT_MS", "300"),
    ];
    let app = TestApp::spawn_with(&settings).await;
    let body = app.sample("lena-moser").await;
    let call = || app.post("/cds-services/inpatient-deterioration", &body);
    assert_eq!(call().await.status(), 200);

    database.stall().await;
    let refused = call().await;
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    let outcome: Value = refused.json().await.unwrap();
    assert_eq!((&outcome["resourceType"], outcome.get("cards")), (&"OperationOutcome".into(), None));
    assert_eq!(app.get("/cds-services").await.status(), 200, "discovery depends on no database");
    assert_eq!(app.get("/healthz").await.status(), 200);

    database.resume().await;
    for _ in 0..100 {
        if call().await.status() == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let answer: Value = call().await.json().await.unwrap();
    let link = answer["cards"][0]["links"][0]["url"].as_str().unwrap();
    let page = app.get(link.strip_prefix(&app.url).unwrap()).await;
    assert_eq!(page.status(), 200, "the card's record is in the database");
    drop(app);
    database.remove().await;
}
