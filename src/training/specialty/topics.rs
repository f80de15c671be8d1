//! Fitting what a note is about.
//!
//! Contract: every training report is scored by weights that were fitted without it (five folds), and penalty, scale of
//! the pooled vectors, calibration and thresholds are chosen on these scores; then the weights are fitted on all of
//! them. Nothing here sees the validation split.

use super::{data::TOPICS, features::Features};
use crate::{
    models::notes::heads::topics::Topics,
    training::{
        EpochLine, TrainingError, calibration,
        logistic::{Case, Goal, Rows, fit},
    },
};

/// Parts in which reports are left out of fitting.
const FOLDS: u8 = 5;
/// Penalties tried.
const PENALTIES: [f64; 1] = [0.1];
/// Lengths tried for the pooled vectors beside the words, whose length is 1.
const SCALES: [f32; 3] = [0.0, 0.4, 0.8];
/// Most steps of one fit.
const STEPS: usize = 60;

/// One report to fit on.
pub struct Example<'a> {
    /// Weights of its words.
    pub words: Vec<(u32, f32)>,
    /// Its pooled vectors.
    pub pooled: &'a [f32],
    /// Which of [`TOPICS`] are true of it.
    pub truth: Vec<bool>,
    /// What folds are cut by.
    pub lot: u8,
}

/// The fitted layers with what was found on the way.
pub struct Fitted {
    /// Calibrated layers.
    pub topics: Topics,
    /// Threshold per topic on the calibrated probability.
    pub thresholds: Vec<f64>,
    /// Penalty and scale chosen.
    pub chosen: (f64, f32),
    /// Macro F1 of the scores of reports left out, at these thresholds.
    pub macro_f1: f64,
    /// What was tried, in words.
    pub tried: Vec<String>,
}

/// How pooled numbers are put beside words: (value − mean) × factor.
struct Scaling {
    mean: Vec<f64>,
    factor: Vec<f64>,
}

/// Fits the layers.
///
/// # Errors
/// [`TrainingError::Data`] when a topic has too few reports to be calibrated.
pub fn fit_topics(
    examples: &[Example<'_>],
    vocabulary: usize,
    features: &Features,
    told: &dyn Fn(EpochLine),
) -> Result<Fitted, TrainingError> {
    let sparse: Vec<Vec<(u32, f32)>> = examples.iter().map(|one| one.words.clone()).collect();
    let (mut best, mut tried): (Option<Fitted>, Vec<String>) = (None, Vec::new());
    for scale in SCALES.into_iter().filter(|scale| features.width > 0 || *scale == 0.0) {
        let scaling = scaling(examples, features.width * 2, scale);
        let dense: Vec<f32> = examples.iter().flat_map(|one| scaling.apply(one.pooled)).collect();
        let rows = Rows {
            sparse: &sparse,
            sparse_width: vocabulary,
            dense: if scale > 0.0 { &dense } else { &[] },
            dense_width: if scale > 0.0 { features.width * 2 } else { 0 },
        };
        for penalty in PENALTIES {
            let scores = left_out(&rows, examples, penalty);
            let (calibrations, thresholds, macro_f1) = decide(&scores, examples)?;
            let said = format!(
                "penalty {penalty}, pooled vectors of length {scale}: macro F1 {macro_f1:.4} on reports left out"
            );
            tried.push(said);
            told(EpochLine { epoch: tried.len(), loss: 0.0, metric: macro_f1, learning_rate: 0.0 });
            if best.as_ref().is_none_or(|best| macro_f1 > best.macro_f1) {
                let topics = layers(&rows, examples, penalty, &scaling, &calibrations);
                let chosen = (penalty, scale);
                best = Some(Fitted { topics, thresholds, chosen, macro_f1, tried: Vec::new() });
            }
        }
    }
    let best = best.ok_or_else(|| TrainingError::Data("nothing was tried".into()))?;
    Ok(Fitted { tried, ..best })
}

fn scaling(examples: &[Example<'_>], width: usize, scale: f32) -> Scaling {
    let count = examples.len().max(1) as f64;
    let (mut mean, mut square) = (vec![0.0; width], vec![0.0; width]);
    for example in examples {
        for ((mean, square), value) in mean.iter_mut().zip(&mut square).zip(example.pooled) {
            *mean += f64::from(*value) / count;
            *square += f64::from(*value).powi(2) / count;
        }
    }
    let length = f64::from(scale) / (width.max(1) as f64).sqrt();
    let factor = mean.iter().zip(&square).map(|(mean, square)| length / (square - mean * mean).max(1e-8).sqrt());
    Scaling { factor: factor.collect(), mean }
}

impl Scaling {
    fn apply<'a>(&'a self, pooled: &'a [f32]) -> impl Iterator<Item = f32> + 'a {
        let scaled = pooled.iter().zip(&self.mean).zip(&self.factor);
        scaled.map(|((value, mean), factor)| ((f64::from(*value) - mean) * factor) as f32)
    }
}

/// Cases of one topic; those with it count together as much as those without (King & Zeng, Political Analysis 2001;9:137).
fn cases(examples: &[Example<'_>], topic: usize, keep: impl Fn(u8) -> bool) -> Vec<Case> {
    let kept: Vec<usize> = (0..examples.len()).filter(|&at| keep(examples[at].lot % FOLDS)).collect();
    let positive = kept.iter().filter(|&&at| examples[at].truth[topic]).count().max(1) as f64;
    let (all, negative) = (kept.len() as f64, (kept.len() as f64 - positive).max(1.0));
    let counts = |yes: bool| all / 2.0 / if yes { positive } else { negative };
    kept.into_iter().map(|at| (at, examples[at].truth[topic], counts(examples[at].truth[topic]))).collect()
}

const fn goal(penalty: f64) -> Goal {
    Goal { penalty, steps: STEPS, tolerance: 1e-3 }
}

/// (topics × reports): scores by weights fitted without the report's fold.
fn left_out(rows: &Rows<'_>, examples: &[Example<'_>], penalty: f64) -> Vec<Vec<f64>> {
    let of_topic = |topic: usize| {
        let mut scores = vec![0.0; examples.len()];
        for fold in 0..FOLDS {
            let weights = fit(rows, &cases(examples, topic, |one| one != fold), &goal(penalty));
            for at in (0..examples.len()).filter(|&at| examples[at].lot % FOLDS == fold) {
                scores[at] = rows.score(at, &weights);
            }
        }
        scores
    };
    (0..TOPICS.len()).map(of_topic).collect()
}

/// Slope and intercept, threshold per topic, and the macro F1 there. Where probabilities are calibrated, F1 is greatest
/// when the threshold is half of the greatest F1 (Lipton, Elkan & Naryanaswamy, ECML PKDD 2014): steadier than the
/// threshold that happens to be best for a few dozen reports.
type Decided = (Vec<(f64, f64)>, Vec<f64>, f64);

fn decide(scores: &[Vec<f64>], examples: &[Example<'_>]) -> Result<Decided, TrainingError> {
    let (mut calibrations, mut thresholds, mut sum) = (Vec::new(), Vec::new(), 0.0);
    for (topic, scores) in scores.iter().enumerate() {
        let truth: Vec<bool> = examples.iter().map(|one| one.truth[topic]).collect();
        let found = calibration::platt(scores, &truth)
            .map_err(|error| TrainingError::Data(format!("{}: {error}", TOPICS[topic])))?;
        let probabilities: Vec<f64> = scores.iter().map(|score| found.probability(*score)).collect();
        let best = (1..100).map(|at| f1(&probabilities, &truth, f64::from(at) / 100.0)).fold(0.0, f64::max);
        let threshold = (best / 2.0 * 100.0).round().clamp(5.0, 95.0) / 100.0;
        sum += f1(&probabilities, &truth, threshold);
        calibrations.push((found.slope, found.intercept));
        thresholds.push(threshold);
    }
    Ok((calibrations, thresholds, sum / TOPICS.len() as f64))
}

/// F1 of "at least the threshold".
#[must_use]
pub fn f1(probabilities: &[f64], truth: &[bool], threshold: f64) -> f64 {
    let (mut said, mut right) = (0.0, 0.0);
    for (probability, truth) in probabilities.iter().zip(truth) {
        if *probability >= threshold {
            said += 1.0;
            right += f64::from(u8::from(*truth));
        }
    }
    let marked = truth.iter().filter(|truth| **truth).count() as f64;
    if said + marked > 0.0 { 2.0 * right / (said + marked) } else { 0.0 }
}

/// Fits on all reports and folds scaling and calibration into the weights.
fn layers(
    rows: &Rows<'_>,
    examples: &[Example<'_>],
    penalty: f64,
    scaling: &Scaling,
    calibrations: &[(f64, f64)],
) -> Topics {
    let mut topics = Topics { words: Vec::new(), pooled: Vec::new(), bias: Vec::new() };
    for (topic, (slope, intercept)) in calibrations.iter().enumerate() {
        let weights = fit(rows, &cases(examples, topic, |_| true), &goal(penalty));
        let (words, rest) = weights.split_at(rows.sparse_width);
        topics.words.extend(words.iter().map(|weight| (weight * slope) as f32));
        let mut bias = weights.last().copied().unwrap_or(0.0);
        for (at, (factor, mean)) in scaling.factor.iter().zip(&scaling.mean).enumerate() {
            let weight = if rows.dense_width > 0 { rest[at] * factor } else { 0.0 };
            bias -= weight * mean;
            topics.pooled.push((weight * slope) as f32);
        }
        topics.bias.push((bias * slope + intercept) as f32);
    }
    topics
}
