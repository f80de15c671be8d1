//! Runs small enough to follow: they converge, resume bit for bit and stop when they diverge.

use super::{Plan, Trainee, run};
use crate::training::{Silent, TrainingError};
use candle_core::{DType, Device, Tensor};
use candle_nn::{Init, VarMap};
use std::{cell::Cell, path::Path};

/// Fits y = 2x − 1 by least squares, with noise drawn from (epoch, step).
struct Line {
    vars: VarMap,
    stop_after: Cell<usize>,
}

impl Line {
    fn new() -> Self {
        let vars = VarMap::new();
        vars.get((1, 1), "slope", Init::Const(0.0), DType::F32, &Device::Cpu).unwrap();
        vars.get(1, "offset", Init::Const(0.0), DType::F32, &Device::Cpu).unwrap();
        Self { vars, stop_after: Cell::new(usize::MAX) }
    }

    fn value(&self, name: &str) -> f32 {
        self.vars.data().lock().unwrap()[name].flatten_all().unwrap().to_vec1::<f32>().unwrap()[0]
    }

    fn residual(&self, xs: &[f32], noise: f32) -> candle_core::Result<Tensor> {
        let data = self.vars.data().lock().unwrap();
        let x = Tensor::from_slice(xs, (xs.len(), 1), &Device::Cpu)?;
        let y = x.affine(2.0, f64::from(noise) - 1.0)?;
        let fitted = x.matmul(data["slope"].as_tensor())?.broadcast_add(data["offset"].as_tensor())?;
        (fitted - y)?.sqr()?.mean_all()
    }
}

impl Trainee for Line {
    fn vars(&self) -> &VarMap {
        &self.vars
    }
    fn steps(&mut self, _epoch: usize) -> usize {
        20
    }
    fn loss(&mut self, epoch: usize, step: usize) -> candle_core::Result<Tensor> {
        if epoch > self.stop_after.get() {
            candle_core::bail!("power cut");
        }
        let noise = ((epoch * 31 + step * 17) as f32).sin() * 0.05;
        self.residual(&[-1.0, 0.5, noise, 2.0], noise)
    }
    fn validate(&mut self) -> candle_core::Result<f64> {
        Ok(-f64::from(self.residual(&[-2.0, 0.0, 1.0], 0.0)?.to_scalar::<f32>()?))
    }
}

fn plan(folder: &Path) -> Plan {
    Plan {
        epochs: 30,
        batch: 4,
        learning_rate: 0.05,
        weight_decay: 0.0,
        warmup: 5,
        seed: 1,
        ema: Some(0.9),
        patience: None,
        resume: true,
        checkpoint: folder.to_owned(),
    }
}

#[test]
fn a_line_is_fitted_and_the_best_epoch_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut line = Line::new();
    let best = run(&mut line, &plan(folder.path()), &Silent).unwrap();
    assert!((line.value("slope") - 2.0).abs() < 0.05, "{}", line.value("slope"));
    assert!((line.value("offset") + 1.0).abs() < 0.05);
    let highest = best.curve.iter().map(|line| line.metric).fold(f64::MIN, f64::max);
    assert_eq!(best.metric, highest);
    assert_eq!(best.curve[best.epoch - 1].metric, highest);
    assert_eq!(line.validate().unwrap(), highest, "the best weights are in place");
    let csv = std::fs::read_to_string(folder.path().join("curve.csv")).unwrap();
    assert_eq!(csv.lines().count(), 31);
}

#[test]
fn an_interrupted_run_ends_with_the_same_bits_as_an_uninterrupted_one() {
    let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let expected = run(&mut Line::new(), &plan(whole.path()), &Silent).unwrap();
    for stop in [7, 8, 22] {
        let mut line = Line::new();
        line.stop_after.set(stop);
        assert!(matches!(run(&mut line, &plan(parts.path()), &Silent), Err(TrainingError::Compute(_))));
    }
    let resumed = run(&mut Line::new(), &plan(parts.path()), &Silent).unwrap();
    assert_eq!(resumed.curve, expected.curve);
    for file in ["state.safetensors", "best.safetensors", "curve.csv"] {
        let bytes = |folder: &Path| std::fs::read(folder.join(file)).unwrap();
        assert!(bytes(whole.path()) == bytes(parts.path()), "{file} differs");
    }
}

#[test]
fn a_run_that_no_longer_gets_better_stops_and_resumes_to_the_same_bits() {
    let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let impatient = |folder: &Path| Plan { patience: Some(3), ..plan(folder) };
    let expected = run(&mut Line::new(), &impatient(whole.path()), &Silent).unwrap();
    let last = expected.curve.len();
    assert!(last < 30 && last == expected.epoch + 3, "stopped after {last}, best {}", expected.epoch);
    let mut line = Line::new();
    line.stop_after.set(last - 1);
    assert!(run(&mut line, &impatient(parts.path()), &Silent).is_err());
    for _ in 0..2 {
        // The second time there is nothing left to do.
        let resumed = run(&mut Line::new(), &impatient(parts.path()), &Silent).unwrap();
        assert_eq!((resumed.epoch, &resumed.curve), (expected.epoch, &expected.curve));
    }
    for file in ["state.safetensors", "best.safetensors", "curve.csv", "learning-curve.svg"] {
        let bytes = |folder: &Path| std::fs::read(folder.join(file)).unwrap();
        assert!(bytes(whole.path()) == bytes(parts.path()), "{file} differs");
    }
}

#[test]
fn a_checkpoint_of_another_plan_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    run(&mut Line::new(), &plan(folder.path()), &Silent).unwrap();
    let other = Plan { seed: 2, ..plan(folder.path()) };
    assert!(matches!(run(&mut Line::new(), &other, &Silent), Err(TrainingError::Checkpoint(_))));
}

#[test]
fn a_loss_that_is_not_a_number_stops_the_run() {
    struct Broken(VarMap);
    impl Trainee for Broken {
        fn vars(&self) -> &VarMap {
            &self.0
        }
        fn steps(&mut self, _epoch: usize) -> usize {
            1
        }
        fn loss(&mut self, _epoch: usize, _step: usize) -> candle_core::Result<Tensor> {
            self.0.get(1, "w", Init::Const(-1.0), DType::F32, &Device::Cpu)?.log()?.sum_all()
        }
        fn validate(&mut self) -> candle_core::Result<f64> {
            Ok(0.0)
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let result = run(&mut Broken(VarMap::new()), &plan(folder.path()), &Silent);
    assert!(matches!(result, Err(TrainingError::Diverged { epoch: 1, step: 0 })));
}
