//! Whether a film can be judged at all.
//!
//! Contract: the chart's own words first (modality, body site, view, age), then the pixels; a film the network was not
//! made for gets a reason in words, never a number. What the chart does not state is not held against a film.

use super::film::SIDE;
use crate::{
    domain::{Abstention, Film, GreyImage, Region},
    models::chest::film::Measures,
};
use serde::{Deserialize, Serialize};

/// Smallest side of a film worth reading, in pixels.
pub const SIDE_MIN: usize = 96;
/// Below this age bones still grow, and the training data hold nobody like it.
const AGE_ADULT: f64 = 18.0;
/// Ages of those in the training data, whole years.
const AGES: (f64, f64) = (45.0, 80.0);

/// Limits set by `auscult train`: on the measures from the training films, on the distance from the split `tune`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Least standard deviation of the grey values.
    pub contrast_min: f64,
    /// Least correlation of neighbouring pixels.
    pub smoothness_min: f64,
    /// Least correlation with the mean of the training films.
    pub likeness_min: f64,
    /// Greatest distance from the training data in the network's features.
    pub distance_max: f64,
}

impl Limits {
    /// All of them.
    #[must_use]
    pub const fn all(&self) -> [f64; 4] {
        [self.contrast_min, self.smoothness_min, self.likeness_min, self.distance_max]
    }
}

/// Modality codes of plain radiographs (DICOM PS3.3 C.7.3.1.1.1 and the words people use).
const RADIOGRAPHS: [&str; 6] = ["CR", "DX", "DR", "RG", "XR", "XRAY"];
/// Words that name a plain radiograph.
const RADIOGRAPH_WORDS: [&str; 3] = ["X-RAY", "RADIOGRAPH", "RÖNTGEN"];
/// View positions that are not frontal (DICOM PS3.3 C.8.1.1 View Position).
const NOT_FRONTAL: [&str; 7] = ["LL", "RL", "LLO", "RLO", "LAT", "AX", "TAN"];
/// Words that name a view that is not frontal.
const NOT_FRONTAL_WORDS: [&str; 9] =
    ["LATERAL", "OBLIQUE", "SKYLINE", "SUNRISE", "MERCHANT", "AXIAL", "TANGENTIAL", "PATELLA", "LAURIN"];

fn refusal(reason: &str, words: impl Into<String>) -> Abstention {
    Abstention { reason: reason.into(), words: words.into() }
}

/// A refusal because of what the chart says about the film, or because it is too small.
#[must_use]
pub fn stated(film: &Film) -> Option<Abstention> {
    let upper = |text: &Option<String>| text.as_ref().map(|text| text.trim().to_uppercase()).filter(|t| !t.is_empty());
    let has = |text: &str, words: &[&str]| words.iter().any(|word| text.contains(word));
    if let Some(modality) = upper(&film.modality)
        && !RADIOGRAPHS.contains(&modality.as_str())
        && !has(&modality, &RADIOGRAPH_WORDS)
    {
        return Some(refusal(
            "other-modality",
            "The image is not stated to be a plain radiograph, so it was not read.",
        ));
    }
    if !matches!(Region::stated(film.body_site.as_deref()), Region::Knee | Region::Unstated) {
        return Some(refusal("other-body-site", "The film is stated to show another part of the body than a knee."));
    }
    if let Some(view) = upper(&film.view)
        && (NOT_FRONTAL.contains(&view.as_str()) || has(&view, &NOT_FRONTAL_WORDS))
    {
        return Some(refusal("not-frontal", "The film is not a frontal view; only frontal films can be graded."));
    }
    if film.age_years.is_some_and(|age| age < AGE_ADULT) {
        return Some(refusal(
            "child",
            "The patient's bones may still be growing; the network knows adults' knees only.",
        ));
    }
    let side = film.image.width().min(film.image.height());
    (side < SIDE_MIN).then(|| {
        refusal(
            "too-small",
            format!("The film is only {side} pixels on its shorter side; at least {SIDE_MIN} are needed."),
        )
    })
}

/// A refusal because of the pixels of a squashed film.
#[must_use]
pub fn measured(squashed: &GreyImage, template: &[f32], limits: &Limits) -> Option<Abstention> {
    let measures = Measures::of(squashed, template);
    if measures.contrast < limits.contrast_min {
        return Some(refusal("blank", "The film is blank or nearly so."));
    }
    if measures.smoothness < limits.smoothness_min {
        return Some(refusal("noise", "The image is mostly noise."));
    }
    (measures.likeness < limits.likeness_min).then(|| {
        refusal(
            "unlike-knee",
            "The image does not look like an upright frontal film of one knee with the joint in its middle, so it was \
             not graded.",
        )
    })
}

/// A refusal because of what the network itself sees.
#[must_use]
pub fn unfamiliar() -> Abstention {
    refusal(
        "unfamiliar",
        "The film differs more from the knees the network learned from than nearly all others do, so it was not graded.",
    )
}

/// What the chart leaves open about a film that was read.
#[must_use]
pub fn missing(film: &Film) -> Vec<String> {
    let mut missing = Vec::new();
    let blank = |text: &Option<String>| text.as_ref().is_none_or(|text| text.trim().is_empty());
    for (absent, words) in [
        (blank(&film.modality), "modality"),
        (blank(&film.body_site), "body site (taken as a knee)"),
        (film.side.is_none(), "side (left or right is not stated)"),
        (blank(&film.view), "view position (taken as frontal, standing)"),
    ] {
        if absent {
            missing.push(words.to_owned());
        }
    }
    match film.age_years {
        Some(age) if (AGES.0..AGES.1).contains(&age) => {}
        Some(_) => {
            missing.push("training films of patients of this age (the network learned from 45- to 79-year-olds)".into())
        }
        None => missing.push("age (the network learned from 45- to 79-year-olds)".into()),
    }
    if film.image.width().min(film.image.height()) < SIDE {
        missing.push(format!("a film of at least {SIDE} pixels on its shorter side"));
    }
    missing
}
