//! What a network can promise about one answer, in words.

use super::words;
use crate::domain::{Answer, Certainty, Familiarity, ModelInput};

/// From this share of the limit on, an input is said to be unusual.
const NEAR: f64 = 0.9;

/// The conformal answer: what remains possible at the promised coverage. Without a full stop.
#[must_use]
pub fn certainty(label: &str, certainty: Certainty) -> String {
    let what = label.replace('-', " ");
    let confidence = words::percent(certainty.coverage);
    match certainty.answer {
        Answer::Yes => format!("at {confidence} confidence only “{what}” fits"),
        Answer::No => format!(
            "at {confidence} confidence only “no {what}” fits; there is a card because its threshold was chosen to miss few"
        ),
        Answer::Either => {
            format!("at {confidence} confidence it can be either, “{what}” or not: the network cannot tell")
        }
    }
}

/// A warning when an input lies close to what the network would refuse; else nothing.
pub fn unusual(familiarity: Option<Familiarity>, input: &ModelInput) -> String {
    let near = familiarity.is_some_and(|one| one.limit > 0.0 && one.distance >= NEAR * one.limit);
    let what = match input {
        ModelInput::Film(_) => "film is unlike most films",
        ModelInput::Course(_) => "course is unlike most courses",
        ModelInput::Notes(_) => "text is unlike most texts",
    };
    if near {
        format!("This {what} the network was trained on, though not so much that it refuses: trust the number less.")
    } else {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::{certainty, unusual};
    use crate::domain::{Answer, Certainty, Familiarity, ModelInput};

    #[test]
    fn what_remains_possible_is_said_with_the_promise() {
        let words = |answer| certainty("death-in-hospital", Certainty { answer, coverage: 0.9 });
        assert_eq!(words(Answer::Yes), "at 90 % confidence only “death in hospital” fits");
        assert!(words(Answer::No).contains("only “no death in hospital” fits"));
        assert!(words(Answer::Either).contains("cannot tell"));
    }

    #[test]
    fn only_an_input_near_the_limit_is_called_unusual() {
        let input = ModelInput::Notes(Vec::new());
        let said = |distance| unusual(Some(Familiarity { distance, limit: 10.0 }), &input);
        assert!(said(9.5).contains("trust the number less") && said(8.0).is_empty());
        assert!(unusual(None, &input).is_empty());
    }
}
