//! Skip-gram with negative sampling and letter groups (Mikolov et al., NIPS 2013; Bojanowski et al., TACL 2017).
//!
//! Contract: one thread and a seed: the same text gives the same vectors. A minute for some millions of words.

use super::domain_text::{BREAK, DomainText};
use crate::models::notes::vectors::{Vectors, groups, hash};
use std::collections::BTreeMap;

/// Numbers per word.
pub const DIMS: usize = 64;
/// Rows of the table of letter groups.
const GROUP_ROWS: usize = 32_768;
/// A word counts from this many occurrences.
const LEAST: usize = 3;
/// Words to either side, at most.
const REACH: usize = 5;
const NEGATIVES: usize = 5;
const RATE: f32 = 0.05;
/// Words above this share of the text are thinned out, or above twice an even share where there are few words.
const OFTEN: f64 = 1e-4;

type Row = [f32; DIMS];

/// Learns vectors in `epochs` passes.
///
/// # Errors
/// When there is no word that occurs often enough.
pub fn learn(text: &DomainText, epochs: usize, seed: u64) -> candle_core::Result<Vectors> {
    let counts = text.counts();
    let mut number = vec![BREAK; counts.len()];
    let kept: Vec<usize> = (0..counts.len()).filter(|&id| counts[id] >= LEAST).collect();
    kept.iter().zip(0u32..).for_each(|(&id, new)| number[id] = new);
    let total = kept.iter().map(|&id| counts[id]).sum::<usize>().max(1);
    let mut learner = Learner::new(&kept, &counts, text, total, seed);
    let steps = epochs * text.tokens.len();
    for epoch in 0..epochs {
        let mut passage = Vec::new();
        for (at, token) in text.tokens.iter().enumerate() {
            if *token == BREAK {
                let done = (epoch * text.tokens.len() + at) as f32 / steps.max(1) as f32;
                learner.passage(&passage, RATE * (1.0 - done).max(1e-3));
                passage.clear();
            } else if number[*token as usize] != BREAK && learner.keep(number[*token as usize]) {
                passage.push(number[*token as usize]);
            }
        }
    }
    learner.vectors(&kept, text)
}

struct Learner {
    /// Words, then letter groups.
    inputs: Vec<Row>,
    outputs: Vec<Row>,
    /// Rows of `inputs` of every word.
    rows: Vec<Vec<u32>>,
    /// Words as often as they are drawn against.
    negatives: Vec<u32>,
    /// Share of each word's occurrences that is kept, of 2^32.
    share: Vec<u64>,
    state: u64,
}

impl Learner {
    fn new(kept: &[usize], counts: &[usize], text: &DomainText, total: usize, seed: u64) -> Self {
        let rows_of = |(new, &id): (usize, &usize)| {
            let letters = groups(&text.names[id], GROUP_ROWS).into_iter().map(|row| (kept.len() + row) as u32);
            std::iter::once(new as u32).chain(letters).collect()
        };
        let often = OFTEN.max(2.0 / kept.len().max(1) as f64);
        let share = |&id: &usize| {
            let ratio = often * total as f64 / counts[id] as f64;
            ((ratio.sqrt() + ratio).min(1.0) * (1u64 << 32) as f64) as u64
        };
        let weight = |id: &usize| (counts[*id] as f64).powf(0.75);
        let whole: f64 = kept.iter().map(weight).sum();
        let times = |id: &usize| ((weight(id) / whole * 1e6) as usize).max(1);
        let mut learner = Self {
            inputs: Vec::new(),
            outputs: vec![[0.0; DIMS]; kept.len()],
            rows: kept.iter().enumerate().map(rows_of).collect(),
            negatives: kept.iter().zip(0u32..).flat_map(|(id, new)| std::iter::repeat_n(new, times(id))).collect(),
            share: kept.iter().map(share).collect(),
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        };
        let width = 1.0 / DIMS as f32;
        learner.inputs = (0..kept.len() + GROUP_ROWS)
            .map(|_| std::array::from_fn(|_| (learner.next() as f32 / (1u64 << 32) as f32 * 2.0 - 1.0) * width))
            .collect();
        learner
    }

    /// 32 random bits (xorshift64*: Marsaglia, J Stat Softw 2003).
    fn next(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32
    }

    fn keep(&mut self, word: u32) -> bool {
        self.next() < self.share[word as usize]
    }

    fn passage(&mut self, words: &[u32], rate: f32) {
        for at in 0..words.len() {
            let reach = 1 + self.next() as usize % REACH;
            let around = at.saturating_sub(reach)..(at + reach + 1).min(words.len());
            let rows = std::mem::take(&mut self.rows[words[at] as usize]);
            let share = 1.0 / rows.len() as f32;
            let mut hidden = [0.0; DIMS];
            rows.iter().for_each(|row| add(&mut hidden, &self.inputs[*row as usize], share));
            let mut change = [0.0; DIMS];
            for near in around.filter(|near| *near != at) {
                self.pair(&hidden, words[near], 1.0, rate, &mut change);
                for _ in 0..NEGATIVES {
                    let draw = self.next() as usize % self.negatives.len();
                    let drawn = self.negatives[draw];
                    if drawn != words[near] {
                        self.pair(&hidden, drawn, 0.0, rate, &mut change);
                    }
                }
            }
            rows.iter().for_each(|row| add(&mut self.inputs[*row as usize], &change, 1.0));
            self.rows[words[at] as usize] = rows;
        }
    }

    fn pair(&mut self, hidden: &Row, word: u32, label: f32, rate: f32, change: &mut Row) {
        let output = &mut self.outputs[word as usize];
        let step = rate * (label - 1.0 / (1.0 + (-dot(hidden, output)).exp()));
        add(change, output, step);
        add(output, hidden, step);
    }

    fn vectors(self, kept: &[usize], text: &DomainText) -> candle_core::Result<Vectors> {
        let (words, letters) = self.inputs.split_at(kept.len());
        let by_hash: BTreeMap<u32, &Row> =
            kept.iter().zip(words).map(|(&id, row)| (hash(text.names[id].as_bytes()), row)).collect();
        let (hashes, rows): (Vec<u32>, Vec<&Row>) = by_hash.into_iter().unzip();
        Vectors::new(DIMS, hashes, rows.into_iter().flatten().copied().collect(), letters.concat())
    }
}

fn add(to: &mut Row, from: &Row, scale: f32) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += scale * from);
}

/// Eight sums side by side, which the compiler turns into vector instructions.
fn dot(a: &Row, b: &Row) -> f32 {
    let mut sums = [0.0; 8];
    for (a, b) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_like_company_become_alike_and_a_seed_repeats_it() {
        let mut text = DomainText::default();
        for round in 0..1500 {
            let (drug, animal) = (["naproxen", "aspirin"][round % 2], ["horse", "zebra"][round / 2 % 2]);
            text.passage(["took", drug, "tablets", "orally"].into_iter());
            text.passage(["the", animal, "ran", "away"].into_iter());
        }
        let vectors = learn(&text, 4, 1).unwrap();
        let of = |vectors: &Vectors, word: &str| {
            let mut found = Vec::new();
            vectors.push(word, &mut found);
            found
        };
        let likeness = |a: &str, b: &str| of(&vectors, a).iter().zip(of(&vectors, b)).map(|(a, b)| a * b).sum::<f32>();
        assert!(likeness("naproxen", "aspirin") > likeness("naproxen", "zebra") + 0.2);
        assert_eq!(of(&learn(&text, 4, 1).unwrap(), "horse"), of(&vectors, "horse"));
    }
}
