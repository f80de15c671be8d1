//! What everything in the chart means, in plain words; only of what occurs in it.

use super::{Course, LINE, Placed, ROWS, SMALL, WIDTH, row, when};
use crate::explain::svg::{Svg, wrapped};

const SAMPLE: f64 = 38.0;

#[derive(Clone, Copy)]
enum Sample {
    Dot,
    Held,
    Before,
    Band,
    Effect,
    None,
}

pub(super) struct Legend(Vec<(Sample, Vec<String>)>);

impl Legend {
    pub(super) fn new(course: &Course, rows: &[Placed<'_>]) -> Self {
        let gaps = rows.iter().flat_map(|placed| row::gaps(&placed.series.points, course.hours.max(1)));
        let before: Vec<bool> = gaps.map(|(.., before)| before).collect();
        let mut entries = vec![(Sample::Dot, "measured value".to_owned())];
        if before.contains(&false) {
            entries.push((Sample::Held, "not measured: last value, carried forward by the network".into()));
        }
        if before.contains(&true) {
            entries.push((Sample::Before, "before the first measurement: the network uses the first value".into()));
        }
        if rows.iter().any(|placed| placed.series.range.is_some()) {
            entries.push((Sample::Band, "typical range of adults (▲ above, ▼ below it)".into()));
        }
        entries.push((Sample::Effect, "what an hour did to the estimate: orange, upwards raises it; blue, downwards lowers it; deeper and longer is more".into()));
        entries.push((
            Sample::None,
            format!(
                "0 is the newest value, {}. Numbers at the right: sum over the hours, in log-odds.",
                when(&course.end)
            ),
        ));
        if let Some(further) = course.series.len().checked_sub(ROWS).filter(|further| *further > 0) {
            let words = if further == 1 { "variable is" } else { "variables are" };
            entries.push((Sample::None, format!("{further} further {words} not drawn: smaller effects.")));
        }
        let broken = |(sample, words): (Sample, String)| (sample, wrapped(&words, WIDTH - indent(sample), SMALL));
        Self(entries.into_iter().map(broken).collect())
    }

    pub(super) fn height(&self) -> f64 {
        self.0.iter().map(|(_, lines)| LINE * lines.len() as f64 + 5.0).sum::<f64>() + 4.0
    }

    pub(super) fn draw(&self, svg: &mut Svg, mut top: f64) {
        for (sample, lines) in &self.0 {
            draw(svg, *sample, top + 9.0);
            for line in lines {
                svg.text("", (indent(*sample), top + 14.0), line);
                top += LINE;
            }
            top += 5.0;
        }
    }
}

const fn indent(sample: Sample) -> f64 {
    if matches!(sample, Sample::None) { 0.0 } else { SAMPLE }
}

fn draw(svg: &mut Svg, sample: Sample, y: f64) {
    let held = |svg: &mut Svg, line: &str, end: &str| {
        svg.path(line, &format!("M5.8 {y:.1}H22.2"));
        svg.dot(end, (3.4, y), 2.4);
        svg.dot(end, (24.6, y), 2.4);
    };
    match sample {
        Sample::Dot => svg.dot("dot", (14.0, y), 2.7),
        Sample::Held => held(svg, "held", "hollow"),
        Sample::Before => held(svg, "held before", "hollow before"),
        Sample::Band => {
            svg.rect("band", (1.0, y - 6.0), (26.0, 12.0));
            svg.line("edge", (1.0, y - 6.0), (27.0, y - 6.0));
            svg.line("edge", (1.0, y + 6.0), (27.0, y + 6.0));
        }
        Sample::Effect => {
            svg.rect("up", (5.0, y - 8.0), (7.0, 8.0));
            svg.rect("dn", (15.0, y), (7.0, 8.0));
            svg.line("ax", (1.0, y), (27.0, y));
        }
        Sample::None => {}
    }
}
