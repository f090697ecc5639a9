//! Reading recorded media: MP4 (plain and fragmented) and Matroska become tracks of indexed samples.
//!
//! A file is indexed once, when it is opened; the bytes of a sample are read when they are asked for, so memory
//! grows with the number of samples ([`MAX_SAMPLES`]) and never with the size of the file. Samples come out in
//! decoding order and in MP4 framing (NAL units behind 4-byte lengths, raw AAC frames) whatever the container
//! used. Files are untrusted: every size and offset is checked, and what is wrong is a [`DemuxError`].

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::{StreamFormat, TrackKind};

pub mod format;
mod mkv;
mod mp4;
mod mp4_samples;
pub mod nal;

/// Samples of all tracks of one file: a day of 30 pictures and 47 sound frames a second.
pub const MAX_SAMPLES: usize = 8_000_000;
/// Bytes of one sample.
pub const MAX_SAMPLE_BYTES: u32 = 16 << 20;
/// Bytes of one `moov` or `moof` box, which are read whole.
pub const MAX_INDEX_BOX_BYTES: u64 = 256 << 20;

const EBML_MAGIC: [u8; 4] = [0x1a, 0x45, 0xdf, 0xa3];

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DemuxError {
    /// The operating system refused.
    #[error("cannot read `{path}`: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        error: std::io::Error,
    },
    /// The container is damaged, or larger than a bound.
    #[error("`{path}` is damaged: {reason}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// Sound container, but nothing inside that we know.
    #[error("`{path}` has no track that can be played; found: {found}\nhint: H.264 and AAC are supported")]
    NoPlayableTrack {
        /// The file.
        path: PathBuf,
        /// The codecs inside, or why they were refused.
        found: String,
    },
    /// No such sample.
    #[error("`{path}` has no sample {sample} in track {track}")]
    NoSuchSample {
        /// The file.
        path: PathBuf,
        /// The index of the track.
        track: usize,
        /// The index of the sample.
        sample: usize,
    },
}

/// One coded picture or sound frame of a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Presentation time in the track's timescale; zero is where the presentation starts, so that what the edit
    /// list cuts off is negative.
    pub pts: i64,
    /// Decoding time in the track's timescale, on the same line as `pts`; never falls.
    pub dts: i64,
    /// How long it lasts, in the track's timescale.
    pub duration: u32,
    /// Decoding can start here.
    pub key: bool,
    offset: u64,
    size: u32,
}

impl Sample {
    /// Bytes in the file (which may frame NAL units with shorter lengths than [`MediaFile::read_sample`] does).
    #[must_use]
    pub fn size(&self) -> u32 {
        self.size
    }
}

/// One track of a file.
#[derive(Clone, Debug)]
pub struct Track {
    /// How its samples are encoded.
    pub format: Arc<StreamFormat>,
    /// Units of `pts`, `dts` and `duration` in one second; never zero.
    pub timescale: u32,
    /// Channels of sound; zero for video.
    pub channels: u16,
    /// In decoding order; never empty.
    pub samples: Vec<Sample>,
    /// Bytes of a NAL unit's length in the file.
    length_size: u8,
}

impl Track {
    /// What it carries.
    #[must_use]
    pub fn kind(&self) -> TrackKind {
        self.format.kind
    }

    /// A track of (pts, dts, duration) without any bytes.
    #[cfg(test)]
    pub(crate) fn for_tests(format: Arc<StreamFormat>, timescale: u32, times: &[(i64, i64, u32)]) -> Self {
        let sample = |&(pts, dts, duration): &_| Sample {
            pts,
            dts,
            duration,
            key: true,
            offset: 0,
            size: 0,
        };
        Self {
            format,
            timescale,
            channels: 0,
            samples: times.iter().map(sample).collect(),
            length_size: 4,
        }
    }
}

/// An open, indexed file.
#[derive(Debug)]
pub struct MediaFile {
    path: PathBuf,
    file: File,
    tracks: Vec<Track>,
}

impl MediaFile {
    /// Opens and indexes a file. Matroska has no sample table, so such a file is read once from end to end:
    /// call it where blocking is allowed.
    pub fn open(path: &Path) -> Result<Self, DemuxError> {
        let io = |error| DemuxError::Io {
            path: path.to_owned(),
            error,
        };
        let mut file = File::open(path).map_err(io)?;
        let mut magic = [0; 4];
        let matroska = file.read_exact(&mut magic).is_ok() && magic == EBML_MAGIC;
        file.seek(SeekFrom::Start(0)).map_err(io)?;
        let index = if matroska {
            mkv::index(&file)
        } else {
            mp4::index(&file)
        };
        let Index { tracks, skipped } = index.map_err(|error| error.at(path))?;
        if tracks.is_empty() {
            let found = if skipped.is_empty() {
                "nothing".to_owned()
            } else {
                skipped.join(", ")
            };
            return Err(DemuxError::NoPlayableTrack {
                path: path.to_owned(),
                found,
            });
        }
        for track in skipped {
            tracing::warn!(path = %path.display(), track, "track left out");
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            tracks,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The playable tracks, in the order of the file.
    #[must_use]
    pub fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// The bytes of a sample in MP4 framing with 4-byte lengths. Blocks for one read of the file.
    pub fn read_sample(&self, track: usize, sample: usize) -> Result<Bytes, DemuxError> {
        let missing = || DemuxError::NoSuchSample {
            path: self.path.clone(),
            track,
            sample,
        };
        let entry = self.tracks.get(track).ok_or_else(missing)?;
        let at = entry.samples.get(sample).ok_or_else(missing)?;
        let mut data = vec![0; at.size as usize];
        self.file
            .read_exact_at(&mut data, at.offset)
            .map_err(|error| DemuxError::Io {
                path: self.path.clone(),
                error,
            })?;
        if entry.kind() == TrackKind::Audio || entry.length_size == 4 {
            return Ok(data.into());
        }
        nal::widen_lengths(&data, entry.length_size).ok_or_else(|| DemuxError::Damaged {
            path: self.path.clone(),
            reason: format!("the NAL units of sample {sample} do not fill it"),
        })
    }
}

/// What a container holds.
struct Index {
    tracks: Vec<Track>,
    /// Tracks that cannot be played, with the reason, for people.
    skipped: Vec<String>,
}

/// A [`DemuxError`] before it knows its file.
enum IndexError {
    Io(std::io::Error),
    Damaged(String),
}

impl IndexError {
    fn at(self, path: &Path) -> DemuxError {
        let path = path.to_owned();
        match self {
            Self::Io(error) => DemuxError::Io { path, error },
            Self::Damaged(reason) => DemuxError::Damaged { path, reason },
        }
    }
}

impl From<std::io::Error> for IndexError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

fn damaged(reason: impl Into<String>) -> IndexError {
    IndexError::Damaged(reason.into())
}

/// Refuses samples that point outside the file or are too large, and repairs durations of zero.
fn check(samples: &mut [Sample], file_bytes: u64) -> Result<(), IndexError> {
    for (index, sample) in samples.iter().enumerate() {
        let end = sample.offset.checked_add(u64::from(sample.size));
        if sample.size > MAX_SAMPLE_BYTES {
            return Err(damaged(format!(
                "sample {index} has {} bytes, more than {MAX_SAMPLE_BYTES}",
                sample.size
            )));
        }
        if end.is_none_or(|end| end > file_bytes) {
            return Err(damaged(format!("sample {index} lies outside the file")));
        }
    }
    let typical = samples
        .iter()
        .map(|sample| sample.duration)
        .find(|duration| *duration > 0)
        .unwrap_or(1);
    for sample in samples.iter_mut().filter(|sample| sample.duration == 0) {
        sample.duration = typical;
    }
    Ok(())
}
