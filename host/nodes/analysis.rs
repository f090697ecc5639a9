//! Where decoding and components run.
//!
//! As many calls run at once as there are cores. A call that takes longer than [`LONG_CALL`] gives its place to the
//! next, so that a component which loops until its deadline does not stop all other analysis; at most
//! [`MAX_LONG_CALLS`] do so at once. The threads are those that the runtime sets aside for blocking work, so
//! recording and networking never wait for a component.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::thread::Thread;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::media::Clock;

/// A call that has run this long no longer counts as one of the few that may run at once.
pub const LONG_CALL: Duration = Duration::from_millis(50);

/// How many calls may have given up their place at once.
pub const MAX_LONG_CALLS: usize = 16;

/// Runs analysis, a bounded number of calls at once.
#[derive(Clone, Debug)]
pub struct AnalysisPool {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    clock: Arc<dyn Clock>,
    places: Arc<Semaphore>,
    running: Mutex<HashMap<u64, Running>>,
    numbers: AtomicU64,
    /// Started by the first call, so that a host that only records has no such thread; parked while nothing runs.
    watcher: OnceLock<Option<Thread>>,
}

#[derive(Debug)]
struct Running {
    since: Duration,
    place: Option<OwnedSemaphorePermit>,
}

/// Gives the place back when a call ends, however it ends.
struct Call<'a> {
    shared: &'a Shared,
    number: u64,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.shared.lock().remove(&self.number);
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, number: u64, call: Running) {
        let mut running = self.lock();
        let was_idle = running.is_empty();
        running.insert(number, call);
        drop(running);
        if was_idle {
            self.wake_watcher();
        }
    }

    fn wake_watcher(&self) {
        if let Some(Some(watcher)) = self.watcher.get() {
            watcher.unpark();
        }
    }

    /// Takes the places of calls that run for long. Gives false when nothing runs.
    fn relieve(&self) -> bool {
        let now = self.clock.monotonic();
        let mut running = self.lock();
        let mut long = running.values().filter(|call| call.place.is_none()).count();
        for call in running.values_mut() {
            if long < MAX_LONG_CALLS
                && now.saturating_sub(call.since) >= LONG_CALL
                && call.place.take().is_some()
            {
                long += 1;
            }
        }
        !running.is_empty()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // It finds nothing to watch any more, and ends.
        self.wake_watcher();
    }
}

impl AnalysisPool {
    /// With a place for each core. Must be made, and used, within a multi-threaded Tokio runtime.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, cores: usize) -> Self {
        Self {
            shared: Arc::new(Shared {
                clock,
                places: Arc::new(Semaphore::new(cores.max(1))),
                running: Mutex::default(),
                numbers: AtomicU64::new(0),
                watcher: OnceLock::new(),
            }),
        }
    }

    /// Runs a computation that does not wait for anything, such as decoding.
    pub async fn compute<T>(&self, work: impl FnOnce() -> T) -> T {
        let Ok(place) = Arc::clone(&self.shared.places).acquire_owned().await else {
            // Nobody closes the semaphore.
            return work();
        };
        let number = self.shared.numbers.fetch_add(1, Ordering::Relaxed);
        let since = self.shared.clock.monotonic();
        let place = Some(place);
        self.shared.watcher.get_or_init(|| watch(&self.shared));
        self.shared.begin(number, Running { since, place });
        let _call = Call {
            shared: &self.shared,
            number,
        };
        tokio::task::block_in_place(work)
    }

    /// Drives a call of a component to its end. The future computes, so it must not be polled on a shared thread.
    pub async fn call<F: Future>(&self, future: F) -> F::Output {
        let handle = Handle::current();
        self.compute(|| handle.block_on(future)).await
    }
}

/// Looks after long calls for as long as the pool exists.
fn watch(shared: &Arc<Shared>) -> Option<Thread> {
    let watched = Arc::downgrade(shared);
    // Not a task of the runtime: it must run even when every worker is busy in a component.
    let watcher = std::thread::Builder::new()
        .name("analysis-watch".into())
        .spawn(move || watch_until_gone(&watched));
    match watcher {
        Ok(watcher) => Some(watcher.thread().clone()),
        Err(error) => {
            tracing::error!(%error, "No thread to watch long calls: a looping component will delay others");
            None
        }
    }
}

fn watch_until_gone(shared: &Weak<Shared>) {
    while let Some(shared) = shared.upgrade() {
        let busy = shared.relieve();
        drop(shared);
        if !busy {
            // A call that begins between the look and here has left its mark: then this returns at once.
            std::thread::park();
        }
        std::thread::sleep(LONG_CALL / 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::SystemClock;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn calls_that_never_end_do_not_stop_the_others() {
        let pool = AnalysisPool::new(Arc::new(SystemClock::new()), 1);
        assert!(
            pool.shared.watcher.get().is_none(),
            "nobody has asked for anything"
        );
        let (release, held) = std::sync::mpsc::sync_channel::<()>(0);
        let held = Arc::new(Mutex::new(held));
        let tracker = tokio_util::task::TaskTracker::new();
        for _ in 0..3 {
            let (pool, held) = (pool.clone(), Arc::clone(&held));
            tracker.spawn(async move { pool.compute(|| held.lock().map(|held| held.recv())).await.is_ok() });
        }
        // Hangs, and so fails by the test runner's own bound, if a long call kept its place.
        assert_eq!(pool.compute(|| 42).await, 42);
        assert_eq!(
            pool.call(async {
                tokio::task::yield_now().await;
                43
            })
            .await,
            43
        );
        drop(release);
        tracker.close();
        tracker.wait().await;
        assert!(pool.shared.lock().is_empty());
    }
}
