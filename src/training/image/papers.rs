//! The chest network's manifest, model card and golden outputs.
//!
//! Contract: every number comes from the loaded model or the data; the words say what is known and what is not.

use super::data::LabelledFilm;
use crate::{
    domain::Clock,
    models::{
        Manifest,
        chest::{ARCHITECTURE, Chest, LABEL, Settings, network::multiplications, phantom},
        manifest::{Calibration, Evaluation, FileDigest, Kind, Label, Provenance},
    },
    training::{Best, Plan, TrainingError, calibration},
};
use std::{collections::BTreeMap, fs, path::Path};

/// Sensitivity the threshold must keep on validation.
const SENSITIVITY: f64 = 0.95;

/// Films of a split.
#[derive(Debug, Clone, Copy)]
pub struct Count {
    /// All.
    pub films: usize,
    /// With pneumonia.
    pub positives: usize,
}

impl Count {
    /// Counts films.
    pub fn of(films: &[&LabelledFilm]) -> Self {
        Self { films: films.len(), positives: films.iter().filter(|film| film.positive).count() }
    }
}

/// The manifest before calibration.
pub fn manifest(
    out: &Path,
    settings: &Settings,
    plan: &Plan,
    best: &Best,
    [train, validation]: [Count; 2],
    clock: &dyn Clock,
) -> Result<Manifest, TrainingError> {
    let name = out.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let wrong = |error: &dyn std::fmt::Display| TrainingError::Data(error.to_string());
    Ok(Manifest {
        name: name.parse().map_err(|error| wrong(&error))?,
        version: "0.1.0".into(),
        title: "Pneumonia on a frontal chest film".into(),
        kind: Kind::Image,
        architecture: ARCHITECTURE.into(),
        intended_use:
            "Points clinicians to frontal chest films of young children that look like pneumonia, as a second \
                       look beside their own reading."
                .into(),
        not_for: [
            "adults and children over five years: none were in the training data",
            "lateral films, other parts of the body, CT, photographs of films",
            "findings other than pneumonia: a low probability does not mean a normal film",
            "ruling pneumonia out, or deciding about treatment without a clinician",
        ]
        .map(String::from)
        .to_vec(),
        files: vec![FileDigest::of(out, "weights.safetensors")?],
        input: toml::Table::try_from(settings).map_err(|error| wrong(&error))?,
        labels: vec![Label {
            name: LABEL.into(),
            threshold: 0.5,
            policy: String::new(),
            sensitivity: 0.0,
            ppv: 0.0,
            alerts_per_100: 0.0,
        }],
        calibration: Calibration { slope: 1.0, intercept: 0.0, ece: 0.0, brier: 0.0 },
        provenance: Provenance {
            data: format!(
                "{} films for training ({} with pneumonia), {} for validation ({}), split by patient; children aged one to \
                 five, one hospital (Guangzhou), 176 × 176 pixels",
                train.films, train.positives, validation.films, validation.positives
            ),
            licence: "CC BY 4.0".into(),
            citation:
                "Kermany et al., Identifying Medical Diagnoses and Treatable Diseases by Image-Based Deep Learning, \
                       Cell 2018;172:1122"
                    .into(),
            source: "https://data.mendeley.com/datasets/rscbjbr9sj".into(),
            command: format!("auscult train {name} --data <folder> --epochs {} --seed {}", plan.epochs, plan.seed),
            seed: plan.seed,
            epoch: best.epoch,
            date: clock.now().date().to_string(),
        },
        evaluation: BTreeMap::new(),
    })
}

/// Fits the calibration and chooses the threshold on validation scores.
pub fn calibrate(manifest: &mut Manifest, scores: &[f64], labels: &[bool]) -> Result<(), TrainingError> {
    let wrong = |error: calibration::CalibrationError| TrainingError::Data(error.to_string());
    manifest.calibration = calibration::platt(scores, labels).map_err(wrong)?;
    let probabilities: Vec<f64> = scores.iter().map(|score| manifest.calibration.probability(*score)).collect();
    let label = calibration::threshold_for_sensitivity(LABEL, &probabilities, labels, SENSITIVITY).map_err(wrong)?;
    manifest.labels = vec![label];
    Ok(())
}

/// Writes the golden outputs, the model card and, last, the manifest.
pub fn finish(
    out: &Path,
    mut manifest: Manifest,
    model: &Chest,
    [train, validation]: [Count; 2],
    metrics: BTreeMap<String, f64>,
) -> Result<(), TrainingError> {
    let evaluation = Evaluation { n: validation.films, positives: validation.positives, metrics };
    let save = |file: &str, text: String| {
        let path = out.join(file);
        fs::write(&path, text).map_err(TrainingError::io(path))
    };
    save("golden.json", golden(model)?)?;
    save("MODEL_CARD.md", card(&manifest, &evaluation, train))?;
    manifest.evaluation.insert("validation".into(), evaluation);
    Ok(manifest.save(out)?)
}

/// Scores of the phantoms (`models::chest::phantom`), which every build must reproduce within 1e-3.
fn golden(model: &Chest) -> Result<String, TrainingError> {
    let mut outputs = Vec::new();
    for name in ["normal", "shadowed", "wedge"] {
        let image = phantom::by_name(name).ok_or_else(|| TrainingError::Data(format!("`{name}` is not a phantom")))?;
        let score = model.scores(&[&image])?.first().copied().unwrap_or(f64::NAN);
        outputs.push(serde_json::json!({ "phantom": name, "score": score, "read": model.reads(&image) }));
    }
    let golden = serde_json::json!({
        "about": "Raw scores of test objects drawn by formula in src/models/chest/phantom.rs. They show that the arithmetic \
                  is unchanged, not that it is right about patients.",
        "tolerance": 1e-3,
        "outputs": outputs,
    });
    let text = serde_json::to_string_pretty(&golden).map_err(|error| TrainingError::Data(error.to_string()))?;
    Ok(text + "\n")
}

fn card(manifest: &Manifest, evaluation: &Evaluation, train: Count) -> String {
    let Manifest { title, intended_use, provenance, .. } = manifest;
    let not_for: String = manifest.not_for.iter().map(|not| format!("- {not}\n")).collect();
    let network = network_words(manifest).unwrap_or_default();
    let rows: String = evaluation.metrics.iter().map(|(name, value)| format!("| {name} | {value:.4} |\n")).collect();
    let alert = manifest.labels.first().map(|label| alert_words(label, evaluation)).unwrap_or_default();
    format!(
        "# {title}\n\n{intended_use}\n\n## Not for\n\n{not_for}\n## The network\n\n{network}\n\n## Data\n\n{}.\n\n\
         Licence {}. {}. {}\n\nTrained on {} films, {} of them with pneumonia, with `{}`; weights of epoch {}, {}.\n\n\
         ## Figures on validation\n\n{} films, {} with pneumonia, of other patients than those in training.\n\n\
         | Metric | Value |\n|---|---|\n{rows}\n{alert}\n{CAVEATS}",
        provenance.data,
        provenance.licence,
        provenance.citation,
        provenance.source,
        train.films,
        train.positives,
        provenance.command,
        provenance.epoch,
        provenance.date,
        evaluation.n,
        evaluation.positives,
    )
}

fn network_words(manifest: &Manifest) -> Option<String> {
    let settings: Settings = toml::Value::Table(manifest.input.clone()).try_into().ok()?;
    let widths: Vec<String> = settings.widths.iter().map(ToString::to_string).collect();
    let millions = multiplications(&settings.widths, settings.side) as f64 / 1e6;
    Some(format!(
        "A small residual convolutional network ({} channels; a strided convolution and a residual block per stage), \
         {millions:.1} million multiplications per film. The film is squashed to {side} × {side} pixels, whatever its \
         aspect ratio, because the films it was trained on were. It sees the histogram-equalised film and the local \
         contrast, so that exposure, window and gamma matter little. Weights are standardised while training and folded \
         into plain convolutions. The score is linear in the mean of the last features, so the heat map (class activation \
         map) adds up to it exactly.",
        widths.join(", "),
        side = settings.side,
    ))
}

fn alert_words(label: &Label, evaluation: &Evaluation) -> String {
    let share = 100.0 * evaluation.positives as f64 / evaluation.n.max(1) as f64;
    format!(
        "A card appears from a calibrated probability of {:.3} ({}): sensitivity {:.3}, positive predictive value {:.3}, \
         {:.0} cards per 100 films like these, {share:.0} % of which show pneumonia. Where pneumonia is rarer, a greater \
         share of the cards is wrong.\n",
        label.threshold, label.policy, label.sensitivity, label.ppv, label.alerts_per_100
    )
}

const CAVEATS: &str = "
`auroc_shifted` is measured on the same films turned, scaled, exposed, blurred and made noisy at random (seeded): an \
indication, not a test at another hospital. The epoch, the calibration and the threshold were chosen on these validation \
films, so the figures flatter a little.

## What to know

- One hospital, children of one to five years, films chosen for a data set: expect worse elsewhere.
- The network may use what goes with illness without being it: position, collimation, lines and tubes, the age of the child. \
The heat map says where the score comes from, not that the reason is medical.
- It refuses films that are stated to be something else, that are blank or noise, or that look unlike a frontal chest film; \
the limits are in the manifest. A film that passes may still be unsuitable.
- Not a medical device.
";
