//! Doing it again is how one recovers: the same record twice is one record, another under its id is refused.

use super::{
    fixture::{Fixture, card_id, soon, with_cards},
    on_both_stores,
};
use auscult::audit::{AuditError, NewRecord, RecordKind};
use std::sync::Arc;
use tokio::task::JoinSet;

on_both_stores!(
    the_same_record_twice_is_one_record_with_one_receipt,
    other_bytes_under_a_stored_id_are_refused_and_change_nothing,
    one_record_appended_by_many_at_once_is_stored_once,
    two_stores_on_one_database_agree_about_a_record_both_append,
);

async fn the_same_record_twice_is_one_record_with_one_receipt(fixture: &mut impl Fixture) {
    let store = fixture.open().await;
    let new = with_cards(RecordKind::Prediction, vec![card_id()]);
    let first = store.append(new.clone(), soon()).await.unwrap();
    assert_eq!(store.append(new.clone(), soon()).await, Ok(first));
    let both = store.append_all(vec![new.clone(), new.clone()], soon()).await.unwrap();
    assert_eq!(both, [first, first]);
    assert_eq!(store.count().await, Ok(1));
    store.close().await;
}

async fn other_bytes_under_a_stored_id_are_refused_and_change_nothing(fixture: &mut impl Fixture) {
    let store = fixture.open().await;
    let new = with_cards(RecordKind::Prediction, vec![card_id()]);
    store.append(new.clone(), soon()).await.unwrap();
    let other_card = card_id();
    let forged = NewRecord { body: b"{}".to_vec(), cards: vec![other_card], ..new.clone() };
    assert_eq!(store.append(forged, soon()).await, Err(AuditError::Conflict { id: new.id }));
    let other_kind = NewRecord { kind: RecordKind::Feedback, ..new.clone() };
    assert_eq!(store.append(other_kind, soon()).await, Err(AuditError::Conflict { id: new.id }));
    assert_eq!(store.get(new.id).await.unwrap().unwrap().body, new.body);
    assert_eq!(store.for_card(other_card).await, Ok(None));
    store.close().await;
}

async fn one_record_appended_by_many_at_once_is_stored_once(fixture: &mut impl Fixture) {
    let store = Arc::new(fixture.open().await);
    let new = with_cards(RecordKind::Prediction, vec![card_id()]);
    let mut appenders = JoinSet::new();
    for _ in 0..32 {
        let (store, new) = (Arc::clone(&store), new.clone());
        appenders.spawn(async move { store.append(new, soon()).await.unwrap() });
    }
    let receipts = appenders.join_all().await;
    assert!(receipts.iter().all(|receipt| receipt == &receipts[0]), "{receipts:?}");
    assert_eq!(store.count().await, Ok(1));
    store.close().await;
}

async fn two_stores_on_one_database_agree_about_a_record_both_append(fixture: &mut impl Fixture) {
    let stores = [fixture.open().await, fixture.open().await];
    for _ in 0..50 {
        let new = with_cards(RecordKind::Prediction, vec![card_id()]);
        let (one, other) = tokio::join!(stores[0].append(new.clone(), soon()), stores[1].append(new.clone(), soon()));
        assert_eq!(one.unwrap(), other.unwrap());
    }
    assert_eq!(stores[1].count().await, Ok(50));
    for store in stores {
        store.close().await;
    }
}
