//! How fast a stretch comes as a file that is made while it is sent, beside nginx, which has the same file on the disk.

use std::fs::File;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use super::archive::{Archive, Camera};
use super::http;
use super::nginx::Nginx;
use crate::measure::serve::Host;
use crate::measure::{Context, Reading, fresh_folder, median};

/// Part of nginx's speed.
pub(in crate::measure) const GOAL: f64 = 0.5;
/// Half an hour of a large picture, and six hours of a small one: about as many bytes.
const STRETCHES: [(Camera, u64); 2] = [(Camera::Large, 1_800), (Camera::Small, 6 * 3600)];
const ROUNDS: usize = 7;
const FILE: &str = "export.mp4";

/// What one stretch showed.
#[derive(Debug)]
struct Measured {
    camera: Camera,
    bytes: u64,
    /// Bytes a second, round by round.
    ours: Vec<f64>,
    theirs: Vec<f64>,
}

/// Exports both stretches [`ROUNDS`] times, or as often as asked.
///
/// # Errors
/// When something does not run, or both do not send the same.
pub(in crate::measure) fn run(context: &Context) -> Result<Reading> {
    let rounds = context.rounds.unwrap_or(ROUNDS);
    let folder = fresh_folder("export")?;
    let binary = context.host()?;
    let mut measured = Vec::new();
    for (camera, seconds) in STRETCHES {
        let state = folder.join(format!("{camera:?}"));
        let archive = Archive::record(context, &state, &camera.clip(&folder)?, seconds)?;
        measured.push(stretch(&binary, camera, &archive, &state, rounds)?);
        std::fs::remove_dir_all(&state)?;
    }
    std::fs::remove_dir_all(&folder)?;
    reading(&measured)
}

fn stretch(
    binary: &Path,
    camera: Camera,
    archive: &Archive,
    state: &Path,
    rounds: usize,
) -> Result<Measured> {
    let host = Host::start(binary, state)?;
    let root = state.join("static");
    std::fs::create_dir_all(&root)?;
    let ours = format!("/assets/{}/{FILE}?{}", archive.asset, archive.stretch());
    let bytes = save(host.address(), &ours, &root.join(FILE))?;
    if bytes < archive.bytes / 2 {
        bail!("{bytes} bytes were exported of {}", archive.bytes);
    }
    let nginx = Nginx::start(&state.join("nginx"), &root)?;
    let mut measured = Measured {
        camera,
        bytes,
        ours: Vec::new(),
        theirs: Vec::new(),
    };
    for round in 0..=rounds {
        eprintln!(
            "{}: {:.0} MB, round {round} of {rounds}",
            camera.name(),
            bytes as f64 / 1e6
        );
        let a = speed(host.address(), &ours, bytes)?;
        let b = speed(nginx.address, &format!("/{FILE}"), bytes)?;
        // The first brings what is on the disk into memory, on either side.
        if round > 0 {
            measured.ours.push(a);
            measured.theirs.push(b);
        }
    }
    Ok(measured)
}

fn save(address: SocketAddr, target: &str, path: &Path) -> Result<u64> {
    let mut file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut failed = None;
    let bytes = http::ask(address, target, None)?.read(|some| {
        failed = file.write_all(some).err();
        failed.is_none()
    })?;
    match failed {
        Some(error) => Err(error).with_context(|| format!("cannot write {}", path.display())),
        None => Ok(bytes),
    }
}

/// Bytes a second, from the connection to the last byte.
fn speed(address: SocketAddr, target: &str, bytes: u64) -> Result<f64> {
    let began = Instant::now();
    let came = http::ask(address, target, None)?.drain()?;
    if came != bytes {
        bail!("GET {target}: {came} bytes, not {bytes}");
    }
    Ok(came as f64 / began.elapsed().as_secs_f64())
}

fn reading(measured: &[Measured]) -> Result<Reading> {
    let (mut samples, mut told) = (Vec::new(), Vec::new());
    for one in measured {
        let ratios: Vec<f64> = one.ours.iter().zip(&one.theirs).map(|(a, b)| a / b).collect();
        let ratio = median(&ratios)?;
        told.push(format!(
            "{:.0} MB of {}: {:.0} MB/s to {:.0} MB/s ({ratio:.2})",
            one.bytes as f64 / 1e6,
            one.camera.name(),
            median(&one.ours)? / 1e6,
            median(&one.theirs)? / 1e6
        ));
        samples.push(ratio);
    }
    Ok(Reading {
        value: samples
            .iter()
            .copied()
            .reduce(f64::min)
            .context("nothing was measured")?,
        against: format!(
            "nginx with the exported file, in turns with it, medians of {} rounds; {}",
            measured.first().map_or(0, |one| one.ours.len()),
            told.join("; ")
        ),
        samples,
        ..Reading::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figure_is_that_of_the_slower_stretch() {
        let measured = |camera, ours: &[f64]| Measured {
            camera,
            bytes: 1,
            ours: ours.to_vec(),
            theirs: vec![10.0; ours.len()],
        };
        let both = [
            measured(Camera::Large, &[8.0, 9.0, 1.0]),
            measured(Camera::Small, &[6.0, 7.0, 5.0]),
        ];
        let reading = reading(&both).unwrap();
        assert_eq!((reading.value, reading.samples), (0.6, vec![0.8, 0.6]));
    }
}
