//! Windows code pages and RTF font charsets as encodings.

use encoding_rs as known;
use encoding_rs::Encoding;

/// The encoding of a Windows code page number; nothing for those no longer defined on the web (437, 850 …).
#[must_use]
pub fn of_number(number: i32) -> Option<&'static Encoding> {
    Some(match number {
        866 => known::IBM866,
        874 => known::WINDOWS_874,
        932 => known::SHIFT_JIS,
        936 => known::GBK,
        949 => known::EUC_KR,
        950 => known::BIG5,
        1250 => known::WINDOWS_1250,
        1251 => known::WINDOWS_1251,
        0 | 1252 => known::WINDOWS_1252,
        1253 => known::WINDOWS_1253,
        1254 => known::WINDOWS_1254,
        1255 => known::WINDOWS_1255,
        1256 => known::WINDOWS_1256,
        1257 => known::WINDOWS_1257,
        1258 => known::WINDOWS_1258,
        10_000 => known::MACINTOSH,
        65_001 => known::UTF_8,
        _ => return None,
    })
}

/// The encoding of `\fcharsetN` (RTF 1.9.1, "Font Table"); nothing for the default and for symbol fonts.
#[must_use]
pub fn of_font(charset: i32) -> Option<&'static Encoding> {
    of_number(match charset {
        0 => 1252,
        77 => 10_000,
        128 => 932,
        129 => 949,
        134 => 936,
        136 => 950,
        161 => 1253,
        162 => 1254,
        163 => 1258,
        177 => 1255,
        178 => 1256,
        186 => 1257,
        204 => 1251,
        222 => 874,
        238 => 1250,
        _ => return None,
    })
}
