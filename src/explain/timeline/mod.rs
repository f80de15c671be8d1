//! A course as small multiples: one row per variable, value over the hours before the newest measurement.
//!
//! Contract: what was measured is a filled dot and nothing else is; what the network carried forward is dashed with
//! hollow ends. Contributions are log-odds per hour on one scale for all rows: as shade behind the values and, for black
//! and white, as small columns under them. Narrow, so that its letters stay readable on a telephone. No ids, so that
//! several fit on a page.

mod legend;
mod row;
mod words;

use super::svg::{Svg, wrapped};
use row::Frame;

const WIDTH: f64 = 400.0;
/// More rows are not looked at; the table below the picture has all values.
const ROWS: usize = 6;
const LINE: f64 = 18.0;
const SMALL: f64 = 14.5;

/// The chart's style sheet, for a page's content security policy.
pub const STYLE: &str = ".tl{display:block;width:100%;max-width:30rem;height:auto}\
    .tl text{font:14.5px system-ui,sans-serif;fill:currentColor}.tl .lb{font-size:16px;font-weight:600}\
    .tl .nu{font-size:16px;font-weight:600;text-anchor:end;font-variant-numeric:tabular-nums}\
    .tl .en{text-anchor:end}.tl .mi{text-anchor:middle}.tl .ou{font-weight:700}\
    .tl .up{fill:#d55e00}.tl .dn{fill:#0072b2}.tl .band{fill:currentColor;opacity:.08}\
    .tl .edge{stroke:currentColor;opacity:.45;stroke-width:1;stroke-dasharray:1 3}\
    .tl .gr{stroke:currentColor;opacity:.16}.tl .ax{stroke:currentColor;opacity:.6}\
    .tl .via{fill:none;stroke:currentColor;stroke-width:1.1;opacity:.55}.tl .dot{fill:currentColor}\
    .tl .held{fill:none;stroke:currentColor;stroke-width:1.3;stroke-dasharray:4 3}\
    .tl .hollow{fill:none;stroke:currentColor;stroke-width:1.2}.tl .before{opacity:.5}\
    @media screen and (prefers-color-scheme:dark){.tl .up{fill:#f0883e}.tl .dn{fill:#56b4e9}}";

/// One variable over the window.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The variable in words.
    pub label: String,
    /// Unit as people write it; may be empty.
    pub unit: String,
    /// Typical range of adults.
    pub range: Option<(f64, f64)>,
    /// What was measured: hour from the window's start, value.
    pub points: Vec<(f64, f64)>,
    /// Contribution of each hour, oldest first.
    pub by_hour: Vec<f32>,
    /// Contribution of the variable as a whole.
    pub contribution: f64,
}

impl Series {
    /// The same with what was measured inside the window only, in order of time.
    fn inside(&self, hours: usize) -> Self {
        let inside = |(hour, value): &&(f64, f64)| value.is_finite() && (0.0..=hours as f64).contains(hour);
        let mut points: Vec<(f64, f64)> = self.points.iter().filter(inside).copied().collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        Self { points, ..self.clone() }
    }
}

/// The window the network looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// The variables, strongest first; the first six are drawn.
    pub series: Vec<Series>,
    /// Hours the network read; the last one may be only begun.
    pub hours: usize,
    /// Hour from the start at which the newest value of all was measured: the zero of the picture's axis.
    pub end_hour: f64,
    /// The same as a time (RFC 3339).
    pub end: String,
}

/// One row in its place.
struct Placed<'a> {
    series: &'a Series,
    label: Vec<String>,
    details: Vec<String>,
}

impl<'a> Placed<'a> {
    fn new(series: &'a Series) -> Self {
        let unit = if series.unit.is_empty() { String::new() } else { format!(", {}", series.unit) };
        Self {
            series,
            label: wrapped(&format!("{}{unit}", series.label), WIDTH - 66.0, 17.0),
            details: wrapped(&words::details(series), WIDTH, SMALL),
        }
    }

    fn height(&self) -> f64 {
        LINE * (self.label.len() + self.details.len()) as f64 + row::height(self.series)
    }
}

/// The chart as an SVG fragment in the colours of the page around it.
#[must_use]
pub fn chart(course: &Course) -> String {
    let series: Vec<Series> = course.series.iter().take(ROWS).map(|series| series.inside(course.hours)).collect();
    let rows: Vec<Placed<'_>> = series.iter().map(Placed::new).collect();
    let legend = legend::Legend::new(course, &rows);
    let height = rows.iter().map(Placed::height).sum::<f64>() + legend.height();
    let spoken: Vec<String> = rows.iter().map(|row| words::spoken(row.series)).collect();
    let described = format!("The last {} hours up to {}. {}.", course.hours, when(&course.end), spoken.join("; "));
    let mut svg = Svg::described("tl", (WIDTH, height), ("Values over time and what they did", &described), STYLE);
    let largest = largest(&rows);
    let mut top = 0.0;
    for placed in &rows {
        let frame = Frame::new(course, placed.series, top + placed.height() - row::height(placed.series), largest);
        words::draw(&mut svg, placed, top);
        if row::height(placed.series) > row::SPACE {
            row::draw(&mut svg, &frame, placed.series);
        }
        top += placed.height();
    }
    legend.draw(&mut svg, top);
    svg.finish()
}

/// The largest contribution of an hour: one scale for all rows.
fn largest(rows: &[Placed<'_>]) -> f64 {
    let hours = rows.iter().flat_map(|row| &row.series.by_hour).map(|hour| f64::from(hour.abs()));
    hours.filter(|hour| hour.is_finite()).fold(f64::MIN_POSITIVE, f64::max)
}

/// `2026-03-01T08:00:00Z` as `2026-03-01 08:00 UTC`.
fn when(rfc3339: &str) -> String {
    match (rfc3339.get(..10), rfc3339.get(11..16)) {
        (Some(day), Some(clock)) if rfc3339.ends_with('Z') => format!("{day} {clock} UTC"),
        (Some(day), Some(clock)) => format!("{day} {clock}"),
        _ => "the newest value".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Course, Series, chart};

    fn series(points: Vec<(f64, f64)>) -> Series {
        Series {
            label: "lactate <x>".into(),
            unit: "mmol/L".into(),
            range: Some((0.5, 2.0)),
            points,
            by_hour: vec![0.0, 0.2, -0.1, 0.0],
            contribution: 0.1,
        }
    }

    fn course(series: Vec<Series>) -> Course {
        Course { series, hours: 4, end_hour: 3.5, end: "2026-03-01T08:00:00Z".into() }
    }

    #[test]
    fn measured_is_filled_and_carried_forward_is_dashed_with_hollow_ends() {
        let svg = chart(&course(vec![series(vec![(1.2, 3.0)])]));
        // One measured value and its sample in the legend.
        assert_eq!(svg.matches("class=\"dot\"").count(), 2);
        assert!(
            svg.contains("class=\"held before\"") && svg.contains("class=\"held\"") && svg.contains("class=\"hollow\"")
        );
        assert!(svg.contains("carried forward") && svg.contains("before the first"));
        let full = chart(&course(vec![series(vec![(0.5, 1.0), (1.5, 1.0), (2.5, 1.0), (3.5, 1.0)])]));
        assert!(!full.contains("class=\"held") && !full.contains("carried forward"));
    }

    #[test]
    fn the_text_alternative_names_label_value_unit_count_and_effect() {
        let svg = chart(&course(vec![series(vec![(1.2, 1.0), (3.1, 4.2)])]));
        for part in [
            "lactate &lt;x&gt;: newest 4.2 mmol/L",
            "above its typical range",
            "measured 2 times",
            "raises the estimate by 0.10",
        ] {
            assert!(svg.contains(part), "{part}");
        }
        assert!(svg.contains("2026-03-01 08:00 UTC") && !svg.contains("style=") && !svg.contains("<x>"));
    }

    #[test]
    fn hours_are_shaded_by_sign_and_at_most_six_rows_are_drawn() {
        let svg = chart(&course(vec![series(vec![(1.0, 1.0)]); 8]));
        assert_eq!(svg.matches("fill-opacity").count(), 6 * 2);
        assert!(svg.contains("2 further variables"));
    }

    #[test]
    fn odd_numbers_never_reach_the_picture() {
        let mut odd = series(vec![(f64::NAN, 1.0), (1.0, f64::INFINITY), (-3.0, 1.0), (99.0, 2.0)]);
        odd.by_hour = vec![f32::NAN; 400];
        for hours in [0, 1, 4] {
            let svg = chart(&Course {
                hours,
                end_hour: f64::NAN,
                end: "ü".into(),
                series: vec![odd.clone(), series(vec![])],
            });
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }
}
