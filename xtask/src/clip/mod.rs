//! `cargo xtask clip`: draws the clip that the demo's camera plays, and writes down what moves in it.
//!
//! Everything is decided by constants, so the same frames come out on every run. Only the encoding is left to
//! Debian's `ffmpeg`; with the same version of it, the file is the same too.

mod actors;
pub(crate) mod canvas;
pub(crate) mod encoder;
pub(crate) mod random;
mod scene;
pub(crate) mod truth;
pub(crate) mod weather;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ChildStdin;

use anyhow::{Context as _, Result};

use self::canvas::{HEIGHT, WIDTH};
use self::encoder::Encoder;
use self::random::Random;
use self::truth::{Movement, Truth};
use crate::project;

const FPS: u32 = 25;
const SECONDS: u32 = 93;
/// Standard deviation of the sensor's noise, in steps of luma.
const NOISE: f32 = 2.0;
/// How far the light changes either way, and in how many seconds it comes back.
const LIGHT: (f32, f32) = (0.05, 46.5);
/// An actor counts as seen from this many pixels on: a sliver of a shoe is no movement yet.
const SEEN_PIXELS: usize = 40;

/// Where the clip is kept.
pub(crate) fn file() -> PathBuf {
    project::root().join("tests/fixtures/clips/yard.mp4")
}

/// Where the list of its movements is kept.
pub(crate) fn truth_file() -> PathBuf {
    project::root().join("tests/fixtures/clips/yard.truth.json")
}

/// Draws, encodes and writes both files.
///
/// # Errors
/// Without `ffmpeg`, or when it fails.
pub(crate) fn run() -> Result<()> {
    let path = file();
    let encoder = Encoder {
        tone: Some(SECONDS),
        ..Encoder::new(FPS)
    };
    let truth = encoder.encode(&path, render)?;
    let mut json = serde_json::to_string_pretty(&truth)?;
    json.push('\n');
    std::fs::write(truth_file(), json)?;
    let bytes = std::fs::metadata(&path)?.len();
    println!(
        "{}: {bytes} bytes, {} movements",
        path.display(),
        truth.movements.len()
    );
    Ok(())
}

/// Draws all frames into `out` and says what moved.
fn render(out: &mut ChildStdin) -> Result<Truth> {
    let frames = FPS * SECONDS;
    let backdrop = scene::yard();
    let mut noise = Random::new(2026);
    let mut bytes = Vec::with_capacity(WIDTH * HEIGHT * 3 / 2);
    let mut sightings = vec![Vec::new(); actors::PASSAGES.len()];
    for frame in 0..frames {
        let second = frame as f32 / FPS as f32;
        let mut canvas = backdrop.clone();
        for (passage, seen) in actors::PASSAGES.iter().zip(&mut sightings) {
            if passage.draw(&mut canvas, second) >= SEEN_PIXELS {
                seen.push(frame);
            }
        }
        let light = 1.0 + LIGHT.0 * (second / LIGHT.1 * std::f32::consts::TAU).sin();
        canvas.write_i420(light, || noise.normal() * NOISE, &mut bytes);
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

fn movements(sightings: &[Vec<u32>], fps: f64) -> Vec<Movement> {
    let second = |frame: u32| f64::from(frame) / fps;
    let seen = actors::PASSAGES.iter().zip(sightings);
    seen.filter_map(|(passage, frames)| {
        Some(Movement {
            start: second(*frames.first()?),
            end: second(*frames.last()? + 1),
            what: passage.what.to_owned(),
        })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_list_of_movements_keeps_its_promises() {
        let truth = Truth::read(&truth_file()).unwrap();
        let movements = &truth.movements;
        assert!(movements.len() >= 8);
        assert!(
            movements.first().unwrap().start >= 8.0,
            "the detector needs time to learn the scene"
        );
        assert!(movements.last().unwrap().end <= truth.seconds - 6.0);
        for pair in movements.windows(2) {
            assert!(pair[1].start - pair[0].end >= 6.0, "{pair:?} stand too close");
        }
        for movement in movements {
            let length = movement.end - movement.start;
            assert!((1.5..=4.0).contains(&length), "{movement:?} lasts {length} s");
        }
    }

    #[test]
    fn the_scene_is_the_same_each_time_it_is_drawn() {
        let frame = || {
            let mut canvas = scene::yard();
            let seen = actors::PASSAGES[1].draw(&mut canvas, 22.5);
            let mut noise = Random::new(2026);
            let mut bytes = Vec::new();
            canvas.write_i420(1.0, || noise.normal(), &mut bytes);
            (seen, bytes)
        };
        assert!(frame().0 > 1000);
        assert_eq!(frame(), frame());
    }
}
