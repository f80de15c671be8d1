//! Time is an argument: nothing but [`SystemClock`] asks the operating system what time it is.

use time::OffsetDateTime;

/// Wall-clock time. Used for what is written down, never for order.
pub trait Clock: Send + Sync {
    /// The current time in UTC.
    fn now(&self) -> OffsetDateTime;
}

/// The machine's clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> OffsetDateTime {
        #[expect(clippy::disallowed_methods, reason = "the one place that may read the wall clock")]
        OffsetDateTime::now_utc()
    }
}

/// A clock that stands still, for tests and replays.
#[derive(Debug, Clone, Copy)]
pub struct FrozenClock(pub OffsetDateTime);

impl Clock for FrozenClock {
    fn now(&self) -> OffsetDateTime {
        self.0
    }
}
