//! The picture that is drawn on: of each pixel its colour, how near it is, and whose it is.

use std::ops::Range;

use super::space::{Camera, Point, point};
use crate::clip::canvas::{HEIGHT, WIDTH};

/// Red, green and blue, 0 to 255, or factors of them.
pub(super) type Colour = [f32; 3];

/// Nothing nearer than this many metres is drawn.
const NEAREST_M: f32 = 0.5;
/// Corners of a polygon, after its cut at the camera.
const MAX_CORNERS: usize = 24;

/// A colour times factors.
pub(super) fn tint(colour: Colour, factors: Colour) -> Colour {
    [
        colour[0] * factors[0],
        colour[1] * factors[1],
        colour[2] * factors[2],
    ]
}

/// A colour times a factor.
pub(super) fn lit(colour: Colour, factor: f32) -> Colour {
    colour.map(|part| part * factor)
}

/// Between two colours: `share` of the second.
pub(super) fn mix(one: Colour, other: Colour, share: f32) -> Colour {
    let blend = |a: f32, b: f32| a + (b - a) * share;
    [
        blend(one[0], other[0]),
        blend(one[1], other[1]),
        blend(one[2], other[2]),
    ]
}

/// Who a pixel belongs to.
pub(super) const NOBODY: u16 = 0;

#[derive(Clone, Copy, Debug)]
pub(super) struct Pixel {
    pub(super) colour: Colour,
    /// One by its distance in metres: more is nearer.
    pub(super) near: f32,
    /// [`NOBODY`], or the number of the actor.
    pub(super) whose: u16,
    /// Shadows fall on it.
    pub(super) ground: bool,
    pub(super) shadow: bool,
}

/// A box in pixels: the first and last column and row, and how many pixels in it are of its actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) columns: (usize, usize),
    pub(super) rows: (usize, usize),
    pub(super) pixels: usize,
}

/// The picture.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    pub(super) pixels: Vec<Pixel>,
}

impl Picture {
    /// Of one colour, endlessly far.
    pub(super) fn new(colour: Colour) -> Self {
        let pixel = Pixel {
            colour,
            near: 0.0,
            whose: NOBODY,
            ground: false,
            shadow: false,
        };
        Self {
            pixels: vec![pixel; WIDTH * HEIGHT],
        }
    }

    /// Draws a convex polygon; returns nothing, since who is seen is asked when all is drawn.
    pub(super) fn fill(&mut self, camera: &Camera, corners: &[Point], colour: Colour, whose: u16) {
        self.each_pixel(camera, corners, |pixel, near| {
            if near > pixel.near {
                *pixel = Pixel {
                    colour,
                    near,
                    whose,
                    ground: false,
                    shadow: false,
                };
            }
        });
    }

    /// Lays a shadow of the polygon's shape on the ground.
    pub(super) fn shade(&mut self, camera: &Camera, corners: &[Point]) {
        self.each_pixel(camera, corners, |pixel, _| pixel.shadow |= pixel.ground);
    }

    fn each_pixel(&mut self, camera: &Camera, corners: &[Point], mut put: impl FnMut(&mut Pixel, f32)) {
        let Some(outline) = Outline::new(camera, corners) else {
            return;
        };
        for row in outline.rows() {
            let Some(span) = outline.span(row) else { continue };
            let mut near = outline.near(span.start, row);
            let line = row * WIDTH;
            let pixels = self.pixels.get_mut(line + span.start..line + span.end);
            for pixel in pixels.unwrap_or_default() {
                put(pixel, near);
                near += outline.plane.x;
            }
        }
    }

    /// The visible part of each of so many actors, whose numbers begin with 1.
    pub(super) fn extents(&self, actors: usize) -> Vec<Option<Extent>> {
        let mut found: Vec<Option<Extent>> = vec![None; actors];
        for (row, line) in self.pixels.chunks_exact(WIDTH).enumerate() {
            for (column, pixel) in line.iter().enumerate() {
                let Some(place) = usize::from(pixel.whose).checked_sub(1) else {
                    continue;
                };
                let Some(extent) = found.get_mut(place) else {
                    continue;
                };
                let extent = extent.get_or_insert(Extent {
                    columns: (column, column),
                    rows: (row, row),
                    pixels: 0,
                });
                extent.columns = (extent.columns.0.min(column), extent.columns.1.max(column));
                extent.rows.1 = row;
                extent.pixels += 1;
            }
        }
        found
    }
}

/// A convex polygon in the picture.
struct Outline {
    corners: Vec<(f32, f32)>,
    /// Nearness is x times the column, plus y times the row, plus z.
    plane: Point,
}

impl Outline {
    fn new(camera: &Camera, corners: &[Point]) -> Option<Self> {
        let seen: Vec<Point> = corners.iter().map(|corner| camera.view(*corner)).collect();
        let seen = cut(&seen);
        if seen.len() < 3 || seen.len() > MAX_CORNERS {
            return None;
        }
        Some(Self {
            plane: plane(camera, &seen)?,
            corners: seen.iter().map(|corner| camera.project(*corner)).collect(),
        })
    }

    fn rows(&self) -> Range<usize> {
        let top = self
            .corners
            .iter()
            .map(|corner| corner.1)
            .fold(f32::MAX, f32::min);
        let bottom = self
            .corners
            .iter()
            .map(|corner| corner.1)
            .fold(f32::MIN, f32::max);
        whole(top, HEIGHT)..whole(bottom, HEIGHT)
    }

    /// The pixels of a row whose middles lie inside.
    fn span(&self, row: usize) -> Option<Range<usize>> {
        let y = row as f32 + 0.5;
        let (mut from, mut to) = (f32::MAX, f32::MIN);
        let next = self.corners.iter().cycle().skip(1);
        for (one, other) in self.corners.iter().zip(next) {
            if (one.1 <= y) == (other.1 <= y) {
                continue;
            }
            let x = one.0 + (other.0 - one.0) * (y - one.1) / (other.1 - one.1);
            (from, to) = (from.min(x), to.max(x));
        }
        let (from, to) = (whole(from, WIDTH), whole(to, WIDTH));
        (from < to).then_some(from..to)
    }

    fn near(&self, column: usize, row: usize) -> f32 {
        self.plane.x * (column as f32 + 0.5) + self.plane.y * (row as f32 + 0.5) + self.plane.z
    }
}

/// The first pixel whose middle is not before `edge`.
fn whole(edge: f32, limit: usize) -> usize {
    (edge - 0.5).ceil().clamp(0.0, limit as f32) as usize
}

/// What of a polygon lies far enough ahead.
fn cut(corners: &[Point]) -> Vec<Point> {
    let mut kept = Vec::with_capacity(corners.len() + 2);
    for (one, other) in corners.iter().zip(corners.iter().cycle().skip(1)) {
        let (here, there) = (one.z >= NEAREST_M, other.z >= NEAREST_M);
        if here {
            kept.push(*one);
        }
        if here != there {
            let share = (NEAREST_M - one.z) / (other.z - one.z);
            kept.push(*one + (*other - *one) * share);
        }
    }
    kept
}

/// The nearness of the polygon's plane over the picture: all its points satisfy normal * point = distance, and a point is
/// its direction times its depth.
fn plane(camera: &Camera, seen: &[Point]) -> Option<Point> {
    let [first, ..] = *seen else { return None };
    // Newell's normal, since three corners may stand in one line.
    let mut normal = Point::default();
    for (one, other) in seen.iter().zip(seen.iter().cycle().skip(1)) {
        normal = normal + (*one - first).cross(*other - first);
    }
    let distance = normal.dot(first);
    if distance.abs() < 1e-6 {
        return None;
    }
    let (a, b) = (
        normal.x / (camera.focal * distance),
        normal.y / (camera.focal * distance),
    );
    let c = normal.z / distance - a * (WIDTH as f32 / 2.0) - b * (HEIGHT as f32 / 2.0);
    Some(point(a, b, c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(depth: f32, half: f32) -> [Point; 4] {
        [(-half, -half), (half, -half), (half, half), (-half, half)].map(|(x, z)| point(x, depth, z))
    }

    fn camera() -> Camera {
        Camera::new(Point::default(), 0.0, 0.0, 320.0)
    }

    #[test]
    fn the_nearer_hides_the_farther_in_whatever_order_they_come() {
        for order in [[(10.0, 1), (5.0, 2)], [(5.0, 2), (10.0, 1)]] {
            let mut picture = Picture::new([0.0; 3]);
            for (depth, whose) in order {
                picture.fill(&camera(), &square(depth, 1.0), [9.0; 3], whose);
            }
            let found = picture.extents(2);
            assert_eq!(found[0], None, "it stands behind the other, which looks larger");
            let front = found[1].unwrap();
            assert_eq!((front.columns, front.rows), ((256, 383), (116, 243)));
            assert_eq!(front.pixels, 128 * 128);
        }
    }

    #[test]
    fn what_reaches_behind_the_camera_is_cut() {
        let mut picture = Picture::new([0.0; 3]);
        let floor = [(-1.0, -5.0), (1.0, -5.0), (1.0, 20.0), (-1.0, 20.0)].map(|(x, y)| point(x, y, -1.0));
        picture.fill(&camera(), &floor, [9.0; 3], 1);
        let extent = picture.extents(1)[0].unwrap();
        assert_eq!(extent.rows.1, HEIGHT - 1);
        assert!(extent.rows.0 > HEIGHT / 2, "{extent:?}");
    }

    #[test]
    fn shadows_fall_on_ground_only() {
        let mut picture = Picture::new([0.0; 3]);
        picture.pixels[180 * WIDTH + 320].ground = true;
        picture.shade(&camera(), &square(5.0, 1.0));
        assert_eq!(picture.pixels.iter().filter(|pixel| pixel.shadow).count(), 1);
    }
}
