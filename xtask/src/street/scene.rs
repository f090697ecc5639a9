//! A street with everything in it, drawn at any second.

use super::backdrop::backdrop;
use super::bodies::{Class, gait};
use super::mesh::{Mesh, place};
use super::picture::{Extent, Picture, lit, tint};
use super::space::{Point, point};
use super::traffic::Passage;
use super::view::{Look, View};
use super::weather::{Light, Weather, glow};
use crate::clip::random::Random;

/// Somebody counts as seen from this many pixels on: a mirror at the picture's edge is no truck yet.
pub(super) const SEEN_PIXELS: usize = 60;
/// Shadows of low suns are not drawn longer than this, in heights.
const LONGEST_SHADOW: f32 = 3.0;

/// A street.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) view: View,
    light: Light,
    backdrop: Picture,
    pub(super) passages: Vec<Passage>,
}

/// The visible part of one who is in a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sight {
    /// Its place among the passages.
    pub(crate) passage: usize,
    pub(crate) class: Class,
    /// Left, top, right and bottom in pixels.
    pub(crate) corners: [f32; 4],
    /// How many pixels of it are seen.
    pub(crate) pixels: usize,
}

impl Scene {
    /// An empty street.
    pub(super) fn new(look: Look, weather: Weather, random: &mut Random) -> Self {
        let view = View::new(random, look);
        let light = Light::new(weather, random);
        let backdrop = backdrop(&view, &light, look, random);
        Self {
            view,
            light,
            backdrop,
            passages: Vec::new(),
        }
    }

    /// Draws the frame of a second into `out`, three bytes for each pixel, and says who is seen in it.
    pub(super) fn draw(&self, second: f32, noise: &mut Random, out: &mut Vec<u8>) -> Vec<Sight> {
        let mut picture = self.backdrop.clone();
        let present: Vec<usize> = (0..self.passages.len())
            .filter(|at| {
                self.passages
                    .get(*at)
                    .is_some_and(|one| self.present(one, second))
            })
            .collect();
        let shapes: Vec<(usize, Shape<'_>)> = present
            .iter()
            .filter_map(|at| Some((*at, Shape::new(self.passages.get(*at)?, second))))
            .collect();
        for (_, shape) in &shapes {
            self.shadow(&mut picture, shape);
        }
        for (number, (_, shape)) in (1..).zip(&shapes) {
            self.body(&mut picture, shape, number);
        }
        let extents = picture.extents(shapes.len());
        if self.light.lamps_on {
            for (_, shape) in &shapes {
                self.lamps(&mut picture, shape);
            }
        }
        self.light.develop(&picture, noise, out);
        let sights = extents.into_iter().zip(&shapes);
        sights
            .filter_map(|(extent, (at, shape))| sight(extent?, *at, shape.passage.body.class))
            .collect()
    }

    fn present(&self, passage: &Passage, second: f32) -> bool {
        let (from, to) = passage.span(&self.view);
        second >= from && second <= to
    }

    fn body(&self, picture: &mut Picture, shape: &Shape<'_>, number: u16) {
        for mesh in [Some(&shape.passage.body.mesh), shape.legs.as_ref()]
            .into_iter()
            .flatten()
        {
            for face in &mesh.faces {
                let corners = shape.put(&face.corners);
                let colour = if face.lamp && self.light.lamps_on {
                    lit(face.colour, 1.2)
                } else {
                    tint(face.colour, self.light.on(self.towards_us(&corners)))
                };
                picture.fill(&self.view.camera, &corners, colour, number);
            }
        }
    }

    /// The normal of a face, on the side that is seen.
    fn towards_us(&self, corners: &[Point]) -> Point {
        let [one, two, three, ..] = *corners else {
            return point(0.0, 0.0, 1.0);
        };
        let normal = (two - one).cross(three - one).unit();
        if normal.dot(self.view.camera.at - one) < 0.0 {
            normal * -1.0
        } else {
            normal
        }
    }

    fn shadow(&self, picture: &mut Picture, shape: &Shape<'_>) {
        let sun = self.light.to_sun;
        let lean = LONGEST_SHADOW.min(1.0 / sun.z.max(0.05));
        let fall = |corner: Point| {
            point(
                corner.x - sun.x * lean * corner.z,
                corner.y - sun.y * lean * corner.z,
                0.0,
            )
        };
        for mesh in [Some(&shape.passage.body.mesh), shape.legs.as_ref()]
            .into_iter()
            .flatten()
        {
            for face in &mesh.faces {
                let corners: Vec<Point> = shape.put(&face.corners).into_iter().map(fall).collect();
                picture.shade(&self.view.camera, &corners);
            }
        }
    }

    fn lamps(&self, picture: &mut Picture, shape: &Shape<'_>) {
        let passage = shape.passage;
        for (at, colour) in &passage.body.lamps {
            let at = place(*at, shape.x, passage.y, passage.facing);
            // A lamp is seen from before it.
            let towards = (self.view.camera.at - at).x * passage.facing;
            let ahead = if colour[2] > 100.0 { 1.0 } else { -1.0 };
            let strength = (0.45 + towards * ahead * 0.04).clamp(0.1, 0.95);
            glow(picture, &self.view.camera, at, *colour, strength);
        }
    }
}

fn sight(extent: Extent, passage: usize, class: Class) -> Option<Sight> {
    let (left, right) = extent.columns;
    let (top, bottom) = extent.rows;
    (extent.pixels >= SEEN_PIXELS).then_some(Sight {
        passage,
        class,
        corners: [left as f32, top as f32, right as f32 + 1.0, bottom as f32 + 1.0],
        pixels: extent.pixels,
    })
}

/// A passage at a second.
struct Shape<'a> {
    passage: &'a Passage,
    legs: Option<Mesh>,
    x: f32,
}

impl<'a> Shape<'a> {
    fn new(passage: &'a Passage, second: f32) -> Self {
        Self {
            passage,
            legs: passage.body.gait.as_ref().map(|one| gait(one, second)),
            x: passage.x(second),
        }
    }

    fn put(&self, corners: &[Point]) -> Vec<Point> {
        let put = |corner: &Point| place(*corner, self.x, self.passage.y, self.passage.facing);
        corners.iter().map(put).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::traffic::{CROWDED, fill, trucks};
    use super::*;
    use crate::clip::canvas::{HEIGHT, WIDTH};

    fn alone(seed: u64) -> (Scene, f32) {
        let mut random = Random::new(seed);
        let mut scene = Scene::new(Look::Training, Weather::Overcast, &mut random);
        let (own, _) = trucks(&scene.view, 1, (1.0, 2.0), &mut random);
        let middle = own.first().map_or(0.0, |one| {
            let (from, to) = one.span(&scene.view);
            f32::midpoint(from, to)
        });
        scene.passages = own;
        (scene, middle)
    }

    /// The outermost of where all its corners are in the picture, found without drawing it.
    fn hull(scene: &Scene, second: f32) -> [f32; 4] {
        let shape = Shape::new(&scene.passages[0], second);
        let faces = scene.passages[0].body.mesh.faces.iter();
        let corners = faces.flat_map(|face| shape.put(&face.corners));
        let mut hull = [f32::MAX, f32::MAX, f32::MIN, f32::MIN];
        for corner in corners {
            let (x, y) = scene.view.camera.project(scene.view.camera.view(corner));
            hull = [hull[0].min(x), hull[1].min(y), hull[2].max(x), hull[3].max(y)];
        }
        let (width, height) = (WIDTH as f32, HEIGHT as f32);
        let limits = [width, height, width, height];
        std::array::from_fn(|at| hull[at].clamp(0.0, limits[at]))
    }

    #[test]
    fn a_box_is_where_the_truck_is_projected_to() {
        for seed in 0..12 {
            let (scene, second) = alone(seed);
            let mut noise = Random::new(1);
            let sights = scene.draw(second, &mut noise, &mut Vec::new());
            assert_eq!(sights.len(), 1, "seed {seed}");
            assert_eq!(sights[0].class, Class::Truck);
            let hull = hull(&scene, second);
            // A pole may hide a pixel or two at an end, and an edge lies between pixels.
            let off = sights[0]
                .corners
                .iter()
                .zip(hull)
                .map(|(one, other)| (one - other).abs());
            assert!(
                off.fold(0.0, f32::max) < 9.0,
                "seed {seed}: {:?} and {hull:?}",
                sights[0].corners
            );
        }
    }

    #[test]
    fn nothing_but_the_truck_its_shadow_and_the_noise_changes_the_picture() {
        let (mut scene, second) = alone(3);
        let frame = |scene: &Scene| {
            let mut out = Vec::new();
            let sights = scene.draw(second, &mut Random::new(1), &mut out);
            (out, sights)
        };
        let (with, sights) = frame(&scene);
        scene.passages.clear();
        let (without, nobody) = frame(&scene);
        assert!(nobody.is_empty());
        let [left, top, right, bottom] = sights[0].corners;
        let changed = |x: usize, y: usize| {
            let at = (y * WIDTH + x) * 3;
            (at..at + 3).any(|at| with[at].abs_diff(without[at]) > 3)
        };
        let places = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y)));
        let outside = places.filter(|(x, y)| {
            let (x, y) = (*x as f32, *y as f32);
            // A lens softens by a pixel; the shadow of an overcast sky lies around the wheels.
            x < left - 12.0 || x > right + 12.0 || y < top - 2.0 || y > bottom + 12.0
        });
        assert_eq!(outside.filter(|(x, y)| changed(*x, *y)).count(), 0);
        let (x, y) = (
            f32::midpoint(left, right) as usize,
            f32::midpoint(top, bottom) as usize,
        );
        assert!(changed(x, y));
    }

    #[test]
    fn all_classes_are_met_on_a_crowded_street() {
        let mut random = Random::new(21);
        let mut scene = Scene::new(Look::Training, Weather::Clear, &mut random);
        scene.passages = fill(&scene.view, &CROWDED, Vec::new(), 40.0, &mut random);
        let mut met: Vec<Class> = Vec::new();
        for second in 0..40 {
            let sights = scene.draw(second as f32, &mut random, &mut Vec::new());
            met.extend(sights.iter().map(|sight| sight.class));
            for sight in &sights {
                assert_eq!(scene.passages[sight.passage].body.class, sight.class);
                let [left, top, right, bottom] = sight.corners;
                assert!(sight.pixels as f32 <= (right - left) * (bottom - top));
            }
        }
        assert!(Class::ALL.iter().all(|class| met.contains(class)), "{met:?}");
    }
}
