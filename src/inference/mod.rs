//! Many callers, one network.
//!
//! Contract: [`Engine::ask`] answers, refuses at once, or misses its deadline. It never waits unbounded, never blocks
//! the async executor and never panics a caller: each network lives on its own thread behind a bounded queue, and
//! whatever waited while it was busy is its next batch.

mod memory;
mod pace;
mod settings;
mod worker;

pub use settings::Settings;

use crate::{
    domain::{Counterfactual, Explanation, ModelInput, ModelName, Prediction},
    models::{Manifest, Model},
};
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{sync::oneshot, time::timeout_at};
use worker::{Job, Reply, Worker};

/// What a network said, with the circumstances the record keeps.
#[derive(Debug, Clone)]
pub struct Answered {
    /// The prediction.
    pub prediction: Prediction,
    /// Why, when something fired and there was time to compute it.
    pub explanation: Option<Explanation>,
    /// How many inputs were computed together.
    pub batch: usize,
    /// Whether an earlier answer to the same bytes was reused.
    pub remembered: bool,
    /// Time spent waiting in the queue.
    pub waited: Duration,
    /// Time spent computing.
    pub computed: Duration,
}

/// Everything that can be said about why a network said what it said, computed on demand.
#[derive(Debug, Clone)]
pub struct Why {
    /// The attribution, with full effort.
    pub explanation: Explanation,
    /// What would have had to differ, for networks that can say.
    pub counterfactual: Option<Counterfactual>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No network of this name is loaded.
    #[error("no such network")]
    Unknown,
    /// The queue is full: said at once.
    #[error("the network's queue is full")]
    Full,
    /// The deadline passed first.
    #[error("the network did not answer in time")]
    Late,
    /// The network failed or panicked; the text is PHI-free.
    #[error("the network failed: {0}")]
    Failed(String),
}

/// All loaded networks, each on its thread.
#[derive(Debug)]
pub struct Engine {
    workers: BTreeMap<ModelName, Worker>,
}

impl Engine {
    /// Takes ownership of the networks and starts a thread for each.
    ///
    /// # Errors
    /// When the operating system refuses a thread.
    pub fn start(models: Vec<Box<dyn Model>>, settings: &Settings) -> std::io::Result<Self> {
        let mut workers = BTreeMap::new();
        for model in models {
            workers.insert(model.manifest().name.clone(), Worker::start(model, settings)?);
        }
        Ok(Self { workers })
    }

    /// The papers of the loaded networks.
    pub fn manifests(&self) -> impl Iterator<Item = &Arc<Manifest>> {
        self.workers.values().map(Worker::manifest)
    }

    /// The papers of one network.
    #[must_use]
    pub fn manifest(&self, name: &ModelName) -> Option<&Arc<Manifest>> {
        self.workers.get(name).map(Worker::manifest)
    }

    /// Whether every network's thread is alive; names those that are not.
    #[must_use]
    pub fn stopped(&self) -> Vec<&ModelName> {
        self.workers.iter().filter(|(_, worker)| worker.is_stopped()).map(|(name, _)| name).collect()
    }

    /// Asks one network, with an explanation if something fires.
    ///
    /// # Errors
    /// [`Refusal`]: at once when the queue is full, otherwise at `deadline` at the latest.
    pub async fn ask(&self, name: &ModelName, input: Arc<ModelInput>, deadline: Instant) -> Result<Answered, Refusal> {
        let worker = self.workers.get(name).ok_or(Refusal::Unknown)?;
        let (reply, answer) = oneshot::channel();
        worker.offer(Job { input, deadline, queued: Instant::now(), reply: Reply::Answer(reply) })?;
        arrived(answer, deadline).await
    }

    /// Asks one network for everything that can be said about why, whatever fires.
    ///
    /// # Errors
    /// As [`Engine::ask`].
    pub async fn why(&self, name: &ModelName, input: Arc<ModelInput>, deadline: Instant) -> Result<Why, Refusal> {
        let worker = self.workers.get(name).ok_or(Refusal::Unknown)?;
        let (reply, answer) = oneshot::channel();
        worker.offer(Job { input, deadline, queued: Instant::now(), reply: Reply::Why(reply) })?;
        arrived(answer, deadline).await
    }
}

async fn arrived<T>(answer: oneshot::Receiver<Result<T, Refusal>>, deadline: Instant) -> Result<T, Refusal> {
    match timeout_at(deadline.into(), answer).await {
        Err(_) => Err(Refusal::Late),
        Ok(Err(_)) => Err(Refusal::Failed("its thread stopped".into())),
        Ok(Ok(result)) => result,
    }
}

#[cfg(test)]
mod tests;
