//! Draws scenes: a yard with texture and edges, noise, light, a codec's artefacts, and things that move.
#![allow(
    dead_code,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    reason = "each test file uses a part"
)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

use motion_core::{MotionDetector, Region, Sensitivity, TICKS_PER_SECOND};

pub const WIDTH: usize = 320;
pub const HEIGHT: usize = 180;

/// A small generator with a fixed seed: the same pictures in each run.
#[derive(Clone)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn unit(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1 << 24) as f32
    }

    pub fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    pub fn gauss(&mut self) -> f32 {
        let radius = (-2.0 * self.unit().max(1e-7).ln()).sqrt();
        radius * (std::f32::consts::TAU * self.unit()).cos()
    }
}

/// A yard: sky, wall with windows, ground with texture, a pole.
pub fn yard(seed: u64) -> Vec<f32> {
    let mut random = Random::new(seed);
    let mut picture = vec![0.0; WIDTH * HEIGHT];
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            let mut value = if y < 50 {
                190.0 - y as f32 * 0.4
            } else {
                95.0 + (y as f32 - 50.0) * 0.2
            };
            if (40..120).contains(&x) && (20..90).contains(&y) {
                value = if x / 10 % 2 == 0 && y / 14 % 2 == 0 {
                    55.0
                } else {
                    140.0
                };
            }
            if (250..254).contains(&x) {
                value = 30.0;
            }
            if y >= 90 {
                value += random.between(-8.0, 8.0);
            }
            picture[y * WIDTH + x] = value;
        }
    }
    picture
}

/// Sensor noise from a table of Gaussian values, read from a random place on.
pub struct Noise {
    table: Vec<f32>,
    random: Random,
    sigma: f32,
}

impl Noise {
    pub fn new(sigma: f32, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let table = (0..1 << 17).map(|_| random.gauss()).collect();
        Self { table, random, sigma }
    }

    pub fn add(&mut self, picture: &mut [f32]) {
        for line in picture.chunks_mut(WIDTH) {
            let at = self.random.bits() as usize % (self.table.len() - WIDTH);
            for (value, noise) in line.iter_mut().zip(&self.table[at..]) {
                *value += self.sigma * noise;
            }
        }
    }
}

pub fn bytes(picture: &[f32]) -> Vec<u8> {
    picture
        .iter()
        .map(|value| value.round().clamp(0.0, 255.0) as u8)
        .collect()
}

/// A thing in pixels; `value` is what it adds to the background, or what it is, if `solid`.
#[derive(Clone, Copy, Debug)]
pub struct Thing {
    pub x: f32,
    pub y: f32,
    pub w: f32,
    pub h: f32,
    pub value: f32,
    pub solid: bool,
}

impl Thing {
    pub fn draw(&self, picture: &mut [f32]) {
        for y in self.y.max(0.0) as usize..((self.y + self.h).max(0.0) as usize).min(HEIGHT) {
            for x in self.x.max(0.0) as usize..((self.x + self.w).max(0.0) as usize).min(WIDTH) {
                let pixel = &mut picture[y * WIDTH + x];
                *pixel = if self.solid {
                    self.value
                } else {
                    *pixel + self.value
                };
            }
        }
    }

    pub fn covers(&self, region: &Region) -> bool {
        let (l, t) = (region.left * WIDTH as f32, region.top * HEIGHT as f32);
        let (r, b) = (l + region.width * WIDTH as f32, t + region.height * HEIGHT as f32);
        l < self.x + self.w + 8.0 && r > self.x - 8.0 && t < self.y + self.h + 8.0 && b > self.y - 8.0
    }
}

/// What was reported when.
#[derive(Debug, Default)]
pub struct Report {
    pub events: Vec<(f32, Vec<Region>)>,
}

impl Report {
    pub fn between(&self, from: f32, to: f32) -> usize {
        self.events
            .iter()
            .filter(|(at, _)| (from..to).contains(at))
            .count()
    }

    pub fn first_after(&self, from: f32) -> Option<f32> {
        self.events.iter().map(|(at, _)| *at).find(|at| *at >= from)
    }

    /// Runs of events with less than two seconds between them.
    pub fn episodes(&self) -> usize {
        let starts = self
            .events
            .windows(2)
            .filter(|pair| pair[1].0 - pair[0].0 >= 2.0)
            .count();
        starts + usize::from(!self.events.is_empty())
    }
}

/// Shows pictures at a frame rate for some seconds.
pub fn watch(
    sensitivity: Sensitivity,
    rate: f32,
    seconds: f32,
    mut picture: impl FnMut(f32, &mut Vec<f32>),
) -> Report {
    let mut detector = MotionDetector::new(WIDTH, HEIGHT, sensitivity).unwrap();
    let mut report = Report::default();
    let mut canvas = Vec::new();
    for frame in 0..(seconds * rate) as u64 {
        let at = frame as f32 / rate;
        canvas.clear();
        picture(at, &mut canvas);
        let time = 143_039_375_044_290 + (frame as f64 / f64::from(rate) * TICKS_PER_SECOND as f64) as u64;
        let regions = detector.detect(time, &bytes(&canvas)).unwrap();
        if !regions.is_empty() {
            report.events.push((at, regions));
        }
    }
    report
}
