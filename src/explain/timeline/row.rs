//! One variable's plot, and under it what each hour contributed.

use super::{Course, Series, WIDTH};
use crate::explain::{bars::short, svg::Svg};

/// Columns of contribution reach this far up and down.
const COLUMN: f64 = 13.0;
const LANE: f64 = 2.0 * COLUMN + 4.0;
/// Between two rows.
pub(super) const SPACE: f64 = 18.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = WIDTH - 8.0;

/// Height of everything under a row's words, the space to the next row included: what was never measured needs no plot,
/// and without any contribution nothing at all.
pub(super) fn height(series: &Series) -> f64 {
    let effect = series.by_hour.iter().any(|hour| hour.is_finite() && *hour != 0.0);
    let drawn = if effect || plot(series) > 0.0 { 8.0 + plot(series) + 4.0 + LANE + 20.0 } else { 0.0 };
    drawn + SPACE
}

fn plot(series: &Series) -> f64 {
    if series.points.is_empty() { 0.0 } else { 84.0 }
}

/// Where hours and values of one row lie.
pub(super) struct Frame {
    top: f64,
    plot: f64,
    hours: usize,
    end_hour: f64,
    values: (f64, f64),
    largest: f64,
}

impl Frame {
    pub(super) fn new(course: &Course, series: &Series, top: f64, largest: f64) -> Self {
        let hours = course.hours.max(1);
        let end_hour =
            if course.end_hour.is_finite() { course.end_hour.clamp(0.0, hours as f64) } else { hours as f64 };
        Self { top: top + 8.0, plot: plot(series), hours, end_hour, values: reach(series), largest }
    }

    fn x(&self, hour: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * (hour / self.hours as f64).clamp(0.0, 1.0)
    }

    fn y(&self, value: f64) -> f64 {
        let (low, high) = self.values;
        self.top + self.plot * (1.0 - ((value - low) / (high - low)).clamp(0.0, 1.0))
    }

    const fn bottom(&self) -> f64 {
        self.top + self.plot
    }
}

/// The hours and values the network read: mean of an hour's values; nothing where none was measured.
fn hourly(points: &[(f64, f64)], hours: usize) -> Vec<Option<f64>> {
    let mut sums = vec![(0.0, 0_u32); hours];
    for (hour, value) in points {
        // The newest value ends the window: it belongs to the last hour, not to one of its own.
        if let Some((sum, count)) = sums.get_mut((*hour as usize).min(hours - 1)) {
            (*sum, *count) = (*sum + value, *count + 1);
        }
    }
    sums.into_iter().map(|(sum, count)| (count > 0).then(|| sum / f64::from(count))).collect()
}

/// Runs of hours without a measurement: first hour, hour after the last, the value that stood there, and whether it
/// came from later because nothing had been measured yet.
pub(super) fn gaps(points: &[(f64, f64)], hours: usize) -> Vec<(usize, usize, f64, bool)> {
    let hourly = hourly(points, hours);
    let Some(first) = hourly.iter().copied().flatten().next() else { return Vec::new() };
    let (mut gaps, mut last) = (Vec::<(usize, usize, f64, bool)>::new(), None);
    for (hour, value) in hourly.into_iter().enumerate() {
        match (value, gaps.last_mut()) {
            (Some(value), _) => last = Some(value),
            (None, Some(gap)) if gap.1 == hour => gap.1 = hour + 1,
            (None, _) => gaps.push((hour, hour + 1, last.unwrap_or(first), last.is_none())),
        }
    }
    gaps
}

/// Lowest and highest value of the picture, with some room.
fn reach(series: &Series) -> (f64, f64) {
    let range = series.range.map_or([None, None], |(low, high)| [Some(low), Some(high)]);
    let values = series.points.iter().map(|(_, value)| *value).chain(range.into_iter().flatten());
    let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    if low > high {
        return (0.0, 1.0);
    }
    let room = ((high - low) * 0.1).max(high.abs() * 0.02).max(1e-3);
    // Most of what is measured cannot be negative; an axis that starts below zero would suggest it.
    (if low >= 0.0 { (low - room).max(0.0) } else { low - room }, high + room)
}

pub(super) fn draw(svg: &mut Svg, frame: &Frame, series: &Series) {
    contributions(svg, frame, series);
    if frame.plot <= 0.0 {
        return time_axis(svg, frame);
    }
    if let Some((low, high)) = series.range {
        let (top, bottom) = (frame.y(high), frame.y(low));
        svg.rect("band", (LEFT, top), (RIGHT - LEFT, (bottom - top).max(1.0)));
        svg.line("edge", (LEFT, top), (RIGHT, top));
        svg.line("edge", (LEFT, bottom), (RIGHT, bottom));
    }
    axes(svg, frame);
    for gap in gaps(&series.points, frame.hours) {
        carried(svg, frame, gap);
    }
    joined(svg, frame, &series.points);
    for (hour, value) in &series.points {
        svg.dot("dot", (frame.x(*hour), frame.y(*value)), 2.7);
    }
}

/// Shade behind the plot, and a column under it.
fn contributions(svg: &mut Svg, frame: &Frame, series: &Series) {
    let middle = frame.bottom() + 4.0 + LANE / 2.0;
    for (hour, value) in series.by_hour.iter().enumerate().take(frame.hours) {
        let share = f64::from(*value) / frame.largest;
        if !share.is_finite() || share.abs() < 0.01 {
            continue;
        }
        let (left, right) = (frame.x(hour as f64), frame.x(hour as f64 + 1.0));
        let (class, length) = (if share > 0.0 { "up" } else { "dn" }, share.abs() * COLUMN);
        svg.shade(class, (left, frame.top), (right - left, frame.plot), 0.06 + 0.44 * share.abs());
        let top = if share > 0.0 { middle - length } else { middle };
        svg.rect(class, (left + 0.4, top), ((right - left - 0.8).max(0.8), length.max(0.8)));
    }
    svg.line("ax", (LEFT, middle), (RIGHT, middle));
    svg.text("en", (LEFT - 5.0, middle + 5.0), "effect");
}

fn axes(svg: &mut Svg, frame: &Frame) {
    for value in ticks(frame.values) {
        let y = frame.y(value);
        svg.line("gr", (LEFT, y), (RIGHT, y));
        svg.text("en", (LEFT - 5.0, y + 5.0), &short(value));
    }
    svg.line("ax", (LEFT, frame.bottom()), (RIGHT, frame.bottom()));
    svg.line("ax", (LEFT, frame.top), (LEFT, frame.bottom()));
    time_axis(svg, frame);
}

fn time_axis(svg: &mut Svg, frame: &Frame) {
    let step = match frame.hours {
        0..=6 => 1.0,
        7..=18 => 3.0,
        19..=30 => 6.0,
        31..=72 => 12.0,
        _ => 24.0,
    };
    let foot = frame.bottom() + 4.0 + LANE;
    for index in 0..=(frame.end_hour / step) as usize {
        let before = step * index as f64;
        let x = frame.x(frame.end_hour - before);
        svg.line("gr", (x, frame.top), (x, foot));
        let words = if index == 0 { "0".to_owned() } else { format!("−{before:.0} h") };
        // A label at the edge would be cut off.
        let x = x.min(WIDTH - 5.0);
        svg.text("mi", (x, foot + 15.0), &words);
    }
}

/// A few round numbers inside the range: the coarsest that are at least two.
fn ticks((low, high): (f64, f64)) -> Vec<f64> {
    let power = 10_f64.powf((high - low).log10().floor());
    let at = |step: f64| ((low / step).ceil() as i64, (high / step).floor() as i64, step);
    let steps = [5.0, 2.0, 1.0, 0.5].map(|one| at(one * power));
    let (first, last, step) = steps.into_iter().find(|(first, last, _)| last > first).unwrap_or(steps[3]);
    (first..=last.min(first + 4)).map(|index| index as f64 * step).collect()
}

/// A value the network carried into hours without one.
fn carried(svg: &mut Svg, frame: &Frame, (from, to, value, before): (usize, usize, f64, bool)) {
    let (left, right, y) = (frame.x(from as f64), frame.x(to as f64), frame.y(value));
    let (line, end) = if before { ("held before", "hollow before") } else { ("held", "hollow") };
    let radius = 2.4;
    if right - left < 5.0 * radius {
        // Too short for a line: two ends on top of each other look like another sign.
        return svg.dot(end, (f64::midpoint(left, right), y), radius);
    }
    svg.path(line, &format!("M{:.1} {y:.1}H{:.1}", left + 2.0 * radius, (right - 2.0 * radius).max(left + radius)));
    svg.dot(end, (left + radius, y), radius);
    svg.dot(end, (right - radius, y), radius);
}

/// A thin line between measurements with no empty hour between them.
fn joined(svg: &mut Svg, frame: &Frame, points: &[(f64, f64)]) {
    let mut path = String::new();
    for pair in points.windows(2) {
        let hour = |(at, _): (f64, f64)| (at as usize).min(frame.hours - 1);
        let neighbours = hour(pair[1]) - hour(pair[0]) <= 1;
        let place = |(hour, value): (f64, f64)| format!("{:.1} {:.1}", frame.x(hour), frame.y(value));
        if neighbours {
            path.push_str(&format!("M{}L{}", place(pair[0]), place(pair[1])));
        }
    }
    if !path.is_empty() {
        svg.path("via", &path);
    }
}
