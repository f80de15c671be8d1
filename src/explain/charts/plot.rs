//! Axes, and points on them.

use super::STYLE;
use crate::explain::svg::Svg;

/// Width of every chart; at this many pixels its text is read without zooming.
pub(super) const WIDTH: f64 = 360.0;

/// A rectangle with a range on each axis.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plot {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) x: (f64, f64),
    pub(super) y: (f64, f64),
}

impl Plot {
    /// Pixels of a point; what lies outside is held at the edge.
    pub(super) fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let share = |value: f64, (low, high): (f64, f64)| ((value - low) / (high - low).max(1e-12)).clamp(0.0, 1.0);
        (self.left + self.width * share(x, self.x), self.top + self.height * (1.0 - share(y, self.y)))
    }

    pub(super) const fn bottom(&self) -> f64 {
        self.top + self.height
    }

    pub(super) const fn right(&self) -> f64 {
        self.left + self.width
    }

    /// Grid, numbers and titles; the vertical axis' title stands above it, where it is read without turning the head.
    pub(super) fn axes(&self, svg: &mut Svg, ticks: (&[f64], &[f64]), titles: (&str, &str)) {
        for tick in ticks.0 {
            let (x, _) = self.at(*tick, self.y.0);
            svg.line("gr", (x, self.top), (x, self.bottom()));
            svg.text("s m", (x, self.bottom() + 15.0), &number(*tick, self.x));
        }
        for tick in ticks.1 {
            let (_, y) = self.at(self.x.0, *tick);
            svg.line("gr", (self.left, y), (self.right(), y));
            svg.text("s e", (self.left - 6.0, y + 4.0), &number(*tick, self.y));
        }
        svg.line("ax", (self.left, self.bottom()), (self.right(), self.bottom()));
        svg.line("ax", (self.left, self.top), (self.left, self.bottom()));
        svg.text("s", (4.0, self.top - 9.0), titles.1);
        if !titles.0.is_empty() {
            svg.text("s m", (self.left + self.width / 2.0, self.bottom() + 31.0), titles.0);
        }
    }

    /// A line through points; a piece leaves the picture where it crosses an edge of the vertical range.
    pub(super) fn path(&self, svg: &mut Svg, class: &str, points: &[(f64, f64)]) {
        let (low, high) = self.y;
        let mut inside: Vec<(f64, f64)> = Vec::with_capacity(points.len());
        for pair in points.windows(2) {
            let Some([a, b]) = clipped(pair[0], pair[1], (low, high)) else { continue };
            if inside.last() != Some(&a) {
                inside.push(a);
            }
            inside.push(b);
        }
        let place = |(index, (x, y)): (usize, &(f64, f64))| {
            let (x, y) = self.at(*x, *y);
            format!("{}{x:.1} {y:.1}", if index == 0 { 'M' } else { 'L' })
        };
        let text: String = inside.iter().enumerate().map(place).collect();
        if !text.is_empty() {
            svg.raw(&format!("<path class=\"{class}\" d=\"{text}\"/>"));
        }
    }
}

/// The part of a piece between two heights.
fn clipped(a: (f64, f64), b: (f64, f64), (low, high): (f64, f64)) -> Option<[(f64, f64); 2]> {
    if (a.1 < low && b.1 < low) || (a.1 > high && b.1 > high) {
        return None;
    }
    let held = |from: (f64, f64), to: (f64, f64)| {
        let y = from.1.clamp(low, high);
        if y == from.1 { from } else { (from.0 + (to.0 - from.0) * (y - from.1) / (to.1 - from.1), y) }
    };
    Some([held(a, b), held(b, a)])
}

/// A chart with its text alternative: `title` names it, `described` says what it shows in figures.
pub(super) fn chart(height: f64, title: &str, described: &str) -> Svg {
    let mut svg = Svg::new(WIDTH, height, &format!("{title}: {described}"), STYLE);
    svg.raw("<g class=\"ch\">");
    svg.text("b", (4.0, 16.0), title);
    svg
}

pub(super) fn finish(mut svg: Svg) -> String {
    svg.raw("</g>");
    svg.finish()
}

pub(super) fn dot(svg: &mut Svg, class: &str, (x, y): (f64, f64), radius: f64) {
    svg.raw(&format!("<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\"/>"));
}

/// One line of a legend: a piece of the line and its name.
pub(super) fn legend(svg: &mut Svg, class: &str, (x, y): (f64, f64), words: &str) {
    svg.raw(&format!("<path class=\"{class}\" d=\"M{x:.1} {:.1}L{:.1} {:.1}\"/>", y - 4.0, x + 22.0, y - 4.0));
    svg.text("s", (x + 27.0, y), words);
}

/// About `count` round numbers inside a range.
pub(super) fn round_ticks((low, high): (f64, f64), count: usize) -> Vec<f64> {
    let rough = (high - low).max(1e-9) / count.max(1) as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step =
        [1.0, 2.0, 5.0, 10.0].into_iter().map(|one| one * power).find(|step| *step >= rough * 0.999).unwrap_or(power);
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).map(|at| at as f64 * step).collect()
}

/// A number on an axis, with the decimals its range needs.
fn number(value: f64, (low, high): (f64, f64)) -> String {
    let range = (high - low).abs();
    let digits = if range >= 8.0 {
        0
    } else if range >= 0.8 {
        1
    } else if range >= 0.08 {
        2
    } else {
        3
    };
    let text = format!("{value:.digits$}");
    if text.trim_start_matches('-').chars().all(|letter| letter == '0' || letter == '.') { "0".into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::{clipped, number, round_ticks};

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(round_ticks((0.0, 1.0), 5), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        assert_eq!(round_ticks((1.0, 14.0), 5), [5.0, 10.0]);
        assert!(round_ticks((0.3, 0.3), 4).len() <= 6);
        assert_eq!(
            (number(0.2, (0.0, 1.0)), number(-0.0, (0.0, 1.0)), number(12.0, (0.0, 40.0))),
            ("0.2".into(), "0".into(), "12".into())
        );
    }

    #[test]
    fn lines_end_at_the_edge_instead_of_bending_along_it() {
        assert_eq!(clipped((0.0, 1.0), (1.0, -1.0), (0.0, 2.0)), Some([(0.0, 1.0), (0.5, 0.0)]));
        assert_eq!(clipped((0.0, -1.0), (1.0, -2.0), (0.0, 2.0)), None);
    }
}
