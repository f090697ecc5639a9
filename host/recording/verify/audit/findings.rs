//! What can be wrong with a recording, and what was looked at and found.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::recording::index::SegmentId;

/// How closely files are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// Whether they are there, and nothing else is.
    Presence,
    /// Their sizes, too.
    #[default]
    Size,
    /// All of their bytes: SHA-256 and every sample.
    Content,
}

/// What is wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// The index has a segment of which there is no file.
    Missing,
    /// The file has another size.
    Size,
    /// The file has other bytes than were recorded, or cannot be read as media.
    Damaged,
    /// A segment that the index does not have.
    Unknown,
    /// A segment that was open when the host was cut off.
    Unfinished,
    /// An init segment is missing, without which segments cannot be played.
    Init,
    /// A file that nothing refers to any more.
    Garbage,
    /// A playlist is missing, or names what is not so.
    Playlist,
}

impl Kind {
    /// For people.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Missing => "the file is missing",
            Self::Size => "the file has another size",
            Self::Damaged => "the file is damaged",
            Self::Unknown => "the index does not know it",
            Self::Unfinished => "it was cut off",
            Self::Init => "the init segment is missing",
            Self::Garbage => "it is needed no more",
            Self::Playlist => "the playlist is wrong",
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The store that it belongs to.
    pub store: String,
    /// The asset; a folder of the cache when it is not known.
    pub asset: String,
    /// The file's name.
    pub file: String,
    /// What is wrong.
    pub problem: Kind,
    /// More about it.
    pub detail: String,
    /// It was put right.
    pub repaired: bool,
    /// The row that it is about.
    #[serde(skip)]
    pub segment: Option<SegmentId>,
}

/// What was looked at, and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Audit {
    /// Assets.
    pub assets: u64,
    /// Segments in the index.
    pub segments: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// What is wrong, by asset and file.
    pub findings: Vec<Finding>,
    /// What is wrong and not listed.
    pub more: u64,
    /// Stores that could not be looked at, and why.
    pub unreachable: BTreeMap<String, String>,
    /// It was stopped before its end.
    pub interrupted: bool,
}
