//! The convolutional network: a stem, stages of one strided convolution and some residual blocks each (He et al., CVPR
//! 2016, made small), normalised in groups of channels; then a weighted mean over positions with weights of its own for
//! every channel, because the joint always lies in the middle (Chen et al., "MobileFaceNets", CCBR 2018); four linear
//! outputs.
//!
//! Contract: (batch, rows, columns, [`PLANES`]) in, [`CUTS`] raw scores per film out; a film alone and in a batch gives
//! the same. Training and service share this code. Because the head is linear in the mean of the last features, the
//! class activation map (Zhou et al., CVPR 2016) adds up to a score exactly.

use super::{
    film::{PLANES, ROWS, SIDE},
    grade::CUTS,
};
use crate::models::ops::{
    conv::{Conv, conv2d},
    norm::{GroupNorm, group_norm},
};
use candle_core::{D, DType, Device, Result, Tensor};
use serde::{Deserialize, Serialize};

/// Rows and columns of every kernel.
pub const KERNEL: usize = 3;
/// Channels normalised together; every width is a multiple of it.
pub const GROUP: usize = 8;

/// Sizes of a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Channels of the stem and of each stage.
    pub widths: Vec<usize>,
    /// Residual blocks of each stage.
    pub blocks: Vec<usize>,
}

/// One convolution's place in the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// Its name; tensors are `<name>.weight`, and `<name>.scale` and `<name>.shift` of the normalisation after it.
    pub name: String,
    /// Channels in.
    pub input: usize,
    /// Channels out.
    pub output: usize,
    /// Stride.
    pub stride: usize,
}

impl Spec {
    /// The weight's shape.
    #[must_use]
    pub const fn shape(&self) -> [usize; 4] {
        [KERNEL, KERNEL, self.input, self.output]
    }

    /// Whether it closes a residual block: then it is cut at zero only after the shortcut is added.
    #[must_use]
    pub fn closes(&self) -> bool {
        self.name.ends_with("second")
    }
}

impl Shape {
    /// All convolutions in the order they run.
    #[must_use]
    pub fn specs(&self) -> Vec<Spec> {
        let Some(stem) = self.widths.first() else { return Vec::new() };
        let spec = |name: String, input: usize, output: usize, stride: usize| Spec { name, input, output, stride };
        let mut specs = vec![spec("stem".into(), PLANES, *stem, 2)];
        for (index, (pair, blocks)) in self.widths.windows(2).zip(&self.blocks).enumerate() {
            let (input, output, stage) = (pair[0], pair[1], index + 1);
            specs.push(spec(format!("stage{stage}.down"), input, output, 2));
            for block in 1..=*blocks {
                specs.push(spec(format!("stage{stage}.block{block}.first"), output, output, 1));
                specs.push(spec(format!("stage{stage}.block{block}.second"), output, output, 1));
            }
        }
        specs
    }

    /// Rows and columns of the last features of a film.
    #[must_use]
    pub fn grid(&self) -> (usize, usize) {
        let halved = |side: usize| (0..self.widths.len()).fold(side, |side, _| side.div_ceil(2));
        (halved(ROWS), halved(SIDE))
    }

    /// Channels of the last features.
    #[must_use]
    pub fn features(&self) -> usize {
        self.widths.last().copied().unwrap_or(0)
    }

    /// Multiplications of one forward pass over `rows` × `columns` pixels.
    #[must_use]
    pub fn multiplications(&self, mut rows: usize, mut columns: usize) -> usize {
        let mut sum = self.features() * CUTS;
        for spec in self.specs() {
            (rows, columns) = (rows.div_ceil(spec.stride), columns.div_ceil(spec.stride));
            sum += rows * columns * KERNEL * KERNEL * spec.input * spec.output;
        }
        sum
    }
}

/// A convolution with the normalisation after it.
#[derive(Debug, Clone)]
struct Layer {
    spec: Spec,
    weight: Tensor,
    scale: Tensor,
    shift: Tensor,
    /// The convolution's own; the normalisation shifts anyway.
    zero: Tensor,
}

impl Layer {
    fn forward(&self, x: &Tensor, input_gradient: bool) -> Result<Tensor> {
        let conv = Conv { stride: self.spec.stride, padding: 1, relu: false, input_gradient };
        let norm = GroupNorm { width: GROUP, relu: !self.spec.closes() };
        group_norm(&conv2d(x, &self.weight, &self.zero, conv)?, &self.scale, &self.shift, norm)
    }
}

/// A network with its weights in place.
#[derive(Debug, Clone)]
pub struct Network {
    layers: Vec<Layer>,
    /// Weight of every position for every channel: (positions, channels).
    places: Tensor,
    head: Tensor,
    bias: Tensor,
}

impl Network {
    /// Puts a network together; `get` gives the tensor of that name and must check its shape.
    ///
    /// # Errors
    /// Whatever `get` finds.
    pub fn new(shape: &Shape, get: &mut dyn FnMut(&str, &[usize]) -> Result<Tensor>) -> Result<Self> {
        let mut layers = Vec::new();
        for spec in shape.specs() {
            let weight = get(&format!("{}.weight", spec.name), &spec.shape())?;
            let scale = get(&format!("{}.scale", spec.name), &[spec.output])?;
            let shift = get(&format!("{}.shift", spec.name), &[spec.output])?;
            let zero = Tensor::zeros(spec.output, DType::F32, &Device::Cpu)?;
            layers.push(Layer { spec, weight, scale, shift, zero });
        }
        let (rows, columns) = shape.grid();
        let places = get("places", &[rows * columns, shape.features()])?;
        let head = get("head.weight", &[shape.features(), CUTS])?;
        Ok(Self { layers, places, head, bias: get("head.bias", &[CUTS])? })
    }

    /// All tensors by name, as [`Network::new`] asks for them.
    #[must_use]
    pub fn tensors(&self) -> Vec<(String, Tensor)> {
        let mut all = vec![
            ("places".to_owned(), self.places.clone()),
            ("head.weight".to_owned(), self.head.clone()),
            ("head.bias".to_owned(), self.bias.clone()),
        ];
        for Layer { spec, weight, scale, shift, .. } in &self.layers {
            all.push((format!("{}.weight", spec.name), weight.clone()));
            all.push((format!("{}.scale", spec.name), scale.clone()));
            all.push((format!("{}.shift", spec.name), shift.clone()));
        }
        all
    }

    /// The same network outside any gradient's graph.
    #[must_use]
    pub fn detached(&self) -> Self {
        let detach = |layer: &Layer| Layer {
            spec: layer.spec.clone(),
            weight: layer.weight.detach(),
            scale: layer.scale.detach(),
            shift: layer.shift.detach(),
            zero: layer.zero.clone(),
        };
        Self {
            layers: self.layers.iter().map(detach).collect(),
            places: self.places.detach(),
            head: self.head.detach(),
            bias: self.bias.detach(),
        }
    }

    /// The last features: (batch, rows, columns, channels), none negative.
    ///
    /// # Errors
    /// Candle's.
    pub fn features(&self, planes: &Tensor) -> Result<Tensor> {
        let mut x = planes.clone();
        let mut shortcut = x.clone();
        for (index, layer) in self.layers.iter().enumerate() {
            if layer.spec.name.ends_with("first") {
                shortcut = x.clone();
            }
            x = layer.forward(&x, index > 0)?;
            if layer.spec.closes() {
                x = (x + &shortcut)?.relu()?;
            }
        }
        Ok(x)
    }

    /// Weighted mean of the features over positions: (batch, channels).
    ///
    /// # Errors
    /// Candle's.
    pub fn pooled(&self, features: &Tensor) -> Result<Tensor> {
        features.flatten(1, 2)?.broadcast_mul(&self.places)?.mean(1)
    }

    /// Raw scores of pooled features: (batch, [`CUTS`]).
    ///
    /// # Errors
    /// Candle's.
    pub fn head(&self, pooled: &Tensor) -> Result<Tensor> {
        pooled.matmul(&self.head)?.broadcast_add(&self.bias)
    }

    /// Each position's share of the score of one cut, (batch, rows, columns); a map sums to its score less
    /// [`Network::bias`].
    ///
    /// # Errors
    /// Candle's.
    pub fn activation_map(&self, features: &Tensor, cut: usize) -> Result<Tensor> {
        let (_, rows, columns, _) = features.dims4()?;
        let weights = self.places.broadcast_mul(&self.head.narrow(1, cut, 1)?.flatten_all()?)?;
        let weights = weights.reshape((rows, columns, ()))?;
        features.broadcast_mul(&weights)?.sum(D::Minus1)? / (rows * columns) as f64
    }

    /// The score of one cut for a film without any feature.
    ///
    /// # Errors
    /// Candle's.
    pub fn bias(&self, cut: usize) -> Result<f64> {
        Ok(f64::from(self.bias.to_vec1::<f32>()?.get(cut).copied().unwrap_or(0.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::Shape;

    #[test]
    fn each_stage_halves_the_sides_and_has_its_blocks() {
        let shape = Shape { widths: vec![8, 16, 32], blocks: vec![1, 2] };
        let names: Vec<_> = shape.specs().iter().map(|spec| spec.name.clone()).collect();
        assert_eq!(names[..4], ["stem", "stage1.down", "stage1.block1.first", "stage1.block1.second"]);
        assert_eq!(
            names[4..],
            [
                "stage2.down",
                "stage2.block1.first",
                "stage2.block1.second",
                "stage2.block2.first",
                "stage2.block2.second"
            ]
        );
        let by_hand =
            16 * 8 * 9 * 2 * 8 + 8 * 4 * 9 * (8 * 16 + 2 * 16 * 16) + 4 * 2 * 9 * (16 * 32 + 4 * 32 * 32) + 32 * 4;
        assert_eq!(shape.multiplications(32, 16), by_hand);
    }
}
