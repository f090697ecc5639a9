//! Counts things that cross lines.
//!
//! A thing has crossed when it came from one side, its way met the line between its ends, and it is further from the line
//! than the margin: a box that trembles on the line counts once, and what turns round does not count.

use std::collections::BTreeMap;

use shapes::{Area, Focus, Line, Point};

use crate::{Seen, TICKS_PER_SECOND};

/// Things remembered; those that were not seen for longest are forgotten first.
pub const MAX_OBJECTS: usize = 1024;
/// A thing that was not seen for so long is forgotten: a tracker has given it up long before.
const FORGET_AFTER: u64 = 60 * TICKS_PER_SECOND;

/// A line with a name.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedLine {
    /// What events call it.
    pub name: String,
    /// Where it is.
    pub line: Line,
}

/// Crossings so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// From left to right, seen from the line's beginning.
    pub clockwise: u64,
    /// From right to left.
    pub counterclockwise: u64,
}

/// A thing has crossed a line.
#[derive(Clone, Debug, PartialEq)]
pub struct Crossing {
    /// The place of the line in the configuration.
    pub line: usize,
    /// The place of the thing among those that were seen.
    pub object: usize,
    /// Whether from left to right.
    pub clockwise: bool,
    /// With this one.
    pub totals: Totals,
    /// Where the thing is.
    pub area: Area,
}

#[derive(Clone, Debug)]
struct Object {
    at: Point,
    seen: u64,
    /// For each line, how often it was met clockwise, less how often the other way, and not yet counted.
    met: Vec<i8>,
}

/// Counts.
#[derive(Debug)]
pub struct LineCounter {
    lines: Vec<NamedLine>,
    focus: Focus,
    margin: f32,
    totals: Vec<Totals>,
    objects: BTreeMap<String, Object>,
    time: u64,
}

impl LineCounter {
    /// Counts from zero. `margin` is the distance from a line, in fractions of the picture, from which on a thing has left
    /// it.
    #[must_use]
    pub fn new(lines: Vec<NamedLine>, focus: Focus, margin: f32) -> Self {
        Self {
            totals: vec![Totals::default(); lines.len()],
            lines,
            focus,
            margin,
            objects: BTreeMap::new(),
            time: 0,
        }
    }

    /// The lines.
    #[must_use]
    pub fn lines(&self) -> &[NamedLine] {
        &self.lines
    }

    /// What crossed, now that these are seen.
    pub fn observe(&mut self, time: u64, seen: &[Seen<'_>]) -> Vec<Crossing> {
        if time < self.time {
            self.objects.clear();
        }
        self.time = time;
        self.objects
            .retain(|_, object| time - object.seen <= FORGET_AFTER);
        let mut crossings = Vec::new();
        for (place, one) in seen.iter().enumerate() {
            let at = one.area.point(self.focus);
            let Some(object) = self.objects.get_mut(one.id) else {
                self.remember(one.id, at);
                continue;
            };
            for (line, ((named, totals), met)) in self
                .lines
                .iter()
                .zip(&mut self.totals)
                .zip(&mut object.met)
                .enumerate()
            {
                let Some(clockwise) = step(&named.line, object.at, at, self.margin, met) else {
                    continue;
                };
                match clockwise {
                    true => totals.clockwise += 1,
                    false => totals.counterclockwise += 1,
                }
                crossings.push(Crossing {
                    line,
                    object: place,
                    clockwise,
                    totals: *totals,
                    area: one.area,
                });
            }
            (object.at, object.seen) = (at, time);
        }
        crossings
    }

    fn remember(&mut self, id: &str, at: Point) {
        if self.objects.len() >= MAX_OBJECTS {
            let oldest = self.objects.iter().min_by_key(|(_, object)| object.seen);
            if let Some(oldest) = oldest.map(|(id, _)| id.clone()) {
                self.objects.remove(&oldest);
            }
        }
        let object = Object {
            at,
            seen: self.time,
            met: vec![0; self.lines.len()],
        };
        self.objects.insert(id.to_owned(), object);
    }
}

/// One step of a thing's way: whether it has crossed with it.
fn step(line: &Line, from: Point, to: Point, margin: f32, met: &mut i8) -> Option<bool> {
    match line.crossed(from, to) {
        Some(true) => *met = met.saturating_add(1),
        Some(false) => *met = met.saturating_sub(1),
        None => {}
    }
    if line.side(to).abs() < margin {
        return None;
    }
    let net = std::mem::take(met);
    (net != 0).then_some(net > 0)
}
