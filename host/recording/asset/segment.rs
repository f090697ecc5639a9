//! The open segment, and the steps that seal it.
//!
//! Invariants: bytes before `length` are whole fragments; a step of sealing that has succeeded is never done
//! again, and one that failed can be repeated.

use std::io::IoSlice;
use std::path::{Path, PathBuf};

use super::name::{AUDIO_PART, SEGMENT, SegmentName, VIDEO_PART};
use super::scan::Part;
use crate::media::TrackKind;
use crate::media::mp4::write::fragment_header;
use crate::recording::RecordingError;
use crate::recording::fragmenter::Fragment;
use crate::recording::storage::{Storage, StorageFile};

/// One track of an open segment.
#[derive(Debug)]
struct Side {
    path: PathBuf,
    file: Box<dyn StorageFile>,
    part: Part,
}

/// A segment that is being written.
#[derive(Debug)]
pub(super) struct OpenSegment {
    pub(super) name: SegmentName,
    dir: PathBuf,
    video: Side,
    audio: Option<Side>,
    sequence: u32,
}

impl OpenSegment {
    pub(super) fn create(
        dir: &Path,
        name: SegmentName,
        storage: &dyn Storage,
    ) -> Result<Self, RecordingError> {
        let video = Side::create(dir.join(name.file(VIDEO_PART)), Part::default(), storage)?;
        Ok(Self {
            name,
            dir: dir.to_owned(),
            video,
            audio: None,
            sequence: 1,
        })
    }

    /// A leftover, of which these parts are sound.
    pub(super) fn resume(
        dir: &Path,
        name: SegmentName,
        parts: (Part, Option<Part>),
        storage: &dyn Storage,
    ) -> Result<Self, RecordingError> {
        let video = Side::create(dir.join(name.file(VIDEO_PART)), parts.0, storage)?;
        let path = dir.join(name.file(AUDIO_PART));
        let audio = parts
            .1
            .map(|part| Side::create(path, part, storage))
            .transpose()?;
        Ok(Self {
            name,
            dir: dir.to_owned(),
            video,
            audio,
            sequence: 1,
        })
    }

    /// Appends one fragment, whose decode times count from `origin`.
    pub(super) fn append(
        &mut self,
        fragment: &Fragment,
        origin: u64,
        storage: &dyn Storage,
    ) -> Result<u64, RecordingError> {
        let side = match (fragment.kind(), &mut self.audio) {
            (TrackKind::Video, _) => &mut self.video,
            (TrackKind::Audio, Some(side)) => side,
            (TrackKind::Audio, none) => {
                let path = self.dir.join(self.name.file(AUDIO_PART));
                none.insert(Side::create(path, Part::default(), storage)?)
            }
        };
        let written = side.append(fragment, origin, self.sequence)?;
        self.sequence = self.sequence.wrapping_add(1);
        Ok(written)
    }

    /// Removes a segment that holds nothing.
    pub(super) fn discard(self, storage: &dyn Storage) -> Result<(), RecordingError> {
        let path = &self.video.path;
        storage.remove(path).map_err(RecordingError::io("remove", path))
    }

    pub(super) fn video(&self) -> Part {
        self.video.part
    }
}

impl Side {
    fn create(path: PathBuf, part: Part, storage: &dyn Storage) -> Result<Self, RecordingError> {
        let mut file = storage.open(&path).map_err(RecordingError::io("create", &path))?;
        file.truncate(part.bytes)
            .map_err(RecordingError::io("cut", &path))?;
        Ok(Self { path, file, part })
    }

    fn append(&mut self, fragment: &Fragment, origin: u64, sequence: u32) -> Result<u64, RecordingError> {
        let start = fragment.start.saturating_sub(origin);
        let header = fragment_header(fragment.kind(), sequence, start, &fragment.samples)
            .map_err(RecordingError::media(&self.path))?;
        let mut parts = Vec::with_capacity(fragment.data.len() + 1);
        parts.push(IoSlice::new(&header));
        parts.extend(fragment.data.iter().map(|data| IoSlice::new(data)));
        self.file
            .write(self.part.bytes, &mut parts)
            .map_err(RecordingError::io("write", &self.path))?;
        let bytes = fragment.bytes.saturating_add(header.len() as u64);
        let ticks = fragment.end.saturating_sub(fragment.start);
        self.part
            .extend(start, ticks, fragment.samples.len() as u64, bytes);
        Ok(bytes)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Append,
    Sync,
    Rename,
    RemoveAudio,
    SyncDir,
    Done,
}

/// A segment on its way to being immutable.
#[derive(Debug)]
pub(super) struct Sealing {
    segment: OpenSegment,
    step: Step,
}

/// What has been sealed.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) name: SegmentName,
    pub(super) path: PathBuf,
    pub(super) video: Part,
    pub(super) audio: Option<Part>,
}

impl Sealing {
    pub(super) fn new(segment: OpenSegment) -> Self {
        Self {
            segment,
            step: Step::Append,
        }
    }

    /// Does what is left to do.
    pub(super) fn run(&mut self, storage: &dyn Storage) -> Result<Sealed, RecordingError> {
        while self.step != Step::Done {
            self.step = self.take_step(storage)?;
        }
        let segment = &self.segment;
        let audio = segment
            .audio
            .as_ref()
            .map(|side| side.part)
            .filter(|part| part.samples > 0);
        Ok(Sealed {
            name: segment.name.clone(),
            path: segment.dir.join(segment.name.file(SEGMENT)),
            video: segment.video.part,
            audio: audio.map(|part| Part {
                offset: segment.video.part.bytes,
                ..part
            }),
        })
    }

    fn take_step(&mut self, storage: &dyn Storage) -> Result<Step, RecordingError> {
        let OpenSegment {
            name,
            dir,
            video,
            audio,
            ..
        } = &mut self.segment;
        let length = video.part.bytes;
        match self.step {
            Step::Append => {
                video
                    .file
                    .truncate(length)
                    .map_err(RecordingError::io("cut", &video.path))?;
                if let Some(audio) = audio {
                    video
                        .file
                        .append_file(length, &audio.path, audio.part.bytes)
                        .map_err(RecordingError::io("append the audio to", &video.path))?;
                }
                Ok(Step::Sync)
            }
            Step::Sync => {
                video
                    .file
                    .sync()
                    .map_err(RecordingError::io("sync", &video.path))?;
                Ok(Step::Rename)
            }
            Step::Rename => {
                let sealed = dir.join(name.file(SEGMENT));
                storage
                    .rename(&video.path, &sealed)
                    .map_err(RecordingError::io("rename", &video.path))?;
                Ok(Step::RemoveAudio)
            }
            Step::RemoveAudio => {
                if let Some(audio) = audio {
                    storage
                        .remove(&audio.path)
                        .map_err(RecordingError::io("remove", &audio.path))?;
                }
                Ok(Step::SyncDir)
            }
            Step::SyncDir | Step::Done => {
                storage.sync_dir(dir).map_err(RecordingError::io("sync", dir))?;
                Ok(Step::Done)
            }
        }
    }
}
