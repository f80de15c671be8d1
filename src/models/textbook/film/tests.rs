//! The textbook's network as a reader of films: with weights drawn by formula, and as shipped.

use super::{ARCHITECTURE, Grey, Settings, TextbookFilm};
use crate::{
    domain::{Attribution, Digest, Film, GreyImage, ModelInput, SourceRef, Status},
    models::{
        Manifest, Model as _, ModelError,
        attribution::Effort,
        chest::{phantom, reader::FilmReader as _, suitability::Limits, wrong},
        manifest,
        textbook::cnn::{Padding, shapes},
    },
};
use candle_core::{Device, Tensor};
use std::{collections::HashMap, path::Path};

fn label(name: &str) -> manifest::Label {
    manifest::Label::open(name)
}

/// A network from elsewhere: no limits, no guard tensors, as `auscult import keras` writes it.
fn imported(folder: &Path, labels: &[&str], settings: &Settings) -> Result<TextbookFilm, ModelError> {
    let classes = super::classes(labels.len());
    let tensors: HashMap<String, Tensor> = shapes(settings.padding, classes)
        .into_iter()
        .map(|(name, shape)| {
            let count: usize = shape.iter().product();
            let scale = (2.0 / (count / shape[shape.len() - 1]) as f32).sqrt();
            let phase = name.len() as f32;
            let wave = (0..count).map(|i| scale * (i as f32 * 2.7 + phase).sin());
            (name, Tensor::from_vec(wave.collect::<Vec<f32>>(), shape, &Device::Cpu).unwrap())
        })
        .collect();
    candle_core::safetensors::save(&tensors, folder.join("weights.safetensors")).unwrap();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/chest-radiograph");
    let mut manifest = Manifest::load(&shipped).unwrap();
    manifest.architecture = ARCHITECTURE.into();
    manifest.labels = labels.iter().map(|name| label(name)).collect();
    manifest.files = vec![manifest::FileDigest::of(folder, "weights.safetensors").unwrap()];
    manifest.input = toml::Table::try_from(settings).unwrap();
    manifest.calibration = manifest::Calibration::IDENTITY;
    TextbookFilm::load(folder, manifest)
}

fn plain(padding: Padding) -> Settings {
    Settings { padding, grey: Grey::Scaled, limits: None }
}

fn film(image: GreyImage) -> ModelInput {
    let source = SourceRef {
        reference: "Media/1".into(),
        version: None,
        last_updated: None,
        key: "imaging".into(),
        digest: Digest::of(b""),
    };
    ModelInput::Film(Film {
        image,
        source,
        time: None,
        content_type: "image/png".into(),
        modality: None,
        body_site: None,
        side: None,
        view: None,
        age_years: Some(3.0),
    })
}

fn probabilities(model: &TextbookFilm, input: &ModelInput) -> Vec<(String, f64)> {
    match model.predict(&[input]).unwrap().remove(0).status {
        Status::Scored { findings } => findings.into_iter().map(|one| (one.label, one.probability)).collect(),
        Status::Abstained(abstention) => panic!("abstained: {}", abstention.reason),
    }
}

#[test]
fn with_one_label_it_has_two_classes_and_with_three_their_probabilities_add_up_to_one() {
    let folder = tempfile::tempdir().unwrap();
    let one = imported(folder.path(), &["pneumonia"], &plain(Padding::Valid)).unwrap();
    assert_eq!(probabilities(&one, &film(phantom::normal())).len(), 1);
    let folder = tempfile::tempdir().unwrap();
    let three = imported(folder.path(), &["a", "b", "c"], &plain(Padding::Same)).unwrap();
    let found = probabilities(&three, &film(phantom::normal()));
    assert!((found.iter().map(|one| one.1).sum::<f64>() - 1.0).abs() < 1e-5, "{found:?}");
    assert!(found[0].1 >= found[1].1 && found[1].1 >= found[2].1);
    assert!(three.explain(&film(phantom::shadowed()), Effort::FULL).unwrap().reliable);
}

#[test]
fn a_film_alone_and_in_a_batch_gets_the_same_score() {
    let folder = tempfile::tempdir().unwrap();
    let model = imported(folder.path(), &["pneumonia"], &plain(Padding::Same)).unwrap();
    let images = [phantom::normal(), phantom::shadowed(), phantom::wedge()];
    let together = model.scores(&images.iter().collect::<Vec<_>>()).unwrap();
    for (image, score) in images.iter().zip(&together) {
        assert!((model.scores(&[image]).unwrap()[0] - score).abs() < 1e-5);
    }
}

#[test]
fn the_attribution_adds_up_to_the_change_of_score() {
    for (padding, grey) in [(Padding::Same, Grey::Equalised), (Padding::Valid, Grey::Scaled)] {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { padding, grey, limits: None };
        let model = imported(folder.path(), &["pneumonia"], &settings).unwrap();
        let explanation = model.explain(&film(phantom::shadowed()), Effort::FULL).unwrap();
        assert!(explanation.reliable, "{padding:?}: {} over {}", explanation.gap, explanation.tolerance);
        let Attribution::Heat(map) = explanation.attribution else { panic!("not a heat map") };
        assert_eq!((map.width, map.height, map.values.len()), (28, 28, 784));
    }
}

#[test]
fn missing_or_surplus_tensors_and_wrong_settings_do_not_load() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits {
        contrast_min: 1.0,
        smoothness_min: 0.1,
        likeness_min: 0.1,
        stranger_max: 1.0,
        distance_max: 1.0,
        age_end_years: None,
    };
    let guarded = Settings { limits: Some(limits), ..plain(Padding::Same) };
    assert!(matches!(imported(folder.path(), &["x"], &guarded), Err(ModelError::Contract { .. })), "no guard tensors");
    let open = Settings { limits: Some(Limits { distance_max: f64::INFINITY, ..limits }), ..plain(Padding::Same) };
    assert!(matches!(imported(folder.path(), &["x"], &open), Err(ModelError::Contract { .. })));
}

/// The network in the repository.
fn shipped() -> TextbookFilm {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/pneumonia-28");
    TextbookFilm::load(&folder, Manifest::load(&folder).unwrap()).unwrap()
}

#[test]
fn the_shipped_network_gives_its_golden_outputs() {
    let model = shipped();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/pneumonia-28/golden.json");
    let golden: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let outputs = golden["outputs"].as_array().unwrap();
    assert_eq!(outputs.len(), 3);
    for output in outputs {
        let image = phantom::by_name(output["phantom"].as_str().unwrap()).unwrap();
        let answer = model.answers(&[&image]).unwrap().remove(0);
        let near = |found: f64, key: &str| (found - output[key].as_f64().unwrap()).abs() < 1e-3;
        assert!(near(answer.score(), "score") && near(answer.stranger, "stranger"), "{output}: {answer:?}");
        assert_eq!(model.reads(&image).unwrap(), output["read"].as_bool().unwrap());
    }
}

#[test]
fn the_shipped_network_refuses_what_is_no_chest_film_and_explains_what_is() {
    let model = shipped();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/samples/films/normal-1.png");
    let grey = image::open(path).unwrap().to_luma8();
    let sample = GreyImage::new(grey.width() as usize, grey.height() as usize, grey.into_raw()).unwrap();
    assert!(model.reads(&sample).unwrap());
    let read: Vec<&str> = wrong::pictures(&sample)
        .into_iter()
        .filter(|(_, picture)| model.reads(picture).unwrap())
        .map(|(name, _)| name)
        .collect();
    assert_eq!(read, Vec::<&str>::new(), "these are read");
    let explanation = model.explain(&film(sample), Effort::FULL).unwrap();
    assert!(explanation.reliable, "{} over {}", explanation.gap, explanation.tolerance);
}
