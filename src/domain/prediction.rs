//! What a network said, and why: the vocabulary between networks, cards and the record.

use super::{Coding, Phi};
use serde::{Deserialize, Serialize};

/// A network's answer to one input.
#[derive(Debug, Clone, Serialize)]
pub struct Prediction {
    /// Numbers, or a refusal to give any.
    #[serde(flatten)]
    pub status: Status,
    /// What the network would have liked to see and did not, in words (`lactate`, `body weight` …).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// How far the input lies from those the network was trained on; stays in the record also when it refuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub familiarity: Option<Familiarity>,
    /// The grade on an ordered scale, for networks that grade.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grade: Option<Grade>,
    /// What each note is about, for notes networks; at most a handful per note, most probable first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<Topic>,
    /// Key phrases of the notes, strongest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub key_phrases: Vec<KeyPhrase>,
}

impl Prediction {
    /// An answer in numbers.
    #[must_use]
    pub const fn scored(findings: Vec<Finding>, missing: Vec<String>) -> Self {
        Self {
            status: Status::Scored { findings },
            missing,
            familiarity: None,
            grade: None,
            topics: Vec::new(),
            key_phrases: Vec::new(),
        }
    }

    /// A refusal to give any.
    #[must_use]
    pub const fn abstained(abstention: Abstention) -> Self {
        Self {
            status: Status::Abstained(abstention),
            missing: Vec::new(),
            familiarity: None,
            grade: None,
            topics: Vec::new(),
            key_phrases: Vec::new(),
        }
    }

    /// The same with its distance from the training data.
    #[must_use]
    pub fn with_familiarity(self, familiarity: Familiarity) -> Self {
        Self { familiarity: Some(familiarity), ..self }
    }
}

/// Distance of an input from the training data, in the network's own features.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Familiarity {
    /// The distance; the unit is the network's own.
    pub distance: f64,
    /// Beyond this distance the network refuses.
    pub limit: f64,
}

/// A grade on an ordered scale.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Grade {
    /// The scale, for example `kellgren-lawrence`.
    pub scale: String,
    /// The most probable grade.
    pub grade: usize,
    /// Probability of each grade from 0 upwards; they add up to 1.
    pub probabilities: Vec<f64>,
    /// Lowest and highest grade of the conformal interval.
    pub interval: (usize, usize),
    /// Share of cases whose true grade lies in such an interval, as promised.
    pub coverage: f64,
}

/// What a note is about.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Topic {
    /// Index of the note in the input.
    pub note: usize,
    /// The specialty, for example `cardiovascular-pulmonary`.
    pub label: String,
    /// Calibrated probability, 0 to 1.
    pub probability: f64,
    /// From this probability on the note counts as being about it.
    pub threshold: f64,
}

/// A phrase that says what a note is about.
#[derive(Debug, Clone, Serialize)]
pub struct KeyPhrase {
    /// Index of the note in the input.
    pub note: usize,
    /// Byte offset where the phrase begins in the note's text.
    pub start: usize,
    /// Byte offset just after it.
    pub end: usize,
    /// The words.
    pub text: Phi<String>,
    /// Strength, 0 to 1.
    pub score: f64,
}

/// Numbers, or a refusal to give any.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "lowercase", tag = "status")]
pub enum Status {
    /// One entry per label of the manifest (image, sequence), or per mention found (notes).
    Scored {
        /// The findings, most probable first.
        findings: Vec<Finding>,
    },
    /// The input is not what the network was made for; there is no number.
    Abstained(Abstention),
}

/// One labelled probability.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// A label of the manifest.
    pub label: String,
    /// Raw score (logit) as the network gave it.
    pub score: f64,
    /// Calibrated probability, 0 to 1.
    pub probability: f64,
    /// The manifest's threshold on the calibrated probability.
    pub threshold: f64,
    /// Where in the notes it stands, for notes networks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mention: Option<Mention>,
    /// What can be said with the stated coverage, for networks that have conformal limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certainty: Option<Certainty>,
}

/// A conformal answer (Vovk, Gammerman & Shafer 2005): the answers that cannot be ruled out at the promised coverage.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Certainty {
    /// Which answers remain.
    pub answer: Answer,
    /// Share of cases, of each class, whose true answer is among those that remain, as promised.
    pub coverage: f64,
}

/// Answers that remain possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// Only "it is there".
    Yes,
    /// Only "it is not there".
    No,
    /// Both: the network cannot tell.
    Either,
}

impl Finding {
    /// Whether the calibrated probability reaches the threshold.
    #[must_use]
    pub fn fires(&self) -> bool {
        self.probability >= self.threshold
    }
}

/// How a mention is meant (the ConText algorithm: Harkema et al., J Biomed Inform 2009;42:839).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Assertion {
    /// Stated of the patient, now.
    Present,
    /// Denied or ruled out.
    Negated,
    /// Suspected, possible, to be ruled out.
    Uncertain,
    /// Warned of, guarded against, a condition: `if fever occurs`, `DVT prophylaxis`.
    Hypothetical,
    /// Of a relative.
    Family,
    /// Of the past.
    Historical,
}

/// A span of a note.
#[derive(Debug, Clone, Serialize)]
pub struct Mention {
    /// Index of the note in the input.
    pub note: usize,
    /// Byte offset where the mention begins in the note's text.
    pub start: usize,
    /// Byte offset just after it.
    pub end: usize,
    /// The words.
    pub text: Phi<String>,
    /// The sentence around them.
    pub sentence: Phi<String>,
    /// How it is meant.
    pub assertion: Assertion,
    /// The code it is linked to, if it is in the project's table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Coding>,
    /// Other places where the same thing is mentioned and meant the same way, less certain ones than this.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub repeats: Vec<Place>,
}

/// Another place of a mention.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Place {
    /// Index of the note in the input.
    pub note: usize,
    /// Byte offset where it begins in the note's text.
    pub start: usize,
    /// Byte offset just after it.
    pub end: usize,
    /// Calibrated probability that something is mentioned just there.
    pub probability: f64,
}

/// Why a network gives no number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Abstention {
    /// Stable, PHI-free code, for example `too-few-measurements`.
    pub reason: String,
    /// One sentence for the clinician.
    pub words: String,
}
