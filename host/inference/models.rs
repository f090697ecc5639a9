//! All models of a host: which names there are, what is loaded, and with what.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use sha2::{Digest as _, Sha256};

use super::backend::{Backend, Network};
use super::error::{ModelError, ModelProblem};
use super::limits::{LOAD_TIMEOUT, MAX_NAMED_OPERATORS, MAX_OVERDUE, MAX_WORKERS};
use super::model::{Model, ModelStats};
use super::onnxruntime::{Asked, OnnxRuntime};
use super::tract::Tract;
use super::wire::{Proto, read};
use crate::media::{Clock, SystemClock};
use crate::text::hex;

/// What a host says of models.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelsOptions {
    /// Models that have a name on this host.
    pub files: BTreeMap<String, PathBuf>,
    /// Which library of ONNX Runtime is meant.
    pub onnxruntime: Asked,
}

/// All models of a host. Costs nothing until one is loaded.
#[derive(Debug)]
pub struct Models {
    options: ModelsOptions,
    clock: Arc<dyn Clock>,
    /// By SHA-256: all cameras that use one model share it. Those that nobody uses are gone.
    loaded: Mutex<HashMap<String, Weak<Model>>>,
    overdue: Arc<AtomicUsize>,
}

impl Default for Models {
    fn default() -> Self {
        Self::new(ModelsOptions::default(), Arc::new(SystemClock::new()))
    }
}

impl Models {
    /// Nothing is loaded, or looked for, yet.
    #[must_use]
    pub fn new(options: ModelsOptions, clock: Arc<dyn Clock>) -> Self {
        Self {
            options,
            clock,
            loaded: Mutex::default(),
            overdue: Arc::default(),
        }
    }

    /// Models that have a name on this host.
    #[must_use]
    pub fn files(&self) -> &BTreeMap<String, PathBuf> {
        &self.options.files
    }

    /// What runs models here, the one that is tried first before the others. Opens the library of ONNX Runtime, if there is
    /// one.
    #[must_use]
    pub fn backends(&self) -> Vec<Arc<dyn Backend>> {
        let fast = OnnxRuntime::open(&self.options.onnxruntime).ok();
        let fast = fast.map(|runtime| Arc::new(runtime) as Arc<dyn Backend>);
        fast.into_iter().chain([Arc::new(Tract) as _]).collect()
    }

    /// How those are that are loaded.
    #[must_use]
    pub fn stats(&self) -> Vec<ModelStats> {
        let loaded: Vec<Arc<Model>> = self.lock().values().filter_map(Weak::upgrade).collect();
        let mut stats: Vec<ModelStats> = loaded.iter().map(|model| model.stats()).collect();
        stats.sort_by(|one, other| (&one.path, &one.sha256).cmp(&(&other.path, &other.sha256)));
        stats
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Weak<Model>>> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The model of a file: the one that is loaded already, or a new one. `slow` is told before something that takes long.
    /// Blocks, at most [`LOAD_TIMEOUT`] and what reading the file takes.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn load(&self, path: &Path, slow: impl FnOnce()) -> Result<Arc<Model>, ModelError> {
        let origin = path.display().to_string();
        let loaded = self.shared(path, &origin, slow);
        loaded.map_err(|problem| ModelError { origin, problem })
    }

    fn shared(&self, path: &Path, origin: &str, slow: impl FnOnce()) -> Result<Arc<Model>, ModelProblem> {
        let bytes = read(path)?;
        let (sha256, size) = (hex(&Sha256::digest(&bytes)), bytes.len());
        if let Some(model) = self.lock().get(&sha256).and_then(Weak::upgrade) {
            return Ok(model);
        }
        slow();
        let (backend, network) = self.in_time(bytes)?;
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let file = (origin.to_owned(), sha256.clone(), size);
        let clock = Arc::clone(&self.clock);
        let model = Arc::new(Model::new(file, &backend, network, clock, cores.min(MAX_WORKERS)));
        let mut all = self.lock();
        all.retain(|_, one| one.strong_count() > 0);
        // Somebody else may have been loading it as well.
        if let Some(first) = all.get(&sha256).and_then(Weak::upgrade) {
            return Ok(first);
        }
        all.insert(sha256, Arc::downgrade(&model));
        Ok(model)
    }

    /// Loads on a thread of its own, since nothing can stop a backend that is at it. What comes too late is forgotten.
    fn in_time(&self, bytes: Vec<u8>) -> Result<(String, Box<dyn Network>), ModelProblem> {
        if self.overdue.load(Ordering::SeqCst) >= MAX_OVERDUE {
            return Err(ModelProblem::Busy);
        }
        let (done, result) = sync_channel(1);
        let late = Arc::new(Mutex::new(false));
        let (backends, overdue, too_late) = (self.backends(), Arc::clone(&self.overdue), Arc::clone(&late));
        let work = move || {
            let loaded = load(bytes, &backends);
            let too_late = too_late.lock().unwrap_or_else(PoisonError::into_inner);
            if *too_late {
                overdue.fetch_sub(1, Ordering::SeqCst);
            } else {
                // There is room for one.
                let _ = done.send(loaded);
            }
        };
        let spawned = std::thread::Builder::new().name("load-model".into()).spawn(work);
        spawned.map_err(ModelProblem::from)?;
        match result.recv_timeout(LOAD_TIMEOUT) {
            Ok(loaded) => loaded,
            Err(RecvTimeoutError::Timeout) => {
                let mut late = late.lock().unwrap_or_else(PoisonError::into_inner);
                // It may have come just now.
                result.try_recv().unwrap_or_else(|_| {
                    *late = true;
                    self.overdue.fetch_add(1, Ordering::SeqCst);
                    Err(ModelProblem::TooSlow)
                })
            }
            Err(RecvTimeoutError::Disconnected) => Err(ModelProblem::Unsupported {
                backend: "no backend".to_owned(),
                why: "loading it has failed".to_owned(),
            }),
        }
    }
}

/// The first backend that takes it; if none does, what the first one said.
fn load(bytes: Vec<u8>, backends: &[Arc<dyn Backend>]) -> Result<(String, Box<dyn Network>), ModelProblem> {
    let mut first = None;
    let mut last = Some(Proto::parse(bytes)?);
    for (place, backend) in backends.iter().enumerate() {
        let model = if place + 1 == backends.len() {
            last.take()
        } else {
            last.as_ref().map(Proto::again).transpose()?
        };
        let Some(model) = model else { break };
        match load_with(&**backend, model) {
            Ok(network) => return Ok((backend.name().to_owned(), network)),
            Err(problem) => first = first.or(Some(problem)),
        }
    }
    Err(first.unwrap_or(ModelProblem::Busy))
}

fn load_with(backend: &dyn Backend, model: Proto) -> Result<Box<dyn Network>, ModelProblem> {
    let unknown = backend.unknown_operators(&model);
    if unknown.is_empty() {
        return backend.load(model);
    }
    let more = unknown.len().saturating_sub(MAX_NAMED_OPERATORS);
    let named = unknown
        .iter()
        .take(MAX_NAMED_OPERATORS)
        .map(|name| format!("`{name}`"));
    let mut operators = named.collect::<Vec<_>>().join(", ");
    if more > 0 {
        operators.push_str(&format!(" and {more} more"));
    }
    Err(ModelProblem::Operators {
        operators: format!(
            "{} {operators}",
            if unknown.len() == 1 {
                "the operator"
            } else {
                "the operators"
            }
        ),
        backend: backend.name().to_owned(),
        hint: "\nhint: ONNX Runtime knows more of them: `mediagraph doctor` says how to get it".to_owned(),
    })
}

/// The models of one node, by the names that its component may use.
#[derive(Clone, Debug, Default)]
pub struct Bound(Arc<BTreeMap<String, Arc<Model>>>);

impl Bound {
    /// Of these.
    #[must_use]
    pub fn new(models: BTreeMap<String, Arc<Model>>) -> Self {
        Self(Arc::new(models))
    }

    /// The model of a name.
    ///
    /// # Errors
    /// Says which names there are, and how one is given.
    pub fn find(&self, name: &str) -> Result<Arc<Model>, String> {
        let found = self.0.get(name).cloned();
        found.ok_or_else(|| {
            let shown = crate::text::plain(name, super::limits::MAX_NAME_BYTES);
            let names: Vec<String> = self.0.keys().map(|name| format!("`{name}`")).collect();
            let known = match names.as_slice() {
                [] => "this node has none".to_owned(),
                names => format!("this node has {}", names.join(", ")),
            };
            format!(
                "there is no model `{shown}`; {known}\nhint: name its file in `models` of the node, or under `[models.files]` of \
                 the configuration"
            )
        })
    }

    /// How those are.
    pub fn all(&self) -> impl Iterator<Item = (&str, &Arc<Model>)> {
        self.0.iter().map(|(name, model)| (name.as_str(), model))
    }
}
