//! A thread that advances the epoch, without which no deadline of a guest ever passes.
//!
//! Invariant: it ticks for as long as a call runs, and rests when none does, so that a host whose components have
//! nothing to do is not woken for nothing.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{JoinHandle, Thread};

use super::limits::EPOCH_TICK;

/// The thread; it ends when this is dropped.
pub(super) struct Ticker {
    beat: Arc<Beat>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread and the calls share.
#[derive(Debug, Default)]
pub(super) struct Beat {
    epochs: AtomicU64,
    calls: AtomicU32,
    stopped: AtomicBool,
    thread: OnceLock<Thread>,
}

impl Beat {
    /// How often the epoch has advanced.
    pub(super) fn epochs(&self) -> u64 {
        self.epochs.load(Ordering::Relaxed)
    }

    /// Keeps it beating until the result is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> Ticking {
        // Sequential, as the look at it below: either the thread sees the call, or it finds itself woken.
        if self.calls.fetch_add(1, Ordering::SeqCst) == 0
            && let Some(thread) = self.thread.get()
        {
            thread.unpark();
        }
        Ticking(Arc::clone(self))
    }

    fn run(&self, engine: &wasmtime::Engine) {
        while !self.stopped.load(Ordering::SeqCst) {
            if self.calls.load(Ordering::SeqCst) == 0 {
                std::thread::park();
                continue;
            }
            std::thread::sleep(EPOCH_TICK);
            engine.increment_epoch();
            self.epochs.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A call that runs.
#[derive(Debug)]
pub(super) struct Ticking(Arc<Beat>);

impl Drop for Ticking {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Ticker {
    pub(super) fn start(engine: wasmtime::Engine) -> std::io::Result<Self> {
        let beat = Arc::<Beat>::default();
        let beating = Arc::clone(&beat);
        let thread = std::thread::Builder::new()
            .name("epoch".into())
            .spawn(move || beating.run(&engine))?;
        // It is being made: nobody has set it before, and no call can have begun.
        let _ = beat.thread.set(thread.thread().clone());
        Ok(Self {
            beat,
            thread: Some(thread),
        })
    }

    pub(super) fn beat(&self) -> &Arc<Beat> {
        &self.beat
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.beat.stopped.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panic of the ticker has been told by then, and there is nobody left to whom it matters.
            let _ = thread.join();
        }
    }
}
