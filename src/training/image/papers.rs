//! Manifest, cases, golden outputs and figures of the networks that read chest films.
//!
//! Contract: every number comes from the loaded model or the data; epoch, calibration, thresholds and limits come from the
//! split `tune`, figures from validation.

use super::{
    data::LabelledFilm,
    figures::{self, Tuned},
};
use crate::{
    domain::{Clock, Digest, Film, ModelInput, SourceRef},
    models::{
        Manifest,
        chest::{ARCHITECTURE, LABEL, phantom, reader::FilmReader},
        manifest::{Calibration, FileDigest, Kind, Label, Provenance},
    },
    training::{
        Best, Plan, Split, TrainingError, calibration, conformal,
        papers::{self, CardText, Papers},
        report::{self, Asked},
        trial::{Trial, Truth},
    },
};
use serde::Serialize;
use std::{collections::BTreeMap, fs, path::Path};

/// Films per pass.
const BATCH: usize = 32;
/// Mean grey value below which a film counts as dark, and from which as bright.
const BRIGHTNESS: [f64; 2] = [112.0, 132.0];
/// Standard deviation of the grey values below which a film counts as soft, and from which as hard.
const CONTRAST: [f64; 2] = [52.0, 62.0];

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

impl std::fmt::Display for Count {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} ({} with pneumonia)", self.films, self.positives)
    }
}

/// Settings as the manifest's `[input]`.
pub fn table(settings: &impl Serialize) -> Result<toml::Table, TrainingError> {
    toml::Table::try_from(settings).map_err(|error| TrainingError::Data(error.to_string()))
}

/// The chest network's manifest before calibration.
pub fn chest(
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
        version: "0.2.0".into(),
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
        input,
        labels: vec![Label::open(LABEL)],
        calibration: Calibration::IDENTITY,
        provenance: Provenance {
            data: format!(
                "{train} films for training, {tune} for tuning, {validation} for validation, split by patient; children aged \
                 one to five, one hospital (Guangzhou), 176 × 176 pixels"
            ),
            ages: Some([1.0, 6.0]),
            licence: "CC BY 4.0".into(),
            citation: KERMANY.into(),
            source: "https://data.mendeley.com/datasets/rscbjbr9sj".into(),
            command: format!("auscult train {name} --data <folder> --epochs {} --seed {}", plan.epochs, plan.seed),
            seed: plan.seed,
            epoch: best.epoch,
            date: clock.now().date().to_string(),
        },
        attributes: BTreeMap::new(),
        evaluation: BTreeMap::new(),
    })
}

/// Who published the films.
pub const KERMANY: &str = "Kermany et al., Identifying Medical Diagnoses and Treatable Diseases by Image-Based Deep \
                           Learning, Cell 2018;172:1122";

/// Fits the calibration on the films of `tune`. The threshold is not fitted at all: a card appears when the calibrated
/// probability says that the finding is likelier there than not.
pub fn calibrate(manifest: &mut Manifest, tuned: &Tuned) -> Result<(), TrainingError> {
    let wrong = |error: calibration::CalibrationError| TrainingError::Data(error.to_string());
    let plain = tuned.plain(|one| one.score());
    manifest.calibration = calibration::platt(&plain, &tuned.labels).map_err(wrong)?;
    let chances: Vec<f64> = plain.iter().map(|score| manifest.calibration.probability(*score)).collect();
    let limits = conformal::without_gap(&chances, &tuned.labels);
    manifest.labels = vec![Label {
        threshold: 0.5,
        policy: "calibrated probability of at least one half; not fitted".into(),
        conformal: Some(limits.map_err(|error| TrainingError::Data(error.to_string()))?),
        ..Label::open(LABEL)
    }];
    Ok(())
}

/// Films as cases, without anything the data do not say.
pub fn trials(films: &[&LabelledFilm]) -> Result<Vec<Trial>, TrainingError> {
    if films.is_empty() {
        return Err(TrainingError::Data("the split has no films".into()));
    }
    Ok(films.iter().map(|film| trial(film)).collect())
}

fn trial(film: &LabelledFilm) -> Trial {
    let source = SourceRef {
        reference: "Media/film".into(),
        version: None,
        last_updated: None,
        key: "imaging".into(),
        digest: Digest::of(film.image.pixels()),
    };
    let input = Film {
        image: film.image.clone(),
        source,
        time: None,
        content_type: "image/png".into(),
        modality: None,
        body_site: None,
        side: None,
        view: None,
        age_years: None,
    };
    Trial {
        name: film.name.clone(),
        cluster: film.cluster(),
        input: ModelInput::Film(input),
        truth: Truth::Finding(film.positive),
        groups: groups(film),
    }
}

/// Age, sex and machine are not in the data; what can be seen is how bright and how hard a film is. The kind of pneumonia
/// is part of the outcome and stands there for information.
fn groups(film: &LabelledFilm) -> BTreeMap<String, String> {
    let pixels = film.image.pixels();
    let count = pixels.len().max(1) as f64;
    let mean = pixels.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
    let spread = (pixels.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum::<f64>() / count).sqrt();
    let third = |value: f64, [low, high]: [f64; 2], names: [&str; 3]| {
        names[usize::from(value >= low) + usize::from(value >= high)].to_owned()
    };
    let mut groups = BTreeMap::from([
        ("brightness".to_owned(), third(mean, BRIGHTNESS, ["dark", "middle", "bright"])),
        ("contrast".to_owned(), third(spread, CONTRAST, ["soft", "middle", "hard"])),
    ]);
    if !film.kind.is_empty() {
        groups.insert("kind".to_owned(), film.kind.clone());
    }
    groups
}

/// The report on films, with the figures under shift.
fn report(
    folder: &Path,
    model: &impl FilmReader,
    films: &[&LabelledFilm],
    split: Split,
    date: time::Date,
) -> Result<crate::models::evaluation::Report, TrainingError> {
    let trials = trials(films)?;
    let (answers, speed) = report::ask(model, &trials, BATCH, &|_| ())?;
    let asked = Asked { speed: Some(speed), ..Asked::new(model.manifest(), folder, split, date) };
    let mut report = report::score(&asked, &trials, &answers)?;
    report.metrics.extend(figures::of(model, films)?);
    Ok(report)
}

/// Writes the golden outputs and the papers.
pub fn finish(
    out: &Path,
    model: &impl FilmReader,
    validation: &[&LabelledFilm],
    best: &Best,
    (card, attributes): (&CardText, &[(&str, &str)]),
    clock: &dyn Clock,
) -> Result<(), TrainingError> {
    let path = out.join("golden.json");
    fs::write(&path, golden(model)?).map_err(TrainingError::io(path))?;
    let report = report(out, model, validation, Split::Validation, clock.now().date())?;
    let manifest = model.manifest().clone();
    let curve_metric = "AUROC on tuning films, mean of plain and shifted";
    papers::finish(Papers { folder: out, manifest, card, attributes, report, curve: &best.curve, curve_metric })?;
    Ok(())
}

/// Answers to the phantoms (`models::chest::phantom`), which every build must reproduce within 1e-3.
fn golden(model: &impl FilmReader) -> Result<String, TrainingError> {
    let mut outputs = Vec::new();
    for name in ["normal", "shadowed", "wedge"] {
        let image = phantom::by_name(name).ok_or_else(|| TrainingError::Data(format!("`{name}` is not a phantom")))?;
        let answers = model.answers(&[&image])?;
        let Some(answer) = answers.first() else { return Err(TrainingError::Data("no answer".into())) };
        outputs.push(serde_json::json!({
            "phantom": name,
            "score": answer.score(),
            "stranger": answer.stranger,
            "distance": answer.distance,
            "read": model.reads(&image)?,
        }));
    }
    let golden = serde_json::json!({
        "about": "Raw answers to test objects drawn by formula in src/models/chest/phantom.rs. They show that the arithmetic \
                  is unchanged, not that it is right about patients.",
        "tolerance": 1e-3,
        "outputs": outputs,
    });
    let text = serde_json::to_string_pretty(&golden).map_err(|error| TrainingError::Data(error.to_string()))?;
    Ok(text + "\n")
}
