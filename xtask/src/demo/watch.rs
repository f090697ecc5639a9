//! Runs the camera and the graph, and gathers the events.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::event::Event;
use super::progress::Progress;
use crate::process::{Guard, Line, next_line};
use crate::{project, time};

/// How long the camera may take to listen, the graph to connect, and the graph to end.
const CAMERA_START: Duration = Duration::from_secs(30);
const SESSION_START: Duration = Duration::from_secs(60);
const GRAPH_END: Duration = Duration::from_secs(30);
/// How often the progress line is drawn.
const TICK: Duration = Duration::from_millis(250);
/// How much of a log is shown after a failure.
const LOG_LINES: usize = 25;

/// What to run.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) host: PathBuf,
    pub(crate) clip: PathBuf,
    pub(crate) topology: PathBuf,
    pub(crate) parameters: Vec<String>,
    pub(crate) state: PathBuf,
    /// Seconds from the beginning of the camera session.
    pub(crate) seconds: f64,
}

/// What happened.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) events: Vec<Event>,
    /// When the graph was asked to end, in seconds since the Unix epoch.
    pub(crate) end: f64,
}

/// Runs the whole thing. `tell` hears of each event as it comes.
///
/// # Errors
/// When a process does not start, ends too early, or does not end when asked.
pub(crate) fn watch(plan: &Plan, tell: impl FnMut(&Event, &mut Progress)) -> Result<Watched> {
    let (_camera, url) = start_camera(plan)?;
    let log = plan.state.with_extension("log");
    let mut graph = start_graph(plan, &url, &log)?;
    let watched = follow(plan, &mut graph, tell);
    watched.with_context(|| format!("the last lines of {}:\n{}", log.display(), tail(&log)))
}

/// Starts the simulated camera; gives its address.
///
/// # Errors
/// When it does not say an address in time.
pub(crate) fn start_camera_on(host: &Path, clip: &Path) -> Result<(Guard, String)> {
    start_camera_with(host, clip, None)
}

/// As [`start_camera_on`]; every picture that it sends is noted in a ledger.
///
/// # Errors
/// As [`start_camera_on`].
pub(crate) fn start_camera_with(host: &Path, clip: &Path, ledger: Option<&Path>) -> Result<(Guard, String)> {
    let mut command = Command::new(host);
    command.arg("camera").arg(clip).args(["--port", "0", "--json"]);
    if let Some(ledger) = ledger {
        command.arg("--ledger").arg(ledger);
    }
    command.current_dir(project::root()).stdout(Stdio::piped());
    let mut camera = Guard::spawn("the camera", &mut command)?;
    let lines = camera.lines()?;
    let deadline = Instant::now() + CAMERA_START;
    loop {
        match next_line(&lines, deadline.saturating_duration_since(Instant::now())) {
            Line::Text(line) => {
                if let Some(url) = address(&line) {
                    drain(lines);
                    return Ok((camera, url));
                }
            }
            Line::Nothing => bail!("the camera gave no address within {} s", CAMERA_START.as_secs()),
            Line::End => bail!("the camera ended before it gave an address"),
        }
    }
}

fn start_camera(plan: &Plan) -> Result<(Guard, String)> {
    start_camera_on(&plan.host, &plan.clip)
}

/// Keeps reading, so that the child never waits for us.
fn drain(lines: Receiver<String>) {
    std::thread::spawn(move || lines.iter().for_each(drop));
}

fn address(line: &str) -> Option<String> {
    let value: Value = serde_json::from_str(line).ok()?;
    Some(value.get("url")?.as_str()?.to_owned())
}

fn start_graph(plan: &Plan, url: &str, log: &Path) -> Result<Guard> {
    let mut command = Command::new(&plan.host);
    project::configure(&mut command)
        .arg("run")
        .arg(&plan.topology)
        .args(["-p", &format!("rtspUrl={url}")]);
    for parameter in &plan.parameters {
        command.args(["-p", parameter]);
    }
    command
        .arg("--state-dir")
        .arg(&plan.state)
        .args(["--instance", "demo"]);
    let log = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    command
        .current_dir(project::root())
        .stdout(Stdio::piped())
        .stderr(log);
    Guard::spawn("the graph", &mut command)
}

fn follow(plan: &Plan, graph: &mut Guard, tell: impl FnMut(&Event, &mut Progress)) -> Result<Watched> {
    let lines = graph.lines()?;
    let mut notes = Notes {
        progress: Progress::new(plan.seconds),
        events: Vec::new(),
        session: None,
        tell,
    };
    notes.until_time_is_up(plan.seconds, graph, &lines)?;
    let end = time::now();
    graph.interrupt()?;
    notes.until_end(graph, &lines)?;
    Ok(Watched {
        events: notes.events,
        end,
    })
}

/// What has come from the graph so far.
struct Notes<F> {
    progress: Progress,
    events: Vec<Event>,
    /// When the first camera session began.
    session: Option<Instant>,
    tell: F,
}

impl<F: FnMut(&Event, &mut Progress)> Notes<F> {
    fn take(&mut self, line: &str) {
        let Some(event) = Event::parse(line) else { return };
        if event.session_start().is_some() {
            self.session.get_or_insert_with(Instant::now);
        }
        (self.tell)(&event, &mut self.progress);
        self.events.push(event);
    }

    /// Until the session has lasted `seconds`.
    fn until_time_is_up(&mut self, seconds: f64, graph: &mut Guard, lines: &Receiver<String>) -> Result<()> {
        let started = Instant::now();
        loop {
            match next_line(lines, TICK) {
                Line::Text(line) => self.take(&line),
                Line::Nothing => {}
                Line::End => bail!("the graph ended by itself ({})", graph.wait(GRAPH_END)?),
            }
            match self.session.map(|since| since.elapsed().as_secs_f64()) {
                Some(elapsed) if elapsed >= seconds => return Ok(()),
                Some(elapsed) => self.progress.show(elapsed),
                None if started.elapsed() > SESSION_START => {
                    bail!(
                        "the graph did not reach the camera within {} s",
                        SESSION_START.as_secs()
                    );
                }
                None => {}
            }
        }
    }

    /// Until the graph, which was interrupted, has ended.
    fn until_end(&mut self, graph: &mut Guard, lines: &Receiver<String>) -> Result<()> {
        // The lines end when the graph does; a graph that does not end is what `wait` is bounded for.
        let deadline = Instant::now() + GRAPH_END;
        let left = || deadline.saturating_duration_since(Instant::now());
        while let Line::Text(line) = next_line(lines, left()) {
            self.take(&line);
        }
        self.progress.clear();
        let late = || format!("it was interrupted {} s ago", GRAPH_END.as_secs());
        let status = graph.wait(left()).with_context(late)?;
        if !status.success() {
            bail!("the graph did not end well after it was interrupted ({status})");
        }
        Ok(())
    }
}

fn tail(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines
        .get(lines.len().saturating_sub(LOG_LINES)..)
        .unwrap_or_default()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(name: &str) -> (PathBuf, Plan) {
        let folder = std::env::temp_dir().join(format!("xtask-watch-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let plan = Plan {
            host: project::root().join("xtask/src/demo/fake-host.sh"),
            clip: PathBuf::from("clip"),
            topology: PathBuf::from(name),
            parameters: Vec::new(),
            state: folder.join("state"),
            seconds: 0.0,
        };
        (folder, plan)
    }

    fn run(name: &str, change: impl FnOnce(&mut Plan)) -> Result<Watched> {
        let (folder, mut plan) = plan(name);
        change(&mut plan);
        let watched = watch(&plan, |_, _| {});
        std::fs::remove_dir_all(&folder).unwrap();
        watched
    }

    #[test]
    fn events_are_gathered_to_the_last_one_after_the_interrupt() {
        let watched = run("good", |_| {}).unwrap();
        let names: Vec<&str> = watched.events.iter().map(Event::name).collect();
        assert_eq!(names, ["MediaSessionEstablished", "RecordingStopped"]);
    }

    #[test]
    fn a_graph_that_ends_by_itself_is_reported_with_its_log() {
        let error = format!("{:#}", run("short", |_| {}).unwrap_err());
        assert!(
            error.contains("the graph ended by itself (exit status: 78)"),
            "{error}"
        );
        assert!(error.contains("the topology is wrong"), "{error}");
    }

    #[test]
    fn a_graph_that_ends_badly_when_interrupted_is_reported() {
        let error = format!("{:#}", run("failing-at-the-end", |_| {}).unwrap_err());
        assert!(error.contains("did not end well"), "{error}");
        assert!(error.contains("could not close"), "{error}");
    }

    #[test]
    fn a_camera_without_an_address_is_reported() {
        let error = run("good", |plan| plan.clip = PathBuf::from("silent")).unwrap_err();
        assert_eq!(error.to_string(), "the camera ended before it gave an address");
    }

    #[test]
    fn an_asset_is_checked_by_the_host() {
        let host = project::root().join("xtask/src/demo/fake-host.sh");
        let clip = super::super::asset::check(&host, Path::new("a")).unwrap();
        assert_eq!((clip.name.as_str(), clip.seconds), ("a", 1.0));
    }
}
