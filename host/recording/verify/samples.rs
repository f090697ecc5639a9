//! A digest per sample, to compare what was recorded with what a camera sent.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::kind_name;
use crate::media::mp4::read::{Fragments, Sample, Track, movie};
use crate::media::{MediaTime, Ticks};
use crate::recording::RecordingError;
use crate::recording::asset::name::SEGMENT;
use crate::recording::asset::scan;
use crate::text::hex;

/// One sample and the SHA-256 of its bytes: NAL units behind their lengths, or a frame of sound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SampleDigest {
    /// `video` or `audio`.
    pub track: &'static str,
    /// Presentation time; in a file, since its start.
    pub time: MediaTime,
    /// Decoding can start here.
    pub sync: bool,
    /// Bytes.
    pub size: u32,
    /// In hexadecimal.
    pub sha256: String,
}

/// Each sample of an asset's folder or an MP4 file: segment by segment in order, in each segment track by track
/// in decoding order.
///
/// # Errors
/// When a file cannot be read or is broken; each item may fail to be read, too.
pub fn samples(
    path: &Path,
) -> Result<impl Iterator<Item = Result<SampleDigest, RecordingError>> + use<>, RecordingError> {
    let sources = if path.is_dir() {
        asset_sources(path)?
    } else {
        vec![file_source(path)?]
    };
    Ok(sources.into_iter().flat_map(Source::digests))
}

struct Source {
    path: PathBuf,
    tracks: Vec<Track>,
    // What decode times count from.
    origin: MediaTime,
    // None: they stand in fragments and are read when their turn comes.
    samples: Option<Vec<Sample>>,
}

fn asset_sources(dir: &Path) -> Result<Vec<Source>, RecordingError> {
    let mut sources = Vec::new();
    for name in scan::segments(dir)? {
        let tracks = scan::tracks(dir, &name.epoch)?;
        let (video, _) = scan::segment(dir, &name, &tracks, |_| ())?;
        let since = Ticks(i64::try_from(video.start).unwrap_or(i64::MAX).saturating_neg());
        sources.push(Source {
            path: dir.join(name.file(SEGMENT)),
            origin: name.start.offset(since),
            tracks,
            samples: None,
        });
    }
    Ok(sources)
}

fn file_source(path: &Path) -> Result<Source, RecordingError> {
    let (file, length) = scan::open(path)?;
    let movie = movie(&mut BufReader::new(file), length).map_err(RecordingError::media(path))?;
    Ok(Source {
        path: path.to_owned(),
        tracks: movie.tracks,
        origin: MediaTime::MIN,
        samples: Some(movie.samples).filter(|samples| !samples.is_empty()),
    })
}

impl Source {
    fn digests(self) -> Box<dyn Iterator<Item = Result<SampleDigest, RecordingError>>> {
        match self.list() {
            Ok((mut input, samples)) => Box::new(
                samples
                    .into_iter()
                    .map(move |sample| self.digest(&mut input, &sample)),
            ),
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    }

    fn list(&self) -> Result<(BufReader<File>, Vec<Sample>), RecordingError> {
        let (file, length) = scan::open(&self.path)?;
        let mut input = BufReader::new(file);
        if let Some(samples) = &self.samples {
            return Ok((input, samples.clone()));
        }
        let mut samples = Vec::new();
        for fragment in Fragments::new(&mut input, &self.tracks, 0..length) {
            samples.extend(fragment.map_err(RecordingError::media(&self.path))?.samples);
        }
        Ok((input, samples))
    }

    fn digest(&self, input: &mut BufReader<File>, sample: &Sample) -> Result<SampleDigest, RecordingError> {
        let mut hash = Sha256::new();
        input
            .seek(SeekFrom::Start(sample.offset))
            .and_then(|_| std::io::copy(&mut input.take(u64::from(sample.size)), &mut hash))
            .map_err(RecordingError::io("read", &self.path))?;
        let track = self.tracks.iter().find(|track| track.id == sample.track);
        let scale = track.map_or(1, |track| i128::from(track.timescale));
        let shown = (i128::from(sample.decode) + i128::from(sample.composition_offset)) * 90_000 / scale;
        Ok(SampleDigest {
            track: track.map_or("unknown", |track| kind_name(track.kind)),
            time: self
                .origin
                .offset(Ticks(i64::try_from(shown).unwrap_or(i64::MAX))),
            sync: sample.sync,
            size: sample.size,
            sha256: hex(&hash.finalize()),
        })
    }
}
