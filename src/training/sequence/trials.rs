//! Stays as trials: what `auscult evaluate` asks about, here and through HTTP.

use super::{Stay, TrainingError};
use crate::{
    domain::{ModelInput, Sex},
    training::{
        Split, physionet,
        trial::{Trial, Truth},
    },
};
use std::{collections::BTreeMap, path::Path};

/// The stays of a split.
///
/// # Errors
/// [`TrainingError`] when the data do not fit.
pub fn trials(data: &Path, split: Split) -> Result<Vec<Trial>, TrainingError> {
    Ok(physionet::read(data, split)?.iter().map(trial).collect())
}

/// One stay.
#[must_use]
pub fn trial(stay: &Stay) -> Trial {
    Trial {
        name: stay.id.to_string(),
        cluster: stay.id.to_string(),
        input: ModelInput::Course(stay.course()),
        truth: Truth::Finding(stay.died),
        groups: groups(stay),
    }
}

fn groups(stay: &Stay) -> BTreeMap<String, String> {
    let sex = stay.sex.map(|sex| match sex {
        Sex::Female => "female",
        Sex::Male => "male",
    });
    let age = stay.age_years.map(|age| match age {
        ..45.0 => "under 45",
        ..65.0 => "45 to 64",
        ..80.0 => "65 to 79",
        _ => "80 and over",
    });
    let measured = match stay.readings.len() {
        ..300 => "fewer than 300",
        300..450 => "300 to 449",
        _ => "450 and more",
    };
    let parts = [("sex", sex), ("age", age), ("unit", stay.unit), ("measurements", Some(measured))];
    parts.into_iter().filter_map(|(by, part)| Some((by.to_owned(), part?.to_owned()))).collect()
}
