//! Everything is bounded, and what is over a bound is refused by name and at once.

use super::{
    fixture::{Fixture, eventually, record, soon},
    on_both_stores,
};
use auscult::audit::{AuditError, NewRecord, RecordKind, Settings};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;
use uuid::Uuid;

on_both_stores!(
    a_body_over_the_limit_is_refused_and_one_at_the_limit_is_stored,
    a_record_without_a_body_or_with_a_foreign_id_is_refused,
    a_full_queue_refuses_at_once,
    more_bytes_than_may_wait_are_refused_at_once,
    a_missed_deadline_is_named_and_the_record_is_stored_all_the_same,
    a_caller_that_goes_away_does_not_stop_its_record,
    records_too_big_for_one_batch_are_stored_in_several,
);

async fn a_body_over_the_limit_is_refused_and_one_at_the_limit_is_stored(fixture: &mut impl Fixture) {
    let store = fixture.open().await;
    let limit = Settings::default().record_max_bytes;
    let new = NewRecord { body: vec![b'x'; limit + 1], ..record(RecordKind::Prediction) };
    assert_eq!(store.append(new, soon()).await, Err(AuditError::TooLarge { bytes: limit + 1, limit }));
    let new = NewRecord { body: vec![b'x'; limit], ..record(RecordKind::Prediction) };
    store.append(new.clone(), soon()).await.unwrap();
    assert!(store.get(new.id).await.unwrap().unwrap().body == new.body);
    store.close().await;
}

async fn a_record_without_a_body_or_with_a_foreign_id_is_refused(fixture: &mut impl Fixture) {
    let store = fixture.open().await;
    let empty = NewRecord { body: vec![], ..record(RecordKind::Prediction) };
    let foreign = NewRecord { id: Uuid::from_u128(4), ..record(RecordKind::Prediction) };
    for new in [empty, foreign] {
        assert!(matches!(store.append(new, soon()).await, Err(AuditError::Refused { .. })));
    }
    assert_eq!(store.count().await, Ok(0));
    store.close().await;
}

async fn a_full_queue_refuses_at_once(fixture: &mut impl Fixture) {
    let settings = Settings { queue: 4, batch_max: 1, ..fixture.settings() };
    let store = Arc::new(fixture.open_with(settings).await);
    fixture.stall().await;
    let mut appenders = JoinSet::new();
    for _ in 0..20 {
        let store = Arc::clone(&store);
        appenders.spawn(async move { store.append(record(RecordKind::Prediction), soon()).await });
    }
    // Four are queued; one may be in the writer's hands and one held back for the next batch, or the writer is yet to wake.
    for _ in 0..14 {
        let refused = tokio::time::timeout(Duration::from_secs(2), appenders.join_next()).await;
        assert_eq!(refused.expect("at once").unwrap().unwrap(), Err(AuditError::Busy));
    }
    fixture.resume().await;
    let rest = appenders.join_all().await;
    let stored = rest.iter().filter(|outcome| outcome.is_ok()).count();
    let busy = rest.iter().filter(|outcome| **outcome == Err(AuditError::Busy)).count();
    assert!(stored >= 4 && stored + busy == 6, "{rest:?}");
    assert_eq!(store.count().await, Ok(stored as u64));
    assert_eq!(store.figures().busy, 14 + busy as u64);
    store.close().await;
}

async fn more_bytes_than_may_wait_are_refused_at_once(fixture: &mut impl Fixture) {
    let settings = Settings { queue_bytes: 10_000, record_max_bytes: 10_000, ..fixture.settings() };
    let store = Arc::new(fixture.open_with(settings).await);
    let sized = |bytes: usize| NewRecord { body: vec![b'x'; bytes], ..record(RecordKind::Prediction) };
    fixture.stall().await;
    let waiting = JoinSet::from_iter([{
        let (store, new) = (Arc::clone(&store), sized(8000));
        async move { store.append(new, soon()).await }
    }]);
    eventually("queueing", || async { store.figures().queue_bytes == 8000 }).await;
    assert_eq!(store.append(sized(4000), soon()).await, Err(AuditError::Busy));
    let both = store.append_all(vec![sized(8000), sized(8000)], soon()).await;
    assert_eq!(both, Err(AuditError::TooLarge { bytes: 16_000, limit: 10_000 }));
    fixture.resume().await;
    assert!(waiting.join_all().await[0].is_ok());
    store.append(sized(4000), soon()).await.unwrap();
    store.close().await;
}

async fn a_missed_deadline_is_named_and_the_record_is_stored_all_the_same(fixture: &mut impl Fixture) {
    let store = fixture.open().await;
    fixture.stall().await;
    let new = record(RecordKind::Prediction);
    let started = Instant::now();
    let outcome = store.append(new.clone(), started + Duration::from_millis(100)).await;
    assert_eq!(outcome, Err(AuditError::Deadline));
    assert!(outcome.unwrap_err().is_ambiguous());
    assert!(started.elapsed() < Duration::from_secs(2));
    assert_eq!(store.get(new.id).await, Ok(None));
    fixture.resume().await;
    eventually("the write", || async { store.get(new.id).await.unwrap().is_some() }).await;

    let late = record(RecordKind::Prediction);
    assert_eq!(store.append(late.clone(), started).await, Err(AuditError::Deadline));
    assert_eq!(store.figures().late, 2);
    store.close().await;
}

async fn a_caller_that_goes_away_does_not_stop_its_record(fixture: &mut impl Fixture) {
    let store = Arc::new(fixture.open().await);
    fixture.stall().await;
    let new = record(RecordKind::Prediction);
    let mut caller = JoinSet::new();
    {
        let (store, new) = (Arc::clone(&store), new.clone());
        caller.spawn(async move { store.append(new, soon()).await });
    }
    eventually("queueing", || async { store.figures().queue_depth == 1 }).await;
    caller.shutdown().await;
    fixture.resume().await;
    eventually("the write", || async { store.get(new.id).await.unwrap().is_some() }).await;
    store.close().await;
}

async fn records_too_big_for_one_batch_are_stored_in_several(fixture: &mut impl Fixture) {
    let settings = Settings { batch_bytes: 10_000, batch_max: 2, ..fixture.settings() };
    let store = Arc::new(fixture.open_with(settings).await);
    fixture.stall().await;
    let mut appenders = JoinSet::new();
    for size in [9000, 9000, 20_000, 10, 10, 10, 10, 9999] {
        let new = NewRecord { body: vec![b'x'; size], ..record(RecordKind::Prediction) };
        let store = Arc::clone(&store);
        appenders.spawn(async move { store.append(new, soon()).await });
    }
    eventually("queueing", || async { store.figures().queue_depth == 8 }).await;
    fixture.resume().await;
    assert!(appenders.join_all().await.iter().all(Result::is_ok));
    let figures = store.figures();
    assert!((4..=8).contains(&figures.batches), "{figures:?}");
    // A list is one transaction whatever the limits of a batch.
    store.append_all((0..5).map(|_| record(RecordKind::Feedback)).collect(), soon()).await.unwrap();
    assert_eq!(store.figures().batches, figures.batches + 1);
    assert_eq!(store.count().await, Ok(13));
    store.close().await;
}
