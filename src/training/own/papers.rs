//! The papers of a network that was trained on one's own data.
//!
//! Contract: the figures are those just measured; nothing that describes the public data, their people or their
//! hospitals is left. What only those who trained it can know says so.

use crate::{
    models::{Manifest, evaluation::Report, manifest::Provenance},
    training::{
        TrainingError,
        papers::{self, CardText, Papers},
    },
};
use std::{fs, path::Path};

/// Attributes that describe the network and not its data.
const OF_THE_NETWORK: [&str; 5] = ["output", "output-type", "decision-role", "sensitive-inputs", "bias-reduction"];

/// Rewrites the papers in `folder`, which a trainer has just written.
///
/// # Errors
/// [`TrainingError`] when the folder does not hold a network's papers or a file cannot be written.
pub(super) fn rewrite(folder: &Path) -> Result<(), TrainingError> {
    let mut manifest = Manifest::load(folder)?;
    let report = Report::load(folder).map_err(TrainingError::Data)?;
    let report = report.ok_or_else(|| TrainingError::Data("the folder holds no figures".into()))?;
    let curve = folder.join(papers::CURVE);
    let picture = fs::read(&curve).map_err(TrainingError::io(&curve))?;
    manifest.title = format!("{} (trained on own data)", manifest.title);
    manifest.intended_use = "Trained on an organisation's own data. What it is for is to be written here by those who \
                             trained it."
        .into();
    manifest.not_for = vec![
        "people, settings and machines unlike those it was trained on".into(),
        "care, before those who trained it have judged the figures in its model card".into(),
    ];
    manifest.provenance = Provenance {
        data: format!(
            "An organisation's own data, not described further here; {} cases ({} with the finding) were held back for \
             validation, apart from training by a hash of the patient, stay or text",
            report.n, report.positives
        ),
        licence: "the organisation's own".into(),
        citation: "none".into(),
        source: "not public".into(),
        ages: None,
        ..manifest.provenance
    };
    let attributes = manifest.attributes.clone();
    let kept: Vec<(&str, &str)> = OF_THE_NETWORK
        .into_iter()
        .filter_map(|key| Some((key, attributes.get(key)?.as_str())))
        .chain([("developer", "The organisation that trained it, with the Auscult project's architecture and recipe")])
        .collect();
    papers::finish(Papers {
        folder,
        card: &card(&manifest),
        manifest,
        attributes: &kept,
        report,
        curve: &[],
        curve_metric: "",
    })?;
    fs::write(&curve, picture).map_err(TrainingError::io(&curve))
}

fn card(manifest: &Manifest) -> CardText {
    CardText {
        details: format!(
            "Architecture `{}`, trained as the network of that name that comes with Auscult; its card tells how it works.",
            manifest.architecture
        ),
        metrics:
            "As for the network of that name that comes with Auscult; figures and intervals are from the cases held \
                  back here."
                .into(),
        evaluation_data: "The organisation's own cases that were held back.".into(),
        training_data: "The organisation's own.".into(),
        caveats:
            "Whom the data are of, how the labels came about and what they leave out is not written here. If data \
                  of one patient were not marked as such, the figures flatter. Not a medical device."
                .into(),
        ..CardText::default()
    }
}
