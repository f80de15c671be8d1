//! Whether a made film is a copy of a patient's.
//!
//! Contract: a film's fingerprint is what its local contrast at 64 × 64 pixels has beyond the mean of all films: it
//! ignores tone and the anatomy everyone shares and keeps what is this patient's own. The distance of two films is one
//! less the correlation of their fingerprints, 0 for the same film, about 1 for unrelated ones.

use crate::{
    domain::GreyImage,
    models::{
        chest::film::planes,
        ops::gemm::{Strides, gemm},
    },
};
use rayon::prelude::*;

const SIDE: usize = 64;
const LENGTH: usize = SIDE * SIDE;

/// The standardised local contrast of films, one after another.
fn contrasts(films: &[&GreyImage]) -> Vec<f32> {
    let one = |film: &&GreyImage| {
        let both = planes(film.resized(SIDE, SIDE).pixels(), SIDE);
        let mut local: Vec<f32> = both.into_iter().skip(1).step_by(2).collect();
        super::align::standardise(&mut local);
        local
    };
    films.par_iter().flat_map_iter(one).collect()
}

/// The mean local contrast of films: the anatomy everyone shares.
#[must_use]
pub fn shared(films: &[&GreyImage]) -> Vec<f32> {
    let mut mean = vec![0.0; LENGTH];
    for film in contrasts(films).chunks_exact(LENGTH) {
        mean.iter_mut().zip(film).for_each(|(sum, value)| *sum += value / films.len() as f32);
    }
    mean
}

/// Fingerprints of films, each of unit length.
#[derive(Debug, Default)]
pub struct Fingerprints(Vec<f32>);

impl Fingerprints {
    /// Of these films; `shared` is what they are compared beyond.
    #[must_use]
    pub fn of(films: &[&GreyImage], shared: &[f32]) -> Self {
        let mut prints = contrasts(films);
        for print in prints.chunks_exact_mut(LENGTH) {
            print.iter_mut().zip(shared).for_each(|(value, shared)| *value -= shared);
            super::align::standardise(print);
            print.iter_mut().for_each(|value| *value /= (LENGTH as f32).sqrt());
        }
        Self(prints)
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len() / LENGTH
    }

    /// For each of these films the distance to the nearest of `others` that `allowed` (by index) lets in.
    #[must_use]
    pub fn nearest(&self, others: &Self, allowed: impl Fn(usize, usize) -> bool) -> Vec<f64> {
        let (m, n) = (self.count(), others.count());
        let mut products = vec![0.0; m * n];
        let (rows, columns) = (Strides::rows_of(LENGTH), Strides::transposed(LENGTH));
        gemm((m, n, LENGTH), &self.0, rows, &others.0, columns, &mut products, Strides::rows_of(n), 0.0, 1.0);
        let distance = |(index, row): (usize, &[f32])| {
            let others = row.iter().enumerate().filter(|(other, _)| allowed(index, *other));
            others.map(|(_, product)| 1.0 - f64::from(*product)).fold(2.0, f64::min)
        };
        products.chunks_exact(n.max(1)).enumerate().map(distance).collect()
    }
}

/// The value below which a share of the values lies.
#[must_use]
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (share * sorted.len() as f64) as usize;
    sorted.get(place.min(sorted.len().saturating_sub(1))).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::{Fingerprints, shared};
    use crate::models::chest::phantom;

    #[test]
    fn a_brighter_larger_copy_is_still_a_copy_and_another_film_is_not() {
        let film = phantom::normal();
        let pixels = film.pixels().iter().map(|pixel| (f32::from(*pixel) * 0.7 + 40.0) as u8).collect();
        let copy = crate::domain::GreyImage::new(256, 256, pixels).unwrap().resized(400, 400);
        let shared = shared(&[&film, &phantom::shadowed(), &phantom::wedge()]);
        let known = Fingerprints::of(&[&film], &shared);
        let asked = Fingerprints::of(&[&copy, &phantom::shadowed(), &phantom::wedge()], &shared);
        let distances = asked.nearest(&known, |_, _| true);
        assert!(distances[0] < 0.1, "{distances:?}");
        assert!(distances[1] > 0.3 && distances[2] > 0.5, "{distances:?}");
        assert_eq!(known.nearest(&known, |a, b| a != b), [2.0]);
    }
}
