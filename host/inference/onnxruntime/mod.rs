//! ONNX Runtime, where its library is installed: several times as fast as what is built in.
//!
//! The library is opened when the first model is loaded, never linked and never fetched. It is native code: it is taken only
//! from the place that the operator names, or where systems keep their libraries, and only if nobody else can write there.
//! Whatever is wrong with it, models run without it, and `mediagraph doctor` says what is wrong.

mod places;
mod session;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ort::environment::Environment;

pub use places::{Asked, LIBRARY_VARIABLE, OFF, USUAL, of_python};

use self::session::OrtNetwork;
use super::backend::{Backend, Network};
use super::error::{ModelProblem, brief};
use super::wire::Proto;

/// The oldest version that has what we need; `Cargo.toml` says it, too.
pub const OLDEST: &str = "1.17";

/// ONNX Runtime, opened.
#[derive(Clone, Debug)]
pub struct OnnxRuntime {
    environment: Environment,
    name: String,
    library: PathBuf,
}

/// Why it is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Absent {
    /// The configuration says so.
    Off,
    /// There is none.
    NotFound,
    /// There is one that cannot be used, for this reason.
    Unusable(String),
}

/// What became of opening it: a process has one library, and keeps it.
static OPENED: Mutex<Option<Result<OnnxRuntime, Absent>>> = Mutex::new(None);

impl OnnxRuntime {
    /// Opens the library, if that has not been done; what came of it the first time holds for this process.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn open(asked: &Asked) -> Result<Self, Absent> {
        if asked.is_off() {
            return Err(Absent::Off);
        }
        let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
        opened.get_or_insert_with(|| first_usable(asked)).clone()
    }

    /// The file that was opened.
    #[must_use]
    pub fn library(&self) -> &Path {
        &self.library
    }
}

fn first_usable(asked: &Asked) -> Result<OnnxRuntime, Absent> {
    let mut why = Absent::NotFound;
    for path in places::candidates(asked) {
        match open(&path) {
            Ok(runtime) => return Ok(runtime),
            Err(problem) => {
                let problem = format!("`{}` cannot be used: {problem}", path.display());
                tracing::warn!(%problem, "ONNX Runtime is not used");
                // The first one is the one that is meant.
                if why == Absent::NotFound {
                    why = Absent::Unusable(problem);
                }
            }
        }
    }
    match (why, asked) {
        (Absent::NotFound, Asked::At(path)) => Err(Absent::Unusable(format!(
            "`{}` is no library, and no folder that has one",
            path.display()
        ))),
        (why, _) => Err(why),
    }
}

fn open(path: &Path) -> Result<OnnxRuntime, String> {
    places::check(path)?;
    // A library that is something else under this name makes `ort` panic.
    let opening = || -> Result<(Environment, String), String> {
        let builder = ort::init_from(path).map_err(|error| opened_badly(&error))?;
        let built = builder.with_name("mediagraph").with_telemetry(false).build();
        let environment = built.map_err(|error| brief(&error))?;
        Ok((environment, version(path)))
    };
    let (environment, name) = catch_unwind(AssertUnwindSafe(opening))
        .unwrap_or_else(|_| Err("it does not behave like ONNX Runtime".to_owned()))?;
    Ok(OnnxRuntime {
        environment,
        name,
        library: path.to_owned(),
    })
}

fn opened_badly(error: &dyn std::fmt::Display) -> String {
    let text = brief(error);
    if text.contains("expected version") {
        let found = text.rsplit("but got ").next().unwrap_or_default();
        return format!("it is version {found}; {OLDEST} or later is needed");
    }
    text
}

/// Its name and version, which the file's name often tells exactly and the library itself by its second number.
fn version(path: &Path) -> String {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let name = real
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let told = name.split(".so.").nth(1).filter(|told| told.contains('.'));
    match (told, ort::util::probe(path)) {
        (Some(told), _) => format!("ONNX Runtime {told}"),
        (None, Some(minor)) => format!("ONNX Runtime 1.{minor}"),
        (None, None) => "ONNX Runtime".to_owned(),
    }
}

impl Backend for OnnxRuntime {
    fn name(&self) -> &str {
        &self.name
    }

    /// It says so itself, when it loads one.
    fn unknown_operators(&self, _: &Proto) -> Vec<String> {
        Vec::new()
    }

    fn load(&self, model: Proto) -> Result<Box<dyn Network>, ModelProblem> {
        let unsupported = |why: String| ModelProblem::Unsupported {
            backend: self.name.clone(),
            why,
        };
        let loading = || OrtNetwork::load(&self.environment, model);
        let loaded = catch_unwind(AssertUnwindSafe(loading));
        let loaded = loaded.unwrap_or_else(|_| Err("it fails on the model".to_owned()));
        loaded
            .map(|network| Box::new(network) as Box<dyn Network>)
            .map_err(unsupported)
    }
}
