//! Killed under load: no card that a client received may be without its record.

use crate::support::TestApp;
use serde_json::Value;
use sqlx::{Row, SqlitePool, sqlite::SqliteConnectOptions};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;
use tokio::task::JoinSet;
use uuid::Uuid;

const ROUNDS: u64 = 20;
const CLIENTS: usize = 6;

/// Calls until the service is gone; every complete answer is written down byte for byte.
async fn client(url: String, body: Value, stop: Arc<AtomicBool>) -> Vec<String> {
    let client = auscult::http::outbound::client(Duration::from_secs(10)).unwrap();
    let mut received = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let Ok(response) = client.post(&url).json(&body).send().await else { break };
        if response.status() != 200 {
            continue;
        }
        match response.text().await {
            Ok(text) => received.push(text),
            Err(_) => break,
        }
    }
    received
}

async fn round(folder: &Arc<TempDir>, bodies: &[Value], after: Duration) -> Vec<String> {
    let app = TestApp::spawn_in(Arc::clone(folder), &[]).await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut clients = JoinSet::new();
    for index in 0..CLIENTS {
        let url = format!("{}/cds-services/chart-review", app.url);
        clients.spawn(client(url, bodies[index % bodies.len()].clone(), Arc::clone(&stop)));
    }
    tokio::time::sleep(after).await;
    app.signal("KILL");
    stop.store(true, Ordering::Relaxed);
    clients.join_all().await.concat()
}

#[tokio::test]
async fn twenty_kills_under_load_lose_no_record_of_a_card_that_was_received() {
    let folder = Arc::new(TempDir::new().unwrap());
    let bodies = {
        let app = TestApp::spawn().await;
        vec![app.sample("lena-moser").await, app.sample("amara-okafor").await, app.sample("mila-horvat").await]
    };
    let mut received = Vec::new();
    for number in 0..ROUNDS {
        let after = Duration::from_millis(150 + (number * 97) % 400);
        received.extend(round(&folder, &bodies, after).await);
    }
    assert!(received.len() > 50, "only {} answers were received: that is no load", received.len());
    let database = folder.path().join("data/auscult.db");
    let pool = SqlitePool::connect_with(SqliteConnectOptions::new().filename(database).read_only(true)).await.unwrap();
    let mut cards = 0;
    for text in &received {
        let answer: Value = serde_json::from_str(text).unwrap();
        for card in answer["cards"].as_array().unwrap() {
            let id = Uuid::parse_str(card["uuid"].as_str().unwrap()).unwrap();
            assert_eq!(recorded_response(&pool, id).await.as_deref(), Some(text.as_str()), "card {id}");
            cards += 1;
        }
    }
    assert!(cards > 50, "only {cards} cards were received");
}

/// The answer as it stands in the record that shows this card.
async fn recorded_response(pool: &SqlitePool, card: Uuid) -> Option<String> {
    let sql = "SELECT payload.body FROM card JOIN payload ON payload.record_id = card.record_id WHERE card.id = $1";
    let row = sqlx::query(sql).bind(card.as_bytes().to_vec()).fetch_optional(pool).await.unwrap()?;
    let envelope: Value = serde_json::from_slice(row.get::<&[u8], _>(0)).unwrap();
    envelope["content"]["response"].as_str().map(str::to_owned)
}
