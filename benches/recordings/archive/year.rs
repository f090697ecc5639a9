//! An index of a year: every row is that of a real segment, moved in time, and is written by the index itself.
//!
//! Each day has a file of media, under the names of all its segments: a host looks at the files before it lists them.

use std::path::Path;

use mediagraph::media::TrackKind;
use mediagraph::media::{MediaTime, Ticks};
use mediagraph::recording::asset::name::{Epoch, SEGMENT as SEGMENT_FILE, SegmentName};
use mediagraph::recording::asset::scan::Part;
use mediagraph::recording::index::{
    AssetId, AssetRow, EpochId, EpochRow, FragmentEntry, Index, NewSegment, SegmentRow,
};
use mediagraph::recording::store::LOCAL;

use super::{Result, SEGMENT, always};

const SECONDS_OF_DAY: i64 = 86_400;
/// After so many days a line of progress is printed.
const TOLD_EVERY: i64 = 30;
/// Days that are said to be listed at once.
const DAYS_AT_ONCE: u32 = 100;

/// So many days.
pub(super) fn days(days: i64) -> Ticks {
    Ticks::from_secs(days * SECONDS_OF_DAY)
}

/// The segment that all others are made of.
struct Model {
    segment: SegmentRow,
    fragments: Vec<FragmentEntry>,
    epoch: EpochRow,
}

/// Fills days from `begin` on, whose files come into the folder of the asset; each is an epoch, as if the host was restarted at midnight.
///
/// # Errors
/// When nothing was recorded that could be repeated, or the index cannot be written.
pub(super) fn fill(
    index: &Index,
    folder: &Path,
    asset: &AssetRow,
    begin: MediaTime,
    count: i64,
) -> Result<()> {
    let model = Model::find(index, asset.id)?;
    let init = model
        .epoch
        .video
        .as_deref()
        .ok_or("the epoch has no init segment")?;
    for day in 0..count {
        let from = begin.offset(days(day));
        let name = Epoch {
            host: model.epoch.epoch.host.clone(),
            counter: model.epoch.epoch.counter + 1 + day.unsigned_abs(),
        };
        let epoch = index.begin_epoch(asset.id, &name, from.to_timestamp())?;
        index.set_init(epoch, TrackKind::Video, init)?;
        let starts = model.day(index, asset.id, epoch, from)?;
        model.files(folder, &name, &starts)?;
        if (day + 1) % TOLD_EVERY == 0 {
            eprintln!("{} of {count} days are in the index", day + 1);
        }
    }
    listed(index)
}

/// The playlists that the store would write are not wanted here.
fn listed(index: &Index) -> Result<()> {
    loop {
        let days = index.unlisted(LOCAL, DAYS_AT_ONCE)?;
        if days.is_empty() {
            return Ok(());
        }
        for day in days {
            index.listed(&day)?;
        }
    }
}

impl Model {
    fn find(index: &Index, asset: AssetId) -> Result<Self> {
        let segments = index.segments(asset, always())?;
        let segment = segments
            .into_iter()
            .next()
            .ok_or("there is no segment to repeat")?;
        if segment.end.since(segment.name.start) != SEGMENT || segment.audio.is_some() {
            return Err(format!(
                "the segment must be {} s of video: {segment:?}",
                SEGMENT.seconds()
            )
            .into());
        }
        Ok(Self {
            fragments: index.fragments(segment.id)?,
            epoch: index.epoch(segment.epoch)?.ok_or("the segment has no epoch")?,
            segment,
        })
    }

    /// The files of a day. One, and more names of it: a day of files would be 2.7 GB.
    fn files(&self, folder: &Path, epoch: &Epoch, starts: &[MediaTime]) -> Result<()> {
        let file = |start: &MediaTime| {
            let name = SegmentName {
                start: *start,
                epoch: epoch.clone(),
            };
            folder.join(name.file(SEGMENT_FILE))
        };
        let mut names = starts.iter().map(file);
        let Some(first) = names.next() else { return Ok(()) };
        std::fs::copy(folder.join(self.segment.name.file(SEGMENT_FILE)), &first)?;
        for name in names {
            std::fs::hard_link(&first, name)?;
        }
        Ok(())
    }

    /// A day of it, in one commit; when its segments begin.
    fn day(&self, index: &Index, asset: AssetId, epoch: EpochId, from: MediaTime) -> Result<Vec<MediaTime>> {
        let count = days(1).0 / SEGMENT.0;
        let starts: Vec<MediaTime> = (0..count)
            .map(|number| from.offset(Ticks(number * SEGMENT.0)))
            .collect();
        let fragments: Vec<Vec<FragmentEntry>> = starts.iter().map(|start| self.moved(*start)).collect();
        let new = starts
            .iter()
            .zip(&fragments)
            .map(|(start, fragments)| NewSegment {
                asset,
                epoch,
                start: *start,
                end: start.offset(SEGMENT),
                bytes: self.segment.bytes,
                video: Part {
                    start: start.ticks(),
                    ..self.segment.video
                },
                audio: None,
                fragments,
                sha256: self.segment.sha256,
                folder: Path::new(""),
                detections: &[],
            });
        index.adopt_all_stored(&new.collect::<Vec<_>>())?;
        Ok(starts)
    }

    /// The fragments, if the segment began at another moment.
    fn moved(&self, start: MediaTime) -> Vec<FragmentEntry> {
        let first = self.segment.name.start.ticks();
        let moved = |fragment: &FragmentEntry| FragmentEntry {
            start: fragment.start - first + start.ticks(),
            ..*fragment
        };
        self.fragments.iter().map(moved).collect()
    }
}
