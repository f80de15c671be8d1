//! ROC curve, decision curve, and what each threshold would mean.

use super::{
    binary,
    plot::{Plot, chart, dot, finish, legend, round_ticks},
    told,
};
use crate::models::evaluation::{Report, ThresholdRow};

const FIFTHS: [f64; 6] = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0];

/// ROC curve with the threshold in use; empty without points.
#[must_use]
pub fn roc(report: &Report) -> String {
    if report.roc.is_empty() {
        return String::new();
    }
    let area = binary(report, "auroc").map_or_else(String::new, |(_, value, interval)| told("AUROC", value, interval));
    let in_use = report.thresholds.iter().find(|row| row.in_use);
    let words = in_use.map_or_else(String::new, |row| {
        format!(
            "in use (from {:.2}): sensitivity {:.2}, specificity {:.2}",
            row.threshold, row.sensitivity, row.specificity
        )
    });
    let mut svg = chart(356.0, "Found and falsely alarmed", &format!("ROC curve, {area}. {words}"));
    let plot = Plot { left: 40.0, top: 62.0, width: 310.0, height: 220.0, x: (0.0, 1.0), y: (0.0, 1.0) };
    svg.text("s", (4.0, 33.0), &area);
    plot.axes(&mut svg, (&FIFTHS, &FIFTHS), ("share of false alarms (1 − specificity)", "sensitivity"));
    svg.line("id", plot.at(0.0, 0.0), plot.at(1.0, 1.0));
    let points: Vec<(f64, f64)> = report.roc.iter().map(|[x, y]| (*x, *y)).collect();
    plot.path(&mut svg, "c1", &points);
    if let Some(row) = in_use {
        dot(&mut svg, "ring", plot.at(1.0 - row.specificity, row.sensitivity), 6.0);
        dot(&mut svg, "ring", (plot.left + 8.0, plot.bottom() + 52.0), 6.0);
        svg.text("s", (plot.left + 22.0, plot.bottom() + 56.0), &words);
    }
    finish(svg)
}

/// Net benefit by threshold, of the network, of a card for everybody and of none; empty without thresholds.
#[must_use]
pub fn decision(report: &Report) -> String {
    let rows = &report.thresholds;
    if rows.is_empty() {
        return String::new();
    }
    let top = rows.iter().map(|row| row.net_benefit.max(row.net_benefit_all)).fold(0.01, f64::max) * 1.08;
    let plot = Plot { left: 46.0, top: 44.0, width: 304.0, height: 196.0, x: (0.0, 1.0), y: (-0.25 * top, top) };
    let mut svg = chart(336.0, "Is a card worth it?", &format!("decision curve. {}", net_benefits(rows)));
    let ticks = round_ticks(plot.y, 5);
    plot.axes(&mut svg, (&FIFTHS, &ticks), ("threshold probability", "net benefit"));
    svg.line("ax", plot.at(0.0, 0.0), plot.at(1.0, 0.0));
    mark(&mut svg, &plot, rows);
    let line = |of: fn(&ThresholdRow) -> f64| rows.iter().map(|row| (row.threshold, of(row))).collect::<Vec<_>>();
    plot.path(&mut svg, "c2", &line(|row| row.net_benefit_all));
    plot.path(&mut svg, "c1", &line(|row| row.net_benefit));
    let below = plot.bottom() + 52.0;
    legend(&mut svg, "c1", (plot.left, below), "by this network");
    legend(&mut svg, "c2", (plot.left + 150.0, below), "card for everybody");
    legend(&mut svg, "use", (plot.left, below + 20.0), "threshold in use");
    svg.text("s", (plot.left + 150.0, below + 20.0), "0: no card for anybody");
    finish(svg)
}

/// Sensitivity, positive predictive value and cards per 100 by threshold; empty without thresholds.
#[must_use]
pub fn alerts(report: &Report) -> String {
    let rows = &report.thresholds;
    if rows.is_empty() {
        return String::new();
    }
    let plot = Plot { left: 40.0, top: 44.0, width: 290.0, height: 196.0, x: (0.0, 1.0), y: (0.0, 1.0) };
    let words = rows.iter().find(|row| row.in_use).map(in_use).unwrap_or_default();
    let mut svg = chart(348.0, "What a threshold means", &format!("{words}. {}", by_threshold(rows)));
    plot.axes(&mut svg, (&FIFTHS, &FIFTHS), ("threshold probability", "share"));
    for tick in [0.0, 0.2, 0.4, 0.6, 0.8, 1.0] {
        svg.text("s", (plot.right() + 5.0, plot.at(1.0, tick).1 + 4.0), &format!("{:.0}", tick * 100.0));
    }
    svg.text("s e", (356.0, plot.top - 9.0), "cards per 100");
    mark(&mut svg, &plot, rows);
    plot.path(&mut svg, "c1", &rows.iter().map(|row| (row.threshold, row.sensitivity)).collect::<Vec<_>>());
    plot.path(&mut svg, "c2", &rows.iter().filter_map(|row| Some((row.threshold, row.ppv?))).collect::<Vec<_>>());
    plot.path(&mut svg, "c3", &rows.iter().map(|row| (row.threshold, row.alerts_per_100 / 100.0)).collect::<Vec<_>>());
    let below = plot.bottom() + 52.0;
    legend(&mut svg, "c1", (plot.left, below), "sensitivity");
    legend(&mut svg, "c2", (plot.left + 130.0, below), "cards that are right (PPV)");
    legend(&mut svg, "c3", (plot.left, below + 20.0), "cards per 100");
    legend(&mut svg, "use", (plot.left + 130.0, below + 20.0), "threshold in use");
    svg.text("s", (4.0, below + 44.0), &words);
    finish(svg)
}

/// The threshold in use as a line from top to bottom.
fn mark(svg: &mut crate::explain::svg::Svg, plot: &Plot, rows: &[ThresholdRow]) {
    if let Some(row) = rows.iter().find(|row| row.in_use) {
        svg.line("use", plot.at(row.threshold, plot.y.0), plot.at(row.threshold, plot.y.1));
    }
}

fn in_use(row: &ThresholdRow) -> String {
    let ppv = row.ppv.map_or_else(|| "–".to_owned(), |ppv| format!("{ppv:.2}"));
    format!(
        "From {:.2}: sensitivity {:.2}, PPV {ppv}, {:.0} cards per 100",
        row.threshold, row.sensitivity, row.alerts_per_100
    )
}

fn by_threshold(rows: &[ThresholdRow]) -> String {
    rows.iter().map(in_use).collect::<Vec<_>>().join("; ")
}

fn net_benefits(rows: &[ThresholdRow]) -> String {
    let one = |row: &ThresholdRow| {
        format!(
            "at {:.2} net benefit {:.3}, {:.3} with a card for everybody",
            row.threshold, row.net_benefit, row.net_benefit_all
        )
    };
    rows.iter().map(one).collect::<Vec<_>>().join("; ")
}
