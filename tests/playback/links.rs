//! Links for players that send no token: they give one stretch of one recording for a while, and nothing else, and are in no log.

use std::net::SocketAddr;

use m3u8_rs::Playlist;
use serde_json::{Value, json};

use crate::archive::{Archive, Played, clip};
use crate::client::{Answer, get};
use crate::common;
use crate::common::graph::SOON;
use crate::common::host::wire::Request;
use crate::common::process::until;
use crate::played::pictures;

/// A token that sees everything, and one that sees the instances of one site.
const ALL: &str = "all-secret-of-this-test-0123456789";
const SITE: &str = "site-secret-of-this-test-0123456789";

fn token(archive: &Archive, name: &str, secret: &str, more: &str) -> String {
    let file = archive.folder.path().join(format!("{name}.token"));
    std::fs::write(&file, secret).unwrap();
    let file = file.display();
    format!("[[tokens]]\nname = \"{name}\"\nrole = \"read\"\nsecret = \"${{file:{file}}}\"\n{more}")
}

/// Two recordings of ten seconds from noon on, on a host that wants tokens from everybody.
fn archive() -> (Archive, String) {
    let archive = Archive::new();
    archive.record("lobby", "site-a-door", &clip().units);
    archive.record("yard", "site-b-gate", &clip().units);
    let all = token(&archive, "all", ALL, "");
    let site = token(&archive, "site", SITE, "instances = \"site-a-*\"\n");
    let text = format!("[server]\nbehind_proxy = true\n[log]\nlevel = \"debug\"\n{all}{site}");
    (archive, text)
}

/// From second to second after noon.
fn stretch(from: u32, to: u32) -> Value {
    let at = |second: u32| format!("2026-11-20T12:00:{second:02}Z");
    json!({"startTime": at(from), "endTime": at(to)})
}

fn ask(host: &Played, secret: &str, asset: &str, body: &Value) -> (u16, Value) {
    let request = Request::new("POST", &format!("/assets/{asset}/links"));
    let answer = request.token(secret).json(&body.to_string()).send(host.address);
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer:?}");
    (answer.status, answer.json())
}

/// Where a link leads: everything below is of its recording.
fn link(host: &Played, secret: &str, asset: &str, body: &Value) -> String {
    let (status, told) = ask(host, secret, asset, body);
    assert_eq!(status, 201, "{told}");
    let hls = told["hls"].as_str().unwrap();
    let folder = hls.strip_suffix("index.m3u8").unwrap();
    assert!(folder.starts_with("signed/mgl_"), "{folder}");
    format!("/{folder}")
}

/// The link itself, which nobody else may see.
fn secret_of(folder: &str) -> &str {
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
fn refused(answer: Answer, folder: &str, status: u16) {
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
fn a_link_leads_to_nothing_else() {
    let (archive, text) = archive();
    let host = archive.serve_with(&text);
    let folder = link(&host, ALL, "lobby", &stretch(3, 5));
    let root = folder.strip_suffix("assets/lobby/").unwrap();
    let secret = secret_of(&folder);
    let day = "2026-11-20T12:00:";
    for (target, status) in [
        // Another recording, another stretch, other things.
        (format!("{root}assets/yard/index.m3u8"), 404),
        (format!("{root}assets/yard/frame.jpg?time={day}04Z"), 404),
        (format!("{root}assets/nobody/index.m3u8"), 404),
        (format!("{folder}index.m3u8?store=cloud"), 404),
        (format!("{folder}index.m3u8?startTime={day}02Z"), 403),
        (
            format!("{folder}video.m3u8?startTime={day}04Z&endTime={day}06Z"),
            403,
        ),
        (format!("{folder}manifest.mpd?endTime={day}05.001Z"), 403),
        (
            format!("{folder}content.ism/manifest(format=m3u8-cmaf,startTime={day}00Z)"),
            403,
        ),
        (
            format!("{folder}export.mp4?startTime={day}00Z&endTime={day}10Z"),
            403,
        ),
        (format!("{folder}frame.jpg?time={day}02Z"), 403),
        (format!("{folder}frame.jpg?time={day}05Z"), 403),
        (format!("{folder}availableMedia?precision=year"), 401),
        (format!("{folder}gaps"), 401),
        (format!("{folder}links"), 401),
        (format!("{root}assets"), 401),
        (format!("{root}api/status"), 401),
        (format!("{root}live/site-a-door/camera"), 401),
        (root.to_owned(), 401),
        // Tricks with the path.
        (format!("{root}assets/..%2fyard/index.m3u8"), 404),
        (format!("{root}assets/lobby/../yard/index.m3u8"), 401),
        (format!("{root}../assets/lobby/index.m3u8"), 401),
        (format!("{folder}media/..%2f..%2findex.db"), 404),
        (format!("{folder}media/%2e%2e/%2e%2e/index.db"), 401),
        (format!("/signed/{secret}%2f..%2f/assets/lobby/index.m3u8"), 403),
        (format!("/signed/%20{secret}/assets/lobby/index.m3u8"), 403),
        (format!("/signed/{secret}%00/assets/lobby/index.m3u8"), 403),
        (format!("/signed/{secret}%ff/assets/lobby/index.m3u8"), 401),
        (format!("/%73igned/{secret}/assets/lobby/index.m3u8"), 401),
        (format!("//signed/{secret}/assets/lobby/index.m3u8"), 401),
        ("/signed//assets/lobby/index.m3u8".to_owned(), 401),
        // A link to a link, and links where none belong.
        (format!("{root}signed/{secret}/assets/lobby/index.m3u8"), 401),
        (format!("/assets/lobby/index.m3u8?link={secret}"), 401),
    ] {
        let answer = get(host.address, &target, &[]);
        assert_eq!(answer.status, status, "{target}: {}", answer.head);
        refused(answer, &folder, status);
    }
    let bearer = format!("Bearer {secret}");
    let shown = get(
        host.address,
        "/assets/lobby/index.m3u8",
        &[("authorization", &bearer)],
    );
    refused(shown, &folder, 401);
    let foreign = [("origin", "https://evil.example")];
    refused(
        get(host.address, &format!("{folder}index.m3u8"), &foreign),
        &folder,
        403,
    );
}

#[test]
fn only_looking_is_done_by_a_link() {
    let (archive, text) = archive();
    let host = archive.serve_with(&text);
    let folder = link(&host, ALL, "lobby", &stretch(3, 5));
    let secret = &secret_of(&folder)["mgl_".len()..];
    let target = format!("{folder}index.m3u8");
    for verb in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
        let request = Request::new(verb, &target).json("{}");
        let answer = request.clone().send(host.address);
        assert_eq!(answer.status, 401, "{verb}: {answer:?}");
        let answer = request.token(ALL).send(host.address);
        assert_eq!(answer.status, 405, "{verb}: {answer:?}");
        assert!(!answer.body.contains(secret), "{verb}: {answer:?}");
    }
    let head = Request::new("HEAD", &target).send(host.address);
    assert_eq!((head.status, head.body.as_str()), (200, ""), "{head:?}");
    let link_of_link = Request::new("POST", &format!("{folder}links"))
        .json("{}")
        .send(host.address);
    assert_eq!(link_of_link.status, 401, "{link_of_link:?}");
    // With a token there is no such place, either, and the answer does not repeat where it was looked for.
    let bearer = format!("Bearer {ALL}");
    let nowhere = get(
        host.address,
        &format!("{folder}gaps"),
        &[("authorization", &bearer)],
    );
    refused(nowhere, &folder, 404);
}

#[test]
fn a_link_that_was_changed_or_has_ended_is_none() {
    let (archive, text) = archive();
    let host = archive.serve_with(&text);
    let folder = link(&host, ALL, "lobby", &stretch(0, 10));
    let secret = secret_of(&folder).to_owned();
    let mut wrong = vec![
        "mgl_".to_owned(),
        "x".to_owned(),
        format!("{secret}A"),
        secret[.."mgl_".len() + 43].to_owned(),
    ];
    for place in ["mgl_".len(), 20, 50, secret.len() - 2] {
        let other = if secret.as_bytes()[place] == b'A' {
            "B"
        } else {
            "A"
        };
        let mut changed = secret.clone();
        changed.replace_range(place..=place, other);
        wrong.push(changed);
    }
    for wrong in wrong {
        let answer = get(
            host.address,
            &format!("/signed/{wrong}/assets/lobby/index.m3u8"),
            &[],
        );
        assert_eq!(answer.json()["error"]["code"], "LinkInvalid", "{wrong}");
        refused(answer, &folder, 403);
    }
    let mut short = stretch(0, 10);
    short["lifetime"] = json!("PT2S");
    let short = format!("{}index.m3u8", link(&host, ALL, "lobby", &short));
    get(host.address, &short, &[]).with(200);
    until("the link to end", SOON, || {
        (get(host.address, &short, &[]).status == 403).then_some(())
    });
    // Another host has another key, and so has this one after a restart.
    let target = format!("{folder}index.m3u8");
    get(host.address, &target, &[]).with(200);
    host.process.signal("TERM");
    host.process.end(common::graph::DRAIN);
    let again = archive.serve_with(&text);
    refused(get(again.address, &target, &[]), &folder, 403);
}

#[test]
fn links_are_for_those_who_may_see_the_recording_and_say_what_is_wrong() {
    let (archive, text) = archive();
    let host = archive.serve_with(&text);
    let (status, told) = ask(&host, SITE, "yard", &stretch(0, 10));
    assert_eq!(status, 404, "{told}");
    let (status, unknown) = ask(&host, SITE, "nobody", &stretch(0, 10));
    assert_eq!(status, 404, "{unknown}");
    assert_eq!(told.to_string().replace("yard", "nobody"), unknown.to_string());
    assert_eq!(ask(&host, "no-such-token", "lobby", &stretch(0, 10)).0, 401);
    let with = |name: &str, value: &str| {
        let mut body = stretch(0, 10);
        body[name] = json!(value);
        body
    };
    for (body, says) in [
        (with("lifetime", "PT2H"), "`PT1H`"),
        (with("lifetime", "PT0S"), "`PT1S`"),
        (with("lifetime", "soon"), "`lifetime`"),
        (with("endTime", "2026-11-21T12:00:01Z"), "more than 24 hours"),
        (with("endTime", "2026-11-20T11:00:00Z"), "is not after"),
        (with("role", "admin"), "unknown field"),
        (json!(7), "cannot be read"),
    ] {
        let (status, told) = ask(&host, ALL, "lobby", &body);
        let message = told["error"]["message"].as_str().unwrap().to_owned();
        let hint = told["error"]["details"][0]["hint"].as_str().unwrap_or_default();
        assert_eq!(status, 400, "{body}: {told}");
        assert!(format!("{message} {hint}").contains(says), "{body}: {told}");
    }
    // Without an end it grows while the recording does, and so is no file.
    let (status, told) = ask(&host, ALL, "lobby", &json!({}));
    assert_eq!(status, 201, "{told}");
    assert!(
        told.get("file").is_none() && told.get("endTime").is_none(),
        "{told}"
    );
    assert_eq!(
        pictures(&host.url(&format!("/{}", told["hls"].as_str().unwrap()))),
        250
    );
}

#[test]
fn a_link_ends_with_the_token_that_made_it() {
    let (archive, text) = archive();
    let host = archive.serve_with(&text);
    let target = |secret: &str| format!("{}index.m3u8", link(&host, secret, "lobby", &stretch(0, 10)));
    let (of_all, of_site) = (target(ALL), target(SITE));
    for target in [&of_all, &of_site] {
        get(host.address, target, &[]).with(200);
    }
    let reload = |text: &str, status: u16| {
        common::configuration(archive.folder.path(), text);
        host.process.signal("HUP");
        until(&format!("a {status} by the link"), SOON, || {
            (get(host.address, &of_site, &[]).status == status).then_some(())
        });
        // The other token is as it was.
        get(host.address, &of_all, &[]).with(200);
    };
    // Narrowed to another site: what was asked for then is not what may be asked for now.
    reload(&text.replace("site-a-*", "site-b-*"), 403);
    reload(&text, 200);
    let site = text.split("[[tokens]]").nth(2).unwrap();
    reload(&text.replace(&format!("[[tokens]]{site}"), ""), 403);
}

#[test]
fn no_log_holds_a_link_however_much_is_logged() {
    let (archive, text) = archive();
    let host = archive.serve_with(&text.replace("\"debug\"", "\"trace\""));
    let folder = link(&host, ALL, "lobby", &stretch(3, 5));
    let secret = secret_of(&folder).to_owned();
    let bearer = format!("Bearer {ALL}");
    for target in [
        format!("{folder}index.m3u8"),
        format!("{folder}frame.jpg?time=2026-11-20T12:00:04Z"),
        format!("{folder}frame.jpg?time=2026-11-20T13:00:00Z"),
        format!("{folder}media/nothing"),
        format!("{folder}gaps"),
        format!("{folder}index.m3u8?nothing=1"),
        format!("/signed/{secret}A/assets/lobby/index.m3u8"),
        format!("/signed/{secret}/assets/{secret}/index.m3u8"),
        format!("/assets/{secret}/index.m3u8"),
    ] {
        get(host.address, &target, &[]);
        get(host.address, &target, &[("authorization", &bearer)]);
    }
    assert_eq!(pictures(&host.url(&format!("{folder}index.m3u8"))), 100);
    // What is asked last is logged last.
    get(
        host.address,
        "/assets/the-last-one/index.m3u8",
        &[("authorization", &bearer)],
    )
    .with(404);
    host.process.wait_stderr("the-last-one", SOON);
    let log = host.process.stderr().join("\n");
    assert!(
        log.contains("GET /assets/{name}/index.m3u8") && log.contains("\"all\""),
        "{log}"
    );
    assert!(!log.contains(&secret["mgl_".len()..]), "a link is in the log");
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
    for form in ["hls", "dash", "mp4"] {
        let made = linked(&[&times[..], &["--for", "PT5M", "--as", form]].concat());
        assert!(made.status.success(), "{made:?}");
        let address = String::from_utf8(made.stdout).unwrap();
        let wanted = if form == "mp4" { 75 } else { 100 };
        assert_eq!(pictures(address.trim()), wanted, "{form}");
    }
    let told = linked(&["--json"]);
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert!(told["hls"].as_str().unwrap().starts_with(&server), "{told}");
    let refused = linked(&["--for", "P1D"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && said.contains("`PT1H`"), "{said}");
}
