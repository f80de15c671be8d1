//! Every state a prefetch key can be in, and whom the data is about.

use super::{Gathered, gather};
use crate::domain::Digest;
use crate::fhir::key::{GatherError, KeyRequest, KeyState};
use crate::fhir::limits::Limits;
use crate::fhir::{VARIABLES, course, patient, problems};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use time::macros::datetime;

fn keys(required: bool) -> Vec<KeyRequest> {
    [("patient", "Patient/{{context.patientId}}"), ("observations", "Observation?patient={{context.patientId}}")]
        .map(|(key, template)| KeyRequest { key: key.into(), template: template.into(), required })
        .into()
}

/// Gathers `observations` alone, optional.
fn observations(value: &Value, check: impl FnOnce(&Gathered<'_>, KeyState)) {
    let prefetch = json!({ "observations": value });
    let gathered = gather(&keys(false), prefetch.as_object(), "7", &Limits::default()).unwrap();
    let state = gathered.states["observations"];
    check(&gathered, state);
}

fn state(value: &Value) -> KeyState {
    let mut found = None;
    observations(value, |_, state| found = Some(state));
    found.unwrap()
}

fn observation(id: &str) -> Value {
    json!({"resourceType": "Observation", "id": id, "subject": {"reference": "Patient/7"}})
}

fn bundle(resources: &[Value]) -> Value {
    let entries: Vec<Value> = resources.iter().map(|one| json!({ "resource": one })).collect();
    json!({"resourceType": "Bundle", "entry": entries})
}

fn outcome(severity: &str) -> Value {
    json!({"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": "processing"}]})
}

#[test]
fn a_key_is_supplied_by_a_bundle_a_bare_resource_or_a_wrapper_of_old() {
    let supplied = KeyState::Supplied { count: 1, partial: false };
    let one = bundle(&[observation("1")]);
    for value in [
        one.clone(),
        observation("1"),
        json!({"response": {"status": "200 OK"}, "resource": one}),
        json!({"response": {"status": 200}, "resource": observation("1")}),
        json!({"resourceType": "Bundle", "entry": {"resource": observation("1")}}),
    ] {
        assert_eq!(state(&value), supplied, "{value}");
    }
}

#[test]
fn null_an_empty_bundle_and_a_notice_mean_that_there_is_no_data() {
    for value in [
        Value::Null,
        json!({"resourceType": "Bundle", "type": "searchset", "total": 0}),
        bundle(&[]),
        bundle(&[outcome("information")]),
        json!({"response": {"status": "200 OK"}}),
    ] {
        assert_eq!(state(&value), KeyState::NoData, "{value}");
    }
}

#[test]
fn an_operation_outcome_is_a_refusal_bare_wrapped_or_alone_in_a_bundle() {
    for value in [
        outcome("error"),
        outcome("information"),
        bundle(&[outcome("error")]),
        bundle(&[outcome("warning"), outcome("information")]),
        json!({"response": {"status": "403 Forbidden"}}),
        json!({"response": {"status": "404 Not Found"}, "resource": null}),
        json!({"response": {"status": "200 OK"}, "resource": outcome("error")}),
    ] {
        assert_eq!(state(&value), KeyState::Refused, "{value}");
    }
}

#[test]
fn anything_else_is_of_the_wrong_type() {
    for value in [
        json!("123"),
        json!(5),
        json!(true),
        json!([observation("1")]),
        json!({}),
        json!({"id": "1"}),
        json!({"resourceType": "observation"}),
        json!({"resourceType": "<html>"}),
        json!({"resourceType": "Condition", "id": "1"}),
        bundle(&[json!({"resourceType": "Condition"})]),
        bundle(&[json!("text"), Value::Null]),
        json!({"resourceType": "Bundle", "entry": [{"fullUrl": "urn:uuid:1"}]}),
    ] {
        assert_eq!(state(&value), KeyState::WrongType, "{value}");
    }
}

#[test]
fn a_bundle_with_more_pages_is_partial() {
    let mut paged = bundle(&[observation("1")]);
    paged["link"] = json!([{"relation": "self", "url": "a"}, {"relation": "next", "url": "b"}]);
    assert_eq!(state(&paged), KeyState::Supplied { count: 1, partial: true });
    let mut counted = bundle(&[observation("1")]);
    counted["total"] = json!(1);
    assert_eq!(state(&counted), KeyState::Supplied { count: 1, partial: false });
    counted["total"] = json!(90);
    assert_eq!(state(&counted), KeyState::Supplied { count: 1, partial: true });
}

#[test]
fn one_bad_entry_does_not_cost_the_others_and_is_listed() {
    let value = bundle(&[
        observation("1"),
        outcome("warning"),
        json!({"id": "x"}),
        json!({"resourceType": "Condition", "id": "c"}),
        json!(4),
    ]);
    observations(&value, |gathered, state| {
        assert_eq!(state, KeyState::Supplied { count: 1, partial: false });
        let reasons: Vec<_> = gathered.ignored.iter().map(|one| one.reason).collect();
        assert_eq!(reasons, ["operation-outcome", "no-type", "not-asked-for", "no-resource"]);
        assert_eq!(gathered.ignored[2].reference, "Condition/c");
    });
}

#[test]
fn included_resources_of_another_type_are_kept() {
    let included = json!({"resourceType": "Bundle", "entry": [
        {"resource": observation("1")},
        {"resource": {"resourceType": "Specimen", "id": "s"}, "search": {"mode": "include"}, "fullUrl": "https://a.example/Specimen/s"},
        {"resource": {"resourceType": "Binary", "id": "b", "data": ""}}]});
    observations(&included, |gathered, _| {
        assert_eq!(gathered.resources.len(), 3);
        assert!(gathered.find("Specimen/s").is_some() && gathered.find("https://a.example/Specimen/s").is_some());
        assert_eq!(gathered.find("https://b.example/fhir/Binary/b/_history/2").unwrap().kind, "Binary");
        assert!(gathered.find("Binary/bb").is_none() && gathered.find("xBinary/b").is_none());
    });
}

#[test]
fn required_keys_without_data_are_named_together() {
    let refused = |prefetch: Value| gather(&keys(true), prefetch.as_object(), "7", &Limits::default()).unwrap_err();
    let GatherError::Required(unmet) = refused(json!({"observations": outcome("error")})) else {
        panic!("another error")
    };
    let named: Vec<_> = unmet.iter().map(|one| (one.key.as_str(), one.state)).collect();
    assert_eq!(named, [("patient", KeyState::Missing), ("observations", KeyState::Refused)]);
    let text = refused(json!({"patient": null, "observations": "12"})).to_string();
    assert_eq!(
        text,
        "required prefetch cannot be used: `patient` is no data, `observations` is of another type than asked for"
    );
    assert!(gather(&keys(true), None, "7", &Limits::default()).is_err());
}

#[test]
fn a_required_search_may_find_nothing_but_a_required_read_may_not() {
    let patient = json!({"resourceType": "Patient", "id": "7"});
    let prefetch = json!({"patient": bundle(&[patient]), "observations": null});
    let gathered = gather(&keys(true), prefetch.as_object(), "Patient/7", &Limits::default()).unwrap();
    assert_eq!(gathered.states["observations"], KeyState::NoData);
    assert_eq!(gathered.of_kind("Patient").count(), 1);
}

#[test]
fn data_of_another_patient_refuses_the_whole_request_and_is_not_repeated() {
    let mut other = observation("1");
    other["subject"]["reference"] = json!("Patient/secret-8");
    for prefetch in [
        json!({"observations": bundle(&[observation("1"), other.clone()])}),
        json!({"patient": {"resourceType": "Patient", "id": "secret-8"}}),
        json!({"observations": {"resourceType": "Observation", "subject": {"reference": "https://a.example/Patient/secret-8"}}}),
    ] {
        let error = gather(&keys(true), prefetch.as_object(), "7", &Limits::default()).unwrap_err();
        assert!(matches!(error, GatherError::WrongPatient { .. }), "{error}");
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
    // Beyond the limit nothing is read, but another patient is noticed all the same.
    let limits = Limits { resources: 1, ..Limits::default() };
    let prefetch = json!({"observations": bundle(&[observation("1"), other])});
    assert!(gather(&keys(false), prefetch.as_object(), "7", &limits).is_err());
}

#[test]
fn an_observation_about_a_group_or_an_unknown_local_name_is_left_out() {
    let mut lost = observation("1");
    lost["subject"]["reference"] = json!("urn:uuid:nobody");
    let mut group = observation("3");
    group["subject"]["reference"] = json!("Group/9");
    observations(&bundle(&[lost, observation("2"), group]), |gathered, _| {
        assert_eq!((gathered.resources.len(), gathered.ignored.len()), (1, 1));
        assert_eq!(gathered.ignored[0].reason, "other-subject");
    });
}

#[test]
fn what_is_over_the_limit_is_counted_and_makes_the_key_partial() {
    let value = bundle(&(0..10).map(|id| observation(&id.to_string())).collect::<Vec<_>>());
    let prefetch = json!({ "observations": value });
    let limits = Limits { resources: 4, ..Limits::default() };
    let gathered = gather(&keys(false), prefetch.as_object(), "7", &limits).unwrap();
    assert_eq!(gathered.states["observations"], KeyState::Supplied { count: 4, partial: true });
    assert_eq!(gathered.resources.len(), 4);
    assert_eq!(
        (gathered.ignored[0].reason, gathered.ignored[0].detail.starts_with("6 resources")),
        ("over-the-limit", true)
    );
}

#[test]
fn keys_that_were_not_asked_for_are_not_read_but_listed() {
    let prefetch = json!({"user": "123", "other": {"resourceType": "Patient", "id": "8"}});
    let gathered = gather(&keys(false), prefetch.as_object(), "7", &Limits::default()).unwrap();
    assert!(gathered.resources.is_empty());
    let named: Vec<_> = gathered.ignored.iter().map(|one| (one.reference.as_str(), one.reason)).collect();
    assert_eq!(named, [("user", "not-requested"), ("other", "not-requested")]);
}

#[test]
fn a_source_names_the_resource_its_version_and_its_digest() {
    let value = json!({"resourceType": "Observation", "id": "1", "meta": {"versionId": "3", "lastUpdated": "2026-01-01T00:00:00Z"}, "a": ["ä", 1.50]});
    observations(&value, |gathered, _| {
        let source = &gathered.resources[0].source;
        assert_eq!(
            (source.reference.as_str(), source.version.as_deref(), source.key.as_str()),
            ("Observation/1", Some("3"), "observations")
        );
        assert_eq!(source.last_updated.as_deref(), Some("2026-01-01T00:00:00Z"));
        assert_eq!(source.digest, Digest::of(serde_json::to_string(&value).unwrap().as_bytes()));
    });
}

#[test]
fn a_template_says_what_it_asks_for() {
    let key = |template: &str| KeyRequest { key: "k".into(), template: template.into(), required: true };
    assert_eq!(
        (key("Patient/{{context.patientId}}").kind(), key("Patient/{{context.patientId}}").is_read()),
        (Some("Patient"), true)
    );
    assert_eq!(
        (key("Observation?patient=1").kind(), key("Observation?patient=1").is_read()),
        (Some("Observation"), false)
    );
    assert_eq!(key("{{context.userId}}").kind(), None);
}

/// JSON that looks like FHIR in places.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "Bundle",
        "Observation",
        "Patient",
        "Condition",
        "OperationOutcome",
        "Patient/7",
        "http://loinc.org",
        "8867-4",
        "9269-2",
        "85354-9",
        "/min",
        "mg/dL",
        "final",
        "2026-01-01T00:00:00Z",
        "2026",
        "urn:uuid:1",
        "",
        "é",
        "7",
        "next",
        "include",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        word.prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    let member = prop::sample::select(vec![
        "resourceType",
        "entry",
        "resource",
        "id",
        "subject",
        "reference",
        "code",
        "coding",
        "system",
        "valueQuantity",
        "value",
        "unit",
        "component",
        "effectiveDateTime",
        "effectivePeriod",
        "start",
        "status",
        "search",
        "mode",
        "link",
        "relation",
        "total",
        "response",
        "name",
        "given",
        "clinicalStatus",
        "issue",
        "severity",
        "valueBoolean",
        "valueInteger",
        "meta",
    ]);
    leaf.prop_recursive(7, 120, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((member.clone(), inner), 0..8).prop_map(|members| members
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect::<Map<_, _>>()
                .into()),
        ]
    })
}

proptest! {
    #[test]
    fn no_json_makes_gathering_or_extracting_panic(a in any_json(), b in any_json(), required in any::<bool>(), most in 0usize..4) {
        let mut keys = keys(required);
        keys.push(KeyRequest { key: "problems".into(), template: "Condition?patient=7".into(), required: false });
        let prefetch = json!({"patient": a, "observations": bundle(&[a.clone(), b.clone()]), "problems": b});
        let limits = Limits { resources: 3, ignored: most };
        if let Ok(gathered) = gather(&keys, prefetch.as_object(), "7", &limits) {
            prop_assert!(gathered.ignored.len() <= most + 1);
            let read = course(&gathered, &VARIABLES, datetime!(2026-01-02 0:00 UTC));
            prop_assert!(read.ignored.len() <= most + 1);
            let _ = (patient(&gathered), problems(&gathered));
        }
    }
}
