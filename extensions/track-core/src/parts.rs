//! Things that are seen in parts: a grey car with dark windows on grey asphalt moves as a bonnet and a boot.
//!
//! Parts are found by their way: two boxes that may be parts, near each other, with the same speed for a while. From then on
//! whatever lies within the place where their thing is expected belongs to it.

use shapes::{Area, Point};

use crate::tracker::{Sighting, Track};

/// Sights after which a speed is known well enough to be compared.
const LEAST_SIGHTINGS: u16 = 4;
/// Fractions of the picture in a second: what stands or hardly moves tells nothing of belonging together.
const LEAST_SPEED: f32 = 0.04;
/// By how much speeds may differ: fractions of the picture in a second, and of the speed.
const SAME_SPEED: (f32, f32) = (0.03, 0.3);
/// Parts are no further apart than this share of the longer diagonal.
const NEAR: f32 = 0.8;
/// A part may stand out of where its thing is expected by this share of the thing's size, on each side.
const AROUND: f32 = 0.15;
/// A box of less than this share of the thing's size, either way, shows a part of it only.
const PART: f32 = 0.85;

/// Boxes of a frame that are one thing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Group {
    /// Their places among the sightings; the first stands for all.
    pub(crate) members: Vec<usize>,
    area: Area,
}

impl Group {
    /// As if it was one box.
    pub(crate) fn as_one<'a>(&self, sightings: &[Sighting<'a>]) -> Sighting<'a> {
        let first = self.members.first().and_then(|at| sightings.get(*at));
        let first = first.copied().unwrap_or(Sighting {
            area: self.area,
            class: "",
            confidence: 0.0,
            partial: true,
        });
        Sighting {
            area: self.area,
            ..first
        }
    }
}

/// Joins the boxes that lie where a thing is expected that is known to be seen in parts; all others stay by themselves.
pub(crate) fn join(
    time: u64,
    tracks: &[Track],
    sightings: &[Sighting<'_>],
    considered: Vec<usize>,
) -> Vec<Group> {
    let single = |at: usize| {
        let area = sightings
            .get(at)
            .map(|sighting| sighting.area)
            .unwrap_or_default();
        Group {
            members: vec![at],
            area,
        }
    };
    let mut groups: Vec<Group> = considered.into_iter().map(single).collect();
    for track in tracks.iter().filter(|track| track.in_parts) {
        let place = around(track.expected(track.seconds_since(time)));
        let belongs = |group: &Group| {
            let partial = group.as_one(sightings).partial;
            partial && contains(&place, group.area.centre())
        };
        let (parts, rest): (Vec<Group>, Vec<Group>) = groups.into_iter().partition(belongs);
        groups = rest;
        groups.extend(parts.into_iter().reduce(|mut all, part| {
            all.members.extend(part.members);
            all.area = all.area.joined(&part.area);
            all
        }));
    }
    groups
}

/// Takes those that go the same way side by side for one: the older keeps its name.
pub(crate) fn find(time: u64, tracks: &mut Vec<Track>) {
    let mut at = 0;
    while at < tracks.len() {
        let older = tracks.iter().take(at).position(|older| {
            tracks
                .get(at)
                .is_some_and(|younger| belong_together(time, older, younger))
        });
        match older {
            Some(older) => {
                let part = tracks.remove(at);
                if let Some(thing) = tracks.get_mut(older) {
                    thing.take_in(&part);
                }
            }
            None => at += 1,
        }
    }
}

impl Track {
    fn take_in(&mut self, part: &Self) {
        let whole = self.expected(0.0).joined(&part.expected(0.0));
        (self.centre, self.size) = (whole.centre(), (whole.width, whole.height));
        self.in_parts = true;
    }
}

fn belong_together(time: u64, one: &Track, other: &Track) -> bool {
    let known = |track: &Track| track.partial && track.seen == time && track.sightings >= LEAST_SIGHTINGS;
    if !known(one) || !known(other) {
        return false;
    }
    let speed = |speed: Point| speed.x.hypot(speed.y);
    let difference = one.speed.distance(other.speed);
    let slower = speed(one.speed).min(speed(other.speed));
    let (a, b) = (one.expected(0.0), other.expected(0.0));
    slower >= LEAST_SPEED
        && difference <= SAME_SPEED.0 + SAME_SPEED.1 * slower
        && a.gap(&b) <= NEAR * a.diagonal().max(b.diagonal())
}

/// Where a thing is of which a box shows at least a part: where it is expected, moved no further than the box demands.
pub(crate) fn whole(expected: Area, seen: Area) -> Area {
    if seen.width >= PART * expected.width && seen.height >= PART * expected.height {
        return seen;
    }
    let moved = |from: f32, length: f32, seen_from: f32, seen_length: f32| {
        let length = length.max(seen_length);
        let least = seen_from + seen_length - length;
        (from.clamp(least.min(seen_from), seen_from), length)
    };
    let (left, width) = moved(expected.left, expected.width, seen.left, seen.width);
    let (top, height) = moved(expected.top, expected.height, seen.top, seen.height);
    Area {
        left,
        top,
        width,
        height,
    }
}

fn around(area: Area) -> Area {
    Area::around(
        area.centre(),
        area.width * (1.0 + 2.0 * AROUND),
        area.height * (1.0 + 2.0 * AROUND),
    )
}

fn contains(area: &Area, at: Point) -> bool {
    (area.left..=area.left + area.width).contains(&at.x)
        && (area.top..=area.top + area.height).contains(&at.y)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(left: f32, width: f32) -> Area {
        Area {
            left,
            top: 0.5,
            width,
            height: 0.1,
        }
    }

    #[test]
    fn a_part_moves_the_whole_no_further_than_it_must() {
        let expected = area(0.4, 0.2);
        assert_eq!(whole(expected, area(0.45, 0.05)), expected, "it lies within");
        let ahead = whole(expected, area(0.6, 0.05));
        assert!(
            (ahead.left - 0.45).abs() < 1e-6 && (ahead.width - 0.2).abs() < 1e-6,
            "{ahead:?}"
        );
        let behind = whole(expected, area(0.35, 0.05));
        assert!((behind.left - 0.35).abs() < 1e-6, "{behind:?}");
        assert_eq!(
            whole(expected, area(0.3, 0.25)),
            area(0.3, 0.25),
            "all of it is seen"
        );
    }
}
