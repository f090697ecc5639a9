//! Segments that vanished, or are no media any more: the right answer to each request, and a gap for players.

use std::path::Path;

use serde_json::json;

use crate::archive::{Archive, clip};
use crate::client::get;

type Harm = fn(&Path);

/// What may become of a file.
const HARMS: [Harm; 4] = [
    |file| std::fs::remove_file(file).unwrap(),
    |file| std::fs::write(file, b"short").unwrap(),
    |file| overwrite(file, 0xff, 0),
    // As after a power cut: it is as long as it should be, and its end was never written.
    |file| overwrite(file, 0, std::fs::metadata(file).unwrap().len() / 3),
];

fn overwrite(file: &Path, byte: u8, from: u64) {
    let mut bytes = std::fs::read(file).unwrap();
    bytes[from as usize..].fill(byte);
    std::fs::write(file, bytes).unwrap();
}

fn name(segment: &Path) -> &str {
    segment.file_stem().unwrap().to_str().unwrap()
}

#[test]
fn a_segment_that_vanished_or_is_too_short_is_an_answer_and_the_rest_plays() {
    let archive = Archive::new();
    archive.record("lobby", "box", &clip().units);
    let segments = archive.segments("lobby");
    let host = archive.serve();
    std::fs::remove_file(&segments[0]).unwrap();
    std::fs::write(&segments[1], b"short").unwrap();
    let ask = |number: usize| {
        let target = format!("/assets/lobby/media/{}.video.m4s", name(&segments[number]));
        get(host.address, &target, &[])
    };
    for lost in [0, 1] {
        let told = ask(lost).with(404).text();
        assert!(
            told.contains("`lobby`") && told.contains("mediagraph check"),
            "{told}"
        );
    }
    ask(2).with(200);
    // Whoever fetches the playlist again goes on behind the hole.
    let again = get(host.address, "/assets/lobby/video.m3u8", &[])
        .with(200)
        .text();
    assert!(!again.contains(name(&segments[0])) && !again.contains(name(&segments[1])));
    assert!(again.contains(name(&segments[2])), "{again}");
    let frame = "/assets/lobby/frame.jpg?time=2026-11-20T12:00:05Z";
    get(host.address, frame, &[]).with(404);
}

#[test]
fn what_turns_out_to_be_lost_is_left_out_of_an_export_and_stands_in_its_comment() {
    let whole = "/assets/lobby/export.mp4?startTime=2026-11-20T12:00:00Z&endTime=2026-11-20T12:00:10Z";
    for harm in HARMS {
        for place in [0, 1] {
            let archive = Archive::new();
            archive.record("lobby", "box", &clip().units);
            let segments = archive.segments("lobby");
            let host = archive.serve();
            harm(&segments[place]);
            let answer = get(host.address, whole, &[]).with(200);
            let text = String::from_utf8_lossy(&answer.body);
            assert!(!text.contains("Nothing is missing"));
            assert!(text.contains("(the file is gone or damaged)"));
            let read = re_mp4::Mp4::read_bytes(&answer.body).unwrap();
            let pictures = read.tracks()[&1].samples.len();
            assert!((25..250).contains(&pictures), "{pictures}");
            // It is known now, and so it is for players.
            let playlist = get(host.address, "/assets/lobby/video.m3u8", &[])
                .with(200)
                .text();
            assert!(!playlist.contains(name(&segments[place])), "{playlist}");
        }
    }
}

#[test]
fn lists_do_not_name_it_before_anybody_has_asked_for_it_and_say_that_it_is_damaged() {
    // Segments of four, four and two seconds.
    let times = [("00", "04"), ("04", "08"), ("08", "10")];
    for harm in HARMS {
        for (place, (start, end)) in times.into_iter().enumerate() {
            let archive = Archive::new();
            archive.record("lobby", "box", &clip().units);
            let segments = archive.segments("lobby");
            harm(&segments[place]);
            let host = archive.serve();
            let ask = |target: &str| get(host.address, &format!("/assets/lobby/{target}"), &[]);
            for list in ["video.m3u8", "audio.m3u8"] {
                let text = ask(list).with(200).text();
                for (number, segment) in segments.iter().enumerate() {
                    assert_eq!(
                        text.contains(name(segment)),
                        number != place,
                        "{list} {place}: {text}"
                    );
                }
            }
            let periods = ask("manifest.mpd").with(200).text().matches("<Period").count();
            assert_eq!(periods, if place == 1 { 2 } else { 1 });
            let gaps = ask("gaps").with(200).json();
            let gap = |time: &str| format!("2026-11-20T12:00:{time}.000Z");
            let wanted = json!({"start": gap(start), "end": gap(end), "cause": "damaged"});
            assert_eq!(gaps["value"][0], wanted);
            ask(&format!("frame.jpg?time=2026-11-20T12:00:{start}.5Z")).with(404);
        }
    }
}

#[test]
fn what_a_player_still_asks_for_of_an_older_list_is_refused() {
    for harm in HARMS {
        let archive = Archive::new();
        archive.record("lobby", "box", &clip().units);
        let segments = archive.segments("lobby");
        let host = archive.serve();
        let ask = |target: &str| get(host.address, &format!("/assets/lobby/{target}"), &[]);
        let list = ask("video.m3u8").with(200).text();
        assert!(list.contains(name(&segments[1])));
        harm(&segments[1]);
        let path = format!("media/{}.audio.m4s", name(&segments[1]));
        let told = ask(&path).with(404).text();
        assert!(
            told.contains("has lost what it recorded at 2026-11-20T12:00:04"),
            "{told}"
        );
        assert!(!ask("video.m3u8").with(200).text().contains(name(&segments[1])));
        assert_eq!(ask("gaps").with(200).json()["value"][0]["cause"], "damaged");
    }
}
