//! Things whose ways are known: do they keep their names?

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail"
)]

use std::collections::BTreeSet;

use shapes::{Area, Point};
use track_core::{Sighting, TICKS_PER_SECOND, Tracker, TrackerConfig};

const CONFIG: TrackerConfig = TrackerConfig {
    maximum_gap: 2 * TICKS_PER_SECOND,
    new_confidence: 0.5,
};

/// A thing that goes straight on.
#[derive(Clone, Copy)]
struct Walker {
    from: (f32, f32),
    speed: (f32, f32),
    size: (f32, f32),
    class: &'static str,
    /// Seconds in which no detector sees it.
    hidden: (f32, f32),
}

impl Walker {
    fn new(from: (f32, f32), speed: (f32, f32)) -> Self {
        Self {
            from,
            speed,
            size: (0.05, 0.12),
            class: "person",
            hidden: (0.0, 0.0),
        }
    }

    fn at(&self, second: f32) -> Option<Area> {
        if second >= self.hidden.0 && second < self.hidden.1 {
            return None;
        }
        let centre = Point {
            x: self.from.0 + self.speed.0 * second,
            y: self.from.1 + self.speed.1 * second,
        };
        let inside = (0.0..=1.0).contains(&centre.x) && (0.0..=1.0).contains(&centre.y);
        inside.then(|| Area::around(centre, self.size.0, self.size.1))
    }
}

/// A repeatable 0 to 1.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / 16_777_216.0
    }

    fn tremble(&mut self, by: f32) -> f32 {
        (self.next() - 0.5) * 2.0 * by
    }
}

/// Boxes that are nearer than this are one in the eyes of anybody: which is whose shows when they part.
const ALIKE: f32 = 0.02;

/// The names that each walker was given, in a detector's frames with trembling boxes in changing order.
fn names(walkers: &[Walker], seconds: f32, rate: f32, tremble: f32) -> Vec<BTreeSet<String>> {
    let mut tracker = Tracker::new(CONFIG);
    let mut random = Random(5);
    let mut names = vec![BTreeSet::new(); walkers.len()];
    for frame in 0..(seconds * rate) as usize {
        let second = frame as f32 / rate;
        let mut seen: Vec<(usize, Area)> = walkers
            .iter()
            .enumerate()
            .filter_map(|(who, walker)| Some((who, walker.at(second)?)))
            .collect();
        if frame % 2 == 1 {
            seen.reverse();
        }
        let sightings: Vec<Sighting<'_>> = seen
            .iter()
            .map(|(who, area)| Sighting {
                area: Area {
                    left: area.left + random.tremble(tremble),
                    top: area.top + random.tremble(tremble),
                    width: area.width * (1.0 + random.tremble(0.1)),
                    height: area.height * (1.0 + random.tremble(0.1)),
                },
                class: walkers[*who].class,
                confidence: 0.9,
            })
            .collect();
        let time = (f64::from(second) * 90_000.0) as u64 + 150_000_000_000_000;
        for ((who, _), name) in seen.iter().zip(tracker.follow(time, &sightings)) {
            let alone = seen.iter().all(|(other, box_)| {
                other == who || box_.centre().distance(walkers[*who].at(second).unwrap().centre()) > ALIKE
            });
            let name = name.unwrap();
            if alone {
                names[*who].insert(name);
            }
        }
    }
    names
}

/// Each has one name, and no two have the same.
fn assert_kept(names: &[BTreeSet<String>]) {
    assert!(names.iter().all(|names| names.len() == 1), "{names:?}");
    let all: BTreeSet<&String> = names.iter().flatten().collect();
    assert_eq!(all.len(), names.len(), "{names:?}");
}

#[test]
fn a_thing_keeps_its_name_at_every_rate() {
    for rate in [1.0, 2.0, 5.0, 12.5, 25.0] {
        assert_kept(&names(&[Walker::new((0.1, 0.5), (0.08, 0.0))], 9.0, rate, 0.004));
    }
}

#[test]
fn two_that_pass_each_other_do_not_swap_their_names() {
    for (rate, distance) in [(5.0, 0.0), (10.0, 0.0), (25.0, 0.0), (10.0, 0.03), (25.0, 0.03)] {
        let pair = [
            Walker::new((0.1, 0.5), (0.1, 0.0)),
            Walker::new((0.9, 0.5 + distance), (-0.1, 0.0)),
        ];
        assert_kept(&names(&pair, 8.0, rate, 0.003));
    }
}

#[test]
fn two_that_hide_each_other_while_they_pass_do_not_swap_their_names() {
    for rate in [5.0, 12.5, 25.0] {
        // They meet at 4 s; the one behind is not seen while they overlap.
        let mut pair = [
            Walker::new((0.1, 0.5), (0.1, 0.0)),
            Walker::new((0.9, 0.52), (-0.1, 0.0)),
        ];
        pair[1].hidden = (3.7, 4.3);
        assert_kept(&names(&pair, 8.0, rate, 0.003));
    }
}

#[test]
fn a_thing_behind_a_pillar_comes_out_with_its_name() {
    for rate in [5.0, 12.5, 25.0] {
        let mut walker = Walker::new((0.1, 0.5), (0.1, 0.02));
        walker.hidden = (3.0, 4.5);
        assert_kept(&names(&[walker], 8.0, rate, 0.003));
    }
}

#[test]
fn who_stays_away_longer_than_the_gap_is_somebody_new() {
    let mut walker = Walker::new((0.1, 0.5), (0.05, 0.0));
    walker.hidden = (3.0, 5.5);
    assert_eq!(names(&[walker], 9.0, 10.0, 0.002)[0].len(), 2);
}

#[test]
fn a_crowd_side_by_side_keeps_its_names() {
    let crowd: Vec<Walker> = (0..12)
        .map(|place| {
            let (column, row) = (place % 4, place / 4);
            let from = (0.1 + 0.07 * column as f32, 0.2 + 0.25 * row as f32);
            let speed = if row == 1 { -0.01 } else { 0.06 };
            Walker::new(from, (speed, 0.0))
        })
        .collect();
    assert_kept(&names(&crowd, 7.0, 10.0, 0.003));
}

#[test]
fn a_detector_that_changes_its_mind_about_the_class_does_not_change_the_name() {
    let mut tracker = Tracker::new(CONFIG);
    let area = Area::around(Point { x: 0.5, y: 0.5 }, 0.2, 0.1);
    let mut names = BTreeSet::new();
    for frame in 0..20_u64 {
        let class = if frame % 3 == 0 { "truck" } else { "car" };
        let sighting = Sighting {
            area,
            class,
            confidence: 0.8,
        };
        names.extend(tracker.follow(frame * 9_000, &[sighting]));
    }
    assert_eq!(names.len(), 1, "{names:?}");
}

#[test]
fn a_person_and_the_bicycle_under_it_are_two() {
    let mut person = Walker::new((0.1, 0.45), (0.12, 0.0));
    let mut bicycle = Walker::new((0.1, 0.5), (0.12, 0.0));
    (person.size, bicycle.size) = ((0.06, 0.2), (0.1, 0.12));
    bicycle.class = "bicycle";
    // Now the one, now the other is not recognised.
    (person.hidden, bicycle.hidden) = ((2.0, 2.6), (4.0, 4.6));
    assert_kept(&names(&[person, bicycle], 7.0, 10.0, 0.003));
}

#[test]
fn a_faint_box_is_no_new_thing_but_may_be_a_known_one() {
    let mut tracker = Tracker::new(CONFIG);
    let mut see = |time: u64, confidence: f32| {
        let sighting = Sighting {
            area: Area::around(Point { x: 0.5, y: 0.5 }, 0.1, 0.2),
            class: "person",
            confidence,
        };
        tracker.follow(time, &[sighting]).remove(0)
    };
    assert_eq!(see(0, 0.3), None);
    let name = see(9_000, 0.6);
    assert!(name.is_some());
    assert_eq!(see(18_000, 0.2), name);
}

#[test]
fn names_of_another_run_are_other_names_and_time_that_goes_back_forgets() {
    let sighting = Sighting {
        area: Area::around(Point { x: 0.5, y: 0.5 }, 0.1, 0.2),
        class: "person",
        confidence: 1.0,
    };
    let run = |from: u64| {
        let mut tracker = Tracker::new(CONFIG);
        tracker.follow(from, &[sighting]).remove(0).unwrap()
    };
    assert_ne!(run(90_000), run(180_000));
    let mut tracker = Tracker::new(CONFIG);
    let first = tracker.follow(180_000, &[sighting]);
    assert_ne!(tracker.follow(90_000, &[sighting]), first);
}

#[test]
fn any_number_of_boxes_is_borne() {
    let mut tracker = Tracker::new(CONFIG);
    let mut random = Random(11);
    for frame in 0..3_u64 {
        let boxes: Vec<Sighting<'_>> = (0..1_000)
            .map(|_| Sighting {
                area: Area::around(
                    Point {
                        x: random.next(),
                        y: random.next(),
                    },
                    random.next() * 0.1,
                    random.next() * 0.1,
                ),
                class: "thing",
                confidence: 0.5 + random.next() / 2.0,
            })
            .collect();
        let names = tracker.follow(frame * 9_000, &boxes);
        assert_eq!(names.len(), 1_000);
        assert_eq!(names.iter().flatten().count(), track_core::MAX_TRACKS);
    }
}
