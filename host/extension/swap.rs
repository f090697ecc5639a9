//! Another version of a component for a node that runs.
//!
//! The new instance is made beside the old one, away from the node, and waits in a place that both sides know. The
//! node looks there between two calls. So no frame waits for a constructor, and a version that does not start is never
//! seen by the node at all.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use tokio::sync::Notify;

use super::component::{Extension, World};
use super::error::CallError;
use super::supervisor::{Recipe, Settings, sealed};

/// Why a version is not put in; the one before it goes on.
#[derive(Debug, thiserror::Error)]
pub enum SwapError {
    /// Another kind of extension.
    #[error("`{name}` is a {found}, and this node runs a {wanted}")]
    World {
        /// Its name for itself.
        name: String,
        /// What it is.
        found: World,
        /// What the node runs.
        wanted: World,
    },
    /// It does not take the configuration that the node has.
    #[error("the configuration of the node does not suit `{name}`: {problems}")]
    Config {
        /// Its name for itself.
        name: String,
        /// Each with its pointer.
        problems: String,
    },
    /// It wants frames that the topology does not give.
    #[error("{0}")]
    Input(String),
    /// It was not made.
    #[error("it does not start: {0}")]
    Start(#[from] CallError),
}

/// A new instance that only waits to be handed to its node.
pub type HandOver = Box<dyn FnOnce() + Send>;

/// Puts other versions into one node, whatever its world.
pub trait Swap: Send + Sync + fmt::Debug {
    /// Of the version that was handed over last, or runs since the start: its SHA-256, in hexadecimal.
    fn newest(&self) -> String;

    /// Makes an instance of another version, with the configuration and the limits of the node. Computes: poll it
    /// where components run. Nothing changes before the result is called.
    fn prepare(&self, extension: Arc<Extension>) -> BoxFuture<'static, Result<HandOver, SwapError>>;
}

/// What a node took over.
#[derive(Clone, Debug)]
pub struct Swapped {
    /// The version that runs from now on.
    pub extension: Arc<Extension>,
    /// SHA-256 of the one before.
    pub previous: String,
}

/// Where a new instance waits for its node.
#[derive(Debug)]
pub(super) struct Place<W> {
    /// Asked for every frame, so without the lock.
    waiting: AtomicBool,
    state: Mutex<State<W>>,
    /// For a node that has nothing to do.
    told: Notify,
}

#[derive(Debug)]
struct State<W> {
    newest: String,
    ready: Option<(Arc<Extension>, W)>,
}

impl<W> Place<W> {
    pub(super) fn new(extension: &Extension) -> Self {
        Self {
            waiting: AtomicBool::new(false),
            state: Mutex::new(State {
                newest: extension.sha256.clone(),
                ready: None,
            }),
            told: Notify::new(),
        }
    }

    /// Returns once something waits. Cancel-safe.
    pub(super) async fn offered(&self) {
        while !self.waiting.load(Ordering::Acquire) {
            self.told.notified().await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What waits, if anything does.
    pub(super) fn take(&self) -> Option<(Arc<Extension>, W)> {
        if !self.waiting.load(Ordering::Acquire) {
            return None;
        }
        let mut state = self.state();
        self.waiting.store(false, Ordering::Release);
        state.ready.take()
    }

    fn put(&self, extension: Arc<Extension>, instance: W) {
        let mut state = self.state();
        state.newest.clone_from(&extension.sha256);
        // One that waited for nothing is dropped once the lock is free.
        let before = state.ready.replace((extension, instance));
        self.waiting.store(true, Ordering::Release);
        drop(state);
        self.told.notify_one();
        drop(before);
    }
}

/// Whether a node can do with what an instance asks for.
type Fits<W> = Arc<dyn Fn(&W) -> Result<(), String> + Send + Sync>;

/// Puts other versions into one node.
pub(super) struct Swapper<W> {
    pub(super) node: Arc<Settings>,
    pub(super) place: Arc<Place<W>>,
    pub(super) fits: Fits<W>,
}

impl<W> fmt::Debug for Swapper<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Swapper")
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}

impl<W: sealed::Instance + 'static> Swap for Swapper<W> {
    fn newest(&self) -> String {
        self.place.state().newest.clone()
    }

    fn prepare(&self, extension: Arc<Extension>) -> BoxFuture<'static, Result<HandOver, SwapError>> {
        let (place, fits) = (Arc::clone(&self.place), Arc::clone(&self.fits));
        let recipe = Recipe {
            extension: Arc::clone(&extension),
            node: Arc::clone(&self.node),
        };
        Box::pin(async move {
            check::<W>(&recipe)?;
            let instance = W::start(&recipe).await?;
            fits(&instance).map_err(SwapError::Input)?;
            Ok(Box::new(move || place.put(extension, instance)) as HandOver)
        })
    }
}

/// What can be said without an instance.
fn check<W: sealed::Instance>(recipe: &Recipe) -> Result<(), SwapError> {
    let extension = &recipe.extension;
    let name = || extension.name.clone();
    if extension.world != W::WORLD {
        return Err(SwapError::World {
            name: name(),
            found: extension.world,
            wanted: W::WORLD,
        });
    }
    extension
        .config_schema
        .check(&recipe.node.config)
        .map_err(|problems| {
            let told = problems
                .iter()
                .map(|problem| format!("`/config{}` {}", problem.pointer, problem.message));
            SwapError::Config {
                name: name(),
                problems: told.collect::<Vec<_>>().join("; "),
            }
        })
}
