//! The textbook's convolutional network for small grey pictures (LeCun et al. 1998 in its present-day form): 28 × 28 × 1,
//! 32 kernels of 3 × 3 with ReLU, pooling of 2 × 2, 64 kernels, pooling, 128 kernels, flattened, a dense layer of 128 with
//! ReLU, a dense layer with softmax. In Keras: `Conv2D(32, 3, activation="relu", padding=…)`, `MaxPooling2D()`, `Conv2D(64, …)`,
//! `MaxPooling2D()`, `Conv2D(128, …)`, `Flatten()`, `Dense(128, activation="relu")`, `Dense(classes, activation="softmax")`.
//!
//! Contract: answers as Keras does with the same weights (within 1e-4). Kernels are (rows, columns, in, out), dense weights
//! (in, out), flattening goes by row, column, channel: Keras's own layouts.

use crate::models::ops::{
    activation::Activation,
    conv::{Conv, conv2d},
    maxpool::max_pool2,
};
use candle_core::{D, Result, Tensor};
use serde::{Deserialize, Serialize};

/// Rows and columns of the picture.
pub const SIDE: usize = 28;
/// Kernels of the three convolutions.
pub const KERNELS: [usize; 3] = [32, 64, 128];
/// Units of the dense layer before the last.
pub const UNITS: usize = 128;

/// What happens at the edges, in Keras's terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Padding {
    /// Zeros around, so that a convolution keeps the size.
    Same,
    /// No zeros: a convolution takes one pixel from each edge.
    Valid,
}

impl Padding {
    const fn zeros(self) -> usize {
        match self {
            Self::Same => 1,
            Self::Valid => 0,
        }
    }

    /// Numbers after flattening.
    #[must_use]
    pub const fn flattened(self) -> usize {
        let mut side = SIDE + 2 * self.zeros() - 2;
        side = side / 2 + 2 * self.zeros() - 2;
        side = side / 2 + 2 * self.zeros() - 2;
        side * side * KERNELS[2]
    }
}

/// Names and shapes of all tensors, in the order of the layers.
#[must_use]
pub fn shapes(padding: Padding, classes: usize) -> Vec<(String, Vec<usize>)> {
    let mut shapes = Vec::new();
    let mut input = 1;
    for (index, kernels) in KERNELS.iter().enumerate() {
        shapes.push((format!("conv{}.weight", index + 1), vec![3, 3, input, *kernels]));
        shapes.push((format!("conv{}.bias", index + 1), vec![*kernels]));
        input = *kernels;
    }
    for (index, (from, to)) in [(padding.flattened(), UNITS), (UNITS, classes)].into_iter().enumerate() {
        shapes.push((format!("dense{}.weight", index + 1), vec![from, to]));
        shapes.push((format!("dense{}.bias", index + 1), vec![to]));
    }
    shapes
}

/// The network with its weights in place.
#[derive(Debug, Clone)]
pub struct TextbookCnn {
    padding: Padding,
    layers: Vec<(Tensor, Tensor)>,
}

impl TextbookCnn {
    /// Puts it together; `get` gives the tensor of that name and must check its shape.
    ///
    /// # Errors
    /// Whatever `get` finds.
    pub fn new(
        padding: Padding,
        classes: usize,
        get: &mut dyn FnMut(&str, &[usize]) -> Result<Tensor>,
    ) -> Result<Self> {
        let shapes = shapes(padding, classes);
        let layers =
            shapes.chunks_exact(2).map(|pair| Ok((get(&pair[0].0, &pair[0].1)?, get(&pair[1].0, &pair[1].1)?)));
        Ok(Self { padding, layers: layers.collect::<Result<_>>()? })
    }

    /// Activations of the dense layer before the last, none negative: pictures (batch, 28, 28, 1) → (batch, [`UNITS`]).
    ///
    /// # Errors
    /// Candle's, when shapes do not fit.
    pub fn features(&self, pictures: &Tensor) -> Result<Tensor> {
        self.units(&self.maps(pictures)?)
    }

    /// The last convolution's answers, none negative: (batch, 28, 28, 1) → (batch, rows, columns, 128).
    ///
    /// # Errors
    /// Candle's, when shapes do not fit.
    pub fn maps(&self, pictures: &Tensor) -> Result<Tensor> {
        let mut x = pictures.clone();
        for (index, (weight, bias)) in self.layers.iter().take(KERNELS.len()).enumerate() {
            let conv = Conv { stride: 1, padding: self.padding.zeros(), activation: Activation::Relu };
            x = conv2d(&x, weight, bias, conv)?;
            if index + 1 < KERNELS.len() {
                x = max_pool2(&x)?;
            }
        }
        Ok(x)
    }

    /// Activations of the dense layer before the last, from [`TextbookCnn::maps`].
    ///
    /// # Errors
    /// Candle's, when shapes do not fit.
    pub fn units(&self, maps: &Tensor) -> Result<Tensor> {
        self.dense(KERNELS.len(), &maps.flatten_from(1)?)?.relu()
    }

    /// Logits of features: (batch, classes); softmax over them gives the probabilities.
    ///
    /// # Errors
    /// Candle's, when shapes do not fit.
    pub fn logits(&self, features: &Tensor) -> Result<Tensor> {
        self.dense(KERNELS.len() + 1, features)
    }

    fn dense(&self, layer: usize, x: &Tensor) -> Result<Tensor> {
        let Some((weight, bias)) = self.layers.get(layer) else { candle_core::bail!("there is no layer {layer}") };
        x.matmul(weight)?.broadcast_add(bias)
    }

    /// The same network outside any gradient's graph.
    #[must_use]
    pub fn detached(&self) -> Self {
        let layers = self.layers.iter().map(|(weight, bias)| (weight.detach(), bias.detach())).collect();
        Self { padding: self.padding, layers }
    }
}

/// Log-odds of each class: its logit less the logarithm of the sum of the others' exponentials, (batch, classes). Their
/// logistic function is the softmax.
///
/// # Errors
/// Candle's, when there are fewer than two classes.
pub fn log_odds(logits: &Tensor) -> Result<Tensor> {
    let classes = logits.dim(D::Minus1)?;
    if classes < 2 {
        candle_core::bail!("softmax needs two classes or more")
    }
    let odds = (0..classes).map(|class| {
        let others: Vec<u32> = (0..classes as u32).filter(|other| *other != class as u32).collect();
        let others = logits.index_select(&Tensor::new(others, logits.device())?, D::Minus1)?;
        logits.narrow(D::Minus1, class, 1)? - others.log_sum_exp(D::Minus1)?.unsqueeze(D::Minus1)?
    });
    Tensor::cat(&odds.collect::<Result<Vec<_>>>()?, D::Minus1)
}

#[cfg(test)]
mod tests {
    use super::{Padding, SIDE, TextbookCnn, log_odds, shapes};
    use candle_core::{DType, Device, Tensor, Var};

    fn network(padding: Padding) -> TextbookCnn {
        TextbookCnn::new(padding, 2, &mut |name, shape| {
            let count: usize = shape.iter().product();
            let scale =
                if name.ends_with("bias") { 0.05 } else { (2.0 / (count / shape[shape.len() - 1]) as f32).sqrt() };
            let phase = name.bytes().map(f32::from).sum::<f32>();
            let wave = (0..count).map(|i| scale * (i as f32 * 1.618 + phase).sin());
            Tensor::from_vec(wave.collect::<Vec<f32>>(), shape, &Device::Cpu)
        })
        .unwrap()
    }

    fn picture() -> Vec<f32> {
        (0..SIDE * SIDE).map(|i| ((i % SIDE) as f32 * 0.31).sin() * ((i / SIDE) as f32 * 0.17).cos()).collect()
    }

    #[test]
    fn the_layers_have_the_textbooks_sizes() {
        assert_eq!((Padding::Same.flattened(), Padding::Valid.flattened()), (7 * 7 * 128, 3 * 3 * 128));
        let count =
            |padding| shapes(padding, 2).iter().map(|(_, shape)| shape.iter().product::<usize>()).sum::<usize>();
        // 320 + 18,496 + 73,856 + (6,272 or 1,152) × 128 + 128 + 258: what Keras's summary says.
        assert_eq!((count(Padding::Same), count(Padding::Valid)), (895_874, 240_514));
        for padding in [Padding::Same, Padding::Valid] {
            let x = Tensor::from_vec([picture(), picture()].concat(), (2, SIDE, SIDE, 1), &Device::Cpu).unwrap();
            let network = network(padding);
            let logits = network.logits(&network.features(&x).unwrap()).unwrap();
            assert_eq!(logits.dims(), [2, 2]);
        }
    }

    #[test]
    fn log_odds_are_those_of_the_softmax() {
        let logits = Tensor::new(&[[1.0f32, -0.5, 2.0], [0.0, 0.0, 0.0]], &Device::Cpu).unwrap();
        let odds = log_odds(&logits).unwrap().to_vec2::<f32>().unwrap();
        let softmax = candle_nn::ops::softmax(&logits, 1).unwrap().to_vec2::<f32>().unwrap();
        for (odds, softmax) in odds.iter().flatten().zip(softmax.iter().flatten()) {
            assert!((1.0 / (1.0 + (-odds).exp()) - softmax).abs() < 1e-5);
        }
        assert!(log_odds(&Tensor::zeros((2, 1), DType::F32, &Device::Cpu).unwrap()).is_err());
    }

    #[test]
    fn the_gradient_with_respect_to_the_picture_is_that_of_finite_differences() {
        let network = network(Padding::Same);
        let score = |values: &[f32]| {
            let x = Var::from_slice(values, (1, SIDE, SIDE, 1), &Device::Cpu).unwrap();
            let sum = network.logits(&network.features(&x).unwrap()).unwrap().narrow(1, 1, 1).unwrap();
            let sum = sum.sum_all().unwrap();
            let grad = sum.backward().unwrap().get(&x).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
            (f64::from(sum.to_scalar::<f32>().unwrap()), grad)
        };
        let base = picture();
        let (_, grad) = score(&base);
        let largest = grad.iter().fold(0.0f32, |most, value| most.max(value.abs()));
        for index in [30, 201, 400, 555, 783] {
            let moved = |by: f32| {
                let mut values = base.clone();
                values[index] += by;
                score(&values).0
            };
            let slope = (moved(1e-3) - moved(-1e-3)) / 2e-3;
            assert!(
                (slope - f64::from(grad[index])).abs() < 0.05 * f64::from(largest),
                "{index}: {slope} {}",
                grad[index]
            );
        }
    }
}
