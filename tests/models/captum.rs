//! Our gradients beside Captum's: numbers that `scripts/captum --golden` wrote with the same weights in PyTorch.

use auscult::{
    models::{
        Manifest,
        attribution::film::{self, Differentiable},
        chest::{Chest, reader::FilmReader as _},
        mortality::{
            Mortality,
            attribution::{Parts, ends},
            series::Hourly,
        },
        notes::{
            Notes,
            shares::{Asked, Sentence},
        },
        textbook::film::TextbookFilm,
    },
    training::explanations::cases,
};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Greatest difference accepted, as a share of the largest number of a case.
const TOLERANCE: f64 = 1e-3;

fn golden(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/captum").join(format!("{name}.json"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn shipped(name: &str) -> (PathBuf, Manifest) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(name);
    let manifest = Manifest::load(&folder).unwrap();
    (folder, manifest)
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn agree(what: &str, ours: &[f64], theirs: &[f64]) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let largest = theirs.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
    let apart = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(apart <= TOLERANCE * largest, "{what}: {apart} of {largest}");
}

fn points(golden: &Value) -> usize {
    golden["points"].as_u64().unwrap() as usize
}

/// Sums over blocks of `side` pixels and over planes, view by view.
fn blocks(parts: &[f64], [views, rows, columns, planes]: [usize; 4], side: usize) -> Vec<f64> {
    let across = columns / side;
    let mut sums = vec![0.0; views * (rows / side) * across];
    for (at, part) in parts.iter().enumerate() {
        let pixel = at / planes;
        let (view, row, column) = (pixel / (rows * columns), pixel / columns % rows, pixel % columns);
        sums[(view * (rows / side) + row / side) * across + column / side] += part;
    }
    sums
}

fn films(name: &str, network: &dyn Differentiable, side: usize, input: impl Fn(usize) -> Vec<f32>) {
    let golden = golden(name);
    for case in golden["cases"].as_array().unwrap() {
        let input = input(case["case"].as_u64().unwrap() as usize);
        let parts = film::integrated_with(network, &input, points(&golden)).unwrap();
        agree(
            &format!("{name}, integrated gradients"),
            &blocks(&parts, network.shape(), side),
            &numbers(&case["integrated"]),
        );
        let map = film::grad_cam(network, &input).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let map: Vec<f64> = map.into_iter().map(f64::from).collect();
        agree(&format!("{name}, Grad-CAM"), &map, &numbers(&case["grad_cam"]));
    }
}

#[test]
fn gradients_of_the_chest_network_are_captums() {
    let (folder, manifest) = shipped("chest-radiograph");
    let network = Chest::load(&folder, manifest).unwrap();
    films("chest-radiograph", &network, 8, |case| network.input(&network.squashed(&cases::chest(case).0)));
}

#[test]
fn gradients_of_the_textbook_network_are_captums() {
    let (folder, manifest) = shipped("pneumonia-28");
    let network = TextbookFilm::load(&folder, manifest).unwrap();
    let label = network.of_label(0);
    films("pneumonia-28", &label, 4, |case| label.input(&network.squashed(&cases::chest(case).0)));
}

#[test]
fn gradients_of_both_risk_networks_are_captums() {
    for name in ["inpatient-mortality", "mortality-textbook"] {
        let (folder, manifest) = shipped(name);
        let (model, golden) = (Mortality::load(&folder, manifest).unwrap(), golden(name));
        let contract = model.contract();
        for case in golden["cases"].as_array().unwrap() {
            let course = cases::varied(contract, case["case"].as_u64().unwrap() as usize);
            let encoded = model.encode(&Hourly::of(&course, contract), &course);
            let [score, average] = ends(model.network(), contract, &encoded).unwrap();
            agree(
                name,
                &[score, average],
                &[case["score"].as_f64().unwrap(), case["baseline_score"].as_f64().unwrap()],
            );
            let parts = Parts::integrate(model.network(), contract, &encoded, points(&golden)).unwrap();
            let channel = |at: usize| parts.steps.iter().skip(at).step_by(contract.channels()).sum::<f64>();
            let mut ours: Vec<f64> = (0..contract.channels()).map(channel).collect();
            ours.extend(&parts.bins);
            ours.extend(&parts.statics);
            ours.push(0.0);
            agree(name, &ours, &numbers(&case["integrated"]));
        }
    }
}

#[test]
fn gradients_of_the_notes_network_are_captums() {
    let (folder, manifest) = shipped("note-problems");
    let (network, golden) = (Notes::load(&folder, manifest).unwrap(), golden("note-problems"));
    for case in golden["cases"].as_array().unwrap() {
        let (words, at) = cases::sentence(case["case"].as_u64().unwrap() as usize);
        let asked = Asked { sentence: &words, kind: 0, words: at..at + 1 };
        let sentence = Sentence::new(&network, asked).unwrap().unwrap();
        let (pieces, ends) = sentence.with_points(points(&golden)).unwrap();
        agree("note-problems", &pieces, &numbers(&case["integrated"]));
        let theirs = [&case["score"], &case["baseline_score"]].map(|score| score.as_f64().unwrap());
        agree("note-problems, scores", &ends.map(f64::from), &theirs);
    }
}
