//! How playback fails.

use super::source::Source;
use crate::media::MediaTime;
use crate::recording::index::IndexError;
use crate::recording::store::{StoreError, StoreErrorKind};

/// Why something cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum PlaybackError {
    /// No such recording.
    #[error("there is no asset `{asset}`")]
    NoAsset {
        /// The name.
        asset: String,
    },
    /// The question makes no sense.
    #[error("asset `{asset}`: {message}")]
    Wrong {
        /// The recording that is asked about.
        asset: String,
        /// What is wrong, and what to write instead.
        message: String,
    },
    /// Nothing of this is there.
    #[error("asset `{asset}` has {what}")]
    Nothing {
        /// The recording.
        asset: String,
        /// What it does not have.
        what: String,
    },
    /// A segment that the index has is gone or damaged.
    #[error(
        "asset `{asset}` has lost what it recorded at {at}\n\
         hint: `mediagraph check` finds what is missing, and notes it"
    )]
    Lost {
        /// The recording.
        asset: String,
        /// When the segment begins.
        at: MediaTime,
    },
    /// It is there, but not in this form.
    #[error("asset `{asset}`: {message}")]
    Unsuitable {
        /// The recording.
        asset: String,
        /// Why, and what to do.
        message: String,
    },
    /// Too much is asked for at once.
    #[error("{what}\nhint: try again in a moment")]
    Busy {
        /// What there is enough of.
        what: String,
    },
    /// The store that has it cannot be read.
    #[error("asset `{asset}` cannot be read from the store `{store}`: {source}")]
    Store {
        /// The recording.
        asset: String,
        /// The name of the store.
        store: String,
        /// Why.
        source: StoreError,
    },
    /// What was recorded cannot be read.
    #[error("asset `{asset}` cannot be read: {message}\nhint: `mediagraph check` says what of it is sound")]
    Broken {
        /// The recording.
        asset: String,
        /// Why.
        message: String,
    },
    /// The index cannot be read.
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// What kind of failure it is: decides what a client is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The question has to be another one.
    Wrong,
    /// It is not there.
    NotFound,
    /// It is there, but cannot be had like this.
    Unsuitable,
    /// Later.
    Busy,
    /// A store is away.
    Away,
    /// Something here is broken.
    Broken,
}

impl PlaybackError {
    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Wrong { .. } => Kind::Wrong,
            Self::NoAsset { .. } | Self::Nothing { .. } | Self::Lost { .. } => Kind::NotFound,
            Self::Unsuitable { .. } => Kind::Unsuitable,
            Self::Busy { .. } => Kind::Busy,
            Self::Store { source, .. } if source.kind == StoreErrorKind::NotFound => Kind::NotFound,
            Self::Store { .. } => Kind::Away,
            Self::Broken { .. } | Self::Index(_) => Kind::Broken,
        }
    }

    pub(super) fn lost(segment: &Source) -> Self {
        Self::Lost {
            asset: segment.asset.name.clone(),
            at: segment.name.start,
        }
    }

    pub(super) fn wrong(asset: &str, message: impl Into<String>) -> Self {
        Self::Wrong {
            asset: asset.to_owned(),
            message: message.into(),
        }
    }

    pub(super) fn nothing(asset: &str, what: impl Into<String>) -> Self {
        Self::Nothing {
            asset: asset.to_owned(),
            what: what.into(),
        }
    }

    pub(super) fn unsuitable(asset: &str, message: impl Into<String>) -> Self {
        Self::Unsuitable {
            asset: asset.to_owned(),
            message: message.into(),
        }
    }

    pub(super) fn broken(asset: &str, message: impl Into<String>) -> Self {
        Self::Broken {
            asset: asset.to_owned(),
            message: message.into(),
        }
    }
}
