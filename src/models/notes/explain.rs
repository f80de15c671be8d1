//! Why a mention was found: its own words, checked by hiding them.
//!
//! Contract: for each of the strongest mentions its words are replaced by a blank and the sentence is read again; the
//! explanation is reliable when every score falls. Nothing finer is claimed.

use super::{
    Notes, Tagged,
    decode::{TAGS, TagScores, spans},
};
use crate::{
    domain::{Attribution, Explanation, Note},
    models::ModelError,
};
use std::{cmp::Reverse, collections::BTreeMap, ops::Range};

/// Mentions that are checked.
const CHECKED: usize = 4;
/// A word that names nothing.
const BLANK: &str = "it";

/// Explains the findings in `notes`, which were tagged before.
///
/// # Errors
/// [`ModelError`] when the arithmetic fails.
pub(super) fn explain(model: &Notes, notes: &[Note], tagged: &Tagged) -> Result<Explanation, ModelError> {
    let (sentences, scores) = (tagged.reading.words(notes), &tagged.scores);
    let mut strongest: Vec<(usize, usize, Range<usize>)> = Vec::new();
    for (index, scores) in scores.iter().enumerate() {
        strongest.extend(spans(scores).into_iter().map(|span| (index, span.kind, span.words)));
    }
    strongest.sort_by_key(|(index, kind, words)| Reverse((kind_score(&scores[*index], *kind, words) * 1e3) as i64));
    strongest.truncate(CHECKED);
    let hidden: Vec<Vec<&str>> = strongest.iter().map(|(index, _, words)| blanked(&sentences[*index], words)).collect();
    let again = model.tag_words(&hidden)?;
    let changes = strongest.iter().zip(&again).map(|((index, kind, words), again)| {
        kind_score(again, *kind, words) - kind_score(&scores[*index], *kind, words)
    });
    let gap = changes.fold(0.0, f64::max);
    let parameters = [
        ("check", "score with the mention's words hidden less score with them; the greatest, 0 if all fall".to_owned()),
        ("blank", BLANK.to_owned()),
        ("mentions checked", strongest.len().to_string()),
    ];
    Ok(Explanation {
        method: "the words themselves".to_owned(),
        parameters: parameters.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<BTreeMap<_, _>>(),
        gap,
        tolerance: 0.0,
        reliable: gap <= 0.0,
        attribution: Attribution::Spans,
    })
}

fn blanked<'a>(words: &[&'a str], hidden: &Range<usize>) -> Vec<&'a str> {
    words.iter().enumerate().map(|(at, word)| if hidden.contains(&at) { BLANK } else { word }).collect()
}

/// Mean over the words of the log-odds that they are of this kind.
fn kind_score(scores: &[TagScores], kind: usize, words: &Range<usize>) -> f64 {
    let odds = |word: &TagScores| {
        let of_kind = f64::from(word[2 * kind + 1].exp() + word[2 * kind + 2].exp());
        let rest = (0..TAGS.len())
            .filter(|tag| tag.div_ceil(2) != kind + 1)
            .map(|tag| f64::from(word[tag].exp()))
            .sum::<f64>();
        of_kind.max(1e-7).ln() - rest.max(1e-7).ln()
    };
    scores[words.clone()].iter().map(odds).sum::<f64>() / words.len().max(1) as f64
}
