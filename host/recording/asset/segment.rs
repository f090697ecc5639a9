//! The open segment, and the steps that seal it.
//!
//! Invariants: bytes before `length` are whole fragments; a step of sealing that has succeeded is never done
//! again, and one that failed can be repeated; only what stands under its name is renamed and sealed: a disk that went away and
//! came back has files of its own there.

use std::io::{IoSlice, Read as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::name::{AUDIO_PART, SEGMENT, SegmentName, VIDEO_PART};
use super::scan::{Part, Prefix};
use crate::media::mp4::write::fragment_header;
use crate::media::{MediaTime, Ticks, TrackKind};
use crate::recording::RecordingError;
use crate::recording::fragmenter::Fragment;
use crate::recording::index::FragmentEntry;
use crate::recording::storage::{Storage, StorageFile, identity, is_still};

/// How much of a file is read at a time, in bytes.
const READ_AT_A_TIME: usize = 64 << 10;

/// One track of an open segment.
#[derive(Debug)]
struct Side {
    path: PathBuf,
    file: Box<dyn StorageFile>,
    /// Which file it is; none when the disk would not say.
    identity: Option<(u64, u64)>,
    part: Part,
    fragments: Vec<FragmentEntry>,
}

/// A segment that is being written.
#[derive(Debug)]
pub(super) struct OpenSegment {
    pub(super) name: SegmentName,
    dir: PathBuf,
    video: Side,
    audio: Option<Side>,
    sequence: u32,
    /// Of the video so far; none when somebody else has written it, so that it has to be read.
    hash: Option<Sha256>,
    /// What was seen in it: a whole box, which comes last.
    seen: Vec<u8>,
}

impl OpenSegment {
    pub(super) fn create(
        dir: &Path,
        name: SegmentName,
        storage: &dyn Storage,
    ) -> Result<Self, RecordingError> {
        let video = Side::create(dir.join(name.file(VIDEO_PART)), Prefix::default(), storage)?;
        Ok(Self {
            name,
            dir: dir.to_owned(),
            video,
            audio: None,
            sequence: 1,
            hash: Some(Sha256::new()),
            seen: Vec::new(),
        })
    }

    /// A leftover, of which these parts are sound.
    pub(super) fn resume(
        dir: &Path,
        name: SegmentName,
        parts: (Prefix, Option<Prefix>),
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
            hash: None,
            seen: Vec::new(),
        })
    }

    /// Appends one fragment, whose decode times count from `origin`; gives where it lies, and how many bytes were written.
    pub(super) fn append(
        &mut self,
        fragment: &Fragment,
        origin: u64,
        storage: &dyn Storage,
    ) -> Result<(FragmentEntry, u64), RecordingError> {
        let side = match (fragment.kind(), &mut self.audio) {
            (TrackKind::Video, _) => &mut self.video,
            (TrackKind::Audio, Some(side)) => side,
            (TrackKind::Audio, none) => {
                let path = self.dir.join(self.name.file(AUDIO_PART));
                none.insert(Side::create(path, Prefix::default(), storage)?)
            }
        };
        let (entry, header) = side.append(fragment, origin, self.sequence)?;
        if let (TrackKind::Video, Some(hash)) = (fragment.kind(), &mut self.hash) {
            hash.update(&header);
            fragment.data.iter().for_each(|data| hash.update(data));
        }
        let written = fragment.bytes.saturating_add(header.len() as u64);
        self.sequence = self.sequence.wrapping_add(1);
        Ok((entry, written))
    }

    /// Takes the box that comes behind the media.
    pub(super) fn set_seen(&mut self, seen: Vec<u8>) {
        self.seen = seen;
    }

    /// Removes a segment that holds nothing.
    pub(super) fn discard(&self, storage: &dyn Storage) -> Result<(), RecordingError> {
        let path = &self.video.path;
        match storage.remove(path) {
            // Somebody has taken the folder away.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            removed => removed.map_err(RecordingError::io("remove", path)),
        }
    }

    /// Whether its files still have their names: folders can be taken away, and disks can be pulled out and come back.
    pub(super) fn is_current(&self) -> bool {
        self.video.is_current() && self.audio.as_ref().is_none_or(Side::is_current)
    }

    pub(super) fn video(&self) -> Part {
        self.video.part
    }

    /// What it will be when it is sealed, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.media_bytes().saturating_add(self.seen.len() as u64)
    }

    fn media_bytes(&self) -> u64 {
        let audio = self.audio.as_ref().map_or(0, |side| side.part.bytes);
        self.video.part.bytes.saturating_add(audio)
    }
}

impl Side {
    fn create(path: PathBuf, prefix: Prefix, storage: &dyn Storage) -> Result<Self, RecordingError> {
        let mut file = storage.open(&path).map_err(RecordingError::io("create", &path))?;
        file.truncate(prefix.part.bytes)
            .map_err(RecordingError::io("cut", &path))?;
        Ok(Self {
            identity: identity(&path),
            path,
            file,
            part: prefix.part,
            fragments: prefix.fragments,
        })
    }

    /// Whether the file that is written still has its name. One that cannot be asked for may have.
    fn is_current(&self) -> bool {
        is_still(&self.path, self.identity)
    }

    /// Gives where it lies, and the header that it wrote before the media.
    fn append(
        &mut self,
        fragment: &Fragment,
        origin: u64,
        sequence: u32,
    ) -> Result<(FragmentEntry, Vec<u8>), RecordingError> {
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
        let entry = FragmentEntry {
            kind: fragment.kind(),
            start,
            ticks: fragment.end.saturating_sub(fragment.start),
            bytes,
            samples: fragment.samples.len() as u64,
            sync: fragment.is_sync(),
        };
        self.part
            .extend(entry.start, entry.ticks, entry.samples, entry.bytes);
        self.fragments.push(entry);
        Ok((entry, header))
    }
}

impl Side {
    /// Writes all of it anew from what can still be read of it; false when that is not what was written.
    fn write_again(
        &mut self,
        length: u64,
        sha256: &[u8; 32],
        storage: &dyn Storage,
    ) -> Result<bool, RecordingError> {
        let mut path = self.path.clone().into_os_string();
        path.push(".tmp");
        let path = PathBuf::from(path);
        let mut file = storage.open(&path).map_err(RecordingError::io("create", &path))?;
        file.truncate(0).map_err(RecordingError::io("cut", &path))?;
        file.append_file(0, &self.path, length)
            .map_err(RecordingError::io("copy to", &path))?;
        let mut hash = Sha256::new();
        hash_file(&path, length, &mut hash)?;
        if <[u8; 32]>::from(hash.finalize()) != *sha256 {
            return Ok(false);
        }
        storage
            .rename(&path, &self.path)
            .map_err(RecordingError::io("rename", &path))?;
        (self.identity, self.file) = (identity(&self.path), file);
        Ok(true)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Append,
    Hash,
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
    sha256: [u8; 32],
    /// The disk has refused to sync it: what it has lost then it does not say a second time.
    unsure: bool,
    /// It has lost something.
    damaged: bool,
}

/// What has been sealed.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub(crate) name: SegmentName,
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    pub(crate) video: Part,
    pub(crate) audio: Option<Part>,
    pub(crate) fragments: Vec<FragmentEntry>,
    pub(crate) sha256: [u8; 32],
}

impl Sealed {
    /// Where its video ends.
    pub(crate) fn end(&self) -> MediaTime {
        let ticks = i64::try_from(self.video.ticks).unwrap_or(i64::MAX);
        self.name.start.offset(Ticks(ticks))
    }
}

impl Sealing {
    pub(super) fn new(segment: OpenSegment) -> Self {
        Self {
            segment,
            step: Step::Append,
            sha256: [0; 32],
            unsure: false,
            damaged: false,
        }
    }

    /// Its first moment.
    pub(super) fn start(&self) -> MediaTime {
        self.segment.name.start
    }

    /// Whether it can be sealed: see [`OpenSegment::is_current`].
    pub(super) fn is_current(&self) -> bool {
        !self.damaged && (self.step > Step::Rename || self.segment.is_current())
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
        let sides = std::iter::once(&segment.video).chain(&segment.audio);
        Ok(Sealed {
            name: segment.name.clone(),
            path: segment.dir.join(segment.name.file(SEGMENT)),
            bytes: segment.bytes(),
            fragments: sides.flat_map(|side| &side.fragments).copied().collect(),
            sha256: self.sha256,
            video: segment.video.part,
            audio: audio.map(|part| Part {
                offset: segment.video.part.bytes,
                ..part
            }),
        })
    }

    fn take_step(&mut self, storage: &dyn Storage) -> Result<Step, RecordingError> {
        let (media, whole) = (self.segment.media_bytes(), self.segment.bytes());
        let OpenSegment {
            name,
            dir,
            video,
            audio,
            hash,
            seen,
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
                if !seen.is_empty() {
                    video
                        .file
                        .write(media, &mut [IoSlice::new(seen)])
                        .map_err(RecordingError::io("write", &video.path))?;
                }
                Ok(Step::Hash)
            }
            Step::Hash => {
                let mut hash = hash.clone();
                // Of what this writer wrote, only the sound has to be read again.
                let written = hash.is_some();
                let unread = match (&mut hash, &*audio) {
                    (None, _) => Some((&video.path, u64::MAX)),
                    (Some(_), Some(audio)) => Some((&audio.path, audio.part.bytes)),
                    (Some(_), None) => None,
                };
                let mut hash = hash.unwrap_or_default();
                if let Some((path, length)) = unread {
                    hash_file(path, length, &mut hash)?;
                }
                if written {
                    hash.update(&*seen);
                }
                self.sha256 = hash.finalize().into();
                Ok(Step::Sync)
            }
            Step::Sync => {
                if self.unsure {
                    let sound = video.write_again(whole, &self.sha256, storage)?;
                    self.damaged = !sound;
                }
                self.unsure = true;
                video
                    .file
                    .sync()
                    .map_err(RecordingError::io("sync", &video.path))?;
                Ok(Step::Rename)
            }
            Step::Rename => {
                if self.damaged || !video.is_current() {
                    let gone = std::io::ErrorKind::NotFound.into();
                    return Err(RecordingError::io("rename", &video.path)(gone));
                }
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

/// Takes the first `length` bytes of a file into a hash.
pub(crate) fn hash_file(path: &Path, length: u64, hash: &mut Sha256) -> Result<(), RecordingError> {
    let file = std::fs::File::open(path).map_err(RecordingError::io("open", path))?;
    let mut file = file.take(length);
    let mut buffer = vec![0; READ_AT_A_TIME];
    loop {
        let count = file.read(&mut buffer).map_err(RecordingError::io("read", path))?;
        match buffer.get(..count) {
            None | Some([]) => return Ok(()),
            Some(bytes) => hash.update(bytes),
        }
    }
}
