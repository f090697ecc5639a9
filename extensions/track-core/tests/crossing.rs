//! Ways across lines, with the number of crossings known.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

use shapes::{Area, Focus, Line, Point};
use track_core::{Crossing, LineCounter, MAX_OBJECTS, NamedLine, Seen, Totals};

/// From the middle of the left half to that of the right half.
fn counter() -> LineCounter {
    let line = Line::try_from([[0.25, 0.5], [0.75, 0.5]]).unwrap();
    let name = "gate".to_owned();
    LineCounter::new(vec![NamedLine { name, line }], Focus::Center, 0.01)
}

/// Leads one thing along a way, ten steps a second.
fn walk(counter: &mut LineCounter, id: &str, begin: u64, way: &[(f32, f32)]) -> Vec<Crossing> {
    let mut crossings = Vec::new();
    for (step, (x, y)) in way.iter().enumerate() {
        let area = Area::around(Point { x: *x, y: *y }, 0.05, 0.1);
        let seen = [Seen { id, area }];
        crossings.extend(counter.observe(begin + step as u64 * 9_000, &seen));
    }
    crossings
}

fn straight(from: (f32, f32), to: (f32, f32)) -> Vec<(f32, f32)> {
    (0..=20)
        .map(|step| {
            let part = step as f32 / 20.0;
            (from.0 + part * (to.0 - from.0), from.1 + part * (to.1 - from.1))
        })
        .collect()
}

#[test]
fn each_direction_is_counted_by_itself() {
    let mut counter = counter();
    let down = walk(&mut counter, "a", 0, &straight((0.5, 0.2), (0.5, 0.8)));
    assert_eq!(down.len(), 1);
    assert!(
        down[0].clockwise,
        "seen from the left end, downwards is clockwise"
    );
    let up = walk(&mut counter, "b", 900_000, &straight((0.4, 0.8), (0.6, 0.2)));
    assert!(!up[0].clockwise);
    let again = walk(&mut counter, "c", 1_800_000, &straight((0.5, 0.2), (0.5, 0.8)));
    let totals = Totals {
        clockwise: 2,
        counterclockwise: 1,
    };
    assert_eq!(again[0].totals, totals);
}

#[test]
fn what_passes_beside_the_line_is_not_counted() {
    let mut counter = counter();
    assert!(walk(&mut counter, "a", 0, &straight((0.1, 0.2), (0.1, 0.8))).is_empty());
    // Round its end: below on the left, above on the right.
    let round = [(0.1, 0.7), (0.1, 0.6), (0.1, 0.4), (0.3, 0.3), (0.6, 0.3)];
    assert!(walk(&mut counter, "b", 900_000, &round).is_empty());
}

#[test]
fn a_box_that_trembles_on_the_line_counts_once() {
    let mut counter = counter();
    let mut way = straight((0.5, 0.3), (0.5, 0.5));
    for step in 0..100 {
        way.push((0.5, if step % 2 == 0 { 0.504 } else { 0.497 }));
    }
    way.extend(straight((0.5, 0.5), (0.5, 0.8)));
    assert_eq!(walk(&mut counter, "a", 0, &way).len(), 1);
}

#[test]
fn who_turns_round_on_the_line_is_not_counted_and_who_comes_back_counts_twice() {
    let mut counter = counter();
    let turned = [(0.5, 0.4), (0.5, 0.505), (0.5, 0.4), (0.5, 0.3)];
    assert!(walk(&mut counter, "a", 0, &turned).is_empty());
    let mut back = straight((0.5, 0.3), (0.5, 0.7));
    back.extend(straight((0.5, 0.7), (0.5, 0.3)));
    let crossings = walk(&mut counter, "b", 900_000, &back);
    let directions: Vec<bool> = crossings.iter().map(|crossing| crossing.clockwise).collect();
    assert_eq!(directions, [true, false]);
}

#[test]
fn who_is_hidden_while_crossing_is_counted_when_seen_again() {
    let mut counter = counter();
    let way = [(0.5, 0.3), (0.5, 0.4), (0.5, 0.7)];
    assert_eq!(walk(&mut counter, "a", 0, &way).len(), 1);
}

#[test]
fn two_of_different_names_that_meet_at_the_line_are_not_one() {
    // Each turns back before the line; an exchange of names would be two crossings.
    let mut counter = counter();
    assert!(walk(&mut counter, "above", 0, &[(0.5, 0.3), (0.5, 0.48), (0.5, 0.3)]).is_empty());
    assert!(
        walk(
            &mut counter,
            "below",
            900_000,
            &[(0.5, 0.7), (0.5, 0.52), (0.5, 0.7)]
        )
        .is_empty()
    );
}

#[test]
fn time_that_goes_back_forgets_the_ways_and_keeps_the_totals() {
    let mut counter = counter();
    walk(&mut counter, "a", 900_000_000, &straight((0.5, 0.2), (0.5, 0.8)));
    // The same name on the other side, in a recording of before.
    assert!(walk(&mut counter, "a", 0, &[(0.5, 0.2), (0.5, 0.3)]).is_empty());
    let crossing = walk(&mut counter, "b", 900_000, &straight((0.5, 0.2), (0.5, 0.8)));
    assert_eq!(crossing[0].totals.clockwise, 2);
}

#[test]
fn any_number_of_things_is_borne() {
    let mut counter = counter();
    for number in 0..3 * MAX_OBJECTS as u64 {
        let id = number.to_string();
        assert!(walk(&mut counter, &id, number * 90, &[(0.5, 0.3)]).is_empty());
    }
}
