//! The one table from failure to answer.
//!
//! Contract: every refusal is JSON, an OperationOutcome with one issue (CDS Hooks 3.0 ballot, Returning
//! OperationOutcome), and says nothing about a patient and repeats nothing of the request. It is logged once, at the
//! edge, with the level given here.

use super::json::Problem;
use crate::{
    cds_hooks::{
        outcome::{IssueCode, OperationOutcome, Severity},
        request::BadRequest,
    },
    decision::Failure,
};
use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use tracing::Level;

/// Media type of an OperationOutcome.
pub const FHIR_JSON: &str = "application/fhir+json; charset=utf-8";

/// Every way a call can be refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The invocation or the feedback failed.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// The body is not a CDS Hooks request.
    #[error(transparent)]
    Request(#[from] BadRequest),
    /// The body is not JSON, or too much of it.
    #[error(transparent)]
    Json(#[from] Problem),
    /// Nothing has this address.
    #[error("nothing has this address")]
    Address,
    /// The address is not for this method.
    #[error("this address answers {0}")]
    Method(&'static str),
    /// The body is not declared as JSON.
    #[error("send the body as `Content-Type: application/json`, not compressed")]
    MediaType,
    /// The body is larger than accepted.
    #[error("the body is larger than {0} bytes")]
    Size(usize),
    /// The body did not arrive in time, or not completely.
    #[error("the body did not arrive")]
    Body,
    /// As many calls as are taken on at once are being answered.
    #[error("the service is at capacity")]
    Busy,
    /// The caller has not shown who it is. Never says why (CDS Hooks best practices).
    #[error("authentication is required")]
    Identity,
    /// Not ready for clinical calls; the reason is for operators.
    #[error("not ready: {0}")]
    Unready(String),
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// HTTP status.
    pub status: u16,
    /// Severity of the issue.
    pub severity: Severity,
    /// Code of the issue.
    pub code: IssueCode,
    /// How loudly it is logged.
    pub level: Level,
    /// After how many seconds it is worth trying again.
    pub retry_after_s: Option<u32>,
    /// A stable word for logs and metrics.
    pub name: &'static str,
}

pub(super) const fn row(status: u16, code: IssueCode, level: Level, name: &'static str) -> Row {
    Row { status, severity: Severity::Error, code, level, retry_after_s: None, name }
}

const fn retry(row: Row, seconds: u32) -> Row {
    Row { retry_after_s: Some(seconds), ..row }
}

impl Refusal {
    /// The table.
    #[must_use]
    pub const fn row(&self) -> Row {
        match self {
            Self::Failed(failure) => failure_row(failure),
            Self::Request(BadRequest::Missing(_) | BadRequest::Context { .. }) => {
                row(400, IssueCode::Required, Level::INFO, "request-incomplete")
            }
            Self::Request(BadRequest::OtherPatient) => {
                row(400, IssueCode::Conflict, Level::WARN, "token-other-patient")
            }
            Self::Request(_) => row(400, IssueCode::Value, Level::INFO, "request-unusable"),
            Self::Json(Problem::Malformed { .. }) => row(400, IssueCode::Structure, Level::INFO, "json-malformed"),
            Self::Json(Problem::Duplicate) => row(400, IssueCode::Structure, Level::INFO, "json-duplicate"),
            Self::Json(Problem::Depth(_)) => row(400, IssueCode::TooLong, Level::WARN, "json-depth"),
            Self::Json(Problem::Elements(_)) => row(413, IssueCode::TooLong, Level::WARN, "json-elements"),
            Self::Address => row(404, IssueCode::NotFound, Level::INFO, "no-address"),
            Self::Method(_) => row(405, IssueCode::NotSupported, Level::INFO, "method"),
            Self::MediaType => row(415, IssueCode::NotSupported, Level::INFO, "media-type"),
            Self::Size(_) => row(413, IssueCode::TooLong, Level::WARN, "body-size"),
            Self::Body => row(408, IssueCode::Timeout, Level::INFO, "body-late"),
            Self::Busy => retry(row(503, IssueCode::Throttled, Level::WARN, "at-capacity"), 1),
            Self::Identity => row(401, IssueCode::Login, Level::WARN, "identity"),
            Self::Unready(_) => retry(row(503, IssueCode::Transient, Level::WARN, "not-ready"), 5),
        }
    }
}

const fn failure_row(failure: &Failure) -> Row {
    match failure {
        Failure::UnknownService => row(404, IssueCode::NotFound, Level::INFO, "unknown-service"),
        Failure::HookMismatch { .. } => row(400, IssueCode::Value, Level::INFO, "hook-mismatch"),
        Failure::BadRequest(_) => row(400, IssueCode::Value, Level::INFO, "request-unusable"),
        Failure::Precondition { .. } => row(412, IssueCode::Incomplete, Level::INFO, "precondition"),
        Failure::WrongPatient => row(412, IssueCode::Conflict, Level::WARN, "wrong-patient"),
        Failure::Overloaded => retry(row(503, IssueCode::Throttled, Level::WARN, "overloaded"), 1),
        Failure::DeadlineNoModel => retry(row(504, IssueCode::Timeout, Level::WARN, "deadline"), 1),
        Failure::RecordStore => retry(row(503, IssueCode::NoStore, Level::ERROR, "record-store"), 5),
        Failure::Internal(_) => {
            Row { severity: Severity::Fatal, ..row(500, IssueCode::Exception, Level::ERROR, "internal") }
        }
    }
}

/// What the edge logs; travels in the response's extensions.
#[derive(Debug, Clone)]
pub(super) struct Noted {
    pub row: Row,
    /// PHI-free words; for defects, where in the program.
    pub words: String,
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.row().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let row = self.row();
        let mut builder = HttpResponse::build(self.status_code());
        builder.content_type(FHIR_JSON);
        if let Some(seconds) = row.retry_after_s {
            builder.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        match self {
            Self::Method(allow) => drop(builder.insert_header((header::ALLOW, *allow))),
            Self::Identity => drop(builder.insert_header((header::WWW_AUTHENTICATE, "Bearer"))),
            _ => {}
        }
        let outcome = OperationOutcome::new(row.severity, row.code, self.to_string());
        let mut response = builder.body(serde_json::to_string(&outcome).unwrap_or_default());
        let words = match self {
            Self::Failed(Failure::Internal(place)) => format!("{self} ({place})"),
            _ => self.to_string(),
        };
        response.extensions_mut().insert(Noted { row, words });
        response
    }
}

#[cfg(test)]
mod tests {
    use super::Refusal;
    use crate::{cds_hooks::request::BadRequest, decision::Failure, http::json::Problem};
    use actix_web::{ResponseError, body::to_bytes};
    use serde_json::Value;

    fn all() -> Vec<(u16, Refusal)> {
        let precondition = Failure::Precondition { key: "notes".into(), why: "nothing was supplied".into() };
        vec![
            (404, Failure::UnknownService.into()),
            (400, Failure::HookMismatch { expected: "patient-view".into() }.into()),
            (400, Failure::BadRequest("`context.userId` is required".into()).into()),
            (412, precondition.into()),
            (412, Failure::WrongPatient.into()),
            (503, Failure::Overloaded.into()),
            (504, Failure::DeadlineNoModel.into()),
            (503, Failure::RecordStore.into()),
            (500, Failure::Internal("cards").into()),
            (400, BadRequest::Missing("hook").into()),
            (400, BadRequest::OtherPatient.into()),
            (400, BadRequest::NotAnObject.into()),
            (400, Problem::Malformed { line: 1, column: 2 }.into()),
            (400, Problem::Duplicate.into()),
            (400, Problem::Depth(64).into()),
            (413, Problem::Elements(5).into()),
            (404, Refusal::Address),
            (405, Refusal::Method("GET")),
            (415, Refusal::MediaType),
            (413, Refusal::Size(5)),
            (408, Refusal::Body),
            (503, Refusal::Busy),
            (401, Refusal::Identity),
            (503, Refusal::Unready("the store does not answer".into())),
        ]
    }

    #[actix_web::test]
    async fn every_refusal_is_an_operation_outcome_with_its_status() {
        for (status, refusal) in all() {
            let response = refusal.error_response();
            assert_eq!(response.status().as_u16(), status, "{refusal}");
            assert_eq!(response.headers().get("retry-after").is_some(), matches!(status, 503 | 504), "{refusal}");
            let body = to_bytes(response.into_body()).await.unwrap();
            let body: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["resourceType"], "OperationOutcome");
            let issue = &body["issue"][0];
            assert!(issue["severity"].is_string() && issue["code"].is_string());
            assert!(issue["diagnostics"].as_str().is_some_and(|words| !words.is_empty()));
        }
    }

    #[test]
    fn our_own_faults_are_loud_and_the_callers_are_not() {
        for (status, refusal) in all() {
            let loud = refusal.row().level == tracing::Level::ERROR;
            let expected = matches!(refusal, Refusal::Failed(Failure::RecordStore | Failure::Internal(_)));
            assert_eq!(loud, expected, "{status} {refusal}");
        }
    }

    #[test]
    fn the_place_of_a_defect_is_not_told_to_the_caller() {
        assert!(!Refusal::from(Failure::Internal("cards::render")).to_string().contains("render"));
    }
}
