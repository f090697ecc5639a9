//! From a camera's RTP timestamps to media time.
//!
//! Media time is the host's UTC at receipt, smoothed: anchored at the first access unit of a camera session and
//! carried on by RTP deltas, scaled by a rate that follows the camera (some stamp 25 fps and send 21). Within a
//! session it is never stepped; only a jump that the rate cannot follow is a discontinuity.

use std::collections::VecDeque;

use super::{MediaTime, TICKS_PER_SECOND, Ticks};

/// How far back receipts are compared to find the camera's rate.
const RATE_WINDOW: Ticks = Ticks::from_secs(30);
/// A shorter window says nothing about a rate.
const LEAST_WINDOW: Ticks = Ticks::from_secs(8);
/// One receipt in this much media time is remembered.
const SAMPLE_EVERY: Ticks = Ticks::from_secs(1);
/// The most receipts that are remembered.
const MAX_SAMPLES: usize = 64;
/// The rate stays within 25 percent of what the timestamps say.
const MAX_RATE_CHANGE: f64 = 0.25;
/// Below this distance from the host's clock, timestamps are taken as they are: it is only network jitter.
const TOLERATED_ERROR: Ticks = Ticks(TICKS_PER_SECOND / 5);
/// A slope over a whole window that jitter may explain.
const MAX_JITTER_SLOPE: f64 = 0.02;
/// A distance from the host's clock that is not followed but begins anew.
const MAX_ERROR: Ticks = Ticks::from_secs(10);

/// The timeline of one track of one camera session.
#[derive(Debug)]
pub struct Timeline {
    clock_rate: f64,
    base: Option<Base>,
    /// One receipt of each second, the oldest first.
    samples: VecDeque<Receipt>,
    /// The least late receipt of the second that is not over yet.
    earliest: Option<Receipt>,
    /// When the last second was over.
    sampled: MediaTime,
}

#[derive(Clone, Copy, Debug)]
struct Receipt {
    rtp: i64,
    at: MediaTime,
    /// After what the timeline says.
    late: Ticks,
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
            earliest: None,
            sampled: MediaTime::from_ticks(0),
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
        self.earliest = None;
        self.sampled = media;
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
        let late = received.since(time);
        if late.0.abs() > MAX_ERROR.0 {
            self.anchor(rtp, received);
            return Mapped {
                time: received,
                discontinuity: true,
            };
        }
        if rtp >= base.rtp {
            let at = received;
            self.follow(Receipt { rtp, at, late }, time);
        }
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

    /// Adjusts the rate once a second. The map stays continuous because the base moves to the newest moment.
    ///
    /// A unit is late by what the network and a busy machine took, and never early: the least late one of a second says
    /// most about the camera's clock.
    fn follow(&mut self, newest: Receipt, time: MediaTime) {
        let earliest = self
            .earliest
            .filter(|one| one.late.0 <= newest.late.0)
            .unwrap_or(newest);
        self.earliest = Some(earliest);
        if newest.at.since(self.sampled) < SAMPLE_EVERY {
            return;
        }
        self.earliest = None;
        self.sampled = newest.at;
        self.remember(earliest);
        let trend = self.trend().unwrap_or(1.0);
        let steep = (trend - 1.0).abs() > MAX_JITTER_SLOPE;
        let rate = if steep || earliest.late.0.abs() > TOLERATED_ERROR.0 {
            // The trend, and the rest of the error spread over one window.
            trend + earliest.late.seconds() / RATE_WINDOW.seconds()
        } else {
            1.0
        };
        self.base = Some(Base {
            rtp: newest.rtp,
            media: time,
            rate: rate.clamp(1.0 - MAX_RATE_CHANGE, 1.0 + MAX_RATE_CHANGE),
        });
    }

    fn remember(&mut self, receipt: Receipt) {
        self.samples.push_back(receipt);
        let too_old = |one: &Receipt| receipt.at.since(one.at) > RATE_WINDOW;
        while self.samples.len() > MAX_SAMPLES || self.samples.front().is_some_and(too_old) {
            self.samples.pop_front();
        }
    }

    /// Received time per RTP time over the window; None before it says anything. In a window of few seconds jitter alone
    /// makes several percent: only when both have come apart by more, it says something.
    fn trend(&self) -> Option<f64> {
        let (first, last) = (self.samples.front()?, self.samples.back()?);
        let stamped = last.rtp.saturating_sub(first.rtp) as f64 / self.clock_rate;
        let received = last.at.since(first.at).seconds();
        let apart = (received - stamped).abs() > TOLERATED_ERROR.seconds();
        (apart && stamped > 0.0 && received >= LEAST_WINDOW.seconds()).then(|| received / stamped)
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
    fn a_machine_that_is_busy_for_half_a_second_now_and_then_changes_no_distance() {
        // Three quarters of a second late at the worst, again and again, and from the second picture on.
        let busy = |frame: u32| match (frame + 22) % 75 {
            part @ 23..=36 => i64::from(37 - part) * 4_800,
            _ => 0,
        };
        let (mapped, _) = feed(25.0, 25.0, 120, busy);
        for pair in mapped.windows(2) {
            assert_eq!(pair[1].time.since(pair[0].time), Ticks(3_600));
        }
    }

    #[test]
    fn a_session_whose_first_picture_came_late_comes_nearer_to_the_clock_slowly() {
        let (mapped, received) = feed(25.0, 25.0, 120, |frame| if frame == 0 { 36_000 } else { 0 });
        for pair in mapped.windows(2) {
            let step = pair[1].time.since(pair[0].time).0;
            assert!((3_540..=3_600).contains(&step), "a step of {step} ticks");
        }
        let late = received.last().unwrap().since(mapped.last().unwrap().time);
        assert!(late.0.abs() <= TOLERATED_ERROR.0 + 1, "{late:?}");
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
