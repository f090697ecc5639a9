//! What holds for every configuration and every sequence of events.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

use std::collections::BTreeMap;

use gate_core::{Activation, Config, Gate, Settings};
use proptest::prelude::*;

const SECOND: i64 = 90_000;
const ORIGIN: u64 = 1_000_000 * SECOND as u64;

#[derive(Clone, Copy, Debug)]
struct Case {
    window: i64,
    offset: i64,
    minimum: i64,
    maximum: i64,
}

fn cases() -> impl Strategy<Value = Case> {
    (
        0..=10 * SECOND,
        -60 * SECOND..=60 * SECOND,
        SECOND..=90 * SECOND,
        0..=90 * SECOND,
    )
        .prop_map(|(window, offset, minimum, more)| {
            let maximum = minimum + more;
            Case {
                window,
                offset: offset.min(maximum - 1),
                minimum,
                maximum,
            }
        })
}

fn build(case: Case) -> Gate {
    Gate::new(
        Config::new(Settings {
            evaluation_window: Some(case.window),
            signal_offset: Some(case.offset),
            minimum: Some(case.minimum),
            maximum: Some(case.maximum),
        })
        .unwrap(),
    )
}

/// Plays events and returns every action; checks on the way that actions are consistent with those before.
fn play(case: Case, events: &[u64], wakes: bool) -> Result<BTreeMap<u64, Activation>, TestCaseError> {
    let mut gate = build(case);
    let mut spans: BTreeMap<u64, Activation> = BTreeMap::new();
    let mut wake = None;
    let mut answer = |decision: gate_core::Decision| -> Result<Option<u64>, TestCaseError> {
        for action in decision.open {
            prop_assert!(action.start < action.end);
            prop_assert!((action.end - action.start) as i64 <= case.maximum - case.offset);
            match spans.get(&action.id) {
                Some(known) => {
                    prop_assert_eq!(known.start, action.start);
                    prop_assert!(action.end > known.end);
                }
                None => {
                    let newest = spans.last_key_value().map_or(0, |(id, _)| *id);
                    prop_assert!(action.id > newest, "ids rise");
                }
            }
            spans.insert(action.id, action);
        }
        Ok(decision.wake)
    };
    for &event in events {
        if let Some(due) = wake.filter(|due| wakes && *due < event) {
            answer(gate.elapsed(due))?;
        }
        wake = answer(gate.observed(event))?;
    }
    while let Some(due) = wake {
        wake = answer(gate.elapsed(due))?;
    }
    Ok(spans)
}

fn instants(gaps: &[u64]) -> Vec<u64> {
    let mut at = ORIGIN;
    gaps.iter()
        .map(|gap| {
            at += gap;
            at
        })
        .collect()
}

fn gaps() -> impl Strategy<Value = Vec<u64>> {
    let second = SECOND as u64;
    prop::collection::vec(prop_oneof![0..second, 0..60 * second, Just(10 * second)], 1..60)
}

proptest! {
    #[test]
    fn every_event_in_order_lies_within_some_activation(case in cases(), gaps in gaps()) {
        let case = Case { offset: case.offset.min(0), ..case };
        let events = instants(&gaps);
        let spans = play(case, &events, true)?;
        for event in events {
            prop_assert!(spans.values().any(|a| (a.start..a.end).contains(&event)), "{event} in {spans:?}");
        }
    }

    #[test]
    fn waking_and_not_waking_give_the_same_recordings(case in cases(), gaps in gaps()) {
        let events = instants(&gaps);
        prop_assert_eq!(play(case, &events, true)?, play(case, &events, false)?);
    }

    #[test]
    fn one_event_gives_minimum_less_offset(case in cases(), at in ORIGIN..2 * ORIGIN) {
        let spans = play(case, &[at], true)?;
        let length = spans.values().next().map_or(0, |a| (a.end - a.start) as i64);
        prop_assert_eq!(length, (case.minimum - case.offset).max(0));
    }

    #[test]
    fn a_second_event_in_time_adds_its_distance(case in cases(), distance in 0..=90 * SECOND) {
        let distance = distance.min(case.minimum).min(case.maximum - 1);
        let spans = play(case, &[ORIGIN, ORIGIN + distance as u64], true)?;
        let length = spans.values().next().map_or(0, |a| (a.end - a.start) as i64);
        let expected = (distance + case.minimum).min(case.maximum) - case.offset;
        prop_assert_eq!(spans.len(), usize::from(expected > 0));
        prop_assert_eq!(length, expected.max(0));
    }

    #[test]
    fn steady_events_fill_each_recording_to_the_maximum(case in cases()) {
        let step = (case.minimum / 2) as u64;
        let events: Vec<u64> = (0..300).map(|n| ORIGIN + n * step).collect();
        let spans = play(case, &events, true)?;
        for full in spans.values().rev().skip(1) {
            prop_assert_eq!((full.end - full.start) as i64, case.maximum - case.offset);
        }
    }

    #[test]
    fn events_in_any_order_never_break_the_rules(case in cases(), events in prop::collection::vec(ORIGIN..ORIGIN + 200 * SECOND as u64, 1..200)) {
        // The checks are in `play`.
        play(case, &events, true)?;
        play(case, &events, false)?;
    }
}
