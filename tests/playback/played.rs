//! What is played is what was recorded: every picture, in order, with its time, across holes and changes.

use std::process::Command;

use m3u8_rs::{MasterPlaylist, MediaPlaylist, Playlist};
use mediagraph::media::Ticks;
use serde_json::json;

use crate::archive::{Archive, NOON, Played, clip, gapped, larger};
use crate::client::{Answer, get};
use crate::clip::run;

/// The pictures of the clip.
const PICTURES: usize = 250;

fn ask(host: &Played, target: &str) -> Answer {
    get(host.address, target, &[]).with(200)
}

fn master(host: &Played, target: &str) -> MasterPlaylist {
    match m3u8_rs::parse_playlist_res(&ask(host, target).body) {
        Ok(Playlist::MasterPlaylist(master)) => master,
        other => panic!("{other:?}"),
    }
}

fn media(host: &Played, target: &str) -> MediaPlaylist {
    match m3u8_rs::parse_playlist_res(&ask(host, target).body) {
        Ok(Playlist::MediaPlaylist(media)) => media,
        other => panic!("{other:?}"),
    }
}

fn seconds(playlist: &MediaPlaylist) -> f32 {
    playlist.segments.iter().map(|segment| segment.duration).sum()
}

/// As many pictures as ffprobe decodes; it must have nothing to complain about.
pub(crate) fn pictures(url: &str) -> usize {
    let output = Command::new("ffprobe")
        .args(["-v", "warning", "-select_streams", "v:0", "-count_frames"])
        .args(["-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"])
        .arg(url)
        .output()
        .unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && complaints.is_empty(),
        "{url}: {complaints}"
    );
    let told = String::from_utf8(output.stdout).unwrap();
    let first = told.split_whitespace().next();
    first
        .unwrap_or_else(|| panic!("{url}: no pictures"))
        .trim_matches(',')
        .parse()
        .unwrap()
}

/// ffmpeg decodes all of it, sound too, and does not complain.
fn plays(url: &str) {
    let output = Command::new("ffmpeg")
        .args([
            "-v",
            "warning",
            "-i",
            url,
            "-map",
            "0",
            "-enc_time_base",
            "-1",
            "-f",
            "null",
            "-",
        ])
        .output()
        .unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && complaints.is_empty(),
        "{url}: {complaints}"
    );
}

#[test]
fn all_of_a_recording_plays_in_hls_and_its_playlists_say_what_it_is() {
    let archive = Archive::new();
    archive.record("lobby", "box", &clip().units);
    let host = archive.serve();
    let list = master(&host, "/assets/lobby/index.m3u8");
    let variant = &list.variants[0];
    let codecs = variant.codecs.clone().unwrap();
    assert!(
        codecs.starts_with("avc1.64") && codecs.ends_with(",mp4a.40.2"),
        "{codecs}"
    );
    let size = variant.resolution.unwrap();
    assert_eq!((size.width, size.height), (320, 180));
    assert!(variant.bandwidth > 10_000, "{}", variant.bandwidth);
    let video = media(&host, "/assets/lobby/video.m3u8");
    assert!(video.end_list, "nobody records it");
    assert!((seconds(&video) - 10.0).abs() < 0.01, "{}", seconds(&video));
    assert_eq!(video.segments.len(), 5, "an entry for each fragment");
    let first = video.segments[0].program_date_time.unwrap();
    assert_eq!(first.to_rfc3339(), format!("{NOON}+00:00"));
    let sound = media(&host, "/assets/lobby/audio.m3u8");
    assert!((seconds(&sound) - 10.0).abs() < 0.2, "{}", seconds(&sound));
    let url = host.url("/assets/lobby/index.m3u8");
    assert_eq!(pictures(&url), PICTURES);
    plays(&url);
    for shape in [
        "/assets/lobby/content.ism/manifest(format=m3u8-cmaf).m3u8",
        "/assets/lobby/content.ism/manifest(format=m3u8-cmaf,startTime=2026-11-20T12:00:04Z,endTime=2026-11-20T12:00:06Z).m3u8",
    ] {
        let wanted = if shape.contains("startTime") { 50 } else { PICTURES };
        assert_eq!(pictures(&host.url(shape)), wanted, "{shape}");
    }
    assert_eq!(pictures(&host.url("/assets/lobby/manifest.mpd")), PICTURES);
    assert_eq!(
        pictures(&host.url("/assets/lobby/content.ism/manifest(format=mpd-time-cmaf).mpd")),
        PICTURES
    );
}

#[test]
fn byte_ranges_give_fragments_that_play_behind_their_init_segment() {
    let archive = Archive::new();
    archive.record("lobby", "box", &clip().units);
    let host = archive.serve();
    for track in ["video", "audio"] {
        let list = media(&host, &format!("/assets/lobby/{track}.m3u8"));
        let init = list.segments[0].map.clone().unwrap().uri;
        let init = ask(&host, &format!("/assets/lobby/{init}")).body;
        let segment = &list.segments[2];
        let range = segment.byte_range.clone().unwrap();
        let (start, length) = (range.offset.unwrap(), range.length);
        let target = format!("/assets/lobby/{}", segment.uri);
        let asked = format!("bytes={start}-{}", start + length - 1);
        let part = get(host.address, &target, &[("range", &asked)]).with(206);
        assert_eq!(part.body.len() as u64, length);
        assert_eq!(&part.body[4..8], b"moof", "{track}");
        let whole = ask(&host, &target);
        assert_eq!(whole.body[start as usize..][..length as usize], part.body[..]);
        let total = whole.body.len();
        let wanted = format!("bytes {start}-{}/{total}", start + length - 1);
        assert_eq!(part.header("content-range"), Some(wanted.as_str()));
        assert_eq!(
            whole.header("cache-control"),
            Some("private, max-age=3600, immutable")
        );
        let beyond = get(host.address, &target, &[("range", &format!("bytes={total}-"))]).with(416);
        assert_eq!(
            beyond.header("content-range"),
            Some(format!("bytes */{total}").as_str())
        );
        let tag = whole.header("etag").unwrap();
        let again = get(host.address, &target, &[("if-none-match", tag)]).with(304);
        assert!(again.body.is_empty());
        // By itself, behind its init segment, it is a movie.
        let file = archive.folder.path().join("part.mp4");
        std::fs::write(&file, [init, part.body].concat()).unwrap();
        if track == "video" {
            assert_eq!(pictures(file.to_str().unwrap()), 50);
        } else {
            plays(file.to_str().unwrap());
        }
    }
}

#[test]
fn a_hole_is_a_discontinuity_with_the_time_behind_it_and_everything_plays() {
    let archive = gapped();
    let host = archive.serve();
    let list = media(&host, "/assets/lobby/video.m3u8");
    let broken: Vec<usize> = (0..list.segments.len())
        .filter(|number| list.segments[*number].discontinuity)
        .collect();
    assert_eq!(broken, [5]);
    let behind = list.segments[5].program_date_time.unwrap();
    assert_eq!(behind.to_rfc3339(), "2026-11-20T13:00:00+00:00");
    let sound = media(&host, "/assets/lobby/audio.m3u8");
    let broken = sound
        .segments
        .iter()
        .filter(|segment| segment.discontinuity)
        .count();
    assert_eq!(broken, 1, "in both tracks alike");
    assert_eq!(pictures(&host.url("/assets/lobby/index.m3u8")), 2 * PICTURES);
    plays(&host.url("/assets/lobby/index.m3u8"));
    // Both ends in the hole, one end in the hole.
    let stretch = |start: &str, end: &str| {
        let target =
            format!("/assets/lobby/video.m3u8?startTime=2026-11-20T{start}Z&endTime=2026-11-20T{end}Z");
        media(&host, &target)
    };
    let none = stretch("12:30:00", "12:40:00");
    assert!(none.segments.is_empty() && none.end_list);
    let later = stretch("12:30:00", "13:00:01");
    assert_eq!(later.segments.len(), 1);
    assert_eq!(later.segments[0].program_date_time, Some(behind));
    assert!(!later.segments[0].discontinuity);
}

#[test]
fn pictures_of_another_size_have_another_init_segment_and_play_too() {
    let archive = Archive::new();
    archive.record("lobby", "box", &clip().units);
    archive.record("lobby", "box", &larger().later(Ticks::from_secs(60)));
    let host = archive.serve();
    let list = media(&host, "/assets/lobby/video.m3u8");
    let maps: Vec<String> = list
        .segments
        .iter()
        .filter_map(|segment| Some(segment.map.clone()?.uri))
        .collect();
    assert_eq!(maps.len(), 2, "{maps:?}");
    assert_ne!(maps[0], maps[1]);
    // ffmpeg reads one init segment of a playlist, so each half is put together by hand.
    for (half, (map, width)) in maps.iter().zip(["320", "640"]).enumerate() {
        let mut movie = ask(&host, &format!("/assets/lobby/{map}")).body;
        for segment in &list.segments[half * 5..][..5] {
            let range = segment.byte_range.clone().unwrap();
            let (start, end) = (range.offset.unwrap(), range.offset.unwrap() + range.length - 1);
            let asked = format!("bytes={start}-{end}");
            let part = get(
                host.address,
                &format!("/assets/lobby/{}", segment.uri),
                &[("range", &asked)],
            );
            movie.extend(part.with(206).body);
        }
        let file = archive.folder.path().join("half.mp4");
        std::fs::write(&file, movie).unwrap();
        assert_eq!(pictures(file.to_str().unwrap()), PICTURES, "{map}");
        let told = run(Command::new("ffprobe")
            .args(["-v", "error", "-show_entries", "stream=width", "-of", "csv=p=0"])
            .arg(&file));
        assert_eq!(told.trim(), width, "{map}");
    }
}

#[test]
fn what_there_is_of_a_recording_is_told_in_four_ways() {
    let archive = gapped();
    let host = archive.serve();
    let told = |query: &str| {
        let clean = ask(&host, &format!("/assets/lobby/availableMedia?{query}"));
        let shaped = ask(
            &host,
            &format!("/assets/lobby/content.ism/availableMedia?{query}"),
        );
        assert_eq!(clean.body, shaped.body);
        clean.json()["timeRanges"].clone()
    };
    for (precision, unit) in [("year", "2026"), ("month", "2026-11"), ("day", "2026-11-20")] {
        assert_eq!(
            told(&format!("precision={precision}&startTime={unit}&endTime={unit}")),
            json!([{"start": unit, "end": unit}])
        );
    }
    let full = told("precision=full&startTime=2026-11-20T00:00:00Z&endTime=2026-11-20T23:00:00Z");
    assert_eq!(
        full,
        json!([
            {"start": "2026-11-20T12:00:00.000Z", "end": "2026-11-20T12:00:10.000Z"},
            {"start": "2026-11-20T13:00:00.000Z", "end": "2026-11-20T13:00:10.000Z"},
        ])
    );
    let list = ask(&host, "/assets").json();
    let one = &list["value"][0];
    assert_eq!(
        (
            one["name"].as_str(),
            one["instance"].as_str(),
            one["live"].as_bool()
        ),
        (Some("lobby"), Some("box"), Some(false))
    );
    assert_eq!((&one["start"], &one["end"]), (&full[0]["start"], &full[1]["end"]));
    let gaps = ask(&host, "/assets/lobby/gaps").json();
    assert_eq!(gaps["more"], 0);
}

#[test]
fn why_something_is_missing_is_told_from_end_to_end() {
    let archive = gapped();
    // Later than now, however slow the machine is: nobody waited for a camera when they were closed.
    let noon: jiff::Timestamp = format!("{NOON}Z").parse().unwrap();
    let begin = jiff::Timestamp::now().as_second() + 3600;
    for later in [0, 60] {
        let later = Ticks::from_secs(begin + later - noon.as_second());
        archive.record("gate", "box", &clip().later(later));
    }
    let host = archive.serve();
    let told = |query: &str| ask(&host, &format!("/assets/{query}")).json()["value"].clone();
    let lobby = told("lobby/gaps?startTime=2026-11-20T12:10:00Z&endTime=2026-11-20T12:20:00Z");
    let hour = |hour: u32, second: u32| format!("2026-11-20T{hour}:00:{second:02}.000Z");
    let away = json!([{"start": hour(12, 10), "end": hour(13, 0), "cause": "camera"}]);
    assert_eq!(lobby, away);
    let at = |seconds: i64| format!("{:.3}", jiff::Timestamp::from_second(begin + seconds).unwrap());
    let gap = json!([{"start": at(10), "end": at(60), "cause": "notRecorded"}]);
    assert_eq!(told("gate/gaps"), gap);
    let within = format!("gate/gaps?startTime={}&endTime={}", at(20), at(30));
    assert_eq!(told(&within), gap);
    for (start, end) in [(-100, 10), (0, 10), (60, 100)] {
        let recorded = format!("gate/gaps?startTime={}&endTime={}", at(start), at(end));
        assert_eq!(told(&recorded), json!([]), "{recorded}");
    }
}

#[test]
fn ffmpeg_sees_the_times_of_the_recording() {
    let archive = Archive::new();
    archive.record("lobby", "box", &clip().units);
    let host = archive.serve();
    let told = run(Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-select_streams",
            "v:0",
            "-show_entries",
            "packet=pts_time",
        ])
        .args(["-of", "csv=p=0", "-read_intervals", "%+#1"])
        .arg(host.url("/assets/lobby/index.m3u8")));
    let first: f64 = told
        .split_whitespace()
        .next()
        .unwrap()
        .trim_matches(',')
        .parse()
        .unwrap();
    let noon: jiff::Timestamp = format!("{NOON}Z").parse().unwrap();
    assert!((first - noon.as_second() as f64).abs() < 0.2, "{first}");
}
