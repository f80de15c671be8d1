//! What is written down about one invocation: the content of its record's envelope.
//!
//! Inputs are kept by reference and digest; of their values only those that reached a network, of notes only the
//! sentences a finding stands in, of a film a picture. Tokens are never part of it.

use super::{Call, Failure, reading::Reading, settings::Settings};
use crate::{
    cards::{Built, Definition, ModelResult, Outcome},
    cds_hooks::{CdsRequest, Feedback, hooks::Context},
    domain::{Digest, ModelInput},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use image::{ExtendedColorType, codecs::jpeg::JpegEncoder};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

/// Longer side of the film's picture in the record, in pixels: what a reader sees on a screen.
const PICTURE: usize = 1024;
/// Its quality as JPEG, of 100.
const QUALITY: u8 = 88;

/// Everything [`prediction`] writes down.
pub(super) struct Told<'a> {
    pub(super) call: &'a Call,
    pub(super) definition: &'a Definition,
    pub(super) request: &'a CdsRequest,
    pub(super) context: &'a Context,
    pub(super) reading: &'a Reading,
    pub(super) results: &'a [ModelResult<'a>],
    pub(super) circumstances: &'a [&'a Value],
    pub(super) built: &'a Built,
    pub(super) response: &'a str,
    pub(super) settings: &'a Settings,
    pub(super) timing: Value,
}

/// The content of a prediction's record.
pub(super) fn prediction(told: &Told<'_>) -> Value {
    let models: Vec<Value> = told
        .results
        .iter()
        .zip(told.circumstances)
        .map(|(result, circumstances)| model(result, circumstances))
        .collect();
    json!({
        "call": call(told.call),
        "request": {
            "hook": told.request.hook,
            "hookInstance": told.request.hook_instance,
            "user": told.context.user_id,
            "patient": told.context.patient_id,
            "encounter": told.context.encounter_id,
            "fhirServer": told.request.fhir_server,
            "tolerated": told.request.tolerated.iter().map(|one| one.as_str()).collect::<Vec<_>>(),
        },
        "configuration": {
            "program": concat!("auscult ", env!("CARGO_PKG_VERSION")),
            "definition": told.definition.digest,
            "deadline_ms": told.settings.deadline_ms,
        },
        "prefetch": told.reading.states,
        "resources": told.reading.references,
        "ignored": told.reading.ignored,
        "models": models,
        "weighed": told.reading.values,
        "origins": told.built.origins,
        "response": told.response,
        "response_digest": Digest::of(told.response.as_bytes()),
        "timing": told.timing,
    })
}

/// The content of a refusal's record.
pub(super) fn refusal(call_: &Call, failure: &Failure) -> Value {
    json!({ "call": call(call_), "failure": failure.to_string() })
}

/// The content of a feedback record.
pub(super) fn feedback(call_: &Call, feedback: &Feedback, known: bool) -> Value {
    let odd = feedback.odd_time(call_.received).map(|odd| format!("{odd:?}").to_lowercase());
    json!({ "call": call(call_), "feedback": feedback, "card_known": known, "odd_time": odd })
}

/// The call itself.
pub(super) fn call(call: &Call) -> Value {
    json!({
        "request_id": call.request_id,
        "caller": call.caller,
        "received": call.received.format(&Rfc3339).unwrap_or_default(),
        "body": call.body_digest,
    })
}

fn model(result: &ModelResult<'_>, circumstances: &Value) -> Value {
    let manifest = &result.manifest;
    let head = json!({ "name": manifest.name, "version": manifest.version, "manifest": manifest.digest() });
    let mut entry = head.as_object().cloned().unwrap_or_default();
    let (outcome, rest) = match &result.outcome {
        Outcome::Answered { prediction, explanation, input } => {
            ("answered", json!({ "input": features(input), "prediction": prediction, "explanation": explanation }))
        }
        Outcome::NoInput { why } => ("no-input", json!({ "why": why })),
        Outcome::Unreadable { why } => ("unreadable", json!({ "why": why })),
        Outcome::Late => ("late", json!({})),
        Outcome::Refused(why) => ("refused", json!({ "why": why })),
        Outcome::Failed => ("failed", json!({})),
    };
    entry.insert("outcome".into(), outcome.into());
    entry.extend(rest.as_object().cloned().unwrap_or_default());
    entry.insert("circumstances".into(), circumstances.clone());
    Value::Object(entry)
}

/// What reached the network.
fn features(input: &ModelInput) -> Value {
    let mut features = match input {
        ModelInput::Film(film) => json!({
            "kind": "film",
            "source": film.source,
            "time": film.time.and_then(|time| time.format(&Rfc3339).ok()),
            "media_type": film.content_type,
            "modality": film.modality,
            "body_site": film.body_site,
            "view": film.view,
            "pixels": [film.image.width(), film.image.height()],
            "age_years": film.age_years,
            "side": film.side,
            "picture": picture(film),
        }),
        ModelInput::Course(course) => json!({
            "kind": "course",
            "start": course.start.format(&Rfc3339).ok(),
            "end": course.end.format(&Rfc3339).ok(),
            "age_years": course.age_years,
            "sex": course.sex,
            "measurements": course.measurements,
        }),
        ModelInput::Notes(notes) => json!({
            "kind": "notes",
            "notes": notes.iter().map(|note| json!({
                "source": note.source,
                "title": note.title,
                "code": note.code,
                "time": note.time.and_then(|time| time.format(&Rfc3339).ok()),
                "bytes": note.text.expose().len(),
            })).collect::<Vec<_>>(),
        }),
    };
    features["digest"] = json!(input.digest());
    features
}

/// The film as a `data:` URL, so that a reviewer sees what was judged.
fn picture(film: &crate::domain::Film) -> Option<String> {
    let (width, height) = (film.image.width(), film.image.height());
    let scale = (PICTURE as f64 / width.max(height) as f64).min(1.0);
    let side = |length: usize| ((length as f64 * scale).round() as usize).max(1);
    let small = film.image.resized(side(width), side(height));
    let (width, height) = (u32::try_from(small.width()).ok()?, u32::try_from(small.height()).ok()?);
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, QUALITY)
        .encode(small.pixels(), width, height, ExtendedColorType::L8)
        .ok()?;
    Some(format!("data:image/jpeg;base64,{}", STANDARD.encode(bytes)))
}
