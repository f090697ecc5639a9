//! Streets one after the other as a clip, and what is seen in it.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::scene::{Scene, Sight};
use super::traffic::{OTHERS, fill, trucks};
use super::truth::{Seen, StreetTruth};
use super::view::Look;
use super::weather::Weather;
use crate::clip::canvas::{HEIGHT, WIDTH};
use crate::clip::encoder::Encoder;
use crate::clip::random::Random;

/// A part of a film: one street, in one weather.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) seed: u64,
    pub(crate) weather: Weather,
    pub(crate) trucks: usize,
    /// Seconds without a truck before each of them, at least and at most.
    pub(crate) pause: (f32, f32),
}

impl Part {
    /// The street with its traffic, how long it is shown, and chance for the noise of the camera.
    pub(super) fn scene(&self) -> (Scene, f32, Random) {
        let mut random = Random::new(self.seed);
        let mut scene = Scene::new(Look::HeldOut, self.weather, &mut random);
        let (own, seconds) = trucks(&scene.view, self.trucks, self.pause, &mut random);
        scene.passages = fill(&scene.view, &OTHERS, own, seconds, &mut random);
        (scene, seconds, random)
    }
}

/// Draws and encodes the parts, and says who passes.
///
/// # Errors
/// Without `ffmpeg`, or when it fails.
pub(crate) fn film(parts: &[Part], encoder: Encoder, path: &Path) -> Result<StreetTruth> {
    let encoder = Encoder {
        pixels: "rgb24",
        ..encoder
    };
    encoder.encode(path, |out| {
        let mut truth = StreetTruth::new(encoder.fps);
        let mut frame = Vec::new();
        for part in parts {
            let (scene, seconds, mut noise) = part.scene();
            let frames = (seconds * encoder.fps as f32).round() as u32;
            let mut log = Log::new(&scene, &truth);
            for number in 0..frames {
                let second = number as f32 / encoder.fps as f32;
                let sights = scene.draw(second, &mut noise, &mut frame);
                log.note(number, &sights);
                out.write_all(&frame)
                    .context("ffmpeg took no more frames; its own message stands above")?;
            }
            let seen = log.end();
            truth.add(seen, frames);
        }
        Ok(truth)
    })
}

/// Who was seen so far.
struct Log<'a> {
    scene: &'a Scene,
    fps: f64,
    /// Where in the film this part begins.
    begin: f64,
    seen: Vec<Option<(Seen, usize)>>,
}

impl<'a> Log<'a> {
    fn new(scene: &'a Scene, before: &StreetTruth) -> Self {
        Self {
            scene,
            fps: f64::from(before.fps),
            begin: before.seconds,
            seen: vec![None; scene.passages.len()],
        }
    }

    fn note(&mut self, frame: u32, sights: &[Sight]) {
        let at = self.begin + f64::from(frame) / self.fps;
        for sight in sights {
            let (Some(slot), Some(passage)) = (
                self.seen.get_mut(sight.passage),
                self.scene.passages.get(sight.passage),
            ) else {
                continue;
            };
            let (seen, largest) = slot.get_or_insert_with(|| {
                let seen = Seen {
                    class: sight.class,
                    what: passage.body.what.clone(),
                    start: at,
                    end: at,
                    best: at,
                    area: [0.0; 4],
                };
                (seen, 0)
            });
            seen.end = at + 1.0 / self.fps;
            if sight.pixels > *largest {
                (*largest, seen.best, seen.area) = (sight.pixels, at, area(sight));
            }
        }
    }

    fn end(self) -> Vec<Seen> {
        self.seen.into_iter().flatten().map(|(seen, _)| seen).collect()
    }
}

/// Left, top, width and height in parts of the picture.
fn area(sight: &Sight) -> [f64; 4] {
    let [left, top, right, bottom] = sight.corners.map(f64::from);
    let (width, height) = (WIDTH as f64, HEIGHT as f64);
    [
        left / width,
        top / height,
        (right - left) / width,
        (bottom - top) / height,
    ]
}

#[cfg(test)]
mod tests {
    use super::super::bodies::Class;
    use super::*;

    #[test]
    fn each_truck_is_seen_once_and_quiet_lies_between_two() {
        let part = Part {
            seed: 5,
            weather: Weather::Overcast,
            trucks: 3,
            pause: (8.0, 9.0),
        };
        let (scene, seconds, mut noise) = part.scene();
        let mut truth = StreetTruth::new(2);
        let mut log = Log::new(&scene, &truth);
        let frames = (seconds * 2.0) as u32;
        let mut frame = Vec::new();
        for number in 0..frames {
            log.note(number, &scene.draw(number as f32 / 2.0, &mut noise, &mut frame));
        }
        let seen = log.end();
        truth.add(seen, frames);
        let trucks: Vec<&Seen> = truth.of(Class::Truck).collect();
        assert_eq!(trucks.len(), 3);
        for pair in trucks.windows(2) {
            assert!(pair[1].start - pair[0].end >= 8.0, "{pair:?}");
        }
        assert!(truth.passages.len() > 6);
        assert!(
            trucks
                .iter()
                .all(|truck| truck.area[2] > 0.05 && truck.best < truck.end)
        );
    }
}
