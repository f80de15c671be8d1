//! Exact-span figures: a mention is found when both borders and the kind are right and it reaches its threshold.

use super::{
    binary,
    bootstrap::{Figures, Measured},
};
use crate::training::trial::Span;

/// Predicted, marked and rightly predicted mentions.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Found by the network.
    pub found: usize,
    /// Marked by people.
    pub marked: usize,
    /// Both.
    pub right: usize,
}

/// One answered note: counts per kind at the thresholds, counts of everything found, and what it belongs to.
#[derive(Debug, Clone)]
pub struct Case {
    /// By kind, in the order of [`Mentions::kinds`].
    pub served: Vec<Counts>,
    /// Of all kinds, with mentions below their threshold too.
    pub all: Counts,
    /// The corpus, if stated.
    pub corpus: Option<String>,
}

/// Notes with the kinds they were searched for.
pub struct Mentions {
    cases: Vec<Case>,
    kinds: Vec<String>,
    corpora: Vec<String>,
}

/// Counts of one note. Mentions of kinds that its corpus does not mark are left out on both sides.
#[must_use]
pub fn compare(
    marked: &[Span],
    kinds: &[String],
    answers: &[(Span, f64, bool)],
    order: &[String],
) -> (Vec<Counts>, Counts) {
    let mut served = vec![Counts::default(); order.len()];
    let mut all = Counts { marked: marked.len(), ..Counts::default() };
    for (at, kind) in order.iter().enumerate() {
        served[at].marked = marked.iter().filter(|span| span.kind == *kind).count();
    }
    for (span, _, fires) in answers.iter().filter(|(span, ..)| kinds.contains(&span.kind)) {
        let right = usize::from(marked.contains(span));
        all = Counts { found: all.found + 1, right: all.right + right, ..all };
        if let Some(at) = order.iter().position(|kind| *kind == span.kind).filter(|_| *fires) {
            served[at].found += 1;
            served[at].right += right;
        }
    }
    (served, all)
}

/// Every mention found, as a yes-or-no question: is it exactly right? For calibration.
#[must_use]
pub fn questions(marked: &[Span], kinds: &[String], answers: &[(Span, f64, bool)]) -> Vec<binary::Case> {
    let counted = answers.iter().filter(|(span, ..)| kinds.contains(&span.kind));
    let case =
        |(span, p, _): &(Span, f64, bool)| binary::Case { score: *p, probability: *p, positive: marked.contains(span) };
    counted.map(case).collect()
}

impl Mentions {
    /// `kinds` in the order of every case's counts.
    #[must_use]
    pub fn new(cases: Vec<Case>, kinds: Vec<String>) -> Self {
        let mut corpora: Vec<String> = cases.iter().filter_map(|case| case.corpus.clone()).collect();
        corpora.sort();
        corpora.dedup();
        Self { cases, kinds, corpora }
    }
}

impl Measured for Mentions {
    fn figures(&self, weights: &[u32]) -> Figures {
        let mut sums = vec![[0.0; 3]; self.kinds.len()];
        let mut all = [0.0; 3];
        let mut corpora = vec![[0.0; 3]; self.corpora.len()];
        for (case, weight) in self.cases.iter().zip(weights).filter(|(_, weight)| **weight > 0) {
            let weight = f64::from(*weight);
            add(&mut all, &case.all, weight);
            for (sum, counts) in sums.iter_mut().zip(&case.served) {
                add(sum, counts, weight);
                if let Some(at) =
                    case.corpus.as_ref().and_then(|corpus| self.corpora.iter().position(|one| one == corpus))
                {
                    add(&mut corpora[at], counts, weight);
                }
            }
        }
        let micro = sums.iter().fold([0.0; 3], |sum, one| [sum[0] + one[0], sum[1] + one[1], sum[2] + one[2]]);
        let mut figures = named("", micro);
        figures.extend(f1(all).map(|value| ("f1_any_probability".to_owned(), value)));
        let parts = self.kinds.iter().zip(sums).filter(|(_, sum)| sum[1] > 0.0);
        figures.extend(parts.flat_map(|(kind, sum)| named(&format!("_{}", kind.to_lowercase()), sum)));
        let parts = self.corpora.iter().zip(corpora);
        figures.extend(parts.flat_map(|(corpus, sum)| named(&format!("_{}", corpus.to_lowercase()), sum)));
        figures
    }
}

fn add(sum: &mut [f64; 3], counts: &Counts, weight: f64) {
    let parts = [counts.found, counts.marked, counts.right];
    sum.iter_mut().zip(parts).for_each(|(sum, part)| *sum += weight * part as f64);
}

fn f1([found, marked, right]: [f64; 3]) -> Option<f64> {
    (found + marked > 0.0).then(|| 2.0 * right / (found + marked))
}

/// F1, precision and recall with a suffix.
fn named(suffix: &str, sum: [f64; 3]) -> Figures {
    let [found, marked, right] = sum;
    let share = |whole: f64| (whole > 0.0).then(|| right / whole);
    let figures = [("f1", f1(sum)), ("precision", share(found)), ("recall", share(marked))];
    figures.into_iter().filter_map(|(name, value)| Some((format!("{name}{suffix}"), value?))).collect()
}

#[cfg(test)]
mod tests {
    use super::{Case, Counts, Mentions, compare, questions};
    use crate::training::{report::bootstrap::Measured as _, trial::Span};
    use std::collections::BTreeMap;

    fn span(start: usize, end: usize, kind: &str) -> Span {
        Span { start, end, kind: kind.into() }
    }

    #[test]
    fn only_exact_borders_kind_and_threshold_count() {
        let kinds = ["Disease".to_owned(), "Chemical".to_owned()];
        let marked = [span(0, 4, "Disease"), span(9, 12, "Chemical")];
        let answers = [
            (span(0, 4, "Disease"), 0.9, true),
            (span(9, 12, "Disease"), 0.8, true),
            (span(9, 12, "Chemical"), 0.2, false),
        ];
        let (served, all) = compare(&marked, &kinds, &answers, &kinds);
        assert_eq!(served[0], Counts { found: 2, marked: 1, right: 1 });
        assert_eq!(served[1], Counts { found: 0, marked: 1, right: 0 });
        assert_eq!(all, Counts { found: 3, marked: 2, right: 2 });
        assert_eq!(
            questions(&marked, &kinds, &answers).iter().map(|q| q.positive).collect::<Vec<_>>(),
            [true, false, true]
        );
        let case = Case { served, all, corpus: Some("NCBI".into()) };
        let figures: BTreeMap<String, f64> =
            Mentions::new(vec![case], kinds.to_vec()).figures(&[1]).into_iter().collect();
        assert!((figures["f1"] - 0.5).abs() < 1e-12 && (figures["f1_disease"] - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!((figures["recall_chemical"], figures["f1_ncbi"]), (0.0, 0.5));
        assert!((figures["f1_any_probability"] - 0.8).abs() < 1e-12 && !figures.contains_key("precision_chemical"));
    }

    #[test]
    fn a_chemical_is_no_mistake_where_chemicals_are_not_marked() {
        let order = ["Disease".to_owned(), "Chemical".to_owned()];
        let answers = [(span(0, 4, "Disease"), 0.9, true), (span(5, 8, "Chemical"), 0.9, true)];
        let (served, _) = compare(&[span(0, 4, "Disease")], &order[..1], &answers, &order);
        assert_eq!(served[1], Counts::default());
    }
}
