//! Loads networks and definitions and holds them against each other, for start-up and for `auscult check`.

use super::{Failed, keys, say};
use crate::{
    cards::Definitions,
    cds_hooks::discovery::{Offer, Service},
    models::{
        self, Manifest, Model, Papers,
        papers::{Figure, Headline},
    },
    settings::Settings,
};
use std::path::{Path, PathBuf};

/// Networks and definitions that fit each other.
pub(super) struct Checked {
    pub(super) models: Vec<Box<dyn Model>>,
    pub(super) papers: Vec<Papers>,
    pub(super) definitions: Definitions,
}

impl Checked {
    pub(super) fn manifests(&self) -> Vec<&Manifest> {
        self.models.iter().map(|model| model.manifest()).collect()
    }

    /// The services as discovery publishes them.
    pub(super) fn services(&self) -> Result<Vec<Service>, Failed> {
        let offers = self.definitions.iter().map(|definition| Offer {
            id: definition.id.clone(),
            hook: definition.hook.clone(),
            title: definition.title.clone(),
            description: definition.description.clone(),
            prefetch: definition.prefetch.iter().map(|(key, one)| (key.clone(), one.template.clone())).collect(),
            usage_requirements: definition.usage_requirements.clone(),
        });
        Ok(offers.map(Service::new).collect::<Result<_, _>>()?)
    }
}

/// Loads everything; the error lists all that is wrong.
pub(super) fn load(settings: &Settings) -> Result<Checked, Failed> {
    let mut wrong = Vec::new();
    let (mut models, mut papers) = (Vec::new(), Vec::new());
    for folder in folders(&settings.models)? {
        match models::load(&folder) {
            Ok(model) => {
                match Papers::load(&folder, model.manifest().clone()) {
                    Ok(read) => papers.push(read),
                    Err(error) => wrong.push(error.to_string()),
                }
                models.push(model);
            }
            Err(error) => wrong.push(error.to_string()),
        }
    }
    let manifests: Vec<&Manifest> = models.iter().map(|model| model.manifest()).collect();
    let definitions = match Definitions::load(&settings.definitions, &manifests) {
        Ok(definitions) => Some(definitions),
        Err(errors) => {
            wrong.extend(errors.iter().map(ToString::to_string));
            None
        }
    };
    match definitions {
        Some(definitions) if wrong.is_empty() => Ok(Checked { models, papers, definitions }),
        _ => Err(format!("networks and services do not fit:\n  - {}", wrong.join("\n  - ")).into()),
    }
}

/// Folders with a manifest, by name.
fn folders(root: &Path) -> Result<Vec<PathBuf>, Failed> {
    let entries = std::fs::read_dir(root).map_err(|error| format!("folder of networks {}: {error}", root.display()))?;
    let mut folders: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.join("manifest.toml").is_file())
        .collect();
    folders.sort();
    Ok(folders)
}

pub(super) fn run(settings: &Settings) -> Result<(), Failed> {
    let checked = load(settings)?;
    keys::check(settings)?;
    let services = checked.services()?;
    for manifest in checked.manifests() {
        say(&format!("network {} {}: {} ({})", manifest.name, manifest.version, manifest.title, figures(manifest)));
    }
    for service in &services {
        say(&format!("service {} on {}: {}", service.id(), service.hook(), service.title()));
    }
    say("Everything fits.");
    Ok(())
}

/// The figure to see first with its 95 % interval, and how far probabilities are off.
fn figures(manifest: &Manifest) -> String {
    let Some(headline) = Headline::of(manifest) else { return "no headline figure".into() };
    let error = manifest.evaluation.get("validation").and_then(|evaluation| Figure::of(evaluation, "ece"));
    let error = error.map_or_else(String::new, |error| format!(", calibration error {error}"));
    format!("validation, n = {}: {headline}{error}", headline.n)
}
