//! Files and directories: what of them was synced, and what was done since.

use std::collections::BTreeMap;
use std::ffi::OsString;

use anyhow::Result;

/// Numbers a file or directory.
pub(super) type Id = usize;

/// What was done to a file or directory and not yet synced; the number counts all changes, so that what belongs
/// together has the same.
pub(super) type Pending<T> = Vec<(u64, T)>;

#[derive(Clone, Debug)]
pub(in super::super) enum Change {
    Write {
        at: u64,
        data: Vec<u8>,
    },
    /// Cuts or extends.
    Length(u64),
}

#[derive(Clone, Debug)]
pub(in super::super) enum Entry {
    Is(OsString, Id),
    Gone(OsString),
}

#[derive(Debug)]
pub(in super::super) enum Node {
    File {
        length: u64,
        synced: Vec<u8>,
        pending: Pending<Change>,
    },
    Directory {
        seen: BTreeMap<OsString, Id>,
        synced: BTreeMap<OsString, Id>,
        pending: Pending<Entry>,
    },
}

impl Node {
    pub(super) fn file() -> Self {
        Self::File {
            length: 0,
            synced: Vec::new(),
            pending: Vec::new(),
        }
    }

    pub(super) fn directory() -> Self {
        Self::Directory {
            seen: BTreeMap::new(),
            synced: BTreeMap::new(),
            pending: Vec::new(),
        }
    }
}

impl Change {
    /// Does it to a content.
    ///
    /// # Errors
    /// When the content would not fit into memory.
    pub(in super::super) fn apply(&self, content: &mut Vec<u8>) -> Result<()> {
        match self {
            Self::Length(length) => content.resize(usize::try_from(*length)?, 0),
            Self::Write { at, data } => {
                let begin = usize::try_from(*at)?;
                let end = begin + data.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                if let Some(place) = content.get_mut(begin..end) {
                    place.copy_from_slice(data);
                }
            }
        }
        Ok(())
    }
}

impl Entry {
    /// Does it to a directory.
    pub(in super::super) fn apply(&self, entries: &mut BTreeMap<OsString, Id>) {
        match self {
            Self::Is(name, id) => entries.insert(name.clone(), *id),
            Self::Gone(name) => entries.remove(name),
        };
    }
}

/// Takes what happened up to a number, oldest first.
pub(super) fn take<T>(pending: &mut Pending<T>, up_to: u64) -> Vec<T> {
    let (done, left): (Vec<_>, Vec<_>) = std::mem::take(pending)
        .into_iter()
        .partition(|(number, _)| *number <= up_to);
    *pending = left;
    done.into_iter().map(|(_, change)| change).collect()
}
