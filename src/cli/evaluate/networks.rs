//! Which cases a network is measured on, and which service asks it.

use super::super::Failed;
use crate::training::{self, Split, TrainingError, trial::Trial};
use std::path::Path;

/// A network that can be measured.
pub(super) struct Network {
    /// Its folder in `models/`.
    pub(super) name: &'static str,
    /// The service in `cds-hooks/` that asks it.
    pub(super) service: &'static str,
    /// Reads the cases of a split from a data folder.
    pub(super) trials: fn(&Path, Split) -> Result<Vec<Trial>, TrainingError>,
}

/// One line per network.
const NETWORKS: &[Network] = &[
    Network { name: "chest-radiograph", service: "chest-radiograph", trials: training::image::trials },
    Network { name: "knee-radiograph", service: "knee-radiograph", trials: training::knee::trials },
    Network { name: "pneumonia-28", service: "pneumonia-28", trials: training::textbook::trials },
    Network { name: "inpatient-mortality", service: "inpatient-deterioration", trials: training::sequence::trials },
    Network { name: "mortality-textbook", service: "mortality-textbook", trials: training::sequence::trials },
    Network { name: "note-problems", service: "note-review", trials: training::notes::trials::trials },
    Network { name: "note-specialty", service: "note-review", trials: training::specialty::trials },
];

impl Network {
    pub(super) fn named(name: &str) -> Result<&'static Self, Failed> {
        let names = || NETWORKS.iter().map(|network| network.name).collect::<Vec<_>>().join(", ");
        let found = NETWORKS.iter().find(|network| network.name == name);
        found.ok_or_else(|| format!("there is no network `{name}`; there are {}", names()).into())
    }
}
