//! The fitted heads → `models/note-specialty/`.
//!
//! Contract: figures are measured with the written weights through the network as served; the manifest is written last.

use super::{
    data::{self, TOPICS},
    phrases::{self, Score},
    texts, topics,
};
use crate::{
    domain::{Clock, KeyPhrase, ModelInput, Phi, Topic},
    models::{
        self, Manifest, Model as _,
        manifest::{Calibration, Evaluation, FileDigest, Kind, Label, Provenance},
        notes::{
            Notes,
            heads::{FILES, Heads, lexicon::Lexicon, phrases::Phrases, view::View},
            language, specialty,
        },
    },
    training::{
        Plan, Split, TrainingError, metrics,
        papers::{self, Papers},
        report::{self, Asked},
        trial::{Answer, Trial, Truth},
    },
};
use candle_core::{DType, Device, Tensor};
use serde_json::json;
use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
};

/// Notes answered at once when measuring.
const BATCH: usize = 4;
/// Notes written for this project, whose answers are pinned.
const TEXTS: [&str; 4] = [
    "REASON FOR CONSULTATION: Chest pain. The patient has coronary artery disease and had a stent placed in the left anterior descending artery. \
     Echocardiogram shows an ejection fraction of 40 percent with mild mitral regurgitation. Continue aspirin, metoprolol and lisinopril; cardiac catheterization tomorrow.",
    "PREOPERATIVE DIAGNOSIS: Osteoarthritis of the right knee.\nPROCEDURE: Total knee arthroplasty. The patella was resurfaced, the tibial tray cemented, \
     and the tourniquet was released. The patient was taken to the recovery room in stable condition.",
    "SUBJECTIVE: The patient returns for blurred vision. Visual acuity is 20/40 in the right eye. The lens shows a nuclear cataract. \
     PLAN: Cataract extraction with intraocular lens implantation.",
    "HISTORY: 6-month-old infant with fever and cough, feeding well, immunizations up to date. Mother reports normal wet diapers.",
];

/// What was fitted.
pub struct Fitted {
    pub words: Vec<String>,
    pub lexicon: Lexicon,
    pub topics: topics::Fitted,
    pub phrases: Phrases,
    /// Width of the word vectors used; 0 for none.
    pub width: usize,
}

/// Writes the folder.
pub fn folder(
    data: &Path,
    out: &Path,
    plan: &Plan,
    encoder: Option<&Notes>,
    fitted: &Fitted,
    reports: usize,
    clock: &dyn Clock,
) -> Result<(), TrainingError> {
    fs::create_dir_all(out).map_err(TrainingError::io(out))?;
    put(out, FILES[0], &weights(fitted)?)?;
    put(out, FILES[1], (fitted.words.join("\n") + "\n").as_bytes())?;
    let mut manifest = draft(out, plan, encoder, fitted, reports, clock)?;
    manifest.save(out)?;
    let trials = data::trials(data, Split::Validation)?;
    let heads = Heads::load(out, &manifest)?;
    let (answers, speed) = match encoder {
        Some(_) => {
            let (answers, speed) = report::ask(models::load(out)?.as_ref(), &trials, BATCH, &|_| ())?;
            (answers, Some(speed))
        }
        None => (trials.iter().map(|trial| by_words(&heads, trial)).collect(), None),
    };
    for (label, topic) in manifest.labels.iter_mut().zip(TOPICS) {
        measured(label, topic, &trials, &answers);
    }
    manifest.calibration = calibration(&trials, &answers);
    let asked = Asked { speed, ..Asked::new(&manifest, out, Split::Validation, clock.now().date()) };
    let mut report = report::score(&asked, &trials, &answers)?;
    let held: Vec<data::Report> =
        data::read(data)?.into_iter().filter(|report| report.split == Split::Validation).collect();
    let [ours, plain] = phrases::measure(encoder, &fitted.phrases, &fitted.lexicon, &held)?;
    report.metrics.insert("macro_f1_left_out".into(), fitted.topics.macro_f1);
    for (name, Score { f1_at_10, precision_at_5, .. }) in [("key_phrases", ours), ("tf_idf_phrases", plain)] {
        report.metrics.insert(format!("{name}_f1_at_10"), f1_at_10);
        report.metrics.insert(format!("{name}_precision_at_5"), precision_at_5);
    }
    let card = texts::card(&fitted.topics, (fitted.words.len(), fitted.width), reports, [ours, plain]);
    let papers = Papers {
        folder: out,
        manifest,
        card: &card,
        attributes: &texts::ATTRIBUTES,
        report,
        curve: &[],
        curve_metric: "macro F1",
    };
    papers::finish(papers)?;
    let golden = match encoder {
        Some(_) => golden(&|text| {
            let input = ModelInput::Notes(vec![data::note(text)]);
            let answer = models::load(out)?.predict(&[&input])?.pop();
            let answer = answer.ok_or_else(|| TrainingError::Data("no answer".into()))?;
            Ok((answer.topics, answer.key_phrases))
        })?,
        None => golden(&|text| Ok(heads.of_view(&View::of_text(text), 0)))?,
    };
    put(out, "golden.json", &golden)
}

/// What the heads answer from words alone.
fn by_words(heads: &Heads, trial: &Trial) -> Answer {
    let ModelInput::Notes(notes) = &trial.input else { return Answer::Refused("no-notes".into()) };
    let Some(text) = notes.first().map(|note| note.text.expose()) else { return Answer::Refused("no-notes".into()) };
    if language::unread(text).is_some() {
        return Answer::Refused("not-english".into());
    }
    let (topics, _) = heads.of_view(&View::of_text(text), 0);
    Answer::Topics(topics.into_iter().map(|topic| (topic.label, topic.probability, topic.threshold)).collect())
}

fn weights(fitted: &Fitted) -> Result<Vec<u8>, TrainingError> {
    let tensor = |values: &[f32], kind: DType| Tensor::from_slice(values, values.len(), &Device::Cpu)?.to_dtype(kind);
    let rarities: Vec<f32> = fitted.words.iter().map(|word| fitted.lexicon.rarity(word)).collect();
    let topics = &fitted.topics.topics;
    let mut tensors = HashMap::from([
        ("topics.words", tensor(&topics.words, DType::F16)?),
        ("topics.bias", tensor(&topics.bias, DType::F32)?),
        ("words.idf", tensor(&rarities, DType::F32)?),
        ("phrases.weights", tensor(&fitted.phrases.weights, DType::F32)?),
        ("phrases.bias", tensor(&[fitted.phrases.bias], DType::F32)?),
    ]);
    if !topics.pooled.is_empty() {
        tensors.insert("topics.pooled", tensor(&topics.pooled, DType::F32)?);
    }
    safetensors::serialize(&tensors, None).map_err(|error| TrainingError::Data(error.to_string()))
}

/// The manifest before anything is measured.
fn draft(
    out: &Path,
    plan: &Plan,
    encoder: Option<&Notes>,
    fitted: &Fitted,
    reports: usize,
    clock: &dyn Clock,
) -> Result<Manifest, TrainingError> {
    let digest = encoder
        .and_then(|encoder| encoder.manifest().files.first())
        .map(|file| file.digest.to_string())
        .unwrap_or_default();
    let number = |value: usize| toml::Value::Integer(value as i64);
    let input = [
        (specialty::ENCODER, toml::Value::String(super::ENCODER.into())),
        (specialty::ENCODER_DIGEST, toml::Value::String(digest)),
        (specialty::VECTORS, number(fitted.width)),
        ("vocabulary", number(fitted.words.len())),
        ("penalty", toml::Value::Float(fitted.topics.chosen.0)),
        ("pooled_length", toml::Value::Float(f64::from(fitted.topics.chosen.1))),
    ];
    let label = |(topic, threshold): (&str, &f64)| {
        Label { threshold: *threshold, policy: "half of the greatest F1 on training reports left out of fitting, which maximises F1 (Lipton et al. 2014); alerts are notes per 100".into(), ..Label::open(topic) }
    };
    let name =
        "note-specialty".parse().map_err(|error: crate::domain::NameError| TrainingError::Data(error.to_string()))?;
    Ok(Manifest {
        name,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        title: "What a clinical note is about".into(),
        kind: Kind::Notes,
        architecture: "note-heads".into(),
        intended_use: "Says which of 21 specialties an English clinical note belongs to and names its key phrases, so that a reader of many notes \
                       finds the ones that matter."
            .into(),
        not_for: ["notes in other languages than English", "billing", "diagnosis: a note about the heart is not a diseased heart", "routing patients without a person reading the note"]
            .map(str::to_owned)
            .to_vec(),
        files: FILES.iter().map(|file| FileDigest::of(out, file)).collect::<Result<_, _>>()?,
        input: input.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        labels: TOPICS.into_iter().zip(&fitted.topics.thresholds).map(label).collect(),
        calibration: Calibration::IDENTITY,
        provenance: Provenance {
            data: format!(
                "{reports} distinct transcribed reports of MTSamples with all their specialties and key phrases, one split per text{}",
                if fitted.width > 0 { "; frozen encoder of note-problems" } else { "; no encoder" }
            ),
            ages: None,
            licence: "openly shared samples (uncertain); no text is in this folder, only a list of single words that stand in five reports or more".into(),
            citation: "MTSamples, transcribed medical transcription sample reports".into(),
            source: "https://mtsamples.com".into(),
            command: format!("auscult train note-specialty --data mtsamples --seed {}{}", plan.seed, if fitted.width > 0 { "" } else { " --epochs 0" }),
            seed: plan.seed,
            epoch: 1,
            date: clock.now().date().to_string(),
        },
        attributes: BTreeMap::new(),
        evaluation: BTreeMap::from([(Split::Validation.to_string(), Evaluation { n: 0, positives: 0, metrics: BTreeMap::new(), intervals: BTreeMap::new() })]),
    })
}

/// What was said of a topic in every case, and what is true.
fn said(topic: &str, trials: &[Trial], answers: &[Answer]) -> (Vec<f64>, Vec<bool>) {
    let one = |(trial, answer): (&Trial, &Answer)| {
        let Answer::Topics(topics) = answer else { return None };
        let Truth::Topics(truth) = &trial.truth else { return None };
        let probability =
            topics.iter().find(|(name, ..)| name == topic).map_or(0.0, |(_, probability, _)| *probability);
        Some((probability, truth.iter().any(|one| one == topic)))
    };
    trials.iter().zip(answers).filter_map(one).unzip()
}

fn measured(label: &mut Label, topic: &str, trials: &[Trial], answers: &[Answer]) {
    let (probabilities, truth) = said(topic, trials, answers);
    let counts = metrics::confusion_at(&probabilities, &truth, label.threshold);
    label.sensitivity = counts.sensitivity().unwrap_or(0.0);
    label.ppv = counts.ppv().unwrap_or(0.0);
    label.alerts_per_100 = counts.alerts_per_100().unwrap_or(0.0);
}

/// The weights hold the calibration; its quality over all topics of validation.
fn calibration(trials: &[Trial], answers: &[Answer]) -> Calibration {
    let (mut probabilities, mut truth) = (Vec::new(), Vec::new());
    for topic in TOPICS {
        let (some, true_of) = said(topic, trials, answers);
        probabilities.extend(some);
        truth.extend(true_of);
    }
    let ece = metrics::ece(&probabilities, &truth).unwrap_or(0.0);
    Calibration { slope: 1.0, intercept: 0.0, ece, brier: metrics::brier(&probabilities, &truth).unwrap_or(0.0) }
}

/// Topics and phrases of a text.
type Reader<'a> = dyn Fn(&str) -> Result<(Vec<Topic>, Vec<KeyPhrase>), TrainingError> + 'a;

/// Topics and phrases of the notes written for this project.
fn golden(read: &Reader<'_>) -> Result<Vec<u8>, TrainingError> {
    let case = |text: &&str| {
        let (topics, phrases) = read(text)?;
        let phrases: Vec<&Phi<String>> = phrases.iter().map(|one| &one.text).collect();
        Ok(json!({"text": text, "topics": topics, "key_phrases": phrases}))
    };
    let cases = TEXTS.iter().map(case).collect::<Result<Vec<_>, TrainingError>>()?;
    serde_json::to_vec_pretty(&json!({"tolerance": 5e-3, "cases": cases}))
        .map_err(|error| TrainingError::Data(error.to_string()))
}

fn put(out: &Path, file: &str, bytes: &[u8]) -> Result<(), TrainingError> {
    let path = out.join(file);
    fs::write(&path, bytes).map_err(TrainingError::io(&path))
}
