//! Tag scores → spans: the best legal sequence of BIO tags, and how sure each span is.
//!
//! Contract: `I-X` follows only `B-X` or `I-X`; spans never overlap; a span's score is finite.

use std::ops::Range;

/// The tags, in the order of the network's last layer.
pub const TAGS: [&str; 5] = ["O", "B-Disease", "I-Disease", "B-Chemical", "I-Chemical"];
/// What the network finds: tags 1, 2 are the first, 3, 4 the second.
pub const KINDS: [&str; 2] = ["Disease", "Chemical"];
/// Bound of a score: a margin beyond it says no more.
const MARGIN: f32 = 16.0;

/// Log-probabilities of the tags of one word.
pub type TagScores = [f32; TAGS.len()];

/// A mention as words of a sentence.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// Index into [`KINDS`].
    pub kind: usize,
    /// Words.
    pub words: Range<usize>,
    /// The weakest of its words' log-odds for the decoded tag, and of the border's after it: high only if every part
    /// of the span is sure.
    pub score: f64,
}

/// The spans of the most probable legal tag sequence (Viterbi over BIO constraints).
#[must_use]
pub fn spans(scores: &[TagScores]) -> Vec<Span> {
    let tags = best_tags(scores);
    let mut spans = Vec::new();
    let mut at = 0;
    while at < tags.len() {
        let tag = tags[at];
        let start = at;
        at += 1;
        if tag.is_multiple_of(2) {
            continue;
        }
        while at < tags.len() && tags[at] == tag + 1 {
            at += 1;
        }
        let inner = (start..at).map(|word| log_odds(&scores[word], tags[word]));
        let border = scores.get(at).map(|next| -log_odds(next, tag + 1));
        let score = inner.chain(border).fold(MARGIN, f32::min).max(-MARGIN);
        spans.push(Span { kind: tag / 2, words: start..at, score: f64::from(score) });
    }
    spans
}

/// Whether `tag` may follow `before`.
#[must_use]
pub const fn legal(before: usize, tag: usize) -> bool {
    tag == 0 || tag % 2 == 1 || before == tag || before + 1 == tag
}

fn best_tags(scores: &[TagScores]) -> Vec<usize> {
    let mut best: TagScores = [0.0; TAGS.len()];
    let mut from: Vec<[usize; TAGS.len()]> = Vec::with_capacity(scores.len());
    for (index, word) in scores.iter().enumerate() {
        let mut next = [f32::NEG_INFINITY; TAGS.len()];
        let mut back = [0; TAGS.len()];
        for (tag, ((next, back), score)) in next.iter_mut().zip(&mut back).zip(word).enumerate() {
            for before in (0..TAGS.len()).filter(|&before| legal(before, tag) && (index > 0 || before == 0)) {
                if best[before] + score > *next {
                    (*next, *back) = (best[before] + score, before);
                }
            }
        }
        best = next;
        from.push(back);
    }
    let mut tag = (0..TAGS.len()).fold(0, |top, tag| if best[tag] > best[top] { tag } else { top });
    let mut tags = vec![0; scores.len()];
    for index in (0..scores.len()).rev() {
        tags[index] = tag;
        tag = from[index][tag];
    }
    tags
}

/// log p − log(1 − p), bounded.
fn log_odds(word: &TagScores, tag: usize) -> f32 {
    let rest: f32 = (0..TAGS.len()).filter(|&other| other != tag).map(|other| word[other].exp()).sum();
    (word[tag] - rest.max(1e-9).ln()).clamp(-MARGIN, MARGIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Log-probabilities with `p` on the given tag, the rest shared.
    fn word(tag: usize, p: f32) -> TagScores {
        let mut scores = [((1.0 - p) / 4.0).ln(); TAGS.len()];
        scores[tag] = p.ln();
        scores
    }

    #[test]
    fn neighbouring_spans_are_kept_apart_and_scored_by_their_weakest_part() {
        let found = spans(&[word(0, 0.9), word(1, 0.9), word(2, 0.6), word(1, 0.9), word(3, 0.8), word(0, 0.99)]);
        let ranges: Vec<_> = found.iter().map(|span| (span.kind, span.words.clone())).collect();
        assert_eq!(ranges, [(0, 1..3), (0, 3..4), (1, 4..5)]);
        assert!((found[0].score - f64::from((0.6f32 / 0.4).ln())).abs() < 1e-5);
    }

    #[test]
    fn an_inside_tag_never_stands_without_its_beginning() {
        let found = spans(&[word(2, 0.9), word(2, 0.9), word(4, 0.7)]);
        for span in &found {
            assert!(span.words.start < span.words.end);
        }
        assert_eq!(found.first().map(|span| span.words.clone()), Some(0..2));
        assert!(spans(&[]).is_empty());
    }

    #[test]
    fn certainty_beyond_all_measure_stays_finite() {
        let mut sure = [f32::NEG_INFINITY; TAGS.len()];
        sure[1] = 0.0;
        assert!(spans(&[sure])[0].score.is_finite());
    }
}
