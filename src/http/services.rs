//! Discovery, invocation and feedback (CDS Hooks 2.0.1).

use super::{
    App,
    body::{self, Body},
    edge::{Called, RequestId},
    errors::Refusal,
    identity::{Anyone, Caller},
};
use crate::{
    cds_hooks::{CdsRequest, FeedbackBatch},
    decision::{Call, Failure},
    domain::ServiceId,
};
use actix_web::{
    HttpMessage as _, HttpRequest, HttpResponse,
    http::header,
    web::{Data, Path, Payload},
};
use std::{
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
};
use tokio::sync::SemaphorePermit;

/// Most characters kept of the languages a caller asks for.
const LANGUAGE_CHARS_MAX: usize = 200;

/// `GET /cds-services`. Answers while models load and while the store is down.
pub(super) async fn discovery(app: Data<App>, _: Anyone, request: HttpRequest) -> HttpResponse {
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok()).unwrap_or_default();
    let known = known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == app.etag || tag.trim() == "*");
    let mut builder = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    builder.insert_header((header::ETAG, app.etag.as_str()));
    // Clients must notice a changed template: they keep the list, but ask whether it still holds.
    builder.insert_header((header::CACHE_CONTROL, "public, max-age=60, must-revalidate"));
    if known { builder.finish() } else { builder.content_type("application/json").body(app.discovery.clone()) }
}

/// `POST /cds-services/{id}`.
pub(super) async fn invoke(
    app: Data<App>,
    caller: Caller,
    id: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Refusal> {
    let service = called(&app, &id, &request)?;
    let (body, _permit) = admitted(&app, &request, payload).await?;
    let _gauge = app.metrics.enter();
    let call = call(&app, &caller, &request, &body);
    let invocation = CdsRequest::parse(body.json)?;
    for tolerated in &invocation.tolerated {
        tracing::info!(what = tolerated.as_str(), "tolerated");
    }
    let outcome = contained(app.decision.invoke(&service, invocation, call)).await;
    app.metrics.invoked(&service, &outcome);
    let answer = outcome?;
    // The caller's own evidence of which record its answer is.
    let record = ("audit-record", answer.record.to_string());
    Ok(HttpResponse::Ok().insert_header(record).content_type("application/json").body(answer.body))
}

/// `POST /cds-services/{id}/feedback`: 200 without a body once it is durable.
pub(super) async fn feedback(
    app: Data<App>,
    caller: Caller,
    id: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Refusal> {
    let service = called(&app, &id, &request)?;
    let (body, _permit) = admitted(&app, &request, payload).await?;
    let call = call(&app, &caller, &request, &body);
    let batch = FeedbackBatch::parse(&body.json)?;
    let outcomes: Vec<_> = batch.feedback.iter().map(|entry| entry.outcome).collect();
    contained(app.decision.feedback(&service, batch, call)).await?;
    app.metrics.fed_back(&service, &outcomes);
    Ok(HttpResponse::Ok().finish())
}

/// The body, and then the permit to compute: a slow upload must not hold one. Bodies being held have a bound of their
/// own.
async fn admitted<'a>(
    app: &'a App,
    request: &HttpRequest,
    payload: Payload,
) -> Result<(Body<'a>, SemaphorePermit<'a>), Refusal> {
    let body = body::read(app, request, payload).await?;
    let permit = app.in_flight.try_acquire().map_err(|_| Refusal::Busy)?;
    Ok((body, permit))
}

/// The service in the address, if it is one of those published; noted for log and metrics.
fn called(app: &App, id: &str, request: &HttpRequest) -> Result<ServiceId, Refusal> {
    let service: ServiceId = id.parse().map_err(|_| Failure::UnknownService)?;
    if !app.metrics.knows(&service) {
        return Err(Failure::UnknownService.into());
    }
    request.extensions_mut().insert(Called(service.clone()));
    Ok(service)
}

fn call(app: &App, caller: &Caller, request: &HttpRequest, body: &Body<'_>) -> Call {
    let request_id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    Call {
        request_id,
        caller: caller.name().to_owned(),
        language: language(request),
        body_digest: body.digest,
        received: app.clock.now(),
        started: body.arrived,
    }
}

fn language(request: &HttpRequest) -> Option<String> {
    let asked = request.headers().get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
    Some(asked.chars().take(LANGUAGE_CHARS_MAX).collect())
}

/// A panic in the decision becomes a failure of this call; the connection and its other calls live on.
async fn contained<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let mut work = pin!(work);
    poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)))
            .unwrap_or(Poll::Ready(Err(Failure::Internal("a panic while deciding"))))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::contained;
    use crate::decision::Failure;

    #[actix_web::test]
    async fn a_panic_becomes_a_named_failure() {
        let panicking = async {
            tokio::task::yield_now().await;
            let empty: Vec<u8> = Vec::new();
            Ok(empty[std::hint::black_box(0)])
        };
        assert!(matches!(contained(panicking).await, Err(Failure::Internal(_))));
        assert_eq!(contained(async { Ok(7) }).await, Ok(7));
    }
}
