//! The convolutional network: the first five stages of EfficientNet-Lite0 (Tan & Le, ICML 2019; without squeeze and
//! excitation, ReLU6), each of inverted residual blocks (Sandler et al., CVPR 2018), and a 1 × 1 convolution; then a
//! weighted mean over positions with weights of its own for every channel, because the joint always lies in the middle
//! (Chen et al., "MobileFaceNets", CCBR 2018); four linear outputs.
//!
//! Contract: (batch, rows, columns, [`PLANES`]) in, [`CUTS`] raw scores per film out; a film alone and in a batch gives
//! the same. Normalisation is folded into the weights. Training and service share this code. Because the head is linear
//! in the mean of the last features, the class activation map (Zhou et al., CVPR 2016) adds up to a score exactly.

use super::{
    film::{COLUMNS, PLANES, ROWS},
    grade::CUTS,
};
use crate::models::ops::{
    activation::Activation,
    conv::{Conv, conv2d},
    depthwise::{Depthwise, depthwise},
};
use candle_core::{D, Result, Tensor};
use serde::{Deserialize, Serialize};

/// Rows and columns of the stem's kernel.
const STEM_KERNEL: usize = 3;

/// Sizes of a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Channels of the stem.
    pub stem: usize,
    /// The stages after it.
    pub stages: Vec<Stage>,
    /// Channels of the last features.
    pub features: usize,
}

/// Blocks of one width; the first of them has the stride.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Rows and columns of the depthwise kernels, odd.
    pub kernel: usize,
    /// Stride of the first block.
    pub stride: usize,
    /// The depthwise convolutions have this many times the channels that come in.
    pub expand: usize,
    /// Channels that go out.
    pub width: usize,
    /// Number of blocks.
    pub blocks: usize,
}

/// One convolution's place in the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// Its name; tensors are `<name>.weight` and `<name>.bias`.
    pub name: String,
    /// Rows and columns of the kernel.
    pub kernel: usize,
    /// Stride.
    pub stride: usize,
    /// Channels in.
    pub input: usize,
    /// Channels out.
    pub output: usize,
    /// Whether every channel has a kernel of its own.
    pub depthwise: bool,
    /// What follows.
    pub activation: Activation,
    /// Whether a block begins here: what comes in may be added again.
    pub opens: bool,
    /// Whether what came into the block is added to the answer.
    pub residual: bool,
}

impl Spec {
    /// The weight's shape; the last number is the channels out.
    #[must_use]
    pub fn shape(&self) -> Vec<usize> {
        if self.depthwise {
            vec![self.kernel, self.kernel, self.output]
        } else {
            vec![self.kernel, self.kernel, self.input, self.output]
        }
    }

    /// Numbers under one kernel.
    #[must_use]
    pub fn fan_in(&self) -> usize {
        self.kernel * self.kernel * if self.depthwise { 1 } else { self.input }
    }

    /// The convolution, without what follows it if `bare`.
    ///
    /// # Errors
    /// Candle's.
    pub fn apply(&self, x: &Tensor, weight: &Tensor, bias: &Tensor, bare: bool) -> Result<Tensor> {
        let activation = if bare { Activation::Linear } else { self.activation };
        if self.depthwise {
            return depthwise(x, weight, bias, Depthwise { stride: self.stride, activation });
        }
        conv2d(x, weight, bias, Conv { stride: self.stride, padding: self.kernel / 2, activation })
    }
}

impl Shape {
    /// The one that is trained: EfficientNet-Lite0 up to its fifth stage.
    #[must_use]
    pub fn lite0() -> Self {
        let stage = |(kernel, stride, expand, width, blocks)| Stage { kernel, stride, expand, width, blocks };
        let stages = [(3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3), (5, 1, 6, 112, 3)];
        Self { stem: 32, stages: stages.map(stage).to_vec(), features: 320 }
    }

    /// All convolutions in the order they run.
    #[must_use]
    pub fn specs(&self) -> Vec<Spec> {
        let plain = Spec {
            name: "stem".into(),
            kernel: STEM_KERNEL,
            stride: 2,
            input: PLANES,
            output: self.stem,
            depthwise: false,
            activation: Activation::Relu6,
            opens: false,
            residual: false,
        };
        let mut specs = vec![plain.clone()];
        let (mut width, mut block) = (self.stem, 0);
        for stage in &self.stages {
            for first in (0..stage.blocks).map(|at| at == 0) {
                let wide = width * stage.expand;
                let stride = if first { stage.stride } else { 1 };
                let named = |part: &str| Spec { name: format!("block{block}.{part}"), stride: 1, ..plain.clone() };
                if stage.expand > 1 {
                    specs.push(Spec { kernel: 1, input: width, output: wide, opens: true, ..named("expand") });
                }
                let opens = stage.expand == 1;
                let (input, output) = (wide, wide);
                specs.push(Spec {
                    kernel: stage.kernel,
                    stride,
                    input,
                    output,
                    depthwise: true,
                    opens,
                    ..named("depth")
                });
                let (activation, residual) = (Activation::Linear, stride == 1 && width == stage.width);
                let output = stage.width;
                specs.push(Spec { kernel: 1, input: wide, output, activation, residual, ..named("project") });
                (width, block) = (stage.width, block + 1);
            }
        }
        let mix = Spec { name: "mix".into(), kernel: 1, stride: 1, input: width, output: self.features, ..plain };
        specs.push(Spec { activation: Activation::Relu, ..mix });
        specs
    }

    /// Pixels of the input per row and column of the last features.
    #[must_use]
    pub fn reduction(&self) -> usize {
        self.stages.iter().fold(2, |pixels, stage| pixels * stage.stride)
    }

    /// Rows and columns of the last features of a film.
    #[must_use]
    pub fn grid(&self) -> (usize, usize) {
        (ROWS.div_ceil(self.reduction()), COLUMNS.div_ceil(self.reduction()))
    }

    /// Multiplications of one forward pass over `rows` × `columns` pixels.
    #[must_use]
    pub fn multiplications(&self, mut rows: usize, mut columns: usize) -> usize {
        let mut sum = self.features * CUTS;
        for spec in self.specs() {
            (rows, columns) = (rows.div_ceil(spec.stride), columns.div_ceil(spec.stride));
            sum += rows * columns * spec.fan_in() * spec.output;
        }
        sum
    }
}

/// A convolution with its weights.
#[derive(Debug, Clone)]
struct Layer {
    spec: Spec,
    weight: Tensor,
    bias: Tensor,
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
            let bias = get(&format!("{}.bias", spec.name), &[spec.output])?;
            layers.push(Layer { spec, weight, bias });
        }
        let (rows, columns) = shape.grid();
        let places = get("places", &[rows * columns, shape.features])?;
        let head = get("head.weight", &[shape.features, CUTS])?;
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
        for Layer { spec, weight, bias } in &self.layers {
            all.push((format!("{}.weight", spec.name), weight.clone()));
            all.push((format!("{}.bias", spec.name), bias.clone()));
        }
        all
    }

    /// The same network outside any gradient's graph.
    #[must_use]
    pub fn detached(&self) -> Self {
        let detach = |layer: &Layer| Layer {
            spec: layer.spec.clone(),
            weight: layer.weight.detach(),
            bias: layer.bias.detach(),
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
        for Layer { spec, weight, bias } in &self.layers {
            if spec.opens {
                shortcut = x.clone();
            }
            x = spec.apply(&x, weight, bias, false)?;
            if spec.residual {
                x = (x + &shortcut)?;
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
    use super::{Shape, Stage};

    #[test]
    fn each_block_has_its_convolutions_and_adds_what_came_in_only_where_it_fits() {
        let stage = |stride, expand, width, blocks| Stage { kernel: 3, stride, expand, width, blocks };
        let shape = Shape { stem: 8, stages: vec![stage(1, 1, 8, 1), stage(2, 2, 12, 2)], features: 16 };
        let specs = shape.specs();
        let names: Vec<_> = specs.iter().map(|spec| spec.name.as_str()).collect();
        let expected = ["stem", "block0.depth", "block0.project", "block1.expand", "block1.depth", "block1.project"];
        assert_eq!(names[..6], expected);
        assert_eq!(names[6..], ["block2.expand", "block2.depth", "block2.project", "mix"]);
        let residual: Vec<_> = specs.iter().filter(|spec| spec.residual).map(|spec| spec.name.as_str()).collect();
        assert_eq!(residual, ["block0.project", "block2.project"]);
        assert_eq!(specs[4].shape(), [3, 3, 16]);
        let by_hand = 16 * 8 * (9 * 2 * 8 + 9 * 8 + 8 * 8 + 8 * 16)
            + 8 * 4 * (9 * 16 + 16 * 12 + 12 * 24 + 9 * 24 + 24 * 12 + 12 * 16)
            + 16 * 4;
        assert_eq!(shape.multiplications(32, 16), by_hand);
        assert_eq!(shape.reduction(), 4);
    }
}
