//! Stays in zones, with what must be told known.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

use shapes::{Area, Focus, Point, Polygon, Zone};
use track_core::{Dwell, DwellConfig, MAX_STAYS, Report, Seen, Stage, TICKS_PER_SECOND};

const SECOND: u64 = TICKS_PER_SECOND;

/// The right half is a zone; 5 s count; what is hidden for 2 s has not left.
fn dwell() -> Dwell {
    let corners = vec![[0.5, 0.0], [1.0, 0.0], [1.0, 1.0], [0.5, 1.0]];
    let zone = Zone {
        name: "yard".into(),
        polygon: Polygon::try_from(corners).unwrap(),
    };
    Dwell::new(DwellConfig {
        zones: vec![zone],
        focus: Focus::Center,
        threshold: 5 * SECOND,
        maximum_gap: 2 * SECOND,
    })
}

fn see(dwell: &mut Dwell, time: u64, id: &str, x: f32) -> Vec<Stage> {
    let area = Area::around(Point { x, y: 0.5 }, 0.1, 0.2);
    stages(&dwell.observe(time, &[Seen { id, area }]))
}

fn stages(reports: &[Report]) -> Vec<Stage> {
    reports.iter().map(|report| report.stage).collect()
}

#[test]
fn a_stay_is_told_when_it_begins_when_it_is_long_and_when_it_ends() {
    let mut dwell = dwell();
    assert!(see(&mut dwell, 0, "a", 0.2).is_empty());
    assert_eq!(see(&mut dwell, SECOND, "a", 0.6), [Stage::Entered]);
    for half in 3..12 {
        assert!(see(&mut dwell, half * SECOND / 2, "a", 0.7).is_empty(), "{half}");
    }
    assert_eq!(see(&mut dwell, 6 * SECOND, "a", 0.7), [Stage::Dwelled]);
    assert!(see(&mut dwell, 7 * SECOND, "a", 0.7).is_empty(), "once");
    assert!(
        see(&mut dwell, 8 * SECOND, "a", 0.2).is_empty(),
        "perhaps it comes back"
    );
    assert_eq!(dwell.wake(), Some(9 * SECOND));
    let left = dwell.elapsed(9 * SECOND);
    assert_eq!(stages(&left), [Stage::Left]);
    assert_eq!((left[0].stayed, left[0].present), (6 * SECOND, 0));
    assert_eq!(dwell.wake(), None);
}

#[test]
fn a_stay_goes_on_across_a_gap_and_ends_with_a_longer_one() {
    let mut dwell = dwell();
    assert_eq!(see(&mut dwell, 0, "a", 0.7), [Stage::Entered]);
    // Not seen for exactly as long as it may be, twice.
    assert!(see(&mut dwell, 2 * SECOND, "a", 0.7).is_empty());
    assert!(see(&mut dwell, 4 * SECOND, "a", 0.7).is_empty());
    assert_eq!(see(&mut dwell, 5 * SECOND, "a", 0.7), [Stage::Dwelled]);
    // And then for longer, with nobody who woke it.
    let stages = see(&mut dwell, 7 * SECOND + 1, "a", 0.7);
    assert_eq!(stages, [Stage::Left, Stage::Entered]);
    assert!(
        see(&mut dwell, 9 * SECOND, "a", 0.7).is_empty(),
        "its time begins anew"
    );
}

#[test]
fn things_are_counted_each_by_itself() {
    let mut dwell = dwell();
    let at = |x| Area::around(Point { x, y: 0.5 }, 0.1, 0.2);
    let seen = [("a", 0.6), ("b", 0.8), ("c", 0.3)].map(|(id, x)| Seen { id, area: at(x) });
    let reports = dwell.observe(0, &seen);
    assert_eq!(stages(&reports), [Stage::Entered, Stage::Entered]);
    assert_eq!(reports[1].present, 2);
    assert!(see(&mut dwell, 2 * SECOND, "a", 0.6).is_empty());
    let left = dwell.elapsed(2 * SECOND);
    assert_eq!((left.len(), left[0].id.as_str(), left[0].present), (1, "b", 1));
}

#[test]
fn a_zone_of_feet_looks_at_feet() {
    let corners = vec![[0.0, 0.8], [1.0, 0.8], [1.0, 1.0], [0.0, 1.0]];
    let zone = Zone {
        name: "pavement".into(),
        polygon: Polygon::try_from(corners).unwrap(),
    };
    let config = |focus| DwellConfig {
        zones: vec![zone.clone()],
        focus,
        threshold: 0,
        maximum_gap: SECOND,
    };
    let area = Area::around(Point { x: 0.5, y: 0.7 }, 0.1, 0.3);
    let seen = [Seen { id: "a", area }];
    assert!(Dwell::new(config(Focus::Center)).observe(0, &seen).is_empty());
    let feet = Dwell::new(config(Focus::BottomCenter)).observe(0, &seen);
    assert_eq!(stages(&feet), [Stage::Entered, Stage::Dwelled]);
}

#[test]
fn any_number_of_things_is_borne() {
    let mut dwell = dwell();
    for number in 0..MAX_STAYS + 100 {
        see(&mut dwell, number as u64, &number.to_string(), 0.7);
    }
    assert_eq!(dwell.elapsed(3 * SECOND).len(), MAX_STAYS);
}
