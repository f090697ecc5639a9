//! The file beside the index: all holds as JSON.

use std::io::{self, Read as _};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::media::MediaTime;
use crate::recording::index::{HoldId, HoldRow};

/// A larger file is not ours: more than all holds with the longest names and reasons take.
const MAX_FILE_BYTES: u64 = 16 << 20;
/// The layout of the file.
const LAYOUT: u32 = 1;

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Copied {
    layout: u32,
    holds: Vec<Written>,
}

/// A hold in it. Times of media are ticks, so that not one is lost; times of the host are microseconds since 1970.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    id: i64,
    store: String,
    asset: String,
    start_ticks: u64,
    end_ticks: u64,
    reason: String,
    who: String,
    since_us: i64,
    until_us: Option<i64>,
}

impl From<&HoldRow> for Written {
    fn from(row: &HoldRow) -> Self {
        Self {
            id: row.id.0,
            store: row.store.clone(),
            asset: row.asset.clone(),
            start_ticks: row.start.ticks(),
            end_ticks: row.end.ticks(),
            reason: row.reason.clone(),
            who: row.who.clone(),
            since_us: row.since.as_microsecond(),
            until_us: row.until.map(Timestamp::as_microsecond),
        }
    }
}

impl Written {
    fn row(self) -> Result<HoldRow, jiff::Error> {
        Ok(HoldRow {
            id: HoldId(self.id),
            store: self.store,
            asset: self.asset,
            start: MediaTime::from_ticks(self.start_ticks),
            end: MediaTime::from_ticks(self.end_ticks),
            reason: self.reason,
            who: self.who,
            since: Timestamp::from_microsecond(self.since_us)?,
            until: self.until_us.map(Timestamp::from_microsecond).transpose()?,
        })
    }
}

/// What the file shall hold.
pub(super) fn text(holds: &[HoldRow]) -> io::Result<Vec<u8>> {
    let all = Copied {
        layout: LAYOUT,
        holds: holds.iter().map(Written::from).collect(),
    };
    serde_json::to_vec_pretty(&all).map_err(io::Error::other)
}

/// What the file has, by number; none when there is no file. `InvalidData`: it is none of ours.
pub(super) fn read(path: &Path) -> io::Result<Option<Vec<HoldRow>>> {
    let file = match std::fs::File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut text = Vec::new();
    file.take(MAX_FILE_BYTES).read_to_end(&mut text)?;
    let damaged = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
    let all: Copied = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
    if all.layout != LAYOUT {
        return Err(damaged(format!("it has layout {}, not {LAYOUT}", all.layout)));
    }
    let rows = all.holds.into_iter().map(Written::row);
    let mut rows: Vec<HoldRow> = rows
        .collect::<Result<_, _>>()
        .map_err(|error| damaged(error.to_string()))?;
    rows.sort_by_key(|one| one.id);
    Ok(Some(rows))
}
