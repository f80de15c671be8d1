//! The chest network with weights drawn at random: what must hold whatever was learned.

use super::{
    BASELINE, Chest, LABEL, Settings, TEMPLATE,
    film::template_view,
    film::{self, TEMPLATE_SIDE},
    network, phantom,
    reader::{Answer, FilmReader as _},
    stranger, wrong,
};
use crate::{
    domain::{Attribution, Course, Film, GreyImage, ModelInput, Status},
    models::{
        Manifest, Model as _, ModelError,
        attribution::Effort,
        familiarity::{FACTOR, MEANS},
        manifest::{Kind, Label},
        testing,
    },
};
use candle_core::{Device, Tensor};
use std::{collections::HashMap, path::Path};
use time::OffsetDateTime;

const WIDTHS: [usize; 3] = [4, 6, 8];

fn manifest(folder: &Path, likeness_min: f64) -> Manifest {
    let settings = Settings {
        side: 128,
        planes: Settings::plane_names(),
        widths: WIDTHS.to_vec(),
        mirror: true,
        limits: super::Limits {
            contrast_min: 5.0,
            smoothness_min: 0.8,
            likeness_min,
            stranger_max: 50.0,
            distance_max: 1e6,
            age_end_years: None,
        },
    };
    Manifest {
        files: testing::digests(folder, &["weights.safetensors"]),
        ..testing::manifest(Kind::Image, super::ARCHITECTURE, &settings, vec![Label::open(LABEL)])
    }
    .of_ages([1.0, 6.0])
}

/// Weights from a sine, so that nothing is symmetric; the template is the phantom itself.
fn write_weights(folder: &Path, spoil: impl Fn(&mut HashMap<String, Tensor>)) {
    let mut tensors = HashMap::new();
    let mut wave = |name: String, shape: &[usize], scale: f32| {
        let count = shape.iter().product::<usize>();
        let values: Vec<f32> = (0..count).map(|i| scale * (i as f32 * 1.7 + name.len() as f32).sin()).collect();
        tensors.insert(name, Tensor::from_vec(values, shape, &Device::Cpu).unwrap());
    };
    for spec in network::specs(&WIDTHS) {
        wave(format!("{}.weight", spec.name), &spec.shape(), 0.3);
        wave(format!("{}.bias", spec.name), &[spec.output], 0.1);
    }
    wave("head.weight".into(), &[8], 0.8);
    wave("head.bias".into(), &[1], 0.3);
    wave(stranger::WEIGHT.into(), &[8], 0.1);
    wave(stranger::BIAS.into(), &[1], 0.1);
    wave(MEANS.into(), &[2, 8], 0.2);
    wave(FACTOR.into(), &[8, 8], 0.5);
    let template = template_view(&phantom::normal());
    let baseline = film::planes(phantom::normal().resized(128, 128).pixels(), 128);
    tensors.insert(BASELINE.into(), Tensor::from_vec(baseline, (128, 128, film::PLANES), &Device::Cpu).unwrap());
    tensors.insert(TEMPLATE.into(), Tensor::from_vec(template, TEMPLATE_SIDE * TEMPLATE_SIDE, &Device::Cpu).unwrap());
    spoil(&mut tensors);
    candle_core::safetensors::save(&tensors, folder.join("weights.safetensors")).unwrap();
}

fn chest() -> Chest {
    let folder = tempfile::tempdir().unwrap();
    write_weights(folder.path(), |_| ());
    Chest::load(folder.path(), manifest(folder.path(), 0.3)).unwrap()
}

fn film(image: GreyImage) -> Film {
    testing::film(image, "Chest", "PA", 3.0)
}

fn reason(chest: &Chest, film: Film) -> Option<String> {
    let prediction = chest.predict(&[&ModelInput::Film(film)]).unwrap().remove(0);
    match prediction.status {
        Status::Scored { .. } => None,
        Status::Abstained(abstention) => {
            assert!(abstention.words.ends_with('.'));
            Some(abstention.reason)
        }
    }
}

fn score(status: &Status) -> f64 {
    match status {
        Status::Scored { findings } => findings[0].score,
        Status::Abstained(abstention) => panic!("abstained: {}", abstention.reason),
    }
}

#[test]
fn a_film_alone_and_in_a_batch_with_refused_ones_gets_the_same_score() {
    let chest = chest();
    let flat = GreyImage::new(100, 100, vec![9; 10_000]).unwrap();
    let inputs = [phantom::normal(), flat, phantom::shadowed(), phantom::normal().resized(300, 170)]
        .map(|image| ModelInput::Film(film(image)));
    let together = chest.predict(&inputs.iter().collect::<Vec<_>>()).unwrap();
    assert!(matches!(together[1].status, Status::Abstained(_)));
    for index in [0, 2, 3] {
        let alone = chest.predict(&[&inputs[index]]).unwrap();
        assert!((score(&alone[0].status) - score(&together[index].status)).abs() < 1e-5);
    }
    assert!((score(&together[0].status) - score(&together[2].status)).abs() > 1e-3, "the shadow changes the score");
}

#[test]
fn the_heat_map_adds_up_to_the_change_from_the_average_film() {
    let chest = chest();
    let input = ModelInput::Film(film(phantom::shadowed()));
    let explanation = chest.explain(&input, Effort::FULL).unwrap();
    assert!(explanation.gap <= explanation.tolerance, "{}", explanation.gap);
    let Attribution::Heat(map) = &explanation.attribution else { panic!("not a heat map") };
    assert_eq!((map.width, map.height, map.values.len()), (16, 16, 256));
    let sum: f64 = map.values.iter().map(|value| f64::from(*value)).sum();
    // The average film of these made-up weights is the clear chest.
    let clear = ModelInput::Film(film(phantom::normal()));
    let scores = chest.predict(&[&input, &clear]).unwrap().iter().map(|one| score(&one.status)).collect::<Vec<_>>();
    assert!((sum - (scores[0] - scores[1])).abs() < 1e-4 + explanation.tolerance);
    let again = chest.explain(&input, Effort::FULL).unwrap();
    assert_eq!(format!("{explanation:?}"), format!("{again:?}"), "the same input gives the same numbers");
}

#[test]
fn films_that_are_something_else_are_refused_with_the_reason() {
    let chest = chest();
    let with = |change: &dyn Fn(&mut Film)| {
        let mut film = film(phantom::normal());
        change(&mut film);
        reason(&chest, film)
    };
    assert_eq!(with(&|_| ()), None);
    assert_eq!(with(&|film| film.modality = Some("CT".into())).as_deref(), Some("other-modality"));
    assert_eq!(with(&|film| film.modality = Some("cr".into())), None);
    assert_eq!(with(&|film| film.modality = Some("Plain X-ray".into())), None);
    assert_eq!(with(&|film| film.body_site = Some("Left knee".into())).as_deref(), Some("other-body-site"));
    assert_eq!(with(&|film| film.body_site = Some("51185008".into())), None);
    for view in ["LL", "lateral", "Left lateral decubitus"] {
        assert_eq!(with(&|film| film.view = Some(view.into())).as_deref(), Some("not-frontal"), "{view}");
    }
    assert_eq!(with(&|film| film.image = phantom::normal().resized(200, 63)).as_deref(), Some("too-small"));
    assert_eq!(with(&|film| film.image = GreyImage::new(90, 90, vec![200; 8100]).unwrap()).as_deref(), Some("blank"));
    assert_eq!(with(&|film| film.image = phantom::wedge()).as_deref(), Some("unlike-chest"));
    let inverted = phantom::normal().pixels().iter().map(|pixel| 255 - pixel).collect();
    assert_eq!(
        with(&|film| film.image = GreyImage::new(256, 256, Vec::clone(&inverted)).unwrap()).as_deref(),
        Some("unlike-chest")
    );
    let noise = (0u32..200 * 200).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect::<Vec<_>>();
    assert_eq!(with(&|film| film.image = GreyImage::new(200, 200, noise.clone()).unwrap()).as_deref(), Some("noise"));
}

#[test]
fn what_the_chart_does_not_say_is_listed_as_missing() {
    let chest = chest();
    let mut unlabelled = film(phantom::normal().resized(100, 200));
    (unlabelled.modality, unlabelled.body_site, unlabelled.view) = (None, Some(" ".into()), None);
    let prediction = chest.predict(&[&ModelInput::Film(unlabelled)]).unwrap().remove(0);
    assert_eq!(prediction.missing.len(), 4, "{:?}", prediction.missing);
    let complete = chest.predict(&[&ModelInput::Film(film(phantom::normal()))]).unwrap().remove(0);
    assert!(complete.missing.is_empty());
}

#[test]
fn another_kind_of_input_is_an_error() {
    let now = OffsetDateTime::UNIX_EPOCH;
    let course = Course { end: now, start: now, measurements: vec![], age_years: None, sex: None };
    assert!(matches!(chest().predict(&[&ModelInput::Course(course)]), Err(ModelError::Input(_))));
}

#[test]
fn a_folder_that_disagrees_with_its_manifest_does_not_load() {
    let folder = tempfile::tempdir().unwrap();
    let load = |change: &dyn Fn(&mut Manifest)| {
        let mut manifest = manifest(folder.path(), 0.3);
        change(&mut manifest);
        Chest::load(folder.path(), manifest)
    };
    write_weights(folder.path(), |_| ());
    assert!(load(&|_| ()).is_ok());
    let spoilt: [&dyn Fn(&mut Manifest); 5] = [
        &|manifest| manifest.labels[0].name = "fracture".into(),
        &|manifest| manifest.architecture = "bert-ner".into(),
        &|manifest| {
            drop(manifest.input.insert("widths".into(), toml::Value::Array(vec![4.into(), 7.into(), 8.into()])))
        },
        &|manifest| drop(manifest.input.remove("side")),
        &|manifest| drop(manifest.input.insert("surplus".into(), 1.into())),
    ];
    for (index, spoil) in spoilt.iter().enumerate() {
        assert!(matches!(load(spoil), Err(ModelError::Contract { .. })), "{index}");
    }
    write_weights(folder.path(), |tensors| drop(tensors.remove("head.bias")));
    assert!(load(&|_| ()).is_err());
    let extra = Tensor::new(&[1.0f32], &Device::Cpu).unwrap();
    write_weights(folder.path(), |tensors| drop(tensors.insert("surplus".into(), extra.clone())));
    assert!(load(&|_| ()).is_err());
}

/// The network in the repository.
fn shipped() -> Chest {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/chest-radiograph");
    Chest::load(&folder, Manifest::load(&folder).unwrap()).unwrap()
}

#[test]
fn the_shipped_network_gives_its_golden_outputs() {
    let chest = shipped();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/chest-radiograph/golden.json");
    let golden: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let outputs = golden["outputs"].as_array().unwrap();
    assert_eq!(outputs.len(), 3);
    for output in outputs {
        let image = phantom::by_name(output["phantom"].as_str().unwrap()).unwrap();
        let answer = chest.answers(&[&image]).unwrap().remove(0);
        for (key, found) in [("score", answer.score()), ("stranger", answer.stranger), ("distance", answer.distance)] {
            let tolerance = golden["tolerance"].as_f64().unwrap() * found.abs().max(1.0);
            assert!((found - output[key].as_f64().unwrap()).abs() < tolerance, "{key} of {output}: {found}");
        }
        assert_eq!(chest.reads(&image).unwrap(), output["read"].as_bool().unwrap());
    }
}

#[test]
fn the_shipped_networks_heat_map_adds_up() {
    let explanation = shipped().explain(&ModelInput::Film(film(phantom::shadowed())), Effort::FULL).unwrap();
    assert!(explanation.gap <= explanation.tolerance, "{}", explanation.gap);
}

#[test]
fn the_sample_films_are_read_as_they_were_made() {
    let chest = shipped();
    for (class, fires) in [("normal", false), ("pneumonia", true)] {
        for number in 1..=3 {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/samples/films/{class}-{number}.png"));
            let grey = image::open(&path).unwrap().to_luma8();
            let pixels = GreyImage::new(grey.width() as usize, grey.height() as usize, grey.into_raw()).unwrap();
            let prediction = chest.predict(&[&ModelInput::Film(film(pixels))]).unwrap().remove(0);
            let Status::Scored { findings } = prediction.status else { panic!("{class}-{number} is refused") };
            assert_eq!(findings[0].fires(), fires, "{class}-{number}: {}", findings[0].probability);
        }
    }
}

/// A sample film as pixels.
fn sample(name: &str) -> GreyImage {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/samples/films/{name}.png"));
    let grey = image::open(&path).unwrap().to_luma8();
    GreyImage::new(grey.width() as usize, grey.height() as usize, grey.into_raw()).unwrap()
}

#[test]
fn the_shipped_network_refuses_what_is_no_chest_film_in_words() {
    let chest = shipped();
    for of in ["normal-1", "pneumonia-2"] {
        for (name, picture) in wrong::pictures(&sample(of)) {
            let refused = reason(&chest, film(picture));
            assert!(refused.is_some(), "{name} of {of} is read");
        }
    }
    let lateral = Film { view: Some("LATERAL".into()), ..film(sample("normal-1")) };
    assert_eq!(reason(&chest, lateral).as_deref(), Some("not-frontal"));
}

#[test]
fn far_films_and_strangers_are_refused_with_their_distance_in_the_record() {
    let mut chest = chest();
    let far = chest.answers(&[&phantom::normal()]).unwrap().remove(0);
    let Answer { stranger, distance, .. } = far;
    chest.settings.limits.distance_max = distance / 2.0;
    let prediction = chest.predict(&[&ModelInput::Film(film(phantom::normal()))]).unwrap().remove(0);
    assert!(matches!(&prediction.status, Status::Abstained(one) if one.reason == "unlike-training"));
    let familiarity = prediction.familiarity.unwrap();
    assert!((familiarity.distance - distance).abs() < 1e-9 && familiarity.limit < distance);
    chest.settings.limits.stranger_max = stranger - 1.0;
    assert_eq!(reason(&chest, film(phantom::normal())).as_deref(), Some("not-a-chest-film"));
}

#[test]
fn ages_beyond_the_training_data_are_noted_and_refused_where_a_limit_says_so() {
    let mut chest = chest();
    let of_age = |age| Film { age_years: Some(age), ..film(phantom::normal()) };
    let missing = |chest: &Chest, age| chest.predict(&[&ModelInput::Film(of_age(age))]).unwrap().remove(0).missing;
    assert!(missing(&chest, 5.5).is_empty());
    assert!(missing(&chest, 9.0)[0].contains("older children"));
    assert!(missing(&chest, 70.0)[0].contains("adults"));
    chest.settings.limits.age_end_years = Some(18.0);
    assert_eq!(reason(&chest, of_age(17.9)), None);
    assert_eq!(reason(&chest, of_age(18.0)).as_deref(), Some("age"));
}

/// Run with `AUSCULT_KNEES=<folder of knee films> cargo test --release -- --ignored real_knees`.
#[test]
#[ignore = "needs films that are not in the repository"]
#[expect(clippy::disallowed_methods, reason = "the folder of films is given by who runs it")]
fn real_knees_are_refused_by_both_networks() {
    let folder = std::path::PathBuf::from(std::env::var("AUSCULT_KNEES").unwrap());
    let mut archive = zip::ZipArchive::new(std::fs::File::open(folder.join("train.zip")).unwrap()).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/pneumonia-28");
    let small = crate::models::textbook::film::TextbookFilm::load(&folder, Manifest::load(&folder).unwrap());
    let (chest, small) = (shipped(), small.unwrap());
    let (mut all, mut read) = (0, [0, 0]);
    for index in (0..archive.len()).step_by(5) {
        let mut bytes = Vec::new();
        std::io::copy(&mut archive.by_index(index).unwrap(), &mut bytes).unwrap();
        let Ok(grey) = image::load_from_memory(&bytes) else { continue };
        let grey = grey.to_luma8();
        let knee = GreyImage::new(grey.width() as usize, grey.height() as usize, grey.into_raw()).unwrap();
        all += 1;
        read[0] += usize::from(chest.reads(&knee).unwrap());
        read[1] += usize::from(small.reads(&knee).unwrap());
    }
    println!("{all} knees: {} read by chest-radiograph, {} by pneumonia-28", read[0], read[1]);
    assert!(all > 500 && read.iter().all(|read| read * 100 <= all), "{read:?} of {all}");
}
