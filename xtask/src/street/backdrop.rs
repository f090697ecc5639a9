//! What stands still: the road, the houses, trees and lamps.

use super::mesh::{Mesh, circle, place};
use super::picture::{Colour, NOBODY, Picture, lit, mix, tint};
use super::space::{Point, point};
use super::view::{Look, View, Zone};
use super::weather::Light;
use crate::clip::canvas::WIDTH;
use crate::clip::random::{Random, texture};

/// How far to both sides there are houses, in metres.
const STREET_M: f32 = 140.0;
/// Beyond the houses.
const FAR_M: f32 = 220.0;
const UP: Point = point(0.0, 0.0, 1.0);
const TO_US: Point = point(0.0, -1.0, 0.0);

/// One house, or what else the street is lined with.
#[derive(Clone, Copy, Debug)]
struct House {
    to: f32,
    high: f32,
    wall: Colour,
    /// Of a window and its frame, width and height; none: a hedge or a wall.
    window: Option<(f32, f32)>,
    lights: u64,
}

/// The colours and patterns of one street.
struct Painter<'a> {
    view: &'a View,
    light: &'a Light,
    look: Look,
    seed: u64,
    houses: Vec<House>,
    road: Colour,
    pavement: Colour,
    verge: Colour,
    lamps: Vec<Point>,
}

/// Draws the street without anybody in it.
pub(super) fn backdrop(view: &View, light: &Light, look: Look, random: &mut Random) -> Picture {
    let painter = Painter::new(view, light, look, random);
    let mut picture = Picture::new([0.0; 3]);
    for (place, pixel) in picture.pixels.iter_mut().enumerate() {
        let ray = view.camera.ray(place % WIDTH, place / WIDTH);
        let (colour, depth, ground) = painter.look_along(ray);
        pixel.colour = colour;
        pixel.near = depth.map_or(0.0, |depth| 1.0 / depth);
        pixel.ground = ground;
    }
    painter.furniture(&mut picture, random);
    picture
}

impl<'a> Painter<'a> {
    fn new(view: &'a View, light: &'a Light, look: Look, random: &mut Random) -> Self {
        let shift = |colour: Colour, random: &mut Random| lit(colour, random.between(0.8, 1.2));
        let verges: [Colour; 3] = match look {
            Look::Training => [[92.0, 112.0, 62.0], [134.0, 126.0, 104.0], [78.0, 96.0, 58.0]],
            Look::HeldOut => [[112.0, 118.0, 70.0], [120.0, 116.0, 110.0], [98.0, 104.0, 50.0]],
        };
        let spacing = random.between(16.0, 30.0);
        let first = random.between(-spacing, 0.0);
        let lamps = (0..8).map(|at| {
            point(
                first + spacing * (at as f32 - 3.5),
                view.far_kerb + 0.6,
                random.between(5.6, 5.7),
            )
        });
        let lamps = lamps.collect();
        Self {
            view,
            light,
            look,
            seed: random.below(1 << 30) as u64,
            houses: houses(look, random),
            road: shift(
                random.pick([[88.0, 88.0, 90.0], [104.0, 102.0, 100.0], [72.0, 74.0, 78.0]]),
                random,
            ),
            pavement: shift(
                random.pick([
                    [150.0, 146.0, 138.0],
                    [132.0, 132.0, 134.0],
                    [158.0, 136.0, 122.0],
                ]),
                random,
            ),
            verge: shift(random.pick(verges), random),
            lamps,
        }
    }

    /// The colour in a direction, how far ahead it is (none: sky), and whether shadows fall on it.
    fn look_along(&self, ray: Point) -> (Colour, Option<f32>, bool) {
        let eye = self.view.camera.at;
        let wall = if ray.y > 0.01 {
            self.view.facade / ray.y
        } else {
            f32::MAX
        };
        let floor = if ray.z < -1e-4 { eye.z / -ray.z } else { f32::MAX };
        if floor < wall {
            let at = eye + ray * floor;
            return (self.ground(at.x, at.y, floor), Some(floor), true);
        }
        let at = eye + ray * wall.min(FAR_M);
        if let Some(colour) = self.house(at.x, at.z) {
            return (tint(colour, self.light.on(TO_US)), Some(wall), false);
        }
        (self.sky(ray), None, false)
    }

    fn ground(&self, x: f32, y: f32, depth: f32) -> Colour {
        let grain = texture(self.seed, x, y, 0.35) * 0.6 + texture(self.seed + 1, x, y, 2.2) * 0.4;
        // Far away the grain would only flicker.
        let grain = (grain - 0.5) / (1.0 + depth * 0.06);
        let colour = match self.view.zone(y) {
            Zone::Verge => lit(self.verge, 1.0 + 0.5 * grain),
            Zone::Pavement => lit(self.pavement, (1.0 + 0.18 * grain) * self.slabs(x, y)),
            Zone::Road => self.marked(x, y, lit(self.road, 1.0 + 0.22 * grain)),
        };
        let mut shade = self.light.on(UP);
        if self.light.lamps_on {
            let near = |lamp: &Point| 1.0 / (1.0 + ((lamp.x - x).powi(2) + (lamp.y - y).powi(2)) * 0.03);
            let glow: f32 = self.lamps.iter().map(near).sum::<f32>() * 0.45;
            shade = mix(
                shade,
                [shade[0] + glow, shade[1] + glow * 0.86, shade[2] + glow * 0.6],
                1.0,
            );
        }
        tint(colour, shade)
    }

    fn slabs(&self, x: f32, y: f32) -> f32 {
        let size = match self.look {
            Look::Training => 1.2,
            Look::HeldOut => 0.8,
        };
        let gap = |at: f32| (at / size).rem_euclid(1.0) < 0.05;
        if gap(x) || gap(y) { 0.86 } else { 1.0 }
    }

    /// The road with its lines.
    fn marked(&self, x: f32, y: f32, road: Colour) -> Colour {
        const LINE: Colour = [206.0, 206.0, 200.0];
        let lanes = &self.view.lanes;
        for pair in lanes.windows(2) {
            let [one, other] = pair else { continue };
            let off = (y - f32::midpoint(one.y, other.y)).abs();
            let parts = one.facing == other.facing && (x / 6.0).rem_euclid(1.0) > 0.5;
            if off < 0.07 && !parts {
                return LINE;
            }
        }
        let edge = (y - self.view.near_kerb)
            .abs()
            .min((y - self.view.far_kerb).abs());
        if edge < 0.12 {
            return lit(self.pavement, 0.8);
        }
        let track = (y - self.view.near_kerb).rem_euclid(View::lane_width()) / View::lane_width();
        lit(road, 1.0 - 0.06 * (track * std::f32::consts::TAU * 2.0).cos())
    }

    fn house(&self, x: f32, z: f32) -> Option<Colour> {
        let house = self.houses.iter().find(|house| x < house.to)?;
        let Some((wide, high)) = house.window else {
            let top = house.high * (0.8 + 0.4 * texture(self.seed + 2, x, 0.0, 1.3));
            let leaf = texture(self.seed + 3, x, z, 0.3);
            return (z < top).then(|| lit(house.wall, 0.7 + 0.6 * leaf));
        };
        if z >= house.high {
            return None;
        }
        let (column, storey) = ((house.to - x) / (wide * 2.2), (z - 0.4) / 3.1);
        let (across, up) = (column.rem_euclid(1.0), storey.rem_euclid(1.0));
        let framed = across > 0.25 && across < 0.72 && up > 0.3 && up < 0.3 + high / 3.1;
        if framed && z > 0.8 && house.high - z > 0.6 {
            let one = Random::at(house.lights, column.floor() as i64, storey.floor() as i64);
            let warm = self.light.lamps_on && one < 0.3;
            return Some(if warm {
                lit([255.0, 206.0, 130.0], 1.6)
            } else {
                lit([70.0, 82.0, 96.0], 0.6 + one * 0.8)
            });
        }
        let pattern = match self.look {
            Look::Training => (z / 0.25).rem_euclid(1.0) < 0.12,
            Look::HeldOut => (x / 0.6).rem_euclid(1.0) < 0.1,
        };
        let grain = texture(self.seed + 4, x, z, 0.9) * 0.16 + 0.92;
        Some(lit(house.wall, if pattern { grain * 0.9 } else { grain }))
    }

    fn sky(&self, ray: Point) -> Colour {
        let high = (ray.z / ray.dot(ray).sqrt() * 2.2).clamp(0.0, 1.0);
        let blue = mix(self.light.horizon, self.light.zenith, high);
        let cloud = texture(self.seed + 5, ray.x * 9.0, ray.z * 26.0, 1.6);
        mix(blue, self.light.horizon, (cloud - 0.45).clamp(0.0, 0.5))
    }

    /// Lamp posts and trees.
    fn furniture(&self, picture: &mut Picture, random: &mut Random) {
        let post: Colour = [92.0, 94.0, 96.0];
        for lamp in &self.lamps {
            let mut mesh = Mesh::default();
            mesh.block((-0.07, 0.07), (0.0, lamp.z), 0.07, post);
            mesh.prism(
                &[
                    (-0.2, lamp.z),
                    (-0.2, lamp.z + 0.12),
                    (0.2, lamp.z + 0.12),
                    (0.2, lamp.z),
                ],
                -0.5,
                0.6,
                post,
            );
            self.put(picture, &mesh, lamp.x, lamp.y);
            if self.light.lamps_on {
                let bulb = point(lamp.x, lamp.y - 0.9, lamp.z - 0.05);
                super::weather::glow(picture, &self.view.camera, bulb, [255.0, 226.0, 170.0], 0.9);
            }
        }
        for _ in 0..random.below(7) {
            let x = random.between(-50.0, 50.0);
            let y = self.view.far_kerb + random.between(2.8, 4.5);
            self.tree(picture, x, y, random);
        }
        if random.chance(0.35) {
            // A pole on our side, before the traffic.
            let (left, right) = self.view.reach(self.view.near_kerb - 1.8);
            let mut mesh = Mesh::default();
            mesh.block(
                (-0.06, 0.06),
                (0.0, 7.0),
                0.06,
                lit(post, random.between(0.6, 1.3)),
            );
            self.put(
                picture,
                &mesh,
                random.between(left, right),
                self.view.near_kerb - 1.8,
            );
        }
    }

    fn tree(&self, picture: &mut Picture, x: f32, y: f32, random: &mut Random) {
        let (trunk, size) = (random.between(1.8, 3.0), random.between(1.0, 2.2));
        let mut mesh = Mesh::default();
        mesh.block((-0.13, 0.13), (0.0, trunk + size * 0.5), 0.13, [86.0, 70.0, 54.0]);
        self.put(picture, &mesh, x, y);
        let green: Colour = match self.look {
            Look::Training => [66.0, 98.0, 48.0],
            Look::HeldOut => [104.0, 104.0, 44.0],
        };
        for _ in 0..46 {
            let off = [random.normal(), random.normal(), random.normal()].map(|by| by * size * 0.45);
            let at = point(x + off[0], y + off[1], trunk + size + off[2]);
            let leaf = circle(at.x, at.z, random.between(0.25, 0.55));
            let corners: Vec<Point> = leaf.iter().map(|(x, z)| point(*x, at.y, *z)).collect();
            let shade = self.light.on((off_unit(off) + UP * 0.4).unit());
            let colour = tint(lit(green, random.between(0.6, 1.3)), shade);
            picture.fill(&self.view.camera, &corners, colour, NOBODY);
        }
    }

    fn put(&self, picture: &mut Picture, mesh: &Mesh, x: f32, y: f32) {
        for face in &mesh.faces {
            let corners: Vec<Point> = face
                .corners
                .iter()
                .map(|corner| place(*corner, x, y, 1.0))
                .collect();
            let colour = tint(face.colour, self.light.on(point(0.4, -0.8, 0.4)));
            picture.fill(&self.view.camera, &corners, colour, NOBODY);
        }
    }
}

fn off_unit(off: [f32; 3]) -> Point {
    point(off[0], off[1], off[2]).unit()
}

fn houses(look: Look, random: &mut Random) -> Vec<House> {
    let open = random.chance(0.3);
    let mut houses = Vec::new();
    let mut to = -STREET_M;
    while to < STREET_M {
        to += random.between(7.0, 18.0);
        let green = open || random.chance(0.2);
        let walls: [Colour; 5] = match look {
            Look::Training => [
                [168.0, 104.0, 84.0],
                [206.0, 196.0, 172.0],
                [178.0, 178.0, 174.0],
                [214.0, 186.0, 128.0],
                [140.0, 150.0, 160.0],
            ],
            Look::HeldOut => [
                [150.0, 128.0, 104.0],
                [190.0, 160.0, 150.0],
                [160.0, 172.0, 156.0],
                [222.0, 214.0, 204.0],
                [120.0, 112.0, 108.0],
            ],
        };
        houses.push(House {
            to,
            high: if green {
                random.between(0.8, 3.2)
            } else {
                random.between(4.5, 13.0)
            },
            wall: if green {
                lit([74.0, 96.0, 52.0], random.between(0.7, 1.2))
            } else {
                random.pick(walls)
            },
            window: (!green).then(|| (random.between(1.0, 1.8), random.between(1.0, 1.6))),
            lights: random.below(1 << 30) as u64,
        });
    }
    houses
}
