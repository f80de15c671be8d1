//! From a sample of the model to something that looks like a film: sharpness, tone, grain, size.
//!
//! Contract: adds nothing that comes from a single film.

use crate::domain::GreyImage;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// What the finished film is like.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// Its width and height in pixels.
    pub size: (usize, usize),
    /// Whether there is air beside the body that should be smooth.
    pub air: bool,
}

/// Chest films of children are about a third wider than high.
pub const CHEST: Kind = Kind { size: (416, 320), air: true };
/// Films of one knee, cropped around the joint.
pub const KNEE: Kind = Kind { size: (320, 320), air: false };
/// How much of what blurring removes is added again, per blur radius.
const SHARPEN: [(usize, f32); 2] = [(1, 0.7), (3, 0.5)];
/// Standard deviation of the grain, in grey values.
const GRAIN: f32 = 2.2;

/// The mean sorted grey values of many films: what a typical film's tones are.
#[derive(Debug)]
pub struct Tones([f32; 256]);

impl Tones {
    /// Of these films.
    #[must_use]
    pub fn of(films: &[&GreyImage]) -> Self {
        let mut sum = [0.0f32; 256];
        for film in films {
            let mut sorted = film.pixels().to_vec();
            sorted.sort_unstable();
            for (index, sum) in sum.iter_mut().enumerate() {
                *sum += f32::from(sorted[index * (sorted.len() - 1) / 255]);
            }
        }
        Self(sum.map(|sum| sum / films.len().max(1) as f32))
    }

    /// Gives values these tones, rank by rank.
    fn give(&self, values: &mut [f32]) {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|left, right| values[*left].total_cmp(&values[*right]));
        let last = values.len().max(2) - 1;
        for (rank, index) in order.into_iter().enumerate() {
            let place = rank as f32 / last as f32 * 255.0;
            let (low, part) = (place as usize, place.fract());
            values[index] = self.0[low] * (1.0 - part) + self.0[(low + 1).min(255)] * part;
        }
    }
}

/// The finished film, or nothing if the sample has the wrong length.
#[must_use]
pub fn film(sample: &[f32], side: usize, kind: Kind, tones: &Tones, rng: &mut ChaCha8Rng) -> Option<GreyImage> {
    let mut values = sample.to_vec();
    for (radius, share) in SHARPEN {
        let soft = blurred(&blurred(&values, side, radius), side, radius);
        values.iter_mut().zip(soft).for_each(|(value, soft)| *value += share * (*value - soft));
    }
    if kind.air {
        quieten(&mut values, side);
    }
    tones.give(&mut values);
    let pixels = values.iter().map(|value| value.round().clamp(0.0, 255.0) as u8).collect();
    let large = GreyImage::new(side, side, pixels).ok()?.resized(kind.size.0, kind.size.1);
    let noise: Vec<f32> = (0..kind.size.0 * kind.size.1).map(|_| StandardNormal.sample(rng)).collect();
    let grain = large.pixels().iter().enumerate().map(|(index, pixel)| {
        // Neighbouring grains hang together a little, as on a scanned film.
        let beside = noise[if index > 0 { index - 1 } else { index }];
        let strength = GRAIN * (0.4 + f32::from(*pixel) / 320.0);
        (f32::from(*pixel) + strength * (0.8 * noise[index] + 0.6 * beside)).round().clamp(0.0, 255.0) as u8
    });
    let grain = grain.collect();
    GreyImage::new(kind.size.0, kind.size.1, grain).ok()
}

/// Smooths the dark air beside the body and the upper corners: what the mean of many films has there is only the ghost
/// of their markers.
fn quieten(values: &mut [f32], side: usize) {
    let wide = blurred(&blurred(values, side, 6), side, 6);
    let mut sorted = wide.clone();
    sorted.sort_by(f32::total_cmp);
    let (dark, grey) = (sorted[sorted.len() / 10], sorted[sorted.len() * 3 / 10]);
    for (index, value) in values.iter_mut().enumerate() {
        let (across, down) = ((index % side) as f32 / side as f32, (index / side) as f32 / side as f32);
        let corner = (across.min(1.0 - across) / 0.2).powi(2) + (down / 0.3).powi(2);
        let edge = 1.0 - (across.min(1.0 - across) / 0.2).min(1.0).powi(4);
        let air = 1.0 - ((wide[index] - dark) / (grey - dark).max(1e-3)).clamp(0.0, 1.0);
        let share = (edge * air).max((1.5 * (1.0 - corner)).clamp(0.0, 1.0));
        *value += share * (wide[index] - *value);
    }
}

/// Mean over (2 × radius + 1)² pixels.
fn blurred(values: &[f32], side: usize, radius: usize) -> Vec<f32> {
    let pass = |values: &[f32], step: usize, across: bool| -> Vec<f32> {
        (0..values.len())
            .map(|index| {
                let place = if across { index % side } else { index / side };
                let (low, high) = (place.saturating_sub(radius), (place + radius).min(side - 1));
                let start = index - (place - low) * step;
                (0..=high - low).map(|k| values[start + k * step]).sum::<f32>() / (high - low + 1) as f32
            })
            .collect()
    };
    pass(&pass(values, 1, true), side, false)
}

#[cfg(test)]
mod tests {
    use super::{CHEST, KNEE, Tones, film};
    use crate::models::chest::phantom;
    use rand::SeedableRng as _;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn a_sample_gets_the_tones_and_the_size_of_a_film() {
        let like = phantom::normal().resized(88, 88);
        let tones = Tones::of(&[&like]);
        let sample: Vec<f32> = like.pixels().iter().map(|pixel| f32::from(*pixel) * 0.01 - 7.0).collect();
        let make = |kind| film(&sample, 88, kind, &tones, &mut ChaCha8Rng::seed_from_u64(3)).unwrap();
        let (made, knee) = (make(CHEST), make(KNEE));
        assert_eq!((made.width(), made.height()), CHEST.size);
        assert_eq!((knee.width(), knee.height()), KNEE.size);
        let mean = |pixels: &[u8]| pixels.iter().map(|p| f64::from(*p)).sum::<f64>() / pixels.len() as f64;
        assert!((mean(made.pixels()) - mean(like.pixels())).abs() < 3.0);
    }
}
