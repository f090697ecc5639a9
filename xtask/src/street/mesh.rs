//! Things made of flat faces. Lengths are metres: u forward, v to the left, z up; u and v are 0 in the thing's middle.

use super::picture::Colour;
use super::space::{Point, point};

/// What lies on a surface stands out of it by so much, so that it is seen.
const ON_TOP_M: f32 = 0.025;
/// Corners of what is round.
const ROUND: usize = 12;

/// A flat convex face.
#[derive(Clone, Debug)]
pub(super) struct Face {
    pub(super) corners: Vec<Point>,
    pub(super) colour: Colour,
    /// Its colour does not depend on the light, when its lamps are on.
    pub(super) lamp: bool,
}

/// A thing.
#[derive(Clone, Debug, Default)]
pub(super) struct Mesh {
    pub(super) faces: Vec<Face>,
}

impl Mesh {
    fn face(&mut self, corners: Vec<Point>, colour: Colour) {
        self.faces.push(Face {
            corners,
            colour,
            lamp: false,
        });
    }

    /// A convex profile of (u, z), drawn out by `half` to both sides of `v`.
    pub(super) fn prism(&mut self, profile: &[(f32, f32)], v: f32, half: f32, colour: Colour) {
        let side = |v: f32| profile.iter().map(move |(u, z)| point(*u, v, *z)).collect();
        self.face(side(v - half), colour);
        self.face(side(v + half), colour);
        for (one, other) in profile.iter().zip(profile.iter().cycle().skip(1)) {
            let corners = [
                (one, v - half),
                (other, v - half),
                (other, v + half),
                (one, v + half),
            ];
            self.face(corners.map(|((u, z), v)| point(*u, v, *z)).to_vec(), colour);
        }
    }

    /// A block from u to u and from z to z, `half` wide to both sides.
    pub(super) fn block(&mut self, u: (f32, f32), z: (f32, f32), half: f32, colour: Colour) {
        self.prism(
            &[(u.0, z.0), (u.0, z.1), (u.1, z.1), (u.1, z.0)],
            0.0,
            half,
            colour,
        );
    }

    /// Something flat on both sides of a thing that is `half` wide.
    pub(super) fn sides(&mut self, outline: &[(f32, f32)], half: f32, colour: Colour) {
        for v in [-half - ON_TOP_M, half + ON_TOP_M] {
            self.face(outline.iter().map(|(u, z)| point(*u, v, *z)).collect(), colour);
        }
    }

    /// A rectangle on both sides.
    pub(super) fn side_block(&mut self, u: (f32, f32), z: (f32, f32), half: f32, colour: Colour) {
        self.sides(&[(u.0, z.0), (u.0, z.1), (u.1, z.1), (u.1, z.0)], half, colour);
    }

    /// A rectangle across: on the face that leads from `low` to `high`, both (u, z); `ahead` says whether that looks
    /// forward.
    pub(super) fn across(
        &mut self,
        low: (f32, f32),
        high: (f32, f32),
        half: f32,
        ahead: bool,
        colour: Colour,
    ) {
        let out = if ahead { ON_TOP_M } else { -ON_TOP_M };
        let corners = [(low, -half), (low, half), (high, half), (high, -half)];
        let corners = corners.map(|((u, z), v)| point(u + out, v, z + ON_TOP_M * 0.5));
        self.face(corners.to_vec(), colour);
    }

    /// Two lamps at one end, `apart` from the middle each; returns where they are.
    pub(super) fn lamps(&mut self, u: f32, z: f32, apart: f32, size: f32, colour: Colour) -> [Point; 2] {
        let out = if u > 0.0 { 2.0 * ON_TOP_M } else { -2.0 * ON_TOP_M };
        for v in [-apart, apart] {
            let half = size / 2.0;
            let corners = [(-half, -half), (half, -half), (half, half), (-half, half)];
            self.faces.push(Face {
                corners: corners.map(|(a, b)| point(u + out, v + a, z + b)).to_vec(),
                colour,
                lamp: true,
            });
        }
        [point(u + out, -apart, z), point(u + out, apart, z)]
    }

    /// Wheels on both sides of an axle.
    pub(super) fn axle(&mut self, u: f32, radius: f32, half: f32) {
        const TYRE: Colour = [26.0, 26.0, 28.0];
        const HUB: Colour = [128.0, 130.0, 132.0];
        let thick = radius * 0.32;
        for v in [-half + thick, half - thick] {
            self.prism(&circle(u, radius, radius), v, thick, TYRE);
        }
        self.sides(&circle(u, radius, radius * 0.5), half, HUB);
    }

    /// A round tank lying along u.
    pub(super) fn tank(&mut self, u: (f32, f32), z: f32, radius: f32, colour: Colour) {
        let ring = circle(0.0, z, radius);
        for (one, other) in ring.iter().zip(ring.iter().cycle().skip(1)) {
            let corners = [(u.0, one), (u.0, other), (u.1, other), (u.1, one)];
            self.face(corners.map(|(u, (v, z))| point(u, *v, *z)).to_vec(), colour);
        }
        for u in [u.0, u.1] {
            self.face(ring.iter().map(|(v, z)| point(u, *v, *z)).collect(), colour);
        }
    }
}

/// A circle of (u, z) around a centre.
pub(super) fn circle(u: f32, z: f32, radius: f32) -> Vec<(f32, f32)> {
    let turn = |step: usize| std::f32::consts::TAU * step as f32 / ROUND as f32;
    (0..ROUND)
        .map(|step| (u + radius * turn(step).cos(), z + radius * turn(step).sin()))
        .collect()
}

/// The same as seen after the thing was put at (x, y) and turned to drive right (1.0) or left (-1.0).
pub(super) fn place(corner: Point, x: f32, y: f32, facing: f32) -> Point {
    point(x + corner.x * facing, y + corner.y * facing, corner.z)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_has_six_faces_that_reach_as_far_as_it_does() {
        let mut mesh = Mesh::default();
        mesh.block((-1.0, 2.0), (0.5, 1.5), 0.7, [1.0; 3]);
        assert_eq!(mesh.faces.len(), 6);
        let corners = mesh.faces.iter().flat_map(|face| &face.corners);
        let longest = corners.map(|corner| corner.x).fold(f32::MIN, f32::max);
        assert_eq!(longest, 2.0);
    }

    #[test]
    fn what_is_turned_round_drives_the_other_way() {
        let nose = point(2.0, 0.5, 1.0);
        assert_eq!(place(nose, 10.0, 5.0, 1.0), point(12.0, 5.5, 1.0));
        assert_eq!(place(nose, 10.0, 5.0, -1.0), point(8.0, 4.5, 1.0));
    }
}
