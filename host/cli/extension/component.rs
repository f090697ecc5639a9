//! The component that a command is about, and its configuration.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use crate::cli::failure::Failure;
use crate::extension::limits::{MAX_COMPONENT_BYTES, MAX_CONFIG_BYTES};
use crate::extension::{Engine, EngineOptions, Extension, ExtensionError, LoadProblem, builtin};
use crate::inference::{Bound, Model, Models};

/// So often a component may take the time in which a host wants it compiled.
const PATIENCE: u32 = 9;

/// Names a component and what it is configured with.
#[derive(Debug, clap::Args)]
pub(super) struct ComponentArgs {
    /// The component: a `.wasm` file, or the name of one that comes with mediagraph, such as `motion-detector`
    component: PathBuf,
    /// A JSON file: what a topology would say in the node's `config`
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Keep compiled code in this folder, which must belong to this user alone: large components then start at once
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// A model that it may run, and the name that it asks for: an ONNX file. May be given several times
    #[arg(long = "model", value_name = "NAME=FILE", value_parser = model)]
    models: Vec<(String, PathBuf)>,
}

/// Reads `NAME=FILE`.
///
/// # Errors
/// When it is not that.
pub(in crate::cli) fn model(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, file)) if !name.is_empty() && !file.is_empty() => Ok((name.to_owned(), file.into())),
        _ => Err("expected a name, `=` and a file".to_owned()),
    }
}

/// A component, ready to be constructed.
#[derive(Debug)]
pub(super) struct Loaded {
    /// The component.
    pub(super) extension: Arc<Extension>,
    /// Its configuration, which its schema allows.
    pub(super) config: Value,
    /// The models that it may run.
    pub(super) models: Bound,
}

impl ComponentArgs {
    /// Reads, compiles and checks it, off the threads that wait for things.
    ///
    /// # Errors
    /// What is wrong with the component or its configuration.
    pub(super) async fn load(&self) -> Result<Loaded, Failure> {
        let config = self.config.as_deref().map(json).transpose()?;
        let options = EngineOptions {
            cache_dir: self.cache.clone(),
            ..EngineOptions::default()
        };
        let (path, origin) = (self.component.clone(), self.component.display().to_string());
        let load = move || {
            let engine = Engine::new(options).map_err(Failure::failed)?;
            let loaded = match bytes(&path)? {
                Bytes::Read(bytes) => patiently(|| engine.load(&bytes, &origin)),
                Bytes::Builtin(bytes) => patiently(|| engine.load_builtin(bytes, &origin)),
            };
            loaded.map_err(Failure::failed)
        };
        let extension = tokio::task::spawn_blocking(load).await;
        let extension = extension.map_err(Failure::failed)??;
        let config = config.unwrap_or_default();
        self.check(&extension, &config)?;
        let models = self.bound().await?;
        Ok(Loaded {
            extension,
            config,
            models,
        })
    }

    async fn bound(&self) -> Result<Bound, Failure> {
        let given = self.models.clone();
        let load = move || {
            let models = Models::default();
            let load = |(name, path): (String, PathBuf)| {
                let model = models.load(&path, || {}).map_err(Failure::failed)?;
                Ok((name, model))
            };
            given.into_iter().map(load).collect()
        };
        let loaded: Result<BTreeMap<String, Arc<Model>>, Failure> =
            tokio::task::spawn_blocking(load).await.map_err(Failure::failed)?;
        loaded.map(Bound::new)
    }

    fn check(&self, extension: &Extension, config: &Value) -> Result<(), Failure> {
        extension.config_schema.check(config).map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(|problem| format!("  {problem}")).collect();
            let lines = lines.join("\n");
            Failure::bad_config(match &self.config {
                Some(file) => format!(
                    "`{}` is no configuration of `{}`:\n{lines}",
                    file.display(),
                    extension.name
                ),
                None => format!(
                    "`{}` does not run without a configuration:\n{lines}\nhint: give one with `--config FILE`",
                    extension.name
                ),
            })
        })
    }
}

/// Waits on while a component is compiled: a host has other work, but whoever gave this command has only this one, and
/// can end it.
fn patiently(
    load: impl Fn() -> Result<Arc<Extension>, ExtensionError>,
) -> Result<Arc<Extension>, ExtensionError> {
    let mut loaded = load();
    for _ in 0..PATIENCE {
        match &loaded {
            Err(error) if matches!(error.problem, LoadProblem::TooSlow { .. }) => {
                tracing::info!("The component is still being compiled");
                loaded = load();
            }
            _ => break,
        }
    }
    loaded
}

enum Bytes {
    Read(Vec<u8>),
    Builtin(&'static [u8]),
}

fn bytes(path: &Path) -> Result<Bytes, Failure> {
    let read = read(path, MAX_COMPONENT_BYTES);
    let builtin = || builtin::find(path.to_str()?);
    match (read, builtin()) {
        (Ok(bytes), _) => Ok(Bytes::Read(bytes)),
        (Err(error), Some(builtin)) if error.kind() == io::ErrorKind::NotFound => {
            Ok(Bytes::Builtin(builtin.bytes))
        }
        (Err(error), _) => Err(Failure::failed(format!(
            "cannot read the component `{}`: {error}",
            path.display()
        ))),
    }
}

/// Reads a file, and of one that is too large one byte more than is allowed, so that whoever checks can say so.
///
/// # Errors
/// When it cannot be read, or is no file.
pub(super) fn read(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    // Asked before opening: a named pipe would be waited for.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut bytes = Vec::new();
    let most = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn json(path: &Path) -> Result<Value, Failure> {
    let wrong = |problem: &dyn std::fmt::Display| {
        Failure::bad_config(format!("the configuration `{}`: {problem}", path.display()))
    };
    let bytes = read(path, MAX_CONFIG_BYTES).map_err(|error| wrong(&error))?;
    if bytes.len() > MAX_CONFIG_BYTES {
        return Err(wrong(&format!("has more than {MAX_CONFIG_BYTES} bytes")));
    }
    serde_json::from_slice(&bytes).map_err(|error| wrong(&format!("is not JSON: {error}")))
}
