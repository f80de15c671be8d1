//! The seam for fetching what a client did not prefetch (CDS Hooks 2.0.1, "Prefetch Template"; requirement P18).
//!
//! Contract: a [`Source`] is asked only for keys that [`missing`] names: a key that came as `null`, as an empty Bundle
//! or as an OperationOutcome has been answered and must not be asked again. Its answers go into the same map as the
//! prefetched ones before [`gather`](super::gather::gather) reads it, so that both are checked alike.

use super::key::KeyRequest;
use serde_json::{Map, Value};

/// Someone who can read from the EHR's FHIR server on behalf of the caller.
pub trait Source: Send + Sync {
    /// Answers as a FHIR server gives them, by key; a key without an answer is left out.
    fn fetch(&self, wanted: &[&KeyRequest]) -> Map<String, Value>;
}

/// No FHIR server is registered: nothing can be fetched, and required keys that are missing stay missing.
#[derive(Debug, Default, Clone, Copy)]
pub struct NoSource;

impl Source for NoSource {
    fn fetch(&self, _: &[&KeyRequest]) -> Map<String, Value> {
        Map::new()
    }
}

/// The keys that the client left out of its prefetch altogether.
#[must_use]
pub fn missing<'a>(keys: &'a [KeyRequest], prefetch: Option<&Map<String, Value>>) -> Vec<&'a KeyRequest> {
    keys.iter().filter(|wanted| !prefetch.is_some_and(|map| map.contains_key(&wanted.key))).collect()
}

#[cfg(test)]
mod tests {
    use super::missing;
    use crate::fhir::key::KeyRequest;
    use serde_json::json;

    #[test]
    fn only_a_key_that_is_absent_may_be_asked_for_again() {
        let key = |key: &str| KeyRequest { key: key.into(), template: "Patient/1".into(), required: false };
        let keys = [key("a"), key("b"), key("c")];
        let prefetch = json!({"a": null, "b": {"resourceType": "OperationOutcome"}});
        let names: Vec<_> = missing(&keys, prefetch.as_object()).iter().map(|one| one.key.as_str()).collect();
        assert_eq!(names, ["c"]);
        assert_eq!(missing(&keys, None).len(), 3);
    }
}
