//! Counters as others see them, while time passes.

use super::*;
use crate::media::ManualClock;
use crate::nodes::testing::at;

#[test]
fn an_error_that_repeats_is_counted_each_time_and_logged_once_a_minute() {
    let stats = NodeStats::default();
    let at = Duration::from_secs;
    let logged: Vec<bool> = [("a", 0), ("a", 1), ("b", 2), ("b", 61), ("b", 62)]
        .iter()
        .map(|(text, second)| stats.set_error((*text).to_owned(), at(*second)))
        .collect();
    assert_eq!(logged, [true, false, true, false, true]);
    let status = stats.status("n", at(63));
    assert_eq!(status.errors, 5);
    assert_eq!(status.last_error.as_deref(), Some("b"));
}

#[test]
fn a_state_is_told_with_the_moment_it_began() {
    let clock = ManualClock::new("2026-01-02T03:04:05Z".parse().unwrap());
    let stats = NodeStats::of("#T", "connecting");
    stats.set_state("connecting", &clock);
    clock.advance(Duration::from_secs(2));
    stats.set_state("connecting", &clock);
    let status = stats.status("n", clock.monotonic());
    assert_eq!(status.since.as_deref(), Some("2026-01-02T03:04:05.000Z"));
    assert_eq!(status.ages.state, Some(Duration::from_secs(2)));
    stats.set_state("playing", &clock);
    assert_eq!(
        stats.status("n", clock.monotonic()).ages.state,
        Some(Duration::ZERO)
    );
}

#[test]
fn rates_are_told_while_media_flows() {
    let stats = NodeStats::default();
    stats.came(at(1.0), Duration::from_secs(1));
    stats.set_rates(125, 625_000, Ticks::from_secs(5));
    let status = stats.status("n", Duration::from_secs(2));
    assert_eq!(
        (status.frame_rate, status.bit_rate),
        (Some(25.0), Some(1_000_000))
    );
    let later = stats.status("n", Duration::from_secs(60));
    assert_eq!((later.frame_rate, later.bit_rate), (None, None));
    assert_eq!(later.ages.unit, Some(Duration::from_secs(59)));
    assert_eq!(later.clock_ahead, None);
    stats.set_clock_ahead(Some(-1.25));
    assert_eq!(stats.status("n", Duration::ZERO).clock_ahead, Some(-1.25));
}

#[test]
fn what_is_dropped_is_counted_by_kind() {
    let stats = NodeStats::default();
    stats.count_dropped(Dropped::Media, 2);
    stats.count_dropped(Dropped::Frames, 3);
    let status = stats.status("n", Duration::ZERO);
    let DroppedByKind {
        media,
        frames,
        messages,
    } = status.dropped_by_kind;
    assert_eq!((media, frames, messages, status.dropped), (2, 3, 0, 5));
}
