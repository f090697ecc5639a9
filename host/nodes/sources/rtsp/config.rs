//! Configuration.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::nodes::endpoint::{Credentials, Endpoint};
use crate::topology::node::{Finding, finding, oddity};
use crate::topology::{Code, Diagnostic, RtspAddress};

/// A camera.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RtspSource {
    /// How RTP travels; `Tcp` when it is absent.
    #[serde(default)]
    pub transport: Transport,
    /// The camera.
    pub endpoint: Endpoint<RtspAddress>,
}

/// How RTP travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Transport {
    /// Inside the RTSP connection.
    #[default]
    Tcp,
    /// Everything through HTTP; not available yet.
    Http,
}

impl RtspSource {
    pub(super) fn check(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        if self.transport == Transport::Http {
            // As with a node that cannot run yet: a topology may say it, and a graph does not start with it.
            let message = "the transport `Http` is not available yet";
            let diagnostic = Diagnostic::warning(Code::NotYetAvailable, "", message);
            found.push(("/transport", diagnostic.hint("use `Tcp`")));
        }
        if self.endpoint.tls().is_none() && self.endpoint.url().0.is_secure() {
            let message =
                "`rtsps` means TLS, but the endpoint is an unsecured one: TLS is used, with default checks";
            found.push(oddity("/endpoint", message));
        }
        if let Some(Credentials::HttpHeader(_)) = self.endpoint.credentials() {
            let message = "an RTSP source takes a user and a password, not a header";
            found.push(finding(
                Code::PropertyValueInvalid,
                "/endpoint/credentials",
                message,
            ));
        }
        found
    }
}
