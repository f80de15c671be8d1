//! The knee network with weights drawn by formula: what must hold whatever was learned; and the shipped one.

use super::{
    BASELINE, Interval, Knee, LABEL, Settings, TEMPLATE,
    film::{self, PLANES},
    grade::CUTS,
    network::{Shape, Stage},
    phantom,
    suitability::Limits,
};
use crate::{
    domain::{Attribution, Course, Film, GreyImage, ModelInput, Prediction, Side, Status},
    models::{
        Manifest, Model as _, ModelError,
        attribution::Effort,
        chest::{
            self,
            film::{TEMPLATE_SIDE, template_view},
        },
        familiarity::{FACTOR, MEANS},
        manifest::{Calibration, Kind, Label},
        testing,
    },
};
use candle_core::{DType, Device, Tensor};
use std::{collections::HashMap, path::Path};
use time::OffsetDateTime;

const WIDTH: usize = 16;

fn shape() -> Shape {
    let stage = |stride, expand| Stage { kernel: 3, stride, expand, width: 8, blocks: 1 };
    Shape { stem: 8, stages: vec![stage(2, 1), stage(2, 2), stage(2, 2), stage(1, 2)], features: WIDTH }
}

fn settings(distance_max: f64) -> Settings {
    Settings {
        frame: Settings::FRAME,
        planes: Settings::plane_names(),
        shape: shape(),
        limits: Limits { contrast_min: 5.0, smoothness_min: 0.4, likeness_min: 0.5, distance_max },
        cuts: [Calibration { slope: 1.2, intercept: 0.1, ece: 0.0, brier: 0.0 }; CUTS - 1],
        interval: Interval { coverage: 0.9, limit: 0.8 },
    }
}

fn manifest(folder: &Path, settings: &Settings) -> Manifest {
    Manifest {
        files: testing::digests(folder, &["weights.safetensors"]),
        calibration: Calibration { slope: 0.9, intercept: -0.2, ..Calibration::IDENTITY },
        ..testing::manifest(Kind::Image, super::ARCHITECTURE, settings, vec![Label::open(LABEL)])
    }
    .of_ages([45.0, 80.0])
}

/// Weights from a sine, so that nothing is symmetric; the template is the phantom itself.
fn write_weights(folder: &Path, spoil: impl Fn(&mut HashMap<String, Tensor>)) {
    let mut tensors = HashMap::new();
    let mut wave = |name: String, shape: &[usize], scale: f32| {
        let count = shape.iter().product::<usize>();
        let values: Vec<f32> = (0..count).map(|i| scale * (i as f32 * 1.7 + name.len() as f32).sin()).collect();
        tensors.insert(name, Tensor::from_vec(values, shape, &Device::Cpu).unwrap());
    };
    for spec in shape().specs() {
        wave(format!("{}.weight", spec.name), &spec.shape(), 1.5 / (spec.fan_in() as f32).sqrt());
        wave(format!("{}.bias", spec.name), &[spec.output], 0.2);
    }
    let (rows, columns) = shape().grid();
    wave("places".into(), &[rows * columns, WIDTH], 1.0);
    wave("head.weight".into(), &[WIDTH, CUTS], 4.0);
    wave("head.bias".into(), &[CUTS], 0.3);
    let template = template_view(&phantom::normal());
    tensors.insert(TEMPLATE.into(), Tensor::from_vec(template, TEMPLATE_SIDE * TEMPLATE_SIDE, &Device::Cpu).unwrap());
    let baseline = film::planes(film::squashed(&phantom::normal()).pixels(), false);
    tensors.insert(
        BASELINE.into(),
        Tensor::from_vec(baseline, (film::ROWS, film::COLUMNS, PLANES), &Device::Cpu).unwrap(),
    );
    tensors.insert(MEANS.into(), Tensor::zeros((5, WIDTH), DType::F32, &Device::Cpu).unwrap());
    tensors.insert(FACTOR.into(), Tensor::eye(WIDTH, DType::F32, &Device::Cpu).unwrap());
    spoil(&mut tensors);
    candle_core::safetensors::save(&tensors, folder.join("weights.safetensors")).unwrap();
}

fn knee() -> Knee {
    let folder = tempfile::tempdir().unwrap();
    write_weights(folder.path(), |_| ());
    Knee::load(folder.path(), manifest(folder.path(), &settings(1e6))).unwrap()
}

fn film(image: GreyImage) -> Film {
    Film { side: Some(Side::Left), ..testing::film(image, "Left knee", "AP", 63.0) }
}

fn answer(knee: &Knee, film: Film) -> Prediction {
    knee.predict(&[&ModelInput::Film(film)]).unwrap().remove(0)
}

fn reason(knee: &Knee, film: Film) -> Option<String> {
    match answer(knee, film).status {
        Status::Scored { .. } => None,
        Status::Abstained(abstention) => {
            assert!(abstention.words.ends_with('.'));
            Some(abstention.reason)
        }
    }
}

fn score(prediction: &Prediction) -> f64 {
    match &prediction.status {
        Status::Scored { findings } => findings[0].score,
        Status::Abstained(abstention) => panic!("abstained: {}", abstention.reason),
    }
}

/// The image as a mirror shows it.
fn mirrored(image: &GreyImage) -> GreyImage {
    let pixels = image.pixels().chunks(image.width()).flat_map(|row| row.iter().rev()).copied().collect();
    GreyImage::new(image.width(), image.height(), pixels).unwrap()
}

/// Noise of every grey value.
pub(crate) fn noise(side: usize) -> GreyImage {
    let pixels = (0..(side * side) as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    GreyImage::new(side, side, pixels).unwrap()
}

#[test]
fn a_film_alone_and_in_a_batch_with_refused_ones_gets_the_same_answer() {
    let knee = knee();
    let flat = GreyImage::new(120, 120, vec![9; 14_400]).unwrap();
    let images = [phantom::normal(), flat, phantom::narrowed(), phantom::normal().resized(200, 200)];
    let inputs = images.map(|image| ModelInput::Film(film(image)));
    let together = knee.predict(&inputs.iter().collect::<Vec<_>>()).unwrap();
    assert!(matches!(together[1].status, Status::Abstained(_)));
    for index in [0, 2, 3] {
        let alone = knee.predict(&[&inputs[index]]).unwrap().remove(0);
        assert!((score(&alone) - score(&together[index])).abs() < 1e-5);
        assert_eq!(alone.grade.unwrap().grade, together[index].grade.as_ref().unwrap().grade);
    }
    assert!((score(&together[0]) - score(&together[2])).abs() > 1e-3, "the joint space changes the score");
}

#[test]
fn grades_add_up_agree_with_the_finding_and_do_not_depend_on_the_side() {
    let knee = knee();
    for image in [phantom::normal(), phantom::narrowed()] {
        let prediction = answer(&knee, film(image.clone()));
        let Status::Scored { findings } = &prediction.status else { panic!("scored") };
        let grade = prediction.grade.clone().unwrap();
        assert!((grade.probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert!((grade.probabilities[2..].iter().sum::<f64>() - findings[0].probability).abs() < 1e-9);
        assert!((grade.interval.0..=grade.interval.1).contains(&grade.grade));
        assert!((score(&answer(&knee, film(mirrored(&image)))) - score(&prediction)).abs() < 1e-4);
    }
}

#[test]
fn the_heat_map_adds_up_to_the_score_less_its_bias_and_covers_the_film() {
    let knee = knee();
    for (image, grid) in [(phantom::narrowed(), (18, 18)), (phantom::narrowed().resized(288, 400), (18, 26))] {
        let input = ModelInput::Film(film(image));
        let explanation = knee.explain(&input, Effort::points(1)).unwrap();
        assert!(explanation.gap < 1e-4, "{}", explanation.gap);
        let Attribution::Heat(map) = &explanation.attribution else { panic!("not a heat map") };
        assert_eq!((map.width, map.height, map.values.len()), (grid.0, grid.1, grid.0 * grid.1));
        let sum: f64 = map.values.iter().map(|value| f64::from(*value)).sum();
        let score = knee.readings(&[film::squashed(&phantom_of(&input))]).unwrap()[0].scores[0];
        assert!((sum - (score - knee.network.bias(0).unwrap())).abs() < 1e-4);
    }
}

#[test]
fn with_time_gradients_are_integrated() {
    let knee = knee();
    let explanation = knee.explain(&ModelInput::Film(film(phantom::narrowed())), Effort::points(64)).unwrap();
    let Attribution::Heat(map) = &explanation.attribution else { panic!("not a heat map") };
    assert_eq!((explanation.method.as_str(), map.width, map.height), ("integrated gradients", 18, 18));
    let sum: f64 = map.values.iter().map(|value| f64::from(*value)).sum();
    let change: f64 = explanation.parameters["change"].parse().unwrap();
    assert!((sum - change).abs() <= explanation.gap + 1e-3, "{sum} {change}");
    assert!(explanation.work.spent > 0 && explanation.work.spent <= explanation.work.allowed);
}

fn phantom_of(input: &ModelInput) -> GreyImage {
    let ModelInput::Film(film) = input else { panic!("a film") };
    film.image.clone()
}

#[test]
fn films_that_are_something_else_are_refused_with_the_reason() {
    let knee = knee();
    let with = |change: &dyn Fn(&mut Film)| {
        let mut film = film(phantom::normal());
        change(&mut film);
        reason(&knee, film)
    };
    assert_eq!(with(&|_| ()), None);
    assert_eq!(with(&|film| film.modality = Some("MR".into())).as_deref(), Some("other-modality"));
    assert_eq!(with(&|film| film.body_site = Some("Chest".into())).as_deref(), Some("other-body-site"));
    assert_eq!(with(&|film| film.body_site = Some("72696002".into())), None);
    assert_eq!(with(&|film| film.body_site = None), None);
    for view in ["LL", "lateral", "Skyline view of patella", "AX"] {
        assert_eq!(with(&|film| film.view = Some(view.into())).as_deref(), Some("not-frontal"), "{view}");
    }
    assert_eq!(with(&|film| film.age_years = Some(9.0)).as_deref(), Some("child"));
    assert_eq!(with(&|film| film.image = phantom::normal().resized(200, 95)).as_deref(), Some("too-small"));
    assert_eq!(
        with(&|film| film.image = GreyImage::new(150, 150, vec![200; 22_500]).unwrap()).as_deref(),
        Some("blank")
    );
    assert_eq!(with(&|film| film.image = noise(200)).as_deref(), Some("noise"));
    assert_eq!(with(&|film| film.image = chest::phantom::wedge()).as_deref(), Some("unlike-knee"));
    assert_eq!(with(&|film| film.image = chest::phantom::normal()).as_deref(), Some("unlike-knee"));
}

#[test]
fn a_film_far_from_the_training_data_is_refused_and_its_distance_kept() {
    let folder = tempfile::tempdir().unwrap();
    write_weights(folder.path(), |_| ());
    let knee = Knee::load(folder.path(), manifest(folder.path(), &settings(1e-6))).unwrap();
    let prediction = answer(&knee, film(phantom::normal()));
    assert!(matches!(&prediction.status, Status::Abstained(abstention) if abstention.reason == "unfamiliar"));
    assert!(prediction.familiarity.is_some_and(|one| one.distance > one.limit));
    assert!(!knee.reads(&phantom::normal()).unwrap());
}

#[test]
fn what_the_chart_does_not_say_is_listed_as_missing() {
    let knee = knee();
    let mut unlabelled = film(phantom::normal().resized(100, 100));
    (unlabelled.modality, unlabelled.body_site, unlabelled.view) = (None, Some(" ".into()), None);
    (unlabelled.side, unlabelled.age_years) = (None, Some(30.0));
    let missing = answer(&knee, unlabelled).missing;
    assert_eq!(missing.len(), 6, "{missing:?}");
    assert!(missing.iter().any(|one| one.starts_with("side")));
    assert!(answer(&knee, film(phantom::normal())).missing.is_empty());
}

#[test]
fn folders_that_do_not_fit_do_not_load() {
    let folder = tempfile::tempdir().unwrap();
    let load = |spoil: &dyn Fn(&mut HashMap<String, Tensor>), change: &dyn Fn(&mut Settings)| {
        write_weights(folder.path(), spoil);
        let mut settings = settings(1e6);
        change(&mut settings);
        Knee::load(folder.path(), manifest(folder.path(), &settings)).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(load(&|_| (), &|_| ()), Ok(()));
    let missing = load(&|tensors| drop(tensors.remove("places")), &|_| ()).unwrap_err();
    assert!(missing.contains("`places` is missing"), "{missing}");
    let extra = load(&|t| drop(t.insert("x".into(), Tensor::zeros(1, DType::F32, &Device::Cpu).unwrap())), &|_| ());
    assert!(extra.unwrap_err().contains("`x` is not part of the network"));
    assert!(load(&|_| (), &|s| s.frame[0] = 128).unwrap_err().contains("frame must be"));
    assert!(load(&|_| (), &|s| s.shape.stages[1].kernel = 4).unwrap_err().contains("kernels odd"));
    assert!(load(&|_| (), &|s| s.shape.stages[0].stride = 1).unwrap_err().contains("strides"));
    assert!(load(&|_| (), &|s| s.shape.features = 4096).unwrap_err().contains("sizes"));
    assert!(load(&|_| (), &|s| s.cuts[0].slope = f64::NAN).is_err());
}

#[test]
fn another_kind_of_input_is_an_error() {
    let course = Course {
        end: OffsetDateTime::UNIX_EPOCH,
        start: OffsetDateTime::UNIX_EPOCH,
        measurements: Vec::new(),
        age_years: None,
        sex: None,
    };
    assert!(matches!(knee().predict(&[&ModelInput::Course(course)]), Err(ModelError::Input(_))));
}

fn shipped() -> Knee {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/knee-radiograph");
    Knee::load(&folder, Manifest::load(&folder).unwrap()).unwrap()
}

#[test]
fn the_shipped_network_gives_its_golden_outputs() {
    let knee = shipped();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/knee-radiograph/golden.json");
    let golden: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let outputs = golden["outputs"].as_array().unwrap();
    assert_eq!(outputs.len(), 3);
    for output in outputs {
        let image = phantom::by_name(output["phantom"].as_str().unwrap()).unwrap();
        let scores = knee.readings(&[film::squashed(&image)]).unwrap()[0].scores;
        for (score, expected) in scores.iter().zip(output["scores"].as_array().unwrap()) {
            assert!(
                (score - expected.as_f64().unwrap()).abs() < golden["tolerance"].as_f64().unwrap(),
                "{output}: {scores:?}"
            );
        }
        assert_eq!(knee.reads(&image).unwrap(), output["read"].as_bool().unwrap());
    }
}

#[test]
fn the_shipped_network_refuses_what_is_no_knee() {
    let knee = shipped();
    // A scene in perspective: sky, a horizon, a few round things.
    let photograph = GreyImage::new(
        240,
        160,
        (0..240 * 160)
            .map(|at| {
                let (x, y) = (f64::from(at % 240), f64::from(at / 240));
                let ground = if y > 90.0 { 70.0 + 20.0 * ((x * y).sqrt() / 9.0).sin() } else { 220.0 - y };
                let tree = (x - 60.0).powi(2) + (y - 70.0).powi(2) < 900.0;
                let house = (130.0..200.0).contains(&x) && (50.0..110.0).contains(&y);
                if tree {
                    40
                } else if house {
                    130 + ((x / 9.0) as u8 % 2) * 60
                } else {
                    ground as u8
                }
            })
            .collect(),
    )
    .unwrap();
    for (name, image) in [
        ("a chest", chest::phantom::normal()),
        ("a chest with a shadow", chest::phantom::shadowed()),
        ("a wedge", chest::phantom::wedge()),
        ("noise", noise(200)),
        ("blank", GreyImage::new(200, 200, vec![128; 40_000]).unwrap()),
        ("a photograph", photograph),
    ] {
        let mut unstated = film(image);
        (unstated.body_site, unstated.modality, unstated.view) = (None, None, None);
        assert!(reason(&knee, unstated).is_some(), "{name} is read");
    }
}
