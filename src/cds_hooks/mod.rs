//! The CDS Hooks protocol as types.
//!
//! Contract: strict in what it emits (2.0.1, and the safe parts of the 3.0 ballot), liberal in what it accepts (1.0 to
//! 3.0, and clients that send invalid FHIR). It knows no web server: an error here has a kind and a PHI-free sentence,
//! never a status code.

pub mod action;
pub mod card;
pub mod discovery;
pub mod feedback;
pub mod hooks;
pub mod outcome;
pub mod request;
pub mod template;
pub mod text;

pub use action::{Action, Link, Suggestion};
pub use card::{Card, CardError, CdsResponse, Indicator, OverrideReason, SelectionBehavior, Source};
pub use feedback::{Feedback, FeedbackBatch, Outcome};
pub use request::{BadRequest, CdsRequest};
pub use text::{SUMMARY_CHARS_MAX, escape_markdown, summary};

/// The version of the specification that discovery states (3.0 ballot, Discovery › Response, `version`).
pub const SPECIFICATION: &str = "2.0.1";
