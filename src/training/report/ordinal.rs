//! Figures of grades on an ordered scale.

use super::bootstrap::{Figures, Measured, wilson};
use crate::models::evaluation::ConformalCheck;

/// One answered case.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The true grade.
    pub truth: usize,
    /// The grade answered.
    pub grade: usize,
    /// Lowest and highest grade that remain.
    pub interval: (usize, usize),
    /// Promised coverage of such intervals.
    pub coverage: f64,
}

/// Cases on a scale of `levels` grades.
pub struct Ordinal {
    cases: Vec<Case>,
    levels: usize,
}

impl Ordinal {
    /// The scale reaches as far as the highest grade that is true or answered, and at least to `levels`.
    #[must_use]
    pub fn new(cases: Vec<Case>, levels: usize) -> Self {
        let highest = cases.iter().map(|case| case.truth.max(case.grade) + 1).max().unwrap_or(0);
        Self { cases, levels: levels.max(highest) }
    }

    /// Cases by true grade (row) and answered grade (column).
    #[must_use]
    pub fn confusion(&self) -> Vec<Vec<usize>> {
        let mut table = vec![vec![0; self.levels]; self.levels];
        self.cases.iter().for_each(|case| table[case.truth][case.grade] += 1);
        table
    }

    /// How often the true grade lies in its interval.
    #[must_use]
    pub fn conformal(&self) -> Option<ConformalCheck> {
        let n = self.cases.len();
        let promised = self.cases.first()?.coverage;
        let inside = |case: &&Case| (case.interval.0..=case.interval.1).contains(&case.truth);
        let covered = self.cases.iter().filter(inside).count();
        let size = |case: &Case| case.interval.1.saturating_sub(case.interval.0) + 1;
        let undecided = self.cases.iter().filter(|case| size(case) > 1).count();
        Some(ConformalCheck {
            promised,
            covered: covered as f64 / n as f64,
            interval: wilson(covered, n),
            undecided: undecided as f64 / n as f64,
            mean_size: self.cases.iter().map(size).sum::<usize>() as f64 / n as f64,
        })
    }
}

impl Measured for Ordinal {
    fn figures(&self, weights: &[u32]) -> Figures {
        let mut table = vec![vec![0.0; self.levels]; self.levels];
        for (case, weight) in self.cases.iter().zip(weights) {
            table[case.truth][case.grade] += f64::from(*weight);
        }
        let cells =
            || table.iter().enumerate().flat_map(|(row, line)| line.iter().enumerate().map(move |(c, n)| (row, c, *n)));
        let n: f64 = cells().map(|(.., n)| n).sum();
        if n == 0.0 {
            return Figures::new();
        }
        let mean = |of: fn(usize, usize) -> f64| cells().map(|(row, column, n)| of(row, column) * n).sum::<f64>() / n;
        let mut figures = vec![
            ("accuracy".to_owned(), mean(|row, column| f64::from(u8::from(row == column)))),
            ("accuracy_within_one".to_owned(), mean(|row, column| f64::from(u8::from(row.abs_diff(column) <= 1)))),
            ("mae".to_owned(), mean(|row, column| row.abs_diff(column) as f64)),
        ];
        figures.extend(quadratic_kappa(&table).map(|kappa| ("quadratic_kappa".to_owned(), kappa)));
        let recalls = table.iter().enumerate().filter_map(|(row, line)| {
            let all: f64 = line.iter().sum();
            (all > 0.0).then(|| line[row] / all)
        });
        let recalls: Vec<f64> = recalls.collect();
        figures.push(("balanced_accuracy".to_owned(), recalls.iter().sum::<f64>() / recalls.len().max(1) as f64));
        figures
    }
}

/// Cohen's kappa with quadratic weights (Cohen, Psychol Bull 1968;70:213): agreement beyond chance; nothing when all
/// cases lie in one cell's row and column.
fn quadratic_kappa(table: &[Vec<f64>]) -> Option<f64> {
    let n: f64 = table.iter().flatten().sum();
    let rows: Vec<f64> = table.iter().map(|line| line.iter().sum()).collect();
    let columns: Vec<f64> = (0..table.len()).map(|column| table.iter().map(|line| line[column]).sum()).collect();
    let (mut observed, mut expected) = (0.0, 0.0);
    for (row, line) in table.iter().enumerate() {
        for (column, count) in line.iter().enumerate() {
            let weight = (row.abs_diff(column) as f64).powi(2);
            observed += weight * count;
            expected += weight * rows[row] * columns[column] / n;
        }
    }
    (expected > 0.0).then(|| 1.0 - observed / expected)
}

#[cfg(test)]
mod tests {
    use super::{Case, Ordinal, quadratic_kappa};
    use crate::training::report::bootstrap::Measured as _;

    fn case(truth: usize, grade: usize) -> Case {
        Case { truth, grade, interval: (grade.saturating_sub(1), grade), coverage: 0.9 }
    }

    #[test]
    fn kappa_is_that_of_the_definition() {
        // By hand: observed 1·2/10… for [[2,1],[1,6]]: disagreement 0.2, by chance (3·3 + 7·7… ) → 1 − 0.2/0.42.
        let kappa = quadratic_kappa(&[vec![2.0, 1.0], vec![1.0, 6.0]]).unwrap();
        assert!((kappa - (1.0 - 0.2 / 0.42)).abs() < 1e-12, "{kappa}");
        // A mistake by two grades weighs four times as much as one by one.
        let near = quadratic_kappa(&[vec![5.0, 1.0, 0.0], vec![0.0, 5.0, 0.0], vec![0.0, 0.0, 5.0]]).unwrap();
        let far = quadratic_kappa(&[vec![5.0, 0.0, 1.0], vec![0.0, 5.0, 0.0], vec![0.0, 0.0, 5.0]]).unwrap();
        assert!(near > far);
        assert_eq!(quadratic_kappa(&[vec![3.0, 0.0], vec![0.0, 0.0]]), None);
    }

    #[test]
    fn figures_and_table_agree() {
        let ordinal = Ordinal::new(vec![case(0, 0), case(1, 2), case(2, 2), case(2, 0)], 5);
        assert_eq!(ordinal.confusion()[2], [1, 0, 1, 0, 0]);
        let figures: std::collections::BTreeMap<String, f64> = ordinal.figures(&[1; 4]).into_iter().collect();
        assert_eq!((figures["accuracy"], figures["mae"], figures["accuracy_within_one"]), (0.5, 0.75, 0.75));
        assert!((figures["balanced_accuracy"] - 0.5).abs() < 1e-12);
        let check = ordinal.conformal().unwrap();
        assert_eq!((check.covered, check.undecided, check.mean_size), (0.75, 0.5, 1.5));
    }
}
