//! Each rule of the gate as a worked case, in seconds.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

use gate_core::{Activation, Config, Gate, Settings, TICKS_PER_SECOND};

/// The Unix epoch is no place to test from: spans reach back.
const ORIGIN: u64 = 1_000_000 * TICKS_PER_SECOND as u64;

fn ticks(seconds: f64) -> u64 {
    ORIGIN.saturating_add_signed((seconds * TICKS_PER_SECOND as f64).round() as i64)
}

fn gate(window: f64, offset: f64, minimum: f64, maximum: f64) -> Gate {
    let ticks = |s: f64| Some((s * TICKS_PER_SECOND as f64) as i64);
    Gate::new(
        Config::new(Settings {
            evaluation_window: ticks(window),
            signal_offset: ticks(offset),
            minimum: ticks(minimum),
            maximum: ticks(maximum),
        })
        .unwrap(),
    )
}

/// The last word on each activation, as (id, start, end) in seconds.
fn recordings(gate: &mut Gate, events: &[f64]) -> Vec<(u64, f64, f64)> {
    let mut said: Vec<Activation> = Vec::new();
    let mut take = |open: Vec<Activation>| {
        for activation in open {
            match said.iter_mut().find(|known| known.id == activation.id) {
                Some(known) => *known = activation,
                None => said.push(activation),
            }
        }
    };
    for &event in events {
        take(gate.observed(ticks(event)).open);
    }
    take(gate.elapsed(ticks(100_000.0)).open);
    let seconds = |at: u64| at.wrapping_sub(ORIGIN) as i64 as f64 / TICKS_PER_SECOND as f64;
    said.iter()
        .map(|a| (a.id, seconds(a.start), seconds(a.end)))
        .collect()
}

#[test]
fn a_single_event_gives_offset_plus_minimum() {
    let mut gate = gate(1.0, -5.0, 30.0, 30.0);
    assert_eq!(recordings(&mut gate, &[0.0]), [(1, -5.0, 30.0)]);
}

#[test]
fn an_event_while_open_restarts_the_minimum() {
    let mut gate = gate(1.0, -5.0, 30.0, 120.0);
    assert_eq!(recordings(&mut gate, &[0.0, 12.0]), [(1, -5.0, 42.0)]);
}

#[test]
fn an_event_exactly_at_the_provisional_end_still_prolongs() {
    let mut gate = gate(1.0, 0.0, 30.0, 120.0);
    assert_eq!(recordings(&mut gate, &[0.0, 30.0]), [(1, 0.0, 60.0)]);
}

#[test]
fn an_event_after_the_provisional_end_is_a_new_recording() {
    let mut gate = gate(0.0, 0.0, 30.0, 120.0);
    assert_eq!(
        recordings(&mut gate, &[0.0, 30.001]),
        [(1, 0.0, 30.0), (2, 30.001, 60.001)]
    );
}

#[test]
fn a_trigger_every_ten_seconds_is_cut_at_the_maximum_and_goes_on_in_a_new_recording() {
    let events: Vec<f64> = (0..=7).map(|n| f64::from(n) * 10.0).collect();
    let mut gate = gate(1.0, -5.0, 30.0, 60.0);
    // The trigger at 60 s is at the hard end, so it is the first of the next, which reaches back over the first.
    assert_eq!(
        recordings(&mut gate, &events),
        [(1, -5.0, 60.0), (2, 55.0, 100.0)]
    );
}

#[test]
fn the_gate_opens_only_when_the_window_is_over() {
    let mut gate = gate(2.0, 0.0, 5.0, 5.0);
    let decision = gate.observed(ticks(0.0));
    assert!(decision.open.is_empty());
    assert_eq!(decision.wake, Some(ticks(2.0)));
    assert_eq!(gate.elapsed(ticks(1.9)).wake, Some(ticks(2.0)));
    let decision = gate.elapsed(ticks(2.0));
    assert_eq!(decision.open.len(), 1);
    assert_eq!(decision.wake, None);
}

#[test]
fn without_a_window_the_gate_opens_at_once() {
    let mut gate = gate(0.0, -1.0, 5.0, 5.0);
    let decision = gate.observed(ticks(0.0));
    assert_eq!(
        decision.open,
        [Activation {
            id: 1,
            start: ticks(-1.0),
            end: ticks(5.0)
        }]
    );
    assert_eq!(decision.wake, None);
}

#[test]
fn an_event_told_late_within_the_window_becomes_the_first() {
    let mut gate = gate(1.0, -5.0, 30.0, 60.0);
    assert_eq!(recordings(&mut gate, &[0.0, -0.5]), [(1, -5.5, 30.0)]);
}

#[test]
fn an_event_from_before_the_window_told_after_it_is_dropped() {
    let mut gate = gate(1.0, 0.0, 30.0, 60.0);
    assert_eq!(recordings(&mut gate, &[0.0, 2.0, -1.0]), [(1, 0.0, 32.0)]);
}

#[test]
fn an_event_within_the_pre_roll_changes_nothing() {
    let mut gate = gate(1.0, -5.0, 30.0, 60.0);
    assert_eq!(recordings(&mut gate, &[0.0, 2.0, -1.0]), [(1, -5.0, 32.0)]);
}

#[test]
fn an_event_that_the_recording_before_has_let_through_does_not_start_the_next_one_early() {
    let mut gate = gate(1.0, 0.0, 10.0, 10.0);
    assert_eq!(
        recordings(&mut gate, &[0.0, 10.5, 9.0]),
        [(1, 0.0, 10.0), (2, 10.5, 20.5)]
    );
}

#[test]
fn a_positive_offset_delays_the_start() {
    let mut gate = gate(0.0, 3.0, 10.0, 20.0);
    assert_eq!(recordings(&mut gate, &[0.0, 2.0]), [(1, 3.0, 12.0)]);
}

#[test]
fn a_positive_offset_past_the_minimum_opens_only_once_prolonged() {
    let mut gate = gate(0.0, 12.0, 10.0, 20.0);
    assert!(gate.observed(ticks(0.0)).open.is_empty());
    assert_eq!(recordings(&mut gate, &[5.0]), [(1, 12.0, 15.0)]);
}

#[test]
fn a_window_longer_than_the_maximum_gives_one_recording_after_the_other() {
    let mut gate = gate(10.0, 0.0, 1.0, 2.0);
    assert_eq!(
        recordings(&mut gate, &[0.0, 1.0, 5.0, 6.5, 9.0]),
        [(1, 0.0, 2.0), (2, 5.0, 7.0), (3, 9.0, 10.0)]
    );
}

#[test]
fn an_observation_past_the_window_closes_it_without_being_woken() {
    let mut gate = gate(1.0, 0.0, 5.0, 60.0);
    assert!(gate.observed(ticks(0.0)).open.is_empty());
    let decision = gate.observed(ticks(4.0));
    let ends: Vec<u64> = decision.open.iter().map(|a| a.end).collect();
    assert_eq!(ends, [ticks(5.0), ticks(9.0)]);
}

#[test]
fn events_far_from_the_timelines_ends_do_not_wrap() {
    let mut gate = gate(1.0, -60.0, 30.0, 60.0);
    gate.observed(0);
    assert_eq!(
        gate.elapsed(90_000).open,
        [Activation {
            id: 1,
            start: 0,
            end: 30 * 90_000
        }]
    );
    gate.observed(u64::MAX - 1);
    assert_eq!(gate.elapsed(u64::MAX).open.first().map(|a| a.end), Some(u64::MAX));
}

#[test]
fn a_flood_within_one_window_is_bounded_and_keeps_its_ends() {
    let mut gate = gate(10.0, 0.0, 1.0, 60.0);
    for n in 0..10_000 {
        gate.observed(ticks(f64::from(n) / 1000.0));
    }
    assert_eq!(recordings(&mut gate, &[]), [(1, 0.0, 10.999)]);
}
