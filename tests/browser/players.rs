//! hls.js and dash.js show every part of a recording, and know which moment they show.

use serde_json::{Value, json};

use crate::archive::Played;
use crate::common::camera::Camera;
use crate::common::graph::SOON;
use crate::common::host::Host;
use crate::common::process::until;
use crate::common::repository;
use crate::footage::{PICTURE_MS, STRETCHES, Stretch, asset_path, draw, guarded, street};
use crate::tools::{list, node, number};

/// As wrong as a player's clock may be, in milliseconds.
const WRONG_MS: f64 = 100.0;
/// Of each stretch so many pictures are looked at, at least: a machine with other work leaves out many.
const LOOKED_AT: usize = 25;
pub(crate) const TOKEN: &str = "token-of-players";

/// The same recording in all forms: whole, and a part of it as Microsoft's player widget asks for it.
pub(crate) fn plays(path: &str) -> Value {
    let part = "startTime=2026-11-20T12:00:04Z,endTime=2026-11-20T12:00:32Z";
    json!([
        {"player": "hls", "path": format!("{path}/index.m3u8?startTime=2026-11-20T12:00:00Z&endTime=2026-11-20T13:00:00Z"), "rate": 2},
        {"player": "dash", "path": format!("{path}/manifest.mpd?startTime=2026-11-20T12:00:00Z&endTime=2026-11-20T13:00:00Z"), "rate": 2},
        {"player": "hls", "path": format!("{path}/content.ism/manifest(format=m3u8-cmaf,{part}).m3u8"), "rate": 2},
        {"player": "dash", "path": format!("{path}/content.ism/manifest(format=mpd-time-cmaf,{part}).mpd"), "rate": 2},
    ])
}

/// What of a stretch was looked at. Whatever the player said of it must be right.
fn looked_at<'a>(report: &'a Value, stretch: &Stretch) -> Vec<&'a Value> {
    let of_stretch = |sample: &&Value| stretch.moment(sample["number"].as_i64().unwrap()).is_some();
    let samples: Vec<&Value> = list(&report["samples"]).iter().filter(of_stretch).collect();
    for sample in &samples {
        let taken = stretch.moment(sample["number"].as_i64().unwrap()).unwrap();
        let wrong = number(&sample["said"]) - taken as f64;
        assert!(wrong.abs() <= WRONG_MS, "{wrong} ms wrong: {sample}");
        assert_eq!(sample["width"], stretch.width, "{sample}");
    }
    samples
}

#[track_caller]
pub(crate) fn played_to_its_end(play: &Value, report: &Value, stretches: &[Stretch], seconds: f64) {
    let told = json!({"play": play, "fatal": report["fatal"], "errors": report["errors"],
        "ended": report["ended"], "at": report["at"], "state": report["state"], "complained": report["complained"],
        "samples": list(&report["samples"]).len(), "events": report["events"], "paused": report["paused"], "buffered": report["buffered"]});
    assert_eq!(report["fatal"], json!([]), "{told:#}");
    assert_eq!(report["complained"], json!([]), "{told:#}");
    assert_eq!(report["ended"], true, "{told:#}");
    assert!((number(&report["at"]) - seconds).abs() < 0.3, "{told:#}");
    let mut known = 0;
    for stretch in stretches {
        let looked_at = looked_at(report, stretch).len();
        assert!(looked_at >= LOOKED_AT, "{looked_at} of {stretch:?}: {told:#}");
        known += looked_at;
    }
    assert_eq!(
        known,
        list(&report["samples"]).len(),
        "every picture is one of these"
    );
}

#[test]
fn a_recording_with_gaps_and_two_sizes_plays_to_its_end_and_its_time_is_right_everywhere() {
    let archive = street();
    let host: Played = archive.serve_with(&guarded(TOKEN, "read"));
    let mut plays = plays(&asset_path());
    for play in plays.as_array_mut().unwrap() {
        play["token"] = json!(TOKEN);
    }
    let reports = node("play.mjs", &json!({"host": host.url(""), "plays": plays}));
    for (play, report) in list(&plays).iter().zip(list(&reports)) {
        // The part begins in the first stretch and ends in the second.
        let whole = !play["path"].as_str().unwrap().contains("content.ism");
        let (stretches, seconds) = if whole {
            (&STRETCHES[..], 24.0)
        } else {
            (&STRETCHES[..2], 8.0)
        };
        played_to_its_end(play, report, stretches, seconds);
    }
}

/// The camera's clip, in seconds.
const ROUND: u32 = 20;
/// So much of what is being recorded is watched.
const WATCHED_S: u32 = 10;
/// A player is so far behind at most, in milliseconds: eight seconds are wanted, and the machine may be slow.
const BEHIND_MS: f64 = 60_000.0;

/// A host that records a camera with numbered pictures, and the asset.
fn growing(folder: &std::path::Path) -> (Camera, Host, String) {
    let clip = folder.join("clip.mp4");
    draw(0, ROUND, 320, &clip);
    let camera = Camera::ours(&clip, &[]);
    let host = Host::start(&folder.join("state"));
    let topology = std::fs::read_to_string(repository("topologies/cvr-asset/topology.json")).unwrap();
    host.method("GraphTopologySet", &topology).with(201);
    let values = [("rtspUrl".to_owned(), camera.url.clone())];
    host.set_instance("lobby", "ContinuousRecording", &values)
        .with(201);
    host.named("GraphInstanceActivate", "lobby").with(200);
    let asset = until("three fragments", SOON, || {
        let list = crate::client::get(host.address, "/assets", &[]).with(200).json();
        let name = list["value"][0]["name"].as_str()?.replace(' ', "%20");
        let playlist = crate::client::get(host.address, &format!("/assets/{name}/video.m3u8"), &[]);
        let fragments = playlist.text().matches("#EXTINF").count();
        (playlist.status == 200 && fragments >= 3).then_some(name)
    });
    (camera, host, asset)
}

#[test]
fn what_is_being_recorded_is_watched_as_it_grows_and_its_time_goes_on_with_the_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let (_camera, host, asset) = growing(folder.path());
    let plays = json!([
        {"player": "hls", "path": format!("/assets/{asset}/index.m3u8"), "seconds": WATCHED_S},
        {"player": "dash", "path": format!("/assets/{asset}/manifest.mpd"), "seconds": WATCHED_S},
    ]);
    let reports = node("play.mjs", &json!({"host": host.url(), "plays": plays}));
    for report in list(&reports) {
        let samples = list(&report["samples"]);
        let told = json!({"fatal": report["fatal"], "errors": report["errors"], "at": report["at"],
            "complained": report["complained"], "samples": samples.len(), "first": samples.first()});
        assert_eq!(report["fatal"], json!([]), "{told:#}");
        assert_eq!(report["complained"], json!([]), "{told:#}");
        assert_eq!(report["ended"], false, "{told:#}");
        let first = samples.first().unwrap_or_else(|| panic!("{told:#}"));
        let shown = number(&samples[samples.len() - 1]["media"]) - number(&first["media"]);
        assert!(shown >= f64::from(WATCHED_S), "{shown} s: {told:#}");
        let round = f64::from(ROUND) * 1000.0;
        for sample in samples {
            // The camera plays its clip round and round; the pictures in between are as far apart as their numbers.
            let pictures = number(&sample["number"]) - number(&first["number"]);
            let between = number(&sample["said"]) - number(&first["said"]);
            let wrong =
                (between - pictures * PICTURE_MS as f64 + round / 2.0).rem_euclid(round) - round / 2.0;
            assert!(wrong.abs() <= WRONG_MS, "{wrong} ms wrong: {sample} {told:#}");
            let behind = number(&sample["now"]) - number(&sample["said"]);
            assert!((0.0..BEHIND_MS).contains(&behind), "{behind} ms behind: {sample}");
        }
    }
    host.stop();
}
