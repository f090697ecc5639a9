//! Reading topologies and parameters for the commands that need them.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::failure::Failure;
use crate::topology::limits::MAX_DOCUMENT_BYTES;
use crate::topology::{Bindings, Diagnostics, TopologyDoc};

/// `-p name=value`, for every command that binds parameters.
#[derive(Clone, clap::Args)]
pub struct ParameterArgs {
    /// Gives a parameter of the topology a value; may be repeated
    #[arg(short, long = "param", value_name = "NAME=VALUE")]
    param: Vec<String>,
}

impl std::fmt::Debug for ParameterArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A value may be a password.
        f.debug_struct("ParameterArgs").finish_non_exhaustive()
    }
}

impl ParameterArgs {
    /// The values by name.
    ///
    /// # Errors
    /// When one is not `name=value`, or is given twice.
    pub fn bindings(&self) -> Result<Bindings, Failure> {
        Bindings::from_pairs(self.param.iter().map(String::as_str)).map_err(Failure::usage)
    }
}

/// Why a topology could not be loaded.
#[derive(Debug)]
pub enum LoadError {
    /// The file cannot be read.
    Unreadable(Failure),
    /// It holds no topology.
    Invalid(Diagnostics),
}

impl LoadError {
    /// As a command's end; the text names the file.
    #[must_use]
    pub fn into_failure(self, path: &Path) -> Failure {
        match self {
            Self::Unreadable(failure) => failure,
            Self::Invalid(diagnostics) => {
                let file = path.display().to_string();
                Failure::bad_topology(diagnostics.render(Some(&file)).trim_end())
            }
        }
    }
}

/// Reads a topology; a folder stands for the `topology.json` in it.
///
/// # Errors
/// When it cannot be read, or is no topology.
pub fn topology(path: &Path) -> Result<TopologyDoc, LoadError> {
    let bytes = bytes(path).map_err(LoadError::Unreadable)?;
    TopologyDoc::parse(&bytes).map_err(LoadError::Invalid)
}

/// Reads the text of a topology, not more of it than a topology may have; a folder stands for the `topology.json` in it.
///
/// # Errors
/// When it cannot be read.
pub fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let file = if path.is_dir() {
        path.join("topology.json")
    } else {
        PathBuf::from(path)
    };
    let unreadable = |error: std::io::Error| {
        Failure::failed(format!("cannot read the topology `{}`: {error}", file.display()))
    };
    let mut bytes = Vec::new();
    // One more byte than is allowed tells that there are too many.
    let most = MAX_DOCUMENT_BYTES as u64 + 1;
    File::open(&file)
        .and_then(|open| open.take(most).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    Ok(bytes)
}
