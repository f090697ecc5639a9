//! A host that runs, and what the commands say that ask it.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::common::graph::{DRAIN, START};
use crate::common::process::{Ended, Process};
use crate::{Said, say, text};

/// `mediagraph serve`; killed when dropped.
pub(crate) struct Host {
    pub(crate) process: Process,
    url: String,
    token: Option<PathBuf>,
}

impl Host {
    pub(crate) fn start(state: &Path, config: Option<&Path>) -> Self {
        Self::of(&mut Self::command(state, config))
    }

    pub(crate) fn command(state: &Path, config: Option<&Path>) -> Command {
        let mut command = crate::common::mediagraph();
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--state-dir"])
            .arg(state);
        if let Some(config) = config {
            command.arg("--config").arg(config);
        }
        command
    }

    pub(crate) fn of(command: &mut Command) -> Self {
        let process = Process::start("the host", command);
        process.wait_stderr("The host listens url=", START);
        let log = process.stderr();
        let line = log
            .iter()
            .find(|line| line.contains("The host listens url="))
            .unwrap();
        let url = line.split("url=\"").nth(1).unwrap().split('"').next().unwrap();
        Self {
            url: url.to_owned(),
            process,
            token: None,
        }
    }

    /// From now on with the token in this file.
    pub(crate) fn with_token(mut self, file: &Path) -> Self {
        self.token = Some(file.to_owned());
        self
    }

    /// A command that asks this host.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Said {
        let mut command = crate::common::mediagraph();
        command.args(arguments).args(["--server", &self.url]);
        if let Some(token) = &self.token {
            command.args(["--token-file", text(token)]);
        }
        say(&mut command)
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let said = self.ask(&[arguments, &["--json"]].concat()).ended(0);
        serde_json::from_str(&said.stdout).unwrap()
    }

    /// SIGTERM, and the end that must follow.
    pub(crate) fn stop(self) -> Ended {
        self.process.signal("TERM");
        let ended = self.process.end(DRAIN);
        assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
        ended
    }
}
