//! Factors as a ranked bar chart: to the right what raised the score, to the left what lowered it.
//!
//! Colours are the orange and blue of Okabe and Ito's palette, told apart with every common colour vision; direction
//! and sign say the same again.

use super::svg::Svg;
use crate::domain::Factor;

const WIDTH: f64 = 760.0;
const ROW: f64 = 34.0;
const LABELS: f64 = 300.0;
/// The chart's style sheet, for a page's content security policy.
pub const STYLE: &str = "text{font:15px system-ui,sans-serif;fill:currentColor}.v{font-size:13px;opacity:.75}\
    .n{text-anchor:end}.up{fill:#d55e00}.down{fill:#0072b2}.absent{opacity:.45}.axis{stroke:currentColor;opacity:.5}";

/// The chart as an SVG fragment in the colours of the page around it. Contributions are log-odds.
#[must_use]
pub fn chart(factors: &[Factor]) -> String {
    let largest = factors.iter().map(|factor| factor.contribution.abs()).fold(f64::MIN_POSITIVE, f64::max);
    let height = ROW * factors.len() as f64 + 30.0;
    let half = (WIDTH - LABELS) / 2.0 - 62.0;
    let middle = LABELS + (WIDTH - LABELS) / 2.0;
    let mut svg = Svg::new(WIDTH, height, &alternative(factors), STYLE);
    for (index, factor) in factors.iter().enumerate() {
        row(&mut svg, factor, ROW * index as f64 + 4.0, (middle, half * factor.contribution.abs() / largest));
    }
    let bottom = height - 24.0;
    svg.line("axis", (middle, 0.0), (middle, bottom));
    svg.text("v n", (middle - 10.0, height - 6.0), "← lowers the risk");
    svg.text("v", (middle + 10.0, height - 6.0), "raises the risk →");
    svg.finish()
}

fn row(svg: &mut Svg, factor: &Factor, top: f64, (middle, length): (f64, f64)) {
    svg.text("", (0.0, top + 13.0), &factor.label);
    svg.text("v", (0.0, top + 28.0), &value(factor));
    let up = factor.contribution >= 0.0;
    let mostly_absent = factor.from_absence.abs() > factor.contribution.abs() / 2.0;
    let class = match (up, mostly_absent) {
        (true, false) => "up",
        (true, true) => "up absent",
        (false, false) => "down",
        (false, true) => "down absent",
    };
    let left = if up { middle } else { middle - length };
    svg.rect(class, (left, top + 4.0), (length.max(1.0), 18.0));
    let number = format!("{:+.2}", factor.contribution);
    if up {
        svg.text("v", (middle + length + 6.0, top + 18.0), &number);
    } else {
        svg.text("v n", (middle - length - 6.0, top + 18.0), &number);
    }
}

/// `112 /min`, or that it was not measured.
fn value(factor: &Factor) -> String {
    match factor.value {
        Some(value) => format!("latest {} {}", short(value), unit(&factor.unit)),
        None => String::from("not measured"),
    }
}

/// UCUM units as people write them.
#[must_use]
pub fn unit(ucum: &str) -> &str {
    match ucum {
        "mm[Hg]" => "mmHg",
        "Cel" => "°C",
        "/min" => "per minute",
        "10*3/uL" => "×10³/µL",
        "{score}" => "points",
        "[pH]" | "1" => "",
        "ug/L" => "µg/L",
        other => other,
    }
}

/// A number with as many decimals as it deserves.
#[must_use]
pub fn short(value: f64) -> String {
    let digits = if value.abs() >= 100.0 {
        0
    } else if value.abs() >= 10.0 {
        1
    } else {
        2
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn alternative(factors: &[Factor]) -> String {
    let words: Vec<String> = factors
        .iter()
        .take(6)
        .map(|factor| {
            let effect = if factor.contribution >= 0.0 { "raises" } else { "lowers" };
            format!("{} {} it by {:.2}", factor.label, effect, factor.contribution.abs())
        })
        .collect();
    format!("Contributions to the score in log-odds: {}", words.join("; "))
}

#[cfg(test)]
mod tests {
    use super::{chart, short};
    use crate::domain::Factor;

    fn factor(label: &str, contribution: f64, value: Option<f64>) -> Factor {
        Factor {
            variable: label.into(),
            label: label.into(),
            contribution,
            from_absence: 0.0,
            value,
            unit: "mm[Hg]".into(),
            time: None,
            by_hour: vec![],
        }
    }

    #[test]
    fn every_factor_is_drawn_with_its_sign_and_its_words() {
        let svg = chart(&[factor("systolic pressure", 0.8, Some(82.0)), factor("<b>lactate", -0.4, None)]);
        assert_eq!(svg.matches("class=\"up\"").count(), 1);
        assert_eq!(svg.matches("class=\"down\"").count(), 1);
        assert!(svg.contains("latest 82 mmHg") && svg.contains("not measured") && svg.contains("+0.80"));
        assert!(!svg.contains("<b>") && svg.contains("aria-label"));
    }

    #[test]
    fn no_factor_makes_an_empty_but_valid_picture() {
        assert!(chart(&[]).ends_with("</svg>"));
    }

    #[test]
    fn numbers_keep_the_digits_that_matter() {
        assert_eq!(
            [short(132.4), short(36.95), short(7.1), short(0.5), short(100.0)],
            ["132", "37", "7.1", "0.5", "100"]
        );
    }
}
