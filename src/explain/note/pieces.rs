//! A sentence cut where its marks and its words begin and end.
//!
//! Contract: the pieces put together are the sentence, for whatever offsets.

use super::{Mark, Sentence};

/// Text, and what it contributed.
type Part<'a> = (&'a str, Option<f64>);

/// A piece of a sentence, in parts by word.
#[derive(Debug, PartialEq)]
pub(super) enum Piece<'a> {
    /// Nothing was found here.
    Plain(Vec<Part<'a>>),
    /// A mention.
    Marked(&'a Mark, Vec<Part<'a>>),
}

pub(super) fn pieces(sentence: &Sentence) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut done = 0;
    for (start, end, mark) in apart(sentence) {
        if done < start {
            pieces.push(Piece::Plain(parts(sentence, done, start)));
        }
        pieces.push(Piece::Marked(mark, parts(sentence, start, end)));
        done = end;
    }
    if done < sentence.text.len() {
        pieces.push(Piece::Plain(parts(sentence, done, sentence.text.len())));
    }
    pieces
}

/// The offset, or the last one before it at which a letter begins.
fn held(text: &str, offset: usize) -> usize {
    text.floor_char_boundary(offset.min(text.len()))
}

/// Marks in order that do not overlap: the focused one stays whole, then the earlier one; of the others what is free.
fn apart(sentence: &Sentence) -> Vec<(usize, usize, &Mark)> {
    let mut marks: Vec<&Mark> = sentence.marks.iter().collect();
    marks.sort_by_key(|mark| (!mark.focus, mark.start, std::cmp::Reverse(mark.end)));
    let mut taken: Vec<(usize, usize, &Mark)> = Vec::with_capacity(marks.len());
    for mark in marks {
        let (mut start, mut end) = (held(&sentence.text, mark.start), held(&sentence.text, mark.end));
        for (from, to, _) in &taken {
            if *from <= start && start < *to {
                start = *to;
            } else if start < *from && *from < end {
                end = *from;
            }
        }
        if start < end {
            taken.push((start, end, mark));
            taken.sort_by_key(|(start, ..)| *start);
        }
    }
    taken
}

/// `from..to` by word.
fn parts(sentence: &Sentence, from: usize, to: usize) -> Vec<Part<'_>> {
    let text = sentence.text.as_str();
    let ends = sentence.words.iter().flat_map(|word| [word.start, word.end]).map(|offset| held(text, offset));
    let mut cuts: Vec<usize> = ends.filter(|cut| from < *cut && *cut < to).chain([from, to]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let part = |pair: &[usize]| {
        let inside = |start: usize, end: usize| held(text, start) <= pair[0] && pair[1] <= held(text, end);
        let word = sentence.words.iter().find(|word| inside(word.start, word.end));
        text.get(pair[0]..pair[1]).map(|text| (text, word.map(|word| word.contribution)))
    };
    cuts.windows(2).filter_map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::{Piece, pieces};
    use crate::{
        domain::{Assertion, WordShare},
        explain::note::{Mark, Sentence, page},
    };

    /// A small generator, so that a failure can be repeated.
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, most: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as usize % most
        }
    }

    fn joined(sentence: &Sentence) -> String {
        let parts = pieces(sentence).into_iter().flat_map(|piece| match piece {
            Piece::Plain(parts) | Piece::Marked(_, parts) => parts,
        });
        parts.map(|(text, _)| text.to_owned()).collect()
    }

    fn thrown(dice: &mut Dice) -> Sentence {
        let texts = ["", "Fièvre à 39 °C – 肺炎 sans toux 🫁.", "no fever", "é"];
        let mark = |dice: &mut Dice| Mark {
            start: if dice.below(20) == 0 { usize::MAX } else { dice.below(60) },
            end: if dice.below(20) == 0 { usize::MAX } else { dice.below(60) },
            label: "Disease".into(),
            assertion: Assertion::Negated,
            focus: dice.below(3) == 0,
            probability_words: String::new(),
        };
        let word = |dice: &mut Dice| WordShare {
            start: dice.below(60),
            end: dice.below(60),
            contribution: dice.below(9) as f64 - 4.0,
        };
        Sentence {
            note_title: None,
            written: None,
            text: texts[dice.below(texts.len())].into(),
            gap_before: false,
            marks: (0..dice.below(5)).map(|_| mark(dice)).collect(),
            words: (0..dice.below(5)).map(|_| word(dice)).collect(),
        }
    }

    #[test]
    fn whatever_the_offsets_say_the_sentence_is_shown_once_and_in_order() {
        let mut dice = Dice(7);
        for _ in 0..5000 {
            let sentence = thrown(&mut dice);
            assert_eq!(joined(&sentence), sentence.text, "{sentence:?}");
            let _page = page(&[sentence]);
        }
    }

    #[test]
    fn the_focused_mention_stays_whole_where_another_overlaps() {
        let mut sentence = thrown(&mut Dice(1));
        let mark = |start, end, focus| Mark {
            start,
            end,
            label: "Disease".into(),
            assertion: Assertion::Present,
            focus,
            probability_words: String::new(),
        };
        sentence.text = "acute renal failure".into();
        sentence.words.clear();
        sentence.marks = vec![mark(0, 19, false), mark(6, 11, true)];
        let texts: Vec<(bool, &str)> = pieces(&sentence)
            .into_iter()
            .map(|piece| match piece {
                Piece::Plain(parts) => (false, parts[0].0),
                Piece::Marked(mark, parts) => (mark.focus, parts[0].0),
            })
            .collect();
        assert_eq!(texts, [(false, "acute "), (true, "renal"), (false, " failure")]);
    }
}
