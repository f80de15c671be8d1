//! The commit point. One batch is one transaction: if `batch` returns outcomes, every `Ok` among them is durable.

use super::{
    connection::Connection,
    faults, rows,
    writer::{Job, Outcome},
};
use crate::audit::{AuditError, Receipt};
use std::collections::HashMap;
use time::OffsetDateTime;

/// Stores the batch, whose records are first written `now`. The outcomes are in the order of the jobs.
///
/// # Errors
/// The store's own failure: nothing is known about any job of the batch, and the connection must be given up.
pub(super) async fn batch(
    connection: &mut Connection,
    jobs: &[Job],
    now: OffsetDateTime,
) -> Result<Vec<Outcome>, sqlx::Error> {
    let now = rows::to_microsecond(now);
    match together(connection, jobs, now).await {
        Err(error) if faults::blames_record(&error) => {
            connection.run("ROLLBACK").await?;
            one_by_one(connection, jobs, now).await
        }
        outcome => outcome,
    }
}

/// The usual way: everything new and in order, a few statements for the whole batch.
async fn together(connection: &mut Connection, jobs: &[Job], now: OffsetDateTime) -> Result<Vec<Outcome>, sqlx::Error> {
    connection.begin().await?;
    let drafts: Vec<_> = jobs.iter().flat_map(|job| &job.drafts).collect();
    rows::insert(connection, &drafts, now).await?;
    connection.run("COMMIT").await?;
    Ok(jobs.iter().map(|job| Ok(receipts(job, &HashMap::new(), now))).collect())
}

/// Something in the batch is a repeat or is refused: each job gets a savepoint, so that it cannot harm its neighbours,
/// and all still share one commit.
async fn one_by_one(
    connection: &mut Connection,
    jobs: &[Job],
    now: OffsetDateTime,
) -> Result<Vec<Outcome>, sqlx::Error> {
    connection.begin().await?;
    let mut outcomes = Vec::with_capacity(jobs.len());
    for job in jobs {
        outcomes.push(alone(connection, job, now).await?);
    }
    connection.run("COMMIT").await?;
    Ok(outcomes)
}

async fn alone(connection: &mut Connection, job: &Job, now: OffsetDateTime) -> Result<Outcome, sqlx::Error> {
    let mut outcome = missing(connection, job, now).await;
    if outcome.as_ref().is_err_and(faults::blames_record) {
        // Another process may have stored the same record between our look and our insert; then a second look finds it.
        undo(connection).await?;
        outcome = missing(connection, job, now).await;
    }
    match outcome {
        Ok(Ok(receipts)) => {
            connection.run("RELEASE SAVEPOINT one").await?;
            Ok(Ok(receipts))
        }
        Ok(Err(conflict)) => {
            undo(connection).await?;
            Ok(Err(conflict))
        }
        Err(error) if faults::blames_record(&error) => {
            undo(connection).await?;
            let id = job.drafts.first().map(|draft| draft.record.id).unwrap_or_default();
            Ok(Err(AuditError::Refused { id, reason: faults::rule(&error) }))
        }
        Err(error) => Err(error),
    }
}

async fn undo(connection: &mut Connection) -> Result<(), sqlx::Error> {
    connection.run("ROLLBACK TO SAVEPOINT one").await?;
    connection.run("RELEASE SAVEPOINT one").await
}

/// Stores those of the job's records that are not there yet; a conflict if one is there with other bytes.
async fn missing(connection: &mut Connection, job: &Job, now: OffsetDateTime) -> Result<Outcome, sqlx::Error> {
    connection.run("SAVEPOINT one").await?;
    let mut stored = HashMap::new();
    for draft in &job.drafts {
        let id = draft.record.id;
        match rows::stored(connection, id).await? {
            Some(there) if there.digest != *draft.digest.as_bytes() || there.kind != draft.record.kind.as_str() => {
                return Ok(Err(AuditError::Conflict { id }));
            }
            Some(there) => drop(stored.insert(id, there.stored_at)),
            None => {
                rows::insert(connection, &[draft], now).await?;
                stored.insert(id, now);
            }
        }
    }
    Ok(Ok(receipts(job, &stored, now)))
}

/// Receipts for the job's records; `stored` has the times of those that were there before.
fn receipts(job: &Job, stored: &HashMap<uuid::Uuid, OffsetDateTime>, now: OffsetDateTime) -> Vec<Receipt> {
    let receipt = |draft: &super::Draft| {
        let id = draft.record.id;
        Receipt { id, digest: draft.digest, stored_at: stored.get(&id).copied().unwrap_or(now) }
    };
    job.drafts.iter().map(receipt).collect()
}
