//! What was recorded, for the try-it page.

use super::html;
use crate::{
    audit::AuditError,
    http::{App, identity::Caller},
};
use actix_web::{
    HttpResponse,
    http::{StatusCode, header::CONTENT_TYPE},
    web,
};
use serde_json::json;
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
