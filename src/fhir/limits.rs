//! How much of a request is read. What lies beyond is listed as ignored, never dropped in silence.

use serde::{Deserialize, Serialize};

/// Bounds on what is read from one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Most resources read under one prefetch key.
    pub resources: usize,
    /// Most entries of one list of ignored things; the rest is counted in one closing entry.
    pub ignored: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { resources: 5_000, ignored: 200 }
    }
}
