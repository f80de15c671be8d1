//! Addresses, identity, status codes, limits.
//!
//! Contract: no rule of medicine or audit here. Every handler names in its signature who may call it
//! ([`identity::Caller`], [`capability::Bearer`], [`smart::Returning`], [`identity::Anyone`]); every failure becomes a
//! status in one table ([`errors`], for people [`pages::refused`]); everything is bounded and refused early. Bodies over
//! 64 KiB are hashed and parsed on the blocking pool ([`body`]); what `decision` does with them (films, notes) it takes
//! off the executor itself.

pub mod body;
pub mod capability;
pub mod cors;
pub mod edge;
pub mod errors;
pub mod identity;
pub mod json;
pub mod metrics;
pub mod operations;
pub mod outbound;
pub mod pages;
pub mod routes;
pub mod server;
pub mod services;
pub mod settings;
pub mod smart;
pub mod tls;
mod visit;

pub use capability::{LinkKey, Links};
pub use metrics::Metrics;
pub use server::{bind, serve, termination};
pub use settings::Settings;

use crate::{
    cds_hooks::discovery::Discovery,
    decision::Decision,
    domain::{Clock, Digest, Ids, ModelName, Secrets},
    models::Papers,
};
use actix_web::web::Bytes;
use pages::{
    frame::Place,
    models::{Entry, Library},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::AtomicBool},
};
use tokio::sync::Semaphore;

/// What all handlers share. Built once by the composition root.
pub struct App {
    /// The one use case.
    pub decision: Arc<Decision>,
    /// The networks' papers.
    pub papers: BTreeMap<ModelName, Papers>,
    /// Their pages.
    pub(crate) library: Library,
    /// Where pages lie.
    pub place: Place,
    /// Wall-clock time.
    pub clock: Arc<dyn Clock>,
    /// New request ids.
    pub ids: Arc<dyn Ids>,
    /// Who signs links and launches.
    pub links: Arc<Links>,
    /// New secrets.
    pub secrets: Arc<dyn Secrets>,
    /// What operators count.
    pub metrics: Metrics,
    /// The limits.
    pub settings: Settings,
    /// Set when shutdown begins, so that load balancers look elsewhere.
    pub draining: AtomicBool,
    /// One permit per invocation being answered.
    in_flight: Semaphore,
    /// One permit per KiB of request bodies held.
    body_kib: Semaphore,
    /// Discovery as it is sent: it depends on nothing that can fail later (D1).
    discovery: Bytes,
    etag: String,
}

impl App {
    /// # Errors
    /// Only if discovery or papers cannot be written as JSON.
    pub fn new(
        decision: Arc<Decision>,
        papers: Vec<Papers>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        secrets: Arc<dyn Secrets>,
        links: Arc<Links>,
        settings: Settings,
    ) -> Result<Self, serde_json::Error> {
        let discovery = Discovery { services: decision.discovery() };
        let metrics = Metrics::new(discovery.services.iter().map(|service| service.id().as_str()));
        let discovery = Bytes::from(serde_json::to_vec(&discovery)?);
        let digest = Digest::of(&discovery).to_string();
        let place = Place::of(&settings.public_url, settings.demo);
        let papers: BTreeMap<_, _> = papers.into_iter().map(|one| (one.manifest.name.clone(), one)).collect();
        let entry = |(name, papers)| Entry { papers, services: decision.titles_with(name) };
        let library = Library::new(&place, &papers.iter().map(entry).collect::<Vec<_>>())?;
        Ok(Self {
            decision,
            papers,
            library,
            place,
            clock,
            ids,
            links,
            secrets,
            metrics,
            draining: AtomicBool::new(false),
            in_flight: Semaphore::new(settings.max_in_flight),
            body_kib: Semaphore::new(settings.body_memory_mib.saturating_mul(1024)),
            settings,
            discovery,
            // Half of the digest identifies it; the colon-free form is what every cache accepts.
            etag: format!("\"{}\"", &digest["sha256:".len()..][..32]),
        })
    }
}
