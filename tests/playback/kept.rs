//! What is held stays, what is deleted is a gap that says so, and who did what can be read afterwards.

use std::path::Path;

use serde_json::{Value, json};

use crate::archive::{Archive, Played, clip};
use crate::client::{Answer, get, send};
use crate::clip::run;
use crate::common::graph::SOON;
use crate::common::mediagraph;
use crate::common::process::until;

const DAY: &str = "2026-11-20T";
/// The clip of ten seconds stands in segments of four: the second is from 4 s to 8 s.
const SECOND_SEGMENT: &str = "startTime=2026-11-20T12:00:05Z&endTime=2026-11-20T12:00:06Z";
/// What a rule of one byte or so leaves of everything that is not held: nothing.
const KEEP_NOTHING: &str = "[retention]\n\"*\" = { max_size = \"1KiB\" }\n";

fn archive() -> Archive {
    let archive = Archive::new();
    archive.record("lobby", "site-a-door", &clip().units);
    archive
}

/// The stretches of the recording, as seconds of the minute.
fn there(host: &Played, headers: &[(&str, &str)]) -> Vec<(String, String)> {
    let target = format!(
        "/assets/lobby/availableMedia?precision=full&startTime={DAY}12:00:00Z&endTime={DAY}12:01:00Z"
    );
    let answer = get(host.address, &target, headers).with(200).json();
    let ranges = answer["timeRanges"].as_array().unwrap().clone();
    let second = |value: &Value| value.as_str().unwrap()[17..19].to_owned();
    let ranges = ranges.iter();
    ranges
        .map(|range| (second(&range["start"]), second(&range["end"])))
        .collect()
}

fn message(answer: &Answer) -> String {
    answer.json()["error"].to_string()
}

fn hold_second_segment(host: &Played) -> Value {
    let body = json!({
        "startTime": format!("{DAY}12:00:05Z"),
        "endTime": format!("{DAY}12:00:06Z"),
        "reason": "theft, case 12",
    });
    let target = "/assets/lobby/holds";
    send(host.address, "POST", target, &[], &body.to_string())
        .with(201)
        .json()
}

#[test]
fn a_hold_outlives_retention_deletion_and_the_loss_of_the_index() {
    let archive = archive();
    let host = archive.serve();
    let hold = hold_second_segment(&host);
    assert_eq!((&hold["id"], &hold["asset"]), (&json!(1), &json!("lobby")));
    let refused = send(host.address, "DELETE", "/assets/lobby", &[], "").with(409);
    let told = message(&refused);
    assert!(
        told.contains("hold 1") && told.contains("theft, case 12") && told.contains("release it"),
        "{told}"
    );
    assert_eq!(archive.segments("lobby").len(), 3, "nothing is half deleted");
    host.stop();
    // The index is lost; a new one is made from the media.
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(archive.path().join(format!("index.db{ending}")));
    }
    run(mediagraph()
        .args(["check", "--rebuild", "--state-dir"])
        .arg(archive.path()));
    let host = archive.serve_with(KEEP_NOTHING);
    let listed = get(host.address, "/api/holds", &[]).with(200).json();
    assert_eq!(listed["value"], json!([hold]));
    until("what is not held is gone", SOON, || {
        (archive.segments("lobby").len() == 1).then_some(())
    });
    assert_eq!(there(&host, &[]), [("04".to_owned(), "08".to_owned())]);
    let asset = get(host.address, "/assets", &[]).with(200).json()["value"][0].clone();
    assert_eq!(asset["held"], true, "{asset}");
    let frame = format!("/assets/lobby/frame.jpg?time={DAY}12:00:05Z");
    get(host.address, &frame, &[]).with(200);
    send(host.address, "DELETE", "/assets/lobby/holds/1", &[], "").with(200);
    send(host.address, "DELETE", "/assets/lobby/holds/1", &[], "").with(404);
    send(host.address, "DELETE", "/assets/lobby", &[], "").with(200);
    until("the last segment is gone", SOON, || {
        archive.segments("lobby").is_empty().then_some(())
    });
}

#[test]
fn what_is_deleted_is_a_gap_for_players_and_for_those_who_ask_why() {
    let archive = archive();
    let host = archive.serve();
    let target = format!("/assets/lobby?{SECOND_SEGMENT}");
    let deleted = send(host.address, "DELETE", &target, &[], "").with(200).json();
    assert_eq!(
        (&deleted["segments"], &deleted["stillRecording"]),
        (&json!(1), &json!(false))
    );
    assert_eq!(deleted["start"], format!("{DAY}12:00:04.000Z"));
    let second = |text: &str| text.to_owned();
    assert_eq!(
        there(&host, &[]),
        [(second("00"), second("04")), (second("08"), second("10"))]
    );
    let gaps = get(host.address, "/assets/lobby/gaps", &[]).with(200).json();
    let causes: Vec<&Value> = gaps["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|gap| &gap["cause"])
        .collect();
    // Since its end nothing is recorded, and nobody has said that it is over.
    assert_eq!(causes, ["deleted", "camera"], "{gaps}");
    let playlist = get(host.address, "/assets/lobby/video.m3u8", &[])
        .with(200)
        .text();
    assert_eq!(
        playlist.matches("#EXT-X-DISCONTINUITY\n").count(),
        1,
        "{playlist}"
    );
    until("the file is gone from the store", SOON, || {
        (archive.segments("lobby").len() == 2).then_some(())
    });
    let frame = format!("/assets/lobby/frame.jpg?time={DAY}12:00:05Z");
    let shown = get(host.address, &frame, &[]);
    // The last picture before it, or none.
    let shown = shown.header("mediagraph-time").unwrap_or_default();
    assert!(shown < "2026-11-20T12:00:04", "{shown}");
    let covered = run(mediagraph()
        .args([
            "coverage",
            "--json",
            "--since",
            "2026-11-20",
            "--until",
            "2026-11-21",
            "--state-dir",
        ])
        .arg(archive.path()));
    assert!(covered.contains("\"deleted\""), "{covered}");
    send(host.address, "DELETE", &format!("{target}&end=1"), &[], "").with(400);
    let reversed = format!("/assets/lobby?startTime={DAY}12:00:06Z&endTime={DAY}12:00:05Z");
    send(host.address, "DELETE", &reversed, &[], "").with(400);
}

/// Three tokens: of an administrator, of a guard who looks, and of an administrator of another site.
fn tokens(folder: &Path) -> String {
    let tokens = folder.join("tokens");
    std::fs::create_dir(&tokens).unwrap();
    let mut text = String::new();
    let all = [
        ("boss", "admin", "*"),
        ("guard", "read", "*"),
        ("other", "admin", "site-b-*"),
    ];
    for (name, role, instances) in all {
        let file = tokens.join(name);
        std::fs::write(&file, format!("{name}-secret-of-this-test-0123456789")).unwrap();
        let file = file.display();
        text.push_str(&format!(
            "[[tokens]]\nname = \"{name}\"\nrole = \"{role}\"\nsecret = \"${{file:{file}}}\"\n"
        ));
        if instances != "*" {
            text.push_str(&format!("instances = \"{instances}\"\n"));
        }
    }
    text
}

#[test]
fn who_looked_and_who_deleted_stands_in_the_audit_log_once_each_and_no_token_does() {
    let archive = archive();
    let host = archive.serve_with(&tokens(archive.folder.path()));
    let ask = |token: &str, method: &str, target: &str, body: &str| {
        let token = format!("Bearer {token}-secret-of-this-test-0123456789");
        send(host.address, method, target, &[("authorization", &token)], body)
    };
    let playlist = ask("guard", "GET", "/assets/lobby/video.m3u8", "")
        .with(200)
        .text();
    for file in playlist.lines().filter(|line| line.ends_with(".m4s")) {
        ask("guard", "GET", &format!("/assets/lobby/{file}"), "").with(200);
    }
    for _ in 0..3 {
        ask(
            "guard",
            "GET",
            &format!("/assets/lobby/frame.jpg?time={DAY}12:00:05Z"),
            "",
        )
        .with(200);
        ask(
            "guard",
            "GET",
            &format!("/assets/lobby/export.mp4?{SECOND_SEGMENT}"),
            "",
        )
        .with(200);
    }
    ask("guard", "DELETE", "/assets/lobby", "").with(403);
    ask("guard", "POST", "/assets/lobby/holds", "{}").with(403);
    ask("other", "DELETE", "/assets/lobby", "").with(404);
    ask("other", "POST", "/assets/lobby/holds", "{}").with(404);
    let held = ask("boss", "POST", "/assets/lobby/holds", r#"{"reason": "case 12"}"#).with(201);
    assert_eq!(held.json()["who"], "boss");
    assert_eq!(
        ask("other", "GET", "/api/holds", "").with(200).json()["value"],
        json!([])
    );
    ask("boss", "DELETE", "/assets/lobby", "").with(409);
    ask("boss", "DELETE", "/assets/lobby/holds/1", "").with(200);
    ask("boss", "DELETE", &format!("/assets/lobby?{SECOND_SEGMENT}"), "").with(200);
    ask("guard", "GET", "/api/audit", "").with(403);
    ask("other", "GET", "/api/audit", "").with(403);
    let log = ask("boss", "GET", "/api/audit?asset=lobby", "").with(200).json();
    let entries = log["value"].as_array().unwrap();
    let short: Vec<String> = entries
        .iter()
        .rev()
        .map(|one| {
            let text = |name: &str| one[name].as_str().unwrap();
            assert_eq!(text("from"), "127.0.0.1", "{one}");
            format!("{} {} {}", text("who"), text("action"), text("outcome"))
        })
        .collect();
    assert_eq!(
        short,
        [
            "guard view done",
            "guard snapshot done",
            "guard export done",
            "boss hold done",
            "boss delete begun",
            "boss delete refused",
            "boss release begun",
            "boss release done",
            "boss delete begun",
            "boss delete done",
        ]
    );
    let newest = ask("boss", "GET", "/api/audit?$top=1", "").with(200).json();
    assert_eq!(newest["value"], json!([entries[0]]));
    assert!(entries[0]["detail"].as_str().unwrap().starts_with("1 segments"));
    ask("boss", "GET", "/api/audit?$top=0", "").with(400);
    let file = std::fs::read_to_string(archive.path().join("audit/audit.jsonl")).unwrap();
    assert!(!file.contains("secret-of-this-test"), "{file}");
    assert_eq!(file.lines().count(), entries.len());
    // The same on the command line, beside the running host; the newest comes last.
    let told = run(mediagraph()
        .args(["audit", "--json", "--asset", "lobby", "--state-dir"])
        .arg(archive.path()));
    let last: Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();
    assert_eq!(&last, &entries[0]);
    host.stop();
}

#[test]
fn a_stopped_host_is_held_released_and_deleted_from_on_the_command_line() {
    let archive = archive();
    let asset = |arguments: &[&str]| {
        let mut command = mediagraph();
        command.arg("asset").args(arguments);
        command.arg("--state-dir").arg(archive.path());
        command
    };
    let stretch = ["--from", "2026-11-20T12:00:05Z", "--to", "2026-11-20T12:00:06Z"];
    let mut hold = vec!["hold", "lobby", "--reason", "case 12"];
    hold.extend(stretch);
    let told = run(&mut asset(&hold));
    assert!(
        told.starts_with("held: lobby from 2026-11-20 12:00:05.000+00:00"),
        "{told}"
    );
    let told = run(&mut asset(&["list", "--holds"]));
    assert!(told.contains("case 12") && told.contains("local"), "{told}");
    let told = run(&mut asset(&["list", "--json"]));
    let listed: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(listed["value"][0]["held"], true, "{listed}");
    let refused = asset(&["delete", "lobby", "--all"]).output().unwrap();
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && told.contains("hold 1"), "{told}");
    assert_eq!(archive.segments("lobby").len(), 3);
    let careless = asset(&["delete", "lobby"]).output().unwrap();
    assert_eq!(careless.status.code(), Some(2));
    run(&mut asset(&["release", "lobby", "--hold", "1"]));
    let mut delete = vec!["delete", "lobby"];
    delete.extend(stretch);
    let told = run(&mut asset(&delete));
    assert!(
        told.starts_with("deleted: lobby from 2026-11-20 12:00:04.000+00:00"),
        "{told}"
    );
    assert_eq!(
        archive.segments("lobby").len(),
        2,
        "the local store has let it go"
    );
    let log = run(mediagraph()
        .args(["audit", "--json", "--state-dir"])
        .arg(archive.path()));
    assert_eq!(log.matches("\"action\":\"delete\"").count(), 4, "{log}");
    // Beside a running host nothing is changed behind its back.
    let host = archive.serve();
    let refused = asset(&["delete", "lobby", "--all"]).output().unwrap();
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && told.contains("in use"), "{told}");
    let told = run(&mut asset(&["list", "--holds"]));
    assert_eq!(told, "nothing is held\n");
    let online = run(mediagraph().args(["asset", "list", "--server", &host.url("")]));
    assert!(online.contains("lobby"), "{online}");
    let told = run(mediagraph().args(["asset", "delete", "lobby", "--all", "--server", &host.url("")]));
    assert!(told.contains("2 segments"), "{told}");
    host.stop();
}
