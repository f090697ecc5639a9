//! From the cache to a store: one queue per store, oldest first over all of its assets.
//!
//! Invariants:
//! - A segment is put before it counts as stored, and listed in playlists after; a crash in between repeats steps that change
//!   nothing the second time.
//! - Nothing here waits without a bound: stores have hard time limits, and between tries this queue waits 1 s to 60 s.
//! - A store that does not take anything pauses its queue alone; a recording that it does not take is left out, and the others
//!   go on. Each such change is told once.
//! - What is in flight is known in memory only.

mod backoff;
mod content;
mod listing;
mod status;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::status::Shared;
pub use self::status::{Blocked, StoreHealth, UploadState, UploadStatus};
use self::worker::Worker;
use super::RecordingError;
use super::cache::Cache;
use super::store::AssetStore;
use crate::media::Clock;

/// What a queue is made of.
#[derive(Clone, Debug)]
pub struct UploaderOptions {
    /// The store's name.
    pub name: String,
    /// The store.
    pub store: Arc<dyn AssetStore>,
    /// What waits.
    pub cache: Arc<Cache>,
    /// The host's clocks.
    pub clock: Arc<dyn Clock>,
}

/// What had not reached its store when somebody stopped waiting for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remaining {
    /// Segments that are in the cache and go up later.
    pub segments: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// The queue of one store.
#[derive(Debug)]
pub struct Uploader {
    options: UploaderOptions,
    shared: Arc<Shared>,
}

impl Uploader {
    /// A queue that does nothing until [`Uploader::run`].
    #[must_use]
    pub fn new(options: UploaderOptions) -> Self {
        Self {
            shared: Arc::new(Shared::new(&options)),
            options,
        }
    }

    /// Uploads until it is told to stop.
    pub async fn run(&self, stop: CancellationToken) {
        let mut worker = Worker::new(self.options.clone(), Arc::clone(&self.shared));
        worker.run(&stop).await;
    }

    /// How it is. Reads the index.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn status(&self) -> Result<UploadStatus, RecordingError> {
        let backlog = self.options.cache.index().backlog(&self.options.name)?;
        Ok(self.shared.status(backlog, self.options.clock.media()))
    }

    /// Whether the store takes what it is given. Reads nothing.
    #[must_use]
    pub fn health(&self) -> StoreHealth {
        self.shared.health()
    }

    /// Whether the store takes nothing at present.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.shared.is_paused()
    }

    /// How often everything that could be done was done, and whether more is being done now.
    #[must_use]
    pub fn passes(&self) -> (u64, bool) {
        let inner = self.shared.lock();
        (inner.passes, inner.uploading)
    }

    /// Whether the host has let go of every recording in the store.
    #[must_use]
    pub fn has_let_go(&self) -> bool {
        self.shared.lock().held == 0
    }

    /// Looks at once whether something is to be done, as after something was dropped from the store.
    pub fn wake(&self) {
        self.options.cache.sealed(&self.options.name).notify_one();
    }

    /// Changes whenever something was uploaded or could not be.
    #[must_use]
    pub fn progress(&self) -> watch::Receiver<u64> {
        self.shared.progress.subscribe()
    }
}

/// Waits by the given clock, and not much longer when that is moved by hand.
async fn sleep_until(clock: &dyn Clock, until: Duration) {
    const LONGEST: Duration = Duration::from_secs(1);
    loop {
        let left = until.saturating_sub(clock.monotonic());
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(LONGEST)).await;
    }
}
