//! The convolutional network: a stem, three stages of one strided convolution and one residual block each, the mean
//! over positions, one linear output (He et al., CVPR 2016, made small).
//!
//! Contract: (batch, side, side, [`PLANES`]) in, one raw score per film out. Every convolution carries its
//! normalisation in its weights, so training and service share this code. Because the head is linear in the mean of
//! the last features, the class activation map (Zhou et al., CVPR 2016) adds up to the score exactly.

use super::film::PLANES;
use crate::models::ops::{
    activation::Activation,
    conv::{Conv, conv2d},
};
use candle_core::{D, Result, Tensor};

/// One convolution's place in the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// Its name; tensors are `<name>.weight` and `<name>.bias`.
    pub name: String,
    /// Channels in.
    pub input: usize,
    /// Channels out.
    pub output: usize,
    /// Stride.
    pub stride: usize,
}

/// Rows and columns of every kernel.
pub const KERNEL: usize = 3;

impl Spec {
    fn new(name: String, input: usize, output: usize, stride: usize) -> Self {
        Self { name, input, output, stride }
    }

    /// The weight's shape.
    #[must_use]
    pub const fn shape(&self) -> [usize; 4] {
        [KERNEL, KERNEL, self.input, self.output]
    }

    /// What follows before anything is added.
    #[must_use]
    pub fn activation(&self) -> Activation {
        if self.name.ends_with("second") { Activation::Linear } else { Activation::Relu }
    }
}

/// All convolutions of a network with these widths (stem first), in the order they run.
#[must_use]
pub fn specs(widths: &[usize]) -> Vec<Spec> {
    let Some(stem) = widths.first() else { return Vec::new() };
    let mut specs = vec![Spec::new("stem".into(), PLANES, *stem, 2)];
    for (index, pair) in widths.windows(2).enumerate() {
        let (input, output, stage) = (pair[0], pair[1], index + 1);
        specs.push(Spec::new(format!("stage{stage}.down"), input, output, 2));
        specs.push(Spec::new(format!("stage{stage}.first"), output, output, 1));
        specs.push(Spec::new(format!("stage{stage}.second"), output, output, 1));
    }
    specs
}

/// Multiplications of one forward pass.
#[must_use]
pub fn multiplications(widths: &[usize], side: usize) -> usize {
    let mut size = side;
    let mut sum = widths.last().copied().unwrap_or(0);
    for spec in specs(widths) {
        size = size.div_ceil(spec.stride);
        sum += size * size * KERNEL * KERNEL * spec.input * spec.output;
    }
    sum
}

/// A network with its weights in place.
#[derive(Debug, Clone)]
pub struct Network {
    layers: Vec<(Spec, Tensor, Tensor)>,
    head: Tensor,
    bias: Tensor,
}

impl Network {
    /// Puts a network together; `get` gives the tensor of that name and must check its shape.
    ///
    /// # Errors
    /// Whatever `get` finds.
    pub fn new(widths: &[usize], get: &mut dyn FnMut(&str, &[usize]) -> Result<Tensor>) -> Result<Self> {
        let mut layers = Vec::new();
        for spec in specs(widths) {
            let weight = get(&format!("{}.weight", spec.name), &spec.shape())?;
            let bias = get(&format!("{}.bias", spec.name), &[spec.output])?;
            layers.push((spec, weight, bias));
        }
        let head = get("head.weight", &[widths.last().copied().unwrap_or(0)])?;
        Ok(Self { layers, head, bias: get("head.bias", &[1])? })
    }

    /// All tensors by name, as [`Network::new`] asks for them.
    #[must_use]
    pub fn tensors(&self) -> Vec<(String, Tensor)> {
        let mut all = vec![("head.weight".to_owned(), self.head.clone()), ("head.bias".to_owned(), self.bias.clone())];
        for (spec, weight, bias) in &self.layers {
            all.push((format!("{}.weight", spec.name), weight.clone()));
            all.push((format!("{}.bias", spec.name), bias.clone()));
        }
        all
    }

    /// The same network outside any gradient's graph.
    #[must_use]
    pub fn detached(&self) -> Self {
        let layer = |(spec, weight, bias): &(Spec, Tensor, Tensor)| (spec.clone(), weight.detach(), bias.detach());
        Self { layers: self.layers.iter().map(layer).collect(), head: self.head.detach(), bias: self.bias.detach() }
    }

    /// The last features: (batch, rows, columns, channels), none negative.
    ///
    /// # Errors
    /// Candle's.
    pub fn features(&self, planes: &Tensor) -> Result<Tensor> {
        let mut x = planes.clone();
        let mut shortcut = x.clone();
        for (spec, weight, bias) in &self.layers {
            let conv = Conv { stride: spec.stride, padding: 1, activation: spec.activation() };
            if spec.name.ends_with("first") {
                shortcut = x.clone();
            }
            x = conv2d(&x, weight, bias, conv)?;
            if spec.activation() == Activation::Linear {
                x = (x + &shortcut)?.relu()?;
            }
        }
        Ok(x)
    }

    /// Mean of the features over positions: (batch, channels).
    ///
    /// # Errors
    /// Candle's.
    pub fn pooled(&self, features: &Tensor) -> Result<Tensor> {
        features.flatten(1, 2)?.mean(1)
    }

    /// Raw scores of pooled features: (batch).
    ///
    /// # Errors
    /// Candle's.
    pub fn head(&self, pooled: &Tensor) -> Result<Tensor> {
        pooled.broadcast_mul(&self.head)?.sum(D::Minus1)?.broadcast_add(&self.bias)
    }

    /// Raw scores: (batch).
    ///
    /// # Errors
    /// Candle's.
    pub fn scores(&self, planes: &Tensor) -> Result<Tensor> {
        self.head(&self.pooled(&self.features(planes)?)?)
    }

    /// The class activation map: each position's share of the score, (batch, rows, columns); a map sums to its score
    /// less [`Network::bias`].
    ///
    /// # Errors
    /// Candle's.
    pub fn activation_map(&self, features: &Tensor) -> Result<Tensor> {
        let (_, rows, columns, _) = features.dims4()?;
        features.broadcast_mul(&self.head)?.sum(D::Minus1)? / (rows * columns) as f64
    }

    /// The score of a film without any feature.
    ///
    /// # Errors
    /// Candle's.
    pub fn bias(&self) -> Result<f64> {
        Ok(f64::from(self.bias.flatten_all()?.to_vec1::<f32>()?.first().copied().unwrap_or(0.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::{multiplications, specs};

    #[test]
    fn each_stage_halves_the_side_and_has_three_convolutions() {
        let specs = specs(&[8, 16, 32]);
        let names: Vec<_> = specs.iter().map(|spec| spec.name.as_str()).collect();
        let stages = ["stage1.down", "stage1.first", "stage1.second", "stage2.down", "stage2.first", "stage2.second"];
        assert_eq!(names[0], "stem");
        assert_eq!(names[1..], stages);
        assert_eq!(specs.iter().filter(|spec| spec.stride == 2).count(), 3);
        let by_hand =
            16 * 16 * 9 * 2 * 8 + 8 * 8 * 9 * (8 * 16 + 2 * 16 * 16) + 4 * 4 * 9 * (16 * 32 + 2 * 32 * 32) + 32;
        assert_eq!(multiplications(&[8, 16, 32], 32), by_hand);
    }
}
