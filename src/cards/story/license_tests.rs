//! What the licence accepts and refuses, without a composer.

use super::{Evidence, Fact, Finding, Language::Chinese, Language::English, Place, Unlicensed, licensed};
use crate::domain::{Answer, Change, Counterfactual};
use time::{Duration, OffsetDateTime, macros::datetime};

const NOW: OffsetDateTime = datetime!(2026-01-02 12:00 UTC);

fn fact<'a>(label: &'a str, value: f64, unit: &'a str, hours: i64) -> Fact<'a> {
    let time = Some(NOW - Duration::hours(hours));
    Fact { label, value: Some(value), unit, time, raises: true, from_absence: false, range: None }
}

fn with<T>(test: impl FnOnce(&Evidence<'_>) -> T) -> T {
    let change = Change {
        variable: "K".into(),
        label: "potassium".into(),
        from: 6.1,
        to: 5.0,
        unit: "mmol/L".into(),
        hours: 12,
    };
    let other = Counterfactual {
        changes: vec![change],
        probability: 0.42,
        changed_probability: 0.18,
        threshold: 0.25,
        reached: true,
    };
    let factors = vec![
        Fact { range: Some((0.5, 2.0)), ..fact("lactate", 4.2, "mmol/L", 3) },
        fact("oxygen saturation", 91.0, "%", 70),
    ];
    test(&Evidence {
        finding: Finding::Film { what: "pneumonia", place: Some(Place::UpperLeft) },
        probability: 0.42,
        threshold: 0.25,
        certainty: Some((Answer::Yes, 0.9)),
        factors,
        words: vec!["COVID-19"],
        now: NOW,
        missing: &["age".to_owned(), "earlier hours (there are 25 of 48)".to_owned()],
        reliable: Some(true),
        counterfactual: Some(&other),
    })
}

#[test]
fn claims_in_words_of_ones_own_are_accepted_when_the_evidence_holds_them() {
    with(|evidence| {
        for text in [
            "",
            "Perhaps pneumonia: 42 %, that is about 4 in 10, at a threshold of 25 %.",
            "The lactate was 4.2 mmol/L some 3 hours ago, and usual is 0.5 to 2.",
            "Its oxygen saturation of 91 % was seen 2 days ago, or 70 hours ago.",
            "He said “COVID-19”. Of earlier hours (there are 25 of 48) and age nothing is known; 2 things in all.",
            "With a potassium of 5 mmol/L instead of 6.1 over the last 12 hours it would be 18 %, at 90 % confidence.",
        ] {
            assert!(licensed(text, evidence, English).is_ok(), "{text}");
        }
        let text = "肺炎的概率为42%，阈值25%；乳酸4.2 mmol/L（3小时前），血氧饱和度91%（2天前）。图像左上部。";
        assert!(licensed(text, evidence, Chinese).is_ok());
    });
}

#[test]
fn numbers_that_are_not_the_evidences_are_refused_wherever_they_hide() {
    with(|evidence| {
        for text in [
            "43 %",
            "42.5 %",
            "1,042 %",
            "under 42 %",
            "42 % confidence",
            "a threshold of 42 %",
            "about 5 in 10",
            "lactate 4.2",
            "lactate 4.2 mg/dL",
            "lactate 4.2 mmol/L, 5 hours ago",
            "lactate 4 hours ago",
            "lactate -4.2 mmol/L",
            "lactate 0.5 to 20",
            "oxygen saturation 4.2 mmol/L",
            "lactate 91 %",
            "potassium 6.1 % over",
            "the last 13 hours",
            "3 things in all",
            "twice",
            "four in ten",
            "once",
            "lactate just now",
            "４２ %",
            "½",
            "He said “COVID-19” 19 times",
            "lactate is high; 4.2 mmol/L",
        ] {
            assert!(matches!(licensed(text, evidence, English), Err(Unlicensed::Number(_))), "{text}");
        }
        for text in ["43%", "低于42%", "阈值42%", "乳酸4.2 mmol/L（4小时前）", "每10例中约5例", "三次", "共3项"]
        {
            assert!(matches!(licensed(text, evidence, Chinese), Err(Unlicensed::Number(_))), "{text}");
        }
    });
}

#[test]
fn names_that_are_not_the_evidences_are_refused_in_either_language() {
    with(|evidence| {
        for text in [
            "creatinine",
            "osteoarthritis",
            "肌酐",
            "death in hospital",
            "lower left part of the picture",
            "He said “COVID-20”",
            "“lactate”",
            "an open “quotation",
            "earlier hours (there are 26 of 48)",
        ] {
            for language in [English, Chinese] {
                assert!(matches!(licensed(text, evidence, language), Err(Unlicensed::Name(_))), "{text}");
            }
        }
        assert!(licensed("hypopneumonialike, aged", evidence, English).is_ok());
    });
}

#[test]
fn a_refusal_does_not_print_what_it_refuses() {
    with(|evidence| {
        let refusal = licensed("lactate 9.9 mmol/L", evidence, English).unwrap_err();
        assert!(!format!("{refusal:?} {refusal}").contains("9.9"));
        assert!(matches!(refusal, Unlicensed::Number(piece) if piece.expose().starts_with("9.9")));
    });
}
