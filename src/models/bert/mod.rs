//! A BERT encoder that can be trained (Devlin et al., NAACL 2019).
//!
//! Contract: the same tensor names and the same arithmetic as `candle_transformers::models::bert::BertModel`, which
//! serves the same safetensors; a test holds the two together. Only this one passes gradients to every weight.

pub mod ops;

use candle_core::{D, Result, Tensor};
use candle_nn::{Init, Linear, Module, VarBuilder, linear};
use candle_transformers::models::bert::{Config, HiddenAct, PositionEmbeddingType};

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
        Ok(Self {
            query: linear(hidden, hidden, attention.pp("self.query"))?,
            key: linear(hidden, hidden, attention.pp("self.key"))?,
            value: linear(hidden, hidden, attention.pp("self.value"))?,
            attended: linear(hidden, hidden, attention.pp("output.dense"))?,
            attended_norm: LayerNorm::load(hidden, attention.pp("output.LayerNorm"))?,
            widen: linear(hidden, sizes.intermediate, vb.pp("intermediate.dense"))?,
            narrow: linear(sizes.intermediate, hidden, vb.pp("output.dense"))?,
            norm: LayerNorm::load(hidden, vb.pp("output.LayerNorm"))?,
            heads: sizes.heads,
        })
    }

    fn by_head(&self, x: Tensor) -> Result<Tensor> {
        let (batch, length, hidden) = x.dims3()?;
        x.reshape((batch, length, self.heads, hidden / self.heads))?.transpose(1, 2)?.contiguous()
    }

    fn attend(&self, x: &Tensor, keep: &Tensor) -> Result<Tensor> {
        let query = self.by_head(self.query.forward(x)?)?;
        let key = self.by_head(self.key.forward(x)?)?;
        let value = self.by_head(self.value.forward(x)?)?;
        let scale = 1.0 / (query.dim(D::Minus1)? as f32).sqrt();
        let weights = ops::masked_softmax(&query.matmul(&key.t()?)?.contiguous()?, keep, scale)?;
        let mixed = weights.matmul(&value)?.transpose(1, 2)?.contiguous()?.flatten_from(D::Minus2)?;
        self.attended.forward(&mixed)
    }

    fn forward(&self, x: &Tensor, keep: &Tensor) -> Result<Tensor> {
        let x = self.attended_norm.forward(&(self.attend(x, keep)? + x)?)?;
        let inner = ops::gelu(&self.widen.forward(&x)?)?;
        self.norm.forward(&(self.narrow.forward(&inner)? + &x)?)
    }
}

/// A trainable encoder.
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
            words: table(sizes.vocabulary, "word_embeddings")?,
            positions: table(sizes.positions, "position_embeddings")?,
            kinds: table(sizes.kinds, "token_type_embeddings")?,
            norm: LayerNorm::load(sizes.hidden, embeddings.pp("LayerNorm"))?,
            layers: layers.collect::<Result<_>>()?,
        })
    }

    /// `ids`, `kinds`: (batch, length) of u32; `keep`: (batch, length) of f32, 1 for text and 0 for padding.
    /// Answers (batch, length, hidden).
    ///
    /// # Errors
    /// Candle's.
    pub fn forward(&self, ids: &Tensor, kinds: &Tensor, keep: &Tensor) -> Result<Tensor> {
        let (batch, length) = ids.dims2()?;
        let look_up = |table: &Tensor, ids: &Tensor| {
            table.index_select(&ids.flatten_all()?, 0)?.reshape((batch, length, table.dim(1)?))
        };
        let embedded = (look_up(&self.words, ids)? + look_up(&self.kinds, kinds)?)?;
        let embedded = embedded.broadcast_add(&self.positions.narrow(0, 0, length)?)?;
        let start = self.norm.forward(&embedded)?;
        self.layers.iter().try_fold(start, |x, layer| layer.forward(&x, keep))
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

    fn inputs() -> (Tensor, Tensor, Tensor) {
        let ids = [[1u32, 5, 9, 33, 2, 0], [1, 49, 2, 0, 0, 0]];
        let kinds = [[0u32, 1, 3, 2, 0, 0], [0, 1, 0, 0, 0, 0]];
        let keep = [[1f32, 1., 1., 1., 1., 0.], [1., 1., 1., 0., 0., 0.]];
        let tensor = |values: &[[u32; 6]; 2]| Tensor::new(values, &Device::Cpu).unwrap();
        (tensor(&ids), tensor(&kinds), Tensor::new(&keep, &Device::Cpu).unwrap())
    }

    #[test]
    fn the_trained_and_the_served_encoder_agree() {
        let map = VarMap::new();
        let vb = VarBuilder::from_varmap(&map, DType::F32, &Device::Cpu);
        let trained = Encoder::load(&SIZES, vb.clone()).unwrap();
        let served = BertModel::load(vb, &SIZES.config()).unwrap();
        let (ids, kinds, keep) = inputs();
        let a = trained.forward(&ids, &kinds, &keep).unwrap();
        let b = served.forward(&ids, &kinds, Some(&keep)).unwrap();
        let text = |x: &Tensor| x.get(0).unwrap().narrow(0, 0, 5).unwrap();
        let gap = (text(&a) - text(&b)).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(gap < 1e-5, "{gap}");
    }

    #[test]
    fn every_weight_receives_a_gradient() {
        let map = VarMap::new();
        let encoder = Encoder::load(&SIZES, VarBuilder::from_varmap(&map, DType::F32, &Device::Cpu)).unwrap();
        let (ids, kinds, keep) = inputs();
        let y = encoder.forward(&ids, &kinds, &keep).unwrap();
        let grads = (y.sin().unwrap() * 1.3).unwrap().sum_all().unwrap().backward().unwrap();
        for (name, var) in map.data().lock().unwrap().iter() {
            let norm = grads.get(var).unwrap().sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap();
            // A key's bias moves every score of a query alike, so softmax gives it no gradient.
            assert!(norm > 1e-12 || name.ends_with("key.bias"), "{name}: {norm}");
        }
    }
}
