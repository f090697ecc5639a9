//! `cargo xtask demo`: a simulated camera, a graph that records what moves, and what came of it.

mod asset;
mod event;
mod progress;
mod report;
mod score;
mod telling;
mod watch;

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;

pub(crate) use self::asset::Clip;
use self::event::Event;
pub(crate) use self::score::Score;
use self::score::{Observed, score};
use self::telling::Telling;
use self::watch::Plan;
pub(crate) use self::watch::{start_camera_on, start_camera_with};
use crate::clip;
use crate::clip::truth::Truth;
use crate::project::{self, Profile};

/// Watched beyond one pass of the clip, so that the last recording is closed by its gate.
const MARGIN_S: f64 = 3.0;
const TOPOLOGY: &str = "topologies/evr-motion-assets/topology.json";

/// Clips as long as what moves: the topology's own values suit a real camera, and would make one clip of several of
/// the demo's movements, which are 6 s apart.
const CLIP_PARAMETERS: [(&str, &str); 3] = [
    ("preRoll", "-PT2S"),
    ("minimumClip", "PT3S"),
    ("maximumClip", "PT1M"),
];

/// Run a camera and a graph that records what moves, and show what came of it.
#[derive(Debug, Default, Args)]
pub(crate) struct Arguments {
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
}

/// Everything that a run of the demo has shown.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) events: Vec<Event>,
    pub(crate) clips: Vec<Clip>,
    pub(crate) score: Score,
}

/// Runs the demo and prints what came of it.
///
/// # Errors
/// When something did not run, a clip is broken or there is none.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let outcome = observe(arguments, !arguments.json)?;
    if arguments.json {
        report::print_json(&outcome)?;
    } else {
        report::print_text(&outcome, &output(arguments));
    }
    verdict(&outcome)
}

/// What the user gave, and the demo's own values for the rest.
fn parameters(given: &[String]) -> Vec<String> {
    let own = CLIP_PARAMETERS.into_iter().filter(|(name, _)| {
        let given_too = |text: &String| text.split_once('=').is_some_and(|(given, _)| given == *name);
        !given.iter().any(given_too)
    });
    own.map(|(name, value)| format!("{name}={value}"))
        .chain(given.iter().cloned())
        .collect()
}

/// Runs the demo; prints events only where `talk` says so.
///
/// # Errors
/// When something did not run.
pub(crate) fn observe(arguments: &Arguments, talk: bool) -> Result<Outcome> {
    let truth = Truth::read(&clip::truth_file())?;
    project::ensure_component_target()?;
    eprintln!("building mediagraph (the first time takes some minutes)");
    let host = project::build_host(Profile::Dev)?;
    let output = output(arguments);
    let _lock = prepare(&output)?;
    let plan = Plan {
        host,
        clip: clip::file(),
        topology: project::root().join(TOPOLOGY),
        parameters: parameters(&arguments.parameters),
        state: output.join("state"),
        seconds: arguments.seconds.map_or(truth.seconds + MARGIN_S, f64::from),
    };
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
    let observed = Observed {
        sessions: watched.events.iter().filter_map(Event::session_start).collect(),
        end: watched.end,
        inferences: watched.events.iter().filter_map(Event::inference_time).collect(),
        clips: clips.iter().map(|clip| (clip.start, clip.end())).collect(),
    };
    Ok(Outcome {
        score: score(&truth, &observed),
        events: watched.events,
        clips,
    })
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

fn verdict(outcome: &Outcome) -> Result<()> {
    if outcome.clips.is_empty() {
        bail!("nothing was recorded");
    }
    let broken = outcome
        .clips
        .iter()
        .filter(|clip| !clip.problems.is_empty())
        .count();
    if broken > 0 {
        bail!("{broken} of {} clips are broken", outcome.clips.len());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(clips: &[&str]) -> Outcome {
        let clip = |problems: &&str| {
            let text = format!(
                r#"{{"name":"a","start":"1970-01-01T00:01:40Z","duration":8,"bytes":1,"problems":[{problems}]}}"#
            );
            Clip::parse(&text).unwrap()
        };
        let truth = Truth::read(&clip::truth_file()).unwrap();
        Outcome {
            events: Vec::new(),
            clips: clips.iter().map(clip).collect(),
            score: score(&truth, &Observed::default()),
        }
    }

    #[test]
    fn a_demo_without_clips_or_with_a_broken_one_fails() {
        assert!(verdict(&outcome(&[""])).is_ok());
        assert_eq!(
            verdict(&outcome(&[])).unwrap_err().to_string(),
            "nothing was recorded"
        );
        let broken = verdict(&outcome(&["", "\"gap of 2 s\""])).unwrap_err();
        assert_eq!(broken.to_string(), "1 of 2 clips are broken");
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
