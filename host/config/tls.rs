//! Whether a server can use a certificate and a key.

use std::path::{Path, PathBuf};

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::model::TlsFiles;

/// Why a server cannot use them.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// Unreadable, or not in PEM form.
    #[error("{what} cannot be read from `{}`: {why}", path.display())]
    Unreadable {
        /// The certificate or the key.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// They do not belong together, or are of a kind that is not known.
    #[error("the certificate and the key of the server cannot be used: {0}")]
    Unusable(rustls::Error),
}

/// Reads both, and sees whether they belong together.
///
/// # Errors
/// When they cannot be used. No part of the key is in the error.
pub fn check(files: &TlsFiles) -> Result<(), TlsError> {
    let unreadable = |what, path: &Path, why: String| TlsError::Unreadable {
        what,
        path: path.to_owned(),
        why,
    };
    let of_certificate = |error: rustls::pki_types::pem::Error| {
        unreadable("the certificate", &files.certificate, plain(&error))
    };
    let chain = CertificateDer::pem_file_iter(&files.certificate).map_err(of_certificate)?;
    let chain: Vec<CertificateDer<'_>> = chain.collect::<Result<_, _>>().map_err(of_certificate)?;
    if chain.is_empty() {
        let why = "there is no certificate in PEM form in it".to_owned();
        return Err(unreadable("the certificate", &files.certificate, why));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| unreadable("the key", &files.key, plain(&error)))?;
    CertifiedKey::from_der(chain, key, &ring::default_provider())
        .map(|_| ())
        .map_err(TlsError::Unusable)
}

/// Without the lines that an error of its kind repeats.
fn plain(error: &rustls::pki_types::pem::Error) -> String {
    use rustls::pki_types::pem::Error;
    match error {
        Error::Io(error) => error.to_string(),
        Error::NoItemsFound => "there is nothing of the kind in PEM form in it".to_owned(),
        _ => "it is not in PEM form".to_owned(),
    }
}
