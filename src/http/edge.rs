//! What happens to every call before and after its handler: an identifier, a span, headers, one line in the log, one
//! count in the metrics.
//!
//! Contract: nothing of the request is logged but its method, the pattern of its route, a published service's id and
//! identifiers that were checked; refusals that the framework itself makes leave as OperationOutcomes like ours.

use super::{
    App,
    errors::{FHIR_JSON, Noted},
};
use crate::{
    cds_hooks::outcome::{IssueCode, OperationOutcome, Severity},
    domain::{Ids, ServiceId},
};
use actix_web::{
    Error, HttpMessage as _,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web::Data,
};
use std::time::{Duration, Instant};
use tracing::{Instrument as _, Level, Span, field::Empty};

/// Longest request id taken over from a caller.
const REQUEST_ID_MAX: usize = 64;
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The identifier of one call, echoed to the caller and kept in log and record.
#[derive(Debug, Clone)]
pub(super) struct RequestId(pub String);

/// The published service that was called.
#[derive(Debug, Clone)]
pub(super) struct Called(pub ServiceId);

/// The outermost middleware.
pub(super) async fn around(
    app: Data<App>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let id = request_id(request.headers(), &*app.ids);
    let trace_id = trace_id(request.headers());
    let span = tracing::info_span!("call", request_id = %id, trace_id = Empty, service = Empty);
    if let Some(trace_id) = trace_id {
        span.record("trace_id", trace_id);
    }
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = known_method(request.method());
    let response = next.call(request).instrument(span.clone()).await?.map_into_boxed_body();
    let mut response = explained(response);
    decorate(response.headers_mut(), &id, app.settings.tls.is_some());
    span.in_scope(|| conclude(&app, &span, method, &response, started.elapsed()));
    Ok(response)
}

/// The one line and the one count.
fn conclude(app: &App, span: &Span, method: &'static str, response: &ServiceResponse, took: Duration) {
    let called = response.request().extensions().get::<Called>().map(|called| called.0.clone());
    if let Some(service) = &called {
        span.record("service", service.as_str());
    }
    let route = response.request().match_pattern().unwrap_or_else(|| "-".to_owned());
    let status = response.status().as_u16();
    let noted = response.response().extensions().get::<Noted>().cloned();
    app.metrics.answered(called.as_ref(), status, took, noted.as_ref().map(|noted| noted.row.name));
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let Some(Noted { row, words }) = noted else {
        if called.is_some() {
            tracing::info!(method, route, status, took_ms, "answered");
        } else {
            tracing::debug!(method, route, status, took_ms, "answered");
        }
        return;
    };
    let refusal = row.name;
    match row.level {
        Level::ERROR => tracing::error!(method, route, status, took_ms, refusal, words, "refused"),
        Level::WARN => tracing::warn!(method, route, status, took_ms, refusal, words, "refused"),
        _ => tracing::info!(method, route, status, took_ms, refusal, words, "refused"),
    }
}

/// A refusal that no handler made (a header the framework could not read, a foreign origin's preflight) gets the body
/// that ours have.
fn explained(response: ServiceResponse) -> ServiceResponse {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !(status.is_client_error() || status.is_server_error()) || kind.contains("json") || kind.starts_with("text/html")
    {
        return response;
    }
    let code = if status == StatusCode::NOT_FOUND { IssueCode::NotFound } else { IssueCode::Value };
    let words = status.canonical_reason().unwrap_or("the call was refused");
    let outcome = OperationOutcome::new(Severity::Error, code, words);
    let body = serde_json::to_string(&outcome).unwrap_or_default();
    let mut response = response.map_body(|_, _| BoxBody::new(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(FHIR_JSON));
    response
}

/// Headers that every answer has. Pages set their own content policy and caching first.
fn decorate(headers: &mut HeaderMap, id: &str, https: bool) {
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let mut default = |name: HeaderName, value| {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    };
    default(header::CACHE_CONTROL, "no-store");
    default(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    default(header::VARY, "Origin");
    if https {
        default(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
}

/// The caller's identifier if it is harmless in a header, a log and a record; else a new one.
fn request_id(headers: &HeaderMap, ids: &dyn Ids) -> String {
    let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).filter(|id| {
        (1..=REQUEST_ID_MAX).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
    });
    given.map_or_else(|| ids.random().to_string(), str::to_owned)
}

/// The trace id of a W3C `traceparent` header, so that spans can be joined to the caller's.
fn trace_id(headers: &HeaderMap) -> Option<&str> {
    let mut parts = headers.get("traceparent")?.to_str().ok()?.split('-');
    let mut hex = |length| {
        let part = parts.next()?;
        let fits = part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        fits.then_some(part)
    };
    let (version, trace, parent, _flags) = (hex(2)?, hex(32)?, hex(16)?, hex(2)?);
    let zero = |text: &str| text.bytes().all(|byte| byte == b'0');
    (version != "ff" && !zero(trace) && !zero(parent)).then_some(trace)
}

/// A method may be any word; only the usual ones are worth a line.
fn known_method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "OPTIONS" => "OPTIONS",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::{request_id, trace_id};
    use crate::domain::SequentialIds;
    use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

    fn with(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn a_harmless_request_id_is_kept_and_any_other_replaced() {
        let id = |text: &str| request_id(&with("x-request-id", text), &SequentialIds::default());
        assert_eq!(id("ehr-7.A_9"), "ehr-7.A_9");
        for bad in ["", "Jane Roe", "a/b", "a;b", &"a".repeat(65)] {
            assert_eq!(id(bad).len(), 36, "{bad}");
        }
    }

    #[test]
    fn only_a_well_formed_traceparent_is_taken_over() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let of = |text: &str| trace_id(&with("traceparent", text)).map(str::to_owned);
        assert_eq!(of(&format!("00-{trace}-00f067aa0ba902b7-01")).as_deref(), Some(trace));
        for bad in [
            "",
            "00",
            "00-Jane-Roe-01",
            &format!("ff-{trace}-00f067aa0ba902b7-01"),
            &format!("00-{trace}-{}-01", "0".repeat(16)),
        ] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }
}
