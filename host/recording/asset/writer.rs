//! Writes an asset: fragments into the open segment, segments into the folder, entries into the playlists.
//!
//! Invariants: an epoch is on the disk before its first fragment; within an epoch decode times rise; after a
//! loss a new epoch begins at a random access point; a failed flush changes nothing that the next one needs.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use super::lock::Lock;
use super::name::{self, Epoch, SegmentName};
use super::playlist::{Day, Inits};
use super::recover;
use super::scan;
use super::segment::{OpenSegment, Sealing};
use crate::media::mp4::write::init_segment;
use crate::media::{AccessUnit, MediaTime, StreamFormat, Ticks, TrackKind};
use crate::recording::fragmenter::{Fragment, Fragmenter};
use crate::recording::storage::{Storage, replace};
use crate::recording::{Notice, Recorder, RecordingError, Totals};

/// Fragments that the disk does not take are kept up to so many bytes; then the oldest go.
const MAX_WAITING: u64 = 64 << 20;
/// Decode times count from the start of media time, not of the epoch: ffmpeg keeps one sample index over all of
/// a playlist, discontinuities or not, and loses samples whose times come twice.
const ORIGIN: u64 = 0;
/// What holds the epoch's counter.
const COUNTER: &str = ".epoch";

/// Where and how an asset is written.
#[derive(Clone, Debug)]
pub struct AssetOptions {
    /// The folder of all assets.
    pub root: PathBuf,
    /// The asset's folder in it.
    pub name: String,
    /// Who writes: letters, digits, `-` and `_`.
    pub host: String,
    /// A segment ends at the first random access point after so long; without one after twice of it.
    pub segment_length: Ticks,
}

/// The epoch that is being written.
#[derive(Debug)]
struct Current {
    epoch: Epoch,
    start: u64,
    inits: Inits,
    written: bool,
}

/// Records into an asset.
#[derive(Debug)]
pub struct AssetWriter {
    options: AssetOptions,
    dir: PathBuf,
    storage: Arc<dyn Storage>,
    lock: Option<Lock>,
    counter: u64,
    fragmenter: Fragmenter,
    waiting: VecDeque<Fragment>,
    waiting_bytes: u64,
    lost: Option<(MediaTime, u64)>,
    current: Option<Current>,
    open: Option<OpenSegment>,
    sealing: Option<Sealing>,
    day: Option<Day>,
    unlisted: Option<MediaTime>,
    end: Option<MediaTime>,
    notices: Vec<Notice>,
    totals: Totals,
    started: bool,
    available: bool,
}

impl AssetWriter {
    /// Opens an asset, or creates it; seals what a crash has left open.
    ///
    /// # Errors
    /// When the name is not allowed, somebody else writes the asset, or the disk refuses.
    pub fn open(options: AssetOptions, storage: Arc<dyn Storage>) -> Result<Self, RecordingError> {
        name::check_asset(&options.name)?;
        name::check_host(&options.host)?;
        let dir = options.root.join(&options.name);
        storage
            .create_dir_all(&dir)
            .map_err(RecordingError::io("create", &dir))?;
        let lock = Lock::take(&dir, &options.host)?;
        let recovered = recover::recover(&dir, &options.name, storage.as_ref())?;
        let counter = recover::last_counter(&dir, COUNTER, &options.host)?;
        Ok(Self {
            options,
            dir,
            storage,
            lock: Some(lock),
            counter,
            fragmenter: Fragmenter::default(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            lost: None,
            current: None,
            open: None,
            sealing: None,
            day: recovered.day,
            unlisted: None,
            end: None,
            notices: recovered.notices,
            totals: Totals::default(),
            started: false,
            available: false,
        })
    }

    /// The asset's folder.
    #[must_use]
    pub fn dir(&self) -> &std::path::Path {
        &self.dir
    }

    fn enqueue(&mut self, fragments: Vec<Fragment>) {
        for fragment in fragments {
            self.waiting_bytes = self.waiting_bytes.saturating_add(fragment.bytes);
            self.waiting.push_back(fragment);
        }
        while self.waiting_bytes > MAX_WAITING && self.waiting.len() > 1 {
            if let Some(fragment) = self.waiting.pop_front() {
                self.waiting_bytes = self.waiting_bytes.saturating_sub(fragment.bytes);
                self.lose(&fragment);
            }
        }
    }

    fn lose(&mut self, fragment: &Fragment) {
        let units = fragment.samples.len() as u64;
        self.totals.dropped = self.totals.dropped.saturating_add(units);
        let (_, lost) = self.lost.get_or_insert((fragment.starts_at(), 0));
        *lost = lost.saturating_add(units);
    }

    fn write_waiting(&mut self) -> Result<(), RecordingError> {
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
        Ok(())
    }

    fn write_video(&mut self, fragment: &Fragment) -> Result<(), RecordingError> {
        let new_epoch = fragment.starts_epoch || self.lost.is_some() || self.current.is_none();
        if new_epoch && !fragment.is_sync() {
            self.lose(fragment);
            return Ok(());
        }
        let retried = self
            .open
            .as_ref()
            .is_some_and(|open| open.video().samples == 0 && open.name.start == fragment.starts_at());
        if !retried && (new_epoch || self.is_full(fragment)) {
            self.seal()?;
        }
        if self.open.is_none() {
            if new_epoch {
                self.begin_epoch(fragment)?;
            }
            self.begin_segment(fragment)?;
        }
        self.append(fragment)?;
        let gap_end = fragment.starts_at();
        self.report_gap(gap_end);
        self.end = Some(fragment.ends_at());
        self.totals.duration.0 = self
            .totals
            .duration
            .0
            .saturating_add(fragment.ends_at().since(gap_end).0);
        Ok(())
    }

    fn is_full(&self, fragment: &Fragment) -> bool {
        let Some(open) = &self.open else { return false };
        let length = fragment.starts_at().since(open.name.start);
        let wanted = self.options.segment_length;
        // Half a fragment early is nearer to the wanted length than a fragment and a half late.
        let early = Ticks(wanted.0.saturating_sub(crate::media::TICKS_PER_SECOND / 2));
        (fragment.is_sync() && length >= early) || length.0 >= wanted.0.saturating_mul(2)
    }

    fn write_audio(&mut self, fragment: &Fragment) -> Result<(), RecordingError> {
        let start = self.current.as_ref().map(|current| current.start);
        let belongs = self.open.is_some() && start.is_some_and(|start| fragment.start >= start);
        if !belongs || self.lost.is_some() {
            let units = fragment.samples.len() as u64;
            self.totals.dropped = self.totals.dropped.saturating_add(units);
            return Ok(());
        }
        self.write_init(&fragment.format)?;
        self.append(fragment)
    }

    fn append(&mut self, fragment: &Fragment) -> Result<(), RecordingError> {
        let (Some(open), Some(current)) = (&mut self.open, &mut self.current) else {
            return Ok(());
        };
        let bytes = open.append(fragment, ORIGIN, self.storage.as_ref())?;
        current.written = true;
        self.totals.bytes = self.totals.bytes.saturating_add(bytes);
        self.totals.units = self.totals.units.saturating_add(fragment.samples.len() as u64);
        if !self.started {
            self.started = true;
            self.notices.push(Notice::Started {
                output: self.options.name.clone(),
                at: fragment.starts_at(),
            });
        }
        Ok(())
    }

    fn report_gap(&mut self, until: MediaTime) {
        let lost = self.lost.take();
        let start = lost.map(|(start, _)| start).or(self.end);
        if let Some(start) = start.filter(|start| *start < until) {
            self.notices.push(Notice::Gap {
                output: self.options.name.clone(),
                start,
                end: until,
                units: lost.map_or(0, |(_, units)| units),
            });
        }
    }

    fn begin_epoch(&mut self, fragment: &Fragment) -> Result<(), RecordingError> {
        // A second try after a failure takes the epoch that nothing was written to.
        if self.current.as_ref().is_none_or(|current| current.written) {
            let counter = self.counter.saturating_add(1);
            let path = self.dir.join(COUNTER);
            let text = format!("{counter}\n");
            replace(self.storage.as_ref(), &path, &[text.as_bytes()], true)
                .map_err(RecordingError::io("write", &path))?;
            self.counter = counter;
        }
        self.current = Some(Current {
            epoch: Epoch {
                host: self.options.host.clone(),
                counter: self.counter,
            },
            start: fragment.start,
            inits: Inits::default(),
            written: false,
        });
        Ok(())
    }

    fn begin_segment(&mut self, fragment: &Fragment) -> Result<(), RecordingError> {
        self.write_init(&fragment.format)?;
        let Some(current) = &self.current else {
            return Ok(());
        };
        let name = SegmentName {
            start: fragment.starts_at(),
            epoch: current.epoch.clone(),
        };
        self.open = Some(OpenSegment::create(&self.dir, name, self.storage.as_ref())?);
        Ok(())
    }

    fn write_init(&mut self, format: &StreamFormat) -> Result<(), RecordingError> {
        let Some(current) = &mut self.current else {
            return Ok(());
        };
        let slot = match format.kind {
            TrackKind::Video => &mut current.inits.video,
            TrackKind::Audio => &mut current.inits.audio,
        };
        if slot.is_some() {
            return Ok(());
        }
        let path = self.dir.join(current.epoch.init(format.kind));
        let bytes = init_segment(format).map_err(RecordingError::media(&path))?;
        replace(self.storage.as_ref(), &path, &[&bytes], true).map_err(RecordingError::io("write", &path))?;
        *slot = scan::init(&path)?.into_iter().next();
        Ok(())
    }

    fn seal(&mut self) -> Result<(), RecordingError> {
        match self.open.take() {
            // Its first fragment was never taken by the disk.
            Some(open) if open.video().samples == 0 => open.discard(self.storage.as_ref()),
            open => {
                self.sealing = open.map(Sealing::new);
                self.finish_sealing()
            }
        }
    }

    fn finish_sealing(&mut self) -> Result<(), RecordingError> {
        let Some(sealing) = &mut self.sealing else {
            return self.list();
        };
        let sealed = sealing.run(self.storage.as_ref())?;
        self.turn_day(&sealed.name)?;
        self.sealing = None;
        let ticks = i64::try_from(sealed.video.ticks).unwrap_or(i64::MAX);
        let end = sealed.name.start.offset(Ticks(ticks));
        self.notices.push(Notice::SegmentSealed {
            path: sealed.path,
            start: sealed.name.start,
            end,
            bytes: sealed.video.bytes + sealed.audio.map_or(0, |audio| audio.bytes),
        });
        // The epoch of a sealed segment is the current one: epochs change only when nothing is being sealed.
        if let (Some(current), Some(day)) = (&self.current, &mut self.day) {
            day.add(sealed.name, sealed.video, sealed.audio, &current.inits);
            self.unlisted = Some(end);
        }
        self.list()
    }

    /// Writes the playlists when a segment is missing in them.
    fn list(&mut self) -> Result<(), RecordingError> {
        let (Some(until), Some(day)) = (self.unlisted, &self.day) else {
            return Ok(());
        };
        day.write(&self.dir, self.storage.as_ref(), false)?;
        self.unlisted = None;
        if !std::mem::replace(&mut self.available, true) {
            self.notices.push(Notice::Available {
                output: self.options.name.clone(),
                until,
            });
        }
        Ok(())
    }

    fn turn_day(&mut self, name: &SegmentName) -> Result<(), RecordingError> {
        let date = name.day();
        match &self.day {
            Some(day) if day.date == date => {}
            before => {
                if let Some(day) = before {
                    day.write(&self.dir, self.storage.as_ref(), true)?;
                }
                self.day = Some(Day::new(date));
            }
        }
        Ok(())
    }
}

impl Recorder for AssetWriter {
    fn push(&mut self, unit: &Arc<AccessUnit>) -> Result<bool, RecordingError> {
        if self.lock.is_none() {
            return Err(RecordingError::Closed {
                output: self.options.name.clone(),
            });
        }
        let mut fragments = Vec::new();
        self.fragmenter.push(unit, &mut fragments);
        self.enqueue(fragments);
        Ok(!self.waiting.is_empty())
    }

    fn flush(&mut self) -> Result<Vec<Notice>, RecordingError> {
        self.write_waiting()?;
        Ok(std::mem::take(&mut self.notices))
    }

    fn close(&mut self) -> Result<Vec<Notice>, RecordingError> {
        if self.lock.is_none() {
            return Ok(Vec::new());
        }
        let mut fragments = Vec::new();
        self.fragmenter.finish(&mut fragments);
        self.totals.dropped = self.totals.dropped.saturating_add(self.fragmenter.take_dropped());
        self.enqueue(fragments);
        self.write_waiting()?;
        self.seal()?;
        if let Some(day) = &self.day {
            day.write(&self.dir, self.storage.as_ref(), true)?;
        }
        if let Some(lock) = &self.lock {
            lock.release()?;
        }
        self.lock = None;
        if self.started {
            self.notices.push(Notice::Stopped {
                output: self.options.name.clone(),
                at: self.end.unwrap_or_default(),
                totals: self.totals,
            });
        }
        Ok(std::mem::take(&mut self.notices))
    }
}
