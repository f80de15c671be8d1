//! The heart-disease card: what speaks for, what against, and when there is none.

use super::{all_text, charts::*, text};
use crate::support::TestApp;
use auscult::{
    cards::Outcome,
    cds_hooks::{Card, Indicator},
    domain::{Assertion, Coding, Measurement, ModelInput, Note, Phi, Prediction},
};
use std::sync::Arc;

/// An answer of the notes network to this one note.
fn note_reads(text: &str) -> Outcome {
    let Outcome::Answered { input, explanation, .. } = notes(&[("gout", None, Assertion::Present, 0.1)]) else {
        panic!("notes answer")
    };
    let ModelInput::Notes(written) = input.as_ref() else { panic!("notes") };
    let note = Note { text: Phi::new(text.to_owned()), ..written[0].clone() };
    let prediction = Prediction::scored(Vec::new(), Vec::new());
    Outcome::Answered { prediction, explanation, input: Arc::new(ModelInput::Notes(vec![note])) }
}

fn value(variable: &str, value: f64, unit: &str) -> Measurement {
    let code = Coding { system: "http://loinc.org".into(), code: "33762-6".into(), display: None };
    Measurement {
        variable: variable.into(),
        source: source("Observation/1"),
        code,
        time: NOW - time::Duration::hours(2),
        value,
        unit: unit.into(),
        original_value: Phi::new(value.to_string()),
        original_unit: unit.into(),
    }
}

fn heart(chart: &Chart) -> Option<Card> {
    let built = chart.build();
    let at = built.origins.iter().position(|origin| origin.name.as_deref() == Some("heart-disease"))?;
    Some(built.cards[at].clone())
}

const BREATHLESS: &str = "The patient has shortness of breath and orthopnea. There is jugular venous distension with rales at both bases. No chest pain.";

#[test]
fn signs_and_values_are_listed_with_their_ratio_and_the_strongest_of_a_kind_counts() {
    let mut chart = Chart::notes(note_reads(BREATHLESS));
    chart.values = vec![value("NTproBNP", 4200.0, "ng/L"), value("K", 5.6, "mmol/L")];
    let card = heart(&chart).expect("a card");
    let detail = card.detail.clone().unwrap();
    for line in [
        "for: **raised jugular venous pressure** ×5.1",
        "for: **rales** ×2.8 \\[W\\]; not counted",
        "for: **NT-proBNP at or above 900 ng/L** ×5.6",
        "4200",
        "2 hours ago",
        "potassium 5.6",
        "not validated on patients",
        "Wang et al., JAMA 2005;294:1944",
    ] {
        assert!(detail.contains(line), "{line} is not in:\n{detail}");
    }
    assert_eq!(card.indicator, Indicator::Warning);
    assert!(card.summary.contains("speaks clearly for heart failure"), "{}", card.summary);
    let offered: Vec<&str> = card.suggestions.iter().map(|one| one.label.as_str()).collect();
    assert!(
        offered.iter().any(|one| one.contains("electrocardiogram")) && !offered.iter().any(|one| one.contains("BNP"))
    );
}

#[test]
fn without_a_peptide_one_is_proposed() {
    let card = heart(&Chart::notes(note_reads(BREATHLESS))).expect("a card");
    assert!(card.suggestions.iter().any(|one| one.label.contains("NT-proBNP")));
}

#[test]
fn what_is_denied_suspected_or_of_a_relative_gives_no_card() {
    for note in [
        "The patient has shortness of breath. No orthopnea, no rales, no edema, no jugular venous distension.",
        "The patient has shortness of breath. Her mother had heart failure. Return if orthopnea occurs.",
        "The patient has a sore throat and is otherwise well today.",
        "Shortness of breath, and the chest shows rales.",
    ] {
        assert!(heart(&Chart::notes(note_reads(note))).is_none(), "{note}");
    }
}

#[test]
fn without_the_complaint_the_figures_were_measured_in_the_chart_cannot_tell() {
    let card = heart(&Chart::notes(note_reads(
        "There are rales and a third heart sound. The legs show pitting edema. Cardiomegaly.",
    )));
    let card = card.expect("two signs deserve a look");
    assert!(card.summary.contains("cannot tell"), "{}", card.summary);
    assert_eq!(card.indicator, Indicator::Info);
}

#[test]
fn what_is_known_is_not_told_again() {
    let chart = Chart::notes(note_reads(BREATHLESS)).listing(&["Congestive heart failure"]);
    assert!(heart(&chart).is_none());
}

#[test]
fn of_a_problem_list_that_came_in_part_no_absence_is_claimed() {
    let mut chart = Chart::notes(notes(&[("gout", Some("M10.9"), Assertion::Present, 0.9)]));
    chart.list_is_partial = true;
    let built = chart.build();
    assert!(built.cards[0].summary.contains("not in the part of the list supplied"), "{}", built.cards[0].summary);
}

#[tokio::test]
async fn the_service_shows_the_card_with_its_sentences_and_values() {
    let app = TestApp::spawn().await;
    for service in ["note-review", "chart-review"] {
        let cards = app.cards(service, "helga-nilsen").await;
        let heart = cards
            .iter()
            .find(|card| text(card, "summary").contains("heart failure") && text(card, "summary").contains("chart"));
        let detail = text(heart.unwrap_or_else(|| panic!("{}", all_text(&cards))), "detail").to_owned();
        for part in ["third heart sound", "NT-proBNP at or above 900", "4200", "×12", "coronary artery disease"] {
            assert!(detail.contains(part), "{part} is not in {detail}");
        }
    }
    let cards = app.cards("note-review", "tomas-lind").await;
    assert!(!all_text(&cards).contains("likelihood"), "{}", all_text(&cards));
}
