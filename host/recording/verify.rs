//! Reading a recording back, sample by sample, and saying what is wrong with it.

mod asset;
pub mod audit;
mod playlist;
pub mod rebuild;
pub mod repair;
mod samples;

use std::io::{BufReader, Read, Seek};
use std::path::Path;

use serde::Serialize;

pub use samples::{SampleDigest, samples};

use super::RecordingError;
use super::asset::content::{is_nal_units, walk_nal_units};
use super::asset::scan::open;
use crate::media::mp4::read::{Fragments, Movie, Sample, Track, movie};
use crate::media::{MediaTime, Ticks, TrackKind};

/// More problems than these are not listed.
const MAX_PROBLEMS: usize = 100;

/// What a recording holds, and what is wrong with it.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// `asset` or `file`.
    pub kind: &'static str,
    /// Its last path component.
    pub name: String,
    /// Its first moment; for a file, which knows no wall clock, zero.
    pub start: MediaTime,
    /// Of the video, without gaps.
    pub duration: Ticks,
    /// Of its media files.
    pub bytes: u64,
    /// Track by track.
    pub tracks: Vec<TrackReport>,
    /// Where media is missing.
    pub gaps: Vec<GapReport>,
    /// Empty when it is sound.
    pub problems: Vec<String>,
}

/// One track of a recording.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TrackReport {
    /// `video` or `audio`.
    pub kind: &'static str,
    /// RFC 6381, if the file tells.
    pub codec: Option<String>,
    /// How many samples.
    pub samples: u64,
    /// How many of them are sync samples.
    pub sync_samples: u64,
    /// The sum of their sizes.
    pub bytes: u64,
}

/// A hole in the video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GapReport {
    /// Where it begins.
    pub start: MediaTime,
    /// Where media goes on.
    pub end: MediaTime,
}

impl Report {
    fn problem(&mut self, what: String) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(what);
        }
    }

    fn count(&mut self, track: &Track, sample: &Sample) {
        let kind = kind_name(track.kind);
        let place = self.tracks.iter().position(|known| known.kind == kind);
        let place = place.unwrap_or_else(|| {
            self.tracks.push(TrackReport {
                kind,
                codec: track.codec(),
                ..TrackReport::default()
            });
            self.tracks.len() - 1
        });
        if let Some(report) = self.tracks.get_mut(place) {
            report.samples += 1;
            report.sync_samples += u64::from(sample.sync);
            report.bytes += u64::from(sample.size);
        }
    }
}

fn kind_name(kind: TrackKind) -> &'static str {
    match kind {
        TrackKind::Video => "video",
        TrackKind::Audio => "audio",
    }
}

/// Reads an asset's folder or an MP4 file.
///
/// # Errors
/// When it cannot be read at all; what is broken inside is in the report.
pub fn verify(path: &Path) -> Result<Report, RecordingError> {
    let name = path.file_name().unwrap_or(path.as_os_str());
    let mut report = Report {
        name: name.to_string_lossy().into_owned(),
        ..Report::default()
    };
    if path.is_dir() {
        report.kind = "asset";
        asset::verify(path, &mut report)?;
    } else {
        report.kind = "file";
        verify_file(path, &mut report)?;
    }
    Ok(report)
}

fn verify_file(path: &Path, report: &mut Report) -> Result<(), RecordingError> {
    let (file, length) = open(path)?;
    report.bytes = length;
    let mut input = BufReader::new(file);
    let movie = match movie(&mut input, length) {
        Ok(movie) => movie,
        Err(error) => {
            report.problem(error.to_string());
            return Ok(());
        }
    };
    let all = all_samples(&mut input, length, &movie, report);
    for track in &movie.tracks {
        let mut checks = Checks::default();
        for sample in all.iter().filter(|sample| sample.track == track.id) {
            checks.sample(track, sample, report);
            checks.content(&mut input, track, sample, report);
            report.count(track, sample);
        }
        if track.kind == TrackKind::Video {
            let ticks = i128::from(checks.ticks) * 90_000 / i128::from(track.timescale);
            report.duration = Ticks(i64::try_from(ticks).unwrap_or(i64::MAX));
        }
    }
    if all.is_empty() {
        report.problem("there are no samples in the file".into());
    }
    Ok(())
}

/// What `moov` lists, or else what the fragments hold.
fn all_samples<R: Read + Seek>(
    input: &mut R,
    length: u64,
    movie: &Movie,
    report: &mut Report,
) -> Vec<Sample> {
    if !movie.samples.is_empty() {
        return movie.samples.clone();
    }
    let mut all = Vec::new();
    for fragment in Fragments::new(input, &movie.tracks, 0..length) {
        match fragment {
            Ok(fragment) => all.extend(fragment.samples),
            Err(error) => report.problem(error.to_string()),
        }
    }
    all
}

/// What must hold from sample to sample of one track in one epoch.
#[derive(Debug, Default)]
struct Checks {
    last: Option<u64>,
    count: u64,
    ticks: u64,
}

impl Checks {
    fn sample(&mut self, track: &Track, sample: &Sample, report: &mut Report) {
        let kind = kind_name(track.kind);
        if self.last.is_none() && track.kind == TrackKind::Video && !sample.sync {
            report.problem("the first picture is no sync sample".into());
        }
        if self.last.is_some_and(|last| sample.decode <= last) {
            report.problem(format!(
                "{kind} sample {}: its decode time does not rise",
                self.count
            ));
        }
        self.last = Some(sample.decode);
        self.count += 1;
        self.ticks = self.ticks.saturating_add(u64::from(sample.duration));
    }

    /// NAL units behind lengths must fill a sample of H.264 or H.265 exactly.
    fn content<R: Read + Seek>(&self, input: &mut R, track: &Track, sample: &Sample, report: &mut Report) {
        if is_nal_units(track)
            && let Err(what) = walk_nal_units(input, sample)
        {
            let number = self.count.saturating_sub(1);
            report.problem(format!("video sample {number} at byte {}: {what}", sample.offset));
        }
    }
}
