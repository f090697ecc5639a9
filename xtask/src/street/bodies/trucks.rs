//! Trucks: a cab, a gap, and what they carry.

use super::{Body, Class, DARK, GLASS, Paint, any_paint, lamps};
use crate::clip::random::Random;
use crate::street::mesh::Mesh;
use crate::street::picture::{Colour, lit};

const WIDE: f32 = 1.23;
/// Where the load begins.
const DECK: f32 = 1.05;
const WHEEL: f32 = 0.48;

pub(super) fn truck(random: &mut Random) -> Body {
    match random.below(9) {
        0..=2 => box_truck(random),
        3 | 4 => tipper(random),
        5 => tanker(random),
        6 => flatbed(random),
        _ => articulated(random),
    }
}

fn finish(mut mesh: Mesh, half: f32, what: String) -> Body {
    let lamps = lamps(&mut mesh, (half, 0.75), (-half, 0.85), WIDE - 0.2);
    Body {
        class: Class::Truck,
        what,
        mesh,
        length: 2.0 * half,
        lamps,
        gait: None,
    }
}

/// The cab ends at `half`; gives where it begins.
fn cab(mesh: &mut Mesh, half: f32, high: f32, colour: Colour, random: &mut Random) -> f32 {
    let long = random.between(1.7, 2.2);
    let (rear, lean) = (half - long, random.between(0.1, 0.35));
    let hull = [
        (rear, 0.55),
        (rear, high),
        (half - lean - 0.15, high),
        (half, 1.5),
        (half, 0.4),
        (rear + 0.4, 0.4),
    ];
    mesh.prism(&hull, 0.0, WIDE, colour);
    let glass = lit(GLASS, random.between(0.7, 1.3));
    let top = high.min(2.7) - 0.15;
    let share = (top - 1.5) / (high - 1.5);
    let lean = (lean + 0.15) * share;
    mesh.across((half, 1.55), (half - lean, top), WIDE - 0.1, true, glass);
    let pane = [
        (half - 1.15, 1.5),
        (half - 1.15, top - 0.05),
        (half - lean - 0.25, top - 0.05),
        (half - 0.2, 1.5),
    ];
    mesh.sides(&pane, WIDE, glass);
    mesh.across((half, 0.45), (half, 0.95), WIDE - 0.05, true, DARK);
    mesh.side_block((half - 1.3, half - 0.4), (0.42, 0.6), WIDE, DARK);
    // Mirrors stand out: little, and much of what a truck looks like from ahead.
    mesh.prism(
        &[
            (half - 0.2, 1.6),
            (half - 0.2, 2.2),
            (half - 0.05, 2.2),
            (half - 0.05, 1.6),
        ],
        WIDE + 0.16,
        0.07,
        DARK,
    );
    mesh.prism(
        &[
            (half - 0.2, 1.6),
            (half - 0.2, 2.2),
            (half - 0.05, 2.2),
            (half - 0.05, 1.6),
        ],
        -WIDE - 0.16,
        0.07,
        DARK,
    );
    mesh.axle(half - 0.85, WHEEL, WIDE + 0.02);
    rear
}

fn chassis(mesh: &mut Mesh, from: f32, to: f32) {
    mesh.block((from, to), (0.62, DECK - 0.05), 0.5, DARK);
}

fn livery(mesh: &mut Mesh, u: (f32, f32), z: (f32, f32), random: &mut Random) {
    let second = any_paint(random).colour;
    let long = u.1 - u.0;
    match random.below(4) {
        0 => mesh.side_block(
            (u.0 + 0.1, u.1 - 0.1),
            (z.0 + 0.3, z.0 + random.between(0.5, 1.0)),
            WIDE,
            second,
        ),
        1 => mesh.side_block(
            (u.0 + long * 0.25, u.0 + long * 0.75),
            (z.0 + 0.8, z.1 - 0.6),
            WIDE,
            second,
        ),
        2 => {
            let outline = [
                (u.0 + 0.1, z.0 + 0.1),
                (u.0 + 0.1, z.1 - 0.2),
                (u.0 + long * 0.5, z.0 + 0.1),
            ];
            mesh.sides(&outline, WIDE, second);
        }
        _ => {}
    }
    // The frame of the doors.
    mesh.across((u.0, z.0 + 0.1), (u.0, z.1 - 0.1), 0.04, false, DARK);
}

fn box_truck(random: &mut Random) -> Body {
    let half = random.between(3.3, 4.7);
    let Paint { name, colour } = any_paint(random);
    let mut mesh = Mesh::default();
    let high = random.between(3.1, 3.75);
    let rear = cab(
        &mut mesh,
        half,
        random.between(2.45, 3.0).min(high - 0.2),
        colour,
        random,
    );
    let cargo = if random.chance(0.5) {
        [216.0, 216.0, 212.0]
    } else {
        any_paint(random).colour
    };
    let load = (-half, rear - random.between(0.12, 0.4));
    mesh.block(load, (DECK, high), WIDE + 0.02, cargo);
    mesh.side_block(load, (DECK, DECK + 0.12), WIDE + 0.02, lit(cargo, 0.6));
    livery(&mut mesh, load, (DECK, high), random);
    chassis(&mut mesh, -half + 0.3, half - 1.0);
    mesh.axle(-half + 1.5, WHEEL, WIDE);
    if half > 4.1 {
        mesh.axle(-half + 2.6, WHEEL, WIDE);
    }
    finish(mesh, half, format!("{name} box truck"))
}

fn tipper(random: &mut Random) -> Body {
    let half = random.between(3.2, 4.2);
    let Paint { name, colour } = any_paint(random);
    let mut mesh = Mesh::default();
    let rear = cab(&mut mesh, half, random.between(2.6, 3.0), colour, random);
    let skip = if random.chance(0.5) {
        colour
    } else {
        any_paint(random).colour
    };
    let (from, to, high) = (-half, rear - 0.2, random.between(2.0, 2.6));
    mesh.prism(
        &[(from + 0.6, DECK), (from, high), (to, high), (to - 0.15, DECK)],
        0.0,
        WIDE,
        skip,
    );
    let ribs = 5;
    for rib in 1..ribs {
        let u = from + (to - from) * rib as f32 / ribs as f32;
        mesh.side_block((u - 0.05, u + 0.05), (DECK + 0.05, high), WIDE, lit(skip, 0.72));
    }
    // The shield over the cab, and the heap.
    mesh.block((to - 0.1, to + 0.35), (high - 0.05, high + 0.1), WIDE, skip);
    if random.chance(0.7) {
        let heap = random.pick([[142.0, 124.0, 92.0], [96.0, 90.0, 84.0], [118.0, 98.0, 76.0]]);
        let middle = f32::midpoint(from, to);
        let outline = [
            (from + 0.5, high),
            (middle, high + random.between(0.25, 0.5)),
            (to - 0.5, high),
        ];
        mesh.prism(&outline, 0.0, WIDE - 0.25, heap);
    }
    chassis(&mut mesh, -half + 0.4, half - 1.0);
    mesh.axle(-half + 1.0, WHEEL, WIDE);
    mesh.axle(-half + 2.1, WHEEL, WIDE);
    finish(mesh, half, format!("{name} tipper"))
}

fn tanker(random: &mut Random) -> Body {
    let half = random.between(4.0, 5.0);
    let Paint { name, colour } = any_paint(random);
    let mut mesh = Mesh::default();
    let rear = cab(&mut mesh, half, random.between(2.6, 3.1), colour, random);
    let tank = random.pick([[198.0, 202.0, 204.0], [226.0, 226.0, 220.0], colour]);
    let (from, to) = (-half, rear - 0.25);
    mesh.tank((from, to), DECK + 1.1, 1.1, tank);
    for share in [0.25, 0.5, 0.75] {
        let u = from + (to - from) * share;
        mesh.tank((u - 0.05, u + 0.05), DECK + 1.1, 1.14, lit(tank, 0.75));
    }
    chassis(&mut mesh, -half + 0.2, half - 1.0);
    mesh.block((from + 0.1, to), (DECK - 0.05, DECK + 0.12), WIDE - 0.05, DARK);
    mesh.axle(-half + 1.2, WHEEL, WIDE);
    mesh.axle(-half + 2.3, WHEEL, WIDE);
    finish(mesh, half, format!("{name} tanker"))
}

fn flatbed(random: &mut Random) -> Body {
    let half = random.between(3.6, 4.8);
    let Paint { name, colour } = any_paint(random);
    let mut mesh = Mesh::default();
    let rear = cab(&mut mesh, half, random.between(2.5, 2.9), colour, random);
    let (from, to) = (-half, rear - 0.2);
    mesh.block((from, to), (DECK - 0.05, DECK + 0.15), WIDE, [108.0, 96.0, 80.0]);
    mesh.block((to - 0.1, to), (DECK, 2.3), WIDE - 0.05, DARK);
    let mut u = from + 0.3;
    while u < to - 1.6 {
        let long = random.between(1.1, 2.2);
        let load = any_paint(random).colour;
        let high = DECK + 0.15 + random.between(0.5, 1.5);
        mesh.block(
            (u, (u + long).min(to - 0.4)),
            (DECK + 0.15, high),
            WIDE - 0.15,
            load,
        );
        u += long + random.between(0.1, 0.6);
    }
    chassis(&mut mesh, -half + 0.3, half - 1.0);
    mesh.axle(-half + 1.2, WHEEL, WIDE);
    if random.chance(0.5) {
        mesh.axle(-half + 2.3, WHEEL, WIDE);
    }
    finish(mesh, half, format!("{name} flatbed truck"))
}

fn articulated(random: &mut Random) -> Body {
    let half = random.between(7.0, 8.3);
    let Paint { name, colour } = any_paint(random);
    let mut mesh = Mesh::default();
    let rear = cab(&mut mesh, half, random.between(3.3, 3.75), colour, random);
    let cargo = if random.chance(0.4) {
        [214.0, 214.0, 210.0]
    } else {
        any_paint(random).colour
    };
    let load = (-half, rear - random.between(0.45, 0.8));
    let high = random.between(3.7, 4.0);
    if random.chance(0.2) {
        mesh.tank(load, DECK + 1.2, 1.2, cargo);
    } else {
        mesh.block(load, (DECK + 0.1, high), WIDE + 0.02, cargo);
        livery(&mut mesh, load, (DECK + 0.1, high), random);
    }
    mesh.side_block((load.0, load.1), (DECK + 0.06, DECK + 0.16), WIDE + 0.02, DARK);
    chassis(&mut mesh, -half + 0.3, half - 1.0);
    mesh.axle(rear - 0.9, WHEEL, WIDE);
    for u in [1.4, 2.6, 3.8] {
        mesh.axle(-half + u, WHEEL, WIDE);
    }
    // The guard between the axles.
    mesh.side_block(
        (-half + 4.8, rear - 2.0),
        (0.55, 0.85),
        WIDE - 0.1,
        lit(DARK, 1.6),
    );
    finish(mesh, half, format!("{name} articulated truck"))
}
