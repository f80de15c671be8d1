//! Bodies of every version and temper, and what is said about those that cannot be used.

use super::{BadRequest, CdsRequest, Tolerated};
use serde_json::{Value, json};

fn body() -> Value {
    json!({
        "hook": "patient-view",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"userId": "Practitioner/1", "patientId": "7"},
    })
}

fn with(member: &str, value: Value) -> Value {
    let mut body = body();
    body[member] = value;
    body
}

fn granted() -> Value {
    let mut body = with("fhirServer", json!("https://ehr.example/fhir"));
    body["fhirAuthorization"] = json!({
        "access_token": "sesame-token", "token_type": "Bearer", "expires_in": 300,
        "scope": "patient/Observation.read", "subject": "auscult", "patient": "7",
    });
    body
}

#[test]
fn each_missing_blank_or_null_required_member_is_named() {
    for member in ["hook", "hookInstance", "context"] {
        let mut absent = body();
        absent.as_object_mut().unwrap().shift_remove(member);
        for bad in [absent, with(member, Value::Null)] {
            assert!(matches!(CdsRequest::parse(bad), Err(BadRequest::Missing(name)) if name == member));
        }
    }
    assert_eq!(CdsRequest::parse(with("hook", json!("  "))), Err(BadRequest::Missing("hook")));
    assert_eq!(CdsRequest::parse(json!([body()])), Err(BadRequest::NotAnObject));
}

#[test]
fn a_member_of_another_type_is_refused_without_being_repeated() {
    for member in ["hook", "hookInstance", "context", "prefetch"] {
        for value in [json!(["Jane Roe"]), json!(17), json!(true)] {
            let problem = CdsRequest::parse(with(member, value)).unwrap_err();
            assert!(problem.to_string().contains(member));
            assert!(!problem.to_string().contains("Jane"));
        }
    }
    assert!(CdsRequest::parse(with("hookInstance", json!("x".repeat(129)))).is_err());
}

#[test]
fn prefetch_may_be_absent_null_or_empty() {
    for body in [body(), with("prefetch", Value::Null), with("prefetch", json!({}))] {
        assert!(CdsRequest::parse(body).unwrap().prefetch.is_empty());
    }
    let request = CdsRequest::parse(with("prefetch", json!({"patient": null, "user": "123"}))).unwrap();
    assert_eq!(request.prefetch.len(), 2);
}

#[test]
fn extensions_and_unknown_members_are_ignored() {
    for (member, value) in [("extension", json!({"org.example": 1})), ("user", json!("x")), ("extension", Value::Null)]
    {
        assert!(CdsRequest::parse(with(member, value)).is_ok());
    }
}

#[test]
fn an_instance_that_is_no_uuid_is_kept_as_text() {
    let request = CdsRequest::parse(with("hookInstance", json!("randomGUIDforthehookevent"))).unwrap();
    assert_eq!(request.hook_instance, "randomGUIDforthehookevent");
    assert_eq!(request.tolerated, [Tolerated::HookInstance]);
    assert_eq!(CdsRequest::parse(body()).unwrap().tolerated, []);
}

#[test]
fn a_complete_authorisation_is_read_and_never_printed() {
    let request = CdsRequest::parse(granted()).unwrap();
    let authorization = request.authorization.as_ref().unwrap();
    assert_eq!(authorization.token.reveal(), "sesame-token");
    assert_eq!(authorization.expires_in_s, Some(300));
    let printed = format!("{request:?} {authorization:?}");
    assert!(!printed.contains("sesame"), "{printed}");
}

#[test]
fn an_authorisation_without_bearer_token_or_server_grants_nothing() {
    for (member, value) in [("token_type", json!("mac")), ("access_token", json!("a\r\nb")), ("access_token", json!(1))]
    {
        let mut body = granted();
        body["fhirAuthorization"][member] = value;
        let request = CdsRequest::parse(body).unwrap();
        assert_eq!(request.authorization, None);
        assert_eq!(request.tolerated, [Tolerated::FhirAuthorization]);
    }
    for server in [Value::Null, json!("ehr"), json!(7)] {
        let mut body = granted();
        body["fhirServer"] = server;
        assert_eq!(CdsRequest::parse(body).unwrap().authorization, None);
    }
}

#[test]
fn a_token_for_another_patient_is_refused() {
    let mut body = granted();
    assert!(CdsRequest::parse(body.clone()).unwrap().check_context().is_ok());
    body["fhirAuthorization"]["patient"] = json!("8");
    assert_eq!(CdsRequest::parse(body).unwrap().check_context(), Err(BadRequest::OtherPatient));
}

#[test]
fn a_hook_outside_the_library_is_refused() {
    let request = CdsRequest::parse(with("hook", json!("coffee-break"))).unwrap();
    assert_eq!(request.check_context(), Err(BadRequest::UnknownHook));
}
