//! Why a network said what it said: the vocabulary of explanations and of their checks.
//!
//! Contract: an explanation that fails a check is marked as unreliable where it is made ([`Explanation::checked`]).

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Why a network said what it said, with its own checks.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Explanation {
    /// The method's usual name, for example `class activation map`.
    pub method: String,
    /// Its parameters (steps, baseline …).
    pub parameters: BTreeMap<String, String>,
    /// |sum of attributions − change of score they should explain|, in units of the score.
    pub gap: f64,
    /// The greatest gap accepted.
    pub tolerance: f64,
    /// Whether the attribution passed its checks; an unreliable one is shown as such.
    pub reliable: bool,
    /// Which checks it failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<Doubt>,
    /// What an independent method says of the leading factor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_opinion: Option<SecondOpinion>,
    /// How much work it was allowed and took: with the same allowance the same input gives the same numbers.
    #[serde(default)]
    pub work: Work,
    /// The numbers.
    pub attribution: Attribution,
}

/// Points between baseline and input at which gradients were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Work {
    /// At most so many were allowed.
    pub allowed: usize,
    /// So many were used, all tries together; none by methods that need no points.
    pub spent: usize,
}

impl Explanation {
    /// An attribution with its checks carried out: every number finite, the gap within the tolerance, the second opinion
    /// of the same sign.
    #[must_use]
    pub fn checked(
        method: &str,
        parameters: BTreeMap<String, String>,
        (gap, tolerance): (f64, f64),
        second_opinion: Option<SecondOpinion>,
        attribution: Attribution,
    ) -> Self {
        let mut doubts = Vec::new();
        if !gap.is_finite() || !attribution.is_finite() {
            doubts.push(Doubt::NotFinite);
        } else if gap > tolerance {
            doubts.push(Doubt::Gap);
        }
        if second_opinion.as_ref().is_some_and(|opinion| !opinion.agrees) {
            doubts.push(Doubt::Disagreement);
        }
        let (method, reliable) = (method.to_owned(), doubts.is_empty());
        let work = Work::default();
        Self { method, parameters, gap, tolerance, reliable, doubts, second_opinion, work, attribution }
    }

    /// The same with the work it was.
    #[must_use]
    pub fn with_work(self, allowed: usize, spent: usize) -> Self {
        Self { work: Work { allowed, spent }, ..self }
    }
}

/// Why an explanation is not to be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doubt {
    /// A contribution is not a finite number.
    NotFinite,
    /// The contributions do not add up to what they explain.
    Gap,
    /// Taking the leading factor away moves the score the other way than its contribution says.
    Disagreement,
}

/// What happens to the score when the leading factor is taken away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SecondOpinion {
    /// `occlusion` or `leave one out`.
    pub method: String,
    /// What was taken away, in words.
    pub without: String,
    /// What the attribution puts down to it, in units of the score.
    pub attributed: f64,
    /// Score as it is less score without it.
    pub change: f64,
    /// Whether both have the same sign, or the change is too small to tell.
    pub agrees: bool,
}

impl SecondOpinion {
    /// Changes of score below this share of what was attributed tell nothing about the sign.
    pub const NEGLIGIBLE: f64 = 0.02;

    /// Compares an attribution with the change found.
    #[must_use]
    pub fn new(method: &str, without: &str, attributed: f64, change: f64) -> Self {
        let negligible = change.abs() <= Self::NEGLIGIBLE * attributed.abs();
        let agrees = change.is_finite() && (negligible || (change > 0.0) == (attributed > 0.0));
        Self { method: method.to_owned(), without: without.to_owned(), attributed, change, agrees }
    }
}

/// Attributed contributions, positive towards the finding.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Attribution {
    /// Per region of a film.
    Heat(HeatMap),
    /// Per variable of a course, strongest first.
    Factors {
        /// The variables.
        factors: Vec<Factor>,
    },
    /// Per word of the sentences in which something was found.
    Words {
        /// One entry per mention explained, the most probable first.
        mentions: Vec<MentionWords>,
    },
    /// The finding's own words are the evidence; nothing further is attributed.
    Spans,
}

impl Attribution {
    /// Whether every contribution is a finite number.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        match self {
            Self::Heat(map) => map.values.iter().all(|value| value.is_finite()),
            Self::Factors { factors } => factors.iter().all(|factor| factor.contribution.is_finite()),
            Self::Words { mentions } => {
                mentions.iter().flat_map(|one| &one.words).all(|word| word.contribution.is_finite())
            }
            Self::Spans => true,
        }
    }
}

/// What the words of its sentence contributed to finding one mention.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MentionWords {
    /// Index of the note in the input.
    pub note: usize,
    /// Byte offset in the note where the mention begins.
    pub start: usize,
    /// Byte offset in the note where its sentence begins; words are counted from there.
    pub sentence: usize,
    /// The words in order, in log-odds of the mention against nothing at its place.
    pub words: Vec<WordShare>,
    /// Log-odds of the mention, read in its sentence alone.
    pub score: f64,
    /// |sum of contributions − change of score they should explain|.
    pub gap: f64,
    /// The greatest gap accepted.
    pub tolerance: f64,
    /// Which checks failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<Doubt>,
    /// What leaving out the leading word does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_opinion: Option<SecondOpinion>,
}

/// One word's contribution.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WordShare {
    /// Byte offset in the sentence where the word begins.
    pub start: usize,
    /// Byte offset just after it.
    pub end: usize,
    /// In log-odds, positive towards the mention.
    pub contribution: f64,
}

/// The smallest change of modifiable values that brings a risk under its threshold: an association in the network, not
/// advice to change a number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Counterfactual {
    /// What would have had to differ, largest effect first; empty when nothing that may change lies outside its range.
    pub changes: Vec<Change>,
    /// Calibrated probability as it is.
    pub probability: f64,
    /// Calibrated probability with the changes.
    pub changed_probability: f64,
    /// The threshold.
    pub threshold: f64,
    /// Whether the changes bring the probability under the threshold.
    pub reached: bool,
}

/// One variable's part of a [`Counterfactual`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The network's name for the variable.
    pub variable: String,
    /// The variable in words.
    pub label: String,
    /// Mean over the hours that are changed, in `unit`.
    pub from: f64,
    /// Mean of the changed values over the same hours.
    pub to: f64,
    /// UCUM unit.
    pub unit: String,
    /// How many of the last hours are changed.
    pub hours: usize,
}

/// Contributions on a coarse grid over the film.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HeatMap {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Row by row from the top left, in units of the score; they sum to the score less its bias.
    pub values: Vec<f32>,
}

/// One variable's contribution.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Factor {
    /// The network's name for the variable.
    pub variable: String,
    /// The variable in words.
    pub label: String,
    /// Sum over the hours, in log-odds.
    pub contribution: f64,
    /// The part of it that came from the value being absent.
    pub from_absence: f64,
    /// Latest value in `unit`, if measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// UCUM unit.
    pub unit: String,
    /// When the latest value was measured (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// Contribution per hour of the window, oldest first.
    pub by_hour: Vec<f32>,
}

#[cfg(test)]
mod tests {
    use super::{Attribution, Doubt, Explanation, HeatMap, SecondOpinion};

    fn checked(gap: f64, value: f32, change: f64) -> Explanation {
        let heat = Attribution::Heat(HeatMap { width: 1, height: 1, values: vec![value] });
        let opinion = Some(SecondOpinion::new("occlusion", "the field", f64::from(value), change));
        Explanation::checked("x", Default::default(), (gap, 0.05), opinion, heat)
    }

    #[test]
    fn an_explanation_is_reliable_only_when_every_check_is_passed() {
        assert!(checked(0.01, 1.0, 0.8).reliable);
        for (gap, value, change, doubt) in [
            (0.06, 1.0, 0.8, Doubt::Gap),
            (f64::NAN, 1.0, 0.8, Doubt::NotFinite),
            (0.01, f32::NAN, 0.8, Doubt::NotFinite),
            (0.01, 1.0, -0.8, Doubt::Disagreement),
            (0.01, 1.0, f64::NAN, Doubt::Disagreement),
        ] {
            let explanation = checked(gap, value, change);
            assert!(!explanation.reliable && explanation.doubts.contains(&doubt), "{explanation:?}");
        }
    }

    #[test]
    fn a_change_too_small_to_have_a_sign_contradicts_nothing() {
        assert!(checked(0.0, 1.0, -0.01).reliable && checked(0.0, -1.0, 0.0).reliable);
        assert!(!checked(0.0, 1.0, -0.03).reliable);
    }
}
