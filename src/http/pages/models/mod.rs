//! `/models` and `/models/{name}`: the networks' papers as pages, and as JSON at the same address with `.json` or
//! with `Accept: application/json`.
//!
//! Contract: everything is written at start-up and sent from memory; nothing here is about a patient, so everyone may
//! read it and caches may keep it.

pub(super) mod charts;
mod evidence;
mod limits;
mod list;
mod page;
mod reasons;
mod right;
mod sources;
pub mod words;

use super::frame::{Place, Sheet, policy};
use crate::{
    domain::ModelName,
    http::{App, errors::Refusal, identity::Anyone},
    models::Papers,
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::{Data, Path},
};
use maud::html;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A network's papers and the titles of the services it speaks in.
pub struct Entry<'a> {
    /// The papers.
    pub papers: &'a Papers,
    /// Titles of services.
    pub services: Vec<String>,
}

/// Every page and document about networks, ready to be sent.
pub struct Library {
    list: Sheet,
    list_json: Sheet,
    networks: BTreeMap<ModelName, (Sheet, Sheet)>,
    missing: String,
}

impl Library {
    /// Writes all pages.
    ///
    /// # Errors
    /// When papers cannot be written as JSON.
    pub fn new(place: &Place, entries: &[Entry<'_>]) -> Result<Self, serde_json::Error> {
        let list = place.page("Networks", &list::page(place, entries));
        let summaries: Vec<Value> = entries.iter().map(|entry| summary(place, entry)).collect();
        let mut networks = BTreeMap::new();
        for entry in entries {
            let papers = entry.papers;
            let page = place.page(&papers.manifest.title, &page::page(place, entry));
            let sheet = Sheet::page(page, policy(charts::styles(papers)));
            networks.insert(papers.manifest.name.clone(), (sheet, Sheet::json(&document(entry))?));
        }
        let missing = html! {
            main.why #content { section {
                h1 { "There is no such network" }
                p { "Nothing in service has this name. " a href={ (place.prefix) "/models" } { "All networks in service" } }
            } }
        };
        let missing = place.page("No such network", &missing);
        Ok(Self {
            list: Sheet::page(list, policy([])),
            list_json: Sheet::json(&json!({ "models": summaries }))?,
            networks,
            missing,
        })
    }
}

/// A network in the list.
fn summary(place: &Place, entry: &Entry<'_>) -> Value {
    let manifest = &entry.papers.manifest;
    let address = format!("{}/models/{}", place.prefix, manifest.name);
    json!({
        "name": manifest.name,
        "version": manifest.version,
        "title": manifest.title,
        "kind": manifest.kind,
        "intended_use": manifest.intended_use,
        "not_for": manifest.not_for,
        "headline": entry.papers.headline(),
        "calibration_error": words::figure(manifest, "ece"),
        "evaluated": entry.papers.report.as_ref().map(|report| &report.date),
        "trained": manifest.provenance.date,
        "services": entry.services,
        "manifest": manifest.digest(),
        "page": address,
        "json": format!("{address}.json"),
    })
}

/// A network in full.
fn document(entry: &Entry<'_>) -> Value {
    let papers = entry.papers;
    json!({
        "manifest": papers.manifest,
        "digest": papers.manifest.digest(),
        "evaluation": papers.report,
        "services": entry.services,
    })
}

/// `GET /models`.
pub(super) async fn list(app: Data<App>, _: Anyone, request: HttpRequest) -> HttpResponse {
    let library = &app.library;
    if wants_json(&request) { library.list_json.send(&request) } else { library.list.send(&request) }
}

/// `GET /models.json`.
pub(super) async fn list_json(app: Data<App>, _: Anyone, request: HttpRequest) -> HttpResponse {
    app.library.list_json.send(&request)
}

/// `GET /models/{name}` and `GET /models/{name}.json`.
pub(super) async fn one(
    app: Data<App>,
    _: Anyone,
    name: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Refusal> {
    let (name, json) = match name.strip_suffix(".json") {
        Some(name) => (name, true),
        None => (name.as_str(), wants_json(&request)),
    };
    let found = name.parse::<ModelName>().ok().and_then(|name| app.library.networks.get(&name));
    match found {
        Some((_, document)) if json => Ok(document.send(&request)),
        Some((page, _)) => Ok(page.send(&request)),
        None if json => Err(Refusal::Address),
        None => Ok(HttpResponse::build(StatusCode::NOT_FOUND)
            .insert_header((header::CONTENT_SECURITY_POLICY, policy([])))
            .content_type("text/html; charset=utf-8")
            .body(app.library.missing.clone())),
    }
}

/// Whether the caller asks for JSON and not (also) for a page, as browsers do.
fn wants_json(request: &HttpRequest) -> bool {
    let accepted = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    accepted.contains("application/json") && !accepted.contains("text/html")
}

#[cfg(test)]
mod tests;
