//! What others see of a queue.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use super::UploaderOptions;
use crate::media::{MediaTime, Ticks};
use crate::recording::index::Backlog;

/// What a queue does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UploadState {
    /// Everything is in the store.
    #[default]
    Idle,
    /// Something is on its way.
    Uploading,
    /// The store takes nothing; it is tried again.
    Paused,
}

impl UploadState {
    /// As it is shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Uploading => "uploading",
            Self::Paused => "paused",
        }
    }
}

/// A recording that the store does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// Its name.
    pub asset: String,
    /// Why, and what to do.
    pub message: String,
}

/// Whether a store takes what it is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreHealth {
    /// Its name.
    pub store: String,
    /// Since when it takes nothing, and why.
    pub paused: Option<(Timestamp, String)>,
    /// Recordings that it does not take.
    pub blocked: Vec<Blocked>,
}

/// How a queue is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadStatus {
    /// The store's name.
    pub store: String,
    /// Where it is, without secrets.
    pub location: String,
    /// What the queue does.
    pub state: UploadState,
    /// Since when it is paused.
    pub paused_since: Option<Timestamp>,
    /// Why it is paused.
    pub message: Option<String>,
    /// Recordings that are left out.
    pub blocked: Vec<Blocked>,
    /// What waits.
    pub backlog: Backlog,
    /// How long ago the oldest moment that waits was.
    pub lag: Ticks,
    /// Segments that were uploaded since this process began.
    pub uploaded_segments: u64,
    /// Their bytes.
    pub uploaded_bytes: u64,
    /// Tries that failed since this process began.
    pub failures: u64,
    /// Playlists that were written since this process began.
    pub playlists: u64,
}

#[derive(Debug)]
pub(super) struct Shared {
    name: String,
    location: String,
    inner: Mutex<Inner>,
    pub(super) progress: watch::Sender<u64>,
}

#[derive(Debug, Default)]
pub(super) struct Inner {
    pub(super) uploading: bool,
    pub(super) paused: Option<Paused>,
    pub(super) blocked: BTreeMap<String, String>,
    pub(super) segments: u64,
    pub(super) bytes: u64,
    pub(super) failures: u64,
    pub(super) playlists: u64,
    pub(super) passes: u64,
    /// Assets that something is known of, so that the host may have claimed them.
    pub(super) held: usize,
}

impl Inner {
    fn blocked(&self) -> Vec<Blocked> {
        let blocked = |(asset, message): (&String, &String)| Blocked {
            asset: asset.clone(),
            message: message.clone(),
        };
        self.blocked.iter().map(blocked).collect()
    }
}

#[derive(Debug)]
pub(super) struct Paused {
    pub(super) since: Timestamp,
    pub(super) from: Duration,
    pub(super) message: String,
}

impl Shared {
    pub(super) fn new(options: &UploaderOptions) -> Self {
        Self {
            name: options.name.clone(),
            location: options.store.location(),
            inner: Mutex::default(),
            progress: watch::Sender::new(0),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_paused(&self) -> bool {
        self.lock().paused.is_some()
    }

    /// Something is found that is to be uploaded.
    pub(super) fn started(&self) {
        let mut inner = self.lock();
        inner.uploading = true;
        inner.held = inner.held.max(1);
    }

    /// Everything that could be done just now is done.
    pub(super) fn passed(&self, held: usize) {
        let mut inner = self.lock();
        inner.held = held;
        inner.uploading = false;
        inner.passes = inner.passes.wrapping_add(1);
        drop(inner);
        self.moved();
    }

    /// Tells whoever waits for progress to look again.
    pub(super) fn moved(&self) {
        self.progress.send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(super) fn health(&self) -> StoreHealth {
        let inner = self.lock();
        StoreHealth {
            store: self.name.clone(),
            paused: inner
                .paused
                .as_ref()
                .map(|paused| (paused.since, paused.message.clone())),
            blocked: inner.blocked(),
        }
    }

    pub(super) fn status(&self, backlog: Backlog, now: MediaTime) -> UploadStatus {
        let inner = self.lock();
        let state = match (&inner.paused, inner.uploading) {
            (Some(_), _) => UploadState::Paused,
            (None, true) => UploadState::Uploading,
            (None, false) => UploadState::Idle,
        };
        UploadStatus {
            store: self.name.clone(),
            location: self.location.clone(),
            state,
            paused_since: inner.paused.as_ref().map(|paused| paused.since),
            message: inner.paused.as_ref().map(|paused| paused.message.clone()),
            blocked: inner.blocked(),
            lag: Ticks(backlog.oldest.map_or(0, |oldest| now.since(oldest).0.max(0))),
            backlog,
            uploaded_segments: inner.segments,
            uploaded_bytes: inner.bytes,
            failures: inner.failures,
            playlists: inner.playlists,
        }
    }
}
