//! What a stretch of a recording is made of.

use super::*;

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
        &HashSet::from([lost]),
    );
    assert_eq!(runs(&found.unwrap()), [(0, 4), (8, 12)]);
}

#[test]
fn of_a_long_stretch_the_ends_of_each_segment_are_looked_at() {
    let recorded = Recorded::new();
    recorded.seal(recorded.0.epoch, noon(), "IPI");
    let looked_at = |range| {
        let looks = check::looks(&recorded.load(range));
        looks.iter().map(check::Look::len).collect::<Vec<_>>()
    };
    assert_eq!(looked_at(stretch(0, 6)), [6], "pictures and sound");
    recorded.seal(recorded.0.epoch, second(noon(), 6), &"I".repeat(3000));
    assert_eq!(looked_at(stretch(0, 6006)), [4, 4]);
}
