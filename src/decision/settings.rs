//! How long an answer may take.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// `[decision]` in the settings file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Budget of the whole answer in milliseconds, from the body having arrived to the record being durable.
    pub deadline_ms: u64,
    /// Part of the budget kept back for building cards and storing the record.
    pub record_reserve_ms: u64,
    /// Longest time in milliseconds that the explanation page waits for what is computed when it is opened.
    pub explanation_deadline_ms: u64,
    /// Resources read per prefetch key; further ones are listed as ignored.
    pub resources_per_key: usize,
    /// Absolute base of the explanation links on cards; empty: no links.
    pub explanation_base: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            deadline_ms: 450,
            record_reserve_ms: 60,
            explanation_deadline_ms: 6_000,
            resources_per_key: 5_000,
            explanation_base: String::new(),
        }
    }
}

impl Settings {
    /// Time the networks have, counted from the start of the call.
    #[must_use]
    pub fn inference_budget(&self) -> Duration {
        Duration::from_millis(self.deadline_ms.saturating_sub(self.record_reserve_ms))
    }

    /// Everything wrong with these settings.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.record_reserve_ms >= self.deadline_ms {
            problems.push("decision.record_reserve_ms must be smaller than decision.deadline_ms".into());
        }
        if self.deadline_ms > 60_000 {
            problems.push("decision.deadline_ms is over a minute; clients give up long before".into());
        }
        if self.explanation_deadline_ms > 60_000 {
            problems.push("decision.explanation_deadline_ms is over a minute; readers give up long before".into());
        }
        if self.resources_per_key == 0 {
            problems.push("decision.resources_per_key must be at least 1".into());
        }
        problems
    }
}
