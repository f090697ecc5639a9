//! What Microsoft's player widget asks a host for, in the same form: a bearer token in the header, what there is in four
//! precisions, and then a manifest of what was chosen.

use serde_json::{Value, json};

use crate::archive::Played;
use crate::client::{Answer, get};
use crate::footage::{STRETCHES, asset_path, guarded, street};

const TOKEN: &str = "token-of-the-widget";

fn ask(host: &Played, target: &str) -> Answer {
    let target = format!("{}/content.ism/{target}", asset_path());
    get(
        host.address,
        &target,
        &[("authorization", &format!("Bearer {TOKEN}"))],
    )
}

fn ranges(host: &Played, query: &str) -> Value {
    let answer = ask(host, &format!("availableMedia?{query}")).with(200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    answer.json()["timeRanges"].clone()
}

#[test]
fn a_widget_finds_its_way_from_years_to_a_moment_and_plays_it() {
    let archive = street();
    let host = archive.serve_with(&guarded(TOKEN, "read"));
    // As it opens: years, the months of the newest, its days, and a day in full.
    let one = |unit: &str| json!([{"start": unit, "end": unit}]);
    assert_eq!(ranges(&host, "precision=year"), one("2026"));
    let months = "precision=month&startTime=2026-01&endTime=2026-12";
    assert_eq!(ranges(&host, months), one("2026-11"));
    let days = "precision=day&startTime=2026-11-01&endTime=2026-11-30";
    assert_eq!(ranges(&host, days), one("2026-11-20"));
    let day = ranges(
        &host,
        "precision=full&startTime=2026-11-20T00:00:00.000Z&endTime=2026-11-20T23:59:59.999Z",
    );
    let wanted = STRETCHES.map(|stretch| {
        let iso = |ms| jiff::Timestamp::from_millisecond(ms).unwrap();
        json!({"start": format!("{:.3}", iso(stretch.start())), "end": format!("{:.3}", iso(stretch.end()))})
    });
    assert_eq!(day, Value::from(wanted.to_vec()));
    // What it plays then, by both kinds of manifest, and what these lead to.
    let (start, end) = (day[0]["start"].as_str().unwrap(), day[1]["end"].as_str().unwrap());
    let playlist = ask(
        &host,
        &format!("manifest(format=m3u8-cmaf,startTime={start},endTime={end}).m3u8"),
    )
    .with(200);
    assert!(playlist.text().starts_with("#EXTM3U"));
    let manifest = ask(
        &host,
        &format!("manifest(format=mpd-time-cmaf,startTime={start},endTime={end}).mpd"),
    )
    .with(200);
    let text = manifest.text();
    assert_eq!(text.matches("<Period ").count(), 2, "{text}");
    let initial = text.split("initialization=\"").nth(1).unwrap();
    let initial = initial.split('"').next().unwrap().strip_prefix("../").unwrap();
    let target = format!("{}/{initial}", asset_path());
    let bearer = format!("Bearer {TOKEN}");
    let init = get(host.address, &target, &[("authorization", &bearer)]).with(200);
    assert_eq!(&init.body[4..8], b"ftyp");
    get(host.address, &target, &[]).with(401);
}

#[test]
fn without_its_token_a_widget_sees_nothing() {
    let archive = street();
    let host = archive.serve_with(&guarded(TOKEN, "read"));
    let path = asset_path();
    for target in [
        "availableMedia?precision=year",
        "manifest(format=m3u8-cmaf).m3u8",
        "manifest(format=mpd-time-cmaf).mpd",
    ] {
        let target = format!("{path}/content.ism/{target}");
        get(host.address, &target, &[]).with(401);
        let other = get(host.address, &target, &[("authorization", "Bearer of-another")]).with(401);
        assert!(!other.text().contains("2026"), "{}", other.text());
    }
}
