//! The network's second output: whether the picture is an upright frontal chest film at all.
//!
//! Contract: linear in the pooled features, like the first; trained on chest films turned, inverted and cut up and on
//! pictures drawn by chance (`training::image::strangers`). A high score means: not such a film.

use candle_core::{D, Result, Tensor};

/// Tensor of weights: (features).
pub const WEIGHT: &str = "stranger.weight";
/// Tensor of the bias: (1).
pub const BIAS: &str = "stranger.bias";

/// The output with its weights in place.
#[derive(Debug, Clone)]
pub struct Stranger {
    weight: Tensor,
    bias: Tensor,
}

impl Stranger {
    /// Puts it together; `get` gives the tensor of that name and must check its shape.
    ///
    /// # Errors
    /// Whatever `get` finds.
    pub fn new(features: usize, get: &mut dyn FnMut(&str, &[usize]) -> Result<Tensor>) -> Result<Self> {
        Ok(Self { weight: get(WEIGHT, &[features])?, bias: get(BIAS, &[1])? })
    }

    /// Raw scores of pooled features, (batch): higher is stranger.
    ///
    /// # Errors
    /// Candle's.
    pub fn scores(&self, pooled: &Tensor) -> Result<Tensor> {
        pooled.broadcast_mul(&self.weight)?.sum(D::Minus1)?.broadcast_add(&self.bias)
    }
}
