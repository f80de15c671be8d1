//! Films as another machine, another hospital or another hand would have made them.
//!
//! Contract: works on squashed 8-bit films; depends on the pixels, the strength and the generator only.

use crate::domain::GreyImage;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};

/// How far films are changed.
#[derive(Debug, Clone, Copy)]
pub struct Strength {
    /// Greatest rotation, in radians.
    pub rotation: f32,
    /// Greatest change of scale per axis, as a share.
    pub scale: f32,
    /// Greatest shift, as a share of the side.
    pub shift: f32,
    /// Chance of a mirrored film.
    pub mirror: f64,
    /// Standard deviation of the logarithm of gamma.
    pub gamma: f32,
    /// Greatest change of contrast, as a share.
    pub contrast: f32,
    /// Greatest change of brightness, as a share of white.
    pub brightness: f32,
    /// Greatest slope of brightness from edge to edge.
    pub slope: f32,
    /// Chance of blur, and of noise.
    pub degrade: f64,
    /// Greatest standard deviation of noise, in grey values.
    pub noise: f32,
    /// Chance of each cover: a patch, a marker in a corner, a collimated border.
    pub cover: f64,
}

/// For training.
pub const TRAINING: Strength = Strength {
    rotation: 0.2,
    scale: 0.22,
    shift: 0.1,
    mirror: 0.3,
    gamma: 0.5,
    contrast: 0.4,
    brightness: 0.15,
    slope: 0.6,
    degrade: 0.4,
    noise: 14.0,
    cover: 0.3,
};

/// For the figure `auroc_shifted`: a film from elsewhere, but whole.
pub const SHIFTED: Strength = Strength {
    rotation: 0.18,
    scale: 0.2,
    shift: 0.08,
    mirror: 0.0,
    gamma: 0.5,
    contrast: 0.4,
    brightness: 0.15,
    slope: 0.6,
    degrade: 0.5,
    noise: 14.0,
    cover: 0.0,
};

/// A changed copy of a squashed film of `side` × `side` pixels.
#[must_use]
pub fn changed(pixels: &[u8], side: usize, strength: &Strength, rng: &mut ChaCha8Rng) -> Vec<u8> {
    let mut film = moved(pixels, side, strength, rng);
    exposed(&mut film, side, strength, rng);
    if rng.random_bool(strength.degrade) {
        film = blurred(film, side, rng);
    }
    if rng.random_bool(strength.degrade) {
        let spread = rng.random_range(0.0..=strength.noise);
        film.iter_mut().for_each(|value| *value += spread * normal(rng));
    }
    covered(&mut film, side, strength, rng);
    film.into_iter().map(|value| value.round().clamp(0.0, 255.0) as u8).collect()
}

fn normal(rng: &mut ChaCha8Rng) -> f32 {
    StandardNormal.sample(rng)
}

/// Turns, scales, shifts and perhaps mirrors; what comes from outside is the nearest edge pixel.
fn moved(pixels: &[u8], side: usize, strength: &Strength, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let mut within = |limit: f32| rng.random_range(-limit..=limit);
    let angle = within(strength.rotation);
    let (scale_x, scale_y) = (1.0 + within(strength.scale), 1.0 + within(strength.scale));
    let (shift_x, shift_y) = (within(strength.shift) * side as f32, within(strength.shift) * side as f32);
    let sign = if rng.random_bool(strength.mirror) { -1.0 } else { 1.0 };
    let (sin, cos) = angle.sin_cos();
    let centre = (side as f32 - 1.0) / 2.0;
    let mut film = Vec::with_capacity(side * side);
    for y in 0..side {
        for x in 0..side {
            let (dx, dy) = ((x as f32 - centre) * sign, y as f32 - centre);
            let source_x = (cos * dx + sin * dy) / scale_x + centre + shift_x;
            let source_y = (cos * dy - sin * dx) / scale_y + centre + shift_y;
            film.push(between(pixels, side, source_x, source_y));
        }
    }
    film
}

/// Bilinear interpolation, clamped to the film.
fn between(pixels: &[u8], side: usize, x: f32, y: f32) -> f32 {
    let last = side - 1;
    let (x, y) = (x.clamp(0.0, last as f32), y.clamp(0.0, last as f32));
    let (left, top) = (x as usize, y as usize);
    let (right, bottom) = ((left + 1).min(last), (top + 1).min(last));
    let (part_x, part_y) = (x - left as f32, y - top as f32);
    let at = |x: usize, y: usize| f32::from(pixels[y * side + x]);
    let upper = at(left, top) * (1.0 - part_x) + at(right, top) * part_x;
    let lower = at(left, bottom) * (1.0 - part_x) + at(right, bottom) * part_x;
    upper * (1.0 - part_y) + lower * part_y
}

/// Gamma, contrast, brightness and a slope of brightness, cut to black and white.
fn exposed(film: &mut [f32], side: usize, strength: &Strength, rng: &mut ChaCha8Rng) {
    let gamma = (strength.gamma * normal(rng)).clamp(-1.0, 1.0).exp();
    let mut within = |limit: f32| rng.random_range(-limit..=limit);
    let (contrast, brightness) = (1.0 + within(strength.contrast), within(strength.brightness));
    let (slope_x, slope_y) = (within(strength.slope), within(strength.slope));
    for (index, value) in film.iter_mut().enumerate() {
        let (x, y) = ((index % side) as f32 / side as f32 - 0.5, (index / side) as f32 / side as f32 - 0.5);
        let bent = (*value / 255.0).powf(gamma) * (1.0 + slope_x * x + slope_y * y);
        *value = (255.0 * ((bent - 0.5) * contrast + 0.5 + brightness)).clamp(0.0, 255.0);
    }
}

/// The detail of a smaller film.
fn blurred(film: Vec<f32>, side: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let small = rng.random_range(side * 3 / 8..side);
    let pixels = film.iter().map(|value| value.round().clamp(0.0, 255.0) as u8).collect();
    match GreyImage::new(side, side, pixels) {
        Ok(image) => image.resized(small, small).resized(side, side).pixels().iter().map(|p| f32::from(*p)).collect(),
        Err(_) => film,
    }
}

/// Covers what the network must not rely on.
fn covered(film: &mut [f32], side: usize, strength: &Strength, rng: &mut ChaCha8Rng) {
    if rng.random_bool(strength.cover) {
        let (width, height) = (rng.random_range(side / 10..=side / 3), rng.random_range(side / 10..=side / 3));
        let (left, top) = (rng.random_range(0..side - width), rng.random_range(0..side - height));
        let grey = rng.random_range(0.0..=255.0);
        fill(film, side, (left, top), (width, height), grey);
    }
    if rng.random_bool(strength.cover) {
        let (width, height) = (rng.random_range(2..=(side / 16).max(2)), rng.random_range(2..=(side / 10).max(3)));
        let left = if rng.random_bool(0.5) {
            rng.random_range(0..side / 6)
        } else {
            rng.random_range(side * 4 / 5..side - width)
        };
        let top = if rng.random_bool(0.7) {
            rng.random_range(0..side / 4)
        } else {
            rng.random_range(side * 4 / 5..side - height)
        };
        fill(film, side, (left, top), (width, height), 235.0);
    }
    if rng.random_bool(strength.cover) {
        let depth = rng.random_range(1..=side / 10);
        let (corner, size) = match rng.random_range(0..4) {
            0 => ((0, 0), (depth, side)),
            1 => ((side - depth, 0), (depth, side)),
            2 => ((0, 0), (side, depth)),
            _ => ((0, side - depth), (side, depth)),
        };
        fill(film, side, corner, size, 0.0);
    }
}

fn fill(film: &mut [f32], side: usize, (left, top): (usize, usize), (width, height): (usize, usize), grey: f32) {
    for y in top..(top + height).min(side) {
        film[y * side + left..y * side + (left + width).min(side)].fill(grey);
    }
}

#[cfg(test)]
mod tests {
    use super::{SHIFTED, Strength, TRAINING, changed};
    use crate::models::chest::phantom;
    use rand::SeedableRng as _;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn the_same_generator_gives_the_same_film_and_another_one_another() {
        let film = phantom::normal().resized(64, 64);
        let make = |seed| changed(film.pixels(), 64, &TRAINING, &mut ChaCha8Rng::seed_from_u64(seed));
        assert_eq!(make(1), make(1));
        assert_ne!(make(1), make(2));
    }

    #[test]
    fn strength_nothing_changes_nothing() {
        let none = Strength {
            rotation: 0.0,
            scale: 0.0,
            shift: 0.0,
            gamma: 0.0,
            contrast: 0.0,
            brightness: 0.0,
            slope: 0.0,
            degrade: 0.0,
            ..SHIFTED
        };
        let film = phantom::shadowed().resized(64, 64);
        assert_eq!(changed(film.pixels(), 64, &none, &mut ChaCha8Rng::seed_from_u64(1)), film.pixels());
    }
}
