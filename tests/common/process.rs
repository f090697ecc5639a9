//! A child process that ends with its guard.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// How often a condition that nothing announces is looked at.
pub(crate) const POLL: Duration = Duration::from_millis(20);

/// The lines of an output so far.
#[derive(Debug, Default)]
struct Lines {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<String>,
    ended: bool,
}

impl Lines {
    fn read(from: impl Read + Send + 'static) -> Arc<Self> {
        let lines = Arc::new(Self::default());
        let filled = Arc::clone(&lines);
        std::thread::spawn(move || {
            for line in BufReader::new(from).lines().map_while(Result::ok) {
                filled.state.lock().unwrap().lines.push(line);
                filled.changed.notify_all();
            }
            filled.state.lock().unwrap().ended = true;
            filled.changed.notify_all();
        });
        lines
    }

    fn so_far(&self) -> Vec<String> {
        self.state.lock().unwrap().lines.clone()
    }

    /// Waits until `found` sees what it looks for, at most `limit`; none when the output ends or time is up.
    fn wait<T>(&self, limit: Duration, mut found: impl FnMut(&[String]) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + limit;
        let mut state = self.state.lock().unwrap();
        loop {
            if let Some(value) = found(&state.lines) {
                return Some(value);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if state.ended || left.is_zero() {
                return None;
            }
            state = self.changed.wait_timeout(state, left).unwrap().0;
        }
    }
}

/// A child process; killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    stdout: Arc<Lines>,
    stderr: Arc<Lines>,
}

/// How a process ended, and everything that it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Process {
    pub(crate) fn start(name: &str, command: &mut Command) -> Self {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{name}, {command:?}, cannot be started: {error}"));
        let stdout = Lines::read(child.stdout.take().unwrap());
        let stderr = Lines::read(child.stderr.take().unwrap());
        Self {
            name: name.to_owned(),
            child,
            stdout,
            stderr,
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has said on its standard output.
    pub(crate) fn stdout(&self) -> Vec<String> {
        self.stdout.so_far()
    }

    /// What it has said on its standard error.
    pub(crate) fn stderr(&self) -> Vec<String> {
        self.stderr.so_far()
    }

    /// Waits for something on its standard output.
    pub(crate) fn wait_stdout<T>(
        &self,
        what: &str,
        limit: Duration,
        found: impl FnMut(&[String]) -> Option<T>,
    ) -> T {
        let value = self.stdout.wait(limit, found);
        value.unwrap_or_else(|| panic!("{} within {limit:?}: no {what}\n{}", self.name, self.said()))
    }

    /// Waits for something on its standard error, and gives what was found.
    pub(crate) fn wait_stderr_for<T>(
        &self,
        what: &str,
        limit: Duration,
        found: impl FnMut(&[String]) -> Option<T>,
    ) -> T {
        let value = self.stderr.wait(limit, found);
        value.unwrap_or_else(|| panic!("{} within {limit:?}: no {what}\n{}", self.name, self.said()))
    }

    /// Waits for something on its standard error.
    pub(crate) fn wait_stderr(&self, text: &str, limit: Duration) {
        let found = self.stderr.wait(limit, |lines| {
            lines.iter().any(|line| line.contains(text)).then_some(())
        });
        assert!(
            found.is_some(),
            "{} within {limit:?}: no `{text}`\n{}",
            self.name,
            self.said()
        );
    }

    fn said(&self) -> String {
        let tail = |lines: &Lines| {
            let lines = lines.so_far();
            lines[lines.len().saturating_sub(40)..].join("\n")
        };
        format!(
            "-- standard output\n{}\n-- standard error\n{}",
            tail(&self.stdout),
            tail(&self.stderr)
        )
    }

    /// Sends a signal, such as `INT`, by the process's id.
    pub(crate) fn signal(&self, name: &str) {
        // The shell's own `kill`: the program is missing on small systems.
        let script = format!("kill -{name} {}", self.id());
        super::run(Command::new("sh").args(["-c", &script]));
    }

    /// Ends it without asking, as a crash or a power cut would.
    pub(crate) fn kill(mut self) -> Ended {
        self.child.kill().unwrap();
        let status = self.child.wait().unwrap();
        self.ended(status)
    }

    /// Waits for its end.
    pub(crate) fn end(mut self, limit: Duration) -> Ended {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return self.ended(status);
            }
            assert!(
                Instant::now() < deadline,
                "{} did not end within {limit:?}\n{}",
                self.name,
                self.said()
            );
            std::thread::park_timeout(POLL);
        }
    }

    /// Whether it still runs.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    fn ended(&self, status: ExitStatus) -> Ended {
        // Its outputs end with it, or a moment later.
        let all = |lines: &Lines| {
            lines.wait(Duration::from_secs(10), |_| None::<()>);
            lines.so_far().join("\n")
        };
        Ended {
            status,
            stdout: all(&self.stdout),
            stderr: all(&self.stderr),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _reaped_already = self.child.wait();
    }
}

/// Looks at a condition until it holds; fails with `what` after `limit`.
pub(crate) fn until<T>(what: &str, limit: Duration, mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = found() {
            return value;
        }
        assert!(Instant::now() < deadline, "not within {limit:?}: {what}");
        std::thread::park_timeout(POLL);
    }
}
