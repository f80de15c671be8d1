//! What became of a card (CDS Hooks 2.0.1, Feedback).
//!
//! Contract: a batch is taken as a whole or refused as a whole, naming the entry at fault. Repeats, and acceptance and
//! override of the same card, are legal: they are events, not states.

use super::request::BadRequest;
use super::text::is_blank;
use crate::domain::Phi;
use serde::Serialize;
use serde_json::Value;
use time::{Duration, OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};
use uuid::Uuid;

/// Most entries in one batch.
pub const ENTRIES_MAX: usize = 1_000;
/// Most accepted suggestions in one entry.
const SUGGESTIONS_MAX: usize = 100;
/// Longest comment, code, system or display, in characters.
const TEXT_CHARS_MAX: usize = 4_000;

/// All that one call reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeedbackBatch {
    /// In the order in which they came.
    pub feedback: Vec<Feedback>,
}

/// What a user did with one card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Feedback {
    /// The card. It may be unknown: that is for the record to say, and never for the answer (F3).
    pub card: Uuid,
    /// What was done.
    pub outcome: Outcome,
    /// The suggestions taken; at least one when accepted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accepted_suggestions: Vec<AcceptedSuggestion>,
    /// Why it was overridden, if said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub override_reason: Option<GivenReason>,
    /// When, in UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub outcome_timestamp: OffsetDateTime,
}

/// A suggestion that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AcceptedSuggestion {
    /// The suggestion's uuid.
    pub id: Uuid,
}

/// What a user did with a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// A suggestion was taken.
    Accepted,
    /// The card was dismissed.
    Overridden,
}

impl Outcome {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Overridden => "overridden",
        }
    }
}

/// Why a card was overridden: a code, a comment or both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GivenReason {
    /// The reason picked; clients may have reasons of their own, and some leave out the system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<ReasonCode>,
    /// Free text, which may be about the patient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_comment: Option<Phi<String>>,
}

/// A coding as clients send it back: only the code is certain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReasonCode {
    /// The code system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The code.
    pub code: String,
    /// The words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
}

/// A time of feedback that a reviewer should look at twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OddTime {
    /// More than five minutes ahead of this service's clock.
    Future,
    /// More than thirty days ago.
    Old,
}

impl Feedback {
    /// Whether the stated time is odd, seen from when it was received.
    #[must_use]
    pub fn odd_time(&self, received: OffsetDateTime) -> Option<OddTime> {
        let age = received - self.outcome_timestamp;
        if age < Duration::minutes(-5) {
            Some(OddTime::Future)
        } else {
            (age > Duration::days(30)).then_some(OddTime::Old)
        }
    }

    fn parse(entry: &Value) -> Result<Self, BadRequest> {
        let entry = entry.as_object().ok_or(BadRequest::Shape { member: "entry", expected: "an object" })?;
        let required = |member| entry.get(member).filter(|value| !value.is_null()).ok_or(BadRequest::Missing(member));
        let card = uuid("card", required("card")?)?;
        let outcome = match required("outcome")?.as_str() {
            Some("accepted") => Outcome::Accepted,
            Some("overridden") => Outcome::Overridden,
            _ => return Err(BadRequest::Shape { member: "outcome", expected: "`accepted` or `overridden`" }),
        };
        let accepted_suggestions = accepted(entry.get("acceptedSuggestions"))?;
        if outcome == Outcome::Accepted && accepted_suggestions.is_empty() {
            return Err(BadRequest::Missing("acceptedSuggestions"));
        }
        Ok(Self {
            card,
            outcome,
            accepted_suggestions,
            override_reason: given_reason(entry.get("overrideReason"))?,
            outcome_timestamp: timestamp(required("outcomeTimestamp")?)?,
        })
    }
}

impl FeedbackBatch {
    /// Reads a body; an empty list is legal.
    ///
    /// # Errors
    /// [`BadRequest`], naming the index of the first entry that cannot be used.
    pub fn parse(body: &Value) -> Result<Self, BadRequest> {
        let entries = body.as_object().ok_or(BadRequest::NotAnObject)?.get("feedback");
        let entries = entries.filter(|value| !value.is_null()).ok_or(BadRequest::Missing("feedback"))?;
        let expected = "a list of at most 1000 entries";
        let entries = entries.as_array().filter(|entries| entries.len() <= ENTRIES_MAX);
        let entries = entries.ok_or(BadRequest::Shape { member: "feedback", expected })?;
        let feedback = entries.iter().enumerate().map(|(index, entry)| {
            Feedback::parse(entry).map_err(|problem| BadRequest::Feedback { index, problem: Box::new(problem) })
        });
        Ok(Self { feedback: feedback.collect::<Result<_, _>>()? })
    }
}

fn uuid(member: &'static str, value: &Value) -> Result<Uuid, BadRequest> {
    let parsed = value.as_str().and_then(|text| Uuid::parse_str(text.trim()).ok());
    parsed.ok_or(BadRequest::Shape { member, expected: "a uuid" })
}

fn timestamp(value: &Value) -> Result<OffsetDateTime, BadRequest> {
    let parsed = value.as_str().and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
    let utc = parsed.and_then(|time| time.checked_to_offset(UtcOffset::UTC));
    utc.ok_or(BadRequest::Shape { member: "outcomeTimestamp", expected: "an RFC 3339 time" })
}

fn accepted(value: Option<&Value>) -> Result<Vec<AcceptedSuggestion>, BadRequest> {
    let expected = "a list of at most 100 objects with an `id`";
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) if items.len() <= SUGGESTIONS_MAX => items
            .iter()
            .map(|item| {
                let id = item.get("id").ok_or(BadRequest::Missing("acceptedSuggestions.id"))?;
                Ok(AcceptedSuggestion { id: uuid("acceptedSuggestions.id", id)? })
            })
            .collect(),
        Some(_) => Err(BadRequest::Shape { member: "acceptedSuggestions", expected }),
    }
}

/// An object with neither code nor comment says nothing, and is taken for nothing.
fn given_reason(value: Option<&Value>) -> Result<Option<GivenReason>, BadRequest> {
    let value = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(members)) => members,
        Some(_) => return Err(BadRequest::Shape { member: "overrideReason", expected: "an object" }),
    };
    let reason = match value.get("reason") {
        None | Some(Value::Null) => None,
        Some(reason) => {
            let part = |name| text("overrideReason.reason", reason.get(name));
            let code = part("code")?.ok_or(BadRequest::Missing("overrideReason.reason.code"))?;
            Some(ReasonCode { system: part("system")?, code, display: part("display")? })
        }
    };
    let user_comment = text("overrideReason.userComment", value.get("userComment"))?.map(Phi::new);
    Ok((reason.is_some() || user_comment.is_some()).then_some(GivenReason { reason, user_comment }))
}

fn text(member: &'static str, value: Option<&Value>) -> Result<Option<String>, BadRequest> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if is_blank(text) => Ok(None),
        Some(Value::String(text)) if text.chars().count() <= TEXT_CHARS_MAX => Ok(Some(text.clone())),
        Some(_) => Err(BadRequest::Shape { member, expected: "texts of at most 4000 characters" }),
    }
}

#[cfg(test)]
mod tests {
    use super::{FeedbackBatch, OddTime, Outcome};
    use crate::cds_hooks::request::BadRequest;
    use serde_json::{Value, json};
    use time::macros::datetime;

    const CARD: &str = "4e0a3a1e-3283-4575-ab82-028d55fe2719";

    fn accepted() -> Value {
        json!({"card": CARD, "outcome": "accepted", "acceptedSuggestions": [{"id": CARD}],
               "outcomeTimestamp": "2026-11-23T13:28:05.261Z"})
    }

    fn overridden() -> Value {
        json!({"card": CARD, "outcome": "overridden", "outcomeTimestamp": "2026-11-23T14:28:05+01:00",
               "overrideReason": {"reason": {"code": "x"}, "userComment": "Jane Roe is fine"}})
    }

    fn parse(entries: &[Value]) -> Result<FeedbackBatch, BadRequest> {
        FeedbackBatch::parse(&json!({"feedback": entries}))
    }

    #[test]
    fn acceptance_and_override_of_one_card_may_come_in_one_batch_and_twice() {
        let batch = parse(&[accepted(), overridden(), accepted()]).unwrap();
        assert_eq!(batch.feedback[0].outcome, Outcome::Accepted);
        assert_eq!(batch.feedback[1].outcome_timestamp, datetime!(2026-11-23 13:28:05 UTC));
        let reason = batch.feedback[1].override_reason.as_ref().unwrap();
        assert_eq!(reason.reason.as_ref().unwrap().system, None);
        assert!(!format!("{batch:?}").contains("Jane"));
    }

    #[test]
    fn an_empty_batch_is_legal_and_another_shape_is_not() {
        assert_eq!(parse(&[]).unwrap().feedback.len(), 0);
        for body in [json!([]), json!({}), json!({"feedback": {}}), json!({"feedback": null})] {
            assert!(FeedbackBatch::parse(&body).is_err(), "{body}");
        }
        assert!(parse(&vec![accepted(); 1_001]).is_err());
    }

    #[test]
    fn the_first_unusable_entry_is_named_by_its_place() {
        for (member, value) in [
            ("card", Value::Null),
            ("card", json!("nonsense")),
            ("outcome", json!("ignored")),
            ("acceptedSuggestions", json!([])),
            ("acceptedSuggestions", json!([{}])),
            ("outcomeTimestamp", json!("yesterday")),
            ("outcomeTimestamp", Value::Null),
            ("overrideReason", json!("text")),
        ] {
            let mut bad = accepted();
            bad[member] = value;
            let problem = parse(&[accepted(), bad]).unwrap_err();
            assert!(matches!(problem, BadRequest::Feedback { index: 1, .. }), "{problem}");
            assert!(!problem.to_string().contains("nonsense"));
        }
    }

    #[test]
    fn an_override_needs_no_reason() {
        for reason in [Value::Null, json!({}), json!({"userComment": ""})] {
            let mut entry = overridden();
            entry["overrideReason"] = reason;
            assert_eq!(parse(&[entry]).unwrap().feedback[0].override_reason, None);
        }
    }

    #[test]
    fn the_stored_form_has_no_empty_member() {
        let stored = serde_json::to_value(&parse(&[accepted()]).unwrap().feedback[0]).unwrap();
        assert_eq!(stored["acceptedSuggestions"], json!([{"id": CARD}]));
        assert_eq!(stored.get("overrideReason"), None);
    }

    #[test]
    fn times_ahead_and_long_past_are_flagged() {
        let entry = &parse(&[accepted()]).unwrap().feedback[0];
        assert_eq!(entry.odd_time(datetime!(2026-11-23 13:28 UTC)), None);
        assert_eq!(entry.odd_time(datetime!(2026-11-23 13:20 UTC)), Some(OddTime::Future));
        assert_eq!(entry.odd_time(datetime!(2026-12-30 00:00 UTC)), Some(OddTime::Old));
    }
}
