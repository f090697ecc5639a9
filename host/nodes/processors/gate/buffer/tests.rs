//! The buffer, example by example.

use super::*;
use crate::nodes::testing::{at, unit};

/// A camera with a key frame each 2 s and 10 units a second.
fn camera(from: f64, seconds: f64) -> Vec<AccessUnit> {
    let count = (seconds * 10.0).round() as u32;
    (0..count)
        .map(|n| unit(from + f64::from(n) / 10.0, n % 20 == 0))
        .collect()
}

#[derive(Debug, PartialEq)]
struct Clip {
    first: MediaTime,
    last: MediaTime,
    units: usize,
    ended: bool,
}

fn clips(items: &[MediaItem]) -> Vec<Clip> {
    let mut clips: Vec<(RecordingId, Clip)> = Vec::new();
    for item in items {
        match item {
            MediaItem::Begin { recording, .. } => clips.push((
                *recording,
                Clip {
                    first: MediaTime::MAX,
                    last: MediaTime::MIN,
                    units: 0,
                    ended: false,
                },
            )),
            MediaItem::Unit { recording, unit } => {
                let (_, clip) = clips.iter_mut().find(|(id, _)| id == recording).expect("begun");
                assert!(
                    clip.units > 0 || unit.random_access,
                    "a clip begins with a key frame"
                );
                clip.first = clip.first.min(unit.time);
                clip.last = clip.last.max(unit.time);
                clip.units += 1;
            }
            MediaItem::End { recording } => {
                clips
                    .iter_mut()
                    .find(|(id, _)| id == recording)
                    .expect("begun")
                    .1
                    .ended = true;
            }
            MediaItem::Lost => {}
        }
    }
    clips.into_iter().map(|(_, clip)| clip).collect()
}

fn play(buffer: &mut Buffer, units: Vec<AccessUnit>, out: &mut Vec<MediaItem>) {
    for unit in units {
        buffer.unit(Arc::new(unit));
        buffer.release(buffer.reached(), out);
    }
}

#[test]
fn a_span_in_the_past_begins_at_the_key_frame_before_it() {
    let (mut buffer, mut out) = (Buffer::new(Ticks::from_secs(5)), Vec::new());
    play(&mut buffer, camera(0.0, 10.0), &mut out);
    buffer.open(1, at(5.1), at(12.0));
    play(&mut buffer, camera(10.0, 5.0), &mut out);
    assert_eq!(
        clips(&out),
        [Clip {
            first: at(4.0),
            last: at(11.9),
            units: 80,
            ended: true
        }]
    );
}

#[test]
fn a_span_in_the_future_waits_for_its_start() {
    let (mut buffer, mut out) = (Buffer::new(Ticks::ZERO), Vec::new());
    buffer.open(1, at(3.0), at(4.0));
    let mut units = camera(0.0, 5.0);
    let rest = units.split_off(29);
    play(&mut buffer, units, &mut out);
    assert_eq!(clips(&out), []);
    play(&mut buffer, rest, &mut out);
    assert_eq!(
        clips(&out),
        [Clip {
            first: at(2.0),
            last: at(3.9),
            units: 20,
            ended: true
        }]
    );
}

#[test]
fn prolonging_before_the_end_leaves_no_hole() {
    let (mut buffer, mut out) = (Buffer::new(Ticks::ZERO), Vec::new());
    play(&mut buffer, camera(0.0, 2.0), &mut out);
    buffer.open(7, at(1.0), at(3.0));
    play(&mut buffer, camera(2.0, 0.9), &mut out);
    buffer.open(7, at(1.0), at(6.0));
    play(&mut buffer, camera(2.9, 5.0), &mut out);
    assert_eq!(
        clips(&out),
        [Clip {
            first: at(0.0),
            last: at(5.9),
            units: 60,
            ended: true
        }]
    );
}

#[test]
fn overlapping_activations_each_get_all_of_their_media() {
    let (mut buffer, mut out) = (Buffer::new(Ticks::from_secs(4)), Vec::new());
    play(&mut buffer, camera(0.0, 6.0), &mut out);
    buffer.open(1, at(4.0), at(8.0));
    buffer.open(2, at(6.0), at(9.0));
    play(&mut buffer, camera(6.0, 4.0), &mut out);
    let clips = clips(&out);
    assert_eq!((clips[0].first, clips[0].last), (at(4.0), at(7.9)));
    assert_eq!((clips[1].first, clips[1].last), (at(6.0), at(8.9)));
    assert!(clips.iter().all(|clip| clip.ended));
}

#[test]
fn closing_early_ends_the_clip_there() {
    let (mut buffer, mut out) = (Buffer::new(Ticks::ZERO), Vec::new());
    play(&mut buffer, camera(0.0, 1.0), &mut out);
    buffer.open(1, at(0.5), MediaTime::MAX);
    play(&mut buffer, camera(1.0, 1.0), &mut out);
    buffer.close(1, at(2.5));
    play(&mut buffer, camera(2.0, 2.0), &mut out);
    assert_eq!(
        clips(&out),
        [Clip {
            first: at(0.0),
            last: at(2.4),
            units: 25,
            ended: true
        }]
    );
}

#[test]
fn a_lost_camera_ends_the_clip_and_its_return_within_the_span_begins_another() {
    let (mut buffer, mut out) = (Buffer::new(Ticks::ZERO), Vec::new());
    play(&mut buffer, camera(0.0, 1.0), &mut out);
    buffer.open(1, at(0.0), at(10.0));
    play(&mut buffer, camera(1.0, 1.0), &mut out);
    buffer.lost(&mut out);
    let mut back = camera(5.0, 7.0);
    back[0].discontinuity = true;
    play(&mut buffer, back, &mut out);
    assert_eq!(
        clips(&out),
        [
            Clip {
                first: at(0.0),
                last: at(1.9),
                units: 20,
                ended: true
            },
            Clip {
                first: at(5.0),
                last: at(9.9),
                units: 50,
                ended: true
            }
        ]
    );
}

#[test]
fn what_no_activation_can_reach_is_let_go() {
    let (mut buffer, mut out) = (Buffer::new(Ticks::from_secs(5)), Vec::new());
    play(&mut buffer, camera(0.0, 600.0), &mut out);
    assert!(buffer.units.len() <= 80, "{} units held", buffer.units.len());
    assert_eq!(buffer.overflowed(), 0);
}

#[test]
fn a_gate_that_is_never_released_holds_no_more_than_its_bound() {
    let mut buffer = Buffer::new(Ticks::from_secs(5));
    for n in 0..100 {
        let data = vec![0; MAX_HELD_BYTES / 50 - 256].into();
        buffer.unit(Arc::new(AccessUnit {
            data,
            ..unit(f64::from(n), true)
        }));
    }
    assert!(buffer.bytes <= MAX_HELD_BYTES);
    assert_eq!(buffer.overflowed(), 50);
}

#[test]
fn b_frames_are_not_cut_off_from_what_they_refer_to() {
    let (mut buffer, mut out) = (Buffer::new(Ticks::ZERO), Vec::new());
    // Decoding order I0 P3 B1 B2 P6 B4 B5 ..., in tenths of a second.
    let mut order = vec![0_u32];
    for n in 0..20 {
        order.extend([n * 3 + 3, n * 3 + 1, n * 3 + 2]);
    }
    buffer.open(1, at(0.0), at(2.0));
    play(
        &mut buffer,
        order
            .iter()
            .map(|n| unit(f64::from(*n) / 10.0, *n == 0))
            .collect(),
        &mut out,
    );
    let sent: Vec<MediaTime> = out
        .iter()
        .filter_map(|item| match item {
            MediaItem::Unit { unit, .. } => Some(unit.time),
            _ => None,
        })
        .collect();
    let expected: Vec<MediaTime> = order.iter().take(19).map(|n| at(f64::from(*n) / 10.0)).collect();
    assert_eq!(sent, expected);
}

#[test]
fn an_end_that_moves_before_it_is_final_leaves_no_hole_whatever_came_beyond_it() {
    let (mut buffer, mut out) = (Buffer::new(Ticks::ZERO), Vec::new());
    buffer.open(1, at(0.0), at(1.0));
    for unit in camera(0.0, 2.0) {
        buffer.unit(Arc::new(unit));
    }
    // All is known up to just before the end; the picture of that very moment has come already.
    buffer.release(at(0.95), &mut out);
    buffer.open(1, at(0.0), at(2.0));
    buffer.release(at(2.0), &mut out);
    assert_eq!(
        clips(&out),
        [Clip {
            first: at(0.0),
            last: at(1.9),
            units: 20,
            ended: true
        }]
    );
}

#[test]
fn what_a_recording_lost_to_the_bound_is_counted_and_it_goes_on_at_a_key_frame() {
    let (mut buffer, mut out) = (Buffer::new(Ticks::ZERO), Vec::new());
    let big = |mut unit: AccessUnit| {
        unit.data = vec![0; MAX_HELD_BYTES / 30 - 256].into();
        Arc::new(unit)
    };
    buffer.open(1, at(0.0), MediaTime::MAX);
    buffer.unit(big(unit(0.0, true)));
    buffer.release(at(0.0), &mut out);
    // Key frames at 0 and 2 s; 45 units of which 30 are held, so 1 to 14 are gone and 15 to 19 are of no use.
    for unit in camera(0.0, 4.5).into_iter().skip(1) {
        buffer.unit(big(unit));
    }
    buffer.release(at(4.5), &mut out);
    let units: Vec<_> = out
        .iter()
        .filter_map(|item| match item {
            MediaItem::Unit { unit, .. } => Some(unit),
            _ => None,
        })
        .collect();
    assert_eq!(units.len(), 1 + 25);
    assert!(units[1].random_access && units[1].discontinuity && units[1].time == at(2.0));
    assert_eq!(buffer.take_missed(), 19);
}

#[test]
fn a_component_that_opens_without_end_has_no_more_than_so_many_open() {
    let (mut buffer, mut out) = (Buffer::new(Ticks::ZERO), Vec::new());
    play(&mut buffer, camera(0.0, 1.0), &mut out);
    for id in 0..1_000 {
        buffer.open(id, at(0.5), MediaTime::MAX);
        buffer.release(at(0.9), &mut out);
        assert!(buffer.open.len() <= MAX_OPEN && buffer.ended.len() <= MAX_OPEN);
    }
    buffer.lost(&mut out);
    assert!(clips(&out).iter().all(|clip| clip.ended));
}

#[test]
fn what_a_crashed_component_opened_ends_and_is_not_mistaken_for_what_the_next_one_opens() {
    let (mut buffer, mut out) = (Buffer::new(Ticks::ZERO), Vec::new());
    play(&mut buffer, camera(0.0, 1.0), &mut out);
    buffer.open(1, at(0.0), MediaTime::MAX);
    buffer.release(at(0.9), &mut out);
    buffer.orphan(at(0.9));
    buffer.open(1, at(1.0), at(2.0));
    play(&mut buffer, camera(1.0, 150.0), &mut out);
    let clips = clips(&out);
    assert_eq!(clips.len(), 2);
    assert!(clips.iter().all(|clip| clip.ended));
    assert_eq!((clips[0].last, clips[1].last), (at(120.8), at(1.9)));
}

#[test]
fn a_clock_that_was_set_back_begins_a_new_timeline() {
    let (mut buffer, mut out) = (Buffer::new(Ticks::from_secs(5)), Vec::new());
    play(&mut buffer, camera(3_600.0, 10.0), &mut out);
    buffer.open(1, at(3_605.0), at(3_700.0));
    let mut earlier = camera(0.0, 10.0);
    earlier[0].discontinuity = true;
    assert!(buffer.goes_back(&earlier[0]) && !buffer.goes_back(&earlier[1]));
    buffer.lost(&mut out);
    buffer.restart();
    play(&mut buffer, earlier, &mut out);
    assert_eq!(buffer.reached(), at(9.9));
    buffer.open(1, at(8.0), at(9.0));
    buffer.release(at(9.9), &mut out);
    let clips = clips(&out);
    assert_eq!((clips[0].first, clips[0].last), (at(3_604.0), at(3_609.9)));
    assert_eq!(
        (clips[1].first, clips[1].last, clips[1].ended),
        (at(8.0), at(8.9), true)
    );
}

#[test]
fn what_a_camera_brought_before_it_was_lost_is_there_for_those_who_look_at_it_late() {
    let (mut buffer, mut out) = (Buffer::new(Ticks::ZERO), Vec::new());
    play(&mut buffer, camera(0.0, 3.0), &mut out);
    // Decoding order as with B-frames: only that nothing more comes tells that this one is the last.
    buffer.unit(Arc::new(unit(3.1, false)));
    buffer.unit(Arc::new(unit(3.0, false)));
    assert_eq!(buffer.reached(), at(2.9));
    buffer.gone();
    assert_eq!(buffer.reached(), at(3.1));
    // A detector finds something in the last pictures only now.
    buffer.open(1, at(2.5), at(9.0));
    buffer.lost(&mut out);
    assert!(!buffer.is_gone());
    assert_eq!(
        clips(&out),
        [Clip {
            first: at(2.0),
            last: at(3.1),
            units: 12,
            ended: true
        }]
    );
}
