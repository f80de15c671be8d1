//! Figures of topics: several may be true of one note.

use super::{
    binary,
    bootstrap::{Figures, Measured},
};
use std::collections::BTreeSet;

/// One answered note.
#[derive(Debug, Clone)]
pub struct Case {
    /// True topics.
    pub truth: Vec<String>,
    /// Topics with probability and threshold; one that was not answered counts as having probability 0.
    pub answers: Vec<(String, f64, f64)>,
}

impl Case {
    /// Topics whose probability reaches the threshold.
    pub fn fired(&self) -> impl Iterator<Item = &str> {
        self.answers.iter().filter(|(_, probability, threshold)| probability >= threshold).map(|one| one.0.as_str())
    }
}

/// Notes, label by label.
pub struct Topics {
    labels: Vec<String>,
    /// For each label and note: whether it fired.
    fired: Vec<Vec<bool>>,
    /// For each label its yes-or-no question over all notes.
    questions: Vec<binary::Binary>,
}

impl Topics {
    /// The labels are those that are true of or fired for some note, as scikit-learn counts them for macro averages.
    #[must_use]
    pub fn new(cases: &[Case]) -> Self {
        let named = |case: &Case| -> Vec<String> {
            case.truth.iter().cloned().chain(case.fired().map(str::to_owned)).collect()
        };
        let labels: Vec<String> = cases.iter().flat_map(named).collect::<BTreeSet<_>>().into_iter().collect();
        let fired = |label: &String| cases.iter().map(|case| case.fired().any(|one| one == label)).collect();
        let question = |label: &String| {
            let one = |case: &Case| {
                let p = case.answers.iter().find(|(name, ..)| name == label).map_or(0.0, |(_, p, _)| *p);
                binary::Case { score: p, probability: p, positive: case.truth.contains(label) }
            };
            binary::Binary::new("", cases.iter().map(one).collect(), 0.5)
        };
        let (fired, questions) = (labels.iter().map(fired).collect(), labels.iter().map(question).collect());
        Self { labels, fired, questions }
    }

    /// Every answered topic of every note as a yes-or-no question, for calibration.
    #[must_use]
    pub fn questions(cases: &[Case]) -> Vec<binary::Case> {
        let of = |case: &Case| -> Vec<binary::Case> {
            let one = |(label, p, _): &(String, f64, f64)| binary::Case {
                score: *p,
                probability: *p,
                positive: case.truth.contains(label),
            };
            case.answers.iter().map(one).collect()
        };
        cases.iter().flat_map(of).collect()
    }
}

impl Measured for Topics {
    fn figures(&self, weights: &[u32]) -> Figures {
        let mut micro = [0.0; 3];
        let (mut of_label, mut macros) = (Figures::new(), Vec::new());
        for ((label, fired), question) in self.labels.iter().zip(&self.fired).zip(&self.questions) {
            let [mut found, mut marked, mut right] = [0.0; 3];
            for ((case, fired), weight) in question.cases().iter().zip(fired).zip(weights) {
                let weight = f64::from(*weight);
                found += if *fired { weight } else { 0.0 };
                marked += if case.positive { weight } else { 0.0 };
                right += if *fired && case.positive { weight } else { 0.0 };
            }
            micro = [micro[0] + found, micro[1] + marked, micro[2] + right];
            if found + marked == 0.0 {
                continue;
            }
            let f1 = 2.0 * right / (found + marked);
            macros.push(f1);
            of_label.push((format!("f1_{label}"), f1));
            of_label.extend(question.auroc(weights).map(|auroc| (format!("auroc_{label}"), auroc)));
        }
        let [found, marked, right] = micro;
        let share = |whole: f64, part: f64| (whole > 0.0).then(|| part / whole);
        let all = [
            ("micro_f1", share(found + marked, 2.0 * right)),
            ("macro_f1", share(macros.len() as f64, macros.iter().sum())),
            ("micro_precision", share(found, right)),
            ("micro_recall", share(marked, right)),
        ];
        let all = all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        all.chain(of_label).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Case, Topics};
    use crate::training::report::bootstrap::Measured as _;
    use std::collections::BTreeMap;

    fn case(truth: &[&str], fired: &[&str]) -> Case {
        let answers =
            ["a", "b", "c"].map(|label| (label.to_owned(), if fired.contains(&label) { 0.8 } else { 0.2 }, 0.5));
        Case { truth: truth.iter().map(|one| (*one).to_owned()).collect(), answers: answers.to_vec() }
    }

    #[test]
    fn micro_and_macro_f1_are_those_of_the_definition() {
        let cases = [case(&["a", "b"], &["a"]), case(&["a"], &["a", "c"]), case(&["b"], &["b"]), case(&["a"], &["b"])];
        let figures: BTreeMap<String, f64> = Topics::new(&cases).figures(&[1; 4]).into_iter().collect();
        // a: found 2, marked 3, right 2 → 0.8; b: 2, 2, 1 → 0.5; c: 1, 0, 0 → 0; all: 5, 5, 3 → 0.6.
        assert!((figures["micro_f1"] - 0.6).abs() < 1e-12);
        assert!((figures["macro_f1"] - 1.3 / 3.0).abs() < 1e-12);
        assert!((figures["f1_a"] - 0.8).abs() < 1e-12 && !figures.contains_key("auroc_c"));
        assert!((figures["auroc_a"] - (2.0 + 0.5) / 3.0).abs() < 1e-12, "{}", figures["auroc_a"]);
        assert_eq!(Topics::questions(&cases).len(), 12);
    }

    #[test]
    fn a_note_that_does_not_count_changes_nothing() {
        let cases = [case(&["a"], &["a"]), case(&["b"], &["c"])];
        let figures: BTreeMap<String, f64> = Topics::new(&cases).figures(&[1, 0]).into_iter().collect();
        assert_eq!((figures["micro_f1"], figures["macro_f1"]), (1.0, 1.0));
    }
}
