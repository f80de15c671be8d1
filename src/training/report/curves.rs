//! Curves and tables of a yes-or-no question: reliability, ROC, thresholds, conformal answers.

use super::{binary::Case, bootstrap::wilson};
use crate::{
    domain::{Answer, Certainty},
    models::evaluation::{ConformalCheck, ReliabilityBin, ThresholdRow},
    training::metrics::{self, BINS},
};

/// Most points of the ROC curve that are written down.
const POINTS_MAX: usize = 200;

/// Bins of equal width; empty ones are left out.
#[must_use]
pub fn reliability(cases: &[Case]) -> Vec<ReliabilityBin> {
    let edge = |bin: usize| bin as f64 / BINS as f64;
    let of_bin = |bin: usize| {
        let inside: Vec<&Case> = cases.iter().filter(|case| metrics::bin(case.probability) == bin).collect();
        one_bin(&inside, edge(bin), edge(bin + 1))
    };
    (0..BINS).filter_map(of_bin).collect()
}

/// Ten groups of equal size, from the least probable to the most.
#[must_use]
pub fn deciles(cases: &[Case]) -> Vec<ReliabilityBin> {
    let mut sorted: Vec<&Case> = cases.iter().collect();
    sorted.sort_by(|a, b| a.probability.total_cmp(&b.probability));
    let part = |tenth: usize| &sorted[tenth * sorted.len() / 10..(tenth + 1) * sorted.len() / 10];
    let of_part = |tenth| {
        let inside = part(tenth);
        one_bin(inside, inside.first()?.probability, inside.last()?.probability)
    };
    (0..10).filter_map(of_part).collect()
}

fn one_bin(inside: &[&Case], from: f64, to: f64) -> Option<ReliabilityBin> {
    let n = inside.len();
    let positives = inside.iter().filter(|case| case.positive).count();
    (n > 0).then(|| ReliabilityBin {
        from,
        to,
        n,
        predicted: inside.iter().map(|case| case.probability).sum::<f64>() / n as f64,
        observed: positives as f64 / n as f64,
        interval: wilson(positives, n),
    })
}

/// Points (share of false alarms, sensitivity) from (0, 0) to (1, 1), at most [`POINTS_MAX`].
#[must_use]
pub fn roc(cases: &[Case]) -> Vec<[f64; 2]> {
    let (scores, labels): (Vec<f64>, Vec<bool>) = cases.iter().map(|case| (case.score, case.positive)).unzip();
    let Some(points) = metrics::operating_points(&scores, &labels).filter(|_| labels.iter().any(|label| !label)) else {
        return Vec::new();
    };
    let mut curve = vec![[0.0, 0.0]];
    curve.extend(points.iter().map(|point| [1.0 - point.specificity, point.sensitivity]));
    let stride = curve.len().div_ceil(POINTS_MAX);
    let last = curve.len() - 1;
    curve.iter().enumerate().filter(|(at, _)| at % stride == 0 || *at == last).map(|(_, point)| *point).collect()
}

/// Thresholds from 0.05 to 0.95 and the one in use, with net benefit (Vickers & Elkin, Med Decis Making 2006;26:565).
#[must_use]
pub fn thresholds(cases: &[Case], in_use: f64) -> Vec<ThresholdRow> {
    let (p, labels): (Vec<f64>, Vec<bool>) = cases.iter().map(|case| (case.probability, case.positive)).unzip();
    let mut wanted: Vec<(f64, bool)> = (1..20).map(|step| (f64::from(step) * 0.05, false)).collect();
    wanted.retain(|(threshold, _)| (threshold - in_use).abs() > 1e-9);
    wanted.push((in_use, true));
    wanted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (n, prevalence) = (cases.len() as f64, metrics::sensitivity_at(&vec![1.0; labels.len()], &labels, 0.5));
    let row = |(threshold, in_use): (f64, bool)| {
        let counts = metrics::confusion_at(&p, &labels, threshold);
        let odds = threshold / (1.0 - threshold);
        let share = labels.iter().filter(|label| **label).count() as f64 / n;
        let silent = counts.true_negatives + counts.false_negatives;
        prevalence.and_then(|_| {
            Some(ThresholdRow {
                threshold,
                in_use,
                sensitivity: counts.sensitivity()?,
                specificity: counts.specificity()?,
                ppv: counts.ppv(),
                npv: (silent > 0).then(|| counts.true_negatives as f64 / silent as f64),
                alerts_per_100: counts.alerts_per_100()?,
                net_benefit: counts.true_positives as f64 / n - counts.false_positives as f64 / n * odds,
                net_benefit_all: share - (1.0 - share) * odds,
            })
        })
    };
    wanted.into_iter().filter_map(row).collect()
}

/// What binary conformal answers kept of their promise; nothing when there are none.
#[must_use]
pub fn conformal(answers: &[(Certainty, bool)]) -> Option<ConformalCheck> {
    let promised = answers.first()?.0.coverage;
    let covers = |(certainty, positive): &&(Certainty, bool)| match certainty.answer {
        Answer::Yes => *positive,
        Answer::No => !positive,
        Answer::Either => true,
    };
    let covered = answers.iter().filter(covers).count();
    let either = answers.iter().filter(|one| one.0.answer == Answer::Either).count();
    let n = answers.len() as f64;
    Some(ConformalCheck {
        promised,
        covered: covered as f64 / n,
        interval: wilson(covered, answers.len()),
        undecided: either as f64 / n,
        mean_size: 1.0 + either as f64 / n,
    })
}

#[cfg(test)]
mod tests {
    use super::{Case, conformal, deciles, reliability, roc, thresholds};
    use crate::domain::{Answer, Certainty};

    fn case(probability: f64, positive: bool) -> Case {
        Case { score: probability, probability, positive }
    }

    #[test]
    fn bins_hold_every_case_once_and_say_what_happened() {
        let cases: Vec<Case> = (0..100).map(|index| case(f64::from(index) / 100.0, index >= 60)).collect();
        let bins = reliability(&cases);
        assert_eq!(bins.iter().map(|bin| bin.n).sum::<usize>(), 100);
        assert!(bins[0].observed == 0.0 && bins[14].observed == 1.0);
        assert!(bins.iter().all(|bin| bin.from - 1e-9 <= bin.predicted && bin.predicted <= bin.to + 1e-9));
        assert!(bins.iter().all(|bin| bin.interval[0] <= bin.observed && bin.observed <= bin.interval[1]));
        let deciles = deciles(&cases);
        assert!(deciles.len() == 10 && deciles.iter().all(|part| part.n == 10));
        assert!(deciles[5].observed == 0.0 && deciles[6].observed == 1.0);
        assert!(super::deciles(&cases[..3]).len() <= 3);
    }

    #[test]
    fn the_curve_goes_from_corner_to_corner_and_stays_short() {
        let cases: Vec<Case> = (0..1000).map(|index| case(f64::from(index) / 1000.0, index % 3 == 0)).collect();
        let curve = roc(&cases);
        assert!(curve.len() <= 201 && curve[0] == [0.0, 0.0] && curve[curve.len() - 1] == [1.0, 1.0]);
        assert!(curve.windows(2).all(|pair| pair[0][0] <= pair[1][0] && pair[0][1] <= pair[1][1]));
        assert!(roc(&[case(0.5, true)]).is_empty());
    }

    #[test]
    fn net_benefit_follows_its_definition() {
        // 10 of 40 with the finding; at 0.5 eight of them and six others get a card: 8/40 − 6/40 × 1.
        let mut cases = vec![case(0.9, true); 8];
        cases.extend(vec![case(0.1, true); 2]);
        cases.extend(vec![case(0.7, false); 6]);
        cases.extend(vec![case(0.2, false); 24]);
        let rows = thresholds(&cases, 0.33);
        let half = rows.iter().find(|row| (row.threshold - 0.5).abs() < 1e-9).unwrap();
        assert!((half.net_benefit - 0.05).abs() < 1e-12 && (half.net_benefit_all + 0.5).abs() < 1e-12);
        assert!((half.alerts_per_100 - 35.0).abs() < 1e-12 && (half.npv.unwrap() - 24.0 / 26.0).abs() < 1e-12);
        assert_eq!(rows.iter().filter(|row| row.in_use).map(|row| row.threshold).collect::<Vec<_>>(), [0.33]);
        assert!(rows.len() == 20 && rows[19].ppv.is_none(), "nobody reaches 0.95");
        assert_eq!(thresholds(&cases, 0.5).len(), 19, "the one in use is not listed twice");
    }

    #[test]
    fn an_answer_covers_when_the_truth_remains() {
        let certain = |answer| Certainty { answer, coverage: 0.9 };
        let answers = [
            (certain(Answer::Yes), true),
            (certain(Answer::Yes), false),
            (certain(Answer::No), false),
            (certain(Answer::Either), true),
        ];
        let check = conformal(&answers).unwrap();
        assert_eq!((check.promised, check.covered, check.undecided, check.mean_size), (0.9, 0.75, 0.25, 1.25));
        assert!(conformal(&[]).is_none());
    }
}
