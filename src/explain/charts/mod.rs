//! Pictures of how good a network is: reliability, ROC, decision curve, thresholds, learning curve, subgroups, grades.
//!
//! Contract: pure functions of a report; readable at 360 pixels wide; the colours of Okabe and Ito, which every common
//! colour vision tells apart, and `currentColor` for the rest, so that light and dark pages both fit; lines differ in
//! their dashes too. Every picture has its figures as a text alternative. A picture whose figures are not in the report
//! is empty text.

mod curves;
mod grades;
mod learning;
mod parts;
mod plot;
mod reliability;

pub use curves::{alerts, decision, roc};
pub use grades::confusion;
pub use learning::{CurvePoint, learning_curve};
pub use parts::subgroups;
pub use reliability::reliability;

use crate::models::evaluation::Report;

/// The one style sheet of all charts, for a page's content security policy. A picture of its own turns light on dark
/// where the reader prefers that; inside a page it takes the page's colour.
pub const STYLE: &str = ".ch text{font:12px system-ui,sans-serif;fill:currentColor}.ch .s{font-size:11px;opacity:.8}\
    .ch .b{font-weight:600}.ch .e{text-anchor:end}.ch .m{text-anchor:middle}.ch .ax{stroke:currentColor;opacity:.55}\
    .ch .gr{stroke:currentColor;opacity:.13}.ch .id{stroke:currentColor;opacity:.6;stroke-dasharray:4 4}\
    .ch path{fill:none;stroke-width:2;stroke-linejoin:round}.ch .c1{stroke:#0072b2}.ch .c2{stroke:#d55e00;stroke-dasharray:7 3}\
    .ch .c3{stroke:#009e73;stroke-dasharray:2 3}.ch .f1{fill:#0072b2}.ch .f2{fill:#d55e00}.ch .f3{fill:#009e73}\
    .ch .ci{stroke:#0072b2;stroke-width:2;opacity:.6}.ch .ring{fill:none;stroke:#d55e00;stroke-width:2.5}\
    .ch .use{stroke:currentColor;opacity:.8;stroke-width:1.5;stroke-dasharray:1 3}.ch .bar{fill:#0072b2;opacity:.45}\
    @media (prefers-color-scheme:dark){svg:root{color:#e8e8e8;background:#16181c}.ch .c1,.ch .ci{stroke:#56b4e9}\
    .ch .f1,.ch .bar{fill:#56b4e9}}";

/// File name and picture of every chart that has figures.
#[must_use]
pub fn all(report: &Report) -> Vec<(&'static str, String)> {
    let charts = [
        ("reliability", reliability(report)),
        ("roc", roc(report)),
        ("decision", decision(report)),
        ("alerts", alerts(report)),
        ("subgroups", subgroups(report)),
        ("confusion", confusion(report)),
    ];
    charts.into_iter().filter(|(_, svg)| !svg.is_empty()).collect()
}

/// A metric of the yes-or-no question, under its own name or with a prefix (`oa_auroc`).
fn binary<'a>(report: &'a Report, metric: &str) -> Option<(&'a str, f64, Option<[f64; 2]>)> {
    let fits = |key: &&String| {
        key.as_str() == metric
            || key.strip_suffix(metric).is_some_and(|before| before.len() == 3 && before.ends_with('_'))
    };
    let key = report.metrics.keys().find(fits)?;
    Some((key, report.metrics[key], report.intervals.get(key).copied()))
}

/// `AUROC 0.912 (95 % interval 0.890 to 0.931)`.
fn told(words: &str, value: f64, interval: Option<[f64; 2]>) -> String {
    match interval {
        Some([low, high]) => format!("{words} {value:.3} (95 % interval {low:.3} to {high:.3})"),
        None => format!("{words} {value:.3}"),
    }
}

#[cfg(test)]
mod tests;
