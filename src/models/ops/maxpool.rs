//! Greatest value of every 2 × 2 square, with a true gradient.
//!
//! Contract: (batch, height, width, channels) → (batch, height / 2, width / 2, channels), f32 on the CPU; an odd last row
//! or column is left out, as Keras's `MaxPooling2D` with padding `valid` does. Of equal values the first (from the top
//! left) gets the gradient.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

/// Pools `x`.
///
/// # Errors
/// Candle's, when `x` has not four dimensions, is smaller than a square, or is not f32 on the CPU.
pub fn max_pool2(x: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op1(MaxPool)
}

struct MaxPool;

/// Height, width and channels of one image.
#[derive(Clone, Copy)]
struct Sizes {
    height: usize,
    width: usize,
    channels: usize,
}

impl Sizes {
    fn of(dims: &[usize]) -> Result<(usize, Self)> {
        match *dims {
            [batch, height, width, channels] if height >= 2 && width >= 2 => {
                Ok((batch, Self { height, width, channels }))
            }
            _ => bail!("max_pool2 needs images of at least 2 × 2, not {dims:?}"),
        }
    }

    /// Calls `each(place in the answer, place of the greatest value)` for every square of the image.
    fn squares(self, values: &[f32], mut each: impl FnMut(usize, usize)) {
        let (rows, columns) = (self.height / 2, self.width / 2);
        for row in 0..rows {
            for column in 0..columns {
                for channel in 0..self.channels {
                    let at = |down: usize, right: usize| {
                        ((row * 2 + down) * self.width + column * 2 + right) * self.channels + channel
                    };
                    let places = [at(0, 0), at(0, 1), at(1, 0), at(1, 1)];
                    let mut best = places[0];
                    for place in &places[1..] {
                        if values[*place] > values[best] {
                            best = *place;
                        }
                    }
                    each((row * columns + column) * self.channels + channel, best);
                }
            }
        }
    }

    const fn image(self) -> usize {
        self.height * self.width * self.channels
    }

    const fn answer(self) -> usize {
        (self.height / 2) * (self.width / 2) * self.channels
    }
}

impl CustomOp1 for MaxPool {
    fn name(&self) -> &'static str {
        "max-pool-2"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (batch, sizes) = Sizes::of(layout.dims())?;
        let values = &storage.as_slice::<f32>()?[layout.start_offset()..];
        let mut pooled = vec![0.0; batch * sizes.answer()];
        for (image, answer) in values.chunks_exact(sizes.image()).zip(pooled.chunks_exact_mut(sizes.answer())) {
            sizes.squares(image, |place, best| answer[place] = image[best]);
        }
        Ok((CpuStorage::F32(pooled), (batch, sizes.height / 2, sizes.width / 2, sizes.channels).into()))
    }

    fn bwd(&self, x: &Tensor, _pooled: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let (_, sizes) = Sizes::of(x.dims())?;
        let values = x.flatten_all()?.to_vec1::<f32>()?;
        let grad = grad.flatten_all()?.to_vec1::<f32>()?;
        let mut spread = vec![0.0; values.len()];
        let images = values.chunks_exact(sizes.image()).zip(spread.chunks_exact_mut(sizes.image()));
        for ((image, spread), grad) in images.zip(grad.chunks_exact(sizes.answer())) {
            sizes.squares(image, |place, best| spread[best] += grad[place]);
        }
        Ok(Some(Tensor::from_vec(spread, x.shape(), x.device())?))
    }
}

#[cfg(test)]
mod tests {
    use super::max_pool2;
    use candle_core::{Device, Tensor, Var};

    #[test]
    fn the_greatest_of_each_square_is_kept_and_an_odd_edge_left_out() {
        let values: Vec<f32> = (0..3 * 5).map(|i| ((i * 7) % 11) as f32).collect();
        let pooled = max_pool2(&Tensor::from_vec(values, (1, 3, 5, 1), &Device::Cpu).unwrap()).unwrap();
        // Rows 0 7 3 10 6 | 2 9 5 1 8: the squares are {0 7 2 9} and {3 10 5 1}.
        assert_eq!(pooled.flatten_all().unwrap().to_vec1::<f32>().unwrap(), [9.0, 10.0]);
        assert!(max_pool2(&Tensor::zeros((1, 1, 4, 1), candle_core::DType::F32, &Device::Cpu).unwrap()).is_err());
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let values: Vec<f32> = (0..2 * 4 * 4 * 3).map(|i| (i as f32 * 2.399).sin()).collect();
        let weights: Vec<f32> = (0..2 * 2 * 2 * 3).map(|i| (i as f32 * 0.77).cos()).collect();
        let weights = Tensor::from_vec(weights, (2, 2, 2, 3), &Device::Cpu).unwrap();
        let loss = |values: &[f32]| {
            let x = Var::from_slice(values, (2, 4, 4, 3), &Device::Cpu).unwrap();
            let sum = (max_pool2(&x).unwrap() * &weights).unwrap().sum_all().unwrap();
            let grad = sum.backward().unwrap().get(&x).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
            (f64::from(sum.to_scalar::<f32>().unwrap()), grad)
        };
        let (_, grad) = loss(&values);
        for index in (0..values.len()).step_by(5) {
            let moved = |by: f32| {
                let mut values = values.clone();
                values[index] += by;
                loss(&values).0
            };
            let slope = (moved(1e-3) - moved(-1e-3)) / 2e-3;
            assert!((slope - f64::from(grad[index])).abs() < 2e-2, "{index}: {slope} against {}", grad[index]);
        }
    }
}
