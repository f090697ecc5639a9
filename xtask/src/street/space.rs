//! Points in metres, and the camera that sees them.
//!
//! The road runs along x, to the right; y leads away from the camera's side of the road, z up.

use std::ops::{Add, Mul, Sub};

use crate::clip::canvas::{HEIGHT, WIDTH};

/// A place, or a direction.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Point {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) z: f32,
}

pub(super) const fn point(x: f32, y: f32, z: f32) -> Point {
    Point { x, y, z }
}

impl Add for Point {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        point(self.x + other.x, self.y + other.y, self.z + other.z)
    }
}

impl Sub for Point {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        point(self.x - other.x, self.y - other.y, self.z - other.z)
    }
}

impl Mul<f32> for Point {
    type Output = Self;
    fn mul(self, factor: f32) -> Self {
        point(self.x * factor, self.y * factor, self.z * factor)
    }
}

impl Point {
    pub(super) fn dot(self, other: Self) -> f32 {
        self.x * other.x + self.y * other.y + self.z * other.z
    }

    pub(super) fn cross(self, other: Self) -> Self {
        point(
            self.y * other.z - self.z * other.y,
            self.z * other.x - self.x * other.z,
            self.x * other.y - self.y * other.x,
        )
    }

    /// The same direction, of length 1.
    pub(super) fn unit(self) -> Self {
        self * (1.0 / self.dot(self).sqrt().max(1e-6))
    }
}

/// A pinhole camera.
#[derive(Clone, Copy, Debug)]
pub(super) struct Camera {
    pub(super) at: Point,
    right: Point,
    down: Point,
    forward: Point,
    /// Focal length in pixels.
    pub(super) focal: f32,
}

impl Camera {
    /// Turned by `yaw` to the right and by `pitch` down, in radians.
    pub(super) fn new(at: Point, yaw: f32, pitch: f32, focal: f32) -> Self {
        let forward = point(yaw.sin() * pitch.cos(), yaw.cos() * pitch.cos(), -pitch.sin());
        let right = point(yaw.cos(), -yaw.sin(), 0.0);
        let down = right.cross(forward) * -1.0;
        Self {
            at,
            right,
            down,
            forward,
            focal,
        }
    }

    /// A place as the camera has it: x right, y down, z ahead.
    pub(super) fn view(&self, place: Point) -> Point {
        let from = place - self.at;
        point(from.dot(self.right), from.dot(self.down), from.dot(self.forward))
    }

    /// Where in the picture a place of the camera's is, in pixels.
    pub(super) fn project(&self, seen: Point) -> (f32, f32) {
        let scale = self.focal / seen.z;
        (
            WIDTH as f32 / 2.0 + seen.x * scale,
            HEIGHT as f32 / 2.0 + seen.y * scale,
        )
    }

    /// What the middle of a pixel looks at: a direction that leads one metre ahead.
    pub(super) fn ray(&self, px: usize, py: usize) -> Point {
        let across = (px as f32 + 0.5 - WIDTH as f32 / 2.0) / self.focal;
        let down = (py as f32 + 0.5 - HEIGHT as f32 / 2.0) / self.focal;
        self.forward + self.right * across + self.down * down
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ray_leads_to_what_is_seen_at_its_pixel() {
        let camera = Camera::new(point(1.0, -2.0, 5.0), 0.4, 0.3, 500.0);
        let place = camera.at + camera.ray(100, 200) * 12.0;
        let seen = camera.view(place);
        assert!((seen.z - 12.0).abs() < 1e-3, "{seen:?}");
        let (x, y) = camera.project(seen);
        assert!((x - 100.5).abs() < 0.01 && (y - 200.5).abs() < 0.01, "{x} {y}");
    }

    #[test]
    fn up_is_up_and_right_is_right() {
        let camera = Camera::new(point(0.0, 0.0, 3.0), 0.0, 0.2, 500.0);
        let at = |x, z| camera.project(camera.view(point(x, 20.0, z)));
        assert!(at(2.0, 0.0).0 > at(0.0, 0.0).0);
        assert!(at(0.0, 2.0).1 < at(0.0, 0.0).1);
    }
}
