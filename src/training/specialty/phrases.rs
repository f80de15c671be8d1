//! Fitting and measuring key phrases.
//!
//! Contract: a phrase counts as right when the collection names exactly these words for the report; only phrases that
//! stand in the text are sought.

use super::{
    data::{Report, note},
    features::Features,
};
use crate::{
    models::notes::{
        Notes,
        heads::{
            lexicon::Lexicon,
            phrases::{PLAIN, Phrases, candidates},
            view::View,
        },
    },
    training::{
        TrainingError,
        logistic::{Case, Goal, Rows, fit},
    },
};

/// Penalty on standardised features.
const PENALTY: f64 = 20.0;

/// Fits the layer on the candidates of training reports.
#[must_use]
pub fn fit_phrases(features: &Features) -> Phrases {
    let width = PLAIN + features.width;
    let count = features.marks.len().max(1) as f64;
    let (mut mean, mut square) = (vec![0.0f64; width], vec![0.0f64; width]);
    for row in features.candidates.chunks_exact(width) {
        for ((mean, square), value) in mean.iter_mut().zip(&mut square).zip(row) {
            *mean += f64::from(*value) / count;
            *square += f64::from(*value).powi(2) / count;
        }
    }
    let spread: Vec<f64> = mean.iter().zip(&square).map(|(m, s)| (s - m * m).max(1e-6).sqrt()).collect();
    let scaled = |(at, value): (usize, &f32)| ((f64::from(*value) - mean[at % width]) / spread[at % width]) as f32;
    let dense: Vec<f32> = features.candidates.iter().enumerate().map(scaled).collect();
    let sparse = vec![Vec::new(); features.marks.len()];
    let rows = Rows { sparse: &sparse, sparse_width: 0, dense: &dense, dense_width: width };
    let cases: Vec<Case> =
        features.marks.iter().enumerate().map(|(row, (key, count))| (row, *key, f64::from(*count))).collect();
    let weights = fit(&rows, &cases, &Goal { penalty: PENALTY, steps: 120, tolerance: 1e-4 });
    let mut bias = weights[width];
    let folded: Vec<f32> = (0..width)
        .map(|at| {
            bias -= weights[at] / spread[at] * mean[at];
            (weights[at] / spread[at]) as f32
        })
        .collect();
    Phrases { weights: folded, bias: bias as f32 }
}

/// Mean over reports with at least one phrase in the text.
#[derive(Debug, Clone, Copy, Default)]
pub struct Score {
    /// Of the ten strongest candidates.
    pub f1_at_10: f64,
    /// Of the five strongest.
    pub precision_at_5: f64,
    /// Reports counted.
    pub n: usize,
}

impl Score {
    fn add(&mut self, ranked: &[String], report: &Report, sought: usize) {
        let right = |most: usize| ranked.iter().take(most).filter(|one| report.phrases.contains(*one)).count() as f64;
        self.f1_at_10 += 2.0 * right(10) / (ranked.len().min(10) + sought) as f64;
        self.precision_at_5 += right(5) / 5.0;
        self.n += 1;
    }

    fn mean(self) -> Self {
        let n = self.n.max(1) as f64;
        Self { f1_at_10: self.f1_at_10 / n, precision_at_5: self.precision_at_5 / n, n: self.n }
    }
}

/// The head's score, and that of ranking by tf-idf (count × mean rarity of the words).
///
/// # Errors
/// [`TrainingError`] when the arithmetic fails.
pub fn measure(
    notes: Option<&Notes>,
    phrases: &Phrases,
    lexicon: &Lexicon,
    reports: &[Report],
) -> Result<[Score; 2], TrainingError> {
    let mut scores = [Score::default(); 2];
    for report in reports {
        let ranked = match notes {
            Some(notes) => notes.view(&note(&report.text), |view| both(view, phrases, lexicon))?,
            None => Some(both(&View::of_text(&report.text), phrases, lexicon)),
        };
        let Some((ours, plain)) = ranked else { continue };
        let sought = ours.iter().filter(|one| report.phrases.contains(*one)).count();
        if sought > 0 {
            scores[0].add(&ours, report, sought);
            scores[1].add(&plain, report, sought);
        }
    }
    Ok(scores.map(Score::mean))
}

/// The candidates as the head ranks them, and as tf-idf does.
fn both(view: &View<'_>, phrases: &Phrases, lexicon: &Lexicon) -> (Vec<String>, Vec<String>) {
    let ours = phrases.rank(view, lexicon).into_iter().map(|(one, _)| one.key).collect();
    (ours, by_rarity(view, lexicon))
}

fn by_rarity(view: &View<'_>, lexicon: &Lexicon) -> Vec<String> {
    let weigh = |key: &str, count: usize| {
        let rarities: Vec<f32> = key
            .split(' ')
            .filter(|word| word.starts_with(char::is_alphanumeric))
            .map(|word| lexicon.rarity(word))
            .collect();
        count as f32 * rarities.iter().sum::<f32>() / rarities.len().max(1) as f32
    };
    let mut ranked: Vec<(f32, String)> =
        candidates(view).into_iter().map(|one| (weigh(&one.key, one.count), one.key)).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    ranked.into_iter().map(|(_, key)| key).collect()
}
