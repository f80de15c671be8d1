//! The manifest and the model card that go with the weights.
//!
//! Contract: every figure in them is measured or counted here; none is typed in.

use super::{LABEL, Stay, TrainingError};
use crate::{
    domain::ModelName,
    models::{
        Manifest,
        manifest::{Calibration, Kind, Label, Provenance},
        mortality::contract::Contract,
    },
    training::{Best, Plan},
};
use std::{collections::BTreeMap, fs, path::Path};
use time::OffsetDateTime;

/// Stays and deaths.
#[derive(Debug, Clone, Copy)]
pub struct Counts {
    train: (usize, usize),
    validation: (usize, usize),
}

impl Counts {
    /// Counts them.
    #[must_use]
    pub fn of(train: &[Stay], validation: &[Stay]) -> Self {
        let count = |stays: &[Stay]| (stays.len(), stays.iter().filter(|stay| stay.died).count());
        Self { train: count(train), validation: count(validation) }
    }
}

/// The manifest before calibration: its label and calibration are placeholders that pass through unchanged scores.
///
/// # Errors
/// [`TrainingError`] when the contract cannot be written as TOML.
pub fn manifest(
    contract: &Contract,
    plan: &Plan,
    best: &Best,
    counts: &Counts,
    now: OffsetDateTime,
) -> Result<Manifest, TrainingError> {
    let wrong = |error: &dyn std::fmt::Display| TrainingError::Data(error.to_string());
    let name: ModelName = "inpatient-mortality".parse().map_err(|error| wrong(&error))?;
    Ok(Manifest {
        name,
        version: "0.1.0".into(),
        title: "Risk of death in hospital from 48 hours of vitals and laboratory values".into(),
        kind: Kind::Sequence,
        architecture: "lstm-3x128".into(),
        intended_use:
            "To draw attention to adults in intensive care whose course resembles that of patients who died in \
                       hospital, so that goals and treatment are reviewed. It informs a clinician; it decides nothing."
                .into(),
        not_for: vec![
            "children and adolescents under 16".into(),
            "patients outside intensive care: on a ward or at home its probabilities are not calibrated".into(),
            "withholding or withdrawing treatment, triage by score, or comparing hospitals".into(),
        ],
        files: Vec::new(),
        input: toml::Table::try_from(contract).map_err(|error| wrong(&error))?,
        labels: vec![Label {
            name: LABEL.into(),
            threshold: 0.5,
            policy: "none yet".into(),
            sensitivity: 0.0,
            ppv: 0.0,
            alerts_per_100: 0.0,
        }],
        calibration: Calibration { slope: 1.0, intercept: 0.0, ece: 0.0, brier: 0.0 },
        provenance: provenance(plan, best, counts, now),
        evaluation: BTreeMap::new(),
    })
}

fn provenance(plan: &Plan, best: &Best, counts: &Counts, now: OffsetDateTime) -> Provenance {
    let ((train, train_died), (validation, validation_died)) = (counts.train, counts.validation);
    Provenance {
        data: format!(
            "PhysioNet/Computing in Cardiology Challenge 2012, sets a and b: {train} stays in intensive care for \
             training ({train_died} died in hospital), {validation} for validation ({validation_died} died), split by a hash of \
             the RecordID"
        ),
        licence: "ODC-BY 1.0".into(),
        citation:
            "Silva I, Moody G, Scott DJ, Celi LA, Mark RG. Predicting in-hospital mortality of ICU patients: the \
                   PhysioNet/Computing in Cardiology Challenge 2012. Computing in Cardiology 2012;39:245-248"
                .into(),
        source: "https://physionet.org/content/challenge-2012/1.0.0/".into(),
        command: format!(
            "auscult train inpatient-mortality --data <physionet2012> --epochs {} --seed {}",
            plan.epochs, plan.seed
        ),
        seed: plan.seed,
        epoch: best.epoch,
        date: now.date().to_string(),
    }
}

/// Writes `MODEL_CARD.md`.
///
/// # Errors
/// [`TrainingError`] when there are no figures yet or the file cannot be written.
pub fn card(folder: &Path, manifest: &Manifest) -> Result<(), TrainingError> {
    let figures = manifest.evaluation.get("validation");
    let figures = figures.ok_or_else(|| TrainingError::Data("there are no figures on validation".into()))?;
    let label = &manifest.labels[0];
    let figure = |name: &str| figures.metrics.get(name).map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"));
    let not_for: String = manifest.not_for.iter().map(|one| format!("- {one}\n")).collect();
    let text = format!(
        "# {title}\n\n\
         Model `{name}` {version}, architecture `{architecture}`.\n\n\
         ## What it is for\n\n{intended}\n\nIt is not for:\n\n{not_for}\n\
         ## How it works\n\n\
         Vitals and laboratory values of up to 48 hours are sorted into hours: the mean of each hour (the sum for \
         urine), carried forward, with whether and how long ago each variable was measured beside it. Three LSTM layers of 128 \
         units read the hours; their last state is joined with the mean, least, greatest and latest value of every \
         variable, age and sex. Explanations are integrated gradients against an average stay of the same length.\n\n\
         ## Data\n\n{data}. Licence {licence}. {citation}. <{source}>\n\n\
         ## Figures on validation ({n} stays, {positives} deaths)\n\n\
         | AUROC | AUPRC | event 1: min(sensitivity, PPV) | Brier | ECE |\n|---|---|---|---|---|\n\
         | {auroc} | {auprc} | {event1} | {brier} | {ece} |\n\n\
         A card appears from a probability of {threshold:.3} on ({policy}): sensitivity {sensitivity:.3}, positive \
         predictive value {ppv:.3}, {alerts:.0} cards per 100 stays. Epoch, calibration and threshold were chosen on \
         these same stays, so the figures are somewhat flattering; calibration error in particular.\n\n\
         ## Limits\n\n\
         - One hospital (Boston, 2001 to 2008), four kinds of intensive care, adults. Practice and survival have changed \
         since.\n\
         - Trained on the first 48 hours in intensive care; in service the window is the last 48 hours of what was \
         sent. It was also trained on windows cut short and on stays with variables hidden, but not on wards.\n\
         - What is measured, and how often, says something about how ill clinicians believe a patient to be; the network \
         uses that. Where charting differs, so will the answer.\n\
         - No number is given below {age} years, with fewer than {variables} kinds of measurements, or when they span less \
         than {hours} hours.\n\
         - Attributions describe the network, not causes in the patient.\n\
         - Nothing is known about how well it does per ethnic group: the data do not say.\n",
        title = manifest.title,
        name = manifest.name,
        version = manifest.version,
        architecture = manifest.architecture,
        intended = manifest.intended_use,
        data = manifest.provenance.data,
        licence = manifest.provenance.licence,
        citation = manifest.provenance.citation,
        source = manifest.provenance.source,
        n = figures.n,
        positives = figures.positives,
        auroc = figure("auroc"),
        auprc = figure("auprc"),
        event1 = figure("event1"),
        brier = figure("brier"),
        ece = figure("ece"),
        threshold = label.threshold,
        policy = label.policy,
        sensitivity = label.sensitivity,
        ppv = label.ppv,
        alerts = label.alerts_per_100,
        age = manifest.input.get("age_min_years").map(ToString::to_string).unwrap_or_default(),
        variables = manifest.input.get("variables_min").map(ToString::to_string).unwrap_or_default(),
        hours = manifest.input.get("hours_min").map(ToString::to_string).unwrap_or_default(),
    );
    let path = folder.join("MODEL_CARD.md");
    fs::write(&path, text).map_err(TrainingError::io(&path))
}
