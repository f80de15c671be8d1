//! Figures of merit for scored cases: ranking, agreement at a threshold, calibration.
//!
//! Contract: pure functions of scores (or probabilities) and labels of equal length; `None` where the figure is not
//! defined (no case, no positive, no negative, a score that is not a number), never a made-up value.

/// Area under the receiver operating characteristic: the chance that a positive case scores above a negative one,
/// ties counting half (Mann–Whitney; Hanley & McNeil, Radiology 1982;143:29). `None` unless both classes occur.
#[must_use]
pub fn auroc(scores: &[f64], labels: &[bool]) -> Option<f64> {
    let ranked = ranked(scores, labels)?;
    let positives = labels.iter().filter(|label| **label).count();
    let negatives = labels.len() - positives;
    if positives == 0 || negatives == 0 {
        return None;
    }
    // From the highest score down: a negative is beaten by the positives above it, and by half of those level with it.
    let (mut above, mut won) = (0.0, 0.0);
    for group in ranked.chunk_by(|a, b| a.0 == b.0) {
        let level = group.iter().filter(|one| one.1).count() as f64;
        let losers = group.len() as f64 - level;
        won += losers * (above + level / 2.0);
        above += level;
    }
    Some(won / (positives as f64 * negatives as f64))
}

/// Average precision: the sum over thresholds of precision × gain in recall, without interpolation (as scikit-learn's
/// `average_precision_score`). `None` without a positive case.
#[must_use]
pub fn auprc(scores: &[f64], labels: &[bool]) -> Option<f64> {
    let points = operating_points(scores, labels)?;
    let mut sum = 0.0;
    let mut recall = 0.0;
    for point in points {
        sum += (point.sensitivity - recall) * point.ppv;
        recall = point.sensitivity;
    }
    Some(sum)
}

/// Event 1 of the PhysioNet/CinC Challenge 2012: the greatest min(sensitivity, PPV) over all thresholds
/// (Silva et al., CinC 2012;39:245). `None` without a positive case.
#[must_use]
pub fn event1(scores: &[f64], labels: &[bool]) -> Option<f64> {
    Some(operating_points(scores, labels)?.iter().map(OperatingPoint::event1).fold(0.0, f64::max))
}

/// One possible threshold and what it would give; a case is called positive when its score is at or above it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OperatingPoint {
    /// The lowest score called positive.
    pub lowest: f64,
    /// The next score below it, called negative; nothing when all cases are called positive.
    pub next: Option<f64>,
    /// Share of the positive cases called positive.
    pub sensitivity: f64,
    /// Share of the negative cases called negative; 1 when there are none.
    pub specificity: f64,
    /// Share of the cases called positive that are.
    pub ppv: f64,
}

impl OperatingPoint {
    /// min(sensitivity, PPV).
    #[must_use]
    pub fn event1(&self) -> f64 {
        self.sensitivity.min(self.ppv)
    }

    /// Youden's index: sensitivity + specificity − 1.
    #[must_use]
    pub fn youden(&self) -> f64 {
        self.sensitivity + self.specificity - 1.0
    }

    /// A threshold halfway to the next score below, so that rounding in the last bits calls no case otherwise.
    #[must_use]
    pub fn threshold(&self) -> f64 {
        self.next.map_or(self.lowest, |next| f64::midpoint(self.lowest, next))
    }
}

/// Every distinguishable threshold, from the strictest down. `None` without a positive case.
#[must_use]
pub fn operating_points(scores: &[f64], labels: &[bool]) -> Option<Vec<OperatingPoint>> {
    let ranked = ranked(scores, labels)?;
    let positives = labels.iter().filter(|label| **label).count() as f64;
    if positives == 0.0 {
        return None;
    }
    let negatives = labels.len() as f64 - positives;
    let (mut found, mut called) = (0.0, 0_usize);
    let points = ranked.chunk_by(|a, b| a.0 == b.0).map(|group| {
        found += group.iter().filter(|one| one.1).count() as f64;
        called += group.len();
        let false_alarms = called as f64 - found;
        OperatingPoint {
            lowest: group[0].0,
            next: ranked.get(called).map(|one| one.0),
            sensitivity: found / positives,
            specificity: if negatives > 0.0 { 1.0 - false_alarms / negatives } else { 1.0 },
            ppv: found / called as f64,
        }
    });
    Some(points.collect())
}

/// Counts at one threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confusion {
    /// Positive and called so.
    pub true_positives: usize,
    /// Negative, called positive.
    pub false_positives: usize,
    /// Positive, called negative.
    pub false_negatives: usize,
    /// Negative and called so.
    pub true_negatives: usize,
}

/// Counts when a case is called positive at `threshold` or above.
#[must_use]
pub fn confusion_at(scores: &[f64], labels: &[bool], threshold: f64) -> Confusion {
    let mut counts = Confusion { true_positives: 0, false_positives: 0, false_negatives: 0, true_negatives: 0 };
    for (score, label) in scores.iter().zip(labels) {
        match (*score >= threshold, *label) {
            (true, true) => counts.true_positives += 1,
            (true, false) => counts.false_positives += 1,
            (false, true) => counts.false_negatives += 1,
            (false, false) => counts.true_negatives += 1,
        }
    }
    counts
}

impl Confusion {
    /// All cases.
    #[must_use]
    pub fn total(&self) -> usize {
        self.true_positives + self.false_positives + self.false_negatives + self.true_negatives
    }

    /// Share of the positive cases called positive.
    #[must_use]
    pub fn sensitivity(&self) -> Option<f64> {
        share(self.true_positives, self.true_positives + self.false_negatives)
    }

    /// Share of the negative cases called negative.
    #[must_use]
    pub fn specificity(&self) -> Option<f64> {
        share(self.true_negatives, self.true_negatives + self.false_positives)
    }

    /// Share of the cases called positive that are.
    #[must_use]
    pub fn ppv(&self) -> Option<f64> {
        share(self.true_positives, self.true_positives + self.false_positives)
    }

    /// Share of the cases called rightly.
    #[must_use]
    pub fn accuracy(&self) -> Option<f64> {
        share(self.true_positives + self.true_negatives, self.total())
    }

    /// Cases called positive per 100.
    #[must_use]
    pub fn alerts_per_100(&self) -> Option<f64> {
        Some(100.0 * share(self.true_positives + self.false_positives, self.total())?)
    }
}

/// Share of cases called rightly at `threshold`.
#[must_use]
pub fn accuracy_at(scores: &[f64], labels: &[bool], threshold: f64) -> Option<f64> {
    confusion_at(scores, labels, threshold).accuracy()
}

/// Share of positive cases at or above `threshold`.
#[must_use]
pub fn sensitivity_at(scores: &[f64], labels: &[bool], threshold: f64) -> Option<f64> {
    confusion_at(scores, labels, threshold).sensitivity()
}

/// Share of negative cases below `threshold`.
#[must_use]
pub fn specificity_at(scores: &[f64], labels: &[bool], threshold: f64) -> Option<f64> {
    confusion_at(scores, labels, threshold).specificity()
}

/// Share of the cases at or above `threshold` that are positive.
#[must_use]
pub fn ppv_at(scores: &[f64], labels: &[bool], threshold: f64) -> Option<f64> {
    confusion_at(scores, labels, threshold).ppv()
}

/// Brier score: mean squared difference of probability and outcome (0 is perfect).
#[must_use]
pub fn brier(probabilities: &[f64], labels: &[bool]) -> Option<f64> {
    if probabilities.is_empty() || probabilities.len() != labels.len() {
        return None;
    }
    let sum: f64 = probabilities.iter().zip(labels).map(|(p, label)| (p - f64::from(u8::from(*label))).powi(2)).sum();
    Some(sum / labels.len() as f64)
}

/// Bins of the calibration error and of the reliability diagram.
pub const BINS: usize = 15;

/// The bin of a probability, 0 to [`BINS`] − 1; a probability of 1 is in the last.
#[must_use]
pub fn bin(probability: f64) -> usize {
    ((probability * BINS as f64) as usize).min(BINS - 1)
}

/// Expected calibration error over [`BINS`] bins of equal width: mean |share of positives − mean probability|, weighted by
/// the number of cases in the bin (Guo et al., ICML 2017).
#[must_use]
pub fn ece(probabilities: &[f64], labels: &[bool]) -> Option<f64> {
    if probabilities.is_empty() || probabilities.len() != labels.len() {
        return None;
    }
    // The difference of sums needs no division: n/N × |positives/n − sum/n| = |positives − sum| / N.
    let mut surplus = [0.0; BINS];
    for (p, label) in probabilities.iter().zip(labels) {
        surplus[bin(*p)] += f64::from(u8::from(*label)) - p;
    }
    Some(surplus.iter().map(|one: &f64| one.abs()).sum::<f64>() / labels.len() as f64)
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Cases from the highest score to the lowest; nothing when lengths differ, there is no case or a score is NaN.
fn ranked(scores: &[f64], labels: &[bool]) -> Option<Vec<(f64, bool)>> {
    if scores.is_empty() || scores.len() != labels.len() || scores.iter().any(|score| score.is_nan()) {
        return None;
    }
    let mut cases: Vec<(f64, bool)> = scores.iter().copied().zip(labels.iter().copied()).collect();
    cases.sort_by(|a, b| b.0.total_cmp(&a.0));
    Some(cases)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCORES: [f64; 4] = [0.1, 0.4, 0.35, 0.8];
    const LABELS: [bool; 4] = [false, false, true, true];

    fn close(found: Option<f64>, expected: f64) {
        assert!((found.unwrap() - expected).abs() < 1e-12, "{found:?} instead of {expected}");
    }

    #[test]
    fn the_textbook_example_has_auroc_three_quarters() {
        close(auroc(&SCORES, &LABELS), 0.75);
    }

    #[test]
    fn ties_count_half() {
        close(auroc(&[0.5; 4], &LABELS), 0.5);
        // One pair won, two pairs level, one lost: (1 + 2/2) / 4.
        close(auroc(&[0.2, 0.6, 0.6, 0.6], &[true, false, true, false]), 1.0 / 4.0);
    }

    #[test]
    fn average_precision_is_that_of_scikit_learn() {
        // scikit-learn's own documentation example: 0.8333…
        close(auprc(&SCORES, &LABELS), 5.0 / 6.0);
    }

    #[test]
    fn event1_is_the_best_of_the_lesser() {
        // Thresholds: 0.8 → (0.5, 1), 0.4 → (0.5, 0.5), 0.35 → (1, 2/3), 0.1 → (1, 0.5).
        close(event1(&SCORES, &LABELS), 2.0 / 3.0);
    }

    #[test]
    fn counts_at_a_threshold_are_right() {
        let counts = confusion_at(&SCORES, &LABELS, 0.4);
        assert_eq!(counts, Confusion { true_positives: 1, false_positives: 1, false_negatives: 1, true_negatives: 1 });
        close(accuracy_at(&SCORES, &LABELS, 0.35), 0.75);
        close(sensitivity_at(&SCORES, &LABELS, 0.35), 1.0);
        close(specificity_at(&SCORES, &LABELS, 0.35), 0.5);
        close(ppv_at(&SCORES, &LABELS, 0.35), 2.0 / 3.0);
        close(counts.alerts_per_100(), 50.0);
    }

    #[test]
    fn brier_and_calibration_error_follow_their_definitions() {
        let probabilities = [0.05, 0.15, 0.15, 0.95];
        let labels = [false, false, true, true];
        close(brier(&probabilities, &labels), (0.0025 + 0.0225 + 0.7225 + 0.0025) / 4.0);
        // Bins of one fifteenth: [0.05: 0 of 1], [0.15, 0.15: 1 of 2], [0.95: 1 of 1].
        close(ece(&probabilities, &labels), (0.05 + (1.0_f64 - 0.3) + 0.05) / 4.0);
        // 0.66 and 0.67 lie on either side of 10/15.
        close(ece(&[0.66, 0.67], &[false, true]), (0.66 + 0.33) / 2.0);
        close(ece(&[1.0], &[true]), 0.0);
    }

    #[test]
    fn undefined_figures_are_not_made_up() {
        assert_eq!(auroc(&[0.1, 0.2], &[true, true]), None);
        assert_eq!(auroc(&[f64::NAN, 0.2], &[true, false]), None);
        assert_eq!(auprc(&[0.1], &[false]), None);
        assert_eq!(event1(&[], &[]), None);
        assert_eq!(brier(&[0.1], &[]), None);
        assert_eq!(ppv_at(&[0.1], &[true], 0.5), None);
    }

    #[test]
    fn a_threshold_lies_between_two_scores() {
        let points = operating_points(&SCORES, &LABELS).unwrap();
        assert!((points[0].threshold() - 0.6).abs() < 1e-12);
        assert!((points[3].threshold() - 0.1).abs() < 1e-12);
        assert!((points[0].youden() - 0.5).abs() < 1e-12);
    }
}
