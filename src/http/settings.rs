//! `[http]` in the settings file.

use super::capability::{KeyText, LinkKey};
use crate::cds_hooks::text::is_absolute_url;
use serde::{Deserialize, Serialize};
use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

/// Where the service listens, and how much it takes on.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Address and port. Port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Base address under which clients reach the service, without a final slash; empty: `http://` and `listen`.
    pub public_url: String,
    /// Certificate and key; without them the service speaks plain HTTP, on loopback only.
    pub tls: Option<Tls>,
    /// Plain HTTP on any address: for a container or behind a proxy that ends TLS.
    pub allow_plain_http: bool,
    /// Who may call without proving who they are.
    pub unauthenticated: Unauthenticated,
    /// Origins of browser-based clients, for example `https://sandbox.cds-hooks.org`; nobody unless listed.
    pub allowed_origins: Vec<String>,
    /// The small EHR with made-up patients at `/`.
    pub demo: bool,
    /// How long the link to an explanation holds, in hours.
    pub explanation_link_hours: u32,
    /// File with the key that signs links; unset: `links.key` beside an embedded database, made at the first start.
    pub link_key_file: Option<PathBuf>,
    /// The key itself, for `AUSCULT__HTTP__LINK_KEY` in the environment; wins over the file.
    #[serde(skip_serializing)]
    pub link_key: Option<KeyText>,
    /// Greatest request body in bytes; a film as base64 may have 20 MB.
    pub body_max_bytes: usize,
    /// Memory for all request bodies being held, in MiB; beyond it calls are refused with 503.
    pub body_memory_mib: usize,
    /// Longest time for a body to arrive, in seconds.
    pub body_timeout_s: u64,
    /// Deepest nesting of JSON accepted.
    pub json_depth_max: usize,
    /// Most values and members in one JSON body.
    pub json_elements_max: usize,
    /// Most invocations being answered at once; beyond it calls are refused with 503.
    pub max_in_flight: usize,
    /// Threads that speak HTTP; 0: one per core.
    pub workers: usize,
    /// Longest time for work in flight to finish when told to stop, in seconds.
    pub shutdown_timeout_s: u64,
}

/// Files for HTTPS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// PEM file with the certificate chain, the service's own first.
    pub certificate: PathBuf,
    /// PEM file with its private key.
    pub key: PathBuf,
}

/// Who may call without proving who they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unauthenticated {
    /// Only programs on this machine.
    #[default]
    Loopback,
    /// Everyone who can reach the port: for a container on a private network.
    Everyone,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: String::new(),
            tls: None,
            allow_plain_http: false,
            unauthenticated: Unauthenticated::Loopback,
            allowed_origins: Vec::new(),
            demo: true,
            explanation_link_hours: 72,
            link_key_file: None,
            link_key: None,
            body_max_bytes: 32 * 1024 * 1024,
            body_memory_mib: 512,
            body_timeout_s: 30,
            json_depth_max: 64,
            json_elements_max: 500_000,
            max_in_flight: 64,
            workers: 0,
            shutdown_timeout_s: 20,
        }
    }
}

impl Settings {
    /// Everything wrong with these settings.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut refuse = |wrong: bool, words: &str| {
            if wrong {
                problems.push(format!("http.{words}"));
            }
        };
        let plain_ok = self.tls.is_some() || self.allow_plain_http || is_loopback(self.listen.ip());
        refuse(!plain_ok, "listen is not a loopback address: set http.tls, or http.allow_plain_http = true");
        let url = &self.public_url;
        let url_ok = url.is_empty() || (is_absolute_url(url) && !url.ends_with('/'));
        refuse(!url_ok, "public_url must be an absolute address without a final slash");
        refuse(!self.allowed_origins.iter().all(|origin| is_origin(origin)), "allowed_origins: write `https://host`");
        refuse(!(1..=8_760).contains(&self.explanation_link_hours), "explanation_link_hours must be 1 to 8760");
        let key_ok = self.link_key.as_ref().is_none_or(|key| LinkKey::parse(key).is_ok());
        refuse(!key_ok, "link_key must be at least 32 random bytes in base64");
        refuse(!(1_024..=1 << 30).contains(&self.body_max_bytes), "body_max_bytes must be 1024 to 1073741824");
        let holds_one = self.body_memory_mib.saturating_mul(1 << 20) >= self.body_max_bytes;
        refuse(!holds_one || self.body_memory_mib > 1 << 20, "body_memory_mib must hold at least one body");
        refuse(self.body_timeout_s == 0, "body_timeout_s must be at least 1");
        refuse(!(4..=100).contains(&self.json_depth_max), "json_depth_max must be 4 to 100");
        refuse(self.json_elements_max < 100, "json_elements_max must be at least 100");
        refuse(!(1..=65_536).contains(&self.max_in_flight), "max_in_flight must be 1 to 65536");
        refuse(self.workers > 1_024, "workers must be at most 1024");
        refuse(self.shutdown_timeout_s > 3_600, "shutdown_timeout_s must be at most an hour");
        problems
    }

    /// Where clients find the service, given the address it is bound to; never with a final slash.
    #[must_use]
    pub fn base_url(&self, bound: SocketAddr) -> String {
        if !self.public_url.is_empty() {
            return self.public_url.clone();
        }
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        if is_loopback(bound.ip()) || bound.ip().is_unspecified() {
            format!("{scheme}://localhost:{}", bound.port())
        } else {
            format!("{scheme}://{bound}")
        }
    }
}

/// Whether only this machine is there; IPv4 addresses written as IPv6 count as what they are.
pub(super) fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// Scheme, host and perhaps port, as browsers send it.
fn is_origin(text: &str) -> bool {
    let slashes = text.bytes().filter(|byte| *byte == b'/').count();
    is_absolute_url(text) && slashes == 2 && !text.contains(['?', '#', '@', '*']) && text.to_ascii_lowercase() == text
}

#[cfg(test)]
mod tests {
    use super::{Settings, Tls};

    #[test]
    fn the_defaults_are_valid_and_local() {
        assert_eq!(Settings::default().problems(), Vec::<String>::new());
        assert_eq!(Settings::default().base_url(Settings::default().listen), "http://localhost:8080");
    }

    #[test]
    fn plain_http_leaves_this_machine_only_when_told_to() {
        let open = Settings { listen: "0.0.0.0:80".parse().unwrap(), ..Settings::default() };
        assert_eq!(open.problems().len(), 1);
        assert!(Settings { allow_plain_http: true, ..open.clone() }.problems().is_empty());
        let tls = Some(Tls { certificate: "c.pem".into(), key: "k.pem".into() });
        assert!(Settings { tls, ..open }.problems().is_empty());
    }

    #[test]
    fn an_origin_is_a_scheme_and_a_host() {
        let with =
            |origin: &str| Settings { allowed_origins: vec![origin.to_owned()], ..Settings::default() }.problems();
        assert!(with("https://sandbox.cds-hooks.org").is_empty());
        assert!(with("http://localhost:8080").is_empty());
        for bad in ["*", "https://a/", "https://a/b", "a.example", "https://*.a", "null", "https://A.example"] {
            assert_eq!(with(bad).len(), 1, "{bad}");
        }
    }

    #[test]
    fn everything_wrong_is_listed() {
        let settings = Settings { body_timeout_s: 0, max_in_flight: 0, public_url: "x".into(), ..Settings::default() };
        assert_eq!(settings.problems().len(), 3);
    }

    #[test]
    fn unknown_settings_are_refused_and_missing_ones_have_defaults() {
        assert!(toml::from_str::<Settings>("lisen = '127.0.0.1:1'").is_err());
        let settings: Settings =
            toml::from_str("unauthenticated = 'everyone'\n[tls]\ncertificate='a'\nkey='b'").unwrap();
        assert_eq!(settings.max_in_flight, 64);
    }
}
