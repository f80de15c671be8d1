//! Where a card leads.
//!
//! Contract: `cards` knows no keys. What lets the bearer of a link in is put behind the address by [`Links`]; what the
//! link leads to stands in the definition.

use super::{build::Desk, definition::LinkEntry};
use crate::{cds_hooks::Link, domain::ModelName};
use time::OffsetDateTime;
use uuid::Uuid;

/// What a link needs beside its address; joined in `cli`.
pub trait Links: Send + Sync {
    /// The query that lets whoever holds the link see this card, counted from `now`; empty: none.
    fn admission(&self, card: Uuid, now: OffsetDateTime) -> String;

    /// Where the EHR with this FHIR server launches the explanation as a SMART app; `None` unless it is registered.
    fn launch(&self, fhir_server: &str) -> Option<String>;
}

/// The words on the link that an EHR opens as a SMART app.
const SMART_LABEL: &str = "Why this card? (in your record system)";
const CARD: &str = "{{card}}";
const MODEL: &str = "{{model}}";

impl Desk<'_> {
    /// The base of all links, without a closing slash.
    fn base(&self) -> Option<&str> {
        self.case.link_base.map(|base| base.trim_end_matches('/')).filter(|base| !base.is_empty())
    }

    /// The page of the network that a card speaks for.
    pub(super) fn about(&self, model: Option<&ModelName>) -> Option<String> {
        Some(format!("{}/models/{}", self.base()?, model?))
    }

    /// The definition's links, and one for a registered SMART client.
    pub(super) fn links(&self, card: Uuid, model: Option<&ModelName>) -> Vec<Link> {
        let Some(base) = self.base() else { return Vec::new() };
        let link = |entry: &LinkEntry| {
            let url = format!("{base}{}", self.path(&entry.path, card, model)?);
            Some(Link::Absolute { label: entry.label.clone(), url })
        };
        self.definition.links.iter().filter_map(link).chain(self.smart(card)).collect()
    }

    /// `None` for a page about a network on a card that speaks for all.
    fn path(&self, path: &str, card: Uuid, model: Option<&ModelName>) -> Option<String> {
        if path.contains(CARD) {
            let (path, admission) =
                (path.replace(CARD, &card.to_string()), self.case.links.admission(card, self.case.now));
            let sign = if path.contains('?') { '&' } else { '?' };
            return Some(if admission.is_empty() { path } else { format!("{path}{sign}{admission}") });
        }
        if path.contains(MODEL) { Some(path.replace(MODEL, model?.as_str())) } else { Some(path.to_owned()) }
    }

    fn smart(&self, card: Uuid) -> Option<Link> {
        let url = self.case.links.launch(self.case.fhir_server?)?;
        let app_context = Some(serde_json::json!({ "card": card }).to_string());
        Some(Link::Smart { label: SMART_LABEL.to_owned(), url, app_context })
    }
}
