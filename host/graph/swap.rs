//! Putting other versions of components into a graph that runs.
//!
//! Invariant: a node runs a version that has started, takes the node's configuration and asks for frames that the
//! node can give; whatever fails of that, the version before goes on and an event says why.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::components::read_component;
use super::plan::{Origin, PlannedComponent};
use crate::extension::{Engine, Extension, ExtensionError, HandOver, Swap, SwapError};
use crate::nodes::analysis::AnalysisPool;
use crate::nodes::context::NodeContext;
use crate::nodes::processors::component::tell_refused;

/// How often a file is looked at that the topology says to watch. It must look the same twice before it is read: it
/// may be being written.
pub const WATCH_INTERVAL: Duration = Duration::from_millis(500);

/// Why a version is not put into a node.
#[derive(Debug, thiserror::Error)]
pub enum NotSwapped {
    /// It cannot be loaded at all.
    #[error(transparent)]
    Load(#[from] ExtensionError),
    /// The topology takes one version only.
    #[error("it has the SHA-256 {found}, the topology wants {wanted}")]
    Pin {
        /// What the topology says.
        wanted: String,
        /// What it is.
        found: String,
    },
    /// The node cannot do with it.
    #[error(transparent)]
    Node(#[from] SwapError),
    /// Its file cannot be read.
    #[error("`{}` cannot be read: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The host's own fault.
    #[error("the host failed while it loaded it")]
    Host,
}

/// A node of a running graph that runs a component, as seen by who puts another version in.
#[derive(Clone, Debug)]
pub struct Slot {
    context: NodeContext,
    pool: AnalysisPool,
    engine: Engine,
    origin: Origin,
    pin: Option<String>,
    swap: Arc<dyn Swap>,
}

impl Slot {
    pub(super) fn new(
        context: &NodeContext,
        pool: &AnalysisPool,
        component: &PlannedComponent,
        swap: Arc<dyn Swap>,
    ) -> Self {
        Self {
            context: context.clone(),
            pool: pool.clone(),
            engine: component.extension.engine().clone(),
            origin: component.origin.clone(),
            pin: component.pin.clone(),
            swap,
        }
    }

    /// The node.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.context.name
    }

    /// Whether its component is what this name points to.
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        matches!(&self.origin, Origin::Name(own) if own == name)
    }

    /// Whether it runs this, or will with its next frame.
    #[must_use]
    pub fn has(&self, extension: &Extension) -> bool {
        self.swap.newest() == extension.sha256
    }

    /// Starts a version beside the one that runs. The node takes it over once the result is called.
    ///
    /// # Errors
    /// Why the one that runs goes on.
    pub async fn prepare(&self, extension: &Arc<Extension>) -> Result<HandOver, NotSwapped> {
        if let Some(wanted) = &self.pin
            && !wanted.eq_ignore_ascii_case(&extension.sha256)
        {
            return Err(NotSwapped::Pin {
                wanted: wanted.clone(),
                found: extension.sha256.clone(),
            });
        }
        let preparing = self.swap.prepare(Arc::clone(extension));
        let preparing = self.pool.call(preparing.instrument(self.context.span.clone()));
        Ok(preparing.await?)
    }

    /// Tells the world that a version is not put in.
    pub fn refuse(&self, origin: &str, sha256: Option<&str>, why: &NotSwapped) {
        let tell = || {
            tell_refused(
                &self.context,
                origin,
                sha256,
                &self.swap.newest(),
                &why.to_string(),
            )
        };
        self.context.span.in_scope(tell);
    }

    /// What watches the file of the component, if the topology says so.
    pub(super) fn watcher(&self, stop: &CancellationToken) -> Option<Watcher> {
        let Origin::File { path, watch: true } = &self.origin else {
            return None;
        };
        Some(Watcher {
            slot: self.clone(),
            path: path.clone(),
            stop: stop.clone(),
            read: None,
            seen: None,
        })
    }
}

/// What shows that a file is another one than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Stamp {
    fn of(metadata: &std::fs::Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

/// Watches the file of one node.
#[derive(Debug)]
pub(super) struct Watcher {
    slot: Slot,
    path: PathBuf,
    stop: CancellationToken,
    /// As it was when it was read last. Nothing at first: it may have changed since the graph was planned.
    read: Option<Stamp>,
    /// As it was at the last look.
    seen: Option<Stamp>,
}

impl Watcher {
    pub(super) fn span(&self) -> tracing::Span {
        self.slot.context.span.clone()
    }

    /// Until the graph is to stop.
    pub(super) async fn run(mut self) {
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(WATCH_INTERVAL) => {}
            }
            self.look().await;
        }
    }

    async fn look(&mut self) {
        // A file that is away for a moment is being replaced.
        let Ok(metadata) = tokio::fs::metadata(&self.path).await else {
            self.seen = None;
            return;
        };
        let now = Some(Stamp::of(&metadata));
        let settled = now == self.seen;
        self.seen = now;
        if !settled || now == self.read {
            return;
        }
        self.read = now;
        let (path, engine) = (self.path.clone(), self.slot.engine.clone());
        let loading = tokio::task::spawn_blocking(move || load(&path, &engine));
        let loaded = tokio::select! {
            // What is being compiled is kept for the next time.
            () = self.stop.cancelled() => return,
            loaded = loading => loaded.unwrap_or(Err(NotSwapped::Host)),
        };
        self.take(loaded).await;
    }

    async fn take(&self, loaded: Result<Arc<Extension>, NotSwapped>) {
        let origin = self.path.display().to_string();
        let extension = match loaded {
            Ok(extension) if self.slot.has(&extension) => return,
            Ok(extension) => extension,
            Err(why) => return self.slot.refuse(&origin, None, &why),
        };
        match self.slot.prepare(&extension).await {
            Ok(hand_over) => hand_over(),
            Err(why) => self.slot.refuse(&origin, Some(&extension.sha256), &why),
        }
    }
}

fn load(path: &Path, engine: &Engine) -> Result<Arc<Extension>, NotSwapped> {
    let bytes = read_component(path).map_err(|source| NotSwapped::File {
        path: path.to_owned(),
        source,
    })?;
    Ok(engine.load(&bytes, &path.display().to_string())?)
}
