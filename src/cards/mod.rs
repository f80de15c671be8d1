//! Predictions and a service's definition become cards.
//!
//! Contract: pure (time, identifiers and every input are arguments); every label, threshold, placeholder and address
//! of a definition is checked at start-up, all errors at once; text from patients is escaped. What could not be judged
//! is said on a card: an empty list means that something was read and nothing needs saying.
//!
//! `load` reads `cds-hooks/` ([`Definitions`]), `check` holds it against the networks' papers, [`build`] turns one
//! [`Case`] into cards with their [`Origin`]s for the record.

mod build;
mod case;
mod certainty;
mod check;
mod definition;
mod evidence;
mod finding;
mod grades;
mod heart;
mod links;
mod load;
mod note_cards;
mod placeholder;
mod problems;
mod reasons;
mod resources;
mod story;
mod suggest;
mod tell;
mod template;
mod trouble;
mod validation;
mod words;

pub use build::{BuildError, build};
pub use case::{Built, CardKind, Case, ModelResult, Origin, Outcome};
pub use certainty::certainty;
pub use definition::{Input, ModelUse, Policy, Prefetch};
pub use links::Links;
pub use load::{Definition, DefinitionError, Definitions};
pub use placeholder::Placeholder;
pub use story::Language;
pub use tell::Stories;
pub use words::{ago, percent};
