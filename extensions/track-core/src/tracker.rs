//! Which boxes of this frame are the things of the frames before.
//!
//! A thing is expected where its speed has taken it. Boxes and things are paired so that all pairs together are the most
//! likely, by distance, overlap, size and class; a thing that is not seen goes on unseen for a while. Two things that pass
//! each other keep their names because each is expected on its own side.

use shapes::{Area, Point};

use crate::TICKS_PER_SECOND;
use crate::assign::assign;

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
}

#[derive(Clone, Debug)]
struct Track {
    number: u64,
    class: String,
    centre: Point,
    size: (f32, f32),
    /// Fractions of the picture in a second.
    speed: Point,
    seen: u64,
    sightings: u16,
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

    /// Names the boxes of the frame at `time`, in their order. None: not sure enough to be a thing.
    pub fn follow(&mut self, time: u64, sightings: &[Sighting<'_>]) -> Vec<Option<String>> {
        let began = *self.began.get_or_insert(time);
        if time < self.time {
            self.tracks.clear();
        }
        self.time = time;
        let gap = self.config.maximum_gap;
        self.tracks.retain(|track| time - track.seen <= gap);
        let considered = surest(sightings);
        let pairs = assign(considered.len(), self.tracks.len(), ALONE, |row, column| {
            let sighting = considered.get(row).and_then(|at| sightings.get(*at));
            let pair = sighting.zip(self.tracks.get(column));
            pair.map_or(f32::INFINITY, |(sighting, track)| track.cost(time, sighting))
        });
        let mut names = vec![None; sightings.len()];
        let mut fresh = Vec::new();
        for (at, pair) in considered.into_iter().zip(pairs) {
            let (Some(sighting), Some(name)) = (sightings.get(at), names.get_mut(at)) else {
                continue;
            };
            let number = match pair.and_then(|column| self.tracks.get_mut(column)) {
                Some(track) => {
                    track.see(time, sighting);
                    track.number
                }
                None if sighting.confidence < self.config.new_confidence => continue,
                None => {
                    self.last_number += 1;
                    fresh.push(Track::new(self.last_number, time, sighting));
                    self.last_number
                }
            };
            *name = Some(format!("{:x}-{number}", began / TICKS_PER_SECOND));
        }
        self.tracks.append(&mut fresh);
        self.make_room();
        names
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
        }
    }

    fn seconds_since(&self, time: u64) -> f32 {
        time.saturating_sub(self.seen) as f32 / TICKS_PER_SECOND as f32
    }

    /// Where it should be.
    fn expected(&self, seconds: f32) -> Area {
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
        if !(distance <= reach && growth <= MAX_GROWTH) {
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

    /// Learns place, size and speed: with few sightings as the straight line through them would, later more slowly.
    fn see(&mut self, time: u64, sighting: &Sighting<'_>) {
        self.sightings = self.sightings.saturating_add(1);
        let n = f32::from(self.sightings);
        let place = (2.0 * (2.0 * n - 1.0) / (n * (n + 1.0))).max(LEAST_GAIN.0);
        let speed = (6.0 / (n * (n + 1.0))).clamp(LEAST_GAIN.1, 1.0);
        let seconds = self.seconds_since(time);
        let (expected, now) = (self.expected(seconds).centre(), sighting.area.centre());
        let (x, y) = (now.x - expected.x, now.y - expected.y);
        self.centre = Point {
            x: expected.x + place * x,
            y: expected.y + place * y,
        };
        if seconds > 0.0 {
            self.speed.x += speed * x / seconds;
            self.speed.y += speed * y / seconds;
        }
        self.size.0 += place * (sighting.area.width - self.size.0);
        self.size.1 += place * (sighting.area.height - self.size.1);
        if self.class != sighting.class {
            sighting.class.clone_into(&mut self.class);
        }
        self.seen = time;
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
