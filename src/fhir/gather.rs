//! Prefetch in, one state per key and a flat list of resources out.
//!
//! Contract (CDS Hooks 2.0.1 "Prefetch Template", requirements P12 to P22): what was not asked for is not read; `null`
//! and an empty Bundle are answers; an OperationOutcome is a refusal; a required key without data, and any resource
//! that names another patient, refuse the request with a typed error that names keys and never holds patient data.

mod reader;

use super::identity::{Roster, patient_id};
use super::key::{GatherError, KeyRequest, KeyState, Unmet};
use super::limits::Limits;
use super::resource::{Resource, shown};
use crate::domain::Ignored;
use reader::{Reader, unwrapped};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Everything usable in a request.
#[derive(Debug, Clone, Default)]
pub struct Gathered<'a> {
    /// Resources in the order of the keys and of their Bundles.
    pub resources: Vec<Resource<'a>>,
    /// One state per requested key.
    pub states: BTreeMap<String, KeyState>,
    /// What came and is not in `resources`.
    pub ignored: Vec<Ignored>,
    /// The limits it was gathered under.
    pub limits: Limits,
}

impl<'a> Gathered<'a> {
    /// All resources of one type.
    pub fn of_kind<'s>(&'s self, kind: &'s str) -> impl Iterator<Item = &'s Resource<'a>> {
        self.resources.iter().filter(move |resource| resource.kind == kind)
    }

    /// The resource a reference points to, if it came with the request: by `Type/id` (also at the end of an absolute
    /// address) or by `fullUrl`.
    #[must_use]
    pub fn find(&self, reference: &str) -> Option<&Resource<'a>> {
        let reference = reference.split("/_history/").next()?;
        self.resources.iter().find(|resource| {
            let named = resource.source.reference.as_str();
            let has_id = named.contains('/');
            resource.full_url == Some(reference)
                || has_id && reference.strip_suffix(named).is_some_and(|base| base.is_empty() || base.ends_with('/'))
        })
    }
}

/// Reads the requested keys of a prefetch, in their order. `patient` is `context.patientId`, with or without
/// `Patient/`. The result borrows from `prefetch`.
///
/// # Errors
/// [`GatherError::WrongPatient`] before anything else, then [`GatherError::Required`] with every unmet key.
pub fn gather<'a>(
    keys: &[KeyRequest],
    prefetch: Option<&'a Map<String, Value>>,
    patient: &str,
    limits: &Limits,
) -> Result<Gathered<'a>, GatherError> {
    let found = |wanted: &KeyRequest| prefetch.and_then(|map| map.get(&wanted.key)).map(unwrapped);
    let roster = Roster::new(patient_id(patient), keys.iter().filter_map(found));
    let mut reader = Reader::new(roster, limits);
    let mut states = BTreeMap::new();
    for wanted in keys {
        let state = match found(wanted) {
            Some(answer) => reader.answer(wanted, answer)?,
            None => KeyState::Missing,
        };
        states.insert(wanted.key.clone(), state);
    }
    for key in prefetch.into_iter().flat_map(Map::keys).filter(|key| !states.contains_key(key.as_str())) {
        reader
            .ledger
            .note(&shown(key), "not-requested", || "This prefetch key is not one the service asks for.".into());
    }
    let unmet: Vec<Unmet> = keys
        .iter()
        .filter_map(|wanted| Some((wanted, *states.get(&wanted.key)?)))
        .filter(|(wanted, state)| wanted.required && !state.suffices(wanted.is_read()))
        .map(|(wanted, state)| Unmet { key: wanted.key.clone(), state })
        .collect();
    if !unmet.is_empty() {
        return Err(GatherError::Required(unmet));
    }
    Ok(Gathered { resources: reader.resources, states, ignored: reader.ledger.close(), limits: limits.clone() })
}

#[cfg(test)]
mod tests;
