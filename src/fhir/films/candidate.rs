//! Which attachments may be films, and what their resources say of them.

use super::study::Studies;
use crate::domain::{Side, SourceRef};
use crate::fhir::attachment::Attachment;
use crate::fhir::datetime::moment;
use crate::fhir::gather::Gathered;
use crate::fhir::ledger::Ledger;
use crate::fhir::notes::{period, refusal};
use crate::fhir::resource::{Resource, codings, list, shown, text, words};
use serde_json::Value;
use std::collections::HashSet;
use time::OffsetDateTime;

/// An attachment that may be a film.
pub struct Candidate<'a> {
    /// The resource.
    pub source: SourceRef,
    /// Where its bytes are.
    pub attachment: Attachment<'a>,
    /// Nothing but the bytes can say whether it is an image; if they do not, it is no film and nothing is amiss.
    pub by_bytes_only: bool,
    /// When the image was taken.
    pub taken: Option<OffsetDateTime>,
    /// When it was filed, if that is all that is known.
    pub filed: Option<OffsetDateTime>,
    /// Modality code or words.
    pub modality: Option<String>,
    /// Body site in words or code.
    pub body_site: Option<String>,
    /// Side of the body.
    pub side: Option<Side>,
    /// View in words or code.
    pub view: Option<String>,
    /// The index of its ImagingStudy.
    pub study: Option<usize>,
}

impl<'a> Candidate<'a> {
    fn new(source: SourceRef, attachment: Attachment<'a>) -> Self {
        let (taken, filed, modality, body_site, side, view, study) = (None, None, None, None, None, None, None);
        Self { source, attachment, by_bytes_only: false, taken, filed, modality, body_site, side, view, study }
    }

    /// The time by which candidates are put in order before their files are opened.
    pub fn ordered_by(&self) -> Option<OffsetDateTime> {
        self.taken.or(self.filed)
    }
}

/// All candidates, in the order of the request; what may not be used is noted.
pub fn candidates<'a>(gathered: &Gathered<'a>, studies: &Studies<'a>, ledger: &mut Ledger) -> Vec<Candidate<'a>> {
    let mut found = Vec::new();
    let spoken_for = referenced(gathered);
    for resource in &gathered.resources {
        let own = match resource.kind {
            "Media" => media(resource.json, resource.json, &resource.source).into_iter().collect(),
            "DocumentReference" => document(resource),
            "ImagingStudy" => contained(resource, ledger),
            "Binary" if !spoken_for.contains(resource.source.reference.as_str()) => binary(resource),
            _ => continue,
        };
        if resource.kind == "Media" && own.is_empty() {
            ledger.note(&resource.source.reference, "no-data", || "It holds no content.".into());
        }
        // `notes` says of documents, and `Studies` of studies, why they are not used.
        let refused = refusal(resource);
        match refused {
            Some((reason, detail)) if resource.kind == "Media" || resource.kind == "Binary" => {
                ledger.note(&resource.source.reference, reason, || detail.into());
            }
            Some((reason, detail)) if resource.kind == "DocumentReference" && !own.is_empty() => {
                ledger.note(&resource.source.reference, reason, || detail.into());
            }
            Some(_) => {}
            None => found.extend(own.into_iter().map(|candidate| {
                let study = studies.of_resource(gathered, resource);
                let filed = candidate.filed.or_else(|| study.and_then(|study| studies.time(study)));
                Candidate { study, filed, ..candidate }
            })),
        }
    }
    found
}

/// `Binary` resources that other resources use; what those are is said there.
fn referenced<'g>(gathered: &'g Gathered<'_>) -> HashSet<&'g str> {
    let mut found = HashSet::new();
    for resource in &gathered.resources {
        let attachments = match resource.kind {
            "Media" => resource.json.get("content").into_iter().collect(),
            "DocumentReference" => resource.list("content").iter().filter_map(|one| one.get("attachment")).collect(),
            "DiagnosticReport" => resource.list("presentedForm").iter().collect(),
            _ => Vec::new(),
        };
        for json in attachments {
            let attachment = Attachment { json, owner: resource.json };
            found.extend(attachment.binary(gathered).map(|binary| binary.source.reference.as_str()));
        }
    }
    found
}

/// A Media resource, or one contained in `owner`.
fn media<'a>(json: &'a Value, owner: &'a Value, source: &SourceRef) -> Option<Candidate<'a>> {
    let attachment = Attachment { json: json.get("content")?, owner };
    let code = |member| {
        let concept: &Value = json.get(member)?;
        codings(concept).next().map(|(_, code, _)| code).or_else(|| words(concept)).map(shown)
    };
    let said = |member| {
        let concept: &Value = json.get(member)?;
        words(concept).or_else(|| codings(concept).next().map(|(_, code, _)| code)).map(shown)
    };
    let created = text(json, "createdDateTime").or_else(|| period(json.get("createdPeriod")));
    let filed = text(json, "issued").or_else(|| text(attachment.json, "creation"));
    Some(Candidate {
        taken: created.and_then(moment),
        filed: filed.and_then(moment),
        modality: code("modality"),
        body_site: said("bodySite"),
        side: json.get("bodySite").and_then(side),
        view: said("view"),
        ..Candidate::new(source.clone(), attachment)
    })
}

/// The side that a body site names: its text, else its displays and codes (site or laterality qualifier).
pub fn side(concept: &Value) -> Option<Side> {
    let coded = codings(concept).flat_map(|(_, code, display)| [display, Some(code)]).flatten();
    words(concept).into_iter().chain(coded).find_map(Side::stated)
}

/// The image attachments of a document; one of several forms of the same image is enough, but which of them can be read
/// only their bytes say, so each is a candidate.
fn document<'a>(resource: &Resource<'a>) -> Vec<Candidate<'a>> {
    let json = resource.json;
    let attachments = list(json, "content").iter().filter_map(|content| content.get("attachment"));
    attachments
        .map(|attachment| Attachment { json: attachment, owner: json })
        .filter(|attachment| attachment.stated().is_image() || attachment.stated().format().is_none())
        .map(|attachment| Candidate {
            by_bytes_only: !attachment.stated().is_image(),
            taken: period(json.pointer("/context/period")).and_then(moment),
            filed: text(json, "date").or_else(|| text(attachment.json, "creation")).and_then(moment),
            ..Candidate::new(resource.source.clone(), attachment)
        })
        .filter(|candidate| !candidate.by_bytes_only || text(candidate.attachment.json, "data").is_some())
        .collect()
}

/// Media and Binary resources contained in a study.
fn contained<'a>(resource: &Resource<'a>, ledger: &mut Ledger) -> Vec<Candidate<'a>> {
    let owner = resource.json;
    let mut found = Vec::new();
    let subject = |json: &'a Value| json.pointer("/subject/reference").and_then(Value::as_str);
    for inner in list(owner, "contained") {
        if subject(inner).is_some_and(|other| subject(owner).is_some_and(|own| own != other)) {
            ledger.note(&resource.source.reference, "unresolved-subject", || {
                "A contained resource names another subject than the resource around it.".into()
            });
            continue;
        }
        match text(inner, "resourceType") {
            Some("Media") => found.extend(media(inner, owner, &resource.source)),
            Some("Binary") => {
                let attachment = Attachment { json: inner, owner };
                found.push(Candidate { by_bytes_only: true, ..Candidate::new(resource.source.clone(), attachment) });
            }
            _ => {}
        }
    }
    found
}

/// A Binary nobody refers to.
fn binary<'a>(resource: &Resource<'a>) -> Vec<Candidate<'a>> {
    let attachment = Attachment { json: resource.json, owner: resource.json };
    vec![Candidate::new(resource.source.clone(), attachment)]
}
