//! What was seen of a recording, from the segments in its store.

use mediagraph::media::{MediaTime, Ticks};
use mediagraph::recording::detections::coding::BOX_ID;
use mediagraph::recording::detections::{Area, Detection, Fraction};
use serde_json::{Value, json};

use crate::archive::{Archive, Played, clip};
use crate::client::{Answer, get};

const STRETCH: &str = "startTime=2026-11-20T12:00:00Z&endTime=2026-11-20T12:00:10Z";

fn noon() -> MediaTime {
    MediaTime::from_timestamp("2026-11-20T12:00:00Z".parse().unwrap())
}

fn seen(second: f64, label: &str, track: Option<&str>) -> Detection {
    Detection {
        time: noon().offset(Ticks((second * 90_000.0) as i64)),
        label: label.into(),
        track: track.map(Into::into),
        confidence: Fraction::of(0.5),
        area: Area {
            l: Fraction::of(second / 20.0),
            t: Fraction::of(0.25),
            w: Fraction::of(0.5),
            h: Fraction::of(0.5),
        },
    }
}

/// Ten seconds in segments of four: a truck that is seen twice a second, and somebody at two moments.
fn watched() -> Archive {
    let archive = Archive::new();
    let mut all: Vec<_> = (0..20)
        .map(|half| seen(f64::from(half) / 2.0 + 0.25, "truck", Some("7")))
        .collect();
    all.extend([seen(1.0, "person", None), seen(9.0, "person", None)]);
    archive.record_seen("lobby", "box", &clip().units, all);
    archive
}

fn ask(host: &Played, query: &str) -> Answer {
    get(host.address, &format!("/assets/lobby/detections?{query}"), &[])
}

fn moments(page: &Value) -> Vec<(String, String)> {
    let text = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
    let all = page["value"].as_array().unwrap().iter();
    all.map(|one| (text(one, "time"), text(one, "label"))).collect()
}

#[test]
fn every_detection_comes_in_order_with_its_box_and_is_kept_by_those_who_have_it() {
    let archive = watched();
    let host = archive.serve();
    let one = get(host.address, "/assets/lobby", &[]).with(200).json();
    let list = get(host.address, "/assets", &[]).with(200).json();
    assert_eq!(one, list["value"][0]);
    let answer = ask(&host, STRETCH).with(200);
    let page = answer.json();
    let all = moments(&page);
    assert_eq!(all.len(), 22, "{page}");
    assert!(all.is_sorted_by_key(|(time, _)| time.clone()), "{all:?}");
    assert_eq!(
        page["value"][1],
        json!({"time": "2026-11-20T12:00:00.750Z", "label": "truck", "id": "7", "confidence": 0.5,
            "box": {"l": 0.0375, "t": 0.25, "w": 0.5, "h": 0.5}})
    );
    assert_eq!(
        (&page["missing"], &page["settled"], page.get("@continuationToken")),
        (&json!([]), &json!(true), None)
    );
    assert_eq!(
        answer.header("cache-control"),
        Some("private, max-age=3600, immutable")
    );
    let tag = answer.header("etag").unwrap();
    let target = format!("/assets/lobby/detections?{STRETCH}");
    get(host.address, &target, &[("if-none-match", tag)]).with(304);
    let persons = moments(&ask(&host, &format!("{STRETCH}&label=Person")).with(200).json());
    let times: Vec<_> = persons.iter().map(|(time, _)| time.as_str()).collect();
    assert_eq!(times, ["2026-11-20T12:00:01.000Z", "2026-11-20T12:00:09.000Z"]);
    // Under other names, and where nothing is.
    let short = "from=2026-11-20T12:00:04Z&to=2026-11-20T12:00:05Z";
    assert_eq!(moments(&ask(&host, short).with(200).json()).len(), 2);
    let later = "startTime=2026-11-20T13:00:00Z&endTime=2026-11-20T14:00:00Z";
    assert_eq!(ask(&host, later).with(200).json()["value"], json!([]));
    ask(&host, &format!("{STRETCH}&store=cloud")).with(404);
}

#[test]
fn pages_of_any_size_are_together_what_one_is() {
    let archive = watched();
    let host = archive.serve();
    let whole = moments(&ask(&host, STRETCH).with(200).json());
    for size in [1, 7, 22] {
        let (mut all, mut token) = (Vec::new(), String::new());
        loop {
            let query = format!("{STRETCH}&$top={size}&continuationToken={token}");
            let page = ask(&host, &query).with(200).json();
            let part = moments(&page);
            assert!(part.len() <= size, "{page}");
            all.extend(part);
            match page["@continuationToken"].as_str() {
                Some(next) => next.clone_into(&mut token),
                None => break,
            }
            assert!(all.len() <= whole.len(), "it ends");
        }
        assert_eq!(all, whole, "pages of {size}");
    }
}

#[test]
fn what_is_gone_or_damaged_is_named_and_the_rest_is_there() {
    let archive = watched();
    let segments = archive.segments("lobby");
    assert_eq!(segments.len(), 3, "{segments:?}");
    let host = archive.serve();
    let mut bytes = std::fs::read(&segments[0]).unwrap();
    let place = bytes.windows(BOX_ID.len()).position(|id| *id == BOX_ID).unwrap();
    bytes[place + BOX_ID.len()] = 99;
    std::fs::write(&segments[0], bytes).unwrap();
    std::fs::remove_file(&segments[1]).unwrap();
    let answer = ask(&host, STRETCH).with(200);
    let page = answer.json();
    let missing = page["missing"].as_array().unwrap();
    assert_eq!(missing.len(), 2, "{page}");
    assert!(missing.iter().all(|one| one["cause"] == "damaged"), "{page}");
    assert_eq!(missing[0]["end"], missing[1]["start"], "{page}");
    assert_eq!(
        moments(&page).len(),
        5,
        "four of the truck and one of somebody: {page}"
    );
    assert_eq!(page["settled"], json!(false));
    assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
}

#[test]
fn times_without_an_offset_are_those_of_the_site() {
    let archive = watched();
    let config = archive.folder.path().join("site.toml");
    std::fs::write(&config, "time_zone = \"Europe/Berlin\"\nkeep_free = \"1MiB\"\n").unwrap();
    let host = archive.serve_configured(&config);
    let told = get(host.address, "/api/time", &[]).with(200).json();
    assert_eq!(told["timeZone"], "Europe/Berlin");
    let local = "startTime=2026-11-20T13:00:00&endTime=2026-11-20T13:00:10";
    let page = ask(&host, local).with(200).json();
    assert_eq!(moments(&page), moments(&ask(&host, STRETCH).with(200).json()));
    assert_eq!(moments(&page).len(), 22);
    let export = get(host.address, &format!("/assets/lobby/export.mp4?{local}"), &[]).with(200);
    let name = export.header("content-disposition").unwrap();
    assert!(name.contains("\"lobby 2026-11-20T13-00-00+0100.mp4\""), "{name}");
    let playlist = get(host.address, &format!("/assets/lobby/video.m3u8?{local}"), &[])
        .with(200)
        .text();
    assert!(playlist.contains("#EXTINF"), "{playlist}");
    // What the clock shows twice is told of.
    let twice = "/api/detections?since=2026-10-25%2002:30&until=2026-10-26";
    let notes = get(host.address, twice, &[]).with(200).json()["notes"].clone();
    assert!(
        notes[0]
            .as_str()
            .unwrap()
            .contains("comes twice in Europe/Berlin"),
        "{notes}"
    );
    let mut command = crate::common::mediagraph();
    command.args(["playback", "--server", &host.url(""), "list"]);
    let listed = String::from_utf8(command.output().unwrap().stdout).unwrap();
    assert!(listed.contains("2026-11-20 13:00:00.000+01:00"), "{listed}");
}
