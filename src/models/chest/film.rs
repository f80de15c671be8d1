//! From a grey film of any size to the network's two planes, and the measures that tell a film from something else.
//!
//! Contract: pure and deterministic; training and service use these very functions. The film is squashed to a square,
//! as the films the network was trained on were.

use crate::domain::GreyImage;

/// Planes per film: equalised, local contrast.
pub const PLANES: usize = 2;
/// Half the side of the window for local contrast, in pixels of the squashed film.
const WINDOW: usize = 12;
/// Local contrast is cut at this many standard deviations.
const CONTRAST_MAX: f32 = 4.0;
/// Side of the template the film's likeness is measured against.
pub const TEMPLATE_SIDE: usize = 32;

/// The network's input for a film squashed to `side` × `side`: side × side × [`PLANES`], planes last.
///
/// The first plane is the grey value's rank (histogram equalisation; mean 0, variance 1), which no monotone change of
/// exposure, window or gamma alters. The second is the difference from the neighbourhood's mean in units of the
/// neighbourhood's spread, which slow changes of brightness across the film hardly alter.
#[must_use]
pub fn planes(squashed: &[u8], side: usize) -> Vec<f32> {
    let ranks = ranks(squashed);
    let local = local_contrast(squashed, side);
    squashed.iter().zip(local).flat_map(|(pixel, local)| [ranks[usize::from(*pixel)], local]).collect()
}

/// The planes of the film seen in a mirror: `planes` is as [`planes()`] gives it.
#[must_use]
pub fn mirrored(planes: &[f32], side: usize) -> Vec<f32> {
    let lines = planes.chunks_exact(side * PLANES);
    lines.flat_map(|line| line.chunks_exact(PLANES).rev().flatten().copied()).collect()
}

/// The mean of a film's map and, where there is one, its mirror image's map turned back; row by row.
#[must_use]
pub fn unmirrored(maps: &[Vec<Vec<f32>>]) -> Vec<f32> {
    let own: Vec<f32> = maps.first().into_iter().flatten().flatten().copied().collect();
    let Some(other) = maps.get(1) else { return own };
    let other = other.iter().flat_map(|line| line.iter().rev().copied());
    own.iter().zip(other).map(|(own, other)| f32::midpoint(*own, other)).collect()
}

/// The film equalised: every pixel's rank, mean 0 and variance 1 over the film.
#[must_use]
pub fn rank_plane(pixels: &[u8]) -> Vec<f32> {
    let ranks = ranks(pixels);
    pixels.iter().map(|pixel| ranks[usize::from(*pixel)]).collect()
}

/// Equalised value of every grey value: mid-rank, scaled to mean 0 and variance 1 over the film.
fn ranks(pixels: &[u8]) -> [f32; 256] {
    let mut counts = [0usize; 256];
    pixels.iter().for_each(|pixel| counts[usize::from(*pixel)] += 1);
    let mut below = 0usize;
    counts.map(|count| {
        let rank = (below as f32 + 0.5 * count as f32) / pixels.len().max(1) as f32;
        below += count;
        (rank - 0.5) * 12f32.sqrt()
    })
}

/// (pixel − mean) / spread of the window around each pixel; the spread has a floor of a tenth of the whole film's.
fn local_contrast(pixels: &[u8], side: usize) -> Vec<f32> {
    let (sums, squares) = (integral(pixels, side, f64::from), integral(pixels, side, |v| f64::from(v) * f64::from(v)));
    let (mean, variance) = (sums[sums.len() - 1], squares[squares.len() - 1]);
    let count = pixels.len().max(1) as f64;
    let floor = (variance / count - (mean / count).powi(2)).max(0.0).sqrt() * 0.1 + 0.5;
    let mut planes = Vec::with_capacity(pixels.len());
    for y in 0..side {
        let (top, bottom) = (y.saturating_sub(WINDOW), (y + WINDOW + 1).min(side));
        for x in 0..side {
            let (left, right) = (x.saturating_sub(WINDOW), (x + WINDOW + 1).min(side));
            let area = ((bottom - top) * (right - left)) as f64;
            let over = |table: &[f64]| {
                let at = |y: usize, x: usize| table[y * (side + 1) + x];
                (at(bottom, right) - at(top, right) - at(bottom, left) + at(top, left)) / area
            };
            let mean = over(&sums);
            let spread = (over(&squares) - mean * mean).max(0.0).sqrt();
            let value = ((f64::from(pixels[y * side + x]) - mean) / (spread + floor)) as f32;
            planes.push(value.clamp(-CONTRAST_MAX, CONTRAST_MAX));
        }
    }
    planes
}

/// Summed-area table with a row and a column of zeros before the first.
fn integral(pixels: &[u8], side: usize, value: impl Fn(u8) -> f64) -> Vec<f64> {
    let mut table = vec![0.0; (side + 1) * (side + 1)];
    for y in 0..side {
        let mut line = 0.0;
        for x in 0..side {
            line += value(pixels[y * side + x]);
            table[(y + 1) * (side + 1) + x + 1] = table[y * (side + 1) + x + 1] + line;
        }
    }
    table
}

/// What tells a film from something else.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measures {
    /// Standard deviation of the grey values, 0 to 127.5.
    pub contrast: f64,
    /// Correlation of neighbouring pixels, −1 to 1: near 1 for films, near 0 for noise.
    pub smoothness: f64,
    /// Correlation of the equalised film with the mean of the training films, −1 to 1.
    pub likeness: f64,
}

impl Measures {
    /// Measures a film squashed to `side` × `side`; `template` is as [`template_view`] gives it, averaged over films.
    #[must_use]
    pub fn of(squashed: &GreyImage, template: &[f32]) -> Self {
        let (pixels, side) = (squashed.pixels(), squashed.width());
        let values: Vec<f32> = pixels.iter().map(|pixel| f32::from(*pixel)).collect();
        let across: (Vec<f32>, Vec<f32>) =
            values.chunks_exact(side).flat_map(|line| line.iter().zip(&line[1..]).map(|(a, b)| (*a, *b))).unzip();
        let down = correlation(&values[..values.len() - side], &values[side..]);
        Self {
            contrast: spread(&values),
            smoothness: f64::midpoint(correlation(&across.0, &across.1), down),
            likeness: correlation(&template_view(squashed), template),
        }
    }
}

/// The film at the template's size, equalised.
#[must_use]
pub fn template_view(image: &GreyImage) -> Vec<f32> {
    let small = image.resized(TEMPLATE_SIDE, TEMPLATE_SIDE);
    rank_plane(small.pixels())
}

fn mean(values: &[f32]) -> f64 {
    values.iter().map(|value| f64::from(*value)).sum::<f64>() / values.len().max(1) as f64
}

fn spread(values: &[f32]) -> f64 {
    let centre = mean(values);
    let sum: f64 = values.iter().map(|value| (f64::from(*value) - centre).powi(2)).sum();
    (sum / values.len().max(1) as f64).sqrt()
}

/// Pearson's correlation; 0 when a side is flat.
fn correlation(left: &[f32], right: &[f32]) -> f64 {
    let (left_mean, right_mean) = (mean(left), mean(right));
    let pairs = left.iter().zip(right);
    let sum: f64 = pairs.map(|(l, r)| (f64::from(*l) - left_mean) * (f64::from(*r) - right_mean)).sum();
    let scale = spread(left) * spread(right) * left.len().max(1) as f64;
    if scale > 1e-9 { sum / scale } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::{Measures, mirrored, planes, unmirrored};
    use crate::domain::GreyImage;
    use crate::models::chest::phantom;

    #[test]
    fn a_change_of_gamma_leaves_the_equalised_plane_and_hardly_moves_the_other() {
        let film = phantom::normal().resized(128, 128);
        let bent = film.pixels().iter().map(|p| (f32::from(*p) / 255.0).powf(0.9) * 255.0).map(|v| v.round() as u8);
        let bent: Vec<u8> = bent.collect();
        let (plain, bent) = (planes(film.pixels(), 128), planes(&bent, 128));
        let gap = |plane: usize| {
            let pairs = plain.iter().zip(&bent).skip(plane).step_by(2);
            pairs.map(|(a, b)| (a - b).abs()).sum::<f32>() / (128.0 * 128.0)
        };
        assert!(gap(0) < 0.02, "{}", gap(0));
        assert!(gap(1) < 0.08, "{}", gap(1));
    }

    #[test]
    fn a_mirrored_map_is_turned_back() {
        assert_eq!(mirrored(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], 2), [3.0, 4.0, 1.0, 2.0, 7.0, 8.0, 5.0, 6.0]);
        let (own, other) = (vec![vec![1.0, 3.0]], vec![vec![5.0, 1.0]]);
        assert_eq!(unmirrored(&[own.clone(), other]), [1.0, 4.0]);
        assert_eq!(unmirrored(&[own]), [1.0, 3.0]);
    }

    #[test]
    fn noise_is_not_smooth_and_a_flat_image_has_no_contrast() {
        let mut state = 1u32;
        let noise: Vec<u8> = (0..128 * 128)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        let template = vec![0.0; 32 * 32];
        let noise = Measures::of(&GreyImage::new(128, 128, noise).unwrap(), &template);
        assert!(noise.smoothness.abs() < 0.1 && noise.contrast > 50.0);
        let flat = Measures::of(&GreyImage::new(128, 128, vec![90; 128 * 128]).unwrap(), &template);
        assert_eq!((flat.contrast, flat.likeness), (0.0, 0.0));
        let film = Measures::of(&phantom::normal().resized(128, 128), &template);
        assert!(film.smoothness > 0.9, "{film:?}");
    }
}
