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
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::source::{Part, Source};
use super::timeline::{Fragment, Timeline};
use super::{Playback, PlaybackError};
use crate::media::TrackKind;

/// Fragments whose beginnings are all looked at; of more, the first and the last of each segment are. One takes about 0.7 µs, and a day
/// has 43,200 of video.
const MAX_BEGINNINGS: usize = 4096;
/// What is found at a time; the rest is found by who asks next.
const MAX_SUSPECTS: usize = 1024;
/// Looking takes no longer: a disk that sleeps or hangs is waited for by whoever reads media from it, and not for a list.
const PATIENCE: Duration = Duration::from_secs(1);
/// Of a fragment: the size and the type of its first box.
const BEGINNING: u64 = 8;
/// The type of that box (ISO/IEC 14496-12, 8.8.4).
const FRAGMENT: &[u8] = b"moof";

/// A file, and what must be in it.
struct Look {
    source: Arc<Source>,
    path: PathBuf,
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
        self.loses(self.looks(timeline)).await
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
        let Some(mut look) = self.new_look(source, kind) else {
            return Ok(());
        };
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
        for suspect in suspects {
            any |= self.is_lost(&suspect).await;
        }
        any
    }

    /// Where to look. What is being written is not looked at, nor what only a cloud has.
    fn looks(&self, timeline: &Timeline) -> Vec<Look> {
        let count = timeline.runs.iter().map(|run| run.video.len() + run.audio.len());
        let each = count.sum::<usize>() <= MAX_BEGINNINGS;
        let mut looks: HashMap<*const Source, Look> = HashMap::new();
        for run in &timeline.runs {
            for kind in [TrackKind::Video, TrackKind::Audio] {
                let of_segments = run
                    .of(kind)
                    .chunk_by(|one, next| Arc::ptr_eq(&one.source, &next.source));
                for fragments in of_segments {
                    self.look_at(kind, fragments, each, &mut looks);
                }
            }
        }
        looks.into_values().collect()
    }

    /// Adds the fragments of one track of a segment.
    fn look_at(
        &self,
        kind: TrackKind,
        fragments: &[Fragment],
        each: bool,
        looks: &mut HashMap<*const Source, Look>,
    ) {
        let (Some(first), Some(last)) = (fragments.first(), fragments.last()) else {
            return;
        };
        let source = &first.source;
        let known = looks
            .remove(&Arc::as_ptr(source))
            .or_else(|| self.new_look(source, kind));
        let Some(mut look) = known else { return };
        let place = |one: &Fragment| Place {
            kind,
            offset: one.offset,
            bytes: one.bytes,
        };
        if each {
            look.fragments.extend(fragments.iter().map(place));
        } else {
            look.fragments.extend([place(first), place(last)]);
        }
        looks.insert(Arc::as_ptr(source), look);
    }

    fn new_look(&self, source: &Arc<Source>, kind: TrackKind) -> Option<Look> {
        let beginning = 0..BEGINNING.min(source.length(kind));
        let (path, _) = self
            .file(source, Part::Track(kind), &beginning)
            .filter(|_| !source.growing)?;
        Some(Look {
            source: Arc::clone(source),
            path,
            fragments: Vec::new(),
        })
    }

    /// Looks, on a thread that may block; nothing is suspected when too many hang there already.
    async fn look(&self, looks: Vec<Look>) -> Vec<Suspect> {
        let Ok(turn) = Arc::clone(&self.looks).acquire_owned().await else {
            return Vec::new();
        };
        let looking = tokio::task::spawn_blocking(move || {
            // It is given back when the disk has answered, however long that takes.
            let _turn = turn;
            let suspects = looks.into_iter().filter_map(Look::suspect);
            suspects.take(MAX_SUSPECTS).collect()
        });
        looking.await.unwrap_or_default()
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

impl Look {
    /// The first fragment that is not there.
    fn suspect(self) -> Option<Suspect> {
        let file = File::open(&self.path).and_then(|file| Ok((file.metadata()?.len(), file)));
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
