//! What a window says as a whole: for every variable its mean, extremes, ends, spread, slope and how often it was
//! measured, each spread over a few bins so that a plain layer can bend with it.
//!
//! Contract: piecewise-linear encoding (Gorishniy, Rubachev & Babenko, NeurIPS 2022) between quantiles of the training
//! stays; centred and scaled on them, so that zero is "as in an average stay". What cannot be said is NaN in
//! [`Summaries`] and read as the training hours' mean; since the bins' edges are quantiles over all stays, a variable that
//! is seldom measured gets few of them. The bins are stored with the weights as [`KNOTS`], [`CENTRE`] and [`SCALE`].

use super::{contract::Contract, series::Hourly};
use candle_core::{Device, Result, Tensor, bail};
use std::collections::HashMap;

/// Summaries of one variable, in this order: mean, least, greatest, last, first value, standard deviation, slope per
/// day, mean of the last 24 and of the last 12 hours (those nine are absent when it was never measured), share of the
/// hours in which it was measured, and time since the last measurement (1 from 24 hours on).
pub const KINDS: usize = 11;
/// How many of them are about values; the others are about whether and when.
pub const VALUE_KINDS: usize = 9;
/// Bins of one summary.
pub const BINS: usize = 6;
/// Tensor of the bins' edges, `[summaries, BINS + 1]`.
pub const KNOTS: &str = "summary.knots";
/// Tensor of the training means, `[summaries, BINS]`.
pub const CENTRE: &str = "summary.centre";
/// Tensor of what the differences from them are multiplied with, `[summaries, BINS]`; 0 for a bin without width.
pub const SCALE: &str = "summary.scale";

/// Number of summaries: those of all variables, and age.
#[must_use]
pub const fn count(contract: &Contract) -> usize {
    contract.variables.len() * KINDS + 1
}

/// The summaries of one window.
#[derive(Debug, Clone, PartialEq)]
pub struct Summaries {
    /// `variables × KINDS`, then age; NaN where nothing can be said.
    pub values: Vec<f32>,
    /// For each the hour it stands for; nothing when it stands for all of them.
    pub hours: Vec<Option<usize>>,
}

/// Summarises a window.
#[must_use]
pub fn of(contract: &Contract, hourly: &Hourly, age_years: Option<f64>) -> Summaries {
    let mut all = Summaries { values: Vec::with_capacity(count(contract)), hours: Vec::with_capacity(count(contract)) };
    let width = contract.variables.len();
    for (index, variable) in contract.variables.iter().enumerate() {
        let measured: Vec<(usize, f32)> = (0..hourly.hours)
            .map(|hour| (hour, hourly.values[hour * width + index]))
            .filter(|(_, value)| !value.is_nan())
            .map(|(hour, value)| (hour, variable.scaled(f64::from(value))))
            .collect();
        all.push(&measured, hourly.hours);
    }
    let age = age_years.map(|age| (age - contract.age_mean_years) / contract.age_sd_years);
    all.values.push(age.map_or(f32::NAN, |age| age as f32));
    all.hours.push(None);
    all
}

impl Summaries {
    fn push(&mut self, measured: &[(usize, f32)], hours: usize) {
        let share = measured.len() as f32 / hours as f32;
        let (Some(first), Some(last)) = (measured.first(), measured.last()) else {
            self.values.extend([f32::NAN; VALUE_KINDS]);
            self.values.extend([share, 1.0]);
            self.hours.extend([None; KINDS]);
            return;
        };
        let by_value = |a: &&(usize, f32), b: &&(usize, f32)| a.1.total_cmp(&b.1);
        let least = measured.iter().min_by(by_value).unwrap_or(first);
        let greatest = measured.iter().max_by(by_value).unwrap_or(last);
        let mean = mean(measured.iter().map(|one| one.1)).unwrap_or(0.0);
        let recent = |span: usize| {
            let late = measured.iter().filter(|one| one.0 + span >= hours).map(|one| one.1);
            self::mean(late).unwrap_or(last.1)
        };
        let (spread, slope) = movement(measured, mean);
        let since = ((hours - 1 - last.0) as f32 / 24.0).min(1.0);
        self.values.extend([mean, least.1, greatest.1, last.1, first.1, spread, slope, recent(24), recent(12)]);
        self.values.extend([share, since]);
        self.hours.extend([None, Some(least.0), Some(greatest.0), Some(last.0), Some(first.0), None, None]);
        self.hours.extend([None, None, None, Some(last.0)]);
    }
}

/// Standard deviation and least-squares slope per day; a slope needs three hours. The small number keeps three close
/// measurements from giving a steep one.
fn movement(measured: &[(usize, f32)], mean: f32) -> (f32, f32) {
    let count = measured.len() as f32;
    let days = |hour: usize| hour as f32 / 24.0;
    let middle = measured.iter().map(|one| days(one.0)).sum::<f32>() / count;
    let (mut squares, mut along, mut time) = (0.0, 0.0, 0.0);
    for (hour, value) in measured {
        let (moved, passed) = (value - mean, days(*hour) - middle);
        squares += moved * moved;
        along += moved * passed;
        time += passed * passed;
    }
    let slope = if measured.len() > 2 { (along / (time + 0.02 * count)).clamp(-4.0, 4.0) } else { 0.0 };
    ((squares / count).sqrt(), slope)
}

fn mean(values: impl Iterator<Item = f32>) -> Option<f32> {
    let (sum, count) = values.fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / count as f32)
}

/// The bins, fitted on training stays.
#[derive(Debug, Clone, PartialEq)]
pub struct Bins {
    knots: Vec<f32>,
    centre: Vec<f32>,
    scale: Vec<f32>,
}

impl Bins {
    /// Fits edges between the 1st and 99th percentile of each summary, and the scale of what they give.
    #[must_use]
    pub fn fit(rows: &[Summaries]) -> Self {
        let width = rows.first().map_or(0, |row| row.values.len());
        let mut bins = Self { knots: Vec::new(), centre: vec![0.0; width * BINS], scale: vec![1.0; width * BINS] };
        for index in 0..width {
            let mut column: Vec<f32> = rows.iter().map(|row| row.values[index]).map(said).collect();
            column.sort_by(f32::total_cmp);
            bins.knots.extend(edges(&column));
        }
        let mut moments = vec![(0.0_f64, 0.0_f64, 0_u32); width * BINS];
        for row in rows {
            for (index, value) in row.values.iter().enumerate() {
                for (bin, moment) in moments[index * BINS..(index + 1) * BINS].iter_mut().enumerate() {
                    let part = f64::from(bins.part(index, bin, said(*value)));
                    *moment = (moment.0 + part, moment.1 + part * part, moment.2 + 1);
                }
            }
        }
        for (at, (sum, squares, count)) in moments.into_iter().enumerate() {
            let count = f64::from(count.max(1));
            let mean = sum / count;
            let sd = (squares / count - mean * mean).max(0.0).sqrt();
            bins.centre[at] = mean as f32;
            bins.scale[at] = if sd > 1e-3 { (1.0 / sd) as f32 } else { 0.0 };
        }
        bins
    }

    /// How far `value` has come through a bin, 0 to 1; 0 for a bin without width.
    fn part(&self, summary: usize, bin: usize, value: f32) -> f32 {
        let knots = &self.knots[summary * (BINS + 1)..];
        let (low, high) = (knots[bin], knots[bin + 1]);
        if high > low { ((value - low) / (high - low)).clamp(0.0, 1.0) } else { 0.0 }
    }

    /// The summaries as the network reads them, `summaries × BINS`.
    #[must_use]
    pub fn encode(&self, summaries: &Summaries) -> Vec<f32> {
        let mut encoded = vec![0.0; summaries.values.len() * BINS];
        for (index, value) in summaries.values.iter().enumerate() {
            for (bin, cell) in encoded[index * BINS..(index + 1) * BINS].iter_mut().enumerate() {
                let at = index * BINS + bin;
                *cell = (self.part(index, bin, said(*value)) - self.centre[at]) * self.scale[at];
            }
        }
        encoded
    }

    /// Takes the bins from stored tensors.
    ///
    /// # Errors
    /// Candle's, when one is missing or has another shape than `summaries` ask for.
    pub fn from_tensors(tensors: &HashMap<String, Tensor>, summaries: usize) -> Result<Self> {
        let read = |name: &str, width: usize| match tensors.get(name) {
            Some(tensor) if tensor.dims() == [summaries, width] => tensor.flatten_all()?.to_vec1::<f32>(),
            _ => bail!("`{name}` is missing or is not {summaries} × {width}"),
        };
        Ok(Self { knots: read(KNOTS, BINS + 1)?, centre: read(CENTRE, BINS)?, scale: read(SCALE, BINS)? })
    }

    /// The tensors to store.
    ///
    /// # Errors
    /// Candle's.
    pub fn tensors(&self) -> Result<[(String, Tensor); 3]> {
        let rows = self.centre.len() / BINS;
        let of = |values: &[f32], width| Tensor::from_slice(values, (rows, width), &Device::Cpu);
        Ok([
            (KNOTS.to_owned(), of(&self.knots, BINS + 1)?),
            (CENTRE.to_owned(), of(&self.centre, BINS)?),
            (SCALE.to_owned(), of(&self.scale, BINS)?),
        ])
    }
}

/// The value, or 0, which is the training hours' mean, where there is none.
const fn said(value: f32) -> f32 {
    if value.is_nan() { 0.0 } else { value }
}

/// `BINS + 1` rising edges from a sorted column; equal quantiles are taken once and the last edge is repeated.
fn edges(sorted: &[f32]) -> Vec<f32> {
    let Some(last) = sorted.len().checked_sub(1) else { return vec![0.0; BINS + 1] };
    let at = |edge: usize| {
        let share = 0.01 + 0.98 * edge as f32 / BINS as f32;
        sorted[((last as f32 * share).round() as usize).min(last)]
    };
    let mut edges: Vec<f32> = (0..=BINS).map(at).collect();
    edges.dedup();
    let end = edges.last().copied().unwrap_or(0.0);
    edges.resize(BINS + 1, end);
    edges
}

#[cfg(test)]
mod tests {
    use super::{super::tests::contract, *};
    use proptest::prelude::*;

    fn window(values: &[(usize, usize, f64)], hours: usize) -> Hourly {
        Hourly::collect(&contract(), hours, values.iter().map(|(v, h, x)| (*v, *h as f64 + 0.5, *x)))
    }

    #[test]
    fn a_variable_is_summarised_by_its_values_and_by_when_they_were_taken() {
        // Scaled values are (value − 1) / 2: 0, 2, 4.
        let found = of(&contract(), &window(&[(0, 2, 1.0), (0, 14, 9.0), (0, 20, 5.0)], 30), Some(50.0));
        let row = &found.values[..KINDS];
        assert_eq!((row[0], row[1], row[2], row[3], row[4]), (2.0, 0.0, 4.0, 2.0, 0.0));
        assert!((row[5] - (8.0_f32 / 3.0).sqrt()).abs() < 1e-6, "{row:?}");
        assert!(row[6] > 0.0 && (row[7], row[8]) == (3.0, 2.0), "{row:?}");
        assert!((row[9] - 0.1).abs() < 1e-6 && (row[10] - 9.0 / 24.0).abs() < 1e-6, "{row:?}");
        assert_eq!(found.hours[1..5], [Some(2), Some(14), Some(20), Some(2)]);
        let never = &found.values[KINDS..2 * KINDS];
        assert!(never[..VALUE_KINDS].iter().all(|value| value.is_nan()) && never[VALUE_KINDS..] == [0.0, 1.0]);
        assert_eq!((found.values.len(), found.values.last()), (count(&contract()), Some(&(-14.0 / 17.0))));
    }

    fn rows() -> Vec<Summaries> {
        let one = |k: usize| {
            of(&contract(), &window(&[(0, k % 7, k as f64), (1, 3, (k % 2) as f64)], 8), Some(20.0 + k as f64))
        };
        (0..200).map(one).collect()
    }

    #[test]
    fn encoded_training_stays_are_centred_and_scaled() {
        let rows = rows();
        let bins = Bins::fit(&rows);
        let encoded: Vec<Vec<f32>> = rows.iter().map(|row| bins.encode(row)).collect();
        for at in 0..BINS {
            let mean = encoded.iter().map(|row| row[at]).sum::<f32>() / 200.0;
            let square = encoded.iter().map(|row| row[at] * row[at]).sum::<f32>() / 200.0;
            assert!(mean.abs() < 1e-4 && (square - 1.0).abs() < 1e-3, "{at}: {mean} {square}");
        }
        assert!(encoded.iter().flatten().all(|value| value.is_finite()));
        assert!(
            encoded[0][2 * KINDS * BINS..][..VALUE_KINDS * BINS].iter().all(|value| *value == 0.0),
            "never measured"
        );
    }

    #[test]
    fn stored_and_loaded_they_are_the_same() {
        let bins = Bins::fit(&rows());
        let tensors: HashMap<String, Tensor> = bins.tensors().unwrap().into_iter().collect();
        assert_eq!(Bins::from_tensors(&tensors, count(&contract())).unwrap(), bins);
        assert!(Bins::from_tensors(&tensors, 3).is_err());
    }

    proptest! {
        #[test]
        fn a_greater_value_never_lowers_a_bin(a in -50f32..300.0, b in -50f32..300.0) {
            let bins = Bins::fit(&rows());
            let (low, high) = (a.min(b), a.max(b));
            for bin in 0..BINS {
                prop_assert!(bins.part(0, bin, low) <= bins.part(0, bin, high));
            }
        }
    }
}
