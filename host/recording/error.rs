//! How recording fails.

use std::io;
use std::path::{Path, PathBuf};

use super::index::IndexError;
use crate::media::mp4::Mp4Error;

/// Why something could not be recorded or read back.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The operating system refused.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A name that no asset may have.
    #[error("`{name}` cannot name an asset: {reason}")]
    AssetName {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A name that no file may have.
    #[error("`{name}` cannot name a file: {reason}")]
    FileName {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Somebody else writes here.
    #[error("`{}` is being written by {holder}\nhint: give this recording another name, or stop the other writer", path.display())]
    Locked {
        /// The asset's folder.
        path: PathBuf,
        /// Who writes.
        holder: String,
    },
    /// An asset of another host, which did not let go of it.
    #[error("`{}` belongs to the host {holder}\nhint: if that host is gone for good, remove `{}`", path.display(), lock.display())]
    OtherHost {
        /// The asset's folder.
        path: PathBuf,
        /// Whose it is.
        holder: String,
        /// What says so.
        lock: PathBuf,
    },
    /// The recording was closed before.
    #[error("the recording `{output}` is closed")]
    Closed {
        /// Which.
        output: String,
    },
    /// The index of recordings refused.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// Broken media.
    #[error("`{}`: {source}", path.display())]
    Media {
        /// Where.
        path: PathBuf,
        /// What is wrong.
        source: Mp4Error,
    },
}

impl RecordingError {
    /// For `map_err`: keeps what was tried with which path.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    pub(crate) fn media(path: &Path) -> impl FnOnce(Mp4Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Media { path, source }
    }
}
