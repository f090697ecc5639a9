//! How conversations with cameras fail, and what to do about it.

use std::time::Duration;

use crate::topology::masked::masked;

/// Each step of the conversation, and each wait for media, takes at most this long.
pub const CAMERA_TIMEOUT: Duration = Duration::from_secs(15);

/// Why a conversation failed or ended.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CameraError {
    /// The camera refused the user name or password.
    #[error("the camera refused the credentials: {message}")]
    Authentication {
        /// The RTSP status.
        status: u16,
        /// The refusal.
        message: String,
    },
    /// The camera answered with an error.
    #[error("the camera refused: {message}")]
    Protocol {
        /// The RTSP status.
        status: u16,
        /// The answer.
        message: String,
    },
    /// The camera answered something that cannot be used.
    #[error("what the camera answered cannot be used: {0}")]
    Answer(String),
    /// The camera cannot be reached, or went away.
    #[error("{0}")]
    Network(String),
    /// The host does not connect to where the camera is; says which rule it follows.
    #[error("{0}")]
    Refused(String),
    /// No safe connection could be made; says what to do.
    #[error("{0}")]
    Tls(String),
    /// The camera wants the password in the clear, and took it hashed before; says what to do.
    #[error("{0}")]
    Downgrade(String),
    /// The camera offers nothing that can be recorded.
    #[error(
        "the camera offers no stream that can be recorded, only {0}; H.264 or H.265 video is needed\n\
         hint: set the camera's video to H.264 (H.265 is recorded and not analysed), or use the path of another stream"
    )]
    Format(String),
}

impl CameraError {
    /// What it is called in events.
    #[must_use]
    pub fn code(&self) -> String {
        match self {
            Self::Authentication { status, .. } | Self::Protocol { status, .. } => status.to_string(),
            Self::Answer(_) => "answerUnusable".to_owned(),
            Self::Network(_) => "connectionLost".to_owned(),
            Self::Refused(_) => "addressRefused".to_owned(),
            Self::Tls(_) => "tlsFailed".to_owned(),
            Self::Downgrade(_) => "loginDowngraded".to_owned(),
            Self::Format(_) => "unsupportedVideoFormat".to_owned(),
        }
    }

    /// The diagnostic events that tell of it. A status of the camera is a `ProtocolError`, as Live Video Analytics
    /// had it; one that says who may not come in is told as that, too.
    #[must_use]
    pub fn events(&self) -> &'static [&'static str] {
        match self {
            Self::Authentication { status: 403, .. } => &["ProtocolError", "AuthorizationError"],
            Self::Authentication { .. } => &["ProtocolError", "AuthenticationError"],
            Self::Protocol { .. } | Self::Answer(_) => &["ProtocolError"],
            Self::Downgrade(_) => &["AuthenticationError"],
            Self::Network(_) | Self::Refused(_) | Self::Tls(_) => &["NetworkError"],
            Self::Format(_) => &[],
        }
    }

    /// The protocol that failed.
    #[must_use]
    pub fn protocol(&self) -> &'static str {
        if matches!(self, Self::Tls(_)) {
            "tls"
        } else {
            "rtsp"
        }
    }

    /// The same, told with other words.
    #[must_use]
    pub fn retold(self, tell: impl Fn(&str) -> String) -> Self {
        match self {
            Self::Authentication { status, message } => Self::Authentication {
                status,
                message: tell(&message),
            },
            Self::Protocol { status, message } => Self::Protocol {
                status,
                message: tell(&message),
            },
            Self::Answer(message) => Self::Answer(tell(&message)),
            Self::Network(message) => Self::Network(tell(&message)),
            Self::Refused(message) => Self::Refused(tell(&message)),
            Self::Tls(message) => Self::Tls(tell(&message)),
            Self::Downgrade(message) => Self::Downgrade(tell(&message)),
            Self::Format(streams) => Self::Format(tell(&streams)),
        }
    }

    pub(super) fn from_retina(error: &retina::Error) -> Self {
        let text = error.to_string();
        // Below the first line retina tells which packet it was; that is for the log.
        tracing::debug!(error = %masked(&text), "The camera's session failed");
        let message = text.lines().next().unwrap_or_default().to_owned();
        let Some(status) = error.status_code() else {
            return Self::Network(message);
        };
        let message = match remedy(status) {
            Some(hint) => format!("{message}\nhint: {hint}"),
            None => message,
        };
        match status {
            // retina found a fault in an answer that was meant well.
            200..=299 => Self::Answer(message),
            401 | 403 => Self::Authentication { status, message },
            _ => Self::Protocol { status, message },
        }
    }

    pub(super) fn timed_out(what: &str) -> Self {
        Self::Network(format!(
            "no answer to {what} within {} s",
            CAMERA_TIMEOUT.as_secs()
        ))
    }
}

/// What to do about a status of RTSP (RFC 2326, section 11).
fn remedy(status: u16) -> Option<&'static str> {
    Some(match status {
        200..=299 => {
            "the camera does not keep to RTSP: look for newer firmware, or use another of its streams; `mediagraph probe URL` \
             tells more"
        }
        301 | 302 | 303 | 305 => {
            "redirects are not followed, since the password would go along: `mediagraph probe URL` tells where to; use that \
             URL if you know the place"
        }
        401 => {
            "check user and password on the camera's own web page; some cameras lock a user out for a while"
        }
        403 => "give this user the right to watch this stream in the camera's settings",
        400 | 404 | 451 => {
            "the path of the URL is wrong: look for the camera's RTSP path in its manual (an ONVIF tool finds it)"
        }
        453 | 503 => "the camera has too many viewers: close others, or restart it",
        454 => {
            "the camera has forgotten the session, and a new one is begun; if that comes again, set a longer session \
             time-out in the camera, or look for newer firmware"
        }
        461 => {
            "the camera sends over UDP only: allow RTP within the RTSP connection (TCP, interleaved) in its settings, or \
             put a proxy before it that does"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_that_somebody_can_mend_has_a_remedy() {
        for status in [200, 301, 302, 401, 403, 404, 453, 454, 461, 503] {
            assert!(
                remedy(status).is_some_and(|hint| !hint.contains('\n')),
                "{status}"
            );
        }
        assert_eq!(remedy(500), None);
    }

    #[test]
    fn a_refusal_is_told_as_what_live_video_analytics_called_it() {
        let message = String::new;
        let refusal = |status| CameraError::Authentication {
            status,
            message: message(),
        };
        assert_eq!(refusal(401).events(), ["ProtocolError", "AuthenticationError"]);
        assert_eq!(refusal(403).events(), ["ProtocolError", "AuthorizationError"]);
        assert_eq!(refusal(403).code(), "403");
        let missing = CameraError::Protocol {
            status: 404,
            message: message(),
        };
        assert_eq!(
            (missing.events(), missing.code().as_str()),
            (&["ProtocolError"][..], "404")
        );
        let untrusted = CameraError::Tls(message());
        assert_eq!(
            (untrusted.events(), untrusted.protocol()),
            (&["NetworkError"][..], "tls")
        );
    }
}
