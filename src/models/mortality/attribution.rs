//! Why the network said so: integrated gradients over every variable and hour.
//!
//! Contract: (Sundararajan, Taly & Yan, ICML 2017) along the straight line from an average stay (all channels and
//! summaries at the training mean, average age, sex unknown, the same number of hours) to this one, midpoint rule, all
//! points in one batch. By completeness the contributions sum to the difference of the two logits; how far they miss is
//! the gap. A carried-forward value's share is put down to the hour in which it was measured, a summary's to the hour it
//! stands for, or evenly to the hours in which the variable was measured.

use super::{
    contract::Contract,
    network::Network,
    series::{Batch, Encoded, Hourly, STATICS},
    summary::{BINS, KINDS, Summaries, VALUE_KINDS},
};
use candle_core::{Result, Tensor, Var, backprop::GradStore};

/// Numbers of points tried, until the gap is small enough.
const POINTS: [usize; 3] = [16, 32, 64];

/// Contributions in log-odds, before calibration.
#[derive(Debug, Clone)]
pub struct Contributions {
    /// Per variable.
    pub variables: Vec<Share>,
    /// Of age.
    pub age: f64,
    /// Of sex.
    pub sex: f64,
    /// Logit of this stay less that of the average one.
    pub change: f64,
    /// |sum of contributions − change|.
    pub gap: f64,
    /// Greatest gap accepted: 0.05, or 5 % of the change if that is more.
    pub tolerance: f64,
    /// Points on the line.
    pub points: usize,
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

/// Integrates the gradient with as many points as the gap needs.
///
/// # Errors
/// Candle's.
pub fn integrate(network: &Network, contract: &Contract, stay: Stay<'_>) -> Result<Contributions> {
    let encoded = stay.encoded;
    let ends = Batch::new(&[encoded.clone(), at(encoded, 0.0)], contract.channels())?;
    let logits = network.forward(&ends)?.to_vec1::<f32>()?;
    let change = f64::from(logits[0]) - f64::from(logits[1]);
    let tolerance = (0.05 * change.abs()).max(0.05);
    let mut found = None;
    for points in POINTS {
        let parts = Parts::integrate(network, contract, encoded, points)?;
        let mut one = parts.fold(contract, stay);
        one.gap = (one.age + one.sex + one.variables.iter().map(|share| share.total).sum::<f64>() - change).abs();
        let close = one.gap <= tolerance;
        found = Some(Contributions { change, tolerance, points, ..one });
        if close {
            break;
        }
    }
    found.ok_or_else(|| candle_core::Error::Msg("no points to integrate over".into()))
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
struct Parts {
    steps: Vec<f64>,
    bins: Vec<f64>,
    statics: Vec<f64>,
}

impl Parts {
    /// Value times the gradient of the logit, averaged over the line's midpoints.
    fn integrate(network: &Network, contract: &Contract, encoded: &Encoded, points: usize) -> Result<Self> {
        let line: Vec<Encoded> = (0..points).map(|point| at(encoded, (point as f32 + 0.5) / points as f32)).collect();
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
        Contributions { variables, age, sex, change: 0.0, gap: 0.0, tolerance: 0.0, points: 0 }
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
