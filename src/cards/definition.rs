//! The form of a service's definition, `cds-hooks/<service>.toml`. `cds-hooks/README.md` is its manual.
//!
//! Contract: unknown keys are errors. What the values must satisfy beyond their form is in `check`.

use crate::{
    cds_hooks::{Indicator, OverrideReason},
    domain::{Coding, ModelName, ServiceId},
    models::manifest::Kind,
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// One file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub id: ServiceId,
    pub hook: String,
    pub title: String,
    pub description: String,
    pub usage_requirements: Option<String>,
    pub source: SourceEntry,
    #[serde(default)]
    pub includes: Vec<ServiceId>,
    #[serde(default)]
    pub prefetch: BTreeMap<String, Prefetch>,
    #[serde(default)]
    pub models: Vec<ModelUse>,
    #[serde(default)]
    pub links: Vec<LinkEntry>,
    #[serde(default)]
    pub override_reasons: Vec<CodingEntry>,
    #[serde(default)]
    pub cards: Vec<CardEntry>,
}

/// One query that the EHR may answer in advance.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prefetch {
    /// FHIR read or search with tokens (CDS Hooks 2.0.1, Prefetch Template).
    pub template: String,
    /// What its absence means.
    pub policy: Policy,
}

/// What it means when a prefetch key cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// The service goes on and says what it did not look at.
    Optional,
    /// The call is answered with 412.
    Required,
}

/// A network and the kind of input it is handed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelUse {
    /// Its folder in `models/`.
    pub name: ModelName,
    /// What it reads.
    pub input: Input,
}

/// Kinds of input that the service can gather.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Input {
    /// The newest frontal chest film.
    Film,
    /// The newest film of one knee.
    #[serde(rename = "knee-film")]
    KneeFilm,
    /// Vitals and laboratory values of the newest 48 hours.
    Course,
    /// The newest notes.
    Notes,
}

impl Input {
    /// The kind of network that reads it.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::Film | Self::KneeFilm => Kind::Image,
            Self::Course => Kind::Sequence,
            Self::Notes => Kind::Notes,
        }
    }
}

/// Who says so (`source` of every card).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceEntry {
    pub label: String,
    pub url: String,
    pub topic: CodingEntry,
}

/// A code with its system and its words.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodingEntry {
    pub system: String,
    pub code: String,
    pub display: String,
}

impl CodingEntry {
    pub fn coding(&self) -> Coding {
        Coding { system: self.system.clone(), code: self.code.clone(), display: Some(self.display.clone()) }
    }

    pub fn reason(&self) -> OverrideReason {
        OverrideReason { system: self.system.clone(), code: self.code.clone(), display: self.display.clone() }
    }
}

/// A link on every card; `{{card}}` in the path becomes the card's uuid, `{{model}}` its network's name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkEntry {
    pub label: String,
    pub path: String,
}

/// A card that a finding can give.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardEntry {
    pub name: String,
    pub model: ModelName,
    pub label: String,
    pub summary: String,
    pub topic: CodingEntry,
    #[serde(default)]
    pub bands: Vec<Band>,
    /// What is weighed instead of a label's probability.
    pub weighs: Option<Weighs>,
    pub stale_after_hours: Option<u32>,
    /// Grades of a network that grades for which this card is; all if not given.
    pub grades: Option<Vec<usize>>,
    #[serde(default = "one")]
    pub most: usize,
    #[serde(default)]
    pub coded_only: bool,
    #[serde(default)]
    pub suggestions: Vec<SuggestionEntry>,
}

fn one() -> usize {
    1
}

/// What a card can weigh from notes, values and the problem list together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weighs {
    /// Signs of heart disease (`heart`).
    Heart,
}

/// From this probability upwards, this indicator.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Band {
    pub at: At,
    pub indicator: Level,
}

/// Where a band begins.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum At {
    /// A calibrated probability.
    Probability(f64),
    /// The word `threshold`: the manifest's threshold of the label.
    Word(String),
}

/// An indicator as written in a definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Info,
    Warning,
    Critical,
}

impl Level {
    pub const fn indicator(self) -> Indicator {
        match self {
            Self::Info => Indicator::Info,
            Self::Warning => Indicator::Warning,
            Self::Critical => Indicator::Critical,
        }
    }
}

/// Something offered to do: exactly one of the two kinds.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuggestionEntry {
    pub label: String,
    #[serde(default)]
    pub recommended: bool,
    pub unless_measured: Option<String>,
    /// Grades for which it is offered; all of the card's if not given.
    pub grades: Option<Vec<usize>>,
    pub service_request: Option<ServiceRequestEntry>,
    pub condition: Option<ConditionEntry>,
}

/// A draft request.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceRequestEntry {
    pub text: String,
    pub coding: Option<CodingEntry>,
    pub category: Option<CodingEntry>,
    pub priority: Priority,
    pub reason: String,
}

/// FHIR's request priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    Routine,
    Urgent,
    Asap,
    Stat,
}

/// An unconfirmed entry for the problem list, from a mention in the notes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConditionEntry {
    pub description: String,
}
