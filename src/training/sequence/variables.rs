//! The variables of the mortality network, before anything is fitted.
//!
//! Contract: names and units are those of the PhysioNet Challenge 2012 and of `fhir`'s table (a test compares them);
//! plausible ranges are wide: they tell slips of the pen from sick people.

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// Name in the data.
    pub name: &'static str,
    /// Name in words.
    pub label: &'static str,
    /// UCUM unit.
    pub unit: &'static str,
    /// Values outside are not measurements.
    pub plausible: [f64; 2],
    /// Skewed: the logarithm is standardised.
    pub log: bool,
    /// What is missing when neither this nor another variable of the same words was measured.
    pub expected_as: Option<&'static str>,
}

const fn plain(name: &'static str, label: &'static str, unit: &'static str, plausible: [f64; 2]) -> Spec {
    Spec { name, label, unit, plausible, log: false, expected_as: None }
}

const fn skewed(name: &'static str, label: &'static str, unit: &'static str, plausible: [f64; 2]) -> Spec {
    Spec { log: true, ..plain(name, label, unit, plausible) }
}

impl Spec {
    const fn expected(self) -> Self {
        Self { expected_as: Some(self.label), ..self }
    }

    const fn expected_as(self, words: &'static str) -> Self {
        Self { expected_as: Some(words), ..self }
    }

    /// Volumes of one hour are added up.
    #[must_use]
    pub fn sum(&self) -> bool {
        self.name == "Urine"
    }
}

/// All variables, in the order of the network's inputs.
pub const TABLE: [Spec; 36] = [
    plain("Albumin", "albumin", "g/dL", [0.5, 8.0]),
    skewed("ALP", "alkaline phosphatase", "U/L", [1.0, 10_000.0]),
    skewed("ALT", "alanine aminotransferase", "U/L", [1.0, 40_000.0]),
    skewed("AST", "aspartate aminotransferase", "U/L", [1.0, 60_000.0]),
    skewed("Bilirubin", "bilirubin", "mg/dL", [0.01, 100.0]).expected(),
    skewed("BUN", "urea nitrogen", "mg/dL", [0.5, 300.0]).expected(),
    skewed("Creatinine", "creatinine", "mg/dL", [0.05, 40.0]).expected(),
    plain("DiasABP", "diastolic pressure (arterial line)", "mm[Hg]", [5.0, 250.0]),
    plain("FiO2", "inspired oxygen fraction", "1", [0.2, 1.0]),
    plain("GCS", "Glasgow coma score", "{score}", [3.0, 15.0]).expected(),
    skewed("Glucose", "glucose", "mg/dL", [5.0, 3000.0]),
    plain("HCO3", "bicarbonate", "mmol/L", [1.0, 80.0]),
    plain("HCT", "haematocrit", "%", [5.0, 75.0]),
    plain("HR", "heart rate", "/min", [10.0, 350.0]).expected(),
    plain("K", "potassium", "mmol/L", [1.0, 15.0]).expected(),
    skewed("Lactate", "lactate", "mmol/L", [0.05, 50.0]).expected(),
    plain("Mg", "magnesium", "mg/dL", [0.2, 20.0]),
    plain("MAP", "mean pressure (arterial line)", "mm[Hg]", [10.0, 300.0]),
    // The flag is only ever charted as 1: what counts is whether and when.
    plain("MechVent", "mechanical ventilation", "1", [0.5, 1.5]),
    plain("Na", "sodium", "mmol/L", [80.0, 200.0]).expected(),
    plain("NIDiasABP", "diastolic pressure (cuff)", "mm[Hg]", [5.0, 250.0]),
    plain("NIMAP", "mean pressure (cuff)", "mm[Hg]", [10.0, 300.0]),
    plain("NISysABP", "systolic pressure (cuff)", "mm[Hg]", [20.0, 320.0]).expected_as("blood pressure"),
    plain("PaCO2", "arterial carbon dioxide", "mm[Hg]", [5.0, 250.0]),
    skewed("PaO2", "arterial oxygen", "mm[Hg]", [10.0, 800.0]),
    plain("pH", "arterial pH", "[pH]", [6.5, 8.0]),
    skewed("Platelets", "platelets", "10*3/uL", [1.0, 3000.0]),
    plain("RespRate", "respiratory rate", "/min", [2.0, 100.0]),
    plain("SaO2", "oxygen saturation", "%", [20.0, 100.0]),
    plain("SysABP", "systolic pressure (arterial line)", "mm[Hg]", [20.0, 320.0]).expected_as("blood pressure"),
    plain("Temp", "temperature", "Cel", [24.0, 45.0]).expected(),
    skewed("TroponinI", "troponin I", "ug/L", [0.0, 1000.0]),
    skewed("TroponinT", "troponin T", "ug/L", [0.0, 200.0]),
    skewed("Urine", "urine output", "mL", [0.0, 5000.0]).expected(),
    skewed("WBC", "white cells", "10*3/uL", [0.05, 500.0]).expected(),
    plain("Weight", "body weight", "kg", [20.0, 400.0]),
];

/// Index of a variable by name.
#[must_use]
pub fn position(name: &str) -> Option<usize> {
    TABLE.iter().position(|one| one.name == name)
}
