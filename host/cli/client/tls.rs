//! Whom the client trusts. The cryptography is ring's, as everywhere in mediagraph.

use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::super::Failure;

/// Bytes of a file of certificates.
const MAX_CA_FILE_BYTES: u64 = 4 << 20;

/// Whose certificates are trusted.
#[derive(Clone, Copy, Debug)]
pub enum Trust<'a> {
    /// No TLS will be spoken.
    Nobody,
    /// The authorities of this machine.
    System,
    /// Only the authorities of this file.
    File(&'a Path),
}

/// The client's side of TLS.
///
/// # Errors
/// When the file cannot be read or names no certificate.
pub fn config(trust: Trust<'_>) -> Result<ClientConfig, Failure> {
    let mut roots = RootCertStore::empty();
    match trust {
        Trust::Nobody => {}
        Trust::System => {
            // One unreadable certificate among hundreds must not stop the others.
            let _unusable = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        Trust::File(path) => add_file(&mut roots, path)?,
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Failure::failed)?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn add_file(roots: &mut RootCertStore, path: &Path) -> Result<(), Failure> {
    let shown = path.display();
    let cannot = |error: &dyn std::fmt::Display| {
        Failure::failed(format!("cannot read the certificates of `--ca {shown}`: {error}"))
    };
    let mut text = Vec::new();
    File::open(path)
        .and_then(|file| {
            BufReader::new(file)
                .take(MAX_CA_FILE_BYTES)
                .read_to_end(&mut text)
        })
        .map_err(|error| cannot(&error))?;
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|error| cannot(&error))?;
        roots.add(certificate).map_err(|error| cannot(&error))?;
    }
    if roots.is_empty() {
        return Err(Failure::failed(format!(
            "`--ca {shown}` holds no certificate\nhint: it should be PEM text with `-----BEGIN CERTIFICATE-----`"
        )));
    }
    Ok(())
}
