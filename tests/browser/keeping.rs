//! Holding, releasing and deleting in the console, the audit log, and links for players: by somebody who may, with the keyboard alone,
//! and by somebody who may only look.

use serde_json::{Value, json};

use crate::clip::sha256;
use crate::console::{looks, right, still};
use crate::footage::{ASSET, HOSTILE, PICTURE_MS, SECONDS, STRETCHES, guarded, street};
use crate::tools::{list, node, number};

const TOKEN: &str = "token-of-an-administrator";
const GUARD: &str = "token-of-a-guard";
/// As far from its place something may be drawn, in pixels of the screen.
const PIXELS: f64 = 2.0;
/// What is held and deleted lies within the second segment, which is from the 4th to the 8th second.
const STRETCH: [&str; 2] = ["2026-11-20T13:00:05", "2026-11-20T13:00:06"];
const SEGMENT_MS: i64 = 4_000;
/// So many pictures may be the last one: a player need not show the very last.
const LAST_PICTURES: i64 = 10;

#[test]
fn a_browser_that_plays_by_itself_plays_by_a_link_and_goes_on_at_the_same_moment_when_that_is_renewed() {
    let archive = street();
    let host = archive.serve_with(&guarded(TOKEN, "read"));
    let report = node(
        "native.mjs",
        &json!({
            "host": host.url(""), "token": TOKEN, "asset": ASSET, "looks": looks(), "last": last_pictures(),
        }),
    );
    assert_eq!(report["complained"], json!([]), "{report:#}");
    assert_eq!(report["status"], 200, "{report:#}");
    let links: Vec<&str> = list(&report["links"])
        .iter()
        .map(|one| one.as_str().unwrap())
        .collect();
    assert!(
        links.iter().all(|link| link.starts_with("/signed/mgl_")),
        "{links:?}"
    );
    assert_ne!(links[0], links[1]);
    let found = list(&report["found"]);
    assert_eq!(found.len(), STRETCHES.len());
    for (seen, stretch) in found.iter().zip(&STRETCHES) {
        let taken = right(seen);
        assert!((taken - stretch.best()).abs() <= 100, "{seen:#}");
    }
    let moved = right(&report["after"]) - right(&found[found.len() - 1]);
    assert!(moved.abs() <= PICTURE_MS, "{moved} ms: {report:#}");
    let rests = json!({"note": "", "stays": true});
    assert_eq!(report["end"], rests, "behind the end nothing is asked for");
}

/// From which picture to which a player may stand that came to the end.
fn last_pictures() -> [i64; 2] {
    let last = &STRETCHES[STRETCHES.len() - 1];
    let end = last.first + i64::from(SECONDS) * 1000 / PICTURE_MS;
    [end - LAST_PICTURES, end]
}

fn tokens() -> String {
    let guard = sha256(GUARD.as_bytes());
    let admin = guarded(TOKEN, "admin");
    format!("{admin}[[tokens]]\nname = \"guard\"\nsha256 = \"{guard}\"\nrole = \"read\"\n")
}

#[test]
fn what_is_held_is_marked_and_kept_what_is_deleted_is_said_before_and_after_and_a_guard_does_neither() {
    let archive = street();
    let host = archive.serve_with(&tokens());
    let folder = tempfile::tempdir().unwrap();
    let report = node(
        "keeping.mjs",
        &json!({
            "host": host.url(""), "token": TOKEN, "guard": GUARD, "asset": ASSET, "folder": folder.path(),
            "reason": HOSTILE, "stretch": STRETCH, "inside": STRETCH[0],
            "still": still(), "other": ["2026-11-20T13:00:30", "2026-11-20T13:00:33"],
        }),
    );
    complaints(&report);
    only_looked(&report["lookingOnly"]);
    held(&report["hold"]);
    released(&report["refused"], &report["release"]);
    deleted(&report["raced"], &report["deletion"]);
    linked(&report["links"]);
    noted(&report["audit"]);
    over(&report["everything"]);
}

#[track_caller]
fn says(told: &Value, words: &str) {
    let text = told.as_str().unwrap_or_else(|| panic!("no text: {told:#}"));
    assert!(text.contains(words), "`{words}` is not in {told:#}");
}

/// Only what must be refused is.
fn complaints(report: &Value) {
    for (name, step) in report.as_object().unwrap() {
        let expected = |one: &Value| {
            let one = one.as_str().unwrap();
            match name.as_str() {
                "lookingOnly" => one.starts_with("403: /assets/") || one.starts_with("403: /api/audit"),
                "raced" => one.starts_with("409: /assets/"),
                // What was on its way when it went.
                "deletion" | "everything" => one.starts_with("404: /assets/"),
                _ => false,
            }
        };
        let complained = list(&step["complained"]);
        assert!(complained.iter().all(expected), "{name}: {complained:#?}");
        assert_eq!(step["harm"], 0, "{name}");
    }
}

fn only_looked(guard: &Value) {
    let refusal = "the token does not allow this";
    says(&guard["held"], refusal);
    says(&guard["held"], "`operate`");
    says(&guard["deleted"], refusal);
    says(&guard["deleted"], "`admin`");
    assert_eq!(guard["runs"], 3, "nothing went: {guard:#}");
    says(&guard["log"], refusal);
}

fn held(hold: &Value) {
    assert_eq!(hold["none"], json!(["Nothing of it is held."]));
    says(&hold["label"], ASSET);
    says(&hold["which"][0], "2026-11-20 13:00:05 to 13:00:06 UTC+1");
    assert_eq!(hold["said"], "Held: hold 1.");
    assert_eq!(hold["back"], "Hold …", "the focus is where it was");
    let [line] = list(&hold["lines"]) else {
        panic!("one hold: {hold:#}")
    };
    for words in [
        "Hold 1 of test",
        HOSTILE,
        "2026-11-20 13:00:05 to 13:00:06 UTC+1",
        "Since ",
    ] {
        says(line, words);
    }
    assert!(list(&hold["badges"]).contains(&json!("Held")), "{hold:#}");
    says(&hold["heard"], "Hold 1 of test");
    let mark = &hold["mark"];
    let [run] = list(&mark["runs"]) else {
        panic!("one mark: {mark:#}")
    };
    let (first, last) = shown();
    let place = |ms: i64| (ms - first) as f64 / (last - first) as f64 * number(&mark["width"]);
    for (pixel, second) in list(run).iter().zip([5, 6]) {
        let wanted = place(STRETCHES[0].start() + second * 1000);
        assert!((number(pixel) - wanted).abs() <= PIXELS, "{wanted}: {mark:#}");
    }
}

/// What the timeline shows when it shows all of the recording.
fn shown() -> (i64, i64) {
    let (first, last) = (STRETCHES[0].start(), STRETCHES[2].end());
    let margin = (last - first) * 3 / 100;
    (first - margin, last + margin)
}

fn released(refused: &Value, release: &Value) {
    assert_eq!(
        refused["first"], "Cancel",
        "what cannot be undone is not one key away"
    );
    says(&refused["why"], "This is held");
    says(&refused["why"], HOSTILE);
    assert_eq!(refused["disabled"], true);
    assert_eq!(refused["back"], "Delete …");
    assert_eq!(release["said"], "Released: hold 1.");
    assert_eq!(release["lines"], json!(["Nothing of it is held."]));
    assert_eq!(release["back"], "Hold …", "its own button is gone");
}

fn deleted(raced: &Value, deletion: &Value) {
    says(&raced["said"], &format!("hold {} of `test`", raced["id"]));
    says(&raced["said"], HOSTILE);
    says(&deletion["goes"], "2026-11-20 13:00:04.0 to 13:00:0");
    says(&deletion["goes"], "Recordings go in whole segments");
    says(&deletion["goes"], "Nothing of it is held");
    says(&deletion["said"], "Deleted: 2026-11-20 13:00:04.0 to 13:00:0");
    says(&deletion["said"], "1 segment,");
    let after = &deletion["after"];
    let (first, last) = shown();
    let end = STRETCHES[0].start() + SEGMENT_MS;
    let wanted = (end - first) as f64 / (last - first) as f64 * number(&after["width"]);
    assert!(
        (number(&after["runs"][0][1]) - wanted).abs() <= PIXELS,
        "{wanted}: {after:#}"
    );
    assert_eq!(deletion["note"], "Deleted; this is what comes nearest.");
}

fn linked(links: &Value) {
    let heads = [("hls", "#EXTM3U"), ("dash", "<?xml"), ("file", "ftyp")];
    for (kind, head) in heads {
        let link = &links[kind];
        assert_eq!(link["status"], 200, "{kind}: {link:#}");
        says(&link["head"], head);
    }
    says(&links["until"], "may play this stretch until 20");
    says(&links["until"], " UTC+");
}

fn noted(audit: &Value) {
    assert_eq!(audit["asset"], ASSET);
    let lines = list(&audit["lines"]);
    let has = |words: &[&str]| {
        let fits = |line: &&Value| words.iter().all(|one| line.as_str().unwrap().contains(one));
        assert!(lines.iter().any(|line| fits(&line)), "{words:?}: {lines:#?}");
    };
    has(&["guard, 127.0.0.1", "Looked", ASSET]);
    has(&["test, 127.0.0.1", "Held", "13:00:05 to 13:00:06 UTC+1", HOSTILE]);
    has(&["test", "Released a hold"]);
    has(&["test", "Deleted", "Refused", HOSTILE]);
    has(&["test", "Deleted", "1 segments"]);
    has(&["test", "Saved as a file", "13:00:30 to 13:00:33 UTC+1"]);
}

fn over(everything: &Value) {
    assert_eq!(everything["disabled"], true, "nothing was chosen yet");
    says(&everything["goes"], "2026-11-20 13:00:00.0 to 13:00:5");
    says(&everything["said"], "Nothing of gate");
    assert_eq!(everything["back"], "To the other recordings");
}
