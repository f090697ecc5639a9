//! The rules of the gate, each with a known answer.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

use label_core::{Condition, Config, Decision, Gate, Said, TICKS_PER_SECOND, Thing};
use shapes::{Area, Point, Polygon, Zone};

const SECOND: u64 = TICKS_PER_SECOND;

fn config(condition: Option<Condition>) -> Config {
    Config {
        condition,
        pre_roll: 2 * SECOND,
        minimum: 10 * SECOND,
        maximum: 60 * SECOND,
        ..Config::default()
    }
}

fn person() -> Condition {
    Condition {
        labels: vec!["person".into()],
        minimum_confidence: 0.5,
        maximum_gap: SECOND,
        ..Condition::default()
    }
}

fn thing(label: &str, confidence: f32, x: f32) -> Thing<'_> {
    Thing {
        label,
        confidence,
        area: Some(Area::around(Point { x, y: 0.5 }, 0.1, 0.1)),
        id: None,
    }
}

fn things<'a>(things: &[Thing<'a>]) -> Said<'a> {
    Said {
        things: things.to_vec(),
        ..Said::default()
    }
}

fn event(name: &str) -> Said<'_> {
    Said {
        events: vec![name],
        ..Said::default()
    }
}

/// Seconds of start and end of what it opens.
fn opened(decision: Decision) -> Option<(u64, f64, f64)> {
    let seconds = |ticks: u64| ticks as f64 / SECOND as f64;
    decision
        .open
        .map(|open| (open.id, seconds(open.start), seconds(open.end)))
}

#[test]
fn only_the_right_label_opens_sure_enough_and_in_any_casing() {
    let mut gate = Gate::new(config(Some(person())));
    assert_eq!(
        gate.observed(100 * SECOND, &things(&[thing("dog", 0.9, 0.5)])),
        Decision::default()
    );
    assert_eq!(
        gate.observed(101 * SECOND, &things(&[thing("person", 0.4, 0.5)])),
        Decision::default()
    );
    let open = gate.observed(102 * SECOND, &things(&[thing("Person", 0.6, 0.5)]));
    assert_eq!(opened(open), Some((1, 100.0, 112.0)));
    let more = gate.observed(105 * SECOND, &things(&[thing("person", 0.6, 0.5)]));
    assert_eq!(opened(more), Some((1, 100.0, 115.0)));
}

#[test]
fn only_within_a_zone() {
    let corners = vec![[0.5, 0.0], [1.0, 0.0], [1.0, 1.0], [0.5, 1.0]];
    let zone = Zone {
        name: "yard".into(),
        polygon: Polygon::try_from(corners).unwrap(),
    };
    let mut gate = Gate::new(config(Some(Condition {
        zones: vec![zone],
        ..person()
    })));
    assert_eq!(
        gate.observed(100 * SECOND, &things(&[thing("person", 0.9, 0.2)])),
        Decision::default()
    );
    assert!(
        gate.observed(101 * SECOND, &things(&[thing("person", 0.9, 0.8)]))
            .open
            .is_some()
    );
}

#[test]
fn only_with_enough_at_once() {
    let mut gate = Gate::new(config(Some(Condition {
        minimum_count: 3,
        ..person()
    })));
    let some = |n: usize| things(&vec![thing("person", 0.9, 0.5); n]);
    assert!(gate.observed(100 * SECOND, &some(2)).open.is_none());
    assert!(gate.observed(101 * SECOND, &some(3)).open.is_some());
}

#[test]
fn only_after_the_dwell_across_gaps_and_from_its_beginning() {
    let condition = Condition {
        minimum_dwell: 3 * SECOND,
        ..person()
    };
    let mut gate = Gate::new(config(Some(condition)));
    assert_eq!(gate.history(), 6 * SECOND);
    for second in 0..3 {
        let decision = gate.observed((100 + second) * SECOND, &things(&[thing("person", 0.9, 0.5)]));
        assert!(decision.open.is_none(), "{second}");
    }
    let open = gate.observed(103 * SECOND, &things(&[thing("person", 0.9, 0.5)]));
    assert_eq!(opened(open), Some((1, 98.0, 113.0)));
}

#[test]
fn a_gap_that_is_too_long_begins_the_dwell_anew() {
    let condition = Condition {
        minimum_dwell: 3 * SECOND,
        ..person()
    };
    let mut gate = Gate::new(config(Some(condition)));
    for time in [100.0, 101.0, 102.5, 103.5, 104.5] {
        let time = (time * SECOND as f64) as u64;
        assert!(
            gate.observed(time, &things(&[thing("person", 0.9, 0.5)]))
                .open
                .is_none()
        );
    }
    let open = gate.observed(105 * SECOND + SECOND / 2, &things(&[thing("person", 0.9, 0.5)]));
    assert_eq!(opened(open), Some((1, 100.5, 115.5)));
}

#[test]
fn with_names_each_thing_dwells_by_itself() {
    let condition = Condition {
        minimum_dwell: 2 * SECOND,
        ..person()
    };
    let mut gate = Gate::new(config(Some(condition)));
    // A procession: somebody is always there, nobody for long.
    let ids = ["a", "b", "c", "d", "e", "f"];
    for (second, id) in ids.into_iter().enumerate() {
        let one = Thing {
            id: Some(id),
            ..thing("person", 0.9, 0.5)
        };
        let decision = gate.observed((100 + second as u64) * SECOND, &things(&[one]));
        assert!(decision.open.is_none(), "{id}");
    }
}

#[test]
fn no_activation_is_longer_than_the_maximum_and_the_next_one_is_new() {
    let mut gate = Gate::new(config(Some(person())));
    let mut spans = Vec::new();
    for second in 100..190 {
        let decision = gate.observed(second * SECOND, &things(&[thing("person", 0.9, 0.5)]));
        spans.extend(opened(decision));
    }
    let first: Vec<_> = spans.iter().filter(|span| span.0 == 1).collect();
    assert_eq!(**first.last().unwrap(), (1, 98.0, 160.0));
    let second = spans.iter().find(|span| span.0 == 2).unwrap();
    assert_eq!((second.1, second.2), (158.0, 170.0));
}

#[test]
fn a_start_event_holds_until_a_stop_event() {
    let mut gate = Gate::new(Config {
        start_events: vec!["doorOpened".into()],
        stop_events: vec!["doorClosed".into()],
        ..config(None)
    });
    let open = gate.observed(100 * SECOND, &event("dooropened"));
    assert_eq!(opened(open), Some((1, 98.0, 160.0)));
    assert_eq!(
        gate.observed(120 * SECOND, &event("somethingElse")),
        Decision::default()
    );
    let closed = gate.observed(130 * SECOND, &event("doorClosed"));
    assert_eq!(closed.close, Some((1, 130 * SECOND)));
    assert_eq!(
        gate.observed(131 * SECOND, &event("doorClosed")),
        Decision::default()
    );
    assert_eq!(
        opened(gate.observed(132 * SECOND, &event("doorOpened")))
            .unwrap()
            .0,
        2
    );
}

#[test]
fn without_stop_events_a_start_event_is_a_trigger() {
    let mut gate = Gate::new(Config {
        start_events: vec!["lineCrossing".into()],
        ..config(None)
    });
    let open = gate.observed(100 * SECOND, &event("lineCrossing"));
    assert_eq!(opened(open), Some((1, 98.0, 110.0)));
}

#[test]
fn after_a_stop_the_condition_must_cease_before_it_opens_again() {
    let mut gate = Gate::new(Config {
        stop_events: vec!["stop".into()],
        ..config(Some(person()))
    });
    assert!(
        gate.observed(100 * SECOND, &things(&[thing("person", 0.9, 0.5)]))
            .open
            .is_some()
    );
    assert!(gate.observed(101 * SECOND, &event("stop")).close.is_some());
    for second in 101..110 {
        let decision = gate.observed(second * SECOND, &things(&[thing("person", 0.9, 0.5)]));
        assert_eq!(decision, Decision::default(), "{second}");
    }
    let open = gate.observed(112 * SECOND, &things(&[thing("person", 0.9, 0.5)]));
    assert_eq!(opened(open), Some((2, 110.0, 122.0)));
}

#[test]
fn a_label_of_the_whole_picture_counts_in_every_zone() {
    let corners = vec![[0.5, 0.0], [1.0, 0.0], [1.0, 1.0]];
    let zone = Zone {
        name: "corner".into(),
        polygon: Polygon::try_from(corners).unwrap(),
    };
    let condition = Condition {
        labels: vec!["night".into()],
        zones: vec![zone],
        ..Condition::default()
    };
    let mut gate = Gate::new(config(Some(condition)));
    let whole = Thing {
        area: None,
        ..thing("night", 1.0, 0.0)
    };
    assert!(gate.observed(SECOND, &things(&[whole])).open.is_some());
}

#[test]
fn time_that_goes_back_begins_anew() {
    let mut gate = Gate::new(config(Some(person())));
    gate.observed(1_000 * SECOND, &things(&[thing("person", 0.9, 0.5)]));
    let open = gate.observed(100 * SECOND, &things(&[thing("person", 0.9, 0.5)]));
    assert_eq!(opened(open), Some((2, 98.0, 110.0)));
}
