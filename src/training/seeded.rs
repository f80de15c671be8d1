//! Randomness and starting values of trainees.
//!
//! Contract: a generator depends on seed, purpose and index only, so that a run that resumes draws what one that was
//! never interrupted drew.

use super::optimiser::sorted;
use candle_core::{Tensor, Var};
use candle_nn::VarMap;
use rand::{SeedableRng as _, seq::SliceRandom as _};
use rand_chacha::ChaCha8Rng;
use std::collections::HashMap;

/// The purpose of the order of the cases.
const ORDER: u64 = 3 << 32;

/// A generator for one purpose.
#[must_use]
pub fn generator(seed: u64, purpose: u64, index: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ purpose.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    rng.set_stream(index);
    rng
}

/// The order of `count` cases in an epoch.
#[must_use]
pub fn order(count: usize, seed: u64, epoch: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(&mut generator(seed, ORDER, epoch as u64));
    order
}

/// Variables that begin with these values.
///
/// # Errors
/// Candle's.
pub fn variables(values: Vec<(String, Tensor)>) -> candle_core::Result<VarMap> {
    let vars = VarMap::new();
    let mut data = match vars.data().lock() {
        Ok(data) => data,
        Err(poisoned) => poisoned.into_inner(),
    };
    for (name, tensor) in values {
        data.insert(name, Var::from_tensor(&tensor)?);
    }
    drop(data);
    Ok(vars)
}

/// Variables by name, as tensors that gradients flow through.
pub struct Named(HashMap<String, Tensor>);

impl Named {
    /// Those of a trainee as they are now.
    #[must_use]
    pub fn of(vars: &VarMap) -> Self {
        Self(sorted(vars).into_iter().map(|(name, var)| (name, var.as_tensor().clone())).collect())
    }

    /// One of them.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn get(&self, name: &str) -> candle_core::Result<Tensor> {
        let tensor = self.0.get(name).cloned();
        tensor.ok_or_else(|| candle_core::Error::Msg(format!("`{name}` is not a variable")))
    }
}
