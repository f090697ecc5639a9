//! How Azure is talked to: our own HTTP client with hard time limits, the crate's retries off.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use azure_core::credentials::TokenCredential;
use azure_core::http::policies::Policy;
use azure_core::http::{ClientOptions, RetryOptions, Transport};
use azure_identity::{
    ClientAssertionCredentialOptions, ManagedIdentityCredential, ManagedIdentityCredentialOptions,
    UserAssignedId, WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};
use azure_storage_blob::{BlobClient, BlobClientOptions, BlobContainerClient, BlobContainerClientOptions};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use url::Url;

use super::failure::Failure;
use super::key::SharedKey;
use super::{AzureSettings, Credential};
use crate::media::Clock;
use crate::recording::RecordingError;
use crate::recording::store::{StoreError, StoreErrorKind, time_limit};

/// Without a connection after so long there is none.
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// A connection that nobody uses is kept so long.
const IDLE_TIME: Duration = Duration::from_secs(90);
/// Bytes of a file of certificates.
const MAX_CA_BYTES: u64 = 4 << 20;

/// Makes clients for blobs.
pub(super) struct Client {
    /// May hold a signature.
    container: Url,
    location: String,
    options: ClientOptions,
    token: Option<Arc<dyn TokenCredential>>,
    /// Containers are made by whoever may do more than a signature usually allows.
    pub(super) has_signature: bool,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("container", &self.location)
            .finish_non_exhaustive()
    }
}

impl Client {
    pub(super) fn new(settings: &AzureSettings, clock: Arc<dyn Clock>) -> Result<Self, RecordingError> {
        let mut container = settings.container.clone();
        container.set_query(None);
        let location = container.as_str().trim_end_matches('/').to_owned();
        let failed = |message: String| RecordingError::Store {
            message: format!("the store `{location}` cannot be used: {message}"),
        };
        let http = http(settings).map_err(failed)?;
        let mut options = ClientOptions {
            // The queue does the retrying: in here, "paused" could not be told from "hanging".
            retry: RetryOptions::none(),
            transport: Some(Transport::new(Arc::new(http))),
            ..Default::default()
        };
        let mut token = None;
        match &settings.credential {
            Credential::AccountKey { account, key } => {
                let policy: Arc<dyn Policy> = Arc::new(SharedKey::new(account, key, clock).map_err(failed)?);
                options.per_try_policies.push(policy);
            }
            Credential::Sas(signature) => container.set_query(Some(signature.trim().trim_start_matches('?'))),
            identity => token = Some(token_of(identity, &options).map_err(failed)?),
        }
        Ok(Self {
            container,
            location,
            options,
            token,
            has_signature: matches!(settings.credential, Credential::Sas(_)),
        })
    }

    /// The container, without secrets.
    pub(super) fn location(&self) -> &str {
        &self.location
    }

    pub(super) fn container(&self) -> Result<BlobContainerClient, StoreError> {
        let options = BlobContainerClientOptions {
            client_options: self.options.clone(),
            ..Default::default()
        };
        BlobContainerClient::new(self.container.clone(), self.token.clone(), Some(options))
            .map_err(|error| Failure::of(&error).told(&self.location))
    }

    pub(super) fn blob(&self, asset: &str, name: &str) -> Result<BlobClient, StoreError> {
        let mut url = self.container.clone();
        // Two parts, so that the slash between them stays one.
        match url.path_segments_mut() {
            Ok(mut path) => path.pop_if_empty().extend([asset, name]),
            Err(()) => {
                let message = format!("`{}` has no path", self.location);
                return Err(StoreError::new(StoreErrorKind::Other, message));
            }
        };
        let options = BlobClientOptions {
            client_options: self.options.clone(),
            ..Default::default()
        };
        BlobClient::new(url, self.token.clone(), Some(options))
            .map_err(|error| Failure::of(&error).told(&self.location))
    }

    /// Waits for an answer, but not longer than so many bytes may take.
    pub(super) async fn within<T>(
        &self,
        bytes: u64,
        request: impl Future<Output = azure_core::Result<T>>,
    ) -> Result<T, Failure> {
        let limit = time_limit(bytes);
        match tokio::time::timeout(limit, request).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(Failure::of(&error)),
            Err(_) => Err(Failure::late(limit)),
        }
    }
}

fn token_of(identity: &Credential, options: &ClientOptions) -> Result<Arc<dyn TokenCredential>, String> {
    let cannot = |error: azure_core::Error| format!("the {} cannot be used: {error}", identity.name());
    match identity {
        Credential::WorkloadIdentity {
            client_id,
            tenant_id,
            token_file,
        } => {
            let options = WorkloadIdentityCredentialOptions {
                credential_options: ClientAssertionCredentialOptions {
                    client_options: options.clone(),
                },
                client_id: client_id.clone(),
                tenant_id: tenant_id.clone(),
                token_file_path: token_file.clone(),
            };
            Ok(WorkloadIdentityCredential::new(Some(options)).map_err(cannot)?)
        }
        Credential::ManagedIdentity { client_id } => {
            let options = ManagedIdentityCredentialOptions {
                user_assigned_id: client_id.clone().map(UserAssignedId::ClientId),
                client_options: options.clone(),
            };
            Ok(ManagedIdentityCredential::new(Some(options)).map_err(cannot)?)
        }
        Credential::AccountKey { .. } | Credential::Sas(_) => Err("this is no identity".to_owned()),
    }
}

/// The cryptography is ring's, as everywhere in mediagraph.
fn http(settings: &AzureSettings) -> Result<reqwest::Client, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots(settings)?)
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(CONNECT_TIME)
        .pool_idle_timeout(IDLE_TIME)
        // A redirect would be signed for another place.
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| error.to_string())
}

fn roots(settings: &AzureSettings) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let Some(path) = &settings.ca_file else {
        // One unreadable certificate among hundreds must not stop the others.
        let _unusable = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return Ok(roots);
    };
    let cannot =
        |error: &dyn fmt::Display| format!("cannot read the certificates of `{}`: {error}", path.display());
    let mut text = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| std::io::Read::read_to_end(&mut std::io::Read::take(file, MAX_CA_BYTES), &mut text))
        .map_err(|error| cannot(&error))?;
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|error| cannot(&error))?;
        roots.add(certificate).map_err(|error| cannot(&error))?;
    }
    if roots.is_empty() {
        return Err(format!(
            "`{}` holds no certificate\nhint: it should be PEM text with `-----BEGIN CERTIFICATE-----`",
            path.display()
        ));
    }
    Ok(roots)
}
