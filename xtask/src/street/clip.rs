//! `cargo xtask street clip`: draws the clip that the demo's camera plays, and writes down who passes in it.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::bodies::Class;
use super::film::{Part, film};
use super::weather::Weather;
use crate::clip::encoder::Encoder;
use crate::project;

const FPS: u32 = 15;
/// A street that shows much: oblique, with trucks of all kinds, and much else.
const PART: Part = Part {
    seed: 4_000_004,
    weather: Weather::Clear,
    trucks: 8,
    pause: (8.1, 8.8),
};

/// Draw the demo's clip anew (needs Debian's ffmpeg).
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Another street than the demo's, to look at; goes into the folder `--out`.
    #[arg(long, requires = "out")]
    seed: Option<u64>,
    /// The folder; without, that of the tests' clips.
    #[arg(long)]
    out: Option<PathBuf>,
}

fn folder() -> PathBuf {
    project::root().join("tests/fixtures/clips")
}

/// Where the clip is kept.
pub(crate) fn file() -> PathBuf {
    folder().join("street.mp4")
}

/// Where the list of who passes is kept.
pub(crate) fn truth_file() -> PathBuf {
    folder().join("street.truth.json")
}

/// Draws, encodes and writes both files.
///
/// # Errors
/// Without `ffmpeg`, or when it fails.
pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let folder = arguments.out.clone().unwrap_or_else(folder);
    std::fs::create_dir_all(&folder)?;
    let part = Part {
        seed: arguments.seed.unwrap_or(PART.seed),
        ..PART
    };
    let path = folder.join("street.mp4");
    let encoder = Encoder {
        crf: 29,
        ..Encoder::new(FPS)
    };
    let truth = film(&[part], encoder, &path)?;
    truth.write(&folder.join("street.truth.json"))?;
    println!(
        "{}: {} bytes, {:.0} s, {} trucks among {} who pass",
        path.display(),
        std::fs::metadata(&path)?.len(),
        truth.seconds,
        truth.of(Class::Truck).count(),
        truth.passages.len()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::truth::StreetTruth;
    use super::*;

    #[test]
    fn the_committed_list_keeps_its_promises() {
        let truth = StreetTruth::read(&truth_file()).unwrap();
        assert!((90.0..=130.0).contains(&truth.seconds), "{}", truth.seconds);
        let trucks: Vec<_> = truth.of(Class::Truck).collect();
        assert!((8..=10).contains(&trucks.len()));
        for pair in trucks.windows(2) {
            assert!(pair[1].start - pair[0].end >= 8.0, "{pair:?} follow too close");
        }
        assert!(trucks.last().unwrap().end <= truth.seconds - 8.0);
        for class in [Class::Car, Class::Van, Class::Bus, Class::Person, Class::Bicycle] {
            assert!(truth.of(class).count() >= 3, "there are few of {class:?}");
        }
        assert!(std::fs::metadata(file()).unwrap().len() <= 2_500_000);
    }
}
