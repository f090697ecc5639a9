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
    /// Where the cache should be is another disk, or none.
    #[error(
        "`{}` is not the disk that was recorded to before: {what}\n\
         hint: mount the right disk; or, if it is gone for good, give `localMediaCachePath` another folder, or write `{volume}` \
         into `{}`",
        path.display(), file.display()
    )]
    Volume {
        /// The folder.
        path: PathBuf,
        /// What is found instead.
        what: String,
        /// The id that is wanted.
        volume: String,
        /// Where it should stand.
        file: PathBuf,
    },
    /// A store cannot be used as it is configured.
    #[error("{message}")]
    Store {
        /// Which, why, and what to do; without secrets.
        message: String,
    },
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
    /// Whether there is no room.
    #[must_use]
    pub fn is_full(&self) -> bool {
        match self {
            Self::Io { source, .. } => {
                matches!(
                    source.kind(),
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
                )
            }
            Self::Index(error) => error.is_full(),
            _ => false,
        }
    }

    /// What kind of trouble it is, in one word for programs.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            _ if self.is_full() => "noSpace",
            Self::Volume { .. } => "volume",
            Self::Index(_) => "index",
            Self::Store { .. } => "store",
            Self::Io { source, .. } if source.kind() == io::ErrorKind::ReadOnlyFilesystem => "readOnly",
            Self::Locked { .. } | Self::OtherHost { .. } => "otherWriter",
            Self::AssetName { .. } | Self::FileName { .. } => "name",
            Self::Io { .. } | Self::Closed { .. } | Self::Media { .. } => "disk",
        }
    }

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
