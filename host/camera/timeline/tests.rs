use std::sync::Arc;

use bytes::Bytes;

use super::*;
use crate::media::StreamFormat;

fn track(kind: TrackKind, timescale: u32, samples: &[(i64, i64, u32)]) -> Track {
    let format = StreamFormat {
        kind,
        codec: String::new(),
        sample_entry: Bytes::new(),
        decoder_config: Bytes::new(),
        width: 0,
        height: 0,
        sample_rate: timescale,
    };
    Track::for_tests(Arc::new(format), timescale, samples)
}

fn video(count: i64) -> Track {
    let samples: Vec<_> = (0..count).map(|n| (n * 3600, n * 3600, 3600)).collect();
    track(TrackKind::Video, 90_000, &samples)
}

fn audio(count: i64, first: i64) -> Track {
    let samples: Vec<_> = (0..count)
        .map(|n| (first + n * 1024, first + n * 1024, 1024))
        .collect();
    track(TrackKind::Audio, 48_000, &samples)
}

fn turns(tracks: &[Track], rounds: u64) -> Vec<Turn> {
    let program = Program::of_tracks(tracks);
    let mut cursor = Cursor::new(&program, Some(rounds));
    std::iter::from_fn(|| cursor.advance(&program)).collect()
}

fn steps(turns: &[Turn], line: usize) -> Vec<i64> {
    let times: Vec<i64> = turns
        .iter()
        .filter(|turn| turn.line == line)
        .map(|turn| turn.pts)
        .collect();
    times.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

#[test]
fn pictures_wrap_without_a_gap() {
    let turns = turns(&[video(50)], 4);
    assert_eq!(turns.len(), 200);
    assert!(steps(&turns, 0).iter().all(|step| *step == 3600));
    assert!(turns.windows(2).all(|pair| pair[0].send_at < pair[1].send_at));
    assert_eq!((turns[50].round, turns[50].sample), (1, 0));
}

#[test]
fn sound_stays_gapless_and_within_half_a_frame_of_the_pictures() {
    // Two seconds of video are 93.75 sound frames; encoders write one fewer or some more, primed or not.
    for (count, first) in [(93, 0), (94, 0), (95, 0), (95, -1024), (100, 0)] {
        let rounds = 50;
        let turns = turns(&[video(50), audio(count, first)], rounds);
        assert!(
            steps(&turns, 1).iter().all(|step| *step == 1024),
            "{count} {first}"
        );
        for round in 0..rounds {
            let start = turns
                .iter()
                .find(|turn| turn.line == 1 && turn.round == round)
                .unwrap();
            let wanted = i64::try_from(round).unwrap() * 96_000;
            assert!(
                (start.pts - wanted).abs() <= 512,
                "{count} {first}: {} {wanted}",
                start.pts
            );
        }
    }
}

#[test]
fn a_last_sound_frame_that_the_container_cut_is_played_whole() {
    let mut samples: Vec<_> = (0..94).map(|n| (n * 1024, n * 1024, 1024)).collect();
    samples[93].2 = 768;
    let turns = turns(&[video(50), track(TrackKind::Audio, 48_000, &samples)], 20);
    assert!(steps(&turns, 1).iter().all(|step| *step == 1024));
}

#[test]
fn a_sound_track_that_ends_early_keeps_its_silence() {
    let turns = turns(&[video(50), audio(40, 0)], 3);
    assert_eq!(turns.iter().filter(|turn| turn.line == 1).count(), 120);
    assert_eq!(steps(&turns, 1).iter().filter(|step| **step != 1024).count(), 2);
}

#[test]
fn reordered_pictures_are_sent_in_decoding_order_after_their_capture() {
    // I P B B, shown as I B B P, decoded two frames ahead.
    let shape = [(0, -2), (3, -1), (1, 0), (2, 1)];
    let samples: Vec<_> = (0..3_i64)
        .flat_map(|group| shape.map(|(pts, dts)| ((pts + 4 * group) * 3600, (dts + 4 * group) * 3600, 3600)))
        .collect();
    let tracks = [track(TrackKind::Video, 90_000, &samples)];
    let program = Program::of_tracks(&tracks);
    let turns = turns(&tracks, 3);
    assert!(
        turns
            .windows(2)
            .all(|pair| pair[1].send_at - pair[0].send_at == Duration::from_millis(40))
    );
    for turn in &turns {
        let pts_nanos = i128::from(turn.pts) * NANOS / 90_000;
        assert!(pts_nanos <= program.captured_nanos(turn.send_at), "{turn:?}");
    }
    let mut shown: Vec<i64> = turns.iter().map(|turn| turn.pts).collect();
    shown.sort_unstable();
    assert!(shown.iter().zip(0..).all(|(pts, n)| *pts == n * 3600));
}

#[test]
fn a_file_that_starts_late_starts_at_zero() {
    let late: Vec<_> = (0..10)
        .map(|n| (90_000 + n * 3600, 90_000 + n * 3600, 3600))
        .collect();
    let turns = turns(&[track(TrackKind::Video, 90_000, &late), audio(30, 48_000)], 1);
    assert_eq!(turns[0].send_at, Duration::ZERO);
    assert_eq!(turns.iter().map(|turn| turn.pts).min(), Some(0));
}

#[test]
fn sound_alone_loops_too() {
    let turns = turns(&[audio(10, 0)], 3);
    assert_eq!(turns.len(), 30);
    assert!(steps(&turns, 0).iter().all(|step| *step == 1024));
}

#[test]
fn a_loop_shorter_than_a_sound_frame_comes_to_an_end() {
    let tiny = track(TrackKind::Video, 90_000, &[(0, 0, 1)]);
    let turns = turns(&[tiny, audio(2, 0)], 3);
    assert_eq!(turns.iter().filter(|turn| turn.line == 0).count(), 3);
}
