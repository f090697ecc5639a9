//! From outputs to objects.

use shapes::{Area, Focus, Polygon};

use crate::family::Family;
use crate::labels::Labels;
use crate::output::Output;
use crate::suppress::suppress;

/// Boxes that are compared with each other; beyond, the least likely are left out.
pub const MAX_CANDIDATES: usize = 2_000;

/// Pixels, as numbers to divide by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Size {
    pub(crate) width: f32,
    pub(crate) height: f32,
}

/// Something that may be an object.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) area: Area,
    pub(crate) class: usize,
    pub(crate) score: f32,
}

/// What is looked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// What the model's numbers mean.
    pub family: Family,
    /// Its classes, and which are wanted.
    pub labels: Labels,
    /// How likely an object must be, 0 to 1.
    pub threshold: f32,
    /// How much two boxes of a class may overlap, as a share of what either covers, before they are one.
    pub overlap: f32,
    /// Objects of one frame; the most likely stay.
    pub at_most: usize,
    /// Only what stands in one of these; none: everywhere.
    pub regions: Vec<Polygon>,
    /// The point of a box that must stand in a region.
    pub focus: Focus,
}

/// An object in a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Object<'a> {
    /// Where, in fractions of the frame.
    pub area: Area,
    /// What.
    pub label: &'a str,
    /// How likely, 0 to 1.
    pub score: f32,
}

/// Decodes what a model answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoder(Settings);

impl Decoder {
    /// With checked settings.
    ///
    /// # Errors
    /// Names the setting, what is wrong with it and what it may be.
    pub fn new(settings: Settings) -> Result<Self, String> {
        for (name, value) in [("threshold", settings.threshold), ("iou", settings.overlap)] {
            if !(0.0..=1.0).contains(&value) {
                return Err(format!("{name} is {value}; it may be 0 to 1"));
            }
        }
        Ok(Self(settings))
    }

    /// What it was made with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0
    }

    /// The objects that the answer to a picture of `width` by `height` pixels tells of, the most likely first. `content` is the
    /// part of the picture that shows the frame.
    ///
    /// # Errors
    /// When the answer is not what a model of the family gives.
    pub fn decode(
        &self,
        outputs: &[Output<'_>],
        (width, height): (u32, u32),
        content: Area,
    ) -> Result<Vec<Object<'_>>, String> {
        let settings = &self.0;
        let picture = Size {
            width: width.max(1) as f32,
            height: height.max(1) as f32,
        };
        let count = settings.labels.count();
        let mut found = settings
            .family
            .candidates(outputs, picture, count, settings.threshold)?;
        found.retain(|candidate| is_box(candidate) && settings.labels.wanted(candidate.class).is_some());
        found.sort_by(|one, other| other.score.total_cmp(&one.score));
        found.truncate(MAX_CANDIDATES);
        // Before the regions are asked: a box outside may stand for the same thing as one inside, and be the better one.
        let kept = suppress(found, settings.overlap, settings.at_most);
        Ok(kept
            .into_iter()
            .filter_map(|one| self.object(one, content))
            .collect())
    }

    fn object(&self, found: Candidate, content: Area) -> Option<Object<'_>> {
        let area = in_frame(found.area, content)?;
        let point = area.point(self.0.focus);
        let regions = &self.0.regions;
        let within = regions.is_empty() || regions.iter().any(|region| region.contains(point));
        within.then_some(Object {
            area,
            label: self.0.labels.wanted(found.class)?,
            score: found.score.clamp(0.0, 1.0),
        })
    }
}

fn is_box(candidate: &Candidate) -> bool {
    let Area {
        left,
        top,
        width,
        height,
    } = candidate.area;
    let finite = [left, top, width, height, candidate.score]
        .iter()
        .all(|number| number.is_finite());
    finite && width > 0.0 && height > 0.0
}

/// A part of a picture that shows a frame in its part `content`, as a part of the frame; None if it lies in the border.
#[must_use]
pub fn in_frame(area: Area, content: Area) -> Option<Area> {
    let unfold = |from: f32, length: f32, start: f32, all: f32| {
        let inside = |at: f32| ((at - start) / all).clamp(0.0, 1.0);
        let (from, to) = (inside(from), inside(from + length));
        (from, to - from)
    };
    let (left, width) = unfold(area.left, area.width, content.left, content.width);
    let (top, height) = unfold(area.top, area.height, content.top, content.height);
    let seen = width > 0.0 && height > 0.0;
    seen.then_some(Area {
        left,
        top,
        width,
        height,
    })
}
