//! What the headers of fragments say of their samples.

use std::io::Cursor;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::media::mp4::read::{Fragments, Sample, Track};
use crate::media::{MediaTime, TrackKind};
use crate::playback::timeline::{Fragment, Run};
use crate::playback::{Playback, PlaybackError};

/// What the header of a fragment has at most beside its samples, in bytes.
const HEADER: u64 = 256;
/// What it has for each sample, in bytes.
const HEADER_OF_SAMPLE: u64 = 16;

impl Playback {
    /// The samples of a fragment; their places count from its first byte.
    pub(in crate::playback) async fn samples(
        self: &Arc<Self>,
        run: &Run,
        kind: TrackKind,
        fragment: &Fragment,
    ) -> Result<Vec<Sample>, PlaybackError> {
        let bytes = self.read(&fragment.source, kind, header(fragment)).await?;
        self.parse(run, kind, fragment, bytes)
    }

    /// The same of several fragments of one segment.
    pub(super) async fn samples_of<'t>(
        self: &Arc<Self>,
        run: &Run,
        group: &[(TrackKind, &'t Fragment)],
    ) -> Result<Vec<(TrackKind, &'t Fragment, Vec<Sample>)>, PlaybackError> {
        let Some((_, first)) = group.first() else {
            return Ok(Vec::new());
        };
        let ranges = group.iter().map(|(kind, fragment)| (*kind, header(fragment)));
        let headers = self.read_all(&first.source, &ranges.collect::<Vec<_>>()).await?;
        let read = group.iter().zip(headers);
        read.map(|((kind, fragment), bytes)| Ok((*kind, *fragment, self.parse(run, *kind, fragment, bytes)?)))
            .collect()
    }

    /// What cannot be read is lost, and a gap from now on.
    fn parse(
        &self,
        run: &Run,
        kind: TrackKind,
        fragment: &Fragment,
        header: Bytes,
    ) -> Result<Vec<Sample>, PlaybackError> {
        let tracks: Vec<Track> = run
            .init(kind)
            .map(|init| init.track.clone())
            .into_iter()
            .collect();
        let read = Fragments::new(Cursor::new(header), &tracks, 0..fragment.bytes).next();
        let why = match read {
            Some(Ok(read)) if is_one_piece(&read.samples) => return Ok(read.samples),
            Some(Err(error)) => error.to_string(),
            _ => "there is no fragment where the index has one".to_owned(),
        };
        let at = MediaTime::from_ticks(fragment.start);
        Err(self.lose(&fragment.source, &format!("at {at}: {why}")))
    }
}

/// Where the header of a fragment is in its track, and something of what stands behind it.
fn header(fragment: &Fragment) -> Range<u64> {
    let header = HEADER.saturating_add(fragment.samples.saturating_mul(HEADER_OF_SAMPLE));
    fragment.offset..fragment.offset.saturating_add(header.min(fragment.bytes))
}

/// Whether the bytes of samples lie one behind the other.
fn is_one_piece(samples: &[Sample]) -> bool {
    let pairs = samples.iter().zip(samples.iter().skip(1));
    pairs
        .into_iter()
        .all(|(one, next)| one.offset.checked_add(u64::from(one.size)) == Some(next.offset))
}
