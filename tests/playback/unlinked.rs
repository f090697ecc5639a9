//! What links for players do not give, when they end, and that they are in no log.

use serde_json::json;

use crate::client::get;
use crate::common;
use crate::common::graph::{DRAIN, SOON};
use crate::common::host::wire::Request;
use crate::common::process::until;
use crate::links::{ALL, SITE, archive, ask, link, refused, secret_of, stretch};
use crate::played::pictures;

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
        ("/signed//assets/lobby/index.m3u8".to_owned(), 403),
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
    host.process.end(DRAIN);
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
