//! Test objects in the shape of a knee, drawn by formula: for the golden outputs and for tests, never for training.
//!
//! Contract: the same pixels on every machine (only +, −, ×, ÷ and square roots of f64, rounded to 8 bits).

use crate::domain::GreyImage;

/// Side of the drawn objects, in pixels.
const SIDE: usize = 288;

/// How far (x, y) lies inside an ellipse: 1 in its centre, 0 on its edge and beyond.
fn inside(x: f64, y: f64, centre: (f64, f64), radii: (f64, f64)) -> f64 {
    let (dx, dy) = ((x - centre.0) / radii.0, (y - centre.1) / radii.1);
    (1.0 - dx * dx - dy * dy).max(0.0)
}

/// 1 where `value` is over `edge`, 0 where it is under, with a soft step of `width` between.
fn step(value: f64, edge: f64, width: f64) -> f64 {
    ((value - edge) / width + 0.5).clamp(0.0, 1.0)
}

fn draw(brightness: impl Fn(f64, f64) -> f64) -> GreyImage {
    let place = |index: usize| (index as f64 + 0.5) / SIDE as f64;
    let pixels = (0..SIDE * SIDE)
        .map(|index| brightness(place(index % SIDE), place(index / SIDE)).mul_add(255.0, 0.5).clamp(0.0, 255.0) as u8)
        .collect();
    // The size is the constant above and the pixels fill it, so the fallback is never taken.
    GreyImage::new(SIDE, SIDE, pixels).unwrap_or_else(|_| unreachable!("the phantom's size is fixed"))
}

/// A film of a knee whose joint space is `gap` high, as a share of the film, on the medial side (left in the image).
fn knee(x: f64, y: f64, gap: f64) -> f64 {
    let limb = step(0.46, (x - 0.5).abs(), 0.04) * 0.30;
    // Two condyles below the shaft, with the notch between them.
    let condyles = inside(x, y, (0.30, 0.30), (0.24, 0.235)).max(inside(x, y, (0.70, 0.30), (0.24, 0.235)));
    let shaft = step(0.30 - 0.25 * y, (x - 0.5).abs(), 0.03) * step(0.34, y, 0.05);
    let notch = inside(x, y, (0.5, 0.52), (0.09, 0.12)).sqrt();
    let femur = (condyles.sqrt().min(0.8) + 0.6 * shaft).min(0.8) * (1.0 - 0.9 * notch);
    // The plateau rises towards the femur where the joint space is narrow.
    let height = if x < 0.5 { gap } else { 0.055 };
    let edge = 0.535 + height - 0.015 * inside(x, 0.5, (0.5, 0.5), (0.06, 1.0));
    let tibia = step(y, edge, 0.012) * step(0.43 - 0.35 * (y - 0.55).max(0.0), (x - 0.5).abs(), 0.03);
    let rim = inside(x, y, (0.5, edge + 0.02), (0.42, 0.03)).sqrt();
    limb + 0.52 * femur + 0.42 * tibia + 0.16 * rim
}

/// A knee with an open joint space.
#[must_use]
pub fn normal() -> GreyImage {
    draw(|x, y| knee(x, y, 0.055))
}

/// The same knee with hardly any joint space on one side.
#[must_use]
pub fn narrowed() -> GreyImage {
    draw(|x, y| knee(x, y, 0.006))
}

/// A knee whose joint space is `gap` high, as a share of the film, on the side that is left in the picture.
#[must_use]
pub fn with_gap(gap: f64) -> GreyImage {
    draw(|x, y| knee(x, y, gap))
}

/// The golden inputs by name.
#[must_use]
pub fn by_name(name: &str) -> Option<GreyImage> {
    match name {
        "normal" => Some(normal()),
        "narrowed" => Some(narrowed()),
        "wedge" => Some(crate::models::chest::phantom::wedge()),
        _ => None,
    }
}
