//! The one scorer: answers against truths, whatever the network, whether it ran here or was asked through HTTP.
//!
//! Contract: figures come from answers alone, so equal answers give equal reports (intervals too: resampling is seeded).
//! Refused cases are counted by reason and left out of the figures. A figure that is not defined is absent.
//!
//! ```no_run
//! # use auscult::{domain::*, models, training::{report::{self, Asked}, Split, TrainingError, trial::Trial}};
//! # fn example(folder: &std::path::Path, trials: Vec<Trial>, clock: &dyn Clock) -> Result<(), Box<dyn std::error::Error>> {
//! let model = models::load(folder)?;
//! let (answers, speed) = report::ask(model.as_ref(), &trials, 32, &|_done| ())?;
//! let asked = Asked { speed: Some(speed), ..Asked::new(model.manifest(), folder, Split::Validation, clock.now().date()) };
//! let report = report::score(&asked, &trials, &answers)?;
//! assert!(report.metrics.contains_key("auroc") && report.intervals.contains_key("auroc"));
//! # Ok(()) }
//! ```

pub mod answer;
pub mod binary;
pub mod bootstrap;
pub mod curves;
pub mod failures;
pub mod markdown;
pub mod mentions;
pub mod ordinal;
mod task;
pub mod topics;

use super::{
    Split, TrainingError,
    trial::{Answer, Trial, Truth},
};
use crate::models::{
    Manifest, Model,
    evaluation::{Report, Speed, Subgroup},
};
use answer::Question;
use bootstrap::Clusters;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Instant,
};
use task::Task;
use time::Date;

/// Seed of the resampling: the same for all reports.
const SEED: u64 = 95;
/// A part of the cases gets figures from this many cases on …
const PART_MIN: usize = 20;
/// … of which at least this many have the finding and this many do not.
const CLASS_MIN: usize = 5;

/// What was asked, and how.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    /// The network's papers.
    pub manifest: &'a Manifest,
    /// Its folder.
    pub folder: &'a Path,
    /// The part of the data.
    pub split: Split,
    /// Day of the evaluation.
    pub date: Date,
    /// `here`, or the address of the service.
    pub through: String,
    /// Speed, if it was measured.
    pub speed: Option<Speed>,
    /// The binary question beside a grade.
    pub cut: Cut,
}

/// The binary question beside a grade: from which grade on the first label is true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The lowest grade with the finding.
    pub from: usize,
    /// What stands before the names of its figures.
    pub prefix: String,
}

impl Default for Cut {
    /// Osteoarthritis of the knee: Kellgren–Lawrence grade 2 or more (Kellgren & Lawrence, Ann Rheum Dis 1957;16:494).
    fn default() -> Self {
        Self { from: 2, prefix: "oa_".into() }
    }
}

impl<'a> Asked<'a> {
    /// Asked here.
    #[must_use]
    pub fn new(manifest: &'a Manifest, folder: &'a Path, split: Split, date: Date) -> Self {
        Self { manifest, folder, split, date, through: "here".into(), speed: None, cut: Cut::default() }
    }
}

/// Runs a network over trials, `batch` at a time; `done` hears how many are behind it.
///
/// # Errors
/// [`TrainingError`] when the network fails or does not answer what the truth asks for.
pub fn ask(
    model: &dyn Model,
    trials: &[Trial],
    batch: usize,
    done: &dyn Fn(usize),
) -> Result<(Vec<Answer>, Speed), TrainingError> {
    let mut answers = Vec::with_capacity(trials.len());
    let begin = Instant::now();
    for part in trials.chunks(batch.max(1)) {
        let inputs: Vec<_> = part.iter().map(|trial| &trial.input).collect();
        for (prediction, trial) in model.predict(&inputs)?.iter().zip(part) {
            answers.push(answer::of(prediction, &Question::of(model.manifest(), &trial.truth))?);
        }
        done(answers.len());
    }
    let cases_per_second = answers.len() as f64 / begin.elapsed().as_secs_f64().max(1e-9);
    Ok((answers, Speed { cases_per_second, threads: rayon::current_num_threads() }))
}

/// Scores answers, one per trial and in the same order.
///
/// # Errors
/// [`TrainingError::Data`] when there are no trials, or an answer is of another kind than the truth.
pub fn score(asked: &Asked<'_>, trials: &[Trial], answers: &[Answer]) -> Result<Report, TrainingError> {
    if trials.is_empty() || trials.len() != answers.len() {
        return Err(TrainingError::Data(format!("{} answers for {} cases", answers.len(), trials.len())));
    }
    let mut refused: BTreeMap<String, usize> = BTreeMap::new();
    let mut kept: Vec<(&Trial, &Answer)> = Vec::with_capacity(trials.len());
    for (trial, answer) in trials.iter().zip(answers) {
        match answer {
            Answer::Refused(reason) => *refused.entry(reason.clone()).or_default() += 1,
            answer => kept.push((trial, answer)),
        }
    }
    let task = Task::of(asked, &kept)?;
    let clusters = Clusters::of(kept.iter().map(|(trial, _)| trial.cluster.as_str()), |_| true);
    let (metrics, intervals) =
        bootstrap::measure(|weights| task.measured().figures(weights), &clusters, kept.len(), SEED);
    let mut report = Report {
        model: asked.manifest.name.clone(),
        version: asked.manifest.version.clone(),
        split: asked.split.to_string(),
        date: asked.date.to_string(),
        through: asked.through.clone(),
        n: trials.len(),
        positives: trials.iter().map(|trial| positives(&trial.truth, &asked.cut)).sum(),
        metrics,
        intervals,
        reliability: Vec::new(),
        deciles: Vec::new(),
        roc: Vec::new(),
        thresholds: Vec::new(),
        subgroups: subgroups(&task, &kept, &asked.cut),
        conformal: None,
        confusion: Vec::new(),
        failures: failures::worst(asked, &kept),
        speed: asked.speed.clone(),
        size_bytes: size(asked),
        refused,
    };
    let share = (trials.len() - kept.len()) as f64 / trials.len() as f64;
    report.metrics.insert("refused".into(), share);
    report.intervals.insert("refused".into(), bootstrap::wilson(trials.len() - kept.len(), trials.len()));
    task.describe(asked, &mut report);
    Ok(report)
}

/// Positive cases, or marked mentions and topics.
fn positives(truth: &Truth, cut: &Cut) -> usize {
    match truth {
        Truth::Finding(positive) => usize::from(*positive),
        Truth::Grade(grade) => usize::from(*grade >= cut.from),
        Truth::Mentions { spans, .. } => spans.len(),
        Truth::Topics(topics) => topics.len(),
    }
}

/// Bytes of the files that decide the answer.
fn size(asked: &Asked<'_>) -> u64 {
    let bytes = |file: &str| std::fs::metadata(asked.folder.join(file)).map_or(0, |metadata| metadata.len());
    asked.manifest.files.iter().map(|file| bytes(&file.file)).sum()
}

/// The figures in every part that is large enough to have some.
fn subgroups(task: &Task, kept: &[(&Trial, &Answer)], cut: &Cut) -> Vec<Subgroup> {
    let parts: BTreeSet<(&str, &str)> = kept
        .iter()
        .flat_map(|(trial, _)| trial.groups.iter().map(|(by, group)| (by.as_str(), group.as_str())))
        .collect();
    let of_part = |(by, group): (&str, &str)| {
        let inside: Vec<bool> =
            kept.iter().map(|(trial, _)| trial.groups.get(by).is_some_and(|own| own == group)).collect();
        let members = || kept.iter().zip(&inside).filter(|(_, inside)| **inside).map(|((trial, _), _)| *trial);
        let (n, positives) = (members().count(), members().map(|trial| positives(&trial.truth, cut)).sum::<usize>());
        let negatives = members().filter(|trial| self::positives(&trial.truth, cut) == 0).count();
        if n < PART_MIN || positives < CLASS_MIN || (task.is_binary() && negatives < CLASS_MIN) {
            return None;
        }
        let clusters = Clusters::of(kept.iter().map(|(trial, _)| trial.cluster.as_str()), |case| inside[case]);
        let of = |weights: &[u32]| task.measured().part_figures(weights);
        let (metrics, intervals) = bootstrap::measure(of, &clusters, kept.len(), SEED);
        Some(Subgroup { by: by.to_owned(), group: group.to_owned(), n, positives, metrics, intervals })
    };
    parts.into_iter().filter_map(of_part).collect()
}

#[cfg(test)]
mod tests;
