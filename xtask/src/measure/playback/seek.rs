//! How long it takes from a seek until its first picture is shown, in Chromium with hls.js, in a recording of a day; beside nginx, which
//! has the same playlists and the same files of media, in turns with it and at the same places.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use super::archive::{Archive, Camera};
use super::nginx::Nginx;
use super::{browser, http, quantile};
use crate::measure::recordings::{STORE, files};
use crate::measure::serve::Host;
use crate::measure::{Context, Reading, fresh_folder, median};
use crate::project;

/// Times of nginx.
pub(in crate::measure) const GOAL: f64 = 2.0;
const SEEKS: usize = 60;
const PART: f64 = 0.95;
const DAY_S: u64 = 86_400;
const LIBRARY: &str = "host/console/vendor/hls.min.mjs";
/// What the host calls the video of a segment behind its name, and what its store does.
const VIDEO: &str = ".video.m4s";
const STORED: &str = ".m4s";

/// What the script prints.
#[derive(Debug, Deserialize)]
struct Found {
    sides: [Side; 2],
}

/// Milliseconds of one server.
#[derive(Debug, Deserialize)]
struct Side {
    /// From the request for the playlist to the first picture.
    first: f64,
    seeks: Vec<f64>,
}

/// Seeks [`SEEKS`] times, or as often as asked.
///
/// # Errors
/// When something does not run, or no picture is shown.
pub(in crate::measure) fn run(context: &Context) -> Result<Reading> {
    let seeks = context.rounds.unwrap_or(SEEKS);
    // Before anything is made that takes long.
    let seed = context.chance().next() >> 32;
    let folder = fresh_folder("seek")?;
    let state = folder.join("state");
    let binary = context.host()?;
    let archive = Archive::record(context, &state, &Camera::Small.clip(&folder)?, DAY_S)?;
    let host = Host::start(&binary, &state)?;
    let root = folder.join("static");
    copy(&host, &archive, &state, &root)?;
    let nginx = Nginx::start(&folder.join("nginx"), &root)?;
    let playlist = |address| {
        format!(
            "http://{address}/assets/{}/index.m3u8?{}",
            archive.asset,
            archive.stretch()
        )
    };
    let arguments = [
        "--seconds".to_owned(),
        DAY_S.to_string(),
        "--seeks".to_owned(),
        seeks.to_string(),
        "--seed".to_owned(),
        seed.to_string(),
        playlist(host.address()),
        playlist(nginx.address),
    ];
    let Found {
        sides: [ours, theirs],
    } = browser::run("seek.py", &arguments)?;
    drop((host, nginx));
    // Gigabytes.
    std::fs::remove_dir_all(&folder)?;
    reading(&archive, &ours, &theirs)
}

/// What the host says, as files below the same paths: its playlists as they are, media as links to the files of its store.
fn copy(host: &Host, archive: &Archive, state: &Path, root: &Path) -> Result<()> {
    let base = format!("/assets/{}", archive.asset);
    let folder = root.join("assets").join(&archive.asset);
    std::fs::create_dir_all(folder.join("media"))?;
    std::fs::create_dir_all(root.join("console"))?;
    std::fs::copy(project::root().join(LIBRARY), root.join("console/hls.js"))?;
    std::fs::write(root.join("livez"), "{}")?;
    let mut video = String::new();
    for name in ["index.m3u8", "video.m3u8"] {
        video = http::text(host.address(), &format!("{base}/{name}?{}", archive.stretch()))?;
        std::fs::write(folder.join(name), &video)?;
    }
    let init = video
        .split("#EXT-X-MAP:URI=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    let init = init.context("the playlist names no init segment")?;
    std::fs::write(
        folder.join(init),
        http::bytes(host.address(), &format!("{base}/{init}"))?,
    )?;
    for file in files(&state.join(STORE).join(&archive.asset), &[])? {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        if let Some(stem) = name.strip_suffix(STORED) {
            let link = folder.join("media").join(format!("{stem}{VIDEO}"));
            std::fs::hard_link(&file, &link)?;
        }
    }
    same(host, &base, &folder, &video)
}

/// Whether the links are what the host gives: the first and the last.
fn same(host: &Host, base: &str, folder: &Path, playlist: &str) -> Result<()> {
    let names: Vec<&str> = playlist.lines().filter(|line| line.ends_with(VIDEO)).collect();
    for name in [names.first(), names.last()] {
        let name = name.context("the playlist names no media")?;
        let given = http::bytes(host.address(), &format!("{base}/{name}"))?;
        if std::fs::read(folder.join(name))? != given {
            bail!("{name} is not the file that the store has");
        }
    }
    Ok(())
}

fn reading(archive: &Archive, ours: &Side, theirs: &Side) -> Result<Reading> {
    if ours.seeks.len() != theirs.seeks.len() {
        bail!(
            "{} seeks on our side, {} on the other",
            ours.seeks.len(),
            theirs.seeks.len()
        );
    }
    let (slow, their_slow) = (quantile(&ours.seeks, PART)?, quantile(&theirs.seeks, PART)?);
    Ok(Reading {
        value: slow / their_slow,
        against: format!(
            "nginx with the same playlists and files, in turns with it; {} seeks of each in {} segments of {:.0} kbit/s; p95 {slow:.0} ms \
             to {their_slow:.0} ms, median {:.0} ms to {:.0} ms; first picture of all {:.0} ms to {:.0} ms",
            ours.seeks.len(),
            archive.segments,
            archive.bytes as f64 * 8e-3 / DAY_S as f64,
            median(&ours.seeks)?,
            median(&theirs.seeks)?,
            ours.first,
            theirs.first
        ),
        samples: ours.seeks.clone(),
        ..Reading::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(seeks: &[f64]) -> Side {
        Side {
            first: 500.0,
            seeks: seeks.to_vec(),
        }
    }

    #[test]
    fn the_figure_compares_what_is_slow_on_either_side() {
        let archive = Archive::default();
        let one = reading(&archive, &side(&[10.0, 30.0]), &side(&[20.0, 10.0])).unwrap();
        assert_eq!(one.value, 1.5);
        assert!(reading(&archive, &side(&[1.0]), &side(&[])).is_err());
    }
}
