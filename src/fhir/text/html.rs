//! HTML and XHTML → text, in one pass.
//!
//! Contract: time and memory are linear in the input. A tree builder (html5ever) is not: its active formatting elements
//! let a megabyte of unclosed `<b>` and `<p>` grow to gigabytes, and notes come from outside. Tags never become text,
//! and a `<` that begins no tag (`SpO2 < 90`) never swallows what follows it.

use super::{entity::Entities, plain};

/// What an element does to the text around it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Break {
    None,
    Cell,
    Line,
    Paragraph,
}

/// Elements whose content is not text of the document.
const UNREAD: [&str; 6] = ["script", "style", "title", "iframe", "template", "noframes"];

fn break_of(element: &str) -> Break {
    match element {
        "td" | "th" => Break::Cell,
        "br" | "div" | "li" | "tr" | "dt" | "dd" | "section" | "article" | "header" | "footer" | "main" | "nav"
        | "aside" | "address" | "caption" | "option" | "fieldset" | "legend" | "form" | "thead" | "tbody"
        | "figure" | "figcaption" | "body" | "center" | "summary" | "details" => Break::Line,
        "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "ul" | "ol" | "dl" | "table" | "pre" | "blockquote" | "hr" => {
            Break::Paragraph
        }
        _ => Break::None,
    }
}

/// The text of an HTML or XHTML document or fragment: headings, paragraphs, list items and table rows on lines of their
/// own, table cells apart by a tab, scripts and styles left out, character references resolved.
#[must_use]
pub fn to_text(markup: &str) -> String {
    let mut reader =
        Reader { rest: markup, writer: Writer::default(), entities: Entities::default(), tags_end: true, quotes: true };
    while !reader.rest.is_empty() {
        reader.step();
    }
    plain::tidy(&reader.writer.out)
}

struct Reader<'a> {
    rest: &'a str,
    writer: Writer,
    entities: Entities,
    /// Whether a `>` may still follow; once none does, every `<` is a character.
    tags_end: bool,
    /// Whether quotes around attributes are heeded; one that never closes switches this off, so that no tag is searched
    /// to the end of the document twice.
    quotes: bool,
}

impl Reader<'_> {
    /// Takes the next run of text, reference or piece of markup.
    fn step(&mut self) {
        match self.rest.as_bytes() {
            [b'<', b'!' | b'?', ..] if self.declaration() => {}
            [b'<', b'/', letter, ..] | [b'<', letter, ..] if letter.is_ascii_alphabetic() && self.tag() => {}
            [b'&', ..] => match self.entities.resolve(self.rest) {
                Some((text, length)) => {
                    self.writer.push(&text);
                    self.skip(length);
                }
                None => self.literal(1),
            },
            _ => {
                let end = self.rest.bytes().skip(1).position(|byte| byte == b'<' || byte == b'&');
                self.literal(end.map_or(self.rest.len(), |end| end + 1));
            }
        }
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or("");
    }

    /// Writes up to the next character border at or after `bytes`.
    fn literal(&mut self, bytes: usize) {
        let end = (bytes..self.rest.len()).find(|at| self.rest.is_char_boundary(*at)).unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        self.writer.push(text);
        self.rest = rest;
    }

    /// Comments and declarations are left out, CDATA is text; false when what was begun never ends.
    fn declaration(&mut self) -> bool {
        for (open, close) in [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<!", ">"), ("<?", ">")] {
            let Some(body) = self.rest.strip_prefix(open) else { continue };
            let found = if self.tags_end { body.find(close) } else { None };
            let Some(end) = found else {
                if close == ">" {
                    self.tags_end = false;
                    return false;
                }
                // A comment that never ends hides the rest, as in browsers.
                self.rest = "";
                return true;
            };
            if open == "<![CDATA[" {
                self.writer.push(&body[..end]);
            }
            self.rest = &body[end + close.len()..];
            return true;
        }
        false
    }

    /// Takes a start or end tag; false when it has no end.
    fn tag(&mut self) -> bool {
        let Some(end) = self.tag_end() else { return false };
        let (tag, after) = (&self.rest[1..end], &self.rest[end + 1..]);
        let closing = tag.starts_with('/');
        let name_end = |one: char| one.is_ascii_whitespace() || one == '/';
        let name = tag.trim_start_matches('/').split(name_end).next().unwrap_or("").to_ascii_lowercase();
        self.rest = after;
        if UNREAD.contains(&name.as_str()) && !closing && !tag.ends_with('/') {
            self.skip_element(&name);
        } else {
            self.writer.element(&name, closing);
        }
        true
    }

    /// The offset of the `>` that ends the tag at the beginning of the rest.
    fn tag_end(&mut self) -> Option<usize> {
        if !self.tags_end {
            return None;
        }
        if self.quotes {
            let mut open = None;
            for (at, byte) in self.rest.bytes().enumerate() {
                match (open, byte) {
                    (None, b'"' | b'\'') => open = Some(byte),
                    (Some(quote), _) if quote == byte => open = None,
                    (None, b'>') => return Some(at),
                    _ => {}
                }
            }
            self.quotes = false;
        }
        let end = self.rest.find('>');
        self.tags_end = end.is_some();
        end
    }

    /// Leaves out everything up to and including the end tag of `name`; without one, everything (as browsers do).
    fn skip_element(&mut self, name: &str) {
        let mut rest = self.rest;
        while let Some(at) = rest.find("</") {
            let after = &rest[at + 2..];
            if after.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)) {
                self.rest = after.find('>').map_or("", |end| &after[end + 1..]);
                return;
            }
            rest = after;
        }
        self.rest = "";
    }
}

/// Text as it grows: white space collapses outside `pre`, breaks wait for the text that follows them.
#[derive(Default)]
struct Writer {
    out: String,
    pending: Option<Break>,
    space: bool,
    preformatted: usize,
}

impl Writer {
    fn element(&mut self, name: &str, closing: bool) {
        if name == "pre" {
            self.preformatted = if closing { self.preformatted.saturating_sub(1) } else { self.preformatted + 1 };
        }
        let kind = break_of(name);
        if name == "br" {
            // Two of them leave an empty line, as on the screen.
            self.pending = Some(if self.pending == Some(Break::Line) {
                Break::Paragraph
            } else {
                Break::Line.max(self.pending())
            });
        } else if kind != Break::None && !(closing && kind == Break::Cell) {
            self.pending = Some(kind.max(self.pending()));
        }
    }

    fn pending(&self) -> Break {
        self.pending.unwrap_or(Break::None)
    }

    fn push(&mut self, text: &str) {
        if self.preformatted > 0 {
            self.settle();
            self.out.push_str(text);
            return;
        }
        for character in text.chars() {
            if character.is_ascii_whitespace() {
                self.space = true;
            } else {
                self.settle();
                self.out.push(character);
            }
        }
    }

    /// Writes the break or the space that is due before more text.
    fn settle(&mut self) {
        let due = match self.pending.take() {
            _ if self.out.is_empty() => "",
            Some(Break::Paragraph) => "\n\n",
            Some(Break::Line) => "\n",
            Some(Break::Cell) if !self.out.ends_with('\n') => "\t",
            _ if self.space => " ",
            _ => "",
        };
        self.out.push_str(due);
        self.space = false;
    }
}

#[cfg(test)]
mod tests {
    use super::to_text;
    use proptest::prelude::*;

    #[test]
    fn blocks_stand_on_their_own_lines_and_markup_disappears() {
        let markup = "<!DOCTYPE html><html><head><title>x</title><style>p{color:red}</style><script>alert('<p>')</script>\
            </head><body><h1>Progress  note</h1><p>Mild <b>fever</b>,\n no <a href='http://x/?a>b'>cough</a>.</p>\
            <ul><li>Aspirin</li><li>Salt &amp; water</li></ul>line one<br/>line two<br><br>line four<hr>end</body></html>";
        let expected =
            "Progress note\n\nMild fever, no cough.\n\nAspirin\nSalt & water\n\nline one\nline two\n\nline four\n\nend";
        assert_eq!(to_text(markup), expected);
    }

    #[test]
    fn tables_keep_their_rows_together_and_preformatted_text_its_lines() {
        let markup = "<table><tr><th>Test</th><th>Value</th></tr><tr><td>Hb</td><td> 120 g/L </td></tr></table><pre>a\n  b</pre>";
        assert_eq!(to_text(markup), "Test\tValue\nHb\t120 g/L\n\na\n  b");
    }

    #[test]
    fn a_less_than_sign_in_running_text_swallows_nothing() {
        assert_eq!(to_text("<p>SpO2 < 90, Na <130 & K<b>4</b>, x <y"), "SpO2 < 90, Na <130 & K4, x <y");
        assert_eq!(to_text("a <b class=\"never closed>bold</b> z"), "a bold z");
        assert_eq!(to_text("a<!-- <p>hidden</p> -->b<![CDATA[ c < d ]]><?pi x?>e"), "ab c < d e");
    }

    #[test]
    fn xhtml_elements_that_close_themselves_do_not_swallow_the_document() {
        assert_eq!(
            to_text("<div xmlns='http://www.w3.org/1999/xhtml'><title/><script src='a'/><p>kept</p></div>"),
            "kept"
        );
        assert_eq!(to_text("kept<SCRIPT>if (a </b>) {}</Script >too"), "kepttoo");
    }

    #[test]
    fn hostile_nesting_costs_no_more_than_its_length() {
        let deep = "<b a=1><p><table><td>".repeat(50_000) + "x";
        assert_eq!(to_text(&deep), "x");
        for broken in ["<a \"", "<!", "<!--", "<![CDATA[", "</", "<script>", "&amp", "<a '>"] {
            let long = broken.repeat(200_000);
            assert!(to_text(&long).len() <= long.len(), "{broken}");
        }
    }

    proptest! {
        #[test]
        fn pieces_of_markup_in_any_order_never_panic(pieces in prop::collection::vec(prop::sample::select(vec![
            "<", ">", "</", "<p", "<br/>", "<script", "<!--", "-->", "<![CDATA[", "]]>", "&", "&amp;", "&#233;", "\"", "'", "é", " ", "a", "/", "<pre>", "\u{0}",
        ]), 0..60)) {
            let markup = pieces.concat();
            prop_assert!(to_text(&markup).len() <= markup.len());
        }

        #[test]
        fn escaped_text_comes_back_as_it_was(text in "[a-zA-Z<>&éß,.]{1,40}") {
            let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            prop_assert_eq!(to_text(&escaped), text);
        }
    }
}
