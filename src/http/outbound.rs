//! Calls to other servers: one kind of client, with limits.
//!
//! Contract: no redirects, no proxy, a deadline for the whole call, a bound on the answer. Certificates are checked
//! against the system's store, where a hospital's own authority stands, or Mozilla's list where the system has none.
//! Where a call may go is for the caller to check with [`is_safe`].

use super::settings::is_loopback;
use reqwest::{Client, ClientBuilder, RequestBuilder, Url, redirect::Policy};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use serde::de::DeserializeOwned;
use std::{net::IpAddr, sync::Arc, time::Duration};

/// Why a call to another server came to nothing. Says nothing of what was sent or received.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// No client can be made.
    #[error("no client for outbound calls: {0}")]
    Tls(#[from] rustls::Error),
    /// The server cannot be reached, or did not answer in time.
    #[error("not reached, or too slow")]
    Unreached,
    /// The server answered with another status than 200.
    #[error("answered with status {0}")]
    Status(u16),
    /// The answer is longer than accepted.
    #[error("answered with more than {0} bytes")]
    TooLong(usize),
    /// The answer is not the JSON that it should be.
    #[error("answered with something else than was asked for")]
    Shape,
}

/// A client that has all the limits; each call has this long.
///
/// # Errors
/// [`OutboundError::Tls`], [`OutboundError::Unreached`] when the system gives no client.
pub fn client(timeout: Duration) -> Result<Client, OutboundError> {
    #[expect(clippy::disallowed_methods, reason = "the one place that may make a client")]
    let builder: ClientBuilder = Client::builder();
    let builder = builder.tls_backend_preconfigured(tls()?).no_proxy().redirect(Policy::none()).timeout(timeout);
    builder.build().map_err(|_| OutboundError::Unreached)
}

fn tls() -> Result<ClientConfig, OutboundError> {
    let mut roots = RootCertStore::empty();
    let (usable, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if usable == 0 {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    let versions = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    Ok(versions.with_safe_default_protocol_versions()?.with_root_certificates(roots).with_no_client_auth())
}

/// Whether what is sent there cannot be read on the way: HTTPS, or this machine.
#[must_use]
pub fn is_safe(address: &str) -> bool {
    let Ok(url) = Url::parse(address) else { return false };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(is_loopback);
    let open = !url.username().is_empty() || url.password().is_some() || url.fragment().is_some();
    !open && !host.is_empty() && (url.scheme() == "https" || (url.scheme() == "http" && here))
}

/// Sends, and reads at most `bytes_max` of JSON.
///
/// # Errors
/// [`OutboundError`].
pub async fn json<T: DeserializeOwned>(request: RequestBuilder, bytes_max: usize) -> Result<T, OutboundError> {
    // reqwest's own errors hold the address, and an address may hold a code.
    let mut response = request.send().await.map_err(|_| OutboundError::Unreached)?;
    if response.status() != reqwest::StatusCode::OK {
        return Err(OutboundError::Status(response.status().as_u16()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| OutboundError::Unreached)? {
        if body.len() + chunk.len() > bytes_max {
            return Err(OutboundError::TooLong(bytes_max));
        }
        body.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&body).map_err(|_| OutboundError::Shape)
}

#[cfg(test)]
mod tests {
    use super::is_safe;

    #[test]
    fn an_address_is_safe_when_nobody_on_the_way_can_read_along() {
        for good in ["https://ehr.example/fhir", "http://localhost:8080/fhir", "http://127.0.0.1/a", "http://[::1]:8/a"]
        {
            assert!(is_safe(good), "{good}");
        }
        for bad in
            ["http://ehr.example/fhir", "ftp://localhost/", "https://a:b@ehr.example/", "/fhir", "", "https://h/#a"]
        {
            assert!(!is_safe(bad), "{bad}");
        }
    }
}
