//! Bytes of a document → plain text.
//!
//! Contract: the answer is UTF-8 with `\n` line ends, free of markup and control characters, and never empty; what
//! cannot be read faithfully is an error, never a guess. Work and memory grow with the size of the input, whatever is in
//! it; nothing recurses and nothing panics.

pub mod base64;
pub mod charset;
pub mod codepage;
pub mod entity;
pub mod html;
pub mod media_type;
pub mod plain;
pub mod rtf;

pub use media_type::{Format, MediaType};

/// The largest document that is read, in bytes after base64.
pub const DOCUMENT_BYTES: usize = 4 << 20;

/// Why a document does not become text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// A format this module does not read (PDF, images, CDA …).
    #[error("documents of type `{0}` are not read")]
    Unsupported(String),
    /// Over [`DOCUMENT_BYTES`].
    #[error("the document is larger than {DOCUMENT_BYTES} bytes")]
    TooLarge,
    /// The bytes are not what their type says.
    #[error("the document cannot be read: {0}")]
    Undecodable(&'static str),
    /// Nothing but white space and markup.
    #[error("the document holds no text")]
    Empty,
}

impl TextError {
    /// Stable, PHI-free code for [`crate::domain::Ignored`].
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Unsupported(_) => "unsupported-media-type",
            Self::TooLarge => "too-large",
            Self::Undecodable(_) => "undecodable-text",
            Self::Empty => "empty",
        }
    }
}

/// Reads a document of the stated media type; a format recognised from its first bytes outranks the statement.
///
/// # Errors
/// [`TextError`] for other formats, for too many bytes, for broken bytes, and when no text is left.
pub fn read(bytes: &[u8], stated: &MediaType) -> Result<String, TextError> {
    if bytes.len() > DOCUMENT_BYTES {
        return Err(TextError::TooLarge);
    }
    let text = match media_type::format(bytes, stated) {
        Format::Plain => plain::tidy(&charset::decode(bytes, stated.charset.as_deref())?),
        Format::Html => {
            let declared = stated.charset.clone().or_else(|| charset::declared_in_markup(bytes));
            html::to_text(&charset::decode(bytes, declared.as_deref())?)
        }
        Format::Rtf => plain::tidy(&rtf::to_text(bytes)?),
        Format::Other(name) => return Err(TextError::Unsupported(name)),
    };
    if text.is_empty() { Err(TextError::Empty) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::{MediaType, TextError, read};
    use proptest::prelude::*;

    fn of(bytes: &[u8], stated: &str) -> Result<String, TextError> {
        read(bytes, &MediaType::parse(Some(stated)))
    }

    #[test]
    fn each_format_becomes_the_same_text() {
        let expected = "Fièvre 39 °C\nToux < 3 jours";
        for (bytes, stated) in [
            ("Fièvre 39 °C\r\nToux < 3 jours\0".as_bytes(), "text/plain"),
            (b"Fi\xe8vre 39 \xb0C\nToux < 3 jours", "text/plain; charset=ISO-8859-1"),
            (b"Fi\xe8vre 39 \xb0C\nToux < 3 jours", "text/plain; charset=utf-8"),
            ("<div>Fi&egrave;vre 39&#160;&deg;C<br/>Toux &lt; 3 jours</div>".as_bytes(), "text/html"),
            (b"{\\rtf1\\ansi\\ansicpg1252 Fi\\'e8vre 39 \\u176?C\\par Toux < 3 jours}", "application/rtf"),
            (b"{\\rtf1\\ansi Fi\\'e8vre 39 \\'b0C\\line Toux < 3 jours}", "text/plain"),
        ] {
            assert_eq!(of(bytes, stated).as_deref(), Ok(expected), "{stated}");
        }
    }

    #[test]
    fn what_is_not_text_is_named() {
        assert_eq!(of(b"%PDF-1.7 ...", "text/plain"), Err(TextError::Unsupported("application/pdf".into())));
        assert_eq!(of(b"PK\x03\x04", "application/vnd.ms-word"), Err(TextError::Unsupported("application/zip".into())));
        assert_eq!(of(b"<ClinicalDocument/>", ""), Err(TextError::Unsupported("application/xml".into())));
        assert_eq!(of(b"<p> &nbsp; </p>", "text/html"), Err(TextError::Empty));
        assert_eq!(of(&vec![b'a'; super::DOCUMENT_BYTES + 1], "text/plain"), Err(TextError::TooLarge));
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic_and_never_leave_control_characters(
            bytes in prop::collection::vec(any::<u8>(), 0..600),
            stated in prop::sample::select(vec!["", "text/plain", "text/html", "text/rtf", "text/plain; charset=utf-16"]),
        ) {
            if let Ok(text) = of(&bytes, stated) {
                prop_assert!(!text.chars().any(|one| one.is_control() && one != '\n' && one != '\t'));
                prop_assert!(!text.trim().is_empty());
            }
        }
    }
}
