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

/// The furthest back that an activation can begin.
pub const MAX_HISTORY: Ticks = Ticks::from_secs(120);

/// Sound that is this far behind the pictures is not waited for.
const MAX_AUDIO_DELAY: Ticks = Ticks::from_secs(2);

/// Activations that can be open at once; the oldest is closed when there would be more.
const MAX_OPEN: usize = 16;

/// The gate's buffer.
#[derive(Debug)]
pub struct Buffer {
    history: Ticks,
    units: VecDeque<Arc<AccessUnit>>,
    /// The number of the first unit in `units`; numbers never repeat.
    first: u64,
    bytes: usize,
    video: Reached,
    audio: Reached,
    open: Vec<Open>,
    recordings: RecordingId,
    /// Units that were left out because too much was held.
    overflowed: u64,
}

#[derive(Debug)]
struct Open {
    id: u64,
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
            units: VecDeque::new(),
            first: 0,
            bytes: 0,
            video: Reached::default(),
            audio: Reached::default(),
            open: Vec::new(),
            recordings: CONTINUOUS,
            overflowed: 0,
        }
    }

    /// Holds this much of past media from now on, at most [`MAX_HISTORY`].
    pub fn set_history(&mut self, history: Ticks) {
        self.history = history.clamp(Ticks::ZERO, MAX_HISTORY);
    }

    /// Takes the next unit.
    pub fn unit(&mut self, unit: Arc<AccessUnit>) {
        if unit.discontinuity && unit.time < self.reached() {
            // The timeline began anew, earlier: what is held is history.
            (self.video, self.audio) = (Reached::default(), Reached::default());
        }
        match unit.kind() {
            TrackKind::Video => self.video.unit(unit.time),
            TrackKind::Audio => self.audio.unit(unit.time),
        }
        self.bytes += unit.data.len();
        self.units.push_back(unit);
        while self.bytes > MAX_HELD_BYTES {
            self.overflowed += 1;
            self.pop_front();
        }
    }

    /// Up to where all media has come.
    #[must_use]
    pub fn reached(&self) -> MediaTime {
        let (video, audio) = (self.video.complete(), self.audio.complete());
        match (self.video.seen, self.audio.seen) {
            (true, true) => video.min(audio.max(video.offset(Ticks(-MAX_AUDIO_DELAY.0)))),
            (true, false) => video,
            _ => audio,
        }
    }

    /// How many units were lost because more than [`MAX_HELD_BYTES`] would have been held.
    #[must_use]
    pub fn overflowed(&self) -> u64 {
        self.overflowed
    }

    /// Opens an activation, or changes the end of one that is open.
    pub fn open(&mut self, id: u64, start: MediaTime, end: MediaTime) {
        if let Some(open) = self.open.iter_mut().find(|open| open.id == id) {
            open.end = end;
            if open.playing.is_none() {
                open.start = start;
            }
            return;
        }
        if self.open.len() >= MAX_OPEN
            && let Some(oldest) = self.open.first_mut()
        {
            oldest.end = MediaTime::MIN;
        }
        self.open.push(Open {
            id,
            start,
            end,
            playing: None,
        });
    }

    /// Ends an activation at a moment.
    pub fn close(&mut self, id: u64, at: MediaTime) {
        if let Some(open) = self.open.iter_mut().find(|open| open.id == id) {
            open.end = open.end.min(at);
        }
    }

    /// Lets out what is final: decisions are known, and media has come, up to `until`.
    pub fn release(&mut self, until: MediaTime, out: &mut Vec<MediaItem>) {
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

    /// The camera is gone: lets out everything of what is open and ends its recordings. An activation whose span goes
    /// on begins a new recording if the camera comes back in time.
    pub fn lost(&mut self, out: &mut Vec<MediaItem>) {
        self.release(self.video.highest.max(self.audio.highest), out);
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
        playing.next = playing.next.max(self.first);
        let skip = usize::try_from(playing.next - self.first).unwrap_or(usize::MAX);
        for unit in self.units.iter().skip(skip) {
            let beyond = unit.time >= activation.end;
            if unit.time > until && !beyond {
                break;
            }
            playing.next += 1;
            let video = unit.kind() == TrackKind::Video;
            // What follows a picture beyond the end in decoding order may refer to it.
            playing.video_done |= video && beyond;
            if !(beyond || video && playing.video_done) {
                out.push(MediaItem::Unit {
                    recording: playing.recording,
                    unit: Arc::clone(unit),
                });
            }
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
            self.bytes = self.bytes.saturating_sub(unit.data.len());
            self.first += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nodes::testing::{at, unit};

    /// A camera with a key frame each 2 s and 10 units a second.
    fn camera(from: f64, seconds: f64) -> Vec<AccessUnit> {
        let count = (seconds * 10.0).round() as u32;
        (0..count)
            .map(|n| unit(from + f64::from(n) / 10.0, n % 20 == 0))
            .collect()
    }

    #[derive(Debug, PartialEq)]
    struct Clip {
        first: MediaTime,
        last: MediaTime,
        units: usize,
        ended: bool,
    }

    fn clips(items: &[MediaItem]) -> Vec<Clip> {
        let mut clips: Vec<(RecordingId, Clip)> = Vec::new();
        for item in items {
            match item {
                MediaItem::Begin { recording, .. } => clips.push((
                    *recording,
                    Clip {
                        first: MediaTime::MAX,
                        last: MediaTime::MIN,
                        units: 0,
                        ended: false,
                    },
                )),
                MediaItem::Unit { recording, unit } => {
                    let (_, clip) = clips.iter_mut().find(|(id, _)| id == recording).expect("begun");
                    assert!(
                        clip.units > 0 || unit.random_access,
                        "a clip begins with a key frame"
                    );
                    clip.first = clip.first.min(unit.time);
                    clip.last = clip.last.max(unit.time);
                    clip.units += 1;
                }
                MediaItem::End { recording } => {
                    clips
                        .iter_mut()
                        .find(|(id, _)| id == recording)
                        .expect("begun")
                        .1
                        .ended = true;
                }
                MediaItem::Lost => {}
            }
        }
        clips.into_iter().map(|(_, clip)| clip).collect()
    }

    fn play(buffer: &mut Buffer, units: Vec<AccessUnit>, out: &mut Vec<MediaItem>) {
        for unit in units {
            buffer.unit(Arc::new(unit));
            buffer.release(buffer.reached(), out);
        }
    }

    #[test]
    fn a_span_in_the_past_begins_at_the_key_frame_before_it() {
        let (mut buffer, mut out) = (Buffer::new(Ticks::from_secs(5)), Vec::new());
        play(&mut buffer, camera(0.0, 10.0), &mut out);
        buffer.open(1, at(5.1), at(12.0));
        play(&mut buffer, camera(10.0, 5.0), &mut out);
        assert_eq!(
            clips(&out),
            [Clip {
                first: at(4.0),
                last: at(11.9),
                units: 80,
                ended: true
            }]
        );
    }

    #[test]
    fn a_span_in_the_future_waits_for_its_start() {
        let (mut buffer, mut out) = (Buffer::new(Ticks::ZERO), Vec::new());
        buffer.open(1, at(3.0), at(4.0));
        let mut units = camera(0.0, 5.0);
        let rest = units.split_off(29);
        play(&mut buffer, units, &mut out);
        assert_eq!(clips(&out), []);
        play(&mut buffer, rest, &mut out);
        assert_eq!(
            clips(&out),
            [Clip {
                first: at(2.0),
                last: at(3.9),
                units: 20,
                ended: true
            }]
        );
    }

    #[test]
    fn prolonging_before_the_end_leaves_no_hole() {
        let (mut buffer, mut out) = (Buffer::new(Ticks::ZERO), Vec::new());
        play(&mut buffer, camera(0.0, 2.0), &mut out);
        buffer.open(7, at(1.0), at(3.0));
        play(&mut buffer, camera(2.0, 0.9), &mut out);
        buffer.open(7, at(1.0), at(6.0));
        play(&mut buffer, camera(2.9, 5.0), &mut out);
        assert_eq!(
            clips(&out),
            [Clip {
                first: at(0.0),
                last: at(5.9),
                units: 60,
                ended: true
            }]
        );
    }

    #[test]
    fn overlapping_activations_each_get_all_of_their_media() {
        let (mut buffer, mut out) = (Buffer::new(Ticks::from_secs(4)), Vec::new());
        play(&mut buffer, camera(0.0, 6.0), &mut out);
        buffer.open(1, at(4.0), at(8.0));
        buffer.open(2, at(6.0), at(9.0));
        play(&mut buffer, camera(6.0, 4.0), &mut out);
        let clips = clips(&out);
        assert_eq!((clips[0].first, clips[0].last), (at(4.0), at(7.9)));
        assert_eq!((clips[1].first, clips[1].last), (at(6.0), at(8.9)));
        assert!(clips.iter().all(|clip| clip.ended));
    }

    #[test]
    fn closing_early_ends_the_clip_there() {
        let (mut buffer, mut out) = (Buffer::new(Ticks::ZERO), Vec::new());
        play(&mut buffer, camera(0.0, 1.0), &mut out);
        buffer.open(1, at(0.5), MediaTime::MAX);
        play(&mut buffer, camera(1.0, 1.0), &mut out);
        buffer.close(1, at(2.5));
        play(&mut buffer, camera(2.0, 2.0), &mut out);
        assert_eq!(
            clips(&out),
            [Clip {
                first: at(0.0),
                last: at(2.4),
                units: 25,
                ended: true
            }]
        );
    }

    #[test]
    fn a_lost_camera_ends_the_clip_and_its_return_within_the_span_begins_another() {
        let (mut buffer, mut out) = (Buffer::new(Ticks::ZERO), Vec::new());
        play(&mut buffer, camera(0.0, 1.0), &mut out);
        buffer.open(1, at(0.0), at(10.0));
        play(&mut buffer, camera(1.0, 1.0), &mut out);
        buffer.lost(&mut out);
        let mut back = camera(5.0, 7.0);
        back[0].discontinuity = true;
        play(&mut buffer, back, &mut out);
        assert_eq!(
            clips(&out),
            [
                Clip {
                    first: at(0.0),
                    last: at(1.9),
                    units: 20,
                    ended: true
                },
                Clip {
                    first: at(5.0),
                    last: at(9.9),
                    units: 50,
                    ended: true
                }
            ]
        );
    }

    #[test]
    fn what_no_activation_can_reach_is_let_go() {
        let (mut buffer, mut out) = (Buffer::new(Ticks::from_secs(5)), Vec::new());
        play(&mut buffer, camera(0.0, 600.0), &mut out);
        assert!(buffer.units.len() <= 80, "{} units held", buffer.units.len());
        assert_eq!(buffer.overflowed(), 0);
    }

    #[test]
    fn a_gate_that_is_never_released_holds_no_more_than_its_bound() {
        let mut buffer = Buffer::new(Ticks::from_secs(5));
        for n in 0..100 {
            let data = vec![0; MAX_HELD_BYTES / 50].into();
            buffer.unit(Arc::new(AccessUnit {
                data,
                ..unit(f64::from(n), true)
            }));
        }
        assert!(buffer.bytes <= MAX_HELD_BYTES);
        assert_eq!(buffer.overflowed(), 50);
    }

    #[test]
    fn b_frames_are_not_cut_off_from_what_they_refer_to() {
        let (mut buffer, mut out) = (Buffer::new(Ticks::ZERO), Vec::new());
        // Decoding order I0 P3 B1 B2 P6 B4 B5 ..., in tenths of a second.
        let mut order = vec![0_u32];
        for n in 0..20 {
            order.extend([n * 3 + 3, n * 3 + 1, n * 3 + 2]);
        }
        buffer.open(1, at(0.0), at(2.0));
        play(
            &mut buffer,
            order
                .iter()
                .map(|n| unit(f64::from(*n) / 10.0, *n == 0))
                .collect(),
            &mut out,
        );
        let sent: Vec<MediaTime> = out
            .iter()
            .filter_map(|item| match item {
                MediaItem::Unit { unit, .. } => Some(unit.time),
                _ => None,
            })
            .collect();
        let expected: Vec<MediaTime> = order.iter().take(19).map(|n| at(f64::from(*n) / 10.0)).collect();
        assert_eq!(sent, expected);
    }
}
