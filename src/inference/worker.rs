//! The thread a network lives on.

use super::{Answered, Refusal, Settings, Why, memory::Memory, memory::Remembered, pace::Pace};
use crate::{
    domain::{Digest, Explanation, ModelInput, Prediction, Status},
    models::{Manifest, Model, attribution::Effort},
};
use rayon::ThreadPoolBuilder;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
    time::Instant,
};
use tokio::sync::oneshot;

/// One question.
pub(super) struct Job {
    pub(super) input: Arc<ModelInput>,
    pub(super) deadline: Instant,
    pub(super) queued: Instant,
    pub(super) reply: Reply,
}

/// What is asked, and where the answer goes.
pub(super) enum Reply {
    /// A prediction, with an explanation if something fires.
    Answer(oneshot::Sender<Result<Answered, Refusal>>),
    /// Everything that can be said about why, whatever fires; done after the predictions that wait.
    Why(oneshot::Sender<Result<Why, Refusal>>),
}

impl Reply {
    fn is_closed(&self) -> bool {
        match self {
            Self::Answer(reply) => reply.is_closed(),
            Self::Why(reply) => reply.is_closed(),
        }
    }

    const fn is_why(&self) -> bool {
        matches!(self, Self::Why(_))
    }
}

/// A network, its thread and its queue.
#[derive(Debug)]
pub(super) struct Worker {
    manifest: Arc<Manifest>,
    jobs: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    pub(super) fn start(model: Box<dyn Model>, settings: &Settings) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel(settings.queue.max(1));
        let manifest = Arc::new(model.manifest().clone());
        let mut desk = Desk {
            model,
            memory: Memory::new(settings.remembered),
            batch_max: settings.batch_max.max(1),
            pace: Pace::new(settings.explanation_points_max),
        };
        // A small forward pass is fastest on one thread: with more they wait for each other and burn both cores.
        let pool =
            ThreadPoolBuilder::new().num_threads(settings.threads.max(1)).build().map_err(std::io::Error::other)?;
        let thread = std::thread::Builder::new()
            .name(format!("model-{}", manifest.name))
            .spawn(move || pool.install(move || desk.serve(&receiver)))?;
        Ok(Self { manifest, jobs: Some(sender), thread: Some(thread) })
    }

    pub(super) const fn manifest(&self) -> &Arc<Manifest> {
        &self.manifest
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    pub(super) fn offer(&self, job: Job) -> Result<(), Refusal> {
        let jobs = self.jobs.as_ref().ok_or_else(|| Refusal::Failed("its thread stopped".into()))?;
        jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => Refusal::Full,
            TrySendError::Disconnected(_) => Refusal::Failed("its thread stopped".into()),
        })
    }
}

impl Drop for Worker {
    /// Closing the queue ends the thread once it has answered what was already waiting.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!(model = %self.manifest.name, "a network's thread had panicked");
        }
    }
}

/// What the thread owns.
struct Desk {
    model: Box<dyn Model>,
    memory: Memory,
    batch_max: usize,
    pace: Pace,
}

impl Desk {
    fn serve(&mut self, jobs: &Receiver<Job>) {
        while let Ok(first) = jobs.recv() {
            let mut batch = vec![first];
            while batch.len() < self.batch_max {
                match jobs.try_recv() {
                    Ok(job) => batch.push(job),
                    Err(_) => break,
                }
            }
            self.answer(batch);
        }
    }

    /// Answers every job of a batch; what nobody waits for any more is not computed.
    fn answer(&mut self, batch: Vec<Job>) {
        let started = Instant::now();
        let mut fresh = Vec::with_capacity(batch.len());
        let (whys, predictions): (Vec<Job>, Vec<Job>) = batch.into_iter().partition(|job| job.reply.is_why());
        for job in predictions {
            if job.deadline <= started || job.reply.is_closed() {
                reply(job, Err(Refusal::Late));
                continue;
            }
            let digest = job.input.digest();
            match self.memory.get(&digest).cloned() {
                Some(known) => self.answer_remembered(job, digest, known, started),
                None => fresh.push((job, digest)),
            }
        }
        if !fresh.is_empty() {
            self.answer_fresh(fresh, started);
        }
        whys.into_iter().for_each(|job| self.answer_why(job));
    }

    /// What nobody waits for any more is not computed.
    fn answer_why(&mut self, job: Job) {
        if job.deadline <= Instant::now() || job.reply.is_closed() {
            return refuse(job, Refusal::Late);
        }
        let explanation = self.guarded(|model| model.explain(&job.input, Effort::FULL));
        let counterfactual = self.guarded(|model| model.counterfactual(&job.input));
        let why = explanation.and_then(|explanation| Ok(Why { explanation, counterfactual: counterfactual? }));
        if let Reply::Why(reply) = job.reply {
            drop(reply.send(why.map_err(Refusal::Failed)));
        }
    }

    fn answer_remembered(&mut self, job: Job, digest: Digest, mut known: Remembered, started: Instant) {
        if known.explanation.is_none() && fires(&known.prediction) {
            known.explanation = self.explain(&job);
            self.memory.put(digest, known.clone());
        }
        let answered = answered(&job, known, 1, true, started);
        reply(job, Ok(answered));
    }

    fn answer_fresh(&mut self, fresh: Vec<(Job, Digest)>, started: Instant) {
        let inputs: Vec<&ModelInput> = fresh.iter().map(|(job, _)| job.input.as_ref()).collect();
        let result = self.guarded(|model| model.predict(&inputs));
        let size = fresh.len();
        match result {
            Ok(predictions) if predictions.len() == size => {
                let ready: Vec<_> = fresh.into_iter().zip(predictions).collect();
                let (firing, quiet): (Vec<_>, Vec<_>) =
                    ready.into_iter().partition(|(_, prediction)| fires(prediction));
                // Who needs no explanation does not wait for those of others.
                for ((job, digest), prediction) in quiet.into_iter().chain(firing) {
                    let explanation = if fires(&prediction) { self.explain(&job) } else { None };
                    let known = Remembered { prediction, explanation };
                    self.memory.put(digest, known.clone());
                    let answered = answered(&job, known, size, false, started);
                    reply(job, Ok(answered));
                }
            }
            Ok(_) => fail_all(fresh, "it answered another number of inputs than it was asked"),
            // One bad input must not take its neighbours down with it.
            Err(_) if size > 1 => fresh.into_iter().for_each(|one| self.answer_fresh(vec![one], started)),
            Err(reason) => fail_all(fresh, &reason),
        }
    }

    /// The explanation, unless it would come too late or it fails; a card without one says so. The finished prediction
    /// must not be lost for it, so what the last one took decides whether this one is begun.
    fn explain(&mut self, job: &Job) -> Option<Explanation> {
        let begun = Instant::now();
        let effort = self.pace.effort(job.deadline.saturating_duration_since(begun))?;
        let explanation = self.guarded(|model| model.explain(&job.input, effort)).ok();
        self.pace.learn(begun.elapsed(), explanation.as_ref().map_or(0, |one| one.work.spent));
        explanation
    }

    /// Runs the network; a panic or an error becomes a PHI-free reason, logged once here.
    fn guarded<T>(&self, work: impl FnOnce(&dyn Model) -> Result<T, crate::models::ModelError>) -> Result<T, String> {
        let model = self.model.as_ref();
        let reason = match catch_unwind(AssertUnwindSafe(|| work(model))) {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => error.to_string(),
            Err(_) => String::from("it panicked"),
        };
        tracing::error!(model = %self.model.manifest().name, reason, "a network failed");
        Err(reason)
    }
}

fn fires(prediction: &Prediction) -> bool {
    matches!(&prediction.status, Status::Scored { findings } if findings.iter().any(crate::domain::Finding::fires))
}

fn answered(job: &Job, known: Remembered, batch: usize, remembered: bool, started: Instant) -> Answered {
    let waited = started.saturating_duration_since(job.queued);
    let Remembered { prediction, explanation } = known;
    Answered { prediction, explanation, batch, remembered, waited, computed: started.elapsed() }
}

fn fail_all(jobs: Vec<(Job, Digest)>, reason: &str) {
    jobs.into_iter().for_each(|(job, _)| reply(job, Err(Refusal::Failed(reason.to_owned()))));
}

/// A caller that gave up is not a failure: its deadline passed, and it said so itself.
fn reply(job: Job, result: Result<Answered, Refusal>) {
    if let Reply::Answer(reply) = job.reply {
        drop(reply.send(result));
    }
}

fn refuse(job: Job, refusal: Refusal) {
    match job.reply {
        Reply::Answer(reply) => drop(reply.send(Err(refusal))),
        Reply::Why(reply) => drop(reply.send(Err(refusal))),
    }
}
