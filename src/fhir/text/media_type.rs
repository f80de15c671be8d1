//! What a document says it is, and what its first bytes say it is.

/// A media type (RFC 9110 section 8.3.1), as far as documents need it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MediaType {
    /// `type/subtype` in lower case; empty when none was stated.
    pub essence: String,
    /// The `charset` parameter.
    pub charset: Option<String>,
}

/// How a document is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// Characters as they stand.
    Plain,
    /// HTML or XHTML.
    Html,
    /// Rich Text Format.
    Rtf,
    /// Anything else, by its media type.
    Other(String),
}

impl MediaType {
    /// Reads `text/plain; charset="utf-8"` and the like; what is malformed reads as absent.
    #[must_use]
    pub fn parse(text: Option<&str>) -> Self {
        let mut parts = text.unwrap_or("").split(';').map(str::trim);
        let essence = parts.next().unwrap_or("").to_ascii_lowercase();
        let charset = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches(['"', '\'']).to_owned())
        });
        Self { essence, charset: charset.filter(|label| !label.is_empty()) }
    }

    /// The media type fit to be repeated in a list of ignored things: no more than 60 characters that media types use.
    #[must_use]
    pub fn shown(&self) -> String {
        let fit = |one: &char| one.is_ascii_alphanumeric() || "/+.-_".contains(*one);
        let text: String = self.essence.chars().filter(fit).take(60).collect();
        if text.is_empty() { "unstated".into() } else { text }
    }

    /// Whether it says image, or DICOM, which carries one.
    #[must_use]
    pub fn is_image(&self) -> bool {
        self.essence.starts_with("image/")
            || matches!(self.essence.as_str(), "application/dicom" | "application/x-dicom")
    }

    /// How it would be read if its bytes say nothing else.
    #[must_use]
    pub fn format(&self) -> Option<Format> {
        match self.essence.as_str() {
            "text/plain" | "text/markdown" | "text/x-markdown" | "text" => Some(Format::Plain),
            "text/html" | "application/xhtml+xml" | "text/xhtml" => Some(Format::Html),
            "text/rtf" | "application/rtf" | "text/richtext" | "application/x-rtf" => Some(Format::Rtf),
            "" | "application/octet-stream" | "binary/octet-stream" => None,
            _ => Some(Format::Other(self.shown())),
        }
    }
}

/// The format of `bytes`: unmistakable first bytes decide, then the stated type, then what the text looks like.
#[must_use]
pub fn format(bytes: &[u8], stated: &MediaType) -> Format {
    let head = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    let starts = |mark: &str| head.get(..mark.len()).is_some_and(|start| start.eq_ignore_ascii_case(mark.as_bytes()));
    for (mark, name) in [("%PDF-", "application/pdf"), ("PK\u{3}\u{4}", "application/zip"), ("GIF8", "image/gif")] {
        if starts(mark) {
            return Format::Other(name.into());
        }
    }
    for (mark, name) in
        [(&b"\x89PNG"[..], "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"\xd0\xcf\x11\xe0", "application/msword")]
    {
        if head.starts_with(mark) {
            return Format::Other(name.into());
        }
    }
    if bytes.get(128..132) == Some(b"DICM") {
        return Format::Other("application/dicom".into());
    }
    if starts("{\\rtf") {
        return Format::Rtf;
    }
    let stated = stated.format();
    if matches!(stated, None | Some(Format::Plain)) && ["<!doctype html", "<html"].iter().any(|mark| starts(mark)) {
        return Format::Html;
    }
    stated.unwrap_or_else(|| unstated(head))
}

/// The format of a document that states none and has no unmistakable beginning.
fn unstated(head: &[u8]) -> Format {
    let beginning: String = head.iter().take(512).map(|byte| char::from(byte.to_ascii_lowercase())).collect();
    let markup =
        ["<div", "<p>", "<p ", "<body", "<table", "<span", "<h1", "<h2", "<h3", "<ul", "<br", "<b>", "<pre", "<!--"];
    if markup.iter().any(|mark| beginning.starts_with(mark))
        || (beginning.starts_with("<?xml") && beginning.contains("<html"))
    {
        Format::Html
    } else if beginning.starts_with("<?xml") || beginning.starts_with("<clinicaldocument") {
        Format::Other("application/xml".into())
    } else {
        Format::Plain
    }
}

#[cfg(test)]
mod tests {
    use super::{Format, MediaType, format};

    #[test]
    fn a_media_type_is_read_with_its_charset() {
        let parsed = MediaType::parse(Some("Text/Plain ; format=flowed; Charset=\"ISO-8859-1\""));
        assert_eq!((parsed.essence.as_str(), parsed.charset.as_deref()), ("text/plain", Some("ISO-8859-1")));
        assert_eq!(MediaType::parse(None), MediaType::default());
        assert_eq!(MediaType::parse(Some("text/plain; charset=")).charset, None);
    }

    #[test]
    fn a_foreign_media_type_is_cleaned_before_it_is_shown() {
        assert_eq!(MediaType::parse(Some("<b>Jane Roe</b>\n")).shown(), "bjaneroe/b");
        assert_eq!(MediaType::parse(Some(&"x".repeat(500))).shown().len(), 60);
        assert_eq!(MediaType::parse(Some("  ")).shown(), "unstated");
    }

    #[test]
    fn unmistakable_bytes_outrank_the_statement_and_missing_types_are_sniffed() {
        let plain = MediaType::parse(Some("text/plain"));
        let none = MediaType::default();
        for (bytes, stated, expected) in [
            (&b"{\\rtf1 a}"[..], &plain, Format::Rtf),
            (b"<!DOCTYPE html><p>a", &plain, Format::Html),
            (b"<p> is a tag", &plain, Format::Plain),
            (b"<p>a</p>", &none, Format::Html),
            (b" <?xml version='1.0'?><html xmlns='...'>", &none, Format::Html),
            (b"Plain words", &none, Format::Plain),
            (b"\x89PNG\r\n", &plain, Format::Other("image/png".into())),
            (b"", &MediaType::parse(Some("application/PDF")), Format::Other("application/pdf".into())),
        ] {
            assert_eq!(format(bytes, stated), expected, "{bytes:?}");
        }
    }
}
