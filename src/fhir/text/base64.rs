//! Base64 as clients send it: in lines, in the URL alphabet, with or without padding.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// A text that is not base64, or is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Base64Error {
    /// Not base64 in either alphabet.
    #[error("the data are not base64")]
    Malformed,
    /// More bytes than the caller accepts.
    #[error("the data are larger than is accepted")]
    TooLarge,
}

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The bytes behind `text` (RFC 4648 sections 4 and 5), at most `limit` of them; white space is passed over.
///
/// # Errors
/// [`Base64Error`]; the length is checked before anything is allocated.
pub fn decode(text: &str, limit: usize) -> Result<Vec<u8>, Base64Error> {
    let symbols = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).count();
    if symbols / 4 * 3 > limit.saturating_add(3) {
        return Err(Base64Error::TooLarge);
    }
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='));
    let decoded = if plain { LENIENT.decode(text) } else { LENIENT.decode(standard(text, symbols)) };
    let bytes = decoded.map_err(|_| Base64Error::Malformed)?;
    if bytes.len() > limit { Err(Base64Error::TooLarge) } else { Ok(bytes) }
}

/// The same without white space and in the standard alphabet.
fn standard(text: &str, symbols: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(symbols);
    out.extend(text.bytes().filter(|byte| !byte.is_ascii_whitespace()).map(|byte| match byte {
        b'-' => b'+',
        b'_' => b'/',
        other => other,
    }));
    out
}

#[cfg(test)]
mod tests {
    use super::{Base64Error, decode};

    #[test]
    fn lines_the_url_alphabet_and_missing_padding_are_tolerated() {
        for text in ["+/8+YQ==", "+/8+\r\n YQ==", "-_8-YQ", "+/8+YQ", "+/8-YQ=="] {
            assert_eq!(decode(text, 9).as_deref(), Ok(&[0xfb, 0xff, 0x3e, b'a'][..]), "{text}");
        }
    }

    #[test]
    fn what_is_not_base64_or_too_long_is_refused() {
        assert_eq!(decode("not base64!", 99), Err(Base64Error::Malformed));
        assert_eq!(decode("YQ==YQ==", 99), Err(Base64Error::Malformed));
        assert_eq!(decode(&"AAAA".repeat(1_000), 2_900), Err(Base64Error::TooLarge));
        assert_eq!(decode("YWJj", 2), Err(Base64Error::TooLarge));
        assert_eq!(decode("", 2).as_deref(), Ok(&[][..]));
    }
}
