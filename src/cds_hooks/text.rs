//! Text on its way into a card, and the small checks on addresses and references.
//!
//! Contract: pure; what [`escape_markdown`] returns renders as the characters it was given, in every Markdown dialect
//! and in raw HTML, and never as markup or a link.

/// The specification asks for fewer than 140 characters (Unicode code points).
pub const SUMMARY_CHARS_MAX: usize = 139;

/// One line of plain text that fits a card's summary: white space collapsed, invisible characters dropped, and cut at
/// a character boundary with an ellipsis.
#[must_use]
pub fn summary(text: &str) -> String {
    let line = one_line(text);
    if line.chars().count() <= SUMMARY_CHARS_MAX {
        return line;
    }
    let mut cut: String = line.chars().take(SUMMARY_CHARS_MAX - 1).collect();
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    cut
}

/// Text from a patient's chart made safe for a card's detail.
///
/// Clients render raw HTML inside Markdown (the public sandbox does), so `<`, `>` and `&` become character references,
/// which hold in HTML too; Markdown's own signs are escaped only where they would act, so that `120/80.` stays
/// readable. Some renderers search the finished text for addresses and make links of them, which no escape prevents:
/// an invisible word joiner (U+2060) inside `://`, `www.` and after `@` does.
#[must_use]
pub fn escape_markdown(text: &str) -> String {
    let line = one_line(text);
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let mut out = String::with_capacity(line.len() + line.len() / 8);
    for (at, sign) in line.char_indices() {
        let rest = &line[at + sign.len_utf8()..];
        match sign {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '@' => out.push_str("@\u{2060}"),
            ':' if rest.starts_with("//") => out.push_str(":\u{2060}"),
            '.' if ends_with_www(&line[..at]) => out.push_str("\u{2060}."),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' | '^' => out.extend(['\\', sign]),
            // A heading, list or rule can only begin where a line begins, and this text may be put there.
            '#' | '+' | '-' | '=' | ':' if at == 0 => out.extend(['\\', sign]),
            '.' | ')' if digits > 0 && at == digits => out.extend(['\\', sign]),
            _ => out.push(sign),
        }
    }
    out
}

fn ends_with_www(text: &str) -> bool {
    text.len() >= 3 && text.as_bytes()[text.len() - 3..].eq_ignore_ascii_case(b"www")
}

/// White space and line ends collapsed to single spaces; control characters and those that reorder text dropped.
fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for sign in text.chars() {
        if sign.is_whitespace() {
            if !out.is_empty() && !out.ends_with(' ') {
                out.push(' ');
            }
        } else if !sign.is_control() && !is_invisible(sign) {
            out.push(sign);
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// Characters without a glyph that can change how their neighbours read: zero width, direction, byte order, tags.
fn is_invisible(sign: char) -> bool {
    matches!(sign, '\u{00AD}' | '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}')
        || matches!(sign, '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// Whether nothing can be read.
pub(super) fn is_blank(text: &str) -> bool {
    text.chars().all(|sign| sign.is_whitespace() || sign.is_control() || is_invisible(sign))
}

/// `http` or `https`, a host, and no white space, quotes or angle brackets.
#[must_use]
pub fn is_absolute_url(url: &str) -> bool {
    let lower = url.get(..8).unwrap_or(url).to_ascii_lowercase();
    let rest = match (lower.strip_prefix("https://"), lower.strip_prefix("http://")) {
        (Some(_), _) => &url[8..],
        (None, Some(_)) => &url[7..],
        (None, None) => return false,
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    !host.is_empty()
        && !host.starts_with(':')
        && !url.chars().any(|sign| sign.is_whitespace() || sign.is_control() || "\"<>\\^`{|}".contains(sign))
}

/// A relative reference, `Type/id`, with FHIR's alphabets.
#[must_use]
pub fn is_reference(text: &str) -> bool {
    text.split_once('/').is_some_and(|(kind, id)| {
        !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_alphanumeric()) && is_id(id)
    })
}

/// FHIR's `id`: 1 to 64 letters, digits, `-` and `.`; `_` is let through because servers use it.
#[must_use]
pub fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::{SUMMARY_CHARS_MAX, escape_markdown, is_absolute_url, is_blank, is_reference, summary};
    use proptest::prelude::*;

    fn rendered(markdown: &str) -> String {
        let mut html = String::new();
        let options = pulldown_cmark::Options::ENABLE_TABLES
            | pulldown_cmark::Options::ENABLE_STRIKETHROUGH
            | pulldown_cmark::Options::ENABLE_TASKLISTS
            | pulldown_cmark::Options::ENABLE_FOOTNOTES
            | pulldown_cmark::Options::ENABLE_MATH
            | pulldown_cmark::Options::ENABLE_GFM;
        pulldown_cmark::html::push_html(&mut html, pulldown_cmark::Parser::new_ext(markdown, options));
        html
    }

    #[test]
    fn a_long_summary_is_cut_at_a_character_and_says_so() {
        assert_eq!(summary("  two\n\tlines "), "two lines");
        let cut = summary(&"é".repeat(500));
        assert_eq!(cut.chars().count(), SUMMARY_CHARS_MAX);
        assert!(cut.ends_with("é…"));
        assert_eq!(summary(&"é".repeat(139)), "é".repeat(139));
    }

    #[test]
    fn signs_that_only_some_renderers_know_are_escaped_too() {
        assert_eq!(escape_markdown("^0^ $x$ ~y~"), r"\^0\^ \$x\$ \~y\~");
        assert_eq!(escape_markdown(": a: b"), r"\: a: b");
    }

    #[test]
    fn hostile_text_is_shown_and_never_acts() {
        for text in [
            "<img src=x onerror=alert(1)>",
            "[click](http://evil.example)",
            "![x](http://evil.example/a.png)",
            "<http://evil.example>",
            "# heading",
            "1. list",
            "- list",
            "---",
            "**bold** _italic_ ~~gone~~ `code`",
            "a | b",
            "    indented\n\n> quote",
            "&lt;script&gt;",
            "\\<b>",
        ] {
            let html = rendered(&escape_markdown(text));
            let tags = html.matches('<').count();
            assert_eq!(tags, 2, "{text} became {html}");
            assert!(html.starts_with("<p>"), "{text} became {html}");
        }
    }

    #[test]
    fn what_is_rendered_reads_as_it_was_written() {
        let shown = rendered(&escape_markdown("K+ 5.9 <6.0 & *rising* \\ a_b"));
        assert_eq!(shown, "<p>K+ 5.9 &lt;6.0 &amp; *rising* \\ a_b</p>\n");
    }

    #[test]
    fn addresses_in_patient_text_do_not_become_links() {
        for text in ["https://evil.example/x", "WWW.evil.example", "me@evil.example"] {
            let safe = escape_markdown(text);
            assert!(safe.contains('\u{2060}'), "{safe}");
            assert_eq!(safe.replace('\u{2060}', ""), text);
        }
    }

    #[test]
    fn text_that_cannot_be_seen_is_blank_and_direction_marks_are_dropped() {
        assert!(is_blank(" \t\u{200B}\u{202E}"));
        assert!(!is_blank("."));
        assert_eq!(escape_markdown("a\u{202E}b\u{0007}c"), "abc");
    }

    #[test]
    fn only_web_addresses_with_a_host_are_absolute() {
        for good in ["http://a", "https://a.example/b?c#d", "HTTPS://A:8080/"] {
            assert!(is_absolute_url(good), "{good}");
        }
        for bad in [
            "",
            "/a",
            "a.example",
            "http://",
            "https:///x",
            "http://:80",
            "javascript:alert(1)",
            "http://a b",
            "http:/a",
        ] {
            assert!(!is_absolute_url(bad), "{bad}");
        }
    }

    #[test]
    fn a_reference_is_a_type_and_an_id() {
        assert!(is_reference("Task/a-1.b"));
        for bad in ["", "Task", "Task/", "/1", "Task/a/b", "http://x/Task/1", "Task/a b"] {
            assert!(!is_reference(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_yields_markup(text in "\\PC{0,60}") {
            let html = rendered(&escape_markdown(&text));
            prop_assert!(html.matches('<').count() <= 2, "{html}");
        }

        #[test]
        fn no_ascii_text_yields_markup(text in "[ -~\n]{0,60}") {
            let html = rendered(&escape_markdown(&text));
            prop_assert!(html.matches('<').count() <= 2, "{html}");
        }

        #[test]
        fn a_summary_always_fits(text in "\\PC{0,400}") {
            let line = summary(&text);
            prop_assert!(line.chars().count() <= SUMMARY_CHARS_MAX);
            prop_assert!(!line.contains('\n'));
        }
    }
}
