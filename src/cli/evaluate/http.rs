//! Asking a running service: each case is a real hook call, and the prediction is read back from its record.
//!
//! Contract: the service must run the very network whose papers are here (the record's manifest digest says so). A busy
//! service is asked again, ever less often; any other failure ends the evaluation.

use super::{super::Failed, bar, charts};
use crate::{
    domain::Digest,
    models::{Manifest, evaluation::Speed, notes::specialty},
    training::{
        report::answer::{self, Question},
        trial::{Answer, Trial},
    },
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Calls in flight at once.
const CONCURRENCY: usize = 4;
/// How often a busy service is asked again …
const TRIES: u32 = 9;
/// … after this long at first, twice as long each time.
const WAIT: Duration = Duration::from_millis(200);

/// What the service said.
pub(super) struct Served {
    pub(super) answers: Vec<Answer>,
    pub(super) speed: Speed,
}

struct Client<'a> {
    http: reqwest::Client,
    base: &'a str,
    service: &'a str,
    manifest: &'a Manifest,
    digest: Digest,
}

/// One answer, or that the service had no time for it.
enum Said {
    Answer(Answer),
    Busy,
}

/// Asks about every trial, in order.
pub(super) fn ask(url: &str, service: &str, manifest: &Manifest, trials: &[Trial]) -> Result<Served, Failed> {
    let http = crate::http::outbound::client(Duration::from_secs(60))?;
    let client = Client { http, base: url.trim_end_matches('/'), service, manifest, digest: manifest.digest() };
    let (bar, begin) = (bar(trials.len()), Instant::now());
    let calls = stream::iter(trials.iter().enumerate()).map(|(number, trial)| {
        let (client, bar) = (&client, &bar);
        async move {
            let answer = client.patiently(number, trial).await;
            bar.inc(1);
            answer
        }
    });
    let answers: Vec<Answer> = actix_web::rt::System::new().block_on(calls.buffered(CONCURRENCY).try_collect())?;
    bar.finish_and_clear();
    let cases_per_second = answers.len() as f64 / begin.elapsed().as_secs_f64().max(1e-9);
    Ok(Served { answers, speed: Speed { cases_per_second, threads: CONCURRENCY } })
}

impl Client<'_> {
    /// Asks until the service has time.
    async fn patiently(&self, number: usize, trial: &Trial) -> Result<Answer, Failed> {
        let about = |error: Failed| -> Failed { format!("case {} ({}): {error}", number + 1, trial.name).into() };
        let call = json!({
            "hook": "patient-view",
            "hookInstance": format!("00000000-0000-4000-8000-{number:012x}"),
            "context": {"userId": "Practitioner/evaluation", "patientId": "case"},
            "prefetch": charts::prefetch(trial)?,
        });
        for attempt in 0..TRIES {
            if let Said::Answer(answer) = self.once(&call, trial).await.map_err(about)? {
                return Ok(answer);
            }
            actix_web::rt::time::sleep(WAIT * 2_u32.pow(attempt)).await;
        }
        Err(about("the service stayed too busy to answer".into()))
    }

    async fn once(&self, call: &Value, trial: &Trial) -> Result<Said, Failed> {
        let url = format!("{}/cds-services/{}", self.base, self.service);
        let response = self.http.post(url).json(call).send().await?;
        let status = response.status();
        if [StatusCode::SERVICE_UNAVAILABLE, StatusCode::GATEWAY_TIMEOUT, StatusCode::TOO_MANY_REQUESTS]
            .contains(&status)
        {
            return Ok(Said::Busy);
        }
        if !status.is_success() {
            let said = response.text().await.unwrap_or_default();
            return Err(format!("{status}: {}", said.chars().take(300).collect::<String>()).into());
        }
        let record = response.headers().get("audit-record").and_then(|id| id.to_str().ok()).map(str::to_owned);
        let record = record.ok_or("the answer names no record (header Audit-Record)")?;
        let url = format!("{}/try/records/{record}", self.base);
        let response = self.http.get(url).send().await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Err("the record cannot be read: the service must run with http.demo = true".into());
        }
        let text = response.error_for_status()?.text().await?;
        self.read(&serde_json::from_str(&text)?, trial)
    }

    /// The network's part of the record.
    fn read(&self, record: &Value, trial: &Trial) -> Result<Said, Failed> {
        // Heads answer with the network whose encoder they share.
        let encoder = self.manifest.input.get(specialty::ENCODER).and_then(toml::Value::as_str);
        let name = encoder.unwrap_or(self.manifest.name.as_str());
        let models = record.pointer("/content/models").and_then(Value::as_array);
        let own = models.and_then(|models| models.iter().find(|model| model["name"] == name));
        let own = own.ok_or_else(|| format!("the service `{}` does not ask {name}", self.service))?;
        if encoder.is_none() && own["manifest"] != json!(self.digest) {
            return Err(format!("the service runs another {name} than the one whose papers are here").into());
        }
        match own["outcome"].as_str() {
            Some("answered") => {
                let question = Question::of(self.manifest, &trial.truth);
                Ok(Said::Answer(answer::from_record(&own["prediction"], &question)?))
            }
            Some(outcome @ ("no-input" | "unreadable")) => Ok(Said::Answer(Answer::Refused(outcome.to_owned()))),
            Some("late" | "refused") => Ok(Said::Busy),
            other => Err(format!("the record says of {name}: {}", other.unwrap_or("nothing")).into()),
        }
    }
}
