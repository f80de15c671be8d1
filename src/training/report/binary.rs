//! Figures of a yes-or-no question, for cases that may count several times.
//!
//! Contract: with every weight 1 the figures are those of [`crate::training::metrics`] (held by a test).

use super::bootstrap::{Figures, Measured};
use crate::training::metrics::{self, BINS};

/// Probabilities nearer to 0 or 1 than this are taken as this far away in logarithms.
const EDGE: f64 = 1e-12;
/// Steps of Newton's method for the calibration slope; it starts at the answer of all cases.
const STEPS: usize = 25;

/// One answered case.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Case {
    /// Raw score, by which cases are ranked.
    pub score: f64,
    /// Calibrated probability.
    pub probability: f64,
    /// Whether it has the finding.
    pub positive: bool,
}

/// Cases with everything that does not depend on how often each counts.
pub struct Binary {
    prefix: String,
    cases: Vec<Case>,
    threshold: f64,
    /// Cases from the highest score down, and whether the next one has the same score.
    order: Vec<(usize, bool)>,
    log_odds: Vec<f64>,
    /// Calibration slope and intercept of all cases, where the search for those of a resample starts.
    start: (f64, f64),
}

impl Binary {
    /// `prefix` stands before every figure's name (`oa_`, or nothing).
    #[must_use]
    pub fn new(prefix: &str, cases: Vec<Case>, threshold: f64) -> Self {
        let mut order: Vec<usize> = (0..cases.len()).collect();
        order.sort_by(|a, b| cases[*b].score.total_cmp(&cases[*a].score));
        let level = |at: usize| order.get(at + 1).is_some_and(|next| cases[*next].score == cases[order[at]].score);
        let order = (0..order.len()).map(|at| (order[at], level(at))).collect();
        let log_odds = cases.iter().map(|case| logit(case.probability)).collect();
        let mut binary = Self { prefix: prefix.to_owned(), cases, threshold, order, log_odds, start: (1.0, 0.0) };
        binary.start = binary.recalibration(&vec![1; binary.cases.len()]).unwrap_or((1.0, 0.0));
        binary
    }

    /// The cases.
    #[must_use]
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// Area under the ROC curve alone.
    #[must_use]
    pub fn auroc(&self, weights: &[u32]) -> Option<f64> {
        let both = self.cases.iter().zip(weights).fold([0.0; 2], |mut sum, (case, weight)| {
            sum[usize::from(case.positive)] += f64::from(*weight);
            sum
        });
        self.ranking(weights, both[1], both[0])[0]
    }

    /// Ranking figures in one pass from the highest score down: AUROC, average precision, event 1.
    fn ranking(&self, weights: &[u32], positives: f64, negatives: f64) -> [Option<f64>; 3] {
        let (mut found, mut called, mut won, mut precision, mut event1) = (0.0, 0.0, 0.0, 0.0, 0.0_f64);
        let (mut level_positive, mut level) = (0.0, 0.0);
        for (case, more) in &self.order {
            let weight = f64::from(weights[*case]);
            level += weight;
            level_positive += if self.cases[*case].positive { weight } else { 0.0 };
            if *more || level == 0.0 {
                continue;
            }
            won += (level - level_positive) * (found + level_positive / 2.0);
            found += level_positive;
            called += level;
            precision += level_positive / positives * (found / called);
            event1 = event1.max((found / positives).min(found / called));
            (level_positive, level) = (0.0, 0.0);
        }
        let some = positives > 0.0;
        [
            (some && negatives > 0.0).then(|| won / (positives * negatives)),
            some.then_some(precision),
            some.then_some(event1),
        ]
    }

    /// Slope of a logistic regression of the outcome on the predicted log-odds, and the intercept with the slope held at
    /// 1 (calibration in the large); 1 and 0 are perfect (Van Calster et al., BMC Med 2019;17:230).
    fn recalibration(&self, weights: &[u32]) -> Option<(f64, f64)> {
        let mut both = (self.start.0, 0.0);
        let mut large = self.start.1;
        for step in 0..STEPS {
            let (mut g, mut h, mut gl, mut hl) = ([0.0; 2], [1e-9, 0.0, 1e-9], 0.0, 1e-9);
            for ((case, x), weight) in self.cases.iter().zip(&self.log_odds).zip(weights) {
                if *weight == 0 {
                    continue;
                }
                let (weight, target) = (f64::from(*weight), f64::from(u8::from(case.positive)));
                let p = 1.0 / (1.0 + (-(both.0 * x + both.1)).exp());
                let spread = weight * p * (1.0 - p);
                g = [g[0] + weight * (p - target) * x, g[1] + weight * (p - target)];
                h = [h[0] + spread * x * x, h[1] + spread * x, h[2] + spread];
                let p = 1.0 / (1.0 + (-(x + large)).exp());
                gl += weight * (p - target);
                hl += weight * p * (1.0 - p);
            }
            let determinant = h[0] * h[2] - h[1] * h[1];
            // Steps are held short: with few cases the regression may be (nearly) separable.
            let part = |value: f64| (value / determinant).clamp(-1.0, 1.0);
            let moved = (part(h[2] * g[0] - h[1] * g[1]), part(h[0] * g[1] - h[1] * g[0]), (gl / hl).clamp(-1.0, 1.0));
            both = (both.0 - moved.0, both.1 - moved.1);
            large -= moved.2;
            if moved.0.abs() + moved.1.abs() + moved.2.abs() < 1e-6 {
                break;
            }
            if step + 1 == STEPS {
                return None;
            }
        }
        (both.0.is_finite() && large.is_finite()).then_some((both.0, large))
    }
}

impl Measured for Binary {
    fn figures(&self, weights: &[u32]) -> Figures {
        let mut figures = self.part_figures(weights);
        let kinds = |positive| self.cases.iter().zip(weights).any(|(case, n)| case.positive == positive && *n > 0);
        if kinds(true)
            && kinds(false)
            && let Some((slope, intercept)) = self.recalibration(weights)
        {
            figures.push((format!("{}calibration_slope", self.prefix), slope));
            figures.push((format!("{}calibration_intercept", self.prefix), intercept));
        }
        figures
    }

    fn part_figures(&self, weights: &[u32]) -> Figures {
        let mut sums = Sums::default();
        for (case, weight) in self.cases.iter().zip(weights).filter(|(_, weight)| **weight > 0) {
            sums.add(case, f64::from(*weight), self.threshold);
        }
        let Sums { counts: [tp, fp, fn_, tn], .. } = sums;
        let (positives, negatives, n) = (tp + fn_, fp + tn, tp + fp + fn_ + tn);
        let share = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
        let [auroc, auprc, event1] = self.ranking(weights, positives, negatives);
        let figures = [
            ("auroc", auroc),
            ("auprc", auprc),
            ("event1", event1),
            ("accuracy", share(tp + tn, n)),
            ("accuracy_at_half", share(sums.right_at_half, n)),
            ("sensitivity", share(tp, positives)),
            ("specificity", share(tn, negatives)),
            ("ppv", share(tp, tp + fp)),
            ("npv", share(tn, tn + fn_)),
            ("alerts_per_100", share(100.0 * (tp + fp), n)),
            ("brier", share(sums.squares, n)),
            ("log_loss", share(sums.logarithms, n)),
            ("ece", share(sums.surplus.iter().map(|one| one.abs()).sum(), n)),
        ];
        figures.into_iter().filter_map(|(name, value)| Some((format!("{}{name}", self.prefix), value?))).collect()
    }
}

/// What needs no order.
#[derive(Default)]
struct Sums {
    /// True positives, false positives, false negatives, true negatives.
    counts: [f64; 4],
    right_at_half: f64,
    squares: f64,
    logarithms: f64,
    surplus: [f64; BINS],
}

impl Sums {
    fn add(&mut self, case: &Case, weight: f64, threshold: f64) {
        let p = case.probability;
        let target = f64::from(u8::from(case.positive));
        self.counts[2 * usize::from(p < threshold) + usize::from(!case.positive)] += weight;
        self.right_at_half += if (p >= 0.5) == case.positive { weight } else { 0.0 };
        self.squares += weight * (p - target).powi(2);
        let likelihood = if case.positive { p } else { 1.0 - p };
        self.logarithms -= weight * likelihood.max(EDGE).ln();
        self.surplus[metrics::bin(p)] += weight * (target - p);
    }
}

fn logit(probability: f64) -> f64 {
    let p = probability.clamp(EDGE, 1.0 - EDGE);
    (p / (1.0 - p)).ln()
}

#[cfg(test)]
mod tests {
    use super::{Binary, Case};
    use crate::training::{metrics, report::bootstrap::Measured as _};
    use std::collections::BTreeMap;

    fn cases() -> Vec<Case> {
        // A made-up network that is overconfident: true log-odds are half of those it gives. Scores repeat.
        (0..600_u32)
            .map(|index| {
                let x = f64::from(index % 41) / 4.0 - 5.0;
                let truth = 1.0 / (1.0 + (-x / 2.0).exp());
                let positive = f64::from((index * 7919) % 1000) / 1000.0 < truth;
                Case { score: x, probability: 1.0 / (1.0 + (-x).exp()), positive }
            })
            .collect()
    }

    #[test]
    fn with_every_case_once_the_figures_are_those_of_the_definitions() {
        let cases = cases();
        let (scores, p): (Vec<f64>, Vec<f64>) = cases.iter().map(|case| (case.score, case.probability)).unzip();
        let labels: Vec<bool> = cases.iter().map(|case| case.positive).collect();
        let found: BTreeMap<String, f64> =
            Binary::new("", cases, 0.3).figures(&vec![1; labels.len()]).into_iter().collect();
        let counts = metrics::confusion_at(&p, &labels, 0.3);
        let expected = [
            ("auroc", metrics::auroc(&scores, &labels)),
            ("auprc", metrics::auprc(&scores, &labels)),
            ("event1", metrics::event1(&scores, &labels)),
            ("accuracy", counts.accuracy()),
            ("sensitivity", counts.sensitivity()),
            ("specificity", counts.specificity()),
            ("ppv", counts.ppv()),
            ("alerts_per_100", counts.alerts_per_100()),
            ("brier", metrics::brier(&p, &labels)),
            ("ece", metrics::ece(&p, &labels)),
        ];
        for (name, value) in expected {
            assert!((found[name] - value.unwrap()).abs() < 1e-12, "{name}: {} instead of {value:?}", found[name]);
        }
        assert!((found["calibration_slope"] - 0.5).abs() < 0.08, "{}", found["calibration_slope"]);
        assert!(found["calibration_intercept"].abs() < 0.3);
    }

    #[test]
    fn a_weight_is_as_good_as_a_repeated_case() {
        let cases = cases();
        let weights: Vec<u32> = (0..cases.len() as u32).map(|index| (index * 31) % 4).collect();
        let repeated: Vec<Case> =
            cases.iter().zip(&weights).flat_map(|(case, weight)| vec![*case; *weight as usize]).collect();
        let once = vec![1; repeated.len()];
        let (a, b) =
            (Binary::new("oa_", cases, 0.4).figures(&weights), Binary::new("oa_", repeated, 0.4).figures(&once));
        assert_eq!(a.len(), b.len());
        for ((name, a), (other, b)) in a.iter().zip(&b) {
            assert!(name == other && (a - b).abs() < 1e-5, "{name}: {a} and {b}");
        }
    }

    #[test]
    fn what_is_not_defined_is_left_out() {
        let case = Case { score: 1.0, probability: 0.9, positive: true };
        let names: Vec<String> =
            Binary::new("", vec![case; 3], 0.5).figures(&[1; 3]).into_iter().map(|(name, _)| name).collect();
        assert!(
            !names.iter().any(|name| ["auroc", "specificity", "npv", "calibration_slope"].contains(&name.as_str()))
        );
        assert!(names.iter().any(|name| name == "sensitivity"));
    }
}
