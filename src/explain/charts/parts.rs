//! Subgroups side by side: the same figure in parts of the cases, with intervals.

use super::{
    binary,
    plot::{Plot, chart, dot, finish, round_ticks},
};
use crate::models::evaluation::Report;

const ROW: f64 = 34.0;
/// The first of these that all cases and some part have is shown.
const SHOWN: [(&str, &str); 6] = [
    ("auroc", "AUROC"),
    ("f1", "F1"),
    ("micro_f1", "micro-F1"),
    ("quadratic_kappa", "quadratic kappa"),
    ("accuracy", "accuracy"),
    ("macro_f1", "macro-F1"),
];

struct Row {
    name: String,
    counts: String,
    value: f64,
    interval: [f64; 2],
}

/// The main figure of every subgroup with its interval, beside that of all cases; empty without subgroups.
#[must_use]
pub fn subgroups(report: &Report) -> String {
    let Some((words, rows)) = SHOWN.iter().find_map(|(metric, words)| Some((*words, rows(report, metric)?))) else {
        return String::new();
    };
    let described: Vec<String> = rows
        .iter()
        .map(|row| {
            format!("{} {:.3} ({:.3} to {:.3}), {}", row.name, row.value, row.interval[0], row.interval[1], row.counts)
        })
        .collect();
    let height = 92.0 + ROW * rows.len() as f64;
    let mut svg = chart(height, &format!("Subgroups: {words}"), &described.join("; "));
    let (low, high) = rows
        .iter()
        .fold((f64::MAX, f64::MIN), |(low, high), row| (low.min(row.interval[0]), high.max(row.interval[1])));
    let room = ((high - low) * 0.08).max(0.01);
    let x = ((low - room).max(0.0), (high + room).min(1.0));
    let plot = Plot { left: 150.0, top: 34.0, width: 156.0, height: ROW * rows.len() as f64, x, y: (0.0, 1.0) };
    plot.axes(&mut svg, (&round_ticks(x, 4), &[]), (&format!("{words} with 95 % interval"), ""));
    let all = rows.first().map_or(0.0, |row| row.value);
    svg.line("id", plot.at(all, 0.0), plot.at(all, 1.0));
    for (index, row) in rows.iter().enumerate() {
        let y = plot.top + ROW * (index as f64 + 0.5);
        svg.text(if index == 0 { "b" } else { "" }, (4.0, y - 1.0), &row.name);
        svg.text("s", (4.0, y + 12.0), &row.counts);
        let at = |value: f64| (plot.at(value, 0.0).0, y);
        svg.line("ci", at(row.interval[0]), at(row.interval[1]));
        dot(&mut svg, "f1", at(row.value), if index == 0 { 5.0 } else { 4.0 });
        svg.text("s", (plot.right() + 10.0, y + 4.0), &format!("{:.3}", row.value));
    }
    finish(svg)
}

/// All cases first, then the parts; nothing when a figure has no interval.
fn rows(report: &Report, metric: &str) -> Option<Vec<Row>> {
    let (key, value, interval) = binary(report, metric)?;
    // The figures of the parts leave out what was refused.
    let answered = report.n - report.refused.values().sum::<usize>().min(report.n);
    let of_all = if answered == report.n {
        counts(report.n, report.positives)
    } else {
        format!("{answered} answered of {}", report.n)
    };
    let all = Row { name: "all".into(), counts: of_all, value, interval: interval? };
    let parts = report.subgroups.iter().filter_map(|part| {
        let name = format!("{}: {}", part.by, part.group);
        let (value, interval) = (*part.metrics.get(key)?, *part.intervals.get(key)?);
        Some(Row { name, counts: counts(part.n, part.positives), value, interval })
    });
    let parts: Vec<Row> = parts.collect();
    (!parts.is_empty()).then(|| std::iter::once(all).chain(parts).collect())
}

fn counts(n: usize, positives: usize) -> String {
    format!("{n} cases, {positives} with it")
}
