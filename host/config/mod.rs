//! The host's configuration: one commented file, `mediagraph.toml`.
//!
//! Invariants: all mistakes of a file are told at once, each with its line; a secret never stands in the file itself
//! but is named by `${file:PATH}` or `${env:NAME}`, and is never shown; what a configuration says is bounded, and each
//! bound is checked when it is read. `graph` and `api` do not know this module: they are given plain values.

mod model;
pub mod network;
pub mod policy;
mod reader;
pub mod reload;
mod retention;
mod sections;
mod show;
mod stores;
#[cfg(test)]
mod tests;
pub mod token;

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

pub use model::{
    DEFAULT_PORT, EventsConfig, HostConfig, KeepFree, LimitsConfig, LogConfig, LogFormat, NetworkRules,
    PathsConfig, PolicyConfig, Rules, ServerConfig, TimeZone, TlsFiles, TokenConfig,
};

pub use crate::api::Role;
use crate::topology::{Diagnostic, Diagnostics};

/// Bytes of a configuration file.
pub const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// The file that `mediagraph config init` writes: every setting with its default, and what it is for.
pub const COMMENTED_DEFAULTS: &str = include_str!("mediagraph.toml");

/// Something odd in a configuration that can be used.
pub type Warning = Diagnostic;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error(
        "cannot read the configuration `{}`: {source}\nhint: `mediagraph config init FILE` writes one with all defaults",
        path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What it says cannot be used: all mistakes.
    #[error("{}", mistakes.render(Some(&path.display().to_string())).trim_end())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        mistakes: Diagnostics,
    },
}

impl HostConfig {
    /// Reads a configuration and the secrets that it names; without a path it is the default one.
    ///
    /// # Errors
    /// When the file cannot be read, and otherwise all mistakes at once.
    pub fn load(path: Option<&Path>) -> Result<(Self, Vec<Warning>), ConfigError> {
        let Some(path) = path else {
            return Ok((Self::default(), Vec::new()));
        };
        let text = read(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, &environment).map_err(|mistakes| ConfigError::Wrong {
            path: path.to_owned(),
            mistakes,
        })
    }

    /// Reads the text of a configuration; `environment` looks up what `${env:NAME}` names.
    ///
    /// # Errors
    /// All mistakes at once.
    pub fn parse(
        text: &str,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(Self, Vec<Warning>), Diagnostics> {
        sections::read(text, environment)
    }
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn read(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    // One more byte than is allowed tells that there are too many.
    File::open(path)?
        .take(MAX_CONFIG_BYTES + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_CONFIG_BYTES {
        return Err(io::Error::other(format!(
            "it has more than {MAX_CONFIG_BYTES} bytes"
        )));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::other("it is not text in UTF-8"))
}
