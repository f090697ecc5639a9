//! Reading the log, the newest first.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use jiff::Timestamp;

use super::{AuditError, Entry, FILE, FILE_BYTES, KEPT};
use crate::rotation::aside;

/// Entries of an answer when nobody says how many.
pub const PAGE: u32 = 200;
/// The most entries of an answer.
pub const MAX_PAGE: u32 = 1000;

/// Which entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// From when on.
    pub since: Option<Timestamp>,
    /// Until when.
    pub until: Option<Timestamp>,
    /// Only about this recording.
    pub asset: Option<String>,
    /// At most so many.
    pub limit: u32,
}

impl Question {
    fn wants(&self, entry: &Entry) -> bool {
        let Ok(time) = entry.time.parse::<Timestamp>() else {
            return false;
        };
        self.since.is_none_or(|since| since <= time)
            && self.until.is_none_or(|until| time < until)
            && self.asset.as_ref().is_none_or(|asset| *asset == entry.asset)
    }
}

/// The newest entries of the log in a folder that are asked for, the newest first. A line that is none is left out: a power cut
/// may have cut it off. Works beside whoever writes. Blocks.
///
/// # Errors
/// When a file is there and cannot be read.
pub fn read(folder: &Path, question: &Question) -> Result<Vec<Entry>, AuditError> {
    let path = folder.join(FILE);
    let failed = |source| AuditError {
        action: "read",
        path: path.clone(),
        source,
    };
    let mut found = Vec::new();
    for file in open_all(&path).map_err(failed)? {
        let mut bytes = Vec::new();
        // A little more than a full one: the last line may reach over it.
        file.take(FILE_BYTES.saturating_mul(2))
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        let lines = bytes.split(|byte| *byte == b'\n').rev();
        let entries = lines.filter_map(|line| serde_json::from_slice::<Entry>(line).ok());
        for entry in entries.filter(|entry| question.wants(entry)) {
            if found.len() >= question.limit as usize {
                return Ok(found);
            }
            found.push(entry);
        }
    }
    Ok(found)
}

/// The files there are, the newest first; all opened before any is read, so that one that is put aside meanwhile is not read
/// twice.
fn open_all(path: &Path) -> io::Result<Vec<File>> {
    let mut files: Vec<(u64, File)> = Vec::new();
    let names = std::iter::once(path.to_owned()).chain((1..=KEPT).map(|number| aside(path, number)));
    for name in names {
        match File::open(&name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => {
                let file = opened?;
                let inode = file.metadata()?.ino();
                if files.iter().all(|(known, _)| *known != inode) {
                    files.push((inode, file));
                }
            }
        }
    }
    Ok(files.into_iter().map(|(_, file)| file).collect())
}
