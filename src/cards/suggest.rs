//! What a card offers to do.

use super::{
    build::{BuildError, Filled},
    case::Case,
    definition::SuggestionEntry,
    grades,
    load::SuggestionPlan,
    resources::{Common, condition, service_request},
};
use crate::{
    cds_hooks::{Action, Suggestion, escape_markdown, summary, text::is_reference},
    domain::{Attribution, Course, Explanation, Grade, Mention, ModelInput},
    models::Manifest,
};

/// References of evidence that a request carries at most.
const EVIDENCE_MAX: usize = 5;

/// What a suggestion is about.
pub struct Grounds<'a> {
    pub manifest: &'a Manifest,
    pub input: &'a ModelInput,
    pub explanation: Option<&'a Explanation>,
    pub grade: Option<&'a Grade>,
    pub mention: Option<&'a Mention>,
    pub filled: &'a Filled,
}

/// The suggestions of a card that apply to this patient, in the order of the definition.
pub fn suggestions(
    plans: &[SuggestionPlan],
    grounds: &Grounds<'_>,
    case: &Case<'_>,
) -> Result<Vec<Suggestion>, BuildError> {
    plans
        .iter()
        .filter(|plan| applies(&plan.entry, grounds.input, case))
        .filter(|plan| grades::applies(plan.entry.grades.as_deref(), grounds.grade))
        .map(|plan| suggestion(plan, grounds, case))
        .collect()
}

/// A test is not proposed when its result is already there; one natriuretic peptide is as good as the other.
fn applies(entry: &SuggestionEntry, input: &ModelInput, case: &Case<'_>) -> bool {
    let like = |variable: &str| if variable == "NTproBNP" { "BNP" } else { variable }.to_owned();
    match (&entry.unless_measured, input) {
        (Some(variable), ModelInput::Notes(_)) => !case.values.iter().any(|one| like(&one.variable) == like(variable)),
        (Some(variable), ModelInput::Course(course)) => {
            !course.measurements.iter().any(|one| one.variable == *variable)
        }
        _ => true,
    }
}

fn suggestion(plan: &SuggestionPlan, grounds: &Grounds<'_>, case: &Case<'_>) -> Result<Suggestion, BuildError> {
    let words = grounds.filled.line(&plan.words)?;
    let manifest = grounds.manifest;
    let mut note = format!("Proposed by {} {} (Auscult), not by a person.", manifest.name, manifest.version);
    if let Some(mention) = grounds.mention {
        note.push_str(&format!(" The note says: “{}”", escape_markdown(mention.sentence.expose())));
    }
    let common = Common {
        id: case.ids.random().to_string(),
        now: case.now,
        patient_id: case.patient_id,
        encounter_id: case.encounter_id,
        note,
        evidence: evidence(grounds),
    };
    let (description, resource) = match (&plan.entry.service_request, grounds.mention) {
        (Some(request), _) => (format!("Draft request: {}", request.text), service_request(common, request, words)?),
        (None, Some(mention)) => {
            let problem = summary(mention.text.expose());
            (words, condition(common, problem, mention.code.as_ref())?)
        }
        (None, None) => return Err(BuildError::Definition("a condition needs a mention")),
    };
    Ok(Suggestion {
        label: grounds.filled.line(&plan.label)?,
        uuid: case.ids.random(),
        is_recommended: plan.entry.recommended.then_some(true),
        actions: vec![Action::Create { description, resource }],
    })
}

/// References of what the network read; of a course, the newest values of what weighed most.
fn evidence(grounds: &Grounds<'_>) -> Vec<String> {
    let references = match grounds.input {
        ModelInput::Film(film) => vec![film.source.reference.clone()],
        ModelInput::Notes(notes) => {
            let note = grounds.mention.and_then(|mention| notes.get(mention.note));
            note.map(|note| note.source.reference.clone()).into_iter().collect()
        }
        ModelInput::Course(course) => newest_of_strongest(course, grounds.explanation),
    };
    references.into_iter().filter(|one| is_reference(one)).collect()
}

fn newest_of_strongest(course: &Course, explanation: Option<&Explanation>) -> Vec<String> {
    let Some(Attribution::Factors { factors }) = explanation.map(|one| &one.attribution) else { return Vec::new() };
    let newest = |variable: &str| course.measurements.iter().rev().find(|one| one.variable == variable);
    let mut references: Vec<String> = Vec::new();
    for one in factors.iter().filter_map(|factor| newest(&factor.variable)) {
        if references.len() < EVIDENCE_MAX && !references.contains(&one.source.reference) {
            references.push(one.source.reference.clone());
        }
    }
    references
}
