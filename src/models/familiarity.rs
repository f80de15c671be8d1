//! How far an input lies from the training data in the network's own features: the Mahalanobis distance to the nearest
//! class mean under one shared covariance (Lee et al., NeurIPS 2018).
//!
//! Contract: fitted on training features; the limit is a quantile of the distances of the split `tune`. Deterministic.
//! Stored with the weights as two tensors, [`MEANS`] and [`FACTOR`]; the limit stands in the manifest.

use crate::domain::Familiarity;
use candle_core::{Device, Result, Tensor, bail};

/// Tensor of class means: (classes, features).
pub const MEANS: &str = "familiarity.means";
/// Tensor of the inverse Cholesky factor of the covariance: (features, features), lower triangular.
pub const FACTOR: &str = "familiarity.factor";
/// Share of the mean variance added to every direction, so that directions without spread do not decide alone.
const RIDGE: f64 = 0.05;

/// Means and whitening of the training features.
#[derive(Debug, Clone)]
pub struct Space {
    means: Vec<Vec<f64>>,
    /// Rows of the inverse of the covariance's lower Cholesky factor.
    factor: Vec<Vec<f64>>,
}

impl Space {
    /// Fits the space: `features` are training cases, each with its class.
    ///
    /// # Errors
    /// Candle's, when there are no cases, a class has none, lengths differ or a number is not finite.
    pub fn fit(features: &[Vec<f32>], classes: &[usize]) -> Result<Self> {
        let width = features.first().map_or(0, Vec::len);
        let count = classes.iter().max().map_or(0, |last| last + 1);
        let sound = features.iter().all(|one| one.len() == width && one.iter().all(|value| value.is_finite()));
        if width == 0 || features.len() != classes.len() || !sound {
            bail!("features of equal, positive length and finite numbers are needed")
        }
        let mut means = vec![vec![0.0f64; width]; count];
        let mut counts = vec![0usize; count];
        for (one, class) in features.iter().zip(classes) {
            counts[*class] += 1;
            means[*class].iter_mut().zip(one).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        if counts.contains(&0) {
            bail!("a class has no cases")
        }
        for (mean, count) in means.iter_mut().zip(&counts) {
            mean.iter_mut().for_each(|sum| *sum /= *count as f64);
        }
        let factor = inverse_cholesky(covariance(features, classes, &means))?;
        Ok(Self { means, factor })
    }

    /// Takes the space from stored tensors.
    ///
    /// # Errors
    /// Candle's, when shapes do not fit.
    pub fn from_tensors(means: &Tensor, factor: &Tensor) -> Result<Self> {
        let wide = |rows: Vec<Vec<f32>>| -> Vec<Vec<f64>> {
            rows.into_iter().map(|row| row.into_iter().map(f64::from).collect()).collect()
        };
        let (means, factor) = (wide(means.to_vec2()?), wide(factor.to_vec2()?));
        let width = factor.len();
        if width == 0 || means.is_empty() || means.iter().chain(&factor).any(|row| row.len() != width) {
            bail!("the familiarity tensors do not fit each other")
        }
        Ok(Self { means, factor })
    }

    /// The tensors to store, f32.
    ///
    /// # Errors
    /// Candle's.
    pub fn tensors(&self) -> Result<[(String, Tensor); 2]> {
        let narrow = |rows: &[Vec<f64>]| {
            let columns = rows.first().map_or(0, Vec::len);
            let flat: Vec<f32> = rows.iter().flatten().map(|value| *value as f32).collect();
            Tensor::from_vec(flat, (rows.len(), columns), &Device::Cpu)
        };
        Ok([(MEANS.to_owned(), narrow(&self.means)?), (FACTOR.to_owned(), narrow(&self.factor)?)])
    }

    /// Number of features.
    #[must_use]
    pub fn width(&self) -> usize {
        self.factor.len()
    }

    /// Distance to the nearest class mean, in standard deviations per feature (divided by √features); infinite for
    /// features of another length or that are not finite.
    #[must_use]
    pub fn distance(&self, features: &[f32]) -> f64 {
        if features.len() != self.width() || features.iter().any(|value| !value.is_finite()) {
            return f64::INFINITY;
        }
        let squared = |mean: &Vec<f64>| -> f64 {
            let offset: Vec<f64> = features.iter().zip(mean).map(|(value, mean)| f64::from(*value) - mean).collect();
            self.factor
                .iter()
                .enumerate()
                .map(|(row, factor)| factor[..=row].iter().zip(&offset).map(|(f, o)| f * o).sum::<f64>().powi(2))
                .sum()
        };
        let nearest = self.means.iter().map(squared).fold(f64::INFINITY, f64::min);
        (nearest / self.width() as f64).sqrt()
    }

    /// Distance and limit for the record.
    #[must_use]
    pub fn familiarity(&self, features: &[f32], limit: f64) -> Familiarity {
        Familiarity { distance: self.distance(features), limit }
    }
}

fn covariance(features: &[Vec<f32>], classes: &[usize], means: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let width = means.first().map_or(0, Vec::len);
    let mut sums = vec![vec![0.0; width]; width];
    for (one, class) in features.iter().zip(classes) {
        let offset: Vec<f64> = one.iter().zip(&means[*class]).map(|(value, mean)| f64::from(*value) - mean).collect();
        for (row, sums) in sums.iter_mut().enumerate() {
            sums[..=row].iter_mut().zip(&offset).for_each(|(sum, other)| *sum += offset[row] * other);
        }
    }
    let count = features.len() as f64;
    let mean_variance = (0..width).map(|row| sums[row][row]).sum::<f64>() / count / width.max(1) as f64;
    for (row, sums) in sums.iter_mut().enumerate() {
        sums.iter_mut().for_each(|sum| *sum /= count);
        sums[row] += RIDGE * mean_variance + 1e-9;
    }
    sums
}

/// The inverse of the lower Cholesky factor of a symmetric matrix given by its lower triangle.
fn inverse_cholesky(mut lower: Vec<Vec<f64>>) -> Result<Vec<Vec<f64>>> {
    let width = lower.len();
    for row in 0..width {
        for column in 0..=row {
            let dot: f64 = (0..column).map(|at| lower[row][at] * lower[column][at]).sum();
            let rest = lower[row][column] - dot;
            lower[row][column] = if row == column {
                if rest <= 0.0 {
                    bail!("the covariance of the features is not positive definite")
                }
                rest.sqrt()
            } else {
                rest / lower[column][column]
            };
        }
    }
    let mut inverse = vec![vec![0.0; width]; width];
    for column in 0..width {
        inverse[column][column] = 1.0 / lower[column][column];
        for row in column + 1..width {
            let dot: f64 = (column..row).map(|at| lower[row][at] * inverse[at][column]).sum();
            inverse[row][column] = -dot / lower[row][row];
        }
    }
    Ok(inverse)
}

#[cfg(test)]
mod tests {
    use super::Space;
    use rand::{RngExt as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    fn cases() -> (Vec<Vec<f32>>, Vec<usize>) {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut even = || rng.random_range(-1.0f32..1.0);
        let features = (0..400)
            .map(|index| {
                let (a, b, class) = (even(), even(), (index % 2) as f32);
                // The second feature follows the first: a straight band, far off it in one direction is unusual.
                vec![10.0 * class + a, a + 0.1 * b, even()]
            })
            .collect();
        (features, (0..400).map(|index| index % 2).collect())
    }

    #[test]
    fn training_cases_are_near_and_what_breaks_their_pattern_is_far() {
        let (features, classes) = cases();
        let space = Space::fit(&features, &classes).unwrap();
        let usual = features.iter().map(|one| space.distance(one)).fold(0.0, f64::max);
        assert!(usual < 2.5, "{usual}");
        assert!(space.distance(&[0.9, 0.9, 0.0]) < 1.5);
        assert!(space.distance(&[0.9, -0.9, 0.0]) > usual, "off the band");
        assert!(space.distance(&[5.0, 0.0, 0.0]) > usual, "between the classes");
        assert_eq!(space.distance(&[0.0, f32::NAN, 0.0]), f64::INFINITY);
        assert_eq!(space.distance(&[0.0]), f64::INFINITY);
    }

    #[test]
    fn stored_and_loaded_it_measures_the_same() {
        let (features, classes) = cases();
        let space = Space::fit(&features, &classes).unwrap();
        let [(_, means), (_, factor)] = space.tensors().unwrap();
        let loaded = Space::from_tensors(&means, &factor).unwrap();
        for one in features.iter().take(20) {
            assert!((space.distance(one) - loaded.distance(one)).abs() < 1e-4);
        }
        assert!(Space::fit(&features, &vec![1; 400]).is_err(), "class 0 has no cases");
    }
}
