//! One invocation, start to finish.
//!
//! Contract: cards whose record is durable, or a named [`Failure`]; never an empty list in place of a failure.
//! Order: definition → context → gather → extract → infer (and explain) → cards → record → answer.
//!
//! The edge calls [`Decision::discovery`], [`Decision::invoke`], [`Decision::feedback`], [`Decision::opened`],
//! [`Decision::fits`] and [`Decision::ready`].

mod call;
mod failure;
mod feedback;
mod films;
mod invoke;
mod opened;
mod reading;
mod record;
mod settings;
mod why;

pub use call::{Answer, Call};
pub use failure::Failure;
pub use opened::{By, Fit, Launch, Opened, Visit};
pub use settings::Settings;

use crate::{
    audit::Store,
    cards::{Definition, Definitions, Links},
    cds_hooks::discovery::Service,
    domain::{Clock, Ids, ModelName},
    inference::Engine,
    models::Manifest,
};
use std::{sync::Arc, time::Duration};

/// The one use case, with everything it needs.
pub struct Decision {
    definitions: Definitions,
    services: Vec<Service>,
    engine: Engine,
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    links: Arc<dyn Links>,
    settings: Settings,
    write_deadline: Duration,
}

/// The parts of a [`Decision`], joined in `cli`.
pub struct Parts {
    /// The services, already checked against the networks' papers.
    pub definitions: Definitions,
    /// The same services as they are published.
    pub services: Vec<Service>,
    /// The networks.
    pub engine: Engine,
    /// The record.
    pub store: Arc<Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Identifiers.
    pub ids: Arc<dyn Ids>,
    /// What links on cards need beside their addresses.
    pub links: Arc<dyn Links>,
    /// Budgets.
    pub settings: Settings,
    /// Longest time a record may take to become durable before its answer is withheld.
    pub write_deadline: Duration,
}

impl Decision {
    /// Joins the parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { definitions, services, engine, store, clock, ids, links, settings, write_deadline } = parts;
        Self { definitions, services, engine, store, clock, ids, links, settings, write_deadline }
    }

    /// The services as they are published; depends on nothing that can fail.
    #[must_use]
    pub fn discovery(&self) -> Vec<Service> {
        self.services.clone()
    }

    /// Titles of the services in which a network speaks.
    #[must_use]
    pub fn titles_with(&self, name: &ModelName) -> Vec<String> {
        let uses = |definition: &&Arc<Definition>| definition.models.iter().any(|model| model.name == *name);
        self.definitions.iter().filter(uses).map(|definition| definition.title.clone()).collect()
    }

    /// The record, for reading.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The papers of a loaded network.
    #[must_use]
    pub fn manifest(&self, name: &ModelName) -> Option<&Manifest> {
        self.engine.manifest(name).map(|manifest| manifest.as_ref())
    }

    /// Whether an invocation could be answered now.
    ///
    /// # Errors
    /// What is not working, in PHI-free words.
    pub async fn ready(&self) -> Result<(), String> {
        let stopped = self.engine.stopped();
        if let Some(name) = stopped.first() {
            return Err(format!("the network `{name}` has stopped"));
        }
        if !self.store.is_available() {
            return Err("the record store cannot write".into());
        }
        self.store.recent(1, None).await.map(|_| ()).map_err(|error| {
            tracing::warn!(%error, "the record store cannot be read");
            "the record store cannot be read".into()
        })
    }
}
