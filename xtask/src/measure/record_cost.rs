//! What recording costs, beside `ffmpeg -c copy -f hls` recording the same camera at the same time.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::usage::{self, Usage};
use super::{Besides, Context, Reading, median};
use crate::demo::{check_assets, start_camera_on};
use crate::process::Guard;
use crate::project;

const RUNS: usize = 3;
/// How long each run records.
const SECONDS: u64 = 60;
/// How long a recorder may take to end.
const END: Duration = Duration::from_secs(30);
/// How much of the time our recording must hold, or the figure would be that of a recorder that did not record.
const RECORDED_PART: f64 = 0.9;
/// Resident memory, in units of 1,000,000 bytes.
const MEMORY_GOAL_MB: f64 = 15.0;
/// From any picture to one of 1080p30.
pub(super) const LARGE: &str = "scale=1920:1080:flags=bicubic,fps=30,noise=alls=7:allf=t:all_seed=1";
const SOURCE: &str = "media/parking-lot-cars.mp4";

/// Measures `RUNS` times.
///
/// # Errors
/// When something is missing, does not run or did not record.
pub(super) fn run(context: &Context) -> Result<Reading> {
    let source = context.corpus_file(SOURCE)?;
    let folder = project::target_directory()?.join("measure/record-cost");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    let clip = folder.join("camera.mp4");
    eprintln!("making a clip of 1080p30 and 4 Mbit/s");
    make_clip(&source, &clip)?;
    let host = context.host()?;
    let (_camera, url) = start_camera_on(&host, &clip)?;
    let mut ours = Vec::new();
    let mut theirs = Vec::new();
    for run in 1..=RUNS {
        eprintln!("recording for {SECONDS} s, run {run} of {RUNS}");
        let (a, b) = side_by_side(&host, &url, &folder.join(format!("run{run}")))?;
        ours.push(a);
        theirs.push(b);
    }
    reading(&ours, &theirs)
}

fn reading(ours: &[Usage], theirs: &[Usage]) -> Result<Reading> {
    let samples: Vec<f64> = ours.iter().zip(theirs).map(|(a, b)| a.cpu_s / b.cpu_s).collect();
    if samples.iter().any(|sample| !sample.is_finite()) {
        bail!("`ffmpeg` used no CPU time: it cannot have recorded");
    }
    let cpu = |usages: &[Usage]| median(&usages.iter().map(|usage| usage.cpu_s).collect::<Vec<_>>());
    let peak = |usages: &[Usage]| usages.iter().map(|usage| usage.peak_mb).fold(0.0, f64::max);
    let memory = peak(ours);
    Ok(Reading {
        value: median(&samples)?,
        against: format!(
            "ffmpeg -c copy -f hls: {:.2} CPU s and {:.1} MB for {SECONDS} s of video; ours: {:.2} CPU s",
            cpu(theirs)?,
            peak(theirs),
            cpu(ours)?
        ),
        samples,
        besides: vec![Besides {
            name: "highest memory",
            value: memory,
            unit: "MB",
            goal: MEMORY_GOAL_MB,
            met: memory < MEMORY_GOAL_MB,
        }],
    })
}

/// Both record the same camera for the same time, then both are asked to end.
fn side_by_side(host: &Path, url: &str, folder: &Path) -> Result<(Usage, Usage)> {
    std::fs::create_dir_all(folder.join("ffmpeg"))?;
    let state = folder.join("ours");
    let mut ours = start_ours(host, url, &state)?;
    let mut ffmpeg = start_ffmpeg(url, &folder.join("ffmpeg"))?;
    std::thread::sleep(Duration::from_secs(SECONDS));
    for recorder in [&mut ours, &mut ffmpeg] {
        if let Some(status) = recorder.poll()? {
            bail!(
                "a recorder ended early ({status}); see the logs in {}",
                folder.display()
            );
        }
        recorder.interrupt()?;
    }
    let (a, b) = std::thread::scope(|scope| {
        let (first, second) = (ours.id(), ffmpeg.id());
        let other = scope.spawn(move || usage::until_end(second, END));
        (usage::until_end(first, END), other.join())
    });
    let b = b.map_err(|_| anyhow::anyhow!("the thread that watched `ffmpeg` panicked"))?;
    let status = ours.wait(END)?;
    if !status.success() {
        bail!(
            "our recorder ended with {status}; see the logs in {}",
            folder.display()
        );
    }
    ffmpeg.wait(END)?;
    recorded(host, &state)?;
    Ok((a?, b?))
}

/// Makes sure that what was measured was a recording.
fn recorded(host: &Path, state: &Path) -> Result<()> {
    let clips = check_assets(host, state)?;
    if let Some(problem) = clips.iter().flat_map(|clip| &clip.problems).next() {
        bail!("our recording is broken: {problem}");
    }
    let seconds: f64 = clips.iter().map(|clip| clip.seconds).sum();
    if seconds < RECORDED_PART * SECONDS as f64 {
        bail!("our recording holds {seconds:.1} s of {SECONDS} s");
    }
    Ok(())
}

fn start_ours(host: &Path, url: &str, state: &Path) -> Result<Guard> {
    let mut command = Command::new(host);
    project::configure(&mut command)
        .arg("run")
        .arg(topology())
        .args(["-p", &format!("rtspUrl={url}")]);
    command.arg("--state-dir").arg(state).args(["--instance", "cost"]);
    logged(&mut command, state)?;
    Guard::spawn("our recorder", &mut command)
}

pub(super) fn start_ffmpeg(url: &str, folder: &Path) -> Result<Guard> {
    let mut command = Command::new("ffmpeg");
    command.args([
        "-hide_banner",
        "-nostdin",
        "-loglevel",
        "warning",
        "-rtsp_transport",
        "tcp",
        "-i",
        url,
    ]);
    command.args([
        "-c",
        "copy",
        "-f",
        "hls",
        "-hls_time",
        "30",
        "-hls_segment_type",
        "fmp4",
        "-hls_list_size",
        "0",
    ]);
    command.arg(folder.join("index.m3u8"));
    logged(&mut command, folder)?;
    Guard::spawn("ffmpeg", &mut command)
}

fn logged(command: &mut Command, beside: &Path) -> Result<()> {
    let log = std::fs::File::create(beside.with_extension("log"))?;
    command.stdout(Stdio::from(log.try_clone()?)).stderr(log);
    Ok(())
}

fn topology() -> PathBuf {
    project::root().join("xtask/src/measure/record-cost.topology.json")
}

/// A minute of a clip, enlarged to 1080p30 of 4 Mbit/s; the noise keeps the encoder at its rate.
pub(super) fn make_clip(source: &Path, clip: &Path) -> Result<()> {
    make_clip_of(source, clip, LARGE, 60, "4M", SECONDS)
}

/// Some seconds of a clip through a filter, with so many pictures from a keyframe to the next and so many bits a second.
pub(super) fn make_clip_of(
    source: &Path,
    clip: &Path,
    filter: &str,
    gop: u32,
    rate: &str,
    seconds: u64,
) -> Result<()> {
    let mut command = Command::new("ffmpeg");
    command.args([
        "-hide_banner",
        "-loglevel",
        "error",
        "-nostdin",
        "-y",
        "-stream_loop",
        "-1",
        "-i",
    ]);
    command.arg(source).args(["-t", &seconds.to_string(), "-an"]);
    command.args(["-vf", filter]);
    command.args([
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
        "-profile:v",
        "high",
        "-pix_fmt",
        "yuv420p",
    ]);
    let gop = gop.to_string();
    command.args(["-bf", "0", "-g", &gop, "-keyint_min", &gop, "-sc_threshold", "0"]);
    command.args(["-b:v", rate, "-maxrate", rate, "-bufsize", rate]);
    command.args(["-movflags", "+faststart"]);
    let status = command
        .arg(clip)
        .status()
        .context("cannot run `ffmpeg`\nhint: apt-get install ffmpeg")?;
    if !status.success() {
        bail!("`ffmpeg` could not make the clip ({status})");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(cpu_s: f64, peak_mb: f64) -> Usage {
        Usage { cpu_s, peak_mb }
    }

    #[test]
    fn the_figure_is_the_median_of_the_ratios_and_the_highest_memory() {
        let ours = [usage(1.0, 9.0), usage(2.0, 16.0), usage(1.5, 10.0)];
        let reading = reading(&ours, &[usage(4.0, 50.0); 3]).unwrap();
        assert_eq!((reading.value, reading.samples), (0.375, vec![0.25, 0.5, 0.375]));
        assert_eq!((reading.besides[0].value, reading.besides[0].met), (16.0, false));
    }

    #[test]
    fn a_peer_that_did_nothing_is_no_peer() {
        assert!(reading(&[usage(1.0, 9.0)], &[usage(0.0, 50.0)]).is_err());
    }
}
