//! Who we are for Azure.

use std::fmt;
use std::path::PathBuf;

/// Who we are; `Debug` shows no secret.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// The key of the account, as Azure shows it: base64.
    AccountKey {
        /// The account's name; it stands in signatures.
        account: String,
        /// The key.
        key: String,
    },
    /// A shared access signature: a query without the question mark.
    Sas(String),
    /// The identity of the machine, or the one of this client id.
    ManagedIdentity {
        /// Of a user-assigned identity; none: that of the machine.
        client_id: Option<String>,
    },
    /// The identity of a Kubernetes service account; what is absent comes from the environment that Azure sets up.
    WorkloadIdentity {
        /// Of the application.
        client_id: Option<String>,
        /// The directory that it is in.
        tenant_id: Option<String>,
        /// Where Kubernetes puts its token.
        token_file: Option<PathBuf>,
    },
}

impl Credential {
    /// As it is called in messages.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::AccountKey { .. } => "account key",
            Self::Sas(_) => "shared access signature",
            Self::ManagedIdentity { .. } => "managed identity",
            Self::WorkloadIdentity { .. } => "workload identity",
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
