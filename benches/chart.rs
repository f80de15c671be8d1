//! A whole sample chart: JSON to inputs, each network with and without its explanation, cards.

use auscult::{
    cards::{Case, Definitions, Links, ModelResult, Outcome, build},
    domain::{ModelInput, Phi, SequentialIds},
    fhir::{self, KeyRequest, Limits},
    models::{self, Manifest, Model, attribution::Effort},
    samples,
};
use criterion::Criterion;
use serde_json::Value;
use std::{hint::black_box, path::Path, sync::Arc};
use time::{OffsetDateTime, macros::datetime};
use uuid::Uuid;

const NOW: OffsetDateTime = datetime!(2026-01-02 12:00 UTC);
const NETWORKS: [&str; 3] = ["chest-radiograph", "inpatient-mortality", "note-problems"];

/// Signing is the edge's.
struct Unsigned;

impl Links for Unsigned {
    fn admission(&self, _: Uuid, _: OffsetDateTime) -> String {
        String::new()
    }

    fn launch(&self, _: &str) -> Option<String> {
        None
    }
}

fn root(folder: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

fn request() -> Value {
    let sample = samples::find("walter-brandt").expect("the sample is shipped");
    samples::invocation(sample, "patient-view", "6f1b3f0a-0000-4000-8000-000000000001", NOW)
}

fn keys() -> Vec<KeyRequest> {
    [
        ("patient", "Patient/{{context.patientId}}"),
        ("observations", "Observation?x"),
        ("imaging", "Media?x"),
        ("notes", "DocumentReference?x"),
    ]
    .map(|(key, template)| KeyRequest { key: key.into(), template: template.into(), required: false })
    .to_vec()
}

/// The inputs of the three networks, in their order.
fn inputs(request: &Value) -> [ModelInput; 3] {
    let gathered = fhir::gather(&keys(), request["prefetch"].as_object(), "walter-brandt", &Limits::default())
        .expect("a good chart");
    let film = fhir::films(&gathered).value.remove(0);
    let mut course = fhir::course(&gathered, &fhir::VARIABLES, NOW).value.expect("a course");
    course.age_years = Some(71.0);
    [ModelInput::Film(film), ModelInput::Course(course), ModelInput::Notes(fhir::notes(&gathered).value)]
}

/// Parsing, gathering and extracting, apart.
pub fn reading(c: &mut Criterion) {
    let request = request();
    let text = request.to_string();
    let mut group = c.benchmark_group("reading");
    group.bench_function("parse JSON", |b| b.iter(|| serde_json::from_str::<Value>(black_box(&text))));
    let gather = || {
        fhir::gather(&keys(), request["prefetch"].as_object(), "walter-brandt", &Limits::default())
            .expect("a good chart")
    };
    group.bench_function("gather", |b| b.iter(gather));
    let gathered = gather();
    group.bench_function("course", |b| b.iter(|| fhir::course(&gathered, &fhir::VARIABLES, NOW)));
    group.bench_function("film", |b| b.iter(|| fhir::films(&gathered)));
    group.bench_function("notes", |b| b.iter(|| fhir::notes(&gathered)));
    group.finish();
}

/// Each network: one input, and eight at once.
pub fn networks(c: &mut Criterion) {
    let inputs = inputs(&request());
    let mut group = c.benchmark_group("networks");
    group.sample_size(20);
    for (name, input) in NETWORKS.iter().zip(&inputs) {
        let model = models::load(&root("models").join(name)).expect("a shipped network");
        group.bench_function(format!("{name}, one"), |b| b.iter(|| model.predict(black_box(&[input]))));
        group.bench_function(format!("{name}, eight"), |b| b.iter(|| model.predict(black_box(&[input; 8]))));
    }
    group.finish();
}

/// The explanation of each network's answer: what fits into an answer's budget, and what is computed when somebody opens
/// it. Films need no points, so their effort makes no difference.
pub fn explanations(c: &mut Criterion) {
    let inputs = inputs(&request());
    let mut group = c.benchmark_group("why");
    group.sample_size(10);
    for (name, input) in NETWORKS.iter().zip(&inputs) {
        let model = models::load(&root("models").join(name)).expect("a shipped network");
        for points in [1, 16, 64] {
            let effort = Effort::points(points);
            group.bench_function(format!("{name}, {points} points"), |b| {
                b.iter(|| model.explain(black_box(input), effort))
            });
        }
        group.bench_function(format!("{name}, what would have had to differ"), |b| {
            b.iter(|| model.counterfactual(black_box(input)))
        });
    }
    group.finish();
}

/// Building the cards of the whole chart.
pub fn cards(c: &mut Criterion) {
    let inputs = inputs(&request());
    let loaded: Vec<Box<dyn Model>> =
        NETWORKS.iter().map(|name| models::load(&root("models").join(name)).expect("a shipped network")).collect();
    let folders = std::fs::read_dir(root("models")).expect("the networks' folder").filter_map(Result::ok);
    let all: Vec<Manifest> = folders
        .filter(|entry| entry.path().is_dir())
        .map(|entry| Manifest::load(&entry.path()).expect("a shipped network"))
        .collect();
    let definitions = Definitions::load(&root("cds-hooks"), &all.iter().collect::<Vec<_>>()).expect("they fit");
    let definition = definitions.get(&"chart-review".parse().expect("a name")).expect("a shipped service");
    let wanted = |manifest: &&Manifest| {
        let asked = definition.models.iter().any(|model| model.name == manifest.name);
        asked && !NETWORKS.contains(&manifest.name.as_str())
    };
    let results: Vec<ModelResult<'_>> = loaded
        .iter()
        .zip(inputs)
        .map(|(model, input)| {
            let prediction = model.predict(&[&input]).expect("an answer").remove(0);
            let explanation = model.explain(&input, Effort::points(16)).ok();
            ModelResult {
                manifest: model.manifest(),
                outcome: Outcome::Answered { prediction, explanation, input: Arc::new(input) },
            }
        })
        .chain(
            all.iter()
                .filter(wanted)
                .map(|manifest| ModelResult { manifest, outcome: Outcome::NoInput { why: "none".into() } }),
        )
        .collect();
    let (patient_id, ids) = (Phi::new(String::from("walter-brandt")), SequentialIds::default());
    c.bench_function("cards", |b| {
        b.iter(|| {
            let case = Case {
                now: NOW,
                patient_id: &patient_id,
                encounter_id: None,
                results: &results,
                problem_list: None,
                ignored: &[],
                keys: &[],
                list_is_partial: false,
                values: &[],
                age_years: None,
                ids: &ids,
                link_base: Some("http://localhost:8080"),
                language: Default::default(),
                links: &Unsigned,
                fhir_server: None,
            };
            build(definition, &case).expect("cards")
        });
    });
}
