//! Pictures and what is seen in them, for `train.py` and `evaluate.py`.
//!
//! Of each part: `NAME.rgb`, the pictures one after the other at half of their size, three bytes for each pixel; and
//! `NAME.json`, which says how many there are, how large, and for each of them its objects as
//! `[class, left, top, right, bottom, pixels]`, in its pixels.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;

use super::bodies::Class;
use super::scene::{Scene, Sight};
use super::traffic::{CROWDED, fill};
use super::view::Look;
use super::weather::Weather;
use crate::clip::canvas::{HEIGHT, WIDTH};
use crate::clip::random::Random;

/// Pictures of one street, and the seconds between them.
const OF_ONE_STREET: usize = 5;
const STEP_S: f32 = 1.7;
/// Beyond the largest seed of the training: no street is in two parts.
const SEEDS: [(&str, Look, u64); 3] = [
    ("train", Look::Training, 1_000_000),
    ("validation", Look::Training, 2_000_000),
    ("test", Look::HeldOut, 3_000_000),
];

/// Draw pictures of streets with what is seen in them.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Where they go.
    #[arg(long)]
    out: PathBuf,
    /// How many to train with; a tenth as many again to look how it goes, and as many to test with.
    #[arg(long, default_value_t = 10_000)]
    images: usize,
}

/// Class, left, top, right, bottom, and how many pixels of it are seen.
type Label = (usize, f32, f32, f32, f32, usize);

/// What a part is, for the scripts.
#[derive(Debug, Serialize)]
struct Index {
    width: usize,
    height: usize,
    classes: Vec<&'static str>,
    /// For each picture its objects.
    objects: Vec<Vec<Label>>,
}

/// Draws all parts.
///
/// # Errors
/// When a file cannot be written.
pub(super) fn run(arguments: &Arguments) -> Result<()> {
    std::fs::create_dir_all(&arguments.out)
        .with_context(|| format!("cannot make {}", arguments.out.display()))?;
    for (name, look, seed) in SEEDS {
        let images = if name == "train" {
            arguments.images
        } else {
            arguments.images / 10
        };
        part(&arguments.out, name, look, seed, images)?;
        println!("{name}: {images} pictures");
    }
    Ok(())
}

fn part(folder: &Path, name: &str, look: Look, seed: u64, images: usize) -> Result<()> {
    let path = folder.join(format!("{name}.rgb"));
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut file = BufWriter::new(file);
    let mut index = Index {
        width: WIDTH / 2,
        height: HEIGHT / 2,
        classes: Class::ALL.map(Class::name).to_vec(),
        objects: Vec::with_capacity(images),
    };
    let (mut frame, mut small) = (Vec::new(), Vec::new());
    for street in 0..images.div_ceil(OF_ONE_STREET) {
        let mut random = Random::new(seed + street as u64);
        let scene = crowded(look, &mut random);
        for picture in 0..OF_ONE_STREET.min(images - street * OF_ONE_STREET) {
            let sights = scene.draw(picture as f32 * STEP_S, &mut random, &mut frame);
            halve(&frame, &mut small);
            file.write_all(&small)?;
            index.objects.push(sights.iter().filter_map(label).collect());
        }
    }
    file.flush()?;
    let json = serde_json::to_string(&index)?;
    std::fs::write(folder.join(format!("{name}.json")), json)?;
    Ok(())
}

fn crowded(look: Look, random: &mut Random) -> Scene {
    let mut scene = Scene::new(look, random.pick(Weather::ALL), random);
    let seconds = STEP_S * OF_ONE_STREET as f32;
    // Some streets are emptier than others.
    let mut mixture = CROWDED;
    mixture.gap.1 *= random.between(0.4, 1.6);
    scene.passages = fill(&scene.view, &mixture, Vec::new(), seconds, random);
    scene
}

fn label(sight: &Sight) -> Option<Label> {
    let class = Class::ALL.iter().position(|class| *class == sight.class)?;
    let [left, top, right, bottom] = sight.corners.map(|edge| edge / 2.0);
    Some((class, left, top, right, bottom, sight.pixels / 4))
}

/// Each four pixels as one.
fn halve(frame: &[u8], out: &mut Vec<u8>) {
    const LINE: usize = WIDTH * 3;
    out.clear();
    for lines in frame.chunks_exact(2 * LINE) {
        let (upper, lower) = lines.split_at(LINE);
        for (a, b) in upper.chunks_exact(6).zip(lower.chunks_exact(6)) {
            let (one, two) = a.split_at(3);
            let (three, four) = b.split_at(3);
            let pairs = one.iter().zip(two).zip(three.iter().zip(four));
            for ((p, q), (r, s)) in pairs {
                let sum = u16::from(*p) + u16::from(*q) + u16::from(*r) + u16::from(*s);
                out.push(((sum + 2) / 4) as u8);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_the_same_objects() {
        let drawn = |seed| {
            let mut random = Random::new(seed);
            let scene = crowded(Look::Training, &mut random);
            let mut frame = Vec::new();
            let sights = scene.draw(1.0, &mut random, &mut frame);
            (frame, sights)
        };
        let one = drawn(7);
        assert_eq!(one, drawn(7));
        assert_ne!(one.0, drawn(8).0);
        assert!(!one.1.is_empty());
    }

    #[test]
    fn half_a_picture_is_the_mean_of_four_pixels() {
        let mut frame = vec![0; WIDTH * HEIGHT * 3];
        for (at, value) in [(0, 8), (3, 8), (WIDTH * 3, 4), (WIDTH * 3 + 3, 4)] {
            frame[at] = value;
        }
        let mut out = Vec::new();
        halve(&frame, &mut out);
        assert_eq!((out.len(), out[0], out[1]), (WIDTH * HEIGHT * 3 / 4, 6, 0));
    }
}
