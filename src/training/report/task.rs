//! What kind of question a network answers, and everything a report says about that kind.

use super::{
    Asked,
    binary::{self, Binary},
    bootstrap::{Figures, Measured, wilson},
    curves,
    mentions::{self, Mentions},
    ordinal::{self, Ordinal},
    topics::{self, Topics},
};
use crate::{
    domain::{self, Certainty},
    models::evaluation::Report,
    training::{
        TrainingError,
        trial::{Answer, Trial, Truth},
    },
};

/// Answered cases, ready to be measured.
pub(super) enum Task {
    /// A probability each, with conformal answers if the network gives them.
    Finding(Binary, Vec<(Certainty, bool)>),
    /// A grade each, and a probability beside it.
    Grade(Graded),
    /// Mentions, and for calibration every one of them as a question.
    Mentions(Spread<Mentions>),
    /// Topics, and for calibration every one of them as a question.
    Topics(Spread<Topics>),
}

/// Grades and the yes-or-no question beside them.
pub(super) struct Graded {
    ordinal: Ordinal,
    binary: Binary,
}

/// Figures per note, with the calibration of what was said in them.
pub(super) struct Spread<T> {
    of_notes: T,
    questions: Binary,
    /// The note of each question.
    owner: Vec<usize>,
}

impl Task {
    pub(super) fn of(asked: &Asked<'_>, kept: &[(&Trial, &Answer)]) -> Result<Self, TrainingError> {
        let threshold = asked.manifest.labels.first().map_or(0.5, |label| label.threshold);
        let task = match kept.first().map(|(trial, _)| &trial.truth) {
            Some(Truth::Finding(_)) => finding(kept, threshold),
            Some(Truth::Grade(_)) => grade(asked, kept, threshold),
            Some(Truth::Mentions { .. }) => mentions(asked, kept),
            Some(Truth::Topics(_)) => topics(kept),
            None => Some(Self::Finding(Binary::new("", Vec::new(), threshold), Vec::new())),
        };
        task.ok_or_else(|| TrainingError::Data("an answer is of another kind than the truth".into()))
    }

    pub(super) fn measured(&self) -> &dyn Measured {
        match self {
            Self::Finding(binary, _) => binary,
            Self::Grade(graded) => graded,
            Self::Mentions(spread) => spread,
            Self::Topics(spread) => spread,
        }
    }

    /// Whether figures need cases with and without the finding.
    pub(super) fn is_binary(&self) -> bool {
        matches!(self, Self::Finding(..) | Self::Grade(_))
    }

    /// Curves and tables.
    pub(super) fn describe(&self, asked: &Asked<'_>, report: &mut Report) {
        let binary = match self {
            Self::Finding(binary, _) | Self::Grade(Graded { binary, .. }) => binary,
            Self::Mentions(Spread { questions, .. }) | Self::Topics(Spread { questions, .. }) => questions,
        };
        report.reliability = curves::reliability(binary.cases());
        report.deciles = curves::deciles(binary.cases());
        if self.is_binary() {
            let threshold = asked.manifest.labels.first().map_or(0.5, |label| label.threshold);
            report.roc = curves::roc(binary.cases());
            report.thresholds = curves::thresholds(binary.cases(), threshold);
        }
        match self {
            Self::Finding(_, certainties) => {
                report.conformal = curves::conformal(certainties);
                for (name, class) in [("coverage_positive", true), ("coverage_negative", false)] {
                    if let Some((share, interval)) = class_coverage(certainties, class) {
                        report.metrics.insert(name.into(), share);
                        report.intervals.insert(name.into(), interval);
                    }
                }
            }
            Self::Grade(graded) => {
                report.conformal = graded.ordinal.conformal();
                report.confusion = graded.ordinal.confusion();
            }
            Self::Mentions(_) | Self::Topics(_) => (),
        }
    }
}

/// Share of the cases of one class whose true answer remains.
fn class_coverage(certainties: &[(Certainty, bool)], class: bool) -> Option<(f64, [f64; 2])> {
    let other = if class { domain::Answer::No } else { domain::Answer::Yes };
    let of_class: Vec<_> = certainties.iter().filter(|(_, positive)| *positive == class).collect();
    let covered = of_class.iter().filter(|(certainty, _)| certainty.answer != other).count();
    (!of_class.is_empty()).then(|| (covered as f64 / of_class.len() as f64, wilson(covered, of_class.len())))
}

fn finding(kept: &[(&Trial, &Answer)], threshold: f64) -> Option<Task> {
    let (mut cases, mut certainties) = (Vec::with_capacity(kept.len()), Vec::new());
    for (trial, answer) in kept {
        let (Truth::Finding(positive), Answer::Probability { score, probability, certainty }) = (&trial.truth, answer)
        else {
            return None;
        };
        cases.push(binary::Case { score: *score, probability: *probability, positive: *positive });
        certainties.extend(certainty.map(|certainty| (certainty, *positive)));
    }
    Some(Task::Finding(Binary::new("", cases, threshold), certainties))
}

fn grade(asked: &Asked<'_>, kept: &[(&Trial, &Answer)], threshold: f64) -> Option<Task> {
    let (mut grades, mut cases, mut levels) = (Vec::with_capacity(kept.len()), Vec::with_capacity(kept.len()), 0);
    for (trial, answer) in kept {
        let (Truth::Grade(truth), Answer::Grades { grade, probabilities, interval, coverage, score, probability }) =
            (&trial.truth, answer)
        else {
            return None;
        };
        levels = levels.max(probabilities.len());
        grades.push(ordinal::Case { truth: *truth, grade: *grade, interval: *interval, coverage: *coverage });
        let positive = *truth >= asked.cut.from;
        cases.push(binary::Case { score: *score, probability: *probability, positive });
    }
    let binary = Binary::new(&asked.cut.prefix, cases, threshold);
    Some(Task::Grade(Graded { ordinal: Ordinal::new(grades, levels), binary }))
}

fn mentions(asked: &Asked<'_>, kept: &[(&Trial, &Answer)]) -> Option<Task> {
    let mut order: Vec<String> = asked.manifest.labels.iter().map(|label| label.name.clone()).collect();
    for (trial, _) in kept {
        if let Truth::Mentions { kinds, .. } = &trial.truth {
            let new: Vec<String> = kinds.iter().filter(|kind| !order.contains(kind)).cloned().collect();
            order.extend(new);
        }
    }
    let (mut cases, mut questions, mut owner) = (Vec::with_capacity(kept.len()), Vec::new(), Vec::new());
    for (at, (trial, answer)) in kept.iter().enumerate() {
        let (Truth::Mentions { spans, kinds }, Answer::Mentions(found)) = (&trial.truth, answer) else {
            return None;
        };
        let (served, all) = mentions::compare(spans, kinds, found, &order);
        cases.push(mentions::Case { served, all, corpus: trial.groups.get("corpus").cloned() });
        let own = mentions::questions(spans, kinds, found);
        owner.extend(vec![at; own.len()]);
        questions.extend(own);
    }
    let of_notes = Mentions::new(cases, order);
    Some(Task::Mentions(Spread { of_notes, questions: Binary::new("", questions, 0.5), owner }))
}

fn topics(kept: &[(&Trial, &Answer)]) -> Option<Task> {
    let case = |(trial, answer): &(&Trial, &Answer)| match (&trial.truth, answer) {
        (Truth::Topics(truth), Answer::Topics(answers)) => {
            Some(topics::Case { truth: truth.clone(), answers: answers.clone() })
        }
        _ => None,
    };
    let cases: Vec<topics::Case> = kept.iter().map(case).collect::<Option<_>>()?;
    let owner = cases.iter().enumerate().flat_map(|(at, case)| vec![at; case.answers.len()]).collect();
    let questions = Binary::new("", Topics::questions(&cases), 0.5);
    Some(Task::Topics(Spread { of_notes: Topics::new(&cases), questions, owner }))
}

impl Measured for Graded {
    fn figures(&self, weights: &[u32]) -> Figures {
        [self.ordinal.figures(weights), self.binary.figures(weights)].concat()
    }

    fn part_figures(&self, weights: &[u32]) -> Figures {
        [self.ordinal.figures(weights), self.binary.part_figures(weights)].concat()
    }
}

impl<T: Measured> Measured for Spread<T> {
    fn figures(&self, weights: &[u32]) -> Figures {
        let of_questions: Vec<u32> = self.owner.iter().map(|note| weights[*note]).collect();
        let calibration = self.questions.figures(&of_questions).into_iter();
        let calibration = calibration.filter(|(name, _)| {
            ["brier", "ece", "log_loss"].contains(&name.as_str()) || name.starts_with("calibration")
        });
        self.of_notes.figures(weights).into_iter().chain(calibration).collect()
    }

    fn part_figures(&self, weights: &[u32]) -> Figures {
        self.of_notes.figures(weights)
    }
}
