//! A case with its truth, as every network's data gives them, and an answer, as every network's predictions give them.
//!
//! Contract: an answer is read the same way from a prediction made here and from the record of one made by a running
//! service, so that one scorer (`training::report`) measures both.

use crate::domain::{Certainty, ModelInput};
use std::collections::BTreeMap;

/// One case.
#[derive(Debug, Clone)]
pub struct Trial {
    /// Number or file name in the public data: stands in reports beside mistakes.
    pub name: String,
    /// Cases with the same cluster (patient, document) are resampled together.
    pub cluster: String,
    /// What the network reads.
    pub input: ModelInput,
    /// What is true.
    pub truth: Truth,
    /// What divides the cases (`age`, `sex`, `unit` …) → this case's part (`65 to 79` …); unknown is left out.
    pub groups: BTreeMap<String, String>,
}

/// What is true of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Truth {
    /// Whether it has the finding.
    Finding(bool),
    /// Its grade.
    Grade(usize),
    /// The mentions people marked, and the kinds this corpus marks at all (mentions of other kinds are not counted).
    Mentions {
        /// Marked spans.
        spans: Vec<Span>,
        /// Labels the corpus marks.
        kinds: Vec<String>,
    },
    /// The topics of the one note.
    Topics(Vec<String>),
}

/// A marked span of the first note's text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Byte offset where it begins.
    pub start: usize,
    /// Byte offset just after it.
    pub end: usize,
    /// Label, for example `Disease`.
    pub kind: String,
}

/// What was answered, read from a prediction by `training::report::answer`.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// It was refused, for this reason (a code).
    Refused(String),
    /// Calibrated probability of the first label, and its conformal answer if any.
    Probability {
        /// Raw score.
        score: f64,
        /// Calibrated probability.
        probability: f64,
        /// The conformal answer.
        certainty: Option<Certainty>,
    },
    /// Probabilities of the grades and the conformal interval, with the probability of the first label.
    Grades {
        /// The grade as served.
        grade: usize,
        /// From grade 0 upwards.
        probabilities: Vec<f64>,
        /// Lowest and highest grade that remain.
        interval: (usize, usize),
        /// Promised coverage of the interval.
        coverage: f64,
        /// Raw score of the first label (the binary question beside the grade).
        score: f64,
        /// Its calibrated probability.
        probability: f64,
    },
    /// Mentions found, each with its probability and whether it reaches its threshold.
    Mentions(Vec<(Span, f64, bool)>),
    /// Topics with probability and threshold.
    Topics(Vec<(String, f64, f64)>),
}
