//! Why the network said so: integrated gradients over every variable and hour.
//!
//! Contract: (Sundararajan, Taly & Yan, ICML 2017) along the straight line from an average stay (all channels at the
//! training mean, average age, sex unknown, the same number of hours) to this one, midpoint rule, all points in one
//! batch. By completeness the contributions sum to the difference of the two logits; how far they miss is the gap.
//! A carried-forward value's share is put down to the hour in which it was measured.

use super::{
    contract::Contract,
    network::Network,
    series::{Batch, Encoded, Hourly, STATICS},
};
use candle_core::{Device, Result, Var};

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

/// Integrates the gradient with as many points as the gap needs.
///
/// # Errors
/// Candle's.
pub fn integrate(network: &Network, contract: &Contract, hourly: &Hourly, encoded: &Encoded) -> Result<Contributions> {
    let ends = Batch::new(&[encoded.clone(), average(encoded)], contract.channels())?;
    let logits = network.forward(&ends, None)?.to_vec1::<f32>()?;
    let change = f64::from(logits[0]) - f64::from(logits[1]);
    let tolerance = (0.05 * change.abs()).max(0.05);
    let mut found = None;
    for points in POINTS {
        let (steps, statics) = mean_gradient(network, contract, encoded, points)?;
        let times = |(value, gradient): (&f32, &f64)| f64::from(*value) * gradient;
        let steps: Vec<f64> = encoded.steps.iter().zip(&steps).map(times).collect();
        let sum: f64 = steps.iter().sum::<f64>() + encoded.statics.iter().zip(&statics).take(2).map(times).sum::<f64>();
        let gap = (sum - change).abs();
        found = Some(Contributions {
            variables: fold(contract, hourly, &steps),
            age: f64::from(encoded.statics[0]) * statics[0],
            sex: f64::from(encoded.statics[1]) * statics[1],
            change,
            gap,
            tolerance,
            points,
        });
        if gap <= tolerance {
            break;
        }
    }
    found.ok_or_else(|| candle_core::Error::Msg("no points to integrate over".into()))
}

/// The average stay of the same length.
fn average(encoded: &Encoded) -> Encoded {
    let statics = [0.0, 0.0, encoded.statics[2]];
    Encoded { hours: encoded.hours, steps: vec![0.0; encoded.steps.len()], statics }
}

/// Gradient of the logit, averaged over the line's midpoints.
fn mean_gradient(
    network: &Network,
    contract: &Contract,
    encoded: &Encoded,
    points: usize,
) -> Result<(Vec<f64>, [f64; STATICS])> {
    let line: Vec<Encoded> = (0..points)
        .map(|point| {
            let at = (point as f32 + 0.5) / points as f32;
            let [age, sex, length] = encoded.statics;
            let steps = encoded.steps.iter().map(|value| value * at).collect();
            Encoded { hours: encoded.hours, steps, statics: [age * at, sex * at, length] }
        })
        .collect();
    let batch = Batch::new(&line, contract.channels())?;
    let (steps, statics) = (Var::from_tensor(&batch.steps)?, Var::from_tensor(&batch.statics)?);
    let batch = Batch { steps: steps.as_tensor().clone(), statics: statics.as_tensor().clone(), ..batch };
    let gradients = network.forward(&batch, None)?.sum_all()?.backward()?;
    let missing = || candle_core::Error::Msg("the network passes no gradient to its input".into());
    let of_steps = gradients.get(&steps).ok_or_else(missing)?.to_device(&Device::Cpu)?;
    let of_statics = gradients.get(&statics).ok_or_else(missing)?;
    let width = contract.channels();
    let mut sums = vec![0.0; encoded.steps.len()];
    for (row, values) in of_steps.flatten_all()?.to_vec1::<f32>()?.chunks_exact(width).enumerate() {
        let hour = row / points;
        sums[hour * width..(hour + 1) * width].iter_mut().zip(values).for_each(|(sum, one)| *sum += f64::from(*one));
    }
    sums.iter_mut().for_each(|sum| *sum /= points as f64);
    let mut static_sums = [0.0; STATICS];
    for row in of_statics.to_vec2::<f32>()? {
        static_sums.iter_mut().zip(row).for_each(|(sum, one)| *sum += f64::from(one) / points as f64);
    }
    Ok((sums, static_sums))
}

/// Adds up a variable's three channels, hour by hour.
fn fold(contract: &Contract, hourly: &Hourly, steps: &[f64]) -> Vec<Share> {
    let (width, channels) = (contract.variables.len(), contract.channels());
    let one = |variable: usize| {
        let origins = hourly.origins(variable);
        let (mut by_hour, mut from_absence, mut total) = (vec![0.0; hourly.hours], 0.0, 0.0);
        for (hour, row) in steps.chunks_exact(channels).enumerate() {
            let absence = row[width + variable] + row[2 * width + variable];
            by_hour[origins.as_ref().map_or(hour, |origins| origins[hour])] += row[variable];
            by_hour[hour] += absence;
            from_absence += absence;
            total += row[variable] + absence;
        }
        Share { total, from_absence, by_hour: by_hour.into_iter().map(|part: f64| part as f32).collect() }
    };
    (0..width).map(one).collect()
}
