//! Training of the heads beside recognition: what a note is about, and its key phrases.
//!
//! Contract: the encoder in `note-problems`, beside the folder that is written, stays as it is. Fitting is convex, so the
//! seed only draws which candidates stand for the rest; nothing is chosen on the validation split.

pub mod data;
pub mod features;
pub mod phrases;
mod texts;
pub mod topics;
mod write;

pub use data::trials;

use super::{Bar, EpochLine, Plan, Progress as _, Split, TrainingError};
use crate::{
    domain::Clock,
    models::notes::{Notes, heads::lexicon::Lexicon},
};
use data::Report;
use std::path::{Path, PathBuf};
use topics::Example;

/// Folder of the encoder, beside the heads'.
pub const ENCODER: &str = "note-problems";

/// The plan `auscult train note-specialty` follows: only seed and checkpoint folder matter, and whether there are epochs
/// at all: with `--epochs 0` the encoder is left out and words alone are used.
#[must_use]
pub const fn plan(checkpoint: PathBuf) -> Plan {
    Plan {
        epochs: 1,
        batch: 1,
        learning_rate: 0.0,
        weight_decay: 0.0,
        warmup: 0,
        seed: 1,
        ema: None,
        patience: None,
        resume: true,
        checkpoint,
    }
}

/// Fits the heads on the reports in `data` and writes the folder `out`; the encoder is read from its neighbour.
///
/// # Errors
/// [`TrainingError`] when data or encoder are missing, the arithmetic fails or the folder cannot be written.
pub fn train(data: &Path, out: &Path, plan: &Plan, clock: &dyn Clock) -> Result<(), TrainingError> {
    let encoder = out.parent().unwrap_or(Path::new(".")).join(ENCODER);
    let notes = if plan.epochs > 0 { Some(Notes::open(&encoder)?) } else { None };
    let reports: Vec<Report> =
        data::read(data)?.into_iter().filter(|report| matches!(report.split, Split::Train | Split::Tune)).collect();
    if reports.is_empty() {
        return Err(TrainingError::Data(format!("{}: no report of the split train", data.display())));
    }
    let (words, lexicon) = features::lexicon(reports.iter())?;
    let bar = Bar::new("macro F1");
    let features = features::read(notes.as_ref(), &reports, &lexicon, plan, &bar)?;
    let examples = examples(&reports, &lexicon, &features);
    let tried = |line: EpochLine| bar.epoch(line, false);
    let topics = topics::fit_topics(&examples, lexicon.len(), &features, &tried)?;
    let phrases = phrases::fit_phrases(&features);
    let fitted = write::Fitted { words, lexicon, topics, phrases, width: features.width };
    write::folder(data, out, plan, notes.as_ref(), &fitted, reports.len(), clock)
}

fn examples<'a>(reports: &[Report], lexicon: &Lexicon, features: &'a features::Features) -> Vec<Example<'a>> {
    let width = 2 * features.width;
    let example = |(at, report): (usize, &Report)| Example {
        words: lexicon.weigh(&report.text),
        pooled: &features.pooled[at * width..(at + 1) * width],
        truth: data::TOPICS.iter().map(|topic| report.topics.contains(topic)).collect(),
        lot: report.lot,
    };
    reports.iter().enumerate().map(example).collect()
}
