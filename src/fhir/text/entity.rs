//! Character references of HTML (`&eacute;`, `&#233;`, `&#xE9;`).

use html2text::config;
use std::collections::HashMap;

/// How many different names one document may have looked up; no honest note uses more.
const NAMES_MAX: usize = 256;
/// The longest name HTML knows is `CounterClockwiseContourIntegral`.
const NAME_CHARS: usize = 32;

/// Resolves references, remembering the names it has met.
#[derive(Default)]
pub struct Entities {
    names: HashMap<String, Option<String>>,
}

impl Entities {
    /// The text `reference` stands for, and the bytes it takes up, if `text` begins with one. The closing semicolon is
    /// required: without it `&copy=2` in running text would change.
    pub fn resolve(&mut self, text: &str) -> Option<(String, usize)> {
        let body = text.strip_prefix('&')?;
        let end = body.bytes().take(NAME_CHARS + 1).position(|byte| byte == b';')?;
        let name = &body[..end];
        let resolved = match name.strip_prefix('#') {
            Some(number) => numeric(number)?.to_string(),
            None => self.named(name)?,
        };
        Some((resolved, end + 2))
    }

    fn named(&mut self, name: &str) -> Option<String> {
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        if let Some(known) = self.names.get(name) {
            return known.clone();
        }
        if self.names.len() >= NAMES_MAX {
            return None;
        }
        let found = look_up(name);
        self.names.insert(name.to_owned(), found.clone());
        found
    }
}

/// The character of a decimal or `x`-hexadecimal number; windows-1252's places 0x80–0x9F mean what browsers show
/// (WHATWG HTML, "numeric character reference end state").
fn numeric(number: &str) -> Option<char> {
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) if hex.bytes().all(|byte| byte.is_ascii_hexdigit()) => u32::from_str_radix(hex, 16).ok()?,
        None if number.bytes().all(|byte| byte.is_ascii_digit()) => number.parse().ok()?,
        _ => return None,
    };
    if let (0x80..=0x9f, Ok(byte)) = (code, u8::try_from(code)) {
        return encoding_rs::WINDOWS_1252.decode_without_bom_handling(&[byte]).0.chars().next();
    }
    Some(char::from_u32(code).filter(|one| *one != '\0').unwrap_or(char::REPLACEMENT_CHARACTER))
}

/// HTML's table has 2,231 names; html5ever, behind html2text, holds it. Only a name is ever given to it.
fn look_up(name: &str) -> Option<String> {
    let reference = format!("&{name};");
    let text = config::plain_no_decorate().string_from_read(format!("<p>x{reference}x</p>").as_bytes(), 200).ok()?;
    let inner = text.trim().strip_prefix('x')?.strip_suffix('x')?;
    // Whatever blank it was, a space is meant; what has no width leaves nothing.
    let blank = !inner.is_empty() && inner.trim().is_empty();
    (inner != reference).then(|| if blank { " ".to_owned() } else { inner.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::Entities;

    #[test]
    fn named_and_numbered_references_are_resolved() {
        let mut entities = Entities::default();
        for (reference, text) in [
            ("&amp;", "&"),
            ("&lt;", "<"),
            ("&nbsp;", " "),
            ("&emsp;", " "),
            ("&eacute;", "é"),
            ("&micro;", "µ"),
            ("&ge;", "≥"),
            ("&#233;", "é"),
            ("&#xE9;", "é"),
            ("&#150;", "–"),
            ("&#0;", "\u{fffd}"),
            ("&#x110000;", "\u{fffd}"),
            ("&CounterClockwiseContourIntegral;", "∳"),
        ] {
            assert_eq!(
                entities.resolve(&format!("{reference} tail")),
                Some((text.into(), reference.len())),
                "{reference}"
            );
        }
    }

    #[test]
    fn what_is_no_reference_stays_as_it_is() {
        let mut entities = Entities::default();
        for text in ["&", "&;", "&nosuchname;", "& amp;", "&copy 2", "&#;", "&#x;", "&#12a;", "&#-1;", "&<b>;", "amp;"]
        {
            assert_eq!(entities.resolve(text), None, "{text}");
        }
    }
}
