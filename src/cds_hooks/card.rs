//! Cards and the answer that carries them (CDS Hooks 2.0.1, Card Attributes and HTTP Response).
//!
//! Contract: what [`CdsResponse::new`] lets through satisfies the specification and the invariants of its logical
//! model (cds-resp-1 to -6): no member is null or empty, and every identifier is there so that feedback can name it.

use super::action::{Action, Link, Suggestion};
use super::text::{SUMMARY_CHARS_MAX, is_absolute_url, is_blank};
use crate::domain::Coding;
use serde::Serialize;
use std::{collections::BTreeSet, fmt};
use uuid::Uuid;

/// How urgent a card is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Indicator {
    /// For information.
    Info,
    /// Deserves attention.
    Warning,
    /// Must not be missed; some clients open a pop-up.
    Critical,
}

impl Indicator {
    /// Every indicator, least urgent first.
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Critical];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// How many suggestions of a card may be taken. Clients of version 1.0 know only `at-most-one`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SelectionBehavior {
    /// One or none.
    AtMostOne,
    /// Any number (2.0 and later).
    Any,
}

/// Who says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// Short name shown on the card.
    pub label: String,
    /// Absolute address about the organisation or the data set (a drill-down belongs in a link).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Absolute address of a 100 × 100 PNG without transparency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// What the guidance is about; clients use it to configure what is shown.
    pub topic: Coding,
}

/// One of the reasons offered for not following a card. Unlike other codings it must have a display (cds-resp-4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OverrideReason {
    /// Absolute URI of the code system.
    pub system: String,
    /// The code.
    pub code: String,
    /// The words shown.
    pub display: String,
}

/// One piece of guidance.
#[derive(Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Card {
    /// Names the card in feedback; a new one in every answer.
    pub uuid: Uuid,
    /// One sentence of plain text, at most [`SUMMARY_CHARS_MAX`] characters, that can stand alone.
    pub summary: String,
    /// GitHub-flavoured Markdown; text from patients went through [`super::escape_markdown`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// How urgent.
    pub indicator: Indicator,
    /// Who says so.
    pub source: Source,
    /// What could be done.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub suggestions: Vec<Suggestion>,
    /// Present exactly when there are suggestions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selection_behavior: Option<SelectionBehavior>,
    /// Reasons offered for not following it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub override_reasons: Vec<OverrideReason>,
    /// Where to read more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
}

/// Why a card must not be sent. Names members, never their text.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CardError {
    /// A required text is empty or white space.
    #[error("`{0}` is blank")]
    Blank(&'static str),
    /// The summary is too long for the specification.
    #[error("the summary has {0} characters, and {SUMMARY_CHARS_MAX} are allowed")]
    Summary(usize),
    /// Suggestions without a selection behaviour, or the reverse (cds-resp-6).
    #[error("`selectionBehavior` is present exactly when there are suggestions")]
    Selection,
    /// Several recommended suggestions where only one may be taken (cds-resp-1).
    #[error("{0} suggestions are recommended, but at most one may be taken")]
    Recommended(usize),
    /// A relative, opaque or malformed address.
    #[error("`{0}` is not an absolute http or https address")]
    Address(&'static str),
    /// A created or updated resource is not a FHIR resource with an id.
    #[error("`resource` of a {0} is not a FHIR resource with `resourceType` and `id`")]
    Resource(&'static str),
    /// A deleted resource is not named as `Type/id`.
    #[error("`resourceId` is not a relative reference `Type/id`")]
    Reference,
    /// An identifier used twice in one answer, so that feedback could not tell which is meant.
    #[error("two cards or suggestions have the same uuid")]
    Uuid,
}

impl Card {
    /// # Errors
    /// [`CardError`]: the first rule of the specification that the card breaks.
    pub fn check(&self) -> Result<(), CardError> {
        filled("summary", &self.summary)?;
        let length = self.summary.chars().count();
        if length > SUMMARY_CHARS_MAX {
            return Err(CardError::Summary(length));
        }
        self.detail.as_deref().map_or(Ok(()), |detail| filled("detail", detail))?;
        self.source.check()?;
        if self.suggestions.is_empty() != self.selection_behavior.is_none() {
            return Err(CardError::Selection);
        }
        let recommended = self.suggestions.iter().filter(|one| one.is_recommended == Some(true)).count();
        if self.selection_behavior == Some(SelectionBehavior::AtMostOne) && recommended > 1 {
            return Err(CardError::Recommended(recommended));
        }
        self.suggestions.iter().try_for_each(Suggestion::check)?;
        self.override_reasons.iter().try_for_each(OverrideReason::check)?;
        self.links.iter().try_for_each(Link::check)
    }
}

/// What a card says may be about a patient, so only its outline can be printed.
impl fmt::Debug for Card {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Card({}, {}, [redacted])", self.uuid, self.indicator.as_str())
    }
}

impl Source {
    fn check(&self) -> Result<(), CardError> {
        filled("source.label", &self.label)?;
        self.url.as_deref().map_or(Ok(()), |url| absolute("source.url", url))?;
        self.icon.as_deref().map_or(Ok(()), |icon| absolute("source.icon", icon))?;
        filled("source.topic.code", &self.topic.code)?;
        filled("source.topic.system", &self.topic.system)?;
        self.topic.display.as_deref().map_or(Ok(()), |display| filled("source.topic.display", display))
    }
}

impl OverrideReason {
    fn check(&self) -> Result<(), CardError> {
        filled("overrideReasons.code", &self.code)?;
        filled("overrideReasons.system", &self.system)?;
        filled("overrideReasons.display", &self.display)
    }
}

/// The answer to an invocation. `cards` is always there: nothing to say is `{"cards":[]}`, never `{}` and never 204.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CdsResponse {
    cards: Vec<Card>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system_actions: Vec<Action>,
}

impl CdsResponse {
    /// An answer that has been checked.
    ///
    /// # Errors
    /// [`CardError`]: the first rule that a card or action breaks, or a uuid used twice.
    pub fn new(cards: Vec<Card>, system_actions: Vec<Action>) -> Result<Self, CardError> {
        cards.iter().try_for_each(Card::check)?;
        system_actions.iter().try_for_each(Action::check)?;
        let mut seen = BTreeSet::new();
        let mut uuids = cards.iter().flat_map(|card| {
            std::iter::once(card.uuid).chain(card.suggestions.iter().map(|suggestion| suggestion.uuid))
        });
        if !uuids.all(|uuid| seen.insert(uuid)) {
            return Err(CardError::Uuid);
        }
        Ok(Self { cards, system_actions })
    }

    /// The cards, in the order in which they are sent.
    #[must_use]
    pub fn cards(&self) -> &[Card] {
        &self.cards
    }

    /// Actions the client may apply without asking.
    #[must_use]
    pub fn system_actions(&self) -> &[Action] {
        &self.system_actions
    }
}

/// `text` says something.
pub(super) fn filled(member: &'static str, text: &str) -> Result<(), CardError> {
    if is_blank(text) { Err(CardError::Blank(member)) } else { Ok(()) }
}

/// `url` is an absolute web address.
pub(super) fn absolute(member: &'static str, url: &str) -> Result<(), CardError> {
    if is_absolute_url(url) { Ok(()) } else { Err(CardError::Address(member)) }
}

#[cfg(test)]
#[path = "card_tests.rs"]
mod tests;
