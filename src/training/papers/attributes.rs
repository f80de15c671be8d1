//! The source attributes of a manifest: those given, those computed from the report, those the manifest already says,
//! and `unknown`.

use crate::{
    models::{
        Manifest,
        attributes::{ATTRIBUTES, UNKNOWN},
        evaluation::{Report, Subgroup},
    },
    training::{
        TrainingError,
        report::markdown::{name, with_interval},
    },
};
use std::collections::BTreeMap;

/// Metrics worth a sentence, those that are there.
const TOLD: [&str; 14] = [
    "auroc",
    "oa_auroc",
    "accuracy",
    "quadratic_kappa",
    "f1",
    "micro_f1",
    "macro_f1",
    "sensitivity",
    "specificity",
    "ppv",
    "event1",
    "ece",
    "oa_ece",
    "brier",
];
/// The first of these that a subgroup has is its figure.
const COMPARED: [&str; 6] = ["auroc", "quadratic_kappa", "f1", "micro_f1", "oa_auroc", "accuracy"];

/// All 31 attributes.
pub(super) fn complete(
    given: &[(&str, &str)],
    manifest: &Manifest,
    report: &Report,
) -> Result<BTreeMap<String, String>, TrainingError> {
    if let Some((key, _)) = given.iter().find(|(key, _)| ATTRIBUTES.iter().all(|(known, ..)| known != key)) {
        return Err(TrainingError::Data(format!("`{key}` is not a source attribute")));
    }
    let own =
        |key: &str| given.iter().find(|(own, text)| *own == key && !text.trim().is_empty()).map(|one| one.1.to_owned());
    let text = |key: &str| own(key).or_else(|| known(key, manifest, report)).unwrap_or_else(|| UNKNOWN.to_owned());
    Ok(ATTRIBUTES.iter().map(|(key, ..)| ((*key).to_owned(), text(key))).collect())
}

/// What the manifest and the report say.
fn known(key: &str, manifest: &Manifest, report: &Report) -> Option<String> {
    let labels: Vec<&str> = manifest.labels.iter().map(|label| label.name.as_str()).collect();
    Some(match key {
        "developer" => "The Auscult project, https://github.com/auscult/auscult (open source)".into(),
        "output" => format!("Calibrated probability of: {}", labels.join(", ")),
        "output-type" => "prediction".into(),
        "intended-use" => manifest.intended_use.clone(),
        "decision-role" => "Informs a clinician who decides; it never replaces clinical judgement".into(),
        "out-of-scope" => manifest.not_for.join("; "),
        "training-criteria" => manifest.provenance.data.clone(),
        "validity-same-source" => validity(report),
        "fairness-same-source" => fairness(report)?,
        _ => return None,
    })
}

fn validity(report: &Report) -> String {
    let told: Vec<String> = TOLD
        .iter()
        .filter_map(|key| {
            Some(format!(
                "{} {}",
                name(key),
                with_interval(key, *report.metrics.get(*key)?, report.intervals.get(*key))
            ))
        })
        .collect();
    let refused: usize = report.refused.values().sum();
    format!(
        "Held-out {} of the same source, evaluated {}: n = {} ({} with the finding, {refused} refused). {} (95 % bootstrap intervals)",
        report.split,
        report.date,
        report.n,
        report.positives,
        told.join("; ")
    )
}

/// The first comparable figure of every part; nothing when there are no parts.
fn fairness(report: &Report) -> Option<String> {
    let part = |one: &Subgroup| {
        let (key, value) = COMPARED.iter().find_map(|key| Some((*key, *one.metrics.get(*key)?)))?;
        Some(format!(
            "{} {}: {} {}, n = {}",
            one.by,
            one.group,
            name(key),
            with_interval(key, value, one.intervals.get(key)),
            one.n
        ))
    };
    let parts: Vec<String> = report.subgroups.iter().filter_map(part).collect();
    (!parts.is_empty())
        .then(|| format!("Held-out {}, evaluated {}, by subgroup: {}", report.split, report.date, parts.join("; ")))
}
