//! `mediagraph check`: reads recordings back, sample by sample, and says whether they are sound; without a path, whether the
//! index of a stopped host and its files agree.

mod index;

use std::io::{self, Write};
use std::path::PathBuf;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{Failure, Outcome};
use crate::recording::verify::{Report, samples, verify};

/// Say whether recordings are sound, and whether the index of a stopped host and its files agree
///
/// With PATH: reads folders of assets and MP4 files back, sample by sample. Without: looks at a whole state directory, as
/// closely as `--depth` says; the host must be stopped. `--repair` puts right what it finds: what is gone becomes a gap, what
/// is unknown is taken in, what is damaged is set aside. `--rebuild` makes the index anew from the media.
///
/// Everything is checked before it ends. The exit code is 1 when something is broken or cannot be read, and not repaired.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct CheckArgs {
    /// Folders of assets, or MP4 files
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Print JSON: one object per recording, or one for the state directory
    #[arg(long)]
    pub json: bool,
    /// Print each sample with its SHA-256, too: one line of JSON per sample
    #[arg(long, requires = "paths")]
    pub samples: bool,
    /// The state directory to look at, instead of `mediagraph-state`
    #[arg(long, value_name = "DIR", conflicts_with = "paths")]
    pub state_dir: Option<PathBuf>,
    /// The configuration of the host, which says what stores there are besides the local one. Without it, the environment variable
    /// `MEDIAGRAPH_CONFIG`
    #[arg(long, value_name = "FILE", conflicts_with = "paths")]
    pub config: Option<PathBuf>,
    /// How closely files are looked at
    #[arg(long, value_enum, default_value_t, conflicts_with = "paths")]
    pub depth: index::DepthArg,
    /// Put right what is found
    #[arg(long, conflicts_with = "paths")]
    pub repair: bool,
    /// Make the index anew from the media of the local store, the cache, and the stores of `--config`
    #[arg(long, conflicts_with_all = ["paths", "repair", "depth"])]
    pub rebuild: bool,
    /// With `--rebuild`: a folder that sinks cache below (`localMediaCachePath`) and that the old index does not know
    #[arg(long, value_name = "DIR", requires = "rebuild")]
    pub cache: Vec<PathBuf>,
}

/// Checks what is named, or the state directory.
///
/// # Errors
/// When something is broken or cannot be read; all is checked first.
pub async fn run(args: CheckArgs, stop: CancellationToken) -> Outcome {
    let work = move || {
        if args.paths.is_empty() {
            index::run(&args, &stop)
        } else {
            run_to(&args, &mut io::stdout().lock())
        }
    };
    tokio::task::spawn_blocking(work).await.map_err(Failure::failed)?
}

fn run_to(args: &CheckArgs, out: &mut dyn Write) -> Outcome {
    let mut broken = Vec::new();
    for path in &args.paths {
        match verify(path) {
            Ok(report) => {
                if !report.problems.is_empty() {
                    broken.push(path.display().to_string());
                }
                finish(print(args, path, &report, out))?;
            }
            Err(error) => {
                broken.push(path.display().to_string());
                let line = if args.json {
                    json!({ "path": path, "problems": [error.to_string()] }).to_string()
                } else {
                    format!("{}: {error}", path.display())
                };
                finish(writeln!(out, "{line}"))?;
            }
        }
    }
    if broken.is_empty() {
        return Ok(());
    }
    Err(Failure::failed(format!(
        "{} of {} recordings are broken: {}",
        broken.len(),
        args.paths.len(),
        broken.join(", ")
    )))
}

/// Whoever reads the output may have heard enough.
fn finish(result: io::Result<()>) -> Outcome {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::failed(format!("cannot print: {error}")))
        }
        _ => Ok(()),
    }
}

fn print(args: &CheckArgs, path: &std::path::Path, report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if args.json {
        let mut object = serde_json::to_value(report).map_err(io::Error::other)?;
        if let Some(object) = object.as_object_mut() {
            object.insert("path".into(), json!(path));
            // For programs as for people: a moment and seconds; ticks beside them for those who count exactly.
            object.insert("start".into(), json!(report.start.iso()));
            object.insert("startTicks".into(), json!(report.start));
            object.insert("duration".into(), json!(report.duration.seconds()));
        }
        writeln!(out, "{object}")?;
    } else {
        table(path, report, out)?;
    }
    if args.samples {
        for sample in samples(path).map_err(io::Error::other)? {
            let sample = sample.map_err(io::Error::other)?;
            writeln!(
                out,
                "{}",
                serde_json::to_string(&sample).map_err(io::Error::other)?
            )?;
        }
    }
    Ok(())
}

fn table(path: &std::path::Path, report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let verdict = if report.problems.is_empty() {
        "sound"
    } else {
        "BROKEN"
    };
    writeln!(out, "{} ({}): {verdict}", path.display(), report.kind)?;
    if report.kind == "asset" {
        writeln!(out, "  start     {}", report.start)?;
    }
    writeln!(out, "  duration  {:.3} s", report.duration.seconds())?;
    writeln!(out, "  bytes     {}", report.bytes)?;
    for track in &report.tracks {
        writeln!(
            out,
            "  {:<8}  {} samples, {} sync, {} bytes, {}",
            track.kind,
            track.samples,
            track.sync_samples,
            track.bytes,
            track.codec.as_deref().unwrap_or("codec unknown")
        )?;
    }
    for gap in &report.gaps {
        writeln!(out, "  gap       {} to {}", gap.start, gap.end)?;
    }
    for problem in &report.problems {
        writeln!(out, "  problem   {problem}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_recording_fails_and_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.mp4");
        std::fs::write(&path, b"no MP4 at all, not even a bit of it").unwrap();
        let args = CheckArgs {
            paths: vec![path, dir.path().join("missing.mp4")],
            json: true,
            ..CheckArgs::default()
        };
        let mut out = Vec::new();
        let failure = run_to(&args, &mut out).unwrap_err();
        assert!(failure.message.starts_with("2 of 2"), "{failure}");
        let text = String::from_utf8(out).unwrap();
        for line in text.lines() {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(value["problems"].as_array().unwrap().len(), 1, "{value}");
        }
        assert_eq!(text.lines().count(), 2);
    }
}
