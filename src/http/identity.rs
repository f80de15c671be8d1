//! Who calls.
//!
//! Contract: a handler names its caller in its signature, so none can be written that forgets to ask. A signed client
//! token (CDS Hooks, Trusting CDS Clients) gets its own variant here and its check in [`Caller::from_request`]; until
//! then the only caller is a developer's, and by default only from this machine.

use super::{
    App,
    errors::Refusal,
    settings::{Unauthenticated, is_loopback},
};
use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header, web::Data};
use std::{
    future::{Ready, ready},
    net::IpAddr,
};

/// A client that may make clinical calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A program that did not prove who it is, let in by the settings.
    Development,
}

impl Caller {
    /// The name that goes into the record.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Development => "development",
        }
    }
}

impl FromRequest for Caller {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let rule = request.app_data::<Data<App>>().map(|app| app.settings.unauthenticated);
        ready(match rule {
            Some(Unauthenticated::Everyone) => Ok(Self::Development),
            Some(Unauthenticated::Loopback) if is_local(request) => Ok(Self::Development),
            _ => Err(Refusal::Identity),
        })
    }
}

/// From this machine, not passed on by a proxy, and not by a foreign web page that made its name resolve to this
/// machine (DNS rebinding): such a page's requests carry its own name as host.
fn is_local(request: &HttpRequest) -> bool {
    let forwarded =
        ["forwarded", "x-forwarded-for", "x-real-ip"].iter().any(|name| request.headers().contains_key(*name));
    let peer = request.peer_addr().is_some_and(|peer| is_loopback(peer.ip()));
    let host = request.uri().host().or_else(|| request.headers().get(header::HOST)?.to_str().ok());
    peer && !forwarded && host.is_some_and(is_local_name)
}

fn is_local_name(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(literal) => literal.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(is_loopback)
}

/// An address that holds nothing about patients and answers everyone.
#[derive(Debug, Clone, Copy)]
pub struct Anyone;

impl FromRequest for Anyone {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self))
    }
}

#[cfg(test)]
mod tests {
    use super::{is_local, is_local_name};
    use actix_web::test::TestRequest;

    #[test]
    fn only_names_of_this_machine_are_local() {
        for name in ["localhost", "LOCALHOST:8080", "127.0.0.1:80", "[::1]:8080", "127.1.2.3"] {
            assert!(is_local_name(name), "{name}");
        }
        for name in ["", "evil.example", "localhost.evil.example:8080", "10.0.0.1", "[2001:db8::1]:80"] {
            assert!(!is_local_name(name), "{name}");
        }
    }

    #[test]
    fn a_proxied_remote_or_rebound_call_is_not_local() {
        let here = || TestRequest::default().peer_addr("127.0.0.1:9".parse().unwrap());
        assert!(is_local(&here().insert_header(("host", "localhost:8080")).to_http_request()));
        let proxied = here().insert_header(("host", "localhost")).insert_header(("x-forwarded-for", "10.0.0.1"));
        assert!(!is_local(&proxied.to_http_request()));
        assert!(!is_local(&here().insert_header(("host", "evil.example")).to_http_request()));
        let remote = TestRequest::default().peer_addr("10.0.0.1:9".parse().unwrap());
        assert!(!is_local(&remote.insert_header(("host", "localhost")).to_http_request()));
    }
}
