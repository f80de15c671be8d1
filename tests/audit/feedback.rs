//! Feedback is appended, linked to its card, and kept even when the card is unknown.

use super::{
    fixture::{Fixture, card_id, soon, with_cards},
    on_both_stores,
};
use auscult::audit::{NewRecord, RecordKind};

on_both_stores!(
    feedback_is_found_by_card_and_by_record,
    the_same_feedback_again_is_another_record,
    feedback_about_an_unknown_card_is_kept_and_named_as_an_orphan,
);

async fn feedback_is_found_by_card_and_by_record(fixture: &mut impl Fixture) {
    let store = fixture.open().await;
    let cards = vec![card_id(), card_id()];
    let prediction = with_cards(RecordKind::Prediction, cards.clone());
    let other = with_cards(RecordKind::Prediction, vec![card_id()]);
    store.append_all(vec![prediction.clone(), other.clone()], soon()).await.unwrap();
    assert_eq!(store.record_of_card(cards[1]).await.unwrap().unwrap().id, prediction.id);
    assert_eq!(store.for_card(cards[0]).await.unwrap().unwrap().body, prediction.body);

    // By card alone, by record alone, by both.
    let by_card = with_cards(RecordKind::Feedback, vec![cards[0]]);
    let by_record = NewRecord { links: vec![prediction.id], ..with_cards(RecordKind::Feedback, vec![]) };
    let by_both =
        NewRecord { links: vec![prediction.id], ..with_cards(RecordKind::Feedback, vec![cards[1], cards[1]]) };
    store.append_all(vec![by_card.clone(), by_record.clone(), by_both.clone()], soon()).await.unwrap();

    let about = async |id| -> Vec<_> {
        store.feedback_for(id).await.unwrap().into_iter().map(|record| record.entry.id).collect()
    };
    let mut all = [by_card.id, by_record.id, by_both.id];
    all.sort();
    assert_eq!(about(cards[0]).await, [by_card.id]);
    assert_eq!(about(cards[1]).await, [by_both.id]);
    assert_eq!(about(prediction.id).await, all);
    assert!(about(other.id).await.is_empty());
    assert_eq!(store.orphaned_feedback(10).await, Ok(vec![]));
    store.close().await;
}

async fn the_same_feedback_again_is_another_record(fixture: &mut impl Fixture) {
    let store = fixture.open().await;
    let card = card_id();
    store.append(with_cards(RecordKind::Prediction, vec![card]), soon()).await.unwrap();
    for _ in 0..3 {
        store.append(with_cards(RecordKind::Feedback, vec![card]), soon()).await.unwrap();
    }
    assert_eq!(store.feedback_for(card).await.unwrap().len(), 3);
    store.close().await;
}

async fn feedback_about_an_unknown_card_is_kept_and_named_as_an_orphan(fixture: &mut impl Fixture) {
    let store = fixture.open().await;
    let card = card_id();
    let feedback = with_cards(RecordKind::Feedback, vec![card]);
    store.append(feedback.clone(), soon()).await.unwrap();
    assert_eq!(store.for_card(card).await, Ok(None));
    assert_eq!(store.feedback_for(card).await.unwrap()[0].entry.id, feedback.id);
    assert_eq!(store.orphaned_feedback(10).await, Ok(vec![(card, feedback.id)]));
    store.close().await;
}
