//! How good the network was on cases it had not been trained on, in words, from its manifest.

use super::words;
use crate::models::{
    Manifest,
    manifest::{Evaluation, Kind, Label},
};

/// Metrics worth a clinician's time, in this order, with the name they know.
const METRICS: [(&str, &str); 6] = [
    ("auroc", "AUROC"),
    ("auprc", "AUPRC"),
    ("event1", "least of sensitivity and PPV"),
    ("accuracy", "accuracy"),
    ("f1", "F1"),
    ("ece", "calibration error"),
];

/// The figures of the split `validation` for one label, as one paragraph without patient data.
pub fn validation(manifest: &Manifest, label: &Label) -> String {
    let Some(evaluation) = manifest.evaluation.get("validation") else { return String::new() };
    let metrics: Vec<String> =
        METRICS.iter().filter_map(|(key, name)| Some(format!("{name} {:.2}", evaluation.metrics.get(*key)?))).collect();
    let metrics = if metrics.is_empty() { String::new() } else { format!(": {}", metrics.join(", ")) };
    let (sensitivity, ppv) = (hundred(label.sensitivity), hundred(label.ppv));
    match manifest.kind {
        Kind::Notes => format!(
            "{} with {} marked by people{metrics}. Of 100 such mentions it finds {sensitivity}; of 100 that it marks, {ppv} are right",
            words::counted(evaluation.n, "held-out sentence"),
            words::counted(evaluation.positives, "mention"),
        ),
        kind => format!(
            "{}, {} with the finding{metrics}. At this card's threshold it finds {sensitivity} of 100 with the finding; of 100 cards {ppv} are right; it fires in {:.0} of 100. {}",
            words::counted(evaluation.n, if kind == Kind::Image { "held-out film" } else { "held-out stay" }),
            words::thousands(evaluation.positives as u64),
            label.alerts_per_100,
            prevalence(evaluation),
        ),
    }
}

fn hundred(share: f64) -> String {
    format!("{:.0}", 100.0 * share)
}

/// A probability is honest only where the finding is as common as in the data it was fitted on.
fn prevalence(evaluation: &Evaluation) -> String {
    let share = evaluation.positives as f64 / evaluation.n.max(1) as f64;
    format!("{} of those cases had it; where it is rarer, the true probability is lower", words::percent(share))
}
