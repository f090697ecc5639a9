//! How conversations with inference servers fail, and what to do about it.

use std::time::Duration;

/// Why a server gave no answer that can be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ServerError {
    /// It cannot be reached, or went away.
    #[error("{0}")]
    Network(String),
    /// It took longer than it may.
    #[error(
        "the server gave no answer within {} s\nhint: see whether it hangs; a smaller image or a lower \
         `maximumSamplesPerSecond` gives it less to do",
        .0.as_secs()
    )]
    TimedOut(Duration),
    /// The host does not connect to where it is; says which rule it follows.
    #[error("{0}")]
    Refused(String),
    /// No safe connection could be made; says what to do.
    #[error("{0}")]
    Tls(String),
    /// It does not let us in.
    #[error(
        "the server refused the credentials (status {0})\nhint: check `credentials` of the endpoint; a token goes into \
         `#Microsoft.Media.MediaGraphHttpHeaderCredentials`"
    )]
    Login(u16),
    /// It wants the password in the clear, and took it hashed before.
    #[error(
        "the server asks for the password in the clear (Basic), and has taken it hashed (Digest) before; the password was \
         not sent\nhint: find out who changed the server or answers in its place; if Basic is meant, activate the instance \
         again"
    )]
    Downgrade,
    /// It has too much to do, and wants to be asked again after this time, if it says so.
    #[error("the server is busy (status {status}); it is asked again in {} s", .wait.as_secs_f64().ceil())]
    Busy {
        /// What it answered.
        status: u16,
        /// How long it is left alone.
        wait: Duration,
    },
    /// It answered with an error.
    #[error("the server answered with status {status}{hint}")]
    Status {
        /// The status of HTTP or of gRPC.
        status: u16,
        /// What to do, in a line of its own; empty where nobody knows.
        hint: String,
    },
    /// Its answer has more bytes than one may have.
    #[error(
        "the answer of the server has more than {0} bytes\nhint: a server answers with inferences as JSON; return fewer, or \
         not the image"
    )]
    TooLarge(usize),
    /// The memory that it is handed images in cannot be used; says what to do.
    #[error("{0}")]
    Memory(String),
    /// Its answer breaks off or is not what it says it is.
    #[error("the answer of the server cannot be used: {0}")]
    Answer(String),
}

impl ServerError {
    /// What it is called in events.
    #[must_use]
    pub fn code(&self) -> String {
        match self {
            Self::Network(_) => "connectionLost".to_owned(),
            Self::TimedOut(_) => "timedOut".to_owned(),
            Self::Refused(_) => "addressRefused".to_owned(),
            Self::Tls(_) => "tlsFailed".to_owned(),
            Self::Login(status) | Self::Busy { status, .. } | Self::Status { status, .. } => {
                status.to_string()
            }
            Self::Downgrade => "loginDowngraded".to_owned(),
            Self::Memory(_) => "sharedMemory".to_owned(),
            Self::TooLarge(_) => "answerTooLarge".to_owned(),
            Self::Answer(_) => "answerUnusable".to_owned(),
        }
    }

    /// The diagnostic event that tells of it.
    #[must_use]
    pub fn event(&self) -> &'static str {
        match self {
            Self::Network(_) | Self::TimedOut(_) | Self::Refused(_) | Self::Tls(_) => "NetworkError",
            // Of HTTP and of gRPC.
            Self::Login(403 | 7) => "AuthorizationError",
            Self::Login(_) | Self::Downgrade => "AuthenticationError",
            Self::Busy { .. }
            | Self::Status { .. }
            | Self::Memory(_)
            | Self::TooLarge(_)
            | Self::Answer(_) => "ProtocolError",
        }
    }

    /// Whether another frame would fare no better, so that the server is left alone for a while.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        !matches!(self, Self::Status { .. } | Self::TooLarge(_) | Self::Answer(_))
    }

    /// The same, told with other words.
    #[must_use]
    pub fn retold(self, tell: impl Fn(&str) -> String) -> Self {
        match self {
            Self::Network(message) => Self::Network(tell(&message)),
            Self::Refused(message) => Self::Refused(tell(&message)),
            Self::Tls(message) => Self::Tls(tell(&message)),
            Self::Answer(message) => Self::Answer(tell(&message)),
            Self::Status { status, hint } => Self::Status {
                status,
                hint: tell(&hint),
            },
            other => other,
        }
    }
}
