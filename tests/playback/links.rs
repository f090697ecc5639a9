//! Links for players that send no token: they give one stretch of one recording for a while.

use std::net::SocketAddr;

use m3u8_rs::Playlist;
use serde_json::{Value, json};

use crate::archive::{Archive, Played, clip};
use crate::client::{Answer, get};
use crate::clip::run;
use crate::common;
use crate::common::host::wire::Request;
use crate::played::pictures;

/// A token that sees everything, and one that sees the instances of one site.
pub(crate) const ALL: &str = "all-secret-of-this-test-0123456789";
pub(crate) const SITE: &str = "site-secret-of-this-test-0123456789";

fn token(archive: &Archive, name: &str, secret: &str, more: &str) -> String {
    let file = archive.folder.path().join(format!("{name}.token"));
    std::fs::write(&file, secret).unwrap();
    let file = file.display();
    format!("[[tokens]]\nname = \"{name}\"\nrole = \"read\"\nsecret = \"${{file:{file}}}\"\n{more}")
}

/// Two recordings of ten seconds from noon on, on a host that wants tokens from everybody.
pub(crate) fn archive() -> (Archive, String) {
    let archive = Archive::new();
    archive.record("lobby", "site-a-door", &clip().units);
    archive.record("yard", "site-b-gate", &clip().units);
    let all = token(&archive, "all", ALL, "");
    let site = token(&archive, "site", SITE, "instances = \"site-a-*\"\n");
    let text = format!("[server]\nbehind_proxy = true\n[log]\nlevel = \"debug\"\n{all}{site}");
    (archive, text)
}

/// From second to second after noon.
pub(crate) fn stretch(from: u32, to: u32) -> Value {
    let at = |second: u32| format!("2026-11-20T12:00:{second:02}Z");
    json!({"startTime": at(from), "endTime": at(to)})
}

pub(crate) fn ask(host: &Played, secret: &str, asset: &str, body: &Value) -> (u16, Value) {
    let request = Request::new("POST", &format!("/assets/{asset}/links"));
    let answer = request.token(secret).json(&body.to_string()).send(host.address);
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer:?}");
    (answer.status, answer.json())
}

/// Where a link leads: everything below is of its recording.
pub(crate) fn link(host: &Played, secret: &str, asset: &str, body: &Value) -> String {
    let (status, told) = ask(host, secret, asset, body);
    assert_eq!(status, 201, "{told}");
    let hls = told["hls"].as_str().unwrap();
    let folder = hls.strip_suffix("index.m3u8").unwrap();
    assert!(folder.starts_with("signed/mgl_"), "{folder}");
    format!("/{folder}")
}

/// The link itself, which nobody else may see.
pub(crate) fn secret_of(folder: &str) -> &str {
    folder.split('/').nth(2).unwrap()
}

/// The entries of a playlist: names, and where their bytes are.
fn entries(address: SocketAddr, target: &str, headers: &[(&str, &str)]) -> Vec<(String, u64, u64)> {
    let answer = get(address, target, headers).with(200);
    let Ok(Playlist::MediaPlaylist(list)) = m3u8_rs::parse_playlist_res(&answer.body) else {
        panic!("{}", answer.text());
    };
    let entry = |segment: &m3u8_rs::MediaSegment| {
        let range = segment.byte_range.clone().unwrap();
        let start = range.offset.unwrap();
        (segment.uri.clone(), start, start + range.length - 1)
    };
    list.segments.iter().map(entry).collect()
}

/// A refusal that does not say what the link is.
#[track_caller]
pub(crate) fn refused(answer: Answer, folder: &str, status: u16) {
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert_eq!(answer.status, status, "{}{text}", answer.head);
    let secret = &secret_of(folder)["mgl_".len()..];
    assert!(!text.contains(secret) && !answer.head.contains(secret), "{text}");
}

#[test]
fn players_without_a_token_play_the_stretch_by_the_link_alone() {
    let (archive, text) = archive();
    let host = archive.serve_with(&text);
    assert_eq!(get(host.address, "/assets/lobby/index.m3u8", &[]).status, 401);
    let whole = link(&host, ALL, "lobby", &stretch(0, 10));
    for manifest in [
        "index.m3u8",
        "manifest.mpd",
        "content.ism/manifest(format=mpd-time-cmaf).mpd",
    ] {
        assert_eq!(
            pictures(&host.url(&format!("{whole}{manifest}"))),
            250,
            "{manifest}"
        );
    }
    // From the picture before the third second that needs no other, to the fragment that reaches beyond the fifth.
    let part = link(&host, SITE, "lobby", &stretch(3, 5));
    for manifest in ["index.m3u8", "manifest.mpd"] {
        assert_eq!(
            pictures(&host.url(&format!("{part}{manifest}"))),
            100,
            "{manifest}"
        );
    }
    let narrower = format!("{part}index.m3u8?startTime=2026-11-20T12:00:04Z");
    assert_eq!(pictures(&host.url(&narrower)), 50);
    let sound = entries(host.address, &format!("{part}audio.m3u8"), &[]);
    for (uri, from, to) in sound {
        let range = format!("bytes={from}-{to}");
        get(host.address, &format!("{part}{uri}"), &[("range", &range)]).with(206);
    }
    let file = get(host.address, &format!("{part}export.mp4"), &[]).with(200);
    assert!(file.header("content-disposition").unwrap().contains("lobby"));
    let picture = format!("{part}frame.jpg?time=2026-11-20T12:00:04Z");
    let picture = get(host.address, &picture, &[]).with(200);
    assert_eq!(picture.header("content-type"), Some("image/jpeg"));
    assert_eq!(picture.header("referrer-policy"), Some("no-referrer"));
    // A token beside it changes nothing.
    let beside = format!("Bearer {ALL}");
    let wider = format!("{part}index.m3u8?startTime=2026-11-20T12:00:00Z");
    refused(
        get(host.address, &wider, &[("authorization", &beside)]),
        &part,
        403,
    );
}

#[test]
fn what_a_link_gave_is_kept_no_longer_than_it_counts() {
    let (archive, text) = archive();
    let host = archive.serve_with(&text);
    let mut wanted = stretch(0, 10);
    wanted["lifetime"] = json!("PT2M");
    let folder = link(&host, ALL, "lobby", &wanted);
    let (uri, ..) = entries(host.address, &format!("{folder}video.m3u8"), &[]).remove(0);
    let media = get(host.address, &format!("{folder}{uri}"), &[]).with(200);
    let kept = media.header("cache-control").unwrap();
    let seconds = kept.strip_prefix("private, max-age=").unwrap();
    let seconds: u64 = seconds.split(',').next().unwrap().parse().unwrap();
    assert!(seconds <= 120, "{kept}");
    let list = get(host.address, &format!("{folder}video.m3u8"), &[]).with(200);
    assert_eq!(list.header("cache-control"), Some("private, no-cache"));
    let tag = list.header("etag").unwrap();
    get(
        host.address,
        &format!("{folder}video.m3u8"),
        &[("if-none-match", tag)],
    )
    .with(304);
}

#[test]
fn a_link_gives_the_media_of_its_stretch_to_the_fragment() {
    let (archive, text) = archive();
    let host = archive.serve_with(&text);
    let bearer = format!("Bearer {ALL}");
    let mine = [("authorization", bearer.as_str())];
    let part = link(&host, ALL, "lobby", &stretch(3, 5));
    let ranged = |folder: &str, (uri, from, to): &(String, u64, u64)| {
        get(
            host.address,
            &format!("{folder}{uri}"),
            &[("range", &format!("bytes={from}-{to}"))],
        )
    };
    // Fragments of two seconds in segments of four: the second and third are the link's.
    let all = entries(host.address, "/assets/lobby/video.m3u8", &mine);
    assert_eq!(all.len(), 5, "{all:?}");
    let told = entries(host.address, &format!("{part}video.m3u8"), &[]);
    assert_eq!(told, all[1..3]);
    for (number, status) in [(0, 403), (1, 206), (2, 206), (3, 403), (4, 404)] {
        let answer = ranged(&part, &all[number]);
        if status == 206 {
            answer.with(206);
        } else {
            refused(answer, &part, status);
        }
    }
    let (uri, from, to) = &all[1];
    for wider in [
        format!("bytes={}-{to}", from - 1),
        "bytes=0-".to_owned(),
        format!("bytes=-{}", to + 1),
        "bytes=0-0, 5-6".to_owned(),
    ] {
        let answer = get(host.address, &format!("{part}{uri}"), &[("range", &wider)]);
        refused(answer, &part, 403);
    }
    refused(get(host.address, &format!("{part}{uri}"), &[]), &part, 403);
    // The same by time, as DASH asks.
    let manifest = get(host.address, "/assets/lobby/manifest.mpd", &mine)
        .with(200)
        .text();
    let times: Vec<u64> = manifest
        .split("contentType=\"video\"")
        .nth(1)
        .and_then(|rest| rest.split("contentType=\"audio\"").next())
        .into_iter()
        .flat_map(|video| video.split("<S t=\"").skip(1))
        .map(|rest| rest.split('"').next().unwrap().parse().unwrap())
        .collect();
    let template = manifest
        .split("media=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    // Fragments of one length are one entry, so the others are reckoned: two seconds of 90,000 ticks each.
    for (number, status) in [(0, 404), (1, 200), (2, 200), (3, 404), (4, 404)] {
        let at = times[0] + number * 2 * 90_000;
        let target = template.replace("$Time$", &at.to_string());
        get(host.address, &format!("/assets/lobby/{target}"), &mine).with(200);
        let answer = get(host.address, &format!("{part}{target}"), &[]);
        if status == 200 {
            answer.with(200);
        } else {
            refused(answer, &part, status);
        }
    }
}

#[test]
fn what_is_looked_at_by_a_link_says_so_in_the_audit_log() {
    let (archive, text) = archive();
    let host = archive.serve_with(&text);
    let bearer = format!("Bearer {ALL}");
    let mine = [("authorization", bearer.as_str())];
    get(host.address, "/assets/lobby/video.m3u8", &mine).with(200);
    let folder = link(&host, ALL, "lobby", &stretch(3, 5));
    // At the same address and within what the token itself has looked at; twice, which is one entry.
    for _ in 0..2 {
        get(host.address, &format!("{folder}video.m3u8"), &[]).with(200);
    }
    get(host.address, &format!("{folder}export.mp4"), &[]).with(200);
    let log = |more: &[&str]| {
        let mut command = common::mediagraph();
        command.args(["audit", "--asset", "lobby"]).args(more);
        run(command.arg("--state-dir").arg(archive.path()))
    };
    let told = log(&["--json"]);
    let entries: Vec<Value> = told
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let short: Vec<Value> = entries
        .iter()
        .map(|one| json!([one["who"], one["action"], one["byLink"]]))
        .collect();
    assert_eq!(
        short,
        [
            json!(["all", "view", null]),
            json!(["all", "view", true]),
            json!(["all", "export", true]),
        ]
    );
    assert!(!told.contains(secret_of(&folder)), "{told}");
    let table = log(&[]);
    assert_eq!(table.matches("all (link)").count(), 2, "{table}");
}

#[test]
fn the_command_line_makes_a_link_that_a_player_takes() {
    let (archive, text) = archive();
    let host = archive.serve_with(&text);
    let file = archive.folder.path().join("all.token");
    let server = host.url("");
    let linked = |arguments: &[&str]| {
        let mut command = common::mediagraph();
        command
            .args(["playback", "--server", &server, "--token-file"])
            .arg(&file);
        command.args(["link", "lobby"]).args(arguments).output().unwrap()
    };
    let times = ["--since", "2026-11-20 12:00:03", "--until", "2026-11-20 12:00:05"];
    for (form, length) in [("hls", "PT5M"), ("dash", "5m"), ("mp4", "1h")] {
        let made = linked(&[&times[..], &["--for", length, "--as", form]].concat());
        assert!(made.status.success(), "{made:?}");
        let address = String::from_utf8(made.stdout).unwrap();
        let wanted = if form == "mp4" { 75 } else { 100 };
        assert_eq!(pictures(address.trim()), wanted, "{form}");
    }
    let told = linked(&["--json"]);
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert!(told["hls"].as_str().unwrap().starts_with(&server), "{told}");
    for (wrong, told) in [("P1D", "`PT1H`"), ("1d", "`PT1H`"), ("soon", "write `30m`")] {
        let refused = linked(&["--for", wrong]);
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success() && said.contains(told), "{said}");
    }
}
