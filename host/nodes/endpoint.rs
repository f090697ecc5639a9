//! Endpoints: a URL, and how to be let in.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::topology::Secret;

/// Where to connect to. `A` is the kind of URL.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(tag = "@type")]
pub enum Endpoint<A> {
    /// A connection in the clear (with TLS when the URL's scheme asks for it).
    #[serde(rename = "#Microsoft.Media.MediaGraphUnsecuredEndpoint")]
    Unsecured(UnsecuredEndpoint<A>),
    /// A connection through TLS.
    #[serde(rename = "#Microsoft.Media.MediaGraphTlsEndpoint")]
    Tls(TlsEndpoint<A>),
}

impl<A> Endpoint<A> {
    /// Its URL.
    pub fn url(&self) -> &A {
        match self {
            Self::Unsecured(endpoint) => &endpoint.url,
            Self::Tls(endpoint) => &endpoint.url,
        }
    }

    /// How to be let in, if the topology says so. An empty user name counts as none.
    pub fn credentials(&self) -> Option<&Credentials> {
        let credentials = match self {
            Self::Unsecured(endpoint) => endpoint.credentials.as_ref(),
            Self::Tls(endpoint) => endpoint.credentials.as_ref(),
        };
        credentials.filter(|credentials| match credentials {
            Credentials::UsernamePassword(given) => !given.username.expose().is_empty(),
            Credentials::HttpHeader(_) => true,
        })
    }

    /// The TLS settings of a TLS endpoint.
    pub fn tls(&self) -> Option<&TlsEndpoint<A>> {
        match self {
            Self::Unsecured(_) => None,
            Self::Tls(endpoint) => Some(endpoint),
        }
    }
}

/// A connection in the clear.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnsecuredEndpoint<A> {
    /// Where to connect to.
    pub url: A,
    /// How to be let in.
    pub credentials: Option<Credentials>,
}

/// A connection through TLS.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TlsEndpoint<A> {
    /// Where to connect to.
    pub url: A,
    /// How to be let in.
    pub credentials: Option<Credentials>,
    /// Whom to trust; the built-in authorities when it is absent.
    pub trusted_certificates: Option<CertificateSource>,
    /// Which checks to leave out.
    #[serde(default)]
    pub validation_options: TlsValidationOptions,
}

/// Certificates to trust.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(tag = "@type")]
pub enum CertificateSource {
    /// Certificates in the topology itself.
    #[serde(rename = "#Microsoft.Media.MediaGraphPemCertificateList")]
    Pem(PemCertificateList),
}

/// Certificates as text.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PemCertificateList {
    /// Each in PEM form.
    pub certificates: Vec<String>,
}

/// Which checks of a server's certificate to leave out.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TlsValidationOptions {
    /// Takes a certificate for another host.
    #[serde(default)]
    pub ignore_hostname: bool,
    /// Takes a certificate that nobody vouches for.
    #[serde(default)]
    pub ignore_signature: bool,
}

/// How to be let in.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(tag = "@type")]
pub enum Credentials {
    /// A user and a password.
    #[serde(rename = "#Microsoft.Media.MediaGraphUsernamePasswordCredentials")]
    UsernamePassword(UsernamePassword),
    /// A header of every HTTP request.
    #[serde(rename = "#Microsoft.Media.MediaGraphHttpHeaderCredentials")]
    HttpHeader(HttpHeader),
}

/// A user and a password.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UsernamePassword {
    /// The user; an empty one means no credentials at all.
    pub username: Secret,
    /// The password.
    #[serde(default)]
    pub password: Secret,
}

/// A header of every HTTP request.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpHeader {
    /// Such as `Authorization`.
    pub header_name: String,
    /// Its value.
    pub header_value: Secret,
}
