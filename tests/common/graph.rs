//! `mediagraph run`, its events, and what it recorded.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::process::{Ended, Process};
use super::{mediagraph, repository};

/// A graph may take this long to reach its camera: components are compiled first, on a machine that has other work.
pub(crate) const START: Duration = Duration::from_secs(60);
/// Anything that a running graph does by itself.
pub(crate) const SOON: Duration = Duration::from_secs(40);
/// The host's own bound for draining is 30 s.
pub(crate) const DRAIN: Duration = Duration::from_secs(40);

/// A running graph; killed when dropped.
#[derive(Debug)]
pub(crate) struct Graph {
    process: Process,
    state: PathBuf,
}

/// One line of events.
#[derive(Clone, Debug)]
pub(crate) struct Event(pub(crate) Value);

impl Event {
    /// The last word of its type.
    pub(crate) fn name(&self) -> &str {
        self.0["eventType"].as_str().unwrap().rsplit('.').next().unwrap()
    }

    pub(crate) fn data(&self, name: &str) -> &Value {
        &self.0["data"][name]
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        let value = self.data(name).as_str();
        value.unwrap_or_else(|| panic!("no text `{name}` in {}", self.0))
    }

    /// The last part of its subject.
    pub(crate) fn node(&self) -> &str {
        self.0["subject"].as_str().unwrap().rsplit('/').next().unwrap()
    }

    /// The media time of an inference in ticks of 90 kHz.
    pub(crate) fn ticks(&self) -> u64 {
        self.data("timestamp").as_u64().unwrap()
    }
}

fn events(lines: &[String]) -> Vec<Event> {
    let parse =
        |line: &String| Event(serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")));
    lines.iter().map(parse).collect()
}

/// The command that runs a topology of the repository, or one with an absolute path.
pub(crate) fn command(topology: &str, parameters: &[(&str, &str)], state: &Path) -> std::process::Command {
    let mut command = mediagraph();
    command
        .arg("run")
        .arg(repository(topology))
        .arg("--state-dir")
        .arg(state);
    for (name, value) in parameters {
        command.arg("-p").arg(format!("{name}={value}"));
    }
    command
}

impl Graph {
    pub(crate) fn start(topology: &str, parameters: &[(&str, &str)], state: &Path) -> Self {
        Self::of(&mut command(topology, parameters, state), state)
    }

    pub(crate) fn of(command: &mut std::process::Command, state: &Path) -> Self {
        Self {
            process: Process::start("the graph", command),
            state: state.to_owned(),
        }
    }

    pub(crate) fn process(&self) -> &Process {
        &self.process
    }

    /// Waits until `found` sees what it looks for among all events so far.
    pub(crate) fn wait<T>(&self, what: &str, limit: Duration, found: impl Fn(&[Event]) -> Option<T>) -> T {
        self.process
            .wait_stdout(what, limit, |lines| found(&events(lines)))
    }

    /// Waits for the first event of this name.
    pub(crate) fn event(&self, name: &str, limit: Duration) -> Event {
        self.nth(name, 1, limit)
    }

    /// Waits for the `n`-th event of this name, counted from 1.
    pub(crate) fn nth(&self, name: &str, n: usize, limit: Duration) -> Event {
        self.wait(&format!("event {name} number {n}"), limit, |events| {
            events
                .iter()
                .filter(|event| event.name() == name)
                .nth(n - 1)
                .cloned()
        })
    }

    /// Waits until `bytes` of media stand in the cache and in the folders of assets and files.
    pub(crate) fn recorded(&self, bytes: u64) {
        let places = ["cache", "assets", "files"].map(|name| self.state.join(name));
        let what = format!("{bytes} bytes in {places:?}");
        super::process::until(&what, SOON, || {
            let there: u64 = places.iter().map(|place| size(place)).sum();
            (there >= bytes).then_some(())
        });
    }

    /// Ctrl-C, and the end that must follow: everything drained, exit code 0.
    pub(crate) fn stop(self) -> Finished {
        self.process.signal("INT");
        let finished = self.end();
        assert_eq!(finished.ended.status.code(), Some(0), "{}", finished.ended.stderr);
        finished
    }

    /// The end, whatever brings it about.
    pub(crate) fn end(self) -> Finished {
        Finished::new(self.process.end(DRAIN))
    }

    /// `kill -9`.
    pub(crate) fn kill(self) -> Finished {
        Finished::new(self.process.kill())
    }
}

/// What a node counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Totals {
    pub(crate) received: usize,
    pub(crate) sent: usize,
    pub(crate) dropped: usize,
}

/// A graph that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) ended: Ended,
    pub(crate) events: Vec<Event>,
}

impl Finished {
    fn new(ended: Ended) -> Self {
        let lines: Vec<String> = ended.stdout.lines().map(str::to_owned).collect();
        // A process that was killed may have left half a line.
        let whole = if ended.status.code().is_some() {
            lines.len()
        } else {
            lines.len().saturating_sub(1)
        };
        let events = events(&lines[..whole]);
        Self { ended, events }
    }

    pub(crate) fn named(&self, name: &str) -> Vec<&Event> {
        self.events.iter().filter(|event| event.name() == name).collect()
    }

    /// What a node counted, as the log says at the end.
    pub(crate) fn totals(&self, node: &str) -> Totals {
        let start = format!("Totals node=\"{node}\" ");
        let line = self.ended.stderr.lines().find(|line| line.contains(&start));
        let line = line.unwrap_or_else(|| panic!("no totals of `{node}`:\n{}", self.ended.stderr));
        let count = |name: &str| {
            let (_, rest) = line.split_once(&format!(" {name}=")).unwrap();
            rest.split_whitespace().next().unwrap().parse().unwrap()
        };
        Totals {
            received: count("received"),
            sent: count("sent"),
            dropped: count("dropped"),
        }
    }

    /// The media times of all inferences, in order.
    pub(crate) fn inferences(&self) -> Vec<u64> {
        self.named("Inference")
            .iter()
            .map(|event| event.ticks())
            .collect()
    }
}

/// The assets of a state directory, oldest first.
pub(crate) fn assets(state: &Path) -> Vec<PathBuf> {
    sorted(&state.join("assets"), |path| path.is_dir())
}

/// The MP4 files in a folder that topologies name, such as `/var/media`.
pub(crate) fn files(state: &Path, folder: &str) -> Vec<PathBuf> {
    let folder = state.join("files").join(folder.trim_start_matches('/'));
    sorted(&folder, |path| {
        path.extension().is_some_and(|extension| extension == "mp4")
    })
}

fn sorted(folder: &Path, wanted: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| wanted(path))
        .collect();
    found.sort();
    found
}

/// The bytes of all files below; what vanishes meanwhile does not count.
pub(crate) fn size(path: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(path) else {
        return std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    };
    entries.flatten().map(|entry| size(&entry.path())).sum()
}
