//! What drives and walks: its class, its shape and its colours.

mod people;
mod trucks;
mod vehicles;

use serde::{Deserialize, Serialize};

pub(super) use self::people::{Gait, gait};
use super::mesh::Mesh;
use super::picture::Colour;
use super::space::Point;
use crate::clip::random::Random;

/// What the detector tells apart, in the order of its model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Class {
    Car,
    Van,
    Bus,
    Truck,
    Person,
    Bicycle,
}

impl Class {
    /// All of them.
    pub(crate) const ALL: [Self; 6] = [
        Self::Car,
        Self::Van,
        Self::Bus,
        Self::Truck,
        Self::Person,
        Self::Bicycle,
    ];

    /// As the model's `classes` have it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Car => "car",
            Self::Van => "van",
            Self::Bus => "bus",
            Self::Truck => "truck",
            Self::Person => "person",
            Self::Bicycle => "bicycle",
        }
    }

    pub(super) fn is_vehicle(self) -> bool {
        !matches!(self, Self::Person | Self::Bicycle)
    }
}

/// One that moves: everything but where it is.
#[derive(Clone, Debug)]
pub(super) struct Body {
    pub(super) class: Class,
    /// What a person would call it.
    pub(super) what: String,
    pub(super) mesh: Mesh,
    /// Metres.
    pub(super) length: f32,
    /// Where its lamps are, and of what colour they are.
    pub(super) lamps: Vec<(Point, Colour)>,
    /// Of those that move their legs.
    pub(super) gait: Option<Gait>,
}

pub(super) const HEADLIGHT: Colour = [255.0, 246.0, 214.0];
pub(super) const TAIL_LIGHT: Colour = [220.0, 26.0, 20.0];
pub(super) const GLASS: Colour = [44.0, 54.0, 64.0];
pub(super) const DARK: Colour = [34.0, 34.0, 37.0];

/// A colour that has a name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint {
    pub(super) name: &'static str,
    pub(super) colour: Colour,
}

const fn paint(name: &'static str, r: f32, g: f32, b: f32) -> Paint {
    Paint {
        name,
        colour: [r, g, b],
    }
}

const PAINTS: [Paint; 14] = [
    paint("white", 226.0, 228.0, 226.0),
    paint("white", 208.0, 208.0, 202.0),
    paint("silver", 164.0, 168.0, 172.0),
    paint("grey", 104.0, 108.0, 112.0),
    paint("dark grey", 66.0, 68.0, 72.0),
    paint("black", 36.0, 37.0, 40.0),
    paint("blue", 40.0, 74.0, 148.0),
    paint("dark blue", 30.0, 44.0, 84.0),
    paint("red", 172.0, 34.0, 32.0),
    paint("dark red", 110.0, 26.0, 34.0),
    paint("green", 46.0, 104.0, 66.0),
    paint("yellow", 218.0, 178.0, 40.0),
    paint("orange", 214.0, 110.0, 30.0),
    paint("beige", 196.0, 180.0, 146.0),
];

/// One of the usual paints, never twice quite the same.
pub(super) fn any_paint(random: &mut Random) -> Paint {
    let Paint { name, colour } = random.pick(PAINTS);
    let spread = 1.0 + random.normal() * 0.06;
    let shift = [random.normal(), random.normal(), random.normal()].map(|by| by * 5.0);
    let moved =
        |at: usize| (colour.get(at).unwrap_or(&0.0) * spread + shift.get(at).unwrap_or(&0.0)).max(8.0);
    Paint {
        name,
        colour: [moved(0), moved(1), moved(2)],
    }
}

/// One of a class, with chance deciding which.
pub(super) fn body(class: Class, random: &mut Random) -> Body {
    match class {
        Class::Car => vehicles::car(random),
        Class::Van => vehicles::van(random),
        Class::Bus => vehicles::bus(random),
        Class::Truck => trucks::truck(random),
        Class::Person => people::person(random),
        Class::Bicycle => people::bicycle(random),
    }
}

/// Lamps at both ends, given as (u, z) and how far they are apart.
fn lamps(mesh: &mut Mesh, front: (f32, f32), rear: (f32, f32), apart: f32) -> Vec<(Point, Colour)> {
    let ahead = mesh.lamps(front.0, front.1, apart, 0.2, HEADLIGHT);
    let behind = mesh.lamps(rear.0, rear.1, apart, 0.18, TAIL_LIGHT);
    let with = |colour| move |at: Point| (at, colour);
    ahead
        .map(with(HEADLIGHT))
        .into_iter()
        .chain(behind.map(with(TAIL_LIGHT)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn height(body: &Body) -> f32 {
        let corners = body.mesh.faces.iter().flat_map(|face| &face.corners);
        corners.map(|corner| corner.z).fold(0.0, f32::max)
    }

    #[test]
    fn each_class_has_the_size_that_it_has_on_streets() {
        let sizes = [
            (Class::Car, (3.6, 5.0), (1.3, 1.9)),
            (Class::Van, (4.4, 6.4), (1.8, 2.8)),
            (Class::Bus, (8.5, 13.0), (2.9, 3.5)),
            (Class::Truck, (6.0, 17.0), (2.4, 4.2)),
        ];
        for (class, length, high) in sizes {
            for seed in 0..60 {
                let body = body(class, &mut Random::new(seed));
                assert_eq!(body.class, class);
                assert!((length.0..length.1).contains(&body.length), "{body:?}");
                assert!(
                    (high.0..high.1).contains(&height(&body)),
                    "{} high: {}",
                    body.what,
                    height(&body)
                );
            }
        }
    }

    #[test]
    fn nothing_sticks_out_of_the_length_that_is_told() {
        for (seed, class) in (0..300).zip(Class::ALL.into_iter().cycle()) {
            let body = body(class, &mut Random::new(seed));
            let corners = body.mesh.faces.iter().flat_map(|face| &face.corners);
            let reach = corners.map(|corner| corner.x.abs()).fold(0.0, f32::max);
            assert!(
                reach <= body.length / 2.0 + 0.12,
                "{}: {reach} of {}",
                body.what,
                body.length
            );
        }
    }
}
