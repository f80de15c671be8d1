//! A BERT encoder (Devlin et al., NAACL 2019), trained and served by the same code.
//!
//! Contract: the same tensor names and the same arithmetic as `candle_transformers::models::bert::BertModel`; a test holds
//! the two together. This one passes gradients to every weight but the word pieces', and reads windows of any length one
//! after another without padding.

pub mod attention;
pub mod linear;
pub mod ops;

use attention::attention;
use candle_core::{Result, Tensor};
use candle_nn::{Init, Module, VarBuilder};
use candle_transformers::models::bert::{Config, HiddenAct, PositionEmbeddingType};
use linear::Linear;
use std::{cell::Cell, sync::Arc};

/// Windows of word pieces, one after another.
#[derive(Debug, Clone)]
pub struct Packed {
    /// (pieces) of u32: rows of the vocabulary.
    pub ids: Tensor,
    /// (pieces) of u32: kind of each token.
    pub kinds: Tensor,
    /// (pieces) of u32: place of each piece in its window.
    pub places: Tensor,
    /// Pieces of each window.
    pub lengths: Arc<[usize]>,
}

/// Where a network under training forgets at random; not at all in service.
#[derive(Debug)]
pub struct Dropout {
    rate: f32,
    seed: Cell<u32>,
}

impl Dropout {
    /// Never forgets.
    #[must_use]
    pub const fn none() -> Self {
        Self { rate: 0.0, seed: Cell::new(0) }
    }

    /// A share of `rate`, drawn from `seed`.
    #[must_use]
    pub const fn new(rate: f32, seed: u32) -> Self {
        Self { rate, seed: Cell::new(seed) }
    }

    /// Applies it; every call draws anew.
    ///
    /// # Errors
    /// Candle's.
    pub fn apply(&self, x: Tensor) -> Result<Tensor> {
        if self.rate <= 0.0 {
            return Ok(x);
        }
        self.seed.set(self.seed.get().wrapping_mul(747_796_405).wrapping_add(2_891_336_453));
        ops::dropout(&x, self.rate, self.seed.get())
    }
}

/// The sizes of an encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Word pieces.
    pub vocabulary: usize,
    /// Width of every position.
    pub hidden: usize,
    /// Transformer layers.
    pub layers: usize,
    /// Attention heads; they divide `hidden`.
    pub heads: usize,
    /// Width inside the feed-forward part.
    pub intermediate: usize,
    /// Longest input in word pieces, with the two markers.
    pub positions: usize,
    /// Kinds of token (`token_type_ids`).
    pub kinds: usize,
}

impl Sizes {
    /// The configuration under which `candle_transformers` serves this encoder.
    #[must_use]
    pub fn config(&self) -> Config {
        Config {
            vocab_size: self.vocabulary,
            hidden_size: self.hidden,
            num_hidden_layers: self.layers,
            num_attention_heads: self.heads,
            intermediate_size: self.intermediate,
            hidden_act: HiddenAct::Gelu,
            hidden_dropout_prob: 0.0,
            max_position_embeddings: self.positions,
            type_vocab_size: self.kinds,
            initializer_range: 0.02,
            layer_norm_eps: 1e-12,
            pad_token_id: 0,
            position_embedding_type: PositionEmbeddingType::Absolute,
            use_cache: false,
            classifier_dropout: None,
            model_type: None,
        }
    }
}

struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
}

impl LayerNorm {
    fn load(hidden: usize, vb: VarBuilder) -> Result<Self> {
        let weight = vb.get_with_hints(hidden, "weight", Init::Const(1.0))?;
        Ok(Self { weight, bias: vb.get_with_hints(hidden, "bias", Init::Const(0.0))? })
    }
}

impl Module for LayerNorm {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        ops::layer_norm(x, &self.weight, &self.bias)
    }
}

struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    attended: Linear,
    attended_norm: LayerNorm,
    widen: Linear,
    narrow: Linear,
    norm: LayerNorm,
    heads: usize,
}

impl Layer {
    fn load(sizes: &Sizes, vb: VarBuilder) -> Result<Self> {
        let (hidden, attention) = (sizes.hidden, vb.pp("attention"));
        let square = |name: &str| Linear::load(hidden, hidden, &attention.pp(name));
        Ok(Self {
            query: square("self.query")?,
            key: square("self.key")?,
            value: square("self.value")?,
            attended: square("output.dense")?,
            attended_norm: LayerNorm::load(hidden, attention.pp("output.LayerNorm"))?,
            widen: Linear::load(hidden, sizes.intermediate, &vb.pp("intermediate.dense"))?,
            narrow: Linear::load(sizes.intermediate, hidden, &vb.pp("output.dense"))?,
            norm: LayerNorm::load(hidden, vb.pp("output.LayerNorm"))?,
            heads: sizes.heads,
        })
    }

    fn forward(&self, x: &Tensor, lengths: &Arc<[usize]>, dropout: &Dropout) -> Result<Tensor> {
        let (query, key, value) = (self.query.forward(x)?, self.key.forward(x)?, self.value.forward(x)?);
        let mixed = attention(&query, &key, &value, self.heads, lengths)?;
        let x = self.attended_norm.forward(&(dropout.apply(self.attended.forward(&mixed)?)? + x)?)?;
        let inner = ops::gelu(&self.widen.forward(&x)?)?;
        self.norm.forward(&(dropout.apply(self.narrow.forward(&inner)?)? + &x)?)
    }
}

/// The encoder.
pub struct Encoder {
    words: Tensor,
    positions: Tensor,
    kinds: Tensor,
    norm: LayerNorm,
    layers: Vec<Layer>,
}

impl Encoder {
    /// Takes the weights (or makes them, in a `VarMap`) under BERT's usual names.
    ///
    /// # Errors
    /// Candle's, when a tensor is missing or has another shape.
    pub fn load(sizes: &Sizes, vb: VarBuilder) -> Result<Self> {
        let (embeddings, init) = (vb.pp("embeddings"), Init::Randn { mean: 0.0, stdev: 0.02 });
        let table = |rows, name: &str| embeddings.pp(name).get_with_hints((rows, sizes.hidden), "weight", init);
        let layers = (0..sizes.layers).map(|index| Layer::load(sizes, vb.pp(format!("encoder.layer.{index}"))));
        Ok(Self {
            // Detached: a small corpus would move only the pieces it holds away from all the others.
            words: table(sizes.vocabulary, "word_embeddings")?.detach(),
            positions: table(sizes.positions, "position_embeddings")?,
            kinds: table(sizes.kinds, "token_type_embeddings")?,
            norm: LayerNorm::load(sizes.hidden, embeddings.pp("LayerNorm"))?,
            layers: layers.collect::<Result<_>>()?,
        })
    }

    /// Answers (pieces, hidden). `extra`, of that shape too, is added to the embeddings.
    ///
    /// # Errors
    /// Candle's.
    pub fn forward(&self, input: &Packed, extra: Option<&Tensor>, dropout: &Dropout) -> Result<Tensor> {
        let mut meant = self.meant(&input.ids)?;
        if let Some(extra) = extra {
            meant = (meant + extra)?;
        }
        self.forward_meant(&meant, input, dropout)
    }

    /// What each piece means by itself, (pieces, hidden): its row of the table.
    ///
    /// # Errors
    /// Candle's.
    pub fn meant(&self, ids: &Tensor) -> Result<Tensor> {
        self.words.index_select(ids, 0)
    }

    /// [`Encoder::forward`] with the pieces' meanings given, (pieces, hidden), `extra` included; their ids are not read.
    ///
    /// # Errors
    /// Candle's.
    pub fn forward_meant(&self, meant: &Tensor, input: &Packed, dropout: &Dropout) -> Result<Tensor> {
        let embedded = (meant + self.kinds.index_select(&input.kinds, 0)?)?;
        let embedded = (embedded + self.positions.index_select(&input.places, 0)?)?;
        let start = dropout.apply(self.norm.forward(&embedded)?)?;
        self.layers.iter().try_fold(start, |x, layer| layer.forward(&x, &input.lengths, dropout))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};
    use candle_nn::VarMap;
    use candle_transformers::models::bert::BertModel;

    const SIZES: Sizes =
        Sizes { vocabulary: 50, hidden: 24, layers: 2, heads: 3, intermediate: 48, positions: 16, kinds: 4 };

    /// Two windows, of 6 and 3 pieces.
    fn packed() -> Packed {
        let row = |values: &[u32]| Tensor::new(values, &Device::Cpu).unwrap();
        Packed {
            ids: row(&[1, 5, 9, 33, 2, 7, 1, 49, 2]),
            kinds: row(&[0, 1, 3, 2, 0, 0, 0, 1, 0]),
            places: row(&[0, 1, 2, 3, 4, 5, 0, 1, 2]),
            lengths: Arc::from([6, 3]),
        }
    }

    #[test]
    fn this_encoder_and_that_of_candle_transformers_agree() {
        let map = VarMap::new();
        let vb = VarBuilder::from_varmap(&map, DType::F32, &Device::Cpu);
        let ours = Encoder::load(&SIZES, vb.clone()).unwrap().forward(&packed(), None, &Dropout::none()).unwrap();
        let theirs = BertModel::load(vb, &SIZES.config()).unwrap();
        let input = packed();
        for (start, length) in [(0, 6), (6, 3)] {
            let part = |x: &Tensor| x.narrow(0, start, length).unwrap().unsqueeze(0).unwrap();
            let theirs = theirs.forward(&part(&input.ids), &part(&input.kinds), None).unwrap();
            let gap = (part(&ours) - theirs).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
            assert!(gap < 1e-5, "{gap}");
        }
    }

    #[test]
    fn every_weight_but_the_word_pieces_receives_a_gradient() {
        let map = VarMap::new();
        let encoder = Encoder::load(&SIZES, VarBuilder::from_varmap(&map, DType::F32, &Device::Cpu)).unwrap();
        let y = encoder.forward(&packed(), None, &Dropout::new(0.1, 3)).unwrap();
        let grads = (y.sin().unwrap() * 1.3).unwrap().sum_all().unwrap().backward().unwrap();
        for (name, var) in map.data().lock().unwrap().iter() {
            let Some(grad) = grads.get(var) else {
                assert!(name.ends_with("word_embeddings.weight"), "{name}");
                continue;
            };
            let norm = grad.sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap();
            // A key's bias moves every score of a query alike, so softmax gives it no gradient.
            assert!(norm > 1e-12 || name.ends_with("key.bias"), "{name}: {norm}");
        }
    }
}
