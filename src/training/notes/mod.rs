//! Training and evaluation of the notes network.
//!
//! Contract: `train` writes a folder that `models::load` accepts; `evaluate` runs the network as it is served, on the
//! corpora's own words, and counts exact spans.

pub mod augment;
pub mod domain_text;
pub mod golden;
pub mod score;
pub mod skipgram;
pub mod start;
mod texts;
pub mod trainee;
pub mod trials;
pub mod vocabulary;
mod write;

use super::{
    Bar, Plan, Split, TrainingError,
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
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};
use trainee::NotesTrainee;

/// Sentences that are read as one document while a corpus is scored: its files mark no documents.
pub const DOCUMENT: usize = 10;

impl From<CorpusError> for TrainingError {
    fn from(error: CorpusError) -> Self {
        Self::Data(error.to_string())
    }
}

/// The plan `auscult train note-problems` follows unless told otherwise.
#[must_use]
pub const fn plan(checkpoint: PathBuf) -> Plan {
    Plan {
        epochs: 10,
        batch: 5,
        learning_rate: 2e-4,
        weight_decay: 0.01,
        warmup: 150,
        seed: 1,
        ema: None,
        patience: None,
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
    let (runs, tune) = ner_data::part(&ner_data::read(data, "train.tsv")?);
    let train = runs.concat();
    let start = start::Start::read(data, out, plan, &train)?;
    let augment = augment::Augment::new(&train, &start.problems);
    let (pieces, parts) = (start.pieces()?, (runs, tune));
    let mut trainee =
        NotesTrainee::new(&start.sizes, start.weights.clone(), pieces, augment, parts, (plan.batch, plan.seed))?;
    let best = super::run::run(&mut trainee, plan, &Bar::new("F1"))?;
    write::folder(data, out, plan, &start, &best, clock)
}

/// Exact-span F1 of mentions that reach their threshold, on the corpora's own words and sentences, as
/// `f1_<corpus>_given_words`: what plain text costs is the difference to the served figures.
///
/// # Errors
/// [`TrainingError`] when the data do not fit or the arithmetic fails.
pub fn given_words(notes: &Notes, data: &Path, split: Split) -> Result<BTreeMap<String, f64>, TrainingError> {
    let manifest = notes.manifest();
    let fires = |kind: usize, score: f64| {
        manifest.labels.get(kind).is_none_or(|label| manifest.calibration.probability(score) >= label.threshold)
    };
    let f1 = |corpus: &Corpus| {
        let f1 = tally(notes, std::iter::once(corpus.sentences.as_slice()), &fires)?.micro().f1();
        Ok((format!("f1_{}_given_words", corpus.name), f1))
    };
    corpora(data, split)?.iter().map(f1).collect()
}

/// The corpora of a split: `train.tsv` holds the blocks of two.
fn corpora(data: &Path, split: Split) -> Result<Vec<Corpus>, TrainingError> {
    let mut corpora = ner_data::read(data, file(split))?;
    if matches!(split, Split::Train | Split::Tune) {
        for corpus in &mut corpora {
            let (fit, tune) = ner_data::part(std::slice::from_ref(corpus));
            corpus.sentences = if split == Split::Tune { tune.concat() } else { fit.concat() };
        }
    }
    Ok(corpora)
}

/// File of a split in a corpus folder.
const fn file(split: Split) -> &'static str {
    match split {
        Split::Train | Split::Tune => "train.tsv",
        Split::Validation => "devel.tsv",
        Split::Test => "test.tsv",
    }
}

/// Counts over documents with the network as served, of the spans that `fires` accepts.
fn tally<'a>(
    notes: &Notes,
    documents: impl Iterator<Item = &'a [Sentence]>,
    fires: &impl Fn(usize, f64) -> bool,
) -> Result<Tally, TrainingError> {
    let mut tally = Tally::default();
    for some in documents.flat_map(|document| document.chunks(DOCUMENT)) {
        let words: Vec<&[String]> = some.iter().map(|one| one.words.as_slice()).collect();
        for (sentence, scores) in
            some.iter().zip(notes.read_documents(&[words])?.into_iter().flat_map(|one| one.scores))
        {
            tally.add(sentence, &spans(&scores));
        }
    }
    Ok(tally.firing(fires))
}
