//! Files and pictures of a recording.

use std::path::{Path, PathBuf};
use std::process::Command;

use mediagraph::media::Ticks;
use serde_json::Value;

use crate::archive::{Archive, NOON, Played, clip, gapped, larger};
use crate::client::{Answer, get};
use crate::clip::run;

fn export(host: &Played, start: &str, end: &str, headers: &[(&str, &str)]) -> Answer {
    let day = "2026-11-20T";
    let target = format!("/assets/lobby/export.mp4?startTime={day}{start}Z&endTime={day}{end}Z");
    get(host.address, &target, headers)
}

fn saved(archive: &Archive, answer: &Answer) -> PathBuf {
    let path = archive.folder.path().join("export.mp4");
    std::fs::write(&path, &answer.body).unwrap();
    path
}

fn probed(path: &Path) -> Value {
    let told = run(Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-count_frames",
            "-show_format",
            "-show_streams",
            "-of",
            "json",
        ])
        .arg(path));
    serde_json::from_str(&told).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_str().unwrap().parse().unwrap()
}

/// ffmpeg decodes all of it and does not complain.
fn plays(path: &Path) {
    let output = Command::new("ffmpeg")
        .args(["-v", "warning", "-i"])
        .arg(path)
        .args(["-map", "0", "-enc_time_base", "-1", "-f", "null", "-"])
        .output()
        .unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaints.is_empty(), "{complaints}");
}

#[test]
fn an_export_is_an_ordinary_movie_with_every_picture_and_the_sound_beside_them() {
    let archive = Archive::new();
    archive.record("lobby", "box", &clip().units);
    let host = archive.serve();
    let answer = export(&host, "12:00:00", "12:00:10", &[]).with(200);
    assert_eq!(
        answer.header("content-disposition").unwrap(),
        "attachment; filename=\"lobby 2026-11-20T12-00-00+0000.mp4\"; \
         filename*=UTF-8''lobby%202026-11-20T12-00-00%2B0000.mp4"
    );
    let path = saved(&archive, &answer);
    plays(&path);
    let told = probed(&path);
    assert_eq!(told["streams"][0]["nb_read_frames"], "250");
    let (video, sound) = (
        number(&told["streams"][0]["duration"]),
        number(&told["streams"][1]["duration"]),
    );
    assert!(
        (video - 10.0).abs() < 0.1 && (video - sound).abs() < 0.1,
        "{video} {sound}"
    );
    let tags = &told["format"]["tags"];
    assert_eq!(tags["title"], "lobby");
    let comment = tags["comment"].as_str().unwrap();
    assert!(
        comment.contains(&format!("from {NOON}.000Z to 2026-11-20T12:00:10.000Z"))
            && comment.ends_with("Nothing is missing."),
        "{comment}"
    );
    // Another reader, which wants an ordinary file, has the same samples as were recorded.
    let read = re_mp4::Mp4::read_bytes(&answer.body).unwrap();
    let mut hashes = Vec::new();
    for sample in &read.tracks()[&1].samples {
        hashes.push(crate::clip::sha256(&answer.body[sample.byte_range()]));
    }
    assert_eq!(hashes, clip().digests());
    assert!(
        !answer.body.windows(4).any(|four| four == b"moof"),
        "not in fragments"
    );
}

#[test]
fn a_part_of_an_export_is_a_part_of_the_same_bytes() {
    let archive = Archive::new();
    archive.record("lobby", "box", &clip().units);
    let host = archive.serve();
    let whole = export(&host, "12:00:03", "12:00:07", &[]).with(200);
    // From the picture before that needs no other, to the end that was asked for.
    let told = probed(&saved(&archive, &whole));
    assert_eq!(told["streams"][0]["nb_read_frames"], "125");
    let length = whole.body.len();
    for (from, to) in [(0, 99), (50, length / 2), (length - 10, length - 1)] {
        let part = export(
            &host,
            "12:00:03",
            "12:00:07",
            &[("range", &format!("bytes={from}-{to}"))],
        )
        .with(206);
        assert_eq!(part.body, whole.body[from..=to]);
    }
    let tag = whole.header("etag").unwrap();
    let rest = [("range", "bytes=100-"), ("if-range", tag)];
    assert_eq!(
        export(&host, "12:00:03", "12:00:07", &rest).with(206).body,
        whole.body[100..]
    );
    export(
        &host,
        "12:00:03",
        "12:00:07",
        &[("range", &format!("bytes={length}-"))],
    )
    .with(416);
}

#[test]
fn what_is_missing_is_left_out_of_an_export_and_stands_in_its_comment() {
    let archive = gapped();
    let host = archive.serve();
    let answer = export(&host, "12:00:00", "14:00:00", &[]).with(200);
    let path = saved(&archive, &answer);
    plays(&path);
    let told = probed(&path);
    assert_eq!(told["streams"][0]["nb_read_frames"], "500");
    assert!((number(&told["format"]["duration"]) - 20.0).abs() < 0.2, "{told}");
    let comment = told["format"]["tags"]["comment"].as_str().unwrap();
    assert!(
        comment.contains("Missing, and left out: 2026-11-20T12:00:10.000Z to 2026-11-20T13:00:00.000Z ("),
        "{comment}"
    );
}

#[test]
fn what_was_asked_for_and_is_not_there_is_missing_at_both_ends_too() {
    let archive = Archive::new();
    archive.record("lobby", "box", &clip().units);
    let host = archive.serve();
    let day = "2026-11-20T";
    for (start, end, told) in [
        (
            "11:59:00",
            "12:00:04",
            format!("Missing, and left out: {day}11:59:00.000Z to {day}12:00:00.000Z (not recorded)."),
        ),
        (
            "12:00:04",
            "12:01:00",
            format!(
                "Missing, and left out: {day}12:00:10.000Z to {day}12:01:00.000Z (the camera sent nothing)."
            ),
        ),
        (
            "12:00:02",
            "12:00:03",
            format!("to {day}12:00:03.000Z. Nothing is missing."),
        ),
    ] {
        let path = saved(&archive, &export(&host, start, end, &[]).with(200));
        let tags = &probed(&path)["format"]["tags"];
        let comment = tags["comment"].as_str().unwrap();
        assert!(comment.ends_with(&told), "{comment}");
    }
}

#[test]
fn an_export_over_a_change_of_the_camera_says_where_it_is() {
    let archive = Archive::new();
    archive.record("lobby", "box", &clip().units);
    archive.record("lobby", "box", &larger().later(Ticks::from_secs(60)));
    let host = archive.serve();
    let refused = export(&host, "12:00:00", "12:02:00", &[]).with(409).json();
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("`lobby`") && message.contains("2026-11-20T12:01:00.000Z"),
        "{message}"
    );
    export(&host, "12:00:00", "12:00:59", &[]).with(200);
    export(&host, "12:01:00", "12:02:00", &[]).with(200);
    export(&host, "12:10:00", "12:20:00", &[]).with(404);
}

#[test]
fn a_picture_is_the_one_of_its_moment_as_wide_as_it_should_be() {
    let archive = Archive::new();
    archive.record("lobby", "box", &clip().units);
    let host = archive.serve();
    let frame = |time: &str, more: &str| {
        let target = format!("/assets/lobby/frame.jpg?time=2026-11-20T{time}Z{more}");
        get(host.address, &target, &[])
    };
    let answer = frame("12:00:05", "").with(200);
    assert_eq!(answer.header("content-type"), Some("image/jpeg"));
    let shown = answer.header("mediagraph-time").unwrap();
    assert!(
        shown.starts_with("2026-11-20T12:00:04."),
        "the last before it that needs no other: {shown}"
    );
    let size = |answer: &Answer| {
        let picture = image::load_from_memory(&answer.body).unwrap();
        (picture.width(), picture.height())
    };
    assert_eq!(size(&answer), (320, 180));
    assert_eq!(size(&frame("12:00:05", "&width=160").with(200)), (160, 90));
    assert_eq!(
        size(&frame("12:00:05", "&width=3840").with(200)),
        (320, 180),
        "never wider than it was"
    );
    assert_ne!(
        frame("12:00:01", "").with(200).body,
        answer.body,
        "another moment, another picture"
    );
    frame("11:59:00", "").with(404);
    frame("12:00:05", "&width=0").with(400);
    frame("noon", "").with(400);
    // ffmpeg decodes the same picture.
    let at = archive.folder.path().join("frame.png");
    run(Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-i"])
        .arg(host.url("/assets/lobby/video.m3u8?startTime=2026-11-20T12:00:04Z&endTime=2026-11-20T12:00:05Z"))
        .args(["-frames:v", "1"])
        .arg(&at));
    let (ours, theirs) = (
        image::load_from_memory(&answer.body).unwrap(),
        image::open(&at).unwrap(),
    );
    let (ours, theirs) = (ours.to_luma8(), theirs.to_luma8());
    let distance: u64 = ours
        .pixels()
        .zip(theirs.pixels())
        .map(|(a, b)| u64::from(a.0[0].abs_diff(b.0[0])))
        .sum();
    let mean = distance / (320 * 180);
    assert!(mean < 6, "{mean}");
}

#[test]
fn the_command_line_lists_and_saves_what_was_recorded() {
    let archive = gapped();
    let host = archive.serve();
    let server = host.url("");
    let playback = |arguments: &[&str]| {
        let mut command = crate::common::mediagraph();
        command.args(["playback", "--server", &server]).args(arguments);
        command.output().unwrap()
    };
    let listed = String::from_utf8(playback(&["list"]).stdout).unwrap();
    assert!(
        listed.contains("lobby") && listed.contains("2026-11-20 13:00:10.000+00:00"),
        "{listed}"
    );
    let of_one = [
        "list",
        "lobby",
        "--json",
        "--since",
        "2026-11-19",
        "--until",
        "2026-11-21",
    ];
    let told: Value = serde_json::from_slice(&playback(&of_one).stdout).unwrap();
    assert_eq!(told["timeRanges"].as_array().unwrap().len(), 2, "{told}");
    let file = archive.folder.path().join("saved.mp4");
    let save = |start: &str| {
        let until = "2026-11-20 13:00";
        playback(&[
            "export",
            "lobby",
            "--since",
            start,
            "--until",
            until,
            "-o",
            file.to_str().unwrap(),
        ])
    };
    let nothing = save("2026-11-20 12:30");
    let said = String::from_utf8(nothing.stderr).unwrap();
    assert!(
        !nothing.status.success() && said.contains("asset `lobby` has nothing"),
        "{said}"
    );
    assert!(!file.exists(), "half a movie is none");
    let saved = save("2026-11-20 12:00");
    assert!(saved.status.success(), "{saved:?}");
    plays(&file);
    let again = save("2026-11-20 12:00");
    assert!(!again.status.success(), "it is not written over");
    plays(&file);
}
