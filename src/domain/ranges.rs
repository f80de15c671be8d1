//! Typical reference ranges of adults, for pictures and for what a value could have been instead.
//!
//! Contract: in the units of the sequence network's variables ([`crate::domain::Measurement::unit`]). They are the usual
//! ones of adult laboratories and wards, rounded; a hospital's own differ a little, so wherever one is shown it is called
//! typical. A variable without a range (a score, a setting, a size of the body) has none here.

/// Lowest and highest value that is usual in adults, by the network's name for the variable.
#[must_use]
pub fn typical(variable: &str) -> Option<(f64, f64)> {
    Some(match variable {
        "Albumin" => (3.5, 5.0),
        "ALP" => (40.0, 130.0),
        "ALT" => (7.0, 45.0),
        "AST" => (8.0, 40.0),
        "Bilirubin" => (0.2, 1.2),
        "BUN" => (7.0, 20.0),
        "Cholesterol" => (120.0, 200.0),
        "Creatinine" => (0.6, 1.3),
        "DiasABP" | "NIDiasABP" => (60.0, 90.0),
        "GCS" => (15.0, 15.0),
        "Glucose" => (70.0, 140.0),
        "HCO3" => (22.0, 28.0),
        "HCT" => (36.0, 50.0),
        "HR" => (60.0, 100.0),
        "K" => (3.5, 5.0),
        "Lactate" => (0.5, 2.0),
        "Mg" => (1.7, 2.3),
        "MAP" | "NIMAP" => (70.0, 105.0),
        "Na" => (135.0, 145.0),
        "PaCO2" => (35.0, 45.0),
        "PaO2" => (75.0, 100.0),
        "pH" => (7.35, 7.45),
        "Platelets" => (150.0, 400.0),
        "RespRate" => (12.0, 20.0),
        "SaO2" => (94.0, 100.0),
        "SysABP" | "NISysABP" => (100.0, 140.0),
        "Temp" => (36.1, 37.8),
        "WBC" => (4.0, 11.0),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::typical;

    #[test]
    fn a_range_rises_and_what_has_none_has_none() {
        for name in ["Albumin", "pH", "GCS", "NIMAP", "WBC"] {
            assert!(typical(name).is_some_and(|(low, high)| 0.0 < low && low <= high), "{name}");
        }
        assert_eq!((typical("Weight"), typical("FiO2"), typical("")), (None, None, None));
    }
}
