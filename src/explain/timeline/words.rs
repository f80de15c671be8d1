//! What is said of one variable, above its plot and in the text alternative.

use super::{LINE, Placed, Series, WIDTH};
use crate::explain::{
    bars::{Outside, range, short},
    svg::{Svg, signed},
};

fn newest(series: &Series) -> Option<f64> {
    series.points.last().map(|(_, value)| *value)
}

fn outside(series: &Series) -> Option<Outside> {
    newest(series).and_then(|value| Outside::of(value, series.range))
}

/// The newest value as the row's second line begins with it.
fn lead(series: &Series) -> String {
    match (newest(series), outside(series)) {
        (None, _) => "not measured".into(),
        (Some(value), None) => format!("newest {}", short(value)),
        (Some(value), Some(outside)) => format!("newest {}{}", outside.arrow(), short(value)),
    }
}

pub(super) fn details(series: &Series) -> String {
    let typical = series.range.map(|ends| format!(" · typical {}", range(ends))).unwrap_or_default();
    let count = series.points.len();
    let times = if count > 0 { format!(" · measured {count}×") } else { String::new() };
    format!("{}{typical}{times}", lead(series))
}

pub(super) fn spoken(series: &Series) -> String {
    let outside = outside(series).map(|outside| format!(", {}", outside.words())).unwrap_or_default();
    let effect = if series.contribution >= 0.0 { "raises" } else { "lowers" };
    let value = newest(series).map_or_else(
        || "not measured".to_owned(),
        |value| format!("newest {} {}{outside}, measured {} times", short(value), series.unit, series.points.len()),
    );
    format!("{}: {value}, {effect} the estimate by {:.2}", series.label, series.contribution.abs())
}

/// Label and unit, number, and the line of details.
pub(super) fn draw(svg: &mut Svg, placed: &Placed<'_>, mut y: f64) {
    svg.text("nu", (WIDTH, y + 14.0), &signed(placed.series.contribution));
    for line in &placed.label {
        svg.text("lb", (0.0, y + 14.0), line);
        y += LINE;
    }
    let lead = lead(placed.series);
    for (index, line) in placed.details.iter().enumerate() {
        match line.strip_prefix(lead.as_str()).filter(|_| index == 0 && outside(placed.series).is_some()) {
            Some(rest) => svg.text_with("", (0.0, y + 13.0), ("ou", &lead), rest),
            None => svg.text("", (0.0, y + 13.0), line),
        }
        y += LINE;
    }
}
