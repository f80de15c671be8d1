//! The network on courses made by formula, with weights made by formula.

use super::{
    Mortality,
    attribution::Stay,
    contract::{Contract, Variable},
    network::Network,
    series::{self, Batch, Encoded, Hourly, Who},
    summary::{self, Bins, Summaries},
};
use crate::{
    domain::{
        Attribution, Coding, Course, Digest, Explanation, Factor, Measurement, ModelInput, Note, Phi, Sex, SourceRef,
        Status,
    },
    models::{
        Manifest, Model, ModelError,
        attribution::Effort,
        familiarity::Space,
        manifest::{Calibration, Kind, Label},
        testing,
    },
};
use candle_core::{DType, Device, Tensor, Var};
use candle_nn::{VarBuilder, VarMap};
use std::collections::HashMap;
use time::{Duration, OffsetDateTime};

const NAMES: [&str; 6] = ["HR", "Lactate", "GCS", "Urine", "Temp", "BUN"];

fn variable(name: &str) -> Variable {
    Variable {
        name: name.into(),
        label: name.to_lowercase(),
        unit: "1".into(),
        expected_as: (name != "Temp").then(|| name.to_lowercase()),
        plausible: [-5.0, 500.0],
        range: [-0.5, 200.0],
        log: name == "Lactate",
        sum: name == "Urine",
        mean: 1.0,
        sd: 2.0,
        seen: 0.25,
        gap: 0.5,
    }
}

pub(super) fn contract() -> Contract {
    Contract {
        hours: 48,
        layers: 3,
        hidden: 8,
        heads: 2,
        joint: 5,
        familiarity_limit: None,
        hours_min: 6,
        variables_min: 5,
        age_min_years: 16.0,
        age_mean_years: 64.0,
        age_sd_years: 17.0,
        variables: NAMES.map(variable).to_vec(),
    }
}

/// Every weight from a sine, so that tests do not depend on a generator.
fn weights(contract: &Contract) -> (VarMap, Network) {
    let vars = VarMap::new();
    let network = Network::new(contract, &VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu)).unwrap();
    let mut named: Vec<(String, Var)> =
        vars.data().lock().unwrap().iter().map(|(k, v)| (k.clone(), v.clone())).collect();
    named.sort_by(|a, b| a.0.cmp(&b.0));
    for (index, (_, var)) in named.iter().enumerate() {
        let values: Vec<f32> = (0..var.elem_count()).map(|i| 0.4 * (i as f32 * 1.3 + index as f32).sin()).collect();
        var.set(&Tensor::from_vec(values, var.shape(), &Device::Cpu).unwrap()).unwrap();
    }
    (vars, network)
}

/// Bins fitted on a few courses made by formula.
fn bins() -> Bins {
    let one = |k: usize| summarised(&course(6, 20.0 + k as f64, 1.0 + (k % 3) as f64));
    Bins::fit(&(0..20).map(one).collect::<Vec<_>>())
}

fn summarised(course: &Course) -> Summaries {
    summary::of(&contract(), &Hourly::of(course, &contract()), course.age_years)
}

fn encoded(course: &Course) -> Encoded {
    let who = Who { age_years: course.age_years, sex: course.sex };
    series::encode(&contract(), Some(&bins()), &Hourly::of(course, &contract()), who)
}

fn manifest(contract: &Contract) -> Manifest {
    let label = Label { threshold: 0.3, ..Label::open("death-in-hospital") };
    Manifest {
        calibration: Calibration { slope: 2.0, intercept: -1.0, ..Calibration::IDENTITY },
        ..testing::manifest(Kind::Sequence, "lstm-3x128", contract, vec![label])
    }
}

fn load(contract: &Contract, weights: &VarMap) -> Result<Mortality, ModelError> {
    stored(contract, weights, None)
}

fn stored(contract: &Contract, weights: &VarMap, space: Option<&Space>) -> Result<Mortality, ModelError> {
    let folder = tempfile::tempdir().unwrap();
    let data = weights.data().lock().unwrap();
    let mut tensors: HashMap<String, Tensor> =
        data.iter().map(|(name, var)| (name.clone(), var.as_tensor().clone())).collect();
    tensors.extend(bins().tensors().unwrap());
    tensors.extend(space.iter().flat_map(|space| space.tensors().unwrap()));
    candle_core::safetensors::save(&tensors, folder.path().join("weights.safetensors")).unwrap();
    Mortality::load(folder.path(), manifest(contract))
}

fn model() -> Mortality {
    load(&contract(), &weights(&contract()).0).unwrap()
}

fn measurement(variable: &str, hour: f64, value: f64) -> Measurement {
    Measurement {
        variable: variable.into(),
        source: SourceRef {
            reference: "Observation/1".into(),
            version: None,
            last_updated: None,
            key: "vitals".into(),
            digest: Digest::of(b""),
        },
        code: Coding { system: "http://loinc.org".into(), code: "1-8".into(), display: None },
        time: OffsetDateTime::UNIX_EPOCH + Duration::seconds_f64(hour * 3600.0),
        value,
        unit: "1".into(),
        original_value: Phi::new(value.to_string()),
        original_unit: "1".into(),
    }
}

/// `kinds` variables every `every` hours over `hours` hours.
fn course(kinds: usize, hours: f64, every: f64) -> Course {
    let mut measurements = Vec::new();
    let steps = (hours / every) as usize;
    for step in 0..=steps {
        for (index, name) in NAMES.iter().take(kinds).enumerate() {
            let value = 2.0 + (step as f64 * 0.8 + index as f64).sin() * 3.0;
            measurements.push(measurement(name, step as f64 * every, value));
        }
    }
    let end = measurements.last().unwrap().time;
    Course { end, start: OffsetDateTime::UNIX_EPOCH, measurements, age_years: Some(70.0), sex: Some(Sex::Male) }
}

fn reason(model: &Mortality, course: Course) -> String {
    match model.predict(&[&ModelInput::Course(course)]).unwrap().remove(0).status {
        Status::Abstained(why) => why.reason,
        Status::Scored { .. } => "scored".into(),
    }
}

#[test]
fn values_of_an_hour_are_averaged_and_volumes_added_up() {
    let readings =
        [(0, 0.2, 80.0), (0, 0.9, 90.0), (3, 1.1, 30.0), (3, 1.9, 40.0), (1, 2.0, 3.0), (1, 1.5, 900.0), (2, 7.0, 9.0)];
    let hourly = Hourly::collect(&contract(), 2, readings);
    let at = |hour: usize, variable: usize| hourly.values[hour * 6 + variable];
    assert_eq!((at(0, 0), at(1, 3)), (85.0, 70.0));
    assert_eq!(at(1, 1), 3.0, "the end of the window belongs to its last hour, and 900 is implausible");
    assert!(at(0, 1).is_nan() && at(1, 2).is_nan());
    assert_eq!(hourly.distinct(), 3);
}

#[test]
fn a_course_longer_than_the_window_is_read_from_its_end() {
    let hourly = Hourly::of(&course(6, 60.0, 1.0), &contract());
    assert_eq!(hourly.hours, 48);
    let value = course(6, 60.0, 1.0).measurements.iter().filter(|one| one.variable == "HR").nth(13).unwrap().value;
    assert!((f64::from(hourly.values[6]) - value).abs() < 1e-5, "hour 1 of the window is hour 13 of the course");
}

#[test]
fn gaps_are_carried_over_and_their_age_is_told() {
    let hourly = Hourly::collect(&contract(), 4, [(0, 1.5, 5.0), (0, 3.5, 9.0)]);
    assert_eq!(hourly.origins(0), Some(vec![1, 1, 1, 3]));
    assert_eq!(hourly.origins(1), None);
    let encoded = series::encode(&contract(), None, &hourly, Who { age_years: Some(64.0), sex: None });
    let row = |hour: usize, channel: usize| encoded.steps[hour * 18 + channel];
    assert_eq!([row(0, 0), row(1, 0), row(2, 0), row(3, 0)], [2.0, 2.0, 2.0, 4.0]);
    assert_eq!([row(0, 6), row(1, 6), row(2, 6)], [-0.25, 0.75, -0.25]);
    assert_eq!([row(0, 12), row(1, 12)], [0.5, -0.5]);
    assert!((row(2, 12) - (1.0 / 24.0 - 0.5)).abs() < 1e-6);
    assert_eq!([row(3, 1), row(3, 7), row(3, 13)], [0.0, -0.25, 0.5], "never measured");
    assert_eq!(encoded.statics[..2], [0.0, 0.0]);
}

#[test]
fn alone_and_in_a_batch_with_longer_ones_the_answer_is_the_same() {
    let model = model();
    let courses: Vec<Course> =
        [(6, 47.5, 1.0), (5, 8.0, 2.0), (6, 30.0, 4.0)].map(|(k, h, e)| course(k, h, e)).to_vec();
    let together = model.scores(&courses.iter().collect::<Vec<_>>()).unwrap();
    for (one, expected) in courses.iter().zip(together) {
        let alone = model.scores(&[one]).unwrap().remove(0);
        assert!((alone.score - expected.score).abs() < 1e-5, "{alone:?} {expected:?}");
    }
    let inputs: Vec<ModelInput> = courses.into_iter().map(ModelInput::Course).collect();
    let answers = model.predict(&inputs.iter().collect::<Vec<_>>()).unwrap();
    assert!(matches!(&answers[0].status, Status::Scored { findings } if findings[0].label == "death-in-hospital"));
}

#[test]
fn it_says_why_it_gives_no_number() {
    let model = model();
    assert_eq!(reason(&model, course(6, 24.0, 1.0)), "scored");
    assert_eq!(reason(&model, course(4, 24.0, 1.0)), "too-few-measurements");
    assert_eq!(reason(&model, course(6, 5.0, 1.0)), "too-short");
    assert_eq!(reason(&model, Course { age_years: None, ..course(6, 24.0, 1.0) }), "age-unknown");
    assert_eq!(reason(&model, Course { age_years: Some(15.9), ..course(6, 24.0, 1.0) }), "not-an-adult");
    let empty = Course { measurements: Vec::new(), ..course(6, 24.0, 1.0) };
    assert_eq!(reason(&model, empty), "too-few-measurements");
}

#[test]
fn an_abstention_does_not_shift_the_other_answers() {
    let model = model();
    let inputs = [course(6, 24.0, 1.0), course(1, 24.0, 1.0), course(6, 40.0, 2.0)].map(ModelInput::Course);
    let answers = model.predict(&inputs.iter().collect::<Vec<_>>()).unwrap();
    let alone = model.predict(&[&inputs[2]]).unwrap();
    let score = |status: &Status| match status {
        Status::Scored { findings } => findings[0].score,
        Status::Abstained(_) => f64::NAN,
    };
    assert!(matches!(answers[1].status, Status::Abstained(_)));
    assert!((score(&answers[2].status) - score(&alone[0].status)).abs() < 1e-5);
}

#[test]
fn what_was_never_measured_is_named() {
    let model = model();
    let input = ModelInput::Course(Course { sex: None, ..course(5, 24.0, 1.0) });
    assert_eq!(model.predict(&[&input]).unwrap()[0].missing, ["bun", "sex", "earlier hours (there are 25 of 48)"]);
}

#[test]
fn an_input_of_another_kind_is_refused() {
    let notes = ModelInput::Notes(Vec::<Note>::new());
    assert!(matches!(model().predict(&[&notes]), Err(ModelError::Input(_))));
    assert!(matches!(model().explain(&notes, Effort::FULL), Err(ModelError::Input(_))));
}

#[test]
fn courses_that_never_move_are_refused() {
    let model = model();
    let mut still = course(6, 47.0, 1.0);
    still.measurements.iter_mut().for_each(|one| one.value = 3.0);
    assert_eq!(reason(&model, still.clone()), "no-variation");
    still.measurements[0].value = 4.0;
    assert_eq!(reason(&model, still), "scored");
}

#[test]
fn what_lies_far_from_the_training_stays_is_refused_with_its_distance() {
    let (weights, _) = weights(&contract());
    let model = model();
    let known: Vec<Course> = (0..40).map(|k| course(6, 12.0 + k as f64 / 2.0, 1.0)).collect();
    let states: Vec<Vec<f32>> =
        model.scores(&known.iter().collect::<Vec<_>>()).unwrap().into_iter().map(|one| one.state).collect();
    let space = Space::fit(&states, &vec![0; states.len()]).unwrap();
    let limit = states.iter().map(|state| space.distance(state)).fold(0.0, f64::max) * 1.01;
    let contract = Contract { familiarity_limit: Some(limit), ..contract() };
    let model = stored(&contract, &weights, Some(&space)).unwrap();
    assert_eq!(reason(&model, known[7].clone()), "scored");
    let mut strange = course(6, 40.0, 1.0);
    strange.measurements.iter_mut().for_each(|one| one.value = if one.variable == "HR" { 199.0 } else { -0.4 });
    strange.measurements[0].value = 5.0;
    let answer = model.predict(&[&ModelInput::Course(strange)]).unwrap().remove(0);
    assert!(matches!(&answer.status, Status::Abstained(why) if why.reason == "unlike-training-stays"), "{answer:?}");
    assert!(answer.familiarity.is_some_and(|found| found.distance > found.limit));
}

/// Courses of other lengths are answered, and what they lack is said.
#[test]
fn shorter_courses_are_read_and_what_they_lack_is_said() {
    let model = model();
    for (hours, words) in [
        (7.0, Some("earlier hours (there are 8 of 48)")),
        (30.0, Some("earlier hours (there are 31 of 48)")),
        (46.0, None),
    ] {
        let input = ModelInput::Course(course(6, hours, 1.0));
        let answer = model.predict(&[&input]).unwrap().remove(0);
        assert!(matches!(answer.status, Status::Scored { .. }));
        assert_eq!(answer.missing.first().map(String::as_str), words);
    }
}

#[test]
fn a_manifest_that_does_not_fit_is_refused() {
    let (weights, _) = weights(&contract());
    let with = |change: &dyn Fn(&mut Contract)| {
        let mut changed = contract();
        change(&mut changed);
        load(&changed, &weights).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert!(with(&|contract| contract.variables[1].name = "HR".into()).contains("listed twice"));
    assert!(with(&|contract| contract.variables[1].sd = 0.0).contains("not usable"));
    assert!(with(&|contract| contract.layers = 2).contains("there are 20 tensors instead of 16"));
    assert!(!with(&|contract| contract.hidden = 9).is_empty());
    assert!(!with(&|contract| drop(contract.variables.pop())).is_empty());
}

mod explanations;
