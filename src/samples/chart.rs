//! A sample as the FHIR resources an EHR would hold.

use super::{
    course,
    film::{self, FilmKind, Knee},
    list::Sample,
    note,
};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

/// The resources of one sample, by prefetch key.
#[derive(Debug, Clone)]
pub struct Chart {
    prefetch: Value,
}

impl Chart {
    /// The chart of `sample` as it stands at `now`.
    #[must_use]
    pub fn of(sample: &Sample, now: OffsetDateTime) -> Self {
        let maker = Maker { sample, now };
        Self {
            prefetch: json!({
                "patient": maker.patient(),
                "observations": bundle(sample.pattern.map(|pattern| course::observations(pattern, sample.id, now)).unwrap_or_default()),
                "imaging": bundle(maker.films()),
                "notes": bundle(maker.notes()),
                "conditions": bundle(maker.problems()),
            }),
        }
    }

    /// Everything, keyed as the services' definitions key it.
    #[must_use]
    pub const fn prefetch(&self) -> &Value {
        &self.prefetch
    }
}

/// The CDS Hooks request that an EHR would send when this chart is opened.
#[must_use]
pub fn invocation(sample: &Sample, hook: &str, hook_instance: &str, now: OffsetDateTime) -> Value {
    json!({
        "hook": hook,
        "hookInstance": hook_instance,
        "context": {
            "userId": "Practitioner/sample-clinician",
            "patientId": sample.id,
            "encounterId": format!("{}-stay", sample.id),
        },
        "prefetch": Chart::of(sample, now).prefetch,
    })
}

fn bundle(resources: Vec<Value>) -> Value {
    let entries: Vec<Value> =
        resources.into_iter().map(|resource| json!({"resource": resource, "search": {"mode": "match"}})).collect();
    json!({"resourceType": "Bundle", "type": "searchset", "total": entries.len(), "entry": entries})
}

struct Maker<'a> {
    sample: &'a Sample,
    now: OffsetDateTime,
}

impl Maker<'_> {
    fn reference(&self) -> Value {
        json!({"reference": format!("Patient/{}", self.sample.id)})
    }

    fn ago(&self, hours: i64) -> String {
        let time = self.now - Duration::hours(hours);
        time.replace_nanosecond(0).unwrap_or(time).format(&Rfc3339).unwrap_or_default()
    }

    fn patient(&self) -> Value {
        let (given, family) = self.sample.name.rsplit_once(' ').unwrap_or(("", self.sample.name));
        json!({
            "resourceType": "Patient",
            "id": self.sample.id,
            "meta": {"versionId": "1"},
            "name": [{"use": "official", "text": self.sample.name, "family": family, "given": [given]}],
            "gender": self.sample.gender,
            "birthDate": format!("{:04}-02-11", self.birth_year()),
        })
    }

    /// Born on 11 February, so that the age is right on every day of the year.
    fn birth_year(&self) -> i32 {
        let birthday_to_come = (u8::from(self.now.month()), self.now.day()) < (2, 11);
        self.now.year() - self.sample.age - i32::from(birthday_to_come)
    }

    fn films(&self) -> Vec<Value> {
        let Some(kind) = self.sample.film else { return Vec::new() };
        let (media_type, data) = film::attachment(kind);
        let (code, display, site, view) = match kind {
            FilmKind::Knee(Knee { left: true, .. }) => {
                ("82169009", "Structure of left knee region", "Left knee", "AP, standing")
            }
            FilmKind::Knee(_) => ("6757004", "Structure of right knee region", "Right knee", "AP, standing"),
            _ => ("51185008", "Thorax", "Chest", "AP"),
        };
        vec![json!({
            "resourceType": "Media",
            "id": format!("{}-film", self.sample.id),
            "meta": {"versionId": "1"},
            "status": "completed",
            "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/media-type", "code": "image"}]},
            "modality": {"coding": [{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "DX", "display": "Digital Radiography"}]},
            "bodySite": {"coding": [{"system": "http://snomed.info/sct", "code": code, "display": display}], "text": site},
            "view": {"text": view},
            "subject": self.reference(),
            "createdDateTime": self.ago(3),
            "content": {"contentType": media_type, "data": data, "title": format!("{site}, frontal")},
        })]
    }

    fn notes(&self) -> Vec<Value> {
        let written = self.sample.notes.iter().enumerate().map(|(index, (code, file))| {
            let (media_type, data) = note::attachment(file);
            json!({
                "resourceType": "DocumentReference",
                "id": format!("{}-note{index}", self.sample.id),
                "meta": {"versionId": "1"},
                "status": "current",
                "docStatus": "final",
                "type": {"coding": [{"system": "http://loinc.org", "code": code}], "text": title(code)},
                "subject": self.reference(),
                "date": self.ago(5),
                "content": [{"attachment": {"contentType": media_type, "data": data, "title": title(code)}}],
            })
        });
        written.collect()
    }

    fn problems(&self) -> Vec<Value> {
        let listed = self.sample.problems.iter().enumerate().map(|(index, (code, name))| {
            json!({
                "resourceType": "Condition",
                "id": format!("{}-problem{index}", self.sample.id),
                "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]},
                "verificationStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code": "confirmed"}]},
                "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-category", "code": "problem-list-item"}]}],
                "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": code, "display": name}], "text": name},
                "subject": self.reference(),
            })
        });
        listed.collect()
    }
}

fn title(code: &str) -> &'static str {
    match code {
        "34117-2" => "History and physical note",
        "11488-4" => "Consultation note",
        _ => "Progress note",
    }
}
