//! Conditions → the problem list as it stands.
//!
//! Contract: active, recurring and relapsed problems, and those that state no clinical status and no end; refuted and
//! mistaken entries are left out; what is left out is listed.

use super::gather::Gathered;
use super::ledger::Ledger;
use super::resource::{Extracted, Resource, coded, codings, list, words};
use crate::domain::Problem;
use serde_json::Value;

/// Most codes kept of one problem, and most characters of its text.
const CODES: usize = 16;
const TEXT_CHARS: usize = 500;

/// The problems of the chart, in the order they came.
#[must_use]
pub fn problems(gathered: &Gathered<'_>) -> Extracted<Vec<Problem>> {
    let mut ledger = Ledger::new(gathered.limits.ignored);
    let mut value = Vec::new();
    for resource in gathered.of_kind("Condition") {
        match problem(resource) {
            Ok(problem) => value.push(problem),
            Err((reason, detail)) => ledger.note(&resource.source.reference, reason, || detail.to_owned()),
        }
    }
    Extracted { value, ignored: ledger.close() }
}

fn problem(resource: &Resource<'_>) -> Result<Problem, (&'static str, &'static str)> {
    if resource.is_modified() {
        return Err(("modifier-extension", "It carries a modifier extension, which can reverse its meaning."));
    }
    match status(resource.json, "verificationStatus") {
        Some("entered-in-error") => return Err(("entered-in-error", "It was entered in error.")),
        Some("refuted") => return Err(("refuted", "It has been refuted.")),
        _ => {}
    }
    match status(resource.json, "clinicalStatus") {
        Some("active" | "recurrence" | "relapse") => {}
        Some(_) => return Err(("not-active", "Its clinical status is not active.")),
        None if has_ended(resource.json) => return Err(("not-active", "It has ended.")),
        None => {}
    }
    let concept = resource.json.get("code").unwrap_or(&Value::Null);
    let said = words(concept).ok_or(("no-text", "It has neither a text nor a display."))?;
    let text: String = said.chars().filter(|one| !one.is_control()).take(TEXT_CHARS).collect();
    Ok(Problem { text: text.into(), codes: coded(concept, CODES), source: resource.source.clone() })
}

/// The code of a status, which was a plain text before R4.
fn status<'a>(json: &'a Value, member: &str) -> Option<&'a str> {
    let status = json.get(member)?;
    status
        .as_str()
        .or_else(|| codings(status).next().map(|(_, code, _)| code))
        .or_else(|| list(status, "coding").first()?.as_str())
}

fn has_ended(json: &Value) -> bool {
    let ends = ["abatementDateTime", "abatementPeriod", "abatementAge", "abatementRange", "abatementString"];
    ends.iter().any(|end| json.get(end).is_some()) || json.get("abatementBoolean") == Some(&Value::Bool(true))
}

#[cfg(test)]
mod tests {
    use super::problems;
    use crate::fhir::gather::gather;
    use crate::fhir::key::KeyRequest;
    use crate::fhir::limits::Limits;
    use serde_json::{Value, json};

    fn read(conditions: &[Value]) -> (Vec<String>, Vec<&'static str>) {
        let keys = [KeyRequest { key: "problems".into(), template: "Condition?patient=7".into(), required: false }];
        let entries: Vec<Value> = conditions
            .iter()
            .map(|one| {
                let mut one = one.clone();
                one["resourceType"] = "Condition".into();
                json!({ "resource": one })
            })
            .collect();
        let prefetch = json!({"problems": {"resourceType": "Bundle", "entry": entries}});
        let gathered = gather(&keys, prefetch.as_object(), "7", &Limits::default()).unwrap();
        let read = problems(&gathered);
        let texts = read.value.iter().map(|one| one.text.expose().clone()).collect();
        (texts, read.ignored.iter().map(|one| one.reason).collect())
    }

    fn coded(code: &str) -> Value {
        json!({"coding": [{"code": code}]})
    }

    #[test]
    fn what_is_active_or_says_nothing_is_a_problem() {
        let (texts, ignored) = read(&[
            json!({"clinicalStatus": coded("active"), "code": {"text": "Asthma"}}),
            json!({"clinicalStatus": "recurrence", "code": {"coding": [{"system": "s", "code": "c", "display": "Gout"}]}}),
            json!({"code": {"text": "Anaemia"}, "verificationStatus": coded("provisional")}),
        ]);
        assert_eq!(texts, ["Asthma", "Gout", "Anaemia"]);
        assert!(ignored.is_empty());
    }

    #[test]
    fn what_is_over_mistaken_or_mute_is_left_out_with_its_reason() {
        let (texts, ignored) = read(&[
            json!({"clinicalStatus": coded("resolved"), "code": {"text": "a"}}),
            json!({"abatementDateTime": "2020", "code": {"text": "b"}}),
            json!({"verificationStatus": coded("refuted"), "code": {"text": "c"}}),
            json!({"verificationStatus": coded("entered-in-error"), "code": {"text": "d"}}),
            json!({"clinicalStatus": coded("active"), "code": {"coding": [{"code": "x"}]}}),
            json!({"modifierExtension": [{}], "code": {"text": "e"}}),
        ]);
        assert!(texts.is_empty());
        assert_eq!(
            ignored,
            ["not-active", "not-active", "refuted", "entered-in-error", "no-text", "modifier-extension"]
        );
    }
}
