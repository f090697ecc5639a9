//! A recorder whose store was away: segments in its cache, rows in its index, and the queue that has not begun.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use mediagraph::media::{
    AccessUnit, Clock, MediaTime, StreamFormat, SystemClock, TICKS_PER_SECOND, Ticks, TrackKind,
};
use mediagraph::recording::cache::sink_folder;
use mediagraph::recording::index::{FILE_NAME, Index};
use mediagraph::recording::listener::Deaf;
use mediagraph::recording::storage::Disk;
use mediagraph::recording::store::AssetStore;
use mediagraph::recording::upload::{Uploader, UploaderOptions};
use mediagraph::recording::{AssetSpec, Cache, CacheOptions, Recorder as _};
use tokio_util::sync::CancellationToken;

use super::{Result, SEGMENT};

const STORE: &str = "cloud";
/// A fragment, which is one picture here: 2 s of 4 Mbit/s.
const FRAGMENT: Ticks = Ticks::from_secs(2);
const PICTURE_BYTES: usize = 1_000_000;
/// How often it is looked whether everything is in the store.
const LOOK: Duration = Duration::from_millis(2);
/// How long a backlog may take.
const LIMIT: Duration = Duration::from_secs(300);

/// What draining took.
#[derive(Debug)]
pub(super) struct Drained {
    pub(super) took: Duration,
    pub(super) bytes: u64,
    /// How often the index was told that segments are in the store.
    pub(super) commits: u64,
    /// How many playlists were written: of the one track, of the day, and the newest.
    pub(super) playlists: u64,
}

#[derive(Debug)]
pub(super) struct Backlog {
    cache: Arc<Cache>,
    uploader: Arc<Uploader>,
    segments: usize,
}

impl Backlog {
    /// Records so many segments to one asset, and closes it.
    pub(super) fn make(
        folder: &Path,
        asset: &str,
        store: Arc<dyn AssetStore>,
        segments: usize,
    ) -> Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let cache = Cache::open(CacheOptions {
            root: folder.join("cache"),
            host: "box".to_owned(),
            storage: Arc::new(Disk),
            clock: Arc::clone(&clock),
            index: Arc::new(Index::open(&folder.join(FILE_NAME))?),
            listener: Arc::new(Deaf),
        })?;
        record(&cache, asset, segments)?;
        let uploader = Arc::new(Uploader::new(UploaderOptions {
            name: STORE.to_owned(),
            store,
            cache: Arc::clone(&cache),
            clock,
        }));
        let waiting = uploader.status()?.backlog.segments;
        if waiting != segments as u64 {
            return Err(format!("{waiting} segments wait, there should be {segments}").into());
        }
        Ok(Self {
            cache,
            uploader,
            segments,
        })
    }

    /// Gives every segment a second name in a folder, and says these names, the oldest first.
    pub(super) fn linked(&self, folder: &Path) -> Result<Vec<PathBuf>> {
        std::fs::create_dir_all(folder)?;
        let waiting = self.cache.index().waiting(STORE, u32::try_from(self.segments)?)?;
        let mut links = Vec::new();
        for one in waiting {
            let name = one.segment.name.file(mediagraph::recording::asset::name::SEGMENT);
            let from = one.segment.folder.ok_or("a segment is not in the cache")?;
            std::fs::hard_link(from.join(&name), folder.join(&name))?;
            links.push(folder.join(name));
        }
        Ok(links)
    }

    /// Uploads until everything is in the store and the playlists are as they shall stay.
    pub(super) async fn drain(self) -> Result<Drained> {
        let bytes = self.uploader.status()?.backlog.bytes;
        let stop = CancellationToken::new();
        let (running, stopped) = (Arc::clone(&self.uploader), stop.clone());
        let mut progress = self.uploader.progress();
        let (mut commits, mut uploaded) = (0, 0);
        let began = Instant::now();
        let task = tokio::spawn(async move { running.run(stopped).await });
        while !self.is_drained()? {
            if began.elapsed() > LIMIT {
                return Err(format!("not drained: {:?}", self.uploader.status()?).into());
            }
            // Each commit is told; none comes while the playlists are written.
            let told = tokio::time::timeout(LOOK, progress.changed()).await;
            let now = self.uploader.status()?.uploaded_segments;
            if told.is_ok() && now != uploaded {
                (commits, uploaded) = (commits + 1, now);
            }
        }
        let took = began.elapsed();
        let playlists = self.uploader.status()?.playlists;
        stop.cancel();
        task.await?;
        Ok(Drained {
            took,
            bytes,
            commits,
            playlists,
        })
    }

    fn is_drained(&self) -> Result<bool> {
        let index = self.cache.index();
        Ok(index.backlog(STORE)?.segments == 0 && !index.is_unlisted(None)?)
    }
}

fn record(cache: &Arc<Cache>, asset: &str, segments: usize) -> Result<()> {
    let mut writer = cache.open_asset(AssetSpec {
        store: STORE.to_owned(),
        name: asset.to_owned(),
        owner: "gate/recorder".to_owned(),
        folder: sink_folder(cache.root(), "gate", "recorder"),
        budget: None,
        segment_length: Ticks::from_secs(i64::try_from(SEGMENT.as_secs())?),
    })?;
    let format = format();
    let fragments = segments as i64 * i64::try_from(SEGMENT.as_secs())? * TICKS_PER_SECOND / FRAGMENT.0;
    // Of one day, so that there is one playlist.
    let begin: MediaTime = MediaTime::from_timestamp("2026-03-01T00:00:00Z".parse()?);
    for number in 0..fragments {
        let unit = picture(&format, begin.offset(Ticks(number * FRAGMENT.0)), number == 0);
        if writer.push(&unit)? {
            writer.flush()?;
        }
    }
    writer.close()?;
    Ok(())
}

fn format() -> Arc<StreamFormat> {
    let mut entry = vec![0_u8; 86];
    let head = 86_u32.to_be_bytes().into_iter().chain(*b"avc1");
    entry.iter_mut().zip(head).for_each(|(place, byte)| *place = byte);
    Arc::new(StreamFormat {
        kind: TrackKind::Video,
        codec: "avc1.64001F".into(),
        sample_entry: entry.into(),
        decoder_config: Bytes::new(),
        width: 1920,
        height: 1080,
        sample_rate: 0,
    })
}

fn picture(format: &Arc<StreamFormat>, time: MediaTime, first: bool) -> Arc<AccessUnit> {
    // One NAL unit behind its length, of bytes that nobody can compress.
    let mut data = Vec::with_capacity(PICTURE_BYTES);
    data.extend((PICTURE_BYTES as u32 - 4).to_be_bytes());
    data.push(0x65);
    data.resize(PICTURE_BYTES, 0);
    if let Some(rest) = data.get_mut(5..) {
        fastrand::Rng::with_seed(time.ticks()).fill(rest);
    }
    Arc::new(AccessUnit {
        time,
        format: Arc::clone(format),
        data: data.into(),
        random_access: true,
        disposable: false,
        discontinuity: first,
    })
}
