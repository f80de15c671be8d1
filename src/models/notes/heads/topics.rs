//! What a note is about: one logistic function per specialty over its words and its pooled word vectors.

use super::{lexicon::Lexicon, view::View};
use crate::{domain::Topic, models::manifest::Label};

/// Topics less probable than this are not named.
const PROBABILITY_MIN: f64 = 0.01;

/// The linear layers, calibration folded in: a score is a calibrated log-odds.
#[derive(Debug, Clone)]
pub struct Topics {
    /// (labels × words).
    pub words: Vec<f32>,
    /// (labels × pooled).
    pub pooled: Vec<f32>,
    /// One per label.
    pub bias: Vec<f32>,
}

impl Topics {
    /// Log-odds of every label.
    #[must_use]
    pub fn scores(&self, words: &[(u32, f32)], pooled: &[f32]) -> Vec<f64> {
        let labels = self.bias.len().max(1);
        let (vocabulary, width) = (self.words.len() / labels, self.pooled.len() / labels);
        let score = |(label, bias): (usize, &f32)| {
            let row = &self.words[label * vocabulary..(label + 1) * vocabulary];
            let said: f64 = words.iter().map(|(place, value)| f64::from(row[*place as usize] * value)).sum();
            let row = &self.pooled[label * width..(label + 1) * width];
            let meant: f64 = row.iter().zip(pooled).map(|(weight, value)| f64::from(weight * value)).sum();
            said + meant + f64::from(*bias)
        };
        self.bias.iter().enumerate().map(score).collect()
    }

    /// What the note is about, most probable first.
    #[must_use]
    pub fn read(&self, view: &View<'_>, note: usize, lexicon: &Lexicon, labels: &[Label]) -> Vec<Topic> {
        let scores = self.scores(&lexicon.weigh(view.text), &view.pooled());
        let topic = |(label, score): (&Label, f64)| Topic {
            note,
            label: label.name.clone(),
            probability: 1.0 / (1.0 + (-score).exp()),
            threshold: label.threshold,
        };
        let mut topics: Vec<Topic> = labels.iter().zip(scores).map(topic).collect();
        topics.retain(|topic| topic.probability >= PROBABILITY_MIN || topic.probability >= topic.threshold);
        topics.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        topics
    }
}
