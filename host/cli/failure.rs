//! How a command fails: what people read, and the exit code that programs read.

use std::fmt;

/// Exit codes of every command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The work could not be done.
    Failed = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// The topology or the configuration is wrong (`EX_CONFIG` of sysexits.h).
    BadTopology = 78,
}

/// A command's end that was not success.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub code: Code,
    /// What happened, where, and what to do next; lower case, no full stop, `hint:` lines below.
    pub message: String,
}

impl Failure {
    /// The work could not be done.
    pub fn failed(message: impl fmt::Display) -> Self {
        Self {
            code: Code::Failed,
            message: message.to_string(),
        }
    }

    /// The command line makes no sense.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self {
            code: Code::Usage,
            message: message.to_string(),
        }
    }

    /// The configuration of the host is wrong.
    pub fn bad_config(message: impl fmt::Display) -> Self {
        Self::bad_topology(message)
    }

    /// The topology is wrong.
    pub fn bad_topology(message: impl fmt::Display) -> Self {
        Self {
            code: Code::BadTopology,
            message: message.to_string(),
        }
    }
}

impl Failure {
    /// As it is printed at the end of a command; what spans several lines, one error a line, stands as it is.
    #[must_use]
    pub fn render(&self) -> String {
        let already = self.message.contains("error: ") || self.message.contains("error[");
        if already {
            format!("{}\n", self.message)
        } else {
            format!("error: {}\n", self.message)
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// What a command comes to.
pub type Outcome = Result<(), Failure>;
