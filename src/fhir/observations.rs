//! Observations → the course of vitals and laboratory values.
//!
//! Contract: each value that reaches the network is a number in the network's unit with the resource, code, time and
//! original value behind it; everything else is listed with a reason. Rules:
//! - `entered-in-error` and `cancelled` are left out; a missing or preliminary status is accepted;
//! - what is about something else than the patient as a whole (`focus`, a group, a device) is left out;
//! - the time is `effectiveDateTime`, `effectiveInstant`, the start of `effectivePeriod`, or else `issued`; a day without
//!   a time of day is not used, for the network counts hours;
//! - `<` and `>` count as their boundary, and the original text keeps the sign;
//! - components are read like Observations of their own; a Glasgow coma score given only in its three parts is summed;
//! - the window is the 48 hours up to the newest usable value that is not in the future.

use super::datetime::{When, parse};
use super::gather::Gathered;
use super::ledger::Ledger;
use super::patient::patient;
use super::quantity::{Quantity, Refusal, read, refuse};
use super::resource::{Extracted, Resource, codings, shown, text};
use super::table::{Known, Lookup, Table, is_loinc};
use super::units::Unit;
use super::variables::{COMA_PARTS, VENTILATION, Variable};
use crate::domain::{Coding, Course, Measurement};
use serde_json::Value;
use time::{Duration, OffsetDateTime};

/// Length of the window.
pub const WINDOW: Duration = Duration::hours(48);
/// How far a client's clock may be ahead of ours.
pub const SKEW: Duration = Duration::minutes(5);

/// The course of one patient, or nothing when no Observation is usable. `now` decides what lies in the future.
#[must_use]
pub fn course(gathered: &Gathered<'_>, variables: &[Variable], now: OffsetDateTime) -> Extracted<Option<Course>> {
    let latest = now.checked_add(SKEW).unwrap_or(now);
    let mut reader = Reader {
        table: Table::new(variables),
        latest,
        taken: Vec::new(),
        ledger: Ledger::new(gathered.limits.ignored),
    };
    for resource in gathered.of_kind("Observation") {
        reader.observation(resource);
    }
    let measurements = reader.window();
    let who = patient(gathered);
    let value = measurements.first().zip(measurements.last()).map(|(first, last)| (first.time, last.time));
    let value = value.map(|(start, end)| Course {
        start,
        end,
        age_years: who.as_ref().and_then(|who| who.age_years(end)),
        sex: who.as_ref().and_then(|who| who.sex),
        measurements,
    });
    Extracted { value, ignored: reader.ledger.close() }
}

/// The newest value of every variable, whenever it was measured; those of one moment in the order of the table. What was
/// left out is the course's to list.
#[must_use]
pub fn newest(gathered: &Gathered<'_>, variables: &[Variable], now: OffsetDateTime) -> Vec<Measurement> {
    let latest = now.checked_add(SKEW).unwrap_or(now);
    let ledger = Ledger::new(0);
    let mut reader = Reader { table: Table::new(variables), latest, taken: Vec::new(), ledger };
    for resource in gathered.of_kind("Observation") {
        reader.observation(resource);
    }
    let mut taken = reader.taken;
    taken.sort_by(|(a_place, a), (b_place, b)| a_place.cmp(b_place).then(b.time.cmp(&a.time)));
    taken.dedup_by_key(|(place, _)| *place);
    taken.into_iter().map(|(_, measurement)| measurement).collect()
}

struct Reader<'v> {
    table: Table<'v>,
    latest: OffsetDateTime,
    /// With the variable's place in the table, by which values of one moment are put in order.
    taken: Vec<(usize, Measurement)>,
    ledger: Ledger,
}

impl<'v> Reader<'v> {
    fn observation(&mut self, resource: &Resource<'_>) {
        if let Err(Refusal { reason, detail }) = self.usable(resource) {
            self.ledger.note(&resource.source.reference, reason, || detail);
        }
    }

    /// Reads one Observation; the error is a reason that concerns all of it.
    fn usable(&mut self, resource: &Resource<'_>) -> Result<(), Refusal> {
        let code = resource.json.get("code").unwrap_or(&Value::Null);
        let components = resource.list("component");
        let own = self.table.find(code);
        let parts: Vec<(&Value, Lookup<'v>)> = components
            .iter()
            .map(|part| (part, self.table.find(part.get("code").unwrap_or(&Value::Null))))
            .filter(|(_, found)| !matches!(found, Lookup::Unknown))
            .collect();
        if matches!(own, Lookup::Unknown) && parts.is_empty() {
            let about = codings(code).next().map_or_else(|| "no code".to_owned(), |(_, code, _)| shown(code));
            let detail = || format!("The network knows no variable for code {about}.");
            self.ledger.count(&resource.source.reference, "unknown-code", &about, detail);
            return Ok(());
        }
        if resource.is_modified() {
            return Err(refuse(
                "modifier-extension",
                "It carries a modifier extension, which can reverse its meaning.",
            ));
        }
        match resource.text("status") {
            Some("entered-in-error") => return Err(refuse("entered-in-error", "It was entered in error.")),
            Some("cancelled") => return Err(refuse("cancelled", "It was cancelled.")),
            _ => {}
        }
        // For example a heart rate of the patient's fetus (FHIR R4, Observation.focus).
        if resource.json.get("focus").is_some() {
            return Err(refuse("other-focus", "It is about something other than the patient (focus)."));
        }
        let time = moment(resource.json)?;
        if time > self.latest {
            return Err(refuse("in-the-future", "Its time lies in the future."));
        }
        let has_value =
            resource.json.as_object().is_some_and(|members| members.keys().any(|key| key.starts_with("value")));
        let has_total = parts.iter().any(|(_, found)| matches!(found, Lookup::ComaScore(_)));
        match own {
            Lookup::ComaScore(known) if !has_value && !components.is_empty() && !has_total => {
                self.coma_score(resource, components, known, time);
            }
            Lookup::Known(_) | Lookup::ComaScore(_) if !has_value && !parts.is_empty() => {}
            own => self.part(resource, resource.json, own, time),
        }
        for (part, found) in parts {
            self.part(resource, part, found, time);
        }
        Ok(())
    }

    fn part(&mut self, resource: &Resource<'_>, json: &Value, found: Lookup<'v>, time: OffsetDateTime) {
        let reference = &resource.source.reference;
        match found {
            Lookup::Unknown => {}
            Lookup::Conflict => {
                self.ledger.note(reference, "conflicting-codes", || "Its codes stand for different variables.".into())
            }
            Lookup::Known(known) | Lookup::ComaScore(known) => match number(json, &known, self.table.unit(&known)) {
                Ok((value, quantity)) => {
                    self.take(resource, &known, time, value, quantity.original, quantity.unit_text)
                }
                Err(Refusal { reason, detail }) => {
                    self.ledger.note(reference, reason, || format!("{}: {detail}", known.variable.label));
                }
            },
        }
    }

    fn take(
        &mut self,
        resource: &Resource<'_>,
        known: &Known<'v>,
        time: OffsetDateTime,
        value: f64,
        original: String,
        unit: &str,
    ) {
        let Variable { name, label, unit: wanted, low, high, .. } = known.variable;
        if !(*low..=*high).contains(&value) {
            let range = format!("{low} to {high} {}", known.variable.unit_in_words());
            let detail = || format!("{label}: the value is outside {}.", range.trim_end());
            self.ledger.note(&resource.source.reference, "implausible", detail);
            return;
        }
        let measurement = Measurement {
            variable: (*name).to_owned(),
            source: resource.source.clone(),
            code: Coding {
                system: known.system.to_owned(),
                code: known.code.to_owned(),
                display: known.display.clone(),
            },
            time,
            value,
            unit: (*wanted).to_owned(),
            original_value: original.into(),
            original_unit: shown(unit),
        };
        self.taken.push((known.place, measurement));
    }

    /// The total of the three parts, if each is there once, in whole points and within its range.
    fn coma_score(&mut self, resource: &Resource<'_>, parts: &[Value], known: Known<'v>, time: OffsetDateTime) {
        let points = |code: &str, most: f64| {
            let mut alike = parts.iter().filter(|part| {
                codings(part.get("code").unwrap_or(&Value::Null))
                    .any(|(system, one, _)| is_loinc(system) && one == code)
            });
            let only = alike.next().filter(|_| alike.next().is_none())?;
            let quantity = read(only).ok()?;
            let counts =
                quantity.unit.is_none_or(|unit| unit.convert(1.0, Unit::POINTS, known.variable.chemistry) == Some(1.0));
            (counts && (1.0..=most).contains(&quantity.value) && quantity.value.fract() == 0.0)
                .then_some(quantity.value)
        };
        let [eye, motor, verbal] = COMA_PARTS.map(|(code, most)| points(code, most));
        match (eye, motor, verbal) {
            (Some(eye), Some(motor), Some(verbal)) => {
                let original = format!("E{eye} V{verbal} M{motor}");
                self.take(resource, &known, time, eye + motor + verbal, original, "{score}");
            }
            _ => self.ledger.note(&resource.source.reference, "incomplete-score", || {
                format!("{}: no total, and not all three parts in points.", known.variable.label)
            }),
        }
    }

    /// What lies inside the window, oldest first, each value once.
    fn window(&mut self) -> Vec<Measurement> {
        let mut taken = std::mem::take(&mut self.taken);
        taken.sort_by(|(a_place, a), (b_place, b)| {
            (a.time, a_place)
                .cmp(&(b.time, b_place))
                .then_with(|| a.value.total_cmp(&b.value))
                .then_with(|| (&a.source.reference, a.source.digest).cmp(&(&b.source.reference, b.source.digest)))
        });
        let Some(end) = taken.last().map(|(_, newest)| newest.time) else { return Vec::new() };
        let start = end.checked_sub(WINDOW).unwrap_or(end);
        let mut kept: Vec<Measurement> = Vec::with_capacity(taken.len());
        for (_, one) in taken {
            if one.time < start {
                let Measurement { variable, source, .. } = &one;
                self.ledger.count(&source.reference, "outside-window", variable, || {
                    format!("{variable}: more than 48 hours before the newest value.")
                });
            } else if kept.last().is_some_and(|last| is_repeated(last, &one)) {
                self.ledger.count(&one.source.reference, "duplicate", "", || "The same value came twice.".into());
            } else {
                kept.push(one);
            }
        }
        kept
    }
}

/// The same value of the same resource, for example under two prefetch keys.
fn is_repeated(a: &Measurement, b: &Measurement) -> bool {
    let same_resource = a.source.reference == b.source.reference
        && (a.source.reference.contains('/') || a.source.digest == b.source.digest);
    same_resource && a.variable == b.variable && a.time == b.time && a.value.to_bits() == b.value.to_bits()
}

/// The value in the variable's unit.
fn number<'a>(json: &'a Value, known: &Known<'_>, target: Unit) -> Result<(f64, Quantity<'a>), Refusal> {
    let quantity = if known.variable.name == VENTILATION { switch(json)? } else { read(json)? };
    // A score and a pH count without a unit; a stated one must fit all the same.
    let unit = match quantity.unit {
        Some(unit) => unit,
        None if target.is_bare() => target,
        None => return Err(refuse("no-unit", "no unit is stated.")),
    };
    let value = unit.convert(quantity.value, target, known.variable.chemistry).ok_or_else(|| {
        let (unit, wanted) = (shown(quantity.unit_text), known.variable.unit_in_words());
        let wanted = if wanted.is_empty() { "the network's (a fraction or a count)" } else { wanted };
        refuse("wrong-unit", format!("the unit `{unit}` cannot be converted to {wanted}."))
    })?;
    Ok((value, quantity))
}

/// A truth value, or 1 and 0 without a unit; only "on" is a value the network knows.
fn switch(json: &Value) -> Result<Quantity<'_>, Refusal> {
    let mut state = match json.get("valueBoolean") {
        Some(Value::Bool(on)) => {
            Quantity { value: f64::from(u8::from(*on)), original: on.to_string(), unit: None, unit_text: "" }
        }
        _ => read(json)?,
    };
    let unity = Unit::parse("1");
    if state.unit.is_some_and(|unit| Some(unit) != unity && unit != Unit::POINTS) {
        return Err(refuse("wrong-unit", "it is on or off and has no unit."));
    }
    state.unit = unity;
    match state.value {
        1.0 => Ok(state),
        0.0 => Err(refuse("negative", "it is stated to be off, which the network does not read.")),
        _ => Err(refuse("implausible", "it is neither on nor off.")),
    }
}

/// When it was measured.
fn moment(json: &Value) -> Result<OffsetDateTime, Refusal> {
    let period = json.get("effectivePeriod").unwrap_or(&Value::Null);
    let stated = text(json, "effectiveDateTime")
        .or_else(|| text(json, "effectiveInstant"))
        .or_else(|| text(period, "start").or_else(|| text(period, "end")))
        .or_else(|| text(json, "issued"));
    let Some(stated) = stated else { return Err(refuse("no-time", "It does not say when it was measured.")) };
    match parse(stated) {
        Some(When::Instant(instant)) => Ok(instant),
        Some(_) => Err(refuse("no-time", "Its time is a date without time of day and zone.")),
        None => Err(refuse("no-time", "Its time is not a FHIR date or time.")),
    }
}

#[cfg(test)]
mod tests;
