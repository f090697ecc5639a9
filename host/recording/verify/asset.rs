//! An asset: segments in order, epoch by epoch, then the playlists against them.

use std::collections::BTreeMap;
use std::io::BufReader;
use std::path::Path;

use super::{Checks, GapReport, Report, playlist};
use crate::media::mp4::read::{Sample, Track};
use crate::media::{MediaTime, TICKS_PER_SECOND, Ticks, TrackKind};
use crate::recording::RecordingError;
use crate::recording::asset::name::{Epoch, SEGMENT, SegmentName};
use crate::recording::asset::scan;

/// A later start than this after the end before it is a gap: half a second.
const GAP: i64 = TICKS_PER_SECOND / 2;

#[derive(Default)]
struct State {
    epoch: Option<Epoch>,
    tracks: Vec<Track>,
    checks: BTreeMap<u32, Checks>,
    end: Option<MediaTime>,
}

pub(super) fn verify(dir: &Path, report: &mut Report) -> Result<(), RecordingError> {
    let names = scan::segments(dir)?;
    let mut state = State::default();
    let mut parts = BTreeMap::new();
    for name in &names {
        match segment(dir, name, &mut state, report) {
            Ok(read) => {
                parts.insert(name.file(SEGMENT), read);
            }
            Err(error) => report.problem(error.to_string()),
        }
    }
    report.start = names.iter().map(|name| name.start).min().unwrap_or_default();
    if names.is_empty() {
        report.problem("there is no sealed segment in the folder".into());
    }
    playlist::verify(dir, &parts, report)
}

fn segment(
    dir: &Path,
    name: &SegmentName,
    state: &mut State,
    report: &mut Report,
) -> Result<playlist::Parts, RecordingError> {
    if state.epoch.as_ref() != Some(&name.epoch) {
        state.tracks = scan::tracks(dir, &name.epoch)?;
        state.checks.clear();
        state.epoch = Some(name.epoch.clone());
    }
    let path = dir.join(name.file(SEGMENT));
    let (file, length) = scan::open(&path)?;
    let mut input = BufReader::new(file);
    let tracks = &state.tracks;
    let checks = &mut state.checks;
    let (video, audio) = scan::segment(dir, name, tracks, |samples: &[Sample]| {
        for sample in samples {
            let Some(track) = tracks.iter().find(|track| track.id == sample.track) else {
                continue;
            };
            let checks = checks.entry(track.id).or_default();
            checks.sample(track, sample, report);
            checks.content(&mut input, track, sample, report);
            report.count(track, sample);
        }
    })?;
    report.bytes = report.bytes.saturating_add(length);
    continuity(name, video.ticks, state, report);
    Ok((tracks_present(&state.tracks), video, audio))
}

fn continuity(name: &SegmentName, ticks: u64, state: &mut State, report: &mut Report) {
    let ticks = Ticks(i64::try_from(ticks).unwrap_or(i64::MAX));
    if let Some(end) = state.end
        && name.start.since(end).0 > GAP
    {
        report.gaps.push(GapReport {
            start: end,
            end: name.start,
        });
    }
    state.end = Some(name.start.offset(ticks));
    report.duration.0 = report.duration.0.saturating_add(ticks.0);
}

fn tracks_present(tracks: &[Track]) -> bool {
    tracks.iter().any(|track| track.kind == TrackKind::Video)
}
