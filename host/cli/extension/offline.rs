//! The components of a state directory in which no host runs.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::cli::failure::Failure;
use crate::extension::{EngineOptions, LazyEngine};
use crate::graph::components::{Installed, Listed, MAX_INSTALLED, row};
use crate::graph::host::components::check_name;
use crate::graph::registry::{REGISTRY_FILE, Registry};
use crate::media::{Clock as _, SystemClock};
use crate::state::{StateDir, StateError};

/// A state directory that this process holds.
#[derive(Debug)]
pub(super) struct Offline {
    /// Keeps hosts away.
    _state: StateDir,
    registry: Registry,
    installed: Installed,
    engine: LazyEngine,
}

impl Offline {
    /// Takes the directory. Blocks.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        if !path.is_dir() {
            return Err(Failure::failed(format!(
                "there is no state directory `{}`\nhint: `mediagraph serve --state-dir DIR` and `run` make one",
                path.display()
            )));
        }
        let state = StateDir::open(path).map_err(|error| match error {
            StateError::InUse { .. } => Failure::failed(format!(
                "{}\nhint: leave `--state-dir` out, and the host that runs there is asked",
                error.to_string().split("\nhint:").next().unwrap_or_default()
            )),
            error => Failure::failed(error),
        })?;
        let registry = Registry::open(&state.path().join(REGISTRY_FILE)).map_err(Failure::failed)?;
        let rows = registry.components().map_err(Failure::failed)?;
        let engine = LazyEngine::new(EngineOptions {
            cache_dir: Some(state.components()),
            ..EngineOptions::default()
        });
        Ok(Self {
            installed: Installed::new(state.components(), rows),
            _state: state,
            registry,
            engine,
        })
    }

    /// All components that topologies can name.
    pub(super) fn list(&self) -> Vec<Listed> {
        self.installed.list()
    }

    /// Lets a name point to a component. It is compiled, so that the host starts with it at once.
    pub(super) fn set(mut self, name: &str, bytes: &Arc<Vec<u8>>) -> Result<Value, Failure> {
        check_name(name).map_err(|error| refusal(&error))?;
        let before = self.installed.find(name);
        if before.is_none() && self.installed.names().len() >= MAX_INSTALLED {
            return Err(Failure::failed(format!(
                "there are {MAX_INSTALLED} installed components, and no more may be\nhint: `mediagraph extension remove NAME`"
            )));
        }
        let engine = self.engine.get().map_err(Failure::failed)?;
        let extension = engine.load(bytes, name).map_err(Failure::failed)?;
        let now = crate::media::MediaTime::from_timestamp(SystemClock::new().wall()).iso();
        let row = row(name, &extension, before.as_ref(), now);
        self.installed
            .set(&mut self.registry, row, bytes)
            .map_err(Failure::failed)?;
        self.forget(before.as_ref().map(|before| before.sha256.as_str()))?;
        let component = self.list().into_iter().find(|one| one.name == name);
        let previous = before.map(|before| before.sha256);
        Ok(json!({"component": component, "previous": previous, "swapped": []}))
    }

    /// Takes a name away; false when there is none.
    pub(super) fn remove(mut self, name: &str) -> Result<bool, Failure> {
        let gone = self
            .installed
            .remove(&mut self.registry, name)
            .map_err(Failure::failed)?;
        self.forget(gone.as_ref().map(|gone| gone.sha256.as_str()))?;
        Ok(gone.is_some())
    }

    /// Removes compiled code that nobody will want again.
    fn forget(&self, sha256: Option<&str>) -> Result<(), Failure> {
        let Some(sha256) = sha256.filter(|sha256| !self.installed.has(sha256)) else {
            return Ok(());
        };
        self.engine.get().map_err(Failure::failed)?.forget(sha256);
        Ok(())
    }
}

fn refusal(error: &crate::graph::host::ControlError) -> Failure {
    let hint = error.details.first().and_then(|detail| detail.hint.as_deref());
    Failure::usage(match hint {
        Some(hint) => format!("{}\nhint: {hint}", error.message),
        None => error.message.clone(),
    })
}
