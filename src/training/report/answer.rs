//! A prediction as an answer that can be scored.
//!
//! Contract: there is one reader, of the prediction's JSON as the record holds it. A prediction made here is first
//! written as that JSON (numbers keep every bit), so that what is measured is what would be recorded. A prediction that
//! lacks what the question needs is an error, never a guess.

use crate::{
    domain::{self, Certainty, Prediction},
    models::Manifest,
    training::{
        TrainingError,
        trial::{Answer, Span, Truth},
    },
};
use serde_json::Value;

/// What was asked of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// The probability of this label.
    Finding(String),
    /// A grade, beside the probability of this label.
    Grade(String),
    /// The mentions in a note.
    Mentions,
    /// The topics of a note.
    Topics,
}

impl Question {
    /// The question that a case with such a truth puts to a network.
    #[must_use]
    pub fn of(manifest: &Manifest, truth: &Truth) -> Self {
        let label = manifest.labels.first().map_or_else(String::new, |label| label.name.clone());
        match truth {
            Truth::Finding(_) => Self::Finding(label),
            Truth::Grade(_) => Self::Grade(label),
            Truth::Mentions { .. } => Self::Mentions,
            Truth::Topics(_) => Self::Topics,
        }
    }
}

/// The answer in a prediction made here.
///
/// # Errors
/// [`TrainingError::Data`] when the prediction does not answer the question.
pub fn of(prediction: &Prediction, question: &Question) -> Result<Answer, TrainingError> {
    let value = serde_json::to_value(prediction).map_err(|error| TrainingError::Data(error.to_string()))?;
    from_record(&value, question)
}

/// The answer in a prediction as a record holds it (`/content/models/*/prediction`).
///
/// # Errors
/// [`TrainingError::Data`] when the prediction does not answer the question.
pub fn from_record(prediction: &Value, question: &Question) -> Result<Answer, TrainingError> {
    read(prediction, question).ok_or_else(|| TrainingError::Data(format!("a prediction does not answer {question:?}")))
}

fn read(prediction: &Value, question: &Question) -> Option<Answer> {
    if prediction.get("status")? == "abstained" {
        return Some(Answer::Refused(prediction.get("reason")?.as_str()?.to_owned()));
    }
    let findings = prediction.get("findings")?.as_array()?;
    let labelled = |label: &str| findings.iter().find(|one| one.get("label").is_some_and(|name| name == label));
    match question {
        Question::Finding(label) => {
            let one = labelled(label)?;
            let certainty = one.get("certainty").map_or(Some(None), |value| certainty(value).map(Some))?;
            Some(Answer::Probability {
                score: number(one, "score")?,
                probability: number(one, "probability")?,
                certainty,
            })
        }
        Question::Grade(label) => {
            let (one, grade) = (labelled(label)?, prediction.get("grade")?);
            let interval = grade.get("interval")?.as_array()?;
            Some(Answer::Grades {
                grade: index(grade.get("grade")?)?,
                probabilities: grade
                    .get("probabilities")?
                    .as_array()?
                    .iter()
                    .map(Value::as_f64)
                    .collect::<Option<_>>()?,
                interval: (index(interval.first()?)?, index(interval.get(1)?)?),
                coverage: number(grade, "coverage")?,
                score: number(one, "score")?,
                probability: number(one, "probability")?,
            })
        }
        Question::Mentions => {
            let places = findings.iter().filter(|one| one.get("mention").is_some()).map(mentions);
            places.collect::<Option<Vec<_>>>().map(|places| Answer::Mentions(places.concat()))
        }
        Question::Topics => {
            let topics =
                prediction.get("topics").map_or(Some([].as_slice()), |topics| Some(topics.as_array()?.as_slice()))?;
            topics.iter().filter(|one| one["note"] == 0).map(topic).collect::<Option<_>>().map(Answer::Topics)
        }
    }
}

fn number(of: &Value, name: &str) -> Option<f64> {
    of.get(name)?.as_f64()
}

fn index(value: &Value) -> Option<usize> {
    usize::try_from(value.as_u64()?).ok()
}

fn certainty(value: &Value) -> Option<Certainty> {
    let answer = match value.get("answer")?.as_str()? {
        "yes" => domain::Answer::Yes,
        "no" => domain::Answer::No,
        "either" => domain::Answer::Either,
        _ => return None,
    };
    Some(Certainty { answer, coverage: number(value, "coverage")? })
}

/// The places of a finding's mention and of its repeats in the first note.
fn mentions(finding: &Value) -> Option<Vec<(Span, f64, bool)>> {
    let (mention, kind) = (finding.get("mention")?, finding.get("label")?.as_str()?);
    let threshold = number(finding, "threshold")?;
    let place = |place: &Value, probability: f64| {
        let span = Span { start: index(place.get("start")?)?, end: index(place.get("end")?)?, kind: kind.to_owned() };
        Some((span, probability, probability >= threshold))
    };
    let repeats = mention.get("repeats").map_or(Some([].as_slice()), |all| Some(all.as_array()?.as_slice()))?;
    let mut places = Vec::new();
    if mention.get("note")? == 0 {
        places.push(place(mention, number(finding, "probability")?)?);
    }
    for other in repeats.iter().filter(|other| other["note"] == 0) {
        places.push(place(other, number(other, "probability")?)?);
    }
    Some(places)
}

fn topic(topic: &Value) -> Option<(String, f64, f64)> {
    Some((topic.get("label")?.as_str()?.to_owned(), number(topic, "probability")?, number(topic, "threshold")?))
}

#[cfg(test)]
mod tests {
    use super::{Question, from_record, of};
    use crate::{
        domain::{self, Abstention, Assertion, Certainty, Finding, Grade, Mention, Phi, Place, Prediction, Topic},
        training::trial::{Answer, Span},
    };

    fn finding(label: &str, probability: f64) -> Finding {
        let certainty = Some(Certainty { answer: domain::Answer::Either, coverage: 0.95 });
        Finding { label: label.into(), score: -1.0 / 3.0, probability, threshold: 0.4, mention: None, certainty }
    }

    /// Through text, as a record is stored and read.
    fn stored(prediction: &Prediction) -> serde_json::Value {
        serde_json::from_str(&serde_json::to_string(prediction).unwrap()).unwrap()
    }

    #[test]
    fn a_probability_keeps_every_bit_through_the_record() {
        let prediction = Prediction::scored(vec![finding("other", 0.9), finding("x", 0.1 + 0.2)], vec![]);
        let question = Question::Finding("x".into());
        let here = of(&prediction, &question).unwrap();
        assert_eq!(here, from_record(&stored(&prediction), &question).unwrap());
        let certainty = Some(Certainty { answer: domain::Answer::Either, coverage: 0.95 });
        assert_eq!(here, Answer::Probability { score: -1.0 / 3.0, probability: 0.1 + 0.2, certainty });
        assert!(of(&prediction, &Question::Finding("y".into())).is_err());
        assert!(of(&prediction, &Question::Grade("x".into())).is_err());
    }

    #[test]
    fn grades_mentions_and_topics_are_read_the_same_way() {
        let span = |note, start| Mention {
            note,
            start,
            end: start + 4,
            text: Phi::new("gout".into()),
            sentence: Phi::new("gout".into()),
            assertion: Assertion::Present,
            code: None,
            repeats: vec![Place { note: 0, start: start + 9, end: start + 13, probability: 0.8 }],
        };
        let disease = |mention, probability| Finding { mention: Some(mention), ..finding("Disease", probability) };
        let findings = vec![finding("oa", 0.7), disease(span(0, 3), 0.3), disease(span(1, 0), 0.9)];
        let mut prediction = Prediction::scored(findings, vec![]);
        let topic = |note, label: &str| Topic { note, label: label.into(), probability: 0.6, threshold: 0.5 };
        prediction.topics = vec![topic(0, "surgery"), topic(1, "urology")];
        let probabilities = vec![0.1, 0.7, 0.2];
        let grade = Grade { scale: "kl".into(), grade: 1, probabilities, interval: (1, 2), coverage: 0.9 };
        prediction.grade = Some(grade);
        for question in [Question::Grade("oa".into()), Question::Mentions, Question::Topics] {
            assert_eq!(of(&prediction, &question).unwrap(), from_record(&stored(&prediction), &question).unwrap());
        }
        let mentions = of(&prediction, &Question::Mentions).unwrap();
        let at = |start| Span { start, end: start + 4, kind: "Disease".into() };
        let repeated = vec![(at(3), 0.3, false), (at(12), 0.8, true), (at(9), 0.8, true)];
        assert_eq!(mentions, Answer::Mentions(repeated), "also where another note's finding is repeated");
        assert_eq!(of(&prediction, &Question::Topics).unwrap(), Answer::Topics(vec![("surgery".into(), 0.6, 0.5)]));
        let grades = of(&prediction, &Question::Grade("oa".into())).unwrap();
        assert!(matches!(grades, Answer::Grades { grade: 1, interval: (1, 2), probability, .. } if probability == 0.7));
    }

    #[test]
    fn repeated_mentions_are_mentions() {
        let prediction = serde_json::json!({"status": "scored", "findings": [{"label": "Disease", "score": 1.0, "probability": 0.9,
            "threshold": 0.4, "mention": {"note": 0, "start": 3, "end": 7, "repeats": [{"note": 0, "start": 20, "end": 24, "probability": 0.3}]}}]});
        let Answer::Mentions(found) = from_record(&prediction, &Question::Mentions).unwrap() else { panic!() };
        let told: Vec<_> = found.iter().map(|(span, p, fires)| (span.start, *p, *fires)).collect();
        assert_eq!(told, [(3, 0.9, true), (20, 0.3, false)]);
    }

    #[test]
    fn a_refusal_is_its_reason() {
        let refusal = Abstention { reason: "blank".into(), words: "The film is blank.".into() };
        let prediction = Prediction::abstained(refusal);
        for question in [Question::Topics, Question::Finding("x".into())] {
            assert_eq!(of(&prediction, &question).unwrap(), Answer::Refused("blank".into()));
        }
    }
}
