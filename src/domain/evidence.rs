//! Where a value came from, so that every number on a card can be traced to the resource it was read from.

use super::{Digest, Phi};
use serde::{Deserialize, Serialize};
use std::fmt;
use time::OffsetDateTime;

/// A code with its system (FHIR `Coding`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Coding {
    /// Absolute URI of the code system, for example `http://loinc.org`.
    pub system: String,
    /// The code itself.
    pub code: String,
    /// The code's name as the system gives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
}

/// The FHIR resource a value was read from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRef {
    /// Relative reference, `Type/id`; ids that break FHIR's rules are kept as they came, cut at 128 characters.
    pub reference: String,
    /// `meta.versionId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// `meta.lastUpdated`, as it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_updated: Option<String>,
    /// The prefetch key it arrived under.
    pub key: String,
    /// SHA-256 of the resource's compact JSON as received (member order kept).
    pub digest: Digest,
}

/// One measured value as a network reads it, with what was originally written.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// The network's name for the variable, for example `HR`.
    pub variable: String,
    /// The resource.
    pub source: SourceRef,
    /// The code by which it was recognised.
    pub code: Coding,
    /// When it was measured.
    #[serde(with = "time::serde::rfc3339")]
    pub time: OffsetDateTime,
    /// The value in `unit`.
    pub value: f64,
    /// The unit the network expects (UCUM).
    pub unit: String,
    /// The value as it stood in the resource, before any conversion.
    pub original_value: Phi<String>,
    /// The unit as it stood in the resource.
    pub original_unit: String,
}

impl fmt::Debug for Measurement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Measurement({}, [redacted])", self.variable)
    }
}

/// Something that was in the request and did not reach a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ignored {
    /// Relative reference of the resource, or the prefetch key when there is no resource.
    pub reference: String,
    /// Stable, PHI-free reason code, for example `entered-in-error`.
    pub reason: &'static str,
    /// One sentence for people; names codes and units, never values.
    pub detail: String,
}
