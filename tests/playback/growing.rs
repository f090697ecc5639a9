//! What is being recorded is played up to a few seconds ago, and goes on to be there when it is sealed.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use m3u8_rs::{MediaPlaylist, Playlist};

use crate::client::get;
use crate::clip::run;
use crate::common::camera::Camera;
use crate::common::clip::yard;
use crate::common::graph::SOON;
use crate::common::host::Host;
use crate::common::process::until;
use crate::common::repository;

/// A camera, and a host that records it all the time.
fn recording(folder: &Path) -> (Camera, Host) {
    let camera = Camera::ours(&yard(), &[]);
    let host = Host::start(&folder.join("state"));
    let topology = std::fs::read_to_string(repository("topologies/cvr-asset/topology.json")).unwrap();
    host.method("GraphTopologySet", &topology).with(201);
    let values = [("rtspUrl".to_owned(), camera.url.clone())];
    let name = serde_json::from_str::<serde_json::Value>(&topology).unwrap()["name"].clone();
    host.set_instance("lobby", name.as_str().unwrap(), &values)
        .with(201);
    (camera, host)
}

fn playlist(host: &Host, target: &str) -> Option<MediaPlaylist> {
    let answer = get(host.address, target, &[]);
    if answer.status == 404 {
        return None;
    }
    match m3u8_rs::parse_playlist_res(&answer.with(200).body) {
        Ok(Playlist::MediaPlaylist(media)) => Some(media),
        other => panic!("{other:?}"),
    }
}

/// The number of each entry, and what it leads to.
fn entries(list: &MediaPlaylist) -> BTreeMap<u64, (String, u64)> {
    let place = |(number, segment): (usize, &m3u8_rs::MediaSegment)| {
        let offset = segment
            .byte_range
            .as_ref()
            .and_then(|range| range.offset)
            .unwrap();
        (list.media_sequence + number as u64, (segment.uri.clone(), offset))
    };
    list.segments.iter().enumerate().map(place).collect()
}

#[test]
fn a_recording_is_played_while_it_grows_and_is_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let (_camera, host) = recording(folder.path());
    host.named("GraphInstanceActivate", "lobby").with(200);
    let asset = until("a recording", SOON, || {
        let list = get(host.address, "/assets", &[]).with(200).json();
        let one = list["value"].get(0)?;
        one.get("end")?;
        Some(one["name"].as_str().unwrap().to_owned())
    });
    let video = format!("/assets/{}/video.m3u8", asset.replace(' ', "%20"));
    let first = until("two fragments of the open segment", SOON, || {
        playlist(&host, &video).filter(|list| list.segments.len() >= 2)
    });
    assert!(!first.end_list, "more comes");
    // Every entry can be had while its segment is open.
    let base = video.trim_end_matches("video.m3u8").to_owned();
    let read = |segment: &m3u8_rs::MediaSegment| {
        let range = segment.byte_range.clone().unwrap();
        let (start, end) = (range.offset.unwrap(), range.offset.unwrap() + range.length - 1);
        let asked = format!("bytes={start}-{end}");
        get(
            host.address,
            &format!("{base}{}", segment.uri),
            &[("range", &asked)],
        )
        .with(206)
    };
    let open = read(&first.segments[1]);
    assert!(
        open.header("content-range").unwrap().ends_with("/*"),
        "{}",
        open.head
    );
    assert_eq!(open.header("cache-control"), Some("no-store"));
    let grown = until("it grows", SOON, || {
        playlist(&host, &video).filter(|list| list.segments.len() > first.segments.len())
    });
    let (before, after) = (entries(&first), entries(&grown));
    for (number, entry) in &before {
        assert_eq!(after.get(number), Some(entry), "an entry keeps its number");
    }
    let live = get(host.address, &format!("{base}manifest.mpd"), &[])
        .with(200)
        .text();
    assert!(live.contains("type=\"dynamic\""), "{live}");
    let times = live.split("<S t=\"").nth(1).unwrap().split('"').next().unwrap();
    let epoch = live
        .split("fragments/")
        .nth(1)
        .unwrap()
        .split('/')
        .next()
        .unwrap();
    get(
        host.address,
        &format!("{base}fragments/{epoch}/{times}.video.m4s"),
        &[],
    )
    .with(200);
    // Sealed and taken by its store, it is the same.
    host.named("GraphInstanceDeactivate", "lobby").with(200);
    let sealed = until("it is sealed", SOON, || {
        let list = get(host.address, "/api/uploads", &[]).with(200).json();
        let waits = list["value"]
            .as_array()
            .unwrap()
            .iter()
            .any(|store| store["backlogSegments"] != 0);
        if waits { None } else { playlist(&host, &video) }
    });
    let after = entries(&sealed);
    for (number, entry) in &before {
        assert_eq!(after.get(number), Some(entry));
    }
    assert_eq!(read(&sealed.segments[1]).body, open.body);
    let frame = format!("{base}frame.jpg?width=64&time={}", available_start(&host, &base));
    get(host.address, &frame, &[]).with(200);
    host.stop();
}

fn available_start(host: &Host, base: &str) -> String {
    let list = get(host.address, "/assets", &[]).with(200).json();
    let start = list["value"][0]["start"].as_str().unwrap().to_owned();
    let year = &start[..4];
    let told = get(host.address, &format!("{base}availableMedia?precision=year"), &[])
        .with(200)
        .json();
    assert_eq!(told["timeRanges"][0]["start"], year);
    start
}

#[test]
fn a_camera_is_watched_while_it_plays_and_no_longer() {
    let folder = tempfile::tempdir().unwrap();
    let (_camera, host) = recording(folder.path());
    let view = |path: &str| get(host.address, path, &[]);
    let off = view("/live/lobby/camera").with(409).text();
    assert!(off.contains("lobby") && off.contains("activate"), "{off}");
    host.named("GraphInstanceActivate", "lobby").with(200);
    view("/live/nobody/camera").with(404);
    view("/live/lobby/recorder").with(404);
    // Two seconds of it, as a player that knows nothing of us reads them.
    let told = run(Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v:0", "-read_intervals", "%+2"])
        .args(["-show_entries", "packet=pts_time,flags", "-of", "csv=p=0"])
        .arg(format!("{}/live/lobby/camera", host.url())));
    let packets: Vec<&str> = told.lines().collect();
    assert!(packets.len() >= 40, "{told}");
    assert!(
        packets[0].contains('K'),
        "it begins with a picture that needs no other: {told}"
    );
    let time = |line: &str| line.split(',').next().unwrap().parse::<f64>().unwrap();
    let now = jiff::Timestamp::now().as_second() as f64;
    let behind = now - time(packets[packets.len() - 1]);
    assert!((-1.0..6.0).contains(&behind), "{behind} s behind");
    let steps = packets.windows(2).map(|two| time(two[1]) - time(two[0]));
    assert!(steps.clone().all(|step| step > 0.0 && step < 0.2), "{told}");
    // It ends with the graph.
    let watched = std::thread::scope(|scope| {
        let watching = scope.spawn(|| view("/live/lobby/camera"));
        until("somebody looks", SOON, || {
            let list = view("/assets").with(200).json();
            list["value"].get(0).map(drop)
        });
        host.named("GraphInstanceDeactivate", "lobby").with(200);
        watching.join().unwrap()
    });
    // It was cut off before its first picture, or after some.
    assert!([200, 409, 503].contains(&watched.status), "{}", watched.head);
    view("/live/lobby/camera").with(409);
    host.stop();
}
