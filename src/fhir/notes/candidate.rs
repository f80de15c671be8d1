//! Which resources may be notes, and what they say of themselves.

use crate::domain::{Coding, SourceRef};
use crate::fhir::attachment::Attachment;
use crate::fhir::datetime::moment;
use crate::fhir::gather::Gathered;
use crate::fhir::ledger::Ledger;
use crate::fhir::resource::{Resource, coded, list, shown, text, words};
use serde_json::Value;
use time::OffsetDateTime;

/// The code system whose document types are preferred.
const LOINC: &str = "http://loinc.org";
/// Codings of a type that are looked at.
const CODINGS_MAX: usize = 8;

/// A resource that may hold a note.
pub struct Candidate<'a> {
    /// The resource.
    pub source: SourceRef,
    /// Title or type in words.
    pub title: Option<String>,
    /// Type.
    pub code: Option<Coding>,
    /// When it was written.
    pub time: Option<OffsetDateTime>,
    /// Where its text is.
    pub body: Body<'a>,
}

/// Where the text is.
pub enum Body<'a> {
    /// Forms of one document, and a conclusion beside it.
    Forms {
        /// The forms.
        forms: Vec<Attachment<'a>>,
        /// `DiagnosticReport.conclusion`.
        conclusion: Option<&'a str>,
    },
    /// Sections of a Composition.
    Sections(&'a Value),
}

/// All candidates, in the order of the request; what may not be used is noted.
pub fn candidates<'a>(gathered: &Gathered<'a>, ledger: &mut Ledger) -> Vec<Candidate<'a>> {
    let mut found = Vec::new();
    for resource in &gathered.resources {
        let candidate = match resource.kind {
            "DocumentReference" => Some(document(resource)),
            "DiagnosticReport" => report(resource),
            "Composition" => Some(composition(resource)),
            _ => None,
        };
        let Some(candidate) = candidate else { continue };
        match refusal(resource) {
            Some((reason, detail)) => ledger.note(&resource.source.reference, reason, || detail.into()),
            None => found.push(candidate),
        }
    }
    found
}

/// Why a document must not be used: what its status says, or a modifier nobody here understands.
pub fn refusal(resource: &Resource<'_>) -> Option<(&'static str, &'static str)> {
    if resource.is_modified() {
        return Some(("modifier-extension", "It carries a modifier extension, which is not understood."));
    }
    match (resource.kind, resource.text("status")) {
        (_, Some("entered-in-error")) => Some(("entered-in-error", "It was entered in error.")),
        ("DocumentReference", Some("superseded")) => Some(("superseded", "A newer version of it exists.")),
        ("DiagnosticReport" | "ImagingStudy", Some("cancelled")) => Some(("cancelled", "It was cancelled.")),
        ("Media", Some("not-done")) => Some(("not-done", "It was not made.")),
        _ if resource.text("docStatus") == Some("entered-in-error") => {
            Some(("entered-in-error", "The document was entered in error."))
        }
        _ => None,
    }
}

fn document<'a>(resource: &Resource<'a>) -> Candidate<'a> {
    let json = resource.json;
    let forms: Vec<Attachment<'a>> = list(json, "content")
        .iter()
        .filter_map(|content| content.get("attachment"))
        .map(|attachment| Attachment { json: attachment, owner: json })
        .collect();
    let kind = json.get("type");
    let title = kind.and_then(words).or_else(|| text(json, "description"));
    let created = || forms.iter().find_map(|form| text(form.json, "creation"));
    let time = text(json, "date").or_else(|| period(json.pointer("/context/period"))).or_else(created);
    Candidate {
        source: resource.source.clone(),
        title: title.map(shown),
        code: kind.and_then(document_code),
        time: time.and_then(moment),
        body: Body::Forms { forms, conclusion: None },
    }
}

/// Only reports with words; one that merely lists results is no note.
fn report<'a>(resource: &Resource<'a>) -> Option<Candidate<'a>> {
    let json = resource.json;
    let forms: Vec<Attachment<'a>> =
        list(json, "presentedForm").iter().map(|form| Attachment { json: form, owner: json }).collect();
    let conclusion = text(json, "conclusion");
    if forms.is_empty() && conclusion.is_none() {
        return None;
    }
    let kind = json.get("code");
    let effective = text(json, "effectiveDateTime").or_else(|| period(json.get("effectivePeriod")));
    Some(Candidate {
        source: resource.source.clone(),
        title: kind.and_then(words).map(shown),
        code: kind.and_then(document_code),
        time: effective.or_else(|| text(json, "issued")).and_then(moment),
        body: Body::Forms { forms, conclusion },
    })
}

fn composition<'a>(resource: &Resource<'a>) -> Candidate<'a> {
    let json = resource.json;
    let kind = json.get("type");
    Candidate {
        source: resource.source.clone(),
        title: text(json, "title").or_else(|| kind.and_then(words)).map(shown),
        code: kind.and_then(document_code),
        time: text(json, "date").and_then(moment),
        body: Body::Sections(json),
    }
}

/// The end of a period or, while it lasts, its beginning.
pub fn period(period: Option<&Value>) -> Option<&str> {
    period.and_then(|period| text(period, "end").or_else(|| text(period, "start")))
}

/// The LOINC code of a document type, else its first.
fn document_code(concept: &Value) -> Option<Coding> {
    let mut codings = coded(concept, CODINGS_MAX);
    let best = codings.iter().position(|one| one.system == LOINC).unwrap_or(0);
    (best < codings.len()).then(|| codings.swap_remove(best))
}
