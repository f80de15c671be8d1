//! Logistic regression with a quadratic penalty, on sparse and dense features together, by L-BFGS
//! (Liu & Nocedal, Mathematical Programming 1989;45:503).
//!
//! Contract: deterministic; the loss is convex, so the answer does not depend on a seed or a learning rate.

use std::collections::VecDeque;

/// Cases in rows.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// (feature, value) of every case.
    pub sparse: &'a [Vec<(u32, f32)>],
    /// Number of sparse features.
    pub sparse_width: usize,
    /// Dense features of every case, one after another.
    pub dense: &'a [f32],
    /// Number of dense features.
    pub dense_width: usize,
}

impl Rows<'_> {
    fn width(&self) -> usize {
        self.sparse_width + self.dense_width
    }

    fn dense(&self, row: usize) -> &[f32] {
        &self.dense[row * self.dense_width..(row + 1) * self.dense_width]
    }

    /// Log-odds of one case; the last weight is the bias.
    #[must_use]
    pub fn score(&self, row: usize, weights: &[f64]) -> f64 {
        let said: f64 = self.sparse[row].iter().map(|(at, value)| weights[*at as usize] * f64::from(*value)).sum();
        let dense = &weights[self.sparse_width..self.width()];
        let meant: f64 = dense.iter().zip(self.dense(row)).map(|(weight, value)| weight * f64::from(*value)).sum();
        said + meant + weights[self.width()]
    }

    fn add(&self, row: usize, by: f64, gradient: &mut [f64]) {
        for (at, value) in &self.sparse[row] {
            gradient[*at as usize] += by * f64::from(*value);
        }
        let width = self.width();
        for (sum, value) in gradient[self.sparse_width..width].iter_mut().zip(self.dense(row)) {
            *sum += by * f64::from(*value);
        }
        gradient[width] += by;
    }
}

/// A case: its row, whether it has the finding, and how much it counts.
pub type Case = (usize, bool, f64);

/// What is minimised, and when to stop.
#[derive(Debug, Clone, Copy)]
pub struct Goal {
    /// Half of this times the squared weights (all but the bias) is added to the sum of the cases' losses.
    pub penalty: f64,
    /// Most steps.
    pub steps: usize,
    /// Stops when the gradient is this small, relative to the first.
    pub tolerance: f64,
}

/// Steps whose curvature is remembered.
const MEMORY: usize = 8;

/// The weights of least loss, the bias last.
#[must_use]
pub fn fit(rows: &Rows<'_>, cases: &[Case], goal: &Goal) -> Vec<f64> {
    let mut at = vec![0.0; rows.width() + 1];
    let (mut loss, mut gradient) = evaluate(rows, cases, goal, &at);
    let first = length(&gradient).max(1e-12);
    let mut memory: VecDeque<(Vec<f64>, Vec<f64>)> = VecDeque::new();
    for _ in 0..goal.steps {
        if length(&gradient) < goal.tolerance * first {
            break;
        }
        let direction = direction(&gradient, &memory);
        let slope = dot(&gradient, &direction);
        let mut size = if memory.is_empty() { 1.0 / length(&gradient).max(1.0) } else { 1.0 };
        let next = loop {
            let next: Vec<f64> = at.iter().zip(&direction).map(|(at, step)| at + size * step).collect();
            let found = evaluate(rows, cases, goal, &next);
            if found.0 <= loss + 1e-4 * size * slope {
                break Some((next, found));
            }
            size /= 2.0;
            if size < 1e-12 {
                break None;
            }
        };
        let Some((next, (next_loss, next_gradient))) = next else { break };
        let step: Vec<f64> = next.iter().zip(&at).map(|(a, b)| a - b).collect();
        let change: Vec<f64> = next_gradient.iter().zip(&gradient).map(|(a, b)| a - b).collect();
        if dot(&step, &change) > 1e-12 {
            memory.push_back((step, change));
            if memory.len() > MEMORY {
                memory.pop_front();
            }
        }
        (at, loss, gradient) = (next, next_loss, next_gradient);
    }
    at
}

fn evaluate(rows: &Rows<'_>, cases: &[Case], goal: &Goal, weights: &[f64]) -> (f64, Vec<f64>) {
    let width = rows.width();
    let mut gradient: Vec<f64> = weights.iter().map(|weight| goal.penalty * weight).collect();
    gradient[width] = 0.0;
    let mut loss = goal.penalty / 2.0 * weights[..width].iter().map(|weight| weight * weight).sum::<f64>();
    for &(row, positive, counts) in cases {
        let score = rows.score(row, weights);
        let signed = if positive { -score } else { score };
        loss += counts * (signed.max(0.0) + (-signed.abs()).exp().ln_1p());
        let residual = 1.0 / (1.0 + (-score).exp()) - f64::from(u8::from(positive));
        rows.add(row, counts * residual, &mut gradient);
    }
    (loss, gradient)
}

/// The two-loop recursion: minus the gradient, bent by the curvature seen.
fn direction(gradient: &[f64], memory: &VecDeque<(Vec<f64>, Vec<f64>)>) -> Vec<f64> {
    let mut direction: Vec<f64> = gradient.iter().map(|value| -value).collect();
    let mut shares = Vec::with_capacity(memory.len());
    for (step, change) in memory.iter().rev() {
        let share = dot(step, &direction) / dot(step, change);
        direction.iter_mut().zip(change).for_each(|(value, change)| *value -= share * change);
        shares.push(share);
    }
    if let Some((step, change)) = memory.back() {
        let scale = dot(step, change) / dot(change, change);
        direction.iter_mut().for_each(|value| *value *= scale);
    }
    for ((step, change), share) in memory.iter().zip(shares.into_iter().rev()) {
        let back = dot(change, &direction) / dot(step, change);
        direction.iter_mut().zip(step).for_each(|(value, step)| *value += (share - back) * step);
    }
    direction
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn length(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

#[cfg(test)]
mod tests {
    use super::{Goal, Rows, evaluate, fit};

    fn rows() -> (Vec<Vec<(u32, f32)>>, Vec<f32>) {
        let sparse = (0..40u32).map(|i| vec![(i % 3, 1.0), (3 + i % 2, 0.5)]).collect();
        (sparse, (0..80).map(|i| ((i * 37) % 11) as f32 / 5.0 - 1.0).collect())
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_loss() {
        let (sparse, dense) = rows();
        let rows = Rows { sparse: &sparse, sparse_width: 5, dense: &dense, dense_width: 2 };
        let cases: Vec<_> = (0..40).map(|i| (i, i % 4 == 0, 1.0 + (i % 3) as f64)).collect();
        let goal = Goal { penalty: 0.3, steps: 100, tolerance: 1e-9 };
        let at: Vec<f64> = (0..8).map(|i| f64::from(i) / 10.0 - 0.4).collect();
        let gradient = evaluate(&rows, &cases, &goal, &at).1;
        for place in 0..8 {
            let moved = |by: f64| {
                let mut moved = at.clone();
                moved[place] += by;
                evaluate(&rows, &cases, &goal, &moved).0
            };
            let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!((slope - gradient[place]).abs() < 1e-6, "{place}: {slope} {}", gradient[place]);
        }
    }

    #[test]
    fn the_gradient_vanishes_where_it_stops_and_scores_follow_the_classes() {
        let (sparse, dense) = rows();
        let rows = Rows { sparse: &sparse, sparse_width: 5, dense: &dense, dense_width: 2 };
        let cases: Vec<_> = (0..40).map(|i| (i, i % 3 == 0, 1.0)).collect();
        let goal = Goal { penalty: 0.1, steps: 200, tolerance: 1e-7 };
        let weights = fit(&rows, &cases, &goal);
        let rest = evaluate(&rows, &cases, &goal, &weights).1;
        assert!(rest.iter().all(|value| value.abs() < 1e-4), "{rest:?}");
        assert!((0..40).all(|i| (rows.score(i, &weights) > 0.0) == (i % 3 == 0)));
    }
}
