//! The FHIR resources that suggestions propose, built with fhir-sdk's types.
//!
//! Contract: valid R4 (the R4B types are the same for these two), marked as proposed by a machine
//! (AI Transparency on FHIR: `meta.security` AIAST), draft or unconfirmed, with a temporary id. The codes used are
//! those of HL7's own systems; any other comes from the definition or from the mention.

use super::definition::{Priority, ServiceRequestEntry};
use crate::domain::{Coding, Phi};
use fhir_codec::types::{
    codes::{RequestIntent, RequestPriority, RequestStatus},
    resources::{Condition, ConditionEvidence, Resource, ServiceRequest},
    types::{Annotation, CodeableConcept, Coding as FhirCoding, Meta, Reference},
};
use serde_json::Value;
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

/// What every proposed resource says.
pub struct Common<'a> {
    /// Temporary id.
    pub id: String,
    pub now: OffsetDateTime,
    pub patient_id: &'a Phi<String>,
    pub encounter_id: Option<&'a Phi<String>>,
    /// Who proposes it, and why: the annotation, Markdown.
    pub note: String,
    /// Relative references of what the network read.
    pub evidence: Vec<String>,
}

/// A resource that could not be written; never text from a patient.
#[derive(Debug, thiserror::Error)]
#[error("the proposed resource could not be built: {0}")]
pub struct ResourceError(String);

fn failed(error: impl std::fmt::Display) -> ResourceError {
    ResourceError(error.to_string())
}

/// A draft proposal of a service (FHIR R4 ServiceRequest).
pub fn service_request(
    common: Common<'_>,
    entry: &ServiceRequestEntry,
    reason: String,
) -> Result<Value, ResourceError> {
    let coding = entry.coding.iter().map(super::definition::CodingEntry::coding).collect::<Vec<_>>();
    let mut builder = ServiceRequest::builder()
        .id(common.id.clone())
        .meta(machine_made()?)
        .status(RequestStatus::Draft)
        .intent(RequestIntent::Proposal)
        .priority(priority(entry.priority))
        .code(concept(&coding, Some(entry.text.clone()))?)
        .subject(reference(format!("Patient/{}", common.patient_id.expose()))?)
        .authored_on(timestamp(common.now)?.parse().map_err(failed)?)
        .reason_code(vec![Some(concept(&[], Some(reason))?)])
        .supporting_info(common.evidence.iter().cloned().map(|one| reference(one).map(Some)).collect::<Result<_, _>>()?)
        .note(vec![Some(annotation(&common)?)]);
    if let Some(category) = &entry.category {
        builder = builder.category(vec![Some(concept(&[category.coding()], None)?)]);
    }
    if let Some(encounter) = common.encounter_id {
        builder = builder.encounter(reference(format!("Encounter/{}", encounter.expose()))?);
    }
    let request = builder.build().map_err(failed)?;
    fhir_codec::to_json(&Resource::from(request)).map_err(failed)
}

/// An unconfirmed entry for the problem list (FHIR R4 Condition) in the words of the note.
pub fn condition(common: Common<'_>, words: String, code: Option<&Coding>) -> Result<Value, ResourceError> {
    // The project's table has its own names; a coding's display must be the system's, so there is none.
    let coding: Vec<Coding> = code.iter().map(|one| Coding { display: None, ..(*one).clone() }).collect();
    let hl7 = |system: &str, code: &str| Coding {
        system: format!("http://terminology.hl7.org/CodeSystem/{system}"),
        code: code.to_owned(),
        display: None,
    };
    let detail = common.evidence.iter().cloned().map(|one| reference(one).map(Some)).collect::<Result<Vec<_>, _>>()?;
    let mut builder = Condition::builder()
        .id(common.id.clone())
        .meta(machine_made()?)
        .clinical_status(concept(&[hl7("condition-clinical", "active")], None)?)
        .verification_status(concept(&[hl7("condition-ver-status", "unconfirmed")], None)?)
        .category(vec![Some(concept(&[hl7("condition-category", "problem-list-item")], None)?)])
        .code(concept(&coding, Some(words))?)
        .subject(reference(format!("Patient/{}", common.patient_id.expose()))?)
        .recorded_date(timestamp(common.now)?.parse().map_err(failed)?)
        .note(vec![Some(annotation(&common)?)]);
    if !detail.is_empty() {
        builder = builder.evidence(vec![Some(ConditionEvidence::builder().detail(detail).build().map_err(failed)?)]);
    }
    if let Some(encounter) = common.encounter_id {
        builder = builder.encounter(reference(format!("Encounter/{}", encounter.expose()))?);
    }
    let condition = builder.build().map_err(failed)?;
    fhir_codec::to_json(&Resource::from(condition)).map_err(failed)
}

fn machine_made() -> Result<Meta, ResourceError> {
    let label = Coding {
        system: "http://terminology.hl7.org/CodeSystem/v3-ObservationValue".into(),
        code: "AIAST".into(),
        display: Some("Artificial Intelligence asserted".into()),
    };
    Meta::builder().security(vec![Some(coding(&label)?)]).build().map_err(failed)
}

fn coding(coding: &Coding) -> Result<FhirCoding, ResourceError> {
    let builder = FhirCoding::builder().system(coding.system.clone()).code(coding.code.clone());
    match &coding.display {
        Some(display) => builder.display(display.clone()),
        None => builder,
    }
    .build()
    .map_err(failed)
}

fn concept(codings: &[Coding], text: Option<String>) -> Result<CodeableConcept, ResourceError> {
    let codings = codings.iter().map(|one| coding(one).map(Some)).collect::<Result<Vec<_>, _>>()?;
    let builder = CodeableConcept::builder().coding(codings);
    match text {
        Some(text) => builder.text(text),
        None => builder,
    }
    .build()
    .map_err(failed)
}

fn reference(reference: String) -> Result<Reference, ResourceError> {
    Reference::builder().reference(reference).build().map_err(failed)
}

fn annotation(common: &Common<'_>) -> Result<Annotation, ResourceError> {
    let time = timestamp(common.now)?.parse().map_err(failed)?;
    Annotation::builder().time(time).text(common.note.clone()).build().map_err(failed)
}

/// FHIR's dateTime to the second, in UTC.
fn timestamp(time: OffsetDateTime) -> Result<String, ResourceError> {
    let time = time.to_offset(UtcOffset::UTC);
    time.replace_nanosecond(0).unwrap_or(time).format(&Rfc3339).map_err(failed)
}

const fn priority(priority: Priority) -> RequestPriority {
    match priority {
        Priority::Routine => RequestPriority::Routine,
        Priority::Urgent => RequestPriority::Urgent,
        Priority::Asap => RequestPriority::Asap,
        Priority::Stat => RequestPriority::Stat,
    }
}
