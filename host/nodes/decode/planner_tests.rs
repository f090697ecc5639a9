use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::groups::STEADY_GROUPS;
use super::*;
use crate::nodes::io::demand::Sampler;
use crate::nodes::testing::{at, unit};

/// Pictures a second.
const RATE: usize = 25;

fn picture(number: usize, key: bool) -> AccessUnit {
    unit(number as f64 / RATE as f64, key)
}

/// So many seconds of a camera without B-frames, with a keyframe every `group` pictures.
fn plain(seconds: usize, group: usize) -> Vec<Arc<AccessUnit>> {
    (0..seconds * RATE)
        .map(|number| Arc::new(picture(number, number % group == 0)))
        .collect()
}

/// The same with two pictures to which nothing refers between those to which others do: I P b b P b b …
fn with_b_frames(groups: usize, group: usize) -> Vec<Arc<AccessUnit>> {
    let mut units = Vec::new();
    for start in (0..groups).map(|index| index * (3 * group + 1)) {
        units.push(Arc::new(picture(start, true)));
        for anchor in (1..=group).map(|index| start + 3 * index) {
            units.push(Arc::new(picture(anchor, false)));
            for disposable in [anchor - 2, anchor - 1] {
                units.push(Arc::new(AccessUnit {
                    disposable: true,
                    ..picture(disposable, false)
                }));
            }
        }
    }
    units
}

/// What becomes of units.
#[derive(Debug, Default)]
struct Outcome {
    /// Times of pictures in the order of decoding.
    decoded: Vec<MediaTime>,
    /// Those of which the pictures may be shown.
    shown: Vec<MediaTime>,
    left_out: u64,
    modes: Vec<Mode>,
}

/// Feeds a planner, and checks that the decoder is given nothing that it could not decode.
fn feed(planner: &mut Planner, units: &[Arc<AccessUnit>]) -> Outcome {
    let mut outcome = Outcome::default();
    let mut intact = false;
    let mut done: BTreeSet<usize> = BTreeSet::new();
    for (index, unit) in units.iter().enumerate() {
        match planner.unit(unit) {
            Step::Decode { held, .. } => {
                let place = |held: &Arc<AccessUnit>| units.iter().position(|unit| Arc::ptr_eq(unit, held));
                for held in held.iter().map(|held| place(held).unwrap()).chain([index]) {
                    let group = (0..=held)
                        .rev()
                        .find(|index| units[*index].random_access)
                        .unwrap();
                    let needed = (group..held).filter(|index| !units[*index].disposable);
                    assert!(
                        needed.into_iter().all(|index| done.contains(&index)),
                        "unit {held}"
                    );
                    done.insert(held);
                    outcome.decoded.push(units[held].time);
                }
                outcome.shown.push(unit.time);
                intact = true;
            }
            Step::Pass => assert!(intact && unit.disposable),
            Step::LeaveOut => {}
        }
        if outcome.modes.last() != Some(&planner.mode()) {
            outcome.modes.push(planner.mode());
        }
    }
    outcome.left_out = planner.take_left_out();
    outcome
}

fn asking(demand: Demand) -> Planner {
    let mut planner = Planner::default();
    planner.ask(demand);
    planner
}

fn at_most(rate: f64) -> Demand {
    Demand::at_most(Some(rate))
}

#[test]
fn nothing_is_decoded_while_nobody_asks() {
    let mut planner = Planner::default();
    let outcome = feed(&mut planner, &plain(10, 50));
    assert!(outcome.decoded.is_empty());
    assert_eq!((outcome.left_out, outcome.modes), (250, vec![Mode::Nothing]));
    planner.ask(Demand::Everything);
    // Not before the next keyframe: what others refer to was not decoded.
    let later: Vec<_> = (260..310)
        .map(|number| Arc::new(picture(number, number == 300)))
        .collect();
    assert_eq!(feed(&mut planner, &later).decoded.first(), Some(&at(12.0)));
}

#[test]
fn everything_is_decoded_for_somebody_who_wants_everything() {
    let mut planner = asking(Demand::Everything.and(&at_most(0.5)));
    let units = with_b_frames(4, 6);
    assert_eq!(feed(&mut planner, &units).decoded.len(), units.len());
    assert_eq!(planner.mode(), Mode::Everything);
}

#[test]
fn keyframes_alone_are_decoded_once_their_interval_has_suited_three_times() {
    let mut planner = asking(at_most(0.5));
    let outcome = feed(&mut planner, &plain(60, 2 * RATE));
    assert_eq!(outcome.modes, [Mode::Due, Mode::Keyframes]);
    let steady = STEADY_GROUPS * 2 * RATE;
    let keyframes: Vec<MediaTime> = outcome.decoded[steady..].to_vec();
    // That of the sixth second is due to nobody: the fifth second had a picture, and is of the same cell of the grid.
    let every_other_second: Vec<MediaTime> = (4..30).map(|index| at(f64::from(index) * 2.0)).collect();
    assert_eq!(keyframes, every_other_second);
}

#[test]
fn intervals_that_are_a_little_too_long_suit_and_longer_ones_do_not() {
    let mode = |rate: f64| {
        let mut planner = asking(at_most(rate));
        feed(&mut planner, &plain(30, 2 * RATE));
        planner.mode()
    };
    assert_eq!(mode(0.5), Mode::Keyframes);
    assert_eq!(mode(0.62), Mode::Keyframes, "1.25 times 1/0.625 s is 2 s");
    assert_eq!(mode(0.63), Mode::Due);
    assert_eq!(mode(5.0), Mode::Due);
}

#[test]
fn keyframes_that_are_due_to_nobody_are_not_decoded_either() {
    let mut planner = asking(at_most(0.1));
    let units = plain(100, RATE);
    let outcome = feed(&mut planner, &units);
    let keyframes = outcome.decoded.len() - STEADY_GROUPS * RATE;
    assert!((9..=10).contains(&keyframes), "{keyframes} in 97 s");
}

#[test]
fn a_camera_that_leaves_out_keyframes_is_caught_up_with_before_anybody_starves() {
    let mut planner = asking(at_most(0.5));
    feed(&mut planner, &plain(20, 2 * RATE));
    assert_eq!(planner.mode(), Mode::Keyframes);
    // From here on a keyframe every 20 s.
    let slow: Vec<_> = (500..1_500)
        .map(|number| Arc::new(picture(number, number % 500 == 0)))
        .collect();
    let outcome = feed(&mut planner, &slow);
    assert_eq!(outcome.modes, [Mode::Keyframes, Mode::Due]);
    assert_eq!(outcome.decoded.len(), slow.len(), "all of it, some of it late");
    let gaps = outcome.shown.windows(2).map(|pair| pair[1].since(pair[0]));
    assert!(gaps.max().unwrap() <= Ticks(longest_interval(0.5).0 + 2 * 90_000 / RATE as i64));
}

#[test]
fn media_that_would_take_too_much_memory_is_decoded_instead_of_held() {
    let mut planner = asking(at_most(0.1));
    let heavy: Vec<_> = (0..1_000)
        .map(|number| {
            let data = vec![0; MAX_HELD_BYTES / 100].into();
            Arc::new(AccessUnit {
                data,
                ..picture(number, number % 250 == 0)
            })
        })
        .collect();
    let outcome = feed(&mut planner, &heavy);
    assert_eq!((outcome.modes, outcome.decoded.len()), (vec![Mode::Due], 1_000));
    // A group that grows only now.
    feed(&mut planner, &plain(60, 10 * RATE));
    let mut grown = heavy.clone();
    grown.truncate(250);
    let outcome = feed(&mut planner, &grown);
    assert_eq!(outcome.modes, [Mode::Keyframes, Mode::Due]);
    assert_eq!(outcome.decoded.len(), 250);
}

#[test]
fn what_nobody_refers_to_is_left_out_when_it_is_not_due() {
    let mut planner = asking(at_most(2.0));
    let units = with_b_frames(10, 16);
    let outcome = feed(&mut planner, &units);
    assert_eq!(outcome.modes, [Mode::Due]);
    let disposable = units.iter().filter(|unit| unit.disposable).count();
    assert!(outcome.left_out as usize * 10 >= disposable * 9, "{outcome:?}");
}

#[test]
fn a_new_demand_is_planned_for_at_once() {
    let mut planner = asking(at_most(0.5));
    let units = plain(22, 2 * RATE);
    feed(&mut planner, &units[..21 * RATE]);
    assert_eq!(planner.mode(), Mode::Keyframes);
    planner.ask(at_most(5.0));
    // In the middle of a group: what was left out of it is decoded first.
    let held = match planner.unit(&units[21 * RATE]) {
        Step::Decode { held, .. } => held.len(),
        step => panic!("{step:?}"),
    };
    assert_eq!(held, RATE - 1);
    planner.ask(at_most(0.5));
    assert_eq!(planner.mode(), Mode::Keyframes, "what was measured still counts");
    planner.ask(Demand::Nothing);
    assert_eq!(planner.unit(&units[21 * RATE + 1]), Step::LeaveOut);
}

#[test]
fn a_hole_is_no_interval_and_nothing_is_decoded_across_it() {
    let mut planner = asking(at_most(0.5));
    feed(&mut planner, &plain(20, 2 * RATE));
    planner.lost();
    let mut later = plain(10, 2 * RATE);
    later.iter_mut().for_each(|unit| {
        let shifted = unit.time.offset(Ticks(90_000 * 60));
        *unit = Arc::new(AccessUnit {
            time: shifted,
            discontinuity: unit.time == at(0.0),
            ..(**unit).clone()
        });
    });
    let outcome = feed(&mut planner, &later);
    assert_eq!(
        outcome.modes,
        [Mode::Keyframes],
        "its keyframes came every 2 s before"
    );
    assert_eq!(outcome.decoded.len(), 5);
}

/// Pictures of a camera in decoding order, with groups of any length and pictures out of order.
fn camera() -> impl Strategy<Value = Vec<Arc<AccessUnit>>> {
    proptest::collection::vec((0..12_usize, any::<bool>()), 1..40).prop_map(|groups| {
        let (mut units, mut number) = (Vec::new(), 0);
        for (anchors, reorders) in groups {
            units.push(Arc::new(picture(number, true)));
            number += 1;
            for _ in 0..anchors {
                let step = if reorders { 3 } else { 1 };
                units.push(Arc::new(picture(number + step - 1, false)));
                for between in 0..step - 1 {
                    units.push(Arc::new(AccessUnit {
                        disposable: true,
                        ..picture(number + between, false)
                    }));
                }
                number += step;
            }
        }
        units
    })
}

proptest! {
    #[test]
    fn leaving_out_what_is_not_due_changes_nothing_for_those_who_ask(
        units in camera(), rates in proptest::collection::vec(3.0..30.0_f64, 1..4)
    ) {
        let demand = rates.iter().fold(Demand::Nothing, |all, rate| all.and(&at_most(*rate)));
        let mut planner = asking(demand);
        // Groups here are too short to be without keyframes for long; look at what is due alone.
        let mut shown = Vec::new();
        for unit in &units {
            planner.groups.distrust();
            if let Step::Decode { held, flush } = planner.unit(unit) {
                prop_assert!(held.is_empty() && !flush);
                shown.push(unit.time);
            }
        }
        let mut all: Vec<MediaTime> = units.iter().map(|unit| unit.time).collect();
        all.sort_unstable();
        shown.sort_unstable();
        for rate in rates {
            let chosen = |times: &[MediaTime]| -> Vec<MediaTime> {
                let mut sampler = Sampler::new(at_most(rate));
                times.iter().copied().filter(|time| sampler.due(*time)).collect()
            };
            prop_assert_eq!(chosen(&all), chosen(&shown));
        }
    }

    #[test]
    fn nobody_waits_longer_than_twice_for_what_a_camera_could_have_given(units in camera(), rate in 0.2..5.0_f64) {
        let mut planner = asking(at_most(rate));
        let outcome = feed(&mut planner, &units);
        let mut shown = outcome.shown;
        shown.sort_unstable();
        let bound = 2 * longest_interval(rate).0 + 6 * 90_000 / RATE as i64;
        for pair in shown.windows(2) {
            prop_assert!(pair[1].since(pair[0]).0 <= bound, "{:?}", pair);
        }
        let last = units.iter().map(|unit| unit.time).max().unwrap();
        prop_assert!(last.since(*shown.last().unwrap()).0 <= bound);
    }
}
