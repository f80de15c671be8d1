//! What a card offers to do, and where it leads (CDS Hooks 2.0.1, Suggestion, Action, Link).
//!
//! Contract: the combinations that the specification forbids cannot be written down: a delete has no resource, an
//! absolute link has no app context.

use super::card::{CardError, absolute, filled};
use super::text::is_reference;
use serde::Serialize;
use serde_json::Value;
use std::fmt;
use uuid::Uuid;

/// Something that can be accepted with one click.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Suggestion {
    /// The words on the button.
    pub label: String,
    /// Names the suggestion in feedback.
    pub uuid: Uuid,
    /// Whether it is the one to take; left out when `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_recommended: Option<bool>,
    /// What accepting does; all of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Action>,
}

impl Suggestion {
    pub(super) fn check(&self) -> Result<(), CardError> {
        filled("suggestions.label", &self.label)?;
        self.actions.iter().try_for_each(Action::check)
    }
}

/// A change to the chart. Resources are FHIR R4 as JSON, from `fhir-codec` or (updates) edited from what was received.
#[derive(Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub enum Action {
    /// A new resource, with a temporary id (the official validator misses one otherwise).
    Create {
        /// What it does, in words.
        description: String,
        /// The resource.
        resource: Value,
    },
    /// The whole resource after the change.
    Update {
        /// What it does, in words.
        description: String,
        /// The resource.
        resource: Value,
    },
    /// A resource that is no longer wanted.
    Delete {
        /// What it does, in words.
        description: String,
        /// Relative reference, `Type/id`.
        resource_id: String,
    },
}

impl Action {
    /// # Errors
    /// [`CardError`]: a blank description, a resource without type or id, a reference that is not `Type/id`.
    pub fn check(&self) -> Result<(), CardError> {
        match self {
            Self::Create { description, resource } => {
                filled("actions.description", description)?;
                identified("create", resource)
            }
            Self::Update { description, resource } => {
                filled("actions.description", description)?;
                identified("update", resource)
            }
            Self::Delete { description, resource_id } => {
                filled("actions.description", description)?;
                if is_reference(resource_id) { Ok(()) } else { Err(CardError::Reference) }
            }
        }
    }
}

/// A resource may hold anything about a patient, so only the kind of change can be printed.
impl fmt::Debug for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Create { .. } => "Create([redacted])",
            Self::Update { .. } => "Update([redacted])",
            Self::Delete { .. } => "Delete([redacted])",
        })
    }
}

fn identified(kind: &'static str, resource: &Value) -> Result<(), CardError> {
    let has = |member| resource.get(member).and_then(Value::as_str).is_some_and(|text| !text.trim().is_empty());
    if has("resourceType") && has("id") { Ok(()) } else { Err(CardError::Resource(kind)) }
}

/// Where to read or do more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub enum Link {
    /// A web page.
    Absolute {
        /// The words on the link.
        label: String,
        /// Absolute address.
        url: String,
    },
    /// A SMART app; the client adds the launch parameters.
    Smart {
        /// The words on the link.
        label: String,
        /// The app's launch address.
        url: String,
        /// Opaque text handed to the app.
        #[serde(skip_serializing_if = "Option::is_none")]
        app_context: Option<String>,
    },
}

impl Link {
    pub(super) fn check(&self) -> Result<(), CardError> {
        let (label, url) = match self {
            Self::Absolute { label, url } => (label, url),
            Self::Smart { label, url, app_context } => {
                app_context.as_deref().map_or(Ok(()), |context| filled("links.appContext", context))?;
                (label, url)
            }
        };
        filled("links.label", label)?;
        absolute("links.url", url)
    }
}
