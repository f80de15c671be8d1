//! Pictures that are no chest films, drawn by formula: for the tests of refusal, never for training.
//!
//! Contract: the same pictures on every machine that rounds `f64::sin` alike; each 256 × 256 pixels.

use crate::domain::GreyImage;

const SIDE: usize = 256;

/// Draws a picture; x and y go from 0 to 1, brightness from 0 to 1.
fn draw(brightness: impl Fn(f64, f64) -> f64) -> GreyImage {
    let place = |index: usize| (index as f64 + 0.5) / SIDE as f64;
    let pixels = (0..SIDE * SIDE)
        .map(|index| (brightness(place(index % SIDE), place(index / SIDE)) * 255.0).round().clamp(0.0, 255.0) as u8)
        .collect();
    // The size is the constant above and the pixels fill it, so the fallback is never taken.
    GreyImage::new(SIDE, SIDE, pixels).unwrap_or_else(|_| unreachable!("the picture's size is fixed"))
}

/// A number from 0 to 1 for a place of a lattice.
fn hash(x: i64, y: i64, salt: i64) -> f64 {
    let mut value =
        (x.wrapping_mul(374_761_393) + y.wrapping_mul(668_265_263) + salt.wrapping_mul(2_147_483_647)) as u64;
    value = (value ^ (value >> 13)).wrapping_mul(1_274_126_177_933_345_917);
    ((value ^ (value >> 31)) & 0xFFFF) as f64 / 65_535.0
}

/// Noise whose grains are `1 / cells` wide, smooth in between.
fn smooth(x: f64, y: f64, cells: f64, salt: i64) -> f64 {
    let (u, v) = (x * cells, y * cells);
    let (column, row) = (u.floor() as i64, v.floor() as i64);
    let ease = |part: f64| part * part * (3.0 - 2.0 * part);
    let (a, b) = (ease(u.fract()), ease(v.fract()));
    let at = |right, down| hash(column + right, row + down, salt);
    (at(0, 0) * (1.0 - a) + at(1, 0) * a) * (1.0 - b) + (at(0, 1) * (1.0 - a) + at(1, 1) * a) * b
}

/// 1 inside, 0 outside, soft over `edge`.
fn inside(distance: f64, edge: f64) -> f64 {
    (0.5 - distance / edge).clamp(0.0, 1.0)
}

fn ellipse(x: f64, y: f64, centre: (f64, f64), radii: (f64, f64)) -> f64 {
    ((x - centre.0) / radii.0).hypot((y - centre.1) / radii.1) - 1.0
}

/// A knee from the front: thigh bone and shin bone with a gap, kneecap, fibula, soft tissue.
#[must_use]
pub fn knee() -> GreyImage {
    draw(|x, y| {
        let flare = (-((y - 0.52) / 0.2).powi(2)).exp();
        let tissue = 0.28 * inside((x - 0.5).abs() - 0.34 - 0.04 * flare, 0.03);
        let bone = inside((x - 0.5).abs() - 0.13 - 0.11 * flare, 0.02);
        let joint = (-((y - 0.53 - 0.02 * ((x - 0.5) * 20.0).cos().abs()) / 0.014).powi(2)).exp();
        let cap = 0.08 * inside(ellipse(x, y, (0.5, 0.4), (0.11, 0.09)), 0.2);
        let fibula = 0.2 * inside((x - 0.76).abs() - 0.03, 0.02) * inside(0.62 - y, 0.02);
        0.06 + tissue + bone * (0.42 + 0.06 * smooth(x, y, 40.0, 1)) * (1.0 - 0.8 * joint) + cap + fibula
    })
}

/// Sky with a sun and clouds, a horizon, the sea with waves, a beach.
#[must_use]
pub fn seaside() -> GreyImage {
    draw(|x, y| {
        if y < 0.45 {
            let sun = inside(ellipse(x, y, (0.75, 0.15), (0.06, 0.06)), 0.3);
            let clouds = (smooth(x, y * 3.0, 5.0, 2) + 0.5 * smooth(x, y * 3.0, 11.0, 3) - 0.8).max(0.0);
            0.55 + 0.3 * y + 0.4 * sun + 0.5 * clouds
        } else if y < 0.78 + 0.02 * (x * 9.0).sin() {
            0.3 + 0.12 * (y * 140.0 + 3.0 * smooth(x, y, 12.0, 4)).sin() * (y - 0.4) + 0.1 * smooth(x, y * 4.0, 20.0, 5)
        } else {
            0.75 + 0.12 * smooth(x, y, 90.0, 6)
        }
    })
}

/// A face with hair, eyes, nose and mouth before a wall.
#[must_use]
pub fn face() -> GreyImage {
    draw(|x, y| {
        let wall = 0.55 + 0.2 * x + 0.05 * smooth(x, y, 6.0, 7);
        let hair = inside(ellipse(x, y, (0.5, 0.42), (0.27, 0.34)), 0.05);
        let skin = inside(ellipse(x, y, (0.5, 0.5), (0.21, 0.28)), 0.06);
        let eyes = inside(ellipse(x, y, (0.42, 0.45), (0.04, 0.02)), 0.3)
            + inside(ellipse(x, y, (0.58, 0.45), (0.04, 0.02)), 0.3);
        let mouth = inside(ellipse(x, y, (0.5, 0.66), (0.08, 0.02)), 0.3);
        let nose = 0.15 * inside(ellipse(x, y, (0.52, 0.55), (0.02, 0.06)), 0.5);
        let shoulders = inside(ellipse(x, y, (0.5, 1.1), (0.48, 0.3)), 0.04);
        let behind = wall * (1.0 - shoulders) + 0.3 * shoulders;
        let head = behind * (1.0 - hair) + 0.12 * hair;
        head * (1.0 - skin) + skin * (0.78 - 0.15 * (x - 0.4)) - 0.6 * eyes - 0.35 * mouth - nose
    })
}

/// A street: houses with windows under a sky, a road with stripes.
#[must_use]
pub fn street() -> GreyImage {
    draw(|x, y| {
        let house = (x * 4.0).floor();
        let roof = 0.15 + 0.2 * hash(house as i64, 3, 8);
        if y > 0.72 {
            let stripe = (x - 0.5).abs() < 0.02 && (1.0 / (y - 0.6)).fract() < 0.5;
            return if stripe { 0.95 } else { 0.28 + 0.06 * smooth(x, y, 60.0, 9) };
        }
        if y < roof {
            return 0.85 - 0.2 * y;
        }
        let window = (x * 20.0).fract() > 0.4 && (y * 14.0).fract() > 0.45;
        let wall = 0.35 + 0.4 * hash(house as i64, 5, 10);
        if window { 0.12 + 0.5 * hash((x * 20.0) as i64, (y * 14.0) as i64, 11).powi(3) } else { wall }
    })
}

/// A chequered floor.
#[must_use]
pub fn chequers() -> GreyImage {
    draw(|x, y| if ((x * 8.0) as i64 + (y * 8.0) as i64) % 2 == 0 { 0.1 } else { 0.9 })
}

/// A page of writing.
#[must_use]
pub fn page() -> GreyImage {
    draw(|x, y| {
        let line = (y * 26.0).fract();
        let margin = (0.1..0.9).contains(&x) && (0.06..0.94).contains(&y);
        let word = smooth(x, (y * 26.0).floor() / 26.0 + 0.01, 34.0, 12) > 0.35;
        let letter = hash((x * 120.0) as i64, (y * 130.0) as i64, 13) > 0.45;
        if margin && line > 0.45 && word && letter { 0.08 } else { 0.95 }
    })
}

/// White noise.
#[must_use]
pub fn noise() -> GreyImage {
    draw(|x, y| hash((x * SIDE as f64) as i64, (y * SIDE as f64) as i64, 14))
}

/// Noise with large soft grains.
#[must_use]
pub fn clouds() -> GreyImage {
    draw(|x, y| 0.6 * smooth(x, y, 5.0, 15) + 0.3 * smooth(x, y, 13.0, 16) + 0.1 * smooth(x, y, 37.0, 17))
}

/// Black and white grains on grey.
#[must_use]
pub fn salt() -> GreyImage {
    draw(|x, y| match hash((x * SIDE as f64) as i64, (y * SIDE as f64) as i64, 18) {
        grain if grain < 0.08 => 0.0,
        grain if grain > 0.92 => 1.0,
        _ => 0.5,
    })
}

/// The same grey everywhere.
#[must_use]
pub fn blank() -> GreyImage {
    draw(|_, _| 0.5)
}

/// From black at the top to white at the bottom.
#[must_use]
pub fn slope() -> GreyImage {
    draw(|_, y| y)
}

/// A film with black and white exchanged.
#[must_use]
pub fn inverted(film: &GreyImage) -> GreyImage {
    let pixels = film.pixels().iter().map(|value| 255 - value).collect();
    GreyImage::new(film.width(), film.height(), pixels).unwrap_or_else(|_| film.clone())
}

/// A film turned by a quarter to the right.
#[must_use]
pub fn turned(film: &GreyImage) -> GreyImage {
    let (width, height) = (film.width(), film.height());
    let pixels = (0..width).flat_map(|y| (0..height).map(move |x| (y, x)));
    let pixels = pixels.map(|(y, x)| film.pixels()[(height - 1 - x) * width + y]).collect();
    GreyImage::new(height, width, pixels).unwrap_or_else(|_| film.clone())
}

/// All of them with their names; the film is one that is read.
#[must_use]
pub fn pictures(film: &GreyImage) -> Vec<(&'static str, GreyImage)> {
    let upside_down = turned(&turned(film));
    vec![
        ("knee", knee()),
        ("seaside", seaside()),
        ("face", face()),
        ("street", street()),
        ("chequers", chequers()),
        ("page", page()),
        ("noise", noise()),
        ("clouds", clouds()),
        ("salt", salt()),
        ("blank", blank()),
        ("slope", slope()),
        ("inverted", inverted(film)),
        ("turned", turned(film)),
        ("upside down", upside_down),
    ]
}

#[cfg(test)]
mod tests {
    use super::{pictures, turned};
    use crate::{domain::GreyImage, models::chest::phantom};

    #[test]
    fn the_pictures_differ_and_all_but_the_blank_one_show_something() {
        let all = pictures(&phantom::normal());
        for (name, picture) in &all {
            let same = all.iter().filter(|(_, other)| other == picture).count();
            assert_eq!(same, 1, "{name}");
            let (low, high) = (picture.pixels().iter().min().unwrap(), picture.pixels().iter().max().unwrap());
            assert!(*name == "blank" || high - low > 100, "{name}: {low} to {high}");
        }
    }

    #[test]
    fn a_quarter_turn_puts_the_lower_left_corner_on_top() {
        let film = GreyImage::new(2, 3, vec![1, 2, 3, 4, 5, 6]).unwrap();
        let once = turned(&film);
        assert_eq!((once.width(), once.pixels()), (3, &[5, 3, 1, 6, 4, 2][..]));
        assert_eq!(turned(&turned(&turned(&once))), film);
    }
}
