//! A recording in one MP4 file, which survives a crash and ends as an ordinary file.
//!
//! While it is written: `ftyp`, a placeholder, a fragmented `moov`, fragments. When it is finished: a complete
//! `moov` behind them, and only then the placeholder becomes the head of one `mdat` that covers the rest. Every
//! state in between can be played.
//!
//! A recording without an end goes through many files: each is cut at a keyframe, and sound at the same moment, so that
//! the files together hold every unit once.
//!
//! Invariants: no file that exists is ever overwritten; nothing outside of the base directory is touched; only
//! files of the sink's own record are removed.

mod open;
mod place;
mod quota;
mod segments;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use open::OpenFile;
pub use quota::Quota;
pub use segments::{FileNames, Segments};

use super::fragmenter::{Fragment, Fragmenter};
use super::index::GapReason;
use super::storage::Storage;
use super::{Notice, Recorder, RecordingError, Totals};
use crate::media::{AccessUnit, MediaTime, StreamFormat, Ticks, TrackKind};

/// Fragments that the disk does not take are kept up to so many bytes; then the oldest go.
const MAX_WAITING: u64 = 64 << 20;

/// Where a file is written.
#[derive(Clone, Debug)]
pub struct FileOptions {
    /// Nothing outside of it is touched.
    pub directory: PathBuf,
    /// The file's path within it; `.mp4` is appended when it is missing.
    pub name: String,
    /// Names the sink: its record of files is kept under this name.
    pub owner: String,
    /// Above so many MiB the sink's oldest files are removed.
    pub maximum_size_mib: Option<u64>,
    /// Where it is cut into files; none for one file from the first unit to the last.
    pub segments: Option<Segments>,
}

/// Records into one MP4 file; into a further one when the codec changes, time steps back, or the file is long enough.
#[derive(Debug)]
pub struct FileWriter {
    options: FileOptions,
    /// A file of this recording is finished: the next has a name of its own.
    further: bool,
    /// The sound of the file before: in the next it may begin a little later than the pictures.
    sound: Option<Arc<StreamFormat>>,
    storage: Arc<dyn Storage>,
    quota: Quota,
    fragmenter: Fragmenter,
    waiting: VecDeque<Fragment>,
    waiting_bytes: u64,
    lost: Option<(MediaTime, u64)>,
    open: Option<OpenFile>,
    end: Option<MediaTime>,
    dropped: u64,
    notices: Vec<Notice>,
    closed: bool,
}

impl FileWriter {
    /// Prepares a file; it is created with its first fragment.
    ///
    /// # Errors
    /// When the name leads out of the directory, or the disk refuses.
    pub fn open(options: FileOptions, storage: Arc<dyn Storage>) -> Result<Self, RecordingError> {
        place::check(&options.name)?;
        let quota = Quota::open(
            &options.directory,
            &options.owner,
            options.maximum_size_mib,
            storage.as_ref(),
        )?;
        Ok(Self {
            options,
            further: false,
            sound: None,
            storage,
            quota,
            fragmenter: Fragmenter::default(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            lost: None,
            open: None,
            end: None,
            dropped: 0,
            notices: Vec::new(),
            closed: false,
        })
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
        self.dropped = self.dropped.saturating_add(units);
        let (_, lost) = self.lost.get_or_insert((fragment.starts_at(), 0));
        *lost = lost.saturating_add(units);
    }

    fn write_waiting(&mut self) -> Result<(), RecordingError> {
        while let Some(fragment) = self.waiting.pop_front() {
            if let Err(error) = self.write(&fragment) {
                self.waiting.push_front(fragment);
                return Err(error);
            }
            self.waiting_bytes = self.waiting_bytes.saturating_sub(fragment.bytes);
        }
        Ok(())
    }

    /// Writes what waits; what failed because somebody has taken the file away goes on in another.
    fn write_again(&mut self) -> Result<(), RecordingError> {
        let written = self.write_waiting();
        if written.is_err() && self.leave_what_is_gone() {
            return self.write_waiting();
        }
        written
    }

    /// The file that is being written is gone from its directory: what stood in it is lost. False when it is there, or when the
    /// directory is gone as well: then its disk may come back.
    fn leave_what_is_gone(&mut self) -> bool {
        let gone = |open: &OpenFile| !open.is_current() && self.options.directory.is_dir();
        let Some(open) = self.open.take_if(|open| gone(open)) else {
            return false;
        };
        let (output, at) = (open.output(), self.end.take().unwrap_or_default());
        tracing::warn!(
            path = output,
            "The file that was being written is gone; another one is begun"
        );
        let totals = Totals {
            dropped: std::mem::take(&mut self.dropped),
            ..Totals::default()
        };
        self.dropped = open.units();
        self.lost = Some((MediaTime::from_ticks(open.origin()), open.units()));
        (self.sound, self.further) = (open.sound(), true);
        self.notices.push(Notice::Stopped { output, at, totals });
        true
    }

    fn write(&mut self, fragment: &Fragment) -> Result<(), RecordingError> {
        let video = fragment.kind() == TrackKind::Video;
        let after_loss = self.lost.is_some() || self.open.is_none();
        if after_loss && (!video || !fragment.is_sync()) {
            self.lose(fragment);
            return Ok(());
        }
        if video && self.ends_before(fragment) {
            self.write_sound_before(fragment.start)?;
            self.finish()?;
        }
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.begin(fragment)?,
        };
        let taken = open.append(fragment);
        let output = open.output();
        self.open = Some(open);
        if !taken? {
            self.dropped = self.dropped.saturating_add(fragment.samples.len() as u64);
            return Ok(());
        }
        if video {
            self.report_gap(&output, fragment.starts_at());
            self.end = Some(fragment.ends_at());
        }
        self.enforce()
    }

    /// Whether this fragment of pictures belongs to the next file.
    fn ends_before(&self, fragment: &Fragment) -> bool {
        let Some(open) = &self.open else {
            return false;
        };
        let long = self.options.segments.as_ref().is_some_and(|segments| {
            let length =
                Ticks(i64::try_from(fragment.start.saturating_sub(open.origin())).unwrap_or(i64::MAX));
            // Half of what all files may take: an old one must be able to go before the next is full.
            let large = self.quota.limit().is_some_and(|limit| open.length() >= limit / 2);
            fragment.is_sync() && (length >= segments.length || large)
        });
        long || !open.continues(fragment)
    }

    /// Sound of the file that ends stands behind the pictures of the next one: both were cut at one moment.
    fn write_sound_before(&mut self, at: u64) -> Result<(), RecordingError> {
        while let Some(next) = self.waiting.front() {
            if next.kind() != TrackKind::Audio || next.start >= at {
                break;
            }
            let (head, tail) = segments::split(next, at);
            if let (Some(head), Some(open)) = (&head, &mut self.open)
                && !open.append(head)?
            {
                self.dropped = self.dropped.saturating_add(head.samples.len() as u64);
            }
            self.waiting.pop_front();
            self.waiting_bytes = self
                .waiting_bytes
                .saturating_sub(head.map_or(0, |head| head.bytes));
            let Some(tail) = tail else { continue };
            self.waiting.push_front(tail);
            break;
        }
        Ok(())
    }

    /// The next file's name.
    fn name(&self, start: MediaTime) -> String {
        match &self.options.segments {
            Some(segments) if self.further => segments.names.name(start),
            _ => self.options.name.clone(),
        }
    }

    fn begin(&mut self, fragment: &Fragment) -> Result<OpenFile, RecordingError> {
        // A cut emits the sound right behind the pictures, so it is waiting already if there is any.
        let sound = self.waiting.iter().find(|next| next.kind() == TrackKind::Audio);
        let sound = sound.map(|sound| Arc::clone(&sound.format));
        let mut formats = vec![Arc::clone(&fragment.format)];
        formats.extend(sound.or_else(|| self.sound.clone()));
        let name = self.name(fragment.starts_at());
        place::check(&name)?;
        let (path, file) = place::create(&self.options.directory, &name, self.storage.as_ref())?;
        if let Err(error) = self.quota.record(&path, self.storage.as_ref()) {
            // The next try must not find an empty file in its place.
            let _ = self.storage.remove(&path);
            return Err(error);
        }
        let open = OpenFile::begin(path, file, fragment.start, formats)?;
        self.notices.push(Notice::Started {
            output: open.output(),
            at: fragment.starts_at(),
        });
        Ok(open)
    }

    fn report_gap(&mut self, output: &str, until: MediaTime) {
        let lost = self.lost.take();
        let start = lost.map(|(start, _)| start).or(self.end);
        if let Some(start) = start.filter(|start| *start < until) {
            self.notices.push(Notice::Gap {
                output: output.to_owned(),
                start,
                end: until,
                reason: lost.map_or(GapReason::Camera, |_| GapReason::Disk),
                units: lost.map_or(0, |(_, units)| units),
            });
        }
    }

    fn enforce(&mut self) -> Result<(), RecordingError> {
        let current = self.open.as_ref().map(|open| (open.path(), open.length()));
        let removed = self.quota.enforce(current, self.storage.as_ref())?;
        self.notices.extend(removed);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), RecordingError> {
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        let mut totals: Totals = open.finish(self.storage.as_ref())?;
        totals.dropped = std::mem::take(&mut self.dropped);
        let (output, at) = (open.output(), self.end.take().unwrap_or_default());
        (self.sound, self.further) = (open.sound(), true);
        self.open = None;
        self.notices.push(Notice::Stopped {
            output: output.clone(),
            at,
            totals,
        });
        self.notices.push(Notice::Available { output, until: at });
        Ok(())
    }
}

impl Recorder for FileWriter {
    fn push(&mut self, unit: &Arc<AccessUnit>) -> Result<bool, RecordingError> {
        if self.closed {
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
        self.write_again()?;
        Ok(std::mem::take(&mut self.notices))
    }

    fn close(&mut self) -> Result<Vec<Notice>, RecordingError> {
        self.closed = true;
        let mut fragments = Vec::new();
        self.fragmenter.finish(&mut fragments);
        self.dropped = self.dropped.saturating_add(self.fragmenter.take_dropped());
        self.enqueue(fragments);
        self.write_again()?;
        let finished = self.finish();
        if finished.is_err() && !self.leave_what_is_gone() {
            finished?;
        }
        Ok(std::mem::take(&mut self.notices))
    }
}
