//! Depthwise convolution, one kernel for every channel, with bias and activation, forward and backward.
//!
//! Contract: `x` is (batch, height, width, channels), the weight (kernel rows, kernel columns, channels), the bias
//! (channels); the answer is (batch, height out, width out, channels), all f32 on the CPU, with half a kernel of zeros
//! around the image. Images are worked on in parallel, sums over images always in the same order, so that the result
//! does not depend on the number of threads.

use super::{
    activation::Activation,
    slices::{fast, numbers, with_numbers},
};
use candle_core::{CpuStorage, CustomOp3, Device, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

/// How to convolve.
#[derive(Debug, Clone, Copy)]
pub struct Depthwise {
    /// Pixels from one position of the kernel to the next.
    pub stride: usize,
    /// What follows.
    pub activation: Activation,
}

/// Convolves every channel of `x` with its own kernel, adds `bias`, applies the activation.
///
/// # Errors
/// Candle's, when shapes do not fit or something is not f32 on the CPU.
pub fn depthwise(x: &Tensor, weight: &Tensor, bias: &Tensor, op: Depthwise) -> Result<Tensor> {
    x.contiguous()?.apply_op3(&weight.contiguous()?, &bias.contiguous()?, op)
}

/// All sizes of one call.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    batch: usize,
    height: usize,
    width: usize,
    channels: usize,
    kernel: usize,
    out_height: usize,
    out_width: usize,
    op: Depthwise,
}

impl Sizes {
    fn new(op: Depthwise, x: &[usize], weight: &[usize], bias: &[usize]) -> Result<Self> {
        let (&[batch, height, width, channels], &[rows, columns, own]) = (x, weight) else {
            bail!("depthwise needs four dimensions and three, not {x:?} and {weight:?}")
        };
        if own != channels || bias != [channels] || op.stride == 0 || rows != columns || rows.is_multiple_of(2) {
            bail!("depthwise: image {x:?}, weight {weight:?} and bias {bias:?} do not fit")
        }
        let out = |side: usize| side.div_ceil(op.stride);
        Ok(Self { batch, height, width, channels, kernel: rows, out_height: out(height), out_width: out(width), op })
    }

    const fn image(&self) -> usize {
        self.height * self.width * self.channels
    }

    const fn answer(&self) -> usize {
        self.out_height * self.out_width * self.channels
    }

    /// Calls `tap(pixel of the answer, pixel of the image, place in the kernel)` for every pair that meet.
    #[inline(always)]
    fn taps(&self, mut tap: impl FnMut(usize, usize, usize)) {
        let half = self.kernel / 2;
        for row in 0..self.out_height {
            for column in 0..self.out_width {
                let (top, left) = (row * self.op.stride, column * self.op.stride);
                for y in top.saturating_sub(half)..(top + half + 1).min(self.height) {
                    for x in left.saturating_sub(half)..(left + half + 1).min(self.width) {
                        let place = (y + half - top) * self.kernel + x + half - left;
                        tap(row * self.out_width + column, y * self.width + x, place);
                    }
                }
            }
        }
    }

    fn forward_image(&self, image: &[f32], weight: &[f32], bias: &[f32], answer: &mut [f32]) {
        let c = self.channels;
        fast(|| {
            answer.chunks_exact_mut(c).for_each(|pixel| pixel.copy_from_slice(bias));
            self.taps(|to, from, place| {
                let (x, w) = (&image[from * c..][..c], &weight[place * c..][..c]);
                answer[to * c..][..c].iter_mut().zip(x).zip(w).for_each(|((sum, x), w)| *sum += x * w);
            });
            self.op.activation.apply(answer);
        });
    }

    /// Adds to the gradients of image, weight and bias; `grad` is that before the activation.
    fn backward_image(&self, image: &[f32], weight: &[f32], grad: &[f32], sums: (&mut [f32], &mut [f32], &mut [f32])) {
        let c = self.channels;
        let (of_image, of_weight, of_bias) = sums;
        fast(|| {
            for pixel in grad.chunks_exact(c) {
                of_bias.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += value);
            }
            self.taps(|to, from, place| {
                let g = &grad[to * c..][..c];
                let (x, w) = (&image[from * c..][..c], &weight[place * c..][..c]);
                of_weight[place * c..][..c].iter_mut().zip(x).zip(g).for_each(|((sum, x), g)| *sum += x * g);
                of_image[from * c..][..c].iter_mut().zip(w).zip(g).for_each(|((sum, w), g)| *sum += w * g);
            });
        });
    }
}

impl CustomOp3 for Depthwise {
    fn name(&self) -> &'static str {
        "depthwise-bias-activation"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let sizes = Sizes::new(*self, x_layout.dims(), weight_layout.dims(), bias_layout.dims())?;
        let (x, weight, bias) = (numbers(x, x_layout)?, numbers(weight, weight_layout)?, numbers(bias, bias_layout)?);
        let mut answers = vec![0.0; sizes.batch * sizes.answer()];
        let images = answers.par_chunks_exact_mut(sizes.answer().max(1)).zip(x.par_chunks_exact(sizes.image().max(1)));
        images.for_each(|(answer, image)| sizes.forward_image(image, weight, bias, answer));
        let shape = Shape::from((sizes.batch, sizes.out_height, sizes.out_width, sizes.channels));
        Ok((CpuStorage::F32(answers), shape))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        answer: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let sizes = Sizes::new(*self, x.dims(), weight.dims(), bias.dims())?;
        let mut grads = with_numbers(&grad.contiguous()?, <[f32]>::to_vec)?;
        with_numbers(answer, |answer| self.activation.cut(&mut grads, answer))?;
        let mut of_x = vec![0.0; x.elem_count()];
        let sums: Vec<(Vec<f32>, Vec<f32>)> = with_numbers(x, |x| {
            with_numbers(weight, |weight| {
                let images =
                    of_x.par_chunks_exact_mut(sizes.image().max(1)).zip(x.par_chunks_exact(sizes.image().max(1)));
                let pairs = images.zip(grads.par_chunks_exact(sizes.answer().max(1)));
                pairs
                    .map(|((of_image, image), grad)| {
                        let (mut of_weight, mut of_bias) = (vec![0.0; weight.len()], vec![0.0; sizes.channels]);
                        sizes.backward_image(image, weight, grad, (of_image, &mut of_weight, &mut of_bias));
                        (of_weight, of_bias)
                    })
                    .collect()
            })
        })??;
        let (mut of_weight, mut of_bias) = (vec![0.0; weight.elem_count()], vec![0.0; sizes.channels]);
        for (one_weight, one_bias) in &sums {
            of_weight.iter_mut().zip(one_weight).for_each(|(sum, value)| *sum += value);
            of_bias.iter_mut().zip(one_bias).for_each(|(sum, value)| *sum += value);
        }
        let tensor = |values: Vec<f32>, like: &Tensor| Tensor::from_vec(values, like.shape(), &Device::Cpu);
        Ok((Some(tensor(of_x, x)?), Some(tensor(of_weight, weight)?), Some(tensor(of_bias, bias)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Activation, Depthwise, depthwise};
    use candle_core::{Tensor, Var};

    fn wave(shape: &[usize], pace: f32) -> Var {
        let count = shape.iter().product::<usize>();
        let values: Vec<f32> = (0..count).map(|i| 2.0 * (i as f32 * pace + 0.4).sin()).collect();
        Var::from_tensor(&Tensor::from_vec(values, shape, &candle_core::Device::Cpu).unwrap()).unwrap()
    }

    /// The same with Candle's grouped convolution.
    fn plainly(x: &Tensor, w: &Tensor, b: &Tensor, op: Depthwise) -> Tensor {
        let (kernel, _, channels) = w.dims3().unwrap();
        let nchw = x.permute((0, 3, 1, 2)).unwrap().contiguous().unwrap();
        let oihw = w.permute((2, 0, 1)).unwrap().unsqueeze(1).unwrap().contiguous().unwrap();
        let plain = nchw.conv2d(&oihw, kernel / 2, op.stride, 1, channels).unwrap();
        let plain = plain.permute((0, 2, 3, 1)).unwrap().broadcast_add(b).unwrap();
        match op.activation {
            Activation::Linear => plain,
            Activation::Relu => plain.relu().unwrap(),
            Activation::Relu6 => plain.clamp(0f32, 6f32).unwrap(),
        }
    }

    fn cases() -> impl Iterator<Item = (Depthwise, usize)> {
        let activations = [Activation::Linear, Activation::Relu, Activation::Relu6];
        let strides = [(1, 3), (2, 3), (1, 5), (2, 5)];
        activations.into_iter().flat_map(move |activation| {
            strides.into_iter().map(move |(stride, kernel)| (Depthwise { stride, activation }, kernel))
        })
    }

    fn gap(a: &Tensor, b: &Tensor) -> f32 {
        (a - b).unwrap().abs().unwrap().max_all().unwrap().to_scalar().unwrap()
    }

    #[test]
    fn the_forward_pass_agrees_with_candles_grouped_convolution() {
        for (op, kernel) in cases() {
            let (x, w, b) = (wave(&[3, 7, 8, 5], 0.37), wave(&[kernel, kernel, 5], 0.53), wave(&[5], 1.7));
            let found = gap(&depthwise(&x, &w, &b, op).unwrap(), &plainly(&x, &w, &b, op));
            assert!(found < 1e-5, "{op:?} {kernel}: {found}");
        }
    }

    #[test]
    fn the_backward_pass_agrees_with_finite_differences() {
        for (op, kernel) in cases() {
            let (x, w, b) = (wave(&[2, 5, 6, 3], 0.37), wave(&[kernel, kernel, 3], 0.53), wave(&[3], 1.7));
            let mask = wave(depthwise(&x, &w, &b, op).unwrap().dims(), 0.71);
            let loss = |x: &Tensor, w: &Tensor, b: &Tensor| {
                depthwise(x, w, b, op).unwrap().mul(&mask).unwrap().sum_all().unwrap()
            };
            let grads = loss(&x, &w, &b).backward().unwrap();
            for (at, var) in [&x, &w, &b].into_iter().enumerate() {
                let grad = grads.get(var).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
                let direction = wave(var.dims(), 1.13);
                let step = (direction.as_tensor() * 1e-3).unwrap();
                let moved = |sign: f64| {
                    let there = (var.as_tensor() + (&step * sign).unwrap()).unwrap();
                    let mut all = [x.as_tensor().clone(), w.as_tensor().clone(), b.as_tensor().clone()];
                    all[at] = there;
                    f64::from(loss(&all[0], &all[1], &all[2]).to_scalar::<f32>().unwrap())
                };
                let slope = (moved(1.0) - moved(-1.0)) / 2e-3;
                let along = direction.flatten_all().unwrap().to_vec1::<f32>().unwrap();
                let expected: f64 = grad.iter().zip(along).map(|(g, d)| f64::from(g * d)).sum();
                assert!(
                    (slope - expected).abs() < 0.02 * expected.abs() + 0.5,
                    "{op:?} {kernel} {at}: {slope} {expected}"
                );
            }
        }
    }

    #[test]
    fn shapes_that_do_not_fit_are_errors() {
        let op = Depthwise { stride: 1, activation: Activation::Linear };
        let (x, b) = (wave(&[1, 4, 4, 3], 0.1), wave(&[3], 0.1));
        assert!(depthwise(&x, &wave(&[3, 3, 4], 0.1), &b, op).is_err());
        assert!(depthwise(&x, &wave(&[2, 2, 3], 0.1), &b, op).is_err());
        assert!(depthwise(&x, &wave(&[3, 3, 3], 0.1), &wave(&[4], 0.1), op).is_err());
    }
}
