use super::{Asked, score};
use crate::{
    domain::{self, Certainty, ModelInput},
    models::{Manifest, evaluation::Report},
    training::{
        Split,
        trial::{Answer, Span, Trial, Truth},
    },
};
use std::{collections::BTreeMap, path::Path};
use time::macros::date;

fn manifest(label: &str, threshold: f64) -> Manifest {
    let text = format!(
        "name = \"made-up\"\nversion = \"0.0.0\"\ntitle = \"t\"\nkind = \"image\"\narchitecture = \"a\"\nintended_use = \"u\"\n\
         not_for = []\nfiles = []\n[input]\n[[labels]]\nname = \"{label}\"\nthreshold = {threshold}\npolicy = \"p\"\n\
         sensitivity = 0.0\nppv = 0.0\nalerts_per_100 = 0.0\n[calibration]\nslope = 1.0\nintercept = 0.0\nece = 0.0\n\
         brier = 0.0\n[provenance]\ndata = \"d\"\nlicence = \"l\"\ncitation = \"c\"\nsource = \"s\"\ncommand = \"c\"\nseed = 1\n\
         epoch = 1\ndate = \"2026-01-01\"\n[evaluation]\n"
    );
    toml::from_str(&text).unwrap()
}

fn trial(index: usize, truth: Truth, groups: &[(&str, &str)]) -> Trial {
    Trial {
        name: format!("case {index}"),
        cluster: format!("patient {}", index / 2),
        input: ModelInput::Notes(Vec::new()),
        truth,
        groups: groups.iter().map(|(by, group)| ((*by).to_owned(), (*group).to_owned())).collect(),
    }
}

fn report(manifest: &Manifest, trials: &[Trial], answers: &[Answer]) -> Report {
    let asked = Asked::new(manifest, Path::new("."), Split::Validation, date!(2026 - 11 - 23));
    score(&asked, trials, answers).unwrap()
}

/// Probabilities that are right on average: of the cases with probability p, a share p has the finding.
fn binary(n: usize) -> (Vec<Trial>, Vec<Answer>) {
    let one = |index: usize| {
        let probability = (index % 50) as f64 / 50.0 + 0.01;
        let positive = ((index * 7919) % 1009) as f64 / 1009.0 < probability;
        let groups = [
            ("sex", if index % 4 < 2 { "female" } else { "male" }),
            ("unit", if index < 12 { "small" } else { "large" }),
        ];
        let answer = if probability > 0.8 { domain::Answer::Yes } else { domain::Answer::Either };
        let certainty = Some(Certainty { answer, coverage: 0.9 });
        let said = Answer::Probability { score: probability, probability, certainty };
        (trial(index, Truth::Finding(positive), &groups), said)
    };
    (0..n).map(one).unzip()
}

#[test]
fn a_binary_report_says_everything_that_can_be_said() {
    let manifest = manifest("pneumonia", 0.4);
    let (mut trials, mut answers) = binary(1000);
    trials.push(trial(1000, Truth::Finding(true), &[]));
    answers.push(Answer::Refused("blank".into()));
    let report = report(&manifest, &trials, &answers);
    assert_eq!((report.n, report.refused["blank"]), (1001, 1));
    assert!((report.metrics["refused"] - 1.0 / 1001.0).abs() < 1e-12);
    for (name, value) in &report.metrics {
        let [low, high] = report.intervals[name];
        // The calibration error of a resample is greater on average than that of the sample.
        assert!(name == "ece" || (low <= *value && *value <= high), "{name}: {value} in {low} to {high}");
    }
    assert!((report.metrics["auroc"] - 0.83).abs() < 0.04 && report.metrics["ece"] < 0.06, "{:?}", report.metrics);
    assert!((report.metrics["calibration_slope"] - 1.0).abs() < 0.15);
    assert_eq!(report.reliability.iter().map(|bin| bin.n).sum::<usize>(), 1000);
    assert!(report.roc.len() > 10 && report.thresholds.iter().filter(|row| row.in_use).count() == 1);
    let parts: Vec<(&str, &str)> = report.subgroups.iter().map(|one| (one.by.as_str(), one.group.as_str())).collect();
    assert_eq!(parts, [("sex", "female"), ("sex", "male"), ("unit", "large")], "twelve cases are too few");
    assert!(report.subgroups.iter().all(|part| part.intervals.contains_key("auroc") && part.n > 400));
    assert!(report.conformal.is_some_and(|check| check.promised == 0.9 && check.undecided > 0.7));
    assert_eq!(report.failures.len(), 10);
    assert!(report.failures.iter().all(|one| one.truth.ends_with("pneumonia") && one.said.contains("of pneumonia")));
}

#[test]
fn equal_answers_give_equal_reports_and_a_report_survives_being_written() {
    let manifest = manifest("pneumonia", 0.4);
    let (trials, answers) = binary(300);
    let (one, two) = (report(&manifest, &trials, &answers), report(&manifest, &trials, &answers));
    assert_eq!(one, two);
    let read: Report = serde_json::from_str(&serde_json::to_string(&one).unwrap()).unwrap();
    assert_eq!(read, one);
}

#[test]
fn grades_have_a_table_and_the_binary_question_beside_them() {
    let manifest = manifest("osteoarthritis", 0.5);
    let one = |index: usize| {
        let (truth, grade) = (index % 5, (index % 5 + usize::from(index.is_multiple_of(7))).min(4));
        let mut probabilities = vec![0.05; 5];
        probabilities[grade] = 0.8;
        let probability = if grade >= 2 { 0.7 + index as f64 / 1e4 } else { 0.2 };
        let said = Answer::Grades {
            grade,
            probabilities,
            interval: (grade.saturating_sub(1), grade),
            coverage: 0.9,
            score: probability,
            probability,
        };
        (trial(index, Truth::Grade(truth), &[("side", if index.is_multiple_of(2) { "left" } else { "right" })]), said)
    };
    let (trials, answers): (Vec<Trial>, Vec<Answer>) = (0..200).map(one).unzip();
    let report = report(&manifest, &trials, &answers);
    assert!(report.metrics["accuracy"] > 0.85 && report.metrics["quadratic_kappa"] > 0.9, "{:?}", report.metrics);
    assert!(report.metrics["oa_auroc"] > 0.9 && report.intervals.contains_key("oa_auroc"));
    assert_eq!(report.confusion.iter().flatten().sum::<usize>(), 200);
    assert_eq!((report.positives, report.subgroups.len()), (120, 2));
    assert!(report.conformal.is_some_and(|check| check.covered == 1.0));
    assert!(!report.roc.is_empty() && report.failures.iter().all(|one| one.truth.starts_with("grade ")));
}

#[test]
fn mentions_and_topics_are_scored_note_by_note() {
    let span = |start| Span { start, end: start + 4, kind: "Disease".into() };
    let one = |index: usize| {
        let truth = Truth::Mentions { spans: vec![span(0), span(10)], kinds: vec!["Disease".into()] };
        let found = vec![(span(0), 0.9, true), (span(if index.is_multiple_of(4) { 11 } else { 10 }), 0.6, true)];
        (trial(index, truth, &[("corpus", "ncbi")]), Answer::Mentions(found))
    };
    let (trials, answers): (Vec<Trial>, Vec<Answer>) = (0..80).map(one).unzip();
    let report = report(&manifest("Disease", 0.5), &trials, &answers);
    assert!((report.metrics["f1"] - 0.875).abs() < 1e-12 && report.metrics["f1_ncbi"] == report.metrics["f1"]);
    assert!(report.intervals["f1"][0] < 0.875 && report.intervals["f1"][1] > 0.875);
    assert!(report.metrics.contains_key("ece") && !report.reliability.is_empty() && report.roc.is_empty());
    assert!(report.positives == 160 && report.failures[0].said.starts_with("1 missed, 1 that"));

    let one = |index: usize| {
        let truth = Truth::Topics(vec![if index.is_multiple_of(2) { "surgery" } else { "urology" }.into()]);
        let said = vec![
            ("surgery".into(), if index.is_multiple_of(2) || index == 1 { 0.8 } else { 0.3 }, 0.5),
            ("urology".into(), if index % 2 == 1 { 0.8 } else { 0.1 }, 0.5),
        ];
        (trial(index, truth, &[]), Answer::Topics(said))
    };
    let (trials, answers): (Vec<Trial>, Vec<Answer>) = (0..40).map(one).unzip();
    let report = super::tests::report(&manifest("surgery", 0.5), &trials, &answers);
    assert!((report.metrics["micro_f1"] - 80.0 / 81.0).abs() < 1e-12);
    assert_eq!((report.failures.len(), report.failures[0].case.as_str()), (1, "case 1"));
    assert!(report.metrics["auroc_surgery"] > 0.95);
}

#[test]
fn an_answer_of_another_kind_and_a_missing_answer_are_errors() {
    let manifest = manifest("x", 0.5);
    let asked = Asked::new(&manifest, Path::new("."), Split::Test, date!(2026 - 11 - 23));
    let trials = [trial(0, Truth::Finding(true), &[])];
    assert!(score(&asked, &trials, &[Answer::Mentions(vec![])]).is_err());
    assert!(score(&asked, &trials, &[]).is_err());
    let only_refused = score(&asked, &trials, &[Answer::Refused("noise".into())]).unwrap();
    assert_eq!((only_refused.metrics.len(), only_refused.metrics["refused"]), (1, 1.0));
}

#[test]
fn six_thousand_cases_take_seconds() {
    let manifest = manifest("pneumonia", 0.4);
    let (trials, answers) = binary(6000);
    let begin = std::time::Instant::now();
    let report = report(&manifest, &trials, &answers);
    let seconds = begin.elapsed().as_secs_f64();
    assert!(report.subgroups.len() == 3 && seconds < 60.0, "{seconds} s");
    println!("{seconds:.1} s");
}

#[test]
fn groups_may_be_missing() {
    let manifest = manifest("pneumonia", 0.4);
    let (mut trials, answers) = binary(100);
    trials.iter_mut().for_each(|trial| trial.groups = BTreeMap::new());
    assert!(report(&manifest, &trials, &answers).subgroups.is_empty());
}
