//! The explanation behind a card's link, and what is said about it there.
//!
//! Contract: only for the [`Bearer`] of that card's link; shown only once it is recorded that it was opened; feedback is
//! taken with the same link, and becomes the record that CDS Hooks feedback becomes.

use super::{
    disagree::{self, COMMENT_CHARS_MAX, Form, Said},
    explanation::{self, Subject},
    html,
    refused::{Refused, Why},
};
use crate::{
    audit::StoredRecord,
    cds_hooks::{
        Feedback, FeedbackBatch, Outcome,
        feedback::{GivenReason, ReasonCode},
    },
    decision::Opened,
    domain::Phi,
    http::{App, capability::Bearer, visit},
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::{Bytes, Data, Payload, Query},
};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

/// A comment of 2,000 characters in any script, percent-encoded, and some.
const FORM_BYTES_MAX: usize = 32 * 1024;

/// What the form sends.
#[derive(Default, Deserialize)]
struct Sent {
    reason: Option<usize>,
    #[serde(default)]
    comment: String,
}

/// `GET /explain/{card}`.
pub(super) async fn explanation(bearer: Bearer, app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Refused> {
    let said = if bearer.thanks { Said::Thanks } else { Said::Nothing };
    let page = shown(&app, &bearer, &request, &Sent::default(), said).await;
    page.map(html).map_err(|why| Refused::at(&app.place, why))
}

/// `POST /explain/{card}/feedback`.
pub(super) async fn feedback(
    bearer: Bearer,
    app: Data<App>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Refused> {
    let refused = |why| Refused::at(&app.place, why);
    let body = received(&app, &request, payload).await.map_err(refused)?;
    let sent = read(&body).map_err(refused)?;
    match take(&app, &bearer, &request, &body, &sent).await.map_err(refused)? {
        Said::Thanks => {
            let back = format!("{}/explain/{}?{}&thanks=1#disagree", app.place.prefix, bearer.card, bearer.query);
            Ok(HttpResponse::SeeOther().insert_header((header::LOCATION, back)).finish())
        }
        said => {
            let page = shown(&app, &bearer, &request, &sent, said).await.map_err(refused)?;
            let mut page = html(page);
            *page.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(page)
        }
    }
}

/// The page, after the record that it is shown.
async fn shown(app: &App, bearer: &Bearer, request: &HttpRequest, sent: &Sent, said: Said) -> Result<String, Why> {
    let (visit, call) = (visit::visit(bearer.card, bearer.by, request), visit::call(app, bearer.by, request, &[]));
    let Opened { record, envelope, computed } = app.decision.opened(&visit, &call).await?.ok_or(Why::Link)?;
    let given = app.decision.store().feedback_for(bearer.card).await.map_err(|_| Why::Unrecorded)?;
    let given: Vec<Value> = given.iter().filter_map(|one| serde_json::from_slice(&one.body).ok()).collect();
    if envelope.is_null() {
        return Err(unreadable(&record));
    }
    let (card, id, digest) = (bearer.card.to_string(), record.entry.id.to_string(), record.entry.digest.to_string());
    let papers = explanation::model_of(&envelope, &card).and_then(|name| app.papers.get(&name.parse().ok()?));
    let action = format!("{}/explain/{card}/feedback?{}", app.place.prefix, bearer.query);
    let reasons = disagree::reasons(&envelope, &card);
    let form = Form { action: &action, comment: &sent.comment, chosen: sent.reason, said };
    let subject = Subject {
        card: &card,
        record: &id,
        digest: &digest,
        envelope: &envelope,
        computed: &computed,
        disagree: disagree::section(&form, &reasons, &given),
        papers,
        place: &app.place,
    };
    Ok(explanation::page(&subject))
}

/// Takes what was said, or says what is missing.
async fn take(app: &App, bearer: &Bearer, request: &HttpRequest, body: &Bytes, sent: &Sent) -> Result<Said, Why> {
    let shown = app.decision.store().for_card(bearer.card).await.map_err(|_| Why::Unrecorded)?.ok_or(Why::Link)?;
    let reasons = disagree::reasons(&envelope(&shown)?, &bearer.card.to_string());
    let reason = match chosen(sent, reasons) {
        Ok(reason) => reason,
        Err(said) => return Ok(said),
    };
    let call = visit::call(app, bearer.by, request, body);
    let comment = Some(sent.comment.clone()).filter(|comment| !comment.is_empty()).map(Phi::new);
    let entry = Feedback {
        card: bearer.card,
        outcome: Outcome::Overridden,
        accepted_suggestions: Vec::new(),
        override_reason: Some(GivenReason { reason, user_comment: comment }),
        outcome_timestamp: call.received,
    };
    let service = shown.entry.service.ok_or(Why::Retired)?;
    app.decision.feedback(&service, FeedbackBatch { feedback: vec![entry] }, call).await?;
    app.metrics.fed_back(&service, &[Outcome::Overridden]);
    Ok(Said::Thanks)
}

/// The card's reason that was chosen; none where the card offers none and words stand in for it.
fn chosen(sent: &Sent, reasons: Vec<ReasonCode>) -> Result<Option<ReasonCode>, Said> {
    if sent.comment.chars().count() > COMMENT_CHARS_MAX {
        return Err(Said::TooLong);
    }
    if reasons.is_empty() {
        return if sent.comment.is_empty() { Err(Said::NoReason) } else { Ok(None) };
    }
    let reason = sent.reason.and_then(|index| reasons.into_iter().nth(index));
    reason.map(Some).ok_or(Said::NoReason)
}

fn envelope(record: &StoredRecord) -> Result<Value, Why> {
    serde_json::from_slice(&record.body).map_err(|_| unreadable(record))
}

fn unreadable(record: &StoredRecord) -> Why {
    tracing::error!(record = %record.entry.id, "a record is not JSON");
    Why::Unreadable
}

/// The body of the form, within its bounds.
async fn received(app: &App, request: &HttpRequest, payload: Payload) -> Result<Bytes, Why> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Why::Form);
    }
    let time = Duration::from_secs(app.settings.body_timeout_s);
    let body = tokio::time::timeout(time, payload.to_bytes_limited(FORM_BYTES_MAX)).await;
    body.ok().and_then(Result::ok).and_then(Result::ok).ok_or(Why::Form)
}

fn read(body: &Bytes) -> Result<Sent, Why> {
    let text = std::str::from_utf8(body).map_err(|_| Why::Form)?;
    let Query(sent) = Query::<Sent>::from_query(text).map_err(|_| Why::Form)?;
    // Browsers send each line end as two characters, and count it as one.
    Ok(Sent { comment: sent.comment.replace("\r\n", "\n").trim().to_owned(), ..sent })
}
