use super::{Engine, Refusal, Settings};
use crate::{
    domain::{Digest, Explanation, Finding, ModelInput, Note, Phi, Prediction, SourceRef, Status},
    models::{Manifest, Model, ModelError, attribution::Effort},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// Answers with the length of the note; sleeps, panics or fails when the note says so.
struct Scripted {
    manifest: Manifest,
    calls: Arc<AtomicUsize>,
    largest: Arc<AtomicUsize>,
}

impl Model for Scripted {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn predict(&self, inputs: &[&ModelInput]) -> Result<Vec<Prediction>, ModelError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.largest.fetch_max(inputs.len(), Ordering::SeqCst);
        inputs.iter().map(|input| one(input)).collect()
    }

    fn explain(&self, _: &ModelInput, _: Effort) -> Result<Explanation, ModelError> {
        Err(ModelError::NotFinite(self.manifest.name.clone()))
    }
}

fn one(input: &ModelInput) -> Result<Prediction, ModelError> {
    let ModelInput::Notes(notes) = input else { return Err(ModelError::Input("scripted".parse().unwrap())) };
    let text = notes[0].text.expose();
    if text.contains("sleep") {
        std::thread::sleep(Duration::from_millis(150));
    }
    assert!(!text.contains("panic"), "scripted panic");
    let finding = Finding {
        label: "x".into(),
        score: text.len() as f64,
        probability: 0.1,
        threshold: 0.5,
        mention: None,
        certainty: None,
    };
    Ok(Prediction::scored(vec![finding], vec![]))
}

fn manifest() -> Manifest {
    toml::from_str(
        r#"
        name = "scripted"
        version = "1.0.0"
        title = "Scripted"
        kind = "notes"
        architecture = "scripted"
        intended_use = "tests"
        not_for = []
        files = []
        labels = []
        [input]
        [calibration]
        slope = 1.0
        intercept = 0.0
        ece = 0.0
        brier = 0.0
        [provenance]
        data = "none"
        licence = "none"
        citation = "none"
        source = "none"
        command = "none"
        seed = 1
        epoch = 1
        date = "2026-01-01"
        [evaluation]
        "#,
    )
    .unwrap()
}

fn note(text: &str) -> Arc<ModelInput> {
    let source = SourceRef {
        reference: "DocumentReference/1".into(),
        version: None,
        last_updated: None,
        key: "notes".into(),
        digest: Digest::of(b""),
    };
    Arc::new(ModelInput::Notes(vec![Note { text: Phi::new(text.into()), source, title: None, code: None, time: None }]))
}

fn engine(queue: usize) -> (Engine, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let (calls, largest) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let model = Scripted { manifest: manifest(), calls: Arc::clone(&calls), largest: Arc::clone(&largest) };
    let settings = Settings { queue, ..Settings::default() };
    (Engine::start(vec![Box::new(model)], &settings).unwrap(), calls, largest)
}

fn soon(ms: u64) -> Instant {
    Instant::now() + Duration::from_millis(ms)
}

fn score(answer: &super::Answered) -> f64 {
    match &answer.prediction.status {
        Status::Scored { findings } => findings[0].score,
        Status::Abstained(_) => f64::NAN,
    }
}

#[tokio::test]
async fn the_same_bytes_are_computed_once() {
    let (engine, calls, _) = engine(8);
    let name = "scripted".parse().unwrap();
    let first = engine.ask(&name, note("abc"), soon(5_000)).await.unwrap();
    let second = engine.ask(&name, note("abc"), soon(5_000)).await.unwrap();
    assert_eq!((score(&first), first.remembered), (3.0, false));
    assert_eq!((score(&second), second.remembered), (3.0, true));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_waited_while_the_network_was_busy_is_one_batch_and_answers_stay_with_their_questions() {
    let (engine, _, largest) = engine(32);
    let name = "scripted".parse().unwrap();
    let busy = engine.ask(&name, note("sleep"), soon(5_000));
    let inputs: Vec<_> = (1..=6).map(|length| note(&"a".repeat(length))).collect();
    let rest = futures_util::future::join_all(inputs.into_iter().map(|input| engine.ask(&name, input, soon(5_000))));
    let (first, rest) = tokio::join!(busy, rest);
    assert!(first.is_ok());
    let scores: Vec<f64> = rest.iter().map(|answer| score(answer.as_ref().unwrap())).collect();
    assert_eq!(scores, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert!(largest.load(Ordering::SeqCst) > 1, "nothing was batched");
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_a_late_answer_is_called_late() {
    let (engine, _, _) = engine(1);
    let name = "scripted".parse().unwrap();
    let started = Instant::now();
    let asks = (0..12).map(|index| engine.ask(&name, note(&format!("sleep {index}")), soon(60)));
    let answers = futures_util::future::join_all(asks).await;
    // All twelve one after the other would take 1.8 s.
    assert!(started.elapsed() < Duration::from_millis(1_200), "somebody waited past the deadline");
    assert!(answers.iter().any(|answer| answer.as_ref().err() == Some(&Refusal::Full)));
    assert!(answers.iter().any(|answer| answer.as_ref().err() == Some(&Refusal::Late)));
}

#[tokio::test]
async fn a_panicking_network_is_a_named_failure_for_that_input_alone() {
    let (engine, _, _) = engine(8);
    let name = "scripted".parse().unwrap();
    let busy = engine.ask(&name, note("sleep"), soon(5_000));
    let bad = engine.ask(&name, note("panic"), soon(5_000));
    let good = engine.ask(&name, note("good"), soon(5_000));
    let (_, bad, good) = tokio::join!(busy, bad, good);
    assert_eq!(bad.unwrap_err(), Refusal::Failed("it panicked".into()));
    assert_eq!(score(&good.unwrap()), 4.0);
    assert!(engine.stopped().is_empty());
}

#[tokio::test]
async fn an_unknown_network_is_refused() {
    let (engine, _, _) = engine(8);
    let refusal = engine.ask(&"other".parse().unwrap(), note("a"), soon(100)).await.unwrap_err();
    assert_eq!(refusal, Refusal::Unknown);
}
