//! What is read is what was stored, or an error that says it is not.

use super::{
    fixture::{Fixture, record, soon, with_cards},
    on_both_stores,
};
use auscult::audit::{AuditError, RecordKind};

on_both_stores!(the_newest_entries_come_first_page_by_page, a_changed_byte_is_reported_wherever_it_is);

async fn the_newest_entries_come_first_page_by_page(fixture: &mut impl Fixture) {
    let store = fixture.open().await;
    let mut ids = Vec::new();
    for _ in 0..10 {
        ids.push(store.append(record(RecordKind::Prediction), soon()).await.unwrap().id);
        // Identifiers made within one millisecond have no order.
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    ids.reverse();
    let page =
        async |before| -> Vec<_> { store.recent(4, before).await.unwrap().into_iter().map(|entry| entry.id).collect() };
    assert_eq!(page(None).await, ids[..4]);
    assert_eq!(page(Some(ids[3])).await, ids[4..8]);
    assert_eq!(page(Some(ids[7])).await, ids[8..]);
    assert!(page(Some(ids[9])).await.is_empty());
    store.close().await;
}

async fn a_changed_byte_is_reported_wherever_it_is(fixture: &mut impl Fixture) {
    let store = fixture.open().await;
    let new = with_cards(RecordKind::Prediction, vec![super::fixture::card_id()]);
    let whole = record(RecordKind::Prediction);
    store.append_all(vec![new.clone(), whole.clone()], soon()).await.unwrap();
    store.close().await;
    for position in [0, 1, new.body.len() / 2, new.body.len() - 1] {
        // Changed, found, and changed back.
        fixture.damage(new.id, position).await;
        let store = fixture.open().await;
        let damaged = store.get(new.id).await;
        assert!(matches!(damaged, Err(AuditError::Corrupt { id, .. }) if id == new.id), "{position}: {damaged:?}");
        assert!(matches!(store.for_card(new.cards[0]).await, Err(AuditError::Corrupt { .. })));
        assert_eq!(store.get(whole.id).await.unwrap().unwrap().body, whole.body);
        store.close().await;
        fixture.damage(new.id, position).await;
    }
    let store = fixture.open().await;
    assert_eq!(store.get(new.id).await.unwrap().unwrap().body, new.body);
    store.close().await;
}
