//! The database of the journal, as its one writer sees it.
//!
//! ```text
//! entry  id, at (of the event), kept_at (when it was stored), both in microseconds since the Unix epoch; public;
//!        instance ('' is the host); event_type; output; event (the whole line as JSON)
//! ids    one row: up to where numbers may have been given
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::{Entry, JournalError};
use crate::database::{self, Tuning};

/// The name of the database in the state directory.
pub const FILE_NAME: &str = "journal.db";
/// What is appended to the name of a database that is set aside. There is at most one: the newest.
pub const SET_ASIDE_SUFFIX: &str = ".damaged";

/// The format of the database.
pub(super) const SCHEMA_VERSION: i64 = 1;
/// How long to wait for a reader that is in the way; only a checkpoint ever is.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Numbers are set aside in blocks of this many, one commit to the disk each. After a crash the rest of a block is
/// left out.
const ID_BLOCK: i64 = 100_000;
/// The most entries that go in one transaction.
pub(super) const PRUNE_CHUNK: usize = 1_000;
/// The log of changes is cut back to this size once it has been larger.
const MAX_IDLE_LOG_BYTES: i64 = 16 << 20;

/// See [`crate::database`].
const MIGRATIONS: &[&str] = &["
    CREATE TABLE entry (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        kept_at INTEGER NOT NULL,
        public INTEGER NOT NULL,
        instance TEXT NOT NULL,
        event_type TEXT NOT NULL,
        output TEXT,
        event TEXT NOT NULL
    ) STRICT;
    CREATE INDEX entry_of_instance ON entry (instance, at, event_type);
    CREATE TABLE ids (one INTEGER PRIMARY KEY CHECK (one = 1), reserved INTEGER NOT NULL) STRICT;
    INSERT INTO ids VALUES (1, 0);
"];

/// The open database.
#[derive(Debug)]
pub(super) struct Store {
    connection: Connection,
    path: PathBuf,
    reserved: i64,
    rows: u64,
    oldest: Option<i64>,
    newest: i64,
}

/// An entry as it is stored.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) entry: &'a Entry,
    /// The event as JSON.
    pub(super) json: &'a str,
    pub(super) at: Timestamp,
}

impl Store {
    /// Opens, or makes, the database.
    pub(super) fn open(path: &Path) -> Result<Self, JournalError> {
        let tuning = Tuning {
            durable: false,
            idle_log: MAX_IDLE_LOG_BYTES,
            ..Tuning::default()
        };
        let connection = database::open_tuned(path, MIGRATIONS, tuning)?;
        Self::read(connection, path).map_err(failed(path))
    }

    fn read(connection: Connection, path: &Path) -> rusqlite::Result<Self> {
        let reserved = connection.query_row("SELECT reserved FROM ids", [], |row| row.get(0))?;
        let (rows, oldest, newest): (i64, Option<i64>, Option<i64>) =
            connection.query_row("SELECT count(*), min(id), max(id) FROM entry", [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?;
        Ok(Self {
            connection,
            path: path.to_owned(),
            reserved,
            rows: u64::try_from(rows).unwrap_or(0),
            oldest,
            newest: newest.unwrap_or(0),
        })
    }

    /// The first number that was never given.
    pub(super) fn next_id(&self) -> i64 {
        self.newest.max(self.reserved).saturating_add(1)
    }

    /// The number of the oldest entry that is kept.
    pub(super) fn oldest(&self) -> Option<i64> {
        self.oldest
    }

    /// How many entries are kept.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Makes sure that numbers from `next` on are known as given before they are: on the disk, so that they are not given
    /// again after a power cut.
    pub(super) fn reserve(&mut self, next: i64) -> Result<(), JournalError> {
        if next.saturating_add(ID_BLOCK / 2) <= self.reserved {
            return Ok(());
        }
        let until = next.saturating_add(ID_BLOCK);
        self.write_reserved(until).map_err(failed(&self.path))
    }

    /// Nothing after `last` was given: for the end.
    pub(super) fn close(mut self, last: i64) -> Result<(), JournalError> {
        self.write_reserved(last).map_err(failed(&self.path))
    }

    fn write_reserved(&mut self, until: i64) -> rusqlite::Result<()> {
        // In this mode a commit is on the disk when it returns.
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        let written = self.connection.execute("UPDATE ids SET reserved = ?1", [until]);
        self.connection.pragma_update(None, "synchronous", "NORMAL")?;
        written?;
        self.reserved = until;
        Ok(())
    }

    /// Stores entries: all of them or none.
    pub(super) fn insert(&mut self, rows: &[Row<'_>], now: Timestamp) -> Result<(), JournalError> {
        insert(&mut self.connection, rows, now).map_err(failed(&self.path))?;
        self.rows = self.rows.saturating_add(rows.len() as u64);
        if let (Some(first), Some(last)) = (rows.first(), rows.last()) {
            self.oldest.get_or_insert(first.entry.id);
            self.newest = last.entry.id;
        }
        Ok(())
    }

    /// Reads all of it, as nobody does at other times.
    pub(super) fn check(&self) -> Result<(), JournalError> {
        let verdict = (self.connection)
            .pragma_query_value(None, "quick_check", |row| row.get::<_, String>(0))
            .map_err(failed(&self.path))?;
        if verdict == "ok" {
            return Ok(());
        }
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
        Err(failed(&self.path)(rusqlite::Error::SqliteFailure(
            code,
            Some(verdict),
        )))
    }

    /// Lets the database grow no more, or again.
    #[cfg(test)]
    pub(super) fn fill_disk(&mut self, full: bool) {
        let pages = |name: &str| -> i64 {
            (self.connection)
                .pragma_query_value(None, name, |row| row.get(0))
                .unwrap_or(i64::MAX)
        };
        let most = if full { pages("page_count") } else { 1 << 30 };
        let set = format!("PRAGMA max_page_count = {most}");
        let _ = self.connection.query_row(&set, [], |_| Ok(()));
    }

    /// What the entries take on the disk: pages that are free again do not count, they are used next.
    pub(super) fn bytes(&self) -> Result<u64, JournalError> {
        let value = |name: &str| -> rusqlite::Result<i64> {
            self.connection.pragma_query_value(None, name, |row| row.get(0))
        };
        let pages =
            || Ok(value("page_count")?.saturating_sub(value("freelist_count")?) * value("page_size")?);
        let bytes: rusqlite::Result<i64> = pages();
        bytes
            .map(|bytes| u64::try_from(bytes).unwrap_or(0))
            .map_err(failed(&self.path))
    }

    /// Lets go of the oldest entries, at most [`PRUNE_CHUNK`]: `most` of them, or fewer if `older_than` is given and
    /// the next is not older. Gives how many went.
    pub(super) fn prune(
        &mut self,
        most: usize,
        older_than: Option<Timestamp>,
    ) -> Result<usize, JournalError> {
        let oldest = self
            .oldest_rows(most.min(PRUNE_CHUNK))
            .map_err(failed(&self.path))?;
        let until = older_than.map(Timestamp::as_microsecond);
        let going = oldest
            .iter()
            .take_while(|(_, kept_at)| until.is_none_or(|until| *kept_at < until));
        let Some((last, _)) = going.last() else {
            return Ok(0);
        };
        self.delete_up_to(*last).map_err(failed(&self.path))
    }

    fn oldest_rows(&self, most: usize) -> rusqlite::Result<Vec<(i64, i64)>> {
        let mut statement =
            (self.connection).prepare("SELECT id, kept_at FROM entry ORDER BY id LIMIT ?1")?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let rows = statement.query_map([most], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect()
    }

    fn delete_up_to(&mut self, id: i64) -> rusqlite::Result<usize> {
        let gone = self
            .connection
            .execute("DELETE FROM entry WHERE id <= ?1", [id])?;
        self.rows = self.rows.saturating_sub(gone as u64);
        self.oldest = self
            .connection
            .query_row("SELECT min(id) FROM entry", [], |row| row.get(0))?;
        Ok(gone)
    }
}

fn insert(connection: &mut Connection, rows: &[Row<'_>], now: Timestamp) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    {
        let mut statement =
            transaction.prepare("INSERT INTO entry VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
        for row in rows {
            let event = &row.entry.event;
            statement.execute(params![
                row.entry.id,
                row.at.as_microsecond(),
                now.as_microsecond(),
                row.entry.public,
                event.instance().unwrap_or_default(),
                event.event_type,
                row.entry.output,
                row.json,
            ])?;
        }
    }
    transaction.commit()
}

/// Puts a damaged database out of the way, with what belongs to it; one that was set aside before goes.
pub(super) fn set_aside(path: &Path) -> std::io::Result<PathBuf> {
    let named = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let aside = named(SET_ASIDE_SUFFIX);
    fs::rename(path, &aside)?;
    for suffix in ["-wal", "-shm"] {
        match fs::remove_file(named(suffix)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(aside)
}

pub(super) fn failed(path: &Path) -> impl FnOnce(rusqlite::Error) -> JournalError {
    let path = path.to_owned();
    move |source| JournalError::Database { path, source }
}
