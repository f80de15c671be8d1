//! The learner on films drawn by formula.

use super::{
    data::GradedKnee,
    start,
    trainee::{KneeTrainee, kappa},
};
use crate::{
    models::knee::{
        film::{COLUMNS, PLANES, ROWS, SIDE, planes, squashed},
        network::{Shape, Stage},
        phantom,
    },
    training::{Trainee as _, optimiser},
};
use candle_core::{DType, Device, Tensor};
use std::collections::HashMap;

fn small() -> Shape {
    let stage = |stride, expand| Stage { kernel: 3, stride, expand, width: 8, blocks: 1 };
    Shape { stem: 8, stages: vec![stage(2, 1), stage(2, 2), stage(2, 2), stage(1, 2)], features: 16 }
}

#[test]
fn quadratic_kappa_is_one_for_agreement_zero_for_chance_and_by_hand_between() {
    let truths = [0, 1, 2, 3, 4, 0, 2, 2];
    assert!((kappa(&truths, &truths) - 1.0).abs() < 1e-12);
    assert!(kappa(&[1, 1, 3, 3], &[1, 3, 1, 3]).abs() < 1e-12);
    // Observed 1 of 4 pairs off by one; expected by the margins: (1·1·1 + 1·3·1) / 4 … = 4 pairs of squared distance 1 at 0.25.
    let by_hand = 1.0 - 1.0 / ((3.0 * 2.0 + 1.0 * 2.0) / 4.0);
    assert!((kappa(&[0, 0, 0, 1], &[0, 0, 1, 1]) - by_hand).abs() < 1e-12);
    assert_eq!(kappa(&[2, 2], &[2, 2]), 0.0, "one grade alone says nothing");
}

#[test]
fn the_same_seed_gives_the_same_loss_and_the_loss_falls_with_a_gradient() {
    let films = [phantom::normal(), phantom::narrowed()].map(|image| squashed(&image).pixels().to_vec());
    let examples: Vec<(Vec<u8>, usize)> = (0..8).map(|index| (films[index % 2].clone(), 4 * (index % 2))).collect();
    let make = || KneeTrainee::new(&small(), None, (8, 5), examples.clone(), &examples).unwrap();
    let loss = |trainee: &mut KneeTrainee| {
        assert_eq!(trainee.steps(1), 1);
        trainee.loss(1, 0).unwrap()
    };
    let (mut one, mut other) = (make(), make());
    let (first, second) = (loss(&mut one), loss(&mut other));
    assert_eq!(first.to_scalar::<f32>().unwrap(), second.to_scalar::<f32>().unwrap());
    let mut optimiser = optimiser::AdamW::new(one.vars(), 0.0);
    let begin = first.to_scalar::<f32>().unwrap();
    for _ in 0..30 {
        let step = loss(&mut one);
        optimiser.step(&step.backward().unwrap(), 1e-2, 1.0).unwrap();
    }
    let end = loss(&mut one).to_scalar::<f32>().unwrap();
    assert!(end < begin - 0.2, "{begin} -> {end}");
    assert!(one.validate().unwrap().is_finite());
}

#[test]
fn a_trial_states_what_a_chart_would_and_counts_patients_together() {
    let csv = "file,official_split,kl_grade,patient_id,side\ntrain/3/7R.jpg,val,3,7,R\ntrain/0/8L.jpg,train,0,8,L\n";
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("labels.csv"), csv).unwrap();
    let mut archive = zip::ZipWriter::new(std::fs::File::create(folder.path().join("train.zip")).unwrap());
    for name in ["train/3/7R.jpg", "train/0/8L.jpg"] {
        let image = phantom::normal().resized(SIDE, SIDE);
        let grey = image::GrayImage::from_raw(SIDE as u32, SIDE as u32, image.pixels().to_vec()).unwrap();
        let mut bytes = std::io::Cursor::new(Vec::new());
        grey.write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
        archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut archive, bytes.get_ref()).unwrap();
    }
    archive.finish().unwrap();
    let knees: Vec<GradedKnee> = super::data::read(folder.path(), 1).unwrap();
    let trials = super::cases(&knees, crate::training::Split::Validation);
    assert_eq!(trials.len(), 1);
    assert_eq!((trials[0].name.as_str(), trials[0].cluster.as_str()), ("7R.jpg", "7"));
    assert_eq!(trials[0].groups["side"], "right");
    assert_eq!(trials[0].truth, crate::training::trial::Truth::Grade(3));
    let crate::domain::ModelInput::Film(film) = &trials[0].input else { panic!("a film") };
    assert_eq!(film.side, Some(crate::domain::Side::Right));
}

/// A file as the pretrained network's, for the small shape: weights by formula, spread 0.7 and mean 0.3 everywhere.
fn pretrained(folder: &std::path::Path, leave_out: &str) -> std::path::PathBuf {
    let mut tensors = HashMap::new();
    for spec in small().specs().iter().filter(|spec| spec.name != "mix") {
        let (prefix, part) = match spec.name.split_once('.') {
            None => (String::new(), "stem"),
            Some((block, part)) => (format!("_blocks.{}.", block.trim_start_matches("block")), part),
        };
        let (convolution, norm, input) = match part {
            "stem" => ("_conv_stem", "_bn0", 3),
            "expand" => ("_expand_conv", "_bn0", spec.input),
            "depth" => ("_depthwise_conv", "_bn1", 1),
            _ => ("_project_conv", "_bn2", spec.input),
        };
        let shape = [spec.output, input, spec.kernel, spec.kernel];
        let values: Vec<f32> = (0..shape.iter().product()).map(|at| (at as f32 * 0.7).sin()).collect();
        let weight = Tensor::from_vec(values, &shape, &Device::Cpu).unwrap();
        tensors.insert(format!("{prefix}{convolution}.weight"), weight);
        for (name, value) in [("weight", 0.7f32), ("bias", 0.3)] {
            let tensor = Tensor::full(value, spec.output, &Device::Cpu).unwrap();
            tensors.insert(format!("{prefix}{norm}.{name}"), tensor);
        }
    }
    tensors.remove(leave_out);
    let file = folder.join("model.safetensors");
    candle_core::safetensors::save(&tensors, &file).unwrap();
    file
}

#[test]
fn a_pretrained_file_gives_the_weights_and_films_decide_their_scale() {
    let folder = tempfile::tempdir().unwrap();
    let film: Vec<f32> = planes(squashed(&phantom::normal()).pixels(), false);
    let film = Tensor::from_vec(film, (1, ROWS, COLUMNS, PLANES), &Device::Cpu).unwrap();
    let file = pretrained(folder.path(), "nothing");
    let vars = start::variables(&small(), Some(&file), 1, &film).unwrap();
    let vars: HashMap<String, Tensor> =
        optimiser::sorted(&vars).into_iter().map(|(name, var)| (name, var.as_tensor().clone())).collect();

    // Grey films have one plane where photographs have three; the second plane begins unseen.
    let stem = &vars["stem.direction"];
    let at = |channel: usize, colour: usize| ((channel * 3 + colour) as f32 * 9.0 * 0.7).sin();
    let sum: f32 = (0..3).map(|colour| at(5, colour)).sum();
    let read = |plane: usize| stem.get(0).unwrap().get(0).unwrap().get(plane).unwrap().to_vec1::<f32>().unwrap()[5];
    assert!((read(0) - 0.5 * sum).abs() < 1e-5);
    assert_eq!(read(1), 0.0);

    // On the film itself every channel of the first layer has the file's mean and spread.
    let spec = &small().specs()[0];
    let weight = stem.broadcast_mul(&vars["stem.scale"]).unwrap();
    let answers = spec.apply(&film, &weight, &vars["stem.shift"], true).unwrap().reshape(((), spec.output)).unwrap();
    let mean = answers.mean(0).unwrap().to_vec1::<f32>().unwrap();
    let spread = answers.var(0).unwrap().sqrt().unwrap().to_vec1::<f32>().unwrap();
    assert!(mean.iter().all(|mean| (mean - 0.3).abs() < 1e-3), "{mean:?}");
    assert!(spread.iter().all(|spread| (spread - 0.7).abs() < 0.02), "{spread:?}");
}

#[test]
fn a_pretrained_file_that_does_not_fit_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let film = Tensor::zeros((1, ROWS, COLUMNS, PLANES), DType::F32, &Device::Cpu).unwrap();
    let file = pretrained(folder.path(), "_blocks.2._depthwise_conv.weight");
    let error = start::variables(&small(), Some(&file), 1, &film).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("`_blocks.2._depthwise_conv.weight` is not in the pretrained network"), "{error}");
}
