//! Child processes that end with us, however we end.
//!
//! Invariants: a child is ended by its own process id, never by a name. While a [`Guard`] lives, so does a small
//! watcher whose standard input we hold: should this process be killed outright, the watcher reads the end of its
//! input and ends the child. A guard that is dropped ends the child itself.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// How many lines of a child may wait to be read by us; then the child waits.
const LINES_WAITING: usize = 1024;
/// How often a child is asked whether it has ended.
const POLL: Duration = Duration::from_millis(20);

/// Ends the child `$1` when its input ends without the word `done`. Deaf to Ctrl-C, which reaches it too.
const WATCHER: &str = r#"trap "" INT TERM HUP
read -r word
[ "$word" = done ] && exit 0
kill -INT "$1" 2>/dev/null
for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$1" 2>/dev/null || exit 0; sleep 1; done
kill -KILL "$1" 2>/dev/null"#;

/// A child process and its watcher.
#[derive(Debug)]
pub(crate) struct Guard {
    name: String,
    child: Child,
    watcher: Child,
    ended: Option<ExitStatus>,
}

impl Guard {
    /// Starts `command`; `name` is what messages call it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn spawn(name: &str, command: &mut Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        match watch(child.id()) {
            Ok(watcher) => Ok(Self {
                name: name.to_owned(),
                child,
                watcher,
                ended: None,
            }),
            Err(error) => {
                child.kill().and_then(|()| child.wait())?;
                Err(error).context("cannot start the watcher of a child process")
            }
        }
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The lines of the child's standard output, as they come. It must have been piped, and can be taken once.
    ///
    /// # Errors
    /// When it was not piped or has been taken.
    pub(crate) fn lines(&mut self) -> Result<Receiver<String>> {
        let stdout = self
            .child
            .stdout
            .take()
            .context("the output was not piped, or is read already")?;
        Ok(lines_of(stdout))
    }

    /// Asks the child to end: SIGINT, as Ctrl-C sends it.
    ///
    /// # Errors
    /// When there is no such process any more.
    pub(crate) fn interrupt(&self) -> Result<()> {
        self.signal("INT")
    }

    /// Sends the child a signal, by its name without `SIG`.
    ///
    /// # Errors
    /// When there is no such process any more.
    pub(crate) fn signal(&self, name: &str) -> Result<()> {
        // `kill` as a program is missing on small systems; the shell always has it.
        let status = Command::new("sh")
            .args(["-c", "kill -s \"$2\" \"$1\"", "sh", &self.id().to_string(), name])
            .status()?;
        if !status.success() {
            bail!("{} could not be sent SIG{name}: it has ended before", self.name);
        }
        Ok(())
    }

    /// How the child ended, if it has.
    ///
    /// # Errors
    /// When the operating system does not say.
    pub(crate) fn poll(&mut self) -> Result<Option<ExitStatus>> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait()?;
        }
        Ok(self.ended)
    }

    /// Waits for the child's end.
    ///
    /// # Errors
    /// When it has not ended within `limit`.
    pub(crate) fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.poll()? {
                return Ok(status);
            }
            if Instant::now() >= deadline {
                bail!("{} did not end within {} s", self.name, limit.as_secs());
            }
            std::thread::sleep(POLL);
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.ended.is_none() {
            // Both fail only for a child that has ended, and that is what is wanted.
            let _ended = self.child.kill();
            let _reaped = self.child.wait();
        }
        if let Some(mut stdin) = self.watcher.stdin.take() {
            let _told = stdin.write_all(b"done\n");
        }
        let _reaped = self.watcher.wait();
    }
}

fn watch(id: u32) -> Result<Child> {
    let mut command = Command::new("sh");
    command.args(["-c", WATCHER, "sh", &id.to_string()]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Ok(command.spawn()?)
}

/// Reads `input` line by line on a thread of its own, until it ends or nobody listens.
fn lines_of(input: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = sync_channel(LINES_WAITING);
    std::thread::spawn(move || {
        for line in BufReader::new(input).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// The next line within `limit`; none when the output has ended or nothing came.
pub(crate) fn next_line(lines: &Receiver<String>, limit: Duration) -> Line {
    match lines.recv_timeout(limit) {
        Ok(line) => Line::Text(line),
        Err(RecvTimeoutError::Timeout) => Line::Nothing,
        Err(RecvTimeoutError::Disconnected) => Line::End,
    }
}

/// What came from a child's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Text(String),
    /// Nothing within the time.
    Nothing,
    /// The output has ended.
    End,
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: Duration = Duration::from_secs(20);

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdout(Stdio::piped());
        command
    }

    fn alive(id: u32) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        !stat.is_empty() && !stat.contains(") Z ")
    }

    #[test]
    fn an_interrupted_child_ends_in_its_own_way() {
        let mut guard = Guard::spawn(
            "it",
            &mut shell("trap 'exit 7' INT; echo up; while :; do sleep 0.1; done"),
        )
        .unwrap();
        let lines = guard.lines().unwrap();
        assert_eq!(next_line(&lines, BOUND), Line::Text("up".into()));
        guard.interrupt().unwrap();
        assert_eq!(guard.wait(BOUND).unwrap().code(), Some(7));
        assert_eq!(next_line(&lines, BOUND), Line::End);
    }

    #[test]
    fn a_dropped_guard_ends_a_child_that_does_not_listen() {
        let mut guard = Guard::spawn(
            "it",
            &mut shell("trap '' INT; echo up; while :; do sleep 0.1; done"),
        )
        .unwrap();
        assert_eq!(next_line(&guard.lines().unwrap(), BOUND), Line::Text("up".into()));
        let id = guard.id();
        drop(guard);
        assert!(!alive(id));
    }

    #[test]
    fn the_watcher_ends_the_child_when_we_are_gone() {
        let mut guard = Guard::spawn("it", &mut shell("exec sleep 600")).unwrap();
        // What the operating system does to our end of the pipe when we are killed.
        drop(guard.watcher.stdin.take());
        assert!(!guard.wait(BOUND).unwrap().success());
    }

    #[test]
    fn waiting_for_a_child_has_a_bound() {
        let mut guard = Guard::spawn("the sleeper", &mut shell("exec sleep 600")).unwrap();
        let error = guard.wait(Duration::ZERO).unwrap_err();
        assert_eq!(error.to_string(), "the sleeper did not end within 0 s");
    }
}
