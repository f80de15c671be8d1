//! The manifest's words, the model card's prose and the source attributes of the mortality networks.
//!
//! Contract: every figure in them is measured or counted; none is typed in.

use super::{Form, LABEL, Stay, TrainingError};
use crate::{
    models::{
        Manifest,
        evaluation::Report,
        manifest::{Calibration, Kind, Label, Provenance},
        mortality::contract::Contract,
    },
    training::{Plan, papers::CardText},
};
use std::{collections::BTreeMap, fmt::Write as _};
use time::OffsetDateTime;

/// Stays and deaths per split.
#[derive(Debug, Clone, Copy)]
pub struct Counts([(usize, usize); 3]);

impl Counts {
    /// Counts them: train, tune, validation.
    #[must_use]
    pub fn of(splits: [&[Stay]; 3]) -> Self {
        Self(splits.map(|stays| (stays.len(), stays.iter().filter(|stay| stay.died).count())))
    }

    fn words(self) -> String {
        let [train, tune, validation] = self.0.map(|(stays, died)| format!("{stays} ({died} died in hospital)"));
        format!(
            "PhysioNet/Computing in Cardiology Challenge 2012, sets a and b: stays of adults in intensive care, their first \
             48 hours; split by a hash of the RecordID into train {train}, tune {tune} and validation {validation}"
        )
    }
}

/// First hours of a stay for which figures are given, beside all 48.
pub const WINDOWS: [u32; 3] = [8, 12, 24];

/// The manifest before anything is fitted: its label and calibration are placeholders that pass scores through.
///
/// # Errors
/// [`TrainingError`] when the contract cannot be written as TOML.
pub fn manifest(
    form: Form,
    contract: &Contract,
    (plan, epoch): (&Plan, usize),
    counts: Counts,
    now: OffsetDateTime,
) -> Result<Manifest, TrainingError> {
    let wrong = |error: &dyn std::fmt::Display| TrainingError::Data(error.to_string());
    Ok(Manifest {
        name: form.name().parse().map_err(|error| wrong(&error))?,
        version: match form {
            Form::Joined => "0.2.0".into(),
            Form::Textbook => "0.1.0".into(),
        },
        title: match form {
            Form::Joined => "Risk of death in hospital from 48 hours of vitals and laboratory values".into(),
            Form::Textbook => "Risk of death in hospital, textbook network (for teaching and comparison)".into(),
        },
        kind: Kind::Sequence,
        architecture: form.architecture().into(),
        intended_use: intended(form).into(),
        not_for: not_for(form),
        files: Vec::new(),
        input: toml::Table::try_from(contract).map_err(|error| wrong(&error))?,
        labels: vec![label()],
        calibration: Calibration::IDENTITY,
        provenance: Provenance {
            data: counts.words(),
            ages: None,
            licence: "ODC-BY 1.0".into(),
            citation:
                "Silva I, Moody G, Scott DJ, Celi LA, Mark RG. Predicting in-hospital mortality of ICU patients: \
                       the PhysioNet/Computing in Cardiology Challenge 2012. Computing in Cardiology 2012;39:245-248"
                    .into(),
            source: "https://physionet.org/content/challenge-2012/1.0.0/".into(),
            command: format!(
                "auscult train {} --data <physionet2012> --epochs {} --seed {}",
                form.name(),
                plan.epochs,
                plan.seed
            ),
            seed: plan.seed,
            epoch,
            date: now.date().to_string(),
        },
        attributes: BTreeMap::new(),
        evaluation: BTreeMap::new(),
    })
}

fn label() -> Label {
    Label { policy: "none yet".into(), ..Label::open(LABEL) }
}

const fn intended(form: Form) -> &'static str {
    match form {
        Form::Joined => {
            "To draw attention to adults in intensive care whose course resembles that of patients who died in hospital, \
             so that goals and treatment are reviewed. It informs a clinician; it decides nothing."
        }
        Form::Textbook => {
            "To teach how a recurrent network reads a course, and to compare it with `inpatient-mortality` on the same \
             stays. Not for care."
        }
    }
}

fn not_for(form: Form) -> Vec<String> {
    let mut all = vec![
        "children and adolescents under 16".to_owned(),
        "patients outside intensive care: on a ward or at home its probabilities are not calibrated".to_owned(),
        "withholding or withdrawing treatment, triage by score, or comparing hospitals".to_owned(),
    ];
    if form == Form::Textbook {
        all.insert(0, "care: `inpatient-mortality` reads the same course and ranks patients better".into());
    }
    all
}

/// The model card's prose.
#[must_use]
pub fn card(manifest: &Manifest, report: &Report) -> CardText {
    let textbook = manifest.architecture == Form::Textbook.architecture();
    CardText {
        details: if textbook { TEXTBOOK } else { JOINED }.to_owned() + ABSTAINS,
        factors: FACTORS.into(),
        metrics: METRICS.into(),
        evaluation_data: EVALUATION_DATA.into(),
        training_data: TRAINING_DATA.into(),
        analyses: windows(report),
        ethics: ETHICS.into(),
        caveats: CAVEATS.into(),
    }
}

/// What it is worth when only the first hours are sent.
fn windows(report: &Report) -> String {
    let mut text = String::from(
        "When only the first hours after admission are sent (the network reads 6 to 48 hours and says what is missing):\n\n\
         | Window | answered | AUROC | ECE |\n|---|---|---|---|\n",
    );
    let figure = |name: String| report.metrics.get(&name).map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"));
    for hours in WINDOWS {
        // Writing to a String cannot fail.
        writeln!(
            text,
            "| first {hours} h | {} | {} | {} |",
            figure(format!("answered_first_{hours}_hours")),
            figure(format!("auroc_first_{hours}_hours")),
            figure(format!("ece_first_{hours}_hours"))
        )
        .unwrap_or(());
    }
    let answered = 1.0 - report.refused.values().sum::<usize>() as f64 / report.n.max(1) as f64;
    writeln!(text, "| 48 h | {answered:.3} | {} | {} |", figure("auroc".into()), figure("ece".into())).unwrap_or(());
    text
}

const JOINED: &str = "Vitals and laboratory values of up to 48 hours are sorted into hours: the mean of each hour (the sum \
    for urine), carried forward, with whether and how long ago each of 36 variables was measured beside it. Three LSTM \
    layers of 128 units read the hours. Their last state is joined with eleven summaries of every variable (mean, \
    extremes, first and last value, spread, slope, late means, how often and how long ago it was measured), each spread \
    over six bins between quantiles (Gorishniy et al., NeurIPS 2022), and with age and sex; four small heads read all of \
    that with different dropout, and the score is their mean. While it learned it also foretold SAPS-I, SOFA and length \
    of stay, which it never reads. Explanations are integrated gradients against an average stay of the same length; \
    their sum is checked against the score.";

const TEXTBOOK: &str = "The network of the textbooks, exactly: `LSTM(128, return_sequences=True)` twice, `LSTM(128)`, \
    `Dense(2, softmax)`. Every hour is one step of 110 numbers: for each of 36 variables in the order of the manifest its \
    value (the hour's mean or, for urine, sum; carried forward; standardised), whether it was measured, and the hours since \
    then (as a share of 24, at most 1), each less its training mean; then age and sex (−1 female, 1 male, 0 unknown). \
    Weights trained in Keras on the same steps can be taken over with `auscult import keras`. Explanations are integrated \
    gradients against an average stay of the same length.";

const ABSTAINS: &str = "\n\nIt gives no number when the age is unknown or under 16, when fewer than five kinds of \
    measurements can be used, when they span less than six hours, when nothing measured repeatedly ever changes, and \
    when the last state lies farther from those of the training stays (Mahalanobis distance, Lee et al., NeurIPS 2018) \
    than 99.5 % of the stays of `tune` do.";

const FACTORS: &str = "Sex, age, kind of intensive care unit and number of measurements are looked at below. The data do not \
    say ethnicity, language or income. Instruments: bedside monitors and one hospital's laboratory; arterial-line and cuff \
    pressures are different variables.";

const METRICS: &str = "AUROC and average precision for ranking; event 1 (greatest min(sensitivity, PPV)) because the \
    Challenge used it; expected calibration error over 15 bins and Brier score because the card shows a probability. The \
    threshold is the lowest one at which at least four in ten cards were right on the stays named in its policy: a card that is wrong more often \
    is not read for long. The conformal answer keeps its promise for each outcome separately.";

const EVALUATION_DATA: &str = "A fifth of the stays, chosen by a hash of their number. Weights, calibration, threshold \
    and limits were fitted without them, but prototypes were compared on them while the network was designed, so the figures are \
    a little kind. Read exactly as the service reads a chart. They come from the same hospital and years as the training stays.";

const TRAINING_DATA: &str = "Slips of the pen are undone or left out (temperature in °F, pH times 10 or 100, −1 for missing). \
    SAPS, SOFA, length of stay and survival are outcomes and never inputs. The kind of unit and body height are not read: \
    they added nothing to the ranking.";

const ETHICS: &str = "A number about death weighs on people. The card says what it rests on, how often such cards are right, \
    and that it decides nothing. What is measured, and how often, says something about how ill clinicians believe a patient \
    to be; the network uses that, and may therefore repeat their judgement, good or biased. Limits of treatment were not in \
    the data: some deaths were foreseen and accepted.";

const CAVEATS: &str = "- One hospital (Boston, 2001 to 2008), four kinds of intensive care, adults. Practice and survival have \
    changed since; calibrate on your own patients before use (`models/README.md`).\n\
    - Trained on the first 48 hours in intensive care; in service the window is the last 48 hours of what was sent.\n\
    - Where charting differs, so will the answer.\n\
    - Attributions describe the network, not causes in the patient.\n\
    - Published models on this data reach an AUROC of 0.84 to 0.87. On the same validation stays, gradient-boosted trees on \
    summaries reached 0.861 and logistic regression 0.851 (measured while developing, scikit-learn): the data seem to hold \
    little more.";

/// Source attributes that are not computed from the report.
pub const ATTRIBUTES: [(&str, &str); 19] = [
    ("funding", "No funding was received for this network"),
    ("intended-patients", "Adults (16 and over) in intensive care"),
    ("intended-users", "Physicians and nurses of intensive care, and clinicians they call"),
    (
        "known-risks",
        "Fitted on one hospital, 2001 to 2008: probabilities will be off elsewhere until calibrated; reacts to how often \
         things are measured; cards tire their readers if the threshold is set low",
    ),
    (
        "sensitive-inputs",
        "Age and sex are inputs. Race, ethnicity, language, sexual orientation, gender identity, social determinants and \
         health status beyond the measurements are not",
    ),
    (
        "representativeness",
        "Adults of one US hospital's intensive care units; sex and age as reported by subgroup; ethnicity unknown",
    ),
    ("relevance", "Same kind of setting (adult intensive care); other hospitals chart and treat otherwise"),
    ("fairness-approach", "Figures by sex, age, unit and number of measurements are published with every version"),
    (
        "bias-reduction",
        "None beyond leaving out the kind of unit; differences between groups are reported, not corrected",
    ),
    ("external-source", "unknown"),
    ("external-party", "unknown"),
    ("external-representativeness", "unknown"),
    ("external-process", "unknown"),
    ("outcome-studies", "unknown: no study of its effect on outcomes has been done"),
    (
        "validity-monitoring",
        "Every answer and every feedback is recorded; a local evaluation can be repeated at any time with `auscult evaluate`",
    ),
    ("validity-local", "unknown until evaluated on local data with `auscult evaluate`"),
    ("fairness-monitoring", "As validity: `auscult evaluate` reports subgroups each time"),
    ("update-process", "With releases of Auscult, as data and methods allow; each version is named in every record"),
    ("correction-schedule", "No fixed schedule; known problems are corrected in the next release"),
];
