//! JSON read with bounds.
//!
//! Contract: the result is what `serde_json` would have read, or one of the [`Problem`]s; reading stops at the first
//! bound passed, so a hostile body costs no more than an honest one. No problem repeats any part of the input.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::{cell::Cell, fmt};

/// How much JSON is too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Deepest nesting: a text alone has depth 0, `[]` has depth 1.
    pub depth: usize,
    /// Most values (members of objects, items of arrays, at any depth).
    pub elements: usize,
}

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Not JSON.
    #[error("the body is not JSON (line {line}, column {column})")]
    Malformed {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// Objects and arrays inside each other beyond the bound.
    #[error("the JSON is nested more than {0} levels deep")]
    Depth(usize),
    /// More values than the bound.
    #[error("the JSON holds more than {0} values")]
    Elements(usize),
    /// An object with two members of one name; readers disagree on which of them counts.
    #[error("an object in the JSON has two members of the same name")]
    Duplicate,
}

/// Reads one JSON text. A byte order mark in front, which some clients send, is skipped.
///
/// # Errors
/// [`Problem`].
pub fn read(bytes: &[u8], bounds: Bounds) -> Result<Value, Problem> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let state = State { bounds, elements: Cell::new(0), passed: Cell::new(None) };
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Element { state: &state, depth: 0 }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|error| {
        let malformed = Problem::Malformed { line: error.line(), column: error.column() };
        state.passed.get().unwrap_or(malformed)
    })
}

struct State {
    bounds: Bounds,
    elements: Cell<usize>,
    passed: Cell<Option<Problem>>,
}

impl State {
    fn stop<E: Error>(&self, problem: Problem) -> E {
        self.passed.set(Some(problem));
        E::custom(problem)
    }

    fn count<E: Error>(&self) -> Result<(), E> {
        self.elements.set(self.elements.get() + 1);
        if self.elements.get() > self.bounds.elements {
            return Err(self.stop(Problem::Elements(self.bounds.elements)));
        }
        Ok(())
    }
}

/// One value at some depth.
#[derive(Clone, Copy)]
struct Element<'a> {
    state: &'a State,
    depth: usize,
}

impl Element<'_> {
    fn inner<E: Error>(self) -> Result<Self, E> {
        if self.depth == self.state.bounds.depth {
            return Err(self.state.stop(Problem::Depth(self.state.bounds.depth)));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Element<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Element<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number out of range"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(inner)? {
            self.state.count()?;
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            self.state.count()?;
            if map.insert(name, members.next_value_seed(inner)?).is_some() {
                return Err(self.state.stop(Problem::Duplicate));
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::{Bounds, Problem, read};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    const WIDE: Bounds = Bounds { depth: 64, elements: 10_000 };

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Value::from),
            "\\PC{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::vec(("\\PC{0,6}", inner), 0..8)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    #[test]
    fn the_deepest_allowed_passes_and_one_more_does_not() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(read(nested(64).as_bytes(), WIDE).is_ok());
        assert_eq!(read(nested(65).as_bytes(), WIDE), Err(Problem::Depth(64)));
        assert_eq!(read("[".repeat(1_000_000).as_bytes(), WIDE), Err(Problem::Depth(64)));
    }

    #[test]
    fn the_most_values_allowed_pass_and_one_more_does_not() {
        let bounds = Bounds { depth: 4, elements: 4 };
        assert!(read(br#"{"a":[1,2],"b":0}"#, bounds).is_ok());
        assert_eq!(read(br#"{"a":[1,2,3],"b":0}"#, bounds), Err(Problem::Elements(4)));
    }

    #[test]
    fn a_name_used_twice_is_refused_however_it_is_spelled() {
        assert_eq!(read(br#"{"hook":1,"hook":2}"#, WIDE), Err(Problem::Duplicate));
        assert_eq!(read(br#"{"a":{"hook":1,"h\u006fok":2}}"#, WIDE), Err(Problem::Duplicate));
        assert!(read(br#"[{"a":1},{"a":1}]"#, WIDE).is_ok());
    }

    #[test]
    fn what_is_not_json_is_placed_and_never_repeated() {
        for text in [&b""[..], b"{\"Jane\":}", b"{\"a\":1}Jane", b"{\"a\":\"\xFF\"}", b"{'a':1}", b"[1,]", b"1e999"] {
            let problem = read(text, WIDE).unwrap_err();
            assert!(matches!(problem, Problem::Malformed { .. }), "{problem}");
            assert!(!problem.to_string().contains("Jane"));
        }
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        assert_eq!(read(b"\xEF\xBB\xBF{\"a\":1}", WIDE), Ok(json!({"a": 1})));
    }

    proptest! {
        #[test]
        fn inside_the_bounds_it_reads_what_serde_json_reads(value in any_json()) {
            let text = serde_json::to_vec(&value).unwrap();
            prop_assert_eq!(read(&text, WIDE), Ok(serde_json::from_slice::<Value>(&text).unwrap()));
        }

        #[test]
        fn bytes_that_serde_json_refuses_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            prop_assert_eq!(read(&bytes, WIDE).is_ok(), serde_json::from_slice::<Value>(&bytes).is_ok());
        }

        #[test]
        fn damaged_json_is_judged_as_serde_json_judges_it(value in any_json(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut text = serde_json::to_vec(&value).unwrap();
            let at = at.index(text.len());
            text[at] = byte;
            match (read(&text, WIDE), serde_json::from_slice::<Value>(&text)) {
                (Ok(ours), Ok(theirs)) => prop_assert_eq!(ours, theirs),
                (Err(Problem::Duplicate), Ok(_)) | (Err(_), Err(_)) => {}
                (ours, theirs) => prop_assert!(false, "{ours:?} {theirs:?}"),
            }
        }
    }
}
