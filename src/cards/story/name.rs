//! How a name is shown: translated where there is a translation, tidied, and cut where it is long.
//!
//! Contract: total; the result has no braces, line breaks, double quotes or runs of spaces, does not end in a full
//! stop, and never shows half a number.

use super::{
    chinese::{self, Kind},
    language::Language,
};

/// Characters of a name that are shown.
const CHARS_MAX: usize = 60;

/// A part of a picture as displayed, in rows from the top left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Top row.
    UpperLeft,
    /// Top row.
    UpperMiddle,
    /// Top row.
    UpperRight,
    /// Middle row.
    MiddleLeft,
    /// Middle row.
    Centre,
    /// Middle row.
    MiddleRight,
    /// Bottom row.
    LowerLeft,
    /// Bottom row.
    LowerMiddle,
    /// Bottom row.
    LowerRight,
}

impl Place {
    /// The ninths of a picture, row by row from the top left.
    pub const ALL: [Self; 9] = [
        Self::UpperLeft,
        Self::UpperMiddle,
        Self::UpperRight,
        Self::MiddleLeft,
        Self::Centre,
        Self::MiddleRight,
        Self::LowerLeft,
        Self::LowerMiddle,
        Self::LowerRight,
    ];

    /// In words. Left is left on the screen, which on a film is mostly the patient's right.
    #[must_use]
    pub const fn words(self, language: Language) -> &'static str {
        let (english, chinese) = match self {
            Self::UpperLeft => ("upper left part of the picture", "图像左上部"),
            Self::UpperMiddle => ("upper middle part of the picture", "图像上部中间"),
            Self::UpperRight => ("upper right part of the picture", "图像右上部"),
            Self::MiddleLeft => ("middle left part of the picture", "图像左侧中部"),
            Self::Centre => ("centre of the picture", "图像中央"),
            Self::MiddleRight => ("middle right part of the picture", "图像右侧中部"),
            Self::LowerLeft => ("lower left part of the picture", "图像左下部"),
            Self::LowerMiddle => ("lower middle part of the picture", "图像下部中间"),
            Self::LowerRight => ("lower right part of the picture", "图像右下部"),
        };
        match language {
            Language::English => english,
            Language::Chinese => chinese,
        }
    }
}

/// A label, a finding or something missing, as the story shows it; nothing when it has no letters.
pub fn shown(label: &str, language: Language) -> Option<String> {
    let translated = match language {
        Language::English => None,
        Language::Chinese => chinese::lookup(label).map(|one| one.0),
    };
    let name = translated.unwrap_or_else(|| short(tidy(label)));
    name.chars().any(char::is_alphabetic).then_some(name)
}

/// Words of a note as the story shows them, between quotation marks; never translated.
pub fn quoted(words: &str) -> Option<String> {
    Some(cut(tidy(words))).filter(|words| !words.is_empty())
}

/// What a name stands for; nothing is known of a name that is not in the table.
pub fn kind(label: &str) -> Kind {
    chinese::lookup(label).map_or(Kind::Lacking, |one| one.1)
}

fn tidy(text: &str) -> String {
    let plain = |letter: char| match letter {
        '{' => '(',
        '}' => ')',
        '“' | '”' | '"' => '\'',
        control if control.is_control() => ' ',
        other => other,
    };
    let text: String = text.chars().map(plain).collect();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.trim_end_matches(['.', '。', ' ']).to_owned()
}

/// A long name without its bracket, and cut if that does not suffice.
fn short(name: String) -> String {
    match name.split_once(" (") {
        Some((head, _)) if name.chars().count() > CHARS_MAX => cut(head.to_owned()),
        _ => cut(name),
    }
}

/// Cut at a space, or at least not within a number.
fn cut(name: String) -> String {
    if name.chars().count() <= CHARS_MAX {
        return name;
    }
    let head: String = name.chars().take(CHARS_MAX - 1).collect();
    let whole = head.rsplit_once(' ').map_or(head.as_str(), |(whole, _)| whole);
    let number = |letter: char| letter.is_numeric() || letter.is_ascii_punctuation();
    format!("{}…", whole.trim_end_matches(number).trim_end())
}

#[cfg(test)]
mod tests {
    use super::{CHARS_MAX, Place, quoted, shown};
    use crate::cards::story::Language::{Chinese, English};
    use proptest::prelude::*;

    #[test]
    fn names_are_translated_where_the_table_knows_them_and_stay_english_elsewhere() {
        assert_eq!(shown("lactate", Chinese).as_deref(), Some("乳酸"));
        assert_eq!(shown("lactate", English).as_deref(), Some("lactate"));
        assert_eq!(shown("anion gap", Chinese).as_deref(), Some("anion gap"));
        assert_eq!(shown("12", English), None);
    }

    #[test]
    fn long_names_lose_their_bracket_and_are_never_cut_within_a_number() {
        let long = "training films of adults (the network learned from patients of 1 to 5 years only; nobody knows)";
        assert_eq!(shown(long, English).as_deref(), Some("training films of adults"));
        let cut = quoted(&format!("{} 123456 and more", "x".repeat(CHARS_MAX - 4)));
        assert_eq!(cut, Some(format!("{}…", "x".repeat(CHARS_MAX - 4))));
        assert_eq!(quoted(&"7".repeat(90)).as_deref(), Some("…"));
        assert_eq!(quoted(" a  “b”\n{c}. ").as_deref(), Some("a 'b' (c)"));
    }

    #[test]
    fn every_place_has_words_of_its_own() {
        for language in [English, Chinese] {
            let words: std::collections::BTreeSet<_> = Place::ALL.map(|place| place.words(language)).into();
            assert_eq!(words.len(), 9);
        }
    }

    proptest! {
        #[test]
        fn every_name_is_short_and_tidy(text in "\\PC{0,90}", language in prop_oneof![Just(English), Just(Chinese)]) {
            for name in [shown(&text, language), quoted(&text)].into_iter().flatten() {
                let bad = ['{', '}', '“', '”', '"', '\n'];
                prop_assert!(name.chars().count() <= CHARS_MAX && !name.contains(bad));
                prop_assert!(!name.contains("  ") && !name.ends_with('.'));
            }
        }
    }
}
