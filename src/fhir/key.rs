//! Prefetch keys: what a definition asks for, what came, and when that is not enough.

use serde::Serialize;
use std::fmt;

/// One prefetch key as a definition asks for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyRequest {
    /// The key.
    pub key: String,
    /// The template, for example `Observation?patient={{context.patientId}}`.
    pub template: String,
    /// Whether there is no answer without it.
    pub required: bool,
}

impl KeyRequest {
    /// The resource type the template asks for; nothing when it is itself a token, such as `{{context.userId}}`.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        let end = self.template.find(['/', '?']).unwrap_or(self.template.len());
        self.template.get(..end).filter(|kind| is_kind(kind))
    }

    /// Whether the template reads one resource rather than searching.
    #[must_use]
    pub fn is_read(&self) -> bool {
        !self.template.contains('?')
    }
}

/// What came under a prefetch key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum KeyState {
    /// Data.
    Supplied {
        /// Resources read under the key.
        count: usize,
        /// Whether the server said there is more (a `next` link, or a `total` above what came).
        partial: bool,
    },
    /// `null` or an empty Bundle: looked for and not there. Not to be asked again.
    NoData,
    /// An OperationOutcome. Not to be asked again.
    Refused,
    /// Something that cannot be an answer to the template.
    WrongType,
    /// The key was left out.
    Missing,
}

impl KeyState {
    /// Whether a required key in this state lets the request go on. A search that found nothing does; a read that
    /// found nothing does not.
    #[must_use]
    pub fn suffices(self, read: bool) -> bool {
        match self {
            Self::Supplied { .. } => true,
            Self::NoData => !read,
            Self::Refused | Self::WrongType | Self::Missing => false,
        }
    }
}

impl fmt::Display for KeyState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Supplied { partial: false, .. } => "supplied",
            Self::Supplied { partial: true, .. } => "supplied in part",
            Self::NoData => "no data",
            Self::Refused => "refused by the FHIR server",
            Self::WrongType => "of another type than asked for",
            Self::Missing => "missing",
        })
    }
}

/// A required key that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// The key.
    pub key: String,
    /// What came instead of data.
    pub state: KeyState,
}

/// Why a request is refused as a whole (412 Precondition Failed). Holds keys and states, never patient data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GatherError {
    /// Required keys without usable data.
    #[error("required prefetch cannot be used: {}", sentence(.0))]
    Required(Vec<Unmet>),
    /// A resource names another patient than the context (P22).
    #[error("prefetch key `{key}` holds a resource about another patient than `context.patientId`")]
    WrongPatient {
        /// The key.
        key: String,
    },
}

fn sentence(unmet: &[Unmet]) -> String {
    unmet.iter().map(|one| format!("`{}` is {}", one.key, one.state)).collect::<Vec<_>>().join(", ")
}

/// Whether a text has the form of a resource type's name.
#[must_use]
pub fn is_kind(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_uppercase())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
