//! What is being recorded is played up to a few seconds ago, and goes on to be there when it is sealed.

use std::collections::BTreeMap;

use m3u8_rs::{MediaPlaylist, Playlist};

use crate::client::get;
use crate::common::camera::Camera;
use crate::common::clip::yard;
use crate::common::graph::SOON;
use crate::common::host::Host;
use crate::common::process::until;
use crate::common::repository;

fn topology() -> String {
    let text = std::fs::read_to_string(repository("topologies/cvr-asset/topology.json")).unwrap();
    text
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
        let offset = segment.byte_range.as_ref().and_then(|range| range.offset).unwrap();
        (list.media_sequence + number as u64, (segment.uri.clone(), offset))
    };
    list.segments.iter().enumerate().map(place).collect()
}

#[test]
fn a_recording_is_played_while_it_grows_and_is_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let camera = Camera::ours(&yard(), &[]);
    let host = Host::start(&folder.path().join("state"));
    host.method("GraphTopologySet", &topology()).with(201);
    let values = [("rtspUrl".to_owned(), camera.url.clone())];
    let name = serde_json::from_str::<serde_json::Value>(&topology()).unwrap()["name"].clone();
    host.set_instance("lobby", name.as_str().unwrap(), &values).with(201);
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
        get(host.address, &format!("{base}{}", segment.uri), &[("range", &asked)]).with(206)
    };
    let open = read(&first.segments[1]);
    assert!(open.header("content-range").unwrap().ends_with("/*"), "{}", open.head);
    assert_eq!(open.header("cache-control"), Some("no-store"));
    let grown = until("it grows", SOON, || {
        playlist(&host, &video).filter(|list| list.segments.len() > first.segments.len())
    });
    let (before, after) = (entries(&first), entries(&grown));
    for (number, entry) in &before {
        assert_eq!(after.get(number), Some(entry), "an entry keeps its number");
    }
    let live = get(host.address, &format!("{base}manifest.mpd"), &[]).with(200).text();
    assert!(live.contains("type=\"dynamic\""), "{live}");
    let times = live.split("<S t=\"").nth(1).unwrap().split('"').next().unwrap();
    let epoch = live.split("fragments/").nth(1).unwrap().split('/').next().unwrap();
    get(host.address, &format!("{base}fragments/{epoch}/{times}.video.m4s"), &[]).with(200);
    // Sealed and taken by its store, it is the same.
    host.named("GraphInstanceDeactivate", "lobby").with(200);
    let sealed = until("it is sealed", SOON, || {
        let list = get(host.address, "/api/uploads", &[]).with(200).json();
        let waits = list["value"].as_array().unwrap().iter().any(|store| store["backlogSegments"] != 0);
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
    let told = get(host.address, &format!("{base}availableMedia?precision=year"), &[]).with(200).json();
    assert_eq!(told["timeRanges"][0]["start"], year);
    start
}
