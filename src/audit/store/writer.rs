//! The one that writes: a thread with its own runtime, so that neither a busy network nor a busy web server delays a
//! commit. Whatever waited while it committed is the next batch.

use super::{Draft, address::Address, commit, connection::Connection, schema};
use crate::{
    audit::{
        AuditError, OpenError, Receipt, Settings,
        counters::{Counters, Room},
    },
    domain::Clock,
};
use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

/// What became of one call of `append` or `append_all`.
pub(super) type Outcome = Result<Vec<Receipt>, AuditError>;

/// The records of one call: stored together or not at all.
pub(super) struct Job {
    pub(super) drafts: Vec<Draft>,
    pub(super) bytes: usize,
    pub(super) reply: oneshot::Sender<Outcome>,
    /// Given back when the job is done with.
    pub(super) room: Room,
}

impl Job {
    /// Nobody may be waiting any more: the write was worth doing all the same.
    fn answer(self, outcome: Outcome) {
        drop(self.room);
        drop(self.reply.send(outcome));
    }
}

/// What the writer is asked to do.
pub(super) enum Order {
    Append(Job),
    Close(oneshot::Sender<()>),
}

/// How long an idle writer waits before it looks again for a store that was lost.
const RETRY: Duration = Duration::from_secs(1);

/// Opens the store in the writer's thread and leaves the thread running.
pub(super) async fn start(
    address: Address,
    settings: Settings,
    counters: Arc<Counters>,
    clock: Arc<dyn Clock>,
) -> Result<mpsc::Sender<Order>, OpenError> {
    let (orders, queue) = mpsc::channel(settings.queue.max(1));
    let (opened, opening) = oneshot::channel();
    let work = async move {
        let connection = match open(&address).await {
            Ok(connection) => connection,
            Err(error) => return drop(opened.send(Err(error))),
        };
        counters.available.store(true, Relaxed);
        if opened.send(Ok(())).is_err() {
            return; // Nobody waits for this store any more.
        }
        let connection = Some(connection);
        Writer { address, settings, counters, clock, connection, queue, held: None, closing: Vec::new() }.work().await;
    };
    let thread = || match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(work),
        // Dropping `work` tells the one who waits for the opening.
        Err(error) => tracing::error!(%error, "no runtime for the audit writer"),
    };
    std::thread::Builder::new()
        .name("audit-writer".into())
        .spawn(thread)
        .map_err(|error| OpenError::Thread(error.to_string()))?;
    opening.await.map_err(|_| OpenError::Thread("it stopped while opening the store".into()))??;
    Ok(orders)
}

async fn open(address: &Address) -> Result<Connection, OpenError> {
    let mut connection = Connection::open(address).await?;
    schema::migrate(&mut connection).await?;
    Ok(connection)
}

struct Writer {
    address: Address,
    settings: Settings,
    counters: Arc<Counters>,
    clock: Arc<dyn Clock>,
    /// None after a failure, until the next attempt.
    connection: Option<Connection>,
    queue: mpsc::Receiver<Order>,
    /// Taken from the queue, but too big for the batch that was being gathered.
    held: Option<Job>,
    /// Those who wait for the end.
    closing: Vec<oneshot::Sender<()>>,
}

impl Writer {
    async fn work(mut self) {
        while let Some(order) = self.next().await {
            if let Some(first) = self.accept(order) {
                let batch = self.gather(first);
                self.store(batch).await;
            }
        }
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "the audit store did not close in good order; its records are durable");
        }
        for done in self.closing {
            if done.send(()).is_err() {
                tracing::debug!("nobody waited for the audit store to close");
            }
        }
    }

    /// The next order; None when there will be no more. While the store is lost, looks for it now and then, so that
    /// readiness comes back without traffic.
    async fn next(&mut self) -> Option<Order> {
        if let Some(job) = self.held.take() {
            return Some(Order::Append(job));
        }
        while self.connection.is_none() {
            match timeout(RETRY, self.queue.recv()).await {
                Ok(order) => return order,
                // A failure changes nothing: it has been reported when the store was lost.
                Err(_) => drop(timeout(self.settings.attempt(), self.connect()).await),
            }
        }
        self.queue.recv().await
    }

    /// The job, if the order is one; after an order to close only what is queued already will still come.
    fn accept(&mut self, order: Order) -> Option<Job> {
        match order {
            Order::Append(job) => Some(job),
            Order::Close(done) => {
                self.queue.close();
                self.closing.push(done);
                None
            }
        }
    }

    /// The first job and whatever else waits, up to the limits of a batch.
    fn gather(&mut self, first: Job) -> Vec<Job> {
        let (mut records, mut bytes) = (first.drafts.len(), first.bytes);
        let mut batch = vec![first];
        while let Ok(order) = self.queue.try_recv() {
            let Some(job) = self.accept(order) else { continue };
            records += job.drafts.len();
            bytes += job.bytes;
            if records > self.settings.batch_max || bytes > self.settings.batch_bytes {
                self.held = Some(job);
                break;
            }
            batch.push(job);
        }
        batch
    }

    async fn store(&mut self, batch: Vec<Job>) {
        let attempt = self.settings.attempt();
        let outcome = timeout(attempt, self.attempt(&batch)).await;
        match outcome.unwrap_or_else(|_| Err("no answer in time".to_owned())) {
            Ok(outcomes) => {
                self.counters.batches.fetch_add(1, Relaxed);
                for (job, outcome) in batch.into_iter().zip(outcomes) {
                    match &outcome {
                        Ok(receipts) => self.counters.appended.fetch_add(receipts.len() as u64, Relaxed),
                        Err(_) => self.counters.refused.fetch_add(1, Relaxed),
                    };
                    job.answer(outcome);
                }
            }
            Err(reason) => self.fail(batch, &reason),
        }
    }

    /// Stores the batch, with a new connection if the old one turns out to be lost: repeating is safe, and a server
    /// that was restarted costs nobody an answer.
    async fn attempt(&mut self, batch: &[Job]) -> Result<Vec<Outcome>, String> {
        let mut fresh = false;
        loop {
            // Out of its place while in use: if this future is dropped half-way, the connection goes with it.
            let mut connection = match self.connection.take() {
                Some(connection) => connection,
                None => {
                    fresh = true;
                    self.connect().await?;
                    continue;
                }
            };
            match commit::batch(&mut connection, batch, self.clock.now()).await {
                Ok(outcomes) => {
                    self.connection = Some(connection);
                    return Ok(outcomes);
                }
                Err(error) if fresh => return Err(error.to_string()),
                Err(error) => tracing::debug!(%error, "the audit store's connection was lost, connecting again"),
            }
        }
    }

    async fn connect(&mut self) -> Result<(), String> {
        self.connection = Some(Connection::open(&self.address).await.map_err(|error| error.to_string())?);
        if !self.counters.available.swap(true, Relaxed) {
            tracing::info!("the audit store is available again");
        }
        Ok(())
    }

    /// Answers the batch and everything else that waits: all met the same outage, and none should wait for its own.
    fn fail(&mut self, batch: Vec<Job>, reason: &str) {
        self.connection = None;
        self.counters.failures.fetch_add(1, Relaxed);
        if self.counters.available.swap(false, Relaxed) {
            tracing::error!(reason, "the audit store is unavailable");
        }
        let mut failed = batch;
        failed.extend(self.held.take());
        while let Ok(order) = self.queue.try_recv() {
            failed.extend(self.accept(order));
        }
        failed.into_iter().for_each(|job| job.answer(Err(AuditError::Unavailable(reason.to_owned()))));
    }
}
