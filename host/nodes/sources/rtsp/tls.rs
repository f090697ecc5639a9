//! Safe connections to cameras: whom to trust, and what to do when nobody is to be trusted.
//!
//! Certificates of cameras are often made by the cameras themselves. So a certificate that stands in the topology is
//! taken as it is, also when it is no authority; the host's own authorities count only when the topology names none.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::error::CameraError;

/// Certificates that a topology may list for one camera.
pub const MAX_TRUSTED: usize = 64;

/// What a topology says of TLS to a camera.
#[derive(Clone, Copy, Debug, Default)]
pub struct TlsOptions<'a> {
    /// Each in PEM form; None takes the authorities of the host.
    pub trusted: Option<&'a [String]>,
    /// Takes a certificate for another host.
    pub ignore_hostname: bool,
    /// Takes a certificate that nobody vouches for.
    pub ignore_signature: bool,
}

/// Why TLS cannot be set up as the topology wants it.
#[derive(Debug, thiserror::Error)]
pub enum TlsSetupError {
    /// A certificate cannot be read.
    #[error(
        "certificate {number} of `trustedCertificates` cannot be read: {reason}\n\
         hint: give each in PEM form, from `-----BEGIN CERTIFICATE-----` to `-----END CERTIFICATE-----`"
    )]
    Certificate {
        /// Counted from 1.
        number: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The list is empty or too long.
    #[error(
        "`trustedCertificates` lists {0} certificates; between 1 and {MAX_TRUSTED} are allowed\n\
         hint: leave it out to trust the authorities of this host"
    )]
    Count(usize),
    /// The host trusts nobody.
    #[error(
        "this host has no certificates of authorities{0}\n\
         hint: install the package `ca-certificates`, or list the certificate to trust in `trustedCertificates`"
    )]
    NoAuthorities(String),
    /// The provider of cryptography refuses.
    #[error("TLS cannot be set up: {0}")]
    Provider(#[from] TlsError),
}

/// How to connect to a camera safely.
#[derive(Clone)]
pub struct CameraTls {
    connector: TlsConnector,
}

impl fmt::Debug for CameraTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CameraTls")
    }
}

impl CameraTls {
    /// Reads the certificates.
    ///
    /// # Errors
    /// When a certificate cannot be read, or nobody would be trusted.
    pub fn new(options: TlsOptions<'_>) -> Result<Self, TlsSetupError> {
        let provider = Arc::new(ring::default_provider());
        let (roots, listed) = match options.trusted {
            _ if options.ignore_signature => (Arc::new(RootCertStore::empty()), Vec::new()),
            Some(given) => given_roots(given)?,
            None => (host_roots()?, Vec::new()),
        };
        let verifier = Verifier {
            roots,
            listed,
            provider: Arc::clone(&provider),
            ignore_hostname: options.ignore_hostname,
            ignore_signature: options.ignore_signature,
        };
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        Ok(Self {
            connector: TlsConnector::from(Arc::new(config)),
        })
    }

    /// The same, for a client that shakes hands by itself.
    #[must_use]
    pub fn config(&self) -> ClientConfig {
        ClientConfig::clone(self.connector.config())
    }

    /// Shakes hands over a connection to `host`, a name or an address without brackets.
    ///
    /// # Errors
    /// Says what is wrong with the camera's certificate, and what to do.
    pub async fn handshake(
        &self,
        host: &str,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, CameraError> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| CameraError::Tls(format!("`{host}` is not a name that a certificate can be for")))?;
        let shaken = self.connector.connect(name, stream).await;
        shaken.map_err(|error| CameraError::Tls(explained(&error, host)))
    }
}

/// For a client that wants a configuration though it will not use TLS.
///
/// # Errors
/// When the provider of cryptography refuses.
pub fn trusting_nobody() -> Result<ClientConfig, TlsSetupError> {
    Ok(
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth(),
    )
}

fn given_roots(
    given: &[String],
) -> Result<(Arc<RootCertStore>, Vec<CertificateDer<'static>>), TlsSetupError> {
    if given.is_empty() || given.len() > MAX_TRUSTED {
        return Err(TlsSetupError::Count(given.len()));
    }
    let (mut roots, mut listed) = (RootCertStore::empty(), Vec::new());
    for (index, pem) in given.iter().enumerate() {
        let wrong = |reason: String| TlsSetupError::Certificate {
            number: index + 1,
            reason,
        };
        // One text may hold a whole chain.
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
        let read = read.map_err(|error| wrong(error.to_string()))?;
        if read.is_empty() {
            return Err(wrong("it holds no certificate".to_owned()));
        }
        for certificate in read {
            roots
                .add(certificate.clone())
                .map_err(|error| wrong(error.to_string()))?;
            listed.push(certificate);
        }
    }
    Ok((Arc::new(roots), listed))
}

/// The authorities of the host: read once, since every camera wants the same.
fn host_roots() -> Result<Arc<RootCertStore>, TlsSetupError> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    if let Some(roots) = ROOTS.get() {
        return Ok(Arc::clone(roots));
    }
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let reasons: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        let reasons = if reasons.is_empty() {
            String::new()
        } else {
            format!(": {}", reasons.join("; "))
        };
        return Err(TlsSetupError::NoAuthorities(reasons));
    }
    Ok(Arc::clone(ROOTS.get_or_init(|| Arc::new(roots))))
}

/// Checks what the topology wants checked. That the camera holds the key of its certificate is always checked.
#[derive(Debug)]
struct Verifier {
    roots: Arc<RootCertStore>,
    /// Certificates that are taken as they are.
    listed: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
    ignore_hostname: bool,
    ignore_signature: bool,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let trusted = self.ignore_signature || self.listed.iter().any(|listed| listed == end_entity);
        if trusted && self.ignore_hostname {
            return Ok(ServerCertVerified::assertion());
        }
        let certificate = ParsedCertificate::try_from(end_entity)?;
        if !trusted {
            let algorithms = self.provider.signature_verification_algorithms.all;
            let roots = &self.roots;
            verify_server_cert_signed_by_trust_anchor(&certificate, roots, intermediates, now, algorithms)?;
        }
        if !self.ignore_hostname {
            verify_server_name(&certificate, server_name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// Who is at the other end, for texts.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// What it is called.
    name: &'static str,
    /// What to do when it does not speak TLS.
    in_the_clear: &'static str,
}

impl Peer {
    /// A camera.
    pub const CAMERA: Self = Self {
        name: "camera",
        in_the_clear: "use the port of its RTSP over TLS (often 322), or an `rtsp://` URL with a \
                       `#Microsoft.Media.MediaGraphUnsecuredEndpoint`",
    };
    /// An inference server.
    pub const SERVER: Self = Self {
        name: "server",
        in_the_clear: "use its port for TLS, or a `#Microsoft.Media.MediaGraphUnsecuredEndpoint` with an `http://` or \
                       `tcp://` URL",
    };
}

/// Why hands could not be shaken, and what to do.
fn explained(error: &std::io::Error, host: &str) -> String {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>());
    tls.and_then(|tls| explained_to(tls, Peer::CAMERA, host))
        .unwrap_or_else(|| format!("TLS to the camera failed: {error}"))
}

/// Why hands could not be shaken with `peer`, and what to do, if there is more to say than the error itself says.
#[must_use]
pub fn explained_to(error: &TlsError, peer: Peer, host: &str) -> Option<String> {
    let name = peer.name;
    Some(match error {
        TlsError::InvalidCertificate(wrong) => certificate(wrong, name, host),
        TlsError::InvalidMessage(_) => format!(
            "the {name} does not speak TLS on this port\nhint: {}",
            peer.in_the_clear
        ),
        TlsError::PeerIncompatible(_) | TlsError::AlertReceived(_) => format!(
            "the {name} and this host find no common form of TLS: {error}\n\
             hint: TLS 1.2 or 1.3 is needed; look for newer software of the {name}"
        ),
        _ => return None,
    })
}

fn certificate(wrong: &CertificateError, name: &str, host: &str) -> String {
    use CertificateError as Wrong;
    const TAKE_IT: &str = "`validationOptions.ignoreSignature` takes it without this check";
    match wrong {
        Wrong::Expired | Wrong::ExpiredContext { .. } => format!(
            "the {name}'s certificate has expired\n\
             hint: renew it, and check the clock of this host; {TAKE_IT}"
        ),
        Wrong::NotValidYet | Wrong::NotValidYetContext { .. } => format!(
            "the {name}'s certificate is not valid yet\n\
             hint: check the clock of this host, and that of the {name} when it made the certificate; {TAKE_IT}"
        ),
        // A camera that makes itself a new certificate keeps its name: then there is an issuer, with another key.
        Wrong::UnknownIssuer | Wrong::BadSignature => format!(
            "nobody who is trusted vouches for the {name}'s certificate\n\
             hint: put that certificate, or its authority's, into `trustedCertificates`; {TAKE_IT}"
        ),
        Wrong::NotValidForName => other_name(&[], name, host),
        Wrong::NotValidForNameContext { presented, .. } => other_name(presented, name, host),
        other => format!("the {name}'s certificate cannot be accepted: {other}\nhint: {TAKE_IT}"),
    }
}

fn other_name(presented: &[String], name: &str, host: &str) -> String {
    let names = match presented {
        [] => "no host".to_owned(),
        names => names.join(", "),
    };
    format!(
        "the {name}'s certificate is for {names}, not for `{host}`\n\
         hint: use a name of the certificate in the URL; `validationOptions.ignoreHostname` leaves this check out"
    )
}
