//! Fragments into segments, segments into the cache and the index.

use super::{AssetWriter, Current, ORIGIN};
use crate::media::mp4::write::init_segment;
use crate::media::{StreamFormat, Ticks, TrackKind};
use crate::recording::asset::name::{Epoch, SegmentName};
use crate::recording::asset::segment::{OpenSegment, Sealed, Sealing};
use crate::recording::cache::Room;
use crate::recording::fragmenter::Fragment;
use crate::recording::index::{GapReason, NewSegment};
use crate::recording::storage::replace;
use crate::recording::{Notice, RecordingError};

/// More than the header of a fragment has beside its samples, in bytes.
const HEADER: u64 = 256;
/// What the header of a fragment has for each sample, in bytes.
const HEADER_OF_SAMPLE: u64 = 16;

/// How much of the budget a fragment takes. Sound stands in a file of its own until the segment is sealed, and for a moment
/// in both.
fn room_for(fragment: &Fragment) -> u64 {
    let samples = fragment.samples.len() as u64;
    let bytes = fragment
        .bytes
        .saturating_add(HEADER)
        .saturating_add(samples.saturating_mul(HEADER_OF_SAMPLE));
    match fragment.kind() {
        TrackKind::Video => bytes,
        TrackKind::Audio => bytes.saturating_mul(2),
    }
}

impl AssetWriter {
    pub(super) fn write_video(&mut self, fragment: &Fragment) -> Result<(), RecordingError> {
        let new_epoch = fragment.starts_epoch || self.losses.is_losing() || self.current.is_none();
        if new_epoch && !fragment.is_sync() {
            // What it would need is lost as well.
            self.lose(fragment, GapReason::Disk);
            return Ok(());
        }
        let retried = self
            .open
            .as_ref()
            .is_some_and(|open| open.video().samples == 0 && open.name.start == fragment.starts_at());
        if !retried && (new_epoch || self.is_full(fragment)) {
            self.seal(false)?;
        }
        let full = match self.make_room(fragment)? {
            Room::Made => None,
            Room::TooSmall => Some(GapReason::CacheFull),
            Room::Held => Some(GapReason::HeldFull),
        };
        if let Some(reason) = full {
            self.lose(fragment, reason);
            return Ok(());
        }
        self.place(fragment, new_epoch)
            .inspect_err(|_| self.give_back(fragment))?;
        let gap_end = fragment.starts_at();
        self.report_gap(gap_end);
        self.end = Some(fragment.ends_at());
        let length = fragment.ends_at().since(gap_end).0;
        self.totals.duration.0 = self.totals.duration.0.saturating_add(length);
        Ok(())
    }

    fn place(&mut self, fragment: &Fragment, new_epoch: bool) -> Result<(), RecordingError> {
        if self.open.is_none() {
            if new_epoch {
                self.begin_epoch(fragment)?;
            }
            self.begin_segment(fragment)?;
        }
        self.append(fragment)
    }

    fn is_full(&self, fragment: &Fragment) -> bool {
        let Some(open) = &self.open else { return false };
        let half = self.spec.budget.map(|budget| budget / 2);
        let after = self.reserved.saturating_add(room_for(fragment));
        if half.is_some_and(|half| after > half) {
            return true;
        }
        let length = fragment.starts_at().since(open.name.start);
        let wanted = self.spec.segment_length;
        // Half a fragment early is nearer to the wanted length than a fragment and a half late.
        let early = Ticks(wanted.0.saturating_sub(crate::media::TICKS_PER_SECOND / 2));
        (fragment.is_sync() && length >= early) || length.0 >= wanted.0.saturating_mul(2)
    }

    fn make_room(&mut self, fragment: &Fragment) -> Result<Room, RecordingError> {
        self.reserve(room_for(fragment))
    }

    pub(super) fn reserve(&mut self, bytes: u64) -> Result<Room, RecordingError> {
        let Some(budget) = self.spec.budget else {
            return Ok(Room::Made);
        };
        let room = self.cache.reserve(&self.spec.folder, bytes, budget)?;
        if room == Room::Made {
            self.reserved = self.reserved.saturating_add(bytes);
        }
        Ok(room)
    }

    pub(super) fn write_audio(&mut self, fragment: &Fragment) -> Result<(), RecordingError> {
        let start = self.current.as_ref().map(|current| current.start);
        let belongs = self.open.is_some() && start.is_some_and(|start| fragment.start >= start);
        if !belongs || self.losses.is_losing() || self.make_room(fragment)? != Room::Made {
            let units = fragment.samples.len() as u64;
            self.totals.dropped = self.totals.dropped.saturating_add(units);
            return Ok(());
        }
        let written = self
            .write_init(&fragment.format)
            .and_then(|()| self.append(fragment));
        written.inspect_err(|_| self.give_back(fragment))
    }

    /// The disk did not take it: it will ask for room again.
    fn give_back(&mut self, fragment: &Fragment) {
        if self.spec.budget.is_some() {
            let bytes = room_for(fragment);
            self.reserved = self.reserved.saturating_sub(bytes);
            self.cache.release(&self.spec.folder, bytes);
        }
    }

    fn append(&mut self, fragment: &Fragment) -> Result<(), RecordingError> {
        let (Some(open), Some(current)) = (&mut self.open, &mut self.current) else {
            return Ok(());
        };
        let (entry, bytes) = open.append(fragment, ORIGIN, self.cache.storage())?;
        self.cache.grew(&self.spec, current.id, &open.name, entry);
        current.written = true;
        self.totals.bytes = self.totals.bytes.saturating_add(bytes);
        self.totals.units = self.totals.units.saturating_add(fragment.samples.len() as u64);
        if !self.started {
            self.started = true;
            self.notices.push(Notice::Started {
                output: self.spec.name.clone(),
                at: fragment.starts_at(),
            });
        }
        Ok(())
    }

    fn begin_epoch(&mut self, fragment: &Fragment) -> Result<(), RecordingError> {
        // A second try after a failure takes the epoch that nothing was written to.
        let id = match &self.current {
            Some(current) if !current.written => current.id,
            _ => {
                let epoch = self.epoch(self.counter.saturating_add(1));
                let opened = self.cache.opened_now();
                let id = self.cache.index().begin_epoch(self.asset, &epoch, opened)?;
                self.counter = epoch.counter;
                self.cache.epoch_began(&self.spec, self.counter);
                id
            }
        };
        self.current = Some(Current {
            id,
            epoch: self.epoch(self.counter),
            start: fragment.start,
            video: false,
            audio: false,
            written: false,
        });
        Ok(())
    }

    fn epoch(&self, counter: u64) -> Epoch {
        Epoch {
            host: self.cache.host().to_owned(),
            counter,
        }
    }

    fn begin_segment(&mut self, fragment: &Fragment) -> Result<(), RecordingError> {
        self.cache.check_place(&self.spec.folder)?;
        if !self.dir.is_dir() {
            // Somebody has taken it away, and the init segments with it.
            let created = self.cache.storage().create_dir_all(&self.dir);
            created.map_err(RecordingError::io("create", &self.dir))?;
            if let Some(current) = &mut self.current {
                (current.video, current.audio) = (false, false);
            }
        }
        self.write_init(&fragment.format)?;
        let Some(current) = &self.current else {
            return Ok(());
        };
        let name = SegmentName {
            start: fragment.starts_at(),
            epoch: current.epoch.clone(),
        };
        self.open = Some(OpenSegment::create(&self.dir, name, self.cache.storage())?);
        Ok(())
    }

    /// On the disk, for recovery, and in the index, for whoever uploads.
    fn write_init(&mut self, format: &StreamFormat) -> Result<(), RecordingError> {
        let Some(current) = &mut self.current else {
            return Ok(());
        };
        let done = match format.kind {
            TrackKind::Video => &mut current.video,
            TrackKind::Audio => &mut current.audio,
        };
        if *done {
            return Ok(());
        }
        let path = self.dir.join(current.epoch.init(format.kind));
        let bytes = init_segment(format).map_err(RecordingError::media(&path))?;
        replace(self.cache.storage(), &path, &[&bytes], true).map_err(RecordingError::io("write", &path))?;
        self.cache.index().set_init(current.id, format.kind, &bytes)?;
        *done = true;
        Ok(())
    }

    /// As [`AssetWriter::seal`], where the disk may have gone away.
    pub(super) fn seal_again(&mut self) -> Result<(), RecordingError> {
        let sealed = self.seal(true);
        if sealed.is_err() && self.leave_what_is_gone()? {
            return Ok(());
        }
        sealed
    }

    /// The open segment's files do not stand under their names any more, though the right disk is there: it was pulled out and
    /// came back, or somebody has taken the folder away. What is there of the segment is finished as after a crash, and what
    /// follows stands in another. False when nothing of that kind has happened.
    pub(super) fn leave_what_is_gone(&mut self) -> Result<bool, RecordingError> {
        let (start, current) = match (&self.open, &self.sealing) {
            (_, Some(sealing)) => (sealing.start(), sealing.is_current()),
            (Some(open), None) => (open.name.start, open.is_current()),
            (None, None) => return Ok(false),
        };
        if current {
            return Ok(false);
        }
        self.cache.check_place(&self.spec.folder)?;
        tracing::warn!(
            asset = self.spec.name,
            "The segment that was being written is gone from its folder; another one is begun"
        );
        (self.open, self.sealing, self.current) = (None, None, None);
        self.cache.grown(&self.spec);
        self.release_reserved();
        if self.dir.is_dir() {
            self.cache.finish_what_is_left(&self.dir)?;
        }
        self.losses.blame_disk(self.cache.now());
        // What this writer had before may have been lost with it.
        let kept = self.cache.index().last_end(self.asset)?;
        let kept = kept.unwrap_or(start).max(start);
        self.end = self.end.map(|end| end.min(kept));
        Ok(true)
    }

    /// `last`: the media that follows, if any does, does not follow at once.
    pub(super) fn seal(&mut self, last: bool) -> Result<(), RecordingError> {
        match &self.open {
            // Its first fragment was never taken by the disk.
            Some(open) if open.video().samples == 0 => {
                open.discard(self.cache.storage())?;
                self.open = None;
                self.release_reserved();
                Ok(())
            }
            _ => {
                self.witness(last);
                if let Some(open) = self.open.take() {
                    self.sealing = Some(Sealing::new(open));
                }
                self.finish_sealing()
            }
        }
    }

    fn release_reserved(&mut self) {
        let reserved = std::mem::take(&mut self.reserved);
        self.cache.release(&self.spec.folder, reserved);
    }

    pub(super) fn finish_sealing(&mut self) -> Result<(), RecordingError> {
        let Some(sealing) = &mut self.sealing else {
            return Ok(());
        };
        let sealed = sealing.run(self.cache.storage())?;
        self.index_segment(&sealed)?;
        self.cache.grown(&self.spec);
        self.sealing = None;
        self.release_reserved();
        self.notices.push(Notice::SegmentSealed {
            path: sealed.path.clone(),
            start: sealed.name.start,
            end: sealed.end(),
            bytes: sealed.bytes,
        });
        Ok(())
    }

    fn index_segment(&self, sealed: &Sealed) -> Result<(), RecordingError> {
        // The epoch of a sealed segment is the current one: epochs change only when nothing is being sealed.
        let Some(current) = &self.current else {
            return Ok(());
        };
        let new = NewSegment {
            asset: self.asset,
            epoch: current.id,
            start: sealed.name.start,
            end: sealed.end(),
            bytes: sealed.bytes,
            video: sealed.video,
            audio: sealed.audio,
            fragments: &sealed.fragments,
            sha256: sealed.sha256,
            folder: &self.dir,
            detections: self.witness.sealing(),
        };
        self.cache.seal(&self.spec.store, &new)?;
        Ok(())
    }
}
