//! A stretch of a recording as an ordinary MP4: any player opens it, it can be sent before it is made, and a part of it can be asked for.
//!
//! First the headers of all fragments are read, of which the sample tables are made; then the length is known to the byte, and media is
//! copied as it is sent. Pictures begin with the last one before the stretch that needs no other. Holes are left out: what follows a
//! hole comes at once, and a comment in the file says what is missing. Sound keeps its place beside the pictures.

mod headers;

use std::ops::Range;
use std::sync::Arc;

use futures::stream::{self, StreamExt as _};
use jiff::tz::TimeZone;

use super::content::{self, Content, Piece};
use super::range::Asked;
use super::timeline::{Fragment, Run, Timeline};
use super::{MAX_EXPORTS, Playback, PlaybackError};
use crate::media::demux::format::of_sample_entry;
use crate::media::mp4::Mp4Error;
use crate::media::mp4::notes::notes;
use crate::media::mp4::read::Sample;
use crate::media::mp4::tables::TrackTables;
use crate::media::mp4::write::{complete_moov_with, covering_mdat, file_type};
use crate::media::{MediaTime, StreamFormat, TrackKind};
use crate::recording::asset::playlist::CONTIGUOUS;
use crate::recording::index::{AssetRow, Gap, GapReason};
use crate::when;

/// Headers of fragments that are read with one turn at the disk, and such groups at once.
const HEADERS_TOGETHER: usize = 32;
const HEADERS_AT_ONCE: usize = 8;
/// So often a stretch is planned anew when some of it is gone or damaged.
const MAX_LOOKS: usize = 4;
/// Holes that a comment names; of more, the rest is counted.
const MAX_NAMED: usize = 50;

/// A file that is made while it is sent.
#[derive(Debug)]
pub struct Export {
    /// All of it.
    pub content: Content,
    /// Names what is in it.
    pub tag: String,
    /// What it should be called.
    pub file: String,
}

/// A hole, and why it is there.
struct Hole {
    range: Range<MediaTime>,
    why: &'static str,
}

/// Sample tables, and what they are about.
#[derive(Default)]
struct Plan {
    video: TrackTables,
    audio: TrackTables,
    pieces: Vec<Piece>,
    bytes: u64,
    /// Where the last picture ends in the recording.
    until: MediaTime,
}

/// Where a run goes: its beginning in the recording, and in the file.
#[derive(Clone, Copy)]
struct Moved {
    from: u64,
    to: u64,
    /// Where its pictures end in the recording.
    until: u64,
}

impl Playback {
    /// A stretch as a file; both ends must be given.
    ///
    /// # Errors
    /// When nothing was recorded then, the camera's pictures changed within it, too many exports are under way, or something cannot be
    /// read.
    pub async fn export(
        self: &Arc<Self>,
        asset: &Arc<AssetRow>,
        start: MediaTime,
        end: MediaTime,
    ) -> Result<Export, PlaybackError> {
        let place = Arc::clone(&self.exports).try_acquire_owned();
        let place = place.map_err(|_| PlaybackError::Busy {
            what: format!("{MAX_EXPORTS} exports are under way already"),
        })?;
        let (timeline, plan) = self.sound(asset, start..end).await?;
        let formats = formats(&timeline)?;
        let missing = start..end.min(self.options.clock.media());
        let holes = self.holes(&timeline, missing, plan.until).await?;
        let broken = |error: Mp4Error| PlaybackError::broken(&asset.name, error.to_string());
        let tag = tag(&timeline, end, &holes);
        let pieces = plan.into_pieces(&formats, &timeline, &holes).map_err(broken)?;
        Ok(Export {
            content: Content::new(pieces).holding(place),
            tag,
            file: file_name(&timeline, &self.options.time_zone),
        })
    }

    /// What can be read of a stretch. Segments that turn out to be gone or damaged are left out then, as a hole.
    async fn sound(
        self: &Arc<Self>,
        asset: &Arc<AssetRow>,
        range: Range<MediaTime>,
    ) -> Result<(Timeline, Plan), PlaybackError> {
        let Range { start, end } = range;
        let mut looks = 0;
        loop {
            looks += 1;
            let timeline = self.timeline(asset, Asked::Between(start, end)).await?;
            if timeline.runs.is_empty() {
                let what =
                    format!("nothing from {start} to {end}\nhint: `availableMedia` says what there is");
                return Err(PlaybackError::nothing(&asset.name, what));
            }
            match self.plan(&timeline, end).await {
                Err(PlaybackError::Lost { .. }) if looks < MAX_LOOKS => {}
                Err(error) => return Err(error),
                Ok(plan) => return Ok((timeline, plan)),
            }
        }
    }

    async fn plan(self: &Arc<Self>, timeline: &Timeline, end: MediaTime) -> Result<Plan, PlaybackError> {
        let mut plan = Plan::default();
        let (mut to, mut lost) = (0, None);
        for run in &timeline.runs {
            let until = run.end().ticks().min(end.ticks());
            let moved = Moved {
                from: run.start().ticks(),
                to,
                until,
            };
            let fragments = in_order(run);
            let of_segments =
                fragments.chunk_by(|(_, one), (_, next)| Arc::ptr_eq(&one.source, &next.source));
            let groups = of_segments.flat_map(|of_one| of_one.chunks(HEADERS_TOGETHER));
            let headers = groups.map(|group| {
                let playback = Arc::clone(self);
                async move { playback.samples_of(run, group).await }
            });
            let mut headers = stream::iter(headers.collect::<Vec<_>>()).buffered(HEADERS_AT_ONCE);
            while let Some(group) = headers.next().await {
                match group {
                    // All that is lost is found out before it is planned anew.
                    Err(error @ PlaybackError::Lost { .. }) => lost = Some(error),
                    group => {
                        for (kind, fragment, samples) in group? {
                            plan.add(kind, fragment, &samples, moved);
                        }
                    }
                }
            }
            let length = plan.video.end().saturating_sub(to);
            plan.until = MediaTime::from_ticks(moved.from.saturating_add(length));
            to = plan.video.end();
        }
        lost.map_or(Ok(plan), Err)
    }

    /// The holes in what is asked for, with what is known of them; media ends at `until`.
    async fn holes(
        self: &Arc<Self>,
        timeline: &Timeline,
        asked: Range<MediaTime>,
        until: MediaTime,
    ) -> Result<Vec<Hole>, PlaybackError> {
        let ends = timeline.runs.iter().map(Run::end);
        let begins = timeline.runs.iter().skip(1).map(Run::start);
        let between = ends.zip(begins).map(|(end, start)| end..start);
        let inner = between.filter(|hole| hole.start < hole.end);
        // Nothing begins and ends to the tick where it was asked to.
        let before = timeline.runs.first().map(|run| asked.start..run.start());
        let outer = |hole: &Range<MediaTime>| hole.end.since(hole.start) > CONTIGUOUS;
        let before = before.into_iter().filter(outer);
        let behind = [until..asked.end].into_iter().filter(outer);
        let holes: Vec<Range<MediaTime>> = before.chain(inner).chain(behind).collect();
        let asset = timeline.asset.id;
        let lost = self.lost_of(&timeline.asset);
        self.ask(move |index| {
            let why = |range: Range<MediaTime>| -> Result<Hole, PlaybackError> {
                let gaps: Vec<Gap> = index.gaps(asset, range.clone())?;
                let is_lost = lost.iter().any(|name| range.contains(&name.start));
                let reason = gaps.first().map(|gap| gap.reason);
                let reason = reason.or(is_lost.then_some(GapReason::Damaged));
                Ok(Hole {
                    why: reason.map_or("not recorded", GapReason::text),
                    range,
                })
            };
            holes.into_iter().map(why).collect()
        })
        .await
    }
}

/// Pictures and sound of a run as they lie side by side.
fn in_order(run: &Run) -> Vec<(TrackKind, &Fragment)> {
    let video = run.video.iter().map(|one| (TrackKind::Video, one));
    let audio = run.audio.iter().map(|one| (TrackKind::Audio, one));
    let mut all: Vec<_> = video.chain(audio).collect();
    all.sort_by_key(|(kind, one)| (one.start, *kind));
    all
}

/// How the tracks are coded: in one way throughout, or the file would need what many players do not know.
fn formats(timeline: &Timeline) -> Result<Vec<StreamFormat>, PlaybackError> {
    let mut formats = Vec::new();
    for kind in [TrackKind::Video, TrackKind::Audio] {
        let runs = timeline.runs.iter().filter(|run| !run.of(kind).is_empty());
        let mut inits = runs.filter_map(|run| Some((run.start(), run.init(kind)?)));
        let Some((_, first)) = inits.next() else { continue };
        if let Some((at, _)) = inits.find(|(_, init)| init.track.sample_entry != first.track.sample_entry) {
            let message = format!(
                "at {at} the camera's settings were changed, and one file cannot hold both\n\
                 hint: export what lies before and behind it apart from one another"
            );
            return Err(PlaybackError::unsuitable(&timeline.asset.name, message));
        }
        let format = of_sample_entry(&first.track.sample_entry);
        formats.push(format.map_err(|error| PlaybackError::broken(&timeline.asset.name, error))?);
    }
    Ok(formats)
}

impl Plan {
    fn add(&mut self, kind: TrackKind, fragment: &Fragment, samples: &[Sample], moved: Moved) {
        let wanted = |one: &&Sample| one.decode >= moved.from && one.decode < moved.until;
        let mut kept: Option<Range<u64>> = None;
        for sample in samples.iter().filter(wanted) {
            let end = sample.offset.saturating_add(u64::from(sample.size));
            let start = kept.as_ref().map_or(sample.offset, |kept| kept.start);
            kept = Some(start..end);
            let placed = Sample {
                decode: sample.decode.saturating_sub(moved.from).saturating_add(moved.to),
                offset: self.bytes.saturating_add(sample.offset.saturating_sub(start)),
                ..*sample
            };
            match kind {
                TrackKind::Video => self.video.add(&placed),
                TrackKind::Audio => self.audio.add(&placed),
            }
        }
        if let Some(kept) = kept {
            self.bytes = self.bytes.saturating_add(kept.end.saturating_sub(kept.start));
            self.pieces.push(Piece::Media {
                source: Arc::clone(&fragment.source),
                kind,
                range: fragment.offset.saturating_add(kept.start)..fragment.offset.saturating_add(kept.end),
            });
        }
    }

    fn into_pieces(
        mut self,
        formats: &[StreamFormat],
        timeline: &Timeline,
        holes: &[Hole],
    ) -> Result<Vec<Piece>, Mp4Error> {
        self.video.finish();
        self.audio.finish();
        let notes = notes_of(timeline, holes, self.until)?;
        let mut head = file_type()?;
        let before = head.len();
        self.moov(formats, &notes, &mut head)?;
        // Offsets are of one length whatever they are, so the second has the length of the first.
        let header = covering_mdat(self.bytes.saturating_add(16));
        let media = (head.len() as u64).saturating_add(header.len() as u64);
        self.video.shift(media);
        self.audio.shift(media);
        head.truncate(before);
        self.moov(formats, &notes, &mut head)?;
        head.extend_from_slice(&header);
        let mut pieces = vec![Piece::Bytes(head.into())];
        pieces.append(&mut self.pieces);
        Ok(pieces)
    }

    fn moov(&self, formats: &[StreamFormat], notes: &[u8], out: &mut Vec<u8>) -> Result<(), Mp4Error> {
        let tracks = formats.iter().map(|format| match format.kind {
            TrackKind::Video => (format, &self.video),
            TrackKind::Audio => (format, &self.audio),
        });
        let tracks: Vec<_> = tracks.filter(|(_, tables)| !tables.is_empty()).collect();
        complete_moov_with(&tracks, notes, out)
    }
}

/// What a player shows of the file.
fn notes_of(timeline: &Timeline, holes: &[Hole], end: MediaTime) -> Result<Vec<u8>, Mp4Error> {
    let start = beginning(timeline);
    let mut comment = format!("Recorded by mediagraph from {start} to {end}.");
    if holes.is_empty() {
        comment.push_str(" Nothing is missing.");
    } else {
        comment.push_str(" Missing, and left out:");
        for hole in holes.iter().take(MAX_NAMED) {
            comment.push_str(&format!(
                " {} to {} ({});",
                hole.range.start, hole.range.end, hole.why
            ));
        }
        let more = holes.len().saturating_sub(MAX_NAMED);
        if more > 0 {
            comment.push_str(&format!(" and {more} more;"));
        }
        // The last one ends the sentence.
        comment.pop();
        comment.push('.');
    }
    notes(&timeline.asset.name, &start.iso(), &comment)
}

fn beginning(timeline: &Timeline) -> MediaTime {
    timeline.runs.first().map_or(MediaTime::MIN, Run::start)
}

/// The same for the same media.
fn tag(timeline: &Timeline, end: MediaTime, holes: &[Hole]) -> String {
    let sizes = |fragments: &[Fragment]| -> Vec<(u64, u64)> {
        fragments.iter().map(|one| (one.start, one.bytes)).collect()
    };
    let runs = timeline.runs.iter();
    let runs = runs.map(|run| (&run.tracks.epoch, sizes(&run.video), sizes(&run.audio)));
    let holes = holes
        .iter()
        .map(|hole| (hole.range.start, hole.range.end, hole.why));
    content::tag(&(
        timeline.asset.id,
        end,
        runs.collect::<Vec<_>>(),
        holes.collect::<Vec<_>>(),
    ))
}

/// `Lobby 2026-11-22T14-02-00+0100.mp4`: a name for every file system.
fn file_name(timeline: &Timeline, zone: &TimeZone) -> String {
    let stamp = when::file_stamp(beginning(timeline).to_timestamp(), zone);
    format!("{} {stamp}.mp4", timeline.asset.name)
}
