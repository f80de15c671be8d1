//! Whether a film can be judged at all.
//!
//! Contract: the chart's own words first (modality, body site, view), then the pixels; a film the network was not made
//! for gets a reason in words, never a number. What the chart does not state is not held against a film.

use super::film::Measures;
use crate::{
    domain::{Abstention, Film},
    models::radiograph::{self, has, refusal, upper},
};
use serde::{Deserialize, Serialize};

/// Smallest side of a film worth reading, in pixels.
pub const SIDE_MIN: usize = 64;

/// From this age on a card says that the patient is an adult.
const ADULT: f64 = 18.0;

/// Limits on the [`Measures`], set by `auscult train` from the training films.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Least standard deviation of the grey values.
    pub contrast_min: f64,
    /// Least correlation of neighbouring pixels.
    pub smoothness_min: f64,
    /// Least correlation with the mean of the training films.
    pub likeness_min: f64,
    /// Greatest score of the output that tells pictures which are no chest films.
    pub stranger_max: f64,
    /// Greatest distance from the training films in the network's features.
    pub distance_max: f64,
    /// Films of patients of this age and older are not read; all ages are when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_end_years: Option<f64>,
}

impl Limits {
    /// All of them.
    #[must_use]
    pub fn all(&self) -> [f64; 6] {
        let age = self.age_end_years.unwrap_or(0.0);
        [self.contrast_min, self.smoothness_min, self.likeness_min, self.stranger_max, self.distance_max, age]
    }
}

/// Words and SNOMED CT codes of the chest (51185008 thoracic structure, 39607008 lung, 816094009 thorax excluding
/// spine).
const CHEST: [&str; 9] =
    ["CHEST", "THORAX", "THORAC", "LUNG", "PULMON", "51185008", "39607008", "816094009", "43799004"];
/// View positions that are not frontal (DICOM PS3.3 C.8.1.1 View Position).
const NOT_FRONTAL: [&str; 9] = ["LL", "RL", "LLD", "RLD", "LLO", "RLO", "LAT", "LAO", "RAO"];
/// Words that name a view that is not frontal.
const NOT_FRONTAL_WORDS: [&str; 3] = ["LATERAL", "OBLIQUE", "DECUBITUS"];

/// A refusal because of what the chart says about the film, or because it is too small.
#[must_use]
pub fn stated(film: &Film, side_min: usize, age_end: Option<f64>) -> Option<Abstention> {
    if let Some(refusal) = radiograph::modality(film) {
        return Some(refusal);
    }
    if let Some(site) = upper(film.body_site.as_ref())
        && !has(&site, &CHEST)
    {
        return Some(refusal("other-body-site", "The film is stated to show another part of the body than the chest."));
    }
    if let Some(view) = upper(film.view.as_ref())
        && (NOT_FRONTAL.contains(&view.as_str()) || has(&view, &NOT_FRONTAL_WORDS))
    {
        return Some(refusal("not-frontal", "The film is not a frontal view; only frontal films can be read."));
    }
    if let (Some(age), Some(end)) = (film.age_years, age_end)
        && age >= end
    {
        return Some(refusal(
            "age",
            format!("The patient was older than this network reads films of (from {end:.0} years it declines)."),
        ));
    }
    radiograph::size(film, side_min)
}

/// A refusal because of the pixels.
#[must_use]
pub fn measured(measures: Measures, limits: Limits) -> Option<Abstention> {
    if let Some(refusal) = radiograph::empty(&measures, limits.contrast_min, limits.smoothness_min) {
        return Some(refusal);
    }
    (measures.likeness < limits.likeness_min).then(|| {
        refusal(
            "unlike-chest",
            "The image does not look like an upright frontal chest film (bone white, air dark), so it was not read.",
        )
    })
}

/// A refusal because of what the network makes of the film.
#[must_use]
pub fn unlike(stranger: f64, distance: f64, limits: Limits) -> Option<Abstention> {
    if stranger > limits.stranger_max {
        return Some(refusal(
            "not-a-chest-film",
            "The image does not look like an upright frontal chest film to the network, so it was not read.",
        ));
    }
    (distance > limits.distance_max).then(|| {
        refusal("unlike-training", "The film is unlike the films the network learned from, so it was not read.")
    })
}

/// What the chart leaves open about a film that was read; `ages` are those of the training data.
#[must_use]
pub fn missing(film: &Film, side: usize, ages: Option<[f64; 2]>) -> Vec<String> {
    let mut missing = Vec::new();
    for (stated, words) in
        [(&film.modality, "modality"), (&film.body_site, "body site"), (&film.view, "view position (taken as frontal)")]
    {
        if stated.as_ref().is_none_or(|text| text.trim().is_empty()) {
            missing.push(words.to_owned());
        }
    }
    missing.extend(age(film.age_years, ages));
    if film.image.width().min(film.image.height()) < side {
        missing.push(format!("a film of at least {side} pixels on its shorter side"));
    }
    missing
}

/// What is unknown about a patient of this age.
fn age(age: Option<f64>, ages: Option<[f64; 2]>) -> Option<String> {
    let learned = radiograph::ages(ages)?;
    match (age, ages) {
        (Some(age), Some([from, end])) if (from..end).contains(&age) => None,
        (Some(age), Some([_, end])) if age >= ADULT && end <= ADULT => Some(format!(
            "training films of adults ({learned} only; nobody has measured how it does on adults, so rely on a \
             radiologist's reading)"
        )),
        (Some(age), Some([_, end])) if age >= end => Some(format!(
            "training films of patients of this age ({learned} only; older children's chests look otherwise, and nobody \
             has measured how it does on them)"
        )),
        (Some(_), _) => Some(format!("training films of patients of this age ({learned} only)")),
        (None, _) => Some(format!("age ({learned})")),
    }
}
