//! Writes an asset: fragments into the open segment, segments into the cache, rows into the index.
//!
//! Invariants: an epoch is in the index before its first fragment is on the disk; within an epoch decode times rise; after a
//! loss a new epoch begins at a random access point; a failed flush changes nothing that the next one needs; what is lost is a
//! gap in the index as soon as the index takes it.

mod losses;
mod segments;
mod witness;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::losses::Losses;
use self::witness::Witness;
use super::name::Epoch;
use super::segment::{OpenSegment, Sealing};
use crate::media::{AccessUnit, MediaTime, TrackKind};
use crate::recording::cache::{AssetSpec, Cache};
use crate::recording::detections::Recent;
use crate::recording::fragmenter::{Fragment, Fragmenter};
use crate::recording::index::{AssetId, EpochId, GapReason};
use crate::recording::{Notice, Recorder, RecordingError, Totals};

/// Fragments that the disk does not take are kept up to so many bytes; then the oldest go.
const MAX_WAITING: u64 = 64 << 20;
/// Decode times count from the start of media time, not of the epoch: ffmpeg keeps one sample index over all of
/// a playlist, discontinuities or not, and loses samples whose times come twice.
const ORIGIN: u64 = 0;

/// The epoch that is being written.
#[derive(Debug)]
struct Current {
    id: EpochId,
    epoch: Epoch,
    start: u64,
    /// Which init segments stand on the disk and in the index.
    video: bool,
    audio: bool,
    written: bool,
}

/// Records into an asset.
#[derive(Debug)]
pub struct AssetWriter {
    cache: Arc<Cache>,
    spec: AssetSpec,
    asset: AssetId,
    dir: PathBuf,
    counter: u64,
    fragmenter: Fragmenter,
    waiting: VecDeque<Fragment>,
    waiting_bytes: u64,
    losses: Losses,
    current: Option<Current>,
    open: Option<OpenSegment>,
    /// Bytes of the sink's budget that the open segment has.
    reserved: u64,
    sealing: Option<Sealing>,
    end: Option<MediaTime>,
    notices: Vec<Notice>,
    totals: Totals,
    started: bool,
    /// The index knows that there is media in memory.
    known: bool,
    closed: bool,
    /// Room was made since the disk was full, to no avail so far.
    made_room: bool,
    /// What is seen of the camera.
    witness: Witness,
}

/// What [`Cache::open_asset`] has found out.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) asset: AssetId,
    pub(crate) dir: PathBuf,
    /// The highest epoch of this host in this asset.
    pub(crate) counter: u64,
    /// Where a crash has cut off what was recorded last.
    pub(crate) cut_off: Option<MediaTime>,
}

impl AssetWriter {
    pub(crate) fn new(cache: Arc<Cache>, spec: AssetSpec, opened: Opened) -> Self {
        Self {
            cache,
            spec,
            asset: opened.asset,
            dir: opened.dir,
            counter: opened.counter,
            fragmenter: Fragmenter::default(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            losses: Losses::after(opened.cut_off),
            current: None,
            open: None,
            reserved: 0,
            sealing: None,
            end: None,
            notices: Vec::new(),
            totals: Totals::default(),
            started: false,
            known: false,
            closed: false,
            made_room: false,
            witness: Witness::default(),
        }
    }

    /// The asset's folder in the cache.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The asset's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    fn enqueue(&mut self, fragments: Vec<Fragment>) {
        for fragment in fragments {
            self.waiting_bytes = self.waiting_bytes.saturating_add(fragment.bytes);
            self.waiting.push_back(fragment);
        }
        while self.waiting_bytes > MAX_WAITING && self.waiting.len() > 1 {
            if let Some(fragment) = self.waiting.pop_front() {
                self.waiting_bytes = self.waiting_bytes.saturating_sub(fragment.bytes);
                self.lose(&fragment, GapReason::Disk);
            }
        }
    }

    fn finish_fragments(&mut self) {
        let mut fragments = Vec::new();
        self.fragmenter.finish(&mut fragments);
        self.totals.dropped = self.totals.dropped.saturating_add(self.fragmenter.take_dropped());
        self.enqueue(fragments);
    }

    /// Writes what waits; what failed because the disk went away and came back goes on in a new segment.
    fn write_again(&mut self) -> Result<(), RecordingError> {
        let written = self.write_making_room();
        if written.is_err() && self.leave_what_is_gone()? {
            return self.write_making_room();
        }
        written
    }

    /// Writes what waits. A disk without room is treated as a full cache once: the oldest segment that waits here goes.
    fn write_making_room(&mut self) -> Result<(), RecordingError> {
        let written = self.write_waiting();
        if written.as_ref().is_err_and(RecordingError::is_full) {
            // The folder of this sink may have nothing that could go.
            self.cache.room_wanted().notify_one();
        }
        match written {
            Err(error) if error.is_full() && !self.made_room => {
                self.made_room = true;
                if !self.cache.drop_oldest(&self.spec.folder)? {
                    return Err(error);
                }
                self.write_waiting()?;
            }
            other => other?,
        }
        self.made_room = false;
        Ok(())
    }

    /// Since when there is media in memory that the index knows nothing of.
    fn unknown_since(&self) -> Option<MediaTime> {
        self.fragmenter.since().filter(|_| !self.known)
    }

    fn make_known(&mut self) -> Result<(), RecordingError> {
        if let Some(since) = self.unknown_since() {
            self.cache.index().begin_writing(self.asset, since, &self.dir)?;
            self.known = true;
        }
        Ok(())
    }

    /// Nothing is in memory any more.
    fn make_unknown(&mut self) -> Result<(), RecordingError> {
        if std::mem::take(&mut self.known) {
            self.cache.index().end_writing(self.asset)?;
        }
        Ok(())
    }

    fn write_waiting(&mut self) -> Result<(), RecordingError> {
        self.make_known()?;
        self.finish_sealing()?;
        while let Some(fragment) = self.waiting.pop_front() {
            let written = match fragment.kind() {
                TrackKind::Video => self.write_video(&fragment),
                TrackKind::Audio => self.write_audio(&fragment),
            };
            if let Err(error) = written {
                self.waiting.push_front(fragment);
                return Err(error);
            }
            self.waiting_bytes = self.waiting_bytes.saturating_sub(fragment.bytes);
        }
        self.note_gaps()
    }
}

impl Recorder for AssetWriter {
    fn push(&mut self, unit: &Arc<AccessUnit>) -> Result<bool, RecordingError> {
        if self.closed {
            return Err(RecordingError::Closed {
                output: self.spec.name.clone(),
            });
        }
        let mut fragments = Vec::new();
        self.fragmenter.push(unit, &mut fragments);
        self.enqueue(fragments);
        Ok(!self.waiting.is_empty() || self.unknown_since().is_some())
    }

    fn flush(&mut self) -> Result<Vec<Notice>, RecordingError> {
        self.write_again()?;
        Ok(std::mem::take(&mut self.notices))
    }

    fn pause(&mut self) -> Result<Vec<Notice>, RecordingError> {
        self.finish_fragments();
        self.write_again()?;
        self.seal_again()?;
        self.make_unknown()?;
        Ok(std::mem::take(&mut self.notices))
    }

    fn is_of_event(&mut self) {
        self.losses.forget_before();
    }

    fn watch(&mut self, recent: Arc<Recent>) {
        self.cache.watched(&self.spec, Arc::clone(&recent));
        self.witness.watch(recent);
    }

    fn missed(&mut self, start: MediaTime, end: MediaTime, units: u64) {
        self.losses.missed(start, end, units);
    }

    fn stalled_until(&mut self, until: MediaTime) {
        self.losses.blame_disk(until);
    }

    fn close(&mut self) -> Result<Vec<Notice>, RecordingError> {
        if self.closed {
            return Ok(Vec::new());
        }
        self.finish_fragments();
        self.write_again()?;
        self.seal_again()?;
        self.end_losses();
        self.note_gaps()?;
        self.make_unknown()?;
        self.closed = true;
        self.cache.closed(&self.spec, &self.dir);
        if self.started {
            self.notices.push(Notice::Stopped {
                output: self.spec.name.clone(),
                at: self.end.unwrap_or_default(),
                totals: self.totals,
            });
        }
        Ok(std::mem::take(&mut self.notices))
    }

    fn give_up(&mut self) {
        while let Some(fragment) = self.waiting.pop_front() {
            self.lose(&fragment, GapReason::Disk);
        }
        self.end_losses();
        if let Err(error) = self.note_gaps().and_then(|()| self.make_unknown()) {
            tracing::warn!(%error, asset = self.spec.name, "A gap cannot be noted in the index of recordings");
        }
    }
}

impl Drop for AssetWriter {
    fn drop(&mut self) {
        self.cache.release(&self.spec.folder, self.reserved);
        if !self.closed {
            self.cache.left_unfinished(&self.spec, &self.dir);
        }
    }
}
