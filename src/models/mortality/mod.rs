//! Risk of death in hospital from up to 48 hours of vitals and labs (architectures `lstm-3x128` and `textbook-lstm`).
//!
//! Contract: reads a [`Course`]; one label; abstains in words when the course is not what it was trained on (adults in
//! intensive care with several hours of measurements that move, not too far from the training stays).

pub mod attribution;
pub mod contract;
pub mod counterfactual;
pub mod network;
pub mod series;
mod suitability;
pub mod summary;

use super::{
    Manifest, Model, ModelError,
    attribution::Effort,
    familiarity::{self, Space},
};
use crate::domain::{
    Abstention, Attribution, Counterfactual, Course, Explanation, Factor, Familiarity, Finding, ModelInput, ModelName,
    Prediction, SecondOpinion,
};
use attribution::Part;
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use contract::Contract;
use network::Network;
use series::{Batch, Encoded, Hourly, Who};
use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};
use summary::Bins;
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
    bins: Option<Bins>,
    space: Option<Space>,
}

/// What the network computes for one course.
#[derive(Debug, Clone)]
pub struct Score {
    /// Raw score (logit).
    pub score: f64,
    /// The last state, in which familiarity is measured.
    pub state: Vec<f32>,
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
        if contract.textbook() != (manifest.architecture == "textbook-lstm") {
            return Err(wrong(format!(
                "the architecture `{}` does not fit its number of heads",
                manifest.architecture
            )));
        }
        if manifest.labels.len() != 1 {
            return Err(wrong("there must be exactly one label".into()));
        }
        let compute = |source| ModelError::Compute { name: manifest.name.clone(), source };
        let mut tensors = candle_core::safetensors::load(manifest.weights(folder), &Device::Cpu).map_err(compute)?;
        let bins = Self::bins(&contract, &mut tensors).map_err(compute)?;
        let space = Self::space(&contract, &mut tensors).map_err(compute)?;
        let expected = Network::tensors(&contract);
        if tensors.len() != expected {
            return Err(wrong(format!("there are {} tensors instead of {expected}", tensors.len())));
        }
        let network = Network::new(&contract, &VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu));
        let network = network.map_err(compute)?;
        Ok(Self { network, contract, bins, space, manifest })
    }

    /// Takes the summaries' bins out of the tensors.
    fn bins(contract: &Contract, tensors: &mut HashMap<String, Tensor>) -> candle_core::Result<Option<Bins>> {
        if contract.textbook() {
            return Ok(None);
        }
        let bins = Bins::from_tensors(tensors, summary::count(contract))?;
        tensors.retain(|name, _| ![summary::KNOTS, summary::CENTRE, summary::SCALE].contains(&name.as_str()));
        Ok(Some(bins))
    }

    /// Takes the familiar space out of the tensors; there is one exactly when the contract has a limit.
    fn space(contract: &Contract, tensors: &mut HashMap<String, Tensor>) -> candle_core::Result<Option<Space>> {
        let (means, factor) = (tensors.remove(familiarity::MEANS), tensors.remove(familiarity::FACTOR));
        match (means, factor, contract.familiarity_limit) {
            (Some(means), Some(factor), Some(_)) => {
                let space = Space::from_tensors(&means, &factor)?;
                if space.width() != contract.hidden {
                    candle_core::bail!("the familiar space has {} directions", space.width())
                }
                Ok(Some(space))
            }
            (None, None, None) => Ok(None),
            _ => candle_core::bail!("the limit of familiarity and its tensors do not come together"),
        }
    }

    /// The input contract.
    #[must_use]
    pub const fn contract(&self) -> &Contract {
        &self.contract
    }

    /// Raw scores (logits) and states of courses, without asking whether they are fit to be scored.
    ///
    /// # Errors
    /// [`ModelError`] when the arithmetic fails.
    pub fn scores(&self, courses: &[&Course]) -> Result<Vec<Score>, ModelError> {
        let mut scores = Vec::with_capacity(courses.len());
        for part in courses.chunks(BATCH_MAX) {
            let encoded: Vec<Encoded> =
                part.iter().map(|course| self.encode(&Hourly::of(course, &self.contract), course)).collect();
            scores.extend(self.pass(&encoded).map_err(|source| self.compute(source))?);
        }
        let finite = |one: &Score| one.score.is_finite() && one.state.iter().all(|value| value.is_finite());
        if scores.iter().all(finite) { Ok(scores) } else { Err(ModelError::NotFinite(self.name())) }
    }

    fn pass(&self, encoded: &[Encoded]) -> candle_core::Result<Vec<Score>> {
        let output = self.network.output(&Batch::new(encoded, self.contract.channels())?, None)?;
        let (logits, states) = (output.logit()?.to_vec1::<f32>()?, output.state.to_vec2::<f32>()?);
        Ok(logits.into_iter().zip(states).map(|(logit, state)| Score { score: f64::from(logit), state }).collect())
    }

    /// The network itself.
    #[must_use]
    pub const fn network(&self) -> &Network {
        &self.network
    }

    /// A course as the network reads it.
    #[must_use]
    pub fn encode(&self, hourly: &Hourly, course: &Course) -> Encoded {
        let who = Who { age_years: course.age_years, sex: course.sex };
        series::encode(&self.contract, self.bins.as_ref(), hourly, who)
    }

    fn name(&self) -> ModelName {
        self.manifest.name.clone()
    }

    fn compute(&self, source: candle_core::Error) -> ModelError {
        ModelError::Compute { name: self.name(), source }
    }

    fn course<'a>(&self, input: &'a ModelInput) -> Result<&'a Course, ModelError> {
        match input {
            ModelInput::Course(course) => Ok(course),
            _ => Err(ModelError::Input(self.name())),
        }
    }

    /// The answer to a course that is fit to be scored: a finding, or a refusal when it lies too far from the training
    /// stays.
    fn answer(&self, course: &Course, one: &Score) -> Prediction {
        let familiarity = self.familiarity(&one.state);
        let missing = self.missing(course);
        let strange = familiarity.is_some_and(|found| found.distance > found.limit);
        let prediction = if strange {
            Prediction { missing, ..Prediction::abstained(suitability::unlike()) }
        } else {
            Prediction::scored(self.findings(one.score), missing)
        };
        Prediction { familiarity, ..prediction }
    }

    fn familiarity(&self, state: &[f32]) -> Option<Familiarity> {
        self.space.as_ref().zip(self.contract.familiarity_limit).map(|(space, limit)| space.familiarity(state, limit))
    }

    fn findings(&self, score: f64) -> Vec<Finding> {
        let label = &self.manifest.labels[0];
        let probability = self.manifest.calibration.probability(score);
        vec![Finding {
            label: label.name.clone(),
            score,
            probability,
            threshold: label.threshold,
            mention: None,
            certainty: label.certainty(probability),
        }]
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
            Ok(match unfit {
                Some(why) => Prediction { missing: self.missing(course), ..Prediction::abstained(why) },
                None => self.answer(course, &scores.next().ok_or_else(|| ModelError::NotFinite(self.name()))?),
            })
        };
        courses.iter().zip(unfit).map(answer).collect()
    }

    fn explain(&self, input: &ModelInput, effort: Effort) -> Result<Explanation, ModelError> {
        let course = self.course(input)?;
        let hourly = Hourly::of(course, &self.contract);
        let (encoded, summaries) =
            (self.encode(&hourly, course), summary::of(&self.contract, &hourly, course.age_years));
        let stay = attribution::Stay { hourly: &hourly, summaries: &summaries, encoded: &encoded };
        let found = attribution::integrate(&self.network, &self.contract, stay, effort);
        let found = found.map_err(|source| self.compute(source))?;
        let check = found.check;
        let parameters = BTreeMap::from([
            ("points".to_owned(), check.points.to_string()),
            ("rule".to_owned(), "midpoint".to_owned()),
            (
                "baseline".to_owned(),
                "an average stay of the same length: every variable's value, frequency and recency at the training mean"
                    .to_owned(),
            ),
            ("change".to_owned(), format!("{:.4}", check.change)),
        ]);
        let factors = self.factors(course, &found);
        let opinion = self.second_opinion(&encoded, factors.first()).map_err(|source| self.compute(source))?;
        let bounds = (check.gap, check.tolerance);
        let factors = Attribution::Factors { factors };
        Ok(Explanation::checked("integrated gradients", parameters, bounds, opinion, factors)
            .with_work(effort.points_max, check.spent))
    }

    fn counterfactual(&self, input: &ModelInput) -> Result<Option<Counterfactual>, ModelError> {
        let course = self.course(input)?;
        let hourly = Hourly::of(course, &self.contract);
        counterfactual::search(self, course, &hourly).map_err(|source| self.compute(source))
    }
}

impl Mortality {
    /// The leading factor put back to the average stay's.
    fn second_opinion(
        &self,
        encoded: &Encoded,
        leading: Option<&Factor>,
    ) -> candle_core::Result<Option<SecondOpinion>> {
        let part = leading.and_then(|factor| match factor.variable.as_str() {
            "age" => Some(Part::Age),
            "sex" => Some(Part::Sex),
            variable => self.contract.position(variable).map(Part::Variable),
        });
        let Some((part, leading)) = part.zip(leading) else { return Ok(None) };
        let change = attribution::left_out(&self.network, &self.contract, encoded, part)?;
        Ok(Some(SecondOpinion::new("leave one out", &leading.label, leading.contribution, change)))
    }

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
