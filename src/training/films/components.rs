//! Principal components of films, and new films drawn from them.
//!
//! Contract: a model is a mean, directions with their spreads, and nothing of any one film; a sample depends on the
//! model and the generator only.

use crate::models::ops::gemm::{Strides, gemm};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// A Gaussian over films along their principal components.
#[derive(Debug)]
pub struct Components {
    mean: Vec<f32>,
    /// `count` directions of unit length, one after another.
    directions: Vec<f32>,
    spreads: Vec<f32>,
}

impl Components {
    /// The `count` strongest components of films of equal length (rows of `films`, `length` numbers each), by subspace
    /// iteration on the Gram matrix (Halko, Martinsson & Tropp, SIAM Review 2011).
    #[must_use]
    pub fn fit(mut films: Vec<f32>, length: usize, count: usize, rng: &mut ChaCha8Rng) -> Self {
        let n = films.len() / length.max(1);
        let mean: Vec<f32> =
            (0..length).map(|place| films.iter().skip(place).step_by(length).sum::<f32>() / n as f32).collect();
        films
            .chunks_exact_mut(length)
            .for_each(|film| film.iter_mut().zip(&mean).for_each(|(value, mean)| *value -= mean));
        let mut gram = vec![0.0; n * n];
        let across = (Strides::rows_of(length), Strides::transposed(length));
        gemm((n, n, length), &films, across.0, &films, across.1, &mut gram, Strides::rows_of(n), 0.0, 1.0);
        let mut basis: Vec<f32> = (0..n * count).map(|_| StandardNormal.sample(rng)).collect();
        for _ in 0..24 {
            orthonormalise(&mut basis, n);
            let mut next = vec![0.0; basis.len()];
            gemm(
                (count, n, n),
                &basis,
                Strides::rows_of(n),
                &gram,
                Strides::rows_of(n),
                &mut next,
                Strides::rows_of(n),
                0.0,
                1.0,
            );
            basis = next;
        }
        orthonormalise(&mut basis, n);
        let mut directions = vec![0.0; count * length];
        let by_film = Strides::rows_of(length);
        gemm((count, length, n), &basis, Strides::rows_of(n), &films, by_film, &mut directions, by_film, 0.0, 1.0);
        let spreads = directions.chunks_exact_mut(length).map(|direction| {
            let norm = direction.iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-9);
            direction.iter_mut().for_each(|value| *value /= norm);
            norm / (n as f32).sqrt()
        });
        let spreads = spreads.collect();
        Self { mean, directions, spreads }
    }

    /// A new film: the mean plus each direction times its spread times a normal number cut at ±2, times `width`.
    pub fn sample(&self, width: f32, rng: &mut ChaCha8Rng) -> Vec<f32> {
        let mut film = self.mean.clone();
        for (direction, spread) in self.directions.chunks_exact(self.mean.len()).zip(&self.spreads) {
            let normal: f32 = StandardNormal.sample(rng);
            let weight = normal.clamp(-2.0, 2.0) * spread * width;
            film.iter_mut().zip(direction).for_each(|(value, along)| *value += weight * along);
        }
        film
    }
}

/// Gram–Schmidt, twice for accuracy, on rows of `length`.
fn orthonormalise(rows: &mut [f32], length: usize) {
    for index in 0..rows.len() / length {
        let (before, rest) = rows.split_at_mut(index * length);
        let row = &mut rest[..length];
        for _ in 0..2 {
            for other in before.chunks_exact(length) {
                let along: f32 = row.iter().zip(other).map(|(a, b)| a * b).sum();
                row.iter_mut().zip(other).for_each(|(a, b)| *a -= along * b);
            }
            let norm = row.iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-12);
            row.iter_mut().for_each(|value| *value /= norm);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Components;
    use rand::SeedableRng as _;
    use rand_chacha::ChaCha8Rng;
    use rand_distr::{Distribution, StandardNormal};

    #[test]
    fn two_directions_of_known_spread_are_found_and_sampled() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let mut films = Vec::new();
        for _ in 0..600 {
            let (a, b): (f32, f32) = (StandardNormal.sample(&mut rng), StandardNormal.sample(&mut rng));
            films.extend([10.0 + 3.0 * a, 20.0 + b, 30.0, 40.0 - b]);
        }
        let fitted = Components::fit(films, 4, 2, &mut rng);
        assert!((fitted.spreads[0] - 3.0).abs() < 0.2 && (fitted.spreads[1] - 2f32.sqrt()).abs() < 0.1, "{fitted:?}");
        assert!((fitted.directions[0].abs() - 1.0).abs() < 1e-2);
        let sample = fitted.sample(1.0, &mut rng);
        assert!((sample[2] - 30.0).abs() < 1e-2 && (sample[1] + sample[3] - 60.0).abs() < 0.5, "{sample:?}");
    }
}
