//! Text and numbers inside SVG.

use std::fmt::Write as _;

/// An SVG document being written.
pub(super) struct Svg(String);

impl Svg {
    /// `title` is the text alternative.
    pub(super) fn new(width: f64, height: f64, title: &str, style: &str) -> Self {
        let title = escape(title);
        Self(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" \
             aria-label=\"{title}\"><title>{title}</title><style>{style}</style>"
        ))
    }

    /// A picture that scales with its column: `class` scopes its style sheet, because a `<style>` inside an inline SVG
    /// holds for the whole page; `title` names it; `description` says what it shows.
    pub(super) fn described(
        class: &str,
        (width, height): (f64, f64),
        (title, description): (&str, &str),
        style: &str,
    ) -> Self {
        let (title, description) = (escape(title), escape(description));
        Self(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"{class}\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" \
             aria-label=\"{title}\"><title>{title}</title><desc>{description}</desc><style>{style}</style>"
        ))
    }

    pub(super) fn rect(&mut self, class: &str, (x, y): (f64, f64), (width, height): (f64, f64)) {
        self.push(format_args!(
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"2\"/>"
        ));
    }

    pub(super) fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        self.push(format_args!(
            "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
        ));
    }

    pub(super) fn text(&mut self, class: &str, (x, y): (f64, f64), text: &str) {
        let text = escape(text);
        self.push(format_args!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>"));
    }

    /// Text whose beginning stands out.
    pub(super) fn text_with(&mut self, class: &str, (x, y): (f64, f64), (lead_class, lead): (&str, &str), rest: &str) {
        let (lead, rest) = (escape(lead), escape(rest));
        self.push(format_args!(
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\"><tspan class=\"{lead_class}\">{lead}</tspan>{rest}</text>"
        ));
    }

    pub(super) fn shade(&mut self, class: &str, (x, y): (f64, f64), (width, height): (f64, f64), opacity: f64) {
        self.push(format_args!(
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" \
             fill-opacity=\"{opacity:.2}\"/>"
        ));
    }

    pub(super) fn dot(&mut self, class: &str, (x, y): (f64, f64), radius: f64) {
        self.push(format_args!("<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\"/>"));
    }

    pub(super) fn path(&mut self, class: &str, commands: &str) {
        self.push(format_args!("<path class=\"{class}\" d=\"{commands}\"/>"));
    }

    /// Diagonals across a rectangle, as lines rather than a `<pattern>`: ids would clash between pictures of one page.
    pub(super) fn hatch(&mut self, class: &str, (x, y): (f64, f64), (width, height): (f64, f64)) {
        const STEP: f64 = 6.0;
        let count = ((width + height) / STEP).floor().clamp(0.0, 500.0) as usize;
        let line = |index: usize| {
            let along = STEP * (index as f64 + 0.5);
            let (x1, y1) = (x + along.min(width), y + (along - width).max(0.0));
            let (x2, y2) = (x + (along - height).max(0.0), y + along.min(height));
            format!("M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}")
        };
        self.path(class, &(0..count).map(line).collect::<String>());
    }

    pub(super) fn raw(&mut self, fragment: &str) {
        self.0.push_str(fragment);
    }

    pub(super) fn finish(mut self) -> String {
        self.0.push_str("</svg>");
        self.0
    }

    fn push(&mut self, arguments: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _infallible = self.0.write_fmt(arguments);
    }
}

/// Text fit for XML content and attributes.
pub(super) fn escape(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).fold(String::with_capacity(text.len()), |mut out, letter| {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
        out
    })
}

/// Breaks a text into lines of at most `width`, in letters of `size`. Fonts differ; the estimate is on the wide side.
pub(super) fn wrapped(text: &str, width: f64, size: f64) -> Vec<String> {
    const LETTER: f64 = 0.55;
    let room = (width / (size * LETTER)).max(1.0) as usize;
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// `+0.82`, `−0.40`: with a sign always, and a real minus.
pub(super) fn signed(value: f64) -> String {
    format!("{value:+.2}").replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::{Svg, escape, signed, wrapped};

    #[test]
    fn long_text_is_broken_between_words_and_none_is_lost() {
        let lines = wrapped("heart rate of a  patient", 80.0, 10.0);
        assert_eq!(lines, ["heart rate of", "a patient"]);
        assert!(wrapped(" ", 80.0, 10.0).is_empty());
    }

    #[test]
    fn hatching_stays_inside_its_rectangle() {
        let mut svg = Svg::described("x", (50.0, 20.0), ("t", "d"), "");
        svg.hatch("h", (10.0, 2.0), (20.0, 8.0));
        let text = svg.finish();
        let numbers =
            text.split_once(" d=\"").map(|(_, rest)| rest.split('"').next().unwrap_or("").to_owned()).unwrap();
        for pair in numbers.split(['M', 'L']).filter(|pair| !pair.is_empty()) {
            let (x, y) = pair.split_once(' ').unwrap();
            let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
            assert!((10.0..=30.0).contains(&x) && (2.0..=10.0).contains(&y), "{pair}");
        }
        assert!(!numbers.is_empty());
    }

    #[test]
    fn a_sign_is_always_written() {
        assert_eq!([signed(0.824), signed(-0.4)], ["+0.82", "−0.40"]);
    }

    #[test]
    fn markup_in_a_label_stays_text() {
        assert_eq!(escape("<b onload='x'>&\"\u{7}"), "&lt;b onload=&#39;x&#39;&gt;&amp;&quot;");
    }
}
