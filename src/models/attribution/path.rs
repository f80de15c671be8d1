//! Integrated gradients (Sundararajan, Taly & Yan, ICML 2017) along a straight line, midpoint rule.
//!
//! Contract: by completeness the contributions sum to the difference of the scores at both ends; how far they miss is
//! the gap. Points are doubled until it is small enough or the effort is spent.

use super::Effort;
use candle_core::{Device, Result, Tensor, Var};

/// Points tried first.
const FIRST: usize = 8;
/// Points in one pass: bounds the memory of a backward pass.
const PASS: usize = 16;
/// A gap up to this share of the change of score is accepted …
const TOLERANCE: f64 = 0.05;
/// … and up to this many log-odds in any case: too little to move a probability by more than a point or two.
const TOLERANCE_MIN: f64 = 0.05;

/// The greatest gap accepted when a score changes by `change`.
#[must_use]
pub fn tolerance(change: f64) -> f64 {
    (TOLERANCE * change.abs()).max(TOLERANCE_MIN)
}

/// How far the contributions are from what they explain.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Check {
    /// Score at the input less score at the baseline.
    pub change: f64,
    /// |sum of contributions − change|.
    pub gap: f64,
    /// The greatest gap accepted.
    pub tolerance: f64,
    /// Points on the line.
    pub points: usize,
    /// Points of all tries together.
    pub spent: usize,
}

/// Share of the way at every point.
pub fn midpoints(points: usize) -> impl Iterator<Item = f32> {
    (0..points).map(move |point| (point as f32 + 0.5) / points as f32)
}

/// Calls `integrate` with more and more points until the sum it gives comes close to `change`.
///
/// # Errors
/// The first error of `integrate`.
pub fn until_close<T>(
    effort: Effort,
    change: f64,
    mut integrate: impl FnMut(usize) -> Result<(T, f64)>,
) -> Result<(T, Check)> {
    let tolerance = tolerance(change);
    let (mut points, mut spent) = (FIRST.min(effort.points_max.max(1)), 0);
    loop {
        let (found, sum) = integrate(points)?;
        spent += points;
        let gap = (sum - change).abs();
        // Not `gap > tolerance`: that is false for a gap that is not a number.
        if gap <= tolerance || spent + 2 * points > effort.points_max {
            return Ok((found, Check { change, gap, tolerance, points, spent }));
        }
        points *= 2;
    }
}

/// Contributions of every number of one input.
#[derive(Debug, Clone, PartialEq)]
pub struct Integrated {
    /// In the order of the input.
    pub parts: Vec<f64>,
    /// How well they add up.
    pub check: Check,
}

/// An input, where its line begins, and the shape of both.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// The input.
    pub input: &'a [f32],
    /// The baseline.
    pub baseline: &'a [f32],
    /// Shape of one input.
    pub shape: &'a [usize],
}

impl Line<'_> {
    /// Some points of the line as one tensor, (shares, shape…).
    fn at(&self, shares: &[f32]) -> Result<Tensor> {
        let pair = || self.input.iter().zip(self.baseline);
        let values: Vec<f32> =
            shares.iter().flat_map(|share| pair().map(move |(input, base)| base + share * (input - base))).collect();
        Tensor::from_vec(values, [&[shares.len()], self.shape].concat(), &Device::Cpu)
    }

    /// Integrates `score`, which maps (points, shape…) to one score per point, (points).
    ///
    /// # Errors
    /// Candle's, or when `score` passes no gradient to its input.
    pub fn integrate(&self, effort: Effort, score: &dyn Fn(&Tensor) -> Result<Tensor>) -> Result<Integrated> {
        let ends = score(&self.at(&[1.0, 0.0])?)?.to_vec1::<f32>()?;
        let change = f64::from(ends[0]) - f64::from(ends[1]);
        let (parts, check) = until_close(effort, change, |points| {
            let parts = self.with_points(points, score)?;
            let sum = parts.iter().sum();
            Ok((parts, sum))
        })?;
        Ok(Integrated { parts, check })
    }

    /// With exactly so many points.
    ///
    /// # Errors
    /// As [`Line::integrate`].
    pub fn with_points(&self, points: usize, score: &dyn Fn(&Tensor) -> Result<Tensor>) -> Result<Vec<f64>> {
        let mut slopes = vec![0.0f64; self.input.len()];
        let shares: Vec<f32> = midpoints(points).collect();
        for shares in shares.chunks(PASS) {
            let at = Var::from_tensor(&self.at(shares)?)?;
            let gradients = score(&at)?.sum_all()?.backward()?;
            let Some(gradient) = gradients.get(&at) else {
                candle_core::bail!("the network passes no gradient to its input")
            };
            let sum = gradient.sum(0)?.flatten_all()?.to_vec1::<f32>()?;
            slopes.iter_mut().zip(sum).for_each(|(slope, part)| *slope += f64::from(part));
        }
        let moved = self.input.iter().zip(self.baseline).map(|(input, base)| f64::from(input - base));
        Ok(slopes.iter().zip(moved).map(|(slope, moved)| slope / points as f64 * moved).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::{Effort, Line, tolerance, until_close};
    use candle_core::Tensor;

    /// x₀² + 3·x₁·x₂ per point.
    fn score(x: &Tensor) -> candle_core::Result<Tensor> {
        let column = |at| x.narrow(1, at, 1)?.squeeze(1);
        column(0)?.sqr()? + (column(1)? * column(2)?)?.affine(3.0, 0.0)?
    }

    #[test]
    fn contributions_of_a_polynomial_are_those_of_its_exact_integral() {
        let line = Line { input: &[2.0, 1.0, -1.0], baseline: &[0.0; 3], shape: &[3] };
        let found = line.integrate(Effort::FULL, &score).unwrap();
        // ∫ of 2x₀ → x₀²; of 3x₁x₂, half to each of the two.
        for (part, exact) in found.parts.iter().zip([4.0, -1.5, -1.5]) {
            assert!((part - exact).abs() < 1e-5, "{:?}", found.parts);
        }
        assert!(found.check.gap < 1e-5 && (found.check.change - 1.0).abs() < 1e-6);
        assert_eq!(found.check.points, 8);
    }

    #[test]
    fn points_are_doubled_until_the_sum_is_close_or_the_effort_is_spent() {
        let mut tried = Vec::new();
        let (_, check) = until_close(Effort::points(100), 1.0, |points| {
            tried.push(points);
            Ok(((), 1.0 + 1.5 / points as f64))
        })
        .unwrap();
        assert_eq!((tried, check.points, check.spent), (vec![8, 16, 32], 32, 56));
        let (_, spent) = until_close(Effort::points(3), 1.0, |_| Ok(((), 9.0))).unwrap();
        assert!(spent.points == 3 && spent.gap > spent.tolerance);
    }

    #[test]
    fn a_sum_that_is_no_number_is_never_close() {
        let (_, check) = until_close(Effort::points(32), 1.0, |_| Ok(((), f64::NAN))).unwrap();
        assert!(check.gap.is_nan() && check.points == 16);
        assert_eq!([tolerance(0.0), tolerance(-10.0)], [0.05, 0.5]);
    }
}
