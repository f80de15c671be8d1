//! The store goes away and comes back.

use super::{
    fixture::{Fixture, eventually, record, soon},
    on_both_stores,
    postgres::Postgres,
};
use auscult::audit::{AuditError, RecordKind, Settings};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// Enough for each of sixteen callers to be interrupted more than once, also on a fast disk.
const RECORDS: u64 = 400;

on_both_stores!(a_store_that_hangs_is_unavailable_and_recovers_by_itself);

async fn a_store_that_hangs_is_unavailable_and_recovers_by_itself(fixture: &mut impl Fixture) {
    let settings = Settings { attempt_ms: 300, ..fixture.settings() };
    let store = Arc::new(fixture.open_with(settings).await);
    assert!(store.is_available());
    fixture.stall().await;
    let mut appenders = JoinSet::new();
    for _ in 0..100 {
        let store = Arc::clone(&store);
        appenders.spawn(async move { store.append(record(RecordKind::Prediction), soon()).await });
    }
    let started = Instant::now();
    for outcome in appenders.join_all().await {
        assert!(matches!(&outcome, Err(error @ AuditError::Unavailable(_)) if error.is_ambiguous()), "{outcome:?}");
    }
    // All of them met the same outage: nobody waited for a time-out of their own.
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    fixture.resume().await;
    eventually("recovery without traffic", || async { store.is_available() }).await;
    let new = record(RecordKind::Prediction);
    eventually("recovery", || async { store.append(new.clone(), soon()).await.is_ok() }).await;
    assert!(store.get(new.id).await.unwrap().is_some());
    assert!(store.figures().failures >= 1);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_cut_off_is_unavailable_and_comes_back() {
    let fixture = Postgres::prepare().await;
    let store = fixture.open().await;
    let before = store.append(record(RecordKind::Prediction), soon()).await.unwrap();
    fixture.proxy.cut();
    let new = record(RecordKind::Prediction);
    let started = Instant::now();
    assert!(matches!(store.append(new.clone(), soon()).await, Err(AuditError::Unavailable(_))));
    assert!(started.elapsed() < Duration::from_secs(3), "a refused connection is known at once");
    assert!(!store.is_available());
    assert!(matches!(store.count().await, Err(AuditError::Unavailable(_))));
    fixture.proxy.mend();
    eventually("recovery without traffic", || async { store.is_available() }).await;
    store.append(new.clone(), soon()).await.unwrap();
    assert_eq!(store.count().await, Ok(2));
    assert!(store.get(before.id).await.unwrap().is_some());
    store.close().await;
    fixture.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_server_costs_nobody_an_answer_and_stores_nothing_twice() {
    let fixture = Postgres::prepare().await;
    let store = Arc::new(fixture.open().await);
    let mut appenders = JoinSet::new();
    for _ in 0..16 {
        let store = Arc::clone(&store);
        appenders.spawn(async move {
            let mut stored = 0;
            for _ in 0..RECORDS {
                let new = record(RecordKind::Prediction);
                // A second blow can hit the repetition too; then the caller repeats.
                while let Err(error) = store.append(new.clone(), soon()).await {
                    assert!(matches!(error, AuditError::Unavailable(_)), "{error}");
                }
                stored += 1;
            }
            stored
        });
    }
    let mut ended = 0;
    while !appenders.is_empty() {
        ended += fixture.end_backends().await;
        tokio::time::sleep(Duration::from_millis(30)).await;
        while appenders.try_join_next().is_some_and(|stored| stored.unwrap() == RECORDS) {}
    }
    assert!(ended >= 2, "backends were ended {ended} times");
    eventually("reading", || async { store.count().await.is_ok() }).await;
    assert_eq!(store.count().await, Ok(16 * RECORDS));
    store.close().await;
    fixture.remove().await;
}

#[tokio::test]
async fn a_database_that_turns_synchronous_commit_off_is_overruled() {
    let fixture = Postgres::prepare().await;
    fixture.open().await.close().await;
    // A trigger of the test's own notes the setting under which the record was written.
    let sql = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database()); END $$; \
               CREATE TABLE seen (value text); \
               CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS \
               $$ BEGIN INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NEW; END $$; \
               CREATE TRIGGER note AFTER INSERT ON record FOR EACH ROW EXECUTE FUNCTION note()";
    fixture.stranger(sql).await.unwrap();
    let store = fixture.open().await;
    store.append(record(RecordKind::Prediction), soon()).await.unwrap();
    store.close().await;
    assert_eq!(fixture.stranger("DELETE FROM seen WHERE value = 'on'").await, Ok(1));
    fixture.remove().await;
}
