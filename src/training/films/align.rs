//! Brings films into one position, so that ribs lie roughly on ribs before films are averaged.
//!
//! Contract: scale and shift per axis only; the best correlation with a template found by descent, never worse than
//! leaving the film as it is.

use crate::domain::GreyImage;

/// Side of the copy that is compared with the template.
pub const COARSE: usize = 44;

/// Scale and shift per axis; shifts in shares of the side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placement {
    /// Scale across and down.
    pub scale: [f32; 2],
    /// Shift across and down.
    pub shift: [f32; 2],
}

impl Placement {
    /// As it is.
    pub const IDENTITY: Self = Self { scale: [1.0; 2], shift: [0.0; 2] };

    /// The film at `side` × `side` pixels in this place; grey values 0 to 255.
    #[must_use]
    pub fn apply(&self, film: &GreyImage, side: usize) -> Vec<f32> {
        let (width, height) = (film.width(), film.height());
        let source = |index: usize, axis: usize, length: usize| {
            let centred = (index as f32 + 0.5) / side as f32 - 0.5;
            let place = (centred * self.scale[axis] + self.shift[axis] + 0.5) * length as f32 - 0.5;
            place.clamp(0.0, (length - 1) as f32)
        };
        let mut values = Vec::with_capacity(side * side);
        for y in 0..side {
            let down = source(y, 1, height);
            let (top, part_y) = (down as usize, down.fract());
            let bottom = (top + 1).min(height - 1);
            for x in 0..side {
                let across = source(x, 0, width);
                let (left, part_x) = (across as usize, across.fract());
                let right = (left + 1).min(width - 1);
                let at = |x: usize, y: usize| f32::from(film.pixels()[y * width + x]);
                let upper = at(left, top) * (1.0 - part_x) + at(right, top) * part_x;
                let lower = at(left, bottom) * (1.0 - part_x) + at(right, bottom) * part_x;
                values.push(upper * (1.0 - part_y) + lower * part_y);
            }
        }
        values
    }
}

/// Mean 0, variance 1; a flat film stays zero.
pub fn standardise(values: &mut [f32]) {
    let count = values.len().max(1) as f32;
    let mean = values.iter().sum::<f32>() / count;
    let spread = (values.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / count).sqrt().max(1e-3);
    values.iter_mut().for_each(|value| *value = (*value - mean) / spread);
}

/// Correlation of a placed film with a standardised template of [`COARSE`] squared.
fn agreement(film: &GreyImage, placement: Placement, template: &[f32]) -> f32 {
    let mut values = placement.apply(film, COARSE);
    standardise(&mut values);
    values.iter().zip(template).map(|(a, b)| a * b).sum::<f32>() / values.len() as f32
}

/// The place where a film (at [`COARSE`] or larger) agrees best with the template, and how well.
#[must_use]
pub fn place(film: &GreyImage, template: &[f32]) -> (Placement, f32) {
    let coarse = film.resized(COARSE, COARSE);
    let mut best = (Placement::IDENTITY, agreement(&coarse, Placement::IDENTITY, template));
    for step in [0.06f32, 0.03, 0.015, 0.007] {
        let mut improved = true;
        while improved {
            improved = false;
            for (axis, is_scale, sign) in
                (0..8).map(|index| (index & 1, index & 2 == 0, if index & 4 == 0 { 1.0 } else { -1.0 }))
            {
                let mut next = best.0;
                let number = if is_scale { &mut next.scale[axis] } else { &mut next.shift[axis] };
                *number += sign * step;
                let bounded =
                    next.scale.iter().all(|s| (0.7..=1.2).contains(s)) && next.shift.iter().all(|s| s.abs() <= 0.15);
                let found = if bounded { agreement(&coarse, next, template) } else { -1.0 };
                if found > best.1 + 1e-5 {
                    best = (next, found);
                    improved = true;
                }
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::{COARSE, Placement, place, standardise};
    use crate::{domain::GreyImage, models::chest::phantom};

    #[test]
    fn a_shifted_and_scaled_film_finds_its_way_back() {
        let film = phantom::normal();
        let mut template = Placement::IDENTITY.apply(&film.resized(COARSE, COARSE), COARSE);
        standardise(&mut template);
        let elsewhere = Placement { scale: [0.9, 0.92], shift: [0.04, -0.03] };
        let pixels = elsewhere.apply(&film, 256).into_iter().map(|value| value as u8).collect();
        let moved = GreyImage::new(256, 256, pixels).unwrap();
        let (found, agreement) = place(&moved, &template);
        assert!(agreement > 0.97, "{agreement}");
        assert!((found.scale[0] * 0.9 - 1.0).abs() < 0.04, "{found:?}");
    }
}
