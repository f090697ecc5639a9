//! Who walks and who rides.

use super::{Body, Class, any_paint};
use crate::clip::random::Random;
use crate::street::mesh::{Mesh, circle};
use crate::street::picture::{Colour, lit};

/// How somebody moves their legs, and what they wear.
#[derive(Clone, Copy, Debug)]
pub(in crate::street) struct Gait {
    /// 1.0 is a man of 1.75 m.
    size: f32,
    coat: Colour,
    trousers: Colour,
    skin: Colour,
    hair: Colour,
    rides: bool,
    phase: f32,
}

fn somebody(random: &mut Random, rides: bool) -> (Gait, &'static str) {
    let coat = any_paint(random);
    let skin = random.pick([[206.0, 164.0, 138.0], [172.0, 124.0, 96.0], [104.0, 72.0, 54.0]]);
    let gait = Gait {
        size: random.between(0.86, 1.08),
        coat: coat.colour,
        trousers: random.pick([
            [44.0, 48.0, 62.0],
            [30.0, 30.0, 34.0],
            [98.0, 88.0, 72.0],
            [66.0, 76.0, 96.0],
        ]),
        skin,
        hair: random.pick([
            [50.0, 38.0, 30.0],
            [28.0, 26.0, 26.0],
            [150.0, 120.0, 76.0],
            [170.0, 168.0, 164.0],
        ]),
        rides,
        phase: random.between(0.0, 6.0),
    };
    (gait, coat.name)
}

pub(super) fn person(random: &mut Random) -> Body {
    let (gait, coat) = somebody(random, false);
    Body {
        class: Class::Person,
        what: format!("person in {coat}"),
        mesh: Mesh::default(),
        length: 0.6,
        lamps: Vec::new(),
        gait: Some(gait),
    }
}

pub(super) fn bicycle(random: &mut Random) -> Body {
    let (gait, coat) = somebody(random, true);
    let frame = any_paint(random).colour;
    let mut mesh = Mesh::default();
    for u in [-0.52, 0.52] {
        ring(&mut mesh, u, 0.34);
    }
    let tubes = [
        ((-0.52, 0.34), (-0.18, 0.86)),
        ((-0.52, 0.34), (-0.02, 0.3)),
        ((-0.02, 0.3), (-0.2, 0.9)),
        ((-0.02, 0.3), (0.36, 0.8)),
        ((-0.16, 0.8), (0.38, 0.82)),
        ((0.52, 0.34), (0.34, 1.02)),
        ((0.3, 1.02), (0.46, 1.04)),
    ];
    for (from, to) in tubes {
        mesh.prism(&bar(from, to, 0.032), 0.0, 0.025, frame);
    }
    mesh.block((0.36, 0.42), (1.0, 1.05), 0.27, lit(frame, 0.4));
    Body {
        class: Class::Bicycle,
        what: format!("cyclist in {coat}"),
        mesh,
        length: 1.75,
        lamps: Vec::new(),
        gait: Some(gait),
    }
}

/// A tyre that one can look through.
fn ring(mesh: &mut Mesh, u: f32, radius: f32) {
    const TYRE: Colour = [24.0, 24.0, 26.0];
    let (outer, inner) = (circle(u, radius, radius), circle(u, radius, radius - 0.06));
    let pairs = outer.iter().zip(&inner);
    let next = outer.iter().zip(&inner).cycle().skip(1);
    for ((a, b), (c, d)) in pairs.zip(next) {
        mesh.prism(&[*a, *c, *d, *b], 0.0, 0.02, TYRE);
    }
}

/// A thick line in the plane of (u, z).
fn bar(from: (f32, f32), to: (f32, f32), thick: f32) -> [(f32, f32); 4] {
    let (du, dz) = (to.0 - from.0, to.1 - from.1);
    let scale = thick / (du * du + dz * dz).sqrt().max(1e-3);
    let (ou, oz) = (-dz * scale, du * scale);
    [
        (from.0 - ou, from.1 - oz),
        (from.0 + ou, from.1 + oz),
        (to.0 + ou, to.1 + oz),
        (to.0 - ou, to.1 - oz),
    ]
}

/// The body of somebody at a moment.
pub(in crate::street) fn gait(gait: &Gait, second: f32) -> Mesh {
    if gait.rides {
        rider(gait, second)
    } else {
        walker(gait, second)
    }
}

fn limb(mesh: &mut Mesh, ends: [(f32, f32); 2], v: f32, thick: f32, size: f32, colour: Colour) {
    let [from, to] = ends.map(|(u, z)| (u * size, z * size));
    mesh.prism(&bar(from, to, thick * size), v * size, thick * size, colour);
}

fn head(mesh: &mut Mesh, at: (f32, f32), gait: &Gait) {
    let (u, z) = (at.0 * gait.size, at.1 * gait.size);
    mesh.prism(&circle(u, z, 0.12 * gait.size), 0.0, 0.085, gait.skin);
    mesh.prism(
        &circle(u - 0.02, z + 0.045, 0.11 * gait.size),
        0.0,
        0.092,
        gait.hair,
    );
}

fn walker(gait: &Gait, second: f32) -> Mesh {
    let mut mesh = Mesh::default();
    let swing = 0.3 * (second * 7.5 + gait.phase).sin();
    let size = gait.size;
    for (side, swing) in [(-0.1, swing), (0.1, -swing)] {
        let knee = (swing * 0.55 + 0.05, 0.48);
        limb(&mut mesh, [(0.0, 0.9), knee], side, 0.085, size, gait.trousers);
        limb(&mut mesh, [knee, (swing, 0.06)], side, 0.07, size, gait.trousers);
        limb(
            &mut mesh,
            [(swing - 0.06, 0.05), (swing + 0.18, 0.05)],
            side,
            0.05,
            size,
            [30.0; 3],
        );
        let elbow = (-swing * 0.4, 1.12);
        limb(
            &mut mesh,
            [(0.0, 1.4), elbow],
            side * 2.6,
            0.055,
            size,
            lit(gait.coat, 0.88),
        );
        limb(
            &mut mesh,
            [elbow, (-swing * 0.7 + 0.1, 0.9)],
            side * 2.6,
            0.05,
            size,
            lit(gait.coat, 0.88),
        );
    }
    let torso = [(-0.12, 0.84), (-0.14, 1.42), (0.12, 1.44), (0.13, 0.84)];
    mesh.prism(
        &torso.map(|(u, z)| (u * size, z * size)),
        0.0,
        0.21 * size,
        gait.coat,
    );
    head(&mut mesh, (0.02, 1.62), gait);
    mesh
}

fn rider(gait: &Gait, second: f32) -> Mesh {
    let mut mesh = Mesh::default();
    let turn = second * 6.0 + gait.phase;
    for (side, turn) in [(-0.1, turn), (0.1, turn + std::f32::consts::PI)] {
        let foot = (0.17 * turn.cos(), 0.32 + 0.17 * turn.sin());
        let knee = (0.24, foot.1.mul_add(0.4, 0.6));
        limb(&mut mesh, [(-0.16, 0.95), knee], side, 0.08, 1.0, gait.trousers);
        limb(&mut mesh, [knee, foot], side, 0.065, 1.0, gait.trousers);
        limb(
            &mut mesh,
            [(0.1, 1.38), (0.4, 1.06)],
            side * 2.2,
            0.05,
            1.0,
            lit(gait.coat, 0.88),
        );
    }
    mesh.prism(&bar((-0.17, 0.92), (0.12, 1.42), 0.14), 0.0, 0.2, gait.coat);
    head(&mut mesh, (0.22 / gait.size, 1.58 / gait.size), gait);
    mesh
}
