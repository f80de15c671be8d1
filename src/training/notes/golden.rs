//! What the network answers to notes written for this project: pinned in `golden.json`.
//!
//! Contract: the texts are here, the answers in the file; a test reads them again with a tolerance.

use crate::{
    domain::{Digest, ModelInput, Note, Phi, SourceRef, Status},
    models::{Model, notes::Notes},
    training::TrainingError,
};
use serde_json::{Value, json};

/// The notes.
pub const TEXTS: [&str; 6] = [
    "HISTORY OF PRESENT ILLNESS: A 68-year-old woman with chronic kidney disease presents with pneumonia and fever. She denies chest pain.",
    "PAST MEDICAL HISTORY:\n1. Hypertension.\n2. Type 2 diabetes mellitus.\n3. Asthma.\n\nFAMILY HISTORY: Her mother had breast cancer.",
    "Continue metformin 500 mg twice daily for diabetes and lisinopril for hypertension. No evidence of heart failure.",
    "ASSESSMENT: Possible pulmonary embolism; started on heparin. Atrial fibrillation, rate controlled on metoprolol.",
    "ALLERGIES: Penicillin (rash).\n\nThe patient developed nausea and vomiting after morphine.",
    "PT W/ HTN, COPD AND GERD HERE WITH ACUTE BRONCHITIS. STARTED ON AZITHROMYCIN.",
];

/// A note with this text.
#[must_use]
pub fn input(text: &str) -> ModelInput {
    let source = SourceRef {
        reference: "DocumentReference/golden".into(),
        version: None,
        last_updated: None,
        key: "notes".into(),
        digest: Digest::of(text.as_bytes()),
    };
    ModelInput::Notes(vec![Note { text: Phi::new(text.to_owned()), source, title: None, code: None, time: None }])
}

/// The answers as JSON: text, and per finding label, words, place, assertion and score.
///
/// # Errors
/// [`TrainingError`] when the network fails.
pub fn answers(notes: &Notes) -> Result<Vec<u8>, TrainingError> {
    let cases = TEXTS.iter().map(|text| Ok(json!({"text": text, "findings": findings(notes, text)?})));
    let cases: Vec<Value> = cases.collect::<Result<_, TrainingError>>()?;
    serde_json::to_vec_pretty(&json!({"tolerance": 1e-3, "cases": cases}))
        .map_err(|error| TrainingError::Data(error.to_string()))
}

fn findings(notes: &Notes, text: &str) -> Result<Vec<Value>, TrainingError> {
    let predictions = notes.predict(&[&input(text)])?;
    let Some(Status::Scored { findings }) = predictions.into_iter().next().map(|prediction| prediction.status) else {
        return Ok(Vec::new());
    };
    let each = findings.iter().filter_map(|finding| {
        let mention = finding.mention.as_ref()?;
        Some(json!({
            "label": finding.label, "text": mention.text, "start": mention.start, "end": mention.end,
            "assertion": mention.assertion, "code": mention.code.as_ref().map(|code| &code.code), "score": finding.score,
        }))
    });
    Ok(each.collect())
}
