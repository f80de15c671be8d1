//! Operations of a transformer, each in one pass, forward and backward.
//!
//! Contract: inputs are contiguous f32. Candle's own fused layer norm cuts gradients without a word, and the composed
//! ones cost a pass over memory per arithmetic step; these have a backward pass that the tests hold against finite
//! differences.

pub(super) use crate::models::ops::slices::{fast, numbers as values, with_numbers as slice};
use candle_core::{CpuStorage, CustomOp1, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor};

const LAYER_NORM_EPSILON: f32 = 1e-12;

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

pub(super) fn answer(values: Vec<f32>, shape: &Shape) -> Result<(CpuStorage, Shape)> {
    Ok((CpuStorage::F32(values), shape.clone()))
}

/// Sums and maxima are kept side by side: in one chain each addition would wait for the one before.
const LANES: usize = 16;

/// Sum of `f` over pairs of numbers.
#[inline(always)]
pub(super) fn sum2(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32) -> f32 {
    let (a, b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let tail: f32 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| f(*a, *b)).sum();
    let mut lanes = [0.0; LANES];
    for (a, b) in a.zip(b) {
        for lane in 0..LANES {
            lanes[lane] += f(a[lane], b[lane]);
        }
    }
    lanes.iter().sum::<f32>() + tail
}

/// Sum of `f` over numbers.
#[inline(always)]
pub(super) fn sum(a: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    sum2(a, a, |a, _| f(a))
}

/// Greatest number.
#[inline(always)]
pub(super) fn top(a: &[f32]) -> f32 {
    let chunks = a.chunks_exact(LANES);
    let tail = chunks.remainder().iter().fold(f32::MIN, |top, x| if *x > top { *x } else { top });
    let mut lanes = [f32::MIN; LANES];
    for chunk in chunks {
        for lane in 0..LANES {
            lanes[lane] = if chunk[lane] > lanes[lane] { chunk[lane] } else { lanes[lane] };
        }
    }
    lanes.iter().fold(tail, |top, x| if *x > top { *x } else { top })
}

fn last(layout: &Layout) -> usize {
    layout.dims().last().copied().unwrap_or(1).max(1)
}

/// e^x by range reduction and the Cephes polynomial (relative error 1e-7), in a form the compiler vectorises.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
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
#[inline(always)]
fn normal(x: f32) -> (f32, f32) {
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let bell = exp(-z * z);
    let p = ((((1.061_405_4 * t - 1.453_152_1) * t + 1.421_413_8) * t - 0.284_496_72) * t + 0.254_829_6) * t;
    let half = 0.5 * p * bell;
    (if x >= 0.0 { 1.0 - half } else { half }, bell)
}

/// Sets a share of `rate` of the numbers to 0 and scales the others up to the same mean (Srivastava et al., JMLR 2014).
/// Which ones follows from `seed` alone.
///
/// # Errors
/// Candle's, when the input is not contiguous f32.
pub fn dropout(x: &Tensor, rate: f32, seed: u32) -> Result<Tensor> {
    x.contiguous()?.apply_op1(Dropout { rate, seed })
}

struct Dropout {
    rate: f32,
    seed: u32,
}

impl Dropout {
    fn apply(&self, x: &[f32]) -> Vec<f32> {
        let (limit, scale) = ((self.rate * (1u64 << 32) as f32) as u32, 1.0 / (1.0 - self.rate));
        let keep = |index: u32| {
            // Two rounds of multiply and shift (Murmur3's finaliser): even, cheap, and the same forth and back.
            let mut h = (index ^ self.seed).wrapping_mul(0x85eb_ca6b);
            h = (h ^ (h >> 13)).wrapping_mul(0xc2b2_ae35);
            if h ^ (h >> 16) >= limit { scale } else { 0.0 }
        };
        let mut out = vec![0.0; x.len()];
        fast(|| out.iter_mut().zip(x).zip(0u32..).for_each(|((to, x), index)| *to = x * keep(index)));
        out
    }
}

impl CustomOp1 for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        answer(self.apply(values(storage, layout)?), layout.shape())
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        dropout(&gradient.detach(), self.rate, self.seed).map(Some)
    }
}

struct Gelu;
struct GeluBackward;

impl CustomOp1 for Gelu {
    fn name(&self) -> &'static str {
        "gelu"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = values(storage, layout)?;
        let mut out = vec![0.0; x.len()];
        fast(|| out.iter_mut().zip(x).for_each(|(to, &x)| *to = x * normal(x).0));
        answer(out, layout.shape())
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
        let mut out = vec![0.0; x.len()];
        fast(|| out.iter_mut().zip(x).zip(gradient).for_each(|((to, x), g)| *to = g * slope(x)));
        answer(out, l1.shape())
    }
}

struct LayerNorm;
struct LayerNormInput;
struct LayerNormWeights;

#[inline(always)]
fn moments(row: &[f32]) -> (f32, f32) {
    let n = row.len() as f32;
    let mean = sum(row, |x| x) / n;
    let variance = sum(row, |x| (x - mean) * (x - mean)) / n;
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
        fast(|| {
            for (row, to) in x.chunks_exact(last(l1)).zip(out.chunks_exact_mut(last(l1))) {
                let (mean, inverse) = moments(row);
                for (((to, x), w), b) in to.iter_mut().zip(row).zip(weight).zip(bias) {
                    *to = (x - mean) * inverse * w + b;
                }
            }
        });
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
        let mut weighted = vec![0.0; width];
        fast(|| {
            let rows = x.chunks_exact(width).zip(gradient.chunks_exact(width));
            for ((row, g), to) in rows.zip(out.chunks_exact_mut(width)) {
                let (mean, inverse) = moments(row);
                weighted.iter_mut().zip(g).zip(weight).for_each(|((to, g), w)| *to = g * w);
                let all = sum(&weighted, |g| g) / width as f32;
                let dot = sum2(&weighted, row, |g, x| g * (x - mean)) * inverse / width as f32;
                for ((to, x), g) in to.iter_mut().zip(row).zip(&weighted) {
                    *to = inverse * (g - all - (x - mean) * inverse * dot);
                }
            }
        });
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
        fast(|| {
            for (row, g) in x.chunks_exact(width).zip(gradient.chunks_exact(width)) {
                let (mean, inverse) = moments(row);
                for (((w, b), x), g) in weight.iter_mut().zip(bias.iter_mut()).zip(row).zip(g) {
                    *w += g * (x - mean) * inverse;
                    *b += g;
                }
            }
        });
        answer(out, &Shape::from((2, width)))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use candle_core::{Device, Var};

    pub(in super::super) fn wavy(shape: &[usize]) -> Tensor {
        let values: Vec<f32> =
            (0..shape.iter().product::<usize>()).map(|i| ((i * 37 % 101) as f32 / 25.0 - 2.0).sin() * 1.5).collect();
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    }

    /// Largest difference between the backward pass and central differences of Σ f(x) c.
    pub(in super::super) fn gradient_error(x: Tensor, f: impl Fn(&Tensor) -> Result<Tensor>) -> f32 {
        let var = Var::from_tensor(&x).unwrap();
        let weigh = |y: &Tensor| (y * wavy(y.dims())).unwrap().sum_all().unwrap();
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
        let x = wavy(&[200]);
        let gap = (gelu(&x).unwrap() - x.gelu_erf().unwrap()).unwrap().abs().unwrap().max_all().unwrap();
        assert!(gap.to_scalar::<f32>().unwrap() < 2e-6);
        assert!(gradient_error(wavy(&[24]), gelu) < 1e-3);
    }

    #[test]
    fn dropout_keeps_the_mean_and_its_gradient_is_its_own_mask() {
        let ones = Tensor::ones((100, 100), candle_core::DType::F32, &Device::Cpu).unwrap();
        for seed in 0..5 {
            let mean = dropout(&ones, 0.1, seed * 77_777).unwrap().mean_all().unwrap().to_scalar::<f32>().unwrap();
            assert!((mean - 1.0).abs() < 0.02, "{mean}");
        }
        assert!(gradient_error(wavy(&[40]), |x| dropout(x, 0.3, 9)) < 1e-3);
    }

    #[test]
    fn the_layer_norm_has_the_right_gradient_for_input_weight_and_bias() {
        let (x, w, b) = (wavy(&[5, 8]), wavy(&[8]), wavy(&[8]));
        assert!(gradient_error(x.clone(), |x| layer_norm(x, &w, &b)) < 2e-3);
        assert!(gradient_error(w.clone(), |w| layer_norm(&x, w, &b)) < 2e-3);
        assert!(gradient_error(b.clone(), |b| layer_norm(&x, &w, b)) < 2e-3);
    }
}
