//! Reading the record. Bodies are checked against their digests; lists leave bodies out.

use super::{Store, backend::on_either, rows::instant};
use crate::{
    audit::{AuditError, Entry, StoredRecord},
    domain::Digest,
};
use uuid::Uuid;

/// The columns of an [`Entry`]: id, kind, time, stored at, service, digest, length.
type Columns = (Vec<u8>, String, i64, i64, Option<String>, Vec<u8>, i64);

/// Most entries or records one call reads.
const MOST: u32 = 1000;

fn unavailable(error: sqlx::Error) -> AuditError {
    AuditError::Unavailable(error.to_string())
}

fn key(id: Uuid) -> Vec<u8> {
    id.as_bytes().to_vec()
}

impl Store {
    /// The record with this id.
    ///
    /// # Errors
    /// [`AuditError::Corrupt`] when it does not read back as it was stored, [`AuditError::Unavailable`].
    pub async fn get(&self, id: Uuid) -> Result<Option<StoredRecord>, AuditError> {
        let Some(entry) = self.entry(id).await? else { return Ok(None) };
        let body: Option<Vec<u8>> = on_either!(&self.readers, pool =>
            sqlx::query_scalar("SELECT body FROM payload WHERE record_id = $1").bind(key(id)).fetch_optional(pool).await
        )
        .map_err(unavailable)?;
        let body = body.ok_or_else(|| Self::corrupt(id, "its body is missing"))?;
        if Digest::of(&body) != entry.digest {
            return Err(Self::corrupt(id, "its body does not have the digest that was noted"));
        }
        if body.len() as u64 != entry.bytes {
            return Err(Self::corrupt(id, "its body does not have the length that was noted"));
        }
        let (cards, links) = self.references(id).await?;
        Ok(Some(StoredRecord { entry, cards, links, body }))
    }

    async fn entry(&self, id: Uuid) -> Result<Option<Entry>, AuditError> {
        let row: Option<Columns> = on_either!(&self.readers, pool =>
            sqlx::query_as("SELECT id, kind, time_us, stored_us, service, digest, bytes FROM record WHERE id = $1")
                .bind(key(id))
                .fetch_optional(pool)
                .await
        )
        .map_err(unavailable)?;
        row.map(entry).transpose()
    }

    /// Cards and records that a record refers to.
    async fn references(&self, id: Uuid) -> Result<(Vec<Uuid>, Vec<Uuid>), AuditError> {
        let sql = "SELECT id, 'card' AS about FROM card WHERE record_id = $1 \
                   UNION ALL SELECT target, about FROM link WHERE record_id = $1 ORDER BY 1";
        let rows: Vec<(Vec<u8>, String)> = on_either!(&self.readers, pool =>
            sqlx::query_as(sql).bind(key(id)).fetch_all(pool).await
        )
        .map_err(unavailable)?;
        let (mut cards, mut links) = (Vec::new(), Vec::new());
        for (target, about) in rows {
            let target = Uuid::from_slice(&target).map_err(|_| Self::corrupt(id, "a reference is no identifier"))?;
            if about == "card" { &mut cards } else { &mut links }.push(target);
        }
        Ok((cards, links))
    }

    /// The newest entries, newest first, at most `limit` and at most 1,000; with `before`, only those older than it.
    /// Newest by id, that is by the time at which the caller made the id.
    ///
    /// # Errors
    /// [`AuditError::Unavailable`], [`AuditError::Corrupt`].
    pub async fn recent(&self, limit: u32, before: Option<Uuid>) -> Result<Vec<Entry>, AuditError> {
        let sql = "SELECT id, kind, time_us, stored_us, service, digest, bytes FROM record WHERE id < $1 \
                   ORDER BY id DESC LIMIT $2";
        let rows: Vec<Columns> = on_either!(&self.readers, pool =>
            sqlx::query_as(sql)
                .bind(key(before.unwrap_or(Uuid::max())))
                .bind(i64::from(limit.min(MOST)))
                .fetch_all(pool)
                .await
        )
        .map_err(unavailable)?;
        rows.into_iter().map(entry).collect()
    }

    /// How many records there are. Reads an index from end to end: for pages and tests, not for every request.
    ///
    /// # Errors
    /// [`AuditError::Unavailable`].
    pub async fn count(&self) -> Result<u64, AuditError> {
        let count: i64 = on_either!(&self.readers, pool =>
            sqlx::query_scalar("SELECT count(*) FROM record").fetch_one(pool).await
        )
        .map_err(unavailable)?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// The id of the record that shows this card; cheap, without the body.
    ///
    /// # Errors
    /// [`AuditError::Unavailable`], [`AuditError::Corrupt`].
    pub async fn record_of_card(&self, card: Uuid) -> Result<Option<Entry>, AuditError> {
        let sql = "SELECT r.id, kind, time_us, stored_us, service, digest, bytes \
                   FROM card AS c JOIN record AS r ON r.id = c.record_id WHERE c.id = $1";
        let row: Option<Columns> = on_either!(&self.readers, pool =>
            sqlx::query_as(sql).bind(key(card)).fetch_optional(pool).await
        )
        .map_err(unavailable)?;
        row.map(entry).transpose()
    }

    /// The prediction that shows this card; none when no card with this id was ever recorded.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub async fn for_card(&self, card: Uuid) -> Result<Option<StoredRecord>, AuditError> {
        match self.record_of_card(card).await? {
            Some(entry) => self.get(entry.id).await,
            None => Ok(None),
        }
    }

    /// The feedback about a card, or about a record and any of its cards; oldest first, at most 1,000, with repeats.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub async fn feedback_for(&self, card_or_record: Uuid) -> Result<Vec<StoredRecord>, AuditError> {
        let sql = "SELECT id FROM record WHERE kind = 'feedback' AND id IN (SELECT record_id FROM link \
                   WHERE target = $1 OR target IN (SELECT id FROM card WHERE record_id = $1)) ORDER BY id LIMIT $2";
        let ids: Vec<Vec<u8>> = on_either!(&self.readers, pool =>
            sqlx::query_scalar(sql).bind(key(card_or_record)).bind(i64::from(MOST)).fetch_all(pool).await
        )
        .map_err(unavailable)?;
        let mut records = Vec::with_capacity(ids.len());
        for id in ids {
            let id = Uuid::from_slice(&id).map_err(|_| Self::corrupt(card_or_record, "a link is no identifier"))?;
            records.extend(self.get(id).await?);
        }
        Ok(records)
    }

    /// Cards that feedback is about and no record shows, with the feedback's id: newest feedback first, at most `limit`
    /// and at most 1,000.
    ///
    /// # Errors
    /// [`AuditError::Unavailable`], [`AuditError::Corrupt`].
    pub async fn orphaned_feedback(&self, limit: u32) -> Result<Vec<(Uuid, Uuid)>, AuditError> {
        let sql = "SELECT target, record_id FROM link WHERE about = 'card' \
                   AND NOT EXISTS (SELECT 1 FROM card WHERE card.id = link.target) ORDER BY record_id DESC LIMIT $1";
        let rows: Vec<(Vec<u8>, Vec<u8>)> = on_either!(&self.readers, pool =>
            sqlx::query_as(sql).bind(i64::from(limit.min(MOST))).fetch_all(pool).await
        )
        .map_err(unavailable)?;
        let pair =
            |(card, record): (Vec<u8>, Vec<u8>)| Some((Uuid::from_slice(&card).ok()?, Uuid::from_slice(&record).ok()?));
        rows.into_iter()
            .map(|row| pair(row).ok_or_else(|| Self::corrupt(Uuid::nil(), "a link is no identifier")))
            .collect()
    }
}

fn entry(row: Columns) -> Result<Entry, AuditError> {
    let (id, kind, time_us, stored_us, service, digest, bytes) = row;
    let id = Uuid::from_slice(&id).map_err(|_| Store::corrupt(Uuid::nil(), "its id is no identifier"))?;
    let corrupt = |reason| Store::corrupt(id, reason);
    Ok(Entry {
        id,
        kind: kind.parse().map_err(|_| corrupt("its kind is unknown"))?,
        time: instant(time_us),
        stored_at: instant(stored_us),
        service: service.map(|name| name.parse().map_err(|_| corrupt("its service is no name"))).transpose()?,
        digest: Digest::from_bytes(digest.try_into().map_err(|_| corrupt("its digest is not 32 bytes"))?),
        bytes: u64::try_from(bytes).map_err(|_| corrupt("its length is negative"))?,
    })
}
