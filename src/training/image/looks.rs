//! Films grouped by how they look as a whole (brightness, contrast, sharpness, dark borders), whatever they show.
//!
//! Contract: deterministic. In the training films the look goes with the diagnosis, because ill children were filmed
//! otherwise than well ones; a network that learns the look fails elsewhere. Weights make every look hold as much illness
//! as health, and figures across looks show what is left.

use super::scanner::blurred;

/// Number of looks.
pub const COUNT: usize = 5;
/// Measures of a look.
const MEASURES: usize = 9;
/// Greatest weight of a film, relative to the mean.
const WEIGHT_MAX: f32 = 4.0;
/// Rounds of k-means (Lloyd, IEEE Trans Inf Theory 1982;28:129).
const ROUNDS: usize = 40;

/// The look of a squashed film in numbers: mean, spread, five quantiles, share of detail, brightness of the border.
fn measures(pixels: &[u8], side: usize) -> [f64; MEASURES] {
    let count = pixels.len().max(1) as f64;
    let mean = pixels.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
    let spread = (pixels.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum::<f64>() / count).sqrt();
    let mut sorted = pixels.to_vec();
    sorted.sort_unstable();
    let quantile = |share: f64| f64::from(sorted[((sorted.len() - 1) as f64 * share) as usize]);
    let soft = blurred(pixels, side, 2);
    let detail = pixels.iter().zip(&soft).map(|(value, soft)| f64::from((f32::from(*value) - soft).abs())).sum::<f64>();
    let depth = (side / 12).max(1);
    let at_border = |index: usize| {
        let (x, y) = (index % side, index / side);
        x < depth || y < depth || x >= side - depth || y >= side - depth
    };
    let (sum, number) = pixels
        .iter()
        .enumerate()
        .filter(|(index, _)| at_border(*index))
        .fold((0.0, 0.0), |(sum, number), (_, value)| (sum + f64::from(*value), number + 1.0));
    let border = sum / f64::max(number, 1.0);
    let [low, lower, middle, upper, high] = [0.05, 0.25, 0.5, 0.75, 0.95].map(quantile);
    [mean, spread, low, lower, middle, upper, high, detail / count / (spread + 1.0), border]
}

/// Groups of looks.
#[derive(Debug, Clone)]
pub struct Looks {
    mean: [f64; MEASURES],
    spread: [f64; MEASURES],
    centres: Vec<[f64; MEASURES]>,
}

impl Looks {
    /// Groups of these squashed films, by k-means from starting points far from each other.
    #[must_use]
    pub fn of(films: &[&[u8]], side: usize) -> Self {
        let raw: Vec<_> = films.iter().map(|film| measures(film, side)).collect();
        let count = raw.len().max(1) as f64;
        let mean: [f64; MEASURES] = std::array::from_fn(|at| raw.iter().map(|one| one[at]).sum::<f64>() / count);
        let spread = std::array::from_fn(|at| {
            (raw.iter().map(|one| (one[at] - mean[at]).powi(2)).sum::<f64>() / count).sqrt().max(1e-9)
        });
        let mut looks = Self { mean, spread, centres: Vec::new() };
        let points: Vec<_> = raw.iter().map(|one| looks.scaled(one)).collect();
        looks.start(&points);
        for _ in 0..ROUNDS {
            looks.improve(&points);
        }
        looks
    }

    fn scaled(&self, raw: &[f64; MEASURES]) -> [f64; MEASURES] {
        // What lies far out is brought near, so that a handful of odd films do not become a group of their own.
        std::array::from_fn(|at| ((raw[at] - self.mean[at]) / self.spread[at]).clamp(-3.0, 3.0))
    }

    fn start(&mut self, points: &[[f64; MEASURES]]) {
        self.centres.extend(points.first());
        while self.centres.len() < COUNT.min(points.len()) {
            let farthest = points.iter().max_by(|a, b| self.nearest(a).1.total_cmp(&self.nearest(b).1));
            self.centres.extend(farthest);
        }
    }

    fn improve(&mut self, points: &[[f64; MEASURES]]) {
        let mut sums = vec![([0.0; MEASURES], 0.0); self.centres.len()];
        for point in points {
            let (sum, number) = &mut sums[self.nearest(point).0];
            sum.iter_mut().zip(point).for_each(|(sum, value)| *sum += value);
            *number += 1.0;
        }
        for (centre, (sum, number)) in self.centres.iter_mut().zip(sums) {
            if number > 0.0 {
                *centre = sum.map(|sum| sum / number);
            }
        }
    }

    /// The nearest centre and the squared distance to it.
    fn nearest(&self, point: &[f64; MEASURES]) -> (usize, f64) {
        let squared = |centre: &[f64; MEASURES]| centre.iter().zip(point).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
        let all = self.centres.iter().map(squared).enumerate();
        all.fold((0, f64::INFINITY), |best, one| if one.1 < best.1 { one } else { best })
    }

    /// The group of a squashed film.
    #[must_use]
    pub fn group(&self, film: &[u8], side: usize) -> usize {
        self.nearest(&self.scaled(&measures(film, side))).0
    }
}

/// One weight per film, mean 1: in every group both classes weigh the same, and groups weigh as many films as they have;
/// no film weighs more than a few.
#[must_use]
pub fn weights(groups: &[usize], labels: &[bool]) -> Vec<f32> {
    let mut counts = [[0.0f32; 2]; COUNT];
    groups.iter().zip(labels).for_each(|(group, label)| counts[*group][usize::from(*label)] += 1.0);
    let raw = groups.iter().zip(labels).map(|(group, label)| {
        let [without, with] = counts[*group];
        let own = counts[*group][usize::from(*label)];
        (0.5 * (without + with) / own.max(1.0)).min(WEIGHT_MAX)
    });
    let mut weights: Vec<f32> = raw.collect();
    // The cut above leaves the classes a little uneven: even them out over all films.
    for class in [false, true] {
        let own = || labels.iter().enumerate().filter(|(_, label)| **label == class).map(|(index, _)| index);
        let sum: f32 = own().map(|index| weights[index]).sum();
        let scale = 0.5 * labels.len() as f32 / sum.max(1e-6);
        own().collect::<Vec<_>>().into_iter().for_each(|index| weights[index] *= scale);
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::{Looks, weights};
    use crate::models::chest::phantom;

    #[test]
    fn films_that_look_alike_are_one_group() {
        let base = phantom::normal().resized(48, 48);
        let with = |gain: f32, lift: f32| -> Vec<u8> {
            base.pixels().iter().map(|value| (f32::from(*value) * gain + lift).clamp(0.0, 255.0) as u8).collect()
        };
        let films: Vec<Vec<u8>> = (0..40)
            .map(|i| if i % 2 == 0 { with(0.4, 8.0 + i as f32 * 0.1) } else { with(0.5, 110.0 + i as f32 * 0.1) })
            .collect();
        let views: Vec<&[u8]> = films.iter().map(Vec::as_slice).collect();
        let looks = Looks::of(&views, 48);
        let groups: Vec<usize> = views.iter().map(|film| looks.group(film, 48)).collect();
        let (dark, light): (Vec<_>, Vec<_>) = groups.iter().enumerate().partition(|(index, _)| index % 2 == 0);
        assert!(dark.iter().all(|(_, group)| light.iter().all(|(_, other)| group != other)));
    }

    #[test]
    fn weights_even_out_the_classes_within_a_group_and_in_all() {
        let groups = [0, 0, 0, 1, 1, 1];
        let labels = [true, true, false, false, false, true];
        let weights = weights(&groups, &labels);
        assert!((weights[0] + weights[1] - weights[2]).abs() < 1e-5);
        assert!((weights[3] + weights[4] - weights[5]).abs() < 1e-5);
        assert!((weights.iter().sum::<f32>() - 6.0).abs() < 1e-4);
    }
}
