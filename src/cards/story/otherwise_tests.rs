//! Stories word by word: what would have changed the answer, what was missing, and what is not told at all.

use super::{
    Evidence, Fact,
    Language::{Chinese, English},
    compose, licensed,
    tests::{death, evidence, fact},
};
use crate::domain::{Change, Counterfactual};

fn change(label: &str, to: f64, from: f64, unit: &str, hours: usize) -> Change {
    Change { variable: label.into(), label: label.into(), from, to, unit: unit.into(), hours }
}

fn other(changes: Vec<Change>, changed_probability: f64) -> Counterfactual {
    let reached = changed_probability < 0.25;
    Counterfactual { changes, probability: 0.42, changed_probability, threshold: 0.25, reached }
}

#[test]
fn what_would_have_changed_the_answer_is_an_association_and_no_advice() {
    let lactate = other(vec![change("lactate", 2.0, 4.2, "mmol/L", 12)], 0.18);
    let risk = Evidence { counterfactual: Some(&lactate), ..evidence(death()) };
    assert_eq!(
        compose(&risk, English).sentences[1],
        "In the network, with a lactate of 2 mmol/L over the last 12 hours instead of 4.2, the estimate would be 18 %, \
         under its threshold of 25 %; this is an association, not advice to change a number."
    );
    assert_eq!(
        compose(&risk, Chinese).sentences[1],
        "在模型中，若过去12小时乳酸为2 mmol/L而非4.2，估计会是18%，低于阈值25%；这只是关联，并非建议改变某个数值。"
    );
}

#[test]
fn what_would_not_have_been_enough_is_said_to_be_so() {
    let changes = vec![change("arterial pH", 7.35, 7.2, "[pH]", 6), change("urea nitrogen", 20.0, 45.3, "mg/dL", 6)];
    let both = other(changes, 0.31);
    let risk = Evidence { counterfactual: Some(&both), ..evidence(death()) };
    assert_eq!(
        compose(&risk, English).sentences[1],
        "In the network, even with an arterial pH of 7.35 instead of 7.2 and a urea nitrogen of 20 mg/dL instead of 45.3 \
         over the last 6 hours, the estimate would be 31 %, not under its threshold of 25 %; this is an association, not \
         advice."
    );
    assert_eq!(
        compose(&risk, Chinese).sentences[1],
        "在模型中，即使过去6小时动脉血pH为7.35而非7.2，尿素氮为20 mg/dL而非45.3，估计仍会是31%，不低于阈值25%；\
         这只是关联，并非建议改变某个数值。"
    );
}

#[test]
fn changes_that_do_not_fit_are_named_or_counted_but_never_told_in_part() {
    let labels = ["lactate", "urea nitrogen", "creatinine", "bilirubin"];
    let four = other(labels.map(|label| change(label, 2.0, 4.2, "mg/dL", 12)).into(), 0.18);
    let many = other((0..12).map(|_| change("systolic arterial pressure", 90.0, 80.0, "mm[Hg]", 12)).collect(), 0.18);
    let second = |other| {
        let risk = Evidence { counterfactual: Some(other), ..evidence(death()) };
        compose(&risk, English).sentences[1].clone()
    };
    assert!(second(&four).starts_with(
        "In the network, with other values of lactate, urea nitrogen, creatinine and bilirubin, the estimate"
    ));
    assert!(second(&many).starts_with("In the network, with 12 values changed, the estimate would be 18 %"));
}

#[test]
fn many_missing_things_are_named_as_far_as_they_fit_and_counted() {
    let labels = ["lactate", "bilirubin", "sodium", "potassium", "creatinine", "temperature", "heart rate", "age"];
    let missing = labels.map(String::from);
    let risk = Evidence { missing: &missing, ..evidence(death()) };
    assert_eq!(
        compose(&risk, English).sentences[1],
        "What was missing: lactate, bilirubin, sodium, potassium, creatinine and temperature were not measured; 8 things \
         in all."
    );
    assert_eq!(compose(&risk, Chinese).sentences[1], "缺少的信息：未测量乳酸、胆红素、血钠、血钾、肌酐和体温；共8项。");
}

#[test]
fn numbers_that_no_chart_would_show_are_not_told() {
    let nothing = Evidence { probability: f64::NAN, ..evidence(death()) };
    assert!(compose(&nothing, English).sentences.is_empty());
    let odd = ["mL/{shift}", "2 mg", "a very long unit of something"];
    let mut factors: Vec<Fact<'_>> = odd.map(|unit| fact("glucose", 5.0, unit, 1, true)).into();
    factors.extend([f64::INFINITY, 1e12].map(|value| fact("sodium", value, "mmol/L", 1, true)));
    let risk = Evidence { factors, ..evidence(death()) };
    assert_eq!(compose(&risk, English).sentences.len(), 1);
}

#[test]
fn no_digit_of_a_story_can_become_any_other_digit() {
    let factors = vec![
        Fact { range: Some((0.5, 2.2)), ..fact("lactate", 4.6, "mmol/L", 3, true) },
        fact("oxygen saturation", 91.0, "%", 51, false),
    ];
    let missing = ["earlier hours (there are 25 of 48)".to_owned()];
    let change = other(vec![change("urea nitrogen", 20.0, 45.3, "mg/dL", 13)], 0.18);
    let certainty = Some((crate::domain::Answer::Either, 0.95));
    let risk = Evidence { factors, missing: &missing, certainty, counterfactual: Some(&change), ..evidence(death()) };
    for language in [English, Chinese] {
        let text = compose(&risk, language).text();
        let places: Vec<usize> = text.match_indices(|letter: char| letter.is_ascii_digit()).map(|one| one.0).collect();
        assert!(places.len() > 30, "{text}");
        for (at, digit) in places.iter().flat_map(|at| ('0'..='9').map(move |digit| (*at, digit))) {
            let changed = format!("{}{digit}{}", &text[..at], &text[at + 1..]);
            assert_eq!(licensed(&changed, &risk, language).is_ok(), changed == text, "{changed}");
        }
    }
}
