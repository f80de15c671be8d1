//! A request body: declared as JSON, within its bounds, complete, in time.
//!
//! Contract: memory for bodies is reserved before it is used, over all calls together; a body that does not fit is
//! refused before it is read. Large bodies are hashed and parsed on the blocking pool.

use super::{
    App,
    errors::Refusal,
    json::{self, Bounds},
};
use crate::{decision::Failure, domain::Digest};
use actix_web::{
    HttpRequest,
    http::header,
    web::{self, Bytes, BytesMut, Payload},
};
use futures_util::StreamExt as _;
use serde_json::Value;
use std::time::{Duration, Instant};
use tokio::{sync::SemaphorePermit, time::timeout};

/// Up to this size a body is parsed where it is: handing it to another thread would cost more.
const INLINE_BYTES: usize = 64 * 1024;
const KIB: usize = 1024;
/// Reserved at a time for a body that does not say how long it is.
const STEP_KIB: u32 = 256;

/// A body that was read. The memory it was parsed from counts as taken until this is dropped.
pub struct Body<'a> {
    /// The JSON.
    pub json: Value,
    /// SHA-256 of the bytes as received.
    pub digest: Digest,
    /// When the last byte was there: a slow line must not use up the time for the answer.
    pub arrived: Instant,
    _memory: SemaphorePermit<'a>,
}

/// Reads and parses a body.
///
/// # Errors
/// [`Refusal`]: another media type, too large, too late, no memory for it, not JSON, or JSON beyond the bounds.
pub async fn read<'a>(app: &'a App, request: &HttpRequest, payload: Payload) -> Result<Body<'a>, Refusal> {
    if !is_json(request) {
        return Err(Refusal::MediaType);
    }
    let max = app.settings.body_max_bytes;
    let declared = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if declared.is_some_and(|length: usize| length > max) {
        return Err(Refusal::Size(max));
    }
    let mut memory = reserve(app, declared.map_or(STEP_KIB, kib))?;
    let receiving = receive(app, payload, declared, &mut memory);
    let bytes =
        timeout(Duration::from_secs(app.settings.body_timeout_s), receiving).await.map_err(|_| Refusal::Body)??;
    let arrived = Instant::now();
    let bounds = Bounds { depth: app.settings.json_depth_max, elements: app.settings.json_elements_max };
    let (digest, json) = if bytes.len() <= INLINE_BYTES {
        parse(&bytes, bounds)
    } else {
        web::block(move || parse(&bytes, bounds)).await.map_err(|_| Failure::Internal("http::body: blocking pool"))?
    };
    Ok(Body { json: json?, digest, arrived, _memory: memory })
}

fn parse(bytes: &Bytes, bounds: Bounds) -> (Digest, Result<Value, json::Problem>) {
    (Digest::of(bytes), json::read(bytes, bounds))
}

fn kib(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(KIB)).unwrap_or(u32::MAX)
}

fn reserve(app: &App, kib: u32) -> Result<SemaphorePermit<'_>, Refusal> {
    app.body_kib.try_acquire_many(kib).map_err(|_| Refusal::Busy)
}

async fn receive<'a>(
    app: &'a App,
    mut payload: Payload,
    declared: Option<usize>,
    memory: &mut SemaphorePermit<'a>,
) -> Result<Bytes, Refusal> {
    let max = app.settings.body_max_bytes;
    // A length is only a claim: memory is taken as bytes arrive, beginning with at most a megabyte.
    let mut bytes = BytesMut::with_capacity(declared.unwrap_or(0).min(KIB * KIB));
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Refusal::Body)?;
        if bytes.len() + chunk.len() > max {
            return Err(Refusal::Size(max));
        }
        while memory.num_permits() * KIB < bytes.len() + chunk.len() {
            memory.merge(reserve(app, STEP_KIB)?);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

/// `application/json` and its relatives with any parameters, and no compression.
fn is_json(request: &HttpRequest) -> bool {
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = text(header::CONTENT_TYPE).split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let encoding = text(header::CONTENT_ENCODING).trim();
    let json = kind.strip_prefix("application/").is_some_and(|kind| {
        kind == "json" || kind == "json+fhir" || kind.strip_suffix("+json").is_some_and(|kind| !kind.is_empty())
    });
    json && (encoding.is_empty() || encoding.eq_ignore_ascii_case("identity"))
}

#[cfg(test)]
mod tests {
    use super::is_json;
    use actix_web::test::TestRequest;

    #[test]
    fn json_is_recognised_under_every_name_clients_give_it() {
        let with =
            |kind: &str| is_json(&TestRequest::default().insert_header(("content-type", kind)).to_http_request());
        for good in
            ["application/json", "application/json; charset=utf-8", "Application/FHIR+JSON", "application/json+fhir"]
        {
            assert!(with(good), "{good}");
        }
        for bad in
            ["", "text/plain", "application/xml", "text/json", "application/+json", "application/x-www-form-urlencoded"]
        {
            assert!(!with(bad), "{bad}");
        }
        assert!(!is_json(&TestRequest::default().to_http_request()));
    }

    #[test]
    fn a_compressed_body_is_not_json() {
        let request = TestRequest::default().insert_header(("content-type", "application/json"));
        assert!(!is_json(&request.insert_header(("content-encoding", "gzip")).to_http_request()));
    }
}
