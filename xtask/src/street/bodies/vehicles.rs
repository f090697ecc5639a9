//! Cars, vans and buses.

use super::{Body, Class, DARK, GLASS, any_paint, lamps};
use crate::clip::random::Random;
use crate::street::mesh::Mesh;
use crate::street::picture::{Colour, lit};

/// A car: what its roof looks like from the side decides which kind.
struct Cabin {
    kind: &'static str,
    /// Where the roof's slopes begin and end, behind and ahead, from the ends of the car.
    rear: (f32, f32),
    front: (f32, f32),
    high: f32,
}

const CABINS: [Cabin; 4] = [
    Cabin {
        kind: "saloon",
        rear: (0.55, 1.15),
        front: (2.05, 1.25),
        high: 1.44,
    },
    Cabin {
        kind: "hatchback",
        rear: (0.06, 0.5),
        front: (1.75, 1.0),
        high: 1.5,
    },
    Cabin {
        kind: "estate car",
        rear: (0.05, 0.3),
        front: (2.0, 1.2),
        high: 1.48,
    },
    Cabin {
        kind: "off-roader",
        rear: (0.04, 0.2),
        front: (1.85, 1.2),
        high: 1.76,
    },
];

pub(super) fn car(random: &mut Random) -> Body {
    let paint = any_paint(random);
    let cabin = CABINS.get(random.below(CABINS.len())).unwrap_or(&CABINS[0]);
    let short = if cabin.kind == "hatchback" { 0.55 } else { 0.0 };
    let (half, wide) = (random.between(2.1, 2.4) - short / 2.0, random.between(0.86, 0.95));
    let lift = if cabin.high > 1.6 { 0.14 } else { 0.0 };
    let belt = 0.88 + lift;
    let mut mesh = Mesh::default();
    let hull = [
        (-half, 0.28 + lift),
        (-half, belt),
        (half - 1.2, belt + 0.03),
        (half, belt - 0.18),
        (half, 0.28 + lift),
    ];
    mesh.prism(&hull, 0.0, wide, paint.colour);
    let glass = lit(GLASS, random.between(0.7, 1.4));
    let profile = [
        (-half + cabin.rear.0, belt),
        (-half + cabin.rear.1, cabin.high),
        (half - cabin.front.0, cabin.high),
        (half - cabin.front.1, belt),
    ];
    mesh.prism(&profile, 0.0, wide - 0.1, glass);
    let roof = (-half + cabin.rear.1 - 0.05, half - cabin.front.0 + 0.05);
    mesh.block(
        roof,
        (cabin.high - 0.03, cabin.high + 0.05),
        wide - 0.11,
        paint.colour,
    );
    pillars(&mut mesh, &profile, wide - 0.1, paint.colour);
    let radius = 0.31 + lift * 0.35;
    for u in [-half * 0.6, half * 0.62] {
        mesh.axle(u, radius, wide + 0.02);
    }
    mesh.side_block((-half, half), (0.24 + lift, 0.33 + lift), wide, DARK);
    let lamps = lamps(&mut mesh, (half, belt - 0.24), (-half, belt - 0.16), wide - 0.2);
    Body {
        class: Class::Car,
        what: format!("{} {}", paint.name, cabin.kind),
        mesh,
        length: 2.0 * half,
        lamps,
        gait: None,
    }
}

/// Metal between the windows.
fn pillars(mesh: &mut Mesh, cabin: &[(f32, f32); 4], half: f32, colour: Colour) {
    let middle = f32::midpoint(cabin[0].0, cabin[3].0);
    mesh.side_block(
        (middle - 0.05, middle + 0.05),
        (cabin[0].1, cabin[1].1),
        half,
        colour,
    );
    for (low, high) in [(cabin[0], cabin[1]), (cabin[3], cabin[2])] {
        let thick = if low.0 < high.0 { 0.12 } else { -0.12 };
        let outline = [low, high, (high.0 + thick, high.1), (low.0 + thick, low.1)];
        mesh.sides(&outline, half, colour);
    }
}

pub(super) fn van(random: &mut Random) -> Body {
    let paint = any_paint(random);
    let (half, wide) = (random.between(2.3, 3.0), random.between(0.95, 1.02));
    let high = random.between(1.95, 2.55);
    let mut mesh = Mesh::default();
    let (nose, belt) = (half - random.between(0.55, 0.85), 1.18);
    let hull = [
        (-half, 0.34),
        (-half, high),
        (nose - 0.85, high),
        (nose, belt),
        (nose, 0.34),
    ];
    mesh.prism(&hull, 0.0, wide, paint.colour);
    let bonnet = [
        (nose - 0.1, 0.34),
        (nose - 0.1, belt),
        (half - 0.12, 0.96),
        (half, 0.8),
        (half, 0.34),
    ];
    mesh.prism(&bonnet, 0.0, wide - 0.02, paint.colour);
    let glass = lit(GLASS, random.between(0.7, 1.3));
    mesh.across(
        (nose - 0.04, belt + 0.06),
        (nose - 0.74, high - 0.18),
        wide - 0.12,
        true,
        glass,
    );
    let pane = [
        (nose - 1.5, belt + 0.04),
        (nose - 1.5, 1.78),
        (nose - 0.62, 1.78),
        (nose - 0.18, belt + 0.04),
    ];
    mesh.sides(&pane, wide, glass);
    let minibus = random.chance(0.25);
    if minibus {
        mesh.side_block((-half + 0.3, nose - 1.65), (belt + 0.04, 1.72), wide, glass);
    } else if random.chance(0.4) {
        let stripe = any_paint(random).colour;
        mesh.side_block((-half + 0.4, nose - 1.9), (0.9, 1.05), wide, stripe);
    }
    if random.chance(0.5) {
        mesh.across(
            (-half, belt + 0.1),
            (-half, high - 0.35),
            wide - 0.2,
            false,
            glass,
        );
    }
    for u in [-half * 0.6, half * 0.64] {
        mesh.axle(u, 0.35, wide + 0.02);
    }
    mesh.side_block((-half, half - 0.1), (0.3, 0.42), wide, DARK);
    let lamps = lamps(&mut mesh, (half, 0.72), (-half, 0.95), wide - 0.16);
    Body {
        class: Class::Van,
        what: format!("{} {}", paint.name, if minibus { "minibus" } else { "van" }),
        mesh,
        length: 2.0 * half,
        lamps,
        gait: None,
    }
}

pub(super) fn bus(random: &mut Random) -> Body {
    let paint = any_paint(random);
    let (half, wide, high) = (
        random.between(4.5, 6.1),
        random.between(1.22, 1.28),
        random.between(2.95, 3.25),
    );
    let mut mesh = Mesh::default();
    let hull = [
        (-half, 0.3),
        (-half, high),
        (half - 0.25, high),
        (half, high - 0.5),
        (half, 0.3),
    ];
    mesh.prism(&hull, 0.0, wide, paint.colour);
    let lower = if random.chance(0.5) {
        let second = any_paint(random).colour;
        mesh.side_block((-half, half), (0.34, 0.95), wide, second);
        second
    } else {
        paint.colour
    };
    let glass = lit(GLASS, random.between(0.7, 1.5));
    mesh.across((half, 1.0), (half, high - 0.55), wide - 0.08, true, glass);
    mesh.across((-half, 1.6), (-half, high - 0.3), wide - 0.25, false, glass);
    let windows = (random.between(1.15, 1.35), high - 0.42);
    let panes = (2.0 * half / random.between(1.25, 1.7)) as usize;
    for pane in 0..panes {
        let width = (2.0 * half - 0.3) / panes as f32;
        let from = -half + 0.15 + pane as f32 * width;
        mesh.side_block((from + 0.05, from + width - 0.05), windows, wide, glass);
    }
    for u in [half - 1.1, random.between(-0.4, 0.8)] {
        mesh.side_block(
            (u - 0.55, u + 0.55),
            (0.42, windows.1),
            wide + 0.01,
            lit(glass, 1.25),
        );
        mesh.side_block((u - 0.03, u + 0.03), (0.42, windows.1), wide + 0.02, lower);
    }
    for u in [-half * 0.55, half * 0.5] {
        mesh.axle(u, 0.47, wide + 0.02);
    }
    let lamps = lamps(&mut mesh, (half, 0.68), (-half, 0.85), wide - 0.2);
    Body {
        class: Class::Bus,
        what: format!("{} bus", paint.name),
        mesh,
        length: 2.0 * half,
        lamps,
        gait: None,
    }
}
