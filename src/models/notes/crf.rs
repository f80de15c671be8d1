//! A linear-chain conditional random field over the tags of a sentence (Lafferty et al., ICML 2001).
//!
//! Contract: everything in logarithms of natural base; a transition the BIO scheme forbids costs [`FORBIDDEN`], so no
//! probability reaches it; marginals of every word sum up to 1.

use super::decode::{TAGS, TagScores, legal};
use std::ops::Range;

/// Number of tags.
const N: usize = TAGS.len();
/// What an impossible transition or tag adds to a path.
pub const FORBIDDEN: f32 = -1e4;
/// From (rows: the tags, then the sentence's beginning) to (columns).
pub type Transitions = [[f32; N]; N + 1];

/// What the forward and backward recursions give.
#[derive(Debug, Clone)]
pub struct Chain {
    /// Logarithm of the sum over all paths.
    pub log_total: f64,
    /// Log-probability of each tag of each word.
    pub marginals: Vec<TagScores>,
    /// Expected number of uses of each transition.
    pub uses: Transitions,
}

/// Learned transitions with the forbidden ones in place.
#[must_use]
pub fn legalised(learned: &Transitions) -> Transitions {
    let mut transitions = *learned;
    for (from, row) in transitions.iter_mut().enumerate() {
        for (tag, cost) in row.iter_mut().enumerate() {
            if !legal(if from == N { 0 } else { from }, tag) {
                *cost = FORBIDDEN;
            }
        }
    }
    transitions
}

/// Runs both recursions over a sentence; `transitions` from [`legalised`].
#[must_use]
pub fn chain(emissions: &[TagScores], transitions: &Transitions) -> Chain {
    let mut uses = [[0.0; N]; N + 1];
    let Some(first) = emissions.first() else {
        return Chain { log_total: 0.0, marginals: Vec::new(), uses };
    };
    let mut forward = vec![std::array::from_fn::<f32, N, _>(|tag| transitions[N][tag] + first[tag])];
    for word in &emissions[1..] {
        let before = forward[forward.len() - 1];
        forward.push(std::array::from_fn(|tag| {
            word[tag] + log_sum(std::array::from_fn(|from| before[from] + transitions[from][tag]))
        }));
    }
    let mut backward = vec![[0.0; N]; emissions.len()];
    for at in (0..emissions.len() - 1).rev() {
        let (next, after) = (emissions[at + 1], backward[at + 1]);
        backward[at] = std::array::from_fn(|from| {
            log_sum(std::array::from_fn(|tag| transitions[from][tag] + next[tag] + after[tag]))
        });
    }
    let total = log_sum(forward[forward.len() - 1]);
    let marginals: Vec<TagScores> = forward
        .iter()
        .zip(&backward)
        .map(|(forward, backward)| {
            let sums: TagScores = std::array::from_fn(|tag| forward[tag] + backward[tag]);
            let whole = log_sum(sums);
            sums.map(|sum| sum - whole)
        })
        .collect();
    marginals[0].iter().zip(&mut uses[N]).for_each(|(log, uses)| *uses = log.exp());
    for at in 1..emissions.len() {
        for from in 0..N {
            for tag in 0..N {
                let path = forward[at - 1][from] + transitions[from][tag] + emissions[at][tag] + backward[at][tag];
                uses[from][tag] += (path - total).exp();
            }
        }
    }
    Chain { log_total: f64::from(total), marginals, uses }
}

/// Log-odds that exactly these words are a mention of this kind against their being none: the difference of the
/// logarithms of the sums over the paths that tag them `B`, `I` … and over those that tag them `O`; and its gradient with
/// respect to the emissions.
#[must_use]
pub fn mention_odds(
    emissions: &[TagScores],
    transitions: &Transitions,
    kind: usize,
    words: &Range<usize>,
) -> (f64, Vec<TagScores>) {
    let restricted = |tag_of: &dyn Fn(usize) -> usize| {
        let mut emissions = emissions.to_vec();
        for (at, word) in emissions.iter_mut().enumerate().take(words.end).skip(words.start) {
            (0..N).filter(|tag| *tag != tag_of(at)).for_each(|tag| word[tag] += FORBIDDEN);
        }
        chain(&emissions, transitions)
    };
    let named = restricted(&|at| 2 * kind + if at == words.start { 1 } else { 2 });
    let nothing = restricted(&|_| 0);
    let pairs = named.marginals.iter().zip(&nothing.marginals);
    let gradient = pairs.map(|(named, nothing)| std::array::from_fn(|tag| named[tag].exp() - nothing[tag].exp()));
    (named.log_total - nothing.log_total, gradient.collect())
}

fn log_sum(values: [f32; N]) -> f32 {
    let top = values.iter().copied().fold(f32::MIN, f32::max);
    top + values.iter().map(|value| (value - top).exp()).sum::<f32>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transitions() -> Transitions {
        let raw = std::array::from_fn(|from| std::array::from_fn(|to| ((from * 7 + to * 3) as f32).sin()));
        legalised(&raw)
    }

    fn emissions(words: usize) -> Vec<TagScores> {
        (0..words).map(|at| std::array::from_fn(|tag| ((at * 5 + tag) as f32 * 1.7).cos() * 2.0)).collect()
    }

    #[test]
    fn both_recursions_agree_with_a_sum_over_all_paths() {
        let (words, transitions) = (emissions(4), transitions());
        let (mut total, mut marginals, mut uses) = (0.0f64, [[0.0f64; N]; 4], [[0.0f64; N]; N + 1]);
        for path in 0..N.pow(4) {
            let tags: Vec<usize> = (0..4).map(|at| path / N.pow(at) % N).collect();
            let mut score = f64::from(transitions[N][tags[0]]);
            score += (1..4).map(|at| f64::from(transitions[tags[at - 1]][tags[at]])).sum::<f64>();
            score += tags.iter().zip(&words).map(|(&tag, word)| f64::from(word[tag])).sum::<f64>();
            let weight = score.exp();
            total += weight;
            tags.iter().zip(&mut marginals).for_each(|(&tag, row)| row[tag] += weight);
            uses[N][tags[0]] += weight;
            (1..4).for_each(|at| uses[tags[at - 1]][tags[at]] += weight);
        }
        let found = chain(&words, &transitions);
        assert!((found.log_total - total.ln()).abs() < 1e-4);
        let close = |log: f32, weight: f64| (f64::from(log.exp()) - weight / total).abs() < 1e-4;
        assert!(found.marginals.iter().flatten().zip(marginals.iter().flatten()).all(|(log, w)| close(*log, *w)));
        let near = |uses: f32, weight: f64| (f64::from(uses) - weight / total).abs() < 1e-4;
        assert!(found.uses.iter().flatten().zip(uses.iter().flatten()).all(|(found, w)| near(*found, *w)));
    }

    #[test]
    fn the_odds_of_a_mention_have_the_gradient_of_finite_differences() {
        let (words, transitions) = (emissions(5), transitions());
        let odds = |words: &[TagScores]| mention_odds(words, &transitions, 1, &(1..3)).0;
        let (_, gradient) = mention_odds(&words, &transitions, 1, &(1..3));
        for (at, tag) in (0..5).flat_map(|at| (0..N).map(move |tag| (at, tag))) {
            let moved = |by: f32| {
                let mut words = words.clone();
                words[at][tag] += by;
                odds(&words)
            };
            let slope = (moved(0.05) - moved(-0.05)) / 0.1;
            assert!((slope - f64::from(gradient[at][tag])).abs() < 2e-3, "{at} {tag}: {slope} {:?}", gradient[at]);
        }
    }

    #[test]
    fn what_bio_forbids_has_no_probability() {
        let found = chain(&emissions(5), &transitions());
        assert!(found.marginals[0][2].exp() < 1e-6 && found.uses[0][2] < 1e-6 && found.uses[1][4] < 1e-6);
        assert!(found.marginals.iter().all(|row| (row.iter().map(|log| log.exp()).sum::<f32>() - 1.0).abs() < 1e-4));
        assert!(chain(&[], &transitions()).marginals.is_empty());
    }
}
