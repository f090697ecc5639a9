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
use super::timeline::{Fragment, Timeline};
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
    fragments: Vec<Place>,
}

/// Where a fragment is.
#[derive(Clone, Copy)]
struct Place {
    kind: TrackKind,
    /// Within its track.
    offset: u64,
    /// How large it is.
    bytes: u64,
}

/// Something that is not where it was looked for. It may have moved since.
struct Suspect {
    source: Arc<Source>,
    place: Place,
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
        look.fragments.push(Place {
            kind,
            offset: range.start,
            bytes: range.end.saturating_sub(range.start),
        });
        if self.loses(vec![look]).await {
            return Err(PlaybackError::lost(source));
        }
        Ok(())
    }

    async fn loses(self: &Arc<Self>, looks: Vec<Look>) -> bool {
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

    /// The file of a segment; none for what is being written, and for what only a cloud has.
    fn path(&self, look: &Look) -> Option<PathBuf> {
        let place = look.fragments.first().filter(|_| !look.source.growing)?;
        let beginning = place.offset..place.offset.saturating_add(BEGINNING.min(place.bytes));
        let (path, _) = self.file(&look.source, Part::Track(place.kind), &beginning)?;
        Some(path)
    }

    /// Reads it as a player would, wherever it is by now.
    async fn is_lost(self: &Arc<Self>, suspect: &Suspect) -> bool {
        let Place { kind, offset, bytes } = suspect.place;
        let end = offset.saturating_add(bytes);
        let ends = [
            offset..offset.saturating_add(BEGINNING.min(bytes)),
            end.saturating_sub(1)..end,
        ];
        let read = self
            .read_all(&suspect.source, &ends.map(|range| (kind, range)))
            .await;
        match read {
            Ok(read) if read.first().is_some_and(|beginning| begins(beginning, bytes)) => false,
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
    for run in &timeline.runs {
        for kind in [TrackKind::Video, TrackKind::Audio] {
            for fragments in run
                .of(kind)
                .chunk_by(|one, next| Arc::ptr_eq(&one.source, &next.source))
            {
                let Some(first) = fragments.first() else { continue };
                let place = *places.entry(Arc::as_ptr(&first.source)).or_insert(looks.len());
                if place == looks.len() {
                    looks.push(Look::new(&first.source));
                }
                if let Some(look) = looks.get_mut(place) {
                    look.add(kind, fragments, each);
                }
            }
        }
    }
    looks
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
        let places = fragments.iter().enumerate();
        let places = places.filter(|(number, _)| each || ends.contains(number));
        self.fragments.extend(places.map(|(_, one)| Place {
            kind,
            offset: one.offset,
            bytes: one.bytes,
        }));
    }

    /// The first fragment that is not in the file.
    fn suspect(self, path: &Path) -> Option<Suspect> {
        let file = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let is_there = |place: &Place| match &file {
            Ok((length, file)) => self.is_there(file, *length, *place).unwrap_or(false),
            Err(_) => false,
        };
        let place = *self.fragments.iter().find(|place| !is_there(place))?;
        Some(Suspect {
            source: self.source,
            place,
        })
    }

    fn is_there(&self, file: &File, length: u64, place: Place) -> io::Result<bool> {
        let start = self.source.range(place.kind).start.saturating_add(place.offset);
        if start.saturating_add(place.bytes) > length {
            return Ok(false);
        }
        let mut beginning = [0; BEGINNING as usize];
        file.read_exact_at(&mut beginning, start)?;
        Ok(begins(&beginning, place.bytes))
    }
}

/// Whether a fragment of this size begins like this.
fn begins(beginning: &[u8], bytes: u64) -> bool {
    let Some((size, kind)) = beginning.split_first_chunk() else {
        return false;
    };
    let size = u64::from(u32::from_be_bytes(*size));
    kind == FRAGMENT && (BEGINNING..=bytes).contains(&size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fragment_begins_with_a_box_of_its_kind_that_lies_within_it() {
        assert!(begins(b"\0\0\0\x40moof", 100));
        assert!(begins(b"\0\0\0\x40moof", 0x40));
        for (beginning, bytes) in [
            (&b"\0\0\0\x40moof"[..], 0x3f),
            (b"\0\0\0\x04moof", 100),
            (b"\0\0\0\x40mdat", 100),
            (b"\0\0\0\0\0\0\0\0", 100),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff", 100),
            (b"\0\0\0\x40moo", 100),
            (b"", 0),
        ] {
            assert!(!begins(beginning, bytes), "{beginning:?}");
        }
    }
}
