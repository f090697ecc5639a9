//! The journal: events with numbers that rise, kept for a while in `journal.db`, for streams that resume and for
//! `explain`.
//!
//! Invariants:
//! - Whoever publishes never waits: the queue is bounded, and what does not fit is counted and told of in an entry of
//!   the type [`LOST`].
//! - One thread writes. A number is given once: numbers rise across restarts, crashes and power cuts, and after old
//!   entries went (`ids` in the database says up to where numbers may have been given).
//! - An entry reaches subscribers after it is stored, so whoever subscribes, then reads [`Journal::after`] to its end, and
//!   then follows the subscription, sees each entry.
//! - The journal never stops the host. A database that is damaged is set aside and begun anew; one that cannot be
//!   written (a full disk) is tried again, and streams go on meanwhile.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::broadcast;

use super::{Event, EventSink, Filter};
use crate::media::Clock;

mod error;
mod read;
mod store;
mod writer;

pub use error::JournalError;
pub use read::{MAX_PAGE_BYTES, MAX_PAGE_ENTRIES, Reader};
pub use store::{FILE_NAME, SET_ASIDE_SUFFIX};
pub use writer::{LOST, MAX_EVENT_BYTES};

/// How long entries are kept.
pub const KEEP: Duration = Duration::from_secs(7 * 24 * 3600);
/// The most that the journal takes on the disk.
pub const MAX_BYTES: u64 = 256 << 20;
/// The most entries that it keeps.
pub const MAX_ROWS: u64 = 2_000_000;
/// Live entries that wait for a slow subscriber. One that falls further behind is told so, and reads on with
/// [`Journal::after`].
pub const MAX_LIVE_ENTRIES: usize = 1024;
/// Events that wait to be written; more are lost and counted.
pub const MAX_WAITING_EVENTS: usize = 4096;
/// How long [`Journal::close`] waits for what is still to be written.
pub const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// How much the journal keeps; the oldest go first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalLimits {
    /// Older ones go.
    pub keep: Duration,
    /// The most on the disk. The file may be larger by what is written between two looks at it: a few MiB.
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
    /// Rises from entry to entry, across restarts too: the id of a stream of events. Mostly by one; after a crash, and
    /// where notes stand, by more.
    pub id: i64,
    /// What happened.
    pub event: Event,
    /// False for notes, which are on no stream.
    pub public: bool,
    /// The hub output that it goes to.
    pub output: Option<String>,
}

/// What the journal does, in numbers since the host was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JournalCounts {
    /// Entries that were stored.
    pub stored: u64,
    /// Events that nobody saw, because more came than could be taken.
    pub lost: u64,
    /// Entries that reached streams but could not be stored.
    pub unstored: u64,
    /// Events that wait to be stored.
    pub waiting: u64,
    /// Entries that are kept now.
    pub rows: u64,
    /// What they take on the disk.
    pub bytes: u64,
}

/// The journal. Clones share it.
#[derive(Clone, Debug)]
pub struct Journal {
    queue: SyncSender<Command>,
    live: broadcast::Sender<Arc<Entry>>,
    shared: Arc<Shared>,
}

/// What the writer is asked to do. Boxed because the channel sets all its places aside when it is made.
#[derive(Debug)]
enum Command {
    Keep(Box<Event>, bool),
    /// Answers once everything before it is stored.
    Flush(SyncSender<()>),
    /// Somebody read nonsense.
    SetAside,
    /// Answers once everything is stored and the database is closed.
    Close(SyncSender<()>),
}

/// What the writer lets others see.
#[derive(Debug, Default)]
struct Shared {
    path: PathBuf,
    oldest: AtomicI64,
    newest: AtomicI64,
    waiting: AtomicU64,
    /// Since the beginning, and what of it was told of in an entry already is the writer's business.
    lost: AtomicU64,
    unstored: AtomicU64,
    stored: AtomicU64,
    rows: AtomicU64,
    bytes: AtomicU64,
    /// Held while somebody reads, and by the writer while it puts another database in the place of this one: a connection
    /// that outlived its database could take away the log of the next.
    reader: Mutex<Option<Reader>>,
}

impl Shared {
    fn reader(&self) -> MutexGuard<'_, Option<Reader>> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal {
    /// Opens, or makes, `journal.db` in a directory. One that is damaged is set aside as `journal.db.damaged`.
    ///
    /// # Errors
    /// When no thread can be had.
    pub fn open(dir: &Path, limits: JournalLimits, clock: Arc<dyn Clock>) -> Result<Self, JournalError> {
        let shared = Arc::new(Shared {
            path: dir.join(FILE_NAME),
            ..Shared::default()
        });
        let (live, _) = broadcast::channel(MAX_LIVE_ENTRIES);
        let (queue, commands) = sync_channel(MAX_WAITING_EVENTS);
        let mut writer = writer::Writer::new(limits, clock, live.clone(), Arc::clone(&shared));
        // Before anybody asks what there is.
        writer.open();
        std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || writer.run(&commands))
            .map_err(JournalError::Thread)?;
        Ok(Self { queue, live, shared })
    }

    /// At most `limit` public entries with a higher number than `id`, oldest first. It may give fewer than there are
    /// ([`MAX_PAGE_ENTRIES`], [`MAX_PAGE_BYTES`]): only when it gives none, there are none.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn after(&self, id: i64, filter: &Filter, limit: usize) -> Result<Vec<Entry>, JournalError> {
        let filter = filter.clone();
        self.read(move |reader| reader.after(id, &filter, limit)).await
    }

    /// Public entries from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Entry>> {
        self.live.subscribe()
    }

    /// The numbers of the oldest and the newest entry; of an empty journal, the next number and the one before it.
    #[must_use]
    pub fn oldest_and_newest(&self) -> (i64, i64) {
        (
            self.shared.oldest.load(Ordering::SeqCst),
            self.shared.newest.load(Ordering::SeqCst),
        )
    }

    /// Entries and notes of an instance and of the host itself, from one moment up to and including another, in the
    /// order of their numbers; at most [`MAX_PAGE_ENTRIES`] and [`MAX_PAGE_BYTES`].
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn between(
        &self,
        instance: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Entry>, JournalError> {
        let instance = instance.to_owned();
        self.read(move |reader| reader.between(&instance, from, to)).await
    }

    /// Does something with a connection that only reads, on a thread that may block.
    ///
    /// # Errors
    /// When the journal cannot be read, or the work fails.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Reader) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        let journal = self.clone();
        let done = tokio::task::spawn_blocking(move || journal.read_now(work)).await;
        done.unwrap_or_else(|error| Err(JournalError::Panicked(error.to_string())))
    }

    fn read_now<T>(&self, work: impl FnOnce(&Reader) -> Result<T, JournalError>) -> Result<T, JournalError> {
        let mut held = self.shared.reader();
        let reader = match held.take() {
            Some(reader) => Ok(reader),
            None => Reader::open(&self.shared.path),
        };
        let result = reader.and_then(|reader| {
            let result = work(&reader);
            *held = Some(reader);
            result
        });
        if result.as_ref().is_err_and(JournalError::is_damage) {
            *held = None;
            // The writer may not have met it. If its queue is full, the next reader tells it.
            let _ = self.queue.try_send(Command::SetAside);
        }
        result
    }

    /// Waits until everything that was published before is stored (or could not be).
    pub async fn flush(&self) {
        let queue = self.queue.clone();
        let (done, stored) = sync_channel(1);
        // Fails only when the journal is closed; then nothing is left to wait for.
        let wait = move || {
            if queue.send(Command::Flush(done)).is_ok() {
                let _ = stored.recv();
            }
        };
        let _ = tokio::task::spawn_blocking(wait).await;
    }

    /// Stores what is waiting and closes the database; what is published afterwards goes nowhere. Gives false when
    /// that takes longer than [`CLOSE_TIMEOUT`]. Blocks: for the end of the process.
    #[must_use]
    pub fn close(&self) -> bool {
        let (done, closed) = sync_channel(1);
        match self.queue.try_send(Command::Close(done)) {
            Ok(()) => !matches!(closed.recv_timeout(CLOSE_TIMEOUT), Err(RecvTimeoutError::Timeout)),
            Err(TrySendError::Disconnected(_)) => true,
            Err(TrySendError::Full(_)) => false,
        }
    }

    /// What the journal does, in numbers.
    #[must_use]
    pub fn counts(&self) -> JournalCounts {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        JournalCounts {
            stored: of(&self.shared.stored),
            lost: of(&self.shared.lost),
            unstored: of(&self.shared.unstored),
            waiting: of(&self.shared.waiting),
            rows: of(&self.shared.rows),
            bytes: of(&self.shared.bytes),
        }
    }

    fn keep(&self, event: Event, public: bool) {
        self.shared.waiting.fetch_add(1, Ordering::Relaxed);
        let refused = match self.queue.try_send(Command::Keep(Box::new(event), public)) {
            Ok(()) => return,
            Err(TrySendError::Full(_)) => true,
            Err(TrySendError::Disconnected(_)) => false,
        };
        self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
        if refused {
            self.shared.lost.fetch_add(1, Ordering::Relaxed);
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

#[cfg(test)]
mod tests;
