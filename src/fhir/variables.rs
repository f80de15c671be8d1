//! The variables of the sequence network: codes, units, plausible ranges.
//!
//! Names are those of the PhysioNet/Computing in Cardiology Challenge 2012 (Silva et al., CinC 2012;39:245), whose
//! records the network is trained on; units are those of its records. Codes are LOINC (<https://loinc.org>), the main
//! one first, then common siblings that measure the same thing. Left out on purpose: venous blood gases, urine over
//! 24 hours (9192-6: the records hold single portions), fluids other than blood.
//!
//! Blood pressure: the plain codes (8480-6, 8462-4, 8478-0), alone or in panel 85354-9, do not say how it was taken and
//! are read as cuff pressures (`NI…`), the usual way; only codes that say invasive (76215-3, 76213-8, 76214-6) are
//! arterial-line pressures.
//!
//! Bicarbonate: chemistry panels report total carbon dioxide (2028-9, 20565-8) under that name, as in the records.

use super::units::Chemistry;

/// One variable of the course.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Variable {
    /// The network's name, for example `HR`.
    pub name: &'static str,
    /// The name in plain words, for example `heart rate`.
    pub label: &'static str,
    /// The network's unit (UCUM).
    pub unit: &'static str,
    /// LOINC codes by which it is recognised.
    pub loinc: &'static [&'static str],
    /// SNOMED CT codes by which it is recognised.
    pub snomed: &'static [&'static str],
    /// Least plausible value, in `unit`.
    pub low: f64,
    /// Greatest plausible value, in `unit`.
    pub high: f64,
    /// For conversion between mass, amount and charge.
    pub chemistry: Chemistry,
}

const fn variable(
    name: &'static str,
    label: &'static str,
    unit: &'static str,
    range: [f64; 2],
    loinc: &'static [&'static str],
) -> Variable {
    let chemistry = Chemistry { grams_per_mole: 0.0, valence: 0.0 };
    Variable { name, label, unit, loinc, snomed: &[], low: range[0], high: range[1], chemistry }
}

impl Variable {
    /// The unit as people write it; empty for fractions, points and pH.
    #[must_use]
    pub fn unit_in_words(&self) -> &'static str {
        match self.unit {
            "1" | "{score}" | "[pH]" => "",
            "mm[Hg]" => "mmHg",
            "Cel" => "°C",
            other => other,
        }
    }

    /// With a molar mass (g/mol) and the charges per ion (zero: uncharged).
    const fn molar(mut self, grams_per_mole: f64, valence: f64) -> Self {
        self.chemistry = Chemistry { grams_per_mole, valence };
        self
    }

    const fn snomed(mut self, codes: &'static [&'static str]) -> Self {
        self.snomed = codes;
        self
    }
}

/// The plain blood pressure codes; any other code of the same resource says more.
pub const UNSPECIFIC: [&str; 3] = ["8480-6", "8462-4", "8478-0"];

/// Glasgow coma score: total, its panel, and the three parts (eye, motor, verbal) that make it up.
pub const COMA_TOTAL: &str = "9269-2";
/// Panel code of the Glasgow coma score.
pub const COMA_PANEL: &str = "35088-4";
/// Eye opening, motor and verbal response, with the most points of each.
pub const COMA_PARTS: [(&str, f64); 3] = [("9267-6", 4.0), ("9268-4", 6.0), ("9270-0", 5.0)];

/// The name of the ventilation flag, which is read from a truth value.
pub const VENTILATION: &str = "MechVent";

/// Every variable, in the order of the challenge.
pub static VARIABLES: [Variable; 38] = [
    variable("Albumin", "albumin", "g/dL", [0.5, 8.0], &["1751-7", "2862-1", "61151-7", "61152-5"]),
    variable("ALP", "alkaline phosphatase", "U/L", [1.0, 10_000.0], &["6768-6"]),
    variable("ALT", "alanine aminotransferase (ALT)", "U/L", [1.0, 40_000.0], &["1742-6", "1743-4", "1744-2"]),
    variable("AST", "aspartate aminotransferase (AST)", "U/L", [1.0, 60_000.0], &["1920-8", "30239-8", "88112-8"]),
    variable("Bilirubin", "bilirubin", "mg/dL", [0.0, 100.0], &["1975-2", "42719-5", "14631-6"]).molar(584.66, 0.0),
    // Urea nitrogen in moles counts urea: two nitrogen atoms, 28.014 g.
    variable("BUN", "urea nitrogen", "mg/dL", [0.5, 300.0], &["3094-0", "6299-2", "14937-7", "22664-7"])
        .molar(28.014, 0.0),
    variable("Cholesterol", "cholesterol", "mg/dL", [10.0, 2_000.0], &["2093-3", "14647-2"]).molar(386.65, 0.0),
    variable("Creatinine", "creatinine", "mg/dL", [0.05, 50.0], &["2160-0", "38483-4", "14682-9"]).molar(113.12, 0.0),
    variable("DiasABP", "diastolic arterial pressure (invasive)", "mm[Hg]", [5.0, 250.0], &["76213-8"]),
    // 3150-6 fails LOINC's check digit and is nevertheless in circulation for 3150-0.
    variable("FiO2", "inspired oxygen fraction", "1", [0.18, 1.0], &["3150-0", "3150-6", "19996-8", "19994-3"]),
    variable("GCS", "Glasgow coma score", "{score}", [3.0, 15.0], &[COMA_TOTAL]),
    variable(
        "Glucose",
        "glucose",
        "mg/dL",
        [5.0, 3_000.0],
        &["2345-7", "2339-0", "41653-7", "1558-6", "2340-8", "32016-8", "14749-6", "15074-8", "14743-9"],
    )
    .molar(180.156, 0.0),
    variable("HCO3", "bicarbonate", "mmol/L", [1.0, 80.0], &["1963-8", "1959-6", "1960-4", "2028-9", "20565-8"])
        .molar(61.017, 1.0),
    variable("HCT", "haematocrit", "%", [5.0, 80.0], &["4544-3", "20570-8", "4545-0"]),
    variable("Height", "body height", "cm", [30.0, 260.0], &["8302-2", "3137-7", "8306-3", "8308-9"]),
    variable("HR", "heart rate", "/min", [10.0, 350.0], &["8867-4", "8889-8", "68999-2", "69000-8", "69001-6"]),
    variable("K", "potassium", "mmol/L", [0.5, 15.0], &["2823-3", "6298-4"]).molar(39.098, 1.0),
    variable("Lactate", "lactate", "mmol/L", [0.05, 50.0], &["32693-4", "2524-7", "2518-9", "2519-7", "59032-3"])
        .molar(90.08, 1.0),
    variable("Mg", "magnesium", "mg/dL", [0.2, 25.0], &["19123-9", "2601-3"]).molar(24.305, 2.0),
    variable("MAP", "mean arterial pressure (invasive)", "mm[Hg]", [5.0, 300.0], &["76214-6"]),
    // 40617009 is artificial respiration; the records only ever state that it was on.
    variable(VENTILATION, "mechanical ventilation", "1", [1.0, 1.0], &[]).snomed(&["40617009"]),
    variable("Na", "sodium", "mmol/L", [80.0, 220.0], &["2951-2", "2947-0"]).molar(22.99, 1.0),
    variable(
        "NIDiasABP",
        "diastolic blood pressure",
        "mm[Hg]",
        [5.0, 250.0],
        &["8462-4", "76535-4", "8453-3", "8454-1", "8455-8"],
    ),
    variable("NIMAP", "mean blood pressure", "mm[Hg]", [5.0, 300.0], &["8478-0", "76536-2"]),
    variable(
        "NISysABP",
        "systolic blood pressure",
        "mm[Hg]",
        [10.0, 350.0],
        &["8480-6", "76534-7", "8459-0", "8460-8", "8461-6"],
    ),
    variable("PaCO2", "arterial carbon dioxide pressure", "mm[Hg]", [3.0, 250.0], &["2019-8", "11557-6"]),
    variable("PaO2", "arterial oxygen pressure", "mm[Hg]", [10.0, 800.0], &["2703-7", "11556-8"]),
    variable("pH", "arterial pH", "[pH]", [6.4, 8.0], &["2744-1", "11558-4"]),
    variable("Platelets", "platelets", "10*3/uL", [0.5, 5_000.0], &["777-3", "26515-7", "778-1"]),
    variable("RespRate", "respiratory rate", "/min", [1.0, 120.0], &["9279-1"]),
    variable("SaO2", "oxygen saturation", "%", [20.0, 100.0], &["2708-6", "59408-5", "20564-1"]),
    variable("SysABP", "systolic arterial pressure (invasive)", "mm[Hg]", [10.0, 350.0], &["76215-3"]),
    variable(
        "Temp",
        "temperature",
        "Cel",
        [20.0, 46.0],
        &["8310-5", "8331-1", "8332-9", "8328-7", "8333-7", "8329-5", "60834-9"],
    ),
    variable("TroponinI", "troponin I", "ug/L", [0.0, 2_000.0], &["10839-9", "42757-5", "89579-7"]),
    variable("TroponinT", "troponin T", "ug/L", [0.0, 200.0], &["6598-7", "48425-3", "67151-1"]),
    variable("Urine", "urine output", "mL", [0.0, 11_000.0], &["9187-6"]),
    variable("WBC", "white blood cells", "10*3/uL", [0.0, 1_000.0], &["6690-2", "26464-8", "804-5"]),
    variable("Weight", "body weight", "kg", [1.0, 500.0], &["29463-7", "3141-9", "8350-1", "8351-9"]),
];

/// What the heart-disease card weighs or shows; codes as in [`VARIABLES`] where they stand there. Troponin of high
/// sensitivity is reported in ng/L and converted.
pub static HEART: [Variable; 9] = [
    variable("TroponinT", "troponin T", "ug/L", [0.0, 200.0], &["6598-7", "48425-3", "67151-1"]),
    variable("TroponinI", "troponin I", "ug/L", [0.0, 2_000.0], &["10839-9", "42757-5", "89579-7"]),
    variable("BNP", "BNP", "ng/L", [0.0, 100_000.0], &["30934-4", "42637-9"]),
    variable("NTproBNP", "NT-proBNP", "ng/L", [0.0, 500_000.0], &["33762-6", "33763-4", "71425-3"]).molar(8_457.0, 0.0),
    variable("K", "potassium", "mmol/L", [0.5, 15.0], &["2823-3", "6298-4"]).molar(39.098, 1.0),
    variable("Creatinine", "creatinine", "mg/dL", [0.05, 50.0], &["2160-0", "38483-4", "14682-9"]).molar(113.12, 0.0),
    variable("Cholesterol", "cholesterol", "mg/dL", [10.0, 2_000.0], &["2093-3", "14647-2"]).molar(386.65, 0.0),
    variable("LDL", "LDL cholesterol", "mg/dL", [5.0, 1_500.0], &["13457-7", "18262-6", "2089-1", "22748-8"])
        .molar(386.65, 0.0),
    variable("HDL", "HDL cholesterol", "mg/dL", [3.0, 300.0], &["2085-9", "14646-4"]).molar(386.65, 0.0),
];

#[cfg(test)]
mod tests {
    use super::{COMA_PARTS, HEART, VARIABLES};
    use crate::fhir::units::Unit;
    use std::collections::BTreeSet;

    /// LOINC's last digit by its mod-10 rule, which is Luhn's.
    fn check_digit(code: &str) -> Option<u32> {
        let (digits, check) = code.split_once('-')?;
        let sum: u32 = digits
            .bytes()
            .rev()
            .map(|byte| u32::from(byte - b'0'))
            .enumerate()
            .map(|(place, digit)| if place % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { digit })
            .sum();
        (check.parse() == Ok((10 - sum % 10) % 10)).then_some(sum)
    }

    #[test]
    fn no_code_or_name_stands_for_two_variables() {
        let codes: Vec<&str> = VARIABLES.iter().flat_map(|one| one.loinc.iter().chain(one.snomed)).copied().collect();
        assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
        assert_eq!(VARIABLES.iter().map(|one| one.name).collect::<BTreeSet<_>>().len(), VARIABLES.len());
    }

    #[test]
    fn every_loinc_code_passes_its_check_digit_but_the_one_known_misprint() {
        let wrong: Vec<&str> = VARIABLES
            .iter()
            .chain(&HEART)
            .flat_map(|one| one.loinc.iter().copied())
            .chain(COMA_PARTS.map(|(code, _)| code))
            .filter(|code| check_digit(code).is_none())
            .collect();
        assert_eq!(wrong, ["3150-6"]);
    }

    #[test]
    fn every_unit_is_one_we_can_read_and_every_range_is_in_order() {
        for one in VARIABLES.iter().chain(&HEART) {
            assert!(Unit::parse(one.unit).is_some(), "{}", one.name);
            assert!(one.low <= one.high && !one.label.is_empty(), "{}", one.name);
            assert!(!one.loinc.is_empty() || !one.snomed.is_empty(), "{}", one.name);
        }
    }
}
