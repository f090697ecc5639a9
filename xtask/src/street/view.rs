//! Where the camera stands, and what the street before it is like.

use super::space::{Camera, point};
use crate::clip::canvas::WIDTH;
use crate::clip::random::Random;

/// Which streets: those that the model learns from, or those that it has never seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    Training,
    HeldOut,
}

/// Angles and heights that only held-out streets are seen from, as from and to; the others are for training.
const HELD_OUT_YAWS: [(f32, f32); 3] = [(0.05, 0.09), (0.28, 0.34), (0.50, 0.56)];
const HELD_OUT_HEIGHTS: [(f32, f32); 3] = [(3.2, 3.6), (5.0, 5.4), (8.2, 8.8)];

/// A kind of view, each value from and to: how far it is turned, in radians; how high it is, and how far the kerb, in metres.
#[derive(Clone, Copy, Debug)]
struct Kind {
    turned: (f32, f32),
    high: (f32, f32),
    far: (f32, f32),
}

/// From the side, oblique, and oblique from higher up.
const KINDS: [Kind; 3] = [
    Kind {
        turned: (0.0, 0.14),
        high: (2.6, 4.6),
        far: (10.0, 17.0),
    },
    Kind {
        turned: (0.2, 0.66),
        high: (3.6, 6.4),
        far: (7.0, 12.0),
    },
    Kind {
        turned: (0.0, 0.6),
        high: (6.8, 10.5),
        far: (7.0, 13.0),
    },
];
const LANE_M: f32 = 3.4;
const WALK_M: f32 = 2.6;

/// A lane: its middle, which way it leads, and how fast all drive in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lane {
    pub(super) y: f32,
    /// 1.0 to the right, -1.0 to the left.
    pub(super) facing: f32,
    /// Metres a second.
    pub(super) speed: f32,
}

/// A street before a camera.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) camera: Camera,
    /// Where the road begins and ends.
    pub(super) near_kerb: f32,
    pub(super) far_kerb: f32,
    pub(super) lanes: Vec<Lane>,
    /// Where the houses stand.
    pub(super) facade: f32,
    yaw: f32,
}

fn within(bands: &[(f32, f32)], value: f32) -> bool {
    bands.iter().any(|band| (band.0..band.1).contains(&value))
}

fn draw(random: &mut Random, look: Look, range: (f32, f32), held_out: &[(f32, f32)]) -> f32 {
    // A kind of view without a band of its own, or with none but bands, is content with any of its values.
    for _ in 0..64 {
        let value = random.between(range.0, range.1);
        if within(held_out, value) == (look == Look::HeldOut) {
            return value;
        }
    }
    random.between(range.0, range.1)
}

impl View {
    pub(super) fn new(random: &mut Random, look: Look) -> Self {
        let kind = random.pick(KINDS);
        let side = random.pick([-1.0, 1.0]);
        let yaw = draw(random, look, kind.turned, &HELD_OUT_YAWS) * side;
        let height = draw(random, look, kind.high, &HELD_OUT_HEIGHTS);
        let near_kerb = random.between(kind.far.0, kind.far.1);
        let count = random.pick([2_usize, 2, 3, 4]);
        let far_kerb = near_kerb + LANE_M * count as f32;
        let middle = f32::midpoint(near_kerb, far_kerb) / yaw.cos();
        let pitch = ((height - 1.4) / middle).atan() * random.between(0.8, 1.1);
        let focal = random.between(440.0, 560.0);
        Self {
            camera: Camera::new(point(0.0, 0.0, height), yaw, pitch, focal),
            near_kerb,
            far_kerb,
            lanes: lanes(random, near_kerb, count),
            facade: far_kerb + WALK_M + random.between(2.0, 12.0),
            yaw,
        }
    }

    /// From and to which x the camera sees what stands at `y`.
    pub(super) fn reach(&self, y: f32) -> (f32, f32) {
        let half = (WIDTH as f32 / 2.0 / self.camera.focal).atan();
        (y * (self.yaw - half).tan(), y * (self.yaw + half).tan())
    }

    /// Where people walk.
    pub(super) fn pavements(&self) -> [f32; 2] {
        [self.near_kerb - WALK_M / 2.0, self.far_kerb + WALK_M / 2.0]
    }

    /// Where bicycles ride: at the edge of the road, with the traffic.
    pub(super) fn edges(&self) -> [Lane; 2] {
        let at = |lane: Option<&Lane>, y: f32| Lane {
            y,
            facing: lane.map_or(1.0, |lane| lane.facing),
            speed: 4.6,
        };
        [
            at(self.lanes.first(), self.near_kerb - 0.35),
            at(self.lanes.last(), self.far_kerb + 0.35),
        ]
    }

    /// What surface is at a distance.
    pub(super) fn zone(&self, y: f32) -> Zone {
        if y < self.near_kerb - WALK_M || y > self.far_kerb + WALK_M {
            Zone::Verge
        } else if y < self.near_kerb || y > self.far_kerb {
            Zone::Pavement
        } else {
            Zone::Road
        }
    }

    pub(super) fn lane_width() -> f32 {
        LANE_M
    }
}

/// What the ground is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Zone {
    Verge,
    Pavement,
    Road,
}

fn lanes(random: &mut Random, near_kerb: f32, count: usize) -> Vec<Lane> {
    // Traffic keeps to the right more often than to the left; some streets are one-way.
    let near_side = if random.chance(0.75) { 1.0 } else { -1.0 };
    let one_way = random.chance(0.15);
    let lane = |at: usize, random: &mut Random| {
        let far = at * 2 >= count && !one_way;
        Lane {
            y: near_kerb + LANE_M * (at as f32 + 0.5),
            facing: if far { -near_side } else { near_side },
            speed: random.between(7.5, 12.0),
        }
    };
    (0..count).map(|at| lane(at, random)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_within_reach_is_in_the_picture() {
        for seed in 0..40 {
            let view = View::new(&mut Random::new(seed), Look::Training);
            for lane in &view.lanes {
                let (left, right) = view.reach(lane.y);
                let column = |x: f32| {
                    view.camera
                        .project(view.camera.view(point(x, lane.y, view.camera.at.z)))
                        .0
                };
                // The camera looks down, which makes its edges lean: a few pixels.
                assert!((-60.0..60.0).contains(&column(left)), "{}", column(left));
                assert!((580.0..700.0).contains(&column(right)), "{}", column(right));
            }
        }
    }

    #[test]
    fn held_out_streets_are_seen_from_elsewhere() {
        let height = |look, seed| View::new(&mut Random::new(seed), look).camera.at.z;
        for seed in 0..60 {
            assert!(!within(&HELD_OUT_HEIGHTS, height(Look::Training, seed)));
            assert!(within(&HELD_OUT_HEIGHTS, height(Look::HeldOut, seed)));
        }
    }
}
