//! What moves, and when.

use super::canvas::{Area, Canvas, Paint};
use super::scene::{FAR, MIDDLE, NEAR, STREET};

/// The shape of an actor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shape {
    Person,
    Car,
    Lorry,
    Cyclist,
}

/// One way across the yard. Where an actor stands is given by the middle of its feet or wheels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passage {
    /// What a person would call it; goes into the list of movements.
    pub(crate) what: &'static str,
    pub(crate) shape: Shape,
    /// Height in pixels; at least a tenth of the picture.
    pub(crate) height: f32,
    pub(crate) depth: u8,
    pub(crate) colour: (f32, f32, f32),
    /// Seconds of the clip.
    pub(crate) from_s: f32,
    pub(crate) to_s: f32,
    pub(crate) from: (f32, f32),
    pub(crate) to: (f32, f32),
}

/// Everything that happens, in order. Each passage begins and ends out of sight.
pub(crate) const PASSAGES: [Passage; 8] = [
    Passage {
        what: "a person in dark clothes runs across the yard from left to right, behind the van",
        shape: Shape::Person,
        height: 60.0,
        depth: MIDDLE,
        colour: (40.0, 44.0, 60.0),
        from_s: 10.0,
        to_s: 14.0,
        from: (-30.0, 208.0),
        to: (496.0, 200.0),
    },
    Passage {
        what: "a red car drives through the street from right to left",
        shape: Shape::Car,
        height: 58.0,
        depth: STREET,
        colour: (168.0, 42.0, 38.0),
        from_s: 21.0,
        to_s: 24.0,
        from: (720.0, 292.0),
        to: (-80.0, 292.0),
    },
    Passage {
        what: "a small figure in a light coat walks from the house to the shed, far away",
        shape: Shape::Person,
        height: 40.0,
        depth: FAR,
        colour: (204.0, 200.0, 186.0),
        from_s: 31.0,
        to_s: 34.6,
        from: (350.0, 152.0),
        to: (478.0, 152.0),
    },
    Passage {
        what: "a lorry drives through the street from left to right",
        shape: Shape::Lorry,
        height: 104.0,
        depth: STREET,
        colour: (196.0, 186.0, 150.0),
        from_s: 41.5,
        to_s: 44.5,
        from: (-130.0, 296.0),
        to: (770.0, 296.0),
    },
    Passage {
        what: "a cyclist rides along the pavement from right to left",
        shape: Shape::Cyclist,
        height: 88.0,
        depth: NEAR,
        colour: (54.0, 96.0, 150.0),
        from_s: 51.5,
        to_s: 54.5,
        from: (690.0, 338.0),
        to: (-50.0, 330.0),
    },
    Passage {
        what: "a dark grey car drives through the street from left to right, slowly",
        shape: Shape::Car,
        height: 50.0,
        depth: STREET,
        colour: (70.0, 72.0, 76.0),
        from_s: 61.5,
        to_s: 65.5,
        from: (-76.0, 264.0),
        to: (716.0, 264.0),
    },
    Passage {
        what: "a person in grey walks from behind the van out of the picture at the right",
        shape: Shape::Person,
        height: 62.0,
        depth: MIDDLE,
        colour: (96.0, 92.0, 90.0),
        from_s: 72.0,
        to_s: 75.5,
        from: (496.0, 202.0),
        to: (660.0, 222.0),
    },
    Passage {
        what: "a person in a bright jacket runs along the pavement from left to right",
        shape: Shape::Person,
        height: 112.0,
        depth: NEAR,
        colour: (208.0, 196.0, 60.0),
        from_s: 82.5,
        to_s: 85.5,
        from: (-30.0, 346.0),
        to: (670.0, 350.0),
    },
];

impl Passage {
    /// Draws the actor as it is at a second of the clip; returns how many of its pixels can be seen.
    pub(crate) fn draw(&self, canvas: &mut Canvas, second: f32) -> usize {
        if second < self.from_s || second >= self.to_s {
            return 0;
        }
        let t = (second - self.from_s) / (self.to_s - self.from_s);
        let x = self.from.0 + (self.to.0 - self.from.0) * t;
        let y = self.from.1 + (self.to.1 - self.from.1) * t;
        let mut pen = Pen {
            canvas,
            x,
            y,
            unit: self.height,
            facing: if self.to.0 > self.from.0 { 1.0 } else { -1.0 },
            depth: self.depth,
            seen: 0,
        };
        let paint = Paint::rgb(self.colour.0, self.colour.1, self.colour.2);
        match self.shape {
            Shape::Person => pen.person(paint, second),
            Shape::Car => pen.car(paint),
            Shape::Lorry => pen.lorry(paint),
            Shape::Cyclist => pen.cyclist(paint, second),
        }
        pen.seen
    }
}

const SKIN: (f32, f32, f32) = (196.0, 150.0, 124.0);
const RUBBER: (f32, f32, f32) = (28.0, 28.0, 30.0);
const GLASS: (f32, f32, f32) = (60.0, 74.0, 88.0);

/// Draws one actor: lengths are in its heights, from the middle of its feet, forwards and up.
struct Pen<'a> {
    canvas: &'a mut Canvas,
    x: f32,
    y: f32,
    unit: f32,
    facing: f32,
    depth: u8,
    seen: usize,
}

impl Pen<'_> {
    fn area(&self, middle: f32, bottom: f32, w: f32, h: f32) -> Area {
        let left = self.x + (self.facing * middle - w / 2.0) * self.unit;
        Area::new(
            left,
            self.y - (bottom + h) * self.unit,
            w * self.unit,
            h * self.unit,
        )
    }

    fn block(&mut self, middle: f32, bottom: f32, w: f32, h: f32, paint: Paint) {
        self.seen += self
            .canvas
            .rect(self.area(middle, bottom, w, h), self.depth, paint);
    }

    fn round(&mut self, middle: f32, bottom: f32, w: f32, h: f32, paint: Paint) {
        self.seen += self
            .canvas
            .ellipse(self.area(middle, bottom, w, h), self.depth, paint);
    }

    fn person(&mut self, coat: Paint, second: f32) {
        let stride = 0.1 * (second * 9.0).sin();
        let trousers = Paint::rgb(52.0, 54.0, 62.0);
        for swing in [stride, -stride] {
            self.block(swing * 0.5, 0.24, 0.1, 0.26, trousers);
            self.block(swing, 0.0, 0.1, 0.25, trousers);
        }
        self.round(0.0, 0.42, 0.28, 0.44, coat);
        self.block(-stride, 0.44, 0.07, 0.32, coat.lit(0.85));
        self.block(stride, 0.44, 0.07, 0.32, coat.lit(0.9));
        self.round(0.02, 0.84, 0.15, 0.16, Paint::rgb(SKIN.0, SKIN.1, SKIN.2));
        self.round(0.0, 0.92, 0.15, 0.08, Paint::rgb(58.0, 44.0, 36.0));
    }

    fn wheel(&mut self, middle: f32, size: f32) {
        self.round(middle, 0.0, size, size, Paint::rgb(RUBBER.0, RUBBER.1, RUBBER.2));
        self.round(
            middle,
            size * 0.3,
            size * 0.4,
            size * 0.4,
            Paint::rgb(150.0, 150.0, 150.0),
        );
    }

    fn car(&mut self, body: Paint) {
        self.block(0.0, 0.18, 2.5, 0.42, body);
        self.round(-0.1, 0.3, 1.7, 0.7, body.lit(0.95));
        self.round(-0.1, 0.56, 1.4, 0.36, Paint::rgb(GLASS.0, GLASS.1, GLASS.2));
        self.block(-0.05, 0.56, 0.07, 0.38, body);
        self.block(1.2, 0.38, 0.1, 0.12, Paint::rgb(230.0, 226.0, 196.0));
        self.wheel(-0.78, 0.4);
        self.wheel(0.78, 0.4);
    }

    fn lorry(&mut self, load: Paint) {
        self.block(-0.25, 0.22, 1.8, 0.78, load);
        self.block(-0.25, 0.5, 1.8, 0.04, load.lit(0.7));
        self.block(0.95, 0.18, 0.5, 0.62, Paint::rgb(60.0, 84.0, 120.0));
        self.block(1.04, 0.48, 0.28, 0.24, Paint::rgb(GLASS.0, GLASS.1, GLASS.2));
        for middle in [-0.9, -0.6, 0.9] {
            self.wheel(middle, 0.26);
        }
    }

    fn cyclist(&mut self, coat: Paint, second: f32) {
        self.wheel(-0.34, 0.42);
        self.wheel(0.34, 0.42);
        self.block(0.0, 0.34, 0.62, 0.04, Paint::rgb(170.0, 40.0, 44.0));
        let pedal = 0.07 * (second * 8.0).sin();
        for turn in [pedal, -pedal] {
            self.block(0.02 + turn, 0.14 + turn, 0.09, 0.34, Paint::rgb(40.0, 40.0, 48.0));
        }
        self.round(0.02, 0.44, 0.3, 0.4, coat);
        self.block(0.2, 0.56, 0.26, 0.07, coat.lit(0.9));
        self.round(0.1, 0.82, 0.17, 0.18, Paint::rgb(220.0, 220.0, 214.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clip::canvas::HEIGHT;

    #[test]
    fn every_actor_is_at_least_a_tenth_of_the_picture_high() {
        assert!(
            PASSAGES
                .iter()
                .all(|passage| passage.height >= HEIGHT as f32 / 10.0)
        );
    }
}
