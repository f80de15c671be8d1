//! Loads networks and definitions and holds them against each other, for start-up and for `auscult check`.

use super::{Failed, say};
use crate::{
    cards::Definitions,
    cds_hooks::discovery::{Offer, Service},
    models::{self, Manifest, Model},
    settings::Settings,
};
use std::path::{Path, PathBuf};

/// Networks and definitions that fit each other.
pub(super) struct Checked {
    pub(super) models: Vec<Box<dyn Model>>,
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
    let mut models = Vec::new();
    for folder in folders(&settings.models)? {
        match models::load(&folder) {
            Ok(model) => models.push(model),
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
        Some(definitions) if wrong.is_empty() => Ok(Checked { models, definitions }),
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
    let services = checked.services()?;
    for manifest in checked.manifests() {
        let (n, metrics) = manifest
            .evaluation
            .get("validation")
            .map_or((0, String::new()), |figures| (figures.n, words(&figures.metrics)));
        say(&format!(
            "network {} {}: {} (validation, n = {n}: {metrics})",
            manifest.name, manifest.version, manifest.title
        ));
    }
    for service in &services {
        say(&format!("service {} on {}: {}", service.id(), service.hook(), service.title()));
    }
    say("Everything fits.");
    Ok(())
}

fn words(metrics: &std::collections::BTreeMap<String, f64>) -> String {
    metrics.iter().map(|(name, value)| format!("{name} {value:.3}")).collect::<Vec<_>>().join(", ")
}
