//! From a grey film of one knee to the network's planes.
//!
//! Contract: pure and deterministic; training and service use these very functions. The central square of the film is
//! brought to [`SIDE`] pixels, equalised locally (the films the network was trained on were, by others), and the rows
//! around the joint are kept and enlarged: the network's first stages were made for larger pictures.

use crate::domain::GreyImage;

/// Films are squashed to this many pixels a side.
pub const SIDE: usize = 144;
/// First row kept: what lies above is the shaft of the femur, and the patella. The joint space lies at about row 88.
pub const TOP: usize = 48;
/// Rows kept.
const KEPT: usize = 72;
/// What is kept is enlarged by this much: a joint space is five pixels wide.
const UP: usize = 2;
/// Rows of the network's input.
pub const ROWS: usize = KEPT * UP;
/// Columns of the network's input.
pub const COLUMNS: usize = SIDE * UP;
/// Planes per film: locally equalised, local contrast.
pub const PLANES: usize = 2;
/// Tiles per side for the local equalisation.
const TILES: usize = 6;
/// A grey value may have this many times its even share of a tile; the rest is spread over all values.
const CLIP: f32 = 3.0;
/// Half the side of the window for local contrast, in pixels.
const WINDOW: usize = 9;
/// Local contrast is cut at this many standard deviations.
const CONTRAST_MAX: f32 = 4.0;

/// The central square of a film, at [`SIDE`] pixels a side: the films the network was trained on are square, with the
/// joint in the middle, and a longer film shows more of the bones.
#[must_use]
pub fn squashed(image: &GreyImage) -> GreyImage {
    let (width, height) = (image.width(), image.height());
    let side = width.min(height);
    if width == height {
        return image.resized(SIDE, SIDE);
    }
    let (left, top) = ((width - side) / 2, (height - side) / 2);
    let rows = image.pixels().chunks_exact(width).skip(top).take(side);
    let pixels: Vec<u8> = rows.flat_map(|row| &row[left..left + side]).copied().collect();
    GreyImage::new(side, side, pixels).map_or_else(|_| image.resized(SIDE, SIDE), |square| square.resized(SIDE, SIDE))
}

/// A map over the central square with cells of zero around it, so that it covers the whole film: width, height, values.
#[must_use]
pub fn around(square: &[f32], cells: usize, image: &GreyImage) -> (usize, usize, Vec<f32>) {
    let (width, height) = (image.width(), image.height());
    let side = width.min(height).max(1);
    // Cells beyond the square on each side, to the nearest whole cell.
    let beyond = |length: usize| ((length - side) * cells + side) / (2 * side);
    let (across, down) = (beyond(width.max(side)), beyond(height.max(side)));
    let (columns, rows) = (cells + 2 * across, cells + 2 * down);
    let mut values = vec![0.0; columns * rows];
    for (y, row) in square.chunks_exact(cells.max(1)).enumerate() {
        let start = (y + down) * columns + across;
        values[start..start + cells].copy_from_slice(row);
    }
    (columns, rows, values)
}

/// The network's input for a film of [`SIDE`] squared pixels: [`ROWS`] × [`COLUMNS`] × [`PLANES`], planes last; mirrored
/// left to right if asked.
#[must_use]
pub fn planes(squashed: &[u8], mirrored: bool) -> Vec<f32> {
    let mut equalised = equalised(squashed);
    let mean = equalised.iter().sum::<f32>() / equalised.len().max(1) as f32;
    let variance = equalised.iter().map(|v| (v - mean) * (v - mean)).sum::<f32>() / equalised.len().max(1) as f32;
    let spread = variance.sqrt().max(1e-3);
    equalised.iter_mut().for_each(|value| *value = (*value - mean) / spread);
    let both = [equalised, local_contrast(squashed)];
    let mut planes = Vec::with_capacity(ROWS * COLUMNS * PLANES);
    for y in 0..ROWS {
        let (above, below, down) = source(y, TOP);
        for x in 0..COLUMNS {
            let (left, right, across) = source(if mirrored { COLUMNS - 1 - x } else { x }, 0);
            planes.extend(both.each_ref().map(|plane| {
                let line = |y: usize| plane[y * SIDE + left] * (1.0 - across) + plane[y * SIDE + right] * across;
                line(above) * (1.0 - down) + line(below) * down
            }));
        }
    }
    planes
}

/// Where row or column `at` of the input lies in the squashed film: the pixel before, the pixel after, the share of the
/// latter; `first` is the first one kept.
fn source(at: usize, first: usize) -> (usize, usize, f32) {
    let centre = (at as f32 + 0.5) / UP as f32 - 0.5 + first as f32;
    let centre = centre.clamp(0.0, (SIDE - 1) as f32);
    let before = centre as usize;
    (before, (before + 1).min(SIDE - 1), centre - before as f32)
}

/// Contrast-limited adaptive histogram equalisation (Zuiderveld, Graphics Gems IV, 1994): the rank of every grey value
/// within its neighbourhood, 0 to 1, between the tables of the four nearest tiles.
#[must_use]
pub fn equalised(squashed: &[u8]) -> Vec<f32> {
    const TILE: usize = SIDE / TILES;
    let tables: Vec<[f32; 256]> = (0..TILES * TILES)
        .map(|tile| {
            let (top, left) = (tile / TILES * TILE, tile % TILES * TILE);
            let rows = squashed.chunks_exact(SIDE).skip(top).take(TILE);
            table(rows.flat_map(|row| &row[left..left + TILE]))
        })
        .collect();
    // Position of a pixel between the tiles' centres: the tile before, the tile after, and the share of the latter.
    let place = |at: usize| {
        let centred = ((at as f32 + 0.5) / TILE as f32 - 0.5).clamp(0.0, (TILES - 1) as f32);
        let before = (centred as usize).min(TILES - 2);
        (before, centred - before as f32)
    };
    let mut values = Vec::with_capacity(SIDE * SIDE);
    for (y, row) in squashed.chunks_exact(SIDE).enumerate() {
        let (above, down) = place(y);
        for (x, grey) in row.iter().enumerate() {
            let (before, across) = place(x);
            let at = |row: usize, column: usize| tables[row * TILES + column][usize::from(*grey)];
            let upper = at(above, before) * (1.0 - across) + at(above, before + 1) * across;
            let lower = at(above + 1, before) * (1.0 - across) + at(above + 1, before + 1) * across;
            values.push(upper * (1.0 - down) + lower * down);
        }
    }
    values
}

/// Grey value → mid-rank among a tile's pixels, after no value has more than its limit.
fn table<'a>(pixels: impl Iterator<Item = &'a u8>) -> [f32; 256] {
    let mut counts = [0f32; 256];
    let mut all = 0f32;
    for pixel in pixels {
        counts[usize::from(*pixel)] += 1.0;
        all += 1.0;
    }
    let limit = (CLIP * all / 256.0).max(1.0);
    let excess: f32 = counts.iter().map(|count| (count - limit).max(0.0)).sum();
    let mut below = 0.0;
    counts.map(|count| {
        let count = count.min(limit) + excess / 256.0;
        let rank = (below + 0.5 * count) / all.max(1.0);
        below += count;
        rank
    })
}

/// (pixel − mean) / spread of the window around each pixel; the spread has a floor of a tenth of the whole film's.
fn local_contrast(pixels: &[u8]) -> Vec<f32> {
    let (sums, squares) = (integral(pixels, f64::from), integral(pixels, |v| f64::from(v) * f64::from(v)));
    let (mean, variance) = (sums[sums.len() - 1], squares[squares.len() - 1]);
    let count = pixels.len().max(1) as f64;
    let floor = (variance / count - (mean / count).powi(2)).max(0.0).sqrt() * 0.1 + 0.5;
    let mut planes = Vec::with_capacity(pixels.len());
    for y in 0..SIDE {
        let (top, bottom) = (y.saturating_sub(WINDOW), (y + WINDOW + 1).min(SIDE));
        for x in 0..SIDE {
            let (left, right) = (x.saturating_sub(WINDOW), (x + WINDOW + 1).min(SIDE));
            let area = ((bottom - top) * (right - left)) as f64;
            let over = |table: &[f64]| {
                let at = |y: usize, x: usize| table[y * (SIDE + 1) + x];
                (at(bottom, right) - at(top, right) - at(bottom, left) + at(top, left)) / area
            };
            let mean = over(&sums);
            let spread = (over(&squares) - mean * mean).max(0.0).sqrt();
            let value = ((f64::from(pixels[y * SIDE + x]) - mean) / (spread + floor)) as f32;
            planes.push(value.clamp(-CONTRAST_MAX, CONTRAST_MAX));
        }
    }
    planes
}

/// Summed-area table with a row and a column of zeros before the first.
fn integral(pixels: &[u8], value: impl Fn(u8) -> f64) -> Vec<f64> {
    let mut table = vec![0.0; (SIDE + 1) * (SIDE + 1)];
    for y in 0..SIDE {
        let mut line = 0.0;
        for x in 0..SIDE {
            line += value(pixels[y * SIDE + x]);
            table[(y + 1) * (SIDE + 1) + x + 1] = table[y * (SIDE + 1) + x + 1] + line;
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::{COLUMNS, PLANES, ROWS, SIDE, around, equalised, planes, squashed};
    use crate::{domain::GreyImage, models::knee::phantom};

    #[test]
    fn a_long_film_is_read_around_its_middle_and_the_map_covers_all_of_it() {
        let knee = phantom::normal();
        let side = knee.width();
        let mut pixels = vec![0; side * side / 2];
        pixels.extend(knee.pixels());
        pixels.extend(vec![0; side * side / 2]);
        let long = GreyImage::new(side, 2 * side, pixels).unwrap();
        assert_eq!(squashed(&long), squashed(&knee));
        let (width, height, values) = around(&[1.0; 81], 9, &long);
        assert_eq!((width, height, values.iter().sum::<f32>()), (9, 19, 81.0));
        assert_eq!(around(&[1.0; 81], 9, &knee).0, 9);
    }

    #[test]
    fn exposure_and_gamma_hardly_matter_and_mirroring_mirrors() {
        let film = squashed(&phantom::normal());
        let bent: Vec<u8> =
            film.pixels().iter().map(|p| ((f32::from(*p) / 255.0).powf(0.8) * 200.0 + 20.0).round() as u8).collect();
        let gap = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f32>() / a.len() as f32;
        let apart = gap(&equalised(film.pixels()), &equalised(&bent));
        assert!(apart < 0.08, "{apart}");
        let (plain, mirrored) = (planes(film.pixels(), false), planes(film.pixels(), true));
        assert_eq!(plain.len(), ROWS * COLUMNS * PLANES);
        assert_eq!(plain[..PLANES], mirrored[(COLUMNS - 1) * PLANES..COLUMNS * PLANES]);
    }

    #[test]
    fn a_flat_film_gives_finite_planes() {
        assert!(planes(&vec![90; SIDE * SIDE], false).iter().all(|value| value.is_finite()));
    }
}
