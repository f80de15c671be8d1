//! 95 % intervals: the percentile bootstrap over clusters (Efron & Tibshirani 1993), and Wilson's for shares.
//!
//! Contract: deterministic for a seed, whatever the number of threads; a resample is a multiplicity per case, so that a
//! metric is computed by the same code for all cases and for a resample.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap};

/// Resamples drawn.
pub const RESAMPLES: u64 = 1_000;
/// A metric that is undefined in more resamples than this share gets no interval.
const UNDEFINED_MAX: f64 = 0.05;
/// Quantile of the standard normal distribution for 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// Named figures of some cases; undefined ones are left out.
pub type Figures = Vec<(String, f64)>;

/// Something whose figures can be computed for cases that count several times, or not at all.
pub trait Measured: Sync {
    /// The figures when case `i` counts `weights[i]` times.
    fn figures(&self, weights: &[u32]) -> Figures;

    /// Those that also make sense in small parts of the cases.
    fn part_figures(&self, weights: &[u32]) -> Figures {
        self.figures(weights)
    }
}

/// Clusters (patients, documents) as lists of cases.
pub struct Clusters(Vec<Vec<usize>>);

impl Clusters {
    /// Cases with the same name belong together; `keep` says which cases count at all.
    pub fn of<'a>(names: impl Iterator<Item = &'a str>, keep: impl Fn(usize) -> bool) -> Self {
        let mut found: HashMap<&str, usize> = HashMap::new();
        let mut clusters: Vec<Vec<usize>> = Vec::new();
        for (case, name) in names.enumerate().filter(|(case, _)| keep(*case)) {
            let at = *found.entry(name).or_insert(clusters.len());
            if at == clusters.len() {
                clusters.push(Vec::new());
            }
            clusters[at].push(case);
        }
        Self(clusters)
    }

    /// As many clusters as there are, drawn with replacement.
    fn draw(&self, cases: usize, rng: &mut ChaCha8Rng) -> Vec<u32> {
        let mut weights = vec![0; cases];
        for _ in 0..self.0.len() {
            for case in &self.0[rng.random_range(0..self.0.len())] {
                weights[*case] += 1;
            }
        }
        weights
    }

    /// Each case once.
    pub fn all(&self, cases: usize) -> Vec<u32> {
        let mut weights = vec![0; cases];
        self.0.iter().flatten().for_each(|case| weights[*case] = 1);
        weights
    }
}

/// Figures of all cases in the clusters, and the intervals of those that have one.
pub fn measure(
    of: impl Fn(&[u32]) -> Figures + Sync,
    clusters: &Clusters,
    cases: usize,
    seed: u64,
) -> (BTreeMap<String, f64>, BTreeMap<String, [f64; 2]>) {
    let figures: BTreeMap<String, f64> = of(&clusters.all(cases)).into_iter().collect();
    let resample = |index: u64| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0xA05C_0017);
        rng.set_stream(index);
        of(&clusters.draw(cases, &mut rng))
    };
    let drawn: Vec<Figures> = (0..RESAMPLES).into_par_iter().map(resample).collect();
    let mut values: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (name, value) in drawn.into_iter().flatten() {
        values.entry(name).or_default().push(value);
    }
    let least = (1.0 - UNDEFINED_MAX) * RESAMPLES as f64;
    let known = values.into_iter().filter(|(name, values)| values.len() as f64 >= least && figures.contains_key(name));
    let intervals = known.map(|(name, values)| (name, interval(values))).collect();
    (figures, intervals)
}

/// The 2.5 % and 97.5 % quantiles, interpolated.
fn interval(mut values: Vec<f64>) -> [f64; 2] {
    values.sort_by(f64::total_cmp);
    let quantile = |share: f64| {
        let at = share * (values.len() - 1) as f64;
        let (low, high) = (values[at.floor() as usize], values[at.ceil() as usize]);
        low + (high - low) * at.fract()
    };
    [quantile(0.025), quantile(0.975)]
}

/// Wilson's 95 % interval of a share (Wilson, J Am Stat Assoc 1927;22:209); of nothing it is everything.
#[must_use]
pub fn wilson(part: usize, whole: usize) -> [f64; 2] {
    if whole == 0 {
        return [0.0, 1.0];
    }
    let (n, share) = (whole as f64, part as f64 / whole as f64);
    let scale = 1.0 + Z * Z / n;
    let centre = (share + Z * Z / (2.0 * n)) / scale;
    let half = Z / scale * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    // Rounding must not leave the share itself outside.
    [(centre - half).clamp(0.0, share), (centre + half).clamp(share, 1.0)]
}

#[cfg(test)]
mod tests {
    use super::{Clusters, Figures, Measured, measure, wilson};

    struct Mean(Vec<f64>);

    impl Measured for Mean {
        fn figures(&self, weights: &[u32]) -> Figures {
            let n: u32 = weights.iter().sum();
            let sum: f64 = self.0.iter().zip(weights).map(|(value, weight)| value * f64::from(*weight)).sum();
            vec![("mean".into(), sum / f64::from(n))]
        }
    }

    #[test]
    fn the_interval_of_a_mean_is_about_two_standard_errors_wide_on_each_side() {
        // 400 cases of 0 and 1: standard error 0.025, so about ±0.049.
        let mean = Mean((0..400).map(|index| f64::from(index % 2)).collect());
        let names: Vec<String> = (0..400).map(|index| index.to_string()).collect();
        let clusters = Clusters::of(names.iter().map(String::as_str), |_| true);
        let (figures, intervals) = measure(|weights| mean.figures(weights), &clusters, 400, 1);
        let [low, high] = intervals["mean"];
        assert!((figures["mean"] - 0.5).abs() < 1e-12);
        assert!((low - 0.451).abs() < 0.006 && (high - 0.549).abs() < 0.006, "{low} {high}");
        assert_eq!(
            measure(|weights| mean.figures(weights), &clusters, 400, 1).1,
            intervals,
            "the same seed gives the same interval"
        );
        // Cases that always come together carry less information: 40 patients of ten equal cases each.
        let names: Vec<String> = (0..400).map(|index| (index % 40).to_string()).collect();
        let clusters = Clusters::of(names.iter().map(String::as_str), |_| true);
        let [low, high] = measure(|weights| mean.figures(weights), &clusters, 400, 1).1["mean"];
        assert!(high - low > 0.28, "{low} {high}");
    }

    #[test]
    fn wilson_is_that_of_the_textbook() {
        // Newcombe, Stat Med 1998;17:857, table I: 81/263 and 0/20.
        let near = |found: [f64; 2], expected: [f64; 2]| {
            assert!((found[0] - expected[0]).abs() < 5e-5 && (found[1] - expected[1]).abs() < 5e-5, "{found:?}");
        };
        near(wilson(81, 263), [0.2553, 0.3662]);
        near(wilson(0, 20), [0.0, 0.1611]);
        assert_eq!(wilson(0, 0), [0.0, 1.0]);
    }
}
