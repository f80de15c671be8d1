//! The `[audit]` table of the settings.

use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// Where records go and how much may wait.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// `sqlite://path` or `postgres://…`; absent means [`Settings::DEFAULT_URL`]. `DATABASE_URL` overrides it.
    #[serde(skip_serializing)]
    pub database_url: Option<String>,
    /// Most calls of `append` that wait for the writer; one more is refused.
    pub queue: usize,
    /// Most bytes of bodies that wait for the writer, queued or being written.
    pub queue_bytes: usize,
    /// Most records in one transaction.
    pub batch_max: usize,
    /// No further record joins a transaction that holds this many bytes.
    pub batch_bytes: usize,
    /// Longest body of one record.
    pub record_max_bytes: usize,
    /// How long an invocation waits for its record, in milliseconds; used by `decision`.
    pub write_deadline_ms: u64,
    /// How long the writer tries to store one batch, reconnecting included, before it calls the store unavailable.
    pub attempt_ms: u64,
    /// Most connections for reading.
    pub readers: u32,
}

impl Settings {
    /// The database when none is named: a file in the working directory.
    pub const DEFAULT_URL: &'static str = "sqlite://data/auscult.db";

    /// The address to open.
    #[must_use]
    pub fn url(&self) -> &str {
        self.database_url.as_deref().unwrap_or(Self::DEFAULT_URL)
    }

    /// How long an invocation waits for its record.
    #[must_use]
    pub const fn write_deadline(&self) -> Duration {
        Duration::from_millis(self.write_deadline_ms)
    }

    /// How long the writer tries to store one batch.
    #[must_use]
    pub const fn attempt(&self) -> Duration {
        Duration::from_millis(self.attempt_ms)
    }

    /// Everything that is wrong with the values, each as a sentence that begins with the setting's name.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        const MEBIBYTE: usize = 1 << 20;
        let mut faults = Vec::new();
        let mut check = |good: bool, fault: &str| {
            if !good {
                faults.push(fault.to_owned());
            }
        };
        check((1..=65_536).contains(&self.queue), "queue must be 1 to 65536");
        // SQLite binds at most 32,766 values in a statement, seven for each record.
        check((1..=1024).contains(&self.batch_max), "batch_max must be 1 to 1024");
        check((1..=64 * MEBIBYTE).contains(&self.batch_bytes), "batch_bytes must be 1 to 67108864");
        check((1024..=64 * MEBIBYTE).contains(&self.record_max_bytes), "record_max_bytes must be 1024 to 67108864");
        check(self.queue_bytes >= self.record_max_bytes, "queue_bytes must be at least record_max_bytes");
        check((1..=60_000).contains(&self.write_deadline_ms), "write_deadline_ms must be 1 to 60000");
        check((10..=60_000).contains(&self.attempt_ms), "attempt_ms must be 10 to 60000");
        check((1..=100).contains(&self.readers), "readers must be 1 to 100");
        faults
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            database_url: None,
            queue: 1024,
            queue_bytes: 64 << 20,
            batch_max: 64,
            batch_bytes: 4 << 20,
            record_max_bytes: 4 << 20,
            write_deadline_ms: 2000,
            attempt_ms: 2000,
            readers: 4,
        }
    }
}

/// Without the address, which may hold a password.
impl fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Settings")
            .field("database_url", &self.database_url.as_ref().map(|_| "[redacted]"))
            .field("queue", &self.queue)
            .field("queue_bytes", &self.queue_bytes)
            .field("batch_max", &self.batch_max)
            .field("batch_bytes", &self.batch_bytes)
            .field("record_max_bytes", &self.record_max_bytes)
            .field("write_deadline_ms", &self.write_deadline_ms)
            .field("attempt_ms", &self.attempt_ms)
            .field("readers", &self.readers)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::Settings;

    #[test]
    fn the_defaults_are_valid_and_an_empty_table_gives_them() {
        assert_eq!(Settings::default().faults(), Vec::<String>::new());
        assert_eq!(toml::from_str::<Settings>("").unwrap(), Settings::default());
    }

    #[test]
    fn an_unknown_setting_is_refused() {
        assert!(toml::from_str::<Settings>("batch = 3").is_err());
    }

    #[test]
    fn every_fault_is_named() {
        let settings = Settings { queue: 0, readers: 0, queue_bytes: 0, ..Settings::default() };
        assert_eq!(settings.faults().len(), 3);
    }

    #[test]
    fn debug_output_does_not_hold_the_password() {
        let settings = Settings { database_url: Some("postgres://a:sesame@h/d".into()), ..Settings::default() };
        assert!(!format!("{settings:?}").contains("sesame"));
    }
}
