//! Migrations at start-up.

use super::{
    fixture::{Fixture, record, soon},
    on_both_stores,
};
use auscult::{
    audit::{OpenError, RecordKind, Store},
    domain::SystemClock,
};
use std::sync::Arc;

on_both_stores!(
    opening_again_migrates_nothing_and_keeps_everything,
    a_schema_of_a_newer_program_is_refused,
    a_migration_that_was_edited_afterwards_is_refused,
    two_programs_that_start_together_both_open,
);

async fn refusal(fixture: &impl Fixture) -> OpenError {
    Store::open(&fixture.settings(), Arc::new(SystemClock)).await.expect_err("refused")
}

async fn opening_again_migrates_nothing_and_keeps_everything(fixture: &mut impl Fixture) {
    for times in 1..=3 {
        let store = fixture.open().await;
        store.append(record(RecordKind::Startup), soon()).await.unwrap();
        assert_eq!(store.count().await, Ok(times));
        store.close().await;
    }
    let rows = fixture.stranger("UPDATE _sqlx_migrations SET success = success").await;
    assert_eq!(rows, Ok(u64::try_from(Store::schema_version()).unwrap()));
}

async fn a_schema_of_a_newer_program_is_refused(fixture: &mut impl Fixture) {
    fixture.open().await.close().await;
    let sql = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
               SELECT 9999, 'of the future', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1";
    fixture.stranger(sql).await.unwrap();
    let error = refusal(fixture).await;
    assert!(
        matches!(error, OpenError::Newer { database: 9999, program } if program == Store::schema_version()),
        "{error}"
    );
}

async fn a_migration_that_was_edited_afterwards_is_refused(fixture: &mut impl Fixture) {
    fixture.open().await.close().await;
    let sql = format!("UPDATE _sqlx_migrations SET checksum = {}", literal(fixture));
    fixture.stranger(&sql).await.unwrap();
    let error = refusal(fixture).await;
    assert!(matches!(error, OpenError::Migration(_)), "{error}");
}

fn literal<F: Fixture>(_: &F) -> String {
    F::literal(super::fixture::card_id())
}

async fn two_programs_that_start_together_both_open(fixture: &mut impl Fixture) {
    let (one, other) = tokio::join!(fixture.open(), fixture.open());
    one.append(record(RecordKind::Startup), soon()).await.unwrap();
    other.append(record(RecordKind::Startup), soon()).await.unwrap();
    assert_eq!(one.count().await, Ok(2));
    one.close().await;
    other.close().await;
}
