//! Three operations of a transformer, each in one pass, forward and backward.
//!
//! Contract: inputs are contiguous f32. Candle's own fused softmax and layer norm cut gradients without a word, and the
//! composed ones cost a pass over memory per arithmetic step; these have a backward pass that the tests hold against
//! finite differences. Used for training only: in service `candle_transformers` does the same arithmetic.

use candle_core::{CpuStorage, CustomOp1, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor, bail};

const LAYER_NORM_EPSILON: f32 = 1e-12;

/// `softmax(scale × scores)` over the last axis, columns whose `keep` is 0 left out.
/// `scores`: (batch, heads, queries, keys); `keep`: (batch, keys) of 0 and 1, at least one 1 per row.
///
/// # Errors
/// Candle's, when the inputs are not contiguous f32.
pub fn masked_softmax(scores: &Tensor, keep: &Tensor, scale: f32) -> Result<Tensor> {
    scores.apply_op2(keep, MaskedSoftmax { scale })
}

/// Layer normalisation over the last axis (Ba et al. 2016): `(x − mean) / deviation × weight + bias`.
///
/// # Errors
/// Candle's, when the inputs are not contiguous f32.
pub fn layer_norm(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op3(weight, bias, LayerNorm)
}

/// Gaussian error linear unit, exact form `x Φ(x)` (Hendrycks & Gimpel 2016); |error| below 1e-6.
///
/// # Errors
/// Candle's, when the input is not contiguous f32.
pub fn gelu(x: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op1(Gelu)
}

fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => bail!("the operation needs a contiguous input"),
    }
}

fn answer(values: Vec<f32>, shape: &Shape) -> Result<(CpuStorage, Shape)> {
    Ok((CpuStorage::F32(values), shape.clone()))
}

fn last(layout: &Layout) -> usize {
    layout.dims().last().copied().unwrap_or(1).max(1)
}

/// e^x by range reduction and the Cephes polynomial (relative error 1e-7), in a form the compiler vectorises.
#[inline]
fn exp(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0; // 1.5 × 2^23: adding it leaves the nearest integer in the low bits
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * 0.693_359_4) + n * 2.121_944_4e-4; // not `mul_add`: without FMA it is a call
    let mut p = 1.987_569_1e-4_f32;
    for c in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_66, 0.5] {
        p = p * r + c;
    }
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23));
    (p * r * r + r + 1.0) * power
}

/// Φ(x) and e^(−x²/2), by Abramowitz & Stegun 7.1.26.
#[inline]
fn normal(x: f32) -> (f32, f32) {
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let bell = exp(-z * z);
    let p = ((((1.061_405_4 * t - 1.453_152_1) * t + 1.421_413_8) * t - 0.284_496_72) * t + 0.254_829_6) * t;
    let half = 0.5 * p * bell;
    (if x >= 0.0 { 1.0 - half } else { half }, bell)
}

struct Gelu;
struct GeluBackward;

impl CustomOp1 for Gelu {
    fn name(&self) -> &'static str {
        "gelu"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        answer(values(storage, layout)?.iter().map(|&x| x * normal(x).0).collect(), layout.shape())
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        x.apply_op2_no_bwd(&gradient.contiguous()?, &GeluBackward).map(Some)
    }
}

impl CustomOp2 for GeluBackward {
    fn name(&self) -> &'static str {
        "gelu-backward"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        const DENSITY: f32 = 0.398_942_3; // 1/√(2π)
        let slope = |&x: &f32| {
            let (phi, bell) = normal(x);
            phi + x * bell * DENSITY
        };
        let (x, gradient) = (values(s1, l1)?, values(s2, l2)?);
        answer(x.iter().zip(gradient).map(|(x, g)| g * slope(x)).collect(), l1.shape())
    }
}

struct MaskedSoftmax {
    scale: f32,
}
struct SoftmaxBackward {
    scale: f32,
}

impl CustomOp2 for MaskedSoftmax {
    fn name(&self) -> &'static str {
        "masked-softmax"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let (scores, keep, keys) = (values(s1, l1)?, values(s2, l2)?, last(l1));
        let rows_per_case = (scores.len() / keep.len().max(1)).max(1);
        let mut out = vec![0.0; scores.len()];
        for (index, (from, to)) in scores.chunks_exact(keys).zip(out.chunks_exact_mut(keys)).enumerate() {
            let case = index / rows_per_case * keys;
            let keep = &keep[case..case + keys];
            let top = from.iter().zip(keep).filter(|(_, k)| **k > 0.0).fold(f32::MIN, |top, (x, _)| top.max(*x));
            let mut sum = 0.0;
            for ((to, from), keep) in to.iter_mut().zip(from).zip(keep) {
                *to = keep * exp((from - top).min(0.0) * self.scale);
                sum += *to;
            }
            to.iter_mut().for_each(|value| *value /= sum);
        }
        answer(out, l1.shape())
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, y: &Tensor, gradient: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let backward = SoftmaxBackward { scale: self.scale };
        Ok((Some(y.apply_op2_no_bwd(&gradient.contiguous()?, &backward)?), None))
    }
}

impl CustomOp2 for SoftmaxBackward {
    fn name(&self) -> &'static str {
        "masked-softmax-backward"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let (y, gradient, keys) = (values(s1, l1)?, values(s2, l2)?, last(l1));
        let mut out = vec![0.0; y.len()];
        for ((y, g), to) in y.chunks_exact(keys).zip(gradient.chunks_exact(keys)).zip(out.chunks_exact_mut(keys)) {
            let mean: f32 = y.iter().zip(g).map(|(y, g)| y * g).sum();
            for ((to, y), g) in to.iter_mut().zip(y).zip(g) {
                *to = self.scale * y * (g - mean);
            }
        }
        answer(out, l1.shape())
    }
}

struct LayerNorm;
struct LayerNormInput;
struct LayerNormWeights;

fn moments(row: &[f32]) -> (f32, f32) {
    let n = row.len() as f32;
    let mean = row.iter().sum::<f32>() / n;
    let variance = row.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>() / n;
    (mean, 1.0 / (variance + LAYER_NORM_EPSILON).sqrt())
}

impl CustomOp3 for LayerNorm {
    fn name(&self) -> &'static str {
        "layer-norm"
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
        let (x, weight, bias) = (values(s1, l1)?, values(s2, l2)?, values(s3, l3)?);
        let mut out = vec![0.0; x.len()];
        for (row, to) in x.chunks_exact(last(l1)).zip(out.chunks_exact_mut(last(l1))) {
            let (mean, inverse) = moments(row);
            for (((to, x), w), b) in to.iter_mut().zip(row).zip(weight).zip(bias) {
                *to = (x - mean) * inverse * w + b;
            }
        }
        answer(out, l1.shape())
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        _: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let gradient = gradient.contiguous()?;
        let input = x.apply_op3_no_bwd(weight, &gradient, &LayerNormInput)?;
        let weights = x.apply_op2_no_bwd(&gradient, &LayerNormWeights)?;
        Ok((Some(input), Some(weights.get(0)?), Some(weights.get(1)?)))
    }
}

impl CustomOp3 for LayerNormInput {
    fn name(&self) -> &'static str {
        "layer-norm-input"
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
        let (x, weight, gradient, width) = (values(s1, l1)?, values(s2, l2)?, values(s3, l3)?, last(l1));
        let mut out = vec![0.0; x.len()];
        for ((row, g), to) in x.chunks_exact(width).zip(gradient.chunks_exact(width)).zip(out.chunks_exact_mut(width)) {
            let (mean, inverse) = moments(row);
            let (mut sum, mut dot) = (0.0, 0.0);
            for ((x, g), w) in row.iter().zip(g).zip(weight) {
                sum += g * w;
                dot += g * w * (x - mean) * inverse;
            }
            let (sum, dot) = (sum / width as f32, dot / width as f32);
            for (((to, x), g), w) in to.iter_mut().zip(row).zip(g).zip(weight) {
                *to = inverse * (g * w - sum - (x - mean) * inverse * dot);
            }
        }
        answer(out, l1.shape())
    }
}

impl CustomOp2 for LayerNormWeights {
    fn name(&self) -> &'static str {
        "layer-norm-weights"
    }

    /// Row 0: the gradient of the weight; row 1: of the bias.
    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let (x, gradient, width) = (values(s1, l1)?, values(s2, l2)?, last(l1));
        let mut out = vec![0.0; 2 * width];
        let (weight, bias) = out.split_at_mut(width);
        for (row, g) in x.chunks_exact(width).zip(gradient.chunks_exact(width)) {
            let (mean, inverse) = moments(row);
            for (((w, b), x), g) in weight.iter_mut().zip(bias.iter_mut()).zip(row).zip(g) {
                *w += g * (x - mean) * inverse;
                *b += g;
            }
        }
        answer(out, &Shape::from((2, width)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    fn wavy(n: usize, shape: &[usize]) -> Tensor {
        let values: Vec<f32> = (0..n).map(|i| ((i * 37 % 101) as f32 / 25.0 - 2.0).sin() * 1.5).collect();
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    }

    /// Largest difference between the backward pass and central differences of Σ f(x) c.
    fn gradient_error(x: Tensor, f: impl Fn(&Tensor) -> Result<Tensor>) -> f32 {
        let var = Var::from_tensor(&x).unwrap();
        let weigh = |y: &Tensor| (y * wavy(y.elem_count(), y.dims())).unwrap().sum_all().unwrap();
        let grads = weigh(&f(var.as_tensor()).unwrap()).backward().unwrap();
        let gradient = grads.get(&var).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let flat = x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let at = |index: usize, step: f32| {
            let mut moved = flat.clone();
            moved[index] += step;
            let moved = Tensor::from_vec(moved, x.shape(), &Device::Cpu).unwrap();
            weigh(&f(&moved).unwrap()).to_scalar::<f32>().unwrap()
        };
        let error = |i: usize| ((at(i, 0.01) - at(i, -0.01)) / 0.02 - gradient[i]).abs();
        (0..flat.len()).map(error).fold(0.0, f32::max)
    }

    #[test]
    fn the_gelu_is_the_exact_one_and_its_gradient_is_right() {
        let x = wavy(200, &[200]);
        let gap = (gelu(&x).unwrap() - x.gelu_erf().unwrap()).unwrap().abs().unwrap().max_all().unwrap();
        assert!(gap.to_scalar::<f32>().unwrap() < 2e-6);
        assert!(gradient_error(wavy(24, &[24]), gelu) < 1e-3);
    }

    #[test]
    fn the_softmax_leaves_masked_keys_out_and_its_gradient_is_right() {
        let keep = Tensor::from_vec(vec![1f32, 1., 1., 0., 1., 1., 0., 0.], (2, 4), &Device::Cpu).unwrap();
        let scores = wavy(2 * 3 * 4 * 4, &[2, 3, 4, 4]);
        let y = masked_softmax(&scores, &keep, 0.7).unwrap();
        let rows = y.sum(3).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert!(rows.iter().all(|sum| (sum - 1.0).abs() < 1e-5));
        assert_eq!(y.get(1).unwrap().narrow(2, 2, 2).unwrap().max_all().unwrap().to_scalar::<f32>().unwrap(), 0.0);
        assert!(gradient_error(scores, |x| masked_softmax(x, &keep, 0.7)) < 1e-3);
    }

    #[test]
    fn the_layer_norm_has_the_right_gradient_for_input_weight_and_bias() {
        let (x, w, b) = (wavy(5 * 8, &[5, 8]), wavy(8, &[8]), wavy(8, &[8]));
        assert!(gradient_error(x.clone(), |x| layer_norm(x, &w, &b)) < 2e-3);
        assert!(gradient_error(w.clone(), |w| layer_norm(&x, w, &b)) < 2e-3);
        assert!(gradient_error(b.clone(), |b| layer_norm(&x, &w, b)) < 2e-3);
    }
}
