//! From Keras's arrays to tensors under our names, with every shape checked.
//!
//! Contract: LSTM gates stand in the order input, forget, cell, output on both sides; Keras keeps kernels as (inputs,
//! outputs), PyTorch's layout, which `lstm-…` tensors follow, as (outputs, inputs). The picture network keeps Keras's own
//! layouts.

use super::{Array, KerasError, Layer};
use candle_core::{Device, Tensor};
use std::{collections::HashMap, fmt};

/// Units of every LSTM layer.
const HIDDEN: usize = 128;
/// LSTM layers.
const LAYERS: usize = 3;
/// Kernels of the convolutions, and units of the dense layer between them and the last.
const KERNELS: [usize; 3] = [32, 64, 128];
const UNITS: usize = 128;
/// Numbers after flattening, without and with zeros at the edges.
const FLATTENED: [usize; 2] = [3 * 3 * 128, 7 * 7 * 128];

/// A textbook network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// `textbook-cnn`
    Cnn,
    /// `textbook-lstm`
    Lstm,
}

impl fmt::Display for Architecture {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Cnn => "textbook-cnn",
            Self::Lstm => "textbook-lstm",
        })
    }
}

/// The tensors.
pub(super) fn tensors(layers: &[Layer], architecture: Architecture) -> Result<HashMap<String, Tensor>, KerasError> {
    let sorted = Sorted::of(layers)?;
    match architecture {
        Architecture::Lstm => lstm(&sorted),
        Architecture::Cnn => cnn(&sorted),
    }
}

/// Layers by kind, each kind in its order.
struct Sorted<'a> {
    convolutions: Vec<&'a Layer>,
    recurrent: Vec<&'a Layer>,
    dense: Vec<&'a Layer>,
}

impl<'a> Sorted<'a> {
    /// A kind is known by the ranks of its arrays.
    fn of(layers: &'a [Layer]) -> Result<Self, KerasError> {
        let mut sorted = Self { convolutions: Vec::new(), recurrent: Vec::new(), dense: Vec::new() };
        for layer in layers {
            let ranks: Vec<usize> = layer.arrays.iter().map(|array| array.shape.len()).collect();
            match ranks.as_slice() {
                [4, 1] => sorted.convolutions.push(layer),
                [2, 2, 1] => sorted.recurrent.push(layer),
                [2, 1] => sorted.dense.push(layer),
                _ => return Err(KerasError::Network(format!("the layer {} is no part of it", layer.name))),
            }
        }
        Ok(sorted)
    }

    fn expect(&self, convolutions: usize, recurrent: usize, dense: usize) -> Result<(), KerasError> {
        let found = [self.convolutions.len(), self.recurrent.len(), self.dense.len()];
        if found == [convolutions, recurrent, dense] {
            return Ok(());
        }
        let [a, b, c] = found;
        Err(KerasError::Network(format!(
            "it has {a} convolutions, {b} LSTM and {c} dense layers with weights, not {convolutions}, {recurrent} and {dense}"
        )))
    }
}

fn lstm(sorted: &Sorted<'_>) -> Result<HashMap<String, Tensor>, KerasError> {
    sorted.expect(0, LAYERS, 1)?;
    let mut tensors = HashMap::new();
    let mut inputs = sorted.recurrent[0].arrays[0].shape[0];
    for (index, layer) in sorted.recurrent.iter().enumerate() {
        let [kernel, recurrent, bias] = layer.arrays.as_slice() else { continue };
        fits(layer, kernel, &[inputs, 4 * HIDDEN])?;
        fits(layer, recurrent, &[HIDDEN, 4 * HIDDEN])?;
        fits(layer, bias, &[4 * HIDDEN])?;
        tensors.insert(format!("lstm.weight_ih_l{index}"), kernel.transposed()?);
        tensors.insert(format!("lstm.weight_hh_l{index}"), recurrent.transposed()?);
        // Keras has one bias where PyTorch has two that are added.
        tensors.insert(format!("lstm.bias_ih_l{index}"), bias.tensor()?);
        tensors.insert(format!("lstm.bias_hh_l{index}"), (bias.tensor()? * 0.0)?);
        inputs = HIDDEN;
    }
    let [kernel, bias] = both(sorted.dense[0])?;
    fits(sorted.dense[0], kernel, &[HIDDEN, 2])?;
    fits(sorted.dense[0], bias, &[2])?;
    tensors.insert("dense.weight".into(), kernel.transposed()?);
    tensors.insert("dense.bias".into(), bias.tensor()?);
    Ok(tensors)
}

fn cnn(sorted: &Sorted<'_>) -> Result<HashMap<String, Tensor>, KerasError> {
    sorted.expect(KERNELS.len(), 0, 2)?;
    let mut tensors = HashMap::new();
    let mut inputs = 1;
    for (index, (layer, kernels)) in sorted.convolutions.iter().zip(KERNELS).enumerate() {
        let [kernel, bias] = both(layer)?;
        fits(layer, kernel, &[3, 3, inputs, kernels])?;
        fits(layer, bias, &[kernels])?;
        tensors.insert(format!("conv{}.weight", index + 1), kernel.tensor()?);
        tensors.insert(format!("conv{}.bias", index + 1), bias.tensor()?);
        inputs = kernels;
    }
    let flattened = sorted.dense[0].arrays[0].shape[0];
    if !FLATTENED.contains(&flattened) {
        let name = &sorted.dense[0].name;
        return Err(KerasError::Network(format!("{name} reads {flattened} numbers, not {FLATTENED:?}")));
    }
    let classes = sorted.dense[1].arrays[1].shape[0];
    for (index, (from, to)) in [(flattened, UNITS), (UNITS, classes)].into_iter().enumerate() {
        let [kernel, bias] = both(sorted.dense[index])?;
        fits(sorted.dense[index], kernel, &[from, to])?;
        fits(sorted.dense[index], bias, &[to])?;
        tensors.insert(format!("dense{}.weight", index + 1), kernel.tensor()?);
        tensors.insert(format!("dense{}.bias", index + 1), bias.tensor()?);
    }
    Ok(tensors)
}

fn both(layer: &Layer) -> Result<[&Array; 2], KerasError> {
    match layer.arrays.as_slice() {
        [kernel, bias] => Ok([kernel, bias]),
        _ => Err(KerasError::Network(format!("{} needs a kernel and a bias", layer.name))),
    }
}

fn fits(layer: &Layer, array: &Array, shape: &[usize]) -> Result<(), KerasError> {
    if array.shape == shape {
        return Ok(());
    }
    Err(KerasError::Network(format!("{} holds an array of {:?}, not {shape:?}", layer.name, array.shape)))
}

impl Array {
    fn tensor(&self) -> candle_core::Result<Tensor> {
        Tensor::from_slice(&self.values, self.shape.as_slice(), &Device::Cpu)
    }

    fn transposed(&self) -> candle_core::Result<Tensor> {
        self.tensor()?.t()?.contiguous()
    }
}
