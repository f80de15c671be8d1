//! What happened, unalterably.
//!
//! Contract: a record is durable before its effect is visible. [`Store::append`] answers only after the commit that
//! holds the record; whatever else it answers, the caller must not show a card. Records are bytes that are kept and
//! hashed exactly as they were given, never rewritten, updated or deleted.

pub mod counters;
pub mod error;
pub mod record;
pub mod settings;
pub mod store;

pub use counters::Figures;
pub use error::{AuditError, OpenError};
pub use record::{Entry, NewRecord, Receipt, RecordKind, StoredRecord};
pub use settings::Settings;
pub use store::Store;
