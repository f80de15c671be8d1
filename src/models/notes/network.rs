//! The served network: a `candle_transformers` BERT and one linear layer over the first piece of every word.
//!
//! Contract: a window alone and in a batch gives the same scores within 1e-5; one score row per word.

use super::{
    decode::{TAGS, TagScores},
    pieces::{Batch, Window, batches},
};
use crate::models::bert::Sizes;
use candle_core::{D, DType, Device, Result, Tensor};
use candle_nn::{Linear, Module, VarBuilder, linear, ops::log_softmax};
use candle_transformers::models::bert::BertModel;

/// Padded pieces per forward pass: larger batches gain nothing on one core.
const BATCH_PIECES: usize = 1024;
/// Name of the head's tensors in the weights file.
pub const HEAD: &str = "classifier";

/// Encoder and head as served.
pub struct Tagger {
    encoder: BertModel,
    head: Linear,
}

impl Tagger {
    /// Reads the safetensors (f16 or f32; the arithmetic is f32).
    ///
    /// # Errors
    /// Candle's, when a tensor is missing or has another shape.
    pub fn load(sizes: &Sizes, weights: Vec<u8>) -> Result<Self> {
        let vb = VarBuilder::from_buffered_safetensors(weights, DType::F32, &Device::Cpu)?;
        let head = linear(sizes.hidden, TAGS.len(), vb.pp(HEAD))?;
        Ok(Self { encoder: BertModel::load(vb, &sizes.config())?, head })
    }

    /// Log-probabilities of the tags of every word of every window.
    ///
    /// # Errors
    /// Candle's.
    pub fn tag(&self, windows: &[Window]) -> Result<Vec<Vec<TagScores>>> {
        let lengths: Vec<usize> = windows.iter().map(|window| window.ids.len()).collect();
        let mut tagged = vec![Vec::new(); windows.len()];
        for group in batches(&lengths, BATCH_PIECES) {
            let members: Vec<&Window> = group.iter().map(|&index| &windows[index]).collect();
            let batch = Batch::of(&members)?;
            let hidden = self.encoder.forward(&batch.ids, &batch.kinds, Some(&batch.keep))?;
            let mut rows = tag_scores(&hidden, &batch.firsts, &self.head)?.into_iter();
            for index in group {
                tagged[index] = rows.by_ref().take(windows[index].firsts.len()).collect();
            }
        }
        Ok(tagged)
    }
}

/// The head on the first piece of every word: (words, tags) of log-probabilities.
///
/// # Errors
/// Candle's.
pub fn tag_logs(hidden: &Tensor, firsts: &Tensor, head: &Linear) -> Result<Tensor> {
    let words = hidden.flatten_to(1)?.index_select(firsts, 0)?;
    log_softmax(&head.forward(&words)?, D::Minus1)
}

/// [`tag_logs`] as plain numbers.
///
/// # Errors
/// Candle's.
pub fn tag_scores(hidden: &Tensor, firsts: &Tensor, head: &Linear) -> Result<Vec<TagScores>> {
    let rows = tag_logs(hidden, firsts, head)?.to_vec2::<f32>()?;
    Ok(rows.into_iter().map(|row| std::array::from_fn(|tag| row[tag])).collect())
}
