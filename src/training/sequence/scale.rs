//! Fits the network's input contract to the training stays.

use super::{Case, Form, variables};
use crate::models::mortality::contract::{Contract, Variable};

/// A contract with neutral scales, by which courses can be sorted into hours before anything is fitted.
#[must_use]
pub fn neutral(form: Form) -> Contract {
    let (heads, joint) = match form {
        Form::Joined => (4, 64),
        Form::Textbook => (0, 0),
    };
    let variables = variables::TABLE.iter().map(|spec| Variable {
        name: spec.name.into(),
        label: spec.label.into(),
        unit: spec.unit.into(),
        expected_as: spec.expected_as.map(Into::into),
        plausible: spec.plausible,
        range: spec.plausible,
        log: spec.log,
        sum: spec.sum(),
        mean: 0.0,
        sd: 1.0,
        seen: 0.0,
        gap: 0.0,
    });
    Contract {
        hours: 48,
        layers: 3,
        hidden: 128,
        heads,
        joint,
        familiarity_limit: None,
        hours_min: 6,
        variables_min: 5,
        age_min_years: 16.0,
        age_mean_years: 0.0,
        age_sd_years: 1.0,
        variables: variables.collect(),
    }
}

/// Ranges, means and standard deviations from the training stays' hours.
#[must_use]
pub fn fit(form: Form, cases: &[Case]) -> Contract {
    let mut contract = neutral(form);
    let ages: Vec<f64> = cases.iter().filter_map(|case| case.who.age_years).collect();
    (contract.age_mean_years, contract.age_sd_years) = moments(&ages);
    let hours: usize = cases.iter().map(|case| case.hourly.hours).sum();
    let width = contract.variables.len();
    for (index, variable) in contract.variables.iter_mut().enumerate() {
        let column = |case: &Case| case.hourly.values.iter().skip(index).step_by(width).copied().collect::<Vec<f32>>();
        let mut values: Vec<f64> = cases.iter().flat_map(column).filter(|v| !v.is_nan()).map(f64::from).collect();
        values.sort_by(f64::total_cmp);
        variable.seen = rounded(values.len() as f64 / hours as f64);
        if let (Some(low), Some(high)) = (quantile(&values, 0.005), quantile(&values, 0.995))
            && low < high
        {
            variable.range = [rounded(low), rounded(high)];
        }
        let [low, high] = variable.range;
        let bent: Vec<f64> = values
            .iter()
            .map(|value| value.clamp(low, high))
            .map(|value| if variable.log { value.ln_1p() } else { value })
            .collect();
        (variable.mean, variable.sd) = moments(&bent);
        variable.gap = rounded(mean_gap(cases, index));
    }
    contract
}

/// Mean of the scaled time since the last measurement.
fn mean_gap(cases: &[Case], variable: usize) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for case in cases {
        let origins = case.hourly.origins(variable);
        for hour in 0..case.hourly.hours {
            let since = origins.as_ref().map(|origins| origins[hour]).filter(|origin| *origin <= hour);
            sum += since.map_or(1.0, |origin| ((hour - origin) as f64 / 24.0).min(1.0));
            count += 1.0;
        }
    }
    if count > 0.0 { sum / count } else { 0.0 }
}

fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    sorted.get(((sorted.len().checked_sub(1)?) as f64 * share).round() as usize).copied()
}

/// Mean and standard deviation; (0, 1) when there is nothing to measure.
pub(super) fn moments(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    if values.len() < 2 {
        return (0.0, 1.0);
    }
    let mean = values.iter().sum::<f64>() / count;
    let sd = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
    (rounded(mean), if sd > 0.0 { rounded(sd).max(1e-6) } else { 1.0 })
}

/// Six places: the manifest is read by people.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}
