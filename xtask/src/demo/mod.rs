//! `cargo xtask demo`: a simulated camera, a graph that records trucks and nothing else, and what came of it.

mod asset;
mod event;
pub(crate) mod motion;
pub(crate) mod passages;
mod progress;
mod report;
mod score;
mod sheet;
mod telling;
pub(crate) mod trucks;
mod watch;

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;

pub(crate) use self::asset::Clip;
pub(crate) use self::event::Event;
use self::telling::Telling;
use self::watch::Plan;
pub(crate) use self::watch::{start_camera_on, start_camera_with};
use crate::project::{self, Profile};

/// Run a camera and a graph that records trucks and nothing else, and show what came of it.
#[derive(Debug, Default, Args)]
pub(crate) struct Arguments {
    /// Record whatever moves in a yard instead: no model, only motion.
    #[arg(long)]
    motion: bool,
    /// Watch this many seconds of the camera; the default is one pass of its clip.
    #[arg(long)]
    seconds: Option<u32>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
    /// A parameter of the topology, `name=value`; may be repeated.
    #[arg(short = 'p', long = "parameter")]
    parameters: Vec<String>,
    /// Where the recordings go; emptied first. The default is `target/demo`.
    #[arg(long)]
    output: Option<PathBuf>,
    /// Run this binary instead of building one.
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

impl Arguments {
    /// What the user gave, and the demo's own values for the rest.
    fn parameters(&self, own: &[(&str, &str)]) -> Vec<String> {
        let own = own.iter().filter(|(name, _)| {
            let given_too = |text: &String| text.split_once('=').is_some_and(|(given, _)| given == *name);
            !self.parameters.iter().any(given_too)
        });
        own.map(|(name, value)| format!("{name}={value}"))
            .chain(self.parameters.iter().cloned())
            .collect()
    }
}

/// What a demo has shown.
struct Shown {
    events: Vec<Event>,
    clips: Vec<Clip>,
    /// When the graph was asked to end, in seconds since the Unix epoch.
    end: f64,
}

/// Runs the demo and prints what came of it.
///
/// # Errors
/// When something did not run, a clip is broken or there is none.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.motion {
        motion::run(arguments)
    } else {
        trucks::run(arguments)
    }
}

/// Builds the host, watches what `plan` says, given the host and an empty state directory, and has the clips checked.
fn start(
    arguments: &Arguments,
    talk: bool,
    plan: impl FnOnce(PathBuf, PathBuf) -> Result<Plan>,
) -> Result<Shown> {
    let host = host(arguments)?;
    let output = output(arguments);
    let _lock = prepare(&output)?;
    let plan = plan(host, output.join("state"))?;
    eprintln!("watching the camera for {:.0} s", plan.seconds);
    let mut telling = Telling::default();
    let watched = watch::watch(&plan, |event, progress| {
        if talk {
            let lines = telling.event(event);
            if !lines.is_empty() {
                progress.clear();
                println!("{}", lines.join("\n"));
            }
        }
    })?;
    if let Some(line) = telling.end() {
        println!("{line}");
    }
    let mut clips = check_assets(&plan.host, &plan.state)?;
    for clip in &mut clips {
        clip.explain(&watched.events);
    }
    Ok(Shown {
        events: watched.events,
        clips,
        end: watched.end,
    })
}

fn host(arguments: &Arguments) -> Result<PathBuf> {
    if let Some(binary) = &arguments.binary {
        let found = binary.canonicalize();
        return found.with_context(|| format!("there is no binary {}", binary.display()));
    }
    project::ensure_component_target()?;
    eprintln!("building mediagraph (the first time takes some minutes)");
    project::build_host(Profile::Dev)
}

/// Has the host check every asset of a state directory.
///
/// # Errors
/// When they cannot be listed, or the host gives no report.
pub(crate) fn check_assets(host: &Path, state: &Path) -> Result<Vec<Clip>> {
    let assets = asset::list(state)?;
    assets.iter().map(|asset| asset::check(host, asset)).collect()
}

fn output(arguments: &Arguments) -> PathBuf {
    arguments
        .output
        .clone()
        .unwrap_or_else(|| project::root().join("target/demo"))
}

/// Empties the output folder, unless another demo is using it. The lock holds as long as the file lives.
fn prepare(output: &Path) -> Result<File> {
    std::fs::create_dir_all(output).with_context(|| format!("cannot make {}", output.display()))?;
    let lock = File::create(output.join("lock"))?;
    if lock.try_lock().is_err() {
        bail!(
            "another demo is using {}\nhint: give this one a folder of its own with `--output`",
            output.display()
        );
    }
    let state = output.join("state");
    if state.exists() {
        std::fs::remove_dir_all(&state).with_context(|| format!("cannot empty {}", state.display()))?;
    }
    Ok(lock)
}

fn verdict(clips: &[Clip]) -> Result<()> {
    if clips.is_empty() {
        bail!("nothing was recorded");
    }
    let broken = clips.iter().filter(|clip| !clip.problems.is_empty()).count();
    if broken > 0 {
        bail!("{broken} of {} clips are broken", clips.len());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clips(problems: &[&str]) -> Vec<Clip> {
        let clip = |problems: &&str| {
            let text = format!(
                r#"{{"name":"a","start":"1970-01-01T00:01:40Z","duration":8,"bytes":1,"problems":[{problems}]}}"#
            );
            Clip::parse(&text).unwrap()
        };
        problems.iter().map(clip).collect()
    }

    #[test]
    fn a_demo_without_clips_or_with_a_broken_one_fails() {
        assert!(verdict(&clips(&[""])).is_ok());
        assert_eq!(
            verdict(&clips(&[])).unwrap_err().to_string(),
            "nothing was recorded"
        );
        let broken = verdict(&clips(&["", "\"gap of 2 s\""])).unwrap_err();
        assert_eq!(broken.to_string(), "1 of 2 clips are broken");
    }

    #[test]
    fn what_the_user_gives_takes_the_place_of_the_demos_own() {
        let arguments = Arguments {
            parameters: vec!["preRoll=-PT9S".to_owned()],
            ..Arguments::default()
        };
        let all = arguments.parameters(&[("preRoll", "-PT2S"), ("minimumClip", "PT3S")]);
        assert_eq!(all, ["minimumClip=PT3S", "preRoll=-PT9S"]);
    }

    #[test]
    fn two_demos_do_not_share_a_folder() {
        let folder = std::env::temp_dir().join(format!("xtask-demo-lock-{}", std::process::id()));
        let first = prepare(&folder).unwrap();
        assert!(prepare(&folder).is_err());
        drop(first);
        assert!(prepare(&folder).is_ok());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
