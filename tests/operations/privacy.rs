//! Canaries: unique words in every place a chart has, looked for in everything the service says about itself.

use crate::support::TestApp;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

const CANARIES: [&str; 8] =
    ["ZqName", "ZqFamily", "zqpatientid", "ZqNoteWord", "ZqUser", "zqencounter", "77.123456", "ZqToken"];

fn chart() -> Value {
    let note =
        STANDARD.encode("ZqNoteWord has asthma. The patient is well and is on treatment for the pain in the chest.");
    json!({
        "hook": "patient-view",
        "hookInstance": "6f1b3f0a-0000-4000-8000-00000000000a",
        "fhirServer": "https://ehr.example.org/fhir",
        "fhirAuthorization": {"access_token": "ZqToken", "token_type": "Bearer", "expires_in": 300, "scope": "patient/*.read", "subject": "ZqUser"},
        "context": {"userId": "Practitioner/ZqUser", "patientId": "zqpatientid", "encounterId": "zqencounter"},
        "prefetch": {
            "patient": {"resourceType": "Patient", "id": "zqpatientid", "birthDate": "1950-01-01", "gender": "male",
                        "name": [{"family": "ZqFamily", "given": ["ZqName"]}]},
            "observations": {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": {
                "resourceType": "Observation", "id": "o1", "status": "final",
                "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
                "subject": {"reference": "Patient/zqpatientid"}, "effectiveDateTime": "2026-01-01T10:00:00Z",
                "valueQuantity": {"value": 77.123_456, "unit": "/min", "code": "/min", "system": "http://unitsofmeasure.org"}}}]},
            "notes": {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": {
                "resourceType": "DocumentReference", "id": "d1", "status": "current", "subject": {"reference": "Patient/zqpatientid"},
                "content": [{"attachment": {"contentType": "text/plain", "data": note}}]}}]},
        },
    })
}

#[tokio::test]
async fn nothing_of_a_chart_is_in_the_log_the_metrics_or_an_error() {
    let app = TestApp::spawn_with(&[("AUSCULT__LOG__FILTER", "debug")]).await;
    let mut said = String::new();
    let good = chart();
    for service in ["chart-review", "note-review", "inpatient-deterioration", "chest-radiograph"] {
        assert_eq!(app.post(&format!("/cds-services/{service}"), &good).await.status(), 200, "{service}");
    }
    let mut without_patient = good.clone();
    without_patient["prefetch"].as_object_mut().unwrap().remove("patient");
    let mut wrong_patient = good.clone();
    wrong_patient["prefetch"]["patient"]["id"] = "ZqName".into();
    let mut no_context = good.clone();
    no_context["context"] = json!({"patientId": {"ZqName": 1}});
    for bad in [without_patient, wrong_patient, no_context, json!({"ZqName": "ZqFamily"}), json!("ZqName")] {
        let response = app.post("/cds-services/chart-review", &bad).await;
        assert!(response.status().is_client_error(), "{}", response.status());
        said.push_str(&response.text().await.unwrap());
    }
    let broken =
        app.request(reqwest::Method::POST, "/cds-services/chart-review").header("content-type", "application/json");
    said.push_str(&broken.body("{\"ZqName\": ZqFamily").send().await.unwrap().text().await.unwrap());
    said.push_str(&app.get("/metrics").await.text().await.unwrap());
    said.push_str(&app.log.lock().unwrap());
    assert!(said.contains("412") || said.contains("OperationOutcome"));
    for canary in CANARIES {
        assert!(!said.contains(canary), "`{canary}` was said");
    }
}

#[tokio::test]
async fn an_access_token_is_not_in_the_database_either() {
    let app = TestApp::spawn().await;
    assert_eq!(app.post("/cds-services/chart-review", &chart()).await.status(), 200);
    app.signal("TERM");
    tokio::time::sleep(std::time::Duration::from_millis(800)).await;
    let mut bytes = std::fs::read(app.database()).unwrap();
    for suffix in ["-wal", "-shm"] {
        let name = format!("{}{suffix}", app.database().display());
        bytes.extend(std::fs::read(name).unwrap_or_default());
    }
    assert!(bytes.windows(10).any(|window| window == b"prediction"), "the record is not where this test looks");
    assert!(!bytes.windows(7).any(|window| window == b"ZqToken"));
}
