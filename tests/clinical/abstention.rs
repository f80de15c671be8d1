//! What every network must refuse, in words and in the record and never with a number: the list of the project's aims.

use super::strange::{self, Picture};
use crate::support::TestApp;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339, macros::datetime};

const END: OffsetDateTime = datetime!(2026-03-02 08:00 UTC);

fn patient(birth: &str) -> Value {
    json!({"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": birth})
}

fn bundle(resources: Vec<Value>) -> Value {
    let entries: Vec<Value> = resources.into_iter().map(|resource| json!({"resource": resource})).collect();
    json!({"resourceType": "Bundle", "type": "searchset", "entry": entries})
}

fn call(prefetch: &Value) -> Value {
    json!({"hook": "patient-view", "hookInstance": "6f0d4ec0-8b0a-4b55-9a0c-3a9d2a1c0001",
        "context": {"userId": "Practitioner/1", "patientId": "p"}, "prefetch": prefetch})
}

/// A film about which the chart states nothing but its pixels.
fn film(picture: &Picture) -> Value {
    let media = json!({"resourceType": "Media", "id": "film", "status": "completed", "subject": {"reference": "Patient/p"},
        "content": {"contentType": "image/png", "data": STANDARD.encode(picture.png())}});
    call(&json!({"patient": patient("2022-05-01"), "imaging": bundle(vec![media])}))
}

fn note(text: &str) -> Value {
    let document = json!({"resourceType": "DocumentReference", "id": "note", "status": "current",
        "subject": {"reference": "Patient/p"},
        "content": [{"attachment": {"contentType": "text/plain; charset=utf-8", "data": STANDARD.encode(text)}}]});
    call(&json!({"patient": patient("1960-05-01"), "notes": bundle(vec![document]), "conditions": bundle(vec![])}))
}

/// Every hour of two days the very same values.
fn constants() -> Value {
    let vitals = [
        ("8867-4", 80.0, "/min"),
        ("8480-6", 120.0, "mm[Hg]"),
        ("8310-5", 37.0, "Cel"),
        ("9269-2", 15.0, "{score}"),
        ("9279-1", 16.0, "/min"),
        ("2160-0", 1.0, "mg/dL"),
        ("2823-3", 4.0, "mmol/L"),
        ("2951-2", 140.0, "mmol/L"),
    ];
    let observations = (0..48).flat_map(|hour| {
        let time = (END - Duration::hours(47 - hour)).format(&Rfc3339).unwrap();
        vitals.map(|(code, value, unit)| {
            json!({"resourceType": "Observation", "status": "final", "subject": {"reference": "Patient/p"},
                "code": {"coding": [{"system": "http://loinc.org", "code": code}]}, "effectiveDateTime": time,
                "valueQuantity": {"value": value, "unit": unit, "code": unit, "system": "http://unitsofmeasure.org"}})
        })
    });
    call(&json!({"patient": patient("1960-05-01"), "observations": bundle(observations.collect())}))
}

/// Asks, and holds that the answer is one refusal in words, on a card and in the record, with no number anywhere.
async fn refused(app: &TestApp, service: &str, what: &str, body: &Value) {
    let response = app.post(&format!("/cds-services/{service}"), body).await;
    assert_eq!(response.status(), 200, "{service}, {what}");
    let record = response.headers()["audit-record"].to_str().unwrap().to_owned();
    let answer: Value = response.json().await.unwrap();
    let cards = answer["cards"].as_array().unwrap();
    assert_eq!(cards.len(), 1, "{service}, {what}: {cards:?}");
    let detail = cards[0]["detail"].as_str().unwrap();
    assert_eq!(cards[0]["indicator"], "info", "{service}, {what}: {detail}");
    let record: Value = app.get(&format!("/try/records/{record}")).await.json().await.unwrap();
    for model in record["content"]["models"].as_array().unwrap() {
        let prediction = &model["prediction"];
        assert_eq!(prediction["status"], "abstained", "{service}, {what}: {prediction}");
        assert!(prediction.get("findings").is_none() && prediction.get("grade").is_none(), "{what}: {prediction}");
        let words = prediction["words"].as_str().unwrap();
        assert!(words.ends_with('.') && words.len() > 20, "{what}: {words}");
    }
    assert!(!detail.to_lowercase().contains("probability of"), "{service}, {what}: {detail}");
}

#[tokio::test]
async fn films_that_are_none_are_refused_by_every_image_network() {
    let app = TestApp::spawn().await;
    let pictures = strange::pictures();
    for service in strange::IMAGE_SERVICES {
        for (what, picture) in &pictures {
            refused(&app, service, what, &film(picture)).await;
        }
    }
}

#[tokio::test]
async fn a_knee_film_is_refused_by_the_chest_network_and_a_chest_film_by_the_knee_network() {
    let app = TestApp::spawn().await;
    for seed in 0..4 {
        for service in strange::CHEST_SERVICES.into_iter().filter(|service| *service != "pneumonia-28") {
            // The textbook network sees 28 pixels a side and takes a drawn knee for a chest: its papers say so.
            refused(&app, service, &format!("knee {seed}"), &film(&strange::knee(seed))).await;
        }
        for service in strange::KNEE_SERVICES {
            refused(&app, service, &format!("chest {seed}"), &film(&strange::chest(seed))).await;
        }
    }
}

#[tokio::test]
async fn notes_in_another_language_are_refused() {
    let app = TestApp::spawn().await;
    let french = "Compte rendu d'hospitalisation. Patiente de 66 ans, hospitalisée pour une douleur thoracique évoluant depuis \
        trois jours. Antécédents : hypertension artérielle, diabète de type 2. À l'examen, la tension est à 140/80 et le \
        pouls à 76 par minute. L'électrocardiogramme ne montre pas d'anomalie. Elle sort avec une ordonnance de ramipril.";
    let german = "Entlassungsbrief. Die Patientin stellte sich mit seit drei Tagen bestehenden Brustschmerzen vor. Bekannt sind \
        eine arterielle Hypertonie und ein Diabetes mellitus Typ 2. Das EKG war unauffällig. Wir entließen sie in gutem \
        Allgemeinzustand nach Hause und empfehlen eine Kontrolle beim Hausarzt in zwei Wochen.";
    for (what, text) in [("French", french), ("German", german)] {
        refused(&app, "note-review", what, &note(text)).await;
    }
}

#[tokio::test]
async fn two_days_of_constants_are_refused() {
    let app = TestApp::spawn().await;
    for service in strange::COURSE_SERVICES {
        refused(&app, service, "48 hours of constants", &constants()).await;
    }
}
