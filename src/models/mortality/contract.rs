//! What the mortality network reads: its variables with their ranges and scales, as written in the manifest's `input`.
//!
//! Contract: fitted on training stays, stored as TOML, and the only place where a raw value becomes a network's number.

use serde::{Deserialize, Serialize};

/// Hyper-parameters and the table of variables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// Longest window, in hours; one step per hour.
    pub hours: usize,
    /// LSTM layers.
    pub layers: usize,
    /// Units per layer.
    pub hidden: usize,
    /// Heads over the last state joined with summaries, age and sex; the score is their mean. None in the textbook network.
    pub heads: usize,
    /// Units of each head.
    pub joint: usize,
    /// Shortest time from the first to the last measurement for which a number is given.
    pub hours_min: usize,
    /// Fewest distinct variables for which a number is given.
    pub variables_min: usize,
    /// Beyond this distance from the training stays no number is given; nothing until it is fitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub familiarity_limit: Option<f64>,
    /// Youngest age for which a number is given.
    pub age_min_years: f64,
    /// Mean age of the training stays.
    pub age_mean_years: f64,
    /// Its standard deviation.
    pub age_sd_years: f64,
    /// The variables, in the order of the network's inputs.
    pub variables: Vec<Variable>,
}

/// One variable of the course.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// Its name, as in [`crate::domain::Measurement::variable`].
    pub name: String,
    /// Its name in words.
    pub label: String,
    /// UCUM unit.
    pub unit: String,
    /// What the clinician is told is missing when neither this nor another variable of the same name was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_as: Option<String>,
    /// Values outside are slips of the pen, not measurements, and are left out.
    pub plausible: [f64; 2],
    /// Values outside are taken at the nearer end (0.5th and 99.5th percentile of the training hours).
    pub range: [f64; 2],
    /// Whether ln(1 + value) is standardised instead of the value.
    pub log: bool,
    /// Whether several values of one hour are added up (volumes) instead of averaged.
    pub sum: bool,
    /// Mean over the training hours in which it was measured, after `log`.
    pub mean: f64,
    /// Standard deviation, likewise.
    pub sd: f64,
    /// Share of training hours in which it was measured.
    pub seen: f64,
    /// Mean of the scaled time since the last measurement (1 from 24 hours on, and before the first).
    pub gap: f64,
}

impl Variable {
    /// Whether a value can be one at all.
    #[must_use]
    pub fn plausible(&self, value: f64) -> bool {
        value.is_finite() && value >= self.plausible[0] && value <= self.plausible[1]
    }

    /// The value as the network reads it: winsorised, log where skewed, mean 0 and standard deviation 1.
    #[must_use]
    pub fn scaled(&self, value: f64) -> f32 {
        let value = value.clamp(self.range[0], self.range[1]);
        let value = if self.log { value.ln_1p() } else { value };
        ((value - self.mean) / self.sd) as f32
    }
}

impl Contract {
    /// Index of a variable by name.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.variables.iter().position(|variable| variable.name == name)
    }

    /// Whether the network is the textbook one: no heads, everything in the steps.
    #[must_use]
    pub const fn textbook(&self) -> bool {
        self.heads == 0
    }

    /// Channels per step: value, measured or not, time since the last measurement, for every variable; then age and sex
    /// for the textbook network, which has no other way to hear of them.
    #[must_use]
    pub const fn channels(&self) -> usize {
        3 * self.variables.len() + if self.textbook() { 2 } else { 0 }
    }

    /// What does not fit the code, if anything.
    ///
    /// # Errors
    /// One sentence naming the number that does not fit.
    pub fn check(&self) -> Result<(), String> {
        let positive = [self.hours, self.layers, self.hidden, self.variables.len()];
        if positive.contains(&0) || self.hours > 1000 || (self.heads > 0 && self.joint == 0) {
            return Err("sizes must be positive and at most 1000 hours".into());
        }
        if self.familiarity_limit.is_some_and(|limit| !(limit.is_finite() && limit > 0.0)) {
            return Err("the limit of familiarity is not usable".into());
        }
        if !(self.age_sd_years > 0.0 && self.age_mean_years.is_finite() && self.age_min_years.is_finite()) {
            return Err("the scale of age is not usable".into());
        }
        for (index, one) in self.variables.iter().enumerate() {
            let ordered = one.plausible[0] < one.plausible[1] && one.range[0] < one.range[1];
            let numbers = [one.mean, one.sd, one.seen, one.gap];
            if !ordered || one.sd <= 0.0 || numbers.iter().any(|number| !number.is_finite()) {
                return Err(format!("the scale of `{}` is not usable", one.name));
            }
            if one.log && one.range[0] <= -1.0 {
                return Err(format!("the range of `{}` does not allow a logarithm", one.name));
            }
            if self.position(&one.name) != Some(index) {
                return Err(format!("`{}` is listed twice", one.name));
            }
        }
        Ok(())
    }
}
