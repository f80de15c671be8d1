//! Why a mention was found: its own words, checked by hiding them.
//!
//! Contract: the words of the strongest mentions are replaced by blanks and the windows they stand in are read again; the
//! explanation is reliable when every score falls. Nothing finer is claimed.

use super::{
    Notes, Tagged,
    decode::{TAGS, TagScores, spans},
    pieces::{WINDOW, Window},
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
    let mut hidden = sentences;
    for (index, _, words) in &strongest {
        hidden[*index][words.clone()].fill(BLANK);
    }
    let again = again(model, tagged, &hidden, |sentence| strongest.iter().any(|(index, ..)| *index == sentence))?;
    let changes = strongest.iter().map(|(index, kind, words)| {
        kind_score(&again[*index], *kind, words) - kind_score(&scores[*index], *kind, words)
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

/// Tags of the changed sentences, each read in the same window as before; the other sentences' are empty.
fn again(
    model: &Notes,
    tagged: &Tagged,
    words: &[Vec<&str>],
    changed: impl Fn(usize) -> bool,
) -> Result<Vec<Vec<TagScores>>, ModelError> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for document in tagged.reading.document_ranges() {
        let windows = model.pieces.windows(&words[document.clone()], WINDOW);
        let inside = |window: Window| document.start + window.sentences.start..document.start + window.sentences.end;
        ranges.extend(windows.into_iter().map(inside).filter(|range| range.clone().any(&changed)));
    }
    // A sentence longer than a window stands in several of them: once is enough.
    ranges.dedup_by(|next, before| {
        next.start < before.end && {
            before.end = before.end.max(next.end);
            true
        }
    });
    let documents: Vec<Vec<&Vec<&str>>> = ranges.iter().map(|range| words[range.clone()].iter().collect()).collect();
    let mut all = vec![Vec::new(); words.len()];
    for (range, document) in ranges.into_iter().zip(model.read_documents(&documents)?) {
        range.zip(document.scores).for_each(|(index, scores)| all[index] = scores);
    }
    Ok(all)
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
