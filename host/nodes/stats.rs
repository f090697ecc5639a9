//! What a node counts, and what others see of it.
//!
//! Invariants: whatever is told for each unit of media is a few atomic stores; locks are taken only when something
//! changes that changes rarely.

mod status;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use self::status::{Ages, DroppedByKind, NodeStatus};
use super::context::REPEATED_ERROR_INTERVAL;
use super::io::viewers::Viewers;
use crate::media::{Clock, MediaTime, TICKS_PER_SECOND, Ticks};

/// Rates that are older than this say nothing of the present.
const RATES_HOLD: Duration = Duration::from_secs(15);

/// What was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// Encoded media: something is missing in a recording.
    Media,
    /// Decoded frames that a component did not see.
    Frames,
    /// Messages from outside.
    Messages,
}

/// How many kinds there are.
const KINDS: usize = 3;

impl Dropped {
    /// As `dataType` of events says it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Media => "media",
            Self::Frames => "frames",
            Self::Messages => "messages",
        }
    }
}

/// Counters and states of one node.
#[derive(Debug)]
pub struct NodeStats {
    /// Units, frames or signals that came in.
    pub received: AtomicU64,
    /// Units, frames or signals that went out.
    pub sent: AtomicU64,
    /// Things that went wrong.
    pub errors: AtomicU64,
    /// Pictures decoded, at a source; frames that the component answered, at a detector.
    pub processed: AtomicU64,
    /// What nobody needed: pictures left undecoded, at a source; frames that went past the component unseen, since it wants
    /// fewer or others, at a detector.
    pub skipped: AtomicU64,
    /// Frames that were scaled and converted for this detector; one that another has asked for alike costs nothing.
    pub scaled: AtomicU64,
    /// Bytes of media: received by a source, written by a sink.
    pub bytes: AtomicU64,
    /// How often a source connected again.
    pub reconnects: AtomicU64,
    /// Who looks at it, if it is a source.
    pub viewers: Viewers,
    dropped: [AtomicU64; KINDS],
    unit: Moment,
    keyframe: Moment,
    output: Moment,
    keyframe_interval: AtomicU64,
    rates: Rates,
    /// In ms; `i64::MIN` when nothing is known.
    clock_ahead_ms: AtomicI64,
    segment_length: AtomicU64,
    slow: Mutex<Slow>,
}

/// What changes rarely.
#[derive(Debug)]
struct Slow {
    node_type: &'static str,
    state: &'static str,
    since: Option<(MediaTime, Duration)>,
    lost: Option<(MediaTime, Duration)>,
    gate: Option<&'static str>,
    decoding: Option<&'static str>,
    writing: Option<String>,
    last_error: Option<LastError>,
}

#[derive(Debug)]
struct LastError {
    text: String,
    logged: Duration,
}

/// When something last happened: in media time, and on the monotonic clock in ms. Zero says never.
#[derive(Debug, Default)]
struct Moment {
    ticks: AtomicU64,
    monotonic_ms: AtomicU64,
}

impl Moment {
    fn set(&self, time: MediaTime, now: Duration) {
        self.ticks.store(time.ticks().max(1), Ordering::Relaxed);
        let ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        self.monotonic_ms.store(ms, Ordering::Relaxed);
    }

    fn time(&self) -> Option<MediaTime> {
        let ticks = self.ticks.load(Ordering::Relaxed);
        (ticks > 0).then(|| MediaTime::from_ticks(ticks))
    }

    fn age(&self, now: Duration) -> Option<Duration> {
        let at = Duration::from_millis(self.monotonic_ms.load(Ordering::Relaxed));
        self.time().map(|_| now.saturating_sub(at))
    }
}

/// What came per second, over the newest whole window.
#[derive(Debug, Default)]
struct Rates {
    millipictures: AtomicU64,
    bits: AtomicU64,
}

impl Default for NodeStats {
    fn default() -> Self {
        Self::of("", "running")
    }
}

impl NodeStats {
    /// Of a node of a type, in its first state; since when is told by [`NodeStats::set_state`].
    #[must_use]
    pub fn of(node_type: &'static str, state: &'static str) -> Self {
        Self {
            received: AtomicU64::default(),
            sent: AtomicU64::default(),
            errors: AtomicU64::default(),
            processed: AtomicU64::default(),
            skipped: AtomicU64::default(),
            scaled: AtomicU64::default(),
            bytes: AtomicU64::default(),
            reconnects: AtomicU64::default(),
            viewers: Viewers::default(),
            dropped: Default::default(),
            unit: Moment::default(),
            keyframe: Moment::default(),
            output: Moment::default(),
            keyframe_interval: AtomicU64::default(),
            rates: Rates::default(),
            clock_ahead_ms: AtomicI64::new(i64::MIN),
            segment_length: AtomicU64::default(),
            slow: Mutex::new(Slow {
                node_type,
                state,
                since: None,
                lost: None,
                gate: None,
                decoding: None,
                writing: None,
                last_error: None,
            }),
        }
    }

    /// Adds to a counter.
    pub fn add(counter: &AtomicU64, by: u64) {
        counter.fetch_add(by, Ordering::Relaxed);
    }

    /// Counts what was left out.
    pub fn count_dropped(&self, kind: Dropped, by: u64) {
        if let Some(counter) = self.dropped.get(kind as usize) {
            Self::add(counter, by);
        }
    }

    /// Everything that was left out.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        self.dropped.iter().map(count).sum()
    }

    /// Something of this media time came in.
    pub fn came(&self, time: MediaTime, now: Duration) {
        Self::add(&self.received, 1);
        self.unit.set(time, now);
    }

    /// A keyframe came, so long after the one before it.
    pub fn keyframe(&self, time: MediaTime, now: Duration, interval: Option<Ticks>) {
        self.keyframe.set(time, now);
        if let Some(interval) = interval {
            let ticks = u64::try_from(interval.0).unwrap_or_default();
            self.keyframe_interval.store(ticks, Ordering::Relaxed);
        }
    }

    /// Something went out.
    pub fn went(&self, clock: &dyn Clock) {
        self.output.set(clock.media(), clock.monotonic());
    }

    /// Tells what came in a window of media time.
    pub fn set_rates(&self, pictures: u64, bytes: u64, window: Ticks) {
        let window = u128::try_from(window.0).unwrap_or_default().max(1);
        let per_second = |amount: u64, times: u128| {
            let scaled = u128::from(amount) * times * TICKS_PER_SECOND as u128 / window;
            u64::try_from(scaled).unwrap_or(u64::MAX)
        };
        let (pictures, bits) = (per_second(pictures, 1_000), per_second(bytes, 8));
        self.rates.millipictures.store(pictures, Ordering::Relaxed);
        self.rates.bits.store(bits, Ordering::Relaxed);
    }

    /// How many seconds the camera's clock is ahead of the host's.
    pub fn set_clock_ahead(&self, seconds: Option<f64>) {
        let ms = seconds.map_or(i64::MIN, |seconds| (seconds * 1_000.0).round() as i64);
        self.clock_ahead_ms.store(ms, Ordering::Relaxed);
    }

    /// How long a whole segment of this sink is.
    pub fn set_segment_length(&self, length: Ticks) {
        let ticks = u64::try_from(length.0).unwrap_or_default();
        self.segment_length.store(ticks, Ordering::Relaxed);
    }

    fn slow(&self) -> MutexGuard<'_, Slow> {
        self.slow.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The node is in this state from now on, if it was not already.
    pub fn set_state(&self, state: &'static str, clock: &dyn Clock) {
        let mut slow = self.slow();
        if slow.state != state || slow.since.is_none() {
            slow.state = state;
            slow.since = Some((clock.media(), clock.monotonic()));
        }
    }

    /// Since when a source has no camera, in media time and on the monotonic clock.
    pub fn set_lost(&self, since: Option<(MediaTime, Duration)>) {
        self.slow().lost = since;
    }

    /// Whether a gate lets something through.
    pub fn set_gate_open(&self, open: bool) {
        self.slow().gate = Some(if open { "open" } else { "closed" });
    }

    /// How much of a source is decoded from now on.
    pub fn set_decoding(&self, mode: &'static str) {
        self.slow().decoding = Some(mode);
    }

    /// What a sink writes now.
    pub fn set_writing(&self, output: Option<String>) {
        self.slow().writing = output;
    }

    /// Gives true when the error is to be logged.
    pub(super) fn set_error(&self, text: String, now: Duration) -> bool {
        Self::add(&self.errors, 1);
        let last = &mut self.slow().last_error;
        let repeated = last.as_ref().is_some_and(|last| {
            last.text == text && now.saturating_sub(last.logged) < REPEATED_ERROR_INTERVAL
        });
        if !repeated {
            *last = Some(LastError { text, logged: now });
        }
        !repeated
    }

    /// How the node is; `now` is on the monotonic clock.
    #[must_use]
    pub fn status(&self, node: &str, now: Duration) -> NodeStatus {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let dropped = |kind: Dropped| self.dropped.get(kind as usize).map_or(0, count);
        let iso = |moment: &Moment| moment.time().map(MediaTime::iso);
        let seconds = |ticks: u64| (ticks > 0).then(|| ticks as f64 / TICKS_PER_SECOND as f64);
        let unit_age = self.unit.age(now);
        let flows = unit_age.is_some_and(|age| age < RATES_HOLD);
        let rate = |counter: &AtomicU64| Some(count(counter)).filter(|rate| flows && *rate > 0);
        let ahead = self.clock_ahead_ms.load(Ordering::Relaxed);
        let slow = self.slow();
        NodeStatus {
            node: node.to_owned(),
            node_type: slow.node_type,
            state: slow.state,
            since: slow.since.map(|(since, _)| since.iso()),
            lost_since: slow.lost.map(|(since, _)| since.iso()),
            gate: slow.gate,
            writing: slow.writing.clone(),
            received: count(&self.received),
            sent: count(&self.sent),
            dropped: self.dropped(),
            dropped_by_kind: DroppedByKind {
                media: dropped(Dropped::Media),
                frames: dropped(Dropped::Frames),
                messages: dropped(Dropped::Messages),
            },
            processed: count(&self.processed),
            skipped: count(&self.skipped),
            scaled: count(&self.scaled),
            decoding: slow.decoding,
            bytes: count(&self.bytes),
            reconnects: count(&self.reconnects),
            last_unit: iso(&self.unit),
            last_keyframe: iso(&self.keyframe),
            last_output: iso(&self.output),
            keyframe_interval: seconds(count(&self.keyframe_interval)),
            frame_rate: rate(&self.rates.millipictures).map(|rate| rate as f64 / 1_000.0),
            bit_rate: rate(&self.rates.bits),
            clock_ahead: (ahead != i64::MIN).then_some(ahead as f64 / 1_000.0),
            segment_length: seconds(count(&self.segment_length)),
            errors: count(&self.errors),
            last_error: slow.last_error.as_ref().map(|last| last.text.clone()),
            ages: Ages {
                state: slow.since.map(|(_, at)| now.saturating_sub(at)),
                lost: slow.lost.map(|(_, at)| now.saturating_sub(at)),
                unit: unit_age,
                keyframe: self.keyframe.age(now),
                output: self.output.age(now),
            },
        }
    }
}

#[cfg(test)]
mod tests;
