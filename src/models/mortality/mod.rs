//! Risk of death in hospital from up to 48 hours of vitals and labs (architecture `lstm-3x128`).
//!
//! Contract: reads a [`Course`]; one label; abstains in words when the course is not what it was trained on (adults in
//! intensive care with several hours of measurements).

pub mod attribution;
pub mod contract;
pub mod network;
pub mod series;

use super::{Manifest, Model, ModelError};
use crate::domain::{
    Abstention, Attribution, Course, Explanation, Factor, Finding, ModelInput, ModelName, Prediction, Status,
};
use candle_core::{DType, Device};
use candle_nn::VarBuilder;
use contract::Contract;
use network::Network;
use series::{Batch, Encoded, Hourly};
use std::{collections::BTreeMap, path::Path};
use time::format_description::well_known::Rfc3339;

/// Most variables named in an explanation.
const FACTORS_MAX: usize = 12;
/// Contributions below this, in log-odds, are not worth naming.
const FACTOR_MIN: f64 = 0.005;
/// Most courses in one pass.
const BATCH_MAX: usize = 64;

/// The loaded network.
pub struct Mortality {
    manifest: Manifest,
    contract: Contract,
    network: Network,
}

impl Mortality {
    /// Loads the weights and checks the contract.
    ///
    /// # Errors
    /// [`ModelError`] when the manifest's input table, label or tensors do not fit.
    pub fn load(folder: &Path, manifest: Manifest) -> Result<Self, ModelError> {
        let wrong = |reason: String| ModelError::Contract { name: manifest.name.clone(), reason };
        let contract: Contract =
            manifest.input.clone().try_into().map_err(|error: toml::de::Error| {
                wrong(format!("the input table does not fit: {}", error.message()))
            })?;
        contract.check().map_err(wrong)?;
        if manifest.labels.len() != 1 {
            return Err(wrong("there must be exactly one label".into()));
        }
        let compute = |source| ModelError::Compute { name: manifest.name.clone(), source };
        let tensors = candle_core::safetensors::load(manifest.weights(folder), &Device::Cpu).map_err(compute)?;
        let expected = 4 * contract.layers + 5;
        if tensors.len() != expected {
            return Err(wrong(format!("there are {} tensors instead of {expected}", tensors.len())));
        }
        let network = Network::new(&contract, &VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu));
        let network = network.map_err(compute)?;
        Ok(Self { network, contract, manifest })
    }

    /// The input contract.
    #[must_use]
    pub const fn contract(&self) -> &Contract {
        &self.contract
    }

    /// Raw scores (logits) of courses, without asking whether they are fit to be scored.
    ///
    /// # Errors
    /// [`ModelError`] when the arithmetic fails.
    pub fn scores(&self, courses: &[&Course]) -> Result<Vec<f64>, ModelError> {
        let mut scores = Vec::with_capacity(courses.len());
        for part in courses.chunks(BATCH_MAX) {
            let encoded: Vec<Encoded> = part.iter().map(|course| self.encode(course).1).collect();
            let logits = Batch::new(&encoded, self.contract.channels())
                .and_then(|batch| self.network.forward(&batch, None)?.to_vec1::<f32>())
                .map_err(|source| self.compute(source))?;
            scores.extend(logits.into_iter().map(f64::from));
        }
        if scores.iter().all(|score| score.is_finite()) { Ok(scores) } else { Err(ModelError::NotFinite(self.name())) }
    }

    fn encode(&self, course: &Course) -> (Hourly, Encoded) {
        let hourly = Hourly::of(course, &self.contract);
        let encoded = series::encode(&self.contract, &hourly, course.age_years, course.sex);
        (hourly, encoded)
    }

    fn name(&self) -> ModelName {
        self.manifest.name.clone()
    }

    fn compute(&self, source: candle_core::Error) -> ModelError {
        ModelError::Compute { name: self.name(), source }
    }

    /// Why there should be no number, if so.
    fn unfit(&self, course: &Course) -> Option<Abstention> {
        let say = |reason: &str, words: String| Some(Abstention { reason: reason.to_owned(), words });
        let contract = &self.contract;
        let Some(age) = course.age_years else {
            return say("age-unknown", "The patient's age is not known, and the estimate depends on it.".into());
        };
        if age < contract.age_min_years {
            let words = format!(
                "The network was trained on adults; it gives no number below {} years.",
                contract.age_min_years
            );
            return say("not-an-adult", words);
        }
        let distinct = Hourly::of(course, contract).distinct();
        if distinct < contract.variables_min {
            let words = format!(
                "Only {distinct} kinds of measurements can be used within 48 hours; at least {} are needed.",
                contract.variables_min
            );
            return say("too-few-measurements", words);
        }
        let hours = (course.end - course.start).as_seconds_f64() / 3600.0;
        if hours < contract.hours_min as f64 {
            let words = format!(
                "The measurements span {hours:.1} hours; at least {} hours are needed for an estimate.",
                contract.hours_min
            );
            return say("too-short", words);
        }
        None
    }

    /// What a clinician would expect among the measurements and is not there.
    fn missing(&self, course: &Course) -> Vec<String> {
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
        missing
    }

    fn course<'a>(&self, input: &'a ModelInput) -> Result<&'a Course, ModelError> {
        match input {
            ModelInput::Course(course) => Ok(course),
            _ => Err(ModelError::Input(self.name())),
        }
    }

    fn finding(&self, score: f64) -> Status {
        let label = &self.manifest.labels[0];
        Status::Scored {
            findings: vec![Finding {
                label: label.name.clone(),
                score,
                probability: self.manifest.calibration.probability(score),
                threshold: label.threshold,
                mention: None,
            }],
        }
    }
}

impl Model for Mortality {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn predict(&self, inputs: &[&ModelInput]) -> Result<Vec<Prediction>, ModelError> {
        let courses = inputs.iter().map(|input| self.course(input)).collect::<Result<Vec<_>, _>>()?;
        let unfit: Vec<Option<Abstention>> = courses.iter().map(|course| self.unfit(course)).collect();
        let fit = courses.iter().zip(&unfit).filter(|(_, unfit)| unfit.is_none());
        let fit: Vec<&Course> = fit.map(|(course, _)| *course).collect();
        let mut scores = self.scores(&fit)?.into_iter();
        let answer = |(course, unfit): (&&Course, Option<Abstention>)| {
            let status = match unfit {
                Some(why) => Status::Abstained(why),
                None => self.finding(scores.next().ok_or_else(|| ModelError::NotFinite(self.name()))?),
            };
            Ok(Prediction { status, missing: self.missing(course) })
        };
        courses.iter().zip(unfit).map(answer).collect()
    }

    fn explain(&self, input: &ModelInput) -> Result<Explanation, ModelError> {
        let course = self.course(input)?;
        let (hourly, encoded) = self.encode(course);
        let found = attribution::integrate(&self.network, &self.contract, &hourly, &encoded);
        let found = found.map_err(|source| self.compute(source))?;
        let parameters = BTreeMap::from([
            ("points".to_owned(), found.points.to_string()),
            ("rule".to_owned(), "midpoint".to_owned()),
            (
                "baseline".to_owned(),
                "an average stay of the same length: every variable's value, frequency and recency at the training mean"
                    .to_owned(),
            ),
            ("change".to_owned(), format!("{:.4}", found.change)),
        ]);
        Ok(Explanation {
            method: "integrated gradients".to_owned(),
            parameters,
            gap: found.gap,
            tolerance: found.tolerance,
            reliable: found.gap.is_finite() && found.gap <= found.tolerance,
            attribution: Attribution::Factors { factors: self.factors(course, &found) },
        })
    }
}

impl Mortality {
    /// The strongest contributions, with the latest value of each variable.
    fn factors(&self, course: &Course, found: &attribution::Contributions) -> Vec<Factor> {
        let mut factors: Vec<Factor> = self
            .contract
            .variables
            .iter()
            .zip(&found.variables)
            .map(|(variable, share)| {
                let usable =
                    |one: &&crate::domain::Measurement| one.variable == variable.name && variable.plausible(one.value);
                let latest = course.measurements.iter().filter(usable).max_by_key(|one| one.time);
                Factor {
                    variable: variable.name.clone(),
                    label: variable.label.clone(),
                    contribution: share.total,
                    from_absence: share.from_absence,
                    value: latest.map(|one| one.value),
                    unit: variable.unit.clone(),
                    time: latest.and_then(|one| one.time.format(&Rfc3339).ok()),
                    by_hour: share.by_hour.clone(),
                }
            })
            .collect();
        factors.push(fact("age", "a", found.age, course.age_years));
        factors.push(fact("sex", "", found.sex, None));
        factors.retain(|factor| factor.contribution.abs() >= FACTOR_MIN);
        factors.sort_by(|a, b| b.contribution.abs().total_cmp(&a.contribution.abs()));
        factors.truncate(FACTORS_MAX);
        factors
    }
}

/// A fact that does not change over the hours.
fn fact(name: &str, unit: &str, contribution: f64, value: Option<f64>) -> Factor {
    Factor {
        variable: name.to_owned(),
        label: name.to_owned(),
        contribution,
        from_absence: 0.0,
        value,
        unit: unit.to_owned(),
        time: None,
        by_hour: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
