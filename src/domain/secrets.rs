//! Secrets are arguments, like time and identifiers.

use rand::{TryRng as _, rngs::SysRng};
use std::sync::atomic::{AtomicU8, Ordering};

/// The operating system gave no randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gives no randomness")]
pub struct NoRandomness;

/// Where bytes come from that nobody may guess.
pub trait Secrets: Send + Sync {
    /// New bytes, enough for a key.
    ///
    /// # Errors
    /// [`NoRandomness`]; nothing may be signed then.
    fn bytes(&self) -> Result<[u8; 32], NoRandomness>;
}

/// Bytes from the operating system's randomness.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemSecrets;

impl Secrets for SystemSecrets {
    fn bytes(&self) -> Result<[u8; 32], NoRandomness> {
        let mut bytes = [0; 32];
        SysRng.try_fill_bytes(&mut bytes).map_err(|_| NoRandomness)?;
        Ok(bytes)
    }
}

/// Bytes that count upwards, so that a test can name them.
#[derive(Debug, Default)]
pub struct SequentialSecrets(AtomicU8);

impl Secrets for SequentialSecrets {
    fn bytes(&self) -> Result<[u8; 32], NoRandomness> {
        Ok([self.0.fetch_add(1, Ordering::Relaxed).wrapping_add(1); 32])
    }
}

#[cfg(test)]
mod tests {
    use super::{Secrets as _, SystemSecrets};

    #[test]
    fn no_two_secrets_are_alike() {
        assert_ne!(SystemSecrets.bytes(), SystemSecrets.bytes());
    }
}
