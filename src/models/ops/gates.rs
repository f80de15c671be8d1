//! The arithmetic between an LSTM's matrix products: activations and the cell, one loop each, forward and backward.
//!
//! Contract: gates stand in PyTorch's order (input, forget, cell, output), each `hidden` wide; a row is one case. Plain
//! loops over slices without branches, so that the compiler vectorises them on any processor.

/// tanh within 3e-7 (rational approximation of degree 13/6 on ±7.9, as in Eigen's `generic_fast_tanh_float`).
#[inline]
pub(super) fn tanh(x: f32) -> f32 {
    const LIMIT: f32 = 7.905_311;
    let x = x.clamp(-LIMIT, LIMIT);
    let s = x * x;
    let p = s * -2.760_768_5e-16 + 2.000_188e-13;
    let p = p * s - 8.604_672e-11;
    let p = p * s + 5.122_297_1e-8;
    let p = p * s + 1.485_722_4e-5;
    let p = p * s + 6.372_619_3e-4;
    let p = p * s + 4.893_525e-3;
    let q = s * 1.198_258_4e-6 + 1.185_347_1e-4;
    let q = q * s + 2.268_434_6e-3;
    let q = q * s + 4.893_525e-3;
    x * p / q
}

/// 1 / (1 + e^−x), through [`tanh`].
#[inline]
pub(super) fn sigmoid(x: f32) -> f32 {
    0.5 * tanh(0.5 * x) + 0.5
}

/// Turns a row's pre-activations into activations, moves the cell on and writes the hidden state.
///
/// `gates` is 4 × hidden long, `cell` and `output` hidden long; `cell` holds c(t − 1) before and c(t) after.
pub(super) fn step(gates: &mut [f32], cell: &mut [f32], output: &mut [f32]) {
    let hidden = cell.len();
    activate(gates, hidden);
    let (input, rest) = gates.split_at(hidden);
    let (forget, rest) = rest.split_at(hidden);
    let (candidate, out) = rest.split_at(hidden);
    let (forget, candidate, out) = (&forget[..hidden], &candidate[..hidden], &out[..hidden]);
    let (input, output) = (&input[..hidden], &mut output[..hidden]);
    for j in 0..hidden {
        cell[j] = forget[j] * cell[j] + input[j] * candidate[j];
        output[j] = out[j] * tanh(cell[j]);
    }
}

/// Sigmoid on the input, forget and output gates, tanh on the cell's candidate.
fn activate(gates: &mut [f32], hidden: usize) {
    let (sigmoids, rest) = gates.split_at_mut(2 * hidden);
    let (candidate, out) = rest.split_at_mut(hidden);
    sigmoids.iter_mut().chain(out.iter_mut()).for_each(|x| *x = sigmoid(*x));
    candidate.iter_mut().for_each(|x| *x = tanh(*x));
}

/// One row, one step backwards: activations become gradients of the pre-activations.
///
/// `gates` holds the activations and receives the gradients; `cell` is c(t), `before` c(t − 1); `dh` is the whole
/// gradient of h(t); `dc` holds the gradient of c(t) from later steps and receives that of c(t − 1).
pub(super) fn step_back(gates: &mut [f32], cell: &[f32], before: Option<&[f32]>, dh: &[f32], dc: &mut [f32]) {
    let hidden = cell.len();
    let (input, rest) = gates.split_at_mut(hidden);
    let (forget, rest) = rest.split_at_mut(hidden);
    let (candidate, out) = rest.split_at_mut(hidden);
    let (dh, dc) = (&dh[..hidden], &mut dc[..hidden]);
    for j in 0..hidden {
        let (i, f, g, o) = (input[j], forget[j], candidate[j], out[j]);
        let squashed = tanh(cell[j]);
        let d = dc[j] + dh[j] * o * (1.0 - squashed * squashed);
        let earlier = before.map_or(0.0, |before| before[j]);
        out[j] = dh[j] * squashed * o * (1.0 - o);
        input[j] = d * g * i * (1.0 - i);
        forget[j] = d * earlier * f * (1.0 - f);
        candidate[j] = d * i * (1.0 - g * g);
        dc[j] = d * f;
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_activations_agree_with_the_library_to_the_sixth_place() {
        for step in -4000..=4000 {
            let x = step as f32 / 200.0;
            assert!((super::tanh(x) - x.tanh()).abs() < 5e-7, "tanh({x})");
            assert!((super::sigmoid(x) - 1.0 / (1.0 + (-x).exp())).abs() < 5e-7, "sigmoid({x})");
        }
    }
}
