//! Rich Text Format → text (RTF specification 1.9.1, as far as text is concerned).
//!
//! Contract: one pass over the bytes; groups are bounded; tables of fonts, colours and styles, pictures, objects,
//! page headers, fields' instructions and every destination marked as ignorable (`\*`) are left out, and so is text that
//! is hidden or deleted. A file cut short gives the text up to there.

mod lexer;

use super::{TextError, codepage};
use encoding_rs::{Encoding, WINDOWS_1252};
use lexer::{Lexer, Token};
use std::collections::BTreeMap;

/// Deeper nested groups than any word processor writes.
const GROUPS_MAX: usize = 256;
/// More fonts than any honest document declares.
const FONTS_MAX: usize = 4_096;

/// Destinations that hold no text of the document.
const UNREAD: [&str; 27] = [
    "fonttbl",
    "colortbl",
    "stylesheet",
    "info",
    "pict",
    "object",
    "header",
    "headerl",
    "headerr",
    "headerf",
    "footer",
    "footerl",
    "footerr",
    "footerf",
    "themedata",
    "colorschememapping",
    "datastore",
    "listtable",
    "listoverridetable",
    "rsidtbl",
    "generator",
    "xmlnstbl",
    "latentstyles",
    "filetbl",
    "revtbl",
    "fldinst",
    "nonshppict",
];

/// What a group inherits from the one around it.
#[derive(Clone, Copy)]
struct State {
    /// Inside a destination that is not read.
    unread: bool,
    /// Inside the font table.
    fonts: bool,
    /// `\v` or `\deleted`.
    hidden: bool,
    /// `\ucN`: how many characters after `\u` stand in for it.
    substitutes: usize,
    /// The font's own encoding.
    encoding: Option<&'static Encoding>,
}

struct Reader {
    state: State,
    stack: Vec<State>,
    /// `\ansicpg`; nothing for code pages that are not known.
    document: Option<&'static Encoding>,
    fonts: BTreeMap<i32, &'static Encoding>,
    /// The font being declared.
    font: i32,
    /// Bytes of the current encoding that wait for a character to be complete.
    bytes: Vec<u8>,
    /// The first half of a UTF-16 pair.
    high: Option<u16>,
    /// Substitutes still to be passed over.
    skip: usize,
    out: String,
}

/// The text of an RTF document.
///
/// # Errors
/// [`TextError::Undecodable`] when it does not begin as RTF or nests groups too deeply.
pub fn to_text(bytes: &[u8]) -> Result<String, TextError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    if !bytes.starts_with(b"{\\rtf") {
        return Err(TextError::Undecodable("it does not begin as RTF"));
    }
    let state = State { unread: false, fonts: false, hidden: false, substitutes: 1, encoding: None };
    let mut reader = Reader {
        state,
        stack: Vec::new(),
        document: Some(WINDOWS_1252),
        fonts: BTreeMap::new(),
        font: 0,
        bytes: Vec::new(),
        high: None,
        skip: 0,
        out: String::new(),
    };
    for token in Lexer::new(bytes) {
        if !reader.take(token)? {
            break;
        }
    }
    reader.flush();
    Ok(reader.out)
}

impl Reader {
    /// False once the outermost group has closed: what follows is no RTF.
    fn take(&mut self, token: Token<'_>) -> Result<bool, TextError> {
        match token {
            Token::Open => {
                self.flush();
                if self.stack.len() >= GROUPS_MAX {
                    return Err(TextError::Undecodable("its groups are nested too deeply"));
                }
                self.skip = 0;
                self.stack.push(self.state);
            }
            Token::Close => {
                self.flush();
                self.skip = 0;
                match self.stack.pop() {
                    Some(state) => self.state = state,
                    None => return Ok(false),
                }
                return Ok(!self.stack.is_empty());
            }
            Token::Byte(byte) if self.skip == 0 => self.byte(byte),
            Token::Symbol(symbol) if self.skip == 0 => self.symbol(symbol),
            Token::Word(word, number) if self.skip == 0 || word == "u" => self.word(word, number),
            Token::Byte(_) | Token::Symbol(_) | Token::Word(..) => self.skip -= 1,
        }
        Ok(true)
    }

    fn is_read(&self) -> bool {
        !self.state.unread && !self.state.hidden
    }

    fn byte(&mut self, byte: u8) {
        if self.is_read() {
            self.bytes.push(byte);
        }
    }

    fn text(&mut self, text: &str) {
        self.flush();
        if self.is_read() {
            self.out.push_str(text);
        }
    }

    /// Decodes the bytes that wait. A code page nobody defines gives replacement characters, not wrong letters.
    fn flush(&mut self) {
        if self.high.take().is_some() {
            self.out.push(char::REPLACEMENT_CHARACTER);
        }
        if self.bytes.is_empty() {
            return;
        }
        match self.state.encoding.or(self.document) {
            Some(encoding) => self.out.push_str(&encoding.decode_without_bom_handling(&self.bytes).0),
            None => self.out.extend(
                self.bytes
                    .iter()
                    .map(|byte| if byte.is_ascii() { char::from(*byte) } else { char::REPLACEMENT_CHARACTER }),
            ),
        }
        self.bytes.clear();
    }

    fn symbol(&mut self, symbol: u8) {
        match symbol {
            b'*' => self.state.unread = true,
            b'~' => self.text(" "),
            b'_' => self.text("-"),
            b'\n' | b'\r' => self.text("\n"),
            b'\\' | b'{' | b'}' => self.byte(symbol),
            _ => {}
        }
    }

    fn word(&mut self, word: &str, number: Option<i32>) {
        let on = number != Some(0);
        match word {
            "u" => return self.unicode(number.unwrap_or(0)),
            "par" | "line" | "sect" | "page" | "column" | "row" | "nestrow" | "softline" | "softpage" => {
                self.text("\n")
            }
            "tab" | "cell" | "nestcell" => self.text("\t"),
            "emdash" => self.text("—"),
            "endash" => self.text("–"),
            "lquote" => self.text("‘"),
            "rquote" => self.text("’"),
            "ldblquote" => self.text("“"),
            "rdblquote" => self.text("”"),
            "bullet" => self.text("•"),
            "emspace" | "enspace" | "qmspace" => self.text(" "),
            _ => self.flush(),
        }
        match word {
            "uc" => self.state.substitutes = usize::try_from(number.unwrap_or(1)).unwrap_or(1).min(64),
            "v" | "deleted" => self.state.hidden = on,
            "plain" => (self.state.hidden, self.state.encoding) = (false, None),
            "ansicpg" => self.document = codepage::of_number(number.unwrap_or(1252)),
            "mac" => self.document = codepage::of_number(10_000),
            "pc" | "pca" => self.document = None,
            "f" => self.select_font(number.unwrap_or(0)),
            "fcharset" if self.state.fonts => self.declare_font(codepage::of_font(number.unwrap_or(0))),
            "cpg" if self.state.fonts => self.declare_font(codepage::of_number(number.unwrap_or(0))),
            "fonttbl" => (self.state.fonts, self.state.unread) = (true, true),
            _ if UNREAD.contains(&word) => self.state.unread = true,
            _ => {}
        }
    }

    fn select_font(&mut self, font: i32) {
        if self.state.fonts {
            self.font = font;
        } else {
            self.state.encoding = self.fonts.get(&font).copied();
        }
    }

    fn declare_font(&mut self, encoding: Option<&'static Encoding>) {
        if let Some(encoding) = encoding
            && self.fonts.len() < FONTS_MAX
        {
            self.fonts.insert(self.font, encoding);
        }
    }

    /// `\uN`: a UTF-16 unit as a signed 16-bit number; writers also use unsigned ones.
    fn unicode(&mut self, number: i32) {
        self.skip = self.state.substitutes;
        let pending = self.high.take();
        if pending.is_none() {
            self.flush();
        }
        if !self.is_read() {
            return;
        }
        let unit = (number & 0xffff) as u16;
        let units = pending.into_iter().chain([unit]);
        if (0xd800..0xdc00).contains(&unit) && pending.is_none() {
            self.high = Some(unit);
        } else {
            self.out.extend(char::decode_utf16(units).map(|one| one.unwrap_or(char::REPLACEMENT_CHARACTER)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::to_text;
    use proptest::prelude::*;

    fn read(rtf: &str) -> String {
        to_text(rtf.as_bytes()).unwrap()
    }

    #[test]
    fn tables_pictures_and_hidden_text_are_left_out() {
        let rtf = r"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fswiss\fcharset0 Arial;}}{\colortbl;\red0\green0\blue0;}
{\stylesheet{\s0 Normal;}}{\info{\author Nobody}}{\*\generator Writer 1;}{\header page}
\f0\fs24 Afebrile\tab today.\par {\b No} cough.{\pict\pngblip 89504e47}{\v secret} {\field{\*\fldinst HYPERLINK x}{\fldrslt see here}}\par}trailing";
        assert_eq!(read(rtf), "Afebrile\ttoday.\nNo cough. see here\n");
    }

    #[test]
    fn bytes_follow_the_code_page_and_the_font() {
        assert_eq!(read(r"{\rtf1\ansi\ansicpg1251 \'cf\'f0}"), "Пр");
        assert_eq!(
            read(
                r"{\rtf1\ansi{\fonttbl{\f0\fcharset0 A;}{\f1\fcharset204 B;}{\f2\fcharset128 C;}}\f0 \'e9 {\f1 \'cf} \f2 \'93\'fa\'96\'7b}"
            ),
            "é П 日本"
        );
        assert_eq!(read(r"{\rtf1\ansi\ansicpg437 a\'82}"), "a\u{fffd}");
        assert_eq!(to_text(b"{\\rtf1\\mac caf\x8e}").unwrap(), "café");
    }

    #[test]
    fn unicode_is_read_and_its_substitutes_are_passed_over() {
        assert_eq!(read(r"{\rtf1 38\u176?C \u8211\'96 \u-3?}"), "38°C – \u{fffd}");
        assert_eq!(read(r"{\rtf1\uc0 \u8805 90{\uc2 \u181 ??g}}"), "≥90µg");
        assert_eq!(read(r"{\rtf1 \u-10179?\u-8704? \u-10179?x}"), "😀 \u{fffd}x");
    }

    #[test]
    fn escapes_binary_data_and_line_ends_are_understood() {
        assert_eq!(
            read("{\\rtf1 a\\{b\\}\\\\c\r\nd\\~e\\_f\\-g{\\*\\x\\bin4 }}}}h}\\line i\\\nj}"),
            "a{b}\\cd e-fg\ni\nj"
        );
        assert_eq!(read(r"{\rtf1 cut short {\b he"), "cut short he");
    }

    #[test]
    fn what_is_not_rtf_or_nests_too_deeply_is_refused() {
        assert!(to_text(b"plain").is_err());
        assert!(to_text(format!("{{\\rtf1 {}", "{".repeat(10_000)).as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn no_input_makes_it_panic(
            tail in prop::collection::vec(any::<u8>(), 0..300),
            pieces in prop::collection::vec(prop::sample::select(vec![
                "{", "}", "\\", "\\'", "\\'e9", "\\u", "\\u-9", "\\u55357 ", "\\uc3 ", "\\bin", "\\bin9 ", "\\bin99999999999 ", "\\*", "\\f1", "\\fonttbl", "\\fcharset128 ", "\\par", "a", "\n", " ",
            ]), 0..60),
        ) {
            let mut bytes = b"{\\rtf1".to_vec();
            bytes.extend(pieces.concat().bytes());
            bytes.extend(tail);
            if let Ok(text) = to_text(&bytes) {
                prop_assert!(text.len() <= 4 * bytes.len());
            }
        }
    }
}
