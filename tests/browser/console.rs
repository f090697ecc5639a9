//! The console as people use it: with the keyboard alone, with the pointer, on small and large screens. What it shows is held against
//! what is known of the recording.

use std::process::Command;

use serde_json::{Value, json};

use crate::archive::{Archive, Played};
use crate::client::send;
use crate::clip::run;
use crate::common::camera::Camera;
use crate::common::host::wire::{Request, connect, read_response};
use crate::common::repository;
use crate::footage::{ASSET, HOSTILE, STRETCHES, Stretch, asset_path, block, draw, guarded, street};
use crate::tools::{list, node, number, shots};

const TOKEN: &str = "token-of-people";
/// A graph with a camera.
const YARD: &str = "yard";
/// What somebody may have written into its description.
const DESCRIPTION: &str = "<script>alert(1)</script><img src=x onerror=alert(2)>";
/// As far from its place something may be drawn, in pixels of the screen.
const PIXELS: f64 = 2.0;
/// As wrong as the time beside a picture may be, in milliseconds; it is shown in tenths of a second.
const WRONG_MS: f64 = 100.0;

/// A host with recordings, and with a graph that is not active.
fn host(archive: &Archive) -> (Camera, Played) {
    let clip = archive.folder.path().join("camera.mp4");
    draw(0, 20, 320, &clip);
    let camera = Camera::ours(&clip, &[]);
    let host = archive.serve_with(&guarded(TOKEN, "admin"));
    let topology = std::fs::read_to_string(repository("topologies/evr-motion-assets/topology.json")).unwrap();
    method(&host, "GraphTopologySet", &topology);
    let instance = json!({"@apiVersion": "2.0", "name": YARD, "properties": {
        "topologyName": "MotionToAssets", "description": DESCRIPTION,
        "parameters": [{"name": "rtspUrl", "value": camera.url}],
    }});
    method(&host, "GraphInstanceSet", &instance.to_string());
    (camera, host)
}

fn method(host: &Played, name: &str, payload: &str) {
    let request = Request::new("POST", &format!("/api/methods/{name}"))
        .json(payload)
        .token(TOKEN);
    let mut stream = connect(host.address);
    std::io::Write::write_all(&mut stream, &request.bytes(host.address)).unwrap();
    let answer = read_response(&mut stream, false).unwrap();
    assert!(
        [200, 201].contains(&answer.json()["status"].as_u64().unwrap()),
        "{answer:?}"
    );
}

/// The moment is the one of the picture.
#[track_caller]
pub(crate) fn right(seen: &Value) -> i64 {
    let picture = seen["number"].as_i64().unwrap();
    let taken = STRETCHES
        .iter()
        .find_map(|stretch| stretch.moment(picture))
        .unwrap();
    let wrong = number(&seen["said"]) - taken as f64;
    assert!(wrong.abs() <= WRONG_MS, "{wrong} ms wrong: {seen:#}");
    taken
}

#[track_caller]
fn at(seen: &Value, wanted: i64) {
    let taken = right(seen);
    assert!(
        (taken - wanted).abs() as f64 <= WRONG_MS,
        "{taken} and not {wanted}: {seen:#}"
    );
}

/// Each stretch is where its times are, and so is each gap, between a start and an end of the timeline.
fn to_scale(told: &Value, start: f64, end: f64) {
    let width = number(&told["width"]);
    let place = |ms: i64| (ms as f64 - start) / (end - start) * width;
    for (stretch, run) in STRETCHES.iter().zip(list(&told["runs"])) {
        for (ms, pixel) in [stretch.start(), stretch.end()].into_iter().zip(list(run)) {
            let off = number(pixel) - place(ms);
            assert!(off.abs() <= PIXELS, "{off} pixels off: {told:#}");
        }
    }
}

/// The box is around the block in the picture, and over it on the screen.
fn around(seen: &Value, stretch: &Stretch) {
    at(seen, stretch.best());
    let [one] = list(&seen["boxes"]) else {
        panic!("one box: {seen:#}")
    };
    assert!(
        one["text"].as_str().unwrap().starts_with(stretch.label),
        "{one:#}"
    );
    assert_eq!(one["unsure"], false, "{one:#}");
    let (width, height) = (number(&seen["size"][0]), number(&seen["size"][1]));
    assert_eq!(width as u32, stretch.width);
    let wanted = block(crate::footage::BEST);
    let scaled = [
        wanted[0] * width,
        wanted[1] * height,
        wanted[2] * width,
        wanted[3] * height,
    ];
    for (drawn, wanted) in list(&one["at"]).iter().zip(scaled) {
        assert!((number(drawn) - wanted).abs() < 1.0, "{scaled:?}: {one:#}");
    }
    // Its colour, 0xe8c547, is inside and not outside.
    let yellow = |colour: &Value| number(&colour[0]) > 180.0 && number(&colour[2]) < 120.0;
    assert!(list(&one["inside"]).iter().all(yellow), "{one:#}");
    assert!(!list(&one["outside"]).iter().any(yellow), "{one:#}");
    on_screen(seen, one, scaled);
}

/// Fitted into its place as the video is: as large as it can be, in the middle.
fn on_screen(seen: &Value, one: &Value, scaled: [f64; 4]) {
    let edges = |value: &Value| -> [f64; 4] { std::array::from_fn(|edge| number(&value[edge])) };
    let (video, screen) = (edges(&seen["video"]), edges(&one["screen"]));
    let (width, height) = (number(&seen["size"][0]), number(&seen["size"][1]));
    let (wide, high) = (video[2] - video[0], video[3] - video[1]);
    let scale = (wide / width).min(high / height);
    let left = video[0] + (wide - width * scale) / 2.0;
    let top = video[1] + (high - height * scale) / 2.0;
    let wanted = [
        left + scaled[0] * scale,
        top + scaled[1] * scale,
        left + (scaled[0] + scaled[2]) * scale,
        top + (scaled[1] + scaled[3]) * scale,
    ];
    // An outline counts to the rectangle in some versions of browsers: half of it is outside.
    let by = PIXELS + scale * height / 240.0;
    for (edge, wanted) in screen.iter().zip(wanted) {
        assert!((edge - wanted).abs() <= by, "{wanted}: {seen:#}");
    }
}

/// What `console.mjs` is told to look at: the block in each stretch, at the second when it was seen best.
pub(crate) fn looks() -> Vec<Value> {
    let look = |stretch: &Stretch| {
        let best = jiff::Timestamp::from_millisecond(stretch.best()).unwrap();
        let local = best.in_tz("Europe/Berlin").unwrap().datetime();
        json!({"label": stretch.label, "go": format!("{local:.0}"),
            "pictures": [stretch.first + 99, stretch.first + 103]})
    };
    STRETCHES.iter().map(look).collect()
}

/// A picture that stands on the timeline where nothing begins or ends.
pub(crate) fn still() -> Value {
    json!({"go": "2026-11-20T13:00:02", "pictures": [49, 53]})
}

fn saved_as(report: &Value) {
    assert_eq!(
        (&report["from"], &report["to"]),
        (&json!("2026-11-20T13:00:02"), &json!("2026-11-20T13:00:05")),
        "{report:#}"
    );
    let told = run(Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v:0", "-count_frames"])
        .args(["-show_entries", "stream=width,nb_read_frames", "-of", "csv=p=0"])
        .arg(report["file"].as_str().unwrap()));
    let (width, pictures) = told.trim().split_once(',').unwrap();
    let pictures: i64 = pictures.parse().unwrap();
    // About three seconds, from the picture before that needs no other.
    assert!(width == "320" && (60..=130).contains(&pictures), "{told}");
    let name = report["name"].as_str().unwrap();
    assert!(
        name.contains("2026-11-20") && name.ends_with(".mp4"),
        "{report:#}"
    );
}

#[test]
fn with_the_keyboard_alone_one_signs_in_finds_a_moment_and_saves_it_and_everything_is_where_it_should_be() {
    let archive = street();
    let (_camera, host) = host(&archive);
    let folder = tempfile::tempdir().unwrap();
    let report = node(
        "console.mjs",
        &json!({
            "host": host.url(""), "token": TOKEN, "asset": ASSET, "instance": YARD,
            "folder": folder.path(), "labels": {"wanted": "truck"}, "looks": looks(),
            "jump": {"go": "2026-11-20T13:00:03", "pictures": [74, 78]},
            "save": still(),
        }),
    );
    for (name, step) in report
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, step)| step.is_object())
    {
        let complained = list(&step["complained"]);
        // Only the token that was none is refused.
        let expected = |one: &Value| name == "signIn" && one.as_str().unwrap().starts_with("401: /api/");
        assert!(complained.iter().all(expected), "{name}: {complained:#?}");
        assert_eq!(step["harm"], 0, "{name}");
    }
    assert!(
        report["signIn"]["refused"]
            .as_str()
            .unwrap()
            .contains("does not take"),
        "{report:#}"
    );
    assert!(
        !report["signIn"]["address"].as_str().unwrap().contains("token"),
        "{report:#}"
    );
    assert!(
        report["turnOn"]["text"].as_str().unwrap().contains(DESCRIPTION),
        "as text: {report:#}"
    );
    assert_eq!(report["turnOn"]["nodes"], 5, "{report:#}");
    right(&report["toRecording"]);
    let (first, last) = (STRETCHES[0].start() as f64, STRETCHES[2].end() as f64);
    let margin = (last - first) * 0.03;
    to_scale(&report["jumps"]["all"], first - margin, last + margin);
    let lead = 1500;
    at(&report["jumps"]["next"], STRETCHES[1].seen() - lead);
    at(&report["jumps"]["back"], STRETCHES[0].seen() - lead);
    let step = (last - first + 2.0 * margin) / 60_000.0;
    assert!(
        (number(&report["jumps"]["step"]) - step).abs() <= 1.0,
        "{report:#}"
    );
    for (seen, stretch) in list(&report["boxes"]["looks"]).iter().zip(&STRETCHES) {
        around(seen, stretch);
    }
    saved_as(&report["save"]);
    pointed(&report["pointer"], first - margin, last + margin);
    let found: Vec<&str> = list(&report["found"])
        .iter()
        .map(|line| line.as_str().unwrap())
        .collect();
    assert!(
        found.iter().any(|line| line.contains(HOSTILE)),
        "as text: {found:?}"
    );
}

fn pointed(report: &Value, start: f64, end: f64) {
    to_scale(&report["before"], start, end);
    assert!(
        report["gap"].as_str().unwrap().contains("2026-11-20 13:00:"),
        "{report:#}"
    );
    // It was drawn from 60 pixels behind the beginning, about three seconds, to 20 before the end, about one.
    let chosen = ["2026-11-20T13:00:02", "2026-11-20T13:00:07"];
    assert_eq!(report["chosen"], json!(chosen), "{report:#}");
    // What is under the pointer stays there, and the gap around it is wider.
    let runs = |told: &Value| number(&told["runs"][0][1]);
    let (before, after) = (runs(&report["before"]), runs(&report["zoomed"]));
    let middle = number(&report["middle"]);
    assert!(
        after < before && after > middle - 3.0 * (middle - before),
        "{report:#}"
    );
}

#[test]
fn every_view_fits_three_widths_in_light_and_dark_and_can_be_read_aloud() {
    let archive = street();
    let (_camera, host) = host(&archive);
    method(
        &host,
        "GraphInstanceActivate",
        &json!({"@apiVersion": "2.0", "name": YARD}).to_string(),
    );
    let held =
        json!({"startTime": "2026-11-20T12:00:28Z", "endTime": "2026-11-20T12:00:36Z", "reason": HOSTILE});
    let target = format!("{}/holds", asset_path());
    let bearer = format!("Bearer {TOKEN}");
    send(
        host.address,
        "POST",
        &target,
        &[("authorization", &bearer)],
        &held.to_string(),
    )
    .with(201);
    let report = node(
        "views.mjs",
        &json!({
            "host": host.url(""), "token": TOKEN, "asset": ASSET, "store": "local", "instance": YARD,
            "shots": shots(), "time": STRETCHES[0].best() - 500,
            "stretch": ["2026-11-20T13:00:02", "2026-11-20T13:00:05"],
        }),
    );
    assert_eq!(report["complained"], json!([]), "{report:#}");
    assert_eq!(list(&report["found"]).len(), 2 * 3 * 10);
    for view in list(&report["found"]) {
        assert!(number(&view["overflow"]) <= 0.0, "{view:#}");
        assert_eq!(view["wrong"], json!([]), "{view:#}");
    }
}
