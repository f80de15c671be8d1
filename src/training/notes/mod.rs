//! Training and evaluation of the notes network.
//!
//! Contract: `train` writes a folder that `models::load` accepts; `evaluate` runs the network as it is served, on the
//! corpora's own words, and counts exact spans.

pub mod augment;
pub mod golden;
pub mod score;
pub mod start;
pub mod trainee;
pub mod vocabulary;
mod write;

use super::{
    Bar, Plan, Report, Split, TrainingError, metrics,
    ner_data::{self, Corpus, CorpusError, Sentence},
};
use crate::{
    domain::Clock,
    models::{
        Model as _,
        notes::{Notes, decode::spans},
    },
};
use score::Tally;
use std::path::{Path, PathBuf};
use trainee::NotesTrainee;

/// Every how-many-th validation sentence is scored after an epoch; all of them at the end.
const VALIDATION_STRIDE: usize = 3;

impl From<CorpusError> for TrainingError {
    fn from(error: CorpusError) -> Self {
        Self::Data(error.to_string())
    }
}

/// The plan `auscult train note-problems` follows unless told otherwise.
#[must_use]
pub const fn plan(checkpoint: PathBuf) -> Plan {
    Plan {
        epochs: 6,
        batch: 32,
        learning_rate: 2.5e-4,
        weight_decay: 0.01,
        warmup: 100,
        seed: 1,
        ema: None,
        resume: true,
        checkpoint,
    }
}

/// Fits the notes network on the corpora in `data` and writes the folder `out`.
///
/// The pretrained encoder (`model.safetensors`, `tokenizer.json` of all-MiniLM-L6-v2) is read from the folder `encoder`
/// in the checkpoint folder or in `data`. `out/concepts.tsv` must be there: its names take part in training.
///
/// # Errors
/// [`TrainingError`] when data or encoder are missing, the arithmetic fails or the folder cannot be written.
pub fn train(data: &Path, out: &Path, plan: &Plan, clock: &dyn Clock) -> Result<(), TrainingError> {
    let train: Vec<Sentence> = sentences(ner_data::read(data, "train.tsv")?);
    let devel = sentences(ner_data::read(data, "devel.tsv")?);
    let start = start::Start::read(data, out, plan, &train)?;
    let validation = devel.into_iter().step_by(VALIDATION_STRIDE).collect();
    let augment = augment::Augment::new(&train, &start.problems);
    let pieces = start.pieces()?;
    let parts = (train, validation);
    let mut trainee =
        NotesTrainee::new(&start.sizes, start.weights.clone(), pieces, augment, parts, (plan.batch, plan.seed))?;
    let best = super::run::run(&mut trainee, plan, &Bar::new("F1"))?;
    write::folder(data, out, plan, &start, &best, clock)
}

/// Runs the network in `folder` on `split` of the corpora in `data`, `batch` sentences at a time.
///
/// # Errors
/// [`TrainingError`] when the folder or the data do not fit or the arithmetic fails.
pub fn evaluate(folder: &Path, data: &Path, split: Split, batch: usize) -> Result<Report, TrainingError> {
    let notes = Notes::open(folder)?;
    let corpora = ner_data::read(data, file(split))?;
    let mut report =
        Report { model: notes.name().clone(), split, n: 0, positives: 0, metrics: std::collections::BTreeMap::new() };
    let mut all = Tally::default();
    for corpus in &corpora {
        let tally = tally(&notes, corpus, batch)?;
        if corpora.len() > 1 {
            report.metrics.insert(format!("f1_{}", corpus.name), tally.micro().f1());
        }
        report.n += corpus.sentences.len();
        all.extend(&tally);
    }
    report.positives = all.micro().marked;
    report.metrics.extend(all.metrics());
    let calibration = &notes.manifest().calibration;
    let (probabilities, right): (Vec<f64>, Vec<bool>) =
        all.scored.iter().map(|(_, score, right)| (calibration.probability(*score), *right)).unzip();
    let calibrated = [("brier", metrics::brier(&probabilities, &right)), ("ece", metrics::ece(&probabilities, &right))];
    report.metrics.extend(calibrated.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    Ok(report)
}

/// File of a split in a corpus folder.
const fn file(split: Split) -> &'static str {
    match split {
        Split::Train => "train.tsv",
        Split::Validation => "devel.tsv",
        Split::Test => "test.tsv",
    }
}

fn sentences(corpora: Vec<Corpus>) -> Vec<Sentence> {
    corpora.into_iter().flat_map(|corpus| corpus.sentences).collect()
}

/// Counts of one corpus with the network as served.
fn tally(notes: &Notes, corpus: &Corpus, batch: usize) -> Result<Tally, TrainingError> {
    let mut tally = Tally::default();
    for some in corpus.sentences.chunks(batch.max(1)) {
        let words: Vec<Vec<&str>> = some.iter().map(|one| one.words.iter().map(String::as_str).collect()).collect();
        for (sentence, scores) in some.iter().zip(notes.tag_words(&words)?) {
            tally.add(sentence, &spans(&scores));
        }
    }
    Ok(tally)
}
