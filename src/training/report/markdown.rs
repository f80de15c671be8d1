//! A report as Markdown: what `auscult evaluate --markdown` writes and what a model card's tables are made of.
//!
//! Contract: every number comes from the report; a section without figures is left out.

use crate::models::evaluation::{ReliabilityBin, Report, Subgroup};
use std::collections::{BTreeMap, BTreeSet};

/// Metric keys in the order of tables, with their names. `{}_` before a key (`oa_auroc`) keeps its place and name.
const NAMES: [(&str, &str); 26] = [
    ("auroc", "AUROC"),
    ("auprc", "AUPRC (average precision)"),
    ("accuracy", "accuracy"),
    ("accuracy_at_half", "accuracy at probability 0.5"),
    ("accuracy_within_one", "within one grade"),
    ("balanced_accuracy", "balanced accuracy"),
    ("quadratic_kappa", "quadratic kappa"),
    ("mae", "mean absolute error (grades)"),
    ("f1", "F1 (exact spans)"),
    ("precision", "precision"),
    ("recall", "recall"),
    ("f1_any_probability", "F1 of all mentions, also below their threshold"),
    ("micro_f1", "micro-F1"),
    ("macro_f1", "macro-F1"),
    ("sensitivity", "sensitivity"),
    ("specificity", "specificity"),
    ("ppv", "positive predictive value"),
    ("npv", "negative predictive value"),
    ("event1", "event 1: greatest min(sensitivity, PPV)"),
    ("alerts_per_100", "cards per 100 cases"),
    ("ece", "calibration error (ECE, 15 bins)"),
    ("brier", "Brier score"),
    ("log_loss", "log loss"),
    ("calibration_slope", "calibration slope (1 is perfect)"),
    ("calibration_intercept", "calibration intercept (0 is perfect)"),
    ("refused", "share refused"),
];

/// A metric in words: `oa_auroc` is `AUROC (oa)`, `f1_disease` is `F1 (exact spans): disease`.
#[must_use]
pub fn name(key: &str) -> String {
    let (before, rest) = split(key);
    let known = |key: &str| NAMES.iter().find(|(name, _)| *name == key).map(|(_, words)| (*words).to_owned());
    let words = known(rest).or_else(|| {
        let (stem, part) = rest.split_once('_')?;
        Some(format!("{}: {}", known(stem)?, part.replace('_', " ")))
    });
    let words = words.unwrap_or_else(|| rest.replace('_', " "));
    if before.is_empty() { words } else { format!("{words} ({before})") }
}

/// The two or three letters of a yes-or-no question beside a grade, and the key without them.
fn split(key: &str) -> (&str, &str) {
    let known = |rest: &str| NAMES.iter().any(|(name, _)| *name == rest);
    match key.split_once('_') {
        Some((before, rest)) if before.len() <= 3 && !known(key) && known(rest) => (before, rest),
        _ => ("", key),
    }
}

/// Place of a metric in tables.
fn place(key: &str) -> (usize, usize, String) {
    let (before, rest) = split(key);
    let stem = |at: &usize| rest == NAMES[*at].0 || rest.starts_with(&format!("{}_", NAMES[*at].0));
    let exact = NAMES.iter().position(|(name, _)| *name == rest);
    let at = exact.or_else(|| (0..NAMES.len()).find(stem)).unwrap_or(NAMES.len());
    (usize::from(!before.is_empty()), at, key.to_owned())
}

/// Metric keys in the order of tables.
pub fn sorted(metrics: &BTreeMap<String, f64>) -> Vec<&String> {
    let mut keys: Vec<&String> = metrics.keys().collect();
    keys.sort_by_key(|key| place(key));
    keys
}

/// A figure with as many decimals as it deserves.
#[must_use]
pub fn figure(key: &str, value: f64) -> String {
    if key.ends_with("alerts_per_100") { format!("{value:.1}") } else { format!("{value:.3}") }
}

/// `0.852 (0.831 to 0.873)`, or the bare figure when it has no interval.
#[must_use]
pub fn with_interval(key: &str, value: f64, interval: Option<&[f64; 2]>) -> String {
    match interval {
        Some([low, high]) => format!("{} ({} to {})", figure(key, value), figure(key, *low), figure(key, *high)),
        None => figure(key, value),
    }
}

/// The whole report under one heading.
#[must_use]
pub fn whole(report: &Report) -> String {
    format!(
        "# {} {} on {}\n\nEvaluated on {} ({}): {} cases, {} with the finding.{}\n\n{}",
        report.model,
        report.version,
        report.split,
        report.date,
        report.through,
        report.n,
        report.positives,
        speed(report),
        sections(report, "##"),
    )
}

fn speed(report: &Report) -> String {
    let size = report.size_bytes as f64 / 1e6;
    match &report.speed {
        Some(speed) => {
            let threads = if speed.threads == 1 { "thread" } else { "threads" };
            format!(
                " {:.1} cases per second ({} {threads}); files {size:.1} MB.",
                speed.cases_per_second, speed.threads
            )
        }
        None => format!(" Files {size:.1} MB."),
    }
}

/// All tables, each under a heading that begins with `level`.
#[must_use]
pub fn sections(report: &Report, level: &str) -> String {
    let parts = [
        ("Figures", metrics(report)),
        ("Grades: true (rows) against answered (columns)", confusion(report)),
        ("Calibration", calibration(report)),
        ("Thresholds, alert burden and net benefit", thresholds(report)),
        ("Conformal answers", conformal(report)),
        ("Subgroups", subgroups(report)),
        ("Refused", refused(report)),
        ("The worst mistakes", failures(report)),
    ];
    let full = parts.into_iter().filter(|(_, text)| !text.is_empty());
    full.map(|(title, text)| format!("{level} {title}\n\n{text}\n")).collect()
}

fn metrics(report: &Report) -> String {
    let row = |key: &String| {
        let cell = with_interval(key, report.metrics[key], report.intervals.get(key));
        format!("| {} | {cell} |\n", name(key))
    };
    let rows: String = sorted(&report.metrics).into_iter().map(row).collect();
    format!(
        "95 % intervals: percentile bootstrap over patients or documents, 1,000 resamples.\n\n| Figure | Value (95 % interval) |\n|---|---|\n{rows}"
    )
}

fn confusion(report: &Report) -> String {
    if report.confusion.is_empty() {
        return String::new();
    }
    let head: String = (0..report.confusion.len()).map(|grade| format!(" {grade} |")).collect();
    let row = |(grade, line): (usize, &Vec<usize>)| {
        format!("| **{grade}** |{}\n", line.iter().map(|count| format!(" {count} |")).collect::<String>())
    };
    let rows: String = report.confusion.iter().enumerate().map(row).collect();
    format!("| |{head}\n|---|{}\n{rows}", "---|".repeat(report.confusion.len()))
}

fn calibration(report: &Report) -> String {
    if report.deciles.is_empty() {
        return String::new();
    }
    let row = |bin: &ReliabilityBin| {
        let [low, high] = bin.interval;
        let (from, to, predicted) = (bin.from, bin.to, bin.predicted);
        format!("| {from:.3} to {to:.3} | {} | {predicted:.3} | {:.3} ({low:.3} to {high:.3}) |\n", bin.n, bin.observed)
    };
    let rows: String = report.deciles.iter().map(row).collect();
    format!(
        "Tenths of the answers, from the least probable to the most.\n\n| Probability | n | mean predicted | observed (95 % interval) |\n|---|---|---|---|\n{rows}"
    )
}

fn thresholds(report: &Report) -> String {
    if report.thresholds.is_empty() {
        return String::new();
    }
    let share = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"));
    let rows: String = report
        .thresholds
        .iter()
        .map(|row| {
            format!(
                "| {:.3}{} | {:.3} | {:.3} | {} | {} | {:.1} | {:.4} | {:.4} |\n",
                row.threshold,
                if row.in_use { " **in use**" } else { "" },
                row.sensitivity,
                row.specificity,
                share(row.ppv),
                share(row.npv),
                row.alerts_per_100,
                row.net_benefit,
                row.net_benefit_all,
            )
        })
        .collect();
    format!(
        "| Threshold | sensitivity | specificity | PPV | NPV | cards per 100 | net benefit | of a card for everybody |\n\
         |---|---|---|---|---|---|---|---|\n{rows}"
    )
}

fn conformal(report: &Report) -> String {
    let Some(check) = &report.conformal else { return String::new() };
    let [low, high] = check.interval;
    format!(
        "Promised: the true answer is among those that remain in {:.1} % of cases. Found: {:.1} % ({:.1} to {:.1} %). In {:.1} % of \
         cases more than one answer remains; on average {:.2} do.\n",
        100.0 * check.promised,
        100.0 * check.covered,
        100.0 * low,
        100.0 * high,
        100.0 * check.undecided,
        check.mean_size
    )
}

fn subgroups(report: &Report) -> String {
    let keys: Vec<&str> = columns(report);
    if keys.is_empty() {
        return String::new();
    }
    let head: String = keys.iter().map(|key| format!(" {} |", name(key))).collect();
    let cell = |part: &Subgroup, key: &str| match part.metrics.get(key) {
        Some(value) => format!(" {} |", with_interval(key, *value, part.intervals.get(key))),
        None => " – |".to_owned(),
    };
    let row = |part: &Subgroup| {
        let cells: String = keys.iter().map(|key| cell(part, key)).collect();
        format!("| {} | {} | {} | {} |{cells}\n", part.by, part.group, part.n, part.positives)
    };
    let rows: String = report.subgroups.iter().map(row).collect();
    format!(
        "Parts with at least 20 cases, five of them with the finding and five without.\n\n\
         | by | part | n | with the finding |{head}\n|---|---|---|---|{}\n{rows}",
        "---|".repeat(keys.len())
    )
}

/// The few figures worth a column for subgroups of this task.
fn columns(report: &Report) -> Vec<&'static str> {
    let present: BTreeSet<&str> =
        report.subgroups.iter().flat_map(|part| part.metrics.keys().map(String::as_str)).collect();
    let sets: [&[&str]; 4] = [
        &["accuracy", "quadratic_kappa", "oa_auroc"],
        &["auroc", "sensitivity", "ppv", "ece"],
        &["f1", "precision", "recall"],
        &["micro_f1", "macro_f1"],
    ];
    let fits = |set: &&&[&str]| {
        set.iter().any(|key| present.contains(key)) && (present.contains(set[0]) && present.contains(set[1]))
    };
    let chosen = sets.iter().find(fits).copied().unwrap_or(&[]);
    chosen.iter().copied().filter(|key| present.contains(key)).collect()
}

fn refused(report: &Report) -> String {
    let total: usize = report.refused.values().sum();
    if total == 0 {
        return format!("None of {} cases was refused.\n", report.n);
    }
    let rows: String = report.refused.iter().map(|(reason, n)| format!("| {reason} | {n} |\n")).collect();
    let share = 100.0 * total as f64 / report.n.max(1) as f64;
    format!(
        "{total} of {} cases ({share:.1} %) were refused; the figures leave them out.\n\n| Reason | cases |\n|---|---|\n{rows}",
        report.n
    )
}

fn failures(report: &Report) -> String {
    if report.failures.is_empty() {
        return String::new();
    }
    let rows: String =
        report.failures.iter().map(|one| format!("| {} | {} | {} |\n", one.case, one.truth, one.said)).collect();
    format!(
        "Case numbers and file names are those of the public data.\n\n| Case | true | answered |\n|---|---|---|\n{rows}"
    )
}

#[cfg(test)]
mod tests {
    use super::{name, sorted, with_interval};
    use std::collections::BTreeMap;

    #[test]
    fn metrics_have_names_and_an_order() {
        assert_eq!(name("oa_auroc"), "AUROC (oa)");
        assert_eq!(name("f1_disease"), "F1 (exact spans): disease");
        assert_eq!((name("auroc"), name("auroc_shifted")), ("AUROC".into(), "AUROC: shifted".into()));
        assert_eq!(name("f1_any_probability"), "F1 of all mentions, also below their threshold");
        let keys = ["brier", "oa_auroc", "auroc", "auroc_shifted", "something", "ppv"];
        let metrics: BTreeMap<String, f64> = keys.map(|key| (key.to_owned(), 0.5)).into();
        assert_eq!(sorted(&metrics), ["auroc", "auroc_shifted", "ppv", "brier", "something", "oa_auroc"]);
    }

    #[test]
    fn a_figure_is_shown_with_its_interval() {
        assert_eq!(with_interval("auroc", 0.85234, Some(&[0.83, 0.87])), "0.852 (0.830 to 0.870)");
        assert_eq!(with_interval("oa_alerts_per_100", 24.66, None), "24.7");
    }
}
