//! What there is of a recording within a stretch: runs of fragments without a hole.
//!
//! A run is of one epoch; where the next begins, media is missing or is coded in another way. Epochs come in the order they were opened,
//! so that a host's clock that was put back does not mix them up.
//!
//! Invariants: the first fragment of a run begins with a picture that needs no other; fragments of a run follow one another; sound stands
//! beside the video of its run and not before or behind it; nothing here reads media, only the index and what the cache knows.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::PlaybackError;
use super::source::Source;
use crate::media::mp4::read::Track;
use crate::media::{MediaTime, Ticks, TrackKind};
use crate::recording::asset::name::{Epoch, SegmentName};
use crate::recording::asset::playlist::CONTIGUOUS;
use crate::recording::asset::scan;
use crate::recording::cache::Growing;
use crate::recording::index::{AssetRow, EpochId, EpochRow, FragmentEntry, Index, PlayableRow};

/// So far before the stretch is looked for a picture that it can begin with, when it lies within a long group of pictures: 60 s.
const LOOK_BACK: Ticks = Ticks::from_secs(60);

/// One `moof` with its `mdat`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Its first decode time, in ticks since the Unix epoch.
    pub start: u64,
    /// How long it is.
    pub ticks: u64,
    /// Where it begins within its track of the segment.
    pub offset: u64,
    /// How large it is.
    pub bytes: u64,
    /// How many samples it has.
    pub samples: u64,
    /// Whether it begins with a picture that needs no other.
    pub sync: bool,
    /// The segment.
    pub source: Arc<Source>,
}

/// An init segment, shared by all epochs that are coded alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Init {
    /// What it is called.
    pub file: String,
    /// What it declares.
    pub track: Track,
}

/// How the tracks of an epoch are coded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracks {
    /// The epoch.
    pub epoch: Epoch,
    /// Its first moment that is still there.
    pub began: MediaTime,
    /// Its video.
    pub video: Arc<Init>,
    /// Its audio.
    pub audio: Option<Arc<Init>>,
}

/// Fragments without a hole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// How they are coded.
    pub tracks: Arc<Tracks>,
    /// Of the video; never empty.
    pub video: Vec<Fragment>,
    /// Of the audio.
    pub audio: Vec<Fragment>,
}

/// What there is within a stretch.
#[derive(Clone, Debug)]
pub struct Timeline {
    /// Of which recording.
    pub asset: Arc<AssetRow>,
    /// Without holes, each.
    pub runs: Vec<Run>,
    /// More may come.
    pub live: bool,
}

impl Fragment {
    /// Where the next begins.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.start.saturating_add(self.ticks)
    }
}

impl Run {
    /// Its first moment.
    #[must_use]
    pub fn start(&self) -> MediaTime {
        MediaTime::from_ticks(self.video.first().map_or(0, |first| first.start))
    }

    /// Where it ends.
    #[must_use]
    pub fn end(&self) -> MediaTime {
        MediaTime::from_ticks(self.video.last().map_or(0, Fragment::end))
    }

    /// The fragments of a track.
    #[must_use]
    pub fn of(&self, kind: TrackKind) -> &[Fragment] {
        match kind {
            TrackKind::Video => &self.video,
            TrackKind::Audio => &self.audio,
        }
    }

    /// How a track is coded.
    #[must_use]
    pub fn init(&self, kind: TrackKind) -> Option<&Arc<Init>> {
        match kind {
            TrackKind::Video => Some(&self.tracks.video),
            TrackKind::Audio => self.tracks.audio.as_ref(),
        }
    }
}

impl Timeline {
    /// Whether there is sound anywhere.
    #[must_use]
    pub fn has_audio(&self) -> bool {
        self.runs.iter().any(|run| !run.audio.is_empty())
    }

    /// The highest bit rate of a segment's worth of fragments, in bits per second.
    #[must_use]
    pub fn bandwidth(&self) -> u64 {
        let rates = self.runs.iter().flat_map(|run| {
            let audio: u64 = run.audio.iter().map(|one| one.bytes).sum();
            let ticks = run.end().since(run.start()).0.unsigned_abs();
            let sound = rate(audio, ticks);
            let video = run.video.chunks(FRAGMENTS_OF_RATE).map(move |some| {
                let bytes = some.iter().map(|one| one.bytes).sum();
                rate(bytes, some.iter().map(|one| one.ticks).sum()).saturating_add(sound)
            });
            video.collect::<Vec<_>>()
        });
        rates.max().unwrap_or(0).max(1)
    }

    /// How the newest run that has a track codes it.
    #[must_use]
    pub fn newest(&self, kind: TrackKind) -> Option<&Track> {
        let mut runs = self.runs.iter().rev();
        runs.find_map(|run| run.init(kind).map(|init| &init.track))
    }
}

/// A rate is measured over so many fragments: about 16 s.
const FRAGMENTS_OF_RATE: usize = 8;

fn rate(bytes: u64, ticks: u64) -> u64 {
    let bits = u128::from(bytes) * 8 * crate::media::TICKS_PER_SECOND as u128;
    u64::try_from(bits / u128::from(ticks.max(1))).unwrap_or(u64::MAX)
}

/// As much of an open segment as can be played.
#[must_use]
pub fn extent_of(growing: &Growing) -> Option<Range<MediaTime>> {
    let end = growing.video.last()?;
    Some(growing.name.start..MediaTime::from_ticks(end.start.saturating_add(end.ticks)))
}

/// Looks up what there is of an asset within a range. `growing` is what of it is being written; it must have been asked for before: what
/// is sealed between the two is then in both. `lost` is left out. Nothing is live yet. Blocks.
///
/// # Errors
/// When the index cannot be read.
pub fn load(
    index: &Index,
    growing: Option<Growing>,
    asset: &Arc<AssetRow>,
    range: &Range<MediaTime>,
    lost: &[SegmentName],
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
