//! Health, log, reload, figures.

use std::time::Duration;

use mediagraph::alarms::{HostFacts, Now};
use mediagraph::media::{MediaTime, Ticks, TrackKind};
use mediagraph::recording::asset::name::Epoch;
use mediagraph::recording::asset::scan::Part;
use mediagraph::recording::detections::{Area, Detection, Fraction};
use mediagraph::recording::index::{FragmentEntry, Gap, GapReason, Index, NewSegment};
use serde_json::json;

use super::methods::{instance, topology};
use super::server::{ADMIN, READ, SITE_A, Server};
use super::wire::Request;

#[test]
fn a_host_lives_and_says_whether_it_can_work() {
    let server = Server::guarded();
    assert_eq!(server.send(&Request::get("/livez")).json()["status"], "ok");
    assert_eq!(server.send(&Request::get("/readyz")).status, 200);
    *server.process.unwell.lock().unwrap() = Some("/secret/path is full".to_owned());
    let stranger = server.send(&Request::get("/readyz"));
    assert_eq!(stranger.status, 503);
    assert!(!stranger.body.contains("/secret/path"), "{stranger:?}");
    let known = server.send(&Request::get("/readyz").token(READ));
    assert_eq!(known.json()["checks"][0]["error"], "/secret/path is full");
    assert_eq!(server.send(&Request::get("/livez")).status, 200);
}

#[test]
fn the_health_of_an_instance_that_there_is_not_is_404() {
    let server = Server::open();
    assert_eq!(server.send(&Request::get("/healthz")).json()["status"], "ok");
    assert_eq!(server.send(&Request::get("/healthz/nothing")).status, 404);
}

#[test]
fn what_is_logged_can_be_changed() {
    let server = Server::open();
    let put = |body: &str| server.send(&Request::new("PUT", "/api/log").json(body));
    assert_eq!(server.send(&Request::get("/api/log")).json()["filter"], "info");
    assert_eq!(put(r#"{"filter": "debug"}"#).json()["filter"], "debug");
    assert_eq!(server.send(&Request::get("/api/log")).json()["filter"], "debug");
    for wrong in [r#"{"filter": "!"}"#, "{}", r#"{"level": "debug"}"#] {
        let response = put(wrong);
        assert_eq!(response.status, 400, "{wrong}");
        assert_eq!(response.detail(), "LogFilterInvalid");
    }
    let long = format!(r#"{{"filter": "{}"}}"#, "x".repeat(5000));
    assert_eq!(put(&long).status, 400);
    assert_eq!(server.send(&Request::get("/api/log")).json()["filter"], "debug");
}

#[test]
fn a_reload_says_what_changed_or_why_nothing_did() {
    let server = Server::open();
    let reload = Request::new("POST", "/api/reload").json("");
    assert_eq!(server.send(&reload).json()["messages"][0], "nothing changed");
    *server.process.reload.lock().unwrap() = Some("line 3: no".to_owned());
    let refused = server.send(&reload);
    assert_eq!(refused.status, 400);
    assert_eq!(refused.json()["error"]["message"], "line 3: no");
}

#[test]
fn every_answer_says_that_it_is_not_to_be_kept() {
    let server = Server::guarded();
    for path in ["/livez", "/api/status", "/nothing"] {
        let response = server.send(&Request::get(path));
        assert_eq!(response.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(
            response.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
    }
}

#[test]
fn what_concerns_the_host_is_not_shown_to_a_limited_token() {
    let server = Server::guarded();
    let facts = HostFacts {
        journal: server.journal.counts(),
        space: None,
        keep_free: None,
        keeping: None,
        stores: Vec::new(),
    };
    let evaluate = |wall: &str, second: u64| {
        let now = Now {
            wall: wall.parse().unwrap(),
            monotonic: Duration::from_secs(second),
        };
        server.alarms.evaluate(&[], &facts, now)
    };
    evaluate("2026-11-21T12:00:00Z", 0);
    assert_eq!(
        evaluate("2026-11-21T15:00:00Z", 5).len(),
        1,
        "the clock was stepped"
    );
    let get = |path: &str, token: &str| server.send(&Request::get(path).token(token));
    assert_eq!(get("/api/alarms", READ).json()["value"][0]["kind"], "clock");
    assert_eq!(get("/api/alarms", SITE_A).json()["value"], json!([]));
    assert_eq!(get("/healthz", READ).status, 503);
    assert_eq!(get("/healthz", READ).json()["alarms"][0]["kind"], "clock");
    assert_eq!(get("/healthz", SITE_A).status, 200);
    // The host is not to be started anew for it.
    assert_eq!(get("/readyz", READ).status, 200);
}

#[test]
fn figures_are_those_of_the_instances_that_the_token_may_see() {
    let server = Server::guarded();
    let call = |method: &str, payload: &serde_json::Value| {
        let target = format!("/api/methods/{method}");
        let request = Request::new("POST", &target)
            .json(&payload.to_string())
            .token(ADMIN);
        assert_eq!(server.send(&request).status, 200);
    };
    call("GraphTopologySet", &topology("Record"));
    for name in ["site-a-door", "site-b-door"] {
        call("GraphInstanceSet", &instance(name, "Record"));
        call(
            "GraphInstanceActivate",
            &json!({"@apiVersion": "2.0", "name": name}),
        );
    }
    let figures = |token: &str| {
        let response = server.send(&Request::get("/metrics").token(token));
        let kind = response.header("content-type").unwrap();
        assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
        assert!(response.body.ends_with("# EOF\n"), "{}", response.body);
        response.body
    };
    for name in ["lva_active_graph_instances", "lva_received_bytes_total"] {
        assert!(figures(READ).contains(name), "{name}: {}", figures(READ));
    }
    assert!(figures(READ).contains("site-b-door") && figures(READ).contains("site-a-door"));
    assert!(figures(SITE_A).contains("site-a-door"));
    assert!(!figures(SITE_A).contains("site-b-door"), "{}", figures(SITE_A));
}

#[test]
fn what_was_recorded_is_told_to_whoever_may_see_it() {
    let server = Server::guarded();
    let get = |path: &str, token: &str| server.send(&Request::get(path).token(token));
    let all = get("/api/coverage?since=7d", READ);
    assert_eq!(all.status, 200, "{all:?}");
    assert_eq!(all.json()["cameras"], json!([]));
    assert_eq!(get("/api/coverage?since=soon", READ).status, 400);
    assert_eq!(get("/api/coverage?since=2d&until=3d", READ).status, 400);
    // Of two instances that recorded, a limited token sees its own.
    let index = server.index();
    for instance in ["site-a-door", "site-b-door"] {
        let now = "2026-11-21T12:00:00Z".parse().unwrap();
        let owner = format!("{instance}/sink");
        let asset = index.asset("local", instance, &owner, now).unwrap();
        let start = MediaTime::from_timestamp(now);
        let gap = Gap {
            start,
            end: start.offset(Ticks::from_secs(60)),
            reason: GapReason::Camera,
            fragments: 0,
            units: 0,
        };
        index.note_gap(asset, &gap, now).unwrap();
    }
    let seen = |query: &str, token: &str| {
        let path = format!("/api/coverage?since=2026-11-21&until=2026-11-22{query}");
        let answer = get(&path, token).json();
        let cameras = answer["cameras"].as_array().unwrap();
        let names = cameras
            .iter()
            .map(|camera| camera["instance"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(seen("", READ), ["site-a-door", "site-b-door"]);
    assert_eq!(seen("", SITE_A), ["site-a-door"]);
    assert_eq!(seen("&instance=site-b-door", SITE_A), [""; 0]);
}

/// An instance has recorded ten seconds in which trucks were seen, one each second.
fn trucks(index: &Index, instance: &str, start: MediaTime) {
    let now = start.to_timestamp();
    let asset = index
        .asset("local", instance, &format!("{instance}/sink"), now)
        .unwrap();
    let epoch = Epoch {
        host: "host".to_owned(),
        counter: 1,
    };
    let epoch = index.begin_epoch(asset, &epoch, now).unwrap();
    let ticks = 900_000;
    let fragment = FragmentEntry {
        kind: TrackKind::Video,
        start: start.ticks(),
        ticks,
        bytes: 9,
        samples: 1,
        sync: true,
    };
    let video = Part {
        bytes: 9,
        start: start.ticks(),
        ticks,
        samples: 1,
        ..Part::default()
    };
    let truck = |second: i64| Detection {
        time: start.offset(Ticks::from_secs(second)),
        label: "truck".into(),
        track: Some(second.to_string().into()),
        confidence: Fraction::of(second as f64 / 10.0),
        area: Area::default(),
    };
    let new = NewSegment {
        asset,
        epoch,
        start,
        end: start.offset(Ticks(ticks as i64)),
        bytes: 9,
        video,
        audio: None,
        fragments: &[fragment],
        sha256: [0; 32],
        folder: "/nowhere".as_ref(),
        detections: &(0..10).map(truck).collect::<Vec<_>>(),
    };
    index.adopt_stored(&new).unwrap();
}

#[test]
fn what_was_seen_is_found_page_by_page_by_whoever_may_see_it() {
    let server = Server::guarded();
    let start = MediaTime::from_timestamp("2026-11-21T12:00:00Z".parse().unwrap());
    for instance in ["site-a-door", "site-b-door"] {
        trucks(&server.index(), instance, start);
    }
    let get = |query: &str, token: &str| {
        let path = format!("/api/detections?since=2026-11-21&until=2026-11-22{query}");
        server.send(&Request::get(&path).token(token))
    };
    let seen = |query: &str, token: &str| {
        let answer = get(query, token).json();
        let value = answer["value"].as_array().unwrap().clone();
        (value, answer["@continuationToken"].as_str().map(str::to_owned))
    };
    let (all, more) = seen("&label=TRUCK", READ);
    assert_eq!((all.len(), more), (20, None));
    let (own, _) = seen("", SITE_A);
    assert!(
        own.len() == 10 && own.iter().all(|one| one["instance"] == "site-a-door"),
        "{own:?}"
    );
    assert_eq!(
        (
            &own[3]["id"],
            &own[3]["first"],
            &own[3]["asset"],
            &own[3]["confidence"]
        ),
        (
            &json!("3"),
            &json!("2026-11-21T12:00:03.000Z"),
            &json!("site-a-door"),
            &json!(0.3)
        )
    );
    let (mut ids, mut token) = (Vec::new(), String::new());
    loop {
        let (page, more) = seen(&format!("&$top=4&continuationToken={token}"), SITE_A);
        assert!(page.len() <= 4);
        ids.extend(page.iter().map(|one| one["id"].as_str().unwrap().to_owned()));
        match more {
            Some(more) => token = more,
            None => break,
        }
    }
    assert_eq!(ids.join(""), "0123456789");
    assert_eq!(seen("&minimumConfidence=0.5&asset=site-b-door", READ).0.len(), 5);
    assert!(seen("&asset=site-b-door", SITE_A).0.is_empty());
    assert!(seen("&label=dog", READ).0.is_empty());
    for (query, code) in [
        ("&$top=0", "QueryInvalid"),
        ("&$top=1001", "QueryInvalid"),
        ("&$top=many", "QueryInvalid"),
        ("&minimumConfidence=50", "QueryInvalid"),
        ("&minimumConfidence=NaN", "QueryInvalid"),
        ("&continuationToken=x", "ContinuationTokenInvalid"),
        ("&class=truck", "QueryInvalid"),
    ] {
        let refused = get(query, READ);
        assert_eq!(
            (refused.status, refused.detail().as_str()),
            (400, code),
            "{query}"
        );
    }
}

#[test]
fn a_moment_is_explained_from_the_journal() {
    let server = Server::open();
    server.publish("front", 0..1);
    server.wait(server.journal.flush());
    let explained = server.send(&Request::get("/api/explain/front?window=2m"));
    assert_eq!(explained.status, 200, "{explained:?}");
    let explained = explained.json();
    assert_eq!(explained["instance"], "front");
    assert!(
        explained["conclusion"].is_string() && explained["steps"].is_array(),
        "{explained}"
    );
    assert_eq!(server.send(&Request::get("/api/explain/nothing")).status, 404);
    for query in ["at=yesterdayish", "window=2weeks", "at=", "when=03:14"] {
        let response = server.send(&Request::get(&format!("/api/explain/front?{query}")));
        assert_eq!(
            (response.status, response.detail().as_str()),
            (400, "QueryInvalid"),
            "{query}"
        );
    }
}
