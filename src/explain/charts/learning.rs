//! The learning curve: loss and metric, epoch by epoch.

use super::plot::{Plot, chart, dot, finish, legend, round_ticks};
use crate::explain::svg::Svg;

/// One epoch of the learning curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurvePoint {
    /// Epoch, from 1.
    pub epoch: usize,
    /// Mean loss over the epoch.
    pub loss: f64,
    /// Metric on `tune`, higher is better.
    pub metric: f64,
}

/// Loss above, metric below, the chosen epoch marked; empty without epochs.
#[must_use]
pub fn learning_curve(curve: &[CurvePoint], metric: &str, chosen: Option<usize>) -> String {
    let (Some(first), Some(last)) = (curve.first(), curve.last()) else { return String::new() };
    let best = chosen.and_then(|chosen| curve.iter().find(|point| point.epoch == chosen));
    let words =
        best.map_or_else(String::new, |best| format!("chosen: epoch {}, {metric} {:.4}", best.epoch, best.metric));
    let described = format!(
        "loss from {:.4} to {:.4}, {metric} from {:.4} to {:.4} over {} epochs; {words}",
        first.loss,
        last.loss,
        first.metric,
        last.metric,
        curve.len()
    );
    let mut svg = chart(384.0, "Learning curve", &described);
    let epochs = (first.epoch as f64, (last.epoch as f64).max(first.epoch as f64 + 1.0));
    let panel = |top: f64, of: fn(&CurvePoint) -> f64| {
        let (low, high) = curve.iter().map(of).fold((f64::MAX, f64::MIN), |(low, high), y| (low.min(y), high.max(y)));
        let room = ((high - low) * 0.08).max(high.abs() * 1e-3).max(1e-6);
        Plot { left: 50.0, top, width: 300.0, height: 116.0, x: epochs, y: (low - room, high + room) }
    };
    let ticks: Vec<f64> = round_ticks(epochs, 7).into_iter().filter(|tick| tick.fract() == 0.0).collect();
    type Part<'a> = (Plot, &'a str, &'a str, fn(&CurvePoint) -> f64);
    let parts: [Part<'_>; 2] = [
        (panel(44.0, |point| point.loss), "c2", "loss (train)", |point| point.loss),
        (panel(204.0, |point| point.metric), "c1", metric, |point| point.metric),
    ];
    for (plot, class, name, of) in parts {
        let title = if class == "c1" { "epoch" } else { "" };
        plot.axes(&mut svg, (&ticks, &round_ticks(plot.y, 4)), (title, &said_of(name)));
        draw(&mut svg, &plot, class, curve, of);
        if let Some(best) = best {
            let x = best.epoch as f64;
            svg.line("use", plot.at(x, plot.y.0), plot.at(x, plot.y.1));
            dot(&mut svg, "ring", plot.at(x, of(best)), 5.0);
        }
    }
    if best.is_some() {
        legend(&mut svg, "use", (50.0, 374.0), &words);
    }
    finish(svg)
}

/// The metric is measured on `tune`, which the name may not say.
fn said_of(name: &str) -> String {
    if name.contains("train") { name.to_owned() } else { format!("{name} (tune)") }
}

fn draw(svg: &mut Svg, plot: &Plot, class: &str, curve: &[CurvePoint], of: fn(&CurvePoint) -> f64) {
    let points: Vec<(f64, f64)> = curve.iter().map(|point| (point.epoch as f64, of(point))).collect();
    plot.path(svg, class, &points);
    let fill = if class == "c1" { "f1" } else { "f2" };
    points.iter().for_each(|(x, y)| dot(svg, fill, plot.at(*x, *y), 2.5));
}
