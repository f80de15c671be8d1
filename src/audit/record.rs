//! A record: a few plain columns to find it by, and the bytes that are the evidence.
//!
//! The body is one JSON object in UTF-8, the *envelope*; [`NewRecord::sealed_in_envelope`] writes it:
//!
//! ```json
//! {"v":1,"kind":"prediction","id":"019a…","t":"2026-11-23T13:22:01.123456Z","svc":"chart-review",
//!  "cards":["…"],"links":["…"],"content":{…}}
//! ```
//!
//! No white space between tokens, members in this order, `svc` null when there is no service. The store never parses
//! it: what counts, is hashed and will be sealed are the exact bytes. Because the envelope repeats the columns, the
//! digest vouches for them too.

use super::AuditError;
use crate::domain::{Digest, ServiceId};
use serde::Serialize;
use std::{fmt, str::FromStr};
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};
use uuid::Uuid;

/// What kind of event a record tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordKind {
    /// An invocation that was answered with cards, or with none because none were due.
    Prediction,
    /// An invocation that was refused or failed.
    Refusal,
    /// What a clinician did with cards.
    Feedback,
    /// Someone looked at records.
    Access,
    /// The service started, with the digests of its models and configuration.
    Startup,
    /// The service stopped in good order.
    Shutdown,
}

impl RecordKind {
    const ALL: [Self; 6] =
        [Self::Prediction, Self::Refusal, Self::Feedback, Self::Access, Self::Startup, Self::Shutdown];

    /// The word in the store and in the envelope.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prediction => "prediction",
            Self::Refusal => "refusal",
            Self::Feedback => "feedback",
            Self::Access => "access",
            Self::Startup => "startup",
            Self::Shutdown => "shutdown",
        }
    }
}

impl fmt::Display for RecordKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A word that is no kind of record.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a kind of record")]
pub struct KindError;

impl FromStr for RecordKind {
    type Err = KindError;

    fn from_str(text: &str) -> Result<Self, KindError> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(KindError)
    }
}

/// A record to be appended.
#[derive(Clone, PartialEq, Eq)]
pub struct NewRecord {
    /// UUID version 7, made by the caller: appending the same id and bytes again changes nothing.
    pub id: Uuid,
    /// The kind of event.
    pub kind: RecordKind,
    /// When it happened, by the caller's clock; kept to the microsecond, never used for order.
    pub time: OffsetDateTime,
    /// The CDS service concerned.
    pub service: Option<ServiceId>,
    /// A prediction: the cards it shows, each in no other record. Any other kind: the cards it is about, known or not.
    pub cards: Vec<Uuid>,
    /// Records it refers to.
    pub links: Vec<Uuid>,
    /// The envelope's exact bytes. Protected health information.
    pub body: Vec<u8>,
}

/// Microseconds and a `Z`: every instant has one spelling.
const INSTANT: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");

/// See the module's text; the order of the fields is the order of the members.
#[derive(Serialize)]
struct Envelope<'a, T> {
    v: u8,
    kind: RecordKind,
    id: Uuid,
    t: String,
    svc: Option<&'a ServiceId>,
    cards: &'a [Uuid],
    links: &'a [Uuid],
    content: &'a T,
}

impl NewRecord {
    /// Writes `content` and this record's columns into its body, replacing what was there.
    ///
    /// # Errors
    /// [`AuditError::Refused`] when the content cannot be written as JSON.
    pub fn sealed_in_envelope<T: Serialize>(mut self, content: &T) -> Result<Self, AuditError> {
        let refused = |reason: String| AuditError::Refused { id: self.id, reason };
        let t =
            self.time.to_offset(time::UtcOffset::UTC).format(INSTANT).map_err(|error| refused(error.to_string()))?;
        let envelope = Envelope {
            v: 1,
            kind: self.kind,
            id: self.id,
            t,
            svc: self.service.as_ref(),
            cards: &self.cards,
            links: &self.links,
            content,
        };
        // serde's own message could quote a value; the place where it happened is enough to find the fault.
        self.body = serde_json::to_vec(&envelope)
            .map_err(|error| refused(format!("not writable as JSON ({:?} error)", error.classify())))?;
        Ok(self)
    }
}

/// Without the body, which is protected health information.
impl fmt::Debug for NewRecord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "NewRecord({} {}, {} bytes)", self.kind, self.id, self.body.len())
    }
}

/// The proof that a record is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// The record.
    pub id: Uuid,
    /// SHA-256 of the body as stored.
    pub digest: Digest,
    /// The writer's clock when the record was first written; kept to the microsecond.
    #[serde(with = "time::serde::rfc3339")]
    pub stored_at: OffsetDateTime,
}

/// A record's columns, without its body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The record.
    pub id: Uuid,
    /// The kind of event.
    pub kind: RecordKind,
    /// When it happened, by the caller's clock.
    #[serde(with = "time::serde::rfc3339")]
    pub time: OffsetDateTime,
    /// When it was first written.
    #[serde(with = "time::serde::rfc3339")]
    pub stored_at: OffsetDateTime,
    /// The CDS service concerned.
    pub service: Option<ServiceId>,
    /// SHA-256 of the body, as noted when it was stored.
    pub digest: Digest,
    /// The body's length.
    pub bytes: u64,
}

/// A record read back; its body has been found to have the digest.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// Its columns.
    pub entry: Entry,
    /// The cards it shows (prediction) or is about (any other kind), in order of their ids.
    pub cards: Vec<Uuid>,
    /// The records it refers to, in order of their ids.
    pub links: Vec<Uuid>,
    /// The exact bytes. Protected health information.
    pub body: Vec<u8>,
}

/// Without the body, which is protected health information.
impl fmt::Debug for StoredRecord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "StoredRecord({} {}, {} bytes)", self.entry.kind, self.entry.id, self.body.len())
    }
}

#[cfg(test)]
mod tests {
    use super::{NewRecord, RecordKind};
    use time::macros::datetime;
    use uuid::{Uuid, uuid};

    fn record() -> NewRecord {
        NewRecord {
            id: uuid!("019a0000-0000-7000-8000-000000000001"),
            kind: RecordKind::Prediction,
            time: datetime!(2026-11-23 14:22:01.123456789 +1),
            service: Some("chart-review".parse().unwrap()),
            cards: vec![Uuid::nil()],
            links: vec![],
            body: vec![],
        }
    }

    #[test]
    fn the_envelope_is_written_as_documented() {
        let record = record().sealed_in_envelope(&serde_json::json!({"score": 0.1})).unwrap();
        let text = String::from_utf8(record.body).unwrap();
        assert_eq!(
            text,
            "{\"v\":1,\"kind\":\"prediction\",\"id\":\"019a0000-0000-7000-8000-000000000001\",\
             \"t\":\"2026-11-23T13:22:01.123456Z\",\"svc\":\"chart-review\",\
             \"cards\":[\"00000000-0000-0000-0000-000000000000\"],\"links\":[],\"content\":{\"score\":0.1}}"
        );
    }

    #[test]
    fn every_kind_reads_back_and_is_spelt_alike_in_json() {
        for kind in RecordKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        assert!("prediktion".parse::<RecordKind>().is_err());
    }

    #[test]
    fn debug_output_does_not_hold_the_body() {
        let record = NewRecord { body: b"Jane Roe".to_vec(), ..record() };
        assert!(!format!("{record:?}").contains("Jane"));
    }
}
