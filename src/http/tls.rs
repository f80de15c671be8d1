//! Certificate and key for HTTPS (TLS 1.2 and 1.3, ring).

use super::settings::Tls;
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject as _},
};
use std::{path::PathBuf, sync::Arc};

/// Why HTTPS cannot be offered.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or is not PEM.
    #[error("{}: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: pem::Error,
    },
    /// There is no certificate in the file.
    #[error("{}: no certificate in it", .0.display())]
    Empty(PathBuf),
    /// Certificate and key do not fit each other, or use an algorithm that is not offered.
    #[error("certificate and key: {0}")]
    Pair(#[from] rustls::Error),
}

/// Reads certificate and key and checks that they belong together.
///
/// # Errors
/// [`TlsError`], naming the file but nothing in it.
pub fn load(files: &Tls) -> Result<ServerConfig, TlsError> {
    let in_file = |path: &PathBuf| {
        let path = path.clone();
        move |problem| TlsError::File { path, problem }
    };
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(in_file(&files.certificate))?;
    if chain.is_empty() {
        return Err(TlsError::Empty(files.certificate.clone()));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(in_file(&files.key))?;
    let provider = Arc::new(ring::default_provider());
    let versions = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(versions.with_no_client_auth().with_single_cert(chain, key)?)
}

#[cfg(test)]
mod tests {
    use super::{TlsError, load};
    use crate::http::settings::Tls;
    use rustls::{
        ClientConfig, ClientConnection, RootCertStore, ServerConnection,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    };
    use std::{path::PathBuf, sync::Arc};

    fn file(name: &str) -> PathBuf {
        // Beside this source, wherever the crate is built from.
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/protocol/tls/");
        PathBuf::from(folder).join(name)
    }

    fn pair(certificate: &str, key: &str) -> Tls {
        Tls { certificate: file(certificate), key: file(key) }
    }

    #[test]
    fn a_client_that_trusts_the_certificate_shakes_hands() {
        let mut server =
            ServerConnection::new(Arc::new(load(&pair("service.pem", "service.key.pem")).unwrap())).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(file("service.pem")).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
        for _ in 0..8 {
            let mut wire = Vec::new();
            client.write_tls(&mut wire).unwrap();
            server.read_tls(&mut wire.as_slice()).unwrap();
            server.process_new_packets().unwrap();
            let mut wire = Vec::new();
            server.write_tls(&mut wire).unwrap();
            client.read_tls(&mut wire.as_slice()).unwrap();
            client.process_new_packets().unwrap();
        }
        assert!(!client.is_handshaking() && !server.is_handshaking());
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        assert!(matches!(load(&pair("service.pem", "other.key.pem")), Err(TlsError::Pair(_))));
    }

    #[test]
    fn a_missing_or_foreign_file_is_named() {
        let try_with = |certificate| load(&pair(certificate, "service.key.pem")).unwrap_err();
        assert!(matches!(try_with("none.pem"), TlsError::File { .. }));
        assert!(matches!(try_with("README.md"), TlsError::Empty(_)));
        let keyless = load(&pair("service.pem", "README.md")).unwrap_err();
        assert!(keyless.to_string().contains("README.md"), "{keyless}");
    }
}
