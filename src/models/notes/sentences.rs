//! A note → sentences, each with the section it stands in.
//!
//! Contract: ranges are in order, do not overlap, begin and end on visible characters and hold a letter. Section
//! headers themselves belong to no sentence. Short clinical lines without full stops are sentences of their own.

use std::ops::Range;

/// What a section says about everything in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Section {
    /// Nothing special.
    #[default]
    Plain,
    /// Family history.
    Family,
    /// Past medical history.
    Past,
    /// Allergies: named substances are not taken.
    Allergies,
}

/// A sentence of a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// Bytes of the note.
    pub range: Range<usize>,
    /// Its section.
    pub section: Section,
}

/// Headers that change what a mention means.
const SPECIAL: [(&str, Section); 17] = [
    ("family history", Section::Family),
    ("family medical history", Section::Family),
    ("fh", Section::Family),
    ("fhx", Section::Family),
    ("fam hx", Section::Family),
    ("past medical history", Section::Past),
    ("past history", Section::Past),
    ("past medical and surgical history", Section::Past),
    ("past surgical history", Section::Past),
    ("medical history", Section::Past),
    ("pmh", Section::Past),
    ("pmhx", Section::Past),
    ("psh", Section::Past),
    ("allergies", Section::Allergies),
    ("drug allergies", Section::Allergies),
    ("allergies and intolerances", Section::Allergies),
    ("medication allergies", Section::Allergies),
];

/// Headers that only end the section before them.
const ORDINARY: [&str; 44] = [
    "history of present illness",
    "hpi",
    "present illness",
    "chief complaint",
    "cc",
    "reason for visit",
    "reason for consultation",
    "history",
    "subjective",
    "objective",
    "assessment",
    "plan",
    "assessment and plan",
    "a p",
    "impression",
    "diagnosis",
    "diagnoses",
    "discharge diagnosis",
    "discharge diagnoses",
    "admission diagnosis",
    "preoperative diagnosis",
    "postoperative diagnosis",
    "final diagnosis",
    "problem list",
    "problems",
    "active problems",
    "hospital course",
    "medications",
    "current medications",
    "discharge medications",
    "home medications",
    "meds",
    "physical examination",
    "physical exam",
    "examination",
    "exam",
    "vital signs",
    "vitals",
    "laboratory data",
    "labs",
    "review of systems",
    "ros",
    "social history",
    "findings",
];

/// Tokens after which a full stop does not end a sentence.
const ABBREVIATIONS: [&str; 24] = [
    "dr", "mr", "mrs", "ms", "prof", "st", "vs", "eg", "ie", "etc", "approx", "no", "pt", "pts", "fig", "dept", "inc",
    "mg", "ml", "hr", "hrs", "min", "wt", "temp",
];

/// The sentences of a note.
#[must_use]
pub fn sentences(text: &str) -> Vec<Sentence> {
    let mut found = Vec::new();
    let (mut section, mut filled) = (Section::Plain, false);
    for block in blocks(text) {
        if block.start == block.end {
            // A blank line ends a section that has said something.
            section = if filled { Section::Plain } else { section };
            continue;
        }
        for part in split(text, block) {
            let (header, body) = header(text, part);
            if let Some(header) = header {
                (section, filled) = (header, false);
            }
            let body = trim(text, body);
            if text[body.clone()].chars().any(char::is_alphabetic) {
                filled = true;
                found.push(Sentence { range: body, section });
            }
        }
    }
    found
}

/// Lines, joined where a sentence runs on; an empty range stands for a blank line.
fn blocks(text: &str) -> Vec<Range<usize>> {
    let mut blocks: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let range = trim(text, start..start + line.len());
        start += line.len();
        let runs_on = text[range.clone()].starts_with(char::is_lowercase);
        match blocks.last_mut() {
            Some(last)
                if runs_on && last.start < last.end && !text[last.clone()].ends_with(['.', ':', ';', '!', '?']) =>
            {
                last.end = range.end;
            }
            _ => blocks.push(range),
        }
    }
    blocks
}

/// Cuts a block after `.`, `!` and `?` that end a sentence.
fn split(text: &str, block: Range<usize>) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut start = block.start;
    for (at, c) in text[block.clone()].char_indices().filter(|(_, c)| matches!(c, '.' | '!' | '?')) {
        let (at, after) = (block.start + at, block.start + at + c.len_utf8());
        if ends(&text[start..at], &text[after..block.end], c) {
            parts.push(start..after);
            start = after;
        }
    }
    parts.push(start..block.end);
    parts.into_iter().map(|part| trim(text, part)).filter(|part| !part.is_empty()).collect()
}

fn ends(before: &str, after: &str, mark: char) -> bool {
    let Some(gap) = after.chars().next() else { return true };
    let next = after.trim_start_matches([' ', '\t', '\n', ',']).chars().next();
    let opens = next.is_none_or(|c| c.is_uppercase() || c.is_ascii_digit() || matches!(c, '-' | '#' | '*' | '('));
    if !(gap.is_whitespace() || gap == ',') || !opens {
        return false;
    }
    if mark != '.' {
        return true;
    }
    let token = before.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or("");
    let numbering =
        !token.is_empty() && token.bytes().all(|b| b.is_ascii_digit()) && before.trim_start().len() == token.len();
    let initial = token.chars().count() == 1 && token.chars().all(char::is_alphabetic);
    // `b.i.d. Continue` ends a sentence, `J. Smith` does not.
    let letters = initial && before.len() > token.len() && before[..before.len() - token.len()].ends_with('.');
    !numbering && (!initial || letters) && !ABBREVIATIONS.contains(&token.to_lowercase().as_str())
}

/// The section a sentence opens, if it begins with a header, and the rest of it.
fn header(text: &str, range: Range<usize>) -> (Option<Section>, Range<usize>) {
    let body = &text[range.clone()];
    let (name, colon) = match body.find(':') {
        Some(at) if at <= 60 => (&body[..at], at + 1),
        _ => (body, body.len()),
    };
    let lower = name.to_lowercase().replace(['/', '&', '.', '-'], " ");
    let name_words = lower.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((_, section)) = SPECIAL.iter().find(|(known, _)| *known == name_words) {
        return (Some(*section), range.start + colon..range.end);
    }
    if ORDINARY.contains(&name_words.as_str()) {
        return (Some(Section::Plain), range.start + colon..range.end);
    }
    // An unknown header in capitals ends the section, but its words stay: they may name a problem.
    let letters = name.chars().filter(|c| c.is_alphabetic()).count();
    let capitals = colon < body.len() && letters > 3 && !name.chars().any(char::is_lowercase);
    (capitals.then_some(Section::Plain), range)
}

fn trim(text: &str, range: Range<usize>) -> Range<usize> {
    let body = &text[range.clone()];
    let start = range.start + body.len() - body.trim_start_matches(|c: char| c.is_whitespace() || c == ',').len();
    let end = range.start + body.trim_end().len();
    start..end.max(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<(&str, Section)> {
        sentences(text).into_iter().map(|one| (&text[one.range], one.section)).collect()
    }

    #[test]
    fn abbreviations_numbers_and_numbering_do_not_end_a_sentence() {
        let text = "Seen by Dr. Jones at 3.5 hours. Takes aspirin 81 mg p.o. daily! No pain?\n1. Gout.";
        let found: Vec<&str> = cut(text).into_iter().map(|(sentence, _)| sentence).collect();
        assert_eq!(
            found,
            ["Seen by Dr. Jones at 3.5 hours.", "Takes aspirin 81 mg p.o. daily!", "No pain?", "1. Gout."]
        );
    }

    #[test]
    fn wrapped_lines_are_joined_and_list_lines_are_not() {
        let text = "She was admitted with fever\nand cough.\nHTN\nDM2\n- Asthma";
        let found: Vec<&str> = cut(text).into_iter().map(|(sentence, _)| sentence).collect();
        assert_eq!(found, ["She was admitted with fever\nand cough.", "HTN", "DM2", "- Asthma"]);
    }

    #[test]
    fn headers_set_the_section_until_the_next_one_or_a_blank_line() {
        let text = "PAST MEDICAL HISTORY:\n\n1. HTN.\n2. Gout.\n\nWell today.\nFamily History: Father with MI. ALLERGIES: Penicillin.\n\nHPI: Cough.\nGI BLEED: none.";
        assert_eq!(
            cut(text),
            [
                ("1. HTN.", Section::Past),
                ("2. Gout.", Section::Past),
                ("Well today.", Section::Plain),
                ("Father with MI.", Section::Family),
                ("Penicillin.", Section::Allergies),
                ("Cough.", Section::Plain),
                ("GI BLEED: none.", Section::Plain),
            ]
        );
    }

    #[test]
    fn any_text_gives_ordered_ranges_on_character_borders() {
        for text in ["", "\n\n", ":", "...", "é. Ü", "a.\u{a0}B", "Mr.", "x: y: z", "…, 日本. 語", "- \n -"] {
            let mut end = 0;
            for sentence in sentences(text) {
                assert!(sentence.range.start >= end && !text[sentence.range.clone()].trim().is_empty(), "{text:?}");
                end = sentence.range.end;
            }
        }
    }
}
