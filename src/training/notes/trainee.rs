//! The notes network while it is trained.
//!
//! Contract: randomness from (seed, epoch, step) alone; a word's loss is −log of the probability of all tags its corpus
//! allows: where chemicals are not marked, `O` allows the chemical tags as well.

use super::{augment::Augment, score::Tally};
use crate::{
    models::{
        bert::{Encoder, Sizes},
        notes::{
            decode::{TAGS, spans},
            network::{HEAD, tag_logs, tag_scores},
            pieces::{Batch, Pieces, Window, batches},
        },
    },
    training::{Trainee, ner_data::Sentence},
};
use candle_core::{D, DType, Device, Result, Tensor, Var};
use candle_nn::{Linear, VarBuilder, VarMap, linear};
use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use std::collections::HashMap;

/// Share of pieces hidden from the encoder, so that it leans on context and not on names alone.
const HIDDEN_SHARE: f64 = 0.04;
const MASK: u32 = 4;

/// Encoder, head and data.
pub struct NotesTrainee {
    vars: VarMap,
    encoder: Encoder,
    head: Linear,
    pieces: Pieces,
    augment: Augment,
    train: Vec<Sentence>,
    validation: Vec<Sentence>,
    batch: usize,
    seed: u64,
    epoch: Vec<Vec<Example>>,
}

/// A window with its tags.
struct Example {
    window: Window,
    tags: Vec<usize>,
    chemicals: bool,
}

impl NotesTrainee {
    /// A network that starts from `weights` (tensors by name; what is missing is drawn at random).
    ///
    /// # Errors
    /// Candle's.
    pub fn new(
        sizes: &Sizes,
        weights: HashMap<String, Tensor>,
        pieces: Pieces,
        augment: Augment,
        (train, validation): (Vec<Sentence>, Vec<Sentence>),
        (batch, seed): (usize, u64),
    ) -> Result<Self> {
        let vars = VarMap::new();
        if let Ok(mut data) = vars.data().lock() {
            for (name, tensor) in weights {
                data.insert(name, Var::from_tensor(&tensor)?);
            }
        }
        let vb = VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu);
        let encoder = Encoder::load(sizes, vb.clone())?;
        let head = linear(sizes.hidden, TAGS.len(), vb.pp(HEAD))?;
        Ok(Self { vars, encoder, head, pieces, augment, train, validation, batch, seed, epoch: Vec::new() })
    }

    fn example(&self, sentence: &Sentence) -> Option<Example> {
        let words: Vec<&str> = sentence.words.iter().map(String::as_str).collect();
        // Of the few sentences longer than a window the rest is left out of training, never out of validation.
        let window = self.pieces.windows(&words).into_iter().next()?;
        let tags = sentence.tags[..window.firsts.len()].to_vec();
        Some(Example { window, tags, chemicals: sentence.chemicals })
    }

    fn forward(&self, batch: &Batch) -> Result<Tensor> {
        self.encoder.forward(&batch.ids, &batch.kinds, &batch.keep)
    }

    /// F1 over `sentences`, exact spans.
    ///
    /// # Errors
    /// Candle's.
    pub fn f1(&self, sentences: &[Sentence]) -> Result<f64> {
        let examples: Vec<(usize, Example)> =
            sentences.iter().enumerate().filter_map(|(index, one)| Some((index, self.example(one)?))).collect();
        let lengths: Vec<usize> = examples.iter().map(|(_, example)| example.window.ids.len()).collect();
        let mut tally = Tally::default();
        for group in batches(&lengths, 2048) {
            let windows: Vec<&Window> = group.iter().map(|&at| &examples[at].1.window).collect();
            let batch = Batch::of(&windows)?;
            let mut rows = tag_scores(&self.forward(&batch)?.detach(), &batch.firsts, &self.head)?.into_iter();
            for at in group {
                let (index, example) = &examples[at];
                let scores: Vec<_> = rows.by_ref().take(example.tags.len()).collect();
                tally.add(&sentences[*index], &spans(&scores));
            }
        }
        Ok(tally.micro().f1())
    }

    /// 0 for the tags a word may have, a large negative number for the others.
    fn penalties(examples: &[Example]) -> Vec<f32> {
        let allowed =
            |example: &Example, gold: usize, tag: usize| tag == gold || (gold == 0 && tag > 2 && !example.chemicals);
        let words = examples.iter().flat_map(|example| example.tags.iter().map(move |gold| (example, *gold)));
        words
            .flat_map(|(example, gold)| {
                (0..TAGS.len()).map(move |tag| if allowed(example, gold, tag) { 0.0 } else { -1e4 })
            })
            .collect()
    }
}

impl Trainee for NotesTrainee {
    fn vars(&self) -> &VarMap {
        &self.vars
    }

    fn steps(&mut self, epoch: usize) -> usize {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed.wrapping_add(epoch as u64));
        let mut examples: Vec<Example> =
            self.augment.epoch(&self.train, &mut rng).iter().filter_map(|sentence| self.example(sentence)).collect();
        // Similar lengths share a batch, but not always the same neighbours.
        examples.sort_by_cached_key(|example| example.window.ids.len() + rng.random_range(0..6));
        let mut chunks: Vec<Vec<Example>> = Vec::new();
        let mut rest = examples.into_iter().peekable();
        while rest.peek().is_some() {
            chunks.push(rest.by_ref().take(self.batch).collect());
        }
        chunks.shuffle(&mut rng);
        self.epoch = chunks;
        self.epoch.len()
    }

    fn loss(&mut self, epoch: usize, step: usize) -> Result<Tensor> {
        let seed = self.seed.wrapping_add((epoch as u64) << 32).wrapping_add(step as u64);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let examples = &mut self.epoch[step];
        for id in examples.iter_mut().flat_map(|example| example.window.ids.iter_mut()).filter(|id| **id > MASK) {
            if rng.random_bool(HIDDEN_SHARE) {
                *id = MASK;
            }
        }
        let examples = &self.epoch[step];
        let windows: Vec<&Window> = examples.iter().map(|example| &example.window).collect();
        let batch = Batch::of(&windows)?;
        let logs = tag_logs(&self.forward(&batch)?, &batch.firsts, &self.head)?;
        let penalties = Tensor::from_vec(Self::penalties(examples), logs.shape(), &Device::Cpu)?;
        (logs + penalties)?.log_sum_exp(D::Minus1)?.mean_all()?.neg()
    }

    fn validate(&mut self) -> Result<f64> {
        self.f1(&self.validation)
    }
}
