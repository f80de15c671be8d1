//! One LSTM layer over a whole sequence as one Candle operation, with its gradient.
//!
//! Contract: agrees with PyTorch's and candle-nn's LSTM to 1e-5; tensors are time-major, `[steps, cases, width]`. The
//! inputs of all steps are projected in one matrix product outside; here is the recurrent part: per step one
//! single-threaded product and one loop over the gates (candle-nn's allocates a dozen tensors per step). Cases are
//! independent, so a batch is cut into shards over rayon's threads.

use super::{
    gates,
    gemm::{Strides, gemm},
    project::{cpu, project, slice},
};
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};
use candle_nn::{Init, VarBuilder};
use rayon::prelude::*;
use std::ops::Range;

/// Cases in one shard.
const SHARD_CASES: usize = 32;

/// A layer's parameters, under PyTorch's names (`weight_ih_l0` …), gates in the order input, forget, cell, output.
#[derive(Debug, Clone)]
pub struct Lstm {
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias_ih: Tensor,
    bias_hh: Tensor,
}

impl Lstm {
    /// Layer number `layer` of a stack, `[4 × hidden, inputs]` and so on; made with PyTorch's initial distribution
    /// (uniform within ±1/√hidden).
    ///
    /// # Errors
    /// Candle's, when a tensor is missing or has another shape.
    pub fn new(inputs: usize, hidden: usize, layer: usize, vars: &VarBuilder) -> Result<Self> {
        let bound = 1.0 / (hidden as f64).sqrt();
        let uniform = Init::Uniform { lo: -bound, up: bound };
        Ok(Self {
            weight_ih: vars.get_with_hints((4 * hidden, inputs), &format!("weight_ih_l{layer}"), uniform)?,
            weight_hh: vars.get_with_hints((4 * hidden, hidden), &format!("weight_hh_l{layer}"), uniform)?,
            bias_ih: vars.get_with_hints(4 * hidden, &format!("bias_ih_l{layer}"), uniform)?,
            bias_hh: vars.get_with_hints(4 * hidden, &format!("bias_hh_l{layer}"), uniform)?,
        })
    }

    /// `[steps, cases, inputs]` → hidden states of all steps, `[steps, cases, hidden]`, from a zero state.
    ///
    /// # Errors
    /// Candle's, when shapes do not fit or the tensor is not f32 on the CPU.
    pub fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let (steps, cases, width) = input.dims3()?;
        let projected = project(&input.reshape((steps * cases, width))?, &self.weight_ih)?;
        let projected = projected.reshape((steps, cases, ()))?;
        projected.apply_op3(&self.weight_hh, &(&self.bias_ih + &self.bias_hh)?, Recurrence)
    }
}

/// The recurrent part: (projected inputs `[T, N, 4H]`, `weight_hh [4H, H]`, bias `[4H]`) → hidden states `[T, N, H]`.
struct Recurrence;

#[derive(Clone, Copy)]
struct Sizes {
    steps: usize,
    cases: usize,
    hidden: usize,
}

impl CustomOp3 for Recurrence {
    fn name(&self) -> &'static str {
        "lstm-recurrence"
    }

    fn cpu_fwd(
        &self,
        projected: &CpuStorage,
        projected_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (steps, cases, width) = projected_layout.shape().dims3()?;
        let sizes = Sizes { steps, cases, hidden: width / 4 };
        let (projected, weight) = (slice(projected, projected_layout)?, slice(weight, weight_layout)?);
        let bias = slice(bias, bias_layout)?;
        let parts = shards(cases).into_par_iter().map(|rows| forward(projected, weight, bias, sizes, rows)).collect();
        Ok((CpuStorage::F32(join(parts, sizes, sizes.hidden)), (steps, cases, sizes.hidden).into()))
    }

    fn bwd(
        &self,
        projected: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        output: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (steps, cases, hidden) = output.dims3()?;
        let sizes = Sizes { steps, cases, hidden };
        let gradient = gradient.contiguous()?;
        let (inputs, input_layout) = projected.storage_and_layout();
        let (weights, weight_layout) = weight.storage_and_layout();
        let (biases, bias_layout) = bias.storage_and_layout();
        let (outputs, output_layout) = output.storage_and_layout();
        let (gradients, gradient_layout) = gradient.storage_and_layout();
        let known = Known {
            projected: slice(cpu(&inputs)?, input_layout)?,
            weight: slice(cpu(&weights)?, weight_layout)?,
            bias: slice(cpu(&biases)?, bias_layout)?,
            output: slice(cpu(&outputs)?, output_layout)?,
            gradient: slice(cpu(&gradients)?, gradient_layout)?,
            learning: weight.is_variable(),
        };
        let parts: Vec<Gradients> = shards(cases).into_par_iter().map(|rows| backward(&known, sizes, rows)).collect();
        let mut weight_gradient = vec![0.0; 4 * hidden * hidden];
        let mut bias_gradient = vec![0.0; 4 * hidden];
        let mut gates = Vec::with_capacity(parts.len());
        for part in parts {
            add(&mut weight_gradient, &part.weight);
            add(&mut bias_gradient, &part.bias);
            gates.push(part.gates);
        }
        let device = projected.device();
        Ok((
            Some(Tensor::from_vec(join(gates, sizes, 4 * hidden), (steps, cases, 4 * hidden), device)?),
            known.learning.then(|| Tensor::from_vec(weight_gradient, (4 * hidden, hidden), device)).transpose()?,
            Some(Tensor::from_vec(bias_gradient, 4 * hidden, device)?),
        ))
    }
}

/// Hidden states of some rows, `[T, rows, H]`.
fn forward(projected: &[f32], weight: &[f32], bias: &[f32], sizes: Sizes, rows: Range<usize>) -> Vec<f32> {
    let Sizes { steps, cases, hidden } = sizes;
    let (width, count) = (4 * hidden, rows.len());
    let mut gates = vec![0.0; count * width];
    let mut cell = vec![0.0; count * hidden];
    let mut output = vec![0.0; steps * count * hidden];
    for step in 0..steps {
        let inputs = &projected[(step * cases + rows.start) * width..][..count * width];
        add_bias(&mut gates, inputs, bias);
        let (done, rest) = output.split_at_mut(step * count * hidden);
        if step > 0 {
            let last = &done[(step - 1) * count * hidden..];
            times_transposed((count, width, hidden), last, weight, &mut gates);
        }
        let states = rest[..count * hidden].chunks_exact_mut(hidden);
        for ((gates, cell), state) in gates.chunks_exact_mut(width).zip(cell.chunks_exact_mut(hidden)).zip(states) {
            gates::step(gates, cell, state);
        }
    }
    output
}

/// What the backward pass starts from.
struct Known<'a> {
    projected: &'a [f32],
    weight: &'a [f32],
    bias: &'a [f32],
    output: &'a [f32],
    gradient: &'a [f32],
    /// Whether the weights want a gradient.
    learning: bool,
}

/// What it ends with, for one shard.
struct Gradients {
    gates: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

/// Backpropagation through time. The hidden states are known, so the gates of all steps are recomputed in one product
/// instead of being kept from the forward pass.
fn backward(known: &Known<'_>, sizes: Sizes, rows: Range<usize>) -> Gradients {
    let Sizes { steps, hidden, .. } = sizes;
    let (width, count) = (4 * hidden, rows.len());
    let states = cut(known.output, sizes, &rows, hidden);
    let earlier = &states[..(steps - 1) * count * hidden];
    let mut gates = recompute(known, sizes, &rows, earlier);
    let cells = cells(&mut gates, steps, count, hidden);
    let mut dh = vec![0.0; count * hidden];
    let mut dc = vec![0.0; count * hidden];
    for step in (0..steps).rev() {
        let (now, later) = gates[step * count * width..].split_at_mut(count * width);
        let direct = &known.gradient[(step * sizes.cases + rows.start) * hidden..][..count * hidden];
        dh.copy_from_slice(direct);
        if step + 1 < steps {
            let (left, right) = (Strides::rows_of(width), Strides::rows_of(hidden));
            gemm((count, hidden, width), later, left, known.weight, right, &mut dh, right, 1.0, 1.0);
        }
        for row in 0..count {
            let at = |step: usize| &cells[(step * count + row) * hidden..][..hidden];
            let before = step.checked_sub(1).map(at);
            let span = row * hidden..(row + 1) * hidden;
            let gates = &mut now[row * width..(row + 1) * width];
            gates::step_back(gates, at(step), before, &dh[span.clone()], &mut dc[span]);
        }
    }
    let mut weight = vec![0.0; width * hidden];
    if known.learning && steps > 1 {
        let (left, right) = (Strides::transposed(width), Strides::rows_of(hidden));
        let size = (width, hidden, (steps - 1) * count);
        gemm(size, &gates[count * width..], left, earlier, right, &mut weight, right, 0.0, 1.0);
    }
    let mut bias = vec![0.0; width];
    gates.chunks_exact(width).for_each(|row| add(&mut bias, row));
    Gradients { gates, weight, bias }
}

/// Pre-activations of all steps, `[T, rows, 4H]`.
fn recompute(known: &Known<'_>, sizes: Sizes, rows: &Range<usize>, earlier: &[f32]) -> Vec<f32> {
    let (width, count) = (4 * sizes.hidden, rows.len());
    let mut gates = vec![0.0; sizes.steps * count * width];
    for (step, gates) in gates.chunks_exact_mut(count * width).enumerate() {
        add_bias(gates, &known.projected[(step * sizes.cases + rows.start) * width..][..count * width], known.bias);
    }
    if sizes.steps > 1 {
        let size = ((sizes.steps - 1) * count, width, sizes.hidden);
        times_transposed(size, earlier, known.weight, &mut gates[count * width..]);
    }
    gates
}

/// Activates all gates in place and gives the cells of all steps, `[T, rows, H]`.
fn cells(gates: &mut [f32], steps: usize, count: usize, hidden: usize) -> Vec<f32> {
    let mut cells: Vec<f32> = Vec::with_capacity(steps * count * hidden);
    let mut cell = vec![0.0; count * hidden];
    let mut unused = vec![0.0; hidden];
    for gates in gates.chunks_exact_mut(count * 4 * hidden) {
        for (gates, cell) in gates.chunks_exact_mut(4 * hidden).zip(cell.chunks_exact_mut(hidden)) {
            gates::step(gates, cell, &mut unused);
        }
        cells.extend_from_slice(&cell);
    }
    cells
}

/// Row ranges. Their size does not depend on the number of threads, so neither does the order in which their
/// gradients are summed.
fn shards(cases: usize) -> Vec<Range<usize>> {
    (0..cases).step_by(SHARD_CASES).map(|start| start..(start + SHARD_CASES).min(cases)).collect()
}

/// `sum += states · weightᵀ`, of the sizes (rows, columns, depth).
fn times_transposed(size: (usize, usize, usize), states: &[f32], weight: &[f32], sum: &mut [f32]) {
    let (rows, columns) = (Strides::rows_of(size.2), Strides::transposed(size.2));
    gemm(size, states, rows, weight, columns, sum, Strides::rows_of(size.1), 1.0, 1.0);
}

/// The rows `[T, rows, width]` of `[T, N, width]`.
fn cut(all: &[f32], sizes: Sizes, rows: &Range<usize>, width: usize) -> Vec<f32> {
    let steps = all.chunks_exact(sizes.cases * width);
    steps.flat_map(|step| &step[rows.start * width..rows.end * width]).copied().collect()
}

/// The inverse of [`cut`]: shards side by side again.
fn join(mut parts: Vec<Vec<f32>>, sizes: Sizes, width: usize) -> Vec<f32> {
    if parts.len() == 1 {
        return parts.swap_remove(0);
    }
    let mut all = Vec::with_capacity(sizes.steps * sizes.cases * width);
    for step in 0..sizes.steps {
        for part in &parts {
            let size = part.len() / sizes.steps;
            all.extend_from_slice(&part[step * size..(step + 1) * size]);
        }
    }
    all
}

fn add_bias(gates: &mut [f32], inputs: &[f32], bias: &[f32]) {
    for (gates, inputs) in gates.chunks_exact_mut(bias.len()).zip(inputs.chunks_exact(bias.len())) {
        for ((gate, input), bias) in gates.iter_mut().zip(inputs).zip(bias) {
            *gate = input + bias;
        }
    }
}

fn add(sum: &mut [f32], one: &[f32]) {
    sum.iter_mut().zip(one).for_each(|(sum, one)| *sum += one);
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device, Var};
    use candle_nn::{LSTMConfig, RNN, VarMap};

    fn numbers(count: usize, phase: f32) -> Vec<f32> {
        (0..count).map(|i| ((i as f32) * 0.7 + phase).sin()).collect()
    }

    fn layer(inputs: usize, hidden: usize) -> (VarMap, Lstm) {
        let vars = VarMap::new();
        let layer = Lstm::new(inputs, hidden, 0, &VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu)).unwrap();
        for (index, (_, var)) in
            vars.data().lock().unwrap().iter().collect::<std::collections::BTreeMap<_, _>>().into_iter().enumerate()
        {
            let values = numbers(var.elem_count(), index as f32);
            var.set(&(Tensor::from_vec(values, var.shape(), &Device::Cpu).unwrap() * 0.4).unwrap()).unwrap();
        }
        (vars, layer)
    }

    #[test]
    fn it_gives_what_candle_nns_step_by_step_layer_gives() {
        for (steps, cases) in [(1, 1), (7, 3), (5, 70)] {
            let (vars, layer) = layer(6, 8);
            let input = Tensor::from_vec(numbers(steps * cases * 6, 0.3), (steps, cases, 6), &Device::Cpu).unwrap();
            let ours = layer.forward(&input).unwrap().transpose(0, 1).unwrap();
            let reference =
                candle_nn::lstm(6, 8, LSTMConfig::default(), VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu))
                    .unwrap();
            let states = reference.seq(&input.transpose(0, 1).unwrap().contiguous().unwrap()).unwrap();
            let theirs = reference.states_to_tensor(&states).unwrap().reshape(ours.shape()).unwrap();
            let theirs = if steps == 1 {
                theirs
            } else {
                Tensor::stack(&states.iter().map(|s| s.h.clone()).collect::<Vec<_>>(), 1).unwrap()
            };
            let gap = (ours - theirs).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
            assert!(gap < 1e-5, "{steps} steps, {cases} cases: {gap}");
        }
    }

    /// Σ h × fixed weights, so that every output matters differently.
    fn objective(layer: &Lstm, input: &Tensor) -> Tensor {
        let output = layer.forward(input).unwrap();
        let weights = Tensor::from_vec(numbers(output.elem_count(), 1.1), output.shape(), &Device::Cpu).unwrap();
        (output * weights).unwrap().sum_all().unwrap()
    }

    #[test]
    fn its_gradients_are_the_finite_differences() {
        let (vars, layer) = layer(3, 4);
        let input = Var::from_vec(numbers(6 * 2 * 3, 0.3), (6, 2, 3), &Device::Cpu).unwrap();
        let gradients = objective(&layer, &input).backward().unwrap();
        let mut checked: Vec<Var> = vars.all_vars();
        checked.push(input.clone());
        for var in checked {
            let exact = gradients.get(&var).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let values = var.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            for at in 0..values.len() {
                let measure = |delta: f32| {
                    let mut moved = values.clone();
                    moved[at] += delta;
                    var.set(&Tensor::from_vec(moved, var.shape(), &Device::Cpu).unwrap()).unwrap();
                    objective(&layer, &input).to_scalar::<f32>().unwrap()
                };
                let difference = (measure(5e-3) - measure(-5e-3)) / 1e-2;
                measure(0.0);
                assert!(
                    (exact[at] - difference).abs() < 2e-3 * (1.0 + difference.abs()),
                    "{:?} {at}: {} {difference}",
                    var.shape(),
                    exact[at]
                );
            }
        }
    }

    #[test]
    fn shards_give_the_same_as_one_piece() {
        let (_, layer) = layer(6, 8);
        let input = Var::from_vec(numbers(5 * 70 * 6, 0.3), (5, 70, 6), &Device::Cpu).unwrap();
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                objective(&layer, &input)
                    .backward()
                    .unwrap()
                    .get(&input)
                    .unwrap()
                    .flatten_all()
                    .unwrap()
                    .to_vec1::<f32>()
                    .unwrap()
            })
        };
        for (one, many) in run(1).iter().zip(run(4)) {
            assert!((one - many).abs() < 1e-5, "{one} {many}");
        }
    }
}
