//! What stands still: a yard with a street, a house, trees, bins and a parked van.

use super::canvas::{Area, Canvas, HEIGHT, Paint, WIDTH};
use super::random::texture;

/// Depth of an actor who walks along the house.
pub(crate) const FAR: u8 = 20;
/// Depth of an actor in the middle of the yard.
pub(crate) const MIDDLE: u8 = 60;
/// Depth of a vehicle on the street.
pub(crate) const STREET: u8 = 100;
/// Depth of an actor on the pavement before the street.
pub(crate) const NEAR: u8 = 140;

const SEED: u64 = 0x5EED_0FA7;

/// The yard with nobody in it.
pub(crate) fn yard() -> Canvas {
    yard_in_wind(0.0)
}

/// The same with trees that the wind has moved by so many pixels.
pub(crate) fn yard_in_wind(sway: f32) -> Canvas {
    let mut canvas = Canvas::new(Paint::rgb(150.0, 165.0, 180.0));
    sky(&mut canvas);
    ground(&mut canvas);
    street(&mut canvas);
    house(&mut canvas);
    for (x, y, size) in [(22.0, 40.0, 120.0), (560.0, 52.0, 100.0)] {
        tree(&mut canvas, x + sway, y, size);
    }
    shed(&mut canvas);
    van(&mut canvas);
    bins(&mut canvas);
    canvas
}

fn grainy(paint: Paint, seed: u64, (x, y): (usize, usize), strength: f32) -> Paint {
    let fine = texture(SEED ^ seed, x as f32, y as f32, 2.5);
    let coarse = texture(SEED ^ seed ^ 0xFF, x as f32, y as f32, 23.0);
    Paint {
        y: paint.y + (fine * 0.6 + coarse * 0.4 - 0.5) * strength,
        ..paint
    }
}

fn sky(canvas: &mut Canvas) {
    let area = Area::new(0.0, 0.0, WIDTH as f32, 110.0);
    canvas.draw(area, 0, |_, down, place| {
        let paint = Paint::rgb(165.0, 182.0, 200.0).lit(0.85 + 0.2 * down);
        Some(grainy(paint, 1, place, 6.0))
    });
}

fn ground(canvas: &mut Canvas) {
    let gravel = Paint::rgb(128.0, 122.0, 112.0);
    let area = Area::new(0.0, 110.0, WIDTH as f32, HEIGHT as f32 - 110.0);
    canvas.draw(area, 0, |_, down, place| {
        Some(grainy(gravel.lit(0.85 + 0.25 * down), 2, place, 34.0))
    });
    let grass = Paint::rgb(86.0, 110.0, 62.0);
    canvas.draw(Area::new(0.0, 108.0, WIDTH as f32, 26.0), 0, |_, _, place| {
        Some(grainy(grass, 3, place, 30.0))
    });
}

fn street(canvas: &mut Canvas) {
    let asphalt = Paint::rgb(84.0, 85.0, 88.0);
    canvas.draw(Area::new(0.0, 236.0, WIDTH as f32, 66.0), 0, |_, _, place| {
        Some(grainy(asphalt, 4, place, 20.0))
    });
    for edge in [233.0, 302.0] {
        canvas.rect(
            Area::new(0.0, edge, WIDTH as f32, 3.0),
            0,
            Paint::rgb(176.0, 174.0, 168.0),
        );
    }
    for dash in 0..8 {
        let area = Area::new(18.0 + dash as f32 * 84.0, 267.0, 40.0, 3.0);
        canvas.rect(area, 0, Paint::rgb(190.0, 188.0, 178.0));
    }
}

fn house(canvas: &mut Canvas) {
    let depth = FAR + 10;
    let brick = Paint::rgb(150.0, 98.0, 78.0);
    canvas.draw(Area::new(150.0, 48.0, 210.0, 108.0), depth, |_, _, place| {
        let mortar = place.1 % 6 == 0 || (place.0 + (place.1 / 6 % 2) * 7) % 14 == 0;
        Some(grainy(brick.lit(if mortar { 1.18 } else { 1.0 }), 5, place, 14.0))
    });
    let tiles = Paint::rgb(96.0, 66.0, 60.0);
    canvas.draw(
        Area::new(138.0, 14.0, 234.0, 36.0),
        depth,
        |across, down, place| {
            let inside = across > 0.16 * (1.0 - down) && across < 1.0 - 0.16 * (1.0 - down);
            inside.then(|| {
                grainy(
                    tiles.lit(if place.1 % 5 == 0 { 0.8 } else { 1.0 }),
                    6,
                    place,
                    12.0,
                )
            })
        },
    );
    for x in [168.0, 216.0, 312.0] {
        canvas.rect(
            Area::new(x - 2.0, 72.0, 32.0, 40.0),
            depth,
            Paint::rgb(220.0, 218.0, 210.0),
        );
        canvas.rect(
            Area::new(x, 74.0, 28.0, 36.0),
            depth,
            Paint::rgb(52.0, 62.0, 74.0),
        );
        canvas.rect(
            Area::new(x + 13.0, 74.0, 2.0, 36.0),
            depth,
            Paint::rgb(220.0, 218.0, 210.0),
        );
    }
    canvas.rect(
        Area::new(264.0, 84.0, 30.0, 72.0),
        depth,
        Paint::rgb(70.0, 84.0, 66.0),
    );
    canvas.rect(
        Area::new(287.0, 120.0, 3.0, 5.0),
        depth,
        Paint::rgb(210.0, 190.0, 110.0),
    );
}

fn tree(canvas: &mut Canvas, x: f32, y: f32, size: f32) {
    let depth = FAR + 5;
    let trunk = Area::new(x + size * 0.34, y + size * 0.6, size * 0.1, size * 0.55);
    canvas.rect(trunk, depth, Paint::rgb(78.0, 62.0, 48.0));
    let leaves = Paint::rgb(58.0, 88.0, 46.0);
    canvas.draw(
        Area::new(x, y, size * 0.8, size * 0.75),
        depth,
        |across, down, place| {
            let (dx, dy) = (across * 2.0 - 1.0, down * 2.0 - 1.0);
            let ragged = 0.72 + 0.4 * texture(SEED ^ 7, place.0 as f32, place.1 as f32, 9.0);
            (dx * dx + dy * dy <= ragged).then(|| grainy(leaves.lit(1.15 - 0.4 * down), 8, place, 44.0))
        },
    );
}

fn shed(canvas: &mut Canvas) {
    let depth = FAR + 10;
    let planks = Paint::rgb(122.0, 96.0, 70.0);
    canvas.draw(Area::new(444.0, 94.0, 78.0, 62.0), depth, |_, _, place| {
        Some(grainy(
            planks.lit(if place.0 % 8 == 0 { 0.75 } else { 1.0 }),
            11,
            place,
            12.0,
        ))
    });
    canvas.rect(
        Area::new(438.0, 86.0, 90.0, 9.0),
        depth,
        Paint::rgb(70.0, 72.0, 76.0),
    );
}

fn van(canvas: &mut Canvas) {
    let depth = MIDDLE + 10;
    let white = Paint::rgb(206.0, 208.0, 210.0);
    canvas.ellipse(
        Area::new(424.0, 206.0, 152.0, 14.0),
        0,
        Paint::rgb(74.0, 72.0, 68.0),
    );
    canvas.draw(
        Area::new(430.0, 138.0, 140.0, 66.0),
        depth,
        |across, down, place| {
            let windscreen = across > 0.86 && down < (across - 0.86) * 3.4;
            (!windscreen).then(|| grainy(white.lit(1.05 - 0.2 * down), 9, place, 5.0))
        },
    );
    canvas.rect(
        Area::new(526.0, 148.0, 26.0, 22.0),
        depth,
        Paint::rgb(48.0, 56.0, 66.0),
    );
    canvas.rect(
        Area::new(430.0, 180.0, 140.0, 2.0),
        depth,
        Paint::rgb(150.0, 152.0, 156.0),
    );
    for x in [446.0, 530.0] {
        canvas.ellipse(
            Area::new(x, 190.0, 26.0, 26.0),
            depth,
            Paint::rgb(34.0, 34.0, 36.0),
        );
        canvas.ellipse(
            Area::new(x + 8.0, 198.0, 10.0, 10.0),
            depth,
            Paint::rgb(150.0, 150.0, 152.0),
        );
    }
}

fn bins(canvas: &mut Canvas) {
    let colours = [(48.0, 82.0, 60.0), (52.0, 66.0, 104.0), (86.0, 74.0, 52.0)];
    for (index, (r, g, b)) in colours.into_iter().enumerate() {
        let x = 96.0 + index as f32 * 19.0;
        canvas.draw(Area::new(x, 134.0, 16.0, 30.0), FAR + 12, |across, _, place| {
            Some(grainy(
                Paint::rgb(r, g, b).lit(0.9 + 0.2 * across),
                10,
                place,
                6.0,
            ))
        });
        canvas.rect(
            Area::new(x - 1.0, 131.0, 18.0, 4.0),
            FAR + 12,
            Paint::rgb(40.0, 42.0, 44.0),
        );
    }
}
