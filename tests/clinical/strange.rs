//! Pictures drawn by code that a film network must not judge: none of them is anybody's film.

use image::{ExtendedColorType, ImageEncoder as _, codecs::png::PngEncoder};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// Services that read chest films.
pub const CHEST_SERVICES: [&str; 2] = ["chest-radiograph", "pneumonia-28"];
/// Services that read knee films.
pub const KNEE_SERVICES: [&str; 1] = ["knee-radiograph"];
/// Services that read films.
pub const IMAGE_SERVICES: [&str; 3] = ["chest-radiograph", "pneumonia-28", "knee-radiograph"];
/// Services that read vitals and laboratory values.
pub const COURSE_SERVICES: [&str; 2] = ["inpatient-deterioration", "mortality-textbook"];

const SIDE: usize = 320;

/// A grey picture of [`SIDE`] × [`SIDE`] pixels.
pub struct Picture(Vec<u8>);

impl Picture {
    fn drawn(mut grey: impl FnMut(f64, f64) -> f64) -> Self {
        let at = |index: usize| (index as f64 + 0.5) / SIDE as f64;
        let pixels = (0..SIDE * SIDE).map(|index| grey(at(index % SIDE), at(index / SIDE)));
        Self(pixels.map(|value| (255.0 * value.clamp(0.0, 1.0)) as u8).collect())
    }

    pub fn png(&self) -> Vec<u8> {
        let mut png = Vec::new();
        let side = u32::try_from(SIDE).unwrap();
        PngEncoder::new(&mut png).write_image(&self.0, side, side, ExtendedColorType::L8).unwrap();
        png
    }
}

/// Name and picture.
pub fn pictures() -> Vec<(String, Picture)> {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let mut all = vec![
        ("white noise".to_owned(), Picture::drawn(|_, _| rng.random_range(0.0..1.0))),
        ("smooth noise".to_owned(), smooth_noise(5)),
        ("a blank film".to_owned(), Picture::drawn(|_, _| 0.11)),
        ("a nearly blank film".to_owned(), Picture::drawn(|x, y| 0.4 + 0.01 * x + 0.01 * y)),
        ("a checkerboard".to_owned(), Picture::drawn(|x, y| f64::from(((x * 8.0) as u8 + (y * 8.0) as u8) % 2))),
        ("a printed page".to_owned(), page()),
    ];
    all.extend((0..3).map(|seed| (format!("holiday photograph {seed}"), beach(seed))));
    all
}

/// Noise with the smoothness of a film but no shape.
fn smooth_noise(seed: u64) -> Picture {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let waves: Vec<[f64; 4]> = (0..24)
        .map(|_| {
            [
                rng.random_range(-9.0..9.0),
                rng.random_range(-9.0..9.0),
                rng.random_range(0.0..6.3),
                rng.random_range(0.2..1.0),
            ]
        })
        .collect();
    Picture::drawn(|x, y| {
        let sum: f64 = waves.iter().map(|[a, b, phase, height]| height * (6.3 * (a * x + b * y) + phase).sin()).sum();
        0.5 + 0.1 * sum
    })
}

/// Lines of words.
fn page() -> Picture {
    Picture::drawn(|x, y| {
        let (line, within) = ((y * 24.0) as u32, (y * 24.0).fract());
        let letter = ((x * 60.0) as u32).wrapping_mul(2_654_435_761).wrapping_add(line.wrapping_mul(40_503)) >> 13;
        let ink =
            (0.08..0.92).contains(&x) && (0.3..0.75).contains(&within) && letter % 5 != 0 && (x * 60.0).fract() < 0.7;
        if ink { 0.08 } else { 0.93 }
    })
}

/// Sky, sun, sea and sand, with a palm and a ball.
fn beach(seed: u64) -> Picture {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (sun_x, sun_y, horizon, palm) = (
        rng.random_range(0.2..0.8),
        rng.random_range(0.1..0.25),
        rng.random_range(0.4..0.5),
        rng.random_range(0.1..0.35),
    );
    let (ball_x, ball_y) = (rng.random_range(0.5..0.9), rng.random_range(0.8..0.92));
    Picture::drawn(|x, y| {
        let near = |cx: f64, cy: f64, radius: f64| (x - cx).hypot(y - cy) < radius;
        let leaf = (0..7).any(|leaf| {
            let angle = f64::from(leaf) * 0.9;
            let (dx, dy) = (x - palm, y - 0.32);
            let (along, across) = (dx * angle.cos() + dy * angle.sin(), dy * angle.cos() - dx * angle.sin());
            (0.0..0.2).contains(&along) && (across - along * along).abs() < 0.018
        });
        if leaf || ((x - palm - 0.05 * (y - 0.32)).abs() < 0.015 && (0.32..0.9).contains(&y)) {
            0.15
        } else if near(ball_x, ball_y, 0.06) {
            0.35 + 0.4 * f64::from(u8::from((x * 40.0).fract() < 0.5))
        } else if near(sun_x, sun_y, 0.07) {
            1.0
        } else if y < horizon {
            0.85 - 0.3 * y
        } else if y < 0.72 {
            0.4 + 0.1 * (60.0 * y + 6.0 * (9.0 * x).sin()).sin()
        } else {
            0.75 + 0.06 * (90.0 * x).sin() * (70.0 * y).cos()
        }
    })
}

/// A knee from the front: two long bones in soft tissue, condyles, plateau and the gap between them, the fibula beside.
pub fn knee(seed: u64) -> Picture {
    let mut rng = ChaCha8Rng::seed_from_u64(100 + seed);
    let (middle, joint, width, gap) = (
        rng.random_range(0.46..0.54),
        rng.random_range(0.46..0.54),
        rng.random_range(0.3..0.36),
        rng.random_range(0.012..0.03),
    );
    Picture::drawn(|x, y| {
        let dx = x - middle;
        let above = joint - gap / 2.0 - y;
        let below = y - joint - gap / 2.0;
        let soft = (0.46 - dx.abs()).clamp(0.0, 0.1) * 2.5;
        // Each bone is wide at the joint and narrow away from it.
        let half = |distance: f64| 0.5 * width * (0.5 + 0.5 * (-(distance / 0.16).powi(2)).exp());
        let notch = above > 0.0 && dx.abs() < 0.05 && above < 0.07;
        let bone = |distance: f64| distance > 0.0 && dx.abs() < half(distance) && !notch;
        let fibula = below > 0.08 && (dx - 0.5 * width).abs() < 0.035;
        let rim = |distance: f64| 0.12 * (-(half(distance) - dx.abs()).powi(2) / 0.0003).exp();
        if bone(above) {
            0.62 + rim(above)
        } else if bone(below) {
            0.6 + rim(below)
        } else if fibula {
            0.5
        } else {
            0.08 + soft
        }
    })
}

/// A chest from the front: dark lungs between bright middle, shoulders and belly, with ribs.
pub fn chest(seed: u64) -> Picture {
    let mut rng = ChaCha8Rng::seed_from_u64(200 + seed);
    let (middle, top, bottom) =
        (rng.random_range(0.47..0.53), rng.random_range(0.14..0.2), rng.random_range(0.72..0.8));
    Picture::drawn(|x, y| {
        let (dx, along) = (x - middle, (y - top) / (bottom - top));
        let lung = |side: f64| {
            let centre = side * (0.16 + 0.06 * along);
            let half = 0.13 * (1.0 - (2.0 * along - 1.1).abs().powf(2.5)).max(0.0).sqrt();
            (0.0..1.0).contains(&along) && (dx - centre).abs() < half
        };
        let heart = ((dx - 0.06) / 0.16).powi(2) + ((y - 0.62) / 0.15).powi(2) < 1.0;
        let rib = 0.09 * (55.0 * (y + 0.25 * dx.abs())).sin().max(0.0);
        let body = if dx.abs() < 0.42 { 0.62 } else { 0.12 };
        if (lung(1.0) || lung(-1.0)) && !heart {
            0.2 + rib
        } else if heart || dx.abs() < 0.06 {
            0.78
        } else {
            body + 0.5 * rib
        }
    })
}
