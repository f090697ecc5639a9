//! What is remembered of each cell between pictures, and what follows from it.

use crate::sensitivity::Sensitivity;

/// Mean absolute difference of Gaussian noise is 0.8 of its deviation, so this is 3.5 deviations.
const THRESHOLD_PER_NOISE: f32 = 4.4;
/// However restless a cell is, this much contrast always counts.
const MAX_THRESHOLD: f32 = 48.0;
/// Assumed until it is known, in grey levels of mean absolute difference.
const FIRST_NOISE: f32 = 2.0;
/// A cell that lies about with a large difference teaches no more noise than this.
const MAX_NOISE: f32 = 12.0;

/// Seconds.
const NOISE_TIME: f32 = 5.0;
/// Seconds, for a cell in which something changes most of the time: leaves, flags, water.
const RESTLESS_NOISE_TIME: f32 = 10.0;
/// Seconds, for a cell in which something is passing.
const BUSY_NOISE_TIME: f32 = 120.0;
/// Seconds over which a cell's restlessness is judged.
const BUSY_TIME: f32 = 30.0;
/// Share of that time.
const RESTLESS: f32 = 0.4;

/// Seconds without change after which a region is no longer motion.
const HOLD: f32 = 0.7;
/// Seconds without change after which a cell begins to become background.
const SETTLE: f32 = 2.0;
/// Seconds: how fast the background follows.
const BACKGROUND_TIME: f32 = 10.0;
const SETTLING_TIME: f32 = 0.7;
const FOREGROUND_TIME: f32 = 60.0;
const MAX_RATE: f32 = 0.5;

/// A cell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    /// Usual mean absolute difference to the background.
    noise: f32,
    /// Share of time with motion.
    busy: f32,
    /// Seconds since it last looked different from half a second before.
    still: f32,
    /// Differs from the background, pixels; 0 if it does not.
    pub(crate) changed: u16,
    /// Enough of it differs to found a region.
    pub(crate) strong: bool,
    /// It looks different from half a second ago.
    pub(crate) live: bool,
    /// Extent of what changed, in pixels within the cell.
    pub(crate) extent: [u8; 4],
}

impl Default for Cell {
    fn default() -> Self {
        Self {
            noise: FIRST_NOISE,
            busy: 0.0,
            still: f32::MAX,
            changed: 0,
            strong: false,
            live: false,
            extent: [0; 4],
        }
    }
}

impl Cell {
    /// Grey levels by which a pixel must differ from its background.
    pub(crate) fn threshold(&self, sensitivity: Sensitivity) -> u8 {
        (THRESHOLD_PER_NOISE * self.noise).clamp(sensitivity.contrast(), MAX_THRESHOLD) as u8
    }

    /// Part of a region: changed, and not yet long without motion.
    pub(crate) fn active(&self) -> bool {
        self.changed > 0 && self.still <= HOLD
    }

    /// Forgets what the last picture said.
    pub(crate) fn clear(&mut self) {
        (self.changed, self.strong, self.live) = (0, false, false);
    }

    /// Counts the time without motion, in the cell or beside it.
    pub(crate) fn age(&mut self, live_around: bool, seconds: f32) {
        self.still = if live_around { 0.0 } else { self.still + seconds };
        let busy = if self.live { 1.0 } else { 0.0 };
        self.busy += (busy - self.busy) * (seconds / BUSY_TIME).min(1.0);
    }

    /// Learns the noise from the mean absolute difference to the background.
    pub(crate) fn learn(&mut self, difference: f32, seconds: f32) {
        let time = match (self.changed > 0, self.busy > RESTLESS) {
            (false, _) => NOISE_TIME,
            (true, true) => RESTLESS_NOISE_TIME,
            (true, false) => BUSY_NOISE_TIME,
        };
        self.noise += (difference.min(MAX_NOISE) - self.noise) * (seconds / time).min(MAX_RATE);
    }

    /// While all is new, a plain mean.
    pub(crate) fn learn_first(&mut self, difference: f32, share: f32) {
        self.noise += (difference.min(MAX_NOISE) - self.noise) * share;
    }

    /// Share of the way that the background goes towards the picture.
    pub(crate) fn rate(&self, seconds: f32) -> f32 {
        let time = if self.changed == 0 {
            BACKGROUND_TIME
        } else if self.still >= SETTLE {
            SETTLING_TIME
        } else {
            FOREGROUND_TIME
        };
        (seconds / time).min(MAX_RATE)
    }
}
