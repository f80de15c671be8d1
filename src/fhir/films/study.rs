//! ImagingStudy: what it says about the films that belong to it.

use crate::domain::{Ignored, Side};
use crate::fhir::datetime::moment;
use crate::fhir::gather::Gathered;
use crate::fhir::ledger::Ledger;
use crate::fhir::notes::refusal;
use crate::fhir::resource::{Resource, codings, list, shown, text, words};
use serde_json::Value;
use std::cell::Cell;
use time::OffsetDateTime;

/// The studies of a request.
pub struct Studies<'a> {
    studies: Vec<Study<'a>>,
}

struct Study<'a> {
    resource: Resource<'a>,
    refusal: Option<(&'static str, &'static str)>,
    /// Whether an attachment of the request belongs to it.
    linked: Cell<bool>,
}

/// What a study says about its films.
#[derive(Debug, Default)]
pub struct Facts {
    /// Modality code.
    pub modality: Option<String>,
    /// Body site in words or code.
    pub body_site: Option<String>,
    /// Side of the body, where all series agree.
    pub side: Option<Side>,
    /// `started`.
    pub time: Option<OffsetDateTime>,
}

impl<'a> Studies<'a> {
    /// All studies of the request; those that may not be used are noted.
    pub fn of(gathered: &Gathered<'a>, ledger: &mut Ledger) -> Self {
        let study = |resource: &Resource<'a>| Study {
            resource: resource.clone(),
            refusal: refusal(resource),
            linked: Cell::new(false),
        };
        let studies: Vec<Study<'a>> = gathered.of_kind("ImagingStudy").map(study).collect();
        for (resource, (reason, detail)) in studies.iter().filter_map(|one| Some((&one.resource, one.refusal?))) {
            ledger.note(&resource.source.reference, reason, || detail.into());
        }
        Self { studies }
    }

    /// The study a resource is part of, or is.
    pub fn of_resource(&self, gathered: &Gathered<'a>, resource: &Resource<'a>) -> Option<usize> {
        let named = |json: &'a Value| text(json, "reference").and_then(|reference| gathered.find(reference));
        let around = ["/context/related", "/partOf", "/derivedFrom", "/basedOn"];
        let mut linked = around.iter().filter_map(|path| resource.json.pointer(path)).flat_map(|value| match value {
            Value::Array(several) => several.as_slice(),
            one => std::slice::from_ref(one),
        });
        let found = if resource.kind == "ImagingStudy" {
            Some(resource.source.reference.as_str())
        } else {
            linked
                .find_map(named)
                .filter(|found| found.kind == "ImagingStudy")
                .map(|found| found.source.reference.as_str())
        };
        let index = self.studies.iter().position(|study| Some(study.resource.source.reference.as_str()) == found)?;
        self.studies.get(index)?.linked.set(true);
        Some(index)
    }

    /// The study with a Study Instance UID.
    pub fn by_uid(&self, uid: &str) -> Option<usize> {
        let is = |value: &str| value.strip_prefix("urn:oid:").unwrap_or(value) == uid;
        self.studies.iter().position(|study| {
            let json = study.resource.json;
            text(json, "uid").is_some_and(is)
                || list(json, "identifier").iter().any(|one| text(one, "value").is_some_and(is))
        })
    }

    /// Why films of a study must not be used.
    pub fn refusal(&self, index: usize) -> Option<(&'static str, &'static str)> {
        let study = self.studies.get(index)?;
        study.linked.set(true);
        study.refusal
    }

    /// When a study was made.
    pub fn time(&self, index: usize) -> Option<OffsetDateTime> {
        text(self.studies.get(index)?.resource.json, "started").and_then(moment)
    }

    /// What a study says, now that a film belongs to it.
    pub fn take(&self, index: usize) -> Facts {
        let Some(study) = self.studies.get(index) else { return Facts::default() };
        study.linked.set(true);
        let json = study.resource.json;
        let series = list(json, "series");
        let modality = |json: &'a Value| list(json, "modality").first().and_then(|one| text(one, "code")).map(shown);
        // R4 has a Coding here, R5 and other clients a CodeableConcept.
        let site = |json: &'a Value| {
            let site = json.get("bodySite")?;
            let code = || codings(site).next().map(|(_, code, _)| code);
            text(site, "display").or_else(|| words(site)).or_else(|| text(site, "code")).or_else(code).map(shown)
        };
        let sides: Vec<Side> = series.iter().filter_map(laterality).collect();
        Facts {
            side: sides.first().copied().filter(|first| sides.iter().all(|side| side == first)),
            modality: series.iter().find_map(modality).or_else(|| modality(json)),
            body_site: series.iter().find_map(site),
            time: self.time(index),
        }
    }

    /// Notes the studies whose images did not come with the request.
    pub fn without_pixels(&self, ledger: &mut Ledger) {
        for study in self.studies.iter().filter(|study| study.refusal.is_none() && !study.linked.get()) {
            let Ignored { reference, reason, detail } =
                study.resource.ignored("no-pixels", "Its images are elsewhere and did not come with the request.");
            ledger.note(&reference, reason, || detail);
        }
    }
}

/// The side of a series: `laterality` (R4: a Coding, R5: a concept), else what its body site names.
fn laterality(series: &Value) -> Option<Side> {
    let of = |concept: &Value| {
        let alone = text(concept, "display").into_iter().chain(text(concept, "code"));
        alone.filter_map(Side::stated).next().or_else(|| super::candidate::side(concept))
    };
    series.get("laterality").and_then(of).or_else(|| series.get("bodySite").and_then(of))
}
