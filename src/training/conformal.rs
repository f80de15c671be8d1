//! Conformal limits: what remains possible at a promised coverage, fitted on the split `tune`.
//!
//! Contract: split conformal prediction with the finite-sample quantile, the ⌈(n + 1) × coverage⌉-th smallest
//! nonconformity of n held-out cases (Vovk, Gammerman & Shafer 2005; Lei et al., JASA 2018;113:1094). A new case from the
//! same population is covered with at least that probability on average over such sets of n; what is promised is less, by
//! what luck with the n cases can cost ([`assured`]). With too few cases nothing is ruled out.

use crate::models::manifest::Conformal;

/// Why no limits can be had.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum ConformalError {
    /// The coverage is not strictly between 0 and 1.
    #[error("a coverage of {0} cannot be promised")]
    Coverage(f64),
    /// The numbers of scores and labels differ, or a score is not a finite number.
    #[error("conformal limits need as many finite scores as labels")]
    Cases,
}

/// The ⌈(n + 1) × coverage⌉-th smallest of `scores` (nonconformities: higher is stranger); infinite when there are too
/// few of them to promise the coverage.
///
/// # Errors
/// [`ConformalError`] when the coverage is not between 0 and 1 or a score is not a finite number.
pub fn quantile(scores: &[f64], coverage: f64) -> Result<f64, ConformalError> {
    if !(coverage > 0.0 && coverage < 1.0) {
        return Err(ConformalError::Coverage(coverage));
    }
    if scores.iter().any(|score| !score.is_finite()) {
        return Err(ConformalError::Cases);
    }
    let mut sorted = scores.to_vec();
    sorted.sort_by(f64::total_cmp);
    Ok(sorted.get(rank(sorted.len(), coverage) - 1).copied().unwrap_or(f64::INFINITY))
}

/// ⌈(n + 1) × coverage⌉, at least 1.
fn rank(n: usize, coverage: f64) -> usize {
    // The small number keeps 10 × 0.9 from becoming 9.000…01 and then 10.
    ((n + 1) as f64 * coverage - 1e-9).ceil().max(1.0) as usize
}

/// How sure one may be that a promise is kept.
const ASSURANCE: f64 = 0.90;

/// The coverage that limits fitted on `n` cases for `coverage` have at least, with a probability of 0.90 over the draw of
/// those cases: the coverage of the k-th smallest of n is distributed as Beta(k, n + 1 − k) (Vovk, "Conditional validity of
/// inductive conformal predictors", ACML 2012, proposition 2a). Rounded down to a tenth of a percent; `coverage` itself
/// when there are too few cases to rule anything out.
#[must_use]
pub fn assured(n: usize, coverage: f64) -> f64 {
    let rank = rank(n, coverage);
    if rank > n {
        return coverage;
    }
    // Beta(k, n + 1 − k) is at most p as often as at least k of n cases with chance p happen.
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..50 {
        let middle = f64::midpoint(low, high);
        if at_least(rank, n, middle) > 1.0 - ASSURANCE { high = middle } else { low = middle }
    }
    (low * 1000.0).floor() / 1000.0
}

/// Probability of at least `k` successes in `n` trials with chance `p`.
fn at_least(k: usize, n: usize, p: f64) -> f64 {
    // From n successes downwards: each term from the one before, in logarithms because p^n underflows.
    let (odds, mut term) = (((1.0 - p) / p).ln(), n as f64 * p.ln());
    let mut sum = term.exp();
    for successes in (k..n).rev() {
        term += ((successes + 1) as f64 / (n - successes) as f64).ln() + odds;
        sum += term.exp();
    }
    sum
}

/// Limits on the calibrated probability of a binary finding, for each class on its own (Vovk 2012); what is promised is
/// [`assured`] for both.
///
/// # Errors
/// [`ConformalError`] when the coverage is not between 0 and 1, lengths differ or a probability is not finite.
pub fn binary(probabilities: &[f64], labels: &[bool], coverage: f64) -> Result<Conformal, ConformalError> {
    if probabilities.len() != labels.len() {
        return Err(ConformalError::Cases);
    }
    let cases = probabilities.iter().zip(labels);
    // For "it is there" a low probability is strange, for "it is not there" a high one.
    let there: Vec<f64> = cases.clone().filter(|(_, label)| **label).map(|(p, _)| -p).collect();
    let absent: Vec<f64> = cases.filter(|(_, label)| !**label).map(|(p, _)| *p).collect();
    let yes_from = (-quantile(&there, coverage)?).max(0.0);
    let no_to = quantile(&absent, coverage)?.min(1.0);
    let coverage = assured(there.len(), coverage).min(assured(absent.len(), coverage));
    Ok(Conformal { coverage, yes_from, no_to })
}

/// Coverages that [`without_gap`] tries.
const LADDER: [f64; 8] = [0.90, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99];

/// Limits of the smallest coverage, from 0.90 up, that do not leave a gap: where the limits of a good network cross, no
/// answer remains between them, which is answered "cannot tell" and makes the answers truer than promised.
///
/// # Errors
/// As [`binary`].
pub fn without_gap(probabilities: &[f64], labels: &[bool]) -> Result<Conformal, ConformalError> {
    let mut limits = binary(probabilities, labels, LADDER[0])?;
    for coverage in LADDER {
        limits = binary(probabilities, labels, coverage)?;
        if limits.yes_from <= limits.no_to {
            break;
        }
    }
    Ok(limits)
}

#[cfg(test)]
mod tests {
    use super::{ConformalError, assured, at_least, binary, quantile, without_gap};
    use crate::domain::Answer;
    use rand::{RngExt as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn the_quantile_is_the_rank_the_theorem_asks_for() {
        let nine: Vec<f64> = (1..=9).map(f64::from).collect();
        assert_eq!(quantile(&nine, 0.9), Ok(9.0), "(9 + 1) × 0.9 = 9");
        assert_eq!(quantile(&nine[..8], 0.9), Ok(f64::INFINITY), "8 cases cannot promise 90 %");
        assert_eq!(quantile(&nine, 0.5), Ok(5.0));
        assert_eq!(quantile(&[], 0.5), Ok(f64::INFINITY));
        assert_eq!(quantile(&nine, 1.0), Err(ConformalError::Coverage(1.0)));
        assert_eq!(quantile(&[f64::NAN], 0.5), Err(ConformalError::Cases));
    }

    #[test]
    fn each_class_has_its_own_limit_and_too_few_cases_rule_nothing_out() {
        let probabilities: Vec<f64> = (1..=20).map(|k| f64::from(k) / 20.0).collect();
        let labels: Vec<bool> = (1..=20).map(|k| k > 10).collect();
        let limits = binary(&probabilities, &labels, 0.8).unwrap();
        // 9th of ten: the second lowest of the positive, the second highest of the negative ones.
        assert!((limits.yes_from - 0.6).abs() < 1e-12 && (limits.no_to - 0.45).abs() < 1e-12, "{limits:?}");
        let few = binary(&[0.2, 0.9], &[false, true], 0.9).unwrap();
        assert_eq!((few.yes_from, few.no_to), (0.0, 1.0));
        assert_eq!(few.certainty(0.99).answer, Answer::Either);
        assert_eq!(binary(&[0.2], &[], 0.9), Err(ConformalError::Cases));
    }

    #[test]
    fn what_is_promised_allows_for_luck_with_few_cases() {
        assert!((at_least(2, 3, 0.5) - 0.5).abs() < 1e-12, "of eight ways of three tosses four have two heads or more");
        // 9 cases at 0.9: the greatest of nine; it covers p at most with probability p^9, which is 0.1 at 0.774.
        assert_eq!(assured(9, 0.9), 0.774);
        assert_eq!(assured(8, 0.9), 0.9, "nothing is ruled out");
        let many = assured(5000, 0.9);
        assert!(many > 0.893 && many < 0.9, "{many}");
    }

    #[test]
    fn limits_without_a_gap_do_not_cross() {
        // 300 cases, the classes a little mixed in the middle: at 0.90 the limits cross.
        let probabilities: Vec<f64> = (0..300).map(|k| f64::from(k) / 300.0).collect();
        let labels: Vec<bool> = (0..300).map(|k| k >= 150 && k != 160 || k == 130 || k == 140 || k == 145).collect();
        let narrow = binary(&probabilities, &labels, 0.9).unwrap();
        assert!(narrow.yes_from > narrow.no_to, "{narrow:?}");
        let limits = without_gap(&probabilities, &labels).unwrap();
        assert!(limits.yes_from <= limits.no_to && limits.coverage > 0.93, "{limits:?}");
    }

    #[test]
    fn the_promise_is_kept_on_new_cases() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let mut draw = |count: usize| -> (Vec<f64>, Vec<bool>) {
            (0..count)
                .map(|_| {
                    let positive = rng.random_bool(0.3);
                    let spread = rng.random_range(-0.4..0.4);
                    ((0.5 + if positive { 0.2 } else { -0.2 } + spread), positive)
                })
                .map(|(p, positive): (f64, bool)| (p.clamp(0.0, 1.0), positive))
                .unzip()
        };
        let (tune, tune_labels) = draw(3000);
        let (test, test_labels) = draw(20_000);
        let limits = binary(&tune, &tune_labels, 0.9).unwrap();
        for class in [true, false] {
            let cases = test.iter().zip(&test_labels).filter(|(_, label)| **label == class);
            let (covered, all) = cases.fold((0usize, 0usize), |(covered, all), (p, _)| {
                let kept = if class { *p >= limits.yes_from } else { *p <= limits.no_to };
                (covered + usize::from(kept), all + 1)
            });
            let share = covered as f64 / all as f64;
            assert!((share - 0.9).abs() < 0.025, "{class}: {share}");
        }
    }
}
