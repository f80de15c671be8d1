//! Named ways in which films from elsewhere differ, each measured on its own, and all of them together.
//!
//! Contract: a shifted film depends on the film, the shift, the seed and the film's index only.

use super::{
    augment::{self, Strength},
    scanner::{self, Scanner},
};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

/// No change of pose, exposure or quality.
const STILL: Strength = Strength {
    rotation: 0.0,
    scale: 0.0,
    shift: 0.0,
    mirror: 0.0,
    gamma: 0.0,
    contrast: 0.0,
    brightness: 0.0,
    slope: 0.0,
    degrade: 0.0,
    noise: 0.0,
    cover: 0.0,
};

/// A way in which films differ.
#[derive(Debug, Clone, Copy)]
pub struct Shift {
    /// Its name in metrics: `auroc_shift_<name>`.
    pub name: &'static str,
    /// Pose, exposure, quality, covers.
    pub strength: Strength,
    /// Tone, edges, collimation, compression.
    pub scanner: Scanner,
}

/// Each way on its own. Strengths are at the far end of what an archive holds.
pub const SHIFTS: [Shift; 6] = [
    Shift {
        name: "exposure",
        strength: Strength { gamma: 0.5, contrast: 0.4, brightness: 0.15, slope: 0.6, ..STILL },
        scanner: scanner::NONE,
    },
    Shift {
        name: "geometry",
        strength: Strength { rotation: 0.18, scale: 0.2, shift: 0.08, ..STILL },
        scanner: scanner::NONE,
    },
    Shift { name: "quality", strength: Strength { degrade: 1.0, noise: 14.0, ..STILL }, scanner: scanner::NONE },
    Shift {
        name: "tone",
        strength: STILL,
        scanner: Scanner { tone: 1.0, bend: 0.2, detail: 1.0, amount: 1.2, ..scanner::NONE },
    },
    Shift {
        name: "borders",
        strength: Strength { cover: 0.5, ..STILL },
        scanner: Scanner { collimated: 1.0, depth: 0.12, ..scanner::NONE },
    },
    Shift { name: "jpeg", strength: STILL, scanner: Scanner { jpeg: 1.0, quality: 15, ..scanner::NONE } },
];

/// All of them together, for `auroc_shifted`.
pub const ALL: Shift = Shift { name: "all", strength: augment::SHIFTED, scanner: scanner::SHIFTED };

impl Shift {
    /// The film of `side` × `side` pixels as it would have come from elsewhere.
    #[must_use]
    pub fn of(&self, pixels: &[u8], side: usize, seed: u64, index: usize) -> Vec<u8> {
        let name = self.name.bytes().fold(0u64, |sum, byte| sum.wrapping_mul(131).wrapping_add(u64::from(byte)));
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ name.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        rng.set_stream(index as u64);
        let film = augment::changed(pixels, side, &self.strength, &mut rng);
        scanner::changed(film, side, &self.scanner, &mut rng)
    }
}

#[cfg(test)]
mod tests {
    use super::{ALL, SHIFTS};
    use crate::models::chest::phantom;

    #[test]
    fn every_shift_changes_a_film_the_same_way_each_time() {
        let film = phantom::normal().resized(64, 64);
        for shift in SHIFTS.iter().chain([&ALL]) {
            let make = |index| shift.of(film.pixels(), 64, 7, index);
            assert_eq!(make(3), make(3), "{}", shift.name);
            let changed = (0..8).filter(|index| make(*index) != film.pixels()).count();
            assert!(changed >= 5, "{}: {changed} of 8", shift.name);
        }
    }
}
