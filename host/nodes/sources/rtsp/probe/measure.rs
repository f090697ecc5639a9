//! What a playing camera sends: when its first picture and keyframe come, and how much of what.

use std::time::Duration;

use tokio::time::timeout;

use super::{State, Step, Tell, Walked};
use crate::media::{AccessUnit, Clock, MediaTime, TICKS_PER_SECOND, TrackKind};
use crate::nodes::sources::rtsp::error::CameraError;
use crate::nodes::sources::rtsp::session::CameraSession;

/// Above this, recordings begin and detectors see late.
const LONG_INTERVAL: f64 = 4.0;
/// Above this, what the camera shows in its pictures is another time.
const CLOCK_TOLERANCE: f64 = 2.0;
/// Keyframe intervals that are remembered.
const MAX_INTERVALS: usize = 10_000;

#[derive(Debug, Default)]
struct Seen {
    first: Option<MediaTime>,
    last: Option<MediaTime>,
    pictures: u64,
    sounds: u64,
    bytes: u64,
    last_keyframe: Option<MediaTime>,
    intervals: Vec<f64>,
    holes: u64,
}

fn seconds(from: MediaTime, to: MediaTime) -> f64 {
    to.since(from).0 as f64 / TICKS_PER_SECOND as f64
}

impl Seen {
    fn unit(&mut self, unit: &AccessUnit) {
        self.bytes += unit.data.len() as u64;
        if unit.kind() == TrackKind::Audio {
            self.sounds += 1;
            return;
        }
        self.holes += u64::from(unit.discontinuity && self.pictures > 0);
        self.pictures += 1;
        self.first.get_or_insert(unit.time);
        self.last = self.last.max(Some(unit.time));
        if unit.random_access {
            let before = self.last_keyframe.replace(unit.time);
            if let Some(before) = before
                && self.intervals.len() < MAX_INTERVALS
            {
                self.intervals.push(seconds(before, unit.time));
            }
        }
    }

    fn span(&self) -> f64 {
        self.first
            .zip(self.last)
            .map_or(0.0, |(first, last)| seconds(first, last))
    }

    /// Pictures and bits a second.
    fn rates(&self) -> Step {
        let span = self.span();
        if span <= 0.0 {
            return Step::warning(
                "rate",
                "too few pictures came to say",
                "watch for longer: `--seconds 20`",
            );
        }
        let pictures = (self.pictures - 1) as f64 / span;
        let kilobits = self.bytes as f64 * 8.0 / 1_000.0 / span;
        let sound = if self.sounds > 0 { ", with sound" } else { "" };
        Step::ok(
            "rate",
            format!("{pictures:.1} pictures/s, {kilobits:.0} kbit/s{sound}"),
        )
    }

    fn interval(&self) -> Step {
        if self.intervals.is_empty() {
            let detail = format!("more than {:.1} s", self.span());
            let hint = "recordings begin at keyframes: set the interval (I-frame, GOP) to 2 s in the camera, or watch \
                        for longer with `--seconds`";
            return Step::warning("interval", detail, hint);
        }
        let mean = self.intervals.iter().sum::<f64>() / self.intervals.len() as f64;
        let longest = self.intervals.iter().copied().fold(0.0, f64::max);
        let detail = format!("a keyframe every {mean:.2} s, at most {longest:.2} s apart");
        if longest > LONG_INTERVAL {
            let hint = "recordings begin at keyframes: set the interval (I-frame, GOP) to 2 s in the camera";
            return Step::warning("interval", detail, hint);
        }
        Step::ok("interval", detail)
    }

    fn losses(&self) -> Option<Step> {
        (self.holes > 0).then(|| {
            let detail = format!("packets were missing {} times", self.holes);
            Step::warning(
                "losses",
                detail,
                "look at the network, or lower the camera's bit rate",
            )
        })
    }
}

/// Looks at what comes.
pub(super) async fn watch(
    mut session: CameraSession,
    watch: Duration,
    patience: Duration,
    clock: &dyn Clock,
    tell: Tell<'_>,
) -> Walked<()> {
    let began = clock.monotonic();
    let mut seen = Seen::default();
    let first = next(&mut session, patience).await.map_err(|error| {
        let hint = "the camera plays but sends nothing: a firewall that looks into RTSP, or a stuck encoder; restart it";
        Step::of_error("packet", &error, hint)
    })?;
    tell(Step::ok(
        "packet",
        told_first(&first, clock.monotonic().saturating_sub(began)),
    ));
    let mut unit = first;
    let until = clock.monotonic() + watch;
    loop {
        let keyframe = unit.kind() == TrackKind::Video && unit.random_access;
        if keyframe && seen.last_keyframe.is_none() {
            let after = clock.monotonic().saturating_sub(began).as_secs_f64();
            tell(Step::ok(
                "keyframe",
                format!("{}, after {after:.1} s", told_format(&unit)),
            ));
        }
        seen.unit(&unit);
        let left = until.saturating_sub(clock.monotonic());
        if left.is_zero() {
            break;
        }
        match timeout(left, session.next()).await {
            Ok(Ok(next)) => unit = next,
            Ok(Err(error)) => {
                let hint = "the session ended by itself: look at the camera's log and at the network";
                return Err(Step::of_error("media", &error, hint));
            }
            Err(_) => break,
        }
    }
    conclude(&seen, &session, tell)
}

async fn next(session: &mut CameraSession, patience: Duration) -> Result<AccessUnit, CameraError> {
    let waited = timeout(patience, session.next()).await;
    waited.unwrap_or_else(|_| {
        let seconds = patience.as_secs_f64();
        Err(CameraError::Network(format!("no media came within {seconds} s")))
    })
}

fn conclude(seen: &Seen, session: &CameraSession, tell: Tell<'_>) -> Walked<()> {
    if seen.last_keyframe.is_none() {
        let detail = format!("none in {:.1} s, {} pictures came", seen.span(), seen.pictures);
        let hint =
            "nothing can be recorded before a keyframe: set the interval (I-frame, GOP) to 2 s in the camera";
        return Err(Step::failed("keyframe", detail, hint));
    }
    tell(seen.interval());
    tell(seen.rates());
    seen.losses().into_iter().for_each(&mut *tell);
    tell(told_clock(session.clock_ahead()));
    Ok(())
}

fn told_first(unit: &AccessUnit, after: Duration) -> String {
    let kind = match unit.kind() {
        TrackKind::Video => "pictures",
        TrackKind::Audio => "sound",
    };
    format!("{kind} after {:.1} s", after.as_secs_f64())
}

fn told_format(unit: &AccessUnit) -> String {
    let format = &unit.format;
    format!(
        "{} {}x{}",
        format.codec.escape_debug(),
        format.width,
        format.height
    )
}

fn told_clock(ahead: Option<f64>) -> Step {
    match ahead {
        None => Step::ok(
            "clock",
            "no sender report came: nothing is known of the camera's clock",
        ),
        Some(ahead) if ahead.abs() <= CLOCK_TOLERANCE => Step::new(
            "clock",
            State::Ok,
            format!("the camera's is {ahead:+.1} s from this host's"),
        ),
        Some(ahead) => {
            let detail = format!("the camera's is {ahead:+.1} s from this host's");
            let hint = "recordings carry this host's time, but the time in the pictures is the camera's: set its NTP server";
            Step::warning("clock", detail, hint)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nodes::testing::unit;

    #[test]
    fn rates_and_intervals_are_measured_and_a_long_interval_is_a_warning() {
        let mut seen = Seen::default();
        for picture in 0..=250_u32 {
            let mut unit = unit(f64::from(picture) / 25.0, picture % 125 == 0);
            unit.data = vec![0; 500].into();
            seen.unit(&unit);
        }
        let rates = seen.rates();
        assert_eq!(rates.detail, "25.0 pictures/s, 100 kbit/s");
        let interval = seen.interval();
        assert_eq!(
            (interval.state, interval.detail.as_str()),
            (State::Warning, "a keyframe every 5.00 s, at most 5.00 s apart")
        );
        assert!(interval.hint.unwrap().contains("2 s") && seen.losses().is_none());
    }

    #[test]
    fn a_clock_that_is_far_off_is_a_warning() {
        let states = [None, Some(1.0), Some(-90.0)].map(|ahead| told_clock(ahead).state);
        assert_eq!(states, [State::Ok, State::Ok, State::Warning]);
    }
}
