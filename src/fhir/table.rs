//! From a CodeableConcept to the variable it stands for.

use super::resource::{codings, shown};
use super::units::Unit;
use super::variables::{COMA_PANEL, COMA_TOTAL, UNSPECIFIC, Variable};
use serde_json::Value;
use std::collections::HashMap;

/// Code system of LOINC.
pub const LOINC: &str = "http://loinc.org";
/// Code system of SNOMED CT.
pub const SNOMED: &str = "http://snomed.info/sct";

/// The variables by code.
pub struct Table<'v> {
    by_code: HashMap<(&'static str, &'static str), Entry>,
    variables: &'v [Variable],
    units: Vec<Unit>,
}

/// The variable's place, with system and code as the table spells them.
type Entry = (usize, &'static str, &'static str);

/// A variable with the code by which it was recognised.
pub struct Known<'v> {
    /// Its place in the table.
    pub place: usize,
    /// The variable.
    pub variable: &'v Variable,
    /// Code system.
    pub system: &'static str,
    /// The code.
    pub code: &'static str,
    /// The code's display as it came.
    pub display: Option<String>,
}

/// What a CodeableConcept stands for.
pub enum Lookup<'v> {
    /// No variable.
    Unknown,
    /// Two variables at once.
    Conflict,
    /// One variable.
    Known(Known<'v>),
    /// The Glasgow coma score, which may come in parts.
    ComaScore(Known<'v>),
}

/// Whether a system is LOINC, also in the ways it is commonly misspelt.
#[must_use]
pub fn is_loinc(system: &str) -> bool {
    matches!(system.trim_end_matches('/'), LOINC | "https://loinc.org" | "urn:oid:2.16.840.1.113883.6.1")
}

fn system_of(system: &str) -> Option<&'static str> {
    match system.trim_end_matches('/') {
        _ if is_loinc(system) => Some(LOINC),
        SNOMED | "https://snomed.info/sct" | "urn:oid:2.16.840.1.113883.6.96" => Some(SNOMED),
        _ => None,
    }
}

impl<'v> Table<'v> {
    /// Indexes the variables. One whose own unit cannot be read is left out (a test of the table rules it out).
    #[must_use]
    pub fn new(variables: &'v [Variable]) -> Self {
        let mut by_code = HashMap::with_capacity(4 * variables.len());
        let mut units = Vec::with_capacity(variables.len());
        for (place, one) in variables.iter().enumerate() {
            let unit = Unit::parse(one.unit);
            units.push(unit.unwrap_or(Unit::POINTS));
            if unit.is_some() {
                let panel = one.loinc.contains(&COMA_TOTAL).then_some(&COMA_PANEL);
                by_code.extend(one.loinc.iter().chain(panel).map(|code| ((LOINC, *code), (place, LOINC, *code))));
                by_code.extend(one.snomed.iter().map(|code| ((SNOMED, *code), (place, SNOMED, *code))));
            }
        }
        Self { by_code, variables, units }
    }

    /// The unit a variable is wanted in.
    #[must_use]
    pub fn unit(&self, known: &Known<'_>) -> Unit {
        self.units.get(known.place).copied().unwrap_or(Unit::POINTS)
    }

    /// The variable a concept stands for. A plain blood pressure code yields to a more specific one beside it.
    #[must_use]
    pub fn find(&self, concept: &Value) -> Lookup<'v> {
        let mut found: Option<(usize, &'static str, &'static str, Option<&str>)> = None;
        for (system, code, display) in codings(concept) {
            let Some(system) = system_of(system) else { continue };
            let Some(&(place, system, code)) = self.by_code.get(&(system, code)) else { continue };
            match found {
                Some((before, _, plain, _)) if before != place => {
                    if UNSPECIFIC.contains(&code) {
                        continue;
                    }
                    if !UNSPECIFIC.contains(&plain) {
                        return Lookup::Conflict;
                    }
                }
                Some(_) => continue,
                None => {}
            }
            found = Some((place, system, code, display));
        }
        let Some((place, system, code, display)) = found else { return Lookup::Unknown };
        let Some(variable) = self.variables.get(place) else { return Lookup::Unknown };
        let known = Known { place, variable, system, code, display: display.map(shown) };
        if code == COMA_TOTAL || code == COMA_PANEL { Lookup::ComaScore(known) } else { Lookup::Known(known) }
    }
}
