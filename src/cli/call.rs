//! `auscult call <sample>`: a chart opened from the terminal.

use super::{Failed, arguments, say};
use crate::{
    domain::{Clock, Ids, RandomIds},
    samples,
};
use serde_json::Value;
use std::time::Duration;

pub(super) fn run(arguments: &arguments::Call, clock: &dyn Clock) -> Result<(), Failed> {
    let Some(name) = &arguments.sample else {
        samples::all().iter().for_each(|one| say(&format!("{:16} {:3} years  {}", one.id, one.age, one.story)));
        return Ok(());
    };
    let sample =
        samples::find(name).ok_or_else(|| format!("there is no sample `{name}`; `auscult call` lists them"))?;
    let body = samples::invocation(sample, "patient-view", &RandomIds.random().to_string(), clock.now());
    if arguments.request {
        say(&body.to_string());
        return Ok(());
    }
    let url = format!("{}/cds-services/{}", arguments.url.trim_end_matches('/'), arguments.service);
    let answer = actix_web::rt::System::new().block_on(send(&url, &body))?;
    if arguments.json {
        say(&serde_json::to_string_pretty(&answer)?);
    } else {
        print(sample.name, &answer);
    }
    Ok(())
}

async fn send(url: &str, body: &Value) -> Result<Value, Failed> {
    let client = crate::http::outbound::client(Duration::from_secs(30))?;
    let response =
        client.post(url).json(body).send().await.map_err(|error| {
            format!("no answer from {url}: {error}. Is the service running (`cargo run --release`)?")
        })?;
    let status = response.status();
    let answer: Value = response.json().await?;
    if status.is_success() {
        return Ok(answer);
    }
    let why = answer.pointer("/issue/0/diagnostics").and_then(Value::as_str).unwrap_or("no reason given");
    Err(format!("the service refused the call ({status}): {why}").into())
}

fn print(patient: &str, answer: &Value) {
    let cards = answer["cards"].as_array().map_or(&[][..], Vec::as_slice);
    let safe: String = patient.chars().filter(|letter| !letter.is_control()).collect();
    say(&format!(
        "{safe}: {}",
        if cards.is_empty() { "nothing to advise".into() } else { format!("{} card(s)", cards.len()) }
    ));
    for card in cards {
        let part = |name: &str| card[name].as_str().unwrap_or_default();
        say(&format!("\n[{}] {}", part("indicator"), part("summary")));
        part("detail").lines().for_each(|line| say(&format!("    {line}")));
        for suggestion in card["suggestions"].as_array().into_iter().flatten() {
            say(&format!("    -> {}", suggestion["label"].as_str().unwrap_or_default()));
        }
        for link in card["links"].as_array().into_iter().flatten() {
            say(&format!(
                "    {}: {}",
                link["label"].as_str().unwrap_or_default(),
                link["url"].as_str().unwrap_or_default()
            ));
        }
    }
}
