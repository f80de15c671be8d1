//! One launch between its two halves. The browser carries it: the server remembers nothing.
//!
//! Contract: the cookie holds the issuer and PKCE's verifier, signed; the state sent through the authorisation server is
//! signed over both, so that neither is worth anything without the other (login CSRF, mix-up), and ends with it.

use crate::{
    domain::{NoRandomness, Secrets},
    http::capability::LinkKey,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

/// How long a user may take at the authorisation server, in seconds.
pub(super) const LIFE_S: i64 = 600;
const STATE: &str = "auscult-smart-state-v1";
const COOKIE: &str = "auscult-smart-cookie-v1";
/// The cookie's name is this and the beginning of its state, so that two windows do not take each other's.
const NAME: &str = "auscult-launch-";
const NAME_CHARS: usize = 16;

/// A launch under way.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ticket {
    pub(super) issuer: String,
    pub(super) verifier: String,
    until: i64,
}

impl Ticket {
    pub(super) fn new(issuer: &str, secrets: &dyn Secrets, now: OffsetDateTime) -> Result<Self, NoRandomness> {
        let verifier = URL_SAFE_NO_PAD.encode(secrets.bytes()?);
        Ok(Self { issuer: issuer.to_owned(), verifier, until: now.unix_timestamp() + LIFE_S })
    }

    /// PKCE's S256 (RFC 7636, 4.2).
    pub(super) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.as_bytes()))
    }

    pub(super) fn state(&self, key: &LinkKey) -> String {
        key.sign(STATE, &[&self.issuer, &self.verifier, &self.until.to_string()])
    }

    /// Name and value.
    pub(super) fn cookie(&self, key: &LinkKey) -> (String, String) {
        let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default());
        let signature = key.sign(COOKIE, &[&payload]);
        (name(&self.state(key)), format!("{payload}.{signature}"))
    }

    /// The launch that this state ends, from the browser's cookies.
    pub(super) fn find<'a>(
        state: &str,
        mut cookies: impl Iterator<Item = (&'a str, &'a str)>,
        key: &LinkKey,
        now: OffsetDateTime,
    ) -> Option<Self> {
        let wanted = name(state);
        let (_, value) = cookies.find(|(name, _)| *name == wanted)?;
        let (payload, signature) = value.split_once('.')?;
        if !key.verifies(COOKIE, &[payload], signature) {
            return None;
        }
        let ticket: Self = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        let parts = [ticket.issuer.as_str(), &ticket.verifier, &ticket.until.to_string()];
        let right = key.verifies(STATE, &parts, state) && ticket.until >= now.unix_timestamp();
        right.then_some(ticket)
    }
}

pub(super) fn name(state: &str) -> String {
    let plain = state.chars().filter(|sign| sign.is_ascii_alphanumeric() || matches!(sign, '-' | '_'));
    NAME.chars().chain(plain.take(NAME_CHARS)).collect()
}

#[cfg(test)]
mod tests {
    use super::{LIFE_S, Ticket};
    use crate::{domain::SequentialSecrets, http::capability::LinkKey};
    use time::{Duration, macros::datetime};

    #[test]
    fn a_launch_ends_only_with_its_own_state_in_its_own_browser_within_its_time() {
        let (secrets, now) = (SequentialSecrets::default(), datetime!(2026-11-23 14:00 UTC));
        let key = LinkKey::passing(&secrets).unwrap();
        let ticket = Ticket::new("https://ehr.example/fhir", &secrets, now).unwrap();
        let other = Ticket::new("https://ehr.example/fhir", &secrets, now).unwrap();
        let ((name, value), state) = (ticket.cookie(&key), ticket.state(&key));
        let find =
            |state: &str, name: &str, value: &str, now| Ticket::find(state, [(name, value)].into_iter(), &key, now);
        assert_eq!(find(&state, &name, &value, now), Some(ticket));
        assert_eq!(find(&state, &name, &value, now + Duration::seconds(LIFE_S + 1)), None);
        assert_eq!(find(&other.state(&key), &other.cookie(&key).0, &value, now), None);
        assert_eq!(find(&state, &name, &other.cookie(&key).1, now), None);
        assert_eq!(find(&state, "other", &value, now), None);
        assert_eq!(find("", "auscult-launch-", &value, now), None);
    }

    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned();
        let ticket = Ticket { issuer: String::new(), verifier, until: 0 };
        assert_eq!(ticket.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
