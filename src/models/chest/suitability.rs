//! Whether a film can be judged at all.
//!
//! Contract: the chart's own words first (modality, body site, view), then the pixels; a film the network was not made
//! for gets a reason in words, never a number. What the chart does not state is not held against a film.

use super::film::Measures;
use crate::domain::{Abstention, Film};
use serde::{Deserialize, Serialize};

/// Smallest side of a film worth reading, in pixels.
pub const SIDE_MIN: usize = 64;

/// The training films are of children of one to five years; from this age on a card says that none were like it.
const AGE_END: f64 = 6.0;
/// From this age on it says that the patient is an adult.
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

/// Modality codes of plain radiographs (DICOM PS3.3 C.7.3.1.1.1 and the words people use).
const RADIOGRAPHS: [&str; 6] = ["CR", "DX", "DR", "RG", "XR", "XRAY"];
/// Words that name a plain radiograph.
const RADIOGRAPH_WORDS: [&str; 3] = ["X-RAY", "RADIOGRAPH", "RÖNTGEN"];
/// Words and SNOMED CT codes of the chest (51185008 thoracic structure, 39607008 lung, 816094009 thorax excluding
/// spine).
const CHEST: [&str; 9] =
    ["CHEST", "THORAX", "THORAC", "LUNG", "PULMON", "51185008", "39607008", "816094009", "43799004"];
/// View positions that are not frontal (DICOM PS3.3 C.8.1.1 View Position).
const NOT_FRONTAL: [&str; 9] = ["LL", "RL", "LLD", "RLD", "LLO", "RLO", "LAT", "LAO", "RAO"];
/// Words that name a view that is not frontal.
const NOT_FRONTAL_WORDS: [&str; 3] = ["LATERAL", "OBLIQUE", "DECUBITUS"];

fn refusal(reason: &str, words: impl Into<String>) -> Abstention {
    Abstention { reason: reason.into(), words: words.into() }
}

/// A refusal because of what the chart says about the film, or because it is too small.
#[must_use]
pub fn stated(film: &Film, side_min: usize, age_end: Option<f64>) -> Option<Abstention> {
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
    if let Some(site) = upper(&film.body_site)
        && !has(&site, &CHEST)
    {
        return Some(refusal("other-body-site", "The film is stated to show another part of the body than the chest."));
    }
    if let Some(view) = upper(&film.view)
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
    let side = film.image.width().min(film.image.height());
    (side < side_min).then(|| {
        refusal(
            "too-small",
            format!("The film is only {side} pixels on its shorter side; at least {side_min} are needed."),
        )
    })
}

/// A refusal because of the pixels.
#[must_use]
pub fn measured(measures: Measures, limits: Limits) -> Option<Abstention> {
    if measures.contrast < limits.contrast_min {
        return Some(refusal("blank", "The film is blank or nearly so."));
    }
    if measures.smoothness < limits.smoothness_min {
        return Some(refusal("noise", "The image is mostly noise."));
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

/// What the chart leaves open about a film that was read.
#[must_use]
pub fn missing(film: &Film, side: usize) -> Vec<String> {
    let mut missing = Vec::new();
    for (stated, words) in
        [(&film.modality, "modality"), (&film.body_site, "body site"), (&film.view, "view position (taken as frontal)")]
    {
        if stated.as_ref().is_none_or(|text| text.trim().is_empty()) {
            missing.push(words.to_owned());
        }
    }
    match film.age_years {
        Some(age) if age < AGE_END => {}
        Some(age) if age < ADULT => missing.push(
            "training films of patients of this age (the network learned from one- to five-year-olds only; older \
             children's chests look otherwise, and nobody has measured how it does on them)"
                .into(),
        ),
        Some(_) => missing.push(
            "training films of adults (the network learned from one- to five-year-olds only; nobody has measured how it \
             does on adults, so rely on a radiologist's reading)"
                .into(),
        ),
        None => missing.push("age (the network learned from one- to five-year-olds)".into()),
    }
    if film.image.width().min(film.image.height()) < side {
        missing.push(format!("a film of at least {side} pixels on its shorter side"));
    }
    missing
}
