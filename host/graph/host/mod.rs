//! Everything that a control plane may ask of the host: the ten operations on topologies and graph instances.
//!
//! Three locks, always taken in this order, none held while anybody waits for a graph:
//! - `registry`: one change at a time, from looking whether it is allowed until it is on the disk and in memory;
//! - `catalog`: what is in memory; held for a look or a replacement, never while anything is read or written;
//! - those of the nodes' counters.
//!
//! Reading answers from memory. Changes run on threads that may block, to their end, whether or not whoever asked has
//! gone away; transitions run as tasks of their own.

mod catalog;
pub mod components;
mod echo;
pub mod error;
mod instances;
mod memory;
mod operations;
mod options;
pub mod page;
mod secrets;
pub mod status;
mod topologies;
pub mod transition;
mod validate;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::catalog::{Catalog, Entry, Topology};
pub use self::components::Installation;
pub use self::error::{ControlError, Detail, Kind};
pub use self::operations::{Deleted, Drained, Stored};
pub use self::options::{AllowAll, HostLimits, HostOptions, Policy};
pub use self::page::PageRequest;
pub use self::status::{InstanceState, InstanceStatus, Wanted};
use self::transition::{Asked, Begun};
use super::components::Installed;
use super::registry::{REGISTRY_FILE, Registry, RegistryError};
use super::{Environment, Plan, Recordings, Runtime};
use crate::extension::Extension;
use crate::inference::ModelStats;
use crate::media::MediaTime;
pub use crate::nodes::io::viewers::{Seen, Viewer};
use crate::recording::upload::{StoreHealth, UploadStatus};
use crate::topology::{Secrets, TopologyDoc};

/// Topologies and instances that are checked at the same time; more wait for their turn.
const MAX_CONCURRENT_CHECKS: usize = 8;
/// Changes that are made at the same time without a check that takes long; more wait for their turn.
const MAX_CONCURRENT_CHANGES: usize = 8;
/// Components that stay loaded while no graph uses them, so that the next one starts at once.
const MAX_KEPT_COMPONENTS: usize = 8;

/// The topologies and graph instances of one host. Clones are the same host.
#[derive(Clone, Debug)]
pub struct GraphHost {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Options {
    runtime: Runtime,
    recordings: Arc<Recordings>,
    load_roots: Vec<PathBuf>,
    limits: HostLimits,
    policy: Arc<dyn Policy>,
    secrets: Secrets,
}

#[derive(Debug)]
struct Shared {
    options: Options,
    environment: Environment,
    registry: Mutex<Registry>,
    catalog: Mutex<Catalog>,
    kept: Mutex<VecDeque<Arc<Extension>>>,
    /// Has turns of its own, so that a component that compiles for long holds up nobody who stops a graph.
    checks: Arc<Semaphore>,
    changes: Arc<Semaphore>,
    activations: Semaphore,
    memory: memory::Promised,
    /// Held while a component is installed or removed.
    installing: tokio::sync::Mutex<()>,
    tasks: TaskTracker,
    closing: CancellationToken,
}

impl Shared {
    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn catalog(&self) -> MutexGuard<'_, Catalog> {
        self.catalog.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> MediaTime {
        self.options.runtime.clock.media()
    }

    /// Keeps the components of a plan loaded for a while.
    fn keep_components(&self, plan: &Plan) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        for node in &plan.nodes {
            if let Some(component) = node.kind.component() {
                kept.retain(|one| !Arc::ptr_eq(one, &component.extension));
                kept.push_front(Arc::clone(&component.extension));
            }
        }
        kept.truncate(MAX_KEPT_COMPONENTS);
    }
}

/// What is stored, read once.
fn load(registry: &Registry, now: MediaTime) -> Result<Catalog, RegistryError> {
    let (topologies, instances) = registry.load()?;
    let mut catalog = Catalog::default();
    for row in topologies {
        match TopologyDoc::parse(row.document.as_bytes()) {
            Ok(doc) => {
                let topology = Arc::new(Topology::new(&row, doc));
                catalog.topologies.insert(row.name, topology);
            }
            // One that cannot be read must not keep all others from running.
            Err(_) => tracing::error!(
                topology = row.name,
                "A stored topology cannot be read and is left out"
            ),
        }
    }
    for row in instances {
        catalog.instances.insert(row.name.clone(), Entry::new(row, now));
    }
    Ok(catalog)
}

impl GraphHost {
    /// Opens the registry in the state directory. Nothing runs until [`GraphHost::resume`]. Blocks.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn open(options: HostOptions) -> Result<Self, RegistryError> {
        let registry = Registry::open(&options.state.path().join(REGISTRY_FILE))?;
        options.engine.memory().set(options.policy.max_guest_memory_mib());
        let catalog = load(&registry, options.runtime.clock.media())?;
        let installed = Installed::new(options.state.components(), registry.components()?);
        let environment = Environment {
            installed: Arc::new(installed),
            models: options.models,
            clock: Arc::clone(&options.runtime.clock),
            engine: options.engine,
            // Components are found before: their paths are absolute by then.
            folder: options.state.path().to_owned(),
            state: options.state,
            recordings: Some(Arc::clone(&options.recordings)),
        };
        let activations = Semaphore::new(options.limits.concurrent_activations.max(1));
        Ok(Self {
            shared: Arc::new(Shared {
                options: Options {
                    runtime: options.runtime,
                    recordings: options.recordings,
                    load_roots: options.load_roots,
                    limits: options.limits,
                    policy: options.policy,
                    secrets: options.secrets,
                },
                environment,
                registry: Mutex::new(registry),
                catalog: Mutex::new(catalog),
                kept: Mutex::default(),
                checks: Arc::new(Semaphore::new(MAX_CONCURRENT_CHECKS)),
                changes: Arc::new(Semaphore::new(MAX_CONCURRENT_CHANGES)),
                activations,
                memory: memory::Promised::default(),
                installing: tokio::sync::Mutex::default(),
                tasks: TaskTracker::new(),
                closing: CancellationToken::new(),
            }),
        })
    }

    /// Whether the registry can be read and written.
    ///
    /// # Errors
    /// Why not.
    pub async fn check(&self) -> Result<(), ControlError> {
        self.change(|shared| shared.registry().check().map_err(ControlError::internal))
            .await
    }

    /// Activates all instances whose wanted state is `Active`, a few at a time. Returns when each has been tried; what fails
    /// is tried again later.
    pub async fn resume(&self) {
        let wanted = |entry: &&Entry| entry.row.wanted == Wanted::Active;
        let names: Vec<String> = {
            let catalog = self.shared.catalog();
            let entries = catalog.instances.values().filter(wanted);
            entries.map(|entry| entry.row.name.clone()).collect()
        };
        // Why one does not start stands in the log and in its status.
        futures::future::join_all(names.iter().map(|name| self.activate(name, Asked::Again))).await;
    }

    /// What the host has for recording.
    #[must_use]
    pub fn recordings(&self) -> &Arc<Recordings> {
        &self.shared.options.recordings
    }

    /// How the models are that its graphs run.
    #[must_use]
    pub fn models(&self) -> Vec<ModelStats> {
        self.shared.environment.models.stats()
    }

    /// Drains all running graphs; wanted states stay. Ends within twice the time that a graph may drain.
    pub async fn shutdown(&self) {
        let limit = self.shared.options.limits.drain_timeout;
        self.shared.closing.cancel();
        // What is being started ends first, so that it can be drained.
        let starting: Vec<_> = {
            let catalog = self.shared.catalog();
            let endings = catalog.instances.values().filter_map(|entry| match &entry.phase {
                catalog::Phase::Activating(ending) => Some(Begun::Wait(ending.clone()).end()),
                _ => None,
            });
            endings.collect()
        };
        // Those that take too long are ended with the process.
        let _ = tokio::time::timeout(limit, futures::future::join_all(starting)).await;
        for entry in self.shared.catalog().instances.values_mut() {
            entry.call_off_retry();
            transition::drain(&self.shared, entry);
        }
        self.shared.tasks.close();
        if tokio::time::timeout(limit, self.shared.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("Some graphs did not stop in time");
        }
    }

    /// Runs a change to its end on a thread that may block.
    async fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Arc<Shared>) -> Result<T, ControlError> + Send + 'static,
    ) -> Result<T, ControlError> {
        self.in_turn(&self.shared.changes, work).await
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        turns: &Arc<Semaphore>,
        work: impl FnOnce(&Arc<Shared>) -> Result<T, ControlError> + Send + 'static,
    ) -> Result<T, ControlError> {
        let shared = Arc::clone(&self.shared);
        let turn = Arc::clone(turns)
            .acquire_owned()
            .await
            .map_err(ControlError::internal)?;
        let work = move || {
            let _turn = turn;
            work(&shared)
        };
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or_else(|_| {
            Err(ControlError::internal(
                "the host failed while it worked on this request",
            ))
        })
    }

    /// How an instance and each of its nodes is.
    ///
    /// # Errors
    /// 404.
    pub async fn instance_status(&self, name: &str) -> Result<InstanceStatus, ControlError> {
        Ok(self.shared.catalog().instance(name)?.status())
    }

    /// Looks at what a source of an instance shows from now on. Waits for nobody, and nobody waits for who looks.
    ///
    /// # Errors
    /// 404 when there is no such instance, or it has no such source; 409 while it does not run.
    pub fn look(&self, name: &str, source: &str) -> Result<Viewer, ControlError> {
        self.shared.catalog().instance(name)?.look(source)
    }

    /// How the uploads to all stores are.
    ///
    /// # Errors
    /// When the index of recordings cannot be read.
    pub async fn uploads(&self) -> Result<Vec<UploadStatus>, ControlError> {
        let recordings = Arc::clone(&self.shared.options.recordings);
        let asked = tokio::task::spawn_blocking(move || recordings.uploads()).await;
        asked
            .map_err(ControlError::internal)?
            .map_err(ControlError::internal)
    }

    /// How all stores are. Cheap; waits for nobody.
    #[must_use]
    pub fn stores(&self) -> Vec<StoreHealth> {
        self.shared.options.recordings.stores()
    }

    /// How all instances are, by name. Cheap; waits for nobody.
    #[must_use]
    pub fn statuses(&self) -> Vec<InstanceStatus> {
        let catalog = self.shared.catalog();
        catalog.instances.values().map(Entry::status).collect()
    }
}
