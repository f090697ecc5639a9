//! The certificate that the host shows, and putting another in its place while it runs.
//!
//! Invariant: there always is a certificate that fits its key; files that do not replace nothing.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Certificates of one file: the host's own, and those that lead to one that clients know.
pub const MAX_CERTIFICATES: usize = 16;

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or is not what it should be.
    #[error("cannot read {what} in `{}`: {source}", path.display())]
    Read {
        /// `a certificate` or `a private key`.
        what: &'static str,
        /// Where it was looked for.
        path: PathBuf,
        /// Why not.
        source: rustls::pki_types::pem::Error,
    },
    /// A file without any, or with too many.
    #[error("`{}` holds {found} certificates, not 1 to {MAX_CERTIFICATES}", path.display())]
    Count {
        /// Where.
        path: PathBuf,
        /// How many.
        found: usize,
    },
    /// They do not belong together.
    #[error("the certificate in `{}` and the key in `{}` cannot be used: {source}", certificate.display(), key.display())]
    Unusable {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why not.
        source: rustls::Error,
    },
}

/// A certificate and its key, in files that somebody renews.
#[derive(Debug)]
pub struct TlsReload {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<ServerConfig>>,
}

impl TlsReload {
    /// Reads both files: PEM, the host's certificate first. Blocks.
    ///
    /// # Errors
    /// When they cannot be used.
    pub fn open(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Result<Self, TlsError> {
        let (certificate, key) = (certificate.into(), key.into());
        let current = RwLock::new(Arc::new(read(&certificate, &key)?));
        Ok(Self {
            certificate,
            key,
            current,
        })
    }

    /// Reads both files again; connections from now on see what they hold. Blocks.
    ///
    /// # Errors
    /// When they cannot be used; the certificate from before stays.
    pub fn reload(&self) -> Result<(), TlsError> {
        let config = Arc::new(read(&self.certificate, &self.key)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    /// For the next connection.
    pub(super) fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn read(certificate: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
    let chain = chain(certificate)?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|source| TlsError::Read {
        what: "a private key",
        path: key.to_owned(),
        source,
    })?;
    let unusable = |source| TlsError::Unusable {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
        source,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(unusable)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let wrong = |source| TlsError::Read {
        what: "a certificate",
        path: path.to_owned(),
        source,
    };
    let all = CertificateDer::pem_file_iter(path).map_err(wrong)?;
    let chain: Vec<CertificateDer<'static>> = all
        .take(MAX_CERTIFICATES + 1)
        .collect::<Result<_, _>>()
        .map_err(wrong)?;
    if chain.is_empty() || chain.len() > MAX_CERTIFICATES {
        return Err(TlsError::Count {
            path: path.to_owned(),
            found: chain.len(),
        });
    }
    Ok(chain)
}
