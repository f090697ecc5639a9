//! The engine of a process that may never need one.
//!
//! The engine, its linker and its ticker take some megabytes and a thread. A graph that only records pays for none of it.

use std::sync::{Mutex, PoisonError};

use super::engine::{Engine, EngineOptions};
use super::error::EngineError;
use super::limits::MemoryCeiling;

/// Starts the [`Engine`] when it is first asked for, and gives the same one from then on.
#[derive(Debug)]
pub struct LazyEngine {
    options: EngineOptions,
    engine: Mutex<Option<Engine>>,
}

impl LazyEngine {
    /// Nothing is started yet.
    #[must_use]
    pub fn new(options: EngineOptions) -> Self {
        Self {
            options,
            engine: Mutex::new(None),
        }
    }

    /// The engine. Blocks while it starts.
    ///
    /// # Errors
    /// As [`Engine::new`]; the next call tries again.
    pub fn get(&self) -> Result<Engine, EngineError> {
        let mut started = self.engine.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = &*started {
            return Ok(engine.clone());
        }
        let engine = Engine::new(self.options.clone())?;
        Ok(started.insert(engine).clone())
    }

    /// What all components together may have, also before any is there.
    #[must_use]
    pub fn memory(&self) -> &MemoryCeiling {
        &self.options.memory
    }

    /// Whether anybody has asked for it.
    #[must_use]
    pub fn is_started(&self) -> bool {
        self.engine
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_starts_once_and_only_when_it_is_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let cache = dir.path().join("components");
        let lazy = LazyEngine::new(EngineOptions {
            cache_dir: Some(cache.clone()),
            ..EngineOptions::default()
        });
        assert!(!lazy.is_started() && !cache.exists());
        let first = lazy.get().unwrap();
        assert!(lazy.is_started() && cache.exists());
        assert!(wasmtime::Engine::same(first.wasm(), lazy.get().unwrap().wasm()));
    }

    #[test]
    fn an_engine_that_did_not_start_may_start_later() {
        let dir = tempfile::tempdir().unwrap();
        let cache = dir.path().join("components");
        std::fs::write(&cache, "in the way").unwrap();
        let lazy = LazyEngine::new(EngineOptions {
            cache_dir: Some(cache.clone()),
            ..EngineOptions::default()
        });
        assert!(lazy.get().is_err() && !lazy.is_started());
        std::fs::remove_file(&cache).unwrap();
        assert!(lazy.get().is_ok());
    }
}
