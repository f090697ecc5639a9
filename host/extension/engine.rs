//! The engine of the process: loads components and checks them.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use sha2::{Digest, Sha256};
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, OptLevel};

use super::bindings::exported::about;
use super::cache::Cache;
use super::compiler::Compiler;
use super::component::{self, Extension, Import, Worlds};
use super::error::{CallError, EngineError, ExtensionError, LoadProblem};
use super::guest::{self, Guest, NodeContext};
use super::limits::{
    FIBER_STACK_BYTES, Limits, MAX_COMPONENT_BYTES, MAX_ERROR_BYTES, MAX_GUEST_STACK_BYTES, MemoryCeiling,
    shorten,
};
use super::log::TracingLog;
use super::session::Session;
use super::size;
use super::ticker::{Beat, Ticker};
use crate::inference::Bound;
use crate::media::{MediaTime, SystemClock};
use crate::text::hex;

/// How the engine is set up.
#[derive(Clone, Debug, Default)]
pub struct EngineOptions {
    /// Keeps compiled components here. Must belong to this user and be closed to others.
    pub cache_dir: Option<PathBuf>,
    /// For `describe`.
    pub limits: Limits,
    /// What all components together may have.
    pub memory: MemoryCeiling,
}

/// The WebAssembly engine; one per process. Clones are the same engine.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    wasm: wasmtime::Engine,
    linker: Linker<Guest>,
    /// The same and models; made when the first component asks for them.
    with_models: OnceLock<Linker<Guest>>,
    cache: Option<Arc<Cache>>,
    compiler: Arc<Compiler>,
    limits: Limits,
    memory: MemoryCeiling,
    ticker: Ticker,
    /// By SHA-256: hundreds of graphs that run one component share its code. Those that nobody uses are gone.
    loaded: Mutex<HashMap<String, Weak<Extension>>>,
    /// The SHA-256 of components that are part of the program, by where they stand in it.
    builtin: Mutex<HashMap<usize, String>>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("cache", &self.0.cache)
            .finish_non_exhaustive()
    }
}

fn config() -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .epoch_interruption(true)
        .consume_fuel(false)
        .wasm_simd(true)
        .wasm_relaxed_simd(true)
        // The same answer on every machine: a replay must decide as the first run did.
        .relaxed_simd_deterministic(true)
        .cranelift_nan_canonicalization(false)
        .wasm_memory64(false)
        .max_wasm_stack(MAX_GUEST_STACK_BYTES)
        .async_stack_size(FIBER_STACK_BYTES)
        .memory_init_cow(true)
        .cranelift_opt_level(OptLevel::Speed)
        .parallel_compilation(true);
    config
}

impl Engine {
    /// Starts the engine and its ticker, which ends with the last clone and the last extension.
    ///
    /// # Errors
    /// If the cache directory is not safe, or the machine refuses.
    pub fn new(options: EngineOptions) -> Result<Self, EngineError> {
        let start = |error: wasmtime::Error| EngineError::Start(error.to_string());
        let wasm = wasmtime::Engine::new(&config()).map_err(start)?;
        let linker = guest::linker(&wasm).map_err(start)?;
        let cache = options
            .cache_dir
            .map(|dir| Cache::open(&dir, &wasm).map(Arc::new))
            .transpose()?;
        let ticker = Ticker::start(wasm.clone()).map_err(EngineError::Ticker)?;
        Ok(Self(Arc::new(Inner {
            wasm,
            linker,
            with_models: OnceLock::new(),
            cache,
            compiler: Arc::default(),
            limits: options.limits,
            memory: options.memory,
            ticker,
            loaded: Mutex::default(),
            builtin: Mutex::default(),
        })))
    }

    /// How often the epoch has advanced since the start: it does while a component is called, and rests otherwise.
    #[must_use]
    pub fn epochs(&self) -> u64 {
        self.beat().epochs()
    }

    pub(super) fn beat(&self) -> &Arc<Beat> {
        self.0.ticker.beat()
    }

    /// What all components together may have.
    #[must_use]
    pub fn memory(&self) -> &MemoryCeiling {
        &self.0.memory
    }

    /// Whether a component of this hash can be loaded without compiling it.
    #[must_use]
    pub fn is_compiled(&self, sha256: &str) -> bool {
        let loaded = self.0.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.get(sha256).is_some_and(|one| one.strong_count() > 0)
            || self.0.cache.as_ref().is_some_and(|cache| cache.has(sha256))
    }

    /// Forgets the compiled code of a component that nobody will want again.
    pub fn forget(&self, sha256: &str) {
        if let Some(cache) = &self.0.cache {
            cache.remove(sha256);
        }
    }

    /// Checks and compiles a component, and asks it who it is. Takes milliseconds if it was compiled before,
    /// seconds if not: blocks, so not for a thread that has other work. `origin` is for messages.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn load(&self, bytes: &[u8], origin: &str) -> Result<Arc<Extension>, ExtensionError> {
        self.shared(bytes, || sha256(bytes))
            .map_err(|problem| ExtensionError {
                origin: origin.to_owned(),
                problem,
            })
    }

    /// As [`Engine::load`], of a component that is part of the program: its hash is reckoned once.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn load_builtin(&self, bytes: &'static [u8], origin: &str) -> Result<Arc<Extension>, ExtensionError> {
        let hash = || self.sha256_of_builtin(bytes);
        self.shared(bytes, hash).map_err(|problem| ExtensionError {
            origin: origin.to_owned(),
            problem,
        })
    }

    /// The hash of a component that is part of the program.
    #[must_use]
    pub fn sha256_of_builtin(&self, bytes: &'static [u8]) -> String {
        let mut known = self.0.builtin.lock().unwrap_or_else(PoisonError::into_inner);
        let hash = known
            .entry(bytes.as_ptr() as usize)
            .or_insert_with(|| sha256(bytes));
        hash.clone()
    }

    /// The component that is loaded already, or a new one.
    fn shared(&self, bytes: &[u8], sha256: impl FnOnce() -> String) -> Result<Arc<Extension>, LoadProblem> {
        if bytes.len() > MAX_COMPONENT_BYTES {
            return Err(LoadProblem::TooBig { bytes: bytes.len() });
        }
        let sha256 = sha256();
        let all = || self.0.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loaded) = all().get(&sha256).and_then(Weak::upgrade) {
            return Ok(loaded);
        }
        let loaded = Arc::new(self.check_and_load(bytes, sha256.clone())?);
        let mut all = all();
        all.retain(|_, one| one.strong_count() > 0);
        all.insert(sha256, Arc::downgrade(&loaded));
        Ok(loaded)
    }

    fn check_and_load(&self, bytes: &[u8], sha256: String) -> Result<Extension, LoadProblem> {
        component::check_preamble(bytes)?;
        let component = self.compile(bytes, &sha256)?;
        let imports = component::imports(&component)?;
        let world = component::world(&component)?;
        let mismatch =
            |error: wasmtime::Error| LoadProblem::Mismatch(shorten(format!("{error:#}"), MAX_ERROR_BYTES));
        let linker = self.linker_for(&imports).map_err(mismatch)?;
        let pre = linker.instantiate_pre(&component).map_err(mismatch)?;
        let exports = Worlds::find(world, &pre).map_err(mismatch)?;
        let about = about::GuestIndices::new(&pre).map_err(mismatch)?;
        let mut extension = Extension {
            name: String::new(),
            version: String::new(),
            summary: String::new(),
            world,
            config_schema: super::config::ConfigSchema::parse("").map_err(LoadProblem::Host)?,
            imports,
            sha256,
            bytes: bytes.len(),
            engine: self.clone(),
            pre,
            exports,
        };
        let said = self.ask(&extension, &about)?;
        extension.config_schema = component::check_description(&said)?;
        (extension.name, extension.version, extension.summary) = (said.name, said.version, said.summary);
        Ok(extension)
    }

    fn linker_for(&self, imports: &[Import]) -> wasmtime::Result<&Linker<Guest>> {
        if !component::wants_models(imports) {
            return Ok(&self.0.linker);
        }
        if let Some(linker) = self.0.with_models.get() {
            return Ok(linker);
        }
        let linker = guest::linker_with_models(&self.0.linker)?;
        Ok(self.0.with_models.get_or_init(|| linker))
    }

    fn compile(&self, bytes: &[u8], sha256: &str) -> Result<Component, LoadProblem> {
        let cache = self.0.cache.as_ref();
        if let Some(component) = cache.and_then(|cache| cache.load(&self.0.wasm, sha256)) {
            return Ok(component);
        }
        size::check(bytes)?;
        self.0.compiler.compile(&self.0.wasm, cache, bytes, sha256)
    }

    /// Calls `describe` on a thread of its own, so that it does not matter whose runtime we are called from.
    fn ask(
        &self,
        extension: &Extension,
        about: &about::GuestIndices,
    ) -> Result<about::Description, LoadProblem> {
        let host =
            |error: &dyn fmt::Display| LoadProblem::Host(format!("`describe` cannot be called: {error}"));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(|error| host(&error))?;
        let span = tracing::error_span!("describe", extension = extension.name);
        let ask = move || span.in_scope(|| runtime.block_on(describe(extension, about, self.0.limits)));
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new()
                .name("describe".into())
                .spawn_scoped(scope, ask);
            thread
                .map_err(|error| host(&error))?
                .join()
                .map_err(|_| host(&"it panicked"))
        })?
    }

    pub(super) fn wasm(&self) -> &wasmtime::Engine {
        &self.0.wasm
    }
}

async fn describe(
    extension: &Extension,
    about: &about::GuestIndices,
    limits: Limits,
) -> Result<about::Description, LoadProblem> {
    let context = NodeContext {
        node: "describe".into(),
        log: Arc::new(TracingLog),
        clock: Arc::new(SystemClock::new()),
        seed: 0,
        models: Bound::default(),
    };
    let started = Session::start(extension, &context, limits).await;
    let (mut session, instance) = started.map_err(LoadProblem::Describe)?;
    let mismatch =
        |error: wasmtime::Error| LoadProblem::Mismatch(shorten(format!("{error:#}"), MAX_ERROR_BYTES));
    // Checks the signatures of the world, which are not needed yet.
    match extension.exports() {
        Worlds::Detector(exports) => exports.load(&mut session.store, &instance).map(drop),
        Worlds::Gate(exports) => exports.load(&mut session.store, &instance).map(drop),
        Worlds::Processor(exports) => exports.load(&mut session.store, &instance).map(drop),
    }
    .map_err(mismatch)?;
    let guest = about.load(&mut session.store, &instance).map_err(mismatch)?;
    let within = session.prepare(MediaTime::MIN);
    let ended = within.call(guest.call_describe(&mut session.store)).await;
    session
        .settle(ended)
        .map_err(|error: CallError| LoadProblem::Describe(error))
}

/// Of a component's bytes, in hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}
