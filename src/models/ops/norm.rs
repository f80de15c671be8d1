//! Group normalisation (Wu & He, ECCV 2018) with scale, shift and optional ReLU, forward and backward.
//!
//! Contract: `x` is (batch, height, width, channels), scale and shift (channels), all f32 on the CPU; every image is
//! normalised by itself, so that an image alone and in a batch gives the same. Sums over images are always in the same
//! order, so that the result does not depend on the number of threads.

use candle_core::{CpuStorage, CustomOp3, Device, Layout, Result, Shape, Storage, Tensor, bail};
use rayon::prelude::*;

/// Added to the variance.
const EPSILON: f32 = 1e-5;

/// How to normalise.
#[derive(Debug, Clone, Copy)]
pub struct GroupNorm {
    /// Channels that share mean and variance; must divide the channels.
    pub width: usize,
    /// Whether negative answers become zero.
    pub relu: bool,
}

/// Normalises `x`, multiplies by `scale`, adds `shift`, cuts at zero if asked.
///
/// # Errors
/// Candle's, when shapes do not fit or something is not f32 on the CPU.
pub fn group_norm(x: &Tensor, scale: &Tensor, shift: &Tensor, norm: GroupNorm) -> Result<Tensor> {
    x.contiguous()?.apply_op3(&scale.contiguous()?, &shift.contiguous()?, norm)
}

/// Mean and 1 / standard deviation of every group of one image.
fn statistics(image: &[f32], channels: usize, width: usize) -> Vec<(f32, f32)> {
    let (mut sums, mut squares) = (vec![0f32; channels], vec![0f32; channels]);
    for pixel in image.chunks_exact(channels) {
        for ((sum, square), value) in sums.iter_mut().zip(&mut squares).zip(pixel) {
            *sum += value;
            *square += value * value;
        }
    }
    let count = (image.len() / channels * width) as f32;
    let of_group = |(sums, squares): (&[f32], &[f32])| {
        let mean = sums.iter().sum::<f32>() / count;
        let variance = (squares.iter().sum::<f32>() / count - mean * mean).max(0.0);
        (mean, 1.0 / (variance + EPSILON).sqrt())
    };
    sums.chunks_exact(width).zip(squares.chunks_exact(width)).map(of_group).collect()
}

impl GroupNorm {
    fn forward_image(self, image: &[f32], scale: &[f32], shift: &[f32], answer: &mut [f32]) {
        let channels = scale.len();
        let groups = statistics(image, channels, self.width);
        let factors: Vec<f32> = (0..channels).map(|c| scale[c] * groups[c / self.width].1).collect();
        let offsets: Vec<f32> = (0..channels).map(|c| shift[c] - groups[c / self.width].0 * factors[c]).collect();
        let floor = if self.relu { 0.0 } else { f32::NEG_INFINITY };
        for (pixel, answer) in image.chunks_exact(channels).zip(answer.chunks_exact_mut(channels)) {
            for (((answer, value), factor), offset) in answer.iter_mut().zip(pixel).zip(&factors).zip(&offsets) {
                *answer = (value * factor + offset).max(floor);
            }
        }
    }

    /// `grad` is the answer's gradient, zero where ReLU cut; becomes the image's. Gives those of scale and shift.
    fn backward_image(self, image: &[f32], scale: &[f32], grad: &mut [f32]) -> (Vec<f32>, Vec<f32>) {
        let channels = scale.len();
        let groups = statistics(image, channels, self.width);
        // Sums over positions of the gradient, and of gradient × value.
        let (mut shifts, mut products) = (vec![0f32; channels], vec![0f32; channels]);
        for (pixel, grad) in image.chunks_exact(channels).zip(grad.chunks_exact(channels)) {
            for (((shift, product), value), grad) in shifts.iter_mut().zip(&mut products).zip(pixel).zip(grad) {
                *shift += grad;
                *product += grad * value;
            }
        }
        let scales: Vec<f32> = (0..channels)
            .map(|c| {
                let (mean, inverse) = groups[c / self.width];
                inverse * (products[c] - mean * shifts[c])
            })
            .collect();
        let count = (image.len() / channels * self.width) as f32;
        let (mut of_grad, mut of_value, mut constant) =
            (vec![0f32; channels], vec![0f32; channels], vec![0f32; channels]);
        for (group, (mean, inverse)) in groups.iter().enumerate() {
            let own = group * self.width..(group + 1) * self.width;
            let first = own.clone().map(|c| scale[c] * shifts[c]).sum::<f32>() / count;
            let second = own.clone().map(|c| scale[c] * scales[c]).sum::<f32>() / count;
            for c in own {
                of_grad[c] = inverse * scale[c];
                of_value[c] = -inverse * inverse * second;
                constant[c] = -inverse * first + inverse * inverse * mean * second;
            }
        }
        for (pixel, grad) in image.chunks_exact(channels).zip(grad.chunks_exact_mut(channels)) {
            for ((((grad, value), a), b), c) in grad.iter_mut().zip(pixel).zip(&of_grad).zip(&of_value).zip(&constant) {
                *grad = a * *grad + b * value + c;
            }
        }
        (scales, shifts)
    }

    fn check(self, x: &[usize], scale: &[usize], shift: &[usize]) -> Result<(usize, usize)> {
        let &[_, height, width, channels] = x else { bail!("group_norm needs four dimensions, not {x:?}") };
        if scale != [channels] || shift != [channels] || self.width == 0 || channels % self.width != 0 {
            bail!("group_norm: image {x:?}, scale {scale:?}, shift {shift:?} and groups of {} do not fit", self.width)
        }
        Ok((height * width * channels, channels))
    }
}

/// The numbers of a contiguous f32 tensor.
fn numbers<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => bail!("group_norm needs contiguous tensors"),
    }
}

/// Calls `work` with the numbers of a contiguous CPU tensor, without copying them.
fn with_numbers<T>(tensor: &Tensor, work: impl FnOnce(&[f32]) -> T) -> Result<T> {
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(cpu) => Ok(work(numbers(cpu, layout)?)),
        _ => bail!("group_norm runs on the CPU"),
    }
}

impl CustomOp3 for GroupNorm {
    fn name(&self) -> &'static str {
        "group-norm-relu"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        scale: &CpuStorage,
        scale_layout: &Layout,
        shift: &CpuStorage,
        shift_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (size, _) = self.check(x_layout.dims(), scale_layout.dims(), shift_layout.dims())?;
        let (x, scale, shift) = (numbers(x, x_layout)?, numbers(scale, scale_layout)?, numbers(shift, shift_layout)?);
        let mut answers = vec![0.0; x.len()];
        let images = answers.par_chunks_exact_mut(size.max(1)).zip(x.par_chunks_exact(size.max(1)));
        images.for_each(|(answer, image)| self.forward_image(image, scale, shift, answer));
        Ok((CpuStorage::F32(answers), x_layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        scale: &Tensor,
        shift: &Tensor,
        answer: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (size, channels) = self.check(x.dims(), scale.dims(), shift.dims())?;
        let mut grads = with_numbers(&grad.contiguous()?, <[f32]>::to_vec)?;
        if self.relu {
            with_numbers(answer, |answer| {
                let cut = grads.iter_mut().zip(answer).filter(|(_, answer)| **answer <= 0.0);
                cut.for_each(|(grad, _)| *grad = 0.0);
            })?;
        }
        let parts: Vec<(Vec<f32>, Vec<f32>)> = with_numbers(x, |x| {
            with_numbers(scale, |scale| {
                let images = grads.par_chunks_exact_mut(size.max(1)).zip(x.par_chunks_exact(size.max(1)));
                images.map(|(grad, image)| self.backward_image(image, scale, grad)).collect()
            })
        })??;
        let (mut scales, mut shifts) = (vec![0f32; channels], vec![0f32; channels]);
        for (of_scale, of_shift) in &parts {
            scales.iter_mut().zip(of_scale).for_each(|(sum, value)| *sum += value);
            shifts.iter_mut().zip(of_shift).for_each(|(sum, value)| *sum += value);
        }
        let tensor = |values: Vec<f32>, like: &Tensor| Tensor::from_vec(values, like.shape(), &Device::Cpu);
        Ok((Some(tensor(grads, x)?), Some(tensor(scales, scale)?), Some(tensor(shifts, shift)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::{GroupNorm, group_norm};
    use candle_core::{Device, Tensor, Var};

    fn filled(shape: &[usize], seed: f32) -> Tensor {
        let count = shape.iter().product::<usize>();
        let values: Vec<f32> = (0..count).map(|i| (i as f32 * 0.731 + seed).sin() + 0.2).collect();
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    }

    /// The same in Candle's own operations.
    fn plainly(x: &Tensor, scale: &Tensor, shift: &Tensor, norm: GroupNorm) -> Tensor {
        let (batch, height, width, channels) = x.dims4().unwrap();
        let groups = channels / norm.width;
        let rows = x.reshape((batch, height * width, groups, norm.width)).unwrap();
        let mean = rows.mean_keepdim(3).unwrap().mean_keepdim(1).unwrap();
        let centred = rows.broadcast_sub(&mean).unwrap();
        let variance = centred.sqr().unwrap().mean_keepdim(3).unwrap().mean_keepdim(1).unwrap();
        let whole = centred.broadcast_div(&(variance + 1e-5).unwrap().sqrt().unwrap()).unwrap();
        let whole = whole.reshape(x.shape()).unwrap();
        let answer = whole.broadcast_mul(scale).unwrap().broadcast_add(shift).unwrap();
        if norm.relu { answer.relu().unwrap() } else { answer }
    }

    fn gap(left: &Tensor, right: &Tensor) -> f32 {
        (left - right).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap().to_scalar().unwrap()
    }

    #[test]
    fn answers_and_gradients_agree_with_plain_operations() {
        for relu in [false, true] {
            let norm = GroupNorm { width: 4, relu };
            let vars = [filled(&[3, 5, 4, 8], 0.3), filled(&[8], 1.1), filled(&[8], 2.7)]
                .map(|t| Var::from_tensor(&t).unwrap());
            let weights = filled(&[3, 5, 4, 8], 4.0);
            let [fast, slow] = [group_norm, |x: &Tensor, a: &Tensor, b: &Tensor, norm| Ok(plainly(x, a, b, norm))].map(
                |of: fn(&Tensor, &Tensor, &Tensor, GroupNorm) -> candle_core::Result<Tensor>| {
                    let answer = of(&vars[0], &vars[1], &vars[2], norm).unwrap();
                    let grads = (&answer * &weights).unwrap().sum_all().unwrap().backward().unwrap();
                    (answer, vars.each_ref().map(|var| grads.get(var.as_tensor()).unwrap().clone()))
                },
            );
            assert!(gap(&fast.0, &slow.0) < 1e-5);
            for (fast, slow) in fast.1.iter().zip(&slow.1) {
                assert!(gap(fast, slow) < 2e-4, "{}", gap(fast, slow));
            }
        }
    }

    #[test]
    fn groups_that_do_not_divide_the_channels_are_refused() {
        let (x, one) = (filled(&[1, 2, 2, 6], 0.0), filled(&[6], 0.0));
        assert!(group_norm(&x, &one, &one, GroupNorm { width: 4, relu: false }).is_err());
    }
}
