//! Pictures that are no upright frontal chest film, for the output that tells such pictures: chest films turned, inverted,
//! cut up or shrunken, and pictures drawn by chance (limbs, scenes, pages, noise). No other film of a patient is used.
//!
//! Contract: squashed pictures of `side` × `side` pixels; depends on the film, the side and the generator only.

use super::{augment, scanner};
use crate::domain::GreyImage;
use rand::{RngExt as _, seq::SliceRandom as _};
use rand_chacha::ChaCha8Rng;

/// Kinds that are made from a chest film.
const FROM_FILM: usize = 5;
/// All kinds.
const KINDS: usize = 12;

/// One such picture; `film` is a squashed chest film, which some kinds are made from.
#[must_use]
pub fn stranger(film: &[u8], side: usize, rng: &mut ChaCha8Rng) -> Vec<u8> {
    let kind = rng.random_range(0..KINDS);
    let mut picture = match kind {
        0 => turned(film, side, rng),
        1 => film.iter().map(|value| 255 - value).collect(),
        2 => shuffled(film, side, rng),
        3 => enlarged(film, side, rng),
        4 => shrunken(film, side, rng),
        5 => noise(side, rng),
        6 => page(side, rng),
        7 | 8 => limb(side, rng),
        _ => scene(side, rng),
    };
    // Turned films that are inverted too, scenes that are cut up.
    if kind != 1 && rng.random_bool(0.15) {
        picture.iter_mut().for_each(|value| *value = 255 - *value);
    } else if kind >= FROM_FILM && rng.random_bool(0.15) {
        picture = shuffled(&picture, side, rng);
    }
    if rng.random_bool(0.6) {
        picture = augment::changed(&picture, side, &augment::TRAINING, rng);
        picture = scanner::changed(picture, side, &scanner::TRAINING, rng);
    }
    picture
}

/// By a quarter, a half or three quarters, or upside down.
fn turned(film: &[u8], side: usize, rng: &mut ChaCha8Rng) -> Vec<u8> {
    let way = rng.random_range(0..5);
    let last = side - 1;
    let from = |x: usize, y: usize| match way {
        0 => film[x * side + (last - y)],
        1 => film[(last - x) * side + y],
        2 => film[(last - y) * side + (last - x)],
        3 => film[(last - y) * side + x],
        _ => film[x * side + y],
    };
    (0..side * side).map(|index| from(index % side, index / side)).collect()
}

/// Tiles in another order.
fn shuffled(film: &[u8], side: usize, rng: &mut ChaCha8Rng) -> Vec<u8> {
    let tiles = [2, 3, 4, 6][rng.random_range(0..4)];
    let size = side / tiles;
    let mut order: Vec<usize> = (0..tiles * tiles).collect();
    order.shuffle(rng);
    let mut picture = film.to_vec();
    for (to, from) in order.into_iter().enumerate() {
        for y in 0..size {
            let place = |tile: usize| ((tile / tiles) * size + y) * side + (tile % tiles) * size;
            let source = place(from);
            picture[place(to)..place(to) + size].copy_from_slice(&film[source..source + size]);
        }
    }
    picture
}

fn image(pixels: Vec<u8>, width: usize, height: usize) -> Option<GreyImage> {
    GreyImage::new(width, height, pixels).ok()
}

/// A part of a quarter to two fifths of the side, as large as the whole.
fn enlarged(film: &[u8], side: usize, rng: &mut ChaCha8Rng) -> Vec<u8> {
    let size = rng.random_range(side / 4..=side * 2 / 5);
    let (left, top) = (rng.random_range(0..=side - size), rng.random_range(0..=side - size));
    let part = (top..top + size).flat_map(|y| film[y * side + left..y * side + left + size].to_vec()).collect();
    image(part, size, size).map_or_else(|| film.to_vec(), |part| part.resized(side, side).pixels().to_vec())
}

/// The film on a page or a wall, or several on one sheet.
fn shrunken(film: &[u8], side: usize, rng: &mut ChaCha8Rng) -> Vec<u8> {
    let size = rng.random_range(side * 3 / 10..=side / 2);
    let Some(small) = image(film.to_vec(), side, side).map(|film| film.resized(size, size)) else {
        return film.to_vec();
    };
    let mut picture = if rng.random_bool(0.5) { vec![rng.random(); side * side] } else { scene(side, rng) };
    let many = rng.random_bool(0.3);
    let places = if many {
        vec![(0, 0), (side - size, 0), (0, side - size), (side - size, side - size)]
    } else {
        vec![(rng.random_range(0..=side - size), rng.random_range(0..=side - size))]
    };
    for (left, top) in places {
        for y in 0..size {
            picture[(top + y) * side + left..(top + y) * side + left + size]
                .copy_from_slice(&small.pixels()[y * size..(y + 1) * size]);
        }
    }
    picture
}

/// Clouds: noise of one to four scales.
fn clouds(side: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let mut sum = vec![0.0f32; side * side];
    for _ in 0..rng.random_range(1..=4) {
        let cells = rng.random_range(2..=side);
        let coarse: Vec<u8> = (0..cells * cells).map(|_| rng.random()).collect();
        let weight = 1.0 / cells as f32;
        if let Some(fine) = image(coarse, cells, cells).map(|coarse| coarse.resized(side, side)) {
            sum.iter_mut().zip(fine.pixels()).for_each(|(sum, value)| *sum += weight * f32::from(*value));
        }
    }
    let (low, high) = sum.iter().fold((f32::MAX, f32::MIN), |(low, high), value| (low.min(*value), high.max(*value)));
    sum.into_iter().map(|value| (value - low) / (high - low).max(1e-6)).collect()
}

fn grey(values: impl IntoIterator<Item = f32>) -> Vec<u8> {
    values.into_iter().map(|value| (value * 255.0).round().clamp(0.0, 255.0) as u8).collect()
}

/// White noise, clouds, or black and white grains on grey.
fn noise(side: usize, rng: &mut ChaCha8Rng) -> Vec<u8> {
    match rng.random_range(0..4) {
        0 => (0..side * side).map(|_| rng.random()).collect(),
        1 => {
            let (ground, share) = (rng.random::<u8>(), rng.random_range(0.02..0.4));
            let mut grain = || if rng.random_bool(0.5) { 255 } else { 0 };
            let mut picture: Vec<u8> = (0..side * side).map(|_| grain()).collect();
            picture.iter_mut().for_each(|value| {
                if !rng.random_bool(share) {
                    *value = ground;
                }
            });
            picture
        }
        _ => grey(clouds(side, rng)),
    }
}

/// A chequered or striped page, or lines of writing.
fn page(side: usize, rng: &mut ChaCha8Rng) -> Vec<u8> {
    let (dark, light) = (rng.random_range(0.0f32..0.4), rng.random_range(0.6f32..1.0));
    let cell = rng.random_range(3..=side / 4);
    let kind = rng.random_range(0..3);
    let writing = clouds(side, rng);
    grey((0..side * side).map(|index| {
        let (x, y) = (index % side, index / side);
        let ink = match kind {
            0 => (x / cell + y / cell).is_multiple_of(2),
            1 => (x * usize::from(cell % 2 == 0) + y) / cell % 2 == 0,
            _ => {
                y % cell.min(12) < cell.min(12) / 2
                    && writing[(y / cell.min(12) * 7919 + x * 31) % (side * side)] > 0.45
            }
        };
        if ink { dark } else { light }
    }))
}

/// One or two bones with a joint in soft tissue, at any angle.
fn limb(side: usize, rng: &mut ChaCha8Rng) -> Vec<u8> {
    let angle = if rng.random_bool(0.6) { rng.random_range(-0.3f32..0.3) } else { rng.random_range(-3.1f32..3.1) };
    let (sin, cos) = angle.sin_cos();
    let (joint, middle) = (rng.random_range(-0.25f32..0.25), rng.random_range(-0.12f32..0.12));
    let bone = rng.random_range(0.06f32..0.26);
    let tissue = bone * rng.random_range(1.2f32..2.6);
    let (flare, reach) = (rng.random_range(0.1f32..1.0), rng.random_range(0.08f32..0.3));
    let (gap, depth) = (rng.random_range(0.008f32..0.04), rng.random_range(0.3f32..1.0));
    let (soft, hard, ground) =
        (rng.random_range(0.1f32..0.5), rng.random_range(0.2f32..0.55), rng.random_range(0.0f32..0.2));
    let second = rng.random_bool(0.5).then(|| (rng.random_range(0.1f32..0.4), rng.random_range(0.02f32..0.08)));
    let (cortex, texture) = (rng.random_range(0.0f32..0.3), rng.random_range(0.0f32..0.25));
    let clouds = clouds(side, rng);
    grey((0..side * side).map(|index| {
        let (x, y) = ((index % side) as f32 / side as f32 - 0.5, (index / side) as f32 / side as f32 - 0.5);
        let (across, along) = (cos * x + sin * y - middle, cos * y - sin * x - joint);
        let wide = bone * (1.0 + flare * (-(along / reach).powi(2)).exp());
        let edge = |distance: f32, width: f32| (0.5 + (width - distance) / 0.03).clamp(0.0, 1.0);
        let shaft = edge(across.abs(), wide) * (1.0 - depth * (-(along / gap).powi(2)).exp());
        let rim = cortex * (-((across.abs() - wide) / 0.02).powi(2)).exp();
        let beside =
            second.map_or(0.0, |(offset, width)| if along > 0.0 { edge((across - offset).abs(), width) } else { 0.0 });
        let flesh = edge(across.abs(), tissue * (1.0 + 0.3 * (-(along / 0.3).powi(2)).exp()));
        let value = ground + soft * flesh + hard * shaft.max(0.7 * beside) + rim;
        value * (1.0 + texture * (clouds[index] - 0.5))
    }))
}

/// A background with slopes and clouds, and a handful of round and angular things on it.
fn scene(side: usize, rng: &mut ChaCha8Rng) -> Vec<u8> {
    let mut within = |low: f32, high: f32| rng.random_range(low..high);
    let (level, across, down, cloudy) = (within(0.1, 0.9), within(-0.7, 0.7), within(-0.9, 0.9), within(0.0, 0.5));
    let (horizon, step) = (within(0.2, 1.6), within(-0.5, 0.5));
    let clouds = clouds(side, rng);
    let mut picture: Vec<f32> = (0..side * side)
        .map(|index| {
            let (x, y) = ((index % side) as f32 / side as f32, (index / side) as f32 / side as f32);
            let ground = if y > horizon { step } else { 0.0 };
            level + across * (x - 0.5) + down * (y - 0.5) + ground + cloudy * (clouds[index] - 0.5)
        })
        .collect();
    for _ in 0..rng.random_range(0..=9) {
        thing(&mut picture, side, rng);
    }
    grey(picture)
}

/// One ellipse, ring, rectangle or triangle.
fn thing(picture: &mut [f32], side: usize, rng: &mut ChaCha8Rng) {
    let shape = rng.random_range(0..4);
    let mut within = |low: f32, high: f32| rng.random_range(low..high);
    let (centre_x, centre_y, angle) = (within(0.0, 1.0), within(0.0, 1.0), within(0.0, 3.1));
    let (wide, high) = (within(0.02, 0.35), within(0.02, 0.35));
    let (value, cover, soft) = (within(-0.1, 1.1), within(0.5, 1.0), within(0.01, 0.25));
    let (sin, cos) = angle.sin_cos();
    for (index, pixel) in picture.iter_mut().enumerate() {
        let (x, y) = ((index % side) as f32 / side as f32 - centre_x, (index / side) as f32 / side as f32 - centre_y);
        let (u, v) = ((cos * x + sin * y) / wide, (cos * y - sin * x) / high);
        let inside = match shape {
            0 => 1.0 - (u * u + v * v).sqrt(),
            1 => 0.25 - ((u * u + v * v).sqrt() - 0.75).abs(),
            2 => 1.0 - u.abs().max(v.abs()),
            _ => (1.0 - v.abs()).min(v * 0.5 + 0.5 - u.abs()),
        };
        let share = cover * (inside / soft).clamp(0.0, 1.0);
        *pixel += share * (value - *pixel);
    }
}

#[cfg(test)]
mod tests {
    use super::{shuffled, stranger, turned};
    use crate::models::chest::phantom;
    use rand::SeedableRng as _;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn strangers_differ_fill_the_square_and_repeat_with_the_seed() {
        let film = phantom::normal().resized(64, 64);
        let make = |seed| stranger(film.pixels(), 64, &mut ChaCha8Rng::seed_from_u64(seed));
        let all: Vec<Vec<u8>> = (0..60).map(make).collect();
        assert!(all.iter().all(|picture| picture.len() == 64 * 64 && picture != film.pixels()));
        assert_eq!(all[7], make(7));
        let flat = all.iter().filter(|picture| picture.iter().max() == picture.iter().min()).count();
        assert!(flat <= 6, "{flat} of 60 are flat");
    }

    #[test]
    fn turning_and_shuffling_only_move_pixels() {
        let film = phantom::shadowed().resized(48, 48);
        let sorted = |pixels: &[u8]| {
            let mut pixels = pixels.to_vec();
            pixels.sort_unstable();
            pixels
        };
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for _ in 0..8 {
            assert_eq!(sorted(&turned(film.pixels(), 48, &mut rng)), sorted(film.pixels()));
            assert_eq!(sorted(&shuffled(film.pixels(), 48, &mut rng)), sorted(film.pixels()));
        }
    }
}
