//! Text with placeholders, and Markdown files made of named sections.
//!
//! Contract: a template that parsed renders whenever every placeholder it names has a value; values are inserted as
//! they are and never read again, so text from a patient that looks like a placeholder stays text.

use super::placeholder::{About, Part, Placeholder};
use std::collections::BTreeMap;

/// Value per placeholder, escaped for the part in which it will stand.
pub type Values = BTreeMap<Placeholder, String>;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Value(Placeholder),
}

/// Text with placeholders, line by line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    lines: Vec<Vec<Piece>>,
}

impl Template {
    /// A template that says nothing: stands in for one that did not parse, so that all errors are found at once.
    pub const fn nothing() -> Self {
        Self { lines: Vec::new() }
    }

    /// Reads a template for one place.
    ///
    /// # Errors
    /// Every placeholder that is not known, not allowed here or not closed, in words.
    pub fn parse(text: &str, part: Part, about: About) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let lines: Vec<_> = text.trim().lines().map(|line| parse_line(line, part, about, &mut problems)).collect();
        if text.trim().is_empty() {
            problems.push("is empty".into());
        }
        if part == Part::Line && lines.len() > 1 {
            problems.push("must be one line".into());
        }
        if problems.is_empty() { Ok(Self { lines }) } else { Err(problems) }
    }

    /// The placeholders it names.
    pub fn placeholders(&self) -> impl Iterator<Item = Placeholder> + '_ {
        self.lines.iter().flatten().filter_map(|piece| match piece {
            Piece::Value(placeholder) => Some(*placeholder),
            Piece::Text(_) => None,
        })
    }

    /// Characters of the longest line it can give, when every value takes its most.
    pub fn line_chars_max(&self) -> usize {
        let length = |piece: &Piece| match piece {
            Piece::Text(text) => text.chars().count(),
            Piece::Value(placeholder) => placeholder.line_chars_max(),
        };
        self.lines.iter().flatten().map(length).sum()
    }

    /// The text with its values. A line whose placeholders are all empty is left out, and so are the blank lines
    /// that this leaves behind.
    ///
    /// # Errors
    /// The first placeholder without a value.
    pub fn render(&self, values: &Values) -> Result<String, Placeholder> {
        let mut out = String::new();
        for line in &self.lines {
            let mut text = String::new();
            let (mut asked, mut filled) = (false, false);
            for piece in line {
                match piece {
                    Piece::Text(piece) => text.push_str(piece),
                    Piece::Value(placeholder) => {
                        let value = values.get(placeholder).ok_or(*placeholder)?;
                        asked = true;
                        filled |= !value.is_empty();
                        text.push_str(value);
                    }
                }
            }
            let blank = text.trim().is_empty();
            if (asked && !filled) || (blank && (out.is_empty() || out.ends_with("\n\n"))) {
                continue;
            }
            out.push_str(text.trim_end());
            out.push('\n');
        }
        out.truncate(out.trim_end().len());
        Ok(out)
    }
}

fn parse_line(line: &str, part: Part, about: About, problems: &mut Vec<String>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("{{") {
        if !before.is_empty() {
            pieces.push(Piece::Text(before.to_owned()));
        }
        let Some((name, tail)) = after.split_once("}}") else {
            problems.push("`{{` is not closed on its line".into());
            return pieces;
        };
        match Placeholder::named(name.trim()) {
            Some(placeholder) if placeholder.allowed(part, about) => pieces.push(Piece::Value(placeholder)),
            Some(placeholder) => problems.push(format!("`{placeholder}` has no meaning in this place")),
            None => problems.push(format!("`{{{{{name}}}}}` is not a placeholder; cds-hooks/README.md lists them")),
        }
        rest = tail;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    pieces
}

/// The sections of a `.card.md` file: each begins with a line `<!-- section: name -->`, which Markdown viewers hide.
/// What stands before the first is for the reader of the file.
///
/// # Errors
/// A section that stands twice, by name.
pub fn sections(file: &str) -> Result<BTreeMap<String, String>, String> {
    let mut sections: BTreeMap<String, String> = BTreeMap::new();
    let mut current: Option<String> = None;
    for line in file.lines() {
        if let Some(name) = heading(line) {
            if sections.insert(name.to_owned(), String::new()).is_some() {
                return Err(name.to_owned());
            }
            current = Some(name.to_owned());
        } else if let Some(text) = current.as_ref().and_then(|name| sections.get_mut(name)) {
            text.push_str(line);
            text.push('\n');
        }
    }
    Ok(sections)
}

fn heading(line: &str) -> Option<&str> {
    Some(line.trim().strip_prefix("<!-- section:")?.strip_suffix("-->")?.trim())
}

#[cfg(test)]
mod tests {
    use super::{Template, Values, sections};
    use crate::cards::{
        definition::Input,
        placeholder::{About, Part, Placeholder},
    };
    use proptest::prelude::*;

    const FILM: About = About::Finding(Input::Film);

    #[test]
    fn an_unknown_misplaced_or_unclosed_placeholder_is_an_error() {
        for (text, words) in [
            ("{{patient_name}}", "is not a placeholder"),
            ("{{problem}}", "no meaning"),
            ("{{probability", "not closed"),
            ("  ", "is empty"),
        ] {
            let problems = Template::parse(text, Part::Detail, FILM).unwrap_err();
            assert!(problems[0].contains(words), "{problems:?}");
        }
        assert!(Template::parse("two\nlines", Part::Line, FILM).is_err());
    }

    #[test]
    fn a_line_whose_values_are_all_empty_is_left_out_with_its_blank_line() {
        let template =
            Template::parse("a {{probability}}\n\n{{missing}}\n\n{{stale}} x\n\nend", Part::Detail, FILM).unwrap();
        let values = Values::from([
            (Placeholder::Probability, "83 %".into()),
            (Placeholder::Missing, String::new()),
            (Placeholder::Stale, String::new()),
        ]);
        assert_eq!(template.render(&values), Ok("a 83 %\n\nend".into()));
        assert_eq!(template.render(&Values::new()), Err(Placeholder::Probability));
    }

    #[test]
    fn sections_are_found_and_a_second_one_of_the_same_name_is_an_error() {
        let file = "for the reader\n<!-- section: a -->\none\n\ntwo\n<!--section: b-->\n<!-- section: b -->\nthree\n";
        let found = sections(file).unwrap();
        assert_eq!(found["a"], "one\n\ntwo\n<!--section: b-->\n");
        assert_eq!(found["b"], "three\n");
        assert_eq!(sections("<!-- section: a -->\n<!-- section: a -->"), Err("a".into()));
    }

    proptest! {
        #[test]
        fn a_value_is_inserted_once_and_never_read_as_a_template(value in "[a-z{}<>]{1,40}") {
            let template = Template::parse("[{{missing}}]", Part::Detail, FILM).unwrap();
            let rendered = template.render(&Values::from([(Placeholder::Missing, value.clone())])).unwrap();
            prop_assert_eq!(rendered, format!("[{}]", value));
        }

        #[test]
        fn every_text_is_read_or_refused_in_words(text in ".{0,80}") {
            match Template::parse(&text, Part::Detail, FILM) {
                Ok(template) => prop_assert!(template.placeholders().all(|one| one.allowed(Part::Detail, FILM))),
                Err(problems) => prop_assert!(!problems.is_empty()),
            }
        }
    }
}
