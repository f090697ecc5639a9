//! What is sent: pieces of media and of what is put around them, one behind the other, of a length that is known before.
//!
//! Invariant: nothing is read before it is sent, and of what is sent at most [`CHUNK`] bytes are in memory.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::Stream;
use futures::stream;
use tokio::sync::OwnedSemaphorePermit;

use super::source::Source;
use super::{Playback, PlaybackError};
use crate::media::TrackKind;

/// As much is read at a time, in bytes.
pub const CHUNK: u64 = 256 << 10;

/// Names what is sent: the same has the same name, also after a restart and on another host of this version.
#[must_use]
pub fn tag(what: &(impl Hash + ?Sized)) -> String {
    // Its keys are fixed, unlike those of a map.
    let mut hash = DefaultHasher::new();
    what.hash(&mut hash);
    format!("{:016x}", hash.finish())
}

/// A part of what is sent.
#[derive(Clone, Debug)]
pub enum Piece {
    /// In memory.
    Bytes(Bytes),
    /// A range of the track of a segment.
    Media {
        /// The segment.
        source: Arc<Source>,
        /// The track.
        kind: TrackKind,
        /// Within the track.
        range: Range<u64>,
    },
}

impl Piece {
    fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Media { range, .. } => range.end.saturating_sub(range.start),
        }
    }

    /// A part of it; `range` lies within it.
    fn cut(self, range: Range<u64>) -> Self {
        match self {
            Self::Bytes(bytes) => {
                let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
                Self::Bytes(bytes.slice(place(range.start)..place(range.end)))
            }
            Self::Media {
                source,
                kind,
                range: whole,
            } => Self::Media {
                source,
                kind,
                range: whole.start.saturating_add(range.start)..whole.start.saturating_add(range.end),
            },
        }
    }

    /// The first bytes of it, and what is left.
    fn split(self, at: u64) -> (Self, Option<Self>) {
        let length = self.length();
        if length <= at {
            return (self, None);
        }
        (self.clone().cut(0..at), Some(self.cut(at..length)))
    }
}

/// What is sent.
#[derive(Debug, Default)]
pub struct Content {
    pieces: VecDeque<Piece>,
    length: u64,
    /// Read with what was sent last.
    ready: VecDeque<Bytes>,
    /// Held until it is sent.
    place: Option<OwnedSemaphorePermit>,
}

impl Content {
    /// Of pieces in their order.
    #[must_use]
    pub fn new(pieces: impl IntoIterator<Item = Piece>) -> Self {
        let pieces: VecDeque<Piece> = pieces.into_iter().collect();
        Self {
            length: pieces.iter().map(Piece::length).sum(),
            pieces,
            ready: VecDeque::new(),
            place: None,
        }
    }

    /// Keeps a place until all of it is sent.
    #[must_use]
    pub fn holding(mut self, place: OwnedSemaphorePermit) -> Self {
        self.place = Some(place);
        self
    }

    /// In bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// A part of it.
    #[must_use]
    pub fn cut(self, range: &Range<u64>) -> Self {
        let mut at = 0_u64;
        let mut pieces = VecDeque::new();
        for piece in self.pieces {
            let whole = at..at.saturating_add(piece.length());
            at = whole.end;
            let (start, end) = (whole.start.max(range.start), whole.end.min(range.end));
            if start < end {
                pieces.push_back(piece.cut(start - whole.start..end - whole.start));
            }
        }
        Self {
            place: self.place,
            ..Self::new(pieces)
        }
    }

    /// Reads the beginning of it, so that what cannot be read is told before anything is sent; the rest is read when it is wanted.
    ///
    /// # Errors
    /// When the beginning cannot be read.
    pub async fn open(
        mut self,
        playback: Arc<Playback>,
    ) -> Result<impl Stream<Item = Result<Bytes, PlaybackError>> + Send + 'static, PlaybackError> {
        let first = self.next(&playback).await?;
        let begun = (self, playback, first);
        Ok(stream::try_unfold(
            begun,
            |(mut rest, playback, ready)| async move {
                let bytes = match ready {
                    Some(bytes) => Some(bytes),
                    None => rest.next(&playback).await?,
                };
                Ok(bytes.map(|bytes| (bytes, (rest, playback, None))))
            },
        ))
    }

    async fn next(&mut self, playback: &Arc<Playback>) -> Result<Option<Bytes>, PlaybackError> {
        if let Some(bytes) = self.ready.pop_front() {
            return Ok(Some(bytes));
        }
        let Some(piece) = self.pieces.pop_front() else {
            return Ok(None);
        };
        let (first, rest) = piece.split(CHUNK);
        if let Some(rest) = rest {
            self.pieces.push_front(rest);
        }
        match first {
            Piece::Bytes(bytes) => Ok(Some(bytes)),
            Piece::Media { source, kind, range } => {
                let ranges = self.with_next(&source, (kind, range));
                self.ready = playback.read_all(&source, &ranges).await?.into();
                Ok(self.ready.pop_front())
            }
        }
    }

    /// A range of a segment and those of the same segment behind it, [`CHUNK`] bytes at most.
    fn with_next(
        &mut self,
        source: &Arc<Source>,
        first: (TrackKind, Range<u64>),
    ) -> Vec<(TrackKind, Range<u64>)> {
        let mut bytes = first.1.end.saturating_sub(first.1.start);
        let mut ranges = vec![first];
        while let Some(Piece::Media {
            source: next,
            kind,
            range,
        }) = self.pieces.front()
            && Arc::ptr_eq(next, source)
        {
            bytes = bytes.saturating_add(range.end.saturating_sub(range.start));
            if bytes > CHUNK {
                break;
            }
            ranges.push((*kind, range.clone()));
            self.pieces.pop_front();
        }
        ranges
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::media::MediaTime;
    use crate::recording::asset::name::{Epoch, SegmentName};
    use crate::recording::index::{AssetId, AssetRow};

    #[test]
    fn the_same_has_the_same_tag_and_something_else_another() {
        let text = "#EXTM3U\n".repeat(1000);
        assert_eq!(tag(&text), tag(text.as_str()));
        assert_ne!(tag(&text), tag(&text[1..]));
        // Not told apart by what is put behind one another alone.
        assert_ne!(tag(&(vec![1, 2], vec![3])), tag(&(vec![1], vec![2, 3])));
    }

    #[test]
    fn what_one_segment_has_is_read_together_and_no_more_than_is_in_memory_at_a_time() {
        let segment = |start: u64| {
            Arc::new(Source {
                asset: Arc::new(AssetRow {
                    id: AssetId(1),
                    store: "local".into(),
                    name: "yard".into(),
                    owner: String::new(),
                    created: Timestamp::UNIX_EPOCH,
                    held: false,
                }),
                name: SegmentName {
                    epoch: Epoch::parse("host-1").unwrap(),
                    start: MediaTime::from_ticks(start),
                },
                folder: None,
                stored: false,
                growing: false,
                video: 0..CHUNK * 4,
                audio: CHUNK * 4..CHUNK * 5,
                behind: 0..0,
            })
        };
        let (one, other) = (segment(1), segment(2));
        let piece = |source: &Arc<Source>, kind, range: Range<u64>| Piece::Media {
            source: Arc::clone(source),
            kind,
            range,
        };
        let (video, audio) = (TrackKind::Video, TrackKind::Audio);
        let half = CHUNK / 2;
        let mut content = Content::new([
            piece(&one, audio, 0..10),
            piece(&one, video, half..CHUNK),
            piece(&one, video, CHUNK..CHUNK + half),
            piece(&other, video, 0..5),
            Piece::Bytes(Bytes::from_static(b"end")),
        ]);
        let first = content.with_next(&one, (video, 0..10));
        assert_eq!(first, [(video, 0..10), (audio, 0..10), (video, half..CHUNK)]);
        assert_eq!(content.pieces.len(), 3, "together more than a chunk");
        content.pieces.pop_front();
        let alone = content.with_next(&one, (video, 20..30));
        assert_eq!(alone, [(video, 20..30)], "another segment");
        content.pieces.pop_front();
        assert_eq!(
            content.with_next(&other, (video, 5..6)),
            [(video, 5..6)],
            "no media"
        );
    }

    #[test]
    fn a_part_of_pieces_is_cut_across_their_borders() {
        let piece = |text: &'static str| Piece::Bytes(Bytes::from_static(text.as_bytes()));
        let cut = |range: Range<u64>| {
            let content = Content::new([piece("abc"), piece(""), piece("defg"), piece("h")]).cut(&range);
            let bytes = |piece: &Piece| match piece {
                Piece::Bytes(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
                Piece::Media { .. } => unreachable!(),
            };
            let text: String = content.pieces.iter().map(bytes).collect();
            assert_eq!(content.length(), text.len() as u64);
            text
        };
        assert_eq!(cut(0..8), "abcdefgh");
        assert_eq!(cut(2..5), "cde");
        assert_eq!(cut(3..3), "");
        assert_eq!(cut(7..20), "h");
    }
}
