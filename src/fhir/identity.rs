//! Whether a resource is about the patient of the context (requirement P22).
//!
//! Contract: a resource that names another patient is told apart from one that names nobody, which is accepted because
//! the client answered a query about this patient, and from one whose reference cannot be followed, which is not used.

use super::resource::{list, text};
use serde_json::Value;
use std::collections::BTreeMap;

/// Whom a resource is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// The patient of the context, or nobody in particular.
    Same,
    /// Another patient, named.
    Another,
    /// Something other than a patient (`Group/…`, `Device/…`), or a reference that leads nowhere in this request.
    Elsewhere,
}

/// The patient of the context, and the patients whom Bundles call by a local `fullUrl`.
pub struct Roster<'a> {
    patient: String,
    local: BTreeMap<&'a str, Option<&'a str>>,
}

/// The id in `x`, `Patient/x`, `Patient/x/_history/1` or `https://host/fhir/Patient/x`.
#[must_use]
pub fn patient_id(reference: &str) -> &str {
    id_in(reference.trim()).unwrap_or_else(|| reference.trim())
}

/// The id after `Patient/`, at the beginning or at its last place in an address.
fn id_in(reference: &str) -> Option<&str> {
    let reference = reference.split(['?', '#', '|']).next()?;
    let rest = match reference.rfind("/Patient/") {
        Some(at) => &reference[at + "/Patient/".len()..],
        None => reference.strip_prefix("Patient/")?,
    };
    rest.split('/').next().filter(|id| !id.is_empty())
}

impl<'a> Roster<'a> {
    /// Collects the `fullUrl`s of every answer.
    pub fn new(patient: &str, answers: impl Iterator<Item = &'a Value>) -> Self {
        let mut local = BTreeMap::new();
        for entry in answers.flat_map(|answer| list(answer, "entry")) {
            // Only local names need looking up; addresses carry the id themselves.
            let url = text(entry, "fullUrl").filter(|url| url.starts_with("urn:"));
            let resource = entry.get("resource").filter(|one| text(one, "resourceType") == Some("Patient"));
            if let (Some(url), Some(resource)) = (url, resource) {
                local.insert(url, text(resource, "id"));
            }
        }
        Self { patient: patient.to_owned(), local }
    }

    /// Whom a resource is about, by its own id (Patient) or by its references to a subject.
    #[must_use]
    pub fn check(&self, kind: &str, json: &Value) -> Identity {
        if kind == "Patient" {
            return self.compare(text(json, "id"));
        }
        let mut whole = Identity::Same;
        for member in ["subject", "patient", "for", "beneficiary", "individual"] {
            let about = json.get(member).map_or(&[][..], |value| match value {
                Value::Array(several) => several,
                one => std::slice::from_ref(one),
            });
            for reference in about {
                match self.follow(reference, member == "patient") {
                    Identity::Another => return Identity::Another,
                    Identity::Elsewhere => whole = Identity::Elsewhere,
                    Identity::Same => {}
                }
            }
        }
        whole
    }

    fn follow(&self, reference: &Value, is_patient: bool) -> Identity {
        let Some(target) = reference.as_str().map(str::trim).or_else(|| text(reference, "reference")) else {
            return Identity::Same;
        };
        if let Some(id) = id_in(target) {
            return self.compare(Some(id));
        }
        if let Some(id) = self.local.get(target) {
            return self.compare(*id);
        }
        let is_bare = !target.contains(['/', '#', '?', ':']);
        let is_local = is_bare || target.starts_with("urn:");
        let is_this = target == self.patient || is_local && target.rsplit(':').next() == Some(self.patient.as_str());
        // A contained resource (`#…`) has no identity outside the one that contains it.
        if is_this || target.starts_with('#') {
            Identity::Same
        } else if is_bare && is_patient {
            Identity::Another
        } else {
            Identity::Elsewhere
        }
    }

    fn compare(&self, id: Option<&str>) -> Identity {
        match id {
            Some(id) if id != self.patient => Identity::Another,
            _ => Identity::Same,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Identity, Roster, patient_id};
    use serde_json::{Value, json};

    fn about(subject: &Value) -> Identity {
        let bundle = json!({"entry": [
            {"fullUrl": "urn:uuid:aa", "resource": {"resourceType": "Patient", "id": "7"}},
            {"fullUrl": "urn:uuid:bb", "resource": {"resourceType": "Patient", "id": "8"}},
            {"fullUrl": "urn:uuid:cc", "resource": {"resourceType": "Group"}},
            {"fullUrl": "urn:uuid:dd", "resource": {"resourceType": "Patient"}}]});
        Roster::new("7", std::iter::once(&bundle)).check("Observation", &json!({ "subject": subject }))
    }

    #[test]
    fn every_way_of_naming_this_patient_is_recognised() {
        for reference in [
            "Patient/7",
            "Patient/7/_history/2",
            "https://a.example/fhir/Patient/7",
            "urn:uuid:aa",
            "urn:uuid:7",
            "urn:uuid:dd",
            "7",
            "#contained",
        ] {
            assert_eq!(about(&json!({ "reference": reference })), Identity::Same, "{reference}");
        }
        for subject in
            [json!(null), json!({"identifier": {"value": "x"}}), json!({"display": "x"}), json!("Patient/7"), json!(5)]
        {
            assert_eq!(about(&subject), Identity::Same, "{subject}");
        }
    }

    #[test]
    fn another_patient_is_recognised_in_every_form() {
        for reference in [
            "Patient/8",
            "Patient/70",
            "Patient/8/_history/7",
            "https://a.example/Patient/8",
            "https://a.example/Patient/7/Patient/8",
            "urn:uuid:bb",
        ] {
            assert_eq!(about(&json!({ "reference": reference })), Identity::Another, "{reference}");
        }
        assert_eq!(about(&json!([{"reference": "Patient/7"}, {"reference": "Patient/8"}])), Identity::Another);
        assert_eq!(about(&json!("Patient/8")), Identity::Another);
        let roster = Roster::new("7", std::iter::empty());
        assert_eq!(roster.check("Patient", &json!({"id": "8"})), Identity::Another);
        assert_eq!(roster.check("AllergyIntolerance", &json!({"patient": {"reference": "8"}})), Identity::Another);
    }

    #[test]
    fn what_is_no_patient_or_leads_nowhere_is_neither_this_patient_nor_another() {
        for reference in [
            "urn:uuid:unknown",
            "8",
            "urn:uuid:cc",
            "Group/9",
            "https://a.example/fhir/Device/7",
            "Patient?identifier=7",
        ] {
            assert_eq!(about(&json!({ "reference": reference })), Identity::Elsewhere, "{reference}");
        }
    }

    #[test]
    fn the_context_may_spell_the_patient_with_or_without_its_type() {
        for spelling in ["7", "Patient/7", " Patient/7 ", "https://a.example/fhir/Patient/7"] {
            assert_eq!(patient_id(spelling), "7");
        }
        assert_eq!(patient_id("urn:uuid:7"), "urn:uuid:7");
    }
}
