use super::*;
use crate::media::{Ticks, TrackKind};

const SECOND: i64 = 90_000;

pub(crate) struct Bench {
    pub(crate) index: Index,
    pub(crate) asset: AssetId,
    pub(crate) epoch: EpochId,
    base: MediaTime,
    pub(crate) folder: tempfile::TempDir,
}

/// A moment as media counts.
pub(crate) fn at(text: &str) -> MediaTime {
    MediaTime::from_timestamp(text.parse().unwrap())
}

fn now() -> Timestamp {
    "2026-11-20T22:55:35Z".parse().unwrap()
}

fn bench() -> Bench {
    Bench::new()
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let index = Index::open(&folder.path().join(FILE_NAME)).unwrap();
        let asset = index.asset("local", "Lobby", "lobby/sink", now()).unwrap();
        let epoch = Epoch::parse("host-1").unwrap();
        let epoch = index.begin_epoch(asset, &epoch, now()).unwrap();
        Self {
            index,
            asset,
            epoch,
            base: MediaTime::from_timestamp(now()),
            folder,
        }
    }

    /// A segment in the cache, of one fragment.
    pub(crate) fn segment(&self, start: MediaTime, length: Ticks, bytes: u64) -> SegmentId {
        self.segment_of(self.asset, self.epoch, start, length, bytes)
    }

    pub(crate) fn segment_of(
        &self,
        asset: AssetId,
        epoch: EpochId,
        start: MediaTime,
        length: Ticks,
        bytes: u64,
    ) -> SegmentId {
        let part = Part {
            bytes,
            start: start.ticks(),
            ticks: length.0 as u64,
            samples: 1,
            ..Part::default()
        };
        let fragment = FragmentEntry {
            kind: TrackKind::Video,
            start: start.ticks(),
            ticks: length.0 as u64,
            bytes,
            samples: 1,
            sync: true,
        };
        let folder = self.folder.path().join("cache");
        let new = NewSegment {
            asset,
            epoch,
            start,
            end: start.offset(length),
            bytes,
            video: part,
            audio: None,
            fragments: &[fragment],
            sha256: [7; 32],
            folder: &folder,
            detections: &[],
        };
        self.index.seal(&new).unwrap()
    }

    pub(crate) fn gap(&self, range: std::ops::Range<MediaTime>, reason: GapReason) {
        let gap = Gap {
            start: range.start,
            end: range.end,
            reason,
            fragments: 0,
            units: 0,
        };
        self.index.note_gap(self.asset, &gap, now()).unwrap();
    }
}

impl Bench {
    fn at(&self, second: i64) -> MediaTime {
        self.base.offset(Ticks(second * SECOND))
    }

    /// A segment of two fragments that begins at a second and is ten long.
    fn seal(&self, second: i64) -> SegmentId {
        let part = Part {
            bytes: 1000,
            start: self.at(second).ticks(),
            ticks: 10 * SECOND as u64,
            samples: 300,
            ..Part::default()
        };
        let fragment = |second| FragmentEntry {
            kind: TrackKind::Video,
            start: self.at(second).ticks(),
            ticks: 5 * SECOND as u64,
            bytes: 500,
            samples: 150,
            sync: true,
        };
        let new = NewSegment {
            asset: self.asset,
            epoch: self.epoch,
            start: self.at(second),
            end: self.at(second + 10),
            bytes: 1000,
            video: part,
            audio: None,
            fragments: &[fragment(second), fragment(second + 5)],
            sha256: [7; 32],
            folder: Path::new("/cache/sink/Lobby"),
            detections: &[],
        };
        self.index.seal(&new).unwrap()
    }

    fn gaps(&self) -> Vec<(i64, i64, GapReason, u64)> {
        let second = |at: MediaTime| at.since(self.base).0 / SECOND;
        let gaps = self
            .index
            .gaps(self.asset, MediaTime::MIN..MediaTime::MAX)
            .unwrap();
        gaps.iter()
            .map(|gap| (second(gap.start), second(gap.end), gap.reason, gap.fragments))
            .collect()
    }

    fn waiting(&self) -> Vec<SegmentId> {
        let waiting = self.index.waiting("local", 100).unwrap();
        waiting.iter().map(|waiting| waiting.segment.id).collect()
    }
}

#[test]
fn what_is_sealed_waits_oldest_first_and_is_read_back_as_it_was() {
    let bench = bench();
    let (second, first) = (bench.seal(10), bench.seal(0));
    assert_eq!(bench.waiting(), [first, second]);
    assert_eq!(bench.seal(10), second, "the same segment is the same row");
    let row = bench.index.segment(first).unwrap().unwrap();
    assert_eq!((row.name.start, row.end), (bench.at(0), bench.at(10)));
    assert_eq!(
        (row.video.samples, row.video_fragments, row.sha256),
        (300, 2, [7; 32])
    );
    assert_eq!(
        bench.index.fragments(first).unwrap()[1].start,
        bench.at(5).ticks()
    );
    let backlog = bench.index.backlog("local").unwrap();
    assert_eq!(
        (backlog.segments, backlog.bytes, backlog.oldest),
        (2, 2000, Some(bench.at(0)))
    );
    assert_eq!(bench.index.bytes_below(Path::new("/cache/sink")).unwrap(), 2000);
    assert_eq!(bench.index.bytes_below(Path::new("/cache/sin")).unwrap(), 0);
}

#[test]
fn what_is_stored_waits_no_more_and_its_file_is_garbage_until_it_is_removed() {
    let bench = bench();
    let id = bench.seal(0);
    let stored = bench.index.stored(&[id]).unwrap();
    let file = stored[0].file.clone().unwrap();
    assert!(file.starts_with("/cache/sink/Lobby"), "{file:?}");
    assert_eq!(bench.index.garbage().unwrap(), std::slice::from_ref(&file));
    assert!(bench.waiting().is_empty());
    assert_eq!(
        bench.index.segment(id).unwrap().unwrap().state,
        SegmentState::Stored
    );
    bench.index.removed(&[file]).unwrap();
    assert!(bench.index.garbage().unwrap().is_empty());
}

#[test]
fn what_is_dropped_is_a_gap_and_gaps_that_touch_are_one() {
    let bench = bench();
    let ids: Vec<SegmentId> = (0..4).map(|n| bench.seal(n * 10)).collect();
    bench
        .index
        .drop_segments(&ids[..1], GapReason::CacheFull, now())
        .unwrap();
    bench
        .index
        .drop_segments(&ids[1..2], GapReason::CacheFull, now())
        .unwrap();
    assert_eq!(bench.gaps(), [(0, 20, GapReason::CacheFull, 4)]);
    bench
        .index
        .drop_segments(&ids[2..3], GapReason::Retention, now())
        .unwrap();
    assert_eq!(bench.gaps().len(), 2, "another reason is another gap");
    assert_eq!(
        bench.index.stored(&ids[..1]).unwrap(),
        [],
        "it was dropped before it was acknowledged"
    );
    assert_eq!(bench.waiting(), ids[3..]);
}

#[test]
fn media_that_comes_back_ends_its_gap() {
    let bench = bench();
    let ids: Vec<SegmentId> = (0..3).map(|n| bench.seal(n * 10)).collect();
    bench.index.drop_segments(&ids, GapReason::Crash, now()).unwrap();
    assert_eq!(bench.gaps(), [(0, 30, GapReason::Crash, 6)]);
    bench.seal(10);
    let ends: Vec<_> = bench.gaps().iter().map(|gap| (gap.0, gap.1)).collect();
    assert_eq!(ends, [(0, 10), (20, 30)]);
}

#[test]
fn an_epoch_keeps_its_init_segments_and_the_counter_goes_on() {
    let bench = bench();
    bench
        .index
        .set_init(bench.epoch, TrackKind::Video, b"video")
        .unwrap();
    bench
        .index
        .set_init(bench.epoch, TrackKind::Audio, b"audio")
        .unwrap();
    let epoch = bench.index.epoch(bench.epoch).unwrap().unwrap();
    assert_eq!(
        (epoch.video.as_deref(), epoch.audio.as_deref()),
        (Some(&b"video"[..]), Some(&b"audio"[..]))
    );
    assert_eq!(bench.index.last_counter(bench.asset, "host").unwrap(), 1);
    assert_eq!(bench.index.last_counter(bench.asset, "other").unwrap(), 0);
    assert_eq!(bench.index.epochs(bench.asset).unwrap(), [epoch]);
}

#[test]
fn a_day_is_unlisted_until_its_playlists_show_what_stands_in_the_store() {
    let bench = bench();
    let days = || bench.index.unlisted("local", 10).unwrap();
    let one = bench.seal(0);
    assert!(days().is_empty(), "nothing of it is in the store");
    bench.index.stored(&[one]).unwrap();
    let first = days();
    assert_eq!(first.len(), 1);
    assert!(first[0].range().contains(&bench.at(0)));
    assert_eq!(
        bench
            .index
            .stored_in(bench.asset, &first[0].range())
            .unwrap()
            .len(),
        1
    );
    // Something comes while the playlists are being written.
    let two = bench.seal(10);
    assert!(bench.index.has_in(bench.asset, first[0].range(), true).unwrap());
    bench.index.stored(&[two]).unwrap();
    bench.index.listed(&first[0]).unwrap();
    let second = days();
    assert_eq!(second.len(), 1, "what came meanwhile is not in them");
    bench.index.listed(&second[0]).unwrap();
    assert!(days().is_empty() && !bench.index.is_unfinished(bench.asset).unwrap());
    bench
        .index
        .drop_segments(&[one], GapReason::Retention, now())
        .unwrap();
    assert_eq!(days().len(), 1, "what went must go from the playlists");
    let waiting = bench.seal(20);
    bench.index.listed(&days()[0]).unwrap();
    bench
        .index
        .drop_segments(&[waiting], GapReason::CacheFull, now())
        .unwrap();
    assert!(days().is_empty(), "it was in no playlist");
}

#[test]
fn what_waits_comes_by_its_age_whoever_recorded_it() {
    let bench = bench();
    let later = now().checked_add(jiff::SignedDuration::from_secs(5)).unwrap();
    let other = bench.index.asset("local", "Yard", "yard/sink", later).unwrap();
    let epoch = bench
        .index
        .begin_epoch(other, &Epoch::parse("host-1").unwrap(), later)
        .unwrap();
    let here = Bench {
        asset: other,
        epoch,
        base: bench.base,
        index: bench.index,
        folder: bench.folder,
    };
    here.seal(15);
    let there = Bench {
        asset: bench.asset,
        epoch: bench.epoch,
        ..here
    };
    there.seal(0);
    there.seal(20);
    let names = |without: &[AssetId]| -> Vec<String> {
        let waiting = there.index.waiting_without("local", without, 10).unwrap();
        waiting.into_iter().map(|one| one.asset).collect()
    };
    assert_eq!(names(&[]), ["Lobby", "Yard", "Lobby"]);
    assert_eq!(names(&[other]), ["Lobby", "Lobby"]);
    assert_eq!(there.index.backlog_of(Some("lobby")).unwrap().segments, 2);
    assert_eq!(there.index.backlog_of(Some("lob")).unwrap().segments, 0);
    assert_eq!(there.index.backlog_of(None).unwrap().segments, 3);
}
