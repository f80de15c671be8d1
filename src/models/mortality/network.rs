//! The network itself: three LSTM layers, their last state joined with summaries of the window, age and sex.
//!
//! Contract: `[steps, cases, channels]` → one logit per case. Steps beyond a case's length do not change its logit.
//! Every operation has a true gradient (attributions are integrated through it).

use super::{
    contract::Contract,
    series::{Batch, STATICS},
};
use crate::models::ops::{lstm::Lstm, pool};
use candle_core::{Result, Tensor};
use candle_nn::{Linear, Module, VarBuilder, linear, linear_no_bias};

/// Layers with their weights; the names are PyTorch's (`lstm.weight_ih_l0` …).
#[derive(Debug, Clone)]
pub struct Network {
    layers: Vec<Lstm>,
    joint: Linear,
    output: Linear,
    direct: Linear,
    variables: usize,
}

/// Dropout for one batch: factors that are 0 or 1/(1 − rate). One factor serves all steps of a case (Gal & Ghahramani,
/// NeurIPS 2016).
#[derive(Debug, Clone)]
pub struct Noise {
    /// `[1, cases, hidden]`, on the output of every LSTM layer.
    pub layers: Vec<Tensor>,
    /// `[cases, features]`, on what is joined.
    pub joint: Tensor,
}

impl Network {
    /// Builds the network over given weights, or over fresh ones when the builder makes them.
    ///
    /// # Errors
    /// Candle's, when a tensor is missing or has another shape.
    pub fn new(contract: &Contract, vars: &VarBuilder) -> Result<Self> {
        let lstm = vars.pp("lstm");
        let width = |layer| if layer == 0 { contract.channels() } else { contract.hidden };
        let layers = (0..contract.layers).map(|layer| Lstm::new(width(layer), contract.hidden, layer, &lstm));
        let features = Self::features(contract);
        Ok(Self {
            layers: layers.collect::<Result<_>>()?,
            joint: linear(features, contract.joint, vars.pp("joint"))?,
            output: linear(contract.joint, 1, vars.pp("output"))?,
            direct: linear_no_bias(features, 1, vars.pp("direct"))?,
            variables: contract.variables.len(),
        })
    }

    /// Number of features that are joined: the last state; mean, least and greatest of value and measured; the last
    /// value and its age; age, sex and length.
    #[must_use]
    pub const fn features(contract: &Contract) -> usize {
        contract.hidden + 8 * contract.variables.len() + STATICS
    }

    /// One logit per case, `[cases]`.
    ///
    /// # Errors
    /// Candle's, when shapes do not fit.
    pub fn forward(&self, batch: &Batch, noise: Option<&Noise>) -> Result<Tensor> {
        let mut state = batch.steps.clone();
        for (index, layer) in self.layers.iter().enumerate() {
            state = layer.forward(&state)?;
            if let Some(factors) = noise.and_then(|noise| noise.layers.get(index)) {
                state = state.broadcast_mul(factors)?;
            }
        }
        let values = batch.steps.narrow(2, 0, 2 * self.variables)?;
        let summaries = pool::over_time(&values, &batch.lengths)?;
        let latest = last(&batch.steps, &batch.lengths)?;
        let (value, since) =
            (latest.narrow(1, 0, self.variables)?, latest.narrow(1, 2 * self.variables, self.variables)?);
        let joined = Tensor::cat(&[&last(&state, &batch.lengths)?, &summaries, &value, &since, &batch.statics], 1)?;
        let joined = match noise {
            Some(noise) => (joined * &noise.joint)?,
            None => joined,
        };
        let bent = self.output.forward(&self.joint.forward(&joined)?.tanh()?)?;
        (bent + self.direct.forward(&joined)?)?.squeeze(1)
    }
}

/// The rows at each case's last valid step: `[steps, cases, width]` → `[cases, width]`.
fn last(sequence: &Tensor, lengths: &[usize]) -> Result<Tensor> {
    let (steps, cases, width) = sequence.dims3()?;
    let rows = lengths.iter().enumerate().map(|(case, length)| ((length - 1) * cases + case) as u32);
    let rows = Tensor::from_iter(rows, sequence.device())?;
    sequence.reshape((steps * cases, width))?.index_select(&rows, 0)
}
