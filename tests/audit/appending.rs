//! Many callers, few commits, nothing lost.

use super::{
    fixture::{Fixture, card_id, record, soon, with_cards},
    on_both_stores,
};
use auscult::audit::{AuditError, NewRecord, RecordKind};
use auscult::domain::Digest;
use std::{collections::HashSet, sync::Arc};
use tokio::task::JoinSet;

on_both_stores!(
    a_record_reads_back_as_it_was_appended,
    sixty_four_appenders_share_commits_and_lose_nothing,
    a_list_is_stored_as_a_whole_or_not_at_all,
    a_record_that_is_refused_does_not_fail_its_neighbours,
    closing_stores_what_waits_and_a_store_opened_again_sees_all,
);

async fn a_record_reads_back_as_it_was_appended(fixture: &mut impl Fixture) {
    let store = fixture.open().await;
    let cards = {
        let mut cards = vec![card_id(), card_id()];
        cards.sort();
        cards
    };
    let earlier = record(RecordKind::Refusal);
    // Bytes, not text: whatever the producer wrote comes back.
    let body: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let new = NewRecord { links: vec![earlier.id], body, ..with_cards(RecordKind::Prediction, cards.clone()) };
    let receipt = store.append(new.clone(), soon()).await.unwrap();
    assert_eq!((receipt.id, receipt.digest), (new.id, Digest::of(&new.body)));

    let stored = store.get(new.id).await.unwrap().unwrap();
    assert_eq!(stored.body, new.body);
    assert_eq!((stored.cards, stored.links), (cards, vec![earlier.id]));
    assert_eq!((stored.entry.kind, stored.entry.service.as_ref()), (new.kind, new.service.as_ref()));
    assert_eq!((stored.entry.digest, stored.entry.stored_at), (receipt.digest, receipt.stored_at));
    assert_eq!(stored.entry.time.unix_timestamp_nanos() / 1000, new.time.unix_timestamp_nanos() / 1000);
    assert_eq!(store.get(earlier.id).await, Ok(None));
    store.close().await;
}

async fn sixty_four_appenders_share_commits_and_lose_nothing(fixture: &mut impl Fixture) {
    const APPENDERS: usize = 64;
    const EACH: usize = 25;
    let store = Arc::new(fixture.open().await);
    let mut appenders = JoinSet::new();
    for _ in 0..APPENDERS {
        let store = Arc::clone(&store);
        appenders.spawn(async move {
            let mut ids = Vec::new();
            for _ in 0..EACH {
                let new = with_cards(RecordKind::Prediction, vec![card_id()]);
                ids.push(store.append(new, soon()).await.unwrap().id);
            }
            ids
        });
    }
    let ids: HashSet<_> = appenders.join_all().await.into_iter().flatten().collect();
    assert_eq!(ids.len(), APPENDERS * EACH);
    for id in &ids {
        assert!(store.get(*id).await.unwrap().is_some(), "{id}");
    }
    let figures = store.figures();
    assert_eq!(store.count().await, Ok(ids.len() as u64));
    assert_eq!(figures.appended, ids.len() as u64);
    assert!(figures.batches * 4 < figures.appended, "{figures:?}");
    assert_eq!((figures.queue_depth, figures.queue_bytes, figures.failures), (0, 0, 0));
    store.close().await;
}

async fn a_list_is_stored_as_a_whole_or_not_at_all(fixture: &mut impl Fixture) {
    let store = fixture.open().await;
    let stored = record(RecordKind::Refusal);
    store.append(stored.clone(), soon()).await.unwrap();

    let good: Vec<_> = (0..5).map(|_| record(RecordKind::Feedback)).collect();
    let mut bad = good.clone();
    bad.push(NewRecord { body: b"other".to_vec(), ..stored.clone() });
    assert_eq!(store.append_all(bad, soon()).await, Err(AuditError::Conflict { id: stored.id }));
    assert_eq!(store.count().await, Ok(1));

    let receipts = store.append_all(good.clone(), soon()).await.unwrap();
    assert!(receipts.iter().zip(&good).all(|(receipt, new)| receipt.id == new.id));
    assert_eq!(store.count().await, Ok(6));
    assert_eq!(store.append_all(vec![], soon()).await, Ok(vec![]));

    // More values than SQLite binds in one statement.
    let many: Vec<_> = (0..5000).map(|_| with_cards(RecordKind::Prediction, vec![card_id()])).collect();
    store.append_all(many, soon()).await.unwrap();
    assert_eq!(store.count().await, Ok(5006));
    assert_eq!(store.figures().batches, 4);
    store.close().await;
}

async fn a_record_that_is_refused_does_not_fail_its_neighbours(fixture: &mut impl Fixture) {
    let store = Arc::new(fixture.open().await);
    let shown = with_cards(RecordKind::Prediction, vec![card_id()]);
    store.append(shown.clone(), soon()).await.unwrap();

    fixture.stall().await;
    let mut appenders = JoinSet::new();
    for number in 0..30 {
        // Every third shows a card that another record already shows.
        let bad = number % 3 == 0;
        let cards = if bad { shown.cards.clone() } else { vec![card_id()] };
        let store = Arc::clone(&store);
        appenders.spawn(async move { (bad, store.append(with_cards(RecordKind::Prediction, cards), soon()).await) });
    }
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    fixture.resume().await;
    for (bad, outcome) in appenders.join_all().await {
        match outcome {
            Ok(_) => assert!(!bad),
            Err(AuditError::Refused { .. }) => assert!(bad),
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(store.count().await, Ok(21));
    assert_eq!(store.for_card(shown.cards[0]).await.unwrap().unwrap().entry.id, shown.id);
    let figures = store.figures();
    assert_eq!((figures.refused, figures.failures), (10, 0));
    assert!(figures.batches < 10, "{figures:?}");
    store.close().await;
}

async fn closing_stores_what_waits_and_a_store_opened_again_sees_all(fixture: &mut impl Fixture) {
    let store = Arc::new(fixture.open().await);
    fixture.stall().await;
    let mut appenders = JoinSet::new();
    for _ in 0..200 {
        let store = Arc::clone(&store);
        appenders.spawn(async move { store.append(record(RecordKind::Feedback), soon()).await });
    }
    super::fixture::eventually("queueing", || async { store.figures().queue_depth == 200 }).await;
    let closing = JoinSet::from_iter([{
        let store = Arc::clone(&store);
        async move { store.close().await }
    }]);
    fixture.resume().await;
    closing.join_all().await;
    assert!(appenders.join_all().await.iter().all(Result::is_ok));
    assert_eq!(store.append(record(RecordKind::Feedback), soon()).await, Err(AuditError::Closed));
    assert!(!store.is_available());

    let again = fixture.open().await;
    assert_eq!(again.count().await, Ok(200));
    drop(again);
    let once_more = fixture.open().await;
    assert_eq!(once_more.count().await, Ok(200));
    once_more.close().await;
}
