//! The steps in their order, and the memory they share.

use std::collections::VecDeque;

use crate::cells::Cell;
use crate::kernel::{self, FRACTION_BITS, LANES, Shape, Sums};
use crate::light::{self, Light, Sample};
use crate::regions::{self, Finder, Patch, Region};
use crate::sensitivity::Sensitivity;
use crate::tracks::Tracks;
use crate::verify::{self, Place};
use crate::view::View;
use crate::{CELL, TICKS_PER_SECOND};

/// Smallest width and height in pixels.
pub const MIN_SIDE: usize = 16;
/// Largest width and height in pixels; this is meant for small pictures.
pub const MAX_SIDE: usize = 4096;

/// Seconds of learning before anything is reported.
const WARM_UP: f32 = 1.0;
/// Seconds of learning after the light has changed all at once.
const RELEARN: f32 = 0.5;
/// A longer gap between pictures than this, in seconds, starts from the beginning.
const MAX_GAP: f32 = 30.0;
/// Seconds between two steps of the background.
const UPDATE_EVERY: f32 = 0.095;
/// Seconds between two pictures that are kept to compare with.
const SNAPSHOT_EVERY: f32 = 0.5;
/// Grey levels of a change of light that is followed before anything else is decided.
const LIGHT_STEP: f32 = 1.5;
/// Grey levels below which following the light is not worth a pass over the picture.
const LIGHT_LEAST: f32 = 0.1;
/// From this share of changed cells ...
const CALM: f32 = 0.2;
/// ... to this one ...
const ALL_CHANGED: f32 = 0.5;
/// ... within so many seconds is a change of light, not motion.
const SUDDEN: f32 = 0.5;
/// Pictures remembered for that, at most.
const MAX_RECENT: usize = 64;
/// Share of a cell's pixels that makes it part of a region, and that may found one.
const WEAK: f32 = 0.08;
const STRONG: f32 = 0.18;
/// Pixels that must differ from half a second ago.
const LIVE_PIXELS: u16 = 4;
const LIVE_SHIFT: f32 = 3.5;

/// Why a picture cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Too small or too large.
    UnsupportedSize {
        /// Pixels.
        width: usize,
        /// Pixels.
        height: usize,
    },
    /// The bytes are not width times height.
    WrongLength {
        /// Bytes that belong to the size.
        expected: usize,
        /// Bytes that came.
        found: usize,
    },
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnsupportedSize { width, height } => write!(
                f,
                "a picture of {width}x{height} pixels cannot be used; each side may be {MIN_SIDE} to {MAX_SIDE}"
            ),
            Self::WrongLength { expected, found } => {
                write!(f, "a gray picture of this size has {expected} bytes, not {found}")
            }
        }
    }
}

impl std::error::Error for Error {}

/// Finds motion in one stream of pictures.
#[derive(Debug)]
pub struct MotionDetector {
    sensitivity: Sensitivity,
    width: usize,
    shape: Shape,
    state: State,
    finder: Finder,
    tracks: Tracks,
    scratch: Scratch,
    /// Which pixels of each cell count; none: all of all cells.
    view: Option<View>,
}

/// What is known of the scene.
#[derive(Debug, Default)]
struct State {
    /// Of the picture before, in ticks.
    time: Option<u64>,
    /// Seconds left in which nothing is reported.
    learning: f32,
    /// Pictures since learning began.
    learned: u32,
    since_update: f32,
    since_snapshot: f32,
    /// The background in fixed point, and rounded.
    fine: Vec<i16>,
    background: Vec<u8>,
    /// Half a second to a second old, and up to half a second old.
    earlier: Vec<u8>,
    recent: Vec<u8>,
    cells: Vec<Cell>,
    /// Seconds ago and share of changed cells.
    changed: VecDeque<(f32, f32)>,
}

/// Memory that is used anew for each picture.
#[derive(Debug, Default)]
struct Scratch {
    padded: Vec<u8>,
    sums: Vec<Sums>,
    thresholds: Vec<u8>,
    rates: Vec<i16>,
    samples: Vec<Sample>,
    values: Vec<f32>,
}

impl MotionDetector {
    /// For pictures of this size in pixels.
    ///
    /// # Errors
    /// If a side is shorter than [`MIN_SIDE`] or longer than [`MAX_SIDE`].
    pub fn new(width: usize, height: usize, sensitivity: Sensitivity) -> Result<Self, Error> {
        let fits = MIN_SIDE..=MAX_SIDE;
        if !fits.contains(&width) || !fits.contains(&height) {
            return Err(Error::UnsupportedSize { width, height });
        }
        let shape = Shape {
            stride: width.next_multiple_of(LANES),
            height,
        };
        Ok(Self {
            sensitivity,
            width,
            shape,
            state: State::default(),
            finder: Finder::default(),
            tracks: Tracks::default(),
            scratch: Scratch::default(),
            view: None,
        })
    }

    /// From now on looks only at the pixels that are watched; each is asked for by its middle, in fractions of the picture.
    /// What lies beyond still tells what the light does.
    pub fn watch(&mut self, watched: impl Fn(f32, f32) -> bool) {
        self.view = Some(View::new(self.shape, self.width, watched));
    }

    /// Width and height in pixels.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.width, self.shape.height)
    }

    /// What moves in the next picture: one byte per pixel, taken at media time `time` in ticks. Largest first.
    ///
    /// # Errors
    /// If the number of bytes does not fit the size.
    pub fn detect(&mut self, time: u64, pixels: &[u8]) -> Result<Vec<Region>, Error> {
        let expected = self.width * self.shape.height;
        if pixels.len() != expected {
            return Err(Error::WrongLength {
                expected,
                found: pixels.len(),
            });
        }
        if self.width == self.shape.stride {
            return Ok(self.look(time, pixels));
        }
        let mut padded = std::mem::take(&mut self.scratch.padded);
        pad(pixels, self.width, self.shape.stride, &mut padded);
        let regions = self.look(time, &padded);
        self.scratch.padded = padded;
        Ok(regions)
    }

    fn look(&mut self, time: u64, picture: &[u8]) -> Vec<Region> {
        let Some(seconds) = self.seconds_since_last(time) else {
            self.begin(picture);
            return Vec::new();
        };
        self.measure(picture);
        let light = self.follow_light(picture);
        self.classify(picture, &light);
        if self.changed_at_once(seconds) {
            self.relearn(picture);
            return Vec::new();
        }
        self.age(seconds);
        let patches = self.find(seconds);
        self.remember(picture, seconds, &light);
        patches
            .iter()
            .map(|patch| patch.region(self.width, self.shape.height))
            .collect()
    }

    /// None where the stream begins, or begins again.
    fn seconds_since_last(&mut self, time: u64) -> Option<f32> {
        let ticks = time.checked_sub(self.state.time.replace(time)?)?;
        let seconds = ticks as f32 / TICKS_PER_SECOND as f32;
        (seconds <= MAX_GAP).then_some(seconds)
    }

    fn begin(&mut self, picture: &[u8]) {
        let cells = self.shape.columns() * self.shape.rows();
        self.state.cells.clear();
        self.state.cells.resize(cells, Cell::default());
        self.scratch.sums.resize(cells, Sums::default());
        self.adopt(picture);
        self.state.learning = WARM_UP;
    }

    /// The light has changed: what is seen now is the background, and what was known of the noise still holds.
    fn relearn(&mut self, picture: &[u8]) {
        self.adopt(picture);
        self.state.learning = self.state.learning.max(RELEARN);
    }

    fn adopt(&mut self, picture: &[u8]) {
        let state = &mut self.state;
        state.fine.clear();
        state
            .fine
            .extend(picture.iter().map(|value| i16::from(*value) << FRACTION_BITS));
        for copy in [&mut state.background, &mut state.earlier, &mut state.recent] {
            copy.clear();
            copy.extend_from_slice(picture);
        }
        for cell in &mut state.cells {
            cell.clear();
        }
        state.changed.clear();
        (state.learned, state.since_update, state.since_snapshot) = (1, 0.0, 0.0);
        self.tracks.clear();
    }

    fn measure(&mut self, picture: &[u8]) {
        let (state, scratch) = (&self.state, &mut self.scratch);
        scratch.thresholds.clear();
        scratch
            .thresholds
            .extend(state.cells.iter().map(|cell| cell.threshold(self.sensitivity)));
        kernel::measure(
            self.shape,
            picture,
            &state.background,
            &scratch.thresholds,
            &mut scratch.sums,
        );
    }

    /// Finds the change of light and, if it is large, lets the background follow at once. Returns what is left.
    fn follow_light(&mut self, picture: &[u8]) -> Light {
        let shape = self.shape;
        self.scratch.samples.clear();
        for (at, sums) in self.scratch.sums.iter().enumerate() {
            let (column, row) = (at % shape.columns(), at / shape.columns());
            let was = middle_line(shape, &self.state.background, column, row);
            self.scratch.samples.push(Sample {
                was,
                change: shift(sums, shape.lines(row)),
            });
        }
        let light = light::fit(&self.scratch.samples, &mut self.scratch.values);
        if light.effect < LIGHT_STEP {
            return light;
        }
        self.apply(&light);
        self.measure(picture);
        Light::default()
    }

    fn apply(&mut self, light: &Light) {
        light::apply(light, &mut self.state.fine, &mut self.state.background);
        // The pictures to compare with are of the light before as well.
        for earlier in [&mut self.state.earlier, &mut self.state.recent] {
            for value in earlier.iter_mut() {
                let was = f32::from(*value);
                *value = (was + light.change(was)).round().clamp(0.0, 255.0) as u8;
            }
        }
    }

    /// Decides for each cell whether it has changed and whether it is live.
    fn classify(&mut self, picture: &[u8], light: &Light) {
        let (shape, state) = (self.shape, &mut self.state);
        let columns = shape.columns();
        let known = self
            .scratch
            .sums
            .iter()
            .zip(&self.scratch.thresholds)
            .zip(&self.scratch.samples);
        for (at, (cell, ((sums, threshold), sample))) in state.cells.iter_mut().zip(known).enumerate() {
            cell.clear();
            let (column, row) = (at % columns, at / columns);
            let mut pixels = shape.lines(row) * CELL;
            let mut watched = None;
            if let Some(view) = &self.view {
                let seen = view.of(at);
                if seen.pixels == 0 {
                    continue;
                }
                if seen.pixels < pixels {
                    (pixels, watched) = (seen.pixels, Some(seen.bits));
                }
            }
            let expected = light.change(sample.was);
            let limit = shift_limit(*threshold, self.sensitivity);
            let weak = WEAK * pixels as f32;
            // In a cell of which only a part counts, the sums say too little.
            if watched.is_none()
                && f32::from(sums.count) < weak
                && (shift(sums, shape.lines(row)) - expected).abs() < limit
            {
                continue;
            }
            let place = Place { column, row, watched };
            let rest = verify::with_shift(shape, picture, &state.background, place, *threshold);
            let shifted = (rest.sum as f32 / pixels as f32 - expected).abs() >= limit;
            if f32::from(rest.count) < weak && !shifted {
                continue;
            }
            cell.changed = if shifted {
                rest.count.max(pixels as u16 / 2)
            } else {
                rest.count
            };
            cell.strong = shifted || f32::from(rest.count) >= STRONG * pixels as f32;
            cell.extent = if shifted && f32::from(rest.count) < weak {
                [0, 0, CELL as u8, shape.lines(row) as u8]
            } else {
                rest.extent
            };
            let noisy = (f32::from(*threshold) * std::f32::consts::SQRT_2) as u8;
            let (count, sum) = verify::against(shape, picture, &state.earlier, place, noisy);
            let moved = (sum as f32 / pixels as f32 - expected).abs();
            cell.live = count >= LIVE_PIXELS || moved >= LIVE_SHIFT.max(f32::from(*threshold) / 4.0);
        }
    }

    /// Whether nearly everything has changed within a moment.
    fn changed_at_once(&mut self, seconds: f32) -> bool {
        let cells = &self.state.cells;
        let changed = cells.iter().filter(|cell| cell.changed > 0).count();
        let watched = self.view.as_ref().map_or(cells.len(), |view| view.cells);
        let share = changed as f32 / watched.max(1) as f32;
        let history = &mut self.state.changed;
        for (ago, _) in history.iter_mut() {
            *ago += seconds;
        }
        // The picture before always counts, however long ago it was.
        while history.len() > MAX_RECENT
            || (history.len() > 1 && history.front().is_some_and(|e| e.0 > SUDDEN))
        {
            history.pop_front();
        }
        let calm = history.iter().any(|(_, before)| *before <= CALM);
        history.push_back((0.0, share));
        share >= ALL_CHANGED && (calm || history.len() == 1)
    }

    /// Lets time pass for each cell. Motion keeps the cells around it awake.
    fn age(&mut self, seconds: f32) {
        let columns = self.shape.columns();
        let count = self.state.cells.len();
        let live: Vec<usize> = self
            .state
            .cells
            .iter()
            .enumerate()
            .filter(|(_, cell)| cell.live)
            .map(|(at, _)| at)
            .collect();
        let around = &mut self.scratch.thresholds;
        around.clear();
        around.resize(count, 0);
        for at in live {
            for near in regions::neighbours(at, columns, count) {
                if let Some(mark) = around.get_mut(near) {
                    *mark = 1;
                }
            }
        }
        for (cell, mark) in self.state.cells.iter_mut().zip(around) {
            cell.age(*mark == 1, seconds);
        }
    }

    fn find(&mut self, seconds: f32) -> Vec<Patch> {
        if self.state.learning > 0.0 {
            self.state.learning -= seconds;
            return Vec::new();
        }
        let least = self.sensitivity.area(self.width * self.shape.height);
        let patches = self.finder.find(&self.state.cells, self.shape.columns(), least);
        regions::merge(self.tracks.follow(&patches, seconds, self.width as f32, least))
    }

    /// Lets background, noise and kept pictures follow.
    fn remember(&mut self, picture: &[u8], seconds: f32, light: &Light) {
        let state = &mut self.state;
        state.since_snapshot += seconds;
        if state.since_snapshot >= SNAPSHOT_EVERY {
            state.since_snapshot = 0.0;
            std::mem::swap(&mut state.earlier, &mut state.recent);
            state.recent.copy_from_slice(picture);
        }
        state.since_update += seconds;
        if state.since_update < UPDATE_EVERY {
            return;
        }
        let seconds = std::mem::take(&mut state.since_update);
        state.learned = state.learned.saturating_add(1);
        self.learn(seconds);
        kernel::update(
            self.shape,
            picture,
            &self.scratch.rates,
            &mut self.state.fine,
            &mut self.state.background,
        );
        if light.effect >= LIGHT_LEAST {
            light::apply(light, &mut self.state.fine, &mut self.state.background);
        }
    }

    /// Teaches the cells their noise and computes how fast each one's background goes.
    fn learn(&mut self, seconds: f32) {
        let state = &mut self.state;
        // A plain mean of what has been seen, until that is slower than the usual pace.
        let first = 1.0 / state.learned as f32;
        let warming = state.learning > 0.0;
        self.scratch.rates.clear();
        for (at, (cell, sums)) in state.cells.iter_mut().zip(&self.scratch.sums).enumerate() {
            let pixels = self.shape.lines(at / self.shape.columns()) * CELL;
            let difference = (f32::from(sums.brighter) + f32::from(sums.darker)) / pixels as f32;
            let mut rate = cell.rate(seconds);
            if warming {
                cell.learn_first(difference, first.max(0.1));
                rate = rate.max(first);
            } else {
                cell.learn(difference, seconds);
                if cell.changed == 0 {
                    rate = rate.max(first.min(0.2));
                }
            }
            self.scratch.rates.push((rate * 32_767.0) as i16);
        }
    }
}

/// Mean signed difference of a cell.
fn shift(sums: &Sums, lines: usize) -> f32 {
    (f32::from(sums.brighter) - f32::from(sums.darker)) / (lines * CELL) as f32
}

/// The mean of a cell says more than its pixels where these are noisy.
fn shift_limit(threshold: u8, sensitivity: Sensitivity) -> f32 {
    sensitivity.contrast().max(f32::from(threshold) / 2.0)
}

/// Mean of one line in the middle: near enough to the cell's mean for the light.
fn middle_line(shape: Shape, plane: &[u8], column: usize, row: usize) -> f32 {
    let line = row * CELL + shape.lines(row) / 2;
    let at = line * shape.stride + column * CELL;
    let sum: u16 = plane
        .get(at..at + CELL)
        .unwrap_or_default()
        .iter()
        .map(|value| u16::from(*value))
        .sum();
    f32::from(sum) / CELL as f32
}

/// Repeats the last pixel of each line up to the stride.
fn pad(pixels: &[u8], width: usize, stride: usize, padded: &mut Vec<u8>) {
    padded.clear();
    for line in pixels.chunks_exact(width) {
        padded.extend_from_slice(line);
        let last = line.last().copied().unwrap_or(0);
        padded.extend(std::iter::repeat_n(last, stride - width));
    }
}
