//! Papers of networks that exist in tests only.

use super::{
    Manifest,
    manifest::{Calibration, Evaluation, FileDigest, Kind, Label, Provenance},
};
use crate::domain::{Digest, Film, GreyImage, SourceRef};
use serde::Serialize;
use std::{collections::BTreeMap, path::Path};

/// A manifest that says nothing but what a network needs to load: no files yet, identity calibration.
pub(crate) fn manifest(kind: Kind, architecture: &str, input: &impl Serialize, labels: Vec<Label>) -> Manifest {
    Manifest {
        name: "test".parse().unwrap(),
        version: "0.0.1".into(),
        title: "Test".into(),
        kind,
        architecture: architecture.into(),
        intended_use: "Tests".into(),
        not_for: Vec::new(),
        files: Vec::new(),
        input: toml::Table::try_from(input).unwrap(),
        labels,
        calibration: Calibration::IDENTITY,
        provenance: Provenance {
            data: "none".into(),
            ages: None,
            licence: "none".into(),
            citation: "none".into(),
            source: "none".into(),
            command: "none".into(),
            seed: 1,
            epoch: 1,
            date: "2026-01-01".into(),
        },
        attributes: BTreeMap::new(),
        evaluation: [("validation".to_owned(), Evaluation::default())].into(),
    }
}

impl Manifest {
    /// The same, of a network that learned from people of these ages.
    pub(crate) fn of_ages(mut self, ages: [f64; 2]) -> Self {
        self.provenance.ages = Some(ages);
        self
    }
}

/// A film as a chart would state it, side unstated.
pub(crate) fn film(image: GreyImage, body_site: &str, view: &str, age_years: f64) -> Film {
    let source = SourceRef {
        reference: "Media/1".into(),
        version: None,
        last_updated: None,
        key: "films".into(),
        digest: Digest::of(b""),
    };
    Film {
        image,
        source,
        time: None,
        content_type: "image/png".into(),
        modality: Some("DX".into()),
        body_site: Some(body_site.into()),
        side: None,
        view: Some(view.into()),
        age_years: Some(age_years),
    }
}

/// Digests of these files of a folder.
pub(crate) fn digests(folder: &Path, files: &[&str]) -> Vec<FileDigest> {
    files.iter().map(|file| FileDigest::of(folder, file).unwrap()).collect()
}
