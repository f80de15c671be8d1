//! Every hook of the library, end to end: a service is offered for each, answers its context, and misses no field.

use crate::support::{TestApp, root};
use serde_json::{Value, json};
use std::fs;
use tempfile::TempDir;

fn bundle() -> Value {
    // As the public sandbox sends it: without a type, its order without an intent.
    json!({"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "MedicationRequest", "id": "m1", "status": "draft"}}]})
}

/// Hook, its required context fields beside `patientId`, and its optional ones.
fn hooks() -> Vec<(&'static str, Value, Value)> {
    let user = || json!("Practitioner/1");
    vec![
        ("patient-view", json!({"userId": user()}), json!({"encounterId": "e1"})),
        (
            "order-select",
            json!({"userId": user(), "selections": ["MedicationRequest/m1"], "draftOrders": bundle()}),
            json!({"encounterId": "e1"}),
        ),
        ("order-sign", json!({"userId": user(), "draftOrders": bundle()}), json!({"encounterId": "e1"})),
        (
            "order-dispatch",
            json!({"dispatchedOrders": ["ServiceRequest/1"], "performer": "Organization/1"}),
            json!({"fulfillmentTasks": []}),
        ),
        ("appointment-book", json!({"userId": user(), "appointments": bundle()}), json!({"encounterId": "e1"})),
        ("encounter-start", json!({"userId": user(), "encounterId": "e1"}), json!({})),
        ("encounter-discharge", json!({"userId": user(), "encounterId": "e1"}), json!({})),
        (
            "allergyintolerance-create",
            json!({"userId": user(), "allergyIntolerance": {"resourceType": "AllergyIntolerance"}}),
            json!({"encounterId": "e1"}),
        ),
        ("medication-refill", json!({"medications": bundle()}), json!({"userId": user(), "encounterId": "e1"})),
        ("problem-list-item-create", json!({"userId": user(), "conditions": bundle()}), json!({"encounterId": "e1"})),
        (
            "medication-verify",
            json!({"userId": user(), "medication": {"resourceType": "MedicationRequest"}}),
            json!({"encounterId": "e1"}),
        ),
        ("medication-prescribe", json!({"medications": bundle()}), json!({"userId": user(), "encounterId": "e1"})),
        ("order-review", json!({"orders": bundle()}), json!({"userId": user(), "encounterId": "e1"})),
    ]
}

/// The shipped definitions, and a copy of one for each hook.
fn definitions() -> TempDir {
    let folder = TempDir::new().unwrap();
    for entry in fs::read_dir(root().join("cds-hooks")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    let read = |name: &str| fs::read_to_string(root().join("cds-hooks").join(name)).unwrap();
    let (toml, card) = (read("inpatient-deterioration.toml"), read("inpatient-deterioration.card.md"));
    for (hook, ..) in hooks() {
        let toml = toml
            .replace("id = \"inpatient-deterioration\"", &format!("id = \"on-{hook}\""))
            .replace("hook = \"patient-view\"", &format!("hook = \"{hook}\""));
        fs::write(folder.path().join(format!("on-{hook}.toml")), toml).unwrap();
        fs::write(folder.path().join(format!("on-{hook}.card.md")), &card).unwrap();
    }
    folder
}

fn context(required: &Value, optional: &Value) -> Value {
    let mut context = json!({"patientId": "p1"});
    for part in [required, optional] {
        context.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
    }
    context
}

async fn status(app: &TestApp, hook: &str, context: Value) -> u16 {
    let body = json!({"hook": hook, "hookInstance": "6f1b3f0a-0000-4000-8000-000000000001", "context": context,
        "prefetch": {"patient": {"resourceType": "Patient", "id": "p1"}}});
    app.post(&format!("/cds-services/on-{hook}"), &body).await.status().as_u16()
}

#[tokio::test]
async fn a_service_on_any_hook_answers_needs_each_required_field_and_no_optional_one() {
    let folder = definitions();
    let app = TestApp::spawn_with(&[("AUSCULT__DEFINITIONS", folder.path().to_str().unwrap())]).await;
    let discovery: Value = app.get("/cds-services").await.json().await.unwrap();
    for (hook, required, optional) in hooks() {
        let offered = discovery["services"].as_array().unwrap().iter().find(|one| one["id"] == format!("on-{hook}"));
        assert_eq!(offered.unwrap()["hook"], hook);
        assert_eq!(status(&app, hook, context(&required, &optional)).await, 200, "{hook} in full");
        assert_eq!(status(&app, hook, context(&required, &json!({}))).await, 200, "{hook} without optional fields");
        for field in required.as_object().unwrap().keys().chain([&"patientId".to_owned()]) {
            let mut lacking = context(&required, &optional);
            lacking.as_object_mut().unwrap().remove(field);
            assert_eq!(status(&app, hook, lacking).await, 400, "{hook} without {field}");
        }
    }
}
