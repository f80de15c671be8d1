//! Two-dimensional convolution with bias and activation, forward and backward.
//!
//! Contract: `x` is (batch, height, width, channels in), the weight (kernel rows, kernel columns, channels in, channels
//! out), the bias (channels out); the answer is (batch, height out, width out, channels out), all f32 on the CPU.
//! Channels come last because then the patches under the kernel are copied in whole runs and the product's rows are the
//! answer's pixels. Images are worked on in parallel, sums over images always in the same order, so that the result
//! does not depend on the number of threads.

use super::{
    activation::Activation,
    gemm::{Strides, gemm},
    slices::{numbers, with_numbers},
};
use candle_core::{CpuStorage, CustomOp3, Device, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

/// Floats of unrolled patches worked on at once: fits the second-level cache beside the weights.
const TILE: usize = 64 * 1024;
/// Images whose gradients are summed by one task; fixed, because the order of sums must not depend on the machine.
const SHARD: usize = 4;

/// How to convolve.
#[derive(Debug, Clone, Copy)]
pub struct Conv {
    /// Pixels from one position of the kernel to the next.
    pub stride: usize,
    /// Rows and columns of zeros around the image.
    pub padding: usize,
    /// What follows.
    pub activation: Activation,
}

/// Convolves `x` with `weight`, adds `bias`, applies the activation.
///
/// # Errors
/// Candle's, when shapes do not fit or something is not f32 on the CPU.
pub fn conv2d(x: &Tensor, weight: &Tensor, bias: &Tensor, conv: Conv) -> Result<Tensor> {
    x.contiguous()?.apply_op3(&weight.contiguous()?, &bias.contiguous()?, conv)
}

/// All sizes of one call.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    batch: usize,
    height: usize,
    width: usize,
    input: usize,
    kernel: (usize, usize),
    output: usize,
    out_height: usize,
    out_width: usize,
    conv: Conv,
}

impl Sizes {
    fn new(conv: Conv, x: &[usize], weight: &[usize], bias: &[usize]) -> Result<Self> {
        let (&[batch, height, width, input], &[rows, columns, weight_input, output]) = (x, weight) else {
            bail!("conv2d needs four dimensions, not {x:?} and {weight:?}")
        };
        let padded = |side: usize| side + 2 * conv.padding;
        if input != weight_input || bias != [output] || conv.stride == 0 {
            bail!("conv2d: image {x:?}, weight {weight:?} and bias {bias:?} do not fit")
        }
        if rows == 0 || columns == 0 || rows > padded(height) || columns > padded(width) {
            bail!("conv2d: the kernel {rows} × {columns} is larger than the image {height} × {width}")
        }
        let out_height = (padded(height) - rows) / conv.stride + 1;
        let out_width = (padded(width) - columns) / conv.stride + 1;
        Ok(Self { batch, height, width, input, kernel: (rows, columns), output, out_height, out_width, conv })
    }

    /// Numbers under the kernel at one position.
    const fn patch(&self) -> usize {
        self.kernel.0 * self.kernel.1 * self.input
    }

    const fn image(&self) -> usize {
        self.height * self.width * self.input
    }

    const fn answer(&self) -> usize {
        self.out_height * self.out_width * self.output
    }

    /// Output rows worked on at once.
    fn tile_rows(&self) -> usize {
        (TILE / (self.out_width * self.patch()).max(1)).clamp(1, self.out_height.max(1))
    }

    fn patches(&self) -> Vec<f32> {
        vec![0.0; self.tile_rows() * self.out_width * self.patch()]
    }

    /// Whether the image itself is the matrix of patches.
    const fn pointwise(&self) -> bool {
        self.kernel.0 == 1 && self.kernel.1 == 1 && self.conv.stride == 1 && self.conv.padding == 0
    }

    /// Calls `run(offset in the patches, offset in the image, length)` for every stretch of image under the kernel, for
    /// output rows `first .. first + count`; `length` 0 is never passed. What lies outside the image is left out.
    fn runs(&self, first: usize, count: usize, mut run: impl FnMut(usize, usize, usize)) {
        let (stride, padding) = (self.conv.stride, self.conv.padding);
        for row in 0..count {
            for column in 0..self.out_width {
                let place = (row * self.out_width + column) * self.patch();
                let left = column * stride;
                let (from, to) = (left.max(padding), (left + self.kernel.1).min(self.width + padding));
                for line in 0..self.kernel.0 {
                    let y = (first + row) * stride + line;
                    if from < to && (padding..self.height + padding).contains(&y) {
                        let patch = place + (line * self.kernel.1 + from - left) * self.input;
                        let image = ((y - padding) * self.width + from - padding) * self.input;
                        run(patch, image, (to - from) * self.input);
                    }
                }
            }
        }
    }

    /// Unrolls the patches of some output rows. `patches` must hold zeros wherever the kernel leaves the image.
    fn unroll(&self, image: &[f32], first: usize, count: usize, patches: &mut [f32]) {
        if self.conv.padding > 0 {
            patches.fill(0.0);
        }
        self.runs(first, count, |patch, source, length| {
            patches[patch..patch + length].copy_from_slice(&image[source..source + length]);
        });
    }

    fn forward_image(&self, image: &[f32], weight: &[f32], bias: &[f32], answer: &mut [f32], patches: &mut [f32]) {
        let line = self.out_width * self.output;
        for (index, rows) in answer.chunks_mut(self.tile_rows() * line).enumerate() {
            let count = rows.len() / line;
            let (k, n, positions) = (self.patch(), self.output, count * self.out_width);
            let patches = if self.pointwise() {
                &image[index * self.tile_rows() * self.out_width * k..][..positions * k]
            } else {
                self.unroll(image, index * self.tile_rows(), count, &mut patches[..positions * k]);
                &patches[..positions * k]
            };
            rows.chunks_exact_mut(n).for_each(|pixel| pixel.copy_from_slice(bias));
            let by_patch = Strides::rows_of(k);
            gemm(
                (positions, n, k),
                patches,
                by_patch,
                weight,
                Strides::rows_of(n),
                rows,
                Strides::rows_of(n),
                1.0,
                1.0,
            );
            self.conv.activation.apply(rows);
        }
    }

    fn forward(&self, x: &[f32], weight: &[f32], bias: &[f32]) -> Vec<f32> {
        let mut answers = vec![0.0; self.batch * self.answer()];
        let pairs = x.chunks_exact(self.image().max(1));
        if self.batch == 1 {
            self.forward_image(x, weight, bias, &mut answers, &mut self.patches());
        } else {
            answers.par_chunks_exact_mut(self.answer().max(1)).zip(pairs.collect::<Vec<_>>()).for_each_init(
                || self.patches(),
                |patches, (answer, image)| self.forward_image(image, weight, bias, answer, patches),
            );
        }
        answers
    }
}

/// Whose gradients somebody waits for: while learning not the first layer's image's, while explaining not the weights'.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    image: bool,
    weight: bool,
}

/// Gradients of one call; empty where nobody waits.
struct Gradients {
    image: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Sizes {
    /// `grad` is the gradient before the activation.
    fn backward(&self, x: &[f32], weight: &[f32], grad: &[f32], wanted: Wanted) -> Gradients {
        let mut image = vec![0.0; if wanted.image { x.len() } else { 0 }];
        let mut shards: Vec<&mut [f32]> = image.chunks_mut(SHARD * self.image()).collect();
        shards.resize_with(self.batch.div_ceil(SHARD), Default::default);
        let sums: Vec<(Vec<f32>, Vec<f32>)> = shards
            .into_par_iter()
            .enumerate()
            .map(|(index, image)| self.backward_shard(index * SHARD, x, weight, grad, (image, wanted.weight)))
            .collect();
        let learnt = if wanted.weight { self.patch() * self.output } else { 0 };
        let (mut weight, mut bias) = (vec![0.0; learnt], vec![0.0; self.output]);
        for (shard_weight, shard_bias) in &sums {
            weight.iter_mut().zip(shard_weight).for_each(|(sum, value)| *sum += value);
            bias.iter_mut().zip(shard_bias).for_each(|(sum, value)| *sum += value);
        }
        Gradients { image, weight, bias }
    }

    fn backward_shard(
        &self,
        first: usize,
        x: &[f32],
        weight: &[f32],
        grad: &[f32],
        (image_grad, learning): (&mut [f32], bool),
    ) -> (Vec<f32>, Vec<f32>) {
        let (mut weight_sum, mut bias_sum) =
            (vec![0.0; if learning { weight.len() } else { 0 }], vec![0.0; self.output]);
        let mut patches = self.patches();
        for index in first..(first + SHARD).min(self.batch) {
            let image = &x[index * self.image()..(index + 1) * self.image()];
            let grad = &grad[index * self.answer()..(index + 1) * self.answer()];
            for pixel in grad.chunks_exact(self.output) {
                bias_sum.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += value);
            }
            let target = (index - first) * self.image();
            let own = if image_grad.is_empty() { &mut [][..] } else { &mut image_grad[target..target + self.image()] };
            self.backward_image(image, weight, grad, own, &mut weight_sum, &mut patches);
        }
        (weight_sum, bias_sum)
    }

    fn backward_image(
        &self,
        image: &[f32],
        weight: &[f32],
        grad: &[f32],
        image_grad: &mut [f32],
        weight_sum: &mut [f32],
        patches: &mut [f32],
    ) {
        let (k, n, line) = (self.patch(), self.output, self.out_width * self.output);
        for (index, rows) in grad.chunks(self.tile_rows() * line).enumerate() {
            let (first, count) = (index * self.tile_rows(), rows.len() / line);
            let positions = count * self.out_width;
            let patches = &mut patches[..positions * k];
            let (across, by_n) = (Strides::transposed(k), Strides::rows_of(n));
            let (turned, by_patch) = (Strides::transposed(n), Strides::rows_of(k));
            if self.pointwise() {
                let own = first * self.out_width * k..(first * self.out_width + positions) * k;
                if !weight_sum.is_empty() {
                    gemm((k, n, positions), &image[own.clone()], across, rows, by_n, weight_sum, by_n, 1.0, 1.0);
                }
                if !image_grad.is_empty() {
                    let own = &mut image_grad[own];
                    gemm((positions, k, n), rows, by_n, weight, turned, own, by_patch, 0.0, 1.0);
                }
                continue;
            }
            if !weight_sum.is_empty() {
                self.unroll(image, first, count, patches);
                gemm((k, n, positions), patches, across, rows, by_n, weight_sum, by_n, 1.0, 1.0);
            }
            if !image_grad.is_empty() {
                gemm((positions, k, n), rows, by_n, weight, turned, patches, by_patch, 0.0, 1.0);
                self.runs(first, count, |patch, target, length| {
                    let target = &mut image_grad[target..target + length];
                    target.iter_mut().zip(&patches[patch..patch + length]).for_each(|(sum, value)| *sum += value);
                });
            }
        }
    }
}

impl CustomOp3 for Conv {
    fn name(&self) -> &'static str {
        "conv2d-bias-activation"
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
        let answer = sizes.forward(x, weight, bias);
        let shape = Shape::from((sizes.batch, sizes.out_height, sizes.out_width, sizes.output));
        Ok((CpuStorage::F32(answer), shape))
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
        let mut masked = with_numbers(&grad.contiguous()?, <[f32]>::to_vec)?;
        with_numbers(answer, |answer| self.activation.cut(&mut masked, answer))?;
        let wanted = Wanted { image: x.track_op(), weight: weight.track_op() };
        let gradients =
            with_numbers(x, |x| with_numbers(weight, |weight| sizes.backward(x, weight, &masked, wanted)))??;
        let tensor = |values: Vec<f32>, like: &Tensor| Tensor::from_vec(values, like.shape(), &Device::Cpu);
        let image = wanted.image.then(|| tensor(gradients.image, x)).transpose()?;
        let weight = wanted.weight.then(|| tensor(gradients.weight, weight)).transpose()?;
        Ok((image, weight, Some(tensor(gradients.bias, bias)?)))
    }
}

#[cfg(test)]
mod tests;
