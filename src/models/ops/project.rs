//! `x · Wᵀ` with gradients only where somebody asked for them.
//!
//! Contract: `[rows, inputs]` × `[outputs, inputs]` → `[rows, outputs]`. Candle's product computes the weights'
//! gradient also when they are constants, which is a third of the work of an attribution; here only variables get one.

use super::gemm::{Strides, gemm};
use candle_core::{CpuStorage, CustomOp2, Error, Layout, Result, Shape, Storage, Tensor};
use rayon::prelude::*;

/// Rows in one shard; not a matter of the number of threads, so that sums do not depend on it.
const SHARD_ROWS: usize = 512;

/// The product; `x` and `weight` are contiguous f32 tensors on the CPU.
///
/// # Errors
/// Candle's, when shapes or types do not fit.
pub fn project(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op2(weight, Project)
}

struct Project;

impl CustomOp2 for Project {
    fn name(&self) -> &'static str {
        "project"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (rows, inputs) = x_layout.shape().dims2()?;
        let (outputs, width) = weight_layout.shape().dims2()?;
        if width != inputs {
            return Err(Error::Msg(format!("weights for {width} inputs do not fit {inputs}")));
        }
        let (x, weight) = (slice(x, x_layout)?, slice(weight, weight_layout)?);
        let product = by_rows(x, inputs, outputs, |x, rows, product| {
            let (left, right) = (Strides::rows_of(inputs), Strides::transposed(inputs));
            gemm((rows, outputs, inputs), x, left, weight, right, product, Strides::rows_of(outputs), 0.0, 1.0);
        });
        Ok((CpuStorage::F32(product), (rows, outputs).into()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        _product: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (rows, inputs) = x.dims2()?;
        let outputs = weight.dim(0)?;
        let gradient = gradient.contiguous()?;
        let (xs, x_layout) = x.storage_and_layout();
        let (weights, weight_layout) = weight.storage_and_layout();
        let (gradients, gradient_layout) = gradient.storage_and_layout();
        let w = slice(cpu(&weights)?, weight_layout)?;
        let g = slice(cpu(&gradients)?, gradient_layout)?;
        let of_x = by_rows(g, outputs, inputs, |g, rows, of_x| {
            let (left, right) = (Strides::rows_of(outputs), Strides::rows_of(inputs));
            gemm((rows, inputs, outputs), g, left, w, right, of_x, right, 0.0, 1.0);
        });
        let of_x = Tensor::from_vec(of_x, (rows, inputs), x.device())?;
        if !weight.is_variable() {
            return Ok((Some(of_x), None));
        }
        let mut of_weight = vec![0.0; outputs * inputs];
        let (left, right) = (Strides::transposed(outputs), Strides::rows_of(inputs));
        let x = slice(cpu(&xs)?, x_layout)?;
        gemm((outputs, inputs, rows), g, left, x, right, &mut of_weight, right, 0.0, 1.0);
        Ok((Some(of_x), Some(Tensor::from_vec(of_weight, (outputs, inputs), weight.device())?)))
    }
}

/// Fills a matrix of `to` columns, shard by shard, from one of `from` columns.
fn by_rows(matrix: &[f32], from: usize, to: usize, fill: impl Fn(&[f32], usize, &mut [f32]) + Sync) -> Vec<f32> {
    let rows = matrix.len() / from.max(1);
    let mut filled = vec![0.0; rows * to];
    let parts = filled.par_chunks_mut(SHARD_ROWS * to.max(1)).zip(matrix.par_chunks(SHARD_ROWS * from.max(1)));
    parts.for_each(|(filled, matrix)| fill(matrix, matrix.len() / from.max(1), filled));
    filled
}

pub(super) fn cpu(storage: &Storage) -> Result<&CpuStorage> {
    match storage {
        Storage::Cpu(storage) => Ok(storage),
        _ => Err(Error::Msg("this operation runs on the CPU only".into())),
    }
}

/// The contiguous values of a tensor.
pub(super) fn slice<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let span = layout.contiguous_offsets();
    let (start, end) = span.ok_or_else(|| Error::Msg("this operation needs contiguous tensors".into()))?;
    Ok(&storage.as_slice::<f32>()?[start..end])
}

#[cfg(test)]
mod tests {
    use super::project;
    use candle_core::{Device, Tensor, Var};

    fn numbers(rows: usize, columns: usize, phase: f32) -> Tensor {
        let values: Vec<f32> = (0..rows * columns).map(|i| (i as f32 * 0.7 + phase).sin()).collect();
        Tensor::from_vec(values, (rows, columns), &Device::Cpu).unwrap()
    }

    fn gap(a: &Tensor, b: &Tensor) -> f32 {
        (a - b).unwrap().abs().unwrap().max_all().unwrap().to_scalar().unwrap()
    }

    #[test]
    fn it_is_candles_product_with_candles_gradients() {
        let (x, weight) =
            (Var::from_tensor(&numbers(1100, 7, 0.1)).unwrap(), Var::from_tensor(&numbers(5, 7, 2.0)).unwrap());
        let factors = numbers(1100, 5, 1.0);
        let ours = project(&x, &weight).unwrap();
        let theirs = x.matmul(&weight.t().unwrap()).unwrap();
        assert!(gap(&ours, &theirs) < 1e-5);
        let gradients = |product: Tensor| (product * &factors).unwrap().sum_all().unwrap().backward().unwrap();
        let (ours, theirs) = (gradients(ours), gradients(theirs));
        for var in [&x, &weight] {
            assert!(gap(ours.get(var).unwrap(), theirs.get(var).unwrap()) < 1e-3);
        }
    }

    #[test]
    fn constant_weights_get_no_gradient() {
        let (x, weight) = (Var::from_tensor(&numbers(3, 7, 0.1)).unwrap(), numbers(5, 7, 2.0));
        let gradients = project(&x, &weight).unwrap().sum_all().unwrap().backward().unwrap();
        assert!(gradients.get(&weight).is_none() && gradients.get(&x).is_some());
        assert!(project(&x, &numbers(5, 6, 0.0)).is_err());
    }
}
