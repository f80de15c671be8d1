//! Why mentions were found: what each word of their sentences contributed, as far as the effort goes; without enough of
//! it their own words, checked by hiding them.
//!
//! Contract: mentions that may become cards (stated of the patient, in the table) come first. With fewer than
//! [`POINTS_FROM`] points nothing is integrated: the words of the strongest mentions are replaced by blanks, the windows
//! they stand in are read again, and the explanation is reliable when every score falls.

use super::{
    Notes, Tagged,
    decode::{TAGS, TagScores, spans},
    mentions::{self, Found},
    pieces::{WINDOW, Window},
    reading::Read,
    shares::{Asked, Sentence, Shares},
};
use crate::{
    domain::{Assertion, Attribution, Doubt, Explanation, MentionWords, Note, WordShare},
    models::{
        ModelError,
        attribution::{Effort, path},
    },
};
use std::{cmp::Reverse, collections::BTreeMap, ops::Range};

/// Mentions that are explained.
const EXPLAINED: usize = 8;
/// Fewer points per mention tell nothing …
const POINTS_MIN: usize = 16;
/// … and with fewer in all nothing is begun: a sentence at a point costs as much as reading it two or three times.
const POINTS_FROM: usize = 64;
/// Mentions that are checked by hiding.
const CHECKED: usize = 4;
/// A word that names nothing.
const BLANK: &str = "it";

/// Explains the findings in `notes`, which were tagged before.
///
/// # Errors
/// [`ModelError`] when the arithmetic fails.
pub(super) fn explain(
    model: &Notes,
    notes: &[Note],
    tagged: &Tagged,
    effort: Effort,
) -> Result<Explanation, ModelError> {
    if effort.points_max < POINTS_FROM {
        return hidden(model, notes, tagged);
    }
    let (mentions, spent) = integrated(model, notes, tagged, effort).map_err(|source| model.failed(source))?;
    let worst = mentions.iter().max_by(|a, b| (a.gap / a.tolerance).total_cmp(&(b.gap / b.tolerance)));
    let bounds = worst.map_or((0.0, path::tolerance(0.0)), |worst| (worst.gap, worst.tolerance));
    let parameters = [
        ("rule", "midpoint".to_owned()),
        ("baseline", "the sentence with every word unknown to the network".to_owned()),
        ("score", "log-odds of the mention against nothing, read in its sentence alone".to_owned()),
        ("mentions explained", mentions.len().to_string()),
    ];
    let parameters = parameters.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let doubted = mentions.iter().find(|one| one.doubts.contains(&Doubt::Disagreement)).or(mentions.first());
    let opinion = doubted.and_then(|one| one.second_opinion.clone());
    let words = Attribution::Words { mentions };
    Ok(Explanation::checked("integrated gradients", parameters, bounds, opinion, words)
        .with_work(effort.points_max, spent))
}

/// Integrates for one mention after another until the points are spent.
fn integrated(
    model: &Notes,
    notes: &[Note],
    tagged: &Tagged,
    effort: Effort,
) -> candle_core::Result<(Vec<MentionWords>, usize)> {
    let sentences = tagged.reading.words(notes);
    let found = first_for_cards(model, mentions::find(notes, &tagged.reading, &tagged.scores));
    let (mut left, mut explained) = (effort.points_max, Vec::new());
    for (at, one) in found.iter().enumerate() {
        // What is left is shared evenly, so that the first does not take it all.
        let points = left / (found.len() - at);
        if points < POINTS_MIN && at > 0 {
            break;
        }
        let asked = Asked { sentence: &sentences[one.sentence], kind: one.kind, words: one.words.clone() };
        let Some(sentence) = Sentence::new(model, asked)? else { continue };
        let shares = sentence.shares(Effort::points(points.max(POINTS_MIN)))?;
        left = left.saturating_sub(shares.check.spent);
        explained.push(told(one, &tagged.reading.sentences[one.sentence], shares));
    }
    Ok((explained, effort.points_max - left))
}

/// The mentions to be explained, those that may become cards first.
fn first_for_cards(model: &Notes, found: Vec<Found>) -> Vec<Found> {
    let mut found = found;
    let rank = |one: &Found| {
        let stated = one.mention.assertion == Assertion::Present;
        let coded = one.kind == 0 && model.concepts.find(one.mention.text.expose()).is_some();
        (Reverse(u8::from(stated && coded)), Reverse(u8::from(stated)), Reverse((one.score * 1e3) as i64))
    };
    found.sort_by_key(rank);
    found.truncate(EXPLAINED);
    found
}

/// The shares of one mention with places in the note.
fn told(found: &Found, read: &Read, shares: Shares) -> MentionWords {
    let inside = |range: &Range<usize>| (range.start - read.range.start, range.end - read.range.start);
    let words = read.words.iter().zip(&shares.words).map(|(range, contribution)| {
        let (start, end) = inside(range);
        WordShare { start, end, contribution: *contribution }
    });
    let words: Vec<WordShare> = words.collect();
    let mut doubts = Vec::new();
    let finite = shares.check.gap.is_finite() && words.iter().all(|word| word.contribution.is_finite());
    match finite {
        false => doubts.push(Doubt::NotFinite),
        true if shares.check.gap > shares.check.tolerance => doubts.push(Doubt::Gap),
        true => {}
    }
    doubts.extend(shares.second_opinion.as_ref().filter(|one| !one.agrees).map(|_| Doubt::Disagreement));
    MentionWords {
        note: found.mention.note,
        start: found.mention.start,
        sentence: read.range.start,
        words,
        score: shares.score,
        gap: shares.check.gap,
        tolerance: shares.check.tolerance,
        doubts,
        second_opinion: shares.second_opinion,
    }
}

/// The words themselves, checked by hiding them.
fn hidden(model: &Notes, notes: &[Note], tagged: &Tagged) -> Result<Explanation, ModelError> {
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
    let parameters = parameters.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<BTreeMap<_, _>>();
    Ok(Explanation::checked("the words themselves", parameters, (gap, 0.0), None, Attribution::Spans))
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
