//! Observations as real clients send them, good and bad.

use super::course;
use crate::domain::{Course, Ignored, Measurement};
use crate::fhir::gather::gather;
use crate::fhir::key::KeyRequest;
use crate::fhir::limits::Limits;
use crate::fhir::variables::VARIABLES;
use proptest::prelude::*;
use serde_json::{Value, json};
use time::macros::datetime;
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

const NOW: OffsetDateTime = datetime!(2026-03-03 12:00 UTC);

fn read_with(observations: &[Value], limits: &Limits) -> (Option<Course>, Vec<Ignored>) {
    let keys = [("patient", "Patient/7"), ("observations", "Observation?patient=7")]
        .map(|(key, template)| KeyRequest { key: key.into(), template: template.into(), required: false });
    let entries: Vec<Value> = observations.iter().map(|one| json!({ "resource": one })).collect();
    let prefetch = json!({
        "patient": {"resourceType": "Patient", "id": "7", "gender": "male", "birthDate": "1956-03-03"},
        "observations": {"resourceType": "Bundle", "entry": entries}});
    let gathered = gather(&keys, prefetch.as_object(), "7", limits).unwrap();
    let read = course(&gathered, &VARIABLES, NOW);
    (read.value, read.ignored)
}

fn read(observations: &[Value]) -> (Vec<Measurement>, Vec<Ignored>) {
    let (course, ignored) = read_with(observations, &Limits::default());
    (course.map(|course| course.measurements).unwrap_or_default(), ignored)
}

fn loinc(code: &str) -> Value {
    json!({"coding": [{"system": "http://loinc.org", "code": code}]})
}

fn observation(code: &str, value: f64, unit: &str) -> Value {
    json!({"resourceType": "Observation", "id": format!("o-{code}"), "status": "final", "code": loinc(code),
        "effectiveDateTime": "2026-03-03T10:00:00Z",
        "valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}})
}

fn with(mut observation: Value, member: &str, value: Value) -> Value {
    observation[member] = value;
    observation
}

/// The one value read from one Observation.
fn one(observation: Value) -> (String, f64) {
    let (measurements, ignored) = read(&[observation]);
    assert_eq!((measurements.len(), ignored.len()), (1, 0), "{ignored:?}");
    (measurements[0].variable.clone(), measurements[0].value)
}

/// Why one Observation was left out.
fn why(observation: Value) -> &'static str {
    let (measurements, ignored) = read(&[observation]);
    assert_eq!((measurements.len(), ignored.len()), (0, 1), "{ignored:?}");
    ignored[0].reason
}

#[test]
fn a_value_carries_its_evidence() {
    let mut heart = observation("8867-4", 88.0, "/min");
    heart["meta"] = json!({"versionId": "4"});
    heart["code"]["coding"][0]["display"] = json!("Heart rate");
    heart["effectiveDateTime"] = json!("2026-03-03T05:00:00-05:00");
    let (course, _) = read_with(&[heart], &Limits::default());
    let course = course.unwrap();
    let found = &course.measurements[0];
    assert_eq!((found.variable.as_str(), found.value, found.unit.as_str()), ("HR", 88.0, "/min"));
    assert_eq!((found.original_value.expose().as_str(), found.original_unit.as_str()), ("88.0", "/min"));
    assert_eq!((found.source.reference.as_str(), found.source.version.as_deref()), ("Observation/o-8867-4", Some("4")));
    assert_eq!((found.code.code.as_str(), found.code.display.as_deref()), ("8867-4", Some("Heart rate")));
    assert_eq!(found.time, datetime!(2026-03-03 10:00 UTC));
    assert_eq!(course.sex, Some(crate::domain::Sex::Male));
    assert!((course.age_years.unwrap() - 70.0).abs() < 0.01);
}

#[test]
fn units_are_converted_to_the_networks() {
    for (code, value, unit, variable, expected) in [
        ("8310-5", 98.6, "[degF]", "Temp", 37.0),
        ("14749-6", 5.55, "mmol/L", "Glucose", 99.99),
        ("14682-9", 88.4, "umol/L", "Creatinine", 1.0),
        ("14937-7", 10.0, "mmol/L", "BUN", 28.014),
        ("2601-3", 0.8, "mmol/L", "Mg", 1.944),
        ("32693-4", 18.0, "mg/dL", "Lactate", 1.998),
        ("29463-7", 154.0, "lbs", "Weight", 69.853),
        ("8302-2", 70.0, "[in_i]", "Height", 177.8),
        ("3150-0", 40.0, "%", "FiO2", 0.4),
        ("19994-3", 0.4, "1", "FiO2", 0.4),
        ("2951-2", 140.0, "meq/L", "Na", 140.0),
        ("67151-1", 14.0, "ng/L", "TroponinT", 0.014),
        ("2019-8", 5.33, "kPa", "PaCO2", 39.98),
        ("777-3", 250.0, "10*9/L", "Platelets", 250.0),
        ("2744-1", 7.38, "[pH]", "pH", 7.38),
        ("4544-3", 0.31, "L/L", "HCT", 31.0),
    ] {
        let (found, value) = one(observation(code, value, unit));
        assert_eq!(found, variable);
        assert!((value - expected).abs() < 1e-3 * expected, "{variable}: {value} is not {expected}");
    }
}

#[test]
fn blood_pressure_is_a_cuffs_unless_its_code_says_invasive() {
    assert_eq!(one(observation("8480-6", 120.0, "mm[Hg]")).0, "NISysABP");
    assert_eq!(one(observation("76215-3", 120.0, "mm[Hg]")).0, "SysABP");
    let both = json!({"coding": [{"system": "http://loinc.org", "code": "8480-6"}, {"system": "http://loinc.org", "code": "76215-3"}]});
    assert_eq!(one(with(observation("8480-6", 120.0, "mm[Hg]"), "code", both)).0, "SysABP");
    let panel = json!({"resourceType": "Observation", "id": "bp", "code": loinc("85354-9"), "effectiveDateTime": "2026-03-03T10:00:00Z",
        "component": [
            {"code": loinc("8480-6"), "valueQuantity": {"value": 120, "unit": "mmHg"}},
            {"code": loinc("8462-4"), "valueQuantity": {"value": 80, "unit": "mmHg"}},
            {"code": loinc("8478-0"), "dataAbsentReason": {"text": "not asked"}}]});
    let (found, ignored) = read(&[panel]);
    assert_eq!(
        found.iter().map(|one| (one.variable.as_str(), one.value)).collect::<Vec<_>>(),
        [("NIDiasABP", 80.0), ("NISysABP", 120.0)]
    );
    assert_eq!((ignored.len(), ignored[0].reason), (1, "data-absent"));
}

#[test]
fn a_coma_score_is_read_as_a_total_or_from_all_three_parts() {
    assert_eq!(one(observation("9269-2", 13.0, "{score}")), ("GCS".into(), 13.0));
    let parts = |points: &[(&str, i64)]| {
        let parts: Vec<Value> =
            points.iter().map(|(code, points)| json!({"code": loinc(code), "valueInteger": points})).collect();
        json!({"resourceType": "Observation", "id": "gcs", "code": loinc("35088-4"), "effectiveDateTime": "2026-03-03T10:00:00Z", "component": parts})
    };
    assert_eq!(one(parts(&[("9267-6", 4), ("9270-0", 5), ("9268-4", 6)])), ("GCS".into(), 15.0));
    for incomplete in [
        parts(&[("9267-6", 4), ("9270-0", 5)]),
        parts(&[("9267-6", 4), ("9270-0", 5), ("9268-4", 7)]),
        parts(&[("9267-6", 4), ("9267-6", 4), ("9270-0", 5), ("9268-4", 6)]),
    ] {
        assert_eq!(why(incomplete), "incomplete-score");
    }
    let mut total = parts(&[("9267-6", 4), ("9270-0", 5), ("9268-4", 6)]);
    total["component"].as_array_mut().unwrap().push(json!({"code": loinc("9269-2"), "valueInteger": 14}));
    assert_eq!(read(&[total]).0.iter().map(|one| one.value).collect::<Vec<_>>(), [14.0]);
}

#[test]
fn ventilation_is_read_only_when_it_is_on() {
    let flag = |on: bool| {
        json!({"resourceType": "Observation", "id": "v", "effectiveDateTime": "2026-03-03T10:00:00Z", "valueBoolean": on,
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "40617009"}]}})
    };
    assert_eq!(one(flag(true)), ("MechVent".into(), 1.0));
    assert_eq!(why(flag(false)), "negative");
    let number = |value: f64, unit: &str| {
        let code = json!({"coding": [{"system": "http://snomed.info/sct", "code": "40617009"}]});
        with(observation("40617009", value, unit), "code", code)
    };
    assert_eq!(one(number(1.0, "1")), ("MechVent".into(), 1.0));
    assert_eq!(one(number(1.0, "{0or1}")), ("MechVent".into(), 1.0));
    assert_eq!(why(number(0.0, "1")), "negative");
    assert_eq!(why(number(0.5, "1")), "implausible");
    assert_eq!(why(number(1.0, "/min")), "wrong-unit");
}

#[test]
fn a_boundary_counts_and_keeps_its_sign() {
    let mut low = observation("6598-7", 0.01, "ug/L");
    low["valueQuantity"]["comparator"] = json!("<");
    let (found, _) = read(&[low]);
    assert_eq!((found[0].value, found[0].original_value.expose().as_str()), (0.01, "<0.01"));
}

#[test]
fn what_cannot_be_used_is_listed_with_its_reason() {
    let heart = || observation("8867-4", 88.0, "/min");
    let without = |member: &str| {
        let mut one = heart();
        one.as_object_mut().unwrap().remove(member);
        one
    };
    for (observation, reason) in [
        (with(heart(), "status", json!("entered-in-error")), "entered-in-error"),
        (with(heart(), "status", json!("cancelled")), "cancelled"),
        (with(heart(), "modifierExtension", json!([{"url": "u"}])), "modifier-extension"),
        (with(heart(), "focus", json!([{"reference": "BodyStructure/fetus"}])), "other-focus"),
        (without("effectiveDateTime"), "no-time"),
        (with(heart(), "effectiveDateTime", json!("2026-03-03")), "no-time"),
        (with(heart(), "effectiveDateTime", json!("2026-03-03T10:00:00")), "no-time"),
        (with(heart(), "effectiveDateTime", json!("yesterday")), "no-time"),
        (with(heart(), "effectiveDateTime", json!("2026-03-03T12:06:00Z")), "in-the-future"),
        (with(heart(), "valueQuantity", json!({"value": 88})), "no-unit"),
        (with(heart(), "valueQuantity", json!({"value": 88, "unit": "furlong"})), "unknown-unit"),
        (observation("8867-4", 88.0, "mg/dL"), "wrong-unit"),
        (observation("19994-3", 0.5, "{0or1}"), "wrong-unit"),
        (observation("1751-7", 500.0, "umol/L"), "wrong-unit"),
        (observation("8867-4", 900.0, "/min"), "implausible"),
        (observation("8310-5", 98.6, "Cel"), "implausible"),
        (observation("8867-4", -1.0, "/min"), "implausible"),
        (without("valueQuantity"), "no-value"),
        (with(without("valueQuantity"), "valueString", json!("fast")), "not-a-number"),
        (with(without("valueQuantity"), "dataAbsentReason", json!({"text": "x"})), "data-absent"),
        (observation("1-8", 1.0, "1"), "unknown-code"),
        (with(heart(), "code", json!({"coding": [{"code": "8867-4"}]})), "unknown-code"),
        (
            with(
                heart(),
                "code",
                json!({"coding": [{"system": "http://loinc.org", "code": "8867-4"}, {"system": "http://loinc.org", "code": "9279-1"}]}),
            ),
            "conflicting-codes",
        ),
    ] {
        assert_eq!(why(observation.clone()), reason, "{observation}");
    }
}

#[test]
fn details_name_codes_and_units_but_never_values() {
    let (_, ignored) = read(&[observation("8867-4", 987.25, "/min"), observation("2160-0", 876.5, "foo")]);
    assert_eq!(ignored.len(), 2);
    assert!(ignored.iter().all(|one| !one.detail.contains("987") && !one.detail.contains("876")), "{ignored:?}");
}

#[test]
fn tolerated_are_a_missing_status_a_period_an_issue_time_and_clocks_slightly_ahead() {
    let mut heart = observation("8867-4", 88.0, "bpm");
    heart.as_object_mut().unwrap().remove("status");
    heart.as_object_mut().unwrap().remove("effectiveDateTime");
    assert_eq!(one(with(heart.clone(), "effectivePeriod", json!({"start": "2026-03-03T10:00:00Z"}))).1, 88.0);
    assert_eq!(one(with(heart.clone(), "issued", json!("2026-03-03T10:00:00.000+01:00"))).1, 88.0);
    assert_eq!(one(with(heart, "effectiveInstant", json!("2026-03-03T12:04:00Z"))).1, 88.0);
}

#[test]
fn the_window_is_the_48_hours_up_to_the_newest_value() {
    let at = |id: &str, time: &str| {
        with(with(observation("8867-4", 80.0, "/min"), "effectiveDateTime", json!(time)), "id", json!(id))
    };
    let (course, ignored) = read_with(
        &[
            at("c", "2026-03-01T10:00:01Z"),
            at("a", "2026-03-01T10:00:00Z"),
            at("old", "2026-03-01T09:59:59Z"),
            at("older", "2020-01-01T00:00:00Z"),
            at("new", "2026-03-03T10:00:00Z"),
        ],
        &Limits::default(),
    );
    let course = course.unwrap();
    assert_eq!((course.start, course.end), (datetime!(2026-03-01 10:00 UTC), datetime!(2026-03-03 10:00 UTC)));
    let order: Vec<_> = course.measurements.iter().map(|one| one.source.reference.as_str()).collect();
    assert_eq!(order, ["Observation/a", "Observation/c", "Observation/new"]);
    assert_eq!((ignored.len(), ignored[0].reason, ignored[0].detail.contains("2 times")), (1, "outside-window", true));
}

#[test]
fn several_values_an_hour_are_kept_and_the_same_value_twice_is_not() {
    let heart = |id: &str, value: f64| with(observation("8867-4", value, "/min"), "id", json!(id));
    let (found, ignored) = read(&[heart("1", 80.0), heart("2", 80.0), heart("3", 90.0), heart("1", 80.0)]);
    assert_eq!(found.len(), 3);
    assert_eq!((ignored.len(), ignored[0].reason), (1, "duplicate"));
}

#[test]
fn the_order_of_entries_does_not_matter() {
    let mut all: Vec<Value> = (0..40)
        .map(|minute| {
            with(
                with(
                    observation(["8867-4", "2160-0"][minute % 2], 1.0 + minute as f64, ["/min", "mg/dL"][minute % 2]),
                    "id",
                    json!(minute.to_string()),
                ),
                "effectiveDateTime",
                json!(format!("2026-03-03T10:{:02}:00Z", minute / 4)),
            )
        })
        .collect();
    let forwards = read(&all).0;
    all.reverse();
    assert!(!forwards.is_empty() && forwards == read(&all).0);
}

#[test]
fn thousands_of_useless_entries_make_a_short_list() {
    let mut many: Vec<Value> =
        (0..3_000).map(|id| with(observation("1-8", 1.0, "1"), "id", json!(id.to_string()))).collect();
    many.extend((0..1_000).map(|id| with(observation("8867-4", 1.0, "foo"), "id", json!(format!("u{id}")))));
    many.push(observation("8867-4", 70.0, "/min"));
    let (course, ignored) = read_with(&many, &Limits::default());
    assert_eq!(course.unwrap().measurements.len(), 1);
    assert_eq!(ignored.len(), 201);
    assert_eq!((ignored[0].reason, ignored[0].detail.contains("3000 times")), ("unknown-code", true));
    assert_eq!(ignored[200].reason, "and-more");
}

#[test]
fn without_a_usable_value_there_is_no_course() {
    assert!(read_with(&[], &Limits::default()).0.is_none());
    assert!(read_with(&[observation("1-8", 1.0, "1")], &Limits::default()).0.is_none());
}

proptest! {
    #[test]
    fn everything_in_a_course_is_in_order_plausible_and_inside_the_window(values in prop::collection::vec((0..VARIABLES.len(), 0.0..200.0f64, -4_000i64..20), 0..60)) {
        let all: Vec<Value> = values.iter().enumerate().filter_map(|(id, (place, value, minutes))| {
            let variable = &VARIABLES[*place];
            let time = (NOW + Duration::minutes(*minutes)).format(&Rfc3339).ok()?;
            Some(with(with(observation(variable.loinc.first()?, *value, variable.unit), "effectiveDateTime", json!(time)), "id", json!(id.to_string())))
        }).collect();
        let (course, ignored) = read_with(&all, &Limits::default());
        if let Some(course) = &course {
            prop_assert!(course.end - course.start <= super::WINDOW && course.end <= NOW + super::SKEW);
            prop_assert!(course.measurements.is_sorted_by_key(|one| one.time));
            for one in &course.measurements {
                let variable = VARIABLES.iter().find(|variable| variable.name == one.variable).unwrap();
                prop_assert!((variable.low..=variable.high).contains(&one.value) && one.unit == variable.unit);
                prop_assert!((course.start..=course.end).contains(&one.time));
            }
        }
        prop_assert!(!all.is_empty() || (course.is_none() && ignored.is_empty()));
    }
}
