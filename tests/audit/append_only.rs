//! The database itself refuses to change or delete a record.

use super::{
    fixture::{Fixture, card_id, record_id, soon, with_cards},
    on_both_stores,
    postgres::Postgres,
    sqlite::Sqlite,
};
use auscult::audit::{NewRecord, RecordKind};

on_both_stores!(no_table_of_the_record_can_be_updated_or_deleted_from, a_row_that_breaks_a_rule_is_refused);

/// Each table with a column to change; every one of them holds a row.
const TABLES: [(&str, &str); 4] = [("record", "kind"), ("payload", "body"), ("card", "record_id"), ("link", "about")];

async fn filled(fixture: &impl Fixture) -> NewRecord {
    let store = fixture.open().await;
    let prediction = with_cards(RecordKind::Prediction, vec![card_id()]);
    let feedback = with_cards(RecordKind::Feedback, prediction.cards.clone());
    store.append_all(vec![prediction.clone(), feedback], soon()).await.unwrap();
    store.close().await;
    prediction
}

async fn unchanged(fixture: &impl Fixture, new: &NewRecord) {
    let store = fixture.open().await;
    assert_eq!(store.count().await, Ok(2));
    assert_eq!(store.for_card(new.cards[0]).await.unwrap().unwrap().body, new.body);
    assert_eq!(store.feedback_for(new.cards[0]).await.unwrap().len(), 1);
    store.close().await;
}

async fn no_table_of_the_record_can_be_updated_or_deleted_from(fixture: &mut impl Fixture) {
    let new = filled(fixture).await;
    for (table, column) in TABLES {
        for sql in [format!("UPDATE {table} SET {column} = {column}"), format!("DELETE FROM {table}")] {
            let error = fixture.stranger(&sql).await.expect_err(&sql);
            assert!(error.contains("never"), "{sql}: {error}");
        }
    }
    unchanged(fixture, &new).await;
}

async fn a_row_that_breaks_a_rule_is_refused(fixture: &mut impl Fixture) {
    let new = filled(fixture).await;
    // A card of a record that does not exist; a second body for a record; an id that is no UUID version 7.
    let id = |id| table_literal(fixture, id);
    for sql in [
        format!("INSERT INTO card (id, record_id) VALUES ({}, {})", id(card_id()), id(record_id())),
        format!("INSERT INTO payload (record_id, body) VALUES ({0}, {0})", id(new.id)),
        format!(
            "INSERT INTO record (id, kind, time_us, stored_us, digest, bytes) \
             SELECT {}, kind, time_us, stored_us, digest, bytes FROM record WHERE id = {}",
            id(card_id()),
            id(new.id)
        ),
    ] {
        fixture.stranger(&sql).await.expect_err(&sql);
    }
    unchanged(fixture, &new).await;
}

fn table_literal<F: Fixture>(_: &F, id: uuid::Uuid) -> String {
    F::literal(id)
}

#[tokio::test]
async fn sqlites_replace_cannot_take_the_place_of_a_record() {
    let fixture = Sqlite::prepare().await;
    let new = filled(&fixture).await;
    for (table, _) in TABLES {
        let sql = format!("INSERT OR REPLACE INTO {table} SELECT * FROM {table}");
        let error = fixture.stranger(&sql).await.expect_err(&sql);
        assert!(error.contains("is stored"), "{sql}: {error}");
    }
    // Under a row number that is taken, with the id of another record.
    let sql = format!(
        "INSERT OR REPLACE INTO payload (rowid, record_id, body) SELECT rowid, {}, x'00' FROM payload LIMIT 1",
        Sqlite::literal(record_id())
    );
    fixture.stranger(&sql).await.expect_err(&sql);
    unchanged(&fixture, &new).await;
    fixture.remove().await;
}

#[tokio::test]
async fn postgres_truncates_no_table_of_the_record_not_even_as_a_replica() {
    let fixture = Postgres::prepare().await;
    let new = filled(&fixture).await;
    for (table, column) in TABLES {
        for sql in [
            format!("TRUNCATE {table} CASCADE"),
            format!("SET session_replication_role = replica; DELETE FROM {table}"),
            format!("SET session_replication_role = replica; UPDATE {table} SET {column} = {column}"),
            format!("SET session_replication_role = replica; TRUNCATE {table} CASCADE"),
        ] {
            let error = fixture.stranger(&sql).await.expect_err(&sql);
            assert!(error.contains("never changed or deleted"), "{sql}: {error}");
        }
    }
    unchanged(&fixture, &new).await;
    fixture.remove().await;
}
