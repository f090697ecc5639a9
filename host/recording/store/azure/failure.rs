//! What the crate's errors mean, told without URLs: those may hold signatures.

use std::error::Error as _;
use std::time::Duration;

use azure_core::error::ErrorKind;
use azure_core::http::headers::{HeaderName, Headers};

use crate::recording::store::{StoreError, StoreErrorKind};

/// How a request failed.
#[derive(Debug)]
pub(super) struct Failure {
    status: Option<u16>,
    code: String,
    kind: StoreErrorKind,
    what: String,
    retry_after: Option<Duration>,
}

impl Failure {
    pub(super) fn of(error: &azure_core::Error) -> Self {
        match error.kind() {
            ErrorKind::HttpResponse {
                status,
                error_code,
                raw_response,
            } => Self::answered(
                u16::from(*status),
                error_code.clone().unwrap_or_default(),
                raw_response.as_ref().map(|response| response.headers()),
            ),
            ErrorKind::Connection => Self::plain(
                StoreErrorKind::Unreachable,
                format!("there is no connection: {}", innermost(error)),
            ),
            ErrorKind::Io => Self::plain(
                StoreErrorKind::Unreachable,
                format!("the connection broke: {}", innermost(error)),
            ),
            ErrorKind::Credential => Self::plain(
                StoreErrorKind::Refused,
                format!("there is no token for it: {}", innermost(error)),
            ),
            ErrorKind::DataConversion | ErrorKind::Other => Self::plain(
                StoreErrorKind::Other,
                format!("its answer is not understood: {}", innermost(error)),
            ),
        }
    }

    /// No answer within the limit.
    pub(super) fn late(limit: Duration) -> Self {
        Self::plain(
            StoreErrorKind::Unreachable,
            format!("no answer within {} s", limit.as_secs()),
        )
    }

    fn plain(kind: StoreErrorKind, what: String) -> Self {
        Self {
            status: None,
            code: String::new(),
            kind,
            what,
            retry_after: None,
        }
    }

    fn answered(status: u16, code: String, headers: Option<&Headers>) -> Self {
        let kind = match status {
            401 | 403 => StoreErrorKind::Refused,
            404 => StoreErrorKind::NotFound,
            408 | 429 | 500..=506 | 508.. => StoreErrorKind::Busy,
            507 => StoreErrorKind::Full,
            // The account or container is being changed by somebody.
            409 => StoreErrorKind::Busy,
            412 if code.starts_with("Lease") => StoreErrorKind::OtherWriter,
            300..=399 => StoreErrorKind::Unreachable,
            _ => StoreErrorKind::Other,
        };
        // The code comes from the other side of the network: only letters of it are shown.
        let code: String = code
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(64)
            .collect();
        Self {
            status: Some(status),
            what: format!("it answers {status} {code}").trim_end().to_owned(),
            code,
            kind,
            retry_after: headers.and_then(wish),
        }
    }

    /// Something has this name.
    pub(super) fn is_there(&self) -> bool {
        match self.status {
            Some(409) => self.code.is_empty() || self.code == "BlobAlreadyExists",
            // Whichever of several conditions fails first is told.
            Some(412) => self.code == "ConditionNotMet" || self.code == "TargetConditionNotMet",
            _ => false,
        }
    }

    pub(super) fn is_container_there(&self) -> bool {
        self.status == Some(409) && self.code == "ContainerAlreadyExists"
    }

    pub(super) fn is_missing(&self) -> bool {
        self.status == Some(404)
    }

    pub(super) fn is_no_container(&self) -> bool {
        self.is_missing() && self.code == "ContainerNotFound"
    }

    pub(super) fn is_refusal(&self) -> bool {
        self.kind == StoreErrorKind::Refused
    }

    /// For people.
    pub(super) fn told(self, location: &str) -> StoreError {
        let hint = match (self.kind, self.code.as_str()) {
            (StoreErrorKind::Refused, "AuthenticationFailed") => {
                "\nhint: look at the key or the signature, whether it has ended, and whether the clock of this machine is right"
            }
            (StoreErrorKind::Refused, _) => {
                "\nhint: whoever mediagraph is there needs the role `Storage Blob Data Contributor`, or a signature that allows read, create, write, delete and list"
            }
            (StoreErrorKind::NotFound, "ContainerNotFound") => {
                "\nhint: make this container, or use credentials that allow mediagraph to make it"
            }
            (StoreErrorKind::Unreachable, _) if self.what.contains("ertificate") => {
                "\nhint: name the authority that signed its certificate with `ca_file`"
            }
            _ => "",
        };
        StoreError {
            kind: self.kind,
            message: format!("`{location}` does not take it: {}{hint}", self.what),
            retry_after: self.retry_after,
        }
    }
}

/// How long the other side wants to be left alone.
fn wish(headers: &Headers) -> Option<Duration> {
    let number = |name: &'static str| -> Option<u64> {
        headers
            .get_optional_string(&HeaderName::from_static(name))?
            .trim()
            .parse()
            .ok()
    };
    let milliseconds = number("x-ms-retry-after-ms").or_else(|| number("retry-after-ms"));
    milliseconds
        .map(Duration::from_millis)
        .or_else(|| number("retry-after").map(Duration::from_secs))
}

/// The cause of causes: what stands around it may name the URL.
fn innermost(error: &azure_core::Error) -> String {
    let mut cause = error.source();
    while let Some(next) = cause.and_then(std::error::Error::source) {
        cause = Some(next);
    }
    match cause {
        // reqwest's own errors name the URL.
        Some(cause) if cause.is::<reqwest::Error>() => "the request was cut off".to_owned(),
        Some(cause) => cause.to_string(),
        None => "nothing more is known".to_owned(),
    }
}
