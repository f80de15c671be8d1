//! Records as rows: how they are written.
//!
//! Identifiers are 16 bytes, times are microseconds since 1970, digests 32 bytes: types that both databases keep and
//! compare exactly alike.

use super::{Draft, backend::on_either, connection::Connection};
use crate::audit::RecordKind;
use sqlx::QueryBuilder;
use time::OffsetDateTime;
use uuid::Uuid;

/// What is stored already under an id.
pub(super) struct Stored {
    pub(super) digest: Vec<u8>,
    pub(super) kind: String,
    pub(super) stored_at: OffsetDateTime,
}

/// Far below SQLite's 32,766 and Postgres's 65,535 values in a statement.
const ROWS: usize = 1024;

/// Inserts new records with everything that belongs to them, usually in four statements of the open transaction.
pub(super) async fn insert(
    connection: &mut Connection,
    drafts: &[&Draft],
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    for drafts in drafts.chunks(ROWS) {
        insert_statements(connection, drafts, microseconds(now)).await?;
        insert_payloads(connection, drafts).await?;
        insert_cards(connection, drafts).await?;
        insert_links(connection, drafts).await?;
    }
    Ok(())
}

async fn insert_statements(connection: &mut Connection, drafts: &[&Draft], now: i64) -> Result<(), sqlx::Error> {
    let sql = "INSERT INTO record (id, kind, time_us, stored_us, service, digest, bytes) ";
    on_either!(connection, inner => {
        let mut query = QueryBuilder::new(sql);
        query.push_values(drafts, |mut row, draft| {
            let record = &draft.record;
            row.push_bind(record.id.as_bytes().to_vec())
                .push_bind(record.kind.as_str())
                .push_bind(microseconds(record.time))
                .push_bind(now)
                .push_bind(record.service.as_ref().map(|service| service.as_str().to_owned()))
                .push_bind(draft.digest.as_bytes().to_vec())
                .push_bind(i64::try_from(record.body.len()).unwrap_or(i64::MAX));
        });
        query.build().execute(inner).await.map(|_| ())
    })
}

async fn insert_payloads(connection: &mut Connection, drafts: &[&Draft]) -> Result<(), sqlx::Error> {
    on_either!(connection, inner => {
        let mut query = QueryBuilder::new("INSERT INTO payload (record_id, body) ");
        query.push_values(drafts, |mut row, draft| {
            row.push_bind(draft.record.id.as_bytes().to_vec()).push_bind(draft.record.body.as_slice());
        });
        query.build().execute(inner).await.map(|_| ())
    })
}

/// The cards that predictions show; each is in one record only.
async fn insert_cards(connection: &mut Connection, drafts: &[&Draft]) -> Result<(), sqlx::Error> {
    let predictions = drafts.iter().filter(|draft| draft.record.kind == RecordKind::Prediction);
    let rows: Vec<_> =
        predictions.flat_map(|draft| draft.record.cards.iter().map(|card| (*card, draft.record.id))).collect();
    for rows in rows.chunks(ROWS) {
        on_either!(&mut *connection, inner => {
            let mut query = QueryBuilder::new("INSERT INTO card (id, record_id) ");
            query.push_values(rows, |mut row, (card, record)| {
                row.push_bind(card.as_bytes().to_vec()).push_bind(record.as_bytes().to_vec());
            });
            query.build().execute(inner).await.map(|_| ())
        })?;
    }
    Ok(())
}

/// What records refer to: records, and the cards that anything but a prediction is about.
async fn insert_links(connection: &mut Connection, drafts: &[&Draft]) -> Result<(), sqlx::Error> {
    let rows: Vec<_> = drafts.iter().flat_map(|draft| links(draft)).collect();
    for rows in rows.chunks(ROWS) {
        on_either!(&mut *connection, inner => {
            let mut query = QueryBuilder::new("INSERT INTO link (record_id, target, about) ");
            query.push_values(rows, |mut row, (record, target, about)| {
                row.push_bind(record.as_bytes().to_vec()).push_bind(target.as_bytes().to_vec()).push_bind(*about);
            });
            query.build().execute(inner).await.map(|_| ())
        })?;
    }
    Ok(())
}

fn links(draft: &Draft) -> Vec<(Uuid, Uuid, &'static str)> {
    let record = &draft.record;
    let mut cards = if record.kind == RecordKind::Prediction { Vec::new() } else { record.cards.clone() };
    let mut records = record.links.clone();
    for targets in [&mut cards, &mut records] {
        targets.sort_unstable();
        targets.dedup();
    }
    let cards = cards.into_iter().map(|card| (record.id, card, "card"));
    cards.chain(records.into_iter().map(|target| (record.id, target, "record"))).collect()
}

/// What is stored under this id, if anything.
pub(super) async fn stored(connection: &mut Connection, id: Uuid) -> Result<Option<Stored>, sqlx::Error> {
    let row: Option<(Vec<u8>, String, i64)> = on_either!(connection, inner =>
        sqlx::query_as("SELECT digest, kind, stored_us FROM record WHERE id = $1")
            .bind(id.as_bytes().to_vec())
            .fetch_optional(inner)
            .await
    )?;
    Ok(row.map(|(digest, kind, stored_us)| Stored { digest, kind, stored_at: instant(stored_us) }))
}

/// Microseconds since 1970; every time that `OffsetDateTime` can hold fits.
pub(super) fn microseconds(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos().div_euclid(1000)).unwrap_or(i64::MAX)
}

/// The time that many microseconds after 1970; what does not fit cannot have been written by [`microseconds`].
pub(super) fn instant(microseconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(microseconds) * 1000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// The time as it will be read back.
pub(super) fn to_microsecond(time: OffsetDateTime) -> OffsetDateTime {
    instant(microseconds(time))
}

#[cfg(test)]
mod tests {
    use super::to_microsecond;
    use time::macros::datetime;

    #[test]
    fn times_keep_their_microseconds_before_and_after_1970() {
        for (time, kept) in [
            (datetime!(2026-11-23 14:22:01.123456789 +1), datetime!(2026-11-23 13:22:01.123456 UTC)),
            (datetime!(1969-12-31 23:59:59.999999999 UTC), datetime!(1969-12-31 23:59:59.999999 UTC)),
        ] {
            assert_eq!(to_microsecond(time), kept);
        }
    }
}
