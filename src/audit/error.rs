//! Everything that can go wrong with the record, without a word from its content.

use std::path::PathBuf;
use uuid::Uuid;

/// Why a record was not (known to be) stored, or could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// The queue is full; nothing was stored. Try again later.
    #[error("the record store's queue is full")]
    Busy,
    /// The deadline passed first. The record **may still be stored**; appending the same record again is safe.
    #[error("the record was not known to be durable in time")]
    Deadline,
    /// The store does not work at present. When the connection was lost during a commit, the record **may be stored**;
    /// appending the same record again is safe.
    #[error("the record store is unavailable: {0}")]
    Unavailable(String),
    /// [`super::Store::close`] was called, or the writer's thread is gone; nothing was stored.
    #[error("the record store is closed")]
    Closed,
    /// The body is over `record_max_bytes`, or one call's bodies are together over `queue_bytes`; nothing was stored.
    #[error("{bytes} bytes are over the limit of {limit}")]
    TooLarge {
        /// Length of the body or bodies.
        bytes: usize,
        /// The limit it broke.
        limit: usize,
    },
    /// Another record with this id is stored; it was not touched.
    #[error("record {id} is already stored with other bytes")]
    Conflict {
        /// The id both have.
        id: Uuid,
    },
    /// The record breaks a rule of the store, for instance shows a card that another record shows; nothing was stored.
    #[error("record {id} was refused: {reason}")]
    Refused {
        /// The record, or the first record of a list that is stored as a whole.
        id: Uuid,
        /// The rule; names columns and constraints, never values.
        reason: String,
    },
    /// What is stored is not what was appended.
    #[error("record {id} does not read back as it was stored: {reason}")]
    Corrupt {
        /// The damaged record.
        id: Uuid,
        /// What does not fit.
        reason: &'static str,
    },
}

impl AuditError {
    /// Whether the record may be in the store all the same.
    #[must_use]
    pub const fn is_ambiguous(&self) -> bool {
        matches!(self, Self::Deadline | Self::Unavailable(_))
    }
}

/// Why the store did not open. Start-up fails with it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address cannot be read, or names something that is not durable.
    #[error("database address: {0}")]
    Address(String),
    /// The SQLite file's folder could not be made.
    #[error("folder {folder}: {source}")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The database does not answer, or not as it should.
    #[error("database: {0}")]
    Connect(String),
    /// The database runs with a setting under which an acknowledged commit can be lost.
    #[error("the database would lose records in a crash: {0}")]
    NotDurable(String),
    /// The schema was written by a newer Auscult.
    #[error("the database has migration {database}, this program knows only up to {program}: use the newer program")]
    Newer {
        /// The newest migration in the database.
        database: i64,
        /// The newest migration in this program.
        program: i64,
    },
    /// A migration failed, or one that was applied has since been edited.
    #[error("migration: {0}")]
    Migration(String),
    /// No thread or runtime for the writer.
    #[error("the writer's thread: {0}")]
    Thread(String),
}
