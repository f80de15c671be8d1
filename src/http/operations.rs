//! `/healthz`, `/readyz` and `/metrics`: for those who run the service. Nothing about patients, open to everyone who
//! can reach the port.

use super::{App, errors::Refusal, identity::Anyone};
use crate::decision::Failure;
use actix_web::{HttpResponse, web::Data};
use serde_json::json;
use std::sync::atomic::Ordering;

/// The process runs.
pub(super) async fn health(_: Anyone) -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "up", "version": env!("CARGO_PKG_VERSION")}))
}

/// Invocations can be answered: models loaded, store reachable, not shutting down.
pub(super) async fn ready(app: Data<App>, _: Anyone) -> Result<HttpResponse, Refusal> {
    if app.draining.load(Ordering::Relaxed) {
        return Err(Refusal::Unready("shutting down".to_owned()));
    }
    app.decision.ready().await.map_err(Refusal::Unready)?;
    Ok(HttpResponse::Ok().json(json!({"status": "ready"})))
}

/// Counters in the OpenMetrics text format.
pub(super) async fn metrics(app: Data<App>, _: Anyone) -> Result<HttpResponse, Refusal> {
    app.metrics.stored(&app.decision.store().figures());
    let text = app.metrics.text().map_err(|_| Failure::Internal("http::metrics"))?;
    Ok(HttpResponse::Ok().content_type("application/openmetrics-text; version=1.0.0; charset=utf-8").body(text))
}
