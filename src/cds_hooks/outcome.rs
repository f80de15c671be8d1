//! The body of every answer that is not a success (CDS Hooks 3.0 ballot, Returning OperationOutcome).
//!
//! Contract: one issue, codes from FHIR R4's `issue-type` value set, and a sentence that its builder vouches to be free
//! of patient data.

use serde::Serialize;

/// How bad it is (FHIR R4 `issue-severity`, as far as it is used).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// This service is at fault.
    Fatal,
    /// The request could not be answered.
    Error,
}

/// What kind of thing went wrong (FHIR R4 `issue-type`, as far as it is used).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum IssueCode {
    /// The body is not what it should be.
    Structure,
    /// A required element is missing.
    Required,
    /// An element's value is not usable.
    Value,
    /// Two statements contradict each other.
    Conflict,
    /// Nothing has this address.
    NotFound,
    /// The method or media type is not for this address.
    NotSupported,
    /// Something is longer or deeper than is accepted.
    TooLong,
    /// The caller must say who it is.
    Login,
    /// The caller may not do this.
    Forbidden,
    /// Data the service needs is missing or unusable.
    Incomplete,
    /// Too much work at once.
    Throttled,
    /// Not ready in time.
    Timeout,
    /// The record could not be written.
    NoStore,
    /// For the moment only.
    Transient,
    /// An unexpected failure.
    Exception,
}

/// FHIR's `OperationOutcome` with one issue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OperationOutcome {
    resource_type: &'static str,
    issue: [Issue; 1],
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Issue {
    severity: Severity,
    code: IssueCode,
    diagnostics: String,
}

impl OperationOutcome {
    /// One issue. `diagnostics` must hold nothing about a patient and nothing of the request's text.
    pub fn new(severity: Severity, code: IssueCode, diagnostics: impl Into<String>) -> Self {
        let issue = [Issue { severity, code, diagnostics: diagnostics.into() }];
        Self { resource_type: "OperationOutcome", issue }
    }

    /// The sentence.
    #[must_use]
    pub fn diagnostics(&self) -> &str {
        &self.issue[0].diagnostics
    }
}

#[cfg(test)]
mod tests {
    use super::{IssueCode, OperationOutcome, Severity};
    use serde_json::json;

    #[test]
    fn it_is_the_resource_that_fhir_describes() {
        let outcome = OperationOutcome::new(Severity::Error, IssueCode::NotFound, "No such service");
        let issue = json!([{"severity": "error", "code": "not-found", "diagnostics": "No such service"}]);
        let expected = json!({"resourceType": "OperationOutcome", "issue": issue});
        assert_eq!(serde_json::to_value(outcome).unwrap(), expected);
    }
}
