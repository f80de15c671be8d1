//! Conversions against published equivalents.

use super::{Chemistry, Unit};
use proptest::prelude::*;

const NONE: Chemistry = Chemistry { grams_per_mole: 0.0, valence: 0.0 };

fn of(molar: f64) -> Chemistry {
    Chemistry { grams_per_mole: molar, valence: 1.0 }
}

fn convert(value: f64, from: &str, to: &str, chemistry: Chemistry) -> Option<f64> {
    Unit::parse(from)?.convert(value, Unit::parse(to)?, chemistry)
}

fn close(value: Option<f64>, expected: f64) -> bool {
    value.is_some_and(|value| (value - expected).abs() <= 1e-3 * expected.abs().max(1e-6))
}

#[test]
fn textbook_equivalents_hold() {
    // AMA Manual of Style, table of conversions to SI units.
    for (value, from, to, chemistry, expected) in [
        (5.55, "mmol/L", "mg/dL", of(180.156), 99.99),
        (100.0, "umol/L", "mg/dL", of(113.12), 1.1312),
        (17.104, "umol/L", "mg/dL", of(584.66), 1.0),
        (7.14, "mmol/L", "mg/dL", of(28.014), 20.0),
        (5.17, "mmol/L", "mg/dL", of(386.65), 199.9),
        (18.0, "mg/dL", "mmol/L", of(90.08), 1.998),
        (1.0, "mmol/L", "mg/dL", of(24.305), 2.4305),
        (40.0, "g/L", "g/dL", NONE, 4.0),
        (14.0, "ng/L", "ug/L", NONE, 0.014),
        (1.5, "ng/mL", "ug/L", NONE, 1.5),
        (98.6, "[degF]", "Cel", NONE, 37.0),
        (310.15, "K", "Cel", NONE, 37.0),
        (154.0, "[lb_av]", "kg", NONE, 69.853),
        (70_000.0, "g", "kg", NONE, 70.0),
        (70.0, "[in_i]", "cm", NONE, 177.8),
        (1.78, "m", "cm", NONE, 178.0),
        (13.3322, "kPa", "mm[Hg]", NONE, 100.0),
        (9800.0, "/uL", "10*3/uL", NONE, 9.8),
        (250.0, "10*9/L", "10*3/uL", NONE, 250.0),
        (1.0, "ukat/L", "U/L", NONE, 60.0),
        (0.45, "L/L", "%", NONE, 45.0),
        (40.0, "%", "1", NONE, 0.4),
        (0.3, "L", "mL", NONE, 300.0),
        (1.2, "Hz", "/min", NONE, 72.0),
    ] {
        let found = convert(value, from, to, chemistry);
        assert!(close(found, expected), "{value} {from} is {found:?} {to}, expected {expected}");
    }
    // Magnesium is divalent: 1 meq/L is half a millimole.
    assert!(close(convert(2.0, "meq/L", "mg/dL", Chemistry { grams_per_mole: 24.305, valence: 2.0 }), 2.4305));
}

#[test]
fn common_spellings_mean_what_they_can_only_mean() {
    for (spelling, ucum) in [
        ("mmHg", "mm[Hg]"),
        ("mm Hg", "mm[Hg]"),
        ("bpm", "/min"),
        ("beats/minute", "/min"),
        ("{beats}/min", "/min"),
        ("breaths/min", "/min"),
        ("1/min", "/min"),
        ("°C", "Cel"),
        ("C", "Cel"),
        ("degF", "[degF]"),
        ("F", "[degF]"),
        ("lbs", "[lb_av]"),
        ("µg/L", "ug/L"),
        ("μmol/l", "umol/L"),
        ("mcg/L", "ug/L"),
        ("K/uL", "10*3/uL"),
        ("10^3/uL", "10*3/uL"),
        ("x10*9/L", "10*9/L"),
        ("x10E3/uL", "10*3/uL"),
        ("cells/mm3", "/uL"),
        ("IU/L", "U/L"),
        ("[IU]/L", "U/L"),
        ("mEq/L", "meq/L"),
        ("MG/DL", "mg/dL"),
        ("gm/dL", "g/dL"),
        ("%{saturation}", "%"),
        ("ml", "mL"),
    ] {
        let (left, right) = (Unit::parse(spelling), Unit::parse(ucum));
        assert!(left.is_some() && left == right, "{spelling}: {left:?} is not {ucum}: {right:?}");
    }
}

#[test]
fn what_is_unknown_or_ambiguous_is_not_a_unit() {
    for text in [
        "",
        " ",
        "foo",
        "G/L",
        "M/uL",
        "mg",
        "mL/h",
        "mg/kg",
        "mL/min/{1.73_m2}",
        "oz",
        "U",
        "/",
        "//",
        "mg/",
        "{",
        "{a",
        "10*/uL",
        "10*99/L",
        "kg/m2",
        "nM",
        "mg%",
    ] {
        let unit = Unit::parse(text);
        assert!(
            unit.is_none_or(|unit| unit.convert(1.0, Unit::parse("mg/dL").unwrap(), of(100.0)).is_none()),
            "{text}"
        );
        assert!(text == "mg" || unit.is_none(), "{text}: {unit:?}");
    }
}

#[test]
fn a_lone_annotation_counts_points_and_is_never_a_fraction() {
    assert_eq!(Unit::parse("{score}"), Some(Unit::POINTS));
    assert_eq!(convert(0.5, "{0or1}", "1", NONE), None);
    assert_eq!(convert(12.0, "1", "{score}", NONE), Some(12.0));
}

#[test]
fn different_dimensions_do_not_convert_and_mass_needs_its_analyte() {
    assert_eq!(convert(1.0, "mmol/L", "mg/dL", NONE), None);
    assert_eq!(convert(1.0, "kg", "cm", of(1.0)), None);
    assert_eq!(convert(1.0, "%", "mm[Hg]", of(1.0)), None);
}

#[test]
fn a_code_and_a_text_that_cannot_both_be_right_contradict_each_other() {
    let pair = |a: &str, b: &str| Unit::parse(a).unwrap().contradicts(Unit::parse(b).unwrap());
    assert!(pair("mg/dL", "mmol/L") && pair("mg/dL", "g/dL") && pair("[degF]", "Cel") && pair("%", "1"));
    assert!(!pair("mm[Hg]", "mmHg") && !pair("10*9/L", "10*3/uL") && !pair("[pH]", "1") && !pair("{score}", "1"));
}

const FAMILIES: [&[&str]; 9] = [
    &["mg/dL", "g/L", "ug/L", "ng/mL", "mmol/L", "umol/L", "pg/mL", "meq/L"],
    &["mm[Hg]", "kPa", "cm[H2O]"],
    &["Cel", "[degF]", "K"],
    &["kg", "g", "[lb_av]", "[oz_av]"],
    &["cm", "m", "[in_i]", "[ft_i]"],
    &["10*3/uL", "10*9/L", "/uL", "/mm3"],
    &["U/L", "ukat/L", "nkat/L"],
    &["%", "1", "L/L"],
    &["mL", "L", "dL", "cc"],
];

proptest! {
    #[test]
    fn there_and_back_again_is_the_same_value(family in 0..FAMILIES.len(), a in 0usize..8, b in 0usize..8, value in -1e4..1e6f64) {
        let units = FAMILIES[family];
        let (from, to) = (units[a % units.len()], units[b % units.len()]);
        let chemistry = of(113.12);
        if let Some(there) = convert(value, from, to, chemistry) {
            let back = convert(there, to, from, chemistry);
            // Charge is read but never written, so that pair has no way back.
            if !(from == "meq/L" && to != "mmol/L" && to != "umol/L") {
                let back = back.expect("a way back");
                prop_assert!((back - value).abs() <= 1e-9 * value.abs().max(1e3), "{value} {from} -> {there} {to} -> {back}");
            }
        }
        prop_assert_eq!(convert(value, from, from, chemistry), Some(value));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,60}", unit in "[mugkdclUIKL0-9/*^{}%\\[\\] .E]{0,24}") {
        for one in [text.as_str(), unit.as_str()] {
            if let Some(unit) = Unit::parse(one) {
                prop_assert!(unit.convert(1.0, unit, Chemistry::default()) == Some(1.0));
            }
        }
    }
}
