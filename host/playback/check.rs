//! Whether the media of a stretch is where the index has it, asked before a player is told of it: no player gets over a segment that a
//! list names and that is gone or is no media, so it must not stand in the list.
//!
//! Only files of this machine are looked at, and of each only what is quick: how long it is, and whether fragments begin where they
//! should. What lies within their samples is the decoder's matter.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::source::{Part, Source};
use super::timeline::{Fragment, Run, Timeline};
use super::{Playback, PlaybackError};
use crate::media::TrackKind;

/// Fragments whose beginnings are all looked at; of more, the first and the last of each segment are. One takes about 0.7 µs, and a day
/// has 43,200 of video.
const MAX_BEGINNINGS: usize = 4096;
/// Files that one thread looks at before another one helps.
const TOGETHER: usize = 64;
/// What is found at a time; the rest is found by who asks next.
const MAX_SUSPECTS: usize = 1024;
/// Looking takes no longer: a disk that sleeps or hangs is waited for by whoever reads media from it, and not for a list.
const PATIENCE: Duration = Duration::from_secs(1);
/// Of a fragment: the size and the type of its first box.
const BEGINNING: u64 = 8;
/// The type of that box (ISO/IEC 14496-12, 8.8.4).
const FRAGMENT: &[u8] = b"moof";

/// A segment, and what must be in its file.
pub(super) struct Look {
    source: Arc<Source>,
    fragments: Vec<Expected>,
}

/// Where a fragment is within a track.
type Expected = (TrackKind, Range<u64>);

/// Something that is not where it was looked for. It may have moved since.
struct Suspect {
    source: Arc<Source>,
    fragment: Expected,
}

impl Playback {
    /// Whether something of a timeline cannot be had as it stands there, and is left out from now on: then it is looked up again.
    pub(super) async fn leaves_out(self: &Arc<Self>, timeline: &Timeline) -> bool {
        self.loses(looks(timeline)).await
    }

    /// Looks whether there is a fragment within a track before it is sent; it may be the first of several.
    ///
    /// # Errors
    /// When there is none. The segment is left out from now on.
    pub(super) async fn expect(
        self: &Arc<Self>,
        source: &Arc<Source>,
        kind: TrackKind,
        range: &Range<u64>,
    ) -> Result<(), PlaybackError> {
        let mut look = Look::new(source);
        look.fragments.push((kind, range.clone()));
        if self.loses(vec![look]).await {
            return Err(PlaybackError::lost(source));
        }
        Ok(())
    }

    async fn loses(self: &Arc<Self>, mut looks: Vec<Look>) -> bool {
        // What is being written is the recorder's matter.
        looks.retain(|look| !look.source.growing);
        let Some(asset) = looks.first().map(|look| look.source.asset.name.clone()) else {
            return false;
        };
        let Ok(suspects) = tokio::time::timeout(PATIENCE, self.look(looks)).await else {
            tracing::warn!(
                asset,
                "The disk is too slow to tell whether what is recorded is there"
            );
            return false;
        };
        let mut any = false;
        for suspect in suspects.into_iter().take(MAX_SUSPECTS) {
            any |= self.is_lost(&suspect).await;
        }
        any
    }

    /// Looks at many files from two threads.
    async fn look(self: &Arc<Self>, mut looks: Vec<Look>) -> Vec<Suspect> {
        let half = looks.len().div_ceil(2).max(TOGETHER);
        let rest = looks.split_off(half.min(looks.len()));
        let (mut suspects, more) = tokio::join!(self.look_at(looks), self.look_at(rest));
        suspects.extend(more);
        suspects
    }

    /// Looks, on a thread that may block.
    async fn look_at(self: &Arc<Self>, looks: Vec<Look>) -> Vec<Suspect> {
        if looks.is_empty() {
            return Vec::new();
        }
        let Ok(turn) = Arc::clone(&self.looks).acquire_owned().await else {
            return Vec::new();
        };
        let playback = Arc::clone(self);
        let looking = tokio::task::spawn_blocking(move || {
            // It is given back when the disk has answered, however long that takes.
            let _turn = turn;
            let suspect = |look: Look| {
                let path = playback.path(&look)?;
                look.suspect(&path)
            };
            looks.into_iter().filter_map(suspect).collect()
        });
        looking.await.unwrap_or_default()
    }

    /// The file of a segment; none when only a cloud has it.
    fn path(&self, look: &Look) -> Option<PathBuf> {
        let (kind, range) = look.fragments.first()?;
        let (path, _) = self.file(&look.source, Part::Track(*kind), range)?;
        Some(path)
    }

    /// Reads it as a player would, wherever it is by now.
    async fn is_lost(self: &Arc<Self>, suspect: &Suspect) -> bool {
        let (kind, range) = &suspect.fragment;
        let first = range.start..range.end.min(range.start.saturating_add(BEGINNING));
        let last = range.end.saturating_sub(1)..range.end;
        let ends = [first, last].map(|range| (*kind, range));
        match self.read_all(&suspect.source, &ends).await {
            Ok(read) if read.first().is_some_and(|beginning| begins(beginning, range)) => false,
            Ok(_) => {
                self.lose(&suspect.source, "there is no fragment where the index has one");
                true
            }
            Err(PlaybackError::Lost { .. }) => true,
            // Nobody knows: who reads it is told why.
            Err(_) => false,
        }
    }
}

/// What to look at, in the order of time.
pub(super) fn looks(timeline: &Timeline) -> Vec<Look> {
    let count = timeline.runs.iter().map(|run| run.video.len() + run.audio.len());
    let each = count.sum::<usize>() <= MAX_BEGINNINGS;
    let mut looks: Vec<Look> = Vec::new();
    let mut places: HashMap<*const Source, usize> = HashMap::new();
    for (kind, fragments) in timeline.runs.iter().flat_map(of_segments) {
        let Some(first) = fragments.first() else { continue };
        let place = *places.entry(Arc::as_ptr(&first.source)).or_insert(looks.len());
        if place == looks.len() {
            looks.push(Look::new(&first.source));
        }
        if let Some(look) = looks.get_mut(place) {
            look.add(kind, fragments, each);
        }
    }
    looks
}

/// The fragments of each track by their segments.
fn of_segments(run: &Run) -> impl Iterator<Item = (TrackKind, &[Fragment])> {
    [TrackKind::Video, TrackKind::Audio].into_iter().flat_map(|kind| {
        let of_one = run
            .of(kind)
            .chunk_by(|one, next| Arc::ptr_eq(&one.source, &next.source));
        of_one.map(move |fragments| (kind, fragments))
    })
}

impl Look {
    fn new(source: &Arc<Source>) -> Self {
        Self {
            source: Arc::clone(source),
            fragments: Vec::new(),
        }
    }

    /// How many fragments are looked at.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.fragments.len()
    }

    /// Fragments of one track that follow one another: each, or the first and the last.
    fn add(&mut self, kind: TrackKind, fragments: &[Fragment], each: bool) {
        let ends = [0, fragments.len().saturating_sub(1)];
        let some = fragments.iter().enumerate();
        let some = some.filter(|(number, _)| each || ends.contains(number));
        let range = |one: &Fragment| one.offset..one.offset.saturating_add(one.bytes);
        self.fragments.extend(some.map(|(_, one)| (kind, range(one))));
    }

    /// The first fragment that is not in the file.
    fn suspect(self, path: &Path) -> Option<Suspect> {
        let file = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let is_there = |fragment: &Expected| match &file {
            Ok((length, file)) => self.is_there(file, *length, fragment).unwrap_or(false),
            Err(_) => false,
        };
        let fragment = self
            .fragments
            .iter()
            .find(|fragment| !is_there(fragment))?
            .clone();
        Some(Suspect {
            source: self.source,
            fragment,
        })
    }

    fn is_there(&self, file: &File, length: u64, (kind, range): &Expected) -> io::Result<bool> {
        let track = self.source.range(*kind).start;
        if track.saturating_add(range.end) > length {
            return Ok(false);
        }
        let mut beginning = [0; BEGINNING as usize];
        file.read_exact_at(&mut beginning, track.saturating_add(range.start))?;
        Ok(begins(&beginning, range))
    }
}

/// Whether a fragment of this length begins like this.
fn begins(beginning: &[u8], range: &Range<u64>) -> bool {
    let Some((size, kind)) = beginning.split_first_chunk() else {
        return false;
    };
    let size = u64::from(u32::from_be_bytes(*size));
    let bytes = range.end.saturating_sub(range.start);
    kind == FRAGMENT && (BEGINNING..=bytes).contains(&size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fragment_begins_with_a_box_of_its_kind_that_lies_within_it() {
        assert!(begins(b"\0\0\0\x40moof", &(7..107)));
        assert!(begins(b"\0\0\0\x40moof", &(0..0x40)));
        for (beginning, bytes) in [
            (&b"\0\0\0\x40moof"[..], 0x3f),
            (b"\0\0\0\x04moof", 100),
            (b"\0\0\0\x40mdat", 100),
            (b"\0\0\0\0\0\0\0\0", 100),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff", 100),
            (b"\0\0\0\x40moo", 100),
            (b"", 0),
        ] {
            assert!(!begins(beginning, &(0..bytes)), "{beginning:?}");
        }
    }
}
