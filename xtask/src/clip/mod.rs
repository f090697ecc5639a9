//! `cargo xtask clip`: draws the clip that the demo's camera plays, and writes down what moves in it.
//!
//! Everything is decided by constants, so the same frames come out on every run. Only the encoding is left to
//! Debian's `ffmpeg`; with the same version of it, the file is the same too.

mod actors;
mod canvas;
mod random;
mod scene;
pub(crate) mod truth;
pub(crate) mod weather;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context as _, Result, bail};

use self::canvas::{HEIGHT, WIDTH};
use self::random::Random;
use self::truth::{Movement, Truth};
use crate::project;

const FPS: u32 = 25;
const SECONDS: u32 = 93;
const GOP_SECONDS: u32 = 2;
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
    let mut encoder = start_encoder(&path, FPS, Some(SECONDS))?;
    let stdin = encoder.stdin.take().context("ffmpeg has no standard input")?;
    let drawn = render(stdin);
    let status = encoder.wait()?;
    if !status.success() {
        bail!("ffmpeg could not encode the clip ({status}); its own message stands above");
    }
    let truth = drawn?;
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
fn render(mut out: ChildStdin) -> Result<Truth> {
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

/// With a tone of so many seconds, if any.
fn start_encoder(path: &Path, fps: u32, tone: Option<u32>) -> Result<Child> {
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-loglevel", "error", "-y"]);
    command.args(["-f", "rawvideo", "-pix_fmt", "yuv420p"]);
    command.args([
        "-video_size",
        &format!("{WIDTH}x{HEIGHT}"),
        "-framerate",
        &fps.to_string(),
    ]);
    command.args(["-i", "pipe:0"]);
    if let Some(seconds) = tone {
        let tone = format!("sine=frequency=220:sample_rate=48000:duration={seconds}");
        command.args(["-f", "lavfi", "-i", &tone, "-af", "volume=0.05"]);
    }
    command.args([
        "-c:v",
        "libx264",
        "-preset",
        "slow",
        "-profile:v",
        "main",
        "-crf",
        "24",
    ]);
    // One thread, no B-frames, a fixed GOP: the file depends on nothing but the frames and the encoder.
    let gop = (fps * GOP_SECONDS).to_string();
    command.args([
        "-threads",
        "1",
        "-bf",
        "0",
        "-g",
        &gop,
        "-keyint_min",
        &gop,
        "-sc_threshold",
        "0",
    ]);
    if tone.is_some() {
        command.args(["-c:a", "aac", "-b:a", "32k", "-ac", "1"]);
    }
    command.args([
        "-fflags",
        "+bitexact",
        "-flags:v",
        "+bitexact",
        "-flags:a",
        "+bitexact",
    ]);
    command.args(["-map_metadata", "-1", "-movflags", "+faststart"]);
    command.arg(path).stdin(Stdio::piped());
    command.spawn().map_err(|error| {
        let hint = "hint: install it with `apt-get install ffmpeg`; only this command needs it";
        anyhow::anyhow!("`ffmpeg` (with libx264) could not be started: {error}\n{hint}")
    })
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
