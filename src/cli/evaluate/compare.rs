//! Whether the service gives the answers that the network gives here.

use super::super::Failed;
use crate::{
    models::evaluation::Report,
    training::trial::{Answer, Trial},
};

/// Greatest difference of a probability: a batch and a single input differ in the last bits of f32 sums.
const PROBABILITY: f64 = 1e-4;
/// Greatest difference of a metric: one case of a thousand on the other side of a threshold is too much.
const METRIC: f64 = 5e-4;

/// Says the greatest differences.
///
/// # Errors
/// When an answer is of another kind, or a difference is too great.
pub(super) fn check(
    trials: &[Trial],
    (here, measured_here): (&[Answer], &Report),
    (served, measured_served): (&[Answer], &Report),
    say: &dyn Fn(&str),
) -> Result<(), Failed> {
    let (mut greatest, mut at, mut other) = (0.0, "", Vec::new());
    for (trial, (here, served)) in trials.iter().zip(here.iter().zip(served)) {
        match difference(here, served) {
            Some(difference) if difference > greatest => (greatest, at) = (difference, trial.name.as_str()),
            Some(_) => {}
            None => other.push(trial.name.as_str()),
        }
    }
    let gaps = measured_here.metrics.iter().map(|(key, value)| {
        let served = measured_served.metrics.get(key).copied().unwrap_or(f64::INFINITY);
        (key.as_str(), (value - served).abs())
    });
    let (key, gap) = gaps.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or(("", 0.0));
    say(&format!(
        "here and through HTTP: probabilities differ by at most {greatest:.2e} {at}; metrics by at most {gap:.2e} {key}; \
         {} answers of another kind",
        other.len()
    ));
    if !other.is_empty() || greatest > PROBABILITY || gap > METRIC {
        let cases = other.iter().take(5).copied().collect::<Vec<_>>().join(", ");
        return Err(format!("the service does not answer as the network does here {cases}").trim_end().into());
    }
    Ok(())
}

/// What a record says of a network for which the chart held nothing: the service does not ask it.
const NO_INPUT: &str = "no-input";

/// Greatest difference of two answers' probabilities; nothing when they are of another kind (refused here and not there,
/// other spans, other topics). Here a case without any measurement is refused by the network, there it is not asked.
fn difference(here: &Answer, served: &Answer) -> Option<f64> {
    match (here, served) {
        (Answer::Refused(a), Answer::Refused(b)) => (a == b || b == NO_INPUT).then_some(0.0),
        (Answer::Probability { probability: a, .. }, Answer::Probability { probability: b, .. }) => Some((a - b).abs()),
        (Answer::Grades { probabilities: a, .. }, Answer::Grades { probabilities: b, .. }) if a.len() == b.len() => {
            Some(a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max))
        }
        (Answer::Mentions(a), Answer::Mentions(b)) => {
            let (mut a, mut b) = (a.clone(), b.clone());
            a.sort_by(|one, two| one.0.cmp(&two.0));
            b.sort_by(|one, two| one.0.cmp(&two.0));
            let same = a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.0 == b.0);
            same.then(|| a.iter().zip(&b).map(|(a, b)| (a.1 - b.1).abs()).fold(0.0, f64::max))
        }
        (Answer::Topics(a), Answer::Topics(b)) => {
            let of = |topic: &str| b.iter().find(|one| one.0 == topic).map(|one| one.1);
            let each = a.iter().map(|(topic, p, _)| Some((p - of(topic)?).abs()));
            (a.len() == b.len())
                .then(|| each.collect::<Option<Vec<_>>>())?
                .map(|all| all.into_iter().fold(0.0, f64::max))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::difference;
    use crate::training::trial::{Answer, Span};

    #[test]
    fn answers_differ_by_their_probabilities_or_in_kind() {
        let number = |probability| Answer::Probability { score: 0.0, probability, certainty: None };
        let refused = |reason: &str| Answer::Refused(reason.into());
        assert!((difference(&number(0.5), &number(0.25)).unwrap() - 0.25).abs() < 1e-12);
        assert_eq!(difference(&number(0.5), &refused("blank")), None);
        assert_eq!(difference(&refused("noise"), &refused("blank")), None);
        assert_eq!(difference(&refused("too-little"), &refused("no-input")), Some(0.0));
        assert_eq!(difference(&number(0.5), &refused("no-input")), None);
        let mention = |start, p| (Span { start, end: start + 3, kind: "Disease".into() }, p, true);
        let (a, b) = (vec![mention(0, 0.9), mention(9, 0.5)], vec![mention(9, 0.6), mention(0, 0.9)]);
        assert!((difference(&Answer::Mentions(a.clone()), &Answer::Mentions(b)).unwrap() - 0.1).abs() < 1e-12);
        assert_eq!(difference(&Answer::Mentions(a), &Answer::Mentions(vec![])), None);
        let topic = |label: &str, p| (label.to_owned(), p, 0.5);
        let topics = |p| Answer::Topics(vec![topic("a", p), topic("b", 0.1)]);
        assert!((difference(&topics(0.7), &topics(0.4)).unwrap() - 0.3).abs() < 1e-12);
        assert_eq!(difference(&topics(0.7), &Answer::Topics(vec![topic("a", 0.7), topic("c", 0.1)])), None);
    }
}
