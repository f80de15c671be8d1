//! From raw scores to probabilities, and from probabilities to the threshold at which a card appears.
//!
//! Contract: fitted on validation data only; what is written into the manifest (sensitivity, PPV, alerts, calibration
//! error) is measured here on the same cases, so that `evaluate` finds the same figures.

use super::metrics::{self, OperatingPoint};
use crate::models::manifest::{Calibration, Label};

/// Why no calibration or threshold can be had.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CalibrationError {
    /// One class is missing, a score is not a finite number, or the lengths differ.
    #[error("calibration needs positive and negative cases with finite scores")]
    Cases,
    /// The fitted slope is not positive: higher scores do not mean more risk.
    #[error("the scores do not rise with the outcome")]
    Slope,
    /// No threshold fulfils the policy.
    #[error("no threshold has {0}")]
    Policy(String),
}

/// Platt scaling: probability = sigmoid(slope × score + intercept) by maximum likelihood with Platt's smoothed targets,
/// found by Newton's method with step halving (Platt 1999; Lin, Lin & Weng, Machine Learning 2007;68:267).
///
/// # Errors
/// [`CalibrationError`] when a class is missing or scores do not rise with the outcome.
pub fn platt(scores: &[f64], labels: &[bool]) -> Result<Calibration, CalibrationError> {
    let positives = labels.iter().filter(|label| **label).count() as f64;
    let negatives = labels.len() as f64 - positives;
    if scores.len() != labels.len() || positives == 0.0 || negatives == 0.0 || scores.iter().any(|s| !s.is_finite()) {
        return Err(CalibrationError::Cases);
    }
    // Smoothed targets keep the slope finite when the classes are separable.
    let (high, low) = ((positives + 1.0) / (positives + 2.0), 1.0 / (negatives + 2.0));
    let cases: Vec<(f64, f64)> =
        scores.iter().zip(labels).map(|(score, label)| (*score, if *label { high } else { low })).collect();
    let (slope, intercept) = newton(&cases, (0.0, ((positives + 1.0) / (negatives + 1.0)).ln()));
    if !(slope > 0.0 && slope.is_finite() && intercept.is_finite()) {
        return Err(CalibrationError::Slope);
    }
    let mut calibration = Calibration { slope, intercept, ece: 0.0, brier: 0.0 };
    let probabilities: Vec<f64> = scores.iter().map(|score| calibration.probability(*score)).collect();
    calibration.ece = metrics::ece(&probabilities, labels).ok_or(CalibrationError::Cases)?;
    calibration.brier = metrics::brier(&probabilities, labels).ok_or(CalibrationError::Cases)?;
    Ok(calibration)
}

/// Minimises the cross-entropy of sigmoid(a·x + b) against soft targets.
fn newton(cases: &[(f64, f64)], mut at: (f64, f64)) -> (f64, f64) {
    let mut loss = cross_entropy(cases, at);
    for _ in 0..100 {
        let (mut ga, mut gb, mut haa, mut hab, mut hbb) = (0.0, 0.0, 1e-12, 0.0, 1e-12);
        for (x, target) in cases {
            let p = 1.0 / (1.0 + (-(at.0 * x + at.1)).exp());
            let (residual, weight) = (p - target, p * (1.0 - p));
            ga += residual * x;
            gb += residual;
            haa += weight * x * x;
            hab += weight * x;
            hbb += weight;
        }
        if ga.abs() < 1e-9 && gb.abs() < 1e-9 {
            break;
        }
        let determinant = haa * hbb - hab * hab;
        let step = ((hbb * ga - hab * gb) / determinant, (haa * gb - hab * ga) / determinant);
        let mut size = 1.0;
        loop {
            let next = (at.0 - size * step.0, at.1 - size * step.1);
            let found = cross_entropy(cases, next);
            if found < loss {
                (at, loss) = (next, found);
                break;
            }
            size /= 2.0;
            if size < 1e-10 {
                return at;
            }
        }
    }
    at
}

/// −Σ t·log p + (1 − t)·log(1 − p), written so that neither end overflows.
fn cross_entropy(cases: &[(f64, f64)], at: (f64, f64)) -> f64 {
    let one = |(x, target): &(f64, f64)| {
        let z = at.0 * x + at.1;
        z.max(0.0) - z * target + (-z.abs()).exp().ln_1p()
    };
    cases.iter().map(one).sum()
}

/// The highest threshold whose sensitivity is at least `target`, as a manifest's label.
///
/// # Errors
/// [`CalibrationError`] when there is no positive case or `target` cannot be reached.
pub fn threshold_for_sensitivity(
    name: &str,
    probabilities: &[f64],
    labels: &[bool],
    target: f64,
) -> Result<Label, CalibrationError> {
    let points = metrics::operating_points(probabilities, labels).ok_or(CalibrationError::Cases)?;
    let policy = format!("sensitivity at least {target:.2} on validation");
    let point = points.iter().find(|point| point.sensitivity >= target);
    label_at(name, point.ok_or_else(|| CalibrationError::Policy(policy.clone()))?, policy, probabilities, labels)
}

/// The threshold with the most sensitivity among those with a positive predictive value of at least `target`.
///
/// # Errors
/// [`CalibrationError`] when there is no positive case or `target` cannot be reached.
pub fn threshold_for_ppv(
    name: &str,
    probabilities: &[f64],
    labels: &[bool],
    target: f64,
) -> Result<Label, CalibrationError> {
    let points = metrics::operating_points(probabilities, labels).ok_or(CalibrationError::Cases)?;
    let policy = format!("positive predictive value at least {target:.2} on validation");
    let point = points.iter().rev().find(|point| point.ppv >= target);
    label_at(name, point.ok_or_else(|| CalibrationError::Policy(policy.clone()))?, policy, probabilities, labels)
}

/// The threshold with the greatest min(sensitivity, PPV) (event 1 of the PhysioNet Challenge 2012); of equals the
/// strictest.
///
/// # Errors
/// [`CalibrationError`] when there is no positive case.
pub fn threshold_for_event1(name: &str, probabilities: &[f64], labels: &[bool]) -> Result<Label, CalibrationError> {
    let points = metrics::operating_points(probabilities, labels).ok_or(CalibrationError::Cases)?;
    let best = points.iter().rev().max_by(|a, b| a.event1().total_cmp(&b.event1())).ok_or(CalibrationError::Cases)?;
    label_at(name, best, "greatest min(sensitivity, PPV) on validation".into(), probabilities, labels)
}

/// The threshold with the greatest sensitivity + specificity (Youden, Cancer 1950;3:32); of equals the strictest.
///
/// # Errors
/// [`CalibrationError`] when there is no positive case.
pub fn threshold_for_youden(name: &str, probabilities: &[f64], labels: &[bool]) -> Result<Label, CalibrationError> {
    let points = metrics::operating_points(probabilities, labels).ok_or(CalibrationError::Cases)?;
    let best = points.iter().rev().max_by(|a, b| a.youden().total_cmp(&b.youden())).ok_or(CalibrationError::Cases)?;
    label_at(name, best, "greatest sensitivity + specificity on validation".into(), probabilities, labels)
}

/// The label with its figures at the threshold as it will be stored.
fn label_at(
    name: &str,
    point: &OperatingPoint,
    policy: String,
    probabilities: &[f64],
    labels: &[bool],
) -> Result<Label, CalibrationError> {
    // A manifest's threshold lies strictly between 0 and 1.
    let threshold = point.threshold().clamp(1e-6, 1.0 - 1e-6);
    let counts = metrics::confusion_at(probabilities, labels, threshold);
    Ok(Label {
        name: name.to_owned(),
        threshold,
        policy,
        sensitivity: counts.sensitivity().ok_or(CalibrationError::Cases)?,
        ppv: counts.ppv().ok_or(CalibrationError::Cases)?,
        alerts_per_100: counts.alerts_per_100().ok_or(CalibrationError::Cases)?,
        conformal: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_levels_of_score_are_calibrated_to_their_shares() {
        // 1,000 cases at −1 with 10 % positives, 1,000 at +1 with 60 %: the two logits fix slope and intercept.
        let mut scores = vec![-1.0; 1000];
        scores.extend(vec![1.0; 1000]);
        let labels: Vec<bool> = (0..2000).map(|i| if i < 1000 { i % 10 == 0 } else { i % 5 < 3 }).collect();
        let found = platt(&scores, &labels).unwrap();
        let (low, high) = ((0.1_f64 / 0.9).ln(), (0.6_f64 / 0.4).ln());
        assert!((found.slope - (high - low) / 2.0).abs() < 0.02, "{found:?}");
        assert!((found.intercept - (high + low) / 2.0).abs() < 0.02, "{found:?}");
        assert!(found.ece < 0.002 && (found.brier - (0.09 + 0.24) / 2.0).abs() < 1e-4, "{found:?}");
    }

    #[test]
    fn separable_scores_keep_a_finite_slope() {
        let found = platt(&[-2.0, -1.0, 1.0, 2.0], &[false, false, true, true]).unwrap();
        assert!(found.slope > 0.0 && found.slope < 10.0, "{found:?}");
    }

    #[test]
    fn scores_that_fall_with_the_outcome_are_refused() {
        assert_eq!(platt(&[2.0, 1.0, -1.0, -2.0], &[false, false, true, true]), Err(CalibrationError::Slope));
        assert_eq!(platt(&[1.0, 2.0], &[true, true]), Err(CalibrationError::Cases));
    }

    #[test]
    fn the_threshold_for_a_sensitivity_is_the_highest_that_reaches_it() {
        let probabilities = [0.9, 0.8, 0.7, 0.6, 0.2, 0.1];
        let labels = [true, false, true, false, true, false];
        let label = threshold_for_sensitivity("x", &probabilities, &labels, 0.6).unwrap();
        assert!((label.threshold - 0.65).abs() < 1e-12, "{label:?}");
        assert!((label.sensitivity - 2.0 / 3.0).abs() < 1e-12);
        assert!((label.ppv - 2.0 / 3.0).abs() < 1e-12);
        assert!((label.alerts_per_100 - 50.0).abs() < 1e-12);
    }

    #[test]
    fn the_other_policies_pick_their_points() {
        let probabilities = [0.9, 0.8, 0.7, 0.6, 0.2, 0.1];
        let labels = [true, true, false, false, true, false];
        assert!((threshold_for_event1("x", &probabilities, &labels).unwrap().threshold - 0.75).abs() < 1e-12);
        assert!((threshold_for_ppv("x", &probabilities, &labels, 0.6).unwrap().threshold - 0.15).abs() < 1e-12);
        assert!((threshold_for_youden("x", &probabilities, &labels).unwrap().threshold - 0.75).abs() < 1e-12);
        assert!(threshold_for_ppv("x", &[0.9, 0.1], &[false, true], 0.9).is_err());
    }
}
