//! Recordings to play, made in minutes: a clip that the real recorder is given again and again, as if a camera had sent it for
//! hours; and a year of which the index knows, with as many names of few files.
//!
//! `archive` and `year` take the same arguments: `--state DIR` is the state directory to be, `--clip FILE` the clip, whose length is a
//! multiple of its keyframe interval, and `--seconds N` or `--days N` how much there shall be. Both print one line of JSON.

mod clip;
mod year;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mediagraph::config::KeepFree;
use mediagraph::graph::{Recordings, RecordingsOptions};
use mediagraph::media::{MediaTime, SystemClock, Ticks};
use mediagraph::recording::cache::sink_folder;
use mediagraph::recording::index::{AssetRow, FILE_NAME, Index};
use mediagraph::recording::listener::Deaf;
use mediagraph::recording::store::LOCAL;
use mediagraph::recording::{AssetSpec, AssetWriter, Recorder as _};
use mediagraph::state::StateDir;

use super::{Result, argument};
use clip::Clip;

/// What everything is recorded to.
const ASSET: &str = "yard";
const INSTANCE: &str = "box";
const SINK: &str = "sink";
/// The first moment.
const BEGIN: &str = "2026-03-01T00:00:00Z";
const SEGMENT: Ticks = Ticks::from_secs(30);
/// The store has everything within this.
const DRAIN: Duration = Duration::from_secs(300);
/// How much of the recording lies between two lines of progress, in seconds.
const TOLD_EVERY: i64 = 4 * 3600;
/// What stays free on the disk, in bytes: what is made here is small and goes again.
const KEEP_FREE: u64 = 1 << 20;

/// Records as many seconds as asked.
///
/// # Errors
/// When something is missing, or cannot be recorded.
pub(super) fn run() -> Result<()> {
    let state = state()?;
    let clip = Clip::read(&needed("--clip")?)?;
    let begin = BEGIN.parse()?;
    let length = Ticks::from_secs(needed_number("--seconds")?);
    record(&state, &clip, MediaTime::from_timestamp(begin), length)?;
    let (index, asset) = opened(&state)?;
    print(&index, &asset)
}

/// Records one segment, and lets the index believe that a year of such lies before it.
///
/// # Errors
/// As [`run`].
pub(super) fn run_year() -> Result<()> {
    let state = state()?;
    let clip = Clip::read(&needed("--clip")?)?;
    let days = needed_number("--days")?;
    let begin = MediaTime::from_timestamp(BEGIN.parse()?);
    // Behind the year: epochs come in the order in which they were opened, and this one is opened now.
    record(&state, &clip, begin.offset(year::days(days)), SEGMENT)?;
    let (index, asset) = opened(&state)?;
    let folder = StateDir::open(&state)?.assets().join(ASSET);
    year::fill(&index, &folder, &asset, begin, days)?;
    print(&index, &asset)
}

/// Records a clip again and again, and waits until the store has it.
fn record(state: &Path, clip: &Clip, begin: MediaTime, length: Ticks) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let _entered = runtime.enter();
    let state = StateDir::open(state)?;
    let options = RecordingsOptions {
        keep_free: KeepFree {
            percent: None,
            bytes: Some(KEEP_FREE),
        },
        ..RecordingsOptions::default()
    };
    let recordings = Recordings::open(&state, options, Arc::new(SystemClock::new()), Arc::new(Deaf))?;
    let mut writer = recordings.cache().open_asset(AssetSpec {
        store: LOCAL.to_owned(),
        name: ASSET.to_owned(),
        owner: format!("{INSTANCE}/{SINK}"),
        folder: sink_folder(&state.cache(), INSTANCE, SINK),
        budget: None,
        segment_length: SEGMENT,
    })?;
    write(&mut writer, clip, begin, length)?;
    writer.close()?;
    runtime.block_on(recordings.shutdown(DRAIN));
    let left = recordings.cache().index().backlog(LOCAL)?.segments;
    if left > 0 {
        return Err(format!(
            "{left} segments have not reached the store within {} s",
            DRAIN.as_secs()
        )
        .into());
    }
    Ok(())
}

fn write(writer: &mut AssetWriter, clip: &Clip, begin: MediaTime, length: Ticks) -> Result<()> {
    let (mut at, mut told) = (Ticks::ZERO, TOLD_EVERY);
    while at < length {
        for unit in clip.units(begin.offset(at)) {
            if unit.time >= begin.offset(length) {
                break;
            }
            if writer.push(&unit)? {
                writer.flush()?;
            }
        }
        at = Ticks(at.0 + clip.length().0);
        if at >= Ticks::from_secs(told) {
            eprintln!("{} h are recorded", told / 3600);
            told += TOLD_EVERY;
        }
    }
    Ok(())
}

fn opened(state: &Path) -> Result<(Index, AssetRow)> {
    let index = Index::open(&state.join(FILE_NAME))?;
    let asset = index.find_asset(LOCAL, ASSET)?.ok_or("nothing was recorded")?;
    Ok((index, asset))
}

/// What there is, for whoever asked for it.
fn print(index: &Index, asset: &AssetRow) -> Result<()> {
    let extent = index.extent(asset.id)?.ok_or("nothing was recorded")?;
    let rows = index.segments(asset.id, always())?;
    let value = serde_json::json!({
        "asset": asset.name,
        "start": extent.start.iso(), "end": extent.end.iso(),
        "segments": rows.len(),
        "fragments": rows.iter().map(|row| row.video_fragments).sum::<u64>(),
        "bytes": rows.iter().map(|row| row.bytes).sum::<u64>(),
        "indexBytes": std::fs::metadata(index.path())?.len(),
    });
    println!("{value}");
    Ok(())
}

fn always() -> Range<MediaTime> {
    MediaTime::MIN..MediaTime::MAX
}

/// The state directory to be; one that is there would be written over.
fn state() -> Result<PathBuf> {
    let state = needed("--state")?;
    if state.exists() {
        return Err(format!("{} exists already", state.display()).into());
    }
    Ok(state)
}

fn needed(name: &str) -> Result<PathBuf> {
    let value = argument(name).ok_or_else(|| format!("`{name}` is missing"))?;
    Ok(value.into())
}

fn needed_number(name: &str) -> Result<i64> {
    let value = argument(name).ok_or_else(|| format!("`{name}` is missing"))?;
    Ok(value.parse()?)
}
