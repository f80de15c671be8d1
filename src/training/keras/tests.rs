//! Keras's own files and answers (tests/models/keras) against ours.

use super::{Architecture, KerasError, file, tensors};
use crate::{
    domain::FrozenClock,
    models::{
        Manifest,
        textbook::{
            cnn::{Padding, TextbookCnn},
            film::TextbookFilm,
            lstm::{Sizes, TextbookLstm},
        },
    },
    training::keras::{Plan, import},
};
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use flate2::read::GzDecoder;
use proptest::prelude::*;
use serde::Deserialize;
use std::{collections::BTreeMap, fs, io::Read as _, path::Path, sync::LazyLock};

/// What Keras answered to inputs made by formula.
#[derive(Deserialize)]
struct Expected {
    shape: Vec<usize>,
    phase: f64,
    output: Vec<Vec<f32>>,
}

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models/keras").join(name);
    let mut bytes = Vec::new();
    GzDecoder::new(fs::File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
    bytes
}

fn expected(network: &str) -> Vec<Expected> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models/keras/expected.json");
    let mut all: BTreeMap<String, Vec<Expected>> = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    all.remove(network).unwrap()
}

/// The same numbers as in make.py.
fn wave(expected: &Expected) -> Tensor {
    let count: usize = expected.shape.iter().product();
    let values: Vec<f32> = (0..count).map(|index| (0.37 * index as f64 + expected.phase).sin() as f32).collect();
    Tensor::from_vec(values, expected.shape.as_slice(), &Device::Cpu).unwrap()
}

fn agree(found: &Tensor, expected: &Expected, what: &str) {
    for (found, expected) in found.to_vec2::<f32>().unwrap().iter().zip(&expected.output) {
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-4, "{what}: {found} {expected}");
        }
    }
}

#[test]
fn the_recurrent_network_answers_as_in_keras_from_every_form_of_file() {
    for name in ["lstm.keras.gz", "lstm.h5.gz", "lstm.weights.h5.gz"] {
        let tensors = tensors(fixture(name), Architecture::Lstm).unwrap();
        let sizes = Sizes { inputs: 110, hidden: 128, layers: 3, classes: 2 };
        let network = TextbookLstm::new(sizes, &VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu)).unwrap();
        for expected in expected("lstm") {
            let steps = wave(&expected).transpose(0, 1).unwrap().contiguous().unwrap();
            let lengths = vec![expected.shape[1]; expected.shape[0]];
            agree(&network.probabilities(&steps, &lengths).unwrap(), &expected, name);
        }
    }
}

#[test]
fn the_picture_network_answers_as_in_keras_with_and_without_padding() {
    for (name, key, padding) in
        [("cnn-same.keras.gz", "cnn-same", Padding::Same), ("cnn-valid.h5.gz", "cnn-valid", Padding::Valid)]
    {
        let tensors = tensors(fixture(name), Architecture::Cnn).unwrap();
        let network = TextbookCnn::new(padding, 2, &mut |name, shape| {
            assert_eq!(tensors[name].dims(), shape);
            Ok(tensors[name].clone())
        })
        .unwrap();
        for expected in expected(key) {
            let logits = network.logits(&network.features(&wave(&expected)).unwrap()).unwrap();
            agree(&candle_nn::ops::softmax(&logits, 1).unwrap(), &expected, name);
        }
    }
}

/// Imports a fixture as a network called `taken-over`.
fn imported(name: &str, architecture: Architecture) -> (tempfile::TempDir, Result<std::path::PathBuf, String>) {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join(name.trim_end_matches(".gz"));
    fs::write(&file, fixture(name)).unwrap();
    let plan = Plan {
        file,
        architecture,
        name: "taken-over".parse().unwrap(),
        labels: vec!["pneumonia".into()],
        like: Path::new(env!("CARGO_MANIFEST_DIR")).join("models/mortality-textbook"),
        out: scratch.path().to_owned(),
    };
    let folder = import(&plan, &FrozenClock(time::OffsetDateTime::UNIX_EPOCH)).map_err(|error| error.to_string());
    (scratch, folder)
}

#[test]
fn an_imported_network_is_not_served_before_it_was_evaluated() {
    let (_scratch, folder) = imported("cnn-same.keras.gz", Architecture::Cnn);
    let folder = folder.unwrap();
    let words = Manifest::load(&folder).unwrap_err().to_string();
    assert!(words.contains("never evaluated here, so it is not served: `auscult calibrate taken-over"), "{words}");
    let manifest = Manifest::open(&folder).unwrap();
    assert!(manifest.evaluation.is_empty() && (manifest.calibration.slope, manifest.labels[0].threshold) == (1.0, 0.5));
    assert!(TextbookFilm::load(&folder, manifest).is_ok(), "but it loads, so that it can be calibrated");
    let (_scratch, refused) = imported("lstm.keras.gz", Architecture::Cnn);
    assert!(refused.unwrap_err().contains("lstm.keras: it is not this network"));
}

#[test]
fn another_network_is_refused_by_name() {
    let words = |name: &str, architecture| tensors(fixture(name), architecture).unwrap_err().to_string();
    assert!(
        words("gru.keras.gz", Architecture::Lstm).contains("its layers are GRU, Dense, not LSTM, LSTM, LSTM, Dense")
    );
    assert!(words("cnn-same.keras.gz", Architecture::Lstm).contains("Conv2D"));
    let weights = words("lstm.weights.h5.gz", Architecture::Cnn);
    assert!(weights.contains("0 convolutions, 3 LSTM and 1 dense layers"), "{weights}");
    assert!(matches!(tensors(b"GIF89a".to_vec(), Architecture::Cnn), Err(KerasError::Kind)));
    assert!(tensors(Vec::new(), Architecture::Cnn).is_err());
}

static WEIGHTS: LazyLock<Vec<u8>> = LazyLock::new(|| fixture("cnn-valid.h5.gz"));

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Anything may come out of a damaged file but a panic; a shortened one is noticed.
    #[test]
    fn damaged_files_are_errors(end in 0.0..1.0f64, at in 0usize..20_000, bits in 1u8..) {
        let cut = WEIGHTS[..(WEIGHTS.len() as f64 * end) as usize].to_vec();
        prop_assert!(file::read(cut).is_err());
        let mut bent = WEIGHTS.clone();
        bent[at] ^= bits;
        drop(file::read(bent));
    }
}
