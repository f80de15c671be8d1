//! What differs from one X-ray machine and archive to the next and is no matter of pose or exposure: the tone curve, edge
//! enhancement, collimation, JPEG compression.
//!
//! Contract: works on squashed 8-bit films; depends on the pixels, the strength and the generator only.

use image::{ExtendedColorType, codecs::jpeg::JpegEncoder};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

/// How much differs.
#[derive(Debug, Clone, Copy)]
pub struct Scanner {
    /// Chance of another tone curve.
    pub tone: f64,
    /// Greatest bend of the tone curve, as a share of white.
    pub bend: f32,
    /// Chance of edge enhancement or flattening.
    pub detail: f64,
    /// Greatest share of the detail that is added; half of it is the greatest share taken away.
    pub amount: f32,
    /// Chance of black borders, as collimation leaves them.
    pub collimated: f64,
    /// Greatest depth of a border, as a share of the side.
    pub depth: f32,
    /// Chance of strong JPEG compression.
    pub jpeg: f64,
    /// Least quality of the compression, 1 to 100.
    pub quality: u8,
}

/// Nothing differs.
pub const NONE: Scanner =
    Scanner { tone: 0.0, bend: 0.0, detail: 0.0, amount: 0.0, collimated: 0.0, depth: 0.0, jpeg: 0.0, quality: 90 };

/// For training.
pub const TRAINING: Scanner =
    Scanner { tone: 0.4, bend: 0.2, detail: 0.4, amount: 1.2, collimated: 0.3, depth: 0.12, jpeg: 0.2, quality: 20 };

/// For the figure `auroc_shifted`.
pub const SHIFTED: Scanner =
    Scanner { tone: 0.5, bend: 0.2, detail: 0.5, amount: 1.2, collimated: 0.3, depth: 0.1, jpeg: 0.3, quality: 25 };

/// A changed copy of a squashed film of `side` × `side` pixels.
#[must_use]
pub fn changed(mut film: Vec<u8>, side: usize, scanner: &Scanner, rng: &mut ChaCha8Rng) -> Vec<u8> {
    if rng.random_bool(scanner.detail) {
        let radius = rng.random_range(1..=(side / 10).max(1));
        film = sharpened(&film, side, radius, rng.random_range(-0.5 * scanner.amount..=scanner.amount));
    }
    if rng.random_bool(scanner.tone) {
        let curve = curve(scanner.bend, rng);
        film.iter_mut().for_each(|value| *value = curve[usize::from(*value)]);
    }
    if rng.random_bool(scanner.collimated) {
        collimated(&mut film, side, scanner.depth, rng);
    }
    if rng.random_bool(scanner.jpeg) {
        film = compressed(film, side, rng.random_range(scanner.quality..=90));
    }
    film
}

/// A random rising tone curve: a straight line bent at three inner points.
fn curve(bend: f32, rng: &mut ChaCha8Rng) -> [u8; 256] {
    let mut points = [0.0f32, 0.25, 0.5, 0.75, 1.0];
    points[1..4].iter_mut().for_each(|point| *point += rng.random_range(-bend..=bend));
    points.sort_by(f32::total_cmp);
    std::array::from_fn(|value| {
        let place = value as f32 / 255.0 * 4.0;
        let left = (place as usize).min(3);
        let part = place - left as f32;
        let bent = points[left] * (1.0 - part) + points[left + 1] * part;
        (bent * 255.0).round().clamp(0.0, 255.0) as u8
    })
}

/// Adds a share of what lies above or below the mean of the neighbourhood.
fn sharpened(film: &[u8], side: usize, radius: usize, share: f32) -> Vec<u8> {
    let soft = blurred(film, side, radius);
    let pairs = film.iter().zip(soft);
    pairs
        .map(|(value, soft)| (f32::from(*value) + share * (f32::from(*value) - soft)).clamp(0.0, 255.0) as u8)
        .collect()
}

/// Mean over (2 × radius + 1)² pixels, cut at the edges.
#[must_use]
pub fn blurred(film: &[u8], side: usize, radius: usize) -> Vec<f32> {
    let rows: Vec<f32> = film.iter().map(|value| f32::from(*value)).collect();
    let across = pass(&rows, side, radius, |line, place| line * side + place);
    pass(&across, side, radius, |line, place| place * side + line)
}

/// Running mean along every line; `at` gives the index of a place on a line.
fn pass(values: &[f32], side: usize, radius: usize, at: impl Fn(usize, usize) -> usize) -> Vec<f32> {
    let mut means = vec![0.0; values.len()];
    for line in 0..side {
        let mut sum: f32 = (0..radius.min(side)).map(|place| values[at(line, place)]).sum();
        let mut count = radius.min(side);
        for place in 0..side {
            if place + radius < side {
                sum += values[at(line, place + radius)];
                count += 1;
            }
            if place > radius {
                sum -= values[at(line, place - radius - 1)];
                count -= 1;
            }
            means[at(line, place)] = sum / count as f32;
        }
    }
    means
}

/// Black borders on one to four sides.
fn collimated(film: &mut [u8], side: usize, depth: f32, rng: &mut ChaCha8Rng) {
    let mut border = || {
        if rng.random_bool(0.5) { (rng.random_range(0.0..=depth) * side as f32) as usize } else { 0 }
    };
    let (left, right, top, bottom) = (border(), border(), border(), border());
    let grey = rng.random_range(0..=12);
    for (index, value) in film.iter_mut().enumerate() {
        let (x, y) = (index % side, index / side);
        if x < left || x >= side - right || y < top || y >= side - bottom {
            *value = grey;
        }
    }
}

/// Through a JPEG of this quality and back; unchanged if that fails.
fn compressed(film: Vec<u8>, side: usize, quality: u8) -> Vec<u8> {
    let Ok(width) = u32::try_from(side) else { return film };
    let mut bytes = Vec::new();
    let written = JpegEncoder::new_with_quality(&mut bytes, quality).encode(&film, width, width, ExtendedColorType::L8);
    let read = written.and_then(|()| image::load_from_memory(&bytes));
    match read.map(|image| image.to_luma8().into_raw()) {
        Ok(pixels) if pixels.len() == film.len() => pixels,
        _ => film,
    }
}

#[cfg(test)]
mod tests {
    use super::{NONE, SHIFTED, Scanner, blurred, changed};
    use crate::models::chest::phantom;
    use rand::SeedableRng as _;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn nothing_changes_nothing_and_a_seed_gives_one_film() {
        let film = phantom::shadowed().resized(64, 64).pixels().to_vec();
        let make = |scanner: &Scanner, seed| changed(film.clone(), 64, scanner, &mut ChaCha8Rng::seed_from_u64(seed));
        assert_eq!(make(&NONE, 1), film);
        assert_eq!(make(&SHIFTED, 1), make(&SHIFTED, 1));
        assert_ne!(make(&SHIFTED, 1), make(&SHIFTED, 2));
    }

    #[test]
    fn every_change_keeps_a_film_alike() {
        let film = phantom::normal().resized(96, 96).pixels().to_vec();
        let only = [
            Scanner { tone: 1.0, ..NONE },
            Scanner { detail: 1.0, amount: 1.0, ..NONE },
            Scanner { jpeg: 1.0, quality: 40, ..NONE },
        ];
        for scanner in only {
            let made = changed(film.clone(), 96, &scanner, &mut ChaCha8Rng::seed_from_u64(9));
            let gap: f64 = film.iter().zip(&made).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / 9216.0;
            assert!(gap < 40.0, "{scanner:?}: {gap}");
        }
    }

    #[test]
    fn the_running_mean_is_the_mean_of_the_window() {
        let film: Vec<u8> = (0..64u32).map(|i| (i * 37 % 251) as u8).collect();
        let soft = blurred(&film, 8, 2);
        for (x, y) in [(0, 0), (3, 4), (7, 7), (1, 6)] {
            let window = |at: usize| at.saturating_sub(2)..(at + 3).min(8);
            let all: Vec<f32> =
                window(y).flat_map(|v| window(x).map(move |u| v * 8 + u)).map(|i| f32::from(film[i])).collect();
            assert!((soft[y * 8 + x] - all.iter().sum::<f32>() / all.len() as f32).abs() < 1e-3);
        }
    }
}
