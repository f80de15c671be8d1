//! Whether a film can be judged at all.
//!
//! Contract: the chart's own words first (modality, body site, view, age), then the pixels; a film the network was not
//! made for gets a reason in words, never a number. What the chart does not state is not held against a film.

use super::film::SIDE;
use crate::{
    domain::{Abstention, Film, GreyImage, Region},
    models::{
        chest::film::Measures,
        radiograph::{self, has, refusal, upper},
    },
};
use serde::{Deserialize, Serialize};

/// Smallest side of a film worth reading, in pixels.
pub const SIDE_MIN: usize = 96;
/// Below this age bones still grow, and the training data hold nobody like it.
const AGE_ADULT: f64 = 18.0;

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

/// View positions that are not frontal (DICOM PS3.3 C.8.1.1 View Position).
const NOT_FRONTAL: [&str; 7] = ["LL", "RL", "LLO", "RLO", "LAT", "AX", "TAN"];
/// Words that name a view that is not frontal.
const NOT_FRONTAL_WORDS: [&str; 9] =
    ["LATERAL", "OBLIQUE", "SKYLINE", "SUNRISE", "MERCHANT", "AXIAL", "TANGENTIAL", "PATELLA", "LAURIN"];

/// A refusal because of what the chart says about the film, or because it is too small.
#[must_use]
pub fn stated(film: &Film) -> Option<Abstention> {
    if let Some(refusal) = radiograph::modality(film) {
        return Some(refusal);
    }
    if !matches!(Region::stated(film.body_site.as_deref()), Region::Knee | Region::Unstated) {
        return Some(refusal("other-body-site", "The film is stated to show another part of the body than a knee."));
    }
    if let Some(view) = upper(film.view.as_ref())
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
    radiograph::size(film, SIDE_MIN)
}

/// A refusal because of the pixels of a squashed film.
#[must_use]
pub fn measured(squashed: &GreyImage, template: &[f32], limits: &Limits) -> Option<Abstention> {
    let measures = Measures::of(squashed, template);
    if let Some(refusal) = radiograph::empty(&measures, limits.contrast_min, limits.smoothness_min) {
        return Some(refusal);
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

/// What the chart leaves open about a film that was read; `ages` are those of the training data.
#[must_use]
pub fn missing(film: &Film, ages: Option<[f64; 2]>) -> Vec<String> {
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
    let learned = radiograph::ages(ages);
    match (film.age_years, ages, learned) {
        (Some(age), Some([from, end]), _) if (from..end).contains(&age) => {}
        (Some(_), _, Some(learned)) => missing.push(format!("training films of patients of this age ({learned})")),
        (None, _, Some(learned)) => missing.push(format!("age ({learned})")),
        (_, _, None) => {}
    }
    if film.image.width().min(film.image.height()) < SIDE {
        missing.push(format!("a film of at least {SIDE} pixels on its shorter side"));
    }
    missing
}
