//! From a camera's RTP timestamps to media time.
//!
//! Media time is the host's UTC at receipt, smoothed: anchored at the first access unit of a camera session and
//! carried on by RTP deltas, scaled by a rate that follows the camera (some stamp 25 fps and send 21). Within a
//! session it is never stepped; only a jump that the rate cannot follow is a discontinuity.

use std::collections::VecDeque;

use super::{MediaTime, TICKS_PER_SECOND, Ticks};

/// How far back receipts are compared to find the camera's rate.
const RATE_WINDOW: Ticks = Ticks::from_secs(30);
/// One receipt in this much media time is remembered.
const SAMPLE_EVERY: Ticks = Ticks::from_secs(1);
/// The most receipts that are remembered.
const MAX_SAMPLES: usize = 64;
/// The rate stays within 25 percent of what the timestamps say.
const MAX_RATE_CHANGE: f64 = 0.25;
/// Below this distance from the host's clock, timestamps are taken as they are: it is only network jitter.
const TOLERATED_ERROR: Ticks = Ticks(TICKS_PER_SECOND / 5);
/// A distance from the host's clock that is not followed but begins anew.
const MAX_ERROR: Ticks = Ticks::from_secs(10);

/// The timeline of one track of one camera session.
#[derive(Debug)]
pub struct Timeline {
    clock_rate: f64,
    base: Option<Base>,
    samples: VecDeque<(i64, MediaTime)>,
}

#[derive(Clone, Copy, Debug)]
struct Base {
    rtp: i64,
    media: MediaTime,
    /// Media time per RTP time; 1 for a camera that keeps time.
    rate: f64,
}

/// A moment on the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapped {
    /// Its media time.
    pub time: MediaTime,
    /// The timeline had to begin anew here.
    pub discontinuity: bool,
}

impl Timeline {
    /// For a track whose RTP clock ticks `clock_rate` times a second.
    #[must_use]
    pub fn new(clock_rate: u32) -> Self {
        Self {
            clock_rate: f64::from(clock_rate.max(1)),
            base: None,
            samples: VecDeque::new(),
        }
    }

    /// Fixes the media time of an RTP timestamp, so that the tracks of a session share one origin.
    pub fn anchor(&mut self, rtp: i64, media: MediaTime) {
        self.base = Some(Base {
            rtp,
            media,
            rate: 1.0,
        });
        self.samples.clear();
    }

    /// Whether it has an origin.
    #[must_use]
    pub fn is_anchored(&self) -> bool {
        self.base.is_some()
    }

    /// The media time of an RTP timestamp (extended to 64 bits) whose unit was received at `received`.
    pub fn map(&mut self, rtp: i64, received: MediaTime) -> Mapped {
        let Some(base) = self.base else {
            self.anchor(rtp, received);
            return Mapped {
                time: received,
                discontinuity: false,
            };
        };
        let time = self.at(base, rtp);
        let error = received.since(time);
        if error.0.abs() > MAX_ERROR.0 {
            self.anchor(rtp, received);
            return Mapped {
                time: received,
                discontinuity: true,
            };
        }
        self.follow(rtp, received, time, error);
        Mapped {
            time,
            discontinuity: false,
        }
    }

    fn at(&self, base: Base, rtp: i64) -> MediaTime {
        let elapsed = rtp.saturating_sub(base.rtp) as f64 / self.clock_rate;
        base.media.offset(Ticks(
            (elapsed * base.rate * TICKS_PER_SECOND as f64).round() as i64
        ))
    }

    /// Adjusts the rate. The map stays continuous because the base moves to the newest moment.
    fn follow(&mut self, rtp: i64, received: MediaTime, time: MediaTime, error: Ticks) {
        let due = self
            .samples
            .back()
            .is_none_or(|(_, at)| received.since(*at) >= SAMPLE_EVERY);
        let newest = self.base.is_none_or(|base| rtp >= base.rtp);
        if !due || !newest {
            return;
        }
        self.samples.push_back((rtp, received));
        while self.samples.len() > MAX_SAMPLES
            || self
                .samples
                .front()
                .is_some_and(|(_, at)| received.since(*at) > RATE_WINDOW)
        {
            self.samples.pop_front();
        }
        let rate = if error.0.abs() <= TOLERATED_ERROR.0 && !self.drifts() {
            1.0
        } else {
            // The measured slope, and the rest of the error spread over one window.
            self.slope().unwrap_or(1.0) + error.seconds() / RATE_WINDOW.seconds()
        };
        let rate = rate.clamp(1.0 - MAX_RATE_CHANGE, 1.0 + MAX_RATE_CHANGE);
        self.base = Some(Base {
            rtp,
            media: time,
            rate,
        });
    }

    /// Received time per RTP time over the window; None before it says anything.
    fn slope(&self) -> Option<f64> {
        let ((first_rtp, first), (last_rtp, last)) = (self.samples.front()?, self.samples.back()?);
        let stamped = (last_rtp - first_rtp) as f64 / self.clock_rate;
        let received = last.since(*first).seconds();
        (stamped > 0.0 && received >= SAMPLE_EVERY.seconds() * 4.0).then(|| received / stamped)
    }

    /// Whether the slope differs from 1 by more than jitter over the window explains.
    fn drifts(&self) -> bool {
        self.slope().is_some_and(|slope| (slope - 1.0).abs() > 0.02)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 150_000_000_000_000;

    /// Feeds `seconds` of video: stamped at `stamped` fps, received at `sent` fps, late by `jitter(frame)` ticks.
    fn feed(
        stamped: f64,
        sent: f64,
        seconds: u32,
        jitter: impl Fn(u32) -> i64,
    ) -> (Vec<Mapped>, Vec<MediaTime>) {
        let mut timeline = Timeline::new(90_000);
        let start = MediaTime::from_ticks(START);
        let frames = (f64::from(seconds) * sent) as u32;
        (0..frames)
            .map(|frame| {
                let rtp = 7_000 + (f64::from(frame) * 90_000.0 / stamped).round() as i64;
                let received =
                    start.offset(Ticks((f64::from(frame) * 90_000.0 / sent) as i64 + jitter(frame)));
                (timeline.map(rtp, received), received)
            })
            .unzip()
    }

    #[test]
    fn a_camera_that_keeps_time_keeps_its_exact_frame_distance_through_jitter() {
        let (mapped, _) = feed(25.0, 25.0, 120, |frame| i64::from(frame * 7_919 % 9_000));
        for pair in mapped.windows(2) {
            assert_eq!(pair[1].time.since(pair[0].time), Ticks(3_600));
            assert!(!pair[1].discontinuity);
        }
    }

    #[test]
    fn a_camera_that_stamps_25_and_sends_21_is_followed_without_a_step() {
        let (mapped, received) = feed(25.0, 21.0, 300, |_| 0);
        for pair in mapped.windows(2) {
            let step = pair[1].time.since(pair[0].time).0;
            assert!(step > 0 && step < 5_400, "a step of {step} ticks");
            assert!(!pair[1].discontinuity);
        }
        let error = received
            .last()
            .unwrap()
            .since(mapped.last().unwrap().time)
            .seconds();
        assert!(error.abs() < 0.5, "{error} s off after five minutes");
    }

    #[test]
    fn a_slow_drift_never_grows_beyond_the_tolerance() {
        let (mapped, received) = feed(25.0, 25.0 * 1.0005, 3_600, |_| 0);
        for (mapped, received) in mapped.iter().zip(&received) {
            assert!(received.since(mapped.time).seconds().abs() < 0.3);
        }
    }

    #[test]
    fn a_jump_that_cannot_be_followed_is_a_discontinuity() {
        let mut timeline = Timeline::new(90_000);
        let start = MediaTime::from_ticks(START);
        timeline.map(0, start);
        let mapped = timeline.map(90_000 * 3_600, start.offset(Ticks(3_600)));
        assert_eq!(
            mapped,
            Mapped {
                time: start.offset(Ticks(3_600)),
                discontinuity: true
            }
        );
    }

    #[test]
    fn pictures_out_of_order_keep_their_places() {
        let mut timeline = Timeline::new(90_000);
        let start = MediaTime::from_ticks(START);
        let times: Vec<_> = [0, 9_000, 3_000, 6_000, 18_000]
            .iter()
            .enumerate()
            .map(|(n, rtp)| {
                timeline
                    .map(*rtp, start.offset(Ticks(n as i64 * 3_000)))
                    .time
                    .since(start)
                    .0
            })
            .collect();
        assert_eq!(times, [0, 9_000, 3_000, 6_000, 18_000]);
    }

    #[test]
    fn absurd_timestamps_do_not_panic() {
        let mut timeline = Timeline::new(0);
        for rtp in [i64::MIN, i64::MAX, 0, -1, i64::MIN] {
            timeline.map(rtp, MediaTime::from_ticks(START));
        }
    }
}
