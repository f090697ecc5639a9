//! What must be taken for motion, and when it must end.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

mod scene;

use motion_core::{Error, MotionDetector, Sensitivity};
use scene::{HEIGHT, Noise, Random, Report, Thing, WIDTH, watch, yard};

const ENTERS: f32 = 6.0;
const SOON: f32 = 0.5;

/// A thing that is drawn from [`ENTERS`] on, over a noisy yard.
fn with_thing(
    sensitivity: Sensitivity,
    rate: f32,
    seconds: f32,
    sigma: f32,
    thing: impl Fn(f32) -> Option<Thing>,
) -> Report {
    let (yard, mut noise) = (yard(1), Noise::new(sigma, 21));
    watch(sensitivity, rate, seconds, |at, picture| {
        picture.extend_from_slice(&yard);
        if let Some(thing) = (at >= ENTERS).then(|| thing(at - ENTERS)).flatten() {
            thing.draw(picture);
        }
        noise.add(picture);
    })
}

fn assert_seen_soon(report: &Report, what: &str) {
    assert_eq!(report.between(0.0, ENTERS), 0, "{what}: seen before it was there");
    let seen = report.first_after(ENTERS);
    assert!(
        seen.is_some_and(|at| at - ENTERS <= SOON),
        "{what}: seen at {seen:?}"
    );
}

#[test]
fn a_tenth_of_the_pictures_height_is_seen_within_half_a_second_at_every_rate_and_contrast() {
    let mut random = Random::new(31);
    for rate in [5.0, 8.0, 12.5, 15.0, 25.0, 30.0] {
        for value in [25.0, -25.0, 60.0] {
            for _ in 0..6 {
                let (x, y) = (random.between(10.0, 250.0), random.between(4.0, 155.0));
                let speed = random.between(-60.0, 60.0);
                let thing = |t: f32| {
                    Some(Thing {
                        x: x + speed * t,
                        y,
                        w: 9.0,
                        h: 18.0,
                        value,
                        solid: false,
                    })
                };
                let report = with_thing(Sensitivity::Medium, rate, ENTERS + 1.0, 4.0, thing);
                assert_seen_soon(
                    &report,
                    &format!("{rate} fps, {value} levels, at {x},{y} with {speed} px/s"),
                );
            }
        }
    }
}

#[test]
fn the_region_lies_on_the_thing_and_hardly_beyond() {
    let thing = |t: f32| Thing {
        x: 60.0 + 40.0 * t,
        y: 110.0,
        w: 16.0,
        h: 30.0,
        value: 60.0,
        solid: false,
    };
    let report = with_thing(Sensitivity::Medium, 10.0, ENTERS + 4.0, 3.0, |t| Some(thing(t)));
    assert!(report.events.len() > 30, "{} events", report.events.len());
    for (at, regions) in &report.events {
        let real = thing(at - ENTERS);
        assert_eq!(regions.len(), 1, "at {at}: {regions:?}");
        let region = regions[0];
        assert!(real.covers(&region), "at {at}: {region:?} for {real:?}");
        let (w, h) = (region.width * WIDTH as f32, region.height * HEIGHT as f32);
        assert!(
            (12.0..=24.0).contains(&w) && (26.0..=38.0).contains(&h),
            "at {at}: {w} x {h}"
        );
    }
}

#[test]
fn something_that_crosses_at_great_speed_is_seen() {
    for rate in [5.0, 10.0, 30.0] {
        let thing = |t: f32| {
            Some(Thing {
                x: -40.0 + 300.0 * t,
                y: 100.0,
                w: 40.0,
                h: 24.0,
                value: 40.0,
                solid: false,
            })
        };
        let report = with_thing(Sensitivity::Medium, rate, ENTERS + 2.0, 4.0, thing);
        // It is wholly inside after 0.13 s and gone after 1.2 s.
        assert_seen_soon(&report, &format!("{rate} fps"));
    }
}

#[test]
fn something_that_creeps_is_seen_all_along() {
    let thing = |t: f32| {
        Some(Thing {
            x: 20.0 + 2.5 * t,
            y: 100.0,
            w: 24.0,
            h: 30.0,
            value: 35.0,
            solid: false,
        })
    };
    let report = with_thing(Sensitivity::Medium, 10.0, ENTERS + 60.0, 4.0, thing);
    for second in 1..60 {
        let from = ENTERS + second as f32 - 1.0;
        assert!(
            report.between(from, from + 2.0) > 0,
            "nothing between {from} and {}",
            from + 2.0
        );
    }
}

#[test]
fn something_that_stops_falls_silent_and_is_seen_when_it_goes_on() {
    let place = |t: f32| {
        30.0 + 40.0
            * if t < 2.0 {
                t
            } else if t < 22.0 {
                2.0
            } else {
                t - 20.0
            }
    };
    let thing = |t: f32| {
        Some(Thing {
            x: place(t),
            y: 100.0,
            w: 30.0,
            h: 24.0,
            value: 90.0,
            solid: true,
        })
    };
    let report = with_thing(Sensitivity::Medium, 10.0, ENTERS + 24.0, 4.0, thing);
    assert_seen_soon(&report, "arriving");
    assert_eq!(report.between(ENTERS + 4.0, ENTERS + 22.0), 0, "it stands");
    let again = report.first_after(ENTERS + 22.0);
    assert!(
        again.is_some_and(|at| at - ENTERS - 22.0 <= SOON),
        "seen again at {again:?}"
    );
}

#[test]
fn what_has_always_stood_there_leaves_no_ghost_when_it_goes() {
    let (yard, mut noise) = (yard(1), Noise::new(4.0, 22));
    let report = watch(Sensitivity::Medium, 10.0, 40.0, |at, picture| {
        picture.extend_from_slice(&yard);
        let x = 100.0 + (at - 20.0).max(0.0) * 80.0;
        Thing {
            x,
            y: 100.0,
            w: 40.0,
            h: 24.0,
            value: 200.0,
            solid: true,
        }
        .draw(picture);
        noise.add(picture);
    });
    assert_eq!(report.between(0.0, 20.0), 0);
    let seen = report.first_after(20.0);
    assert!(seen.is_some_and(|at| at <= 20.5), "seen at {seen:?}");
    // It is out of the picture at 22.75 s; the place where it stood is silent soon after.
    assert_eq!(report.between(24.0, 40.0), 0, "{:?}", report.events.last());
}

#[test]
fn motion_is_seen_while_the_light_changes() {
    let (yard, mut noise) = (yard(1), Noise::new(3.0, 23));
    let report = watch(Sensitivity::Medium, 10.0, ENTERS + 2.0, |at, picture| {
        let gain = 1.0 - 0.03 * at;
        picture.extend(yard.iter().map(|value| value * gain));
        if at >= ENTERS {
            let x = 150.0 + 30.0 * (at - ENTERS);
            Thing {
                x,
                y: 110.0,
                w: 10.0,
                h: 20.0,
                value: 30.0,
                solid: false,
            }
            .draw(picture);
        }
        noise.add(picture);
    });
    assert_seen_soon(&report, "in changing light");
}

#[test]
fn motion_is_seen_beside_leaves_in_the_wind() {
    let (yard, mut noise, mut random) = (yard(1), Noise::new(2.0, 24), Random::new(25));
    let report = watch(Sensitivity::Medium, 10.0, 64.0, |at, picture| {
        picture.extend_from_slice(&yard);
        for y in (120..160).step_by(5) {
            for x in (200..240).step_by(5) {
                let value = random.between(-20.0, 20.0);
                Thing {
                    x: x as f32,
                    y: y as f32,
                    w: 5.0,
                    h: 5.0,
                    value,
                    solid: false,
                }
                .draw(picture);
            }
        }
        if at >= 60.0 {
            Thing {
                x: 60.0 + 30.0 * (at - 60.0),
                y: 120.0,
                w: 10.0,
                h: 20.0,
                value: 30.0,
                solid: false,
            }
            .draw(picture);
        }
        noise.add(picture);
    });
    let seen = report.first_after(60.0);
    assert!(seen.is_some_and(|at| at <= 60.5), "seen at {seen:?}");
}

#[test]
fn two_things_far_apart_are_two_regions() {
    let (yard, mut noise) = (yard(1), Noise::new(3.0, 26));
    let report = watch(Sensitivity::Medium, 10.0, ENTERS + 2.0, |at, picture| {
        picture.extend_from_slice(&yard);
        if at >= ENTERS {
            for x in [140.0, 280.0] {
                let x = x + 10.0 * (at - ENTERS);
                Thing {
                    x,
                    y: 110.0,
                    w: 12.0,
                    h: 24.0,
                    value: 50.0,
                    solid: false,
                }
                .draw(picture);
            }
        }
        noise.add(picture);
    });
    let two = report
        .events
        .iter()
        .filter(|(_, regions)| regions.len() == 2)
        .count();
    assert!(
        two * 10 >= report.events.len() * 9 && two > 10,
        "{two} of {}",
        report.events.len()
    );
}

#[test]
fn sensitivity_decides_what_is_large_and_clear_enough() {
    use Sensitivity::{High, Low, Medium};
    let seen = |sensitivity, w: f32, h: f32, value: f32| {
        let thing = |t: f32| {
            Some(Thing {
                x: 150.0 + 20.0 * t,
                y: 110.0,
                w,
                h,
                value,
                solid: false,
            })
        };
        with_thing(sensitivity, 10.0, ENTERS + 3.0, 1.0, thing)
            .events
            .len()
            > 10
    };
    for (what, w, h, value, low, medium, high) in [
        ("a car", 40.0, 20.0, 60.0, true, true, true),
        ("a person far away", 9.0, 18.0, 60.0, false, true, true),
        ("a cat", 7.0, 5.0, 60.0, false, false, true),
        ("a faint car", 40.0, 20.0, 14.0, false, true, true),
        ("a very faint car", 40.0, 20.0, 8.5, false, false, true),
    ] {
        for (sensitivity, expected) in [(Low, low), (Medium, medium), (High, high)] {
            assert_eq!(
                seen(sensitivity, w, h, value),
                expected,
                "{what} at {sensitivity:?}"
            );
        }
    }
}

#[test]
fn frames_two_seconds_apart_still_show_a_car() {
    let thing = |t: f32| {
        (t < 3.0).then_some(Thing {
            x: 60.0 + 30.0 * t,
            y: 100.0,
            w: 40.0,
            h: 24.0,
            value: 60.0,
            solid: false,
        })
    };
    let report = with_thing(Sensitivity::Medium, 0.5, 30.0, 3.0, thing);
    assert!(
        report.first_after(ENTERS).is_some_and(|at| at < ENTERS + 4.0),
        "{:?}",
        report.events
    );
}

#[test]
fn a_frame_rate_that_varies_changes_nothing_essential() {
    let (yard, mut noise, mut random) = (yard(1), Noise::new(4.0, 27), Random::new(28));
    let mut detector = MotionDetector::new(WIDTH, HEIGHT, Sensitivity::Medium).unwrap();
    let (mut at, mut seen) = (0.0_f32, None);
    while at < 60.0 {
        let mut picture = yard.clone();
        if at >= 50.0 {
            Thing {
                x: 150.0 + 20.0 * (at - 50.0),
                y: 110.0,
                w: 10.0,
                h: 20.0,
                value: 30.0,
                solid: false,
            }
            .draw(&mut picture);
        }
        noise.add(&mut picture);
        let regions = detector
            .detect((at * 90_000.0) as u64, &scene::bytes(&picture))
            .unwrap();
        assert!(regions.is_empty() || at >= 50.0, "at {at}: {regions:?}");
        if !regions.is_empty() {
            seen.get_or_insert(at);
        }
        at += random.between(0.03, 0.2);
    }
    assert!(seen.is_some_and(|seen| seen <= 50.5), "{seen:?}");
}

#[test]
fn any_size_of_picture_works_and_boxes_stay_inside() {
    for (width, height) in [(16, 16), (17, 23), (240, 180), (321, 181)] {
        let mut detector = MotionDetector::new(width, height, Sensitivity::High).unwrap();
        let mut seen = 0;
        for frame in 0..60_u64 {
            let mut picture = vec![100_u8; width * height];
            if frame > 30 {
                // A bar that walks along the lower border into the corner.
                for y in height - height / 3..height {
                    for x in
                        (width * (frame as usize - 30) / 40)..width.min(width * (frame as usize - 24) / 40)
                    {
                        picture[y * width + x] = 200;
                    }
                }
            }
            for region in detector.detect(frame * 9000, &picture).unwrap() {
                seen += 1;
                assert!(
                    region.left >= 0.0 && region.left + region.width <= 1.0001,
                    "{region:?}"
                );
                assert!(
                    region.top >= 0.0 && region.top + region.height <= 1.0001,
                    "{region:?}"
                );
                assert!(region.width > 0.0 && region.height > 0.0, "{region:?}");
            }
        }
        assert!(seen > 10, "{width}x{height}: {seen}");
    }
}

#[test]
fn a_picture_that_does_not_fit_is_refused() {
    assert!(MotionDetector::new(8, 180, Sensitivity::Medium).is_err());
    assert!(MotionDetector::new(320, 5000, Sensitivity::Medium).is_err());
    let mut detector = MotionDetector::new(320, 180, Sensitivity::Medium).unwrap();
    assert_eq!(
        detector.detect(0, &[0; 5]),
        Err(Error::WrongLength {
            expected: 57_600,
            found: 5
        })
    );
}

#[test]
fn time_that_goes_back_or_leaps_starts_from_the_beginning() {
    let dark = vec![50_u8; WIDTH * HEIGHT];
    let mut half = dark.clone();
    half[..WIDTH * 60].fill(200);
    for later in [1_000_u64, 900_000_000_000] {
        let mut detector = MotionDetector::new(WIDTH, HEIGHT, Sensitivity::Medium).unwrap();
        for frame in 0..30 {
            assert!(
                detector
                    .detect(90_000_000 + frame * 9000, &dark)
                    .unwrap()
                    .is_empty()
            );
        }
        for frame in 0..30 {
            assert!(
                detector.detect(later + frame * 9000, &half).unwrap().is_empty(),
                "at frame {frame}"
            );
        }
    }
}
