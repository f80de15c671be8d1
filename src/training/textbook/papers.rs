//! Manifest, card and attributes of `pneumonia-28`.
//!
//! Contract: says plainly that it is a textbook's network, kept for teaching and comparison.

use crate::{
    domain::Clock,
    models::{
        Manifest,
        chest::LABEL,
        manifest::{Calibration, FileDigest, Kind, Label, Provenance},
        textbook::film::ARCHITECTURE,
    },
    training::{
        Best, Plan, TrainingError,
        image::papers::{Count, KERMANY},
        papers::CardText,
    },
};
use std::{collections::BTreeMap, path::Path};

/// The manifest before calibration.
pub fn manifest(
    out: &Path,
    input: toml::Table,
    plan: &Plan,
    best: &Best,
    [train, tune, validation]: [Count; 3],
    clock: &dyn Clock,
) -> Result<Manifest, TrainingError> {
    let name = out.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    Ok(Manifest {
        name: name.parse().map_err(|error| TrainingError::Data(format!("{name}: {error}")))?,
        version: "0.1.0".into(),
        title: "A textbook's network: pneumonia on a chest film of 28 × 28 pixels".into(),
        kind: Kind::Image,
        architecture: ARCHITECTURE.into(),
        intended_use: "Teaching, and comparison with chest-radiograph: what the network of every textbook makes of chest films \
                       of young children at 28 × 28 pixels."
            .into(),
        not_for: [
            "decisions about patients: chest-radiograph sees twenty times as many pixels and is better in every respect",
            "adults and children over five years: none were in the training data",
            "lateral films, other parts of the body, CT, photographs of films",
            "findings other than pneumonia: a low probability does not mean a normal film",
        ]
        .map(String::from)
        .to_vec(),
        files: vec![FileDigest::of(out, "weights.safetensors")?],
        input,
        labels: vec![Label::open(LABEL)],
        calibration: Calibration::IDENTITY,
        provenance: Provenance {
            data: format!(
                "PneumoniaMNIST: {train} films for training, {tune} for tuning, {validation} for validation, 28 × 28 pixels; \
                 children aged one to five, one hospital (Guangzhou); the films of one patient may be in several parts"
            ),
            ages: Some([1.0, 6.0]),
            licence: "CC BY 4.0".into(),
            citation: format!(
                "Yang et al., MedMNIST v2: A large-scale lightweight benchmark for 2D and 3D biomedical image classification, \
                 Sci Data 2023;10:41; {KERMANY}"
            ),
            source: "https://medmnist.com".into(),
            command: format!("auscult train {name} --data <folder> --epochs {} --seed {}", plan.epochs, plan.seed),
            seed: plan.seed,
            epoch: best.epoch,
            date: clock.now().date().to_string(),
        },
        attributes: BTreeMap::new(),
        evaluation: BTreeMap::new(),
    })
}

/// The card.
pub fn card() -> CardText {
    CardText {
        details: DETAILS.into(),
        factors: "Age, sex, ethnicity and machine are not in the data, so figures by them are unknown. Brightness, contrast and \
                  each kind of shift are reported."
            .into(),
        metrics: "AUROC, and accuracy, sensitivity, specificity and PPV at the served threshold, a \
                  probability of one half. Platt scaling and conformal limits are fitted on tuning films."
            .into(),
        evaluation_data: "The collection's own validation films. Weights, calibration and limits were fitted without them; the rule for \
                          the threshold was changed once after two others were seen to do badly on them. Patients are not named in the \
                          collection, so some may also be in training. Figures named `shift_…` are measured on the same films \
                          changed by code, as for chest-radiograph."
            .into(),
        training_data: "Every ninth training film was kept for tuning. Films are changed at random while training, and one \
                        picture in seven is no chest film, as for chest-radiograph. The films are the same as \
                        chest-radiograph's: neither is an external test of the other."
            .into(),
        analyses: String::new(),
        ethics: "As for chest-radiograph. A film of 28 × 28 pixels does not show what a radiologist looks for; its use on \
                 patients would be wrong where the larger network is at hand."
            .into(),
        caveats: "- A teaching object: not part of `chart-review`, and its service says so.
- It refuses what chest-radiograph refuses, by the same means (limits on pixels, a second output, a distance), which lie \
outside the textbook's layers and do not change its answers.
- Not a medical device."
            .into(),
    }
}

const DETAILS: &str = "Exactly the network of the textbooks: 28 × 28 × 1, 32 kernels of 3 × 3 with ReLU, pooling of 2 × 2, 64 \
kernels, pooling, 128 kernels, flattened, a dense layer of 128 units with ReLU, a dense layer of two with softmax; edges \
padded (`same`). 8 million multiplications per film. The film is squashed to 28 × 28 pixels and equalised. Explanations are \
integrated gradients from the average training film without the finding, checked against the score they must add up to.";

/// Texts of the source attributes.
pub const ATTRIBUTES: [(&str, &str); 16] = [
    ("funding", "none"),
    ("output", "Calibrated probability that a chest film shows pneumonia, for teaching and comparison"),
    ("intended-patients", "none: for teaching"),
    ("intended-users", "Students and developers"),
    ("decision-role", "none: for teaching and comparison"),
    (
        "known-risks",
        "It looks like a working product and is not meant for patients; misses and false alarms are more frequent than chest-radiograph's",
    ),
    ("sensitive-inputs", "Only the film is an input"),
    ("representativeness", "One hospital in Guangzhou, China, ages one to five; sex and ethnicity are not published"),
    ("relevance", "none outside teaching"),
    ("fairness-approach", "Figures by brightness, contrast and simulated shift; the data say nothing about persons"),
    (
        "bias-reduction",
        "Equalised input, strong changes of every training film, equal weight of ill and well films within each look",
    ),
    ("external-source", "none"),
    ("external-party", "none"),
    ("external-process", "none; the shifts are simulated on films of the same collection"),
    ("validity-monitoring", "none: for teaching"),
    ("outcome-studies", "none"),
];
