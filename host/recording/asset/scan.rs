//! What stands in a segment, read from the segment itself.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use super::content::{ContentError, find_zeros, is_nal_units, walk_nal_units};
use super::name::{Epoch, SEGMENT, SegmentName};
use crate::media::TrackKind;
use crate::media::mp4::read::{Fragment, Fragments, Sample, Track, movie};
use crate::media::mp4::{AUDIO_TRACK, Mp4Error, VIDEO_TRACK};
use crate::recording::RecordingError;
use crate::recording::detections::{Detection, coding};
use crate::recording::index::FragmentEntry;

/// The largest init segment that is read, in bytes.
const MAX_INIT: u64 = 1 << 20;

/// A byte range and the time that it covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Of its first byte.
    pub offset: u64,
    /// Bytes.
    pub bytes: u64,
    /// The first decode time in ticks.
    pub start: u64,
    /// The sum of the samples' durations, in ticks.
    pub ticks: u64,
    /// How many samples.
    pub samples: u64,
}

impl Part {
    /// Takes in the fragment behind it.
    pub(crate) fn extend(&mut self, start: u64, ticks: u64, samples: u64, bytes: u64) {
        if self.samples == 0 {
            self.start = start;
        }
        self.bytes = self.bytes.saturating_add(bytes);
        self.ticks = self.ticks.saturating_add(ticks);
        self.samples = self.samples.saturating_add(samples);
    }

    fn add(&mut self, at: u64, entry: &FragmentEntry) {
        if self.samples == 0 {
            self.offset = at;
        }
        self.extend(entry.start, entry.ticks, entry.samples, entry.bytes);
    }
}

/// What stands in a segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scanned {
    /// Its video.
    pub video: Part,
    /// Its audio.
    pub audio: Option<Part>,
    /// The fragments of both, in the order of the file.
    pub fragments: Vec<FragmentEntry>,
    /// What was seen in it.
    pub detections: Vec<Detection>,
}

/// Whole fragments of one track.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Prefix {
    pub(crate) part: Part,
    pub(crate) fragments: Vec<FragmentEntry>,
}

fn entry(fragment: &Fragment, kind: TrackKind) -> FragmentEntry {
    let first = fragment.samples.first();
    let durations = fragment.samples.iter().map(|sample| u64::from(sample.duration));
    FragmentEntry {
        kind,
        start: first.map_or(0, |sample| sample.decode),
        ticks: durations.sum(),
        bytes: fragment.range.end - fragment.range.start,
        samples: fragment.samples.len() as u64,
        sync: first.is_some_and(|sample| sample.sync),
    }
}

/// The tracks that an epoch's init segments declare.
///
/// # Errors
/// When the video's is missing, or one is broken.
pub fn tracks(dir: &Path, epoch: &Epoch) -> Result<Vec<Track>, RecordingError> {
    let mut tracks = init(&dir.join(epoch.init(TrackKind::Video)))?;
    let audio = dir.join(epoch.init(TrackKind::Audio));
    if audio.exists() {
        tracks.extend(init(&audio)?);
    }
    Ok(tracks)
}

/// The tracks of one init segment.
///
/// # Errors
/// When it cannot be read.
pub fn init(path: &Path) -> Result<Vec<Track>, RecordingError> {
    let (file, length) = open(path)?;
    let movie =
        movie(&mut BufReader::new(file), length.min(MAX_INIT)).map_err(RecordingError::media(path))?;
    Ok(movie.tracks)
}

/// The track of a kind that an init segment in memory declares; none when it is damaged.
#[must_use]
pub fn declared(init: &[u8], kind: TrackKind) -> Option<Track> {
    let movie = movie(&mut io::Cursor::new(init), init.len() as u64).ok()?;
    movie.tracks.into_iter().find(|track| track.kind == kind)
}

pub(crate) fn open(path: &Path) -> Result<(File, u64), RecordingError> {
    let file = File::open(path).map_err(RecordingError::io("open", path))?;
    let length = file
        .metadata()
        .map_err(RecordingError::io("inspect", path))?
        .len();
    Ok((file, length))
}

/// The longest prefix of a file that consists of whole and sound fragments of one track: see [`super::content`] for what
/// can be seen of pages that a power cut has kept from the disk.
///
/// # Errors
/// Only when the file cannot be read; what is torn or broken ends the prefix.
pub(crate) fn valid_prefix(path: &Path, kind: TrackKind, tracks: &[Track]) -> Result<Prefix, RecordingError> {
    let (file, length) = open(path)?;
    let mut content = BufReader::new(open(path)?.0);
    let track = number(kind);
    let mut prefix = Prefix::default();
    for fragment in Fragments::new(BufReader::new(file), tracks, 0..length) {
        match fragment {
            Ok(fragment) if fragment.range.start == prefix.part.bytes && is_of(&fragment, track) => {
                if !is_sound(&mut content, &fragment, tracks).map_err(RecordingError::io("read", path))? {
                    break;
                }
                let entry = entry(&fragment, kind);
                prefix.part.add(fragment.range.start, &entry);
                prefix.fragments.push(entry);
            }
            Err(error) if is_refusal(&error) => return Err(RecordingError::media(path)(error)),
            _ => break,
        }
    }
    Ok(prefix)
}

/// Whether all samples can be what a camera sent; an error only when the disk refuses.
fn is_sound(input: &mut BufReader<File>, fragment: &Fragment, tracks: &[Track]) -> io::Result<bool> {
    let nal_units = |sample: &&Sample| {
        let track = tracks.iter().find(|track| track.id == sample.track);
        track.is_some_and(is_nal_units)
    };
    for sample in fragment.samples.iter().filter(nal_units) {
        let looked = walk_nal_units(input, sample).and_then(|()| find_zeros(input, sample));
        match looked {
            Ok(()) => {}
            Err(ContentError::Io(error)) if error.kind() != io::ErrorKind::UnexpectedEof => {
                return Err(error);
            }
            Err(_) => return Ok(false),
        }
    }
    Ok(true)
}

fn number(kind: TrackKind) -> u32 {
    match kind {
        TrackKind::Video => VIDEO_TRACK,
        TrackKind::Audio => AUDIO_TRACK,
    }
}

/// Whether the operating system refused to read, rather than the media being torn or broken.
pub(super) fn is_refusal(error: &Mp4Error) -> bool {
    matches!(error, Mp4Error::Io { .. })
}

fn is_of(fragment: &Fragment, track: u32) -> bool {
    fragment.samples.iter().all(|sample| sample.track == track)
}

/// Video and audio of a sealed segment; calls `each` for every fragment.
///
/// # Errors
/// When it is broken.
pub fn segment(
    dir: &Path,
    name: &SegmentName,
    tracks: &[Track],
    mut each: impl FnMut(&[Sample]),
) -> Result<(Part, Option<Part>), RecordingError> {
    let scanned = walk(&dir.join(name.file(SEGMENT)), tracks, &mut each)?;
    Ok((scanned.video, scanned.audio))
}

/// What stands in a sealed segment, with all of its fragments and what was seen in it.
///
/// # Errors
/// When it is broken.
pub fn inspect(path: &Path, tracks: &[Track]) -> Result<Scanned, RecordingError> {
    let mut scanned = walk(path, tracks, &mut |_| ())?;
    let (file, length) = open(path)?;
    let behind = scanned.fragments.iter().map(|one| one.bytes).sum::<u64>()..length;
    match coding::read(&mut BufReader::new(file), behind) {
        Ok(kept) => scanned.detections = kept.detections,
        // The media counts: a recording is not given up for what was said of it.
        Err(error) => {
            let segment = path.display();
            tracing::warn!(%segment, %error, "What was seen in a segment cannot be read: it cannot be searched");
        }
    }
    Ok(scanned)
}

fn walk(path: &Path, tracks: &[Track], each: &mut dyn FnMut(&[Sample])) -> Result<Scanned, RecordingError> {
    let (file, length) = open(path)?;
    let mut scanned = Scanned::default();
    for fragment in Fragments::new(BufReader::new(file), tracks, 0..length) {
        let fragment = fragment.map_err(RecordingError::media(path))?;
        let at = fragment.range.start;
        if is_of(&fragment, VIDEO_TRACK) && scanned.audio.is_none() {
            let entry = entry(&fragment, TrackKind::Video);
            scanned.video.add(at, &entry);
            scanned.fragments.push(entry);
        } else if is_of(&fragment, AUDIO_TRACK) {
            let entry = entry(&fragment, TrackKind::Audio);
            scanned.audio.get_or_insert_default().add(at, &entry);
            scanned.fragments.push(entry);
        } else {
            let text = "a segment holds its video first and its audio behind it";
            return Err(RecordingError::media(path)(Mp4Error::broken(at, text)));
        }
        each(&fragment.samples);
    }
    scanned.audio = scanned.audio.filter(|audio| audio.samples > 0);
    Ok(scanned)
}

/// The names of the sealed segments in a folder, oldest first by epoch and start.
///
/// # Errors
/// When the folder cannot be listed.
pub fn segments(dir: &Path) -> Result<Vec<SegmentName>, RecordingError> {
    let mut names: Vec<SegmentName> = list(dir)?
        .iter()
        .filter_map(|name| SegmentName::parse(name.strip_suffix(SEGMENT)?))
        .collect();
    names.sort_by_key(|name| (name.epoch.counter, name.start));
    Ok(names)
}

/// The epoch of a segment, by its name without ending.
pub(crate) fn epoch_of_segment(stem: &str) -> Option<Epoch> {
    SegmentName::parse(stem).map(|name| name.epoch)
}

pub(crate) fn list(dir: &Path) -> Result<Vec<String>, RecordingError> {
    let entries = std::fs::read_dir(dir).map_err(RecordingError::io("list", dir))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(RecordingError::io("list", dir))?;
        names.extend(entry.file_name().into_string().ok());
    }
    Ok(names)
}
