//! The media that a gate holds, and the spans of it that are let through.
//!
//! Pure: no clock, no task, no component. Invariants: units of a recording go out in decoding order, begin with the
//! random access point at or before the span's start (SPEC of Live Video Analytics, signal gate: the start is
//! aligned to a key frame) and end before its end; nothing goes out before every detector has passed it, so a
//! span that is prolonged late has no hole; at most [`MAX_HELD_BYTES`] are held.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::media::{AccessUnit, MediaTime, Ticks, TrackKind};
use crate::nodes::io::units::{CONTINUOUS, MediaItem, RecordingId};

/// The most media that one gate holds: a minute of an 8 Mbit/s camera. Units are shared with whoever else has them.
pub const MAX_HELD_BYTES: usize = 64 << 20;

/// The same in replay: [`MAX_HISTORY`] of a camera of 64 Mbit/s.
const MAX_HELD_IN_REPLAY: usize = 1 << 30;

/// The furthest back that an activation can begin.
pub const MAX_HISTORY: Ticks = Ticks::from_secs(120);

/// Sound that is this far behind the pictures is not waited for.
const MAX_AUDIO_DELAY: Ticks = Ticks::from_secs(2);

/// A discontinuity that steps back further than this begins a new timeline: pictures are never reordered so far.
const MAX_STEP_BACK: Ticks = Ticks::from_secs(1);

/// Activations that can be open at once; the oldest is closed when there would be more.
const MAX_OPEN: usize = 16;

/// What a crashed component has opened ends at most so much later: nobody is left to close it.
const MAX_ORPHANED: Ticks = Ticks::from_secs(120);

/// The gate's buffer.
#[derive(Debug)]
pub struct Buffer {
    history: Ticks,
    /// The most bytes that are held.
    limit: usize,
    units: VecDeque<Arc<AccessUnit>>,
    /// The number of the first unit in `units`; numbers never repeat.
    first: u64,
    bytes: usize,
    video: Reached,
    audio: Reached,
    open: Vec<Open>,
    /// Recordings of activations that had to make room.
    ended: Vec<RecordingId>,
    recordings: RecordingId,
    /// The camera is gone: no more media comes before [`Buffer::lost`].
    gone: bool,
    /// Units that were let go because too much was held.
    overflowed: u64,
    /// Those of them that a recording should have had.
    missed: u64,
}

#[derive(Debug)]
struct Open {
    /// None when the component that opened it has crashed.
    id: Option<u64>,
    start: MediaTime,
    end: MediaTime,
    playing: Option<Playing>,
}

#[derive(Debug)]
struct Playing {
    recording: RecordingId,
    /// The number of the next unit to go out.
    next: u64,
    video_done: bool,
    /// Units are missing: nothing can be decoded before the next random access point.
    broken: bool,
}

/// How far a track has come.
#[derive(Debug, Default)]
struct Reached {
    highest: MediaTime,
    before: MediaTime,
    reorders: bool,
    seen: bool,
}

impl Reached {
    fn unit(&mut self, time: MediaTime) {
        self.seen = true;
        if time > self.highest {
            self.before = self.highest;
            self.highest = time;
        } else if time < self.highest {
            self.reorders = true;
        }
    }

    /// Everything up to here has come. With B-frames, what precedes the highest may still be to come.
    fn complete(&self) -> MediaTime {
        if self.reorders { self.before } else { self.highest }
    }
}

impl Buffer {
    /// Holds `history` of past media, at most [`MAX_HISTORY`].
    #[must_use]
    pub fn new(history: Ticks) -> Self {
        Self {
            history: history.clamp(Ticks::ZERO, MAX_HISTORY),
            limit: MAX_HELD_BYTES,
            units: VecDeque::new(),
            first: 0,
            bytes: 0,
            video: Reached::default(),
            audio: Reached::default(),
            open: Vec::new(),
            ended: Vec::new(),
            recordings: CONTINUOUS,
            gone: false,
            overflowed: 0,
            missed: 0,
        }
    }

    /// Holds more bytes: in replay, where how much is held depends on which part of the graph is faster, and nothing else may.
    #[must_use]
    pub fn with_room(self) -> Self {
        Self {
            limit: MAX_HELD_IN_REPLAY,
            ..self
        }
    }

    /// Holds this much of past media from now on, at most [`MAX_HISTORY`].
    pub fn set_history(&mut self, history: Ticks) {
        self.history = history.clamp(Ticks::ZERO, MAX_HISTORY);
    }

    /// Whether the timeline begins anew with this unit, earlier than what is held, as when the host's clock was set
    /// back. Then everything must be let out first, and [`Buffer::restart`] be called.
    #[must_use]
    pub fn goes_back(&self, unit: &AccessUnit) -> bool {
        let track = match unit.kind() {
            TrackKind::Video => &self.video,
            TrackKind::Audio => &self.audio,
        };
        unit.discontinuity && track.highest.since(unit.time) > MAX_STEP_BACK
    }

    /// Forgets the old timeline and what was open on it.
    pub fn restart(&mut self) {
        (self.video, self.audio) = (Reached::default(), Reached::default());
        self.open.clear();
    }

    /// Takes the next unit.
    pub fn unit(&mut self, unit: Arc<AccessUnit>) {
        match unit.kind() {
            TrackKind::Video => self.video.unit(unit.time),
            TrackKind::Audio => self.audio.unit(unit.time),
        }
        self.bytes += unit.weight();
        self.units.push_back(unit);
        while self.bytes > self.limit {
            self.overflowed += 1;
            self.pop_front();
        }
    }

    /// The moment of the earliest media that is held; the beginning of all time while none is.
    #[must_use]
    pub fn earliest(&self) -> MediaTime {
        self.units.front().map_or(MediaTime::MIN, |unit| unit.time)
    }

    /// Up to where all media has come.
    #[must_use]
    pub fn reached(&self) -> MediaTime {
        if self.gone {
            // Nothing more comes; and nobody looks at sound.
            let track = if self.video.seen { &self.video } else { &self.audio };
            return track.highest;
        }
        let (video, audio) = (self.video.complete(), self.audio.complete());
        match (self.video.seen, self.audio.seen) {
            (true, true) => video.min(audio.max(video.offset(Ticks(-MAX_AUDIO_DELAY.0)))),
            (true, false) => video,
            _ => audio,
        }
    }

    fn highest(&self) -> MediaTime {
        self.video.highest.max(self.audio.highest)
    }

    /// How many units were let go because more than [`MAX_HELD_BYTES`] would have been held. Most of them are
    /// history that no recording wanted.
    #[must_use]
    pub fn overflowed(&self) -> u64 {
        self.overflowed
    }

    /// How many units recordings lack, since the last call, because more than [`MAX_HELD_BYTES`] would have been
    /// held.
    pub fn take_missed(&mut self) -> u64 {
        std::mem::take(&mut self.missed)
    }

    /// Opens an activation, or changes the end of one that is open.
    pub fn open(&mut self, id: u64, start: MediaTime, end: MediaTime) {
        if let Some(open) = self.open.iter_mut().find(|open| open.id == Some(id)) {
            open.end = end;
            if open.playing.is_none() {
                open.start = start;
            }
            return;
        }
        if self.open.len() >= MAX_OPEN {
            let oldest = self.open.remove(0);
            self.ended.extend(oldest.playing.map(|playing| playing.recording));
        }
        self.open.push(Open {
            id: Some(id),
            start,
            end,
            playing: None,
        });
    }

    /// Ends an activation at a moment.
    pub fn close(&mut self, id: u64, at: MediaTime) {
        if let Some(open) = self.open.iter_mut().find(|open| open.id == Some(id)) {
            open.end = open.end.min(at);
        }
    }

    /// The component has crashed. What it opened goes on as it was last told, but not for ever, and the next
    /// instance, which numbers its activations anew, cannot mean it.
    pub fn orphan(&mut self, at: MediaTime) {
        for open in self.open.iter_mut().filter(|open| open.id.is_some()) {
            open.id = None;
            open.end = open.end.min(at.max(open.start).offset(MAX_ORPHANED));
        }
    }

    /// Lets out what is final: decisions are known, and media has come, up to `until`.
    pub fn release(&mut self, until: MediaTime, out: &mut Vec<MediaItem>) {
        let ended = std::mem::take(&mut self.ended);
        out.extend(ended.into_iter().map(|recording| MediaItem::End { recording }));
        let mut open = std::mem::take(&mut self.open);
        for activation in &mut open {
            self.release_one(activation, until, out);
        }
        open.retain(|activation| {
            let over = until >= activation.end;
            if over && let Some(playing) = &activation.playing {
                out.push(MediaItem::End {
                    recording: playing.recording,
                });
            }
            !over
        });
        self.open = open;
        self.forget(until);
    }

    /// The camera is gone. What is held stays: its last pictures may not have been looked at yet.
    pub fn gone(&mut self) {
        self.gone = true;
    }

    /// Whether the camera is gone and [`Buffer::lost`] is still to be called.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.gone
    }

    /// The camera is gone, and all that it brought was looked at: lets out everything of what is open and ends its
    /// recordings. An activation whose span goes on begins a new recording if the camera comes back in time.
    pub fn lost(&mut self, out: &mut Vec<MediaItem>) {
        self.gone = false;
        self.release(self.highest(), out);
        for activation in &mut self.open {
            if let Some(playing) = activation.playing.take() {
                out.push(MediaItem::End {
                    recording: playing.recording,
                });
            }
        }
        while !self.units.is_empty() {
            self.pop_front();
        }
    }

    fn release_one(&mut self, activation: &mut Open, until: MediaTime, out: &mut Vec<MediaItem>) {
        if activation.playing.is_none() {
            activation.playing = self.begin(activation, until, out);
        }
        let Some(playing) = &mut activation.playing else {
            return;
        };
        let missed = self.first.saturating_sub(playing.next);
        if missed > 0 {
            self.missed = self.missed.saturating_add(missed);
            (playing.next, playing.broken) = (self.first, true);
        }
        // As long as decisions may still move the end, what lies beyond it must not be passed over.
        let over = until >= activation.end;
        let skip = usize::try_from(playing.next - self.first).unwrap_or(usize::MAX);
        for unit in self.units.iter().skip(skip) {
            if unit.time > until && !over {
                break;
            }
            playing.next += 1;
            let beyond = unit.time >= activation.end;
            let video = unit.kind() == TrackKind::Video;
            // What follows a picture beyond the end in decoding order may refer to it.
            playing.video_done |= video && beyond;
            if beyond || video && playing.video_done {
                continue;
            }
            let entry = unit.random_access && (video || !self.video.seen);
            if playing.broken && !entry {
                self.missed = self.missed.saturating_add(1);
                continue;
            }
            let discontinuity = std::mem::take(&mut playing.broken);
            out.push(MediaItem::Unit {
                recording: playing.recording,
                unit: if discontinuity {
                    after_a_hole(unit)
                } else {
                    Arc::clone(unit)
                },
            });
        }
    }

    /// Starts to play an activation, once the media of its start has come.
    fn begin(&mut self, activation: &Open, until: MediaTime, out: &mut Vec<MediaItem>) -> Option<Playing> {
        if until < activation.start {
            return None;
        }
        let entries = || {
            let video = self.video.seen;
            self.units
                .iter()
                .enumerate()
                .filter(move |(_, unit)| unit.random_access && (unit.kind() == TrackKind::Video || !video))
        };
        let before = entries().rfind(|(_, unit)| unit.time <= activation.start);
        let (index, _) = before.or_else(|| {
            // Nothing that early is held: the first picture after it that can be decoded.
            entries().find(|(_, unit)| unit.time <= until && unit.time < activation.end)
        })?;
        self.recordings += 1;
        out.push(MediaItem::Begin {
            recording: self.recordings,
            start: activation.start,
        });
        Some(Playing {
            recording: self.recordings,
            next: self.first + index as u64,
            video_done: false,
            broken: false,
        })
    }

    /// Lets go of what no activation can reach any more.
    fn forget(&mut self, until: MediaTime) {
        let horizon = until.offset(Ticks(-self.history.0));
        let wanted = self
            .open
            .iter()
            .filter(|open| open.playing.is_none())
            .map(|open| open.start)
            .min();
        let horizon = wanted.map_or(horizon, |start| start.min(horizon));
        let video = self.video.seen;
        let entry = |unit: &AccessUnit| unit.random_access && (unit.kind() == TrackKind::Video || !video);
        // Keep from the last entry at or before the horizon on.
        let keep = self
            .units
            .iter()
            .enumerate()
            .rfind(|(_, unit)| entry(unit) && unit.time <= horizon);
        let Some((keep, _)) = keep else { return };
        let played = self
            .open
            .iter()
            .filter_map(|open| open.playing.as_ref().map(|playing| playing.next))
            .min();
        let keep = played.map_or(keep as u64, |next| {
            next.saturating_sub(self.first).min(keep as u64)
        });
        for _ in 0..keep {
            self.pop_front();
        }
    }

    fn pop_front(&mut self) {
        if let Some(unit) = self.units.pop_front() {
            self.bytes = self.bytes.saturating_sub(unit.weight());
            self.first += 1;
        }
    }
}

fn after_a_hole(unit: &AccessUnit) -> Arc<AccessUnit> {
    Arc::new(AccessUnit {
        discontinuity: true,
        ..unit.clone()
    })
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
