//! Everything that is handed out, as programs of other people read it: strict parsers of playlists and manifests, ffprobe, VLC.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::archive::Played;
use crate::client::get;
use crate::clip::run;
use crate::common::process::Process;
use crate::footage::{SECONDS, STRETCHES, asset_path, street};
use crate::tools::{list, node, number};

/// Both stretches of one size, and the first alone.
const BOTH: [&str; 2] = ["2026-11-20T12:00:00Z", "2026-11-20T12:00:40Z"];
const FIRST: [&str; 2] = ["2026-11-20T12:00:00Z", "2026-11-20T12:00:20Z"];
/// The pictures of one stretch.
const PICTURES: usize = SECONDS as usize * 25;
/// VLC leaves out the last ones of a stretch when it writes.
const LEFT_OUT: usize = PICTURES / 20;
/// Longer than VLC takes, much shorter than for ever.
const VLC: Duration = Duration::from_secs(120);
/// As much as a sum of rounded durations may be off, in seconds.
const ROUNDING: f64 = 0.05;
/// As much longer or shorter than the video the sound may be, in seconds: pieces of sound are 23 ms long.
const SOUND: f64 = 0.2;

/// Everything by which a time can be had.
fn addresses(host: &Played, [start, end]: [&str; 2]) -> Vec<String> {
    let path = asset_path();
    let shapes = [
        format!("index.m3u8?startTime={start}&endTime={end}"),
        format!("manifest.mpd?startTime={start}&endTime={end}"),
        format!("content.ism/manifest(format=m3u8-cmaf,startTime={start},endTime={end}).m3u8"),
        format!("content.ism/manifest(format=mpd-time-cmaf,startTime={start},endTime={end}).mpd"),
        format!("export.mp4?startTime={start}&endTime={end}"),
    ];
    shapes
        .iter()
        .map(|shape| host.url(&format!("{path}/{shape}")))
        .collect()
}

/// As many pictures as ffprobe decodes, by streams that hold any.
fn pictures(source: &str) -> usize {
    let told = run(Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v:0", "-count_frames"])
        .args(["-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", source]));
    let first = told.split_whitespace().next();
    first
        .unwrap_or_else(|| panic!("{source}: no pictures"))
        .trim_matches(',')
        .parse()
        .unwrap()
}

/// What VLC makes of an address: it plays it into a file. It refuses to run as root.
fn seen_by_vlc(folder: &Path, address: &str) -> PathBuf {
    let root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    let mut command = if root {
        let mut command = Command::new("runuser");
        command.args(["-u", "nobody", "--", "cvlc"]);
        command
    } else {
        Command::new("cvlc")
    };
    let output = folder.join("seen.ts");
    let sink = format!("#std{{access=file,mux=ts,dst={}}}", output.display());
    command
        .args(["--intf", "dummy", "--ignore-config", "--no-media-library"])
        .args(["--play-and-exit", "--sout", &sink, address, "vlc://quit"])
        .env("HOME", folder)
        .current_dir(folder);
    let ended = Process::start("VLC", &mut command).end(VLC);
    assert!(
        ended.status.success() && output.exists(),
        "{address}: {}",
        ended.stderr
    );
    output
}

#[test]
fn ffprobe_and_vlc_find_every_picture_in_all_manifests_and_in_an_export() {
    let archive = street();
    let host = archive.serve();
    for (stretches, range) in [(1, FIRST), (2, BOTH)] {
        for address in addresses(&host, range) {
            let gapped = stretches > 1;
            // Of several periods ffmpeg reads the longest.
            if !(gapped && address.contains(".mpd")) {
                assert_eq!(pictures(&address), stretches * PICTURES, "{address}");
            }
            // VLC 3 reads one init segment of a playlist, and only at its beginning: it stops at a gap.
            if gapped && address.contains(".m3u8") {
                continue;
            }
            let folder = tempfile::tempdir().unwrap();
            // For the user as whom VLC may run.
            std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
            let seen = pictures(seen_by_vlc(folder.path(), &address).to_str().unwrap());
            let least = stretches * (PICTURES - LEFT_OUT);
            assert!(
                (least..=stretches * PICTURES).contains(&seen),
                "{seen}: {address}"
            );
        }
    }
    // Where the size changes there are two files.
    let other = STRETCHES[2];
    let target = format!(
        "{}/export.mp4?startTime=2026-11-20T12:00:50Z&endTime=2026-11-20T12:01:00Z",
        asset_path()
    );
    let file = archive.folder.path().join("other.mp4");
    std::fs::write(&file, get(host.address, &target, &[]).with(200).body).unwrap();
    let told = run(Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v:0", "-count_frames"])
        .args(["-show_entries", "stream=width,nb_read_frames", "-of", "csv=p=0"])
        .arg(&file));
    assert_eq!(told.trim(), format!("{},{PICTURES}", other.width));
}

fn about(told: &Value, wanted: f64, by: f64) {
    let seconds = number(&told["seconds"]);
    assert!((seconds - wanted).abs() <= by, "{seconds} s: {told:#}");
}

fn strict_playlist(told: &Value, seconds: f64) {
    // Of the largest pictures.
    let level = if seconds > 16.0 { "1E" } else { "0C" };
    assert_eq!(told["codecs"], format!("avc1.6400{level},mp4a.40.2"), "{told:#}");
    for (number_of, media) in list(&told["lists"]).iter().enumerate() {
        about(media, seconds, if number_of == 0 { ROUNDING } else { SOUND });
        assert_eq!(media["ends"], true, "{media:#}");
        assert!(
            number(&media["longest"]).round() <= number(&media["target"]),
            "{media:#}"
        );
        assert_eq!(media["begins"], "2026-11-20T12:00:00.000Z", "{media:#}");
        let breaks = list(&media["breaks"]);
        let behind = ["2026-11-20T12:00:28.000Z", "2026-11-20T12:00:50.000Z"];
        assert_eq!(breaks, &behind.map(Value::from)[..breaks.len()], "{media:#}");
        assert_eq!(
            breaks.len(),
            (seconds as usize).div_ceil(SECONDS as usize) - 1,
            "{media:#}"
        );
    }
}

#[test]
fn strict_readers_accept_the_playlists_and_manifests_and_find_the_same_in_them() {
    let archive = street();
    let host = archive.serve();
    let whole = |shape: &str| host.url(&format!("{}/{shape}", asset_path()));
    let mut asked: Vec<(&str, String)> = addresses(&host, BOTH)
        .into_iter()
        .zip(["hls", "dash", "hls", "dash"])
        .map(|(address, reader)| (reader, address))
        .collect();
    let all = "startTime=2026-11-20T12:00:00Z&endTime=2026-11-20T13:00:00Z";
    asked.push(("hls", whole(&format!("index.m3u8?{all}"))));
    asked.push(("dash", whole(&format!("manifest.mpd?{all}"))));
    let told = node("read.mjs", &json!({"addresses": asked}));
    let seconds = [16.0, 16.0, 16.0, 16.0, 24.0, 24.0];
    for (((reader, _), told), seconds) in asked.iter().zip(list(&told)).zip(seconds) {
        if *reader == "hls" {
            strict_playlist(told, seconds);
            continue;
        }
        assert_eq!(told["warnings"], json!([]), "{told:#}");
        about(told, seconds, ROUNDING);
        let of = |kind: &str, by| {
            for one in list(&told[kind]) {
                assert!(number(&one["seconds"]) <= seconds + by, "{told:#}");
            }
            let all: f64 = list(&told[kind]).iter().map(|one| number(&one["seconds"])).sum();
            assert!((all - seconds).abs() <= by, "{all} s of {kind}: {told:#}");
        };
        of("video", ROUNDING);
        of("audio", SOUND);
    }
}
