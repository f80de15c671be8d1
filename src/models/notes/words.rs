//! Words of a text as the corpora cut them: runs of letters and digits; every other visible character alone.

use std::ops::Range;

/// Byte ranges of the words of `text`, in order. Control characters and spaces belong to none.
#[must_use]
pub fn words(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut open = false;
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        if c.is_alphanumeric() || is_mark(c) {
            match found.last_mut() {
                Some(word) if open => word.end = end,
                _ => found.push(at..end),
            }
            open = true;
        } else {
            open = false;
            if !c.is_whitespace() && !c.is_control() {
                found.push(at..end);
            }
        }
    }
    found
}

/// Combining diacritics belong to the letter before them.
fn is_mark(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

/// The letter case of a word, told to the encoder as its token type because the vocabulary is lower case:
/// 0 lower case or no letters, 1 capitalised, 2 all capitals, 3 capitals elsewhere or digits among letters.
#[must_use]
pub fn shape(word: &str) -> u32 {
    let upper = word.chars().filter(|c| c.is_uppercase()).count();
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    let first = word.chars().next().is_some_and(char::is_uppercase);
    let digits = word.chars().any(|c| c.is_ascii_digit());
    match (letters, upper) {
        (0, _) => 0,
        _ if digits => 3,
        (_, 0) => 0,
        (2.., upper) if upper == letters => 2,
        (_, 1) if first => 1,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::{shape, words};

    fn cut(text: &str) -> Vec<&str> {
        words(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn punctuation_stands_alone_and_spaces_vanish() {
        assert_eq!(cut("5-FU (20mg/d),\n\tnaïve."), ["5", "-", "FU", "(", "20mg", "/", "d", ")", ",", "naïve", "."]);
        assert!(cut(" \u{0} \n").is_empty());
    }

    #[test]
    fn letter_case_is_told_apart_in_four_kinds() {
        let shapes: Vec<u32> = ["fever", "42", "Fever", "A", "HTN", "T2DM", "pH", "H1N1"].map(shape).to_vec();
        assert_eq!(shapes, [0, 0, 1, 1, 2, 3, 3, 3]);
    }
}
