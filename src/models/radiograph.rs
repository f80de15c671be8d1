//! What holds for every network of plain radiographs: modality, size, and films that are blank or noise.
//!
//! Contract: a refusal in words; what the chart does not state is not held against a film.

use super::chest::film::Measures;
use crate::domain::{Abstention, Film};

/// Modality codes of plain radiographs (DICOM PS3.3 C.7.3.1.1.1 and the words people use).
const RADIOGRAPHS: [&str; 6] = ["CR", "DX", "DR", "RG", "XR", "XRAY"];
/// Words that name a plain radiograph.
const RADIOGRAPH_WORDS: [&str; 3] = ["X-RAY", "RADIOGRAPH", "RÖNTGEN"];

/// A refusal.
pub(super) fn refusal(reason: &str, words: impl Into<String>) -> Abstention {
    Abstention { reason: reason.into(), words: words.into() }
}

/// What the chart states, in capitals; nothing when it is blank.
pub(super) fn upper(text: Option<&String>) -> Option<String> {
    text.map(|text| text.trim().to_uppercase()).filter(|text| !text.is_empty())
}

/// Whether one of the words is in the text.
pub(super) fn has(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.contains(word))
}

/// A refusal because the chart states another modality.
pub(super) fn modality(film: &Film) -> Option<Abstention> {
    let modality = upper(film.modality.as_ref())?;
    let plain = RADIOGRAPHS.contains(&modality.as_str()) || has(&modality, &RADIOGRAPH_WORDS);
    (!plain).then(|| refusal("other-modality", "The image is not stated to be a plain radiograph, so it was not read."))
}

/// A refusal because the film has fewer than `least` pixels on its shorter side.
pub(super) fn size(film: &Film, least: usize) -> Option<Abstention> {
    let side = film.image.width().min(film.image.height());
    (side < least).then(|| {
        let words = format!("The film is only {side} pixels on its shorter side; at least {least} are needed.");
        refusal("too-small", words)
    })
}

/// Whose films the network learned from, in words; nothing when its papers do not say.
pub(super) fn ages(ages: Option<[f64; 2]>) -> Option<String> {
    let [from, end] = ages?;
    Some(format!("the network learned from patients of {from:.0} to {:.0} years", (end - 1.0).max(from)))
}

/// A refusal because there is nothing to see.
pub(super) fn empty(measures: &Measures, contrast_min: f64, smoothness_min: f64) -> Option<Abstention> {
    if measures.contrast < contrast_min {
        return Some(refusal("blank", "The film is blank or nearly so."));
    }
    (measures.smoothness < smoothness_min).then(|| refusal("noise", "The image is mostly noise."))
}
