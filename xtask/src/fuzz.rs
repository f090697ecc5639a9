//! `cargo xtask fuzz`: what strangers send, by the million. Not part of `cargo xtask test`: it has no end.
//!
//! libFuzzer needs the compiler's coverage instrumentation, which the stable toolchain has; only the sanitizers want
//! another one, and the host has no `unsafe` of its own.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};

use crate::project;

/// Look for input that breaks the host (libFuzzer; needs a C++ compiler).
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// What to feed.
    #[arg(value_enum)]
    target: Target,
    /// How long to look.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

/// What can be fed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Target {
    /// Topologies and values of parameters.
    Topology,
    /// What a camera answers and sends.
    Rtsp,
    /// How a camera describes its streams.
    Sdp,
    /// H.264.
    Decoder,
    /// Components: loading them, calling them, and what they answer.
    Component,
}

impl Target {
    fn name(self) -> &'static str {
        match self {
            Self::Topology => "topology",
            Self::Rtsp => "rtsp",
            Self::Sdp => "sdp",
            Self::Decoder => "decoder",
            Self::Component => "component",
        }
    }
}

/// A conversation, as cameras answer.
const ANSWER: &[u8] =
    b"\0RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\nWWW-Authenticate: Digest realm=\"x\", nonce=\"y\"\r\n\r\n";
/// A sender report, and a whole IDR slice in a packet, interleaved.
const PACKETS: &[u8] = b"\x01$\x01\0\x1c\x80\xc8\0\x06\0\0\x12g\xea\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
$\0\0\x14\x80\xe0\0\x01\0\0\0\0\0\0\x12ge\x88\x84\0\x10\xff\xfe\xf6";
/// A description with picture and sound.
const SDP: &[u8] = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n\
a=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z2QACqzZRCbARAAAAwAEAAADAMg8SJZY,aOvjyyLA\r\na=control:track0\r\n\
m=audio 0 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=control:track1\r\n";

impl Target {
    /// Where it starts.
    fn seed(self, corpus: &Path) -> Result<()> {
        match self {
            Self::Topology => topologies(corpus),
            Self::Rtsp => {
                std::fs::write(corpus.join("answer"), ANSWER)?;
                Ok(std::fs::write(corpus.join("packets"), PACKETS)?)
            }
            Self::Sdp => Ok(std::fs::write(corpus.join("sdp"), SDP)?),
            Self::Decoder => streams(corpus),
            // It makes components of anything.
            Self::Component => Ok(()),
        }
    }
}

/// Small streams with what encoders of cameras use.
fn streams(corpus: &Path) -> Result<()> {
    for profile in ["baseline", "main", "high"] {
        let status = std::process::Command::new("ffmpeg")
            .args([
                "-v",
                "error",
                "-y",
                "-f",
                "lavfi",
                "-i",
                "testsrc2=size=64x48:rate=5",
                "-frames:v",
                "6",
            ])
            .args([
                "-c:v",
                "libx264",
                "-pix_fmt",
                "yuv420p",
                "-profile:v",
                profile,
                "-g",
                "3",
            ])
            .arg(corpus.join(format!("{profile}.h264")))
            .status()
            .context("ffmpeg makes what the fuzzer starts with; it cannot be started")?;
        if !status.success() {
            bail!("ffmpeg cannot make a stream of the profile `{profile}`");
        }
    }
    Ok(())
}

/// The longest that one input may take, in seconds: far above what any takes, so that only a jump in cost is found.
const INPUT_SECONDS: u32 = 5;
/// Somewhat above `topology::limits::MAX_DOCUMENT_BYTES` would be slow to mutate; structure is what matters.
const MAX_INPUT_BYTES: u32 = 64 << 10;

/// Builds the target and runs it for a while; what it finds stays in `target/fuzz/NAME/findings`.
///
/// # Errors
/// When it cannot be built, or something was found.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    project::ensure_component_target()?;
    let name = arguments.target.name();
    let folder = project::target_directory()?.join("fuzz");
    let program = build(name, &folder)?;
    let corpus = folder.join(name).join("corpus");
    let findings = folder.join(name).join("findings");
    for made in [&corpus, &findings] {
        std::fs::create_dir_all(made).with_context(|| format!("cannot make {}", made.display()))?;
    }
    arguments.target.seed(&corpus)?;
    let status = std::process::Command::new(program)
        .arg(&corpus)
        .arg(format!("-max_total_time={}", arguments.seconds))
        .arg(format!("-timeout={INPUT_SECONDS}"))
        .arg(format!("-max_len={MAX_INPUT_BYTES}"))
        .arg(format!("-artifact_prefix={}/", findings.display()))
        .args(["-print_final_stats=1", "-verbosity=1"])
        .status()?;
    if !status.success() {
        bail!("something was found; the input stands in {}", findings.display());
    }
    Ok(())
}

fn build(name: &str, folder: &Path) -> Result<PathBuf> {
    let target = host_target()?;
    let status = project::cargo()
        .args(["build", "--release", "--locked", "--manifest-path"])
        .arg(project::root().join("fuzz/Cargo.toml"))
        .args(["--bin", name, "--target", &target, "--target-dir"])
        .arg(folder)
        .env("RUSTC_WRAPPER", project::root().join("fuzz/instrument.sh"))
        .status()?;
    if !status.success() {
        bail!("the fuzz target `{name}` does not build");
    }
    Ok(folder.join(target).join("release").join(name))
}

fn host_target() -> Result<String> {
    let output = std::process::Command::new("rustc").arg("-vV").output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("host: "));
    line.map(str::to_owned)
        .context("`rustc -vV` does not name the machine's target")
}

/// The project's own topologies are where it starts.
fn topologies(corpus: &Path) -> Result<()> {
    let folder = project::root().join("topologies");
    for entry in std::fs::read_dir(&folder)? {
        let from = entry?.path().join("topology.json");
        if let (true, Some(name)) = (from.is_file(), from.parent().and_then(Path::file_name)) {
            std::fs::copy(&from, corpus.join(name))?;
        }
    }
    Ok(())
}
