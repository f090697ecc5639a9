//! How stores fail.

use std::fmt;

/// What kind of failure it is: decides whether it is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// No connection, or no answer within the bound: tried again.
    Unreachable,
    /// It answered that it cannot just now (429, 500, 503): tried again.
    Busy,
    /// It does not accept who we are: tried again, slowly, and told to people.
    Refused,
    /// No room.
    Full,
    /// It is not there.
    NotFound,
    /// Something else has this name: a person must look.
    Differs,
    /// Another host writes this asset.
    OtherWriter,
    /// What shall be put cannot be read.
    Source,
    /// Anything else.
    Other,
}

/// Why a store did not do what it was asked.
#[derive(Debug)]
pub struct StoreError {
    /// What kind it is.
    pub kind: StoreErrorKind,
    /// What happened, where, and what to do: without secrets.
    pub message: String,
    /// How long the store asked us to wait, if it did.
    pub retry_after: Option<std::time::Duration>,
}

impl StoreError {
    /// An error without a wish to be left alone for a time.
    #[must_use]
    pub fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            retry_after: None,
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StoreError {}
