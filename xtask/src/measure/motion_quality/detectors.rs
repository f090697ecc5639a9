//! When a detector sees motion in a clip: ours, and what others have.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use motion_core::{MotionDetector, Sensitivity, TICKS_PER_SECOND};

use super::score::Seen;

/// What the component asks for.
const WIDTH: usize = 320;
const HEIGHT: usize = 180;
const SENSITIVITIES: [(&str, Sensitivity); 3] = [
    ("medium", Sensitivity::Medium),
    ("low", Sensitivity::Low),
    ("high", Sensitivity::High),
];
/// Pictures a second that the others are shown; 0: all.
const RATES: [u32; 3] = [0, 5, 2];
/// From 0.0005 to 0.5, each a fifth above the one before.
const SCENE_THRESHOLDS: u32 = 39;
const SENSITIVITIES_OF_CELLS: [f64; 6] = [0.3, 0.5, 0.7, 0.8, 0.9, 0.97];
const GRIDS: [u32; 2] = [10, 32];
/// Cells that must have moved.
const LEAST_CELLS: [usize; 5] = [1, 2, 4, 8, 16];

/// The frame rate of a clip.
pub(super) fn rate(clip: &Path) -> Result<f64> {
    let mut probe = Command::new("ffprobe");
    probe.args(["-v", "error", "-select_streams", "v:0"]);
    probe
        .args(["-show_entries", "stream=r_frame_rate", "-of", "csv=p=0"])
        .arg(clip);
    let text = output(&mut probe, "ffprobe")?;
    let (frames, seconds) = text
        .trim()
        .split_once('/')
        .context("ffprobe names no frame rate")?;
    Ok(frames.parse::<f64>()? / seconds.parse::<f64>()?)
}

/// What the built-in detector sees: the component gives the same bits as this crate, as a test holds.
pub(super) fn ours(clip: &Path) -> Result<Vec<Seen>> {
    let rate = rate(clip)?;
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-i"]).arg(clip);
    ffmpeg.args(["-vf", &format!("scale={WIDTH}:{HEIGHT}:flags=area,format=gray")]);
    ffmpeg
        .args(["-f", "rawvideo", "-"])
        .stdout(Stdio::piped())
        .stdin(Stdio::null());
    let mut child = ffmpeg.spawn().context("cannot start ffmpeg")?;
    let mut pictures = child.stdout.take().context("ffmpeg has no standard output")?;
    let mut detectors = Vec::new();
    for (_, sensitivity) in SENSITIVITIES {
        detectors.push(MotionDetector::new(WIDTH, HEIGHT, sensitivity)?);
    }
    let mut seen = SENSITIVITIES.map(|(name, _)| Seen {
        setting: name.to_owned(),
        times: Vec::new(),
    });
    let mut picture = vec![0; WIDTH * HEIGHT];
    let mut number = 0_u32;
    while pictures.read_exact(&mut picture).is_ok() {
        let second = f64::from(number) / rate;
        for (detector, seen) in detectors.iter_mut().zip(&mut seen) {
            if !detector
                .detect((second * TICKS_PER_SECOND as f64) as u64, &picture)?
                .is_empty()
            {
                seen.times.push(second);
            }
        }
        number += 1;
    }
    if !child.wait()?.success() || number == 0 {
        bail!("ffmpeg could not read {}", clip.display());
    }
    Ok(seen.into())
}

/// What ffmpeg's `select='gt(scene,X)'` lets through, for many X.
pub(super) fn scene(clip: &Path) -> Result<Vec<Seen>> {
    let mut all = Vec::new();
    for rate in RATES {
        let fps = if rate == 0 {
            String::new()
        } else {
            format!("fps={rate},")
        };
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "error", "-i"]).arg(clip);
        ffmpeg.args([
            "-an",
            "-vf",
            &format!("{fps}select='gte(scene,0)',metadata=print:file=-"),
        ]);
        ffmpeg.args(["-f", "null", "-"]);
        let scores = scene_scores(&output(&mut ffmpeg, "ffmpeg")?);
        if scores.is_empty() {
            bail!("ffmpeg gave no scene scores of {}", clip.display());
        }
        for step in 0..SCENE_THRESHOLDS {
            let threshold = 0.0005 * 1.2_f64.powi(step as i32);
            let above = scores.iter().filter(|(_, score)| *score > threshold);
            all.push(Seen {
                setting: format!("gt(scene,{threshold:.4}) at {}", named(rate)),
                times: above.map(|(time, _)| *time).collect(),
            });
        }
    }
    Ok(all)
}

fn named(rate: u32) -> String {
    if rate == 0 {
        "all pictures".into()
    } else {
        format!("{rate} a second")
    }
}

fn scene_scores(printed: &str) -> Vec<(f64, f64)> {
    let (mut scores, mut time) = (Vec::new(), None);
    for line in printed.lines() {
        if let Some((_, value)) = line.split_once("pts_time:") {
            time = value.trim().parse().ok();
        } else if let Some(value) = line.strip_prefix("lavfi.scene_score=")
            && let (Some(time), Ok(score)) = (time, value.trim().parse())
        {
            scores.push((time, score));
        }
    }
    scores
}

/// What GStreamer's `motioncells` reports, for many settings: all of them look at one decoding.
pub(super) fn cells(clip: &Path) -> Result<Vec<Seen>> {
    let mut all = Vec::new();
    for rate in RATES {
        let mut gst = Command::new("gst-launch-1.0");
        gst.args(["-m", "filesrc"])
            .arg(format!("location={}", clip.display()));
        gst.args(["!", "qtdemux", "!", "h264parse", "!", "avdec_h264", "!"]);
        if rate > 0 {
            gst.args(["videorate", "!", &format!("video/x-raw,framerate={rate}/1"), "!"]);
        }
        gst.args(["videoconvert", "!", "tee", "name=t"]);
        for (sensitivity, grid) in settings() {
            // Its own threshold is counted here, from the cells that it names.
            gst.args(["t.", "!", "queue", "!", "videoconvert", "!", "motioncells"]);
            gst.arg(format!("name={}", name(sensitivity, grid)));
            gst.args(["display=false", "postallmotion=true", "gap=1", "threshold=0.0001"]);
            gst.args([
                format!("sensitivity={sensitivity}"),
                format!("gridx={grid}"),
                format!("gridy={grid}"),
            ]);
            gst.args(["!", "fakesink", "sync=false"]);
        }
        let messages = output(&mut gst, "gst-launch-1.0").context(
            "GStreamer's `motioncells` did not run\nhint: it comes with Debian's package gstreamer1.0-opencv",
        )?;
        all.extend(from_messages(&messages, rate));
    }
    Ok(all)
}

fn settings() -> impl Iterator<Item = (f64, u32)> {
    SENSITIVITIES_OF_CELLS
        .into_iter()
        .flat_map(|sensitivity| GRIDS.map(|grid| (sensitivity, grid)))
}

fn name(sensitivity: f64, grid: u32) -> String {
    format!("s{}g{grid}", (sensitivity * 100.0).round())
}

fn from_messages(messages: &str, rate: u32) -> Vec<Seen> {
    let mut by_element: BTreeMap<&str, Vec<(f64, usize)>> = BTreeMap::new();
    for line in messages.lines() {
        if let Some((element, time, cells)) = moved(line) {
            by_element.entry(element).or_default().push((time, cells));
        }
    }
    let mut all = Vec::new();
    for (sensitivity, grid) in settings() {
        let moved = by_element
            .remove(name(sensitivity, grid).as_str())
            .unwrap_or_default();
        for least in LEAST_CELLS {
            let enough = moved.iter().filter(|(_, cells)| *cells >= least);
            all.push(Seen {
                setting: format!(
                    "motioncells sensitivity={sensitivity} grid={grid} with {least} cells at {}",
                    named(rate)
                ),
                times: enough.map(|(time, _)| *time).collect(),
            });
        }
    }
    all
}

/// Which element saw motion, when, and in how many cells.
fn moved(line: &str) -> Option<(&str, f64, usize)> {
    let (_, rest) = line.split_once("from element \"")?;
    let (element, rest) = rest.split_once('"')?;
    let (_, cells) = rest.split_once("motion_cells_indices=(string)")?;
    let (cells, time) = ["motion=(guint64)", "motion_begin=(guint64)"]
        .into_iter()
        .find_map(|member| cells.split_once(&format!(", {member}")))?;
    let nanoseconds: f64 = time.trim_end_matches(';').trim().parse().ok()?;
    Some((element, nanoseconds / 1e9, cells.matches(':').count()))
}

fn output(command: &mut Command, name: &str) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {name}"))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!("{name} failed ({}): {}", output.status, errors.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scores_of_ffmpeg_are_read() {
        let printed = "frame:0    pts:0       pts_time:0\nlavfi.scene_score=0.000000\n\
                       frame:1    pts:512     pts_time:0.04\nlavfi.scene_score=0.003100\n";
        assert_eq!(scene_scores(printed), [(0.0, 0.0), (0.04, 0.0031)]);
    }

    #[test]
    fn the_messages_of_motioncells_are_read() {
        let begin = "Got message #143 from element \"s50g10\" (element): motion, \
                     motion_cells_indices=(string)7:8, motion_begin=(guint64)21560000000;";
        assert_eq!(moved(begin), Some(("s50g10", 21.56, 1)));
        let more = "Got message #144 from element \"s50g10\" (element): motion, \
                    motion_cells_indices=(string)\"7:7\\,7:8\", motion=(guint64)21760000000;";
        assert_eq!(moved(more), Some(("s50g10", 21.76, 2)));
        let finished = "Got message #149 from element \"s50g10\" (element): motion, motion_finished=(guint64)23160000000;";
        assert_eq!(moved(finished), None);
    }
}
