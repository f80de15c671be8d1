//! The worst mistakes, by the case's number or file name, without patient data.

use super::Asked;
use crate::{
    models::evaluation::Failure,
    training::trial::{Answer, Trial, Truth},
};

/// Mistakes listed.
const LISTED: usize = 10;

/// The worst mistakes, worst first.
#[must_use]
pub fn worst(asked: &Asked<'_>, kept: &[(&Trial, &Answer)]) -> Vec<Failure> {
    let label = asked.manifest.labels.first();
    let (name, threshold) = label.map_or(("the finding", 0.5), |label| (label.name.as_str(), label.threshold));
    let mut mistakes: Vec<(f64, Failure)> = kept
        .iter()
        .filter_map(|(trial, answer)| {
            let (weight, truth, said) = match (&trial.truth, answer) {
                (Truth::Finding(truth), Answer::Probability { probability, .. }) => {
                    finding(*truth, *probability, (name, threshold))?
                }
                (Truth::Grade(truth), Answer::Grades { grade, probabilities, .. }) => {
                    graded(*truth, *grade, probabilities)?
                }
                (Truth::Mentions { spans, kinds }, Answer::Mentions(found)) => {
                    let served: Vec<_> = found.iter().filter(|one| one.2 && kinds.contains(&one.0.kind)).collect();
                    let right = served.iter().filter(|one| spans.contains(&one.0)).count();
                    let (missed, wrong) = (spans.len() - right, served.len() - right);
                    (missed + wrong > 0).then(|| {
                        let said = format!("{missed} missed, {wrong} that are not exactly marked so");
                        ((missed + wrong) as f64, format!("{} mentions", spans.len()), said)
                    })?
                }
                (Truth::Topics(truth), Answer::Topics(said)) => topics(truth, said)?,
                _ => return None,
            };
            Some((weight, Failure { case: trial.name.clone(), truth, said }))
        })
        .collect();
    // Stable: of equal mistakes the earlier case comes first.
    mistakes.sort_by(|a, b| b.0.total_cmp(&a.0));
    mistakes.into_iter().take(LISTED).map(|(_, failure)| failure).collect()
}

type Mistake = (f64, String, String);

/// A false alarm or a silence, by how far the probability is on the wrong side.
fn finding(truth: bool, probability: f64, (name, threshold): (&str, f64)) -> Option<Mistake> {
    let said = probability >= threshold;
    let truth_words = if truth { name.to_owned() } else { format!("no {name}") };
    // Distances to the threshold are measured on each side's own length, so that neither kind of mistake hides the other.
    let distance =
        if said { (probability - threshold) / (1.0 - threshold) } else { (threshold - probability) / threshold };
    (said != truth).then(|| (distance, truth_words, format!("probability {probability:.3} of {name}")))
}

/// By the number of grades between, then by how little the true grade was believed.
fn graded(truth: usize, grade: usize, probabilities: &[f64]) -> Option<Mistake> {
    let belief = probabilities.get(truth).copied().unwrap_or(0.0);
    let said = format!("grade {grade} (probability of grade {truth}: {belief:.3})");
    (truth != grade).then(|| (truth.abs_diff(grade) as f64 + 1.0 - belief, format!("grade {truth}"), said))
}

fn topics(truth: &[String], answers: &[(String, f64, f64)]) -> Option<Mistake> {
    let said: Vec<&str> = answers.iter().filter(|(_, p, at)| p >= at).map(|one| one.0.as_str()).collect();
    let right = said.iter().filter(|topic| truth.iter().any(|one| one == *topic)).count();
    let wrong = truth.len() + said.len() - 2 * right;
    let words = |topics: &[&str]| if topics.is_empty() { "no topic".to_owned() } else { topics.join(", ") };
    let truths: Vec<&str> = truth.iter().map(String::as_str).collect();
    (wrong > 0).then(|| (wrong as f64, words(&truths), words(&said)))
}
