//! Areas, polygons and lines in the picture, in fractions of it from its left top corner.
//!
//! What is made here is checked: coordinates are within the picture, a polygon has corners, a line has a length.

#![forbid(unsafe_code)]

use serde::Deserialize;

/// Corners of one polygon.
pub const MAX_CORNERS: usize = 64;
/// Zones, masks or lines in one configuration.
pub const MAX_SHAPES: usize = 64;

/// A place.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// From the left.
    pub x: f32,
    /// From the top.
    pub y: f32,
}

impl Point {
    /// Distance to another place.
    #[must_use]
    pub fn distance(self, other: Self) -> f32 {
        (self.x - other.x).hypot(self.y - other.y)
    }
}

/// A box.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Area {
    /// Left edge.
    pub left: f32,
    /// Top edge.
    pub top: f32,
    /// Width.
    pub width: f32,
    /// Height.
    pub height: f32,
}

impl Area {
    /// Of this size around this place.
    #[must_use]
    pub fn around(centre: Point, width: f32, height: f32) -> Self {
        Self {
            left: centre.x - width / 2.0,
            top: centre.y - height / 2.0,
            width,
            height,
        }
    }

    /// The middle.
    #[must_use]
    pub fn centre(&self) -> Point {
        Point {
            x: self.left + self.width / 2.0,
            y: self.top + self.height / 2.0,
        }
    }

    /// The point that stands for the whole.
    #[must_use]
    pub fn point(&self, focus: Focus) -> Point {
        let centre = self.centre();
        match focus {
            Focus::Center => centre,
            Focus::BottomCenter => Point {
                y: self.top + self.height,
                ..centre
            },
        }
    }

    /// Length of the diagonal.
    #[must_use]
    pub fn diagonal(&self) -> f32 {
        self.width.hypot(self.height)
    }

    /// What is common to both, as a share of what either covers: 0 to 1.
    #[must_use]
    pub fn overlap(&self, other: &Self) -> f32 {
        let across = (self.left + self.width).min(other.left + other.width) - self.left.max(other.left);
        let down = (self.top + self.height).min(other.top + other.height) - self.top.max(other.top);
        let common = across.max(0.0) * down.max(0.0);
        let all = self.width * self.height + other.width * other.height - common;
        if all > 0.0 { common / all } else { 0.0 }
    }
}

/// Which point of a box stands for the whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Focus {
    /// The middle.
    #[default]
    Center,
    /// The middle of the lower edge: where a thing stands.
    BottomCenter,
}

/// A polygon of 3 to [`MAX_CORNERS`] corners; closed by itself, and it may cross itself.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Vec<[f32; 2]>")]
pub struct Polygon(Vec<Point>);

impl TryFrom<Vec<[f32; 2]>> for Polygon {
    type Error = String;

    fn try_from(corners: Vec<[f32; 2]>) -> Result<Self, String> {
        if !(3..=MAX_CORNERS).contains(&corners.len()) {
            return Err(format!(
                "a polygon has {} corners; it may have 3 to {MAX_CORNERS}",
                corners.len()
            ));
        }
        corners.into_iter().map(point).collect::<Result<_, _>>().map(Self)
    }
}

fn point([x, y]: [f32; 2]) -> Result<Point, String> {
    let within = |at: f32| (0.0..=1.0).contains(&at);
    if within(x) && within(y) {
        Ok(Point { x, y })
    } else {
        Err(format!(
            "the point [{x}, {y}] lies outside of the picture; both numbers may be 0 to 1"
        ))
    }
}

impl Polygon {
    /// Whether a place lies within, by the even-odd rule.
    #[must_use]
    pub fn contains(&self, at: Point) -> bool {
        let before = self.0.iter().cycle().skip(self.0.len().saturating_sub(1));
        let mut inside = false;
        for (corner, before) in self.0.iter().zip(before) {
            let spans = (corner.y > at.y) != (before.y > at.y);
            if spans {
                let part = (at.y - corner.y) / (before.y - corner.y);
                inside ^= at.x < corner.x + part * (before.x - corner.x);
            }
        }
        inside
    }
}

/// A polygon with a name.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// What events call it.
    pub name: String,
    /// Where it is.
    pub polygon: Polygon,
}

/// A line between two different places.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "[[f32; 2]; 2]")]
pub struct Line {
    /// Where it begins.
    pub from: Point,
    /// Where it ends.
    pub to: Point,
}

impl TryFrom<[[f32; 2]; 2]> for Line {
    type Error = String;

    fn try_from([from, to]: [[f32; 2]; 2]) -> Result<Self, String> {
        let (from, to) = (point(from)?, point(to)?);
        if from == to {
            return Err("a line begins where it ends; it must have a length".into());
        }
        Ok(Self { from, to })
    }
}

impl Line {
    /// Distance of a place to the line, prolonged without end. Positive on the right of who stands at the beginning and
    /// looks at the end.
    #[must_use]
    pub fn side(&self, at: Point) -> f32 {
        let (dx, dy) = (self.to.x - self.from.x, self.to.y - self.from.y);
        (dx * (at.y - self.from.y) - dy * (at.x - self.from.x)) / dx.hypot(dy)
    }

    /// Whether the way between two places crosses it between its ends: `Some(true)` from left to right, which is clockwise
    /// around its beginning. Ways that follow each other never count a place on the line twice.
    #[must_use]
    pub fn crossed(&self, from: Point, to: Point) -> Option<bool> {
        let (before, after) = (self.side(from), self.side(to));
        if (before >= 0.0) == (after >= 0.0) {
            return None;
        }
        let part = before / (before - after);
        let at = Point {
            x: from.x + part * (to.x - from.x),
            y: from.y + part * (to.y - from.y),
        };
        let (dx, dy) = (self.to.x - self.from.x, self.to.y - self.from.y);
        let along = ((at.x - self.from.x) * dx + (at.y - self.from.y) * dy) / (dx * dx + dy * dy);
        (0.0..=1.0).contains(&along).then_some(after >= 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(x: f32, y: f32) -> Point {
        Point { x, y }
    }

    #[test]
    fn a_place_is_within_a_polygon_or_not() {
        // An L: its notch is at the right top.
        let corners = [
            [0.1, 0.1],
            [0.5, 0.1],
            [0.5, 0.5],
            [0.9, 0.5],
            [0.9, 0.9],
            [0.1, 0.9],
        ];
        let polygon = Polygon::try_from(corners.to_vec()).unwrap();
        for (place, within) in [
            (at(0.3, 0.3), true),
            (at(0.7, 0.7), true),
            (at(0.7, 0.3), false),
            (at(0.05, 0.5), false),
            (at(0.95, 0.7), false),
        ] {
            assert_eq!(polygon.contains(place), within, "{place:?}");
        }
    }

    #[test]
    fn shapes_outside_of_the_picture_or_without_extent_are_refused_in_words() {
        let polygon = |corners: &[[f32; 2]]| Polygon::try_from(corners.to_vec()).unwrap_err();
        assert!(polygon(&[[0.0, 0.0], [1.0, 1.0]]).contains("3 to 64"));
        assert!(polygon(&[[0.0, 0.0], [1.0, 1.0], [0.0, 1.5]]).contains("[0, 1.5]"));
        assert!(polygon(&[[0.0, 0.0], [1.0, 1.0], [f32::NAN, 0.5]]).contains("NaN"));
        assert!(Line::try_from([[0.5, 0.5], [0.5, 0.5]]).is_err());
    }

    #[test]
    fn a_way_crosses_a_line_between_its_ends_clockwise_or_not() {
        let line = Line::try_from([[0.2, 0.5], [0.8, 0.5]]).unwrap();
        assert_eq!(line.crossed(at(0.5, 0.4), at(0.5, 0.6)), Some(true), "downwards");
        assert_eq!(line.crossed(at(0.5, 0.6), at(0.5, 0.4)), Some(false), "upwards");
        assert_eq!(line.crossed(at(0.1, 0.4), at(0.1, 0.6)), None, "beside it");
        assert_eq!(line.crossed(at(0.3, 0.4), at(0.7, 0.45)), None, "along it");
        let stops = [at(0.5, 0.4), at(0.5, 0.5), at(0.5, 0.6)];
        let crossed = stops
            .windows(2)
            .filter(|way| line.crossed(way[0], way[1]).is_some());
        assert_eq!(crossed.count(), 1, "a stop on the line is no second crossing");
        assert!(line.side(at(0.5, 0.75)) > 0.2 && line.side(at(0.5, 0.25)) < -0.2);
    }

    #[test]
    fn overlap_is_a_share_of_both() {
        let one = Area::around(at(0.5, 0.5), 0.2, 0.2);
        let half = Area::around(at(0.6, 0.5), 0.2, 0.2);
        assert!((one.overlap(&one) - 1.0).abs() < 1e-6);
        assert!((one.overlap(&half) - 1.0 / 3.0).abs() < 1e-5);
        assert_eq!(one.overlap(&Area::around(at(0.9, 0.5), 0.2, 0.2)), 0.0);
        assert_eq!(one.point(Focus::BottomCenter), at(0.5, 0.6));
    }
}
