//! Protected health information that cannot be printed by accident.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A value about a patient or a user. `Debug` shows only that something is there; reading it takes [`Phi::expose`],
/// which is easy to search for in a review.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Phi<T>(T);

impl<T> Phi<T> {
    /// Marks a value as protected.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself. Callers must not log it, put it in a URL or in a metric.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// The value itself, by value; the same duty as [`Phi::expose`].
    pub fn into_exposed(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Phi<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

/// For the record and the wire, which must hold the value; log fields are never serialised.
impl<T: Serialize> Serialize for Phi<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// For reading a record back.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Phi<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

impl<T> From<T> for Phi<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

#[cfg(test)]
mod tests {
    use super::Phi;

    #[test]
    fn debug_output_never_contains_the_value() {
        let name = Phi::new(String::from("Jane Roe"));
        assert_eq!(format!("{name:?} {:#?}", Some(&name)).matches("Jane").count(), 0);
        assert_eq!(name.expose(), "Jane Roe");
    }
}
