//! The convolution against Candle's and against finite differences.

use super::{Activation, Conv, conv2d};
use candle_core::{Device, Tensor, Var};

fn wave(shape: &[usize], pace: f32) -> Var {
    let count = shape.iter().product::<usize>();
    let values: Vec<f32> = (0..count).map(|i| (i as f32 * pace + 0.4).sin()).collect();
    Var::from_tensor(&Tensor::from_vec(values, shape, &Device::Cpu).unwrap()).unwrap()
}

fn cases() -> Vec<(Conv, [usize; 4], [usize; 4])> {
    let mut cases = Vec::new();
    for activation in [Activation::Linear, Activation::Relu, Activation::Relu6] {
        for (stride, padding, kernel) in [(1, 1, 3), (2, 1, 3), (1, 0, 1), (2, 2, 5), (2, 0, 2)] {
            let conv = Conv { stride, padding, activation };
            cases.push((conv, [6, 7, 8, 3], [kernel, kernel, 3, 5]));
        }
    }
    cases
}

fn activated(x: &Tensor, activation: Activation) -> Tensor {
    match activation {
        Activation::Linear => x.clone(),
        Activation::Relu => x.relu().unwrap(),
        Activation::Relu6 => x.clamp(0f32, 6f32).unwrap(),
    }
}

#[test]
fn the_forward_pass_agrees_with_candles_convolution() {
    for (conv, x_shape, w_shape) in cases() {
        let (x, w, b) = (wave(&x_shape, 0.37), wave(&w_shape, 0.53), wave(&[w_shape[3]], 1.7));
        let ours = conv2d(&x, &w, &b, conv).unwrap();
        let nchw = x.permute((0, 3, 1, 2)).unwrap().contiguous().unwrap();
        let oihw = w.permute((3, 2, 0, 1)).unwrap().contiguous().unwrap();
        let plain = nchw.conv2d(&oihw, conv.padding, conv.stride, 1, 1).unwrap();
        let plain = plain.permute((0, 2, 3, 1)).unwrap().broadcast_add(&b).unwrap();
        let plain = activated(&plain, conv.activation);
        let gap = (ours - plain).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(gap < 1e-5, "{conv:?}: {gap}");
    }
}

#[test]
fn the_backward_pass_agrees_with_candles_convolution() {
    // Candle's own backward pass takes only sides that its stride divides evenly.
    for (conv, _, w_shape) in cases().into_iter().filter(|(conv, ..)| conv.padding != 0 || conv.stride == 1) {
        let x_shape = [6, 7, 7, 3];
        let (x, w, b) = (wave(&x_shape, 0.37), wave(&w_shape, 0.53), wave(&[w_shape[3]], 1.7));
        let ours = conv2d(&x, &w, &b, conv).unwrap();
        let nchw = x.permute((0, 3, 1, 2)).unwrap().contiguous().unwrap();
        let oihw = w.permute((3, 2, 0, 1)).unwrap().contiguous().unwrap();
        let plain = nchw.conv2d(&oihw, conv.padding, conv.stride, 1, 1).unwrap();
        let plain = plain.permute((0, 2, 3, 1)).unwrap().broadcast_add(&b).unwrap();
        let plain = activated(&plain, conv.activation);
        let weights = wave(ours.dims(), 0.71);
        let grads = |answer: &Tensor| answer.mul(&weights).unwrap().sum_all().unwrap().backward().unwrap();
        let (ours, plain) = (grads(&ours), grads(&plain));
        for var in [&x, &w, &b] {
            let gap = (ours.get(var).unwrap() - plain.get(var).unwrap()).unwrap().abs().unwrap();
            let gap = gap.max_all().unwrap().to_scalar::<f32>().unwrap();
            assert!(gap < 1e-3, "{conv:?}: {gap}");
        }
    }
}

#[test]
fn the_backward_pass_agrees_with_finite_differences() {
    for (conv, x_shape, w_shape) in cases() {
        let vars = [wave(&x_shape, 0.37), wave(&w_shape, 0.53), wave(&[w_shape[3]], 1.7)];
        let answer = conv2d(&vars[0], &vars[1], &vars[2], conv).unwrap();
        let weights = wave(answer.dims(), 0.71);
        let loss = |vars: &[Var; 3]| {
            let answer = conv2d(&vars[0], &vars[1], &vars[2], conv).unwrap();
            answer.mul(&weights).unwrap().sum_all().unwrap()
        };
        let grads = loss(&vars).backward().unwrap();
        for (which, var) in vars.iter().enumerate() {
            let analytic: Vec<f32> = grads.get(var).unwrap().flatten_all().unwrap().to_vec1().unwrap();
            let values: Vec<f32> = var.flatten_all().unwrap().to_vec1().unwrap();
            for place in [0, values.len() / 3, values.len() - 1] {
                let at = |change: f32| {
                    let mut moved = values.clone();
                    moved[place] += change;
                    var.set(&Tensor::from_vec(moved, var.shape(), &Device::Cpu).unwrap()).unwrap();
                    let answer = conv2d(&vars[0], &vars[1], &vars[2], conv).unwrap().mul(&weights).unwrap();
                    answer.flatten_all().unwrap().to_vec1::<f32>().unwrap().into_iter().map(f64::from).sum::<f64>()
                };
                let step = if conv.activation != Activation::Linear { 3e-4 } else { 1e-2 };
                let numeric = (at(step) - at(-step)) / f64::from(2.0 * step);
                at(0.0);
                let gap = (numeric - f64::from(analytic[place])).abs();
                // ReLU bends inside the difference quotient, so its tolerance is wider.
                let tolerance = if conv.activation != Activation::Linear { 0.04 } else { 2e-3 } * (1.0 + numeric.abs());
                assert!(
                    gap < tolerance,
                    "{conv:?}, argument {which}, place {place}: {numeric} and {}",
                    analytic[place]
                );
            }
        }
    }
}

#[test]
fn an_image_alone_and_in_a_batch_gives_the_same_answer() {
    let conv = Conv { stride: 1, padding: 1, activation: Activation::Relu };
    let (x, w, b) = (wave(&[9, 12, 12, 4], 0.37), wave(&[3, 3, 4, 6], 0.53), wave(&[6], 1.7));
    let together = conv2d(&x, &w, &b, conv).unwrap();
    for index in 0..9 {
        let alone = conv2d(&x.narrow(0, index, 1).unwrap(), &w, &b, conv).unwrap();
        let same = together.narrow(0, index, 1).unwrap();
        assert_eq!(
            alone.flatten_all().unwrap().to_vec1::<f32>().unwrap(),
            same.flatten_all().unwrap().to_vec1::<f32>().unwrap()
        );
    }
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let conv = Conv { stride: 1, padding: 0, activation: Activation::Linear };
    let (x, w, b) = (wave(&[1, 4, 4, 3], 0.3), wave(&[3, 3, 2, 5], 0.3), wave(&[5], 0.3));
    assert!(conv2d(&x, &w, &b, conv).is_err());
    assert!(conv2d(&x, &wave(&[5, 5, 3, 5], 0.3), &b, conv).is_err());
}
