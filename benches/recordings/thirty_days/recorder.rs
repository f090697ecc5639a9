//! The real cache, index, queue and store of one life of a recorder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mediagraph::media::ManualClock;
use mediagraph::recording::AssetWriter;
use mediagraph::recording::cache::{AssetSpec, Cache, CacheOptions, sink_folder};
use mediagraph::recording::index::{FILE_NAME, Index};
use mediagraph::recording::listener::Deaf;
use mediagraph::recording::retention::{
    KeepFree, Keeper, KeeperOptions, Limits, Pattern, Rules, space::space,
};
use mediagraph::recording::storage::Disk;
use mediagraph::recording::store::{AssetStore, DirectoryStore, LOCAL};
use mediagraph::recording::upload::{Uploader, UploaderOptions};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{KEEP, Result};

/// Names the host.
const HOST: &str = "simulated";
/// How often a condition is looked at, and how often before it is given up.
const POLL: Duration = Duration::from_millis(2);
const POLLS: usize = 30_000;

/// One life.
#[derive(Debug)]
pub(crate) struct Recorder {
    runtime: Runtime,
    folder: PathBuf,
    cache: Arc<Cache>,
    keeper: Arc<Keeper>,
    uploader: Arc<Uploader>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Recorder {
    /// Opens what is in a folder, puts it in order and uploads.
    pub(crate) fn start(folder: &Path, clock: &Arc<ManualClock>) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_time()
            .build()?;
        let cache = Cache::open(CacheOptions {
            root: folder.join("cache"),
            host: HOST.to_owned(),
            storage: Arc::new(Disk),
            clock: Arc::clone(clock) as _,
            index: Arc::new(Index::open(&folder.join(FILE_NAME))?),
            listener: Arc::new(Deaf),
        })?;
        let store: Arc<dyn AssetStore> = Arc::new(DirectoryStore::new(assets(folder), Arc::new(Disk)));
        let uploader = Arc::new(Uploader::new(UploaderOptions {
            name: LOCAL.to_owned(),
            store: Arc::clone(&store),
            cache: Arc::clone(&cache),
            clock: Arc::clone(clock) as _,
        }));
        let keeper = keeper(folder, &cache, store, clock);
        let stop = CancellationToken::new();
        let (running, stopped) = (Arc::clone(&uploader), stop.clone());
        let task = runtime.spawn(async move { running.run(stopped).await });
        Ok(Self {
            runtime,
            folder: folder.to_owned(),
            cache,
            keeper,
            uploader,
            stop,
            task,
        })
    }

    pub(crate) fn open(&self, spec: AssetSpec) -> Result<AssetWriter> {
        Ok(self.cache.open_asset(spec)?)
    }

    pub(crate) fn sink_folder(&self, camera: &str) -> PathBuf {
        sink_folder(self.cache.root(), camera, "sink")
    }

    pub(crate) fn index(&self) -> &Index {
        self.cache.index()
    }

    pub(crate) fn index_file(&self) -> PathBuf {
        self.folder.join(FILE_NAME)
    }

    pub(crate) fn cache_folder(&self) -> &Path {
        self.cache.root()
    }

    pub(crate) fn assets(&self) -> PathBuf {
        assets(&self.folder)
    }

    /// Waits until nothing waits for the store.
    pub(crate) fn settle(&self) -> Result<()> {
        self.until(
            "an empty queue",
            || Ok(self.index().backlog(LOCAL)?.segments == 0),
        )
    }

    /// Waits until nothing waits for the store, and all playlists are as they shall stay: nobody may be recording.
    pub(crate) fn finish(&self) -> Result<()> {
        self.settle()?;
        self.until("playlists", || {
            self.uploader.wake();
            Ok(!self.index().is_unlisted(None)?)
        })
    }

    fn until(&self, what: &str, done: impl Fn() -> Result<bool>) -> Result<()> {
        for _ in 0..POLLS {
            if done()? {
                return Ok(());
            }
            self.runtime.block_on(async { tokio::time::sleep(POLL).await });
        }
        let status = self.uploader.status()?;
        Err(format!("waited in vain for {what}: {status:?}").into())
    }

    /// Lets go what is older than it shall be.
    pub(crate) fn retain(&self) -> Result<()> {
        self.runtime.block_on(self.keeper.retain());
        if self.keeper.status().clock_doubtful {
            return Err(
                "nothing goes for its age: the host believes that its clock is wrong\n\
                        hint: a time service of this machine has not set the clock yet"
                    .into(),
            );
        }
        Ok(())
    }

    /// Ends, whatever is being done.
    pub(crate) fn end(self) -> Result<()> {
        self.stop.cancel();
        self.runtime.block_on(self.task)?;
        Ok(())
    }
}

fn assets(folder: &Path) -> PathBuf {
    folder.join("assets")
}

/// As the host makes it, with one rule for everything.
fn keeper(
    folder: &Path,
    cache: &Arc<Cache>,
    store: Arc<dyn AssetStore>,
    clock: &Arc<ManualClock>,
) -> Arc<Keeper> {
    let limits = Limits {
        keep: Some(KEEP),
        max_bytes: None,
    };
    Keeper::new(KeeperOptions {
        cache: Arc::clone(cache),
        stores: BTreeMap::from([(LOCAL.to_owned(), store)]),
        local: assets(folder),
        rules: Rules::new([(Pattern::parse("*"), limits)]),
        keep_free: KeepFree::default(),
        space: Arc::new(space),
        clock: Arc::clone(clock) as _,
    })
}
