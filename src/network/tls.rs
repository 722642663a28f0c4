//! TLS of both sides: certificates and keys from PEM files, and the client.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use thiserror::Error;
use tokio_rustls::rustls::{
    self, ClientConfig, RootCertStore,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use zeroize::Zeroizing;

/// Files of one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// Its certificate, with those that signed it behind.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// For a listener: who signs the certificates of senders; without it any sender may connect.
    pub client_authority: Option<PathBuf>,
}

/// Why TLS cannot be set up.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file cannot be read, or holds something else.
    #[error("cannot read {what} from {}: it must be a PEM file that this program may read", .file.display())]
    File {
        /// What it should hold.
        what: &'static str,
        /// The file.
        file: PathBuf,
    },
    /// Certificate and key do not fit, or cannot be used.
    #[error("certificate, key or authority cannot be used for TLS: {0}")]
    Unusable(String),
}

/// What the client needs to know of a receiver that speaks TLS.
#[derive(Clone)]
pub struct ClientTls(Arc<ClientConfig>);

impl std::fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientTls(..)")
    }
}

impl ClientTls {
    /// Trusts receivers whose certificates are signed by `authority`; shows a certificate of its own when there is one.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn new(authority: &Path, own: Option<&TlsFiles>) -> Result<Self, TlsError> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_root_certificates(authorities(&read("a certificate", authority)?, authority)?);
        let config = match own {
            Some(files) => {
                let shown = certificates(&read("a certificate", &files.certificate)?, &files.certificate)?;
                let key = key(&Zeroizing::new(read("a private key", &files.key)?), &files.key)?;
                builder.with_client_auth_cert(shown, key).map_err(unusable)?
            }
            None => builder.with_no_client_auth(),
        };
        Ok(Self(Arc::new(config)))
    }

    /// What rustls connects with.
    #[must_use]
    pub fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.0)
    }
}

pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

pub(super) fn unusable(error: rustls::Error) -> TlsError {
    TlsError::Unusable(error.to_string())
}

fn read(what: &'static str, file: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(file).map_err(|_| TlsError::File { what, file: file.to_owned() })
}

/// The certificates of a PEM file.
pub(super) fn certificates(pem: &[u8], file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unreadable = || TlsError::File { what: "a certificate", file: file.to_owned() };
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    found.ok().filter(|found| !found.is_empty()).ok_or_else(unreadable)
}

pub(super) fn authorities(pem: &[u8], file: &Path) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(pem, file)? {
        store.add(certificate).map_err(unusable)?;
    }
    Ok(store)
}

pub(super) fn key(pem: &[u8], file: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|_| TlsError::File { what: "a private key", file: file.to_owned() })
}
