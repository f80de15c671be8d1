//! Who looked at the explanation of a card.
//!
//! Contract: a record of the visit, and of what was computed for it, is durable before the card's own record is handed
//! out; what cannot be recorded is not shown. A launch that is about another patient is recorded too.

use super::{Call, Decision, Failure, record};
use crate::{
    audit::{AuditError, NewRecord, RecordKind, StoredRecord},
    domain::Phi,
};
use serde_json::{Value, json};
use std::time::Instant;
use uuid::Uuid;

/// How someone came to the explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Through the link on the card.
    Link,
    /// Through a SMART launch from the EHR.
    SmartLaunch,
}

impl By {
    /// The word in the record.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::SmartLaunch => "smart-launch",
        }
    }
}

/// One visit, as far as the browser says.
#[derive(Debug, Clone)]
pub struct Visit {
    /// The card.
    pub card: Uuid,
    /// How they came.
    pub by: By,
    /// The browser, clipped.
    pub user_agent: Option<String>,
    /// The languages it asks for, clipped.
    pub language: Option<String>,
}

/// What an EHR says when it launches the explanation.
#[derive(Debug, Clone)]
pub struct Launch {
    /// Base address of its FHIR server, as registered.
    pub fhir_server: String,
    /// The patient that is open, without `Patient/`.
    pub patient: Phi<String>,
}

/// What is shown to a visitor.
#[derive(Debug)]
pub struct Opened {
    /// The record that shows the card.
    pub record: StoredRecord,
    /// Its envelope; null when it is not JSON.
    pub envelope: Value,
    /// What was computed for this visit, as [`super::why`] writes it; null when nothing was.
    pub computed: Value,
}

/// What a visit's record says beside who came.
struct Told {
    refused: Option<&'static str>,
    computed: Value,
}

/// Whether a launch and a card belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// They are about the same patient of the same EHR.
    Same,
    /// They are not; that is recorded.
    OtherPatient,
    /// No such card was ever shown.
    NoCard,
}

impl Decision {
    /// The record that shows the card and what was computed for the reader, once it is recorded that someone looks at
    /// both; none when no record shows it.
    ///
    /// # Errors
    /// [`Failure::RecordStore`]: it could not be read or the visit not be recorded, so nothing may be shown.
    pub async fn opened(&self, visit: &Visit, call: &Call) -> Result<Option<Opened>, Failure> {
        let Some(shown) = self.store.for_card(visit.card).await.map_err(|error| unrecorded(&error))? else {
            return Ok(None);
        };
        let envelope: Value = serde_json::from_slice(&shown.body).unwrap_or_default();
        let computed = self.on_demand(&envelope, visit.card, call.started).await;
        self.looked(&shown, visit, call, Told { refused: None, computed: computed.clone() }).await?;
        Ok(Some(Opened { record: shown, envelope, computed }))
    }

    /// Whether the patient that is open in the EHR is the one the card is about.
    ///
    /// # Errors
    /// [`Failure::RecordStore`], as [`Decision::opened`].
    pub async fn fits(&self, launch: &Launch, visit: &Visit, call: &Call) -> Result<Fit, Failure> {
        let Some(shown) = self.store.for_card(visit.card).await.map_err(|error| unrecorded(&error))? else {
            return Ok(Fit::NoCard);
        };
        if is_about(&shown.body, launch) {
            return Ok(Fit::Same);
        }
        self.looked(&shown, visit, call, Told { refused: Some("other-patient"), computed: Value::Null }).await?;
        Ok(Fit::OtherPatient)
    }

    async fn looked(&self, shown: &StoredRecord, visit: &Visit, call: &Call, told: Told) -> Result<(), Failure> {
        let new = NewRecord {
            id: self.ids.ordered(call.received),
            kind: RecordKind::Access,
            time: call.received,
            service: shown.entry.service.clone(),
            cards: vec![visit.card],
            links: vec![shown.entry.id],
            body: Vec::new(),
        };
        let content = json!({
            "call": record::call(call),
            "what": "explanation",
            "card": visit.card,
            "record": shown.entry.id,
            "by": visit.by.as_str(),
            "user_agent": visit.user_agent,
            "language": visit.language,
            "refused": told.refused,
            "computed": told.computed,
        });
        let sealed = new.sealed_in_envelope(&content).map_err(|error| unrecorded(&error))?;
        let deadline = Instant::now() + self.write_deadline;
        self.store.append(sealed, deadline).await.map(|_| ()).map_err(|error| unrecorded(&error))
    }
}

fn unrecorded(error: &AuditError) -> Failure {
    tracing::error!(%error, "a visit could not be recorded, so the page was withheld");
    Failure::RecordStore
}

/// A patient's id means something only together with the server that gave it.
fn is_about(body: &[u8], launch: &Launch) -> bool {
    let envelope: Value = serde_json::from_slice(body).unwrap_or_default();
    let asked = |member: &str| envelope.pointer("/content/request")?.get(member)?.as_str();
    let server = asked("fhirServer").map(|server| server.trim_end_matches('/'));
    server == Some(launch.fhir_server.trim_end_matches('/')) && asked("patient") == Some(launch.patient.expose())
}

#[cfg(test)]
mod tests {
    use super::{Launch, is_about};
    use serde_json::json;

    #[test]
    fn the_same_id_at_another_server_is_another_patient() {
        let body = json!({"content": {"request": {"fhirServer": "https://a.example/fhir/", "patient": "p-1"}}});
        let body = body.to_string().into_bytes();
        let about = |server: &str, patient: &str| {
            is_about(&body, &Launch { fhir_server: server.to_owned(), patient: patient.to_owned().into() })
        };
        assert!(about("https://a.example/fhir", "p-1"));
        assert!(!about("https://b.example/fhir", "p-1") && !about("https://a.example/fhir", "p-2"));
        let silent = Launch { fhir_server: String::new(), patient: String::new().into() };
        assert!(!is_about(b"{}", &silent) && !is_about(b"no JSON", &silent));
    }
}
