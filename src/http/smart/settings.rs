//! `[[smart]]` in the settings file: the EHRs that may launch the explanation of a card.

use crate::http::outbound::is_safe;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// One EHR.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// Base address of its FHIR server, as it stands in `fhirServer` and in the launch's `iss`.
    pub issuer: String,
    /// The id under which this service is registered there.
    pub client_id: String,
    /// File with the secret of a confidential client; without one the client is public, and PKCE alone protects it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret_file: Option<PathBuf>,
    /// What is asked for. `launch` brings the open patient and the card; no token is kept and no data is read.
    #[serde(default = "scopes")]
    pub scopes: String,
}

fn scopes() -> String {
    "launch".to_owned()
}

impl Issuer {
    /// Whether this is the EHR with that FHIR server; a slash at the end is not another address.
    #[must_use]
    pub fn is_at(&self, fhir_server: &str) -> bool {
        self.issuer.trim_end_matches('/') == fhir_server.trim_end_matches('/')
    }
}

/// Everything wrong with these settings.
#[must_use]
pub fn problems(issuers: &[Issuer]) -> Vec<String> {
    let mut problems = Vec::new();
    for (at, one) in issuers.iter().enumerate() {
        let mut refuse = |wrong: bool, words: &str| {
            if wrong {
                problems.push(format!("smart[{at}].{words}"));
            }
        };
        refuse(!is_safe(&one.issuer), "issuer must be an https address (or one of this machine) of a FHIR server");
        refuse(one.client_id.trim().is_empty(), "client_id must not be empty");
        let asks = one.scopes.split(' ').any(|scope| scope == "launch");
        refuse(!asks, "scopes must hold `launch`, which brings the patient and the card");
        let twice = issuers[..at].iter().any(|other| other.is_at(&one.issuer));
        refuse(twice, "issuer stands twice");
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::{Issuer, problems};

    fn issuer(text: &str) -> Issuer {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn an_issuer_is_an_https_address_named_once_and_asks_for_the_launch() {
        let good = issuer("issuer = 'https://ehr.example/fhir'\nclient_id = 'auscult'");
        assert_eq!(problems(std::slice::from_ref(&good)), Vec::<String>::new());
        assert!(good.is_at("https://ehr.example/fhir/") && !good.is_at("https://ehr.example/fhir/x"));
        let bad = issuer("issuer = 'http://ehr.example'\nclient_id = ''\nscopes = 'openid'");
        assert_eq!(problems(&[bad]).len(), 3);
        assert_eq!(problems(&[good.clone(), good]).len(), 1);
    }
}
