//! The notes network while it is trained.
//!
//! Contract: randomness from (seed, epoch, step) alone; the loss of a sentence is −log of the probability of all tag
//! sequences its corpus allows: where chemicals are not marked, `O` allows the chemical tags as well.

use super::{augment::Augment, score::Tally};
use crate::{
    models::{
        bert::{Dropout, Sizes},
        notes::{
            crf::{Chain, FORBIDDEN, chain},
            decode::{TAGS, TagScores, spans},
            network::{Emitted, HEAD, SIDE, TRANSITIONS, Tagger, rows},
            pieces::{Batch, Pieces, WINDOW, Window},
        },
    },
    training::{Trainee, ner_data::Sentence},
};
use candle_core::{DType, Device, Result, Tensor, Var};
use candle_nn::{VarBuilder, VarMap};
use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use std::collections::HashMap;

/// Share of words hidden from the encoder, so that it leans on context and not on names alone.
const HIDDEN_SHARE: f64 = 0.05;
/// Share of words without their vector.
const BARE_SHARE: f64 = 0.1;
const DROPOUT: f32 = 0.1;
const MASK: u32 = 4;
/// Share of windows that are short, as notes can be.
const SHORT_SHARE: f64 = 0.15;
/// One made-up note for so many windows.
const MADE_UP: usize = 12;
/// Each layer learns at this share of the rate of the one above it (Howard & Ruder, ACL 2018).
const LAYER_RATE: f64 = 0.9;
/// What is not pretrained learns faster.
const FRESH_RATE: f64 = 4.0;

/// Network and data.
pub struct NotesTrainee {
    vars: VarMap,
    tagger: Tagger,
    layers: usize,
    pieces: Pieces,
    augment: Augment,
    runs: Vec<Vec<Sentence>>,
    /// Pieces of every sentence of every run.
    sizes: Vec<Vec<usize>>,
    tune: Vec<Vec<Sentence>>,
    batch: usize,
    seed: u64,
    epoch: Vec<Vec<Example>>,
}

/// A window with its tags.
struct Example {
    window: Window,
    /// For each sentence: its tags, and whether its corpus marks chemicals.
    sentences: Vec<(Vec<usize>, bool)>,
}

impl NotesTrainee {
    /// A network that starts from `weights` (tensors by name; what is missing is drawn at random). `runs` are sentences
    /// that follow each other; `tune` too, and the epoch is chosen on them; `batch` windows make an update.
    ///
    /// # Errors
    /// Candle's.
    pub fn new(
        sizes: &Sizes,
        weights: HashMap<String, Tensor>,
        pieces: Pieces,
        augment: Augment,
        (runs, tune): (Vec<Vec<Sentence>>, Vec<Vec<Sentence>>),
        (batch, seed): (usize, u64),
    ) -> Result<Self> {
        let vars = VarMap::new();
        if let Ok(mut data) = vars.data().lock() {
            for (name, tensor) in weights {
                data.insert(name, Var::from_tensor(&tensor)?);
            }
        }
        let vb = VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu);
        let tagger = Tagger::load(sizes, pieces.dims(), vb)?;
        let count = |sentence: &Sentence| 1 + sentence.words.iter().map(|word| pieces.count(word)).sum::<usize>();
        let counts = runs.iter().map(|run| run.iter().map(count).collect()).collect();
        let (layers, epoch) = (sizes.layers, Vec::new());
        Ok(Self { vars, tagger, layers, pieces, augment, runs, sizes: counts, tune, batch, seed, epoch })
    }

    /// The windows of sentences that follow each other.
    fn examples(&self, sentences: &[Sentence]) -> Vec<Example> {
        let words: Vec<&[String]> = sentences.iter().map(|sentence| sentence.words.as_slice()).collect();
        let mut tags = sentences.iter().enumerate().flat_map(|(at, one)| one.tags.iter().map(move |tag| (at, *tag)));
        let windows = self.pieces.windows(&words, WINDOW).into_iter();
        let each = windows.map(|window| {
            let own: Vec<(usize, usize)> = tags.by_ref().take(window.firsts.len()).collect();
            let chunks = own.chunk_by(|a, b| a.0 == b.0);
            let tags = |chunk: &[(usize, usize)]| chunk.iter().map(|(_, tag)| *tag).collect();
            let sentences = chunks.map(|chunk| (tags(chunk), sentences[chunk[0].0].chemicals)).collect();
            Example { window, sentences }
        });
        each.collect()
    }

    /// Stretches of a run that fill a window each, beginning somewhere else every epoch.
    fn stretches(sizes: &[usize], rng: &mut ChaCha8Rng) -> Vec<std::ops::Range<usize>> {
        let mut stretches = Vec::new();
        let (mut start, mut filled) = (0, 1);
        let mut limit = rng.random_range(32..=WINDOW);
        for (at, size) in sizes.iter().enumerate() {
            if at > start && filled + size > limit {
                stretches.push(start..at);
                (start, filled) = (at, 1);
                limit = if rng.random_bool(SHORT_SHARE) { rng.random_range(16..WINDOW) } else { WINDOW };
            }
            filled += size;
        }
        stretches.push(start..sizes.len());
        stretches
    }

    /// F1 over `documents`, exact spans.
    ///
    /// # Errors
    /// Candle's.
    pub fn f1(&self, documents: &[Vec<Sentence>]) -> Result<f64> {
        let mut tally = Tally::default();
        for sentences in documents {
            let words: Vec<&[String]> = sentences.iter().map(|sentence| sentence.words.as_slice()).collect();
            let counts: Vec<usize> = words.iter().map(|words| words.len()).collect();
            let emissions = self.tagger.encode(&self.pieces.windows(&words, WINDOW))?.emissions;
            for (sentence, scores) in sentences.iter().zip(self.tagger.tags(&emissions, &counts)?) {
                tally.add(sentence, &spans(&scores));
            }
        }
        Ok(tally.micro().f1())
    }

    /// Loss per word of the random field. Its gradient is known in closed form (expected less allowed uses of each tag
    /// and transition), so the recursions need no tape: a linear form with that gradient stands for them.
    fn field_loss(&self, emitted: &Emitted, examples: &[Example]) -> Result<Tensor> {
        let (all, transitions) = (rows(&emitted.scores.detach())?, self.tagger.legal_transitions()?);
        let mut slopes: Vec<f32> = Vec::with_capacity(all.len() * TAGS.len());
        let mut moves = vec![0.0f32; (TAGS.len() + 1) * TAGS.len()];
        let (mut rest, mut total) = (all.as_slice(), 0.0);
        let share = 1.0 / all.len().max(1) as f32;
        for (tags, chemicals) in examples.iter().flat_map(|example| &example.sentences) {
            let (words, after) = rest.split_at(tags.len());
            rest = after;
            let (free, held) = (chain(words, &transitions), chain(&allowed(words, tags, *chemicals), &transitions));
            total += free.log_total - held.log_total;
            let flat = |chain: &Chain| chain.marginals.iter().flatten().map(|log| log.exp()).collect::<Vec<_>>();
            slopes.extend(flat(&free).into_iter().zip(flat(&held)).map(|(free, held)| (free - held) * share));
            let uses = free.uses.iter().flatten().zip(held.uses.iter().flatten());
            moves.iter_mut().zip(uses).for_each(|(sum, (free, held))| *sum += (free - held) * share);
        }
        let slopes = Tensor::from_vec(slopes, emitted.scores.shape(), &Device::Cpu)?;
        let moves = Tensor::from_vec(moves, self.tagger.transitions().shape(), &Device::Cpu)?;
        let linear = ((&emitted.scores * slopes)?.sum_all()? + (self.tagger.transitions() * moves)?.sum_all()?)?;
        let offset = total * f64::from(share) - f64::from(linear.to_scalar::<f32>()?);
        linear + offset
    }
}

/// Scores with those of the tags a word may not have taken away.
fn allowed(words: &[TagScores], tags: &[usize], chemicals: bool) -> Vec<TagScores> {
    let open = |gold: usize, tag: usize| tag == gold || (gold == 0 && tag > 2 && !chemicals);
    let held = |(word, &gold): (&TagScores, &usize)| {
        std::array::from_fn(|tag| if open(gold, tag) { word[tag] } else { word[tag] + FORBIDDEN })
    };
    words.iter().zip(tags).map(held).collect()
}

impl Example {
    /// Hides words, and takes the vectors of others away.
    fn blur(&mut self, dims: usize, rng: &mut ChaCha8Rng) {
        let window = &mut self.window;
        let ends: Vec<usize> = window.firsts.iter().skip(1).copied().chain([window.ids.len()]).collect();
        for (&from, to) in window.firsts.iter().zip(ends) {
            let hidden = rng.random_bool(HIDDEN_SHARE);
            for at in from..to {
                if hidden && window.ids[at] > MASK {
                    window.ids[at] = MASK;
                }
            }
            if hidden || rng.random_bool(BARE_SHARE) {
                window.vectors[from * dims..to * dims].fill(0.0);
            }
        }
    }
}

impl Trainee for NotesTrainee {
    fn vars(&self) -> &VarMap {
        &self.vars
    }

    fn steps(&mut self, epoch: usize) -> usize {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed.wrapping_add(epoch as u64));
        let mut examples: Vec<Example> = Vec::new();
        for (run, sizes) in self.runs.iter().zip(&self.sizes) {
            for stretch in Self::stretches(sizes, &mut rng) {
                examples.extend(self.examples(&Augment::passage(&run[stretch], &mut rng)));
            }
        }
        for _ in 0..examples.len() / MADE_UP {
            let note = self.augment.note(&mut rng);
            examples.extend(self.examples(&note));
        }
        examples.shuffle(&mut rng);
        // The number of updates is the same every epoch, whatever the number of windows.
        let pieces: usize = self.sizes.iter().flatten().sum();
        let steps = (pieces / (WINDOW * self.batch)).max(1);
        let mut chunks: Vec<Vec<Example>> = (0..steps).map(|_| Vec::new()).collect();
        examples.into_iter().enumerate().for_each(|(at, example)| chunks[at % steps].push(example));
        self.epoch = chunks;
        steps
    }

    fn loss(&mut self, epoch: usize, step: usize) -> Result<Tensor> {
        let seed = self.seed.wrapping_add((epoch as u64) << 32).wrapping_add(step as u64);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let dims = self.pieces.dims();
        let mut examples = std::mem::take(&mut self.epoch[step]);
        examples.iter_mut().for_each(|example| example.blur(dims, &mut rng));
        let windows: Vec<&Window> = examples.iter().map(|example| &example.window).collect();
        let emitted = self.tagger.emit(&Batch::of(&windows)?, &Dropout::new(DROPOUT, rng.random()))?;
        self.field_loss(&emitted, &examples)
    }

    fn rate(&self, variable: &str) -> f64 {
        if [HEAD, SIDE, TRANSITIONS].iter().any(|fresh| variable.starts_with(fresh)) {
            return FRESH_RATE;
        }
        let layer = variable.strip_prefix("encoder.layer.").and_then(|rest| rest.split('.').next()?.parse().ok());
        let below = layer.map_or(self.layers, |layer: usize| self.layers - 1 - layer.min(self.layers - 1));
        LAYER_RATE.powi(i32::try_from(below).unwrap_or(0))
    }

    fn validate(&mut self) -> Result<f64> {
        self.f1(&self.tune)
    }
}
