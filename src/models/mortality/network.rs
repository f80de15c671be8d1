//! The networks themselves: three LSTM layers, and either a few heads over their last state joined with summaries of the
//! window, age and sex, or the textbook's dense softmax.
//!
//! Contract: `[steps, cases, channels]` → one logit per case. Steps beyond a case's length do not change its logit.
//! Every operation has a true gradient (attributions are integrated through it).

use super::{
    contract::Contract,
    series::{Batch, STATICS},
    summary::{self, BINS},
};
use crate::models::{
    ops::lstm::Lstm,
    textbook::lstm::{self as textbook, TextbookLstm},
};
use candle_core::{Result, Tensor};
use candle_nn::{Linear, Module, VarBuilder, linear};

/// One of the two.
#[derive(Debug, Clone)]
pub enum Network {
    /// Heads over the last state, summaries, age and sex.
    Joined(Joined),
    /// The textbook's.
    Textbook(TextbookLstm),
}

/// What a network says of a batch.
#[derive(Debug, Clone)]
pub struct Output {
    /// Last state of the last LSTM layer, `[cases, hidden]`.
    pub state: Tensor,
    /// One logit per head, `[cases]` each.
    pub heads: Vec<Tensor>,
}

/// Dropout for one batch: factors that are 0 or 1/(1 − rate). One factor serves all steps of a case (Gal & Ghahramani,
/// NeurIPS 2016).
#[derive(Debug, Clone)]
pub struct Noise {
    /// `[1, cases, hidden]`, on the output of every LSTM layer.
    pub layers: Vec<Tensor>,
    /// For every head: `[cases, features]` on what it reads and `[cases, joint]` on its units.
    pub heads: Vec<(Tensor, Tensor)>,
}

impl Network {
    /// Builds the network over given weights, or over fresh ones when the builder makes them.
    ///
    /// # Errors
    /// Candle's, when a tensor is missing or has another shape.
    pub fn new(contract: &Contract, vars: &VarBuilder) -> Result<Self> {
        if contract.textbook() {
            let sizes = textbook::Sizes {
                inputs: contract.channels(),
                hidden: contract.hidden,
                layers: contract.layers,
                classes: 2,
            };
            return Ok(Self::Textbook(TextbookLstm::new(sizes, vars)?));
        }
        Ok(Self::Joined(Joined::new(contract, vars)?))
    }

    /// Number of tensors, without those of the bins and of the familiar space.
    #[must_use]
    pub const fn tensors(contract: &Contract) -> usize {
        4 * contract.layers + if contract.textbook() { 2 } else { 4 * contract.heads }
    }

    /// State and logits per head.
    ///
    /// # Errors
    /// Candle's, when shapes do not fit.
    pub fn output(&self, batch: &Batch, noise: Option<&Noise>) -> Result<Output> {
        match self {
            Self::Joined(joined) => joined.output(batch, noise),
            Self::Textbook(network) => {
                let noise = noise.map_or(&[][..], |noise| noise.layers.as_slice());
                let state = network.state(&batch.steps, &batch.lengths, noise)?;
                // Softmax over two classes is the logistic function of the difference of their logits.
                let logits = network.logits(&state)?;
                let logit = (logits.narrow(1, 1, 1)? - logits.narrow(1, 0, 1)?)?.squeeze(1)?;
                Ok(Output { state, heads: vec![logit] })
            }
        }
    }

    /// One logit per case, `[cases]`.
    ///
    /// # Errors
    /// Candle's, when shapes do not fit.
    pub fn forward(&self, batch: &Batch) -> Result<Tensor> {
        self.output(batch, None)?.logit()
    }
}

impl Output {
    /// The mean of the heads.
    ///
    /// # Errors
    /// Candle's.
    pub fn logit(&self) -> Result<Tensor> {
        Tensor::stack(&self.heads, 0)?.mean(0)
    }
}

/// The network with heads.
#[derive(Debug, Clone)]
pub struct Joined {
    layers: Vec<Lstm>,
    heads: Vec<(Linear, Linear)>,
}

impl Joined {
    fn new(contract: &Contract, vars: &VarBuilder) -> Result<Self> {
        let lstm = vars.pp("lstm");
        let width = |layer| if layer == 0 { contract.channels() } else { contract.hidden };
        let layers = (0..contract.layers).map(|layer| Lstm::new(width(layer), contract.hidden, layer, &lstm));
        let head = |index: usize| {
            let vars = vars.pp(format!("head{index}"));
            let hidden = linear(Self::features(contract), contract.joint, vars.pp("hidden"))?;
            Ok((hidden, linear(contract.joint, 1, vars.pp("output"))?))
        };
        Ok(Self {
            layers: layers.collect::<Result<_>>()?,
            heads: (0..contract.heads).map(head).collect::<Result<_>>()?,
        })
    }

    /// Number of features a head reads: the last state, the summaries in bins, age, sex and length.
    #[must_use]
    pub const fn features(contract: &Contract) -> usize {
        contract.hidden + summary::count(contract) * BINS + STATICS
    }

    fn output(&self, batch: &Batch, noise: Option<&Noise>) -> Result<Output> {
        let mut states = batch.steps.clone();
        for (index, layer) in self.layers.iter().enumerate() {
            states = layer.forward(&states)?;
            if let Some(factors) = noise.and_then(|noise| noise.layers.get(index)) {
                states = states.broadcast_mul(factors)?;
            }
        }
        let state = textbook::last(&states, &batch.lengths)?;
        let joined = Tensor::cat(&[&state, &batch.bins, &batch.statics], 1)?;
        let one = |(index, (hidden, output)): (usize, &(Linear, Linear))| match noise.and_then(|n| n.heads.get(index)) {
            Some((read, units)) => {
                let bent = (hidden.forward(&(&joined * read)?)?.relu()? * units)?;
                output.forward(&bent)?.squeeze(1)
            }
            None => output.forward(&hidden.forward(&joined)?.relu()?)?.squeeze(1),
        };
        let heads = self.heads.iter().enumerate().map(one).collect::<Result<_>>()?;
        Ok(Output { state, heads })
    }
}
