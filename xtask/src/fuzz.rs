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
    /// Components: loading them, calling them, and what they answer.
    Component,
}

impl Target {
    fn name(self) -> &'static str {
        match self {
            Self::Topology => "topology",
            Self::Component => "component",
        }
    }
}

/// Instrumentation as `cargo fuzz` asks for it. Not for the machine that builds, hence `--target`.
const INSTRUMENTATION: [&str; 7] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
    "--cfg=fuzzing",
];
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
    match arguments.target {
        Target::Topology => seed(&corpus)?,
        // It makes components of anything.
        Target::Component => {}
    }
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
        .env("CARGO_ENCODED_RUSTFLAGS", INSTRUMENTATION.join("\u{1f}"))
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
fn seed(corpus: &Path) -> Result<()> {
    let folder = project::root().join("topologies");
    for entry in std::fs::read_dir(&folder)? {
        let from = entry?.path().join("topology.json");
        if let (true, Some(name)) = (from.is_file(), from.parent().and_then(Path::file_name)) {
            std::fs::copy(&from, corpus.join(name))?;
        }
    }
    Ok(())
}
