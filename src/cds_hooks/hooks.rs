//! Every hook of the CDS Hooks library and what its context must hold.
//!
//! Contract: one table; a request is checked against its hook's own row and nothing else. Ids may arrive as
//! `Patient/123` (HAPI and cqf-ruler send them so) and lose the prefix here.

use super::request::BadRequest;
use super::text::{is_blank, is_id};
use crate::domain::Phi;
use serde_json::{Map, Value};

/// A hook: when in the workflow a client calls.
#[derive(Debug, PartialEq, Eq)]
pub struct Hook {
    /// Its name.
    pub name: &'static str,
    /// The published version of the hook (discovery's `hookVersion`).
    pub version: &'static str,
    /// What its context holds.
    pub fields: &'static [Field],
    /// The hook that took its place, for deprecated ones.
    pub replaced_by: Option<&'static str>,
}

/// One member of a context.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Another spelling that is accepted.
    pub alias: Option<&'static str>,
    /// Whether a request without it is refused.
    pub required: bool,
    /// Whether a prefetch template may name it.
    pub token: bool,
    /// What it must be.
    pub kind: Kind,
}

/// The JSON shape of a context member. Resources are not parsed: real clients send invalid R4 (H4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A FHIR id, with or without its type in front.
    Id(&'static str),
    /// Any text; `Type/id` by the specification, not enforced (H2).
    Text,
    /// An array of texts.
    Texts,
    /// A resource or Bundle.
    Resource,
    /// An array of resources.
    Resources,
}

/// What every service may want to know of a context, with its ids stripped of prefixes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// Whose chart it is.
    pub patient_id: Phi<String>,
    /// Who is looking at it, usually `Practitioner/id`.
    pub user_id: Option<Phi<String>>,
    /// During which encounter.
    pub encounter_id: Option<Phi<String>>,
}

/// Longest text accepted for a user, selection or performer.
const TEXT_CHARS_MAX: usize = 256;

const fn field(name: &'static str, required: bool, token: bool, kind: Kind) -> Field {
    Field { name, alias: None, required, token, kind }
}
const USER: Field = field("userId", true, true, Kind::Text);
const USER_OPTIONAL: Field = field("userId", false, true, Kind::Text);
const PATIENT: Field = field("patientId", true, true, Kind::Id("Patient"));
const ENCOUNTER: Field = field("encounterId", false, true, Kind::Id("Encounter"));
const ENCOUNTER_REQUIRED: Field = field("encounterId", true, true, Kind::Id("Encounter"));
const fn resource(name: &'static str) -> Field {
    field(name, true, false, Kind::Resource)
}
const FULFILLMENT_TASKS: Field = Field {
    // The hook's own example spells it the second way.
    alias: Some("fulfillment-tasks"),
    ..field("fulfillmentTasks", false, false, Kind::Resources)
};
const fn hook(name: &'static str, version: &'static str, fields: &'static [Field]) -> Hook {
    Hook { name, version, fields, replaced_by: None }
}

/// The table (cds-hooks-library, April 2026).
pub static HOOKS: [Hook; 13] = [
    hook("patient-view", "1.0", &[USER, PATIENT, ENCOUNTER]),
    hook(
        "order-select",
        "1.0",
        &[USER, PATIENT, ENCOUNTER, field("selections", true, false, Kind::Texts), resource("draftOrders")],
    ),
    hook("order-sign", "1.0", &[USER, PATIENT, ENCOUNTER, resource("draftOrders")]),
    hook(
        "order-dispatch",
        "1.1",
        &[
            PATIENT,
            field("dispatchedOrders", true, true, Kind::Texts),
            field("performer", true, true, Kind::Text),
            FULFILLMENT_TASKS,
        ],
    ),
    hook("appointment-book", "1.0", &[USER, PATIENT, ENCOUNTER, resource("appointments")]),
    hook("encounter-start", "1.0", &[USER, PATIENT, ENCOUNTER_REQUIRED]),
    hook("encounter-discharge", "1.0", &[USER, PATIENT, ENCOUNTER_REQUIRED]),
    hook("allergyintolerance-create", "0.1.0", &[USER, PATIENT, ENCOUNTER, resource("allergyIntolerance")]),
    hook("medication-refill", "0.1.0", &[USER_OPTIONAL, PATIENT, ENCOUNTER, resource("medications")]),
    hook("problem-list-item-create", "0.1.0", &[USER, PATIENT, ENCOUNTER, resource("conditions")]),
    hook("medication-verify", "0.1.0", &[USER, PATIENT, ENCOUNTER, resource("medication")]),
    Hook {
        replaced_by: Some("order-select"),
        ..hook("medication-prescribe", "1.0", &[USER_OPTIONAL, PATIENT, ENCOUNTER, resource("medications")])
    },
    Hook {
        replaced_by: Some("order-sign"),
        ..hook("order-review", "1.0", &[USER_OPTIONAL, PATIENT, ENCOUNTER, resource("orders")])
    },
];

impl Hook {
    /// The hook of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        HOOKS.iter().find(|hook| hook.name == name)
    }

    /// Whether a prefetch template may contain `{{context.name}}`.
    #[must_use]
    pub fn has_token(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.token && field.name == name)
    }

    /// Checks a context against this hook's row.
    ///
    /// # Errors
    /// [`BadRequest`] when a required member is missing or unusable. An optional member that is unusable counts as
    /// absent; members the table does not know are ignored.
    pub fn context(&self, members: &Map<String, Value>) -> Result<Context, BadRequest> {
        let mut context = Context::default();
        for field in self.fields {
            let value = field.find(members).filter(|value| !value.is_null());
            let text = match (value, value.map(|value| field.check(value))) {
                (Some(_), Some(Ok(text))) => text,
                (None, _) if field.required => return Err(BadRequest::Context { field: field.name }),
                (_, Some(Err(problem))) if field.required => return Err(problem),
                _ => continue,
            };
            match (field.name, text) {
                ("patientId", Some(id)) => context.patient_id = Phi::new(id),
                ("userId", Some(user)) => context.user_id = Some(Phi::new(user)),
                ("encounterId", Some(id)) => context.encounter_id = Some(Phi::new(id)),
                _ => {}
            }
        }
        Ok(context)
    }
}

impl Field {
    fn find<'a>(&self, members: &'a Map<String, Value>) -> Option<&'a Value> {
        members.get(self.name).or_else(|| members.get(self.alias?))
    }

    /// The text of a usable textual member, nothing for a usable resource.
    fn check(&self, value: &Value) -> Result<Option<String>, BadRequest> {
        let unusable = Err(BadRequest::ContextShape { field: self.name, expected: self.kind.words() });
        match (self.kind, value) {
            (Kind::Id(kind), Value::String(text)) => {
                let id = text.trim().rsplit_once(&format!("{kind}/")).map_or(text.trim(), |(_, id)| id);
                if is_id(id) { Ok(Some(id.to_owned())) } else { unusable }
            }
            (Kind::Text, Value::String(text)) if is_fit(text) => Ok(Some(text.clone())),
            (Kind::Texts, Value::Array(items)) if !items.is_empty() && items.iter().all(is_fit_value) => Ok(None),
            (Kind::Resource, Value::Object(_)) => Ok(None),
            (Kind::Resources, Value::Array(items)) if items.iter().all(Value::is_object) => Ok(None),
            _ => unusable,
        }
    }
}

fn is_fit(text: &str) -> bool {
    !is_blank(text) && text.chars().count() <= TEXT_CHARS_MAX && !text.chars().any(char::is_control)
}

fn is_fit_value(value: &Value) -> bool {
    value.as_str().is_some_and(is_fit)
}

impl Kind {
    const fn words(self) -> &'static str {
        match self {
            Self::Id(_) => "a FHIR id",
            Self::Text => "a text",
            Self::Texts => "a list of references",
            Self::Resource => "a FHIR resource",
            Self::Resources => "a list of FHIR resources",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Field, HOOKS, Hook, Kind};
    use crate::cds_hooks::request::BadRequest;
    use serde_json::{Map, Value, json};

    fn example(field: &Field) -> Value {
        match field.kind {
            Kind::Id(_) => json!("abc-1"),
            Kind::Text => json!("Practitioner/9"),
            Kind::Texts => json!(["MedicationRequest/1"]),
            // As the public sandbox sends it: a Bundle without a type, an order without intent.
            Kind::Resource => {
                json!({"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "MedicationRequest"}}]})
            }
            Kind::Resources => json!([{"resourceType": "Task"}]),
        }
    }

    fn complete(hook: &Hook) -> Map<String, Value> {
        hook.fields.iter().map(|field| (field.name.to_owned(), example(field))).collect()
    }

    #[test]
    fn every_hook_refuses_a_missing_required_field_and_tolerates_a_missing_optional_one() {
        for hook in &HOOKS {
            assert!(hook.context(&complete(hook)).is_ok(), "{}", hook.name);
            for field in hook.fields {
                let mut members = complete(hook);
                members.shift_remove(field.name);
                let expected = if field.required { Err(BadRequest::Context { field: field.name }) } else { Ok(()) };
                assert_eq!(hook.context(&members).map(drop), expected, "{} without {}", hook.name, field.name);
                members.insert(field.name.to_owned(), Value::Null);
                assert_eq!(hook.context(&members).is_ok(), !field.required, "{} with null {}", hook.name, field.name);
                members.insert(field.name.to_owned(), json!(17));
                assert_eq!(hook.context(&members).is_ok(), !field.required, "{} with 17 as {}", hook.name, field.name);
            }
        }
    }

    #[test]
    fn only_order_dispatch_and_old_or_refill_hooks_do_without_a_user() {
        let without: Vec<_> = HOOKS
            .iter()
            .filter(|hook| !hook.fields.iter().any(|field| field.name == "userId" && field.required))
            .map(|hook| hook.name)
            .collect();
        assert_eq!(without, ["order-dispatch", "medication-refill", "medication-prescribe", "order-review"]);
    }

    #[test]
    fn ids_lose_their_type_and_their_server() {
        let hook = Hook::find("patient-view").unwrap();
        for patient in ["1288992", "Patient/1288992", "https://ehr.example/fhir/Patient/1288992", " 1288992 "] {
            let members = json!({"userId": "Practitioner/1", "patientId": patient, "encounterId": "Encounter/e.7"});
            let context = hook.context(members.as_object().unwrap()).unwrap();
            assert_eq!(context.patient_id.expose(), "1288992");
            assert_eq!(context.encounter_id.unwrap().expose(), "e.7");
        }
    }

    #[test]
    fn an_id_that_could_leave_its_place_in_an_address_is_refused_without_being_repeated() {
        let hook = Hook::find("patient-view").unwrap();
        for patient in ["../secret", "1?x=secret", "", "secret secret", &"secret".repeat(20)] {
            let members = json!({"userId": "Practitioner/1", "patientId": patient});
            let problem = hook.context(members.as_object().unwrap()).unwrap_err();
            assert!(!problem.to_string().contains("secret"));
        }
    }

    #[test]
    fn a_user_in_another_format_is_tolerated() {
        let hook = Hook::find("patient-view").unwrap();
        let members = json!({"userId": "dr-house", "patientId": "1", "extra": {"x": 1}});
        assert_eq!(hook.context(members.as_object().unwrap()).unwrap().user_id.unwrap().expose(), "dr-house");
    }

    #[test]
    fn fulfillment_tasks_may_be_spelled_as_in_the_hooks_own_example() {
        let field = Hook::find("order-dispatch").unwrap().fields.iter().find(|one| one.alias.is_some()).unwrap();
        let members = json!({"fulfillment-tasks": []});
        assert!(field.find(members.as_object().unwrap()).is_some());
    }

    #[test]
    fn names_are_unique_and_replacements_exist() {
        for hook in &HOOKS {
            assert_eq!(HOOKS.iter().filter(|other| other.name == hook.name).count(), 1);
            assert!(hook.replaced_by.is_none_or(|name| Hook::find(name).is_some()));
        }
    }
}
