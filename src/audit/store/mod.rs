//! One store over two databases: many callers, one writer, one commit point.
//!
//! Contract: [`Store::append`] answers `Ok` only after the `COMMIT` of the transaction that holds the record. Anything
//! else means "do not show it". Every write is idempotent by record id, so recovery is doing it again.

mod address;
mod backend;
mod commit;
mod connection;
mod durability;
mod faults;
mod reads;
mod rows;
mod schema;
mod writer;

use self::{
    address::{Address, Readers},
    writer::{Job, Order},
};
use super::{
    AuditError, Figures, NewRecord, OpenError, Receipt, Settings,
    counters::{Counters, Room},
};
use crate::domain::{Clock, Digest};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Instant,
};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

/// A record with the digest of its body, worked out by the caller so that the writer only writes.
#[derive(Debug)]
struct Draft {
    record: NewRecord,
    digest: Digest,
}

/// The durable record. Share it in an [`Arc`]; dropping it lets the writer finish what waits.
pub struct Store {
    orders: mpsc::Sender<Order>,
    readers: Readers,
    counters: Arc<Counters>,
    queue_bytes: usize,
    record_max_bytes: usize,
}

impl Store {
    /// Opens the database named by the settings: makes the SQLite file and its folder if needed, brings the schema up
    /// to date, and refuses a database in which an acknowledged record could be lost.
    ///
    /// # Errors
    /// See [`OpenError`]; the service must not start.
    pub async fn open(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let address = Address::parse(settings.url(), settings.attempt())?;
        address.make_folder()?;
        let counters = Arc::new(Counters::default());
        let readers = address.readers(settings.readers);
        let orders = writer::start(address, settings.clone(), Arc::clone(&counters), clock).await?;
        let Settings { queue_bytes, record_max_bytes, .. } = *settings;
        Ok(Self { orders, readers, counters, queue_bytes, record_max_bytes })
    }

    /// The folder in which an embedded database lies; none when the database is a server that others share.
    #[must_use]
    pub fn folder(settings: &Settings) -> Option<PathBuf> {
        let address = Address::parse(settings.url(), settings.attempt()).ok()?;
        address.folder().map(Path::to_owned)
    }

    /// Makes one record durable.
    ///
    /// The write goes on even if the caller is dropped or its deadline passes. The same id with the same bytes again is
    /// a success with the first receipt's `stored_at`.
    ///
    /// # Errors
    /// [`AuditError`]; after those for which [`AuditError::is_ambiguous`] holds the record may be stored all the same.
    pub async fn append(&self, record: NewRecord, deadline: Instant) -> Result<Receipt, AuditError> {
        let mut receipts = self.append_all(vec![record], deadline).await?;
        receipts.pop().ok_or(AuditError::Closed)
    }

    /// Makes all of the records durable in one transaction, or none. Receipts are in the records' order; no records
    /// give no receipts.
    ///
    /// # Errors
    /// As [`Store::append`], for the list as a whole.
    pub async fn append_all(&self, records: Vec<NewRecord>, deadline: Instant) -> Result<Vec<Receipt>, AuditError> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let bytes = self.check(&records)?;
        if deadline <= Instant::now() {
            self.counters.late.fetch_add(1, Relaxed);
            return Err(AuditError::Deadline);
        }
        let receiver = self.enqueue(records, bytes)?;
        match tokio::time::timeout_at(deadline.into(), receiver).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(AuditError::Unavailable("the writer stopped".into())),
            Err(_) => {
                self.counters.late.fetch_add(1, Relaxed);
                Err(AuditError::Deadline)
            }
        }
    }

    /// What can be refused without asking the database; returns the length of all bodies.
    fn check(&self, records: &[NewRecord]) -> Result<usize, AuditError> {
        for record in records {
            if record.body.len() > self.record_max_bytes {
                return Err(AuditError::TooLarge { bytes: record.body.len(), limit: self.record_max_bytes });
            }
            if record.id.get_version_num() != 7 {
                return Err(AuditError::Refused { id: record.id, reason: "the id is not a UUID version 7".into() });
            }
            if record.body.is_empty() {
                return Err(AuditError::Refused { id: record.id, reason: "the body is empty".into() });
            }
        }
        let bytes = records.iter().map(|record| record.body.len()).sum();
        if bytes > self.queue_bytes {
            return Err(AuditError::TooLarge { bytes, limit: self.queue_bytes });
        }
        Ok(bytes)
    }

    fn enqueue(&self, records: Vec<NewRecord>, bytes: usize) -> Result<oneshot::Receiver<writer::Outcome>, AuditError> {
        let busy = || {
            self.counters.busy.fetch_add(1, Relaxed);
            AuditError::Busy
        };
        let room = Room::take(&self.counters, records.len(), bytes, self.queue_bytes).ok_or_else(busy)?;
        let place = self.orders.try_reserve().map_err(|error| match error {
            mpsc::error::TrySendError::Full(()) => busy(),
            mpsc::error::TrySendError::Closed(()) => AuditError::Closed,
        })?;
        // Hashed only once there is a place, so that an overloaded service does not spend its time on refusals.
        let drafts =
            records.into_iter().map(|record| Draft { digest: Digest::of(&record.body), record }).collect::<Vec<_>>();
        let (reply, receiver) = oneshot::channel();
        place.send(Order::Append(Job { drafts, bytes, reply, room }));
        Ok(receiver)
    }

    /// Counters and gauges since start-up.
    #[must_use]
    pub fn figures(&self) -> Figures {
        self.counters.read()
    }

    /// Whether the writer can store records, as far as it knows; it tries again by itself every second.
    #[must_use]
    pub fn is_available(&self) -> bool {
        self.figures().available && !self.orders.is_closed()
    }

    /// Takes no more records, stores those that wait, answers their callers, and closes the database.
    pub async fn close(&self) {
        let (reply, done) = oneshot::channel();
        let accepted = self.orders.send(Order::Close(reply)).await.is_ok();
        if accepted && done.await.is_err() {
            tracing::error!("the audit writer stopped before it had closed the store");
        }
    }

    /// The newest migration this program knows.
    #[must_use]
    pub fn schema_version() -> i64 {
        schema::newest()
    }

    fn corrupt(id: Uuid, reason: &'static str) -> AuditError {
        AuditError::Corrupt { id, reason }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Store").field("figures", &self.figures()).finish_non_exhaustive()
    }
}
