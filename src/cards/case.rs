//! What cards are made from, and what the record needs to know about them.

use super::{Language, Links, Stories};
use crate::{
    domain::{Explanation, Ids, Ignored, Measurement, ModelInput, ModelName, Phi, Prediction, Problem},
    models::Manifest,
};
use serde::Serialize;
use std::sync::Arc;
use time::OffsetDateTime;
use uuid::Uuid;

/// One invocation, as far as cards depend on it.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    /// The time of the call; ages are counted from it.
    pub now: OffsetDateTime,
    /// The patient's FHIR id, without `Patient/`.
    pub patient_id: &'a Phi<String>,
    /// The encounter's FHIR id, when the context names one.
    pub encounter_id: Option<&'a Phi<String>>,
    /// One entry per network of the definition, in any order.
    pub results: &'a [ModelResult<'a>],
    /// The problem list; `None` when it was not supplied, so that nothing is said to be absent from it.
    pub problem_list: Option<&'a [Problem]>,
    /// Whether only a part of the problem list was supplied, so that nothing is said to be absent from all of it.
    pub list_is_partial: bool,
    /// The newest value of every variable that a card weighs beside the networks' answers.
    pub values: &'a [Measurement],
    /// The patient's age in years, if known.
    pub age_years: Option<f64>,
    /// Everything that was read and not used.
    pub ignored: &'a [Ignored],
    /// What was wrong with prefetch keys, one sentence each without its full stop and without patient data, for
    /// example `the EHR answered the query for notes with an error`.
    pub keys: &'a [String],
    /// Where uuids of cards, suggestions and proposed resources come from.
    pub ids: &'a dyn Ids,
    /// Base of the links on cards, without a closing slash; no links without it.
    pub link_base: Option<&'a str>,
    /// The language of the sentences on cards.
    pub language: Language,
    /// What a link needs beside its address.
    pub links: &'a dyn Links,
    /// Base address of the calling EHR's FHIR server, when the request names one.
    pub fhir_server: Option<&'a str>,
}

/// What became of one network.
#[derive(Clone)]
pub struct ModelResult<'a> {
    /// Its papers.
    pub manifest: &'a Manifest,
    /// What happened.
    pub outcome: Outcome,
}

/// What happened to one network.
#[derive(Clone)]
#[expect(clippy::large_enum_variant, reason = "one per network and call")]
pub enum Outcome {
    /// It answered, with numbers or with an abstention.
    Answered {
        /// The answer.
        prediction: Prediction,
        /// Why, if it was computed in time.
        explanation: Option<Explanation>,
        /// What it read.
        input: Arc<ModelInput>,
    },
    /// The chart holds nothing for it to read: no card, but a line on the other cards, or one card if nothing at all
    /// could be read.
    NoInput {
        /// In words that finish "Not looked at: …", for example `no chest film in the chart`.
        why: String,
    },
    /// There is (or should be) something to read, but it could not be had or decoded: a card of its own.
    Unreadable {
        /// In words that finish "Could not be read: …", for example `the query for films was answered with an error`.
        why: String,
    },
    /// It did not answer in time.
    Late,
    /// It was not asked, for example because its queue was full.
    Refused(String),
    /// It broke.
    Failed,
}

/// The cards of one answer, most urgent first.
#[derive(Debug, Clone)]
pub struct Built {
    /// The cards.
    pub cards: Vec<crate::cds_hooks::Card>,
    /// What each card is about, in the same order.
    pub origins: Vec<Origin>,
}

/// What a card is about, for the record and for feedback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// The card.
    pub card: Uuid,
    /// Why there is a card.
    pub kind: CardKind,
    /// Name of the card's entry in the definition, for findings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The network it speaks for; `None` when it speaks for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelName>,
    /// The label that fired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The mention it is about: index of the note and byte offset in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<(usize, usize)>,
    /// What it says in sentences, in every language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub story: Option<Stories>,
    /// Its suggestions, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub suggestions: Vec<Uuid>,
}

/// Why there is a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CardKind {
    /// A label's probability reached its band.
    Finding,
    /// The network declined to judge.
    Abstained,
    /// Its input could not be had or decoded.
    Unreadable,
    /// It did not answer in time.
    Late,
    /// It broke.
    Failed,
    /// It was not asked.
    Refused,
    /// Nothing at all could be read.
    NothingRead,
    /// There is nothing to advise, but a query was not answered as it should have been.
    Incomplete,
}

impl CardKind {
    /// The section of `shared.card.md`, and the word in the record.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Finding => "finding",
            Self::Abstained => "abstained",
            Self::Unreadable => "unreadable",
            Self::Late => "late",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::NothingRead => "nothing-read",
            Self::Incomplete => "incomplete",
        }
    }
}
