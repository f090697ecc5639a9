//! Which boxes of this frame are the things of the frames before.
//!
//! A thing is expected where its speed has taken it. Boxes and things are paired so that all pairs together are the most
//! likely, by distance, overlap, size and class; a thing that is not seen goes on unseen for a while. Two things that pass
//! each other keep their names because each is expected on its own side.
//!
//! A motion detector often sees one thing in parts. Parts that go the same way at the same speed, side by side, are taken for
//! one from then on (`parts`).

use shapes::{Area, Point};

use crate::TICKS_PER_SECOND;
use crate::assign::assign;
use crate::parts::{self, Group};

/// Things followed at once, and boxes of a frame that are looked at; of more, those of least confidence are left out.
pub const MAX_TRACKS: usize = 256;

/// Fractions of the picture in a second that a thing may have moved which was seen only once.
const FIRST_SPEED: f32 = 0.6;
/// Fractions of the picture in a second by which a thing's speed may change, and the share of its speed.
const SPEED_CHANGE: (f32, f32) = (0.1, 0.5);
/// A thing is not looked for further away than this, however long it was hidden: fractions of the picture.
const MAX_SLACK: f32 = 0.3;
/// A box this many times the size of the thing is another thing, unless it is half hidden.
const MAX_GROWTH: f32 = 6.0;
/// What a pair costs besides its distance, which costs 0 to 1: boxes that do not overlap, another class, twice the size.
const APART: f32 = 0.5;
const OTHER_CLASS: f32 = 0.5;
const TWICE_THE_SIZE: f32 = 0.15;
/// More than any pair costs.
const ALONE: f32 = 4.0;
/// How much of a surprise is believed of a thing that is long known: of its place and size, and of its speed.
const LEAST_GAIN: (f32, f32) = (0.5, 0.12);

/// Settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrackerConfig {
    /// Ticks for which a thing that is not seen is waited for.
    pub maximum_gap: u64,
    /// A box of less confidence is no new thing; it may be one that is known.
    pub new_confidence: f32,
}

/// A box in a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sighting<'a> {
    /// Where.
    pub area: Area,
    /// What a detector calls it.
    pub class: &'a str,
    /// 0 to 1.
    pub confidence: f32,
    /// It may be a part of a thing only.
    pub partial: bool,
}

/// What became of a box.
#[derive(Clone, Debug, PartialEq)]
pub struct Followed {
    /// The thing's name. None: not sure enough to be a thing.
    pub name: Option<String>,
    /// Where the thing is: the box itself, unless the thing is seen in parts.
    pub area: Area,
    /// Another box of this frame stands for the thing.
    pub joined: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Track {
    pub(crate) number: u64,
    class: String,
    pub(crate) centre: Point,
    pub(crate) size: (f32, f32),
    /// Fractions of the picture in a second.
    pub(crate) speed: Point,
    pub(crate) seen: u64,
    pub(crate) sightings: u16,
    /// All its boxes may have been parts.
    pub(crate) partial: bool,
    /// It is known to be seen in parts.
    pub(crate) in_parts: bool,
}

/// Follows things.
#[derive(Debug)]
pub struct Tracker {
    config: TrackerConfig,
    tracks: Vec<Track>,
    /// When the first frame was, so that numbers of another run are other names.
    began: Option<u64>,
    time: u64,
    last_number: u64,
}

impl Tracker {
    /// Knows of nothing yet.
    #[must_use]
    pub fn new(config: TrackerConfig) -> Self {
        Self {
            config,
            tracks: Vec::new(),
            began: None,
            time: 0,
            last_number: 0,
        }
    }

    /// Names the boxes of the frame at `time`, in their order.
    pub fn follow(&mut self, time: u64, sightings: &[Sighting<'_>]) -> Vec<Followed> {
        let began = *self.began.get_or_insert(time);
        if time < self.time {
            self.tracks.clear();
        }
        self.time = time;
        let gap = self.config.maximum_gap;
        self.tracks.retain(|track| time - track.seen <= gap);
        let groups = parts::join(time, &self.tracks, sightings, surest(sightings));
        let pairs = assign(groups.len(), self.tracks.len(), ALONE, |row, column| {
            let pair = groups.get(row).zip(self.tracks.get(column));
            pair.map_or(f32::INFINITY, |(group, track)| {
                track.cost(time, &group.as_one(sightings))
            })
        });
        let mut followed: Vec<Followed> = sightings.iter().map(Followed::unnamed).collect();
        let mut fresh = Vec::new();
        for (group, pair) in groups.iter().zip(pairs) {
            let one = group.as_one(sightings);
            let known = pair.and_then(|column| self.tracks.get_mut(column));
            let (number, area) = match known {
                Some(track) => (track.number, track.see(time, &one)),
                None if one.confidence < self.config.new_confidence => continue,
                None => {
                    self.last_number += 1;
                    fresh.push(Track::new(self.last_number, time, &one));
                    (self.last_number, one.area)
                }
            };
            let name = format!("{:x}-{number}", began / TICKS_PER_SECOND);
            group.tell(&mut followed, &name, area);
        }
        self.tracks.append(&mut fresh);
        parts::find(time, &mut self.tracks);
        self.make_room();
        followed
    }

    /// Forgets those that were not seen for longest.
    fn make_room(&mut self) {
        if self.tracks.len() > MAX_TRACKS {
            self.tracks.sort_by_key(|track| std::cmp::Reverse(track.seen));
            self.tracks.truncate(MAX_TRACKS);
        }
    }
}

/// The places of the boxes that are looked at, in their order.
fn surest(sightings: &[Sighting<'_>]) -> Vec<usize> {
    let mut order: Vec<(usize, f32)> = sightings.iter().map(|one| one.confidence).enumerate().collect();
    if order.len() > MAX_TRACKS {
        order.sort_by(|a, b| b.1.total_cmp(&a.1));
        order.truncate(MAX_TRACKS);
        order.sort_by_key(|(at, _)| *at);
    }
    order.into_iter().map(|(at, _)| at).collect()
}

impl Track {
    fn new(number: u64, time: u64, sighting: &Sighting<'_>) -> Self {
        Self {
            number,
            class: sighting.class.to_owned(),
            centre: sighting.area.centre(),
            size: (sighting.area.width, sighting.area.height),
            speed: Point::default(),
            seen: time,
            sightings: 1,
            partial: sighting.partial,
            in_parts: false,
        }
    }

    pub(crate) fn seconds_since(&self, time: u64) -> f32 {
        time.saturating_sub(self.seen) as f32 / TICKS_PER_SECOND as f32
    }

    /// Where it should be.
    pub(crate) fn expected(&self, seconds: f32) -> Area {
        let centre = Point {
            x: self.centre.x + self.speed.x * seconds,
            y: self.centre.y + self.speed.y * seconds,
        };
        Area::around(centre, self.size.0, self.size.1)
    }

    /// How unlikely it is that this is it; infinite: it cannot be.
    fn cost(&self, time: u64, sighting: &Sighting<'_>) -> f32 {
        let seconds = self.seconds_since(time);
        let expected = self.expected(seconds);
        let slack = if self.sightings < 2 {
            FIRST_SPEED * seconds
        } else {
            let speed = self.speed.x.hypot(self.speed.y);
            (SPEED_CHANGE.0 + SPEED_CHANGE.1 * speed) * seconds
        };
        let reach = f32::midpoint(expected.diagonal(), sighting.area.diagonal()) + slack.min(MAX_SLACK);
        let distance = expected.centre().distance(sighting.area.centre());
        let growth = growth(&expected, &sighting.area);
        // Of what is seen in parts, any part may be hidden.
        if !(distance <= reach && (growth <= MAX_GROWTH || self.in_parts)) {
            return f32::INFINITY;
        }
        let class = if self.class == sighting.class {
            0.0
        } else {
            OTHER_CLASS
        };
        let apart = APART * (1.0 - expected.overlap(&sighting.area));
        distance / reach.max(f32::MIN_POSITIVE) + apart + class + TWICE_THE_SIZE * growth.log2()
    }

    /// Learns place, size and speed: with few sightings as the straight line through them would, later more slowly. Gives
    /// where the thing is.
    fn see(&mut self, time: u64, sighting: &Sighting<'_>) -> Area {
        let whole = if self.in_parts {
            parts::whole(self.expected(self.seconds_since(time)), sighting.area)
        } else {
            sighting.area
        };
        self.learn(time, whole);
        self.partial &= sighting.partial;
        if self.class != sighting.class {
            sighting.class.clone_into(&mut self.class);
        }
        self.seen = time;
        whole.within_picture()
    }

    fn learn(&mut self, time: u64, area: Area) {
        self.sightings = self.sightings.saturating_add(1);
        let n = f32::from(self.sightings);
        let place = (2.0 * (2.0 * n - 1.0) / (n * (n + 1.0))).max(LEAST_GAIN.0);
        let speed = (6.0 / (n * (n + 1.0))).clamp(LEAST_GAIN.1, 1.0);
        let seconds = self.seconds_since(time);
        let (expected, now) = (self.expected(seconds).centre(), area.centre());
        let (x, y) = (now.x - expected.x, now.y - expected.y);
        self.centre = Point {
            x: expected.x + place * x,
            y: expected.y + place * y,
        };
        if seconds > 0.0 {
            self.speed.x += speed * x / seconds;
            self.speed.y += speed * y / seconds;
        }
        self.size.0 += place * (area.width - self.size.0);
        self.size.1 += place * (area.height - self.size.1);
    }
}

impl Followed {
    fn unnamed(sighting: &Sighting<'_>) -> Self {
        Self {
            name: None,
            area: sighting.area,
            joined: false,
        }
    }
}

impl Group {
    /// Its first box stands for all of them.
    fn tell(&self, followed: &mut [Followed], name: &str, area: Area) {
        for (place, at) in self.members.iter().enumerate() {
            if let Some(one) = followed.get_mut(*at) {
                one.name = Some(name.to_owned());
                (one.area, one.joined) = (area, place > 0);
            }
        }
    }
}

/// How many times larger one is than the other, at least 1.
fn growth(one: &Area, other: &Area) -> f32 {
    const LEAST: f32 = 1e-6;
    let (one, other) = (
        (one.width * one.height).max(LEAST),
        (other.width * other.height).max(LEAST),
    );
    (one / other).max(other / one)
}
