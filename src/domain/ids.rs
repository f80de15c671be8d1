//! Identifiers are arguments, like time.

use std::sync::atomic::{AtomicU64, Ordering};
use time::OffsetDateTime;
use uuid::Uuid;

/// Where new identifiers come from.
pub trait Ids: Send + Sync {
    /// An unguessable identifier (UUID version 4): cards, suggestions.
    fn random(&self) -> Uuid;
    /// An identifier that sorts by time (UUID version 7, RFC 9562): records.
    fn ordered(&self, now: OffsetDateTime) -> Uuid;
}

/// Identifiers from the operating system's randomness.
#[derive(Debug, Default, Clone, Copy)]
pub struct RandomIds;

impl Ids for RandomIds {
    fn random(&self) -> Uuid {
        #[expect(clippy::disallowed_methods, reason = "the one place that may draw identifiers")]
        Uuid::new_v4()
    }

    fn ordered(&self, now: OffsetDateTime) -> Uuid {
        let seconds = u64::try_from(now.unix_timestamp()).unwrap_or(0);
        Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, now.nanosecond()))
    }
}

/// Identifiers that count upwards, so that a test can name them.
#[derive(Debug, Default)]
pub struct SequentialIds(AtomicU64);

impl SequentialIds {
    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}

impl Ids for SequentialIds {
    fn random(&self) -> Uuid {
        uuid::Builder::from_random_bytes(u128::from(self.next()).to_be_bytes()).into_uuid()
    }

    fn ordered(&self, now: OffsetDateTime) -> Uuid {
        let millis = u64::try_from(now.unix_timestamp_nanos() / 1_000_000).unwrap_or(0);
        let mut tail = [0; 10];
        tail[2..].copy_from_slice(&self.next().to_be_bytes());
        uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid()
    }
}
