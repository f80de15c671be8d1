//! Exact-span counts: a mention is found when both borders and the kind are right.

use crate::{
    models::notes::decode::{KINDS, Span},
    training::ner_data::Sentence,
};
use std::collections::BTreeMap;

/// Predicted, marked and rightly predicted mentions.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Predicted.
    pub predicted: usize,
    /// Marked in the corpus.
    pub marked: usize,
    /// Both.
    pub right: usize,
}

impl Counts {
    /// Right among predicted; 0 without predictions.
    #[must_use]
    pub fn precision(&self) -> f64 {
        self.right as f64 / self.predicted.max(1) as f64
    }

    /// Right among marked; 0 without marks.
    #[must_use]
    pub fn recall(&self) -> f64 {
        self.right as f64 / self.marked.max(1) as f64
    }

    /// Harmonic mean of the two.
    #[must_use]
    pub fn f1(&self) -> f64 {
        2.0 * self.right as f64 / (self.predicted + self.marked).max(1) as f64
    }

    fn and(self, other: Self) -> Self {
        Self {
            predicted: self.predicted + other.predicted,
            marked: self.marked + other.marked,
            right: self.right + other.right,
        }
    }
}

/// Counts per kind, with the scores of all predictions for calibration.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    /// In the order of [`KINDS`].
    pub kinds: [Counts; KINDS.len()],
    /// (kind, score, right) of every prediction.
    pub scored: Vec<(usize, f64, bool)>,
}

impl Tally {
    /// Adds one sentence. Kinds that its corpus does not mark are left out on both sides.
    pub fn add(&mut self, sentence: &Sentence, spans: &[Span]) {
        let mentions = sentence.mentions();
        for (kind, ..) in &mentions {
            self.kinds[*kind].marked += 1;
        }
        for span in spans.iter().filter(|span| span.kind == 0 || sentence.chemicals) {
            let right = mentions.contains(&(span.kind, span.words.start, span.words.end));
            self.kinds[span.kind].predicted += 1;
            self.kinds[span.kind].right += usize::from(right);
            self.scored.push((span.kind, span.score, right));
        }
    }

    /// All kinds together.
    #[must_use]
    pub fn micro(&self) -> Counts {
        self.kinds.iter().fold(Counts::default(), |sum, counts| sum.and(*counts))
    }

    /// Only the spans that `fires` accepts, by kind and score.
    #[must_use]
    pub fn firing(&self, fires: &impl Fn(usize, f64) -> bool) -> Self {
        let mut kept = Self::default();
        kept.kinds.iter_mut().zip(&self.kinds).for_each(|(mine, all)| mine.marked = all.marked);
        for (kind, score, right) in self.scored.iter().filter(|(kind, score, _)| fires(*kind, *score)) {
            kept.kinds[*kind].predicted += 1;
            kept.kinds[*kind].right += usize::from(*right);
            kept.scored.push((*kind, *score, *right));
        }
        kept
    }

    /// Adds the counts of another tally, without its scores.
    pub fn count(&mut self, other: &Self) {
        for (mine, theirs) in self.kinds.iter_mut().zip(&other.kinds) {
            *mine = mine.and(*theirs);
        }
    }

    /// Adds another tally to this one.
    pub fn extend(&mut self, other: &Self) {
        for (mine, theirs) in self.kinds.iter_mut().zip(&other.kinds) {
            *mine = mine.and(*theirs);
        }
        self.scored.extend_from_slice(&other.scored);
    }

    /// `f1`, `precision`, `recall` and, for each kind that was marked, `f1_disease` and so on.
    #[must_use]
    pub fn metrics(&self) -> BTreeMap<String, f64> {
        let of = |suffix: &str, counts: &Counts| {
            [
                (format!("f1{suffix}"), counts.f1()),
                (format!("precision{suffix}"), counts.precision()),
                (format!("recall{suffix}"), counts.recall()),
                (format!("mentions{suffix}"), counts.marked as f64),
            ]
        };
        let kinds = KINDS.iter().zip(&self.kinds).filter(|(_, counts)| counts.marked > 0);
        let by_kind = kinds.flat_map(|(kind, counts)| of(&format!("_{}", kind.to_lowercase()), counts));
        of("", &self.micro()).into_iter().chain(by_kind).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(tags: &[usize], chemicals: bool) -> Sentence {
        Sentence { words: vec!["w".into(); tags.len()], tags: tags.to_vec(), chemicals }
    }

    fn span(kind: usize, words: std::ops::Range<usize>) -> Span {
        Span { kind, words, score: 1.0 }
    }

    #[test]
    fn only_exact_borders_and_kind_count() {
        let mut tally = Tally::default();
        tally.add(&sentence(&[1, 2, 0, 3], true), &[span(0, 0..2), span(0, 3..4), span(1, 2..4)]);
        assert_eq!(tally.micro(), Counts { predicted: 3, marked: 2, right: 1 });
        assert!((tally.metrics()["f1"] - 0.4).abs() < 1e-12);
        assert_eq!(tally.metrics()["recall_disease"], 1.0);
    }

    #[test]
    fn a_chemical_is_no_mistake_where_chemicals_are_not_marked() {
        let mut tally = Tally::default();
        tally.add(&sentence(&[1, 0], false), &[span(0, 0..1), span(1, 1..2)]);
        assert_eq!(tally.micro().f1(), 1.0);
        assert!(!tally.metrics().contains_key("f1_chemical"));
    }
}
