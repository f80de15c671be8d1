//! Browser-based clients (CDS Hooks: "will require CORS support").
//!
//! Contract: only listed origins, by name; preflight needs no identity; `authorization` is named, since a wildcard
//! does not cover it; errors carry the headers too, because otherwise a browser sees only "network error". What is not
//! allowed is still answered, without the header that would let a foreign page read it.

use super::settings::Settings;
use actix_cors::Cors;

/// How long a browser may remember a preflight, in seconds (Chromium keeps two hours at most).
const MAX_AGE_S: usize = 7_200;

/// The middleware for these settings.
pub(super) fn middleware(settings: &Settings) -> Cors {
    settings
        .allowed_origins
        .iter()
        .fold(Cors::default(), |cors, origin| cors.allowed_origin(origin))
        .allowed_methods(["GET", "POST", "OPTIONS"])
        .allowed_headers(["authorization", "content-type", "accept", "x-request-id", "traceparent"])
        .expose_headers(["x-request-id", "retry-after", "etag", "audit-record"])
        .block_on_origin_mismatch(false)
        .max_age(MAX_AGE_S)
}
