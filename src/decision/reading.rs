//! From the request's FHIR to what each network is handed. Pure and synchronous: it runs off the async executor.

use crate::{
    cards::{Definition, Input, Policy},
    cds_hooks::hooks::Context,
    domain::{Ignored, Measurement, ModelInput, ModelName, Note, Patient, Problem, SourceRef},
    fhir::{self, Gathered, KeyRequest, KeyState, Limits},
};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, sync::Arc};
use time::OffsetDateTime;

use super::{Failure, films::Films};

/// Everything read from one chart.
pub(super) struct Reading {
    /// `None` when no problem list was supplied, so that nothing is said to be absent from it.
    pub(super) problems: Option<Vec<Problem>>,
    /// Only a part of the problem list was supplied.
    pub(super) list_is_partial: bool,
    /// The newest values that cards weigh beside the networks' answers.
    pub(super) values: Vec<Measurement>,
    /// The patient's age in years.
    pub(super) age_years: Option<f64>,
    pub(super) inputs: BTreeMap<ModelName, Material>,
    pub(super) ignored: Vec<Ignored>,
    pub(super) states: BTreeMap<String, KeyState>,
    /// What was wrong with prefetch keys, a sentence each, for the cards.
    pub(super) remarks: Vec<String>,
    /// Every resource that was read, whether or not a value of it reached a network.
    pub(super) references: Vec<SourceRef>,
}

/// What there is for one network.
#[derive(Clone)]
pub(super) enum Material {
    Input(Arc<ModelInput>),
    /// Nothing to read; the words say what is not there.
    Nothing(String),
    /// There is something, but it could not be had or decoded.
    Unreadable(String),
}

/// Most resources named one by one in the record.
const REFERENCES_MAX: usize = 2_000;

/// Reads what `definition` asks for.
///
/// # Errors
/// [`Failure::Precondition`] for required data that is not there, [`Failure::WrongPatient`] for another patient's.
pub(super) fn read(
    definition: &Definition,
    prefetch: &Map<String, Value>,
    context: &Context,
    now: OffsetDateTime,
    resources_per_key: usize,
) -> Result<Reading, Failure> {
    let limits = Limits { resources: resources_per_key, ..Limits::default() };
    let gathered = fhir::gather(&keys(definition), Some(prefetch), context.patient_id.expose(), &limits)?;
    let patient = fhir::patient(&gathered);
    let problems = fhir::problems(&gathered);
    let mut ignored = gathered.ignored.clone();
    ignored.extend(problems.ignored);
    let mut remarks: Vec<String> = gathered.states.iter().filter_map(|(key, state)| remark(key, *state)).collect();
    let mut inputs = BTreeMap::new();
    let wants = |input: Input| definition.models.iter().any(|wanted| wanted.input == input);
    // Films are decoded once, however many networks look at films.
    let mut films = [Input::Film, Input::KneeFilm].into_iter().any(wants).then(|| Films::of(&gathered));
    for wanted in &definition.models {
        let (material, left_out) = match wanted.input {
            Input::Film | Input::KneeFilm => {
                let chosen = films.as_mut().map(|films| films.choose(wanted.input, wants, patient.as_ref(), now));
                let Some((material, left_out, remark)) = chosen else { continue };
                remarks.extend(remark);
                (material, left_out)
            }
            Input::Course => course(&gathered, patient.as_ref(), now),
            Input::Notes => notes(&gathered),
        };
        remarks.extend(partly_unreadable(wanted.input, &material, &left_out));
        inputs.insert(wanted.name.clone(), material);
        ignored.extend(left_out);
    }
    let references = gathered.resources.iter().take(REFERENCES_MAX).map(|resource| resource.source.clone()).collect();
    let listed = matches!(gathered.states.get(PROBLEM_LIST), Some(KeyState::Supplied { .. } | KeyState::NoData));
    let list_is_partial = matches!(gathered.states.get(PROBLEM_LIST), Some(KeyState::Supplied { partial: true, .. }));
    let values = if definition.weighs_values() { fhir::newest(&gathered, &fhir::HEART, now) } else { Vec::new() };
    Ok(Reading {
        list_is_partial,
        values,
        age_years: patient.as_ref().and_then(|patient| patient.age_years(now)),
        problems: listed.then_some(problems.value),
        inputs,
        ignored,
        states: gathered.states,
        remarks,
        references,
    })
}

/// The prefetch key of the problem list.
const PROBLEM_LIST: &str = "conditions";

/// What clinicians should know about a query that was not simply answered.
fn remark(key: &str, state: KeyState) -> Option<String> {
    match state {
        KeyState::Supplied { partial: true, .. } => Some(format!("the EHR supplied only part of the {key}")),
        KeyState::Refused => Some(format!("the EHR answered the query for {key} with an error")),
        KeyState::WrongType => Some(format!("the EHR supplied something else than {key}")),
        KeyState::Supplied { .. } | KeyState::NoData | KeyState::Missing => None,
    }
}

fn keys(definition: &Definition) -> Vec<KeyRequest> {
    let request = |(key, prefetch): (&String, &crate::cards::Prefetch)| KeyRequest {
        key: key.clone(),
        template: prefetch.template.clone(),
        required: prefetch.policy == Policy::Required,
    };
    definition.prefetch.iter().map(request).collect()
}

/// An older film or another note was read although one could not be: the card must say so.
fn partly_unreadable(input: Input, material: &Material, left_out: &[Ignored]) -> Option<String> {
    let (what, own): (&str, &[&str]) = match input {
        Input::Film | Input::KneeFilm => ("a film", &FILM_UNREADABLE),
        Input::Notes => ("a note", &NOTE_UNREADABLE),
        Input::Course => return None,
    };
    let read = matches!(material, Material::Input(_));
    (read && left_out.iter().any(|one| own.contains(&one.reason)))
        .then(|| format!("{what} in the chart could not be read"))
}

fn course(gathered: &Gathered<'_>, patient: Option<&Patient>, now: OffsetDateTime) -> (Material, Vec<Ignored>) {
    let found = fhir::course(gathered, &fhir::VARIABLES, now);
    let material = match found.value {
        None => Material::Nothing("no vitals or laboratory values that can be used in what the EHR sent".into()),
        Some(mut course) => {
            course.age_years = patient.and_then(|patient| patient.age_years(course.end));
            course.sex = patient.and_then(|patient| patient.sex);
            Material::Input(Arc::new(ModelInput::Course(course)))
        }
    };
    (material, found.ignored)
}

/// Reasons that mean: it is there, and it could not be read.
const UNREADABLE: [&str; 5] = ["too-large", "by-url", "no-data", "undecodable-base64", "unsupported-media-type"];
/// The same, of films only.
pub(super) const FILM_UNREADABLE: [&str; 5] =
    ["undecodable-image", "image-too-large", "unsupported-pixels", "unsupported-transfer-syntax", "no-pixels"];
/// The same, of notes only.
const NOTE_UNREADABLE: [&str; 2] = ["undecodable-text", "too-much-text"];

/// The first thing that was there and could not be read.
fn unreadable<'a>(ignored: &'a [Ignored], own: &[&str]) -> Option<&'a Ignored> {
    ignored.iter().find(|one| UNREADABLE.contains(&one.reason) || own.contains(&one.reason))
}

/// Nothing there, or something there that could not be read: the second must not pass for the first.
pub(super) fn nothing(what: &str, ignored: &[Ignored], own: &[&str]) -> Material {
    match unreadable(ignored, own) {
        None => Material::Nothing(format!("no {what} in what the EHR sent")),
        Some(one) => Material::Unreadable(one.detail.trim_end_matches('.').to_owned()),
    }
}

fn notes(gathered: &Gathered<'_>) -> (Material, Vec<Ignored>) {
    let found = fhir::notes(gathered);
    let notes: Vec<Note> = found.value;
    if notes.is_empty() {
        return (nothing("note", &found.ignored, &NOTE_UNREADABLE), found.ignored);
    }
    (Material::Input(Arc::new(ModelInput::Notes(notes))), found.ignored)
}

impl From<fhir::GatherError> for Failure {
    fn from(error: fhir::GatherError) -> Self {
        match error {
            fhir::GatherError::WrongPatient { .. } => Self::WrongPatient,
            fhir::GatherError::Required(unmet) => {
                let keys: Vec<&str> = unmet.iter().map(|one| one.key.as_str()).collect();
                let why: Vec<String> = unmet.iter().map(|one| format!("`{}` is {}", one.key, one.state)).collect();
                Self::Precondition { key: keys.join(", "), why: why.join("; ") }
            }
        }
    }
}
