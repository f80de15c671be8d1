//! Every way an invocation or a feedback call can fail, named where it arises and free of patient data.
//!
//! `http::errors` turns each into a status, an OperationOutcome and a log level; nothing else does.

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No service has this id.
    #[error("there is no service with this id")]
    UnknownService,
    /// The request names another hook than the service advertises.
    #[error("this service answers the hook `{expected}`")]
    HookMismatch {
        /// The hook in the service's definition.
        expected: String,
    },
    /// A required member is missing or malformed; the text names it and never quotes it.
    #[error("{0}")]
    BadRequest(String),
    /// Data the service cannot do without were not supplied (CDS Hooks, HTTP status codes: 412).
    #[error("required data `{key}`: {why}")]
    Precondition {
        /// The prefetch key.
        key: String,
        /// Why it is not there, in words.
        why: String,
    },
    /// Something in the request is about another patient than `context.patientId`.
    #[error("the request holds data about another patient than `context.patientId`")]
    WrongPatient,
    /// Every model's queue was full; nothing was computed.
    #[error("the service is at capacity")]
    Overloaded,
    /// The budget was spent before any model had answered.
    #[error("no network could answer within the time allowed")]
    DeadlineNoModel,
    /// The record could not be made durable, so the answer must not leave.
    #[error("the record of this answer could not be stored")]
    RecordStore,
    /// A defect. Details are in the log under the request id, never in the answer.
    #[error("an internal error; it has been logged")]
    Internal(&'static str),
}
