//! Why the network said so: integrated gradients over every variable and hour.
//!
//! Contract: (Sundararajan, Taly & Yan, ICML 2017) along the straight line from an average stay (all channels and
//! summaries at the training mean, average age, sex unknown, the same number of hours) to this one. By completeness the
//! contributions sum to the difference of the two logits; how far they miss is the gap. A carried-forward value's share
//! is put down to the hour in which it was measured, a summary's to the hour it stands for, or evenly to the hours in
//! which the variable was measured. The second opinion puts one variable back to the average stay's.

use super::{
    contract::Contract,
    network::Network,
    series::{Batch, Encoded, Hourly, STATICS},
    summary::{BINS, KINDS, Summaries, VALUE_KINDS},
};
use crate::models::attribution::{
    Effort,
    path::{self, Check},
};
use candle_core::{Result, Tensor, Var, backprop::GradStore};

/// Contributions in log-odds, before calibration.
#[derive(Debug, Clone)]
pub struct Contributions {
    /// Per variable.
    pub variables: Vec<Share>,
    /// Of age.
    pub age: f64,
    /// Of sex.
    pub sex: f64,
    /// How well they add up to the logit of this stay less that of the average one.
    pub check: Check,
}

impl Contributions {
    fn sum(&self) -> f64 {
        self.age + self.sex + self.variables.iter().map(|share| share.total).sum::<f64>()
    }
}

/// One variable's part.
#[derive(Debug, Clone)]
pub struct Share {
    /// All of it.
    pub total: f64,
    /// What came from when, or whether, it was measured.
    pub from_absence: f64,
    /// Per hour.
    pub by_hour: Vec<f32>,
}

/// A stay before and after encoding.
#[derive(Debug, Clone, Copy)]
pub struct Stay<'a> {
    /// Its hours.
    pub hourly: &'a Hourly,
    /// Its summaries.
    pub summaries: &'a Summaries,
    /// What the network reads.
    pub encoded: &'a Encoded,
}

/// Integrates the gradient with as many points as the gap needs and the effort allows.
///
/// # Errors
/// Candle's.
pub fn integrate(network: &Network, contract: &Contract, stay: Stay<'_>, effort: Effort) -> Result<Contributions> {
    let [here, average] = ends(network, contract, stay.encoded)?;
    let (found, check) = path::until_close(effort, here - average, |points| {
        let found = Parts::integrate(network, contract, stay.encoded, points)?.fold(contract, stay);
        let sum = found.sum();
        Ok((found, sum))
    })?;
    Ok(Contributions { check, ..found })
}

/// Logits of the stay and of the average one.
///
/// # Errors
/// Candle's.
pub fn ends(network: &Network, contract: &Contract, encoded: &Encoded) -> Result<[f64; 2]> {
    let ends = Batch::new(&[encoded.clone(), at(encoded, 0.0)], contract.channels())?;
    let logits = network.forward(&ends)?.to_vec1::<f32>()?;
    Ok([f64::from(logits[0]), f64::from(logits[1])])
}

/// What can be put back to the average stay's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A variable, by index: its values, when it was measured, its summaries.
    Variable(usize),
    /// Age.
    Age,
    /// Sex.
    Sex,
}

/// Logit of the stay less its logit with one part left out.
///
/// # Errors
/// Candle's.
pub fn left_out(network: &Network, contract: &Contract, encoded: &Encoded, part: Part) -> Result<f64> {
    let both = Batch::new(&[encoded.clone(), without(contract, encoded, part)], contract.channels())?;
    let logits = network.forward(&both)?.to_vec1::<f32>()?;
    Ok(f64::from(logits[0]) - f64::from(logits[1]))
}

/// Every part: the variables in order, age, sex.
fn parts(contract: &Contract) -> impl Iterator<Item = Part> {
    (0..contract.variables.len()).map(Part::Variable).chain([Part::Age, Part::Sex])
}

impl Contributions {
    /// Contributions of every part, in the order that [`scores_keeping`] takes.
    #[must_use]
    pub fn by_part(&self) -> Vec<f64> {
        self.variables.iter().map(|share| share.total).chain([self.age, self.sex]).collect()
    }
}

/// Logits with only some parts as they are and the others as in the average stay, for each set of kept parts.
///
/// # Errors
/// Candle's.
pub fn scores_keeping(
    network: &Network,
    contract: &Contract,
    encoded: &Encoded,
    sets: &[Vec<bool>],
) -> Result<Vec<f64>> {
    let one = |kept: &Vec<bool>| {
        let gone = parts(contract).zip(kept).filter(|(_, kept)| !**kept).map(|(part, _)| part);
        gone.fold(encoded.clone(), |stay, part| without(contract, &stay, part))
    };
    let stays: Vec<Encoded> = sets.iter().map(one).collect();
    let logits = network.forward(&Batch::new(&stays, contract.channels())?)?.to_vec1::<f32>()?;
    Ok(logits.into_iter().map(f64::from).collect())
}

/// The stay with one part as in the average one, which is zero everywhere.
fn without(contract: &Contract, encoded: &Encoded, part: Part) -> Encoded {
    let (width, mut other) = (contract.variables.len(), encoded.clone());
    let (channels, bins) = match part {
        Part::Variable(at) => (vec![at, width + at, 2 * width + at], at * KINDS * BINS..(at + 1) * KINDS * BINS),
        Part::Age => (vec![3 * width], width * KINDS * BINS..encoded.bins.len()),
        Part::Sex => (vec![3 * width + 1], 0..0),
    };
    for row in other.steps.chunks_exact_mut(contract.channels()) {
        channels.iter().for_each(|channel| row.get_mut(*channel).into_iter().for_each(|value| *value = 0.0));
    }
    other.bins.get_mut(bins).into_iter().flatten().for_each(|value| *value = 0.0);
    match part {
        Part::Variable(_) => {}
        Part::Age => other.statics[0] = 0.0,
        Part::Sex => other.statics[1] = 0.0,
    }
    other
}

/// The stay `part` of the way from the average one, which has the same length.
fn at(encoded: &Encoded, part: f32) -> Encoded {
    let [age, sex, length] = encoded.statics;
    let scaled = |values: &[f32]| values.iter().map(|value| value * part).collect();
    Encoded {
        hours: encoded.hours,
        steps: scaled(&encoded.steps),
        bins: scaled(&encoded.bins),
        statics: [age * part, sex * part, length],
    }
}

/// Contributions of every input number.
#[derive(Debug, Clone)]
pub struct Parts {
    /// As [`Encoded::steps`].
    pub steps: Vec<f64>,
    /// As [`Encoded::bins`].
    pub bins: Vec<f64>,
    /// Of age and sex.
    pub statics: Vec<f64>,
}

impl Parts {
    /// Value times the gradient of the logit, averaged over so many midpoints of the line.
    ///
    /// # Errors
    /// Candle's.
    pub fn integrate(network: &Network, contract: &Contract, encoded: &Encoded, points: usize) -> Result<Self> {
        let line: Vec<Encoded> = path::midpoints(points).map(|share| at(encoded, share)).collect();
        let batch = Batch::new(&line, contract.channels())?;
        let vars = [&batch.steps, &batch.bins, &batch.statics].map(Var::from_tensor);
        let [steps, bins, statics] = vars;
        let (steps, bins, statics) = (steps?, bins?, statics?);
        let inner = |var: &Var| var.as_tensor().clone();
        let batch = Batch { steps: inner(&steps), bins: inner(&bins), statics: inner(&statics), ..batch };
        let gradients = network.forward(&batch)?.sum_all()?.backward()?;
        // Steps are `[hours, points, channels]`, the others `[points, width]`.
        let mean = |var: &Var, axis: usize, values: &[f32]| -> Result<Vec<f64>> {
            let Some(gradient) = gradient(&gradients, var)? else { return Ok(vec![0.0; values.len()]) };
            let means = gradient.mean(axis)?.flatten_all()?.to_vec1::<f32>()?;
            Ok(values.iter().zip(means).map(|(value, mean)| f64::from(*value) * f64::from(mean)).collect())
        };
        Ok(Self {
            steps: mean(&steps, 1, &encoded.steps)?,
            bins: mean(&bins, 0, &encoded.bins)?,
            // The length of the window is the same at both ends.
            statics: mean(&statics, 0, &encoded.statics)?[..STATICS - 1].to_vec(),
        })
    }

    /// Adds up what belongs to one variable, hour by hour.
    fn fold(&self, contract: &Contract, stay: Stay<'_>) -> Contributions {
        let (width, channels) = (contract.variables.len(), contract.channels());
        let constant = |channel: usize| -> f64 { self.steps.chunks_exact(channels).map(|row| row[channel]).sum() };
        let (mut age, mut sex) = (self.statics[0], self.statics[1]);
        if contract.textbook() {
            age += constant(3 * width);
            sex += constant(3 * width + 1);
        }
        age += self.bins.get(width * KINDS * BINS..).map_or(0.0, |bins| bins.iter().sum());
        let variables = (0..width).map(|variable| self.share(contract, stay, variable)).collect();
        let check = Check { change: 0.0, gap: f64::NAN, tolerance: 0.0, points: 0, spent: 0 };
        Contributions { variables, age, sex, check }
    }

    fn share(&self, contract: &Contract, stay: Stay<'_>, variable: usize) -> Share {
        let (width, channels) = (contract.variables.len(), contract.channels());
        let origins = stay.hourly.origins(variable);
        let (mut by_hour, mut from_absence) = (vec![0.0; stay.hourly.hours], 0.0);
        for (hour, row) in self.steps.chunks_exact(channels).enumerate() {
            let absence = row[width + variable] + row[2 * width + variable];
            by_hour[origins.as_ref().map_or(hour, |origins| origins[hour])] += row[variable];
            by_hour[hour] += absence;
            from_absence += absence;
        }
        let measured: Vec<usize> = match &origins {
            Some(origins) => (0..origins.len()).filter(|hour| origins[*hour] == *hour).collect(),
            None => (0..stay.hourly.hours).collect(),
        };
        let summaries = self.bins.get(variable * KINDS * BINS..(variable + 1) * KINDS * BINS).unwrap_or_default();
        for (kind, bins) in summaries.chunks_exact(BINS).enumerate() {
            let part: f64 = bins.iter().sum();
            // Of what was never measured, the summaries' assumed values are an absence as well.
            from_absence += if kind < VALUE_KINDS && origins.is_some() { 0.0 } else { part };
            match stay.summaries.hours[variable * KINDS + kind] {
                Some(hour) => by_hour[hour] += part,
                None => measured.iter().for_each(|hour| by_hour[*hour] += part / measured.len() as f64),
            }
        }
        let total = by_hour.iter().sum();
        Share { total, from_absence, by_hour: by_hour.into_iter().map(|part: f64| part as f32).collect() }
    }
}

/// The gradient of an input; nothing when the network does not read it.
fn gradient(gradients: &GradStore, var: &Var) -> Result<Option<Tensor>> {
    match gradients.get(var) {
        Some(gradient) => Ok(Some(gradient.clone())),
        None if var.dims().last() == Some(&0) || var.dims().last() == Some(&STATICS) => Ok(None),
        None => Err(candle_core::Error::Msg("the network passes no gradient to its input".into())),
    }
}
