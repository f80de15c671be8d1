//! Knees as another hand would have cropped, turned and exposed them.

use crate::training::image::augment::Strength;

/// For training.
pub const TRAINING: Strength = Strength {
    rotation: 0.14,
    scale: 0.12,
    shift: 0.06,
    mirror: 0.5,
    gamma: 0.3,
    contrast: 0.3,
    brightness: 0.1,
    slope: 0.3,
    degrade: 0.1,
    noise: 8.0,
    cover: 0.2,
};
