//! What players are told of a stretch.

use super::*;

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
    let nothing = dash::manifest(&recorded.load(stretch(200, 300)), &Links::default(), now);
    assert_eq!(nothing.matches("<Period").count(), 1, "{nothing}");
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
