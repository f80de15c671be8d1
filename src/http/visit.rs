//! Someone who comes with a link or a launch, as the record will know them.

use super::{App, edge::RequestId};
use crate::{
    decision::{By, Call, Visit},
    domain::Digest,
};
use actix_web::{
    HttpMessage as _, HttpRequest,
    http::header::{self, HeaderName},
};
use std::time::Instant;
use uuid::Uuid;

/// Most characters kept of what a browser says about itself.
const ABOUT_CHARS_MAX: usize = 200;

/// The visit of one card's explanation.
pub(super) fn visit(card: Uuid, by: By, request: &HttpRequest) -> Visit {
    let said = |name: HeaderName| {
        let text = request.headers().get(name).and_then(|value| value.to_str().ok())?;
        Some(text.chars().take(ABOUT_CHARS_MAX).collect())
    };
    Visit { card, by, user_agent: said(header::USER_AGENT), language: said(header::ACCEPT_LANGUAGE) }
}

/// The call it is made with.
pub(super) fn call(app: &App, by: By, request: &HttpRequest, body: &[u8]) -> Call {
    let request_id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    Call {
        request_id,
        caller: by.as_str().to_owned(),
        language: None,
        body_digest: Digest::of(body),
        received: app.clock.now(),
        started: Instant::now(),
    }
}
