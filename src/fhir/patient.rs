//! Patient → who the chart is about.

use super::datetime::parse;
use super::gather::Gathered;
use super::resource::{list, shown, text};
use crate::domain::{Patient, Phi, Sex};
use serde_json::Value;

/// The patient of the chart, if a Patient resource came. Everything in it is optional.
#[must_use]
pub fn patient(gathered: &Gathered<'_>) -> Option<Patient> {
    let resource = gathered.of_kind("Patient").next()?;
    Some(Patient {
        id: resource.text("id").unwrap_or_default().to_owned().into(),
        name: name(resource.json).map(Phi::new),
        birth_date: resource.text("birthDate").and_then(parse).map(|when| when.date().into()),
        sex: match resource.text("gender") {
            Some("female") => Some(Sex::Female),
            Some("male") => Some(Sex::Male),
            _ => None,
        },
        source: resource.source.clone(),
    })
}

/// The official name, else the usual one, else the first that is still in use, else any.
fn name(json: &Value) -> Option<String> {
    let rank = |name: &Value| match text(name, "use") {
        Some("official") => 0,
        Some("usual") => 1,
        Some("old" | "maiden") => 3,
        _ => 2,
    };
    list(json, "name").iter().min_by_key(|name| rank(name)).and_then(full_name)
}

fn full_name(name: &Value) -> Option<String> {
    if let Some(text) = text(name, "text") {
        return Some(shown(text));
    }
    // `family` was a list before R4.
    let words = |member: &str| match name.get(member) {
        Some(Value::Array(parts)) => parts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        Some(Value::String(one)) => one.clone(),
        _ => String::new(),
    };
    let full = format!("{} {}", words("given").trim(), words("family").trim());
    Some(shown(full.trim())).filter(|full| !full.is_empty())
}

#[cfg(test)]
mod tests {
    use super::patient;
    use crate::domain::Sex;
    use crate::fhir::gather::gather;
    use crate::fhir::key::KeyRequest;
    use crate::fhir::limits::Limits;
    use serde_json::{Value, json};
    use time::macros::{date, datetime};

    fn read(patient_json: Value) -> Option<crate::domain::Patient> {
        let keys =
            [KeyRequest { key: "patient".into(), template: "Patient/{{context.patientId}}".into(), required: false }];
        let prefetch = json!({ "patient": patient_json });
        let gathered = gather(&keys, prefetch.as_object(), "7", &Limits::default()).unwrap();
        patient(&gathered)
    }

    #[test]
    fn name_birth_date_and_sex_are_read() {
        let found = read(json!({"resourceType": "Patient", "id": "7", "gender": "female", "birthDate": "1950-06-01",
            "name": [{"use": "old", "text": "Ann Old"}, {"use": "official", "given": ["Ann", "B."], "family": "Roe"}]}))
        .unwrap();
        assert_eq!(found.name.unwrap().expose(), "Ann B. Roe");
        assert_eq!(found.birth_date.as_ref().unwrap().expose(), &date!(1950 - 06 - 01));
        assert_eq!(found.sex, Some(Sex::Female));
    }

    #[test]
    fn a_year_of_birth_alone_gives_an_age_within_half_a_year() {
        let found = read(json!({"resourceType": "Patient", "birthDate": "1950"})).unwrap();
        let age = found.age_years(datetime!(2020-07-01 0:00 UTC)).unwrap();
        assert!((age - 70.0).abs() < 0.01, "{age}");
    }

    #[test]
    fn a_bare_patient_is_still_a_patient() {
        let found = read(
            json!({"resourceType": "Patient", "name": [{"use": "official"}], "gender": "unknown", "birthDate": "soon"}),
        )
        .unwrap();
        assert!(found.name.is_none() && found.birth_date.is_none() && found.sex.is_none());
        assert!(read(Value::Null).is_none());
    }
}
