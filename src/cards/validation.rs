//! How good the network was on cases it had not been trained on, in words, from its manifest.

use super::words;
use crate::models::{
    Manifest,
    manifest::{Evaluation, Kind, Label},
    papers::{Figure, hundred, metric_name},
};

/// Metrics worth a clinician's time on a card, in this order; the network's page has the rest.
const METRICS: [&str; 8] = ["auroc", "oa_auroc", "quadratic_kappa", "accuracy", "f1", "macro_f1", "ece", "oa_ece"];

/// The figures of the split `validation` for one label, as one paragraph without patient data.
pub fn validation(manifest: &Manifest, label: &Label) -> String {
    let Some(evaluation) = manifest.evaluation.get("validation") else { return String::new() };
    let metrics: Vec<String> = METRICS
        .iter()
        .filter_map(|key| Some(format!("{} {}", metric_name(key), Figure::of(evaluation, key)?.words(2))))
        .collect();
    let metrics = if metrics.is_empty() { String::new() } else { format!(": {}", metrics.join(", ")) };
    let sensitivity = Figure::of_label(manifest, "sensitivity", label.sensitivity).of_hundred();
    let ppv = Figure::of_label(manifest, "ppv", label.ppv).of_hundred();
    let intervals = if evaluation.intervals.is_empty() { "" } else { " (in brackets: 95 % intervals)" };
    match manifest.kind {
        Kind::Notes => format!(
            "{} with {} marked by people{metrics}. Of 100 such mentions it finds {sensitivity}; of 100 that it marks, {ppv} are right{intervals}",
            words::counted(evaluation.n, "held-out sentence"),
            words::counted(evaluation.positives, "mention"),
        ),
        kind => format!(
            "{}, {} with the finding{metrics}. At this card's threshold it finds {sensitivity} of 100 with the finding; of 100 cards {ppv} are right; it fires in {} of 100{intervals}. {}",
            words::counted(evaluation.n, if kind == Kind::Image { "held-out film" } else { "held-out stay" }),
            words::thousands(evaluation.positives as u64),
            hundred(label.alerts_per_100 / 100.0),
            prevalence(evaluation),
        ),
    }
}

/// A probability is honest only where the finding is as common as in the data it was fitted on.
fn prevalence(evaluation: &Evaluation) -> String {
    let share = evaluation.positives as f64 / evaluation.n.max(1) as f64;
    format!("{} of those cases had it; where it is rarer, the true probability is lower", words::percent(share))
}
