//! What each word of a sentence contributed to finding one mention in it.
//!
//! Contract: integrated gradients with respect to what the pieces mean (row of the table plus word vector), from a
//! sentence of the same length, letter case and punctuation marks in which every piece is unknown; the explained score is
//! [`mention_odds`] of the sentence read alone. Pieces are added up to words. The second opinion makes the leading word
//! unknown.

use super::{
    Notes,
    crf::{Transitions, mention_odds},
    decode::TAGS,
    network::rows,
    pieces::{Batch, WINDOW, Window},
};
use crate::{
    domain::SecondOpinion,
    models::attribution::{
        Effort,
        path::{Check, Line},
    },
};
use candle_core::{Device, Result, Tensor};
use std::ops::Range;

/// What a sentence is asked about.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    /// The sentence's words.
    pub sentence: &'a [&'a str],
    /// Index into [`super::decode::KINDS`].
    pub kind: usize,
    /// The words of the mention.
    pub words: Range<usize>,
}

/// Contributions to one mention's score.
#[derive(Debug, Clone)]
pub struct Shares {
    /// Per piece of the window, markers included.
    pub pieces: Vec<f64>,
    /// Per word.
    pub words: Vec<f64>,
    /// The score explained, in log-odds.
    pub score: f64,
    /// How well they add up.
    pub check: Check,
    /// What leaving out the leading word does.
    pub second_opinion: Option<SecondOpinion>,
}

/// A sentence on its way through the network.
pub struct Sentence<'a> {
    model: &'a Notes,
    asked: Asked<'a>,
    window: Window,
    transitions: Transitions,
    /// What its pieces mean, (pieces × hidden), as they are and in the baseline.
    meant: [Vec<f32>; 2],
    shape: [usize; 1],
    hidden: usize,
}

impl<'a> Sentence<'a> {
    /// Prepares a sentence; nothing when it is longer than one window.
    ///
    /// # Errors
    /// Candle's.
    pub fn new(model: &'a Notes, asked: Asked<'a>) -> Result<Option<Self>> {
        let mut windows = model.pieces.windows(&[asked.sentence], WINDOW);
        let (Some(window), true) = (windows.pop(), windows.is_empty()) else { return Ok(None) };
        if asked.words.is_empty() || asked.words.end > window.firsts.len() {
            return Ok(None);
        }
        let transitions = model.tagger.legal_transitions()?;
        let numbers = |window: &Window| -> Result<(Vec<f32>, usize)> {
            let meant = model.tagger.meant(&Batch::of(&[window])?)?;
            Ok((meant.flatten_all()?.to_vec1::<f32>()?, meant.dim(1)?))
        };
        let ((own, hidden), (blank, _)) = (numbers(&window)?, numbers(&unknown(model, &window, |_| true))?);
        let shape = [own.len()];
        Ok(Some(Self { model, asked, window, transitions, meant: [own, blank], shape, hidden }))
    }

    /// Integrates with at most that effort.
    ///
    /// # Errors
    /// Candle's.
    pub fn shares(&self, effort: Effort) -> Result<Shares> {
        let score = |meant: &Tensor| self.odds(meant);
        let found = self.line().integrate(effort, &score)?;
        let pieces: Vec<f64> = found.parts.chunks_exact(self.hidden).map(|parts| parts.iter().sum()).collect();
        let words = self.by_word(&pieces);
        let second_opinion = self.second_opinion(&words)?;
        let score = self.odds(&self.tensor(&self.meant[0], 1)?)?.to_vec1::<f32>()?[0];
        Ok(Shares { pieces, words, score: f64::from(score), check: found.check, second_opinion })
    }

    /// Per piece with exactly so many points, and the scores at both ends: for comparison with other programs.
    ///
    /// # Errors
    /// Candle's.
    pub fn with_points(&self, points: usize) -> Result<(Vec<f64>, [f32; 2])> {
        let parts = self.line().with_points(points, &|meant| self.odds(meant))?;
        let ends = self.odds(&self.tensor(&self.meant.concat(), 2)?)?.to_vec1::<f32>()?;
        Ok((parts.chunks_exact(self.hidden).map(|parts| parts.iter().sum()).collect(), [ends[0], ends[1]]))
    }

    /// Scores with only some words as they are and the others unknown, for each set of kept words.
    ///
    /// # Errors
    /// Candle's.
    pub fn scores_keeping(&self, sets: &[Vec<bool>]) -> Result<Vec<f64>> {
        let mut meant = Vec::with_capacity(sets.len() * self.shape[0]);
        for kept in sets {
            let mut one = self.meant[0].clone();
            for (at, _) in kept.iter().enumerate().filter(|(_, kept)| !**kept) {
                let place = self.place(at);
                one[place.clone()].copy_from_slice(&self.meant[1][place]);
            }
            meant.extend(one);
        }
        let odds = self.odds(&self.tensor(&meant, sets.len())?)?.to_vec1::<f32>()?;
        Ok(odds.into_iter().map(f64::from).collect())
    }

    /// Where the meanings of a word's pieces lie.
    fn place(&self, word: usize) -> Range<usize> {
        let firsts = &self.window.firsts;
        // The last word ends before the sentence's closing marker.
        let end = firsts.get(word + 1).copied().unwrap_or(self.window.ids.len() - 1);
        firsts[word] * self.hidden..end * self.hidden
    }

    /// The window the network reads.
    #[must_use]
    pub const fn window(&self) -> &Window {
        &self.window
    }

    fn line(&self) -> Line<'_> {
        let [input, baseline] = &self.meant;
        Line { input, baseline, shape: &self.shape }
    }

    fn tensor(&self, meant: &[f32], copies: usize) -> Result<Tensor> {
        Tensor::from_slice(meant, (copies, meant.len() / copies), &Device::Cpu)
    }

    /// The explained score of (copies, pieces × hidden) meanings: (copies). The value and the gradient come from the
    /// random field's own recursions; the graph holds their product with the emissions.
    fn odds(&self, meant: &Tensor) -> Result<Tensor> {
        let copies = meant.dim(0)?;
        let batch = Batch::of(&vec![&self.window; copies])?;
        let emissions = self.model.tagger.emissions_of(&meant.reshape(((), self.hidden))?, &batch)?;
        let (count, asked) = (self.window.firsts.len(), &self.asked);
        let (mut values, mut slopes) = (Vec::with_capacity(copies), Vec::with_capacity(copies * count * TAGS.len()));
        for sentence in rows(&emissions.detach())?.chunks_exact(count) {
            let (odds, slope) = mention_odds(sentence, &self.transitions, asked.kind, &asked.words);
            values.push(odds as f32);
            slopes.extend(slope.into_iter().flatten());
        }
        let slopes = Tensor::from_vec(slopes, emissions.shape(), &Device::Cpu)?;
        let linear = (emissions * slopes)?.reshape((copies, ()))?.sum(1)?;
        let rest = (Tensor::from_vec(values, copies, &Device::Cpu)? - linear.detach())?;
        linear + rest
    }

    fn by_word(&self, pieces: &[f64]) -> Vec<f64> {
        let ends = self.window.firsts.iter().skip(1).copied().chain([pieces.len()]);
        let word = |(first, end): (&usize, usize)| pieces[*first..end].iter().sum();
        self.window.firsts.iter().zip(ends).map(word).collect()
    }

    fn second_opinion(&self, words: &[f64]) -> Result<Option<SecondOpinion>> {
        let Some((at, attributed)) = words.iter().enumerate().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs())) else {
            return Ok(None);
        };
        let place = self.place(at);
        let [own, blank] = &self.meant;
        let mut without = own.clone();
        without[place.clone()].copy_from_slice(&blank[place]);
        let scores = self.odds(&self.tensor(&[own.as_slice(), &without].concat(), 2)?)?.to_vec1::<f32>()?;
        let change = f64::from(scores[0]) - f64::from(scores[1]);
        Ok(Some(SecondOpinion::new("leave one out", "the word that counted most", *attributed, change)))
    }
}

/// The window with unknown pieces in place of those chosen; markers stay.
fn unknown(model: &Notes, window: &Window, chosen: impl Fn(usize) -> bool) -> Window {
    let mut other = window.clone();
    let dims = model.pieces.dims();
    for (at, id) in other.ids.iter_mut().enumerate() {
        if !model.pieces.is_marker(*id) && chosen(at) {
            *id = model.pieces.unknown();
            other.vectors[at * dims..(at + 1) * dims].fill(0.0);
        }
    }
    other
}
