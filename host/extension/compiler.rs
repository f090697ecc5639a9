//! Compiling components: on threads of their own, a few at once, within a bounded time.
//!
//! Nothing can stop a compilation that has begun. So who waits for one waits for a bounded time; the compilation goes
//! on, and what comes of it is kept for who asks next. Two who want the same component wait for the same compilation.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use wasmtime::Engine;
use wasmtime::component::Component;

use super::cache::Cache;
use super::error::LoadProblem;
use super::limits::{COMPILE_TIMEOUT, MAX_COMPILING, MAX_ERROR_BYTES, MAX_OVERDUE, shorten};

/// What becomes of a compilation; cheap to clone.
type Compiled = Result<Component, String>;

#[derive(Debug, Default)]
pub(super) struct Compiler {
    jobs: Mutex<HashMap<String, Arc<Job>>>,
    /// Told whenever a job ends.
    ended: Condvar,
}

#[derive(Debug, Default)]
struct Job(Mutex<Progress>);

#[derive(Default)]
struct Progress {
    result: Option<Compiled>,
    /// Those who waited for it have gone.
    overdue: bool,
}

impl std::fmt::Debug for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Progress")
            .field("done", &self.result.is_some())
            .field("overdue", &self.overdue)
            .finish()
    }
}

impl Job {
    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn result(&self) -> Option<Compiled> {
        self.lock().result.clone()
    }
}

impl Compiler {
    /// Compiles a component, and keeps it if there is a cache. Blocks, at most [`COMPILE_TIMEOUT`].
    pub(super) fn compile(
        self: &Arc<Self>,
        engine: &Engine,
        cache: Option<&Arc<Cache>>,
        bytes: &[u8],
        sha256: &str,
    ) -> Result<Component, LoadProblem> {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let mut job = None;
        let mut left = COMPILE_TIMEOUT;
        loop {
            if job.is_none() {
                job = jobs.get(sha256).cloned();
            }
            if job.is_none() && self.has_room(&jobs)? {
                job = Some(self.begin(&mut jobs, engine, cache, bytes, sha256)?);
            }
            if let Some(result) = job.as_ref().and_then(|job| job.result()) {
                return result.map_err(LoadProblem::Invalid);
            }
            if left.is_zero() {
                if let Some(job) = job {
                    job.lock().overdue = true;
                }
                return Err(LoadProblem::TooSlow {
                    seconds: COMPILE_TIMEOUT.as_secs(),
                });
            }
            // In slices: the end of another job must not begin the wait anew.
            let slice = left.min(SLICE);
            let waited = self.ended.wait_timeout(jobs, slice);
            let (back, end) = waited.unwrap_or_else(PoisonError::into_inner);
            jobs = back;
            if end.timed_out() {
                left = left.saturating_sub(slice);
            }
        }
    }

    fn has_room(&self, jobs: &HashMap<String, Arc<Job>>) -> Result<bool, LoadProblem> {
        let overdue = jobs.values().filter(|job| job.lock().overdue).count();
        if overdue >= MAX_OVERDUE {
            return Err(LoadProblem::Busy);
        }
        Ok(jobs.len() - overdue < MAX_COMPILING)
    }

    fn begin(
        self: &Arc<Self>,
        jobs: &mut HashMap<String, Arc<Job>>,
        engine: &Engine,
        cache: Option<&Arc<Cache>>,
        bytes: &[u8],
        sha256: &str,
    ) -> Result<Arc<Job>, LoadProblem> {
        let job = Arc::<Job>::default();
        let work = {
            let (compiler, job, engine) = (Arc::clone(self), Arc::clone(&job), engine.clone());
            let (cache, bytes, sha256) = (cache.cloned(), bytes.to_vec(), sha256.to_owned());
            move || {
                let result = compile(&engine, &bytes);
                if let (Some(cache), Ok(component)) = (&cache, &result) {
                    cache.store(component, &sha256);
                }
                compiler.end(&sha256, &job, result);
            }
        };
        let spawned = std::thread::Builder::new().name("compile".into()).spawn(work);
        spawned.map_err(|error| LoadProblem::Host(format!("no thread to compile with: {error}")))?;
        jobs.insert(sha256.to_owned(), Arc::clone(&job));
        Ok(job)
    }

    fn end(&self, sha256: &str, job: &Job, result: Compiled) {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        job.lock().result = Some(result);
        jobs.remove(sha256);
        drop(jobs);
        self.ended.notify_all();
    }
}

/// A compiler that panics has failed at this component, and not for all who ask for it later.
fn compile(engine: &Engine, bytes: &[u8]) -> Compiled {
    let compiling = || Component::from_binary(engine, bytes);
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(compiling)) {
        Ok(Ok(component)) => Ok(component),
        Ok(Err(error)) => Err(shorten(format!("{error:#}"), MAX_ERROR_BYTES)),
        Err(_) => Err("the compiler fails on it".to_owned()),
    }
}

/// How long one wait takes at most.
const SLICE: std::time::Duration = std::time::Duration::from_secs(1);
