//! What the service offers (CDS Hooks 2.0.1, Discovery; `version` and `hookVersion` from the 3.0 ballot).
//!
//! Contract: a [`Service`] exists only if it may be published: nothing blank, a hook of the library, templates that
//! every client can resolve. Building one touches no network, model or store.

use super::SPECIFICATION;
use super::hooks::Hook;
use super::template::{self, TemplateError};
use super::text::is_blank;
use crate::domain::ServiceId;
use serde::{Serialize, Serializer, ser::SerializeMap as _};

/// Why a service must not be published.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum DiscoveryError {
    /// A text that people read is empty.
    #[error("`{0}` is blank")]
    Blank(&'static str),
    /// The hook is not in the library.
    #[error("`{0}` is not a hook of the CDS Hooks library")]
    Hook(String),
    /// Two templates under one key, or a blank key.
    #[error("prefetch key `{0}` is blank or used twice")]
    Key(String),
    /// A template that some client could not resolve.
    #[error("prefetch `{key}`: {problem}")]
    Template {
        /// The key.
        key: String,
        /// What is wrong with it.
        problem: TemplateError,
    },
}

/// Everything that discovery answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Discovery {
    /// The services; present even when empty.
    pub services: Vec<Service>,
}

/// One service as it is published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    hook: &'static str,
    id: ServiceId,
    title: String,
    description: String,
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "as_object")]
    prefetch: Vec<(String, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage_requirements: Option<String>,
    version: &'static str,
    hook_version: &'static str,
}

/// What goes into a [`Service`].
#[derive(Debug, Clone)]
pub struct Offer {
    /// Last segment of its address.
    pub id: ServiceId,
    /// Name of a hook of the library.
    pub hook: String,
    /// Short name.
    pub title: String,
    /// What it does, in a sentence or two.
    pub description: String,
    /// Key and template, in the order in which they are published.
    pub prefetch: Vec<(String, String)>,
    /// What must be there for it to be of use.
    pub usage_requirements: Option<String>,
}

impl Service {
    /// A service that may be published.
    ///
    /// # Errors
    /// [`DiscoveryError`]: the first rule that the offer breaks.
    pub fn new(offer: Offer) -> Result<Self, DiscoveryError> {
        let hook = Hook::find(&offer.hook).ok_or(DiscoveryError::Hook(offer.hook))?;
        let usage = offer.usage_requirements.as_deref().unwrap_or("none");
        for (member, text) in
            [("title", &*offer.title), ("description", &*offer.description), ("usageRequirements", usage)]
        {
            if is_blank(text) {
                return Err(DiscoveryError::Blank(member));
            }
        }
        for (index, (key, template)) in offer.prefetch.iter().enumerate() {
            if is_blank(key) || offer.prefetch[..index].iter().any(|(earlier, _)| earlier == key) {
                return Err(DiscoveryError::Key(key.clone()));
            }
            template::check(template, hook)
                .map_err(|problem| DiscoveryError::Template { key: key.clone(), problem })?;
        }
        Ok(Self {
            hook: hook.name,
            id: offer.id,
            title: offer.title,
            description: offer.description,
            prefetch: offer.prefetch,
            usage_requirements: offer.usage_requirements,
            version: SPECIFICATION,
            hook_version: hook.version,
        })
    }

    /// Last segment of its address.
    #[must_use]
    pub const fn id(&self) -> &ServiceId {
        &self.id
    }

    /// The hook it is called on.
    #[must_use]
    pub const fn hook(&self) -> &'static str {
        self.hook
    }

    /// Its short name.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Key and template, in published order.
    #[must_use]
    pub fn prefetch(&self) -> &[(String, String)] {
        &self.prefetch
    }
}

fn as_object<S: Serializer>(pairs: &[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(pairs.len()))?;
    pairs.iter().try_for_each(|(key, template)| map.serialize_entry(key, template))?;
    map.end()
}

#[cfg(test)]
mod tests {
    use super::{Discovery, DiscoveryError, Offer, Service};
    use serde_json::json;

    fn offer() -> Offer {
        Offer {
            id: "chart-review".parse().unwrap(),
            hook: String::from("patient-view"),
            title: String::from("Chart review"),
            description: String::from("Reads the chart."),
            prefetch: vec![(String::from("patient"), String::from("Patient/{{context.patientId}}"))],
            usage_requirements: None,
        }
    }

    #[test]
    fn a_service_is_published_with_its_versions_and_without_empty_members() {
        let services = vec![Service::new(Offer { prefetch: vec![], ..offer() }).unwrap()];
        let expected = json!({"services": [{
            "hook": "patient-view", "id": "chart-review", "title": "Chart review",
            "description": "Reads the chart.", "version": "2.0.1", "hookVersion": "1.0"}]});
        assert_eq!(serde_json::to_value(Discovery { services }).unwrap(), expected);
        let service = serde_json::to_value(Service::new(offer()).unwrap()).unwrap();
        assert_eq!(service["prefetch"], json!({"patient": "Patient/{{context.patientId}}"}));
    }

    #[test]
    fn no_services_is_an_empty_list() {
        assert_eq!(serde_json::to_string(&Discovery { services: vec![] }).unwrap(), r#"{"services":[]}"#);
    }

    #[test]
    fn what_must_not_be_published_cannot_be_built() {
        assert_eq!(Service::new(Offer { title: String::from(" "), ..offer() }), Err(DiscoveryError::Blank("title")));
        let unknown = Service::new(Offer { hook: String::from("x"), ..offer() });
        assert_eq!(unknown, Err(DiscoveryError::Hook(String::from("x"))));
        let twice = vec![offer().prefetch[0].clone(), offer().prefetch[0].clone()];
        assert_eq!(
            Service::new(Offer { prefetch: twice, ..offer() }),
            Err(DiscoveryError::Key(String::from("patient")))
        );
        let bad = vec![(String::from("all"), String::from("Patient?_include=x"))];
        assert!(matches!(Service::new(Offer { prefetch: bad, ..offer() }), Err(DiscoveryError::Template { .. })));
    }
}
