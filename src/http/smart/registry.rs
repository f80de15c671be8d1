//! The registered EHRs, and what is asked of their authorisation servers (SMART App Launch 2.2).
//!
//! Contract: only registered issuers are ever called, over HTTPS or on this machine, few at a time; a token that comes
//! back is neither kept, logged nor used: only the patient and the card beside it are read.

use super::settings::Issuer;
use crate::{
    domain::Phi,
    http::outbound::{self, OutboundError, is_safe},
};
use reqwest::Client;
use serde::Deserialize;
use serde_json::Value;
use std::{fmt, fs, io, path::PathBuf, time::Duration};
use tokio::sync::Semaphore;
use uuid::Uuid;

const TIMEOUT: Duration = Duration::from_secs(5);
const BYTES_MAX: usize = 64 * 1024;
/// Anyone may begin a launch: more than this many at once do not reach the EHR.
const AT_ONCE: usize = 16;

/// Why the registered EHRs cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// A file with a secret cannot be read, or is empty.
    #[error("smart: {}: {source}", path.display())]
    Secret {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// No client for calls.
    #[error(transparent)]
    Client(#[from] OutboundError),
}

/// One EHR with its secret.
pub struct Registered {
    pub(super) issuer: Issuer,
    secret: Option<String>,
}

/// Without the secret.
impl fmt::Debug for Registered {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Registered({})", self.issuer.issuer)
    }
}

/// All of them.
#[derive(Debug)]
pub struct Registry {
    all: Vec<Registered>,
    client: Client,
    permits: Semaphore,
}

/// Where an authorisation server is asked.
#[derive(Deserialize)]
pub(super) struct Endpoints {
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
}

/// What the authorisation server says beside the token, which is not read. Names a patient: not for printing.
#[derive(Deserialize)]
pub(super) struct Granted {
    patient: Option<String>,
    #[serde(rename = "appContext")]
    app_context: Option<Value>,
}

impl Granted {
    /// The open patient.
    pub(super) fn patient(&self) -> Option<Phi<String>> {
        let patient = self.patient.as_deref()?;
        Some(Phi::new(patient.strip_prefix("Patient/").unwrap_or(patient).to_owned()))
    }

    /// The card that the link stood on. The context is a text (CDS Hooks, Link); some EHRs hand it on as an object.
    pub(super) fn card(&self) -> Option<Uuid> {
        let context = match self.app_context.as_ref()? {
            Value::String(text) => serde_json::from_str(text).ok()?,
            other => other.clone(),
        };
        Uuid::try_parse(context.get("card")?.as_str()?).ok()
    }
}

impl Registry {
    /// Reads the secrets.
    ///
    /// # Errors
    /// [`RegistryError`], naming the file and nothing in it.
    pub fn new(issuers: Vec<Issuer>) -> Result<Self, RegistryError> {
        let registered = |issuer: Issuer| Ok(Registered { secret: secret(&issuer)?, issuer });
        let all = issuers.into_iter().map(registered).collect::<Result<_, RegistryError>>()?;
        Ok(Self { all, client: outbound::client(TIMEOUT)?, permits: Semaphore::new(AT_ONCE) })
    }

    /// The EHR with this FHIR server.
    #[must_use]
    pub fn at(&self, fhir_server: &str) -> Option<&Registered> {
        self.all.iter().find(|one| one.issuer.is_at(fhir_server))
    }

    /// Asks where to send the user (SMART App Launch, Conformance).
    pub(super) async fn endpoints(&self, ehr: &Registered) -> Result<Endpoints, OutboundError> {
        let _permit = self.permits.try_acquire().map_err(|_| OutboundError::Unreached)?;
        let base = ehr.issuer.issuer.trim_end_matches('/');
        let request = self.client.get(format!("{base}/.well-known/smart-configuration"));
        let found: Endpoints = outbound::json(request.header("accept", "application/json"), BYTES_MAX).await?;
        let safe = is_safe(&found.authorization_endpoint) && is_safe(&found.token_endpoint);
        if safe { Ok(found) } else { Err(OutboundError::Shape) }
    }

    /// Exchanges the code for what was granted.
    pub(super) async fn exchange(
        &self,
        ehr: &Registered,
        (code, verifier): (&str, &str),
        redirect: &str,
    ) -> Result<Granted, OutboundError> {
        let endpoint = self.endpoints(ehr).await?.token_endpoint;
        let _permit = self.permits.try_acquire().map_err(|_| OutboundError::Unreached)?;
        let id = ehr.issuer.client_id.as_str();
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect),
            ("code_verifier", verifier),
        ];
        let request = self.client.post(endpoint).header("accept", "application/json");
        let request = match &ehr.secret {
            Some(secret) => request.basic_auth(encoded(id), Some(encoded(secret))),
            None => {
                form.push(("client_id", id));
                request
            }
        };
        outbound::json(request.form(&form), BYTES_MAX).await
    }
}

/// As OAuth 2.0 has it for Basic (RFC 6749, 2.3.1): encoded like a form before it is encoded for the header.
fn encoded(text: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'*');
    let sign = |byte: u8| match byte {
        b' ' => "+".to_owned(),
        _ if keep(byte) => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(sign).collect()
}

fn secret(issuer: &Issuer) -> Result<Option<String>, RegistryError> {
    let Some(path) = &issuer.client_secret_file else { return Ok(None) };
    let wrong = |source| RegistryError::Secret { path: path.clone(), source };
    let text = fs::read_to_string(path).map_err(wrong)?.trim().to_owned();
    if text.is_empty() { Err(wrong(io::Error::other("no secret in it"))) } else { Ok(Some(text)) }
}

#[cfg(test)]
mod tests {
    use super::{Granted, encoded};
    use serde_json::json;

    fn granted(context: serde_json::Value) -> Granted {
        let token = json!({"access_token": "t", "patient": "Patient/p-1", "appContext": context});
        serde_json::from_value(token).unwrap()
    }

    #[test]
    fn patient_and_card_are_read_from_the_token_response_and_the_context_is_text_or_object() {
        let card = json!({"card": "4e0a3a1e-3283-4575-ab82-028d55fe2719"});
        assert_eq!(granted(card.clone()).patient().unwrap().expose(), "p-1");
        assert_eq!(granted(card.to_string().into()).card(), granted(card.clone()).card());
        assert!(granted(card).card().is_some());
        for strange in [json!(null), json!("text"), json!({"card": 7}), json!([]), json!("{\"card\":\"x\"}")] {
            assert_eq!(granted(strange.clone()).card(), None, "{strange}");
        }
    }

    #[test]
    fn a_secret_is_encoded_as_a_form_before_basic() {
        assert_eq!(encoded("a b:c/ü"), "a+b%3Ac%2F%C3%BC");
    }
}
