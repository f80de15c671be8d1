//! One resource as it arrived, and the few ways of reading loosely formed JSON.
//!
//! Contract: nothing here fails or copies: an absent, empty or ill-typed member reads as absent.

use crate::domain::{Coding, Ignored, SourceRef};
use serde_json::Value;
use std::fmt;

/// The longest piece of foreign text (code, unit, id) that is repeated in a reference or a reason, in characters.
pub const SHOWN_CHARS: usize = 128;

/// A resource of the request, borrowed from its JSON.
#[derive(Clone)]
pub struct Resource<'a> {
    /// `resourceType`, for example `Observation`.
    pub kind: &'a str,
    /// The whole resource.
    pub json: &'a Value,
    /// Where it came from.
    pub source: SourceRef,
    /// `Bundle.entry.fullUrl`, if it came in a Bundle that states it.
    pub full_url: Option<&'a str>,
}

/// Something read from a chart, with what was left out and why.
#[derive(Debug, Clone)]
pub struct Extracted<T> {
    /// What was read.
    pub value: T,
    /// What was not, bounded by [`super::Limits::ignored`].
    pub ignored: Vec<Ignored>,
}

/// Names the resource and never shows what is in it.
impl fmt::Debug for Resource<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Resource({}, [redacted])", self.kind)
    }
}

impl<'a> Resource<'a> {
    /// A text member of the resource, if it is a text and not blank.
    #[must_use]
    pub fn text(&self, member: &str) -> Option<&'a str> {
        text(self.json, member)
    }

    /// A list member of the resource; a lone object counts as a list of one.
    #[must_use]
    pub fn list(&self, member: &str) -> &'a [Value] {
        list(self.json, member)
    }

    /// Whether it carries `modifierExtension`s, which forbid using it unless they are understood (FHIR R4, 2.4.2).
    #[must_use]
    pub fn is_modified(&self) -> bool {
        !self.list("modifierExtension").is_empty()
    }

    /// An entry for the list of what was left out. `reason` is a stable code; `detail` must not hold values.
    #[must_use]
    pub fn ignored(&self, reason: &'static str, detail: impl Into<String>) -> Ignored {
        Ignored { reference: self.source.reference.clone(), reason, detail: detail.into() }
    }
}

/// A text member of `json`, trimmed, if it is a text and not blank.
#[must_use]
pub fn text<'a>(json: &'a Value, member: &str) -> Option<&'a str> {
    json.get(member)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// A list member of `json`; a lone object counts as a list of one (clients of older versions send it so).
#[must_use]
pub fn list<'a>(json: &'a Value, member: &str) -> &'a [Value] {
    match json.get(member) {
        Some(Value::Array(items)) => items,
        Some(one @ Value::Object(_)) => std::slice::from_ref(one),
        _ => &[],
    }
}

/// The codings of a `CodeableConcept`, as (system, code, display); codings without a code are passed over and a
/// missing system reads as empty.
pub fn codings(concept: &Value) -> impl Iterator<Item = (&str, &str, Option<&str>)> {
    list(concept, "coding")
        .iter()
        .filter_map(|one| Some((text(one, "system").unwrap_or(""), text(one, "code")?, text(one, "display"))))
}

/// A `CodeableConcept` in words: its text, else the first display.
#[must_use]
pub fn words(concept: &Value) -> Option<&str> {
    text(concept, "text").or_else(|| list(concept, "coding").iter().find_map(|one| text(one, "display")))
}

/// Owned codings of a `CodeableConcept` that state a system, at most `limit`.
#[must_use]
pub fn coded(concept: &Value, limit: usize) -> Vec<Coding> {
    codings(concept)
        .filter(|(system, ..)| !system.is_empty())
        .take(limit)
        .map(|(system, code, display)| Coding { system: shown(system), code: shown(code), display: display.map(shown) })
        .collect()
}

/// Foreign text fit to be repeated: at most [`SHOWN_CHARS`] characters, control characters left out.
#[must_use]
pub fn shown(text: &str) -> String {
    if text.len() <= SHOWN_CHARS && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return text.to_owned();
    }
    text.chars().filter(|character| !character.is_control()).take(SHOWN_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::{codings, list, shown, text, words};
    use serde_json::json;

    #[test]
    fn ill_typed_members_read_as_absent() {
        let json = json!({"a": 1, "b": "  ", "c": " x ", "d": {"coding": {"code": "1"}}, "e": null});
        assert_eq!((text(&json, "a"), text(&json, "b"), text(&json, "c")), (None, None, Some("x")));
        assert!(list(&json, "a").is_empty() && list(&json, "e").is_empty() && list(&json["c"], "c").is_empty());
        assert_eq!(codings(&json["d"]).collect::<Vec<_>>(), [("", "1", None)]);
    }

    #[test]
    fn words_prefer_the_text_over_a_display() {
        assert_eq!(words(&json!({"text": "Fever", "coding": [{"display": "R50"}]})), Some("Fever"));
        assert_eq!(words(&json!({"coding": [{"code": "1"}, {"display": "R50"}]})), Some("R50"));
    }

    #[test]
    fn foreign_text_is_cut_and_cleaned_before_it_is_repeated() {
        assert_eq!(shown("a\nb\u{0}"), "ab");
        assert_eq!(shown(&"ä".repeat(500)).chars().count(), super::SHOWN_CHARS);
    }
}
