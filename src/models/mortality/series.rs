//! From a course to numbers: one row per hour, gaps carried over, what was measured and when beside the values.
//!
//! Contract: hours are counted from the window's start; an absent value is NaN in [`Hourly`] and never in [`Encoded`].
//! All channels are centred on the training stays' mean, so that a row of zeros is "an average stay".

use super::{
    contract::Contract,
    summary::{self, Bins},
};
use crate::domain::{Course, Sex};
use candle_core::{Device, Result, Tensor};

/// Age, sex and length of the window.
pub const STATICS: usize = 3;

/// Hours from which on a measurement counts as long ago.
const GAP_HOURS: f32 = 24.0;

/// One value per variable and hour.
#[derive(Debug, Clone, PartialEq)]
pub struct Hourly {
    /// Steps in the window, at least 1.
    pub hours: usize,
    /// `hours × variables` raw values in the variables' units, NaN where not measured.
    pub values: Vec<f32>,
}

impl Hourly {
    /// Sorts (variable, hour from the window's start, value) into hours: mean of an hour's values, or their sum for
    /// volumes. Implausible values and those outside the window are left out.
    #[must_use]
    pub fn collect(contract: &Contract, hours: usize, readings: impl IntoIterator<Item = (usize, f64, f64)>) -> Self {
        let (width, hours) = (contract.variables.len(), hours.clamp(1, contract.hours));
        let mut sums = vec![(0.0_f64, 0_u32); hours * width];
        for (variable, hour, value) in readings {
            // The last measurement ends the window: it belongs to the last hour, not to one of its own.
            let inside = (0.0..=hours as f64).contains(&hour);
            if inside && contract.variables.get(variable).is_some_and(|one| one.plausible(value)) {
                let cell = &mut sums[(hour as usize).min(hours - 1) * width + variable];
                *cell = (cell.0 + value, cell.1 + 1);
            }
        }
        let mean = |(index, (sum, count)): (usize, (f64, u32))| match count {
            0 => f32::NAN,
            _ if contract.variables[index % width].sum => sum as f32,
            count => (sum / f64::from(count)) as f32,
        };
        Self { hours, values: sums.into_iter().enumerate().map(mean).collect() }
    }

    /// The last hours of a course, as many as the network reads.
    #[must_use]
    pub fn of(course: &Course, contract: &Contract) -> Self {
        let start = course.start.max(course.end - time::Duration::hours(contract.hours as i64));
        let hours = (course.end - start).as_seconds_f64() / 3600.0;
        let readings = course.measurements.iter().filter_map(|one| {
            let hour = (one.time - start).as_seconds_f64() / 3600.0;
            Some((contract.position(&one.variable)?, hour, one.value))
        });
        Self::collect(contract, hours as usize + 1, readings)
    }

    /// The hours `start..start + hours` as a window of their own.
    #[must_use]
    pub fn window(&self, start: usize, hours: usize) -> Self {
        let width = self.values.len() / self.hours;
        Self { hours, values: self.values[start * width..(start + hours) * width].to_vec() }
    }

    /// For one variable and every hour: the hour whose value stands there, which is the last one measured so far or,
    /// before the first, the first. Nothing when it was never measured.
    #[must_use]
    pub fn origins(&self, variable: usize) -> Option<Vec<usize>> {
        let width = self.values.len() / self.hours;
        let measured = |hour: &usize| !self.values[hour * width + variable].is_nan();
        let mut origin = (0..self.hours).find(measured)?;
        let carry = |hour: usize| {
            if measured(&hour) {
                origin = hour;
            }
            origin
        };
        Some((0..self.hours).map(carry).collect())
    }

    /// Number of variables with at least one value.
    #[must_use]
    pub fn distinct(&self) -> usize {
        (0..self.values.len() / self.hours).filter(|variable| self.origins(*variable).is_some()).count()
    }
}

/// A course as the network reads it.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoded {
    /// Steps.
    pub hours: usize,
    /// `hours × (values | measured | time since)`, and age and sex behind them for the textbook network.
    pub steps: Vec<f32>,
    /// Summaries in bins; empty for the textbook network.
    pub bins: Vec<f32>,
    /// Age, sex, length of the window.
    pub statics: [f32; STATICS],
}

/// Who the window is of; what is unknown is taken as average.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Who {
    /// Age in years.
    pub age_years: Option<f64>,
    /// Sex.
    pub sex: Option<Sex>,
}

/// Encodes a window; `bins` are those of a network that reads summaries.
#[must_use]
pub fn encode(contract: &Contract, bins: Option<&Bins>, hourly: &Hourly, who: Who) -> Encoded {
    let age = who.age_years.map_or(0.0, |age| (age - contract.age_mean_years) / contract.age_sd_years) as f32;
    let sex = match who.sex {
        Some(Sex::Male) => 1.0,
        Some(Sex::Female) => -1.0,
        None => 0.0,
    };
    let length = hourly.hours as f32 / contract.hours as f32 - 1.0;
    let bins = bins.map(|bins| bins.encode(&summary::of(contract, hourly, who.age_years))).unwrap_or_default();
    Encoded { hours: hourly.hours, steps: steps(contract, hourly, age, sex), bins, statics: [age, sex, length] }
}

fn steps(contract: &Contract, hourly: &Hourly, age: f32, sex: f32) -> Vec<f32> {
    let (width, channels) = (contract.variables.len(), contract.channels());
    let mut steps = vec![0.0; hourly.hours * channels];
    for (index, variable) in contract.variables.iter().enumerate() {
        let origins = hourly.origins(index);
        for hour in 0..hourly.hours {
            let origin = origins.as_ref().map(|origins| origins[hour]);
            let since = origin.filter(|origin| *origin <= hour).map(|origin| (hour - origin) as f32);
            let row = &mut steps[hour * channels..][..channels];
            row[index] = origin.map_or(0.0, |at| variable.scaled(f64::from(hourly.values[at * width + index])));
            row[width + index] = f32::from(u8::from(since == Some(0.0))) - variable.seen as f32;
            row[2 * width + index] = since.map_or(1.0, |since| (since / GAP_HOURS).min(1.0)) - variable.gap as f32;
        }
    }
    if contract.textbook() {
        steps.chunks_exact_mut(channels).for_each(|row| row[3 * width..].copy_from_slice(&[age, sex]));
    }
    steps
}

/// Several courses side by side, padded at the end with zeros that nothing reads.
#[derive(Debug, Clone)]
pub struct Batch {
    /// `[steps, cases, channels]`.
    pub steps: Tensor,
    /// `[cases, summaries × BINS]`; no columns for the textbook network.
    pub bins: Tensor,
    /// `[cases, STATICS]`.
    pub statics: Tensor,
    /// Valid steps per case.
    pub lengths: Vec<usize>,
}

impl Batch {
    /// Joins encoded courses of `channels` channels.
    ///
    /// # Errors
    /// Candle's, when there is no course.
    pub fn new(courses: &[Encoded], channels: usize) -> Result<Self> {
        let hours = courses.iter().map(|course| course.hours).max().unwrap_or(0);
        let mut steps = vec![0.0; hours * courses.len() * channels];
        for (case, course) in courses.iter().enumerate() {
            for (hour, row) in course.steps.chunks_exact(channels).enumerate() {
                steps[(hour * courses.len() + case) * channels..][..channels].copy_from_slice(row);
            }
        }
        let statics: Vec<f32> = courses.iter().flat_map(|course| course.statics).collect();
        let width = courses.first().map_or(0, |course| course.bins.len());
        let bins: Vec<f32> = courses.iter().flat_map(|course| course.bins.iter().copied()).collect();
        Ok(Self {
            bins: Tensor::from_vec(bins, (courses.len(), width), &Device::Cpu)?,
            steps: Tensor::from_vec(steps, (hours, courses.len(), channels), &Device::Cpu)?,
            statics: Tensor::from_vec(statics, (courses.len(), STATICS), &Device::Cpu)?,
            lengths: courses.iter().map(|course| course.hours).collect(),
        })
    }
}
