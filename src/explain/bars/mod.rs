//! Factors as a ranked bar chart: to the right what raised the estimate, to the left what lowered it.
//!
//! Contract: rows are drawn in the order given. Colours are the orange and blue of Okabe and Ito's palette, told apart
//! with every common colour vision; side, sign and hatching say the same again, also in black and white. The picture is
//! narrow (words above the bars, not beside them), so that its letters stay readable on a telephone.

mod numbers;

use super::svg::{Svg, signed, wrapped};
pub use numbers::{Outside, range, short, unit};

const WIDTH: f64 = 400.0;
const MIDDLE: f64 = WIDTH / 2.0;
/// Room for a bar on either side of the middle.
const HALF: f64 = MIDDLE - 2.0;
const BAR: f64 = 15.0;
/// Letters of everything but labels; at 360 pixels of page this is still 11 pixels.
const SMALL: f64 = 14.5;
const LINE: f64 = 18.0;

/// The chart's style sheet, for a page's content security policy.
pub const STYLE: &str = ".fb{display:block;width:100%;max-width:30rem;height:auto}\
    .fb text{font:14.5px system-ui,sans-serif;fill:currentColor}.fb .lb{font-size:16px;font-weight:600}\
    .fb .nu{font-size:16px;font-weight:600;text-anchor:end;font-variant-numeric:tabular-nums}.fb .en{text-anchor:end}\
    .fb .ou{font-weight:700}.fb .up{fill:#d55e00}.fb .dn{fill:#0072b2}\
    .fb .ax{stroke:currentColor;stroke-width:1.5}.fb .tr{fill:currentColor;opacity:.09}\
    .fb .up.ab,.fb .dn.ab{fill-opacity:.22;stroke-width:1.2}.fb .up.ab{stroke:#d55e00}.fb .dn.ab{stroke:#0072b2}\
    .fb .ha{fill:none;stroke-width:1.2}.fb .ha.up{stroke:#d55e00}.fb .ha.dn{stroke:#0072b2}\
    .fb .ha.bo{stroke:currentColor}.fb .bo.ab{fill:none;stroke:currentColor;stroke-width:1.2}\
    @media screen and (prefers-color-scheme:dark){.fb .up{fill:#f0883e}.fb .dn{fill:#56b4e9}\
    .fb .up.ab,.fb .ha.up{stroke:#f0883e}.fb .dn.ab,.fb .ha.dn{stroke:#56b4e9}.fb .ha{fill:none}}";

/// One factor, in words.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The variable in words.
    pub label: String,
    /// Latest value with its unit as people write it; nothing if it was not measured.
    pub value: Option<String>,
    /// When it was measured, in words.
    pub when: Option<String>,
    /// Its typical range, for example `60–100`; see [`range`].
    pub range: Option<String>,
    /// Whether it lies outside.
    pub outside: Option<Outside>,
    /// In log-odds, positive raises.
    pub contribution: f64,
    /// The part of it that came from not being measured.
    pub from_absence: f64,
}

impl Row {
    fn lead(&self) -> String {
        let arrow = self.outside.map_or("", Outside::arrow);
        self.value.as_ref().map_or_else(|| "not measured".into(), |value| format!("{arrow}{value}"))
    }

    /// The lines under the label.
    fn details(&self) -> Vec<String> {
        let range = self.range.as_ref().map(|range| format!("typical range {range}"));
        let parts: Vec<String> = [Some(self.lead()), self.when.clone(), range].into_iter().flatten().collect();
        flowed(&parts)
    }

    fn spoken(&self) -> String {
        let outside = self.outside.map(|outside| format!(", {}", outside.words())).unwrap_or_default();
        let effect = if self.contribution >= 0.0 { "raises" } else { "lowers" };
        let lead = self.value.as_deref().unwrap_or("not measured");
        format!("{}: {lead}{outside}, {effect} the estimate by {:.2}", self.label, self.contribution.abs())
    }

    /// What the value did and what its absence did.
    fn parts(&self) -> (f64, f64) {
        (finite(self.contribution - self.from_absence), finite(self.from_absence))
    }
}

/// The chart as an SVG fragment in the colours of the page around it.
#[must_use]
pub fn chart(rows: &[Row]) -> String {
    let largest = rows.iter().map(reach).fold(f64::MIN_POSITIVE, f64::max);
    let labels: Vec<Vec<String>> = rows.iter().map(|row| wrapped(&row.label, WIDTH - 66.0, 17.0)).collect();
    let details: Vec<Vec<String>> = rows.iter().map(Row::details).collect();
    let legend = legend(rows);
    let lines: usize = labels.iter().chain(&details).map(Vec::len).sum();
    let height = 30.0 + LINE * lines as f64 + (BAR + 25.0) * rows.len() as f64 + 8.0 + 21.0 * legend.len() as f64;
    let spoken: Vec<String> = rows.iter().map(Row::spoken).collect();
    let title = "What raised and what lowered the estimate";
    let described = format!("In log-odds, strongest first. {}.", spoken.join("; "));
    let mut svg = Svg::described("fb", (WIDTH, height), (title, &described), STYLE);
    svg.text("en", (MIDDLE - 10.0, 16.0), "← lowers the estimate");
    svg.text("", (MIDDLE + 10.0, 16.0), "raises the estimate →");
    let mut top = 30.0;
    for ((row, label), details) in rows.iter().zip(&labels).zip(&details) {
        top = words(&mut svg, row, (label, details), top);
        bar(&mut svg, row, top + 7.0, HALF / largest);
        top += BAR + 25.0;
    }
    for (index, (sample, line)) in legend.into_iter().enumerate() {
        let y = top + 10.0 + 21.0 * index as f64;
        if sample {
            svg.hatch("ha bo", (0.0, y - 11.0), (24.0, 12.0));
            svg.rect("bo ab", (0.0, y - 11.0), (24.0, 12.0));
        }
        svg.text("", (if sample { 32.0 } else { 0.0 }, y), &line);
    }
    svg.finish()
}

const fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { 0.0 }
}

/// Parts with commas between them, broken between parts rather than inside one wherever that is possible.
fn flowed(parts: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        if let Some(last) = lines.last_mut() {
            last.push(',');
            let longer = format!("{last} {part}");
            if wrapped(&longer, WIDTH, SMALL).len() == 1 {
                *last = longer;
                continue;
            }
        }
        lines.extend(wrapped(part, WIDTH, SMALL));
    }
    lines
}

/// How far a row reaches from the middle.
fn reach(row: &Row) -> f64 {
    let (value, absence) = row.parts();
    if value * absence < 0.0 { value.abs().max(absence.abs()) } else { (value + absence).abs() }
}

/// Label, number and details; the height at which they end.
fn words(svg: &mut Svg, row: &Row, (label, details): (&[String], &[String]), mut y: f64) -> f64 {
    svg.text("nu", (WIDTH, y + 14.0), &signed(row.contribution));
    for line in label {
        svg.text("lb", (0.0, y + 14.0), line);
        y += LINE;
    }
    let lead = row.lead();
    for (index, line) in details.iter().enumerate() {
        match line.strip_prefix(lead.as_str()).filter(|_| index == 0 && row.outside.is_some()) {
            Some(rest) => svg.text_with("", (0.0, y + 13.0), ("ou", &lead), rest),
            None => svg.text("", (0.0, y + 13.0), line),
        }
        y += LINE;
    }
    y
}

/// The value's part solid from the middle; the part of its absence pale and hatched, behind it or on the other side.
fn bar(svg: &mut Svg, row: &Row, top: f64, scale: f64) {
    svg.raw("<g>");
    svg.rect("tr", (2.0, top), (WIDTH - 4.0, BAR));
    let (value, absence) = row.parts();
    let behind = if value * absence > 0.0 { value } else { 0.0 };
    if (value * scale).abs() >= 0.5 {
        let (left, width) = span(0.0, value * scale);
        svg.rect(if value > 0.0 { "up" } else { "dn" }, (left, top), (width, BAR));
    }
    if (absence * scale).abs() >= 0.5 {
        let (left, width) = span(behind * scale, (behind + absence) * scale);
        let (pale, hatch) = if absence > 0.0 { ("up ab", "ha up") } else { ("dn ab", "ha dn") };
        svg.rect(pale, (left, top + 0.6), (width, BAR - 1.2));
        svg.hatch(hatch, (left, top + 0.6), (width, BAR - 1.2));
    }
    svg.line("ax", (MIDDLE, top - 3.0), (MIDDLE, top + BAR + 3.0));
    svg.raw("</g>");
}

fn span(from: f64, to: f64) -> (f64, f64) {
    (MIDDLE + from.min(to), (to - from).abs())
}

/// Lines under the chart, each with whether it needs a sample beside it; only of what occurs.
fn legend(rows: &[Row]) -> Vec<(bool, String)> {
    let mut notes = Vec::new();
    if rows.iter().any(|row| row.parts().1.abs() > 0.005) {
        notes.push((true, "because it was not measured, or not lately"));
    }
    if rows.iter().any(|row| row.outside.is_some()) {
        notes.push((false, "▲ above, ▼ below the typical range of adults"));
    }
    notes.push((false, "Numbers are log-odds: +0.7 doubles the odds, −0.7 halves them."));
    let lines = |(sample, text)| {
        let broken = wrapped(text, WIDTH, SMALL).into_iter().enumerate();
        broken.map(move |(index, line)| (sample && index == 0, line))
    };
    notes.into_iter().flat_map(lines).collect()
}

#[cfg(test)]
mod tests {
    use super::{Outside, Row, chart};

    fn row(label: &str, contribution: f64, from_absence: f64) -> Row {
        Row {
            label: label.into(),
            value: Some("82 mmHg".into()),
            when: Some("2 hours before".into()),
            range: Some("100–140".into()),
            outside: Some(Outside::Below),
            contribution,
            from_absence,
        }
    }

    #[test]
    fn every_factor_is_drawn_with_its_sign_its_words_and_its_range() {
        let absent = Row { value: None, when: None, range: None, outside: None, ..row("<b>lactate", -0.4, 0.0) };
        let svg = chart(&[row("systolic pressure", 0.8, 0.0), absent]);
        assert_eq!((svg.matches("class=\"up\"").count(), svg.matches("class=\"dn\"").count()), (1, 1));
        for part in ["▼ 82 mmHg</tspan>, 2 hours before, typical", ">not measured<", ">+0.80<", ">−0.40<", "<desc>"]
        {
            assert!(svg.contains(part), "{part}");
        }
        assert!(!svg.contains("<b>") && !svg.contains("style=") && svg.contains("below its typical range"));
    }

    #[test]
    fn what_came_from_absence_is_hatched_and_explained_only_where_it_occurs() {
        assert!(!chart(&[row("a", 0.5, 0.0)]).contains("not lately"));
        let same = chart(&[row("a", 0.5, 0.2)]);
        assert!(same.contains("class=\"up ab\"") && same.contains("class=\"up\"") && same.contains("not lately"));
        let against = chart(&[row("a", 0.5, -0.2)]);
        assert!(against.contains("class=\"dn ab\"") && against.contains("class=\"up\""));
    }

    #[test]
    fn no_factor_and_no_finite_number_still_make_a_valid_picture() {
        assert!(chart(&[]).ends_with("</svg>"));
        let svg = chart(&[row("a", f64::NAN, f64::INFINITY)]);
        assert!(!svg.contains("width=\"NaN") && !svg.contains("width=\"inf"));
    }
}
