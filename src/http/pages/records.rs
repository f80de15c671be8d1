//! What was recorded, for the try-it page and behind a card's link.

use super::{
    explanation::{self, Subject},
    html,
};
use crate::{
    audit::{AuditError, StoredRecord},
    http::{App, identity::Caller},
};
use actix_web::{
    HttpResponse,
    http::{StatusCode, header::CONTENT_TYPE},
    web,
};
use serde_json::{Value, json};
use uuid::Uuid;

/// Records on the try-it page.
const NEWEST: u32 = 8;

/// The newest records without their bodies.
pub(super) async fn newest(_caller: Caller, app: web::Data<App>) -> HttpResponse {
    let store = app.decision.store();
    match (store.count().await, store.recent(NEWEST, None).await) {
        (Ok(total), Ok(records)) => HttpResponse::Ok().json(json!({"total": total, "records": records})),
        (Err(error), _) | (_, Err(error)) => unavailable(&error),
    }
}

/// One record's exact bytes.
pub(super) async fn one(_caller: Caller, app: web::Data<App>, id: web::Path<Uuid>) -> HttpResponse {
    match app.decision.store().get(*id).await {
        Ok(Some(record)) => HttpResponse::Ok().insert_header((CONTENT_TYPE, "application/json")).body(record.body),
        Ok(None) => missing(),
        Err(error) => unavailable(&error),
    }
}

/// The explanation of one card.
pub(super) async fn explanation(_caller: Caller, app: web::Data<App>, card: web::Path<Uuid>) -> HttpResponse {
    match subject(&app, *card).await {
        Ok(Some((record, feedback))) => draw(&app, &card.to_string(), &record, &feedback),
        Ok(None) => missing(),
        Err(error) => unavailable(&error),
    }
}

/// The record that shows the card, and the feedback on it, oldest first.
async fn subject(app: &App, card: Uuid) -> Result<Option<(StoredRecord, Vec<Value>)>, AuditError> {
    let store = app.decision.store();
    let Some(record) = store.for_card(card).await? else { return Ok(None) };
    let given = store.feedback_for(card).await?;
    let feedback = given.iter().filter_map(|one| serde_json::from_slice(&one.body).ok()).collect();
    Ok(Some((record, feedback)))
}

fn draw(app: &App, card: &str, record: &StoredRecord, feedback: &[Value]) -> HttpResponse {
    let Ok(envelope) = serde_json::from_slice::<Value>(&record.body) else {
        tracing::error!(record = %record.entry.id, "a record is not JSON");
        return words(StatusCode::SERVICE_UNAVAILABLE, "This record cannot be read.");
    };
    let papers = explanation::model_of(&envelope, card).and_then(|name| app.papers.get(&name.parse().ok()?));
    let (id, digest) = (record.entry.id.to_string(), record.entry.digest.to_string());
    let subject =
        Subject { card, record: &id, digest: &digest, envelope: &envelope, feedback, papers, place: &app.place };
    html(explanation::page(&subject))
}

fn missing() -> HttpResponse {
    words(StatusCode::NOT_FOUND, "There is no such record.")
}

fn unavailable(error: &AuditError) -> HttpResponse {
    tracing::warn!(%error, "records could not be read");
    words(StatusCode::SERVICE_UNAVAILABLE, "The record cannot be read at present.")
}

/// For people: who followed a link should not be shown JSON.
fn words(status: StatusCode, sentence: &'static str) -> HttpResponse {
    let mut page = html(sentence);
    *page.status_mut() = status;
    page
}
