//! A note as running text with its mentions and what the words around them did.
//!
//! Contract: every byte of every sentence is shown once and in order, whatever the offsets say: those out of range or
//! inside a letter are moved to the letter's beginning, marks that overlap give way to the focused or earlier one. How a
//! mention is meant is told by its line, by a word beside it and in the legend, never by colour alone.

mod legend;
mod pieces;

use crate::domain::{Assertion, WordShare};
use maud::{Markup, html};
use pieces::{Piece, pieces};

/// What the text needs of the page's style sheet.
pub const CSS: &str = include_str!("note.css");

/// A sentence in which something was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Sentence {
    /// Title of its note, on the first sentence of each note.
    pub note_title: Option<String>,
    /// When the note was written, in words.
    pub written: Option<String>,
    /// The sentence.
    pub text: String,
    /// Whether something of the note before it was left out.
    pub gap_before: bool,
    /// What was found in it.
    pub marks: Vec<Mark>,
    /// What its words contributed to the focused mention; may be empty.
    pub words: Vec<WordShare>,
}

/// A mention.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// Byte offset in the sentence where it begins.
    pub start: usize,
    /// Byte offset just after it.
    pub end: usize,
    /// What kind of thing, for example `Disease`.
    pub label: String,
    /// How it is meant.
    pub assertion: Assertion,
    /// Whether it is the one the page is about.
    pub focus: bool,
    /// How probable it is, in words, for example `87 %`.
    pub probability_words: String,
}

impl Mark {
    /// What stands beside the mention.
    fn tag(&self) -> String {
        let meaning = word(self.assertion);
        let kind = self.label.to_lowercase();
        match (self.focus, kind.as_str()) {
            (true, _) => format!("{kind}, {meaning}, {}", self.probability_words),
            (false, "disease") => meaning.to_owned(),
            (false, _) => format!("{kind}, {meaning}"),
        }
    }
}

/// A meaning's name; also its class.
const fn class(assertion: Assertion) -> &'static str {
    match assertion {
        Assertion::Present => "present",
        Assertion::Negated => "negated",
        Assertion::Uncertain => "uncertain",
        Assertion::Hypothetical => "hypothetical",
        Assertion::Family => "family",
        Assertion::Historical => "historical",
    }
}

/// The word beside a mention.
const fn word(assertion: Assertion) -> &'static str {
    match assertion {
        Assertion::Present => "present",
        Assertion::Negated => "denied",
        Assertion::Uncertain => "uncertain",
        Assertion::Hypothetical => "only if",
        Assertion::Family => "family",
        Assertion::Historical => "past",
    }
}

/// The note, its sentences in order, with a legend of what occurs.
#[must_use]
pub fn page(sentences: &[Sentence]) -> Markup {
    let contributions = sentences.iter().flat_map(|sentence| &sentence.words).map(|word| word.contribution.abs());
    let largest = contributions.filter(|size| size.is_finite()).fold(0.0, f64::max);
    html! {
        div.reading {
            @for note in sentences.chunk_by(|_, next| next.note_title.is_none() && next.written.is_none()) {
                @if let Some(first) = note.first() { (heading(first)) }
                p.words {
                    @for (index, sentence) in note.iter().enumerate() {
                        @if index > 0 { " " }
                        @if sentence.gap_before { span.gap title="something was left out here" { "…" } " " }
                        (running(sentence, largest))
                    }
                }
            }
            (legend::legend(sentences, largest))
        }
    }
}

fn heading(first: &Sentence) -> Markup {
    html! {
        @if first.note_title.is_some() || first.written.is_some() {
            h3 {
                (first.note_title.as_deref().unwrap_or("Note"))
                @if let Some(written) = &first.written { " " span.quiet { "written " (written) } }
            }
        }
    }
}

/// A sentence with its marks and its words' contributions.
fn running(sentence: &Sentence, largest: f64) -> Markup {
    html! {
        @for piece in pieces(sentence) {
            @match piece {
                Piece::Plain(parts) => (shares(&parts, largest)),
                Piece::Marked(mark, parts) => {
                    mark class={ "m " (class(mark.assertion)) @if mark.focus { " focus" } }
                        title={ (mark.label) ", " (legend::meaning(mark.assertion)) ", " (mark.probability_words) } {
                        span.it { (shares(&parts, largest)) } span.as { "\u{a0}" (mark.tag()) }
                    }
                }
            }
        }
    }
}

fn shares(parts: &[(&str, Option<f64>)], largest: f64) -> Markup {
    html! {
        @for (text, contribution) in parts {
            @match contribution.and_then(|contribution| Some((contribution, step(contribution, largest)?))) {
                Some((contribution, step)) => {
                    span class=(step) title={ (format!("{contribution:+.2}").replace('-', "−")) " log-odds" } { (text) }
                }
                None => (text),
            }
        }
    }
}

/// One of five steps to either side; nothing where a word did next to nothing.
fn step(contribution: f64, largest: f64) -> Option<&'static str> {
    const FOR: [&str; 5] = ["w-p1", "w-p2", "w-p3", "w-p4", "w-p5"];
    const AGAINST: [&str; 5] = ["w-n1", "w-n2", "w-n3", "w-n4", "w-n5"];
    let share = contribution.abs() / largest;
    if !share.is_finite() || share < 0.05 {
        return None;
    }
    let step = ((share * 5.0).ceil() as usize).clamp(1, 5) - 1;
    Some(if contribution > 0.0 { FOR[step] } else { AGAINST[step] })
}

#[cfg(test)]
mod tests {
    use super::{CSS, Mark, Sentence, page, step};
    use crate::domain::{Assertion, WordShare};

    fn mark(start: usize, end: usize, assertion: Assertion) -> Mark {
        Mark { start, end, label: "Disease".into(), assertion, focus: false, probability_words: "91 %".into() }
    }

    fn sentence(text: &str, marks: Vec<Mark>) -> Sentence {
        Sentence { note_title: None, written: None, text: text.into(), gap_before: false, marks, words: vec![] }
    }

    #[test]
    fn a_denied_mention_says_so_in_a_word_and_in_a_legend_of_what_occurs() {
        let html = page(&[sentence("No <b>fever", vec![mark(6, 11, Assertion::Negated)])]).into_string();
        assert!(
            html.contains("class=\"m negated\"")
                && html.contains(">fever</span><span class=\"as\">\u{a0}denied</span>")
        );
        assert!(html.contains("&lt;b&gt;") && !html.contains("<b>") && !html.contains("style="));
        assert_eq!((html.matches("denied or ruled out").count(), html.contains("of a relative")), (2, false));
    }

    #[test]
    fn the_focused_mention_says_what_it_is_and_how_probable() {
        let focused = Mark { focus: true, ..mark(0, 5, Assertion::Present) };
        let html = page(&[sentence("Fever today", vec![focused])]).into_string();
        assert!(html.contains("class=\"m present focus\"") && html.contains("disease, present, 91 %"));
    }

    #[test]
    fn notes_have_headings_and_what_was_left_out_is_a_gap() {
        let first = Sentence {
            note_title: Some("Discharge".into()),
            written: Some("yesterday".into()),
            ..sentence("A.", vec![])
        };
        let html = page(&[first.clone(), Sentence { gap_before: true, ..sentence("B.", vec![]) }, first]).into_string();
        assert_eq!((html.matches("<h3>").count(), html.matches("<p class=\"words\">").count()), (2, 2));
        assert_eq!(html.matches("…</span>").count(), 1);
    }

    #[test]
    fn words_are_stepped_by_size_and_sign_with_their_number() {
        let words =
            vec![WordShare { start: 0, end: 3, contribution: 0.5 }, WordShare { start: 4, end: 7, contribution: -0.1 }];
        let html =
            page(&[Sentence { words, ..sentence("has had it", vec![mark(2, 6, Assertion::Present)]) }]).into_string();
        assert!(html.contains("w-p5") && html.contains("w-n1") && html.contains("−0.10 log-odds"));
        assert_eq!([step(0.01, 1.0), step(f64::NAN, 1.0), step(0.0, 0.0)], [None, None, None]);
    }

    #[test]
    fn every_class_used_is_in_the_style_sheet() {
        for class in
            ["present", "negated", "uncertain", "hypothetical", "family", "historical", "focus", "w-p5", "w-n1"]
        {
            assert!(CSS.contains(&format!(".{class}")), "{class}");
        }
    }
}
