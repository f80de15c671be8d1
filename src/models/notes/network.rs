//! The network: an encoder that also sees word vectors, and tag scores at the first piece of every word.
//!
//! Contract: trained and served by the same code; a window alone and among others gives the same scores within 1e-5;
//! one score row per word.

use super::{
    crf::{Transitions, chain, legalised},
    decode::{TAGS, TagScores},
    pieces::{Batch, Window, runs},
};
use crate::models::bert::{Dropout, Encoder, Sizes, linear::Linear};
use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{Init, VarBuilder};

/// Pieces per forward pass: larger batches gain nothing on one core.
const BATCH_PIECES: usize = 1024;
/// Names of what stands beside the encoder in the weights file.
pub const HEAD: &str = "classifier";
/// The projection of word vectors.
pub const SIDE: &str = "vectors";
/// The transitions of the random field.
pub const TRANSITIONS: &str = "transitions";

/// Encoder and head.
pub struct Tagger {
    encoder: Encoder,
    side: Option<Linear>,
    head: Linear,
    transitions: Tensor,
}

/// What a pass gives for every word.
pub struct Emitted {
    /// (words, hidden): the encoder's last layer at each word's first piece.
    pub hidden: Tensor,
    /// (words, tags).
    pub scores: Tensor,
}

/// The words of some windows, read.
#[derive(Debug, Clone)]
pub struct Encoded {
    /// (words, hidden) of f32: the encoder's last layer at each word's first piece.
    pub hidden: Tensor,
    /// (words, tags): what the random field works with.
    pub emissions: Vec<TagScores>,
}

impl Tagger {
    /// Takes the weights, or makes them in a `VarMap`; `dims` numbers per word vector, 0 for none.
    ///
    /// # Errors
    /// Candle's, when a tensor is missing or has another shape.
    pub fn load(sizes: &Sizes, dims: usize, vb: VarBuilder) -> Result<Self> {
        let side = (dims > 0).then(|| Linear::load(dims, sizes.hidden, &vb.pp(SIDE))).transpose()?;
        let head = Linear::load(sizes.hidden, TAGS.len(), &vb.pp(HEAD))?;
        let transitions = vb.get_with_hints((TAGS.len() + 1, TAGS.len()), TRANSITIONS, Init::Const(0.0))?;
        Ok(Self { encoder: Encoder::load(sizes, vb)?, side, head, transitions })
    }

    /// [`Tagger::load`] from safetensors (f16 or f32; the arithmetic is f32).
    ///
    /// # Errors
    /// Candle's, when a tensor is missing or has another shape.
    pub fn read(sizes: &Sizes, dims: usize, weights: Vec<u8>) -> Result<Self> {
        Self::load(sizes, dims, VarBuilder::from_buffered_safetensors(weights, DType::F32, &Device::Cpu)?)
    }

    /// One pass.
    ///
    /// # Errors
    /// Candle's.
    pub fn emit(&self, batch: &Batch, dropout: &Dropout) -> Result<Emitted> {
        let extra = match (&self.side, &batch.vectors) {
            (Some(side), Some(vectors)) => Some(side.forward(vectors)?),
            _ => None,
        };
        let hidden = self.encoder.forward(&batch.packed, extra.as_ref(), dropout)?.index_select(&batch.firsts, 0)?;
        let scores = self.head.forward(&dropout.apply(hidden.clone())?)?;
        Ok(Emitted { hidden, scores })
    }

    /// What the pieces of windows mean by themselves, word vectors included: (pieces, hidden).
    ///
    /// # Errors
    /// Candle's.
    pub fn meant(&self, batch: &Batch) -> Result<Tensor> {
        let meant = self.encoder.meant(&batch.packed.ids)?;
        match (&self.side, &batch.vectors) {
            (Some(side), Some(vectors)) => meant + side.forward(vectors)?,
            _ => Ok(meant),
        }
    }

    /// Emissions, (words, tags), of windows whose pieces mean something else, (pieces, hidden).
    ///
    /// # Errors
    /// Candle's.
    pub fn emissions_of(&self, meant: &Tensor, batch: &Batch) -> Result<Tensor> {
        let hidden = self.encoder.forward_meant(meant, &batch.packed, &Dropout::none())?;
        self.head.forward(&hidden.index_select(&batch.firsts, 0)?)
    }

    /// Reads windows, some at a time.
    ///
    /// # Errors
    /// Candle's.
    pub fn encode(&self, windows: &[Window]) -> Result<Encoded> {
        let lengths: Vec<usize> = windows.iter().map(|window| window.ids.len()).collect();
        let (mut hidden, mut emissions) = (Vec::new(), Vec::new());
        for run in runs(&lengths, BATCH_PIECES) {
            let members: Vec<&Window> = windows[run].iter().collect();
            let emitted = self.emit(&Batch::of(&members)?, &Dropout::none())?;
            emissions.extend(rows(&emitted.scores.detach())?);
            hidden.push(emitted.hidden.detach());
        }
        Ok(Encoded { hidden: Tensor::cat(&hidden, 0)?, emissions })
    }

    /// The learned transitions, as the training changes them.
    #[must_use]
    pub const fn transitions(&self) -> &Tensor {
        &self.transitions
    }

    /// The transitions with what BIO forbids.
    ///
    /// # Errors
    /// Candle's.
    pub fn legal_transitions(&self) -> Result<Transitions> {
        let learned = rows(&self.transitions.detach())?;
        Ok(legalised(&std::array::from_fn(|from| learned.get(from).copied().unwrap_or_default())))
    }

    /// Log-probabilities of the tags of every word, sentence by sentence: `counts` words in each.
    ///
    /// # Errors
    /// Candle's.
    pub fn tags(&self, emissions: &[TagScores], counts: &[usize]) -> Result<Vec<Vec<TagScores>>> {
        let transitions = self.legal_transitions()?;
        let mut rest = emissions;
        let mut tagged = Vec::with_capacity(counts.len());
        for &count in counts {
            let (sentence, after) = rest.split_at(count.min(rest.len()));
            tagged.push(chain(sentence, &transitions).marginals);
            rest = after;
        }
        Ok(tagged)
    }
}

/// A (rows, tags) tensor as plain numbers.
///
/// # Errors
/// Candle's.
pub fn rows(scores: &Tensor) -> Result<Vec<TagScores>> {
    let all = scores.to_vec2::<f32>()?;
    Ok(all.into_iter().map(|row| std::array::from_fn(|tag| row.get(tag).copied().unwrap_or(f32::NAN))).collect())
}
