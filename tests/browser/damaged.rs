//! Segments that are gone or damaged on the disk, and players that go on behind them.

use serde_json::json;

use crate::archive::{Archive, Played};
use crate::footage::{ASSET, PICTURE_MS, SECONDS, STRETCHES, asset_path, guarded, street};
use crate::players::{TOKEN, played_to_its_end, plays};
use crate::tools::{list, node, number};

/// The pictures of half a stretch: a segment of it, whose other one is harmed.
const HALF: i64 = SECONDS as i64 * 1000 / PICTURE_MS / 2;

#[test]
fn what_is_gone_or_damaged_on_the_disk_is_a_gap_and_the_rest_plays() {
    let archive = street();
    harm_second_halves(&archive);
    let host: Played = archive.serve_with(&guarded(TOKEN, "read"));
    let mut plays = plays(&asset_path());
    let plays = plays.as_array_mut().unwrap();
    // Those of all of it, not so fast that a busy machine leaves out most of so few pictures.
    plays.truncate(2);
    for play in plays.iter_mut() {
        play["token"] = json!(TOKEN);
        play["rate"] = json!(1);
    }
    let reports = node("play.mjs", &json!({"host": host.url(""), "plays": plays}));
    for (play, report) in plays.iter().zip(list(&reports)) {
        played_to_its_end(play, report, &STRETCHES, f64::from(SECONDS) / 2.0 * 3.0);
        for sample in list(&report["samples"]) {
            assert!(number(&sample["number"]) as i64 % 1000 < HALF, "{sample}");
        }
    }
}

/// One segment of each stretch: the first is gone, the second no media, the third too short.
fn harm_second_halves(archive: &Archive) {
    let segments = archive.segments(ASSET);
    let harmed: Vec<_> = segments.iter().skip(1).step_by(2).collect();
    assert_eq!((segments.len(), harmed.len()), (6, 3), "two of each stretch");
    std::fs::remove_file(harmed[0]).unwrap();
    let length = std::fs::metadata(harmed[1]).unwrap().len() as usize;
    std::fs::write(harmed[1], vec![0xff; length]).unwrap();
    std::fs::write(harmed[2], b"short").unwrap();
}

#[test]
fn the_console_goes_on_behind_what_vanished_when_it_already_had_the_list() {
    let archive = street();
    let host: Played = archive.serve_with(&guarded(TOKEN, "read"));
    let segment = archive.segments(ASSET).swap_remove(1);
    let report = node(
        "damaged.mjs",
        &json!({"host": host.url(""), "token": TOKEN, "asset": ASSET, "segment": segment}),
    );
    // It was shown up to the hole, then what was recorded behind it.
    let clock = |time: &str| format!("2026-11-20 13:00:{time}");
    let shown: Vec<&str> = list(&report["clocks"])
        .iter()
        .map(|clock| clock.as_str().unwrap())
        .collect();
    let within = |from: &str, until: &str| {
        shown
            .iter()
            .any(|one| (clock(from)..clock(until)).contains(&(*one).to_owned()))
    };
    assert!(within("02", "04.2") && within("28", "30"), "{report:#}");
    assert!(!within("04.5", "28"), "{report:#}");
    // What was refused is the segment alone.
    let told = list(&report["complained"]);
    let name = segment.file_stem().unwrap().to_str().unwrap();
    assert!(!told.is_empty() && told.iter().all(|one| one.as_str().unwrap().starts_with("404: ") && one.as_str().unwrap().contains(name)), "{report:#}");
    assert_eq!(report["ended"], true, "{report:#}");
}
