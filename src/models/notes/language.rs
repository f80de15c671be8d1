//! Whether a note is text the network can read: English in Latin letters.
//!
//! Contract: a cheap filter that errs on the side of reading; telegraphic notes (`HTN, DM2, on metformin`) pass.

use super::words::words;

const ENGLISH: [&str; 48] = [
    "the", "of", "and", "to", "with", "for", "is", "was", "in", "on", "at", "he", "she", "his", "her", "patient",
    "history", "has", "had", "or", "by", "as", "from", "are", "not", "this", "that", "pain", "denies", "which", "were",
    "been", "be", "an", "it", "there", "have", "daily", "left", "right", "normal", "we", "i", "will", "after", "who",
    "then", "but",
];

/// Common words of German, French, Spanish, Italian, Portuguese and Dutch that are not English ones.
const OTHERS: [&str; 72] = [
    "der",
    "und",
    "mit",
    "keine",
    "nicht",
    "ist",
    "dem",
    "den",
    "ein",
    "eine",
    "einer",
    "für",
    "auf",
    "von",
    "zu",
    "wurde",
    "im",
    "bei",
    "das",
    "patientin",
    "seit",
    "le",
    "les",
    "une",
    "est",
    "avec",
    "pour",
    "dans",
    "sans",
    "du",
    "et",
    "au",
    "aux",
    "chez",
    "elle",
    "sur",
    "el",
    "los",
    "las",
    "una",
    "del",
    "paciente",
    "que",
    "y",
    "se",
    "al",
    "il",
    "della",
    "che",
    "di",
    "è",
    "nel",
    "paziente",
    "os",
    "em",
    "uma",
    "um",
    "não",
    "da",
    "ao",
    "com",
    "het",
    "een",
    "en",
    "niet",
    "van",
    "werd",
    "zijn",
    "antécédents",
    "sin",
    "por",
    "para",
];

/// Fewest words worth reading.
pub const WORDS_MIN: usize = 2;

/// Why a note is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// Nothing to read.
    TooShort,
    /// Another language or script, or no language at all.
    NotEnglish,
}

/// Nothing when the note can be read.
#[must_use]
pub fn unread(text: &str) -> Option<Unread> {
    let lower: Vec<String> = words(text)
        .into_iter()
        .map(|word| text[word].to_lowercase())
        .filter(|word| word.chars().any(char::is_alphabetic))
        .collect();
    if lower.len() < WORDS_MIN {
        return Some(Unread::TooShort);
    }
    let letters = text.chars().filter(|c| c.is_alphabetic());
    let (latin, foreign) =
        letters.fold(
            (0, 0),
            |(latin, foreign), c| {
                if (c as u32) < 0x250 { (latin + 1, foreign) } else { (latin, foreign + 1) }
            },
        );
    let count = |list: &[&str]| lower.iter().filter(|word| list.contains(&word.as_str())).count();
    let (english, other) = (count(&ENGLISH), count(&OTHERS));
    let noise = lower.len() >= 60 && english * 100 < lower.len();
    let strange = foreign * 2 > latin || (other >= 2 && other > english) || noise;
    strange.then_some(Unread::NotEnglish)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_notes_pass_however_short_of_words() {
        for text in [
            "HTN, DM2, CHF.\nMeds: metformin 500 mg b.i.d., lisinopril",
            "The patient denies chest pain.",
            "PT SEEN AND EXAMINED. LUNGS CLEAR.",
            "Se 140, Na 138. El Paso clinic visit with the patient today for asthma.",
        ] {
            assert_eq!(unread(text), None, "{text}");
        }
    }

    #[test]
    fn other_languages_scripts_and_nothing_do_not() {
        for text in [
            "Der Patient klagt über Brustschmerzen und Atemnot, keine Übelkeit.",
            "Le patient est admis pour une douleur thoracique sans fièvre.",
            "El paciente no tiene fiebre y se queja de dolor en el pecho.",
            "患者は胸の痛みを訴えている ABC 発熱なし",
        ] {
            assert_eq!(unread(text), Some(Unread::NotEnglish), "{text}");
        }
        for text in ["", "  \n", "120/80 98.6", "Cough"] {
            assert_eq!(unread(text), Some(Unread::TooShort), "{text}");
        }
    }
}
