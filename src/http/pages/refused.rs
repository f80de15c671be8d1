//! The one table from what went wrong on a page for people to what the page says.
//!
//! Contract: who followed a link is told in words what to do next, never in JSON; nothing of the request is repeated,
//! and nothing says whether a card exists.

use super::{frame::Place, html};
use crate::{
    cds_hooks::outcome::IssueCode,
    decision::Failure,
    http::errors::{Noted, Row, row},
};
use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use maud::html;
use std::fmt;
use tracing::Level;

/// Everything that can keep a person from a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The link has no key, a wrong one, or one to a card that was never recorded.
    Link,
    /// The link was true once.
    Expired,
    /// That the page was opened, or what was said on it, could not be recorded.
    Unrecorded,
    /// The record is not as it was written.
    Unreadable,
    /// The service that showed the card is no longer offered.
    Retired,
    /// What was sent is no form, or too much of one.
    Form,
    /// A launch from an EHR that is not registered, or without what a launch has.
    Launch,
    /// The authorisation server did not answer as it must.
    Server,
    /// The authorisation server or the user declined.
    Declined,
    /// The way back from the authorisation server does not belong to a launch of this browser, or took too long.
    State,
    /// The launch names no card of this service.
    NoCard,
    /// The card is about another patient than the one who is open.
    OtherPatient,
}

impl Why {
    /// The table: status, code, level, a stable word for the log, the page's heading and its sentence.
    const fn told(self) -> (Row, &'static str, &'static str) {
        match self {
            Self::Link => (
                row(404, IssueCode::NotFound, Level::INFO, "link-unknown"),
                "This link opens nothing",
                "It may have been cut off or changed on its way. Open the card again in your record system and follow the link there.",
            ),
            Self::Expired => (
                row(410, IssueCode::NotFound, Level::INFO, "link-expired"),
                "This link has expired",
                "Links from cards hold for a limited time. To see the explanation, open the card again in your record system.",
            ),
            Self::Unrecorded => (
                Row { retry_after_s: Some(5), ..row(503, IssueCode::NoStore, Level::ERROR, "record-store") },
                "Not possible at present",
                "This page is only shown, and what you write on it only taken, once that is safely recorded, and recording is not possible at present. Please try again in a minute.",
            ),
            Self::Unreadable => (
                row(503, IssueCode::Exception, Level::ERROR, "record-unreadable"),
                "This record cannot be read",
                "What was recorded about this card is not as it was written. Please tell those who run this service.",
            ),
            Self::Retired => (
                row(410, IssueCode::NotSupported, Level::INFO, "service-retired"),
                "Nothing more can be recorded about this card",
                "The service that showed it is no longer offered here.",
            ),
            Self::Form => (
                row(400, IssueCode::Structure, Level::INFO, "form-unusable"),
                "This form could not be read",
                "What arrived is not what the form on the explanation page sends, or is too long. Please go back and send it again.",
            ),
            Self::Launch => (
                row(400, IssueCode::Forbidden, Level::WARN, "launch-refused"),
                "This launch cannot be accepted",
                "The record system it comes from is not registered with this service, or it left out what a launch must hold. Please tell those who run this service.",
            ),
            Self::Server => (
                row(502, IssueCode::Transient, Level::WARN, "launch-server"),
                "Your record system did not answer",
                "Its authorisation server could not be asked, or answered in a way that cannot be used. Please open the card again; if that does not help, tell those who run this service.",
            ),
            Self::Declined => (
                row(403, IssueCode::Forbidden, Level::INFO, "launch-declined"),
                "Not opened",
                "Your record system declined to open this app.",
            ),
            Self::State => (
                row(400, IssueCode::Forbidden, Level::WARN, "launch-state"),
                "This launch was not begun here, or took too long",
                "Open the card again in your record system and follow its link within ten minutes, in one window, with cookies allowed for this site.",
            ),
            Self::NoCard => (
                row(404, IssueCode::NotFound, Level::INFO, "launch-no-card"),
                "There is no card to explain",
                "Your record system did not say from which card it comes, or from one that is not known here. Open the explanation from a card.",
            ),
            Self::OtherPatient => (
                row(403, IssueCode::Conflict, Level::WARN, "launch-other-patient"),
                "Another patient is open",
                "This card is about another patient than the one open in your record system, so its explanation is not shown. This has been recorded.",
            ),
        }
    }
}

/// A page that says why there is no other.
#[derive(Debug, Clone)]
pub struct Refused {
    why: Why,
    place: Place,
}

impl Refused {
    /// With the pages' own look.
    #[must_use]
    pub fn at(place: &Place, why: Why) -> Self {
        Self { why, place: place.clone() }
    }

    /// Where the pages' place is not known.
    #[must_use]
    pub fn nowhere(why: Why) -> Self {
        Self { why, place: Place::default() }
    }
}

/// What a failure to record or to find a service means on a page.
impl From<Failure> for Why {
    fn from(failure: Failure) -> Self {
        if failure == Failure::UnknownService { Self::Retired } else { Self::Unrecorded }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.why.told().1)
    }
}

impl ResponseError for Refused {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.why.told().0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let (row, heading, sentence) = self.why.told();
        let main = html! { main.why #content { section { h1 { (heading) } p { (sentence) } } } };
        let mut response = html(self.place.page(heading, &main));
        *response.status_mut() = self.status_code();
        if let Some(seconds) = row.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(Noted { row, words: heading.to_owned() });
        response
    }
}

#[cfg(test)]
mod tests {
    use super::{Refused, Why};
    use actix_web::{ResponseError as _, body::to_bytes};

    #[actix_web::test]
    async fn every_refusal_is_a_page_that_says_what_to_do_and_is_not_kept() {
        let all = [
            (404, Why::Link),
            (410, Why::Expired),
            (503, Why::Unrecorded),
            (503, Why::Unreadable),
            (410, Why::Retired),
            (400, Why::Form),
            (400, Why::Launch),
            (502, Why::Server),
            (403, Why::Declined),
            (400, Why::State),
            (404, Why::NoCard),
            (403, Why::OtherPatient),
        ];
        for (status, why) in all {
            let response = Refused::nowhere(why).error_response();
            assert_eq!(response.status().as_u16(), status, "{why:?}");
            assert_eq!(response.headers().get("cache-control").unwrap(), "no-store");
            let page = String::from_utf8(to_bytes(response.into_body()).await.unwrap().to_vec()).unwrap();
            assert!(page.contains("<h1>") && !page.contains("OperationOutcome"), "{page}");
        }
    }
}
