//! The segments that an index knows, read by another SQLite than the host's own: Python's.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::measure::recordings::{Content, Key};

/// The database in a state directory.
pub(super) const FILE: &str = "index.db";
/// What belongs to a database: it is read from copies, for reading changes it.
pub(super) const WITH: [&str; 2] = ["", "-wal"];

/// Says first whether the database is sound, then a line for each segment. The name of a segment is its first moment to
/// the microsecond, rounded up from ticks of 90 kHz, and its epoch.
const SCRIPT: &str = r#"
import sqlite3, sys, datetime
database = sqlite3.connect(sys.argv[1])
print(database.execute("PRAGMA integrity_check").fetchone()[0])
known = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
if not {"segment", "epoch", "asset"} <= known:
    sys.exit()
start = datetime.datetime(1970, 1, 1)
for name, ticks, host, counter, size, digest in database.execute(
        "SELECT asset.name, segment.start, epoch.host, epoch.counter, segment.bytes, hex(segment.sha256) FROM segment"
        " JOIN epoch ON epoch.id = segment.epoch JOIN asset ON asset.id = segment.asset"):
    at = start + datetime.timedelta(microseconds=-(-ticks * 100 // 9))
    import json
    print(json.dumps({"asset": name, "file": at.strftime("%Y%m%dT%H%M%S.%fZ-") + f"{host}-{counter}.m4s",
                      "bytes": size, "sha256": digest}))
"#;

#[derive(Debug, Deserialize)]
struct Row {
    asset: String,
    file: String,
    bytes: u64,
    sha256: String,
}

/// What an index holds.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// SQLite's own complaint.
    pub(super) unsound: Option<String>,
    pub(super) segments: Vec<(Key, Content)>,
}

/// Reads a database, which it may change.
///
/// # Errors
/// Without Python, or when the tables are not those that are known here.
pub(super) fn read(database: &Path) -> Result<Rows> {
    let output = Command::new("python3")
        .args(["-c", SCRIPT])
        .arg(database)
        .output()
        .context("cannot run `python3`\nhint: apt-get install python3")?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let last = said.lines().last().unwrap_or_default().to_owned();
        // The database itself is what is being tested; anything else is our mistake.
        if last.contains("sqlite3.DatabaseError") {
            return Ok(Rows {
                unsound: Some(last),
                ..Rows::default()
            });
        }
        bail!("the index cannot be read: {said}");
    }
    parse(&String::from_utf8_lossy(&output.stdout))
}

fn parse(text: &str) -> Result<Rows> {
    let (sound, rows) = text.split_once('\n').context("nothing was read")?;
    let mut segments = Vec::new();
    for line in rows.lines() {
        let row: Row = serde_json::from_str(line).with_context(|| format!("the row {line}"))?;
        let content = Content {
            bytes: row.bytes,
            sha256: digest(&row.sha256).context("no SHA-256")?,
        };
        let key = Key {
            asset: row.asset,
            file: row.file,
        };
        segments.push((key, content));
    }
    Ok(Rows {
        unsound: (sound != "ok").then(|| sound.to_owned()),
        segments,
    })
}

fn digest(hex: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    for (index, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(index * 2..index * 2 + 2)?, 16).ok()?;
    }
    (hex.len() == 64).then_some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_by_python_and_named_as_the_host_names_them() {
        let folder = crate::measure::recordings::tests::folder("rows");
        let database = folder.join(FILE);
        // 2026-11-20T22:55:35.123456Z, which is no whole number of ticks.
        let make = "import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1])\ndb.executescript(\"\"\"
            CREATE TABLE asset (id INTEGER, name TEXT); INSERT INTO asset VALUES (1, 'door');
            CREATE TABLE epoch (id INTEGER, host TEXT, counter INTEGER); INSERT INTO epoch VALUES (2, 'host', 7);
            CREATE TABLE segment (asset INTEGER, epoch INTEGER, start INTEGER, bytes INTEGER, sha256 BLOB);
            INSERT INTO segment VALUES (1, 2, 161569380161111, 5, zeroblob(32));\"\"\")";
        let made = Command::new("python3").args(["-c", make]).arg(&database).status();
        assert!(made.unwrap().success());
        let rows = read(&database).unwrap();
        assert_eq!(rows.unsound, None);
        let [(key, content)] = rows.segments.as_slice() else {
            panic!("{rows:?}")
        };
        assert_eq!(
            (key.asset.as_str(), key.file.as_str()),
            ("door", "20261120T225535.123456Z-host-7.m4s")
        );
        assert_eq!((content.bytes, content.sha256), (5, [0; 32]));
        std::fs::write(&database, [7; 8192]).unwrap();
        assert!(read(&database).unwrap().unsound.is_some());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
