//! The key that signs links and launches.
//!
//! Contract: it can be neither printed nor serialised; what it signs for one purpose is worth nothing for another;
//! checks take the same time whatever is wrong.

use crate::domain::{NoRandomness, Secrets};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use sha2::Sha256;
use std::{
    fmt, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// Fewer bytes than SHA-256 gives would make a key that is easier to guess than what it signs.
const BYTES_MIN: usize = 32;

/// A key as it is written in the environment. Never printed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct KeyText(String);

impl fmt::Debug for KeyText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

/// Why there is no key. Says nothing of what stands in the file.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The text is no key.
    #[error("a key for links is at least 32 random bytes in base64, for example from `openssl rand -base64 32`")]
    Text,
    /// The file cannot be read or made.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file holds no key.
    #[error("{}: a key for links is at least 32 random bytes in base64", .0.display())]
    Content(PathBuf),
    /// No key can be made.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

/// The key.
#[derive(Clone)]
pub struct LinkKey(Vec<u8>);

impl fmt::Debug for LinkKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("LinkKey([redacted])")
    }
}

impl LinkKey {
    /// The key in a setting.
    ///
    /// # Errors
    /// [`KeyError::Text`].
    pub fn parse(text: &KeyText) -> Result<Self, KeyError> {
        decoded(&text.0).ok_or(KeyError::Text)
    }

    /// The key in a file.
    ///
    /// # Errors
    /// [`KeyError`] when it cannot be read or holds none.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let text = fs::read_to_string(path).map_err(|source| KeyError::File { path: path.to_owned(), source })?;
        decoded(&text).ok_or_else(|| KeyError::Content(path.to_owned()))
    }

    /// The key in a file, which is made with a new one if it is not there, for its owner's eyes only.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn read_or_make(path: &Path, secrets: &dyn Secrets) -> Result<Self, KeyError> {
        match write_new(path, &STANDARD.encode(secrets.bytes()?)) {
            // Another start was first: its key is the key.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(KeyError::File { path: path.to_owned(), source }),
            Ok(()) => {}
        }
        Self::read(path)
    }

    /// A key that ends with the process.
    ///
    /// # Errors
    /// [`KeyError::Randomness`].
    pub fn passing(secrets: &dyn Secrets) -> Result<Self, KeyError> {
        Ok(Self(secrets.bytes()?.to_vec()))
    }

    /// Signs the parts for one purpose; base64 without signs that need escaping in an address.
    pub(in crate::http) fn sign(&self, purpose: &str, parts: &[&str]) -> String {
        self.mac(purpose, parts).map_or_else(String::new, |mac| URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }

    /// Whether `signature` is [`LinkKey::sign`]'s, in constant time.
    pub(in crate::http) fn verifies(&self, purpose: &str, parts: &[&str], signature: &str) -> bool {
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else { return false };
        self.mac(purpose, parts).is_some_and(|mac| mac.verify_slice(&signature).is_ok())
    }

    /// Each part with its length, so that no two lists of parts are the same bytes.
    fn mac(&self, purpose: &str, parts: &[&str]) -> Option<Hmac<Sha256>> {
        // HMAC takes keys of any length; `None` cannot happen, and signs and verifies nothing.
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(purpose.as_bytes());
        for part in parts {
            mac.update(b"\n");
            mac.update(part.len().to_string().as_bytes());
            mac.update(b":");
            mac.update(part.as_bytes());
        }
        Some(mac)
    }
}

fn decoded(text: &str) -> Option<LinkKey> {
    let text = text.trim().trim_end_matches('=');
    let bytes = STANDARD_NO_PAD.decode(text).or_else(|_| URL_SAFE_NO_PAD.decode(text)).ok()?;
    (bytes.len() >= BYTES_MIN).then_some(LinkKey(bytes))
}

/// Whole or not at all: a file with half a key would stop every later start.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    if path.exists() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let draft = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    let written = writeln!(file, "{text}").and_then(|()| file.sync_all());
    // A link is refused where a name is taken; renaming would replace the key of a start that was faster.
    let linked = written.and_then(|()| fs::hard_link(&draft, path));
    fs::remove_file(&draft)?;
    linked
}

#[cfg(test)]
mod tests {
    use super::{KeyText, LinkKey};
    use crate::domain::SequentialSecrets;

    #[test]
    fn a_signature_holds_for_its_purpose_its_parts_and_its_key_only() {
        let secrets = SequentialSecrets::default();
        let (key, other) = (LinkKey::passing(&secrets).unwrap(), LinkKey::passing(&secrets).unwrap());
        let signature = key.sign("a", &["b", "c"]);
        assert!(key.verifies("a", &["b", "c"], &signature));
        assert!(!other.verifies("a", &["b", "c"], &signature));
        for (purpose, parts) in [("x", &["b", "c"][..]), ("a", &["bc"]), ("a", &["b"]), ("a", &["b\nc"])] {
            assert!(!key.verifies(purpose, parts, &signature), "{purpose} {parts:?}");
        }
        assert!(!key.verifies("a", &["b", "c"], "") && !key.verifies("a", &["b", "c"], "no base64!"));
    }

    #[test]
    fn a_key_file_is_made_once_for_its_owner_and_read_again() {
        let folder = tempfile::TempDir::new().unwrap();
        let (path, secrets) = (folder.path().join("links.key"), SequentialSecrets::default());
        let first = LinkKey::read_or_make(&path, &secrets).unwrap();
        let second = LinkKey::read_or_make(&path, &secrets).unwrap();
        assert!(second.verifies("a", &[], &first.sign("a", &[])));
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&path).unwrap()) & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_key_is_never_printed_and_a_short_one_never_taken() {
        let text: KeyText = serde_json::from_str("\"c2VzYW1lc2VzYW1lc2VzYW1lc2VzYW1lc2VzYW1l\"").unwrap();
        assert!(LinkKey::parse(&text).is_err(), "30 bytes");
        let text: KeyText = serde_json::from_str("\"c2VzYW1lc2VzYW1lc2VzYW1lc2VzYW1lc2VzYW1lc2VzYW1l\"").unwrap();
        let key = LinkKey::parse(&text).unwrap();
        assert!(!format!("{text:?} {key:?}").contains("c2Vz"));
    }
}
