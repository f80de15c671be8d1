//! The way of an invocation. Read `attempt` from top to bottom.

use super::{
    Answer, Call, Decision, Failure,
    reading::{self, Material, Reading},
    record::{self, Told},
};
use crate::{
    audit::{NewRecord, RecordKind},
    cards::{self, Built, Case, Definition, ModelResult, Outcome},
    cds_hooks::{
        BadRequest, CdsRequest, CdsResponse, Indicator,
        hooks::{Context, Hook},
    },
    domain::{ModelName, ServiceId},
    inference::{Answered, Refusal},
    models::Manifest,
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::{sync::Arc, time::Instant};
use uuid::Uuid;

impl Decision {
    /// Answers one call of a service's hook; the record is durable when this returns.
    ///
    /// # Errors
    /// [`Failure`], itself recorded where it concerns a known service.
    pub async fn invoke(&self, service: &ServiceId, request: CdsRequest, call: Call) -> Result<Answer, Failure> {
        let record = self.ids.ordered(call.received);
        let definition = self.definitions.get(service).ok_or(Failure::UnknownService)?;
        let result = self.attempt(definition, request, &call, record).await;
        if let Err(failure) = &result {
            self.record_refusal(service, &call, record, failure).await;
        }
        result
    }

    async fn attempt(
        &self,
        definition: &Arc<Definition>,
        request: CdsRequest,
        call: &Call,
        record: Uuid,
    ) -> Result<Answer, Failure> {
        let context = context(definition, &request)?;
        let (request, reading) = self.read(definition, request, context.clone()).await?;
        let read = call.started.elapsed();
        let asked = self.ask_all(definition, &reading, call.started + self.settings.inference_budget()).await;
        refuse_if_none_answered(&asked)?;
        let inferred = call.started.elapsed();
        let (results, circumstances): (Vec<ModelResult<'_>>, Vec<&Value>) = asked.iter().map(Asked::split).unzip();
        let built = self.cards(definition, (call, &request, &context), &reading, &results)?;
        let cards = count(&built);
        let body = response(&built)?;
        let timing = json!({
            "read_ms": milliseconds(read), "inferred_ms": milliseconds(inferred),
            "built_ms": milliseconds(call.started.elapsed()),
        });
        let told = Told {
            call,
            definition,
            request: &request,
            context: &context,
            reading: &reading,
            results: &results,
            circumstances: &circumstances,
            built: &built,
            response: &body,
            settings: &self.settings,
            timing,
        };
        let new = NewRecord {
            id: record,
            kind: RecordKind::Prediction,
            time: call.received,
            service: Some(definition.id.clone()),
            cards: built.cards.iter().map(|card| card.uuid).collect(),
            links: Vec::new(),
            body: Vec::new(),
        };
        self.commit(new, &record::prediction(&told)).await?;
        let model_ms = results.iter().zip(&circumstances).filter_map(|(result, circumstances)| {
            Some((result.manifest.name.to_string(), circumstances.get("computed_ms")?.as_f64()?))
        });
        Ok(Answer { record, cards, model_ms: model_ms.collect(), body })
    }

    /// Gathers and extracts off the executor: a film takes milliseconds to decode.
    async fn read(
        &self,
        definition: &Arc<Definition>,
        request: CdsRequest,
        context: Context,
    ) -> Result<(CdsRequest, Reading), Failure> {
        let (definition, now, most) = (Arc::clone(definition), self.clock.now(), self.settings.resources_per_key);
        tokio::task::spawn_blocking(move || {
            let reading = reading::read(&definition, &request.prefetch, &context, now, most)?;
            Ok((request, reading))
        })
        .await
        .map_err(|_| Failure::Internal("reading the chart panicked"))?
    }

    async fn ask_all(&self, definition: &Definition, reading: &Reading, deadline: Instant) -> Vec<Asked> {
        let asks = definition.models.iter().map(|wanted| self.ask(&wanted.name, reading, deadline));
        join_all(asks).await.into_iter().flatten().collect()
    }

    async fn ask(&self, name: &ModelName, reading: &Reading, deadline: Instant) -> Option<Asked> {
        let manifest = Arc::clone(self.engine.manifest(name)?);
        let (outcome, circumstances) = match reading.inputs.get(name)? {
            Material::Nothing(why) => (Outcome::NoInput { why: why.clone() }, json!({})),
            Material::Unreadable(why) => (Outcome::Unreadable { why: why.clone() }, json!({})),
            Material::Input(input) => match self.engine.ask(name, Arc::clone(input), deadline).await {
                Ok(answered) => {
                    let circumstances = circumstances(&answered);
                    let Answered { prediction, explanation, .. } = answered;
                    (Outcome::Answered { prediction, explanation, input: Arc::clone(input) }, circumstances)
                }
                Err(refusal) => (outcome(&refusal), json!({ "refusal": refusal.to_string() })),
            },
        };
        Some(Asked { manifest, outcome, circumstances })
    }

    fn cards(
        &self,
        definition: &Definition,
        (call, request, context): (&Call, &CdsRequest, &Context),
        reading: &Reading,
        results: &[ModelResult<'_>],
    ) -> Result<Built, Failure> {
        let case = Case {
            now: self.clock.now(),
            patient_id: &context.patient_id,
            encounter_id: context.encounter_id.as_ref(),
            results,
            problem_list: reading.problems.as_deref(),
            list_is_partial: reading.list_is_partial,
            values: &reading.values,
            age_years: reading.age_years,
            ignored: &reading.ignored,
            keys: &reading.remarks,
            ids: self.ids.as_ref(),
            link_base: Some(self.settings.explanation_base.as_str()).filter(|base| !base.is_empty()),
            language: cards::Language::of(call.language.as_deref()),
            links: self.links.as_ref(),
            fhir_server: request.fhir_server.as_deref(),
        };
        cards::build(definition, &case).map_err(|error| {
            tracing::error!(service = %definition.id, %error, "cards could not be built");
            Failure::Internal("cards could not be built")
        })
    }

    /// The one commit point: after this the answer may leave.
    async fn commit(&self, new: NewRecord, content: &Value) -> Result<(), Failure> {
        let sealed =
            new.sealed_in_envelope(content).map_err(|_| Failure::Internal("the record could not be written"))?;
        let deadline = Instant::now() + self.write_deadline;
        self.store.append(sealed, deadline).await.map(|_| ()).map_err(|error| {
            tracing::error!(%error, "a record could not be stored, so its answer was withheld");
            Failure::RecordStore
        })
    }

    /// Best effort: a call that is refused anyway is not refused differently because its record failed.
    async fn record_refusal(&self, service: &ServiceId, call: &Call, id: Uuid, failure: &Failure) {
        if *failure == Failure::RecordStore {
            return;
        }
        let new = NewRecord {
            id,
            kind: RecordKind::Refusal,
            time: call.received,
            service: Some(service.clone()),
            cards: Vec::new(),
            links: Vec::new(),
            body: Vec::new(),
        };
        if self.commit(new, &record::refusal(call, failure)).await.is_err() {
            tracing::warn!(request = call.request_id, "a refusal could not be recorded");
        }
    }
}

/// One network's outcome and the circumstances the record keeps.
struct Asked {
    manifest: Arc<Manifest>,
    outcome: Outcome,
    circumstances: Value,
}

impl Asked {
    fn split(&self) -> (ModelResult<'_>, &Value) {
        (ModelResult { manifest: &self.manifest, outcome: self.outcome.clone() }, &self.circumstances)
    }
}

fn context(definition: &Definition, request: &CdsRequest) -> Result<Context, Failure> {
    if request.hook != definition.hook {
        return Err(Failure::HookMismatch { expected: definition.hook.clone() });
    }
    let hook = Hook::find(&definition.hook).ok_or(Failure::Internal("a definition names an unknown hook"))?;
    let context = hook.context(&request.context).map_err(|error: BadRequest| Failure::BadRequest(error.to_string()))?;
    let authorised = request.authorization.as_ref().and_then(|authorization| authorization.patient.as_ref());
    match authorised {
        Some(patient) if *patient != context.patient_id => Err(Failure::WrongPatient),
        _ => Ok(context),
    }
}

fn outcome(refusal: &Refusal) -> Outcome {
    match refusal {
        Refusal::Late => Outcome::Late,
        Refusal::Full => Outcome::Refused("too many charts were waiting for it".into()),
        Refusal::Unknown | Refusal::Failed(_) => Outcome::Failed,
    }
}

/// An answer without any network's word would be an empty promise: name the failure instead.
fn refuse_if_none_answered(asked: &[Asked]) -> Result<(), Failure> {
    let tried: Vec<&Outcome> = asked
        .iter()
        .map(|asked| &asked.outcome)
        .filter(|outcome| !matches!(outcome, Outcome::NoInput { .. } | Outcome::Unreadable { .. }))
        .collect();
    if tried.is_empty() || tried.iter().any(|outcome| matches!(outcome, Outcome::Answered { .. })) {
        return Ok(());
    }
    Err(if tried.iter().any(|outcome| matches!(outcome, Outcome::Failed)) {
        Failure::Internal("every network asked failed")
    } else if tried.iter().any(|outcome| matches!(outcome, Outcome::Refused(_))) {
        Failure::Overloaded
    } else {
        Failure::DeadlineNoModel
    })
}

fn circumstances(answered: &Answered) -> Value {
    json!({
        "batch": answered.batch,
        "remembered": answered.remembered,
        "waited_ms": milliseconds(answered.waited),
        "computed_ms": milliseconds(answered.computed),
    })
}

fn milliseconds(duration: std::time::Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

fn response(built: &Built) -> Result<String, Failure> {
    let response = CdsResponse::new(built.cards.clone(), Vec::new()).map_err(|error| {
        tracing::error!(%error, "a card broke the protocol's rules");
        Failure::Internal("a card broke the protocol's rules")
    })?;
    serde_json::to_string(&response).map_err(|_| Failure::Internal("the answer could not be written"))
}

fn count(built: &Built) -> [usize; 3] {
    Indicator::ALL.map(|level| built.cards.iter().filter(|card| card.indicator == level).count())
}
