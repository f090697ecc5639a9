//! Stretches made of what the index has, and of what is being written.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use super::{Fragment, Init, Run, Timeline, Tracks};
use crate::media::{MediaTime, Ticks, TrackKind};
use crate::playback::PlaybackError;
use crate::playback::source::Source;
use crate::recording::asset::name::{Epoch, SegmentName};
use crate::recording::asset::playlist::CONTIGUOUS;
use crate::recording::asset::scan;
use crate::recording::cache::Growing;
use crate::recording::index::{AssetRow, EpochId, EpochRow, FragmentEntry, Index, PlayableRow};

/// So far before the stretch is looked for a picture that it can begin with, when it lies within a long group of pictures: 60 s.
const LOOK_BACK: Ticks = Ticks::from_secs(60);

/// As much of an open segment as can be played.
#[must_use]
pub fn extent_of(growing: &Growing) -> Option<Range<MediaTime>> {
    let end = growing.video.last()?;
    Some(growing.name.start..MediaTime::from_ticks(end.start.saturating_add(end.ticks)))
}

/// Looks up what there is of an asset within a range. `growing` is what of it is being written; it must have been asked for before: what
/// is sealed between the two is then in both. What is `lost` is left out. Nothing is live yet. Blocks.
///
/// # Errors
/// When the index cannot be read.
pub fn load(
    index: &Index,
    growing: Option<Growing>,
    asset: &Arc<AssetRow>,
    range: &Range<MediaTime>,
    lost: &HashSet<SegmentName>,
) -> Result<Timeline, PlaybackError> {
    let wide = range.start.offset(Ticks(-LOOK_BACK.0))..range.end;
    let rows = index.playable(asset.id, &wide)?;
    let mut building = Building {
        index,
        asset,
        epochs: HashMap::new(),
        inits: Vec::new(),
        runs: Vec::new(),
    };
    for row in rows.iter().filter(|row| !lost.contains(&row.segment.name)) {
        building.sealed(row)?;
    }
    let known = |growing: &Growing| rows.iter().any(|row| row.segment.name == growing.name);
    if let Some(growing) = growing.filter(|growing| !known(growing) && reaches_into(growing, &wide)) {
        building.growing(&growing)?;
    }
    let runs = building.runs.into_iter().filter_map(|run| cut(run, range));
    Ok(Timeline {
        asset: Arc::clone(asset),
        runs: runs.collect(),
        live: false,
    })
}

fn reaches_into(growing: &Growing, range: &Range<MediaTime>) -> bool {
    extent_of(growing).is_some_and(|extent| extent.start < range.end && extent.end > range.start)
}

struct Building<'a> {
    index: &'a Index,
    asset: &'a Arc<AssetRow>,
    /// None: its init segment is missing or damaged.
    epochs: HashMap<EpochId, Option<Arc<Tracks>>>,
    /// Epochs that are coded alike share the first one's init segment, so players need not start over.
    inits: Vec<Arc<Init>>,
    runs: Vec<Run>,
}

impl Building<'_> {
    fn sealed(&mut self, row: &PlayableRow) -> Result<(), PlaybackError> {
        let source = Arc::new(Source::sealed(self.asset, &row.segment));
        let fragments = sound_fragments(row);
        self.add(row.segment.epoch, &source, fragments.iter())
    }

    fn growing(&mut self, growing: &Growing) -> Result<(), PlaybackError> {
        let source = Arc::new(Source::growing(self.asset, growing));
        self.add(growing.epoch, &source, growing.video.iter().chain(&growing.audio))
    }

    fn add<'f>(
        &mut self,
        epoch: EpochId,
        source: &Arc<Source>,
        fragments: impl Iterator<Item = &'f FragmentEntry>,
    ) -> Result<(), PlaybackError> {
        let Some(tracks) = self.tracks(epoch, source.name.start)? else {
            return Ok(());
        };
        let mut offsets = [0_u64; 2];
        for entry in fragments {
            let [video, audio] = &mut offsets;
            let offset = match entry.kind {
                TrackKind::Video => video,
                TrackKind::Audio => audio,
            };
            let fragment = Fragment {
                start: entry.start,
                ticks: entry.ticks,
                offset: *offset,
                bytes: entry.bytes,
                samples: entry.samples,
                sync: entry.sync,
                source: Arc::clone(source),
            };
            *offset = offset.saturating_add(entry.bytes);
            self.place(&tracks, entry.kind, fragment);
        }
        Ok(())
    }

    /// Video comes before the sound of its segment, so a run is there when sound comes.
    fn place(&mut self, tracks: &Arc<Tracks>, kind: TrackKind, fragment: Fragment) {
        let last = self
            .runs
            .last_mut()
            .filter(|run| Arc::ptr_eq(&run.tracks, tracks));
        match (kind, last) {
            (TrackKind::Video, Some(run)) if follows(run, &fragment) => run.video.push(fragment),
            (TrackKind::Video, _) => self.runs.push(Run {
                tracks: Arc::clone(tracks),
                video: vec![fragment],
                audio: Vec::new(),
            }),
            (TrackKind::Audio, Some(run)) if tracks.audio.is_some() => run.audio.push(fragment),
            (TrackKind::Audio, _) => {}
        }
    }

    fn tracks(&mut self, id: EpochId, start: MediaTime) -> Result<Option<Arc<Tracks>>, PlaybackError> {
        if let Some(known) = self.epochs.get(&id) {
            return Ok(known.clone());
        }
        let row = self.index.epoch(id)?;
        let began = self.index.epoch_start(id)?.unwrap_or(start);
        let tracks = row.and_then(|row| self.of_row(row, began)).map(Arc::new);
        if tracks.is_none() {
            let asset = &self.asset.name;
            tracing::warn!(
                asset,
                "A stretch cannot be played: its init segment is not in the index"
            );
        }
        self.epochs.insert(id, tracks.clone());
        Ok(tracks)
    }

    fn of_row(&mut self, row: EpochRow, began: MediaTime) -> Option<Tracks> {
        let video = self.init(&row.epoch, row.video.as_deref()?, TrackKind::Video)?;
        let audio = row.audio.as_deref();
        let audio = audio.and_then(|init| self.init(&row.epoch, init, TrackKind::Audio));
        Some(Tracks {
            epoch: row.epoch,
            began,
            video,
            audio,
        })
    }

    fn init(&mut self, epoch: &Epoch, bytes: &[u8], kind: TrackKind) -> Option<Arc<Init>> {
        let track = scan::declared(bytes, kind)?;
        if let Some(known) = self.inits.iter().find(|known| known.track == track) {
            return Some(Arc::clone(known));
        }
        let file = epoch.init(kind);
        let init = Arc::new(Init { file, track });
        self.inits.push(Arc::clone(&init));
        Some(init)
    }
}

fn follows(run: &Run, next: &Fragment) -> bool {
    run.end().offset(CONTIGUOUS) >= MediaTime::from_ticks(next.start)
}

/// The fragments of a row; where they are not known, or contradict it, each track is one.
fn sound_fragments(row: &PlayableRow) -> Cow<'_, [FragmentEntry]> {
    let segment = &row.segment;
    let bytes = |kind| -> u64 {
        let of = row.fragments.iter().filter(|one| one.kind == kind);
        of.map(|one| one.bytes).sum()
    };
    let audio = segment.audio.map_or(0, |part| part.bytes);
    if bytes(TrackKind::Video) == segment.video.bytes && bytes(TrackKind::Audio) == audio {
        return Cow::Borrowed(&row.fragments);
    }
    let whole = |kind, part: scan::Part| FragmentEntry {
        kind,
        start: part.start,
        ticks: part.ticks,
        bytes: part.bytes,
        samples: part.samples,
        sync: true,
    };
    let video = whole(TrackKind::Video, segment.video);
    let audio = segment.audio.map(|part| whole(TrackKind::Audio, part));
    std::iter::once(video).chain(audio).collect()
}

/// What of a run reaches into a range, from a picture on that needs no other; none when nothing does.
fn cut(mut run: Run, range: &Range<MediaTime>) -> Option<Run> {
    let (from, until) = (range.start.ticks(), range.end.ticks());
    let within = |one: &Fragment| one.end() > from && one.start < until;
    let reaching = run.video.iter().position(within)?;
    let end = run.video.iter().rposition(within)?;
    let sync = |one: &Fragment| one.sync;
    let before = run
        .video
        .get(..=reaching)
        .and_then(|some| some.iter().rposition(sync));
    let first = match before {
        Some(first) => first,
        // It begins within a group of pictures whose beginning is gone.
        None => reaching + run.video.get(reaching..)?.iter().position(sync)?,
    };
    run.video.truncate(end.saturating_add(1));
    run.video.drain(..first.min(run.video.len()));
    let (start, end) = (run.start().ticks(), run.end().ticks());
    run.audio.retain(|one| one.end() > start && one.start < end);
    (!run.video.is_empty()).then_some(run)
}
