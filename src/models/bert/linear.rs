//! A linear layer in one pass, forward and backward.
//!
//! Contract: `y = x·Wᵀ + b` for contiguous f32 `x` (rows, inputs), `W` (outputs, inputs), `b` (outputs). The bias is
//! what the product is added to, and no operand is copied or transposed in memory; one thread.

use super::ops::{answer, fast, slice, values};
use crate::models::ops::gemm::{Strides, gemm};
use candle_core::{CpuStorage, CustomOp3, Device, Layout, Result, Shape, Tensor, bail};
use candle_nn::{Init, VarBuilder};

/// Weight and bias.
#[derive(Debug, Clone)]
pub struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    /// Takes `weight` (outputs, inputs) and `bias` (outputs), or makes them in a `VarMap`.
    ///
    /// # Errors
    /// Candle's, when a tensor is missing or has another shape.
    pub fn load(inputs: usize, outputs: usize, vb: &VarBuilder) -> Result<Self> {
        let init = Init::Randn { mean: 0.0, stdev: 0.02 };
        let weight = vb.get_with_hints((outputs, inputs), "weight", init)?;
        Ok(Self { weight, bias: vb.get_with_hints(outputs, "bias", Init::Const(0.0))? })
    }

    /// (rows, inputs) → (rows, outputs).
    ///
    /// # Errors
    /// Candle's, when the shapes do not fit.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x.contiguous()?.apply_op3(&self.weight, &self.bias, Affine)
    }
}

struct Affine;

impl CustomOp3 for Affine {
    fn name(&self) -> &'static str {
        "affine"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let ((rows, inputs), (outputs, wanted)) = (l1.shape().dims2()?, l2.shape().dims2()?);
        if inputs != wanted {
            bail!("a linear layer of {wanted} inputs was given {inputs}");
        }
        let (x, weight, bias) = (values(s1, l1)?, values(s2, l2)?, values(s3, l3)?);
        let mut y = Vec::with_capacity(rows * outputs);
        (0..rows).for_each(|_| y.extend_from_slice(bias));
        let (from_x, from_weight) = (Strides::rows_of(inputs), Strides::transposed(inputs));
        gemm((rows, outputs, inputs), x, from_x, weight, from_weight, &mut y, Strides::rows_of(outputs), 1.0, 1.0);
        answer(y, &Shape::from((rows, outputs)))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        _: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let ((rows, inputs), (outputs, _)) = (x.dims2()?, weight.dims2()?);
        let gradient = gradient.contiguous()?;
        // While explaining nobody waits for the weights' gradients.
        let learning = weight.track_op();
        let (mut to_x, mut to_bias) = (vec![0.0; rows * inputs], vec![0.0; outputs]);
        let mut to_weight = vec![0.0; if learning { outputs * inputs } else { 0 }];
        slice(&gradient, |g| {
            let (by_row, by_output) = (Strides::rows_of(outputs), Strides::transposed(outputs));
            let narrow = Strides::rows_of(inputs);
            slice(weight, |w| gemm((rows, inputs, outputs), g, by_row, w, narrow, &mut to_x, narrow, 0.0, 1.0))?;
            if learning {
                slice(x, |x| gemm((outputs, inputs, rows), g, by_output, x, narrow, &mut to_weight, narrow, 0.0, 1.0))?;
            }
            fast(|| {
                for row in g.chunks_exact(outputs) {
                    to_bias.iter_mut().zip(row).for_each(|(sum, g)| *sum += g);
                }
            });
            Ok::<(), candle_core::Error>(())
        })??;
        Ok((
            Some(Tensor::from_vec(to_x, (rows, inputs), &Device::Cpu)?),
            learning.then(|| Tensor::from_vec(to_weight, (outputs, inputs), &Device::Cpu)).transpose()?,
            Some(Tensor::from_vec(to_bias, outputs, &Device::Cpu)?),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::bert::ops::tests::{gradient_error, wavy};

    #[test]
    fn the_product_and_its_three_gradients_are_right() {
        let (x, w, b) = (wavy(&[5, 7]), wavy(&[3, 7]), wavy(&[3]));
        let plain = x.matmul(&w.t().unwrap()).unwrap().broadcast_add(&b).unwrap();
        let fused = x.apply_op3(&w, &b, Affine).unwrap();
        let gap = (plain - fused).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(gap < 1e-5, "{gap}");
        assert!(gradient_error(x.clone(), |x| x.apply_op3(&w, &b, Affine)) < 2e-3);
        assert!(gradient_error(w.clone(), |w| x.apply_op3(w, &b, Affine)) < 2e-3);
        assert!(gradient_error(b.clone(), |b| x.apply_op3(&w, b, Affine)) < 2e-3);
    }
}
