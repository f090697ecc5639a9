//! The yard in other weathers: what moves in it is the same, what makes it hard to see is not.

use std::io::Write as _;
use std::path::Path;
use std::process::ChildStdin;

use anyhow::{Context as _, Result};

use super::canvas::{Area, Canvas, HEIGHT, Paint, WIDTH};
use super::encoder::Encoder;
use super::random::Random;
use super::truth::Truth;
use super::{SEEN_PIXELS, actors, movements, scene};

const FPS: u32 = 12;
/// The first four passages, and the stillness before, between and after them.
const SECONDS: u32 = 50;
/// Trees are drawn in so many positions.
const SWAYS: u32 = 24;
/// Seconds of one sway.
const SWAY_SECONDS: f32 = 2.5;

/// What it is like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    /// What its clip is called.
    pub(crate) name: &'static str,
    /// Standard deviation of the sensor's noise, in steps of luma.
    noise: f32,
    /// How bright it is at a second of the clip.
    light: fn(f32) -> f32,
    /// Pixels that trees sway either way.
    sway: f32,
    /// Drops in each picture.
    rain: u32,
    /// Whether the camera trembles by a pixel.
    trembles: bool,
}

const CALM: Weather = Weather {
    name: "calm",
    noise: 2.0,
    light: |_| 1.0,
    sway: 0.0,
    rain: 0,
    trembles: false,
};

/// All of them.
pub(crate) const WEATHERS: [Weather; 5] = [
    Weather {
        name: "dusk",
        noise: 5.0,
        light: |_| 0.45,
        ..CALM
    },
    Weather {
        name: "clouds",
        light: |second| 0.82 + 0.18 * (second * 0.9).sin() * (second * 0.23).cos(),
        ..CALM
    },
    Weather {
        name: "lamp",
        noise: 3.0,
        // Switched on and off where nothing moves.
        light: |second| if (17.0..38.0).contains(&second) { 1.25 } else { 0.9 },
        ..CALM
    },
    Weather {
        name: "wind",
        sway: 3.0,
        trembles: true,
        ..CALM
    },
    Weather {
        name: "rain",
        noise: 3.0,
        light: |_| 0.8,
        rain: 60,
        ..CALM
    },
];

impl Weather {
    /// Draws and encodes its clip, and says what moves in it.
    ///
    /// # Errors
    /// Without `ffmpeg`, or when it fails.
    pub(crate) fn render(&self, path: &Path) -> Result<Truth> {
        Encoder::new(FPS).encode(path, |out| self.draw(out))
    }

    fn draw(&self, out: &mut ChildStdin) -> Result<Truth> {
        let backdrops = self.backdrops();
        let mut chance = Random::new(77);
        let mut noise = Random::new(2027);
        let (mut bytes, frames) = (Vec::new(), FPS * SECONDS);
        let mut sightings = vec![Vec::new(); actors::PASSAGES.len()];
        for frame in 0..frames {
            let second = frame as f32 / FPS as f32;
            let mut canvas = self.backdrop(&backdrops, second);
            for (passage, seen) in actors::PASSAGES.iter().zip(&mut sightings) {
                if passage.draw(&mut canvas, second) >= SEEN_PIXELS {
                    seen.push(frame);
                }
            }
            self.fall(&mut canvas, &mut chance);
            if self.trembles {
                let mut step = || (chance.normal() * 0.6).round() as i32;
                canvas = canvas.moved(step(), step());
            }
            canvas.write_i420((self.light)(second), || noise.normal() * self.noise, &mut bytes);
            out.write_all(&bytes)
                .context("ffmpeg took no more frames; its own message stands above")?;
        }
        Ok(Truth {
            fps: FPS,
            frames,
            seconds: f64::from(SECONDS),
            movements: movements(&sightings, f64::from(FPS)),
        })
    }

    fn backdrops(&self) -> Vec<Canvas> {
        let sways = if self.sway > 0.0 { SWAYS } else { 1 };
        let at = |step: u32| std::f32::consts::TAU * step as f32 / SWAYS as f32;
        (0..sways)
            .map(|step| scene::yard_in_wind(self.sway * at(step).sin()))
            .collect()
    }

    fn backdrop(&self, backdrops: &[Canvas], second: f32) -> Canvas {
        // Gusts: now faster, now slower.
        let sways = second / SWAY_SECONDS + 0.4 * (second * 0.7).sin();
        let step = (sways.rem_euclid(1.0) * backdrops.len() as f32) as usize;
        let backdrop = backdrops.get(step).or(backdrops.first());
        backdrop
            .cloned()
            .unwrap_or_else(|| Canvas::new(Paint::rgb(0.0, 0.0, 0.0)))
    }

    fn fall(&self, canvas: &mut Canvas, chance: &mut Random) {
        let drop = Paint::rgb(196.0, 200.0, 204.0);
        for _ in 0..self.rain {
            let mut at = |limit: usize| (0.5 + 0.35 * chance.normal()) * limit as f32;
            let area = Area::new(at(WIDTH), at(HEIGHT), 1.0, 14.0);
            canvas.rect(area, u8::MAX, drop);
        }
    }
}
