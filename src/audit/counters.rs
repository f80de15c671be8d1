//! What the store has done, as plain numbers for whoever exports metrics.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
};

/// A reading of the counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// Records made durable since start-up, repeats included (counter).
    pub appended: u64,
    /// Transactions committed (counter); `appended / batches` is the mean size of a group.
    pub batches: u64,
    /// Batches that could not be stored (counter).
    pub failures: u64,
    /// Calls refused because the queue was full (counter).
    pub busy: u64,
    /// Calls whose deadline passed before the answer (counter).
    pub late: u64,
    /// Calls refused for what they hold: conflicts, broken rules (counter).
    pub refused: u64,
    /// Records queued or being written (gauge).
    pub queue_depth: usize,
    /// Bytes of their bodies (gauge).
    pub queue_bytes: usize,
    /// Whether the writer's last attempt to store or to connect succeeded (gauge, 0 or 1).
    pub available: bool,
}

/// The counters themselves, shared by the callers and the writer.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) appended: AtomicU64,
    pub(super) batches: AtomicU64,
    pub(super) failures: AtomicU64,
    pub(super) busy: AtomicU64,
    pub(super) late: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) available: AtomicBool,
    queue_depth: AtomicUsize,
    queue_bytes: AtomicUsize,
}

impl Counters {
    pub(super) fn read(&self) -> Figures {
        Figures {
            appended: self.appended.load(Relaxed),
            batches: self.batches.load(Relaxed),
            failures: self.failures.load(Relaxed),
            busy: self.busy.load(Relaxed),
            late: self.late.load(Relaxed),
            refused: self.refused.load(Relaxed),
            queue_depth: self.queue_depth.load(Relaxed),
            queue_bytes: self.queue_bytes.load(Relaxed),
            available: self.available.load(Relaxed),
        }
    }
}

/// Room in the queue, given back when dropped: whatever happens to a job, the gauges come right.
#[derive(Debug)]
pub(super) struct Room {
    counters: Arc<Counters>,
    records: usize,
    bytes: usize,
}

impl Room {
    /// Takes room for `records` with together `bytes`, unless more than `limit` bytes would wait.
    pub(super) fn take(counters: &Arc<Counters>, records: usize, bytes: usize, limit: usize) -> Option<Self> {
        let before = counters.queue_bytes.fetch_add(bytes, Relaxed);
        counters.queue_depth.fetch_add(records, Relaxed);
        let room = Self { counters: Arc::clone(counters), records, bytes };
        (before.saturating_add(bytes) <= limit).then_some(room)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.counters.queue_bytes.fetch_sub(self.bytes, Relaxed);
        self.counters.queue_depth.fetch_sub(self.records, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::{Counters, Room};
    use std::sync::Arc;

    #[test]
    fn room_is_bounded_and_comes_back() {
        let counters = Arc::new(Counters::default());
        let first = Room::take(&counters, 1, 60, 100).unwrap();
        assert!(Room::take(&counters, 1, 60, 100).is_none());
        assert_eq!((counters.read().queue_depth, counters.read().queue_bytes), (1, 60));
        drop(first);
        assert!(Room::take(&counters, 1, 100, 100).is_some());
        assert_eq!((counters.read().queue_depth, counters.read().queue_bytes), (0, 0));
    }
}
