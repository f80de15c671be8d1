//! Where the knee network starts: the first stages of a network that was trained on photographs, or random weights.
//!
//! Contract: either way every convolution's answers are brought to their mean and spread on training films, layer by
//! layer (Li et al., "AdaBN", Pattern Recognition 2018), so that the normalisation that is folded in afterwards fits
//! films. The pretrained file is EfficientNet-Lite0 with the names of its PyTorch port.

use crate::{
    models::knee::{
        film::PLANES,
        grade::CUTS,
        network::{Shape, Spec},
    },
    training::seeded::{self, generator},
};
use candle_core::{DType, Device, Result, Tensor, bail};
use candle_nn::VarMap;
use rand_distr::{Distribution, StandardNormal};
use std::{collections::HashMap, path::Path};

/// Added to variances, as where the network was trained first.
const EPSILON: f64 = 1e-3;
/// Spread of the equalised films is one; that of the photographs was about this.
const PHOTOGRAPHS: f64 = 0.5;

/// A convolution before its normalisation: its weight, and the spread and mean that its answers shall have.
struct Layer {
    weight: Tensor,
    spread: Tensor,
    mean: Tensor,
}

/// All variables: of each layer `<name>.direction`, `<name>.scale` and `<name>.shift`, and those of the head.
///
/// # Errors
/// Candle's, when the pretrained file cannot be read or does not fit.
pub(super) fn variables(shape: &Shape, encoder: Option<&Path>, seed: u64, films: &Tensor) -> Result<VarMap> {
    let pretrained = encoder.map(|file| candle_core::safetensors::load(file, &Device::Cpu)).transpose()?;
    let mut all: Vec<(String, Tensor)> = Vec::new();
    let (mut x, mut shortcut) = (films.clone(), films.clone());
    for (index, spec) in shape.specs().iter().enumerate() {
        let layer = match &pretrained {
            Some(tensors) if spec.name != "mix" => known(spec, tensors)?,
            _ => fresh(spec, seed, index as u64)?,
        };
        if spec.opens {
            shortcut = x.clone();
        }
        let (scale, shift) = fitted(spec, &layer, &x)?;
        x = spec.apply(&x, &layer.weight.broadcast_mul(&scale)?, &shift, false)?;
        if spec.residual {
            x = (x + &shortcut)?;
        }
        let name = &spec.name;
        all.extend([
            (format!("{name}.direction"), layer.weight),
            (format!("{name}.scale"), scale),
            (format!("{name}.shift"), shift),
        ]);
    }
    all.extend(head(shape, seed)?);
    seeded::variables(all)
}

/// Scale and shift with which the layer's answers to `x` have its mean and spread.
fn fitted(spec: &Spec, layer: &Layer, x: &Tensor) -> Result<(Tensor, Tensor)> {
    let zero = Tensor::zeros(spec.output, DType::F32, &Device::Cpu)?;
    let answers = spec.apply(x, &layer.weight, &zero, true)?.reshape(((), spec.output))?;
    let mean = answers.mean(0)?;
    let variance = (answers.sqr()?.mean(0)? - mean.sqr()?)?.relu()?;
    let scale = (&layer.spread / (variance + EPSILON)?.sqrt()?)?;
    let shift = (&layer.mean - (mean * &scale)?)?;
    Ok((scale, shift))
}

/// A layer with random weights; a residual branch begins as next to nothing.
fn fresh(spec: &Spec, seed: u64, index: u64) -> Result<Layer> {
    let mut rng = generator(seed, 2 << 32, index);
    let spread = 1.0 / (spec.fan_in() as f32).sqrt();
    let count = spec.shape().iter().product::<usize>();
    let values = (0..count).map(|_| spread * Distribution::<f32>::sample(&StandardNormal, &mut rng));
    Ok(Layer {
        weight: Tensor::from_vec(values.collect::<Vec<f32>>(), spec.shape(), &Device::Cpu)?,
        spread: Tensor::full(if spec.residual { 0.1f32 } else { 1.0 }, spec.output, &Device::Cpu)?,
        mean: Tensor::zeros(spec.output, DType::F32, &Device::Cpu)?,
    })
}

/// A layer of the pretrained network.
fn known(spec: &Spec, tensors: &HashMap<String, Tensor>) -> Result<Layer> {
    let get = |name: String| match tensors.get(&name) {
        Some(tensor) => tensor.to_dtype(DType::F32),
        None => bail!("`{name}` is not in the pretrained network"),
    };
    let (prefix, convolution, norm) = match spec.name.split_once('.') {
        None => (String::new(), "_conv_stem", "_bn0"),
        Some((block, part)) => {
            let prefix = format!("_blocks.{}.", block.trim_start_matches("block"));
            match part {
                "expand" => (prefix, "_expand_conv", "_bn0"),
                "depth" => (prefix, "_depthwise_conv", "_bn1"),
                _ => (prefix, "_project_conv", "_bn2"),
            }
        }
    };
    let weight = get(format!("{prefix}{convolution}.weight"))?;
    // PyTorch's order is (out, in, rows, columns).
    let weight = match (spec.name.as_str(), spec.depthwise) {
        ("stem", _) => grey(&weight)?,
        (_, true) => weight.squeeze(1)?.permute((1, 2, 0))?,
        (_, false) => weight.permute((2, 3, 1, 0))?,
    };
    if weight.dims() != spec.shape() {
        bail!("`{prefix}{convolution}.weight` is {:?}, not {:?}", weight.dims(), spec.shape());
    }
    Ok(Layer {
        weight: weight.contiguous()?,
        spread: get(format!("{prefix}{norm}.weight"))?,
        mean: get(format!("{prefix}{norm}.bias"))?,
    })
}

/// The stem for grey films: the colours' weights added up for the first plane, nothing for the others.
fn grey(weight: &Tensor) -> Result<Tensor> {
    let sum = (weight.sum_keepdim(1)? * PHOTOGRAPHS)?.permute((2, 3, 1, 0))?;
    let (rows, columns, _, out) = sum.dims4()?;
    Tensor::cat(&[sum, Tensor::zeros((rows, columns, PLANES - 1, out), DType::F32, &Device::Cpu)?], 2)
}

/// Every channel begins with places of its own, so that at once some look at the joint and some at its margins.
fn head(shape: &Shape, seed: u64) -> Result<Vec<(String, Tensor)>> {
    let (rows, columns) = shape.grid();
    let mut rng = generator(seed, 5 << 32, 0);
    let places = (0..rows * columns * shape.features)
        .map(|_| 0.5 + Distribution::<f32>::sample(&StandardNormal, &mut rng))
        .collect::<Vec<f32>>();
    let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu);
    Ok(vec![
        ("places".into(), Tensor::from_vec(places, (rows * columns, shape.features), &Device::Cpu)?),
        ("head.weight".into(), zeros(&[shape.features, CUTS])?),
        ("head.bias".into(), zeros(&[CUTS])?),
    ])
}
