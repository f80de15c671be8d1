//! Reliability diagram: what share of the cases with a predicted probability had the finding.

use super::{
    binary,
    plot::{Plot, chart, dot, finish},
    told,
};
use crate::models::evaluation::{ReliabilityBin, Report};

/// Height of the histogram below the diagram.
const BARS: f64 = 40.0;

/// Predicted against observed with 95 % intervals, and how many cases each bin holds; empty without bins.
#[must_use]
pub fn reliability(report: &Report) -> String {
    if report.reliability.is_empty() {
        return String::new();
    }
    let error = binary(report, "ece")
        .map_or_else(String::new, |(_, value, interval)| told("calibration error", value, interval));
    let mut svg = chart(384.0, "Predicted and observed", &described(&report.reliability, &error));
    let plot = Plot { left: 40.0, top: 62.0, width: 310.0, height: 210.0, x: (0.0, 1.0), y: (0.0, 1.0) };
    svg.text("s", (4.0, 33.0), &error);
    let ticks = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0];
    plot.axes(&mut svg, (&ticks, &ticks), ("", "share with the finding"));
    svg.line("id", plot.at(0.0, 0.0), plot.at(1.0, 1.0));
    let points: Vec<(f64, f64)> = report.reliability.iter().map(|bin| (bin.predicted, bin.observed)).collect();
    for bin in &report.reliability {
        svg.line("ci", plot.at(bin.predicted, bin.interval[0]), plot.at(bin.predicted, bin.interval[1]));
    }
    plot.path(&mut svg, "c1", &points);
    points.iter().for_each(|(x, y)| dot(&mut svg, "f1", plot.at(*x, *y), 3.5));
    bars(&mut svg, &plot, &report.reliability);
    finish(svg)
}

fn bars(svg: &mut crate::explain::svg::Svg, plot: &Plot, bins: &[ReliabilityBin]) {
    let most = bins.iter().map(|bin| bin.n).max().unwrap_or(1) as f64;
    let base = plot.bottom() + 26.0 + BARS;
    for bin in bins {
        let (left, right) = (plot.at(bin.from, 0.0).0, plot.at(bin.to, 0.0).0);
        let height = (BARS * bin.n as f64 / most).max(1.0);
        svg.rect("bar", (left + 1.0, base - height), (right - left - 2.0, height));
    }
    svg.line("ax", (plot.left, base), (plot.right(), base));
    svg.text("s e", (plot.left - 6.0, base - BARS + 10.0), &format!("{most:.0}"));
    svg.text("s m", (plot.left + plot.width / 2.0, base + 15.0), "predicted probability; below: cases per bin");
    svg.line("id", (plot.left, base + 28.0), (plot.left + 22.0, base + 28.0));
    svg.text("s", (plot.left + 27.0, base + 32.0), "perfect");
    svg.line("ci", (plot.left + 110.0, base + 22.0), (plot.left + 110.0, base + 34.0));
    svg.text("s", (plot.left + 118.0, base + 32.0), "95 % interval");
}

fn described(bins: &[ReliabilityBin], error: &str) -> String {
    let said: Vec<String> = bins
        .iter()
        .map(|bin| format!("predicted {:.2}, observed {:.2} of {}", bin.predicted, bin.observed, bin.n))
        .collect();
    format!("{error}. {}", said.join("; "))
}
