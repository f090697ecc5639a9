//! Where only a part of the picture is watched.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

mod scene;

use motion_core::{MotionDetector, Region, Sensitivity, TICKS_PER_SECOND};
use scene::{HEIGHT, Noise, Thing, WIDTH, bytes, yard};

const RATE: f32 = 10.0;

/// What is found in a yard under noise, by the second.
fn find(
    watched: impl Fn(f32, f32) -> bool,
    seconds: f32,
    draw: impl Fn(f32, &mut [f32]),
) -> Vec<(f32, Vec<Region>)> {
    let mut detector = MotionDetector::new(WIDTH, HEIGHT, Sensitivity::Medium).unwrap();
    detector.watch(watched);
    let (yard, mut noise) = (yard(1), Noise::new(3.0, 7));
    let frames = (seconds * RATE) as usize;
    (0..frames)
        .map(|frame| {
            let second = frame as f32 / RATE;
            let mut picture = yard.clone();
            draw(second, &mut picture);
            noise.add(&mut picture);
            let time = (second * TICKS_PER_SECOND as f32) as u64;
            (second, detector.detect(time, &bytes(&picture)).unwrap())
        })
        .filter(|(_, regions)| !regions.is_empty())
        .collect()
}

/// Goes from left to right at this height, from the third second on: 40 pixels a second.
fn passing(y: f32) -> impl Fn(f32, &mut [f32]) {
    move |second, picture| {
        let thing = Thing {
            x: (second - 3.0) * 40.0,
            y,
            w: 14.0,
            h: 24.0,
            value: 220.0,
            solid: true,
        };
        if second >= 3.0 {
            thing.draw(picture);
        }
    }
}

#[test]
fn what_moves_beyond_what_is_watched_is_not_reported_and_what_moves_within_is() {
    let left = |x: f32, _: f32| x < 0.5;
    let found = find(left, 11.0, passing(100.0));
    // It crosses the middle at 7 s; its trace may last for as long as motion does.
    assert!(
        found.first().is_some_and(|(second, _)| *second < 4.0),
        "{found:?}"
    );
    assert!(found.last().is_some_and(|(second, _)| *second < 8.5), "{found:?}");
    let beyond = found.iter().flat_map(|(_, regions)| regions);
    assert!(beyond.clone().count() > 10);
    for region in beyond {
        assert!(region.left + region.width <= 0.5, "{region:?}");
    }
}

#[test]
fn a_mask_need_not_follow_cells() {
    // The thing passes from line 99 to 122; what is above 125 is masked, in the middle of a cell.
    let below = |_: f32, y: f32| y > 125.0 / HEIGHT as f32;
    assert!(find(below, 11.0, passing(99.0)).is_empty());
    assert!(!find(below, 11.0, passing(112.0)).is_empty());
}

#[test]
fn light_is_told_from_motion_though_little_is_watched() {
    let corner = |x: f32, y: f32| x > 0.7 && y > 0.7;
    let switched = |second: f32, picture: &mut [f32]| {
        if second >= 4.0 {
            for value in picture {
                *value *= 1.25;
            }
        }
    };
    let found = find(corner, 10.0, switched);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn who_watches_everything_sees_what_he_would_see_without_asking() {
    let all = find(|_, _| true, 9.0, passing(100.0));
    let mut detector = MotionDetector::new(WIDTH, HEIGHT, Sensitivity::Medium).unwrap();
    let (yard, mut noise) = (yard(1), Noise::new(3.0, 7));
    let mut found = Vec::new();
    for frame in 0..90 {
        let second = frame as f32 / RATE;
        let mut picture = yard.clone();
        passing(100.0)(second, &mut picture);
        noise.add(&mut picture);
        let time = (second * TICKS_PER_SECOND as f32) as u64;
        let regions = detector.detect(time, &bytes(&picture)).unwrap();
        if !regions.is_empty() {
            found.push((second, regions));
        }
    }
    assert!(found.len() > 20);
    assert_eq!(found, all);
}

#[test]
fn who_watches_nothing_sees_nothing() {
    assert!(find(|_, _| false, 8.0, passing(100.0)).is_empty());
}
