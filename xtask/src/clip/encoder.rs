//! From frames to a file, by Debian's `ffmpeg`.

use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::canvas::{HEIGHT, WIDTH};

const GOP_SECONDS: u32 = 2;

/// How a clip is encoded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Encoder {
    /// Frames a second.
    pub(crate) fps: u32,
    /// What ffmpeg calls the frames that it is given.
    pub(crate) pixels: &'static str,
    /// What x264 calls its care, and how coarse the picture may become: more is coarser.
    pub(crate) preset: &'static str,
    pub(crate) crf: u32,
    /// Seconds from a keyframe to the next.
    pub(crate) gop_s: u32,
    /// With a tone of so many seconds.
    pub(crate) tone: Option<u32>,
}

impl Encoder {
    /// Planar 4:2:0 to a good picture.
    pub(crate) fn new(fps: u32) -> Self {
        Self {
            fps,
            pixels: "yuv420p",
            preset: "slow",
            crf: 24,
            gop_s: GOP_SECONDS,
            tone: None,
        }
    }

    /// Encodes what `draw` writes, and gives what it gives.
    ///
    /// # Errors
    /// Without `ffmpeg`, when it fails, or when `draw` does.
    pub(crate) fn encode<T>(
        &self,
        path: &Path,
        draw: impl FnOnce(&mut ChildStdin) -> Result<T>,
    ) -> Result<T> {
        let mut ffmpeg = self.start(path)?;
        let mut input = ffmpeg.stdin.take().context("ffmpeg has no standard input")?;
        let drawn = draw(&mut input);
        drop(input);
        let status = ffmpeg.wait()?;
        if !status.success() {
            bail!("ffmpeg could not encode the clip ({status}); its own message stands above");
        }
        drawn
    }

    fn start(&self, path: &Path) -> Result<Child> {
        let mut command = Command::new("ffmpeg");
        command.args(["-hide_banner", "-loglevel", "error", "-y"]);
        command.args(["-f", "rawvideo", "-pix_fmt", self.pixels]);
        command.args(["-video_size", &format!("{WIDTH}x{HEIGHT}")]);
        command.args(["-framerate", &self.fps.to_string(), "-i", "pipe:0"]);
        if let Some(seconds) = self.tone {
            let tone = format!("sine=frequency=220:sample_rate=48000:duration={seconds}");
            command.args(["-f", "lavfi", "-i", &tone, "-af", "volume=0.05"]);
        }
        command.args(["-c:v", "libx264", "-preset", self.preset, "-profile:v", "main"]);
        command.args(["-pix_fmt", "yuv420p", "-crf", &self.crf.to_string()]);
        // One thread, no B-frames, a fixed GOP: the file depends on nothing but the frames and the encoder.
        let gop = (self.fps * self.gop_s).to_string();
        command.args(["-threads", "1", "-bf", "0", "-g", &gop, "-keyint_min", &gop]);
        command.args(["-sc_threshold", "0"]);
        if self.tone.is_some() {
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
            let hint = "hint: install it with `apt-get install ffmpeg`";
            anyhow::anyhow!("`ffmpeg` (with libx264) could not be started: {error}\n{hint}")
        })
    }
}
