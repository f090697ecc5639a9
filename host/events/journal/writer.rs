//! The thread that writes the journal.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use tokio::sync::broadcast;

use super::store::{PRUNE_CHUNK, Row, Store, set_aside};
use super::{Command, Entry, JournalError, JournalLimits, Shared};
use crate::events::Event;
use crate::media::{Clock, SteadyClock};

/// The type of the entry that says how many events are missing: `count`, and as `reason` either `queueFull` (nobody saw
/// them) or `notStored` (streams had them).
pub const LOST: &str = "MediaGraph.Events.Lost";
/// A longer event loses its data: what remains says how long it was.
pub const MAX_EVENT_BYTES: usize = 1 << 20;

/// So many events are stored at once, at most.
const MAX_BATCH: usize = 256;
/// So much text is stored at once, at most, and one event more.
const MAX_BATCH_BYTES: usize = 8 << 20;
/// How long to wait for one more event before those that are there are stored. Twice that from the first on, at most:
/// streams get nothing before it is stored.
const LINGER: Duration = Duration::from_millis(20);
/// How often to look for what is too old.
const HOUSEKEEPING: Duration = Duration::from_secs(60);
/// How long to wait before a database that cannot be had is tried again.
const REOPEN_WAIT: Duration = Duration::from_secs(10);
/// Old entries may go in so many steps at one time.
const MAX_PRUNE_STEPS: usize = 10_000;

/// Writes entries, hands them to subscribers, lets old ones go.
#[derive(Debug)]
pub(super) struct Writer {
    limits: JournalLimits,
    clock: Arc<dyn Clock>,
    live: broadcast::Sender<Arc<Entry>>,
    shared: Arc<Shared>,
    /// None while it cannot be had.
    store: Option<Store>,
    /// The number of the next entry.
    next: i64,
    /// What was told of [`Shared::lost`] and [`Shared::unstored`].
    told_lost: u64,
    told_unstored: u64,
    /// It was logged that nothing is stored.
    failing: bool,
    /// Of the monotonic clock.
    tried: Duration,
    kept_house: Duration,
    /// Whether the clock is to be believed about ages.
    steady: SteadyClock,
}

/// An event that is ready to be stored.
struct Prepared {
    event: Event,
    public: bool,
    json: String,
}

impl Writer {
    pub(super) fn new(
        limits: JournalLimits,
        clock: Arc<dyn Clock>,
        live: broadcast::Sender<Arc<Entry>>,
        shared: Arc<Shared>,
    ) -> Self {
        let monotonic = clock.monotonic();
        Self {
            limits,
            steady: SteadyClock::new(&*clock),
            clock,
            live,
            shared,
            store: None,
            next: 0,
            told_lost: 0,
            told_unstored: 0,
            failing: false,
            tried: monotonic,
            kept_house: monotonic,
        }
    }

    /// Opens the database, or begins anew.
    pub(super) fn open(&mut self) {
        self.tried = self.clock.monotonic();
        match Store::open(&self.shared.path) {
            Ok(store) => {
                self.next = self.next.max(store.next_id());
                self.store = Some(store);
            }
            Err(error) if error.is_damage() => self.begin_anew(&error),
            Err(error) => {
                self.start_numbers_by_the_clock();
                self.failed(&error);
            }
        }
        self.show();
    }

    /// Sets the database aside. Its numbers may be unreadable, so ours begin above every number that a journal gets to.
    fn begin_anew(&mut self, error: &JournalError) {
        let shared = Arc::clone(&self.shared);
        let mut reader = shared.reader();
        *reader = None;
        self.store = None;
        self.start_numbers_by_the_clock();
        let opened = match set_aside(&self.shared.path) {
            Ok(aside) => {
                tracing::warn!(%error, kept = %aside.display(), "The journal was damaged: it is set aside, a new one begins");
                Store::open(&self.shared.path)
            }
            Err(source) => Err(JournalError::Io {
                path: self.shared.path.clone(),
                source,
            }),
        };
        // At once: nothing else tells the next process where numbers went on.
        let reserved = opened.and_then(|mut store| store.reserve(self.next).map(|()| store));
        match reserved {
            Ok(store) => self.store = Some(store),
            Err(error) => self.failed(&error),
        }
    }

    /// Milliseconds since 1970 count faster than events do.
    fn start_numbers_by_the_clock(&mut self) {
        if self.next <= 1 {
            self.next = self.clock.wall().as_millisecond().max(1);
        }
    }

    /// Works until nobody can publish any more.
    pub(super) fn run(mut self, commands: &Receiver<Command>) {
        loop {
            match commands.recv_timeout(HOUSEKEEPING) {
                Ok(command) => {
                    if let Some(closed) = self.work(command, commands) {
                        self.finish();
                        // Whoever asked may have stopped waiting.
                        let _ = closed.send(());
                        return;
                    }
                }
                Err(RecvTimeoutError::Timeout) => self.keep_house(),
                Err(RecvTimeoutError::Disconnected) => return self.finish(),
            }
            if self.clock.monotonic().saturating_sub(self.kept_house) >= HOUSEKEEPING {
                self.keep_house();
            }
        }
    }

    /// Stores what is there. Gives whom to tell when this was the end.
    fn work(
        &mut self,
        first: Command,
        commands: &Receiver<Command>,
    ) -> Option<std::sync::mpsc::SyncSender<()>> {
        let (batch, then) = self.gather(first, commands);
        if !batch.is_empty() {
            self.keep(batch);
        }
        match then {
            Some(Command::Flush(done)) => {
                let _ = done.send(());
                None
            }
            Some(Command::SetAside) => {
                self.reexamine();
                None
            }
            Some(Command::Close(closed)) => Some(closed),
            Some(Command::Keep(..)) | None => None,
        }
    }

    /// Takes events until there are enough, none has come for a moment, or something else is asked.
    fn gather(&self, first: Command, commands: &Receiver<Command>) -> (Vec<Prepared>, Option<Command>) {
        let began = self.clock.monotonic();
        let (mut batch, mut bytes) = (Vec::new(), 0);
        let mut command = first;
        loop {
            let (event, public) = match command {
                Command::Keep(event, public) => (event, public),
                other => return (batch, Some(other)),
            };
            let prepared = Prepared::new(*event, public);
            bytes += prepared.json.len();
            batch.push(prepared);
            let lingered = self.clock.monotonic().saturating_sub(began);
            if batch.len() >= MAX_BATCH || bytes >= MAX_BATCH_BYTES || lingered >= 2 * LINGER {
                return (batch, None);
            }
            match commands.recv_timeout(LINGER) {
                Ok(next) => command = next,
                Err(_) => return (batch, None),
            }
        }
    }

    fn keep(&mut self, batch: Vec<Prepared>) {
        self.shared
            .waiting
            .fetch_sub(batch.len() as u64, Ordering::Relaxed);
        let mut all = self.told_of_losses();
        all.extend(batch);
        let (entries, lines): (Vec<Entry>, Vec<String>) =
            all.into_iter().map(|prepared| self.number(prepared)).unzip();
        if self.store.is_none() && self.clock.monotonic().saturating_sub(self.tried) >= REOPEN_WAIT {
            self.reopen();
        }
        match self.store_all(&entries, &lines) {
            Ok(()) => self.stored(entries.len()),
            Err(error) => {
                self.failed(&error);
                (self.shared.unstored).fetch_add(entries.len() as u64, Ordering::Relaxed);
            }
        }
        self.make_room(None, 4);
        self.show();
        for entry in entries.into_iter().filter(|entry| entry.public) {
            // Nobody may be listening.
            let _ = self.live.send(Arc::new(entry));
        }
    }

    fn number(&mut self, prepared: Prepared) -> (Entry, String) {
        let entry = Entry {
            id: self.next,
            output: prepared.event.output.as_deref().map(str::to_owned),
            event: prepared.event,
            public: prepared.public,
        };
        self.next = self.next.saturating_add(1);
        (entry, prepared.json)
    }

    /// Entries that say what is missing before them.
    fn told_of_losses(&mut self) -> Vec<Prepared> {
        let mut told = Vec::new();
        let lost = self.shared.lost.load(Ordering::Relaxed);
        if lost > self.told_lost {
            told.push(self.loss(lost - self.told_lost, "queueFull"));
            self.told_lost = lost;
        }
        // While storing fails, this one would be lost like the others.
        let unstored = self.shared.unstored.load(Ordering::Relaxed);
        if unstored > self.told_unstored && !self.failing {
            told.push(self.loss(unstored - self.told_unstored, "notStored"));
            self.told_unstored = unstored;
        }
        told
    }

    fn loss(&self, count: u64, reason: &str) -> Prepared {
        let message = match reason {
            "queueFull" => "more events came than could be taken: nobody saw these",
            _ => "these events could not be stored: streams had them, the journal has not",
        };
        let data = json!({"count": count, "reason": reason, "message": message});
        tracing::warn!(count, reason, "Events are missing from the journal");
        Prepared::new(Event::of_host(LOST, self.clock.media(), data), true)
    }

    fn store_all(&mut self, entries: &[Entry], lines: &[String]) -> Result<(), JournalError> {
        match self.try_store(entries, lines) {
            Err(error) if error.is_damage() => {
                self.begin_anew(&error);
                self.try_store(entries, lines)
            }
            done => done,
        }
    }

    fn try_store(&mut self, entries: &[Entry], lines: &[String]) -> Result<(), JournalError> {
        let now = self.clock.wall();
        let store = (self.store.as_mut()).ok_or_else(|| JournalError::Missing(self.shared.path.clone()))?;
        store.reserve(self.next)?;
        let rows: Vec<Row<'_>> = entries
            .iter()
            .zip(lines)
            .map(|(entry, json)| Row {
                entry,
                json,
                at: entry.event.event_time.parse().unwrap_or(now),
            })
            .collect();
        store.insert(&rows, now)
    }

    fn stored(&mut self, entries: usize) {
        self.shared.stored.fetch_add(entries as u64, Ordering::Relaxed);
        if std::mem::take(&mut self.failing) {
            tracing::info!("Events are kept in the journal again");
        }
    }

    fn failed(&mut self, error: &JournalError) {
        if !std::mem::replace(&mut self.failing, true) {
            tracing::warn!(%error, "Events are not kept in the journal; streams have them");
        }
    }

    fn reopen(&mut self) {
        // Whoever reads may have opened what was not ours.
        *Arc::clone(&self.shared).reader() = None;
        self.open();
    }

    /// A reader met damage: looks for itself, on a new connection.
    fn reexamine(&mut self) {
        self.store = None;
        self.reopen();
        if let Some(store) = &mut self.store
            && let Err(error) = store.check()
            && error.is_damage()
        {
            self.begin_anew(&error);
            self.show();
        }
    }

    fn keep_house(&mut self) {
        self.kept_house = self.clock.monotonic();
        let until = self.age_limit();
        self.make_room(until, MAX_PRUNE_STEPS);
        self.show();
    }

    /// What was stored before it is too old; none while the clock is not to be trusted.
    fn age_limit(&mut self) -> Option<Timestamp> {
        let wall = self.steady.now(&*self.clock)?;
        wall.checked_sub(self.limits.keep).ok()
    }

    /// Lets the oldest go, in at most so many steps.
    fn make_room(&mut self, older_than: Option<Timestamp>, steps: usize) {
        for _ in 0..steps {
            match self.prune(older_than) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) => return self.failed(&error),
            }
        }
    }

    fn prune(&mut self, older_than: Option<Timestamp>) -> Result<usize, JournalError> {
        let Some(store) = &mut self.store else {
            return Ok(0);
        };
        let too_many = store.rows().saturating_sub(self.limits.rows);
        if too_many > 0 {
            let chunk = usize::try_from(too_many).unwrap_or(usize::MAX).min(PRUNE_CHUNK);
            return store.prune(chunk, None);
        }
        if store.bytes()? > self.limits.bytes {
            // Few of a small journal, so that what is left is not nothing.
            let chunk = usize::try_from(store.rows() / 16 + 1).unwrap_or(usize::MAX);
            return store.prune(chunk.min(PRUNE_CHUNK), None);
        }
        match older_than {
            Some(until) => store.prune(PRUNE_CHUNK, Some(until)),
            None => Ok(0),
        }
    }

    /// Lets others see how the journal is.
    fn show(&self) {
        let last = self.next.saturating_sub(1);
        let oldest = self.store.as_ref().and_then(Store::oldest);
        self.shared.newest.store(last, Ordering::SeqCst);
        (self.shared.oldest).store(oldest.unwrap_or(self.next), Ordering::SeqCst);
        if let Some(store) = &self.store {
            self.shared.rows.store(store.rows(), Ordering::Relaxed);
            if let Ok(bytes) = store.bytes() {
                self.shared.bytes.store(bytes, Ordering::Relaxed);
            }
        }
    }

    fn finish(mut self) {
        *Arc::clone(&self.shared).reader() = None;
        if let Some(store) = self.store.take()
            && let Err(error) = store.close(self.next.saturating_sub(1))
        {
            self.failed(&error);
        }
    }
}

impl Prepared {
    fn new(mut event: Event, public: bool) -> Self {
        let mut json = serde_json::to_string(&event).unwrap_or_default();
        if json.len() > MAX_EVENT_BYTES {
            event.data = json!({"truncated": true, "bytes": json.len()});
            json = serde_json::to_string(&event).unwrap_or_default();
        }
        Self { event, public, json }
    }
}

#[cfg(test)]
mod tests;
