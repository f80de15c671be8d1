//! What every page that is written here has in common: head, header, and how it is cached and guarded.

use crate::{domain::Digest, explain};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::Bytes,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

/// Auscult's mark: a stethoscope.
const MARK: &str = r#"<svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true"><path d="M7 4v9a7 7 0 0 0 14 0V4M14 20v3a5 5 0 0 0 10 0v-4" fill="none" stroke="currentColor" stroke-width="2.4" stroke-linecap="round"/><circle cx="24" cy="16" r="3" fill="none" stroke="currentColor" stroke-width="2.4"/></svg>"#;

/// Where pages lie, and what there is beside them.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// Path of the public address (`/auscult` behind a proxy that passes that path on, else empty), no closing slash.
    pub prefix: String,
    /// Whether there is a small EHR at `/`.
    pub demo: bool,
}

impl Place {
    /// From the address under which clients reach the service.
    #[must_use]
    pub fn of(public_url: &str, demo: bool) -> Self {
        let path = public_url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map(|(_, path)| path);
        let prefix = path.map_or_else(String::new, |path| format!("/{}", path.trim_end_matches('/')));
        Self { prefix, demo }
    }

    /// A whole page without scripts; `main` is its `<main>`.
    #[must_use]
    pub fn page(&self, title: &str, main: &Markup) -> String {
        let prefix = &self.prefix;
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (title) " · Auscult" }
                    link rel="stylesheet" href={ (prefix) "/try/style.css" };
                }
                body {
                    a.skip href="#content" { "Skip to the content" }
                    header {
                        p.brand { (PreEscaped(MARK)) " Auscult" }
                        div.site {
                            @if self.demo { a href={ (prefix) "/" } { "Try it" } }
                            a href={ (prefix) "/models" } { "Networks" }
                        }
                        p.notice { "Decision support for professionals. Not a certified medical device." }
                    }
                    (main)
                }
            }
        };
        page.into_string()
    }
}

/// The content security policy of a page: no inline script; inline styles only those of known pictures, by digest.
pub(super) fn policy<'a>(styles: impl IntoIterator<Item = &'a str>) -> String {
    let digests: String =
        [explain::bars::STYLE, explain::heat::STYLE, explain::timeline::STYLE, explain::charts::STYLE]
            .into_iter()
            .chain(styles)
            .map(|style| format!(" 'sha256-{}'", STANDARD.encode(Sha256::digest(style.as_bytes()))))
            .collect();
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'{digests}; img-src 'self' data:; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
}

/// Something about no patient that does not change while the service runs: sent from memory, cached by its digest.
#[derive(Debug, Clone)]
pub(super) struct Sheet {
    kind: &'static str,
    body: Bytes,
    etag: String,
    policy: Option<String>,
}

impl Sheet {
    pub(super) fn page(text: String, policy: String) -> Self {
        Self::new("text/html; charset=utf-8", text.into_bytes(), Some(policy))
    }

    pub(super) fn json(value: &impl serde::Serialize) -> Result<Self, serde_json::Error> {
        Ok(Self::new("application/json", serde_json::to_vec(value)?, None))
    }

    fn new(kind: &'static str, body: Vec<u8>, policy: Option<String>) -> Self {
        let digest = Digest::of(&body).to_string();
        let etag = format!("\"{}\"", &digest["sha256:".len()..][..32]);
        Self { kind, body: Bytes::from(body), etag, policy }
    }

    /// 200 with the body, or 304 when the caller has it.
    pub(super) fn send(&self, request: &HttpRequest) -> HttpResponse {
        let known =
            request.headers().get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok()).unwrap_or_default();
        let known = known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == self.etag || tag.trim() == "*");
        let mut builder = HttpResponse::build(if known { StatusCode::NOT_MODIFIED } else { StatusCode::OK });
        builder.insert_header((header::ETAG, self.etag.as_str()));
        builder.insert_header((header::CACHE_CONTROL, "public, max-age=60, must-revalidate"));
        builder.insert_header((header::VARY, "Accept"));
        if let Some(policy) = &self.policy {
            builder.insert_header((header::CONTENT_SECURITY_POLICY, policy.as_str()));
        }
        if known { builder.finish() } else { builder.content_type(self.kind).body(self.body.clone()) }
    }
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn the_prefix_is_the_path_of_the_public_address() {
        for (url, prefix) in
            [("", ""), ("https://a.example", ""), ("https://a.example/cds", "/cds"), ("http://a:8080/x/y", "/x/y")]
        {
            assert_eq!(Place::of(url, true).prefix, prefix, "{url}");
        }
    }
}
