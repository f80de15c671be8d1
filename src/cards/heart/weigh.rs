//! Evidence → what it amounts to.
//!
//! Contract: pure. Of each part of the examination only the strongest item counts, and the product of their likelihood
//! ratios is given as it is: no prior probability is assumed, because none is known.

use super::{
    find::Evidence,
    items::{Part, Strand},
};
use std::collections::BTreeMap;

/// From here on the chart speaks clearly for it.
pub const CLEARLY: f64 = 10.0;
/// From here on it speaks for it; under its inverse, against.
pub const LEANING: f64 = 3.0;

/// What the evidence for one question amounts to.
#[derive(Debug, Clone)]
pub struct Weighed {
    pub strand: Strand,
    /// Product of the ratios that count.
    pub ratio: f64,
    /// All items, strongest first; the flag says whether it counts.
    pub items: Vec<(Evidence, bool)>,
    /// Whether the complaint is there in which the ratios were measured.
    pub applies: bool,
    /// Whether the answer already stands on the problem list.
    pub known: bool,
}

impl Weighed {
    /// Weighs what was found.
    pub fn of(strand: Strand, found: &[Evidence], applies: bool, known: bool) -> Self {
        let mut items: Vec<Evidence> = found.iter().filter(|one| one.strand == strand).cloned().collect();
        items.sort_by(|a, b| b.ratio.ln().abs().total_cmp(&a.ratio.ln().abs()));
        let mut strongest: BTreeMap<Part, usize> = BTreeMap::new();
        for (at, item) in items.iter().enumerate() {
            strongest.entry(item.part).or_insert(at);
        }
        let ratio = strongest.values().map(|&at| items[at].ratio).product();
        let items = items.into_iter().enumerate().map(|(at, item)| (strongest.get(&item.part) == Some(&at), item));
        Self { strand, ratio, items: items.map(|(counts, item)| (item, counts)).collect(), applies, known }
    }

    /// Whether a card is worth somebody's attention: something speaks for it, and nobody knows yet.
    pub fn deserves_a_card(&self) -> bool {
        let speaks_for = self.items.iter().filter(|(item, _)| item.ratio > 1.5).count();
        !self.known && (self.applies && self.ratio >= LEANING || speaks_for >= 2 && self.ratio >= 1.0)
    }

    /// The outcome in words that follow `the chart`.
    pub fn verdict(&self) -> &'static str {
        match self.ratio {
            _ if !self.applies || self.items.len() < 2 => "cannot tell",
            ratio if ratio >= CLEARLY => "speaks clearly for",
            ratio if ratio >= LEANING => "speaks for",
            ratio if ratio > 1.0 / LEANING => "cannot tell",
            _ => "speaks against",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Weighed;
    use crate::cards::heart::{
        find::{Evidence, From},
        items::{Part, Strand},
    };

    fn item(part: Part, ratio: f64) -> Evidence {
        let from = From::Listed(String::new());
        Evidence { strand: Strand::Failure, part, name: String::new(), ratio, source: 'W', from }
    }

    #[test]
    fn only_the_strongest_of_each_part_counts() {
        let found = [item(Part::Signs, 2.8), item(Part::Signs, 5.1), item(Part::Blood, 0.11), item(Part::History, 5.8)];
        let weighed = Weighed::of(Strand::Failure, &found, true, false);
        assert!((weighed.ratio - 5.1 * 0.11 * 5.8).abs() < 1e-9);
        assert_eq!(weighed.items.iter().filter(|(_, counts)| *counts).count(), 3);
        assert!((weighed.items[0].0.ratio - 0.11).abs() < 1e-12, "the strongest stands first");
    }

    #[test]
    fn little_evidence_or_another_complaint_gives_no_verdict() {
        let one = [item(Part::Signs, 11.0)];
        assert_eq!(Weighed::of(Strand::Failure, &one, true, false).verdict(), "cannot tell");
        let two = [item(Part::Signs, 11.0), item(Part::Blood, 4.6)];
        assert_eq!(Weighed::of(Strand::Failure, &two, true, false).verdict(), "speaks clearly for");
        assert_eq!(Weighed::of(Strand::Failure, &two, false, false).verdict(), "cannot tell");
        assert!(!Weighed::of(Strand::Failure, &two, true, true).deserves_a_card(), "known is not told again");
        let against = [item(Part::Signs, 0.5), item(Part::Blood, 0.11)];
        assert_eq!(Weighed::of(Strand::Failure, &against, true, false).verdict(), "speaks against");
    }
}
