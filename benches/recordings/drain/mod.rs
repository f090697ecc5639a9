//! A backlog of 15 MB segments drained into a container: the real cache, index, queue and store, compared with a plain loop
//! of PUTs with the same crate, in the same run and in turns.
//!
//! The container is named with `--container URL`, which holds a signature that allows everything. `cargo xtask measure drain` starts
//! Azurite and runs this; it prints one line of JSON.

mod backlog;
mod plain;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mediagraph::media::SystemClock;
use mediagraph::recording::store::AssetStore;
use mediagraph::recording::store::azure::{AzureSettings, AzureStore, Credential};
use url::Url;

use super::{Result, argument};
use backlog::{Backlog, Drained};

/// Even, so that each is as often the first as the other.
const ROUNDS: usize = 10;
/// Segments of a backlog: five minutes of two cameras of 4 Mbit/s.
const SEGMENTS: usize = 20;
/// How long a segment is; while a backlog is drained, playlists are written once in that time.
const SEGMENT: Duration = Duration::from_secs(30);
/// Playlists that are written at once, at most: of the one track, of the day, and the newest; at the begin, once in the
/// length of a segment, and at the end.
const PLAYLISTS: u64 = 3;

/// What one round took.
#[derive(Debug)]
struct Round {
    ours: Drained,
    plain: Duration,
}

/// Drains and loops in turns.
///
/// # Errors
/// When something does not run.
pub(super) fn run() -> Result<()> {
    let arguments = Arguments::read()?;
    // The plain loop's own client looks for one.
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| "another provider of cryptography is there")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut rounds = Vec::new();
    // The first warms both up, and the store.
    for number in 0..=arguments.rounds {
        let round = runtime.block_on(round(&arguments, number))?;
        eprintln!(
            "round {number}: {:.2} s, the plain loop {:.2} s{}",
            round.ours.took.as_secs_f64(),
            round.plain.as_secs_f64(),
            if number == 0 { ", which does not count" } else { "" }
        );
        if number > 0 {
            rounds.push(round);
        }
    }
    print(&rounds);
    Ok(())
}

/// Both upload the same bytes, each beginning in every second round.
async fn round(arguments: &Arguments, number: usize) -> Result<Round> {
    let folder = Folder::new(&arguments.folder, number)?;
    let clock = Arc::new(SystemClock::new());
    let store: Arc<dyn AssetStore> = Arc::new(AzureStore::new(&arguments.settings()?, clock)?);
    let backlog = Backlog::make(&folder.0, &format!("ours-{number}"), store, SEGMENTS)?;
    // A second name for each: the queue takes away its own.
    let files = backlog.linked(&folder.0.join("plain"))?;
    let prefix = format!("plain-{number}");
    if number.is_multiple_of(2) {
        let plain = plain::put_all(&arguments.container, &prefix, &files).await?;
        let ours = backlog.drain().await?;
        return Ok(Round { ours, plain });
    }
    let ours = backlog.drain().await?;
    let plain = plain::put_all(&arguments.container, &prefix, &files).await?;
    Ok(Round { ours, plain })
}

fn print(rounds: &[Round]) {
    // Whoever comes second may have it harder, or easier: two rounds together are fair.
    let ratio = |pair: &[Round]| {
        let sum = |of: fn(&Round) -> Duration| pair.iter().map(of).sum::<Duration>().as_secs_f64();
        sum(|round| round.plain) / sum(|round| round.ours.took)
    };
    let ratios: Vec<f64> = rounds.chunks(2).map(ratio).collect();
    let rate = |took: Duration, bytes: u64| bytes as f64 / took.as_secs_f64() / 1e6;
    let all = |of: fn(&Round) -> Duration| -> Vec<f64> {
        rounds
            .iter()
            .map(|round| rate(of(round), round.ours.bytes))
            .collect()
    };
    let most = |of: fn(&Drained) -> u64| rounds.iter().map(|round| of(&round.ours)).max();
    let value = serde_json::json!({
        "segments": SEGMENTS,
        "segmentMb": rounds.first().map_or(0.0, |round| round.ours.bytes as f64 / SEGMENTS as f64 / 1e6),
        "ratios": ratios,
        "oursMbPerS": all(|round| round.ours.took),
        "plainMbPerS": all(|round| round.plain),
        "commits": most(|ours| ours.commits),
        "playlists": most(|ours| ours.playlists),
        "playlistsGoal": most(|ours| PLAYLISTS * (ours.took.as_secs() / SEGMENT.as_secs() + 2)),
    });
    println!("{value}");
}

/// What it is told.
#[derive(Debug)]
struct Arguments {
    container: Url,
    /// Where the cache and its index stand meanwhile.
    folder: PathBuf,
    rounds: usize,
}

impl Arguments {
    fn read() -> Result<Self> {
        let container = argument("--container")
            .ok_or("this needs a container\nhint: `cargo xtask measure drain` starts one, and runs this")?;
        Ok(Self {
            container: container.parse()?,
            folder: argument("--folder").map_or_else(std::env::temp_dir, PathBuf::from),
            rounds: argument("--rounds").map_or(Ok(ROUNDS), |rounds| rounds.parse())?,
        })
    }

    fn settings(&self) -> Result<AzureSettings> {
        let mut container = self.container.clone();
        container.set_query(None);
        let signature = self
            .container
            .query()
            .ok_or("the container's URL has no signature")?;
        Ok(AzureSettings {
            container,
            credential: Credential::Sas(signature.to_owned()),
            ca_file: None,
        })
    }
}

/// Gone in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(parent: &Path, number: usize) -> Result<Self> {
        let path = parent.join(format!("mediagraph-drain-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{} is left: {error}", self.0.display());
        }
    }
}
