//! How far around a moment is looked, and moments as events carry them.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::MAX_WINDOW;
use crate::when::shown;

/// Why a text is no window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no length of time that can be looked at\nhint: write it as `30s`, `5m` or `PT30S`, up to {most} s",
    most = MAX_WINDOW.as_secs()
)]
pub struct NoWindow(String);

/// Reads how far around a moment to look, such as `30s`, `5m` or `PT30S`; at most [`MAX_WINDOW`].
///
/// # Errors
/// When it is no such length.
pub fn window(text: &str) -> Result<Duration, NoWindow> {
    let length = text.trim().parse::<SignedDuration>().ok();
    let length = length.and_then(|length| Duration::try_from(length).ok());
    length
        .filter(|length| *length <= MAX_WINDOW)
        .ok_or_else(|| NoWindow(shown(text)))
}

/// As it stands in events: UTC, milliseconds.
#[must_use]
pub fn iso(at: Timestamp) -> String {
    format!("{at:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_a_length_of_time_up_to_an_hour() {
        for (text, seconds) in [
            ("30s", Some(30)),
            ("5m", Some(300)),
            ("PT10S", Some(10)),
            ("1h", Some(3600)),
            ("2h", None),
            ("-5s", None),
            ("5", None),
            ("", None),
        ] {
            assert_eq!(
                window(text).ok().map(|length| length.as_secs()),
                seconds,
                "{text}"
            );
        }
    }
}
