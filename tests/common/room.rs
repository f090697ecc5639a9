//! The disk of a test: hardly anything of it has to stay free, as in `mediagraph.toml` beside this file.

use mediagraph::config::KeepFree;
use mediagraph::graph::RecordingsOptions;

/// How a host of a test records.
pub(crate) fn recordings() -> RecordingsOptions {
    RecordingsOptions {
        keep_free: KeepFree {
            percent: None,
            bytes: Some(1 << 20),
        },
        ..RecordingsOptions::default()
    }
}
