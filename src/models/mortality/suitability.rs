//! Whether a course is fit to be scored, and what a clinician would expect among its measurements.
//!
//! Contract: pure; a refusal is a stable code and one sentence, never a number.

use super::{Mortality, series::Hourly};
use crate::domain::{Abstention, Course};
use std::collections::BTreeMap;

/// Measurements from which on a variable is expected to move.
const MOVES_FROM: usize = 4;
/// Kinds of measurements that stand still together before a course is called constant.
const STILL_MIN: usize = 2;
/// Hours short of the full window from which on it is worth saying.
const MUCH_SHORTER: usize = 12;

fn refusal(reason: &str, words: String) -> Abstention {
    Abstention { reason: reason.to_owned(), words }
}

/// Too far from the training stays.
pub(super) fn unlike() -> Abstention {
    let words =
        "The course is unlike those the network was trained on (adults in intensive care), so it gives no number.";
    refusal("unlike-training-stays", words.into())
}

impl Mortality {
    /// Why there should be no number, if so.
    pub(super) fn unfit(&self, course: &Course) -> Option<Abstention> {
        let contract = &self.contract;
        let Some(age) = course.age_years else {
            let words = "The patient's age is not known, and the estimate depends on it.";
            return Some(refusal("age-unknown", words.into()));
        };
        if age < contract.age_min_years {
            let words = format!(
                "The network was trained on adults; it gives no number below {} years.",
                contract.age_min_years
            );
            return Some(refusal("not-an-adult", words));
        }
        let distinct = Hourly::of(course, contract).distinct();
        if distinct < contract.variables_min {
            let words = format!(
                "Only {distinct} kinds of measurements can be used within {} hours; at least {} are needed.",
                contract.hours, contract.variables_min
            );
            return Some(refusal("too-few-measurements", words));
        }
        let hours = (course.end - course.start).as_seconds_f64() / 3600.0;
        if hours < contract.hours_min as f64 {
            let words = format!(
                "The measurements span {hours:.1} hours; at least {} hours are needed for an estimate.",
                contract.hours_min
            );
            return Some(refusal("too-short", words));
        }
        self.constant(course).then(|| {
            let words = "No measurement changes over the whole window, as it would in any patient: these look like \
                         copied or simulated values.";
            refusal("no-variation", words.into())
        })
    }

    /// Whether several variables were measured repeatedly and not one of them moved.
    fn constant(&self, course: &Course) -> bool {
        let mut seen: BTreeMap<&str, (usize, f64, f64)> = BTreeMap::new();
        for one in &course.measurements {
            let variable = self.contract.position(&one.variable).map(|index| &self.contract.variables[index]);
            if variable.is_some_and(|variable| variable.plausible(one.value)) {
                let range = seen.entry(&one.variable).or_insert((0, one.value, one.value));
                *range = (range.0 + 1, range.1.min(one.value), range.2.max(one.value));
            }
        }
        let repeated: Vec<_> = seen.values().filter(|(count, ..)| *count >= MOVES_FROM).collect();
        repeated.len() >= STILL_MIN && repeated.iter().all(|(_, low, high)| low == high)
    }

    /// What a clinician would expect among the measurements and is not there.
    pub(super) fn missing(&self, course: &Course) -> Vec<String> {
        let hourly = Hourly::of(course, &self.contract);
        let mut absent: Vec<(String, bool)> = Vec::new();
        for (index, variable) in self.contract.variables.iter().enumerate() {
            let Some(words) = &variable.expected_as else { continue };
            let measured = hourly.origins(index).is_some();
            match absent.iter_mut().find(|one| one.0 == *words) {
                Some(one) => one.1 |= measured,
                None => absent.push((words.clone(), measured)),
            }
        }
        let mut missing: Vec<String> = absent.into_iter().filter(|one| !one.1).map(|one| one.0).collect();
        if course.age_years.is_none() {
            missing.push("age".into());
        }
        if course.sex.is_none() {
            missing.push("sex".into());
        }
        if hourly.hours + MUCH_SHORTER <= self.contract.hours {
            missing.push(format!("earlier hours (there are {} of {})", hourly.hours, self.contract.hours));
        }
        missing
    }
}
