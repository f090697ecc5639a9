//! Against an index: what there is of a recording, and the playlists of it. Whether players like them is asked in `tests/playback`.

use std::ops::Range;
use std::sync::Arc;

use super::available::{Question, QuestionError, There};
use super::hls::{self, Links};
use super::live::{Anchors, Numbers};
use super::timeline::{self, Timeline};
use super::{dash, range};
use crate::media::mp4::write::init_segment;
use crate::media::{MediaTime, StreamFormat, Ticks, TrackKind};
use crate::recording::asset::name::{Epoch, SegmentName};
use crate::recording::asset::scan::Part;
use crate::recording::cache::Growing;
use crate::recording::index::tests::{Bench, at};
use crate::recording::index::{AssetRow, EpochId, FragmentEntry, NewSegment};

/// Of every fragment.
const TWO_SECONDS: u64 = 180_000;

fn second(from: MediaTime, seconds: i64) -> MediaTime {
    from.offset(Ticks::from_secs(seconds))
}

fn noon() -> MediaTime {
    at("2026-11-20T12:00:00Z")
}

fn format(kind: TrackKind, width: u32) -> StreamFormat {
    let (name, length): (&[u8; 4], usize) = match kind {
        TrackKind::Video => (b"avc1", 86),
        TrackKind::Audio => (b"mp4a", 36),
    };
    let mut entry = vec![0; length];
    entry[..4].copy_from_slice(&(length as u32).to_be_bytes());
    entry[4..8].copy_from_slice(name);
    entry[32..34].copy_from_slice(&(width as u16).to_be_bytes());
    entry[34..36].copy_from_slice(&180_u16.to_be_bytes());
    StreamFormat {
        kind,
        codec: String::new(),
        sample_entry: entry.into(),
        decoder_config: bytes::Bytes::new(),
        width,
        height: 180,
        sample_rate: 48_000,
    }
}

/// A recording whose segments have real fragments and init segments.
struct Recorded(Bench);

impl Recorded {
    fn new() -> Self {
        let recorded = Self(Bench::new());
        recorded.coded(recorded.0.epoch, 320, true);
        recorded
    }

    fn coded(&self, epoch: EpochId, width: u32, sound: bool) {
        let kinds = [TrackKind::Video, TrackKind::Audio];
        for kind in kinds.into_iter().take(if sound { 2 } else { 1 }) {
            let init = init_segment(&format(kind, width)).unwrap();
            self.0.index.set_init(epoch, kind, &init).unwrap();
        }
    }

    fn epoch(&self, name: &str, opened: MediaTime) -> EpochId {
        let epoch = Epoch::parse(name).unwrap();
        // Behind the first one, which the bench opens in the evening.
        let opened = second(opened, 12 * 3600).to_timestamp();
        self.0.index.begin_epoch(self.0.asset, &epoch, opened).unwrap()
    }

    /// Fragments of two seconds, as `pattern` says: `I` begins with a picture that needs no other, `P` does not. With sound.
    fn seal(&self, epoch: EpochId, start: MediaTime, pattern: &str) {
        let fragments = fragments(start, pattern, true);
        let of = |kind| {
            let mut part = Part::default();
            let before: u64 = fragments
                .iter()
                .filter(|one| one.kind < kind)
                .map(|one| one.bytes)
                .sum();
            part.offset = before;
            for one in fragments.iter().filter(|one| one.kind == kind) {
                part.extend(one.start, one.ticks, one.samples, one.bytes);
            }
            part
        };
        let (video, audio) = (of(TrackKind::Video), of(TrackKind::Audio));
        let folder = self.0.folder.path().join("cache");
        let new = NewSegment {
            asset: self.0.asset,
            epoch,
            start,
            end: start.offset(Ticks(video.ticks as i64)),
            bytes: video.bytes + audio.bytes,
            video,
            audio: Some(audio),
            fragments: &fragments,
            sha256: [7; 32],
            folder: &folder,
            detections: &[],
        };
        self.0.index.seal(&new).unwrap();
    }

    fn asset(&self) -> Arc<AssetRow> {
        Arc::new(self.0.index.asset_row(self.0.asset).unwrap().unwrap())
    }

    fn load(&self, range: Range<MediaTime>) -> Timeline {
        timeline::load(&self.0.index, None, &self.asset(), &range, &[]).unwrap()
    }

    fn load_live(&self, range: Range<MediaTime>, growing: Option<Growing>) -> Timeline {
        let mut timeline = timeline::load(&self.0.index, growing, &self.asset(), &range, &[]).unwrap();
        timeline.live = true;
        timeline
    }

    fn there(&self, growing: Option<Range<MediaTime>>) -> There<'_> {
        // Leaked: one small row for each test.
        let asset: &'static AssetRow = Box::leak(Box::new((*self.asset()).clone()));
        There {
            index: &self.0.index,
            asset,
            growing,
        }
    }
}

fn fragments(start: MediaTime, pattern: &str, sound: bool) -> Vec<FragmentEntry> {
    let entry = |kind, number: usize, sync| FragmentEntry {
        kind,
        start: start.ticks() + number as u64 * TWO_SECONDS,
        ticks: TWO_SECONDS,
        bytes: if kind == TrackKind::Video { 1000 } else { 100 },
        samples: 50,
        sync,
    };
    let video = pattern.bytes().enumerate();
    let video = video.map(|(number, letter)| entry(TrackKind::Video, number, letter == b'I'));
    let audio = (0..pattern.len()).map(|number| entry(TrackKind::Audio, number, true));
    video.chain(audio.filter(|_| sound)).collect()
}

/// Starts and lengths of the runs, in seconds from noon.
fn runs(timeline: &Timeline) -> Vec<(i64, i64)> {
    let seconds = |at: MediaTime| at.since(noon()).0 / 90_000;
    let runs = timeline.runs.iter();
    runs.map(|run| (seconds(run.start()), seconds(run.end())))
        .collect()
}

fn stretch(from: i64, until: i64) -> Range<MediaTime> {
    second(noon(), from)..second(noon(), until)
}

#[test]
fn a_stretch_begins_with_a_picture_that_needs_no_other_and_ends_where_it_should() {
    let recorded = Recorded::new();
    let epoch = recorded.0.epoch;
    recorded.seal(epoch, noon(), "IIPII");
    recorded.seal(epoch, second(noon(), 10), "PPIII");
    assert_eq!(runs(&recorded.load(stretch(0, 20))), [(0, 20)]);
    assert_eq!(runs(&recorded.load(stretch(3, 3 + 1))), [(2, 4)]);
    assert_eq!(
        runs(&recorded.load(stretch(5, 7))),
        [(2, 8)],
        "from the picture before"
    );
    assert_eq!(
        runs(&recorded.load(stretch(13, 15))),
        [(8, 16)],
        "also of the segment before"
    );
    assert_eq!(runs(&recorded.load(stretch(20, 40))), []);
    let run = &recorded.load(stretch(5, 7)).runs[0];
    assert_eq!(
        (run.video.len(), run.audio.len()),
        (3, 3),
        "sound beside the pictures"
    );
    let offsets: Vec<u64> = run.video.iter().map(|one| one.offset).collect();
    assert_eq!(offsets, [1000, 2000, 3000]);
    assert_eq!(run.audio[0].offset, 100, "within its track");
}

#[test]
fn what_begins_within_a_group_of_pictures_begins_with_the_next_one() {
    let recorded = Recorded::new();
    recorded.seal(recorded.0.epoch, noon(), "PPIPP");
    assert_eq!(runs(&recorded.load(stretch(0, 10))), [(4, 10)]);
    assert_eq!(
        runs(&recorded.load(stretch(0, 3))),
        [],
        "nothing of it can be decoded"
    );
}

#[test]
fn a_bound_in_a_hole_moves_to_where_media_is_and_between_two_in_one_hole_nothing_is() {
    let recorded = Recorded::new();
    recorded.seal(recorded.0.epoch, noon(), "IIIII");
    let next = recorded.epoch("host-2", second(noon(), 60));
    recorded.coded(next, 320, true);
    recorded.seal(next, second(noon(), 60), "IIIII");
    assert_eq!(
        runs(&recorded.load(stretch(0, 100))),
        [(0, 10), (60, 70)],
        "a hole within"
    );
    assert_eq!(
        runs(&recorded.load(stretch(30, 64))),
        [(60, 64)],
        "the start in it"
    );
    assert_eq!(runs(&recorded.load(stretch(4, 30))), [(4, 10)], "the end in it");
    assert_eq!(runs(&recorded.load(stretch(20, 40))), [], "both in it");
}

#[test]
fn epochs_that_are_coded_alike_share_an_init_segment_and_others_have_their_own() {
    let recorded = Recorded::new();
    recorded.seal(recorded.0.epoch, noon(), "I");
    for (number, width) in [(2, 320), (3, 640)] {
        let start = second(noon(), number * 60);
        let epoch = recorded.epoch(&format!("host-{number}"), start);
        recorded.coded(epoch, width, true);
        recorded.seal(epoch, start, "I");
    }
    let timeline = recorded.load(stretch(0, 300));
    let inits: Vec<&str> = timeline
        .runs
        .iter()
        .map(|run| run.tracks.video.file.as_str())
        .collect();
    assert_eq!(
        inits,
        ["host-1.video.mp4", "host-1.video.mp4", "host-3.video.mp4"]
    );
    let text = hls::track(&timeline, TrackKind::Video, &Links::default(), Numbers::default());
    assert_eq!(text.matches("#EXT-X-MAP:").count(), 2, "{text}");
    assert_eq!(text.matches("#EXT-X-DISCONTINUITY\n").count(), 2, "{text}");
}

#[test]
fn what_has_no_init_segment_is_left_out() {
    let recorded = Recorded::new();
    recorded.seal(recorded.0.epoch, noon(), "I");
    let epoch = recorded.epoch("host-2", second(noon(), 60));
    recorded.seal(epoch, second(noon(), 60), "I");
    assert_eq!(runs(&recorded.load(stretch(0, 300))), [(0, 2)]);
}

#[test]
fn a_segment_that_is_lost_is_a_hole() {
    let recorded = Recorded::new();
    for start in [0, 4, 8] {
        recorded.seal(recorded.0.epoch, second(noon(), start), "II");
    }
    let lost = SegmentName {
        start: second(noon(), 4),
        epoch: Epoch::parse("host-1").unwrap(),
    };
    let found = timeline::load(
        &recorded.0.index,
        None,
        &recorded.asset(),
        &stretch(0, 100),
        &[lost],
    );
    assert_eq!(runs(&found.unwrap()), [(0, 4), (8, 12)]);
}

#[test]
fn a_playlist_names_tracks_of_segments_by_byte_range_and_says_when_they_were() {
    let recorded = Recorded::new();
    recorded.seal(recorded.0.epoch, noon(), "II");
    recorded.seal(recorded.0.epoch, second(noon(), 4), "I");
    let timeline = recorded.load(stretch(0, 300));
    let links = Links {
        up: "",
        stretch: "?startTime=x".to_owned(),
        store: String::new(),
    };
    let text = hls::track(&timeline, TrackKind::Audio, &links, Numbers::default());
    assert_eq!(
        text,
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n\
         #EXT-X-MAP:URI=\"media/host-1.audio.mp4\"\n\
         #EXT-X-PROGRAM-DATE-TIME:2026-11-20T12:00:00.000Z\n\
         #EXTINF:2.000000,\n#EXT-X-BYTERANGE:100@0\nmedia/20261120T120000.000000Z-host-1.audio.m4s\n\
         #EXTINF:2.000000,\n#EXT-X-BYTERANGE:100@100\nmedia/20261120T120000.000000Z-host-1.audio.m4s\n\
         #EXT-X-PROGRAM-DATE-TIME:2026-11-20T12:00:04.000Z\n\
         #EXTINF:2.000000,\n#EXT-X-BYTERANGE:100@0\nmedia/20261120T120004.000000Z-host-1.audio.m4s\n#EXT-X-ENDLIST\n"
    );
    let master = hls::master(&timeline, &links);
    assert!(
        master.contains("URI=\"audio.m3u8?startTime=x\"") && master.ends_with("\nvideo.m3u8?startTime=x\n")
    );
    let empty = recorded.load(stretch(100, 200));
    let text = hls::track(&empty, TrackKind::Video, &links, Numbers::default());
    assert!(
        text.ends_with("#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-ENDLIST\n"),
        "{text}"
    );
    assert!(hls::master(&empty, &links).contains("#EXT-X-STREAM-INF:BANDWIDTH=1\n"));
}

#[test]
fn an_open_segment_is_part_of_what_grows_and_does_not_come_twice_when_it_is_sealed() {
    let recorded = Recorded::new();
    recorded.seal(recorded.0.epoch, noon(), "II");
    let start = second(noon(), 4);
    let all = fragments(start, "II", true);
    let growing = Growing {
        name: SegmentName {
            start,
            epoch: Epoch::parse("host-1").unwrap(),
        },
        epoch: recorded.0.epoch,
        folder: "/cache".into(),
        video: all[..2].to_vec(),
        audio: all[2..3].to_vec(),
    };
    let whole = noon()..MediaTime::MAX;
    let timeline = recorded.load_live(whole.clone(), Some(growing.clone()));
    assert_eq!(runs(&timeline), [(0, 8)]);
    assert_eq!(timeline.runs[0].audio.len(), 3);
    assert!(timeline.runs[0].video[3].source.growing);
    recorded.seal(recorded.0.epoch, start, "II");
    let sealed = recorded.load_live(whole, Some(growing));
    assert_eq!(runs(&sealed), [(0, 8)]);
    assert!(!sealed.runs[0].video[3].source.growing);
    let text = |timeline| hls::track(timeline, TrackKind::Video, &Links::default(), Numbers::default());
    assert_eq!(
        text(&timeline),
        text(&sealed),
        "its bytes have the same place before and after"
    );
    assert!(!text(&sealed).contains("ENDLIST"));
}

#[test]
fn fragments_keep_their_numbers_while_the_oldest_go_and_new_ones_come() {
    let recorded = Recorded::new();
    let epoch = recorded.0.epoch;
    recorded.seal(epoch, noon(), "II");
    recorded.seal(epoch, second(noon(), 4), "II");
    let mut anchors = Anchors::default();
    let mut numbers = |from| {
        let timeline = recorded.load_live(second(noon(), from)..MediaTime::MAX, None);
        anchors.numbers(recorded.0.asset, TrackKind::Video, &timeline.runs)
    };
    let first = numbers(0);
    assert_eq!(first.fragment, noon().ticks() / 90_000, "the second since 1970");
    assert_eq!(
        numbers(4),
        Numbers {
            fragment: first.fragment + 2,
            ..first
        }
    );
    let next = recorded.epoch("host-2", second(noon(), 60));
    recorded.coded(next, 320, true);
    recorded.seal(next, second(noon(), 60), "III");
    assert_eq!(numbers(4).fragment, first.fragment + 2);
    let later = numbers(62);
    assert_eq!(
        later,
        Numbers {
            fragment: first.fragment + 5,
            run: first.run + 1
        }
    );
    assert_eq!(numbers(0), first, "whoever asked for more than others");
    // Nothing of what is remembered is there any more: higher numbers, so that a player takes it for new.
    let far = recorded.epoch("host-3", second(noon(), 9000));
    recorded.coded(far, 320, true);
    recorded.seal(far, second(noon(), 9000), "I");
    assert!(numbers(8000).fragment > later.fragment + 3);
}

#[test]
fn runs_have_the_same_numbers_in_both_tracks() {
    let recorded = Recorded::new();
    recorded.seal(recorded.0.epoch, noon(), "II");
    let mut timeline = recorded.load_live(noon()..MediaTime::MAX, None);
    // Sound that begins a little before the picture, and so in the second before.
    timeline.runs[0].audio[0].start -= 900;
    let mut anchors = Anchors::default();
    let mut numbers = |kind| anchors.numbers(recorded.0.asset, kind, &timeline.runs);
    let (sound, video) = (numbers(TrackKind::Audio), numbers(TrackKind::Video));
    assert_eq!(sound.fragment + 1, video.fragment);
    assert_eq!(sound.run, video.run);
}

#[test]
fn a_dash_manifest_has_a_period_for_each_run() {
    let recorded = Recorded::new();
    recorded.seal(recorded.0.epoch, noon(), "III");
    let next = recorded.epoch("host-2", second(noon(), 60));
    recorded.coded(next, 320, false);
    recorded.seal(next, second(noon(), 60), "I");
    let now = "2026-11-20T12:02:00Z".parse().unwrap();
    let fixed = dash::manifest(&recorded.load(stretch(0, 300)), &Links::default(), now);
    for wanted in [
        "type=\"static\" mediaPresentationDuration=\"PT8.000000S\"",
        "<Period id=\"2026-11-20T12:00:00.000Z\" start=\"PT0.000000S\" duration=\"PT6.000000S\">",
        "<Period id=\"2026-11-20T12:01:00.000Z\" start=\"PT6.000000S\" duration=\"PT2.000000S\">",
        "r=\"2\"/>",
        "media=\"fragments/host-1/$Time$.audio.m4s\"",
    ] {
        assert!(fixed.contains(wanted), "{wanted}\n{fixed}");
    }
    assert_eq!(
        fixed.matches("contentType=\"audio\"").count(),
        1,
        "the second has none: {fixed}"
    );
    let live = dash::manifest(&recorded.load_live(stretch(2, 300), None), &Links::default(), now);
    let start = noon().ticks() / 90_000;
    assert!(
        live.contains("type=\"dynamic\" availabilityStartTime=\"1970-01-01T00:00:00Z\""),
        "{live}"
    );
    // It stays where the epoch began, though the stretch begins later.
    assert!(
        live.contains(&format!("start=\"PT{start}.000000S\" duration=\"PT6.000000S\"")),
        "{live}"
    );
    assert!(
        live.contains(&format!("start=\"PT{}.000000S\">", start + 60)),
        "{live}"
    );
}

fn ask(there: &There<'_>, precision: &str, start: Option<&str>, end: Option<&str>) -> Vec<(String, String)> {
    let question = Question::read(Some(precision), start, end).unwrap();
    let ranges = there.answer(&question).unwrap().time_ranges;
    ranges.into_iter().map(|range| (range.start, range.end)).collect()
}

fn pair(start: &str, end: &str) -> (String, String) {
    (start.to_owned(), end.to_owned())
}

#[test]
fn units_are_told_that_have_something_and_neighbours_are_one() {
    let recorded = Recorded::new();
    for day in [
        "2021-05-05T12:00:00Z",
        "2023-12-31T23:59:59Z",
        "2025-10-30T12:00:00Z",
        "2025-11-30T23:59:58Z",
        "2026-01-05T12:00:00Z",
        "2026-01-06T12:00:00Z",
        "2026-01-08T12:00:00Z",
        "2026-03-01T00:00:00Z",
    ] {
        recorded.0.segment(at(day), Ticks::from_secs(2), 1000);
    }
    let there = recorded.there(None);
    assert_eq!(
        ask(&there, "year", None, None),
        [pair("2021", "2021"), pair("2023", "2026")]
    );
    assert_eq!(ask(&there, "year", Some("2019"), Some("2020")), []);
    assert_eq!(ask(&there, "year", Some("2025"), None), [pair("2025", "2026")]);
    assert_eq!(
        ask(&there, "year", Some("1900"), Some("2022")),
        [pair("2021", "2021")]
    );
    assert_eq!(
        ask(&there, "month", Some("2025-10"), Some("2026-09")),
        [
            pair("2025-10", "2025-11"),
            pair("2026-01", "2026-01"),
            pair("2026-03", "2026-03")
        ]
    );
    assert_eq!(
        ask(&there, "day", Some("2026-01-01"), Some("2026-01-31")),
        [pair("2026-01-05", "2026-01-06"), pair("2026-01-08", "2026-01-08")]
    );
    // What ends at midnight is not in the next day; what goes over it is in both.
    assert_eq!(
        ask(&there, "day", Some("2025-11-30"), Some("2025-12-01")),
        [pair("2025-11-30", "2025-11-30")]
    );
    assert_eq!(
        ask(&there, "day", Some("2023-12-25"), Some("2024-01-10")),
        [pair("2023-12-31", "2024-01-01")]
    );
    assert_eq!(ask(&there, "day", Some("2030-01-01"), Some("2030-01-01")), []);
}

#[test]
fn moments_are_told_to_the_millisecond_without_what_lies_beyond_the_question() {
    let recorded = Recorded::new();
    for start in [0, 30, 90] {
        recorded
            .0
            .segment(second(noon(), start), Ticks::from_secs(30), 1000);
    }
    let growing = second(noon(), 120)..second(noon(), 124).offset(Ticks(45_000));
    let there = recorded.there(Some(growing));
    let full = |start, end| ask(&there, "full", Some(start), Some(end));
    let noon = "2026-11-20T12:00:00.000Z";
    assert_eq!(
        full("2026-11-20T00:00:00Z", "2026-11-21T00:00:00.000Z"),
        [
            pair(noon, "2026-11-20T12:01:00.000Z"),
            pair("2026-11-20T12:01:30.000Z", "2026-11-20T12:02:04.500Z")
        ],
        "what is being written counts"
    );
    assert_eq!(
        full("2026-11-20T12:00:10.25Z", "2026-11-20T12:00:20Z"),
        [pair("2026-11-20T12:00:10.250Z", "2026-11-20T12:00:20.000Z")]
    );
    assert_eq!(full("2026-11-20T12:01:00Z", "2026-11-20T12:01:30Z"), []);
    assert_eq!(ask(&there, "year", None, None), [pair("2026", "2026")]);
    let empty = Bench::new();
    let row = empty.index.asset_row(empty.asset).unwrap().unwrap();
    let there = There {
        index: &empty.index,
        asset: &row,
        growing: None,
    };
    assert_eq!(ask(&there, "year", None, None), []);
    assert_eq!(ask(&there, "day", Some("2026-11-20"), Some("2026-11-20")), []);
}

#[test]
fn questions_that_are_too_long_or_written_otherwise_are_refused() {
    let read = |precision, start, end| Question::read(Some(precision), Some(start), Some(end));
    for (precision, start, end) in [
        ("year", "0001", "9999"),
        ("month", "2026-01", "2026-12"),
        ("month", "2025-12", "2026-11"),
        ("day", "2026-01-01", "2026-01-31"),
        ("day", "2026-02-27", "2026-03-29"),
        ("full", "2026-01-01T00:00:00Z", "2026-01-02T01:00:00Z"),
        ("full", "2026-01-01T00:00:00.123Z", "2026-01-01T00:00:00.124Z"),
    ] {
        assert!(read(precision, start, end).is_ok(), "{precision} {start} {end}");
    }
    for (precision, start, end) in [
        ("month", "2026-01", "2027-01"),
        ("day", "2026-01-01", "2026-02-01"),
        ("full", "2026-01-01T00:00:00Z", "2026-01-02T01:00:00.001Z"),
    ] {
        let refused = read(precision, start, end);
        assert!(
            matches!(refused, Err(QuestionError::TooLong { .. })),
            "{precision} {start} {end}"
        );
    }
    for (precision, start, end) in [
        ("year", "2026", "2025"),
        ("month", "2026-02", "2026-01"),
        ("day", "2026-01-02", "2026-01-01"),
        ("full", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
    ] {
        assert_eq!(
            read(precision, start, end),
            Err(QuestionError::Reversed),
            "{precision}"
        );
    }
    for (precision, wrong) in [
        ("year", "26"),
        ("year", "2026-01"),
        ("year", "+026"),
        ("month", "2026"),
        ("month", "2026-13"),
        ("month", "2026-1"),
        ("day", "2026-02-30"),
        ("day", "2026-02-03T00:00:00Z"),
        ("full", "2026-02-03"),
        ("full", "2026-02-03T00:00:00"),
        ("full", "2026-02-03T00:00:00+01:00"),
        ("full", "2026-02-03 00:00:00Z"),
        ("full", "2026-02-03T00:00:00.Z"),
        ("full", "2026-02-03T25:00:00Z"),
        ("full", "ü026-02-03T00:00:00Z"),
    ] {
        let refused = read(precision, wrong, wrong);
        assert!(
            matches!(refused, Err(QuestionError::Form { .. })),
            "{precision} {wrong}: {refused:?}"
        );
    }
    assert_eq!(Question::read(None, None, None), Err(QuestionError::Precision));
    assert_eq!(
        Question::read(Some("hour"), None, None),
        Err(QuestionError::Precision)
    );
    for precision in ["month", "day", "full"] {
        let refused = Question::read(Some(precision), None, None);
        assert!(
            matches!(refused, Err(QuestionError::Missing { .. })),
            "{precision}"
        );
    }
    assert!(Question::read(Some("year"), None, Some("2026")).is_ok());
}

#[test]
fn the_newest_four_hours_are_meant_when_nobody_says_when() {
    let recorded = Recorded::new();
    recorded.seal(recorded.0.epoch, noon(), "I");
    let next = recorded.epoch("host-2", second(noon(), 5 * 3600));
    recorded.coded(next, 320, true);
    recorded.seal(next, second(noon(), 5 * 3600), "I");
    let extent = recorded.there(None).extent().unwrap();
    let asked = range::Asked::read(None, None)
        .unwrap()
        .resolve(extent.as_ref())
        .unwrap();
    assert_eq!(runs(&recorded.load(asked)), [(5 * 3600, 5 * 3600 + 2)]);
}
