//! Reading the journal: a connection of its own, so that readers and the writer do not wait for each other.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, params_from_iter};

use super::store::{BUSY_TIMEOUT, SCHEMA_VERSION, failed};
use super::{Entry, JournalError};
use crate::events::{Event, Filter};

/// The most entries that one reading gives.
pub const MAX_PAGE_ENTRIES: usize = 20_000;
/// The most text that one reading gives; one entry more, at most.
pub const MAX_PAGE_BYTES: usize = 16 << 20;

/// A connection that only reads. Blocks: for threads that may.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
    path: PathBuf,
}

impl Reader {
    /// Opens the database; works beside a running host.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        if !path.exists() {
            return Err(JournalError::Missing(path.to_owned()));
        }
        let (connection, version) = connect(path).map_err(failed(path))?;
        if version != SCHEMA_VERSION {
            return Err(JournalError::Format {
                path: path.to_owned(),
                found: version,
                known: SCHEMA_VERSION,
            });
        }
        Ok(Self {
            connection,
            path: path.to_owned(),
        })
    }

    /// See [`Journal::after`](super::Journal::after).
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn after(&self, id: i64, filter: &Filter, limit: usize) -> Result<Vec<Entry>, JournalError> {
        // The sign keeps SQLite from choosing the index of instances, after which it would have to sort.
        let mut query = Query::new("id > ? AND public", vec![id.into()]);
        for pattern in [&filter.instance, &filter.within].into_iter().flatten() {
            // Only a star and a question mark mean something in our patterns.
            query.and(
                "+instance <> '' AND +instance GLOB ?",
                pattern.replace('[', "[[]").into(),
            );
        }
        if let Some(prefix) = &filter.event_type {
            query.and(
                "substr(event_type, 1, ?) = ?",
                (prefix.chars().count() as i64).into(),
            );
            query.values.push(prefix.clone().into());
        }
        if let Some(output) = &filter.output {
            query.and("output = ?", output.clone().into());
        }
        self.entries(&query, "id", limit.min(MAX_PAGE_ENTRIES))
    }

    /// See [`Journal::between`](super::Journal::between).
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn between(
        &self,
        instance: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Entry>, JournalError> {
        let values = vec![
            instance.to_owned().into(),
            from.as_microsecond().into(),
            to.as_microsecond().into(),
        ];
        let query = Query::new("instance IN ('', ?) AND at BETWEEN ? AND ?", values);
        self.entries(&query, "id", MAX_PAGE_ENTRIES)
    }

    /// The newest entries and notes of an instance (or of the host: ``""``) of some types before a moment, newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn latest(
        &self,
        instance: &str,
        before: Timestamp,
        types: &[&str],
        limit: usize,
    ) -> Result<Vec<Entry>, JournalError> {
        let mut values: Vec<Value> = vec![instance.to_owned().into(), before.as_microsecond().into()];
        values.extend(types.iter().map(|name| Value::from((*name).to_owned())));
        let places = vec!["?"; types.len()].join(", ");
        let query = Query::new(
            &format!("instance = ? AND at < ? AND event_type IN ({places})"),
            values,
        );
        self.entries(&query, "at DESC, id DESC", limit.min(MAX_PAGE_ENTRIES))
    }

    /// The first moment of which the journal knows anything; none when it is empty.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn oldest(&self) -> Result<Option<Timestamp>, JournalError> {
        let oldest = self.connection.query_row(
            "SELECT min(at) FROM (SELECT at FROM entry ORDER BY id LIMIT 100)",
            [],
            |row| row.get::<_, Option<i64>>(0),
        );
        let oldest = oldest.map_err(failed(&self.path))?;
        Ok(oldest.and_then(|at| Timestamp::from_microsecond(at).ok()))
    }

    /// The names of the instances that the journal knows.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn instances(&self) -> Result<Vec<String>, JournalError> {
        self.instance_names().map_err(failed(&self.path))
    }

    /// Jumps from name to name in the index instead of reading all of it.
    fn instance_names(&self) -> rusqlite::Result<Vec<String>> {
        let mut statement = (self.connection)
            .prepare("SELECT instance FROM entry WHERE instance > ?1 ORDER BY instance LIMIT 1")?;
        let mut names: Vec<String> = Vec::new();
        while names.len() < MAX_PAGE_ENTRIES {
            let last = names.last().map_or("", String::as_str);
            let mut rows = statement.query([last])?;
            let Some(row) = rows.next()? else {
                break;
            };
            let name = row.get(0)?;
            drop(rows);
            names.push(name);
        }
        Ok(names)
    }

    fn entries(&self, query: &Query, order: &str, limit: usize) -> Result<Vec<Entry>, JournalError> {
        let raw = self.raw(query, order, limit).map_err(failed(&self.path))?;
        Ok(raw.into_iter().filter_map(Raw::entry).collect())
    }

    fn raw(&self, query: &Query, order: &str, limit: usize) -> rusqlite::Result<Vec<Raw>> {
        let sql = format!(
            "SELECT id, public, output, event FROM entry WHERE {} ORDER BY {order} LIMIT {limit}",
            query.condition
        );
        let mut statement = self.connection.prepare(&sql)?;
        let mut rows = statement.query(params_from_iter(&query.values))?;
        let (mut found, mut bytes) = (Vec::new(), 0);
        while bytes < MAX_PAGE_BYTES
            && let Some(row) = rows.next()?
        {
            let raw = Raw {
                id: row.get(0)?,
                public: row.get(1)?,
                output: row.get(2)?,
                json: row.get(3)?,
            };
            bytes += raw.json.len();
            found.push(raw);
        }
        Ok(found)
    }
}

/// A condition and what stands for its question marks.
struct Query {
    condition: String,
    values: Vec<Value>,
}

impl Query {
    fn new(condition: &str, values: Vec<Value>) -> Self {
        Self {
            condition: condition.to_owned(),
            values,
        }
    }

    fn and(&mut self, condition: &str, value: Value) {
        self.condition.push_str(" AND ");
        self.condition.push_str(condition);
        self.values.push(value);
    }
}

struct Raw {
    id: i64,
    public: bool,
    output: Option<String>,
    json: String,
}

impl Raw {
    /// None when somebody else wrote it: nothing that we can read, and no reason to withhold the others.
    fn entry(self) -> Option<Entry> {
        let mut event: Event = serde_json::from_str(&self.json).ok()?;
        event.output = self.output.as_deref().map(Into::into);
        Some(Entry {
            id: self.id,
            event,
            public: self.public,
            output: self.output,
        })
    }
}

fn connect(path: &Path) -> rusqlite::Result<(Connection, i64)> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    let version = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok((connection, version))
}
