//! The textbook's recurrent network: LSTM layers of 128 units that pass their whole sequence on, the last step of the last
//! one, a dense layer and softmax. In Keras: `LSTM(128, return_sequences=True)` twice, `LSTM(128)`, `Dense(2, "softmax")`.
//!
//! Contract: answers as Keras does with the same weights (within 1e-4), sequences of any length without padding.

use crate::models::ops::lstm::Lstm;
use candle_core::{Result, Tensor};
use candle_nn::{Linear, Module, VarBuilder, linear};

/// Sizes of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Numbers per step.
    pub inputs: usize,
    /// Units of every LSTM layer.
    pub hidden: usize,
    /// LSTM layers.
    pub layers: usize,
    /// Classes.
    pub classes: usize,
}

/// Layers with their weights: `lstm.weight_ih_l0` … as PyTorch calls them, `dense.weight`, `dense.bias`.
#[derive(Debug, Clone)]
pub struct TextbookLstm {
    layers: Vec<Lstm>,
    dense: Linear,
}

impl TextbookLstm {
    /// Builds the network over given weights, or over fresh ones when the builder makes them.
    ///
    /// # Errors
    /// Candle's, when a tensor is missing or has another shape.
    pub fn new(sizes: Sizes, vars: &VarBuilder) -> Result<Self> {
        let lstm = vars.pp("lstm");
        let width = |layer| if layer == 0 { sizes.inputs } else { sizes.hidden };
        let layers = (0..sizes.layers).map(|layer| Lstm::new(width(layer), sizes.hidden, layer, &lstm));
        Ok(Self {
            layers: layers.collect::<Result<_>>()?,
            dense: linear(sizes.hidden, sizes.classes, vars.pp("dense"))?,
        })
    }

    /// `[steps, cases, inputs]` → last state of each case, `[cases, hidden]`. `noise` are dropout factors on the output of
    /// each layer, `[1, cases, hidden]`, while it learns.
    ///
    /// # Errors
    /// Candle's, when shapes do not fit.
    pub fn state(&self, steps: &Tensor, lengths: &[usize], noise: &[Tensor]) -> Result<Tensor> {
        let mut states = steps.clone();
        for (index, layer) in self.layers.iter().enumerate() {
            states = layer.forward(&states)?;
            if let Some(factors) = noise.get(index) {
                states = states.broadcast_mul(factors)?;
            }
        }
        last(&states, lengths)
    }

    /// `[cases, hidden]` → logits, `[cases, classes]`.
    ///
    /// # Errors
    /// Candle's, when shapes do not fit.
    pub fn logits(&self, state: &Tensor) -> Result<Tensor> {
        self.dense.forward(state)
    }

    /// `[steps, cases, inputs]` → probabilities, `[cases, classes]`.
    ///
    /// # Errors
    /// Candle's, when shapes do not fit.
    pub fn probabilities(&self, steps: &Tensor, lengths: &[usize]) -> Result<Tensor> {
        let logits = self.logits(&self.state(steps, lengths, &[])?)?;
        let raised = logits.broadcast_sub(&logits.max_keepdim(1)?)?.exp()?;
        raised.broadcast_div(&raised.sum_keepdim(1)?)
    }
}

/// The rows at each case's last valid step: `[steps, cases, width]` → `[cases, width]`.
///
/// # Errors
/// Candle's, when shapes do not fit.
pub fn last(sequence: &Tensor, lengths: &[usize]) -> Result<Tensor> {
    let (steps, cases, width) = sequence.dims3()?;
    let rows = lengths.iter().enumerate().map(|(case, length)| ((length - 1) * cases + case) as u32);
    let rows = Tensor::from_iter(rows, sequence.device())?;
    sequence.reshape((steps * cases, width))?.index_select(&rows, 0)
}
