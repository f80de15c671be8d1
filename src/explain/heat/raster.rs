//! The map at full resolution, and its colours.
//!
//! Contract: bicubic between the fields' centres (Catmull & Rom's spline), never beyond the numbers around a place, so
//! that no colour appears that no field nearby has. The scale is symmetric about zero: orange and blue of the same
//! depth mean the same number of log-odds. Both ends grow darker and more opaque evenly.

use crate::domain::HeatMap;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use image::{
    ExtendedColorType, ImageEncoder,
    codecs::png::{CompressionType, FilterType, PngEncoder},
};

/// Steps of colour on either side: more are not told apart, fewer compress better.
const STEPS: f32 = 40.0;
/// Pale and deep end of either side, after Okabe and Ito's orange and blue.
const FOR: [[f32; 3]; 2] = [[255.0, 183.0, 77.0], [213.0, 82.0, 0.0]];
const AGAINST: [[f32; 3]; 2] = [[100.0, 195.0, 255.0], [0.0, 98.0, 178.0]];

/// An interpolated map.
pub(super) struct Raster {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Row by row, in units of the score.
    pub(super) values: Vec<f32>,
    /// Largest distance from zero of a field.
    pub(super) largest: f32,
}

impl Raster {
    /// The map at `ratio` (width by height), `fine` pixels on its longer side. Fields that are missing or not finite
    /// count as zero.
    pub(super) fn of(heat: &HeatMap, ratio: f64, fine: usize) -> Self {
        let shorter = |share: f64| ((fine as f64 * share).round() as usize).clamp(1, fine);
        let (width, height) = if ratio >= 1.0 { (fine, shorter(1.0 / ratio)) } else { (shorter(ratio), fine) };
        let grid = Grid(heat);
        let fields = heat.width.saturating_mul(heat.height).min(heat.values.len());
        let sizes = heat.values.iter().take(fields).map(|value| value.abs());
        let largest = sizes.filter(|size| size.is_finite()).fold(f32::MIN_POSITIVE, f32::max);
        let place =
            |index: usize, pixels: usize, fields: usize| (index as f32 + 0.5) * fields as f32 / pixels as f32 - 0.5;
        let values = (0..height)
            .flat_map(|y| (0..width).map(move |x| (x, y)))
            .map(|(x, y)| grid.between(place(x, width, heat.width), place(y, height, heat.height)));
        Self { width, height, values: values.collect(), largest }
    }

    /// The level above which lies half of all support; nothing without support.
    pub(super) fn half_of_support(&self) -> Option<f32> {
        let mut support: Vec<f32> = self.values.iter().copied().filter(|value| *value > 0.0).collect();
        support.sort_unstable_by(|a, b| b.total_cmp(a));
        let half = support.iter().map(|value| f64::from(*value)).sum::<f64>() / 2.0;
        let mut sum = 0.0;
        support.into_iter().find(|value| {
            sum += f64::from(*value);
            sum >= half
        })
    }

    /// As a `data:` URL of a PNG with transparency; nothing if it cannot be written.
    pub(super) fn png(&self) -> Option<String> {
        let pixels: Vec<u8> = self.values.iter().flat_map(|value| colour(value / self.largest)).collect();
        png(&pixels, self.width, self.height)
    }
}

/// The colours from the least to the greatest, as a `data:` URL.
pub(super) fn colour_bar() -> Option<String> {
    const LENGTH: usize = 161;
    let share = |index: usize| 2.0 * index as f32 / (LENGTH - 1) as f32 - 1.0;
    let pixels: Vec<u8> = (0..LENGTH).flat_map(|index| colour(share(index))).collect();
    png(&pixels, LENGTH, 1)
}

fn png(pixels: &[u8], width: usize, height: usize) -> Option<String> {
    let (width, height) = (u32::try_from(width).ok()?, u32::try_from(height).ok()?);
    let mut bytes = Vec::new();
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Best, FilterType::Up)
        .write_image(pixels, width, height, ExtendedColorType::Rgba8)
        .ok()?;
    Some(format!("data:image/png;base64,{}", STANDARD.encode(bytes)))
}

/// Colour and opacity of a share of the largest number, −1 to 1.
fn colour(share: f32) -> [u8; 4] {
    let step = (share.clamp(-1.0, 1.0) * STEPS).round() / STEPS;
    let depth = step.abs();
    let [pale, deep] = if step >= 0.0 { FOR } else { AGAINST };
    let mix = |index: usize| (pale[index] + (deep[index] - pale[index]) * depth).round() as u8;
    // In proportion: a film should not look tinted where next to nothing was found.
    let opacity = (depth * 255.0).round() as u8;
    if opacity == 0 { [0; 4] } else { [mix(0), mix(1), mix(2), opacity] }
}

struct Grid<'a>(&'a HeatMap);

impl Grid<'_> {
    /// A field; beyond the edge, the field at the edge.
    fn at(&self, column: isize, row: isize) -> f32 {
        let held = |place: isize, count: usize| place.clamp(0, count.max(1) as isize - 1) as usize;
        let index = held(row, self.0.height) * self.0.width + held(column, self.0.width);
        self.0.values.get(index).copied().filter(|value| value.is_finite()).unwrap_or(0.0)
    }

    fn between(&self, x: f32, y: f32) -> f32 {
        let (column, row) = (x.floor() as isize, y.floor() as isize);
        let (across, down) = (weights(x - x.floor()), weights(y - y.floor()));
        let (mut sum, mut least, mut most) = (0.0, f32::MAX, f32::MIN);
        for (dy, down) in (-1..).zip(down) {
            for (dx, across) in (-1..).zip(across) {
                let value = self.at(column + dx, row + dy);
                sum += value * across * down;
                (least, most) = (least.min(value), most.max(value));
            }
        }
        sum.clamp(least, most)
    }
}

/// Catmull and Rom's weights of the four fields around a place.
fn weights(t: f32) -> [f32; 4] {
    let (t2, t3) = (t * t, t * t * t);
    [0.5 * (-t3 + 2.0 * t2 - t), 0.5 * (3.0 * t3 - 5.0 * t2 + 2.0), 0.5 * (-3.0 * t3 + 4.0 * t2 + t), 0.5 * (t3 - t2)]
}

#[cfg(test)]
mod tests {
    use super::{Raster, colour};
    use crate::domain::HeatMap;

    #[test]
    fn a_fields_own_number_stands_at_its_centre_and_nothing_exceeds_the_fields() {
        let heat = HeatMap { width: 2, height: 2, values: vec![1.0, -1.0, 0.5, 0.0] };
        let raster = Raster::of(&heat, 1.0, 6);
        assert_eq!((raster.width, raster.height), (6, 6));
        assert!((raster.values[7] - 1.0).abs() < 1e-6 && (raster.values[10] + 1.0).abs() < 1e-6);
        assert!(raster.values.iter().all(|value| (-1.0..=1.0).contains(value)));
    }

    #[test]
    fn the_raster_has_the_films_proportions() {
        let heat = HeatMap { width: 1, height: 1, values: vec![1.0] };
        let (tall, wide) = (Raster::of(&heat, 0.5, 64), Raster::of(&heat, 2.0, 64));
        assert_eq!([(tall.width, tall.height), (wide.width, wide.height)], [(32, 64), (64, 32)]);
    }

    #[test]
    fn zero_is_transparent_and_more_is_deeper_on_both_sides() {
        assert_eq!(colour(0.0), [0; 4]);
        for sign in [1.0, -1.0] {
            let depths = [0.25, 0.5, 0.75, 1.0].map(|share| colour(sign * share));
            assert!(depths.windows(2).all(|pair| pair[0][3] < pair[1][3] && pair[0][1] > pair[1][1]));
        }
    }

    #[test]
    fn half_of_the_support_lies_above_the_level() {
        let heat = HeatMap { width: 3, height: 1, values: vec![0.1, 1.0, -5.0] };
        let raster = Raster::of(&heat, 1.0, 96);
        let level = raster.half_of_support().unwrap();
        let sum = |from: f32| {
            raster.values.iter().filter(|value| **value >= from).map(|value| f64::from(*value)).sum::<f64>()
        };
        assert!((sum(level) / sum(f32::MIN_POSITIVE) - 0.5).abs() < 0.1);
        let against = HeatMap { width: 1, height: 1, values: vec![-1.0] };
        assert!(Raster::of(&against, 1.0, 8).half_of_support().is_none());
    }
}
