//! What makes no sense, what is not there, and what is not for everybody.

use crate::archive::{Archive, clip};
use crate::client::get;

const DAY: &str = "2026-11-20T";

#[test]
fn questions_that_make_no_sense_name_the_recording_and_what_to_do() {
    let archive = Archive::new();
    archive.record("lobby", "box", &clip().units);
    let host = archive.serve();
    let stretch = |start: &str, end: &str| format!("startTime={start}&endTime={end}");
    for (target, wanted) in [
        (
            format!("index.m3u8?endTime={DAY}12:00:00Z"),
            "without `startTime`",
        ),
        (
            format!(
                "video.m3u8?{}",
                stretch("2026-11-20T12:00:00Z", "2026-11-20T12:00:00Z")
            ),
            "is not after",
        ),
        (
            format!(
                "index.m3u8?{}",
                stretch("2026-11-20T12:00:00Z", "2026-11-21T12:00:01Z")
            ),
            "more than 24 hours",
        ),
        ("index.m3u8?startTime=soon".to_owned(), "is no moment"),
        ("manifest.mpd?startTime=".to_owned(), "is no moment"),
        ("availableMedia".to_owned(), "`precision` must be"),
        (
            "availableMedia?precision=day".to_owned(),
            "`startTime` is missing",
        ),
        (
            format!("availableMedia?precision=month&{}", stretch("2026-01", "2027-01")),
            "more than 12 months",
        ),
        (
            format!(
                "availableMedia?precision=day&{}",
                stretch("2026-01-01", "2026-02-01")
            ),
            "more than 31 days",
        ),
        ("content.ism/manifest(format=avi)".to_owned(), "no format `avi`"),
        (
            "content.ism/manifest(endTime=2026-11-20T12:00:00Z)".to_owned(),
            "without `startTime`",
        ),
        ("content.ism/other".to_owned(), "nothing of this name"),
        ("export.mp4".to_owned(), "both `startTime` and `endTime`"),
        ("frame.jpg".to_owned(), "`time` is no moment"),
        ("detections".to_owned(), "both `startTime` and `endTime`"),
        (
            format!(
                "detections?{}&$top=0",
                stretch("2026-11-20T12:00:00Z", "2026-11-20T12:00:01Z")
            ),
            "1 to 10000 detections",
        ),
        (
            format!(
                "detections?{}&continuationToken=x",
                stretch("2026-11-20T12:00:00Z", "2026-11-20T12:00:01Z")
            ),
            "the continuation token is none",
        ),
    ] {
        let answer = get(host.address, &format!("/assets/lobby/{target}"), &[]).with(400);
        let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(
            message.contains("`lobby`") && message.contains(wanted),
            "{target}: {message}"
        );
    }
    get(host.address, "/assets/lobby/index.m3u8?start=1", &[]).with(400);
}

#[test]
fn nothing_is_reached_by_names_that_are_none() {
    let archive = Archive::new();
    archive.record("lobby", "box", &clip().units);
    let host = archive.serve();
    for target in [
        "/assets/nobody/index.m3u8",
        "/assets/..%2flobby/index.m3u8",
        "/assets/lobby/media/..%2f..%2findex.db",
        "/assets/lobby/media/lobby.lock",
        "/assets/lobby/media/20261120T120000.000000Z-nobody-1.video.m4s",
        "/assets/lobby/media/nobody-1.video.mp4",
        "/assets/lobby/fragments/nobody-1/1.video.m4s",
        "/assets/lobby/fragments/x/y",
        "/assets/lobby/index.m3u8?store=cloud",
    ] {
        let answer = get(host.address, target, &[]).with(404);
        let text = answer.text();
        assert!(
            !text.contains(archive.path().to_str().unwrap()),
            "{target}: {text}"
        );
    }
}

#[test]
fn a_token_for_another_camera_does_not_learn_that_there_is_a_recording() {
    let archive = Archive::new();
    archive.record("lobby", "site-a-door", &clip().units);
    let tokens = archive.folder.path().join("tokens");
    std::fs::create_dir(&tokens).unwrap();
    let mut text = String::new();
    for (name, instances) in [("inside", "site-a-*"), ("outside", "site-b-*"), ("all", "*")] {
        let file = tokens.join(name);
        std::fs::write(&file, format!("{name}-secret-of-this-test-0123456789")).unwrap();
        let file = file.display();
        text.push_str(&format!(
            "[[tokens]]\nname = \"{name}\"\nrole = \"read\"\nsecret = \"${{file:{file}}}\"\ninstances = \"{instances}\"\n"
        ));
    }
    let host = archive.serve_with(&text);
    let ask = |token: &str, target: &str| {
        let token = format!("Bearer {token}-secret-of-this-test-0123456789");
        get(host.address, target, &[("authorization", &token)])
    };
    for target in [
        "/assets/lobby/index.m3u8",
        "/assets/lobby/frame.jpg?time=2026-11-20T12:00:05Z",
        "/assets/lobby",
        "/assets/lobby/detections?startTime=2026-11-20T12:00:00Z&endTime=2026-11-20T12:00:10Z",
    ] {
        assert_eq!(ask("nobody", target).status, 401);
        assert_eq!(get(host.address, target, &[]).status, 401, "also on loopback");
        ask("inside", target).with(200);
        let foreign = ask("outside", target).with(404).text();
        let unknown = ask("outside", &target.replace("lobby", "nobody"))
            .with(404)
            .text();
        assert_eq!(foreign.replace("lobby", "nobody"), unknown);
    }
    assert_eq!(
        ask("outside", "/assets").with(200).json()["value"],
        serde_json::json!([])
    );
    assert_eq!(
        ask("inside", "/assets").with(200).json()["value"][0]["name"],
        "lobby"
    );
    let site = get(host.address, "/assets", &[("origin", "http://evil.example")]);
    assert_eq!(site.status, 403);
}
