//! Names that are also folder names, URL segments and metric labels, so their alphabet is small.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A name with other characters than `a–z`, `0–9` and inner hyphens, or longer than 64.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a name: use 1 to 64 lower-case letters, digits and inner hyphens")]
pub struct NameError(pub String);

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl FromStr for $type {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                if is_name(text) { Ok(Self(text.to_owned())) } else { Err(NameError(text.chars().take(80).collect())) }
            }
        }

        impl TryFrom<String> for $type {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0
            }
        }
    };
}

name!(
    /// The id of a CDS service: its definition's file name in `cds-hooks/` and the last segment of its address.
    ServiceId
);
name!(
    /// The name of a network: its folder in `models/`.
    ModelName
);

#[cfg(test)]
mod tests {
    use super::ServiceId;

    #[test]
    fn only_lower_case_letters_digits_and_inner_hyphens_make_a_name() {
        assert!("chest-radiograph".parse::<ServiceId>().is_ok());
        for text in ["", "-a", "a-", "Chest", "a/b", "a b", "ä", &"a".repeat(65)] {
            assert!(text.parse::<ServiceId>().is_err(), "{text}");
        }
    }
}
