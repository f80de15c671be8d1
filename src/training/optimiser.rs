//! AdamW whose state can be saved, gradient clipping, and the learning rate's course.
//!
//! Contract: the update depends only on gradients, state and arguments, in an order fixed by the variables' names.

use candle_core::{CpuStorage, Device, InplaceOp2, Layout, Storage, Tensor, Var, backprop::GradStore};
use candle_nn::VarMap;
use std::{cell::RefCell, collections::HashMap, f64::consts::PI};

const BETA_FIRST: f64 = 0.9;
const BETA_SECOND: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// Adam with decoupled weight decay (Loshchilov & Hutter, ICLR 2019) for f32 variables. Matrices and larger decay;
/// vectors (biases, gains) do not.
#[derive(Debug)]
pub struct AdamW {
    slots: Vec<Slot>,
    steps: u64,
    weight_decay: f64,
}

#[derive(Debug)]
struct Slot {
    name: String,
    var: Var,
    /// Multiplies the learning rate.
    rate: f64,
    first: Vec<f32>,
    second: Vec<f32>,
}

/// All variables of a map with their names, sorted by name: a `HashMap`'s order differs from run to run.
#[must_use]
pub fn sorted(vars: &VarMap) -> Vec<(String, Var)> {
    let data = match vars.data().lock() {
        Ok(data) => data,
        Err(poisoned) => poisoned.into_inner(),
    };
    let mut all: Vec<_> = data.iter().map(|(name, var)| (name.clone(), var.clone())).collect();
    drop(data);
    all.sort_by(|left, right| left.0.cmp(&right.0));
    all
}

impl AdamW {
    /// A fresh optimiser over all variables.
    #[must_use]
    pub fn new(vars: &VarMap, weight_decay: f64) -> Self {
        let slots = sorted(vars)
            .into_iter()
            .map(|(name, var)| {
                let count = var.elem_count();
                Slot { name, var, rate: 1.0, first: vec![0.0; count], second: vec![0.0; count] }
            })
            .collect();
        Self { slots, steps: 0, weight_decay }
    }

    /// Gives every variable its own multiple of the learning rate, by name; 0 leaves it as it is.
    #[must_use]
    pub fn with_rates(mut self, rate: impl Fn(&str) -> f64) -> Self {
        self.slots.iter_mut().for_each(|slot| slot.rate = rate(&slot.name));
        self
    }

    /// One update. Gradients are scaled down so that their global norm is at most `norm_max` (Pascanu et al., ICML
    /// 2013). Gives the norm before clipping; when it is not finite nothing was changed.
    ///
    /// # Errors
    /// Candle's, when a gradient is not f32 or not on the CPU.
    pub fn step(&mut self, grads: &GradStore, learning_rate: f64, norm_max: f64) -> candle_core::Result<f64> {
        let mut all = Vec::with_capacity(self.slots.len());
        let mut square = 0.0;
        for slot in &self.slots {
            let grad = grads.get(slot.var.as_tensor()).map(Tensor::contiguous).transpose()?;
            if let Some(grad) = &grad {
                square += with_values(grad, |grad| grad.iter().map(|g| f64::from(*g) * f64::from(*g)).sum::<f64>())?;
            }
            all.push(grad);
        }
        let norm = square.sqrt();
        if !norm.is_finite() {
            return Ok(norm);
        }
        self.steps += 1;
        let scale = if norm > norm_max { norm_max / norm } else { 1.0 };
        for (slot, grad) in self.slots.iter_mut().zip(&all) {
            if let Some(grad) = grad.as_ref().filter(|_| slot.rate > 0.0) {
                slot.update(grad, scale as f32, learning_rate * slot.rate, self.weight_decay, self.steps)?;
            }
        }
        Ok(norm)
    }

    /// Number of updates so far.
    #[must_use]
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    /// The moments, named `first/<variable>` and `second/<variable>`.
    ///
    /// # Errors
    /// Candle's.
    pub fn moments(&self) -> candle_core::Result<HashMap<String, Tensor>> {
        let mut moments = HashMap::new();
        for slot in &self.slots {
            for (kind, values) in [("first", &slot.first), ("second", &slot.second)] {
                let tensor = Tensor::from_slice(values, slot.var.shape(), &Device::Cpu)?;
                moments.insert(format!("{kind}/{}", slot.name), tensor);
            }
        }
        Ok(moments)
    }

    /// Takes moments back as [`AdamW::moments`] gave them, after `steps` updates.
    ///
    /// # Errors
    /// Candle's, when one is missing or has another shape than its variable.
    pub fn restore(&mut self, moments: &HashMap<String, Tensor>, steps: u64) -> candle_core::Result<()> {
        let read = |slot: &Slot, kind: &str| {
            let name = format!("{kind}/{}", slot.name);
            let tensor = moments
                .get(&name)
                .filter(|tensor| tensor.shape() == slot.var.shape())
                .ok_or_else(|| candle_core::Error::Msg(format!("`{name}` is missing or has another shape")))?;
            tensor.flatten_all()?.to_vec1::<f32>()
        };
        for slot in &mut self.slots {
            (slot.first, slot.second) = (read(slot, "first")?, read(slot, "second")?);
        }
        self.steps = steps;
        Ok(())
    }
}

impl Slot {
    /// One pass over variable, gradient and moments, in place.
    fn update(&mut self, grad: &Tensor, scale: f32, rate: f64, decay: f64, steps: u64) -> candle_core::Result<()> {
        let power = i32::try_from(steps).unwrap_or(i32::MAX);
        let update = Update {
            scale,
            step_size: (rate / (1.0 - BETA_FIRST.powi(power))) as f32,
            correction: (1.0 - BETA_SECOND.powi(power)).sqrt() as f32,
            shrink: if self.var.rank() >= 2 { (1.0 - rate * decay) as f32 } else { 1.0 },
            moments: RefCell::new((&mut self.first, &mut self.second)),
        };
        self.var.as_tensor().inplace_op2(grad, &update)
    }
}

struct Update<'a> {
    scale: f32,
    step_size: f32,
    correction: f32,
    shrink: f32,
    moments: RefCell<(&'a mut [f32], &'a mut [f32])>,
}

impl InplaceOp2 for Update<'_> {
    fn name(&self) -> &'static str {
        "adamw"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> candle_core::Result<()> {
        let (CpuStorage::F32(values), Some((start, end))) = (s1, l1.contiguous_offsets()) else {
            candle_core::bail!("variables are contiguous f32");
        };
        let (grad, values) = (numbers(s2, l2)?, &mut values[start..end]);
        let (keep_first, keep_second, epsilon) = (BETA_FIRST as f32, BETA_SECOND as f32, EPSILON as f32);
        let mut moments = self.moments.borrow_mut();
        let (first, second) = &mut *moments;
        for (((value, grad), first), second) in values.iter_mut().zip(grad).zip(first.iter_mut()).zip(second.iter_mut())
        {
            let grad = grad * self.scale;
            *first = keep_first * *first + (1.0 - keep_first) * grad;
            *second = keep_second * *second + (1.0 - keep_second) * grad * grad;
            *value = *value * self.shrink - self.step_size * *first / (second.sqrt() / self.correction + epsilon);
        }
        Ok(())
    }
}

fn numbers<'a>(storage: &'a CpuStorage, layout: &Layout) -> candle_core::Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => candle_core::bail!("gradients are contiguous f32"),
    }
}

fn with_values<R>(tensor: &Tensor, work: impl FnOnce(&[f32]) -> R) -> candle_core::Result<R> {
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => Ok(work(numbers(storage, layout)?)),
        _ => candle_core::bail!("training runs on the CPU"),
    }
}

/// Learning rate at update `step` (from 0) of `total`: up in a straight line over `warmup` updates, then down along a
/// half cosine to a hundredth of `base` (Loshchilov & Hutter, ICLR 2017).
#[must_use]
pub fn learning_rate(base: f64, step: usize, warmup: usize, total: usize) -> f64 {
    if step < warmup {
        return base * (step + 1) as f64 / warmup as f64;
    }
    let part = (step - warmup) as f64 / total.saturating_sub(warmup).max(1) as f64;
    base * (0.01 + 0.99 * 0.5 * (1.0 + (PI * part.min(1.0)).cos()))
}

#[cfg(test)]
mod tests {
    use super::{AdamW, learning_rate};
    use candle_core::{DType, Device, Tensor};
    use candle_nn::{Init, VarMap};

    #[test]
    fn the_rate_rises_to_its_base_and_falls_to_a_hundredth() {
        assert!((learning_rate(1.0, 0, 10, 110) - 0.1).abs() < 1e-12);
        assert!((learning_rate(1.0, 10, 10, 110) - 1.0).abs() < 1e-12);
        assert!((learning_rate(1.0, 110, 10, 110) - 0.01).abs() < 1e-12);
        assert!((11..110).all(|step| learning_rate(1.0, step, 10, 110) < learning_rate(1.0, step - 1, 10, 110)));
    }

    #[test]
    fn the_first_update_is_the_rate_times_the_sign_plus_decay_of_matrices_only() {
        let vars = VarMap::new();
        let matrix = vars.get((1, 2), "matrix", Init::Const(1.0), DType::F32, &Device::Cpu).unwrap();
        let vector = vars.get(2, "vector", Init::Const(1.0), DType::F32, &Device::Cpu).unwrap();
        let weights = Tensor::new(&[3.0f32, -4.0], &Device::Cpu).unwrap();
        let loss = (matrix.broadcast_mul(&weights).unwrap().sum_all().unwrap()
            + vector.mul(&weights).unwrap().sum_all().unwrap())
        .unwrap();
        let mut optimiser = AdamW::new(&vars, 0.5);
        let norm = optimiser.step(&loss.backward().unwrap(), 0.1, 1.0).unwrap();
        assert!((norm - 50f64.sqrt()).abs() < 1e-5);
        let near =
            |values: Vec<f32>, expected: [f32; 2]| values.iter().zip(expected).all(|(v, e)| (v - e).abs() < 1e-4);
        let data = vars.data().lock().unwrap();
        assert!(near(data["matrix"].flatten_all().unwrap().to_vec1().unwrap(), [0.85, 1.05]));
        assert!(near(data["vector"].to_vec1().unwrap(), [0.9, 1.1]));
    }
}
