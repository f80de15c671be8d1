//! The prefetch templates that discovery publishes (CDS Hooks 2.0.1, Prefetch Template and its query restrictions).
//!
//! Contract: a template that passes [`check`] is one that clients of every version from 1.0 on can resolve: a read or
//! a type-level search in the recommended subset, whose tokens are root-level fields of its hook's context.

use super::hooks::Hook;
use super::text::is_id;

/// Tokens about the user that version 2.0 adds.
const USER_TOKENS: [&str; 4] = ["userPractitionerId", "userPractitionerRoleId", "userPatientId", "userRelatedPersonId"];
/// Search parameters about the result that the subset allows.
const RESULT_PARAMETERS: [&str; 4] = ["_count", "_sort", "_id", "_lastUpdated"];
/// Comparisons of dates that FHIR has and the subset has not.
const FOREIGN_COMPARISONS: [&str; 4] = ["ne", "sa", "eb", "ap"];

/// Why a template must not be published. Templates are ours, so their text may be shown.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum TemplateError {
    /// Neither `Type/{{token}}`, `Type?query` nor a lone token.
    #[error("a template is `Type/{{{{context.field}}}}`, `Type?parameter=value` or `{{{{context.userId}}}}`")]
    Form,
    /// `{{` and `}}` do not pair.
    #[error("`{{{{` and `}}}}` do not pair")]
    Braces,
    /// A token that older clients cannot resolve, or that the hook does not have.
    #[error("`{{{{{0}}}}}` is not a token of this hook in CDS Hooks 2.0.1")]
    Token(String),
    /// A parameter without name or value.
    #[error("`{0}` is not `parameter=value`")]
    Parameter(String),
    /// A parameter or modifier outside the recommended subset.
    #[error("`{0}` is outside the subset of searches that clients must support")]
    Unsupported(String),
    /// The DSTU2 way of sorting, which the specification's own examples still show.
    #[error("`{0}` is DSTU2: write `_sort=-date`")]
    Sort(String),
}

/// Checks one template for services on `hook`.
///
/// # Errors
/// [`TemplateError`]: the first rule it breaks.
pub fn check(template: &str, hook: &Hook) -> Result<(), TemplateError> {
    for token in tokens(template)? {
        let known = token.strip_prefix("context.").is_some_and(|name| hook.has_token(name));
        if !known && !USER_TOKENS.contains(&token) {
            return Err(TemplateError::Token(token.to_owned()));
        }
    }
    if template == "{{context.userId}}" {
        return Ok(());
    }
    let end = template.find(['/', '?']).ok_or(TemplateError::Form)?;
    let (kind, rest) = template.split_at(end);
    if !kind.starts_with(|sign: char| sign.is_ascii_uppercase()) || !kind.bytes().all(|byte| byte.is_ascii_alphabetic())
    {
        return Err(TemplateError::Form);
    }
    match rest.split_at(1) {
        ("/", id) if is_token(id) || is_id(id) => Ok(()),
        ("?", query) => query.split('&').try_for_each(parameter),
        _ => Err(TemplateError::Form),
    }
}

/// The tokens of a template, without braces, in order.
///
/// # Errors
/// [`TemplateError::Braces`].
pub fn tokens(template: &str) -> Result<Vec<&str>, TemplateError> {
    let mut found = Vec::new();
    let mut pieces = template.split("{{");
    if pieces.next().is_some_and(|before| before.contains("}}")) {
        return Err(TemplateError::Braces);
    }
    for piece in pieces {
        let (token, after) = piece.split_once("}}").ok_or(TemplateError::Braces)?;
        if after.contains('}') || token.contains(['{', '}']) {
            return Err(TemplateError::Braces);
        }
        found.push(token);
    }
    Ok(found)
}

fn is_token(text: &str) -> bool {
    text.starts_with("{{") && text.ends_with("}}") && text.matches("{{").count() == 1
}

fn parameter(pair: &str) -> Result<(), TemplateError> {
    let (name, value) = pair.split_once('=').ok_or_else(|| TemplateError::Parameter(pair.to_owned()))?;
    if name.is_empty() || value.is_empty() || pair.chars().any(|sign| sign.is_whitespace() || sign.is_control()) {
        return Err(TemplateError::Parameter(pair.to_owned()));
    }
    let (bare, modifier) = name.split_once(':').map_or((name, None), |(bare, modifier)| (bare, Some(modifier)));
    if bare == "sort" || (bare == "_sort" && modifier.is_some()) {
        return Err(TemplateError::Sort(pair.to_owned()));
    }
    let unsupported = bare.contains('.')
        || (bare.starts_with('_') && !RESULT_PARAMETERS.contains(&bare))
        || modifier.is_some_and(|modifier| modifier != "in")
        || (is_date(bare) && value.split(',').any(is_foreign_comparison))
        || (bare == "_count" && value.parse::<u32>().is_err());
    if unsupported { Err(TemplateError::Unsupported(pair.to_owned())) } else { Ok(()) }
}

/// Parameters that R4 types as `date` (their names all say so, with these exceptions).
fn is_date(parameter: &str) -> bool {
    parameter.contains("date")
        || ["_lastUpdated", "authoredon", "period", "created", "issued", "sent"].contains(&parameter)
}

fn is_foreign_comparison(value: &str) -> bool {
    value.get(..2).is_some_and(|start| FOREIGN_COMPARISONS.contains(&start))
}

#[cfg(test)]
mod tests {
    use super::{TemplateError, check, tokens};
    use crate::cds_hooks::hooks::Hook;

    fn lint(template: &str) -> Result<(), TemplateError> {
        check(template, Hook::find("patient-view").unwrap())
    }

    #[test]
    fn reads_and_searches_of_the_subset_pass() {
        for good in [
            "Patient/{{context.patientId}}",
            "{{context.userId}}",
            "Practitioner/{{userPractitionerId}}",
            "Observation?patient={{context.patientId}}&category=vital-signs,laboratory&_count=200&_sort=-date",
            "Observation?patient={{context.patientId}}&code:in=http://example.org/vs&date=ge2026-01-01",
            "Encounter/{{context.encounterId}}",
        ] {
            assert_eq!(lint(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn what_older_clients_cannot_resolve_is_refused() {
        for bad in [
            "",
            "Patient",
            "patient/{{context.patientId}}",
            "Patient/",
            "Patient/{{context.patientId}}/_history",
            "Patient/{{context.patientId}",
            "Patient/{{context.patientId}}}",
            "}}Patient/{{context.patientId}}",
            "Patient/{{context.medications}}",
            "Patient/{{context.draftOrders.ServiceRequest.id}}",
            "Observation?date=ge{{today()}}",
            "Observation?patient={{%patient.id}}",
            "Observation?",
            "Observation?patient",
            "Observation?patient=",
            "Observation?subject.name=x",
            "Observation?code:text=x",
            "Observation?_include=Observation:subject",
            "Observation?_has:x=y",
            "Observation?date=ap2026-01-01",
            "Observation?date=ge2026-01-01,ne2026-02-02",
            "Observation?_count=many",
            "Observation?code=a b",
            "https://ehr.example/Patient/{{context.patientId}}",
        ] {
            assert!(lint(bad).is_err(), "{bad}");
        }
        assert!(matches!(lint("Observation?sort:desc=date"), Err(TemplateError::Sort(_))));
    }

    #[test]
    fn a_field_is_a_token_only_where_its_hook_has_it() {
        let dispatch = Hook::find("order-dispatch").unwrap();
        assert_eq!(
            check("Practitioner/{{context.userId}}", dispatch),
            Err(TemplateError::Token("context.userId".into()))
        );
        assert_eq!(check("ServiceRequest?_id={{context.dispatchedOrders}}", dispatch), Ok(()));
    }

    #[test]
    fn tokens_come_in_their_order() {
        assert_eq!(tokens("A/{{b}}?c={{d}}").unwrap(), ["b", "d"]);
    }
}
