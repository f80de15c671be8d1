//! What the suite needs of a database, and records to put into it.

use auscult::{
    audit::{NewRecord, RecordKind, Settings, Store},
    domain::{Clock as _, Ids as _, RandomIds, SystemClock},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use uuid::Uuid;

/// A fresh, empty database, with a stranger's access to it beside the store's.
pub trait Fixture: Sized {
    /// Makes the database.
    async fn prepare() -> Self;
    /// Removes it; not called when a test fails, so that it can be looked at.
    async fn remove(self);
    /// The address the store is given.
    fn url(&self) -> String;
    /// Runs SQL with every right, as someone with a database client would.
    async fn stranger(&self, sql: &str) -> Result<u64, String>;
    /// Makes every write wait until [`Fixture::resume`].
    async fn stall(&mut self);
    /// Ends a stall.
    async fn resume(&mut self);
    /// Changes one byte of a record's body behind the store's back. The store is closed meanwhile.
    async fn damage(&self, id: Uuid, position: usize);
    /// An identifier as the database's SQL writes it.
    fn literal(id: Uuid) -> String;

    /// Settings with this database and time enough for a busy machine.
    fn settings(&self) -> Settings {
        Settings { database_url: Some(self.url()), attempt_ms: 8000, ..Settings::default() }
    }

    /// The store as the service opens it.
    async fn open(&self) -> Store {
        self.open_with(self.settings()).await
    }

    /// The store with other settings.
    async fn open_with(&self, settings: Settings) -> Store {
        Store::open(&settings, Arc::new(SystemClock)).await.expect("the store opens")
    }
}

/// A new identifier for a record.
pub fn record_id() -> Uuid {
    RandomIds.ordered(SystemClock.now())
}

/// A new identifier for a card.
pub fn card_id() -> Uuid {
    RandomIds.random()
}

/// A record of a kind, with an envelope that is different each time.
pub fn record(kind: RecordKind) -> NewRecord {
    with_cards(kind, vec![])
}

/// The same with cards.
pub fn with_cards(kind: RecordKind, cards: Vec<Uuid>) -> NewRecord {
    let record = NewRecord {
        id: record_id(),
        kind,
        time: SystemClock.now(),
        service: Some("chart-review".parse().expect("a name")),
        cards,
        links: vec![],
        body: vec![],
    };
    let marker = record.id.to_string();
    record.sealed_in_envelope(&serde_json::json!({ "marker": marker, "score": 0.25 })).expect("JSON")
}

/// A deadline that a working store never misses.
pub fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

/// Waits until a condition holds; panics when it has not after 20 seconds.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let end = Instant::now() + Duration::from_secs(20);
    while !holds().await {
        assert!(Instant::now() < end, "{what} did not happen in 20 seconds");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
