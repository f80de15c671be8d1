//! Bytes → characters: byte order mark, then the stated charset, then UTF-8, then windows-1252.

use super::TextError;
use encoding_rs::{Encoding, REPLACEMENT, UTF_8, WINDOWS_1252};

/// How far into a document its own statement of a charset is looked for (HTML's prescan looks at 1,024 bytes).
const PRESCAN_BYTES: usize = 1_024;

/// Decodes `bytes`. A charset that is stated but does not fit falls back like none at all: many clients state `utf-8`
/// by habit. A stated charset nobody knows is treated the same way.
///
/// # Errors
/// [`TextError::Undecodable`] for charsets that are refused by the WHATWG Encoding Standard as dangerous, and for bytes
/// that cannot be text at all.
pub fn decode(bytes: &[u8], stated: Option<&str>) -> Result<String, TextError> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        let (text, broken) = encoding.decode_without_bom_handling(&bytes[mark..]);
        if !broken {
            return Ok(text.into_owned());
        }
    }
    let known = stated.map(str::trim).and_then(|label| Encoding::for_label(label.as_bytes()));
    if known == Some(REPLACEMENT) {
        return Err(TextError::Undecodable("its charset is one the Encoding Standard refuses"));
    }
    // ASCII is part of UTF-8, and what is called ASCII often is UTF-8.
    let ascii = stated.is_some_and(|label| label.trim().to_ascii_lowercase().contains("ascii"));
    let order = [if ascii { None } else { known }, Some(UTF_8)];
    for encoding in order.into_iter().flatten() {
        let (text, broken) = encoding.decode_without_bom_handling(bytes);
        if !broken {
            return Ok(text.into_owned());
        }
    }
    // Text has hardly any control characters; a binary file that says it is text is full of them.
    let odd = bytes.iter().filter(|byte| **byte < 32 && !matches!(byte, 0 | b'\t' | b'\n' | 12 | b'\r' | 27)).count();
    if odd > 4 + bytes.len() / 50 {
        return Err(TextError::Undecodable("its bytes are not text in any charset"));
    }
    Ok(WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned())
}

/// The charset an HTML `meta` element or an XML declaration states, if one stands at the beginning.
#[must_use]
pub fn declared_in_markup(bytes: &[u8]) -> Option<String> {
    let head: String = bytes.iter().take(PRESCAN_BYTES).map(|byte| char::from(byte.to_ascii_lowercase())).collect();
    let at = match head.find("<meta").and_then(|meta| head[meta..].find("charset").map(|found| meta + found + 7)) {
        Some(at) => at,
        None => head.starts_with("<?xml").then(|| head.find("encoding").map(|found| found + 8))??,
    };
    let value = head.get(at..)?.trim_start().strip_prefix('=')?.trim_start_matches([' ', '"', '\'']);
    let label: String = value.chars().take_while(|one| one.is_ascii_alphanumeric() || "-_:.".contains(*one)).collect();
    // WHATWG HTML, "prescan": the declaration was readable as ASCII, so it cannot be UTF-16.
    (!label.is_empty() && !label.starts_with("utf-16")).then_some(label)
}

#[cfg(test)]
mod tests {
    use super::{declared_in_markup, decode};

    #[test]
    fn a_byte_order_mark_outranks_the_stated_charset() {
        assert_eq!(decode(b"\xff\xfea\0\xe9\0", Some("iso-8859-1")).unwrap(), "aé");
        assert_eq!(decode(b"\xfe\xff\0a", None).unwrap(), "a");
        assert_eq!(decode(b"\xef\xbb\xbf\xc3\xa9", Some("iso-8859-1")).unwrap(), "é");
    }

    #[test]
    fn the_stated_charset_is_used_and_an_unfit_or_unknown_one_falls_back() {
        assert_eq!(decode(b"\xcf\xf0", Some("windows-1251")).unwrap(), "Пр");
        assert_eq!(decode("é".as_bytes(), Some("x-unknown")).unwrap(), "é");
        assert_eq!(decode("é".as_bytes(), Some("US-ASCII")).unwrap(), "é");
        assert_eq!(decode(b"\x93caf\xe9\x94", Some("utf-8")).unwrap(), "“café”");
        assert!(decode(b"a", Some("iso-2022-kr")).is_err());
    }

    #[test]
    fn binary_bytes_are_not_text() {
        let bytes: Vec<u8> = (0..400_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        assert!(decode(&bytes, Some("utf-8")).is_err());
    }

    #[test]
    fn markup_states_its_charset_in_a_meta_element_or_the_xml_declaration() {
        for (markup, label) in [
            ("<html><META CHARSET='Windows-1251'>", Some("windows-1251")),
            ("<meta http-equiv=content-type content=\"text/html; charset = koi8-r\">", Some("koi8-r")),
            ("<?xml version='1.0' encoding=\"ISO-8859-15\"?><html/>", Some("iso-8859-15")),
            ("<meta charset=utf-16>", None),
            ("<meta charset=>", None),
            ("charset=utf-8", None),
        ] {
            assert_eq!(declared_in_markup(markup.as_bytes()).as_deref(), label, "{markup}");
        }
    }
}
