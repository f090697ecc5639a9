//! Who passes, where and when.

use super::bodies::{Body, Class, body};
use super::view::{Lane, View};
use crate::clip::random::Random;

/// Metres between one and the next.
const DISTANCE_M: f32 = 5.0;
/// A passage begins and ends so many metres out of sight: the picture's edges lean.
const OUT_OF_SIGHT_M: f32 = 4.0;

/// One way through the picture.
#[derive(Clone, Debug)]
pub(super) struct Passage {
    pub(super) body: Body,
    pub(super) y: f32,
    pub(super) facing: f32,
    speed: f32,
    /// The second at which it passes x = 0.
    middle: f32,
}

impl Passage {
    fn new(body: Body, lane: Lane, middle: f32) -> Self {
        Self {
            body,
            y: lane.y,
            facing: lane.facing,
            speed: lane.speed,
            middle,
        }
    }

    pub(super) fn x(&self, second: f32) -> f32 {
        self.facing * self.speed * (second - self.middle)
    }

    /// From and to when it may be in sight.
    pub(super) fn span(&self, view: &View) -> (f32, f32) {
        let (left, right) = view.reach(self.y);
        let beyond = self.body.length / 2.0 + OUT_OF_SIGHT_M;
        let (from, to) = if self.facing > 0.0 {
            (left - beyond, right + beyond)
        } else {
            (-right - beyond, -left + beyond)
        };
        (self.middle + from / self.speed, self.middle + to / self.speed)
    }
}

/// Who is met how often.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mixture {
    /// Seconds between two vehicles of a lane, at least and at most.
    pub(super) gap: (f32, f32),
    pub(super) classes: [(Class, f32); 4],
    /// Seconds between two people of a pavement.
    pub(super) walkers: (f32, f32),
    pub(super) riders: (f32, f32),
}

/// To learn from: as much as a street can hold, trucks as often as cars.
pub(super) const CROWDED: Mixture = Mixture {
    gap: (0.6, 4.0),
    classes: [
        (Class::Car, 0.3),
        (Class::Van, 0.24),
        (Class::Bus, 0.16),
        (Class::Truck, 0.3),
    ],
    walkers: (6.0, 40.0),
    riders: (3.0, 14.0),
};

/// To find trucks in; they come by themselves.
pub(super) const OTHERS: Mixture = Mixture {
    gap: (2.5, 11.0),
    classes: [
        (Class::Car, 0.5),
        (Class::Van, 0.3),
        (Class::Bus, 0.2),
        (Class::Truck, 0.0),
    ],
    walkers: (8.0, 30.0),
    riders: (9.0, 30.0),
};

impl Mixture {
    fn vehicle(&self, random: &mut Random) -> Class {
        let mut left = random.part();
        for (class, share) in self.classes {
            if left < share {
                return class;
            }
            left -= share;
        }
        Class::Car
    }
}

/// All who pass within so many seconds, around the `fixed` ones.
pub(super) fn fill(
    view: &View,
    mixture: &Mixture,
    fixed: Vec<Passage>,
    seconds: f32,
    random: &mut Random,
) -> Vec<Passage> {
    let mut all = fixed;
    for lane in &view.lanes {
        let mut lane_random = random.branch();
        let pick = |random: &mut Random| mixture.vehicle(random);
        line(&mut all, *lane, mixture.gap, seconds, &mut lane_random, pick);
    }
    for edge in view.edges() {
        line(
            &mut all,
            edge,
            mixture.riders,
            seconds,
            &mut random.branch(),
            |_| Class::Bicycle,
        );
    }
    for y in view.pavements() {
        for facing in [-1.0, 1.0] {
            let lane = Lane {
                y: y + facing * 0.45,
                facing,
                speed: random.between(1.1, 1.7),
            };
            line(
                &mut all,
                lane,
                mixture.walkers,
                seconds,
                &mut random.branch(),
                |_| Class::Person,
            );
        }
    }
    all
}

/// One after the other in a lane, with none driving into another.
fn line(
    all: &mut Vec<Passage>,
    lane: Lane,
    gap: (f32, f32),
    seconds: f32,
    random: &mut Random,
    class: impl Fn(&mut Random) -> Class,
) {
    // Somebody who is in the picture at the beginning passed x = 0 long before, or does long after.
    const AROUND_S: f32 = 30.0;
    let mut middle = -AROUND_S + random.between(0.0, gap.1);
    while middle < seconds + AROUND_S {
        let one = Passage::new(body(class(random), random), lane, middle);
        if all.iter().all(|other| apart(&one, other)) {
            all.push(one);
        }
        middle += random.between(gap.0, gap.1);
    }
}

/// Whether two never touch: in one lane all are equally fast.
fn apart(one: &Passage, other: &Passage) -> bool {
    let beside = (one.y - other.y).abs() > 0.2;
    let distance = (one.middle - other.middle).abs() * one.speed;
    let needed = f32::midpoint(one.body.length, other.body.length);
    let polite = if one.body.class.is_vehicle() {
        DISTANCE_M
    } else {
        0.8
    };
    beside || distance > needed + polite
}

/// So many trucks, each in sight only after the one before was out of it for a `pause` (seconds, at least and at most).
/// Gives them, and the second at which all is over.
pub(super) fn trucks(
    view: &View,
    count: usize,
    pause: (f32, f32),
    random: &mut Random,
) -> (Vec<Passage>, f32) {
    let mut all = Vec::new();
    let mut free = 0.0;
    for _ in 0..count {
        let Some(lane) = view.lanes.get(random.below(view.lanes.len())) else {
            break;
        };
        let mut one = Passage::new(body(Class::Truck, random), *lane, 0.0);
        free += random.between(pause.0, pause.1);
        let (from, to) = one.span(view);
        one.middle = free - from;
        free += to - from;
        all.push(one);
    }
    (all, free + pause.1)
}

#[cfg(test)]
mod tests {
    use super::super::view::Look;
    use super::*;

    fn street() -> (View, Vec<Passage>, f32) {
        let mut random = Random::new(11);
        let view = View::new(&mut random, Look::Training);
        let (trucks, seconds) = trucks(&view, 6, (8.0, 10.0), &mut random);
        let all = fill(&view, &OTHERS, trucks, seconds, &mut random);
        (view, all, seconds)
    }

    #[test]
    fn nobody_drives_into_another() {
        let (_, all, seconds) = street();
        for (at, one) in all.iter().enumerate() {
            for other in all
                .iter()
                .skip(at + 1)
                .filter(|other| (other.y - one.y).abs() < 0.1)
            {
                for second in 0..seconds as usize {
                    let distance = (one.x(second as f32) - other.x(second as f32)).abs();
                    assert!(distance > f32::midpoint(one.body.length, other.body.length));
                }
            }
        }
    }

    #[test]
    fn trucks_come_one_after_the_other_and_only_those_that_are_wanted() {
        let (view, all, seconds) = street();
        let trucks: Vec<&Passage> = all.iter().filter(|one| one.body.class == Class::Truck).collect();
        assert_eq!(trucks.len(), 6);
        for pair in trucks.windows(2) {
            assert!(pair[1].span(&view).0 - pair[0].span(&view).1 >= 7.99);
        }
        assert!(trucks[5].span(&view).1 < seconds);
        assert!(all.len() > 20);
    }
}
