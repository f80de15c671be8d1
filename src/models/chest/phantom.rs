//! Test objects in the shape of a chest, drawn by formula: for the golden outputs and for tests, never for training.
//!
//! Contract: the same pixels on every machine (only +, −, ×, ÷ and square roots of f64, rounded to 8 bits).

use crate::domain::GreyImage;

/// Side of the drawn objects, in pixels.
const SIDE: usize = 256;

/// How far (x, y) lies inside an ellipse: 1 in its centre, 0 on its edge and beyond.
fn inside(x: f64, y: f64, centre: (f64, f64), radii: (f64, f64)) -> f64 {
    let (dx, dy) = ((x - centre.0) / radii.0, (y - centre.1) / radii.1);
    (1.0 - dx * dx - dy * dy).max(0.0)
}

fn draw(brightness: impl Fn(f64, f64) -> f64) -> GreyImage {
    let place = |index: usize| (index as f64 + 0.5) / SIDE as f64;
    let pixels = (0..SIDE * SIDE)
        .map(|index| brightness(place(index % SIDE), place(index / SIDE)).mul_add(255.0, 0.5).clamp(0.0, 255.0) as u8)
        .collect();
    // The size is the constant above and the pixels fill it, so the fallback is never taken.
    GreyImage::new(SIDE, SIDE, pixels).unwrap_or_else(|_| unreachable!("the phantom's size is fixed"))
}

/// Soft tissue, spine and heart bright, two dark lungs, ribs as stripes.
fn thorax(x: f64, y: f64) -> f64 {
    let body = 0.72 * inside(x, y, (0.5, 0.62), (0.62, 0.80)).sqrt();
    let lungs = inside(x, y, (0.29, 0.48), (0.18, 0.36)).sqrt() + inside(x, y, (0.71, 0.48), (0.18, 0.36)).sqrt();
    let spine = 0.16 * inside(x, 0.5, (0.5, 0.5), (0.07, 1.0));
    let heart = 0.30 * inside(x, y, (0.55, 0.66), (0.17, 0.17)).sqrt();
    let stripe = (y * 14.0 + (x - 0.5) * (x - 0.5) * 10.0).fract();
    let ribs = 0.07 * (1.0 - (2.0 * stripe - 1.0) * (2.0 * stripe - 1.0));
    body - 0.52 * lungs + spine + heart + ribs * lungs.min(1.0)
}

/// A chest with clear lungs.
#[must_use]
pub fn normal() -> GreyImage {
    draw(thorax)
}

/// The same chest with a dense shadow in one lung and a fainter one in the other.
#[must_use]
pub fn shadowed() -> GreyImage {
    draw(|x, y| {
        let dense = 0.42 * inside(x, y, (0.28, 0.60), (0.16, 0.20)).sqrt();
        let faint = 0.22 * inside(x, y, (0.72, 0.46), (0.15, 0.24)).sqrt();
        thorax(x, y) + dense + faint
    })
}

/// The clear chest with one shadow: centre and radius in parts of the picture, and how bright it is in its centre.
#[must_use]
pub fn with_shadow(centre: (f64, f64), radius: f64, density: f64) -> GreyImage {
    draw(|x, y| thorax(x, y) + density * inside(x, y, centre, (radius, radius)).sqrt())
}

/// A grey wedge, as far from a chest as a smooth picture can be.
#[must_use]
pub fn wedge() -> GreyImage {
    draw(|x, y| 0.7 * x + 0.3 * y)
}

/// The golden inputs by name.
#[must_use]
pub fn by_name(name: &str) -> Option<GreyImage> {
    match name {
        "normal" => Some(normal()),
        "shadowed" => Some(shadowed()),
        "wedge" => Some(wedge()),
        _ => None,
    }
}
