//! What a host has for recording: the cache, the stores, and what carries from one to the other.
//!
//! Opened once per process, before any graph; ended after all graphs have drained, so that what they sealed last is carried, too.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::recorded::RecordedEvents;
use crate::events::EventSink;
use crate::media::Clock;
use crate::recording::RecordingError;
use crate::recording::adopt::adopt;
use crate::recording::cache::{Cache, CacheOptions};
use crate::recording::index::{self, Index};
use crate::recording::listener::RecordingListener;
use crate::recording::storage::Disk;
use crate::recording::store::LOCAL;
use crate::state::StateDir;

/// How a host records.
#[derive(Clone, Debug)]
pub struct RecordingsOptions {
    /// The store of sinks, by name.
    pub store: String,
}

impl Default for RecordingsOptions {
    fn default() -> Self {
        Self {
            store: LOCAL.to_owned(),
        }
    }
}

/// All that a host has for recording.
#[derive(Debug)]
pub struct Recordings {
    cache: Arc<Cache>,
    options: RecordingsOptions,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Recordings {
    /// Opens the index and the cache in a state directory and puts them in order after a crash; starts what uploads. Blocks;
    /// called within a tokio runtime.
    ///
    /// # Errors
    /// When the index or a store cannot be opened.
    pub fn open(
        state: &StateDir,
        options: RecordingsOptions,
        clock: Arc<dyn Clock>,
        listener: Arc<dyn RecordingListener>,
    ) -> Result<Arc<Self>, RecordingError> {
        let index = Index::open(&state.path().join(index::FILE_NAME))?;
        adopt(&index, &state.assets(), state.host_id(), &Disk, clock.wall())?;
        let cache = Cache::open(CacheOptions {
            root: state.cache(),
            host: state.host_id().to_owned(),
            storage: Arc::new(Disk),
            clock,
            index: Arc::new(index),
            listener,
        })?;
        Ok(Arc::new(Self {
            cache,
            options,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        }))
    }

    /// As [`Recordings::open`]; what happens to recordings becomes events.
    ///
    /// # Errors
    /// As [`Recordings::open`].
    pub fn open_with_events(
        state: &StateDir,
        options: RecordingsOptions,
        clock: Arc<dyn Clock>,
        events: Arc<dyn EventSink>,
    ) -> Result<Arc<Self>, RecordingError> {
        let listener = Arc::new(RecordedEvents::new(events, Arc::clone(&clock)));
        Self::open(state, options, clock, listener)
    }

    /// The cache.
    #[must_use]
    pub fn cache(&self) -> &Arc<Cache> {
        &self.cache
    }

    /// The name of the store that sinks record to.
    #[must_use]
    pub fn store(&self) -> &str {
        &self.options.store
    }

    /// Carries to the stores what still waits, for as long as `bound`, and ends. What is left stays in the cache and goes
    /// up after the next start.
    pub async fn shutdown(&self, bound: Duration) {
        self.tasks.close();
        self.stop.cancel();
        if tokio::time::timeout(bound, self.tasks.wait()).await.is_err() {
            tracing::warn!("Uploads did not end in time; what was not uploaded stays in the cache");
        }
    }
}
