//! Corpora as notes: text in, mentions with byte offsets out, as the service reads and answers.
//!
//! Contract: a trial is [`DOCUMENT`] sentences in a row, words joined by spaces, a sentence per line; its spans are bytes
//! of that text. Mentions of kinds the corpus does not mark are not counted.

use super::{DOCUMENT, corpora, golden};
use crate::{
    models::notes::decode::KINDS,
    training::{
        Split, TrainingError,
        ner_data::Sentence,
        trial::{Span, Trial, Truth},
    },
};
use std::{collections::BTreeMap, path::Path};

/// Trials that are resampled together: their sentences may come from one abstract.
const CLUSTER: usize = 5;

/// All trials of a split.
///
/// # Errors
/// [`TrainingError`] when the data cannot be read.
pub fn trials(data: &Path, split: Split) -> Result<Vec<Trial>, TrainingError> {
    let each = corpora(data, split)?.into_iter().flat_map(|corpus| {
        let marked = if corpus.chemicals { KINDS.len() } else { 1 };
        let kinds: Vec<String> = KINDS[..marked].iter().map(|kind| (*kind).to_owned()).collect();
        let documents = corpus.sentences.chunks(DOCUMENT).enumerate();
        documents
            .map(|(at, sentences)| {
                let (text, spans) = text(sentences);
                Trial {
                    name: format!(
                        "{} sentences {} to {}",
                        corpus.name,
                        at * DOCUMENT + 1,
                        at * DOCUMENT + sentences.len()
                    ),
                    cluster: format!("{} {}", corpus.name, at / CLUSTER),
                    input: golden::input(&text),
                    truth: Truth::Mentions { spans, kinds: kinds.clone() },
                    groups: BTreeMap::from([("corpus".to_owned(), corpus.name.clone())]),
                }
            })
            .collect::<Vec<_>>()
    });
    Ok(each.collect())
}

/// The text of some sentences and where its mentions stand.
fn text(sentences: &[Sentence]) -> (String, Vec<Span>) {
    let (mut text, mut spans) = (String::new(), Vec::new());
    for sentence in sentences {
        let mut places = Vec::with_capacity(sentence.words.len());
        for word in &sentence.words {
            if !places.is_empty() {
                text.push(' ');
            }
            places.push(text.len()..text.len() + word.len());
            text.push_str(word);
        }
        let span = |(kind, from, to): (usize, usize, usize)| Span {
            start: places[from].start,
            end: places[to - 1].end,
            kind: KINDS[kind].to_owned(),
        };
        spans.extend(sentence.mentions().into_iter().map(span));
        text.push('\n');
    }
    (text, spans)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_bytes_of_the_text() {
        let sentence = |words: &[&str], tags: &[usize]| Sentence {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            tags: tags.to_vec(),
            chemicals: true,
        };
        let (text, spans) = text(&[
            sentence(&["Ménière", "disease", "on", "naproxen", "."], &[1, 2, 0, 3, 0]),
            sentence(&["Gout", "."], &[1, 0]),
        ]);
        assert_eq!(text, "Ménière disease on naproxen .\nGout .\n");
        let said: Vec<(&str, &str)> = spans.iter().map(|s| (s.kind.as_str(), &text[s.start..s.end])).collect();
        assert_eq!(said, [("Disease", "Ménière disease"), ("Chemical", "naproxen"), ("Disease", "Gout")]);
    }
}
