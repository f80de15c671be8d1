//! Courses made by formula, with the answers the network gave when it was trained.
//!
//! Contract: no patient's data; the same courses everywhere. A service that answers otherwise by more than 1e-4 has
//! other weights or other arithmetic.

use super::{Stay, TrainingError, variables};
use crate::{
    domain::Sex,
    models::{Model, mortality::Mortality},
    training::physionet::{Outcome, Reading},
};
use serde::{Deserialize, Serialize};
use std::{fs, path::Path};

/// What the network said to one of the courses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Golden {
    /// The course's name.
    pub course: String,
    /// Raw score.
    pub score: f64,
    /// Calibrated probability.
    pub probability: f64,
}

/// How one variable runs: from the first value to the last, measured every so many hours, with a ripple.
struct Run(&'static str, f64, f64, f64, f64);

/// A patient who does well after two days.
const STABLE: [Run; 21] = [
    Run("HR", 88.0, 76.0, 1.0, 3.0),
    Run("NISysABP", 118.0, 126.0, 1.0, 4.0),
    Run("NIDiasABP", 62.0, 68.0, 1.0, 3.0),
    Run("NIMAP", 79.0, 86.0, 1.0, 3.0),
    Run("RespRate", 18.0, 15.0, 1.0, 1.0),
    Run("Temp", 37.0, 36.8, 4.0, 0.1),
    Run("SaO2", 97.0, 98.0, 4.0, 0.5),
    Run("GCS", 15.0, 15.0, 4.0, 0.0),
    Run("Urine", 90.0, 110.0, 1.0, 15.0),
    Run("BUN", 14.0, 12.0, 12.0, 0.0),
    Run("Creatinine", 0.9, 0.8, 12.0, 0.0),
    Run("K", 4.1, 4.0, 12.0, 0.0),
    Run("Na", 139.0, 140.0, 12.0, 0.0),
    Run("HCO3", 24.0, 26.0, 12.0, 0.0),
    Run("Glucose", 128.0, 112.0, 12.0, 0.0),
    Run("HCT", 33.0, 32.0, 12.0, 0.0),
    Run("Platelets", 220.0, 225.0, 12.0, 0.0),
    Run("WBC", 10.5, 8.8, 24.0, 0.0),
    Run("Lactate", 1.4, 1.0, 24.0, 0.0),
    Run("Mg", 2.0, 2.0, 24.0, 0.0),
    Run("Weight", 74.0, 74.0, 24.0, 0.0),
];

/// A patient in septic shock with failing kidneys and liver.
const DETERIORATING: [Run; 30] = [
    Run("HR", 98.0, 128.0, 1.0, 4.0),
    Run("SysABP", 112.0, 82.0, 1.0, 5.0),
    Run("DiasABP", 58.0, 42.0, 1.0, 3.0),
    Run("MAP", 75.0, 54.0, 1.0, 3.0),
    Run("RespRate", 22.0, 33.0, 1.0, 1.0),
    Run("Temp", 38.6, 35.6, 4.0, 0.2),
    Run("SaO2", 95.0, 89.0, 4.0, 0.5),
    Run("GCS", 13.0, 4.0, 4.0, 0.0),
    Run("Urine", 45.0, 4.0, 1.0, 3.0),
    Run("FiO2", 0.5, 1.0, 4.0, 0.0),
    Run("MechVent", 1.0, 1.0, 4.0, 0.0),
    Run("PaO2", 90.0, 58.0, 6.0, 4.0),
    Run("PaCO2", 36.0, 52.0, 6.0, 2.0),
    Run("pH", 7.34, 7.12, 6.0, 0.01),
    Run("Lactate", 3.1, 10.5, 6.0, 0.2),
    Run("BUN", 32.0, 68.0, 12.0, 0.0),
    Run("Creatinine", 1.6, 4.1, 12.0, 0.0),
    Run("K", 4.4, 5.9, 12.0, 0.0),
    Run("Na", 134.0, 131.0, 12.0, 0.0),
    Run("HCO3", 19.0, 11.0, 12.0, 0.0),
    Run("Glucose", 168.0, 92.0, 12.0, 0.0),
    Run("HCT", 30.0, 25.0, 12.0, 0.0),
    Run("Platelets", 140.0, 42.0, 12.0, 0.0),
    Run("WBC", 19.0, 27.0, 12.0, 0.0),
    Run("Bilirubin", 2.1, 6.8, 24.0, 0.0),
    Run("AST", 160.0, 1900.0, 24.0, 0.0),
    Run("ALT", 110.0, 1100.0, 24.0, 0.0),
    Run("ALP", 130.0, 190.0, 24.0, 0.0),
    Run("Albumin", 2.4, 1.8, 24.0, 0.0),
    Run("Weight", 81.0, 88.0, 24.0, 0.0),
];

fn stay(runs: &[Run], hours: f64, age_years: f64, sex: Sex) -> Stay {
    let mut readings = Vec::new();
    for Run(name, first, last, every, ripple) in runs {
        let Some(variable) = variables::position(name) else { continue };
        let steps = (hours / every).ceil() as usize;
        for step in 0..steps {
            let hour = step as f64 * every + 0.5;
            if hour < hours {
                let value = first + (last - first) * hour / 48.0 + ripple * (1.7 * step as f64).sin();
                readings.push(Reading { variable, minutes: (hour * 60.0) as u32, value });
            }
        }
    }
    Stay {
        id: 0,
        age_years: Some(age_years),
        sex: Some(sex),
        died: false,
        outcome: Outcome::default(),
        unit: None,
        readings,
    }
}

/// The courses by name.
#[must_use]
pub fn courses() -> [(&'static str, Stay); 4] {
    [
        ("stable", stay(&STABLE, 48.0, 54.0, Sex::Female)),
        ("deteriorating", stay(&DETERIORATING, 48.0, 74.0, Sex::Male)),
        ("deteriorating, first 12 hours", stay(&DETERIORATING, 12.0, 74.0, Sex::Male)),
        ("stable, vitals only", stay(&STABLE[..8], 24.0, 54.0, Sex::Female)),
    ]
}

/// Asks the network about all courses.
///
/// # Errors
/// [`TrainingError`] when it cannot answer.
pub fn ask(model: &Mortality) -> Result<Vec<Golden>, TrainingError> {
    let one = |(name, stay): (&str, Stay)| {
        let score = model.scores(&[&stay.course()])?[0].score;
        Ok(Golden { course: name.to_owned(), score, probability: model.manifest().calibration.probability(score) })
    };
    courses().into_iter().map(one).collect()
}

/// Writes `golden.json`.
///
/// # Errors
/// [`TrainingError`] when the network cannot answer or the file cannot be written.
pub fn write(folder: &Path, model: &Mortality) -> Result<(), TrainingError> {
    let path = folder.join("golden.json");
    let text = serde_json::to_string_pretty(&ask(model)?).map_err(|error| TrainingError::Data(error.to_string()))?;
    fs::write(&path, text + "\n").map_err(TrainingError::io(&path))
}

#[cfg(test)]
mod tests {
    use super::{super::Form, *};
    use crate::{
        domain::{Attribution, ModelInput, Status},
        models::{Manifest, attribution::Effort},
    };
    use std::path::PathBuf;

    const BOTH: [Form; 2] = [Form::Joined, Form::Textbook];

    fn shipped(form: Form) -> (PathBuf, Mortality) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(form.name());
        let model = Mortality::load(&folder, Manifest::load(&folder).unwrap()).unwrap();
        (folder, model)
    }

    #[test]
    fn the_shipped_networks_answer_as_when_they_were_trained() {
        for (folder, model) in BOTH.map(shipped) {
            let text = fs::read_to_string(folder.join("golden.json")).unwrap();
            let expected: Vec<Golden> = serde_json::from_str(&text).unwrap();
            let found = ask(&model).unwrap();
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(&expected) {
                assert_eq!(found.course, expected.course);
                assert!((found.score - expected.score).abs() < 1e-4, "{found:?} {expected:?}");
                assert!((found.probability - expected.probability).abs() < 1e-4, "{found:?} {expected:?}");
            }
        }
    }

    #[test]
    fn the_deteriorating_patient_fires_and_the_stable_one_does_not() {
        for (_, model) in BOTH.map(shipped) {
            let answers = ask(&model).unwrap();
            let threshold = model.manifest().labels[0].threshold;
            assert!(answers[0].probability < 0.1 && answers[0].probability < threshold, "{answers:?}");
            assert!(answers[1].probability > 0.5 && answers[1].probability > threshold, "{answers:?}");
            assert!(answers[3].probability < threshold, "{answers:?}");
        }
    }

    #[test]
    fn the_shipped_networks_explain_themselves_within_tolerance() {
        for (name, stay) in courses() {
            for (_, model) in BOTH.map(shipped) {
                let explanation = model.explain(&ModelInput::Course(stay.course()), Effort::FULL).unwrap();
                assert!(explanation.reliable, "{name}: gap {} over {}", explanation.gap, explanation.tolerance);
                let Attribution::Factors { factors } = explanation.attribution else { panic!("factors were expected") };
                assert!(!factors.is_empty() && factors.len() <= 12);
            }
        }
    }

    #[test]
    fn two_days_of_constants_are_refused() {
        let (_, mut still) = courses().into_iter().next().unwrap();
        let first: Vec<f64> = (0..variables::TABLE.len())
            .map(|index| still.readings.iter().find(|one| one.variable == index).map_or(0.0, |one| one.value))
            .collect();
        still.readings.iter_mut().for_each(|one| one.value = first[one.variable]);
        for (_, model) in BOTH.map(shipped) {
            let answer = model.predict(&[&ModelInput::Course(still.course())]).unwrap().remove(0);
            assert!(matches!(answer.status, Status::Abstained(why) if why.reason == "no-variation"));
        }
    }
}
