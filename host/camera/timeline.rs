//! When each sample of a file is sent, and with which time stamp, when the file plays in an endless loop.
//!
//! Video leads: a loop lasts from the first picture's presentation to the end of the last one's, so pictures go on
//! without a gap. Sound frames have a grid of their own which hardly ever fits that length; to stay in step and
//! yet gapless, the last frames of a loop are left out, or its last frame is repeated once, so that sound is
//! never more than half a frame off. A sound track that ends far before the video keeps its silence.
//!
//! Pure arithmetic: no clock, no file.

use std::time::Duration;

use crate::media::TrackKind;
use crate::media::demux::{MediaFile, Sample, Track};

const NANOS: i128 = 1_000_000_000;

/// What of a track is played, on a line whose zero is the start of the presentation.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// The index of the track in the file.
    pub(super) track: usize,
    /// What it carries.
    pub(super) kind: TrackKind,
    timescale: u32,
    /// Index in the file, and the sample with its times moved.
    samples: Vec<(usize, Sample)>,
}

/// How a file plays: the first video and the first audio track.
#[derive(Clone, Debug)]
pub(super) struct Program {
    lines: Vec<Line>,
    /// The index of the line that says how long a loop is, and that length in its timescale.
    leader: usize,
    period: i64,
    /// The earliest decoding time; sending starts with it.
    first_nanos: i128,
    /// How long the file's encoder held pictures back for reordering.
    reorder_nanos: i128,
}

/// One sample's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    /// The index of the line.
    pub(super) line: usize,
    /// The index of the sample in the file's track.
    pub(super) sample: usize,
    /// Which time the file is played, from zero.
    pub(super) round: u64,
    /// Presentation time since the first round's start, in the track's timescale.
    pub(super) pts: i64,
    /// When to send it, counted from PLAY.
    pub(super) send_at: Duration,
    /// Decoding can start here.
    pub(super) key: bool,
}

impl Program {
    /// Plans a file.
    pub(super) fn new(file: &MediaFile) -> Self {
        Self::of_tracks(file.tracks())
    }

    fn of_tracks(tracks: &[Track]) -> Self {
        let first = |kind| tracks.iter().position(|track| track.kind() == kind);
        let chosen = [first(TrackKind::Video), first(TrackKind::Audio)];
        let mut lines: Vec<Line> = chosen
            .into_iter()
            .flatten()
            .filter_map(|index| Some(Line::new(index, tracks.get(index)?)))
            .collect();
        let starts = lines
            .iter()
            .filter_map(|line| Some(line.nanos(line.first_pts()?)));
        let origin = starts.min().unwrap_or(0);
        lines.iter_mut().for_each(|line| line.move_to(origin));
        let period = lines.first().map_or(1, Line::length);
        let nanos = |pick: fn(&Sample) -> i64| {
            lines.iter().flat_map(move |line| {
                line.samples
                    .iter()
                    .map(move |(_, sample)| line.nanos(pick(sample)))
            })
        };
        let first_nanos = nanos(|sample| sample.dts).min().unwrap_or(0);
        let reorder_nanos = nanos(|sample| sample.pts.saturating_sub(sample.dts))
            .max()
            .unwrap_or(0);
        Self {
            lines,
            leader: 0,
            period,
            first_nanos,
            reorder_nanos,
        }
    }

    /// Its lines; the position is the number of the track in the SDP.
    pub(super) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The presentation time, in nanoseconds, that a camera would be capturing `elapsed` after PLAY. Every sample is
    /// sent at or after its capture, as with a real camera that reorders.
    pub(super) fn captured_nanos(&self, elapsed: Duration) -> i128 {
        let elapsed = i128::try_from(elapsed.as_nanos()).unwrap_or(i128::MAX);
        elapsed
            .saturating_add(self.first_nanos)
            .saturating_add(self.reorder_nanos)
    }

    /// Where round `round` starts, in the timescale of `line`.
    fn start(&self, round: u64, line: &Line) -> i64 {
        let Some(leader) = self.lines.get(self.leader) else {
            return 0;
        };
        let ticks = i128::from(round) * i128::from(self.period) * i128::from(line.timescale);
        i64::try_from(ticks / i128::from(leader.timescale)).unwrap_or(i64::MAX)
    }
}

impl Line {
    fn new(index: usize, track: &Track) -> Self {
        // Sound before the presentation starts is the encoder's priming; pictures there are needed for decoding.
        let priming = |sample: &Sample| {
            track.kind() == TrackKind::Audio && sample.pts.saturating_add(sample.duration.into()) <= 0
        };
        let all = || track.samples.iter().copied().enumerate();
        let mut samples: Vec<_> = all().filter(|(_, sample)| !priming(sample)).collect();
        if samples.is_empty() {
            samples = all().collect();
        }
        if track.kind() == TrackKind::Audio {
            whole_last_frame(&mut samples);
        }
        Self {
            track: index,
            kind: track.kind(),
            timescale: track.timescale,
            samples,
        }
    }

    fn nanos(&self, ticks: i64) -> i128 {
        i128::from(ticks) * NANOS / i128::from(self.timescale)
    }

    fn first_pts(&self) -> Option<i64> {
        self.samples.iter().map(|(_, sample)| sample.pts).min()
    }

    fn move_to(&mut self, origin_nanos: i128) {
        let scaled = (origin_nanos * i128::from(self.timescale)).div_euclid(NANOS);
        let origin = i64::try_from(scaled).unwrap_or(0);
        for (_, sample) in &mut self.samples {
            sample.pts = sample.pts.saturating_sub(origin);
            sample.dts = sample.dts.saturating_sub(origin);
        }
    }

    /// From the first presentation to the end of the last; at least one tick.
    fn length(&self) -> i64 {
        let ends = self
            .samples
            .iter()
            .map(|(_, sample)| sample.pts.saturating_add(sample.duration.into()));
        let end = ends.max().unwrap_or(0);
        end.saturating_sub(self.first_pts().unwrap_or(0)).max(1)
    }

    /// `ticks` of this line in units of `clock` a second, rounded to the nearest.
    pub(super) fn in_clock(&self, ticks: i64, clock: u32) -> i128 {
        let scaled = i128::from(ticks) * i128::from(clock);
        (scaled + i128::from(self.timescale / 2)).div_euclid(self.timescale.into())
    }
}

/// Encoders cut the last sound frame's duration to where the sound ends, yet it decodes to a whole frame.
fn whole_last_frame(samples: &mut [(usize, Sample)]) {
    if let [.., (_, before), (_, last)] = samples {
        last.duration = last.duration.max(before.duration);
    }
}

/// Walks a program in the order of sending.
#[derive(Debug)]
pub(super) struct Cursor {
    heads: Vec<Head>,
    rounds: Option<u64>,
}

/// How far one line has come.
#[derive(Clone, Copy, Debug, Default)]
struct Head {
    round: u64,
    /// The index in the line's samples.
    next: usize,
    /// What this round adds to the line's times.
    base: i64,
    /// Where the latest presented sample ends.
    end: i64,
}

impl Cursor {
    /// From the start of the file, `rounds` times, or for ever.
    pub(super) fn new(program: &Program, rounds: Option<u64>) -> Self {
        Self {
            heads: vec![Head::default(); program.lines.len()],
            rounds,
        }
    }

    /// The next sample to send; `None` when all rounds are played.
    pub(super) fn advance(&mut self, program: &Program) -> Option<Turn> {
        let mut best: Option<(Turn, Head)> = None;
        for (index, (line, head)) in program.lines.iter().zip(&self.heads).enumerate() {
            let Some((turn, after)) = head.step(program, line, index) else {
                continue;
            };
            let over = self.rounds.is_some_and(|rounds| turn.round >= rounds);
            if !over
                && best
                    .as_ref()
                    .is_none_or(|(other, _)| turn.send_at < other.send_at)
            {
                best = Some((turn, after));
            }
        }
        let (turn, after) = best?;
        if let Some(head) = self.heads.get_mut(turn.line) {
            *head = after;
        }
        Some(turn)
    }
}

impl Head {
    /// The next turn of a line, and the head after it.
    fn step(mut self, program: &Program, line: &Line, index: usize) -> Option<(Turn, Self)> {
        let leads = index == program.leader;
        if self.next > 0 && self.round_is_over(program, line, leads) {
            if !leads && self.is_short(program, line) {
                return self.turn(program, line, index, true);
            }
            self.wrap(program, line, leads);
        }
        self.turn(program, line, index, false)
    }

    fn turn(mut self, program: &Program, line: &Line, index: usize, again: bool) -> Option<(Turn, Self)> {
        let at = if again {
            self.next.checked_sub(1)?
        } else {
            self.next
        };
        let (number, sample) = line.samples.get(at)?;
        let base = if again {
            self.end.saturating_sub(sample.pts)
        } else {
            self.base
        };
        let pts = base.saturating_add(sample.pts);
        let send = line
            .nanos(base.saturating_add(sample.dts))
            .saturating_sub(program.first_nanos)
            .max(0);
        let turn = Turn {
            line: index,
            sample: *number,
            round: self.round,
            pts,
            send_at: Duration::from_nanos(u64::try_from(send).unwrap_or(u64::MAX)),
            key: sample.key,
        };
        self.end = self.end.max(pts.saturating_add(sample.duration.into()));
        self.next = at + 1;
        Some((turn, self))
    }

    /// Where the next round's first sample belongs, were there no grid.
    fn next_start(&self, program: &Program, line: &Line) -> i64 {
        program
            .start(self.round.saturating_add(1), line)
            .saturating_add(line.first_pts_in_order())
    }

    fn round_is_over(&self, program: &Program, line: &Line, leads: bool) -> bool {
        let Some((_, sample)) = line.samples.get(self.next) else {
            return true;
        };
        let half = i64::from(sample.duration / 2);
        let pts = self.base.saturating_add(sample.pts);
        !leads && pts.saturating_add(half) > self.next_start(program, line)
    }

    /// More than half a frame, but no more than one and a half, is missing up to the next round.
    fn is_short(&self, program: &Program, line: &Line) -> bool {
        let frame = line.last_duration();
        let missing = self.next_start(program, line).saturating_sub(self.end);
        missing > frame / 2 && missing <= frame + frame / 2
    }

    fn wrap(&mut self, program: &Program, line: &Line, leads: bool) {
        let first = line.first_pts_in_order();
        let wanted = self.next_start(program, line);
        let missing = wanted.saturating_sub(self.end);
        self.round = self.round.saturating_add(1);
        self.next = 0;
        let start = if !leads && missing <= line.last_duration() / 2 {
            self.end
        } else {
            wanted
        };
        self.base = start.saturating_sub(first);
    }
}

impl Line {
    fn first_pts_in_order(&self) -> i64 {
        self.samples.first().map_or(0, |(_, sample)| sample.pts)
    }

    fn last_duration(&self) -> i64 {
        self.samples
            .last()
            .map_or(1, |(_, sample)| sample.duration.into())
    }
}

#[cfg(test)]
mod tests;
