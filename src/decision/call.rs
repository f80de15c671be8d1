//! What the edge knows about one call and the decision needs for its record.

use crate::domain::Digest;
use std::time::Instant;
use time::OffsetDateTime;
use uuid::Uuid;

/// One HTTP call, as far as it matters here.
#[derive(Debug, Clone)]
pub struct Call {
    /// Validated or newly drawn request id.
    pub request_id: String,
    /// Who called: a registered client's issuer, or `development`.
    pub caller: String,
    /// The languages the caller asks for (`Accept-Language`), as it came.
    pub language: Option<String>,
    /// SHA-256 of the request body as received.
    pub body_digest: Digest,
    /// Wall-clock time of receipt, for the record.
    pub received: OffsetDateTime,
    /// When the whole body had arrived; the answer's budget counts from here, so that a slow upload does not use it up.
    pub started: Instant,
}

/// An answer whose record is durable.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The exact bytes to send (`application/json`), as they stand in the record.
    pub body: String,
    /// The record.
    pub record: Uuid,
    /// Number of cards by indicator: info, warning, critical.
    pub cards: [usize; 3],
    /// Milliseconds each network took, for metrics.
    pub model_ms: Vec<(String, f64)>,
}
