//! What must not be taken for motion.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

mod scene;

use motion_core::Sensitivity;
use scene::{HEIGHT, Noise, Random, Thing, WIDTH, watch, yard};

const TEN_MINUTES: f32 = 600.0;
const ALL: [Sensitivity; 3] = [Sensitivity::Low, Sensitivity::Medium, Sensitivity::High];

fn assert_quiet(name: &str, report: &scene::Report) {
    let first = report.events.first();
    assert!(
        first.is_none(),
        "{name}: {} events, the first {first:?}",
        report.events.len()
    );
}

#[test]
fn ten_minutes_of_sensor_noise_give_no_event() {
    for sensitivity in ALL {
        let (yard, mut noise) = (yard(1), Noise::new(4.0, 2));
        let report = watch(sensitivity, 10.0, TEN_MINUTES, |_, picture| {
            picture.extend_from_slice(&yard);
            noise.add(picture);
        });
        assert_quiet("noise", &report);
    }
}

#[test]
fn noise_that_hangs_on_from_frame_to_frame_gives_no_event() {
    let (yard, mut noise) = (yard(1), Noise::new(1.0, 3));
    let mut state = vec![0.0_f32; WIDTH * HEIGHT];
    let report = watch(Sensitivity::Medium, 10.0, TEN_MINUTES, |_, picture| {
        let mut fresh = vec![0.0; WIDTH * HEIGHT];
        noise.add(&mut fresh);
        for (state, fresh) in state.iter_mut().zip(&fresh) {
            // AR(1) with a deviation of 4.
            *state = 0.8 * *state + 0.6 * 4.0 * fresh;
        }
        picture.extend(yard.iter().zip(&state).map(|(yard, noise)| yard + noise));
    });
    assert_quiet("correlated noise", &report);
}

#[test]
fn blocks_that_jump_at_every_keyframe_give_no_event() {
    let yard = yard(1);
    for rate in [5.0, 12.5, 25.0] {
        let (mut random, mut noise) = (Random::new(5), Noise::new(1.5, 6));
        let mut blocks = vec![0.0_f32; WIDTH / 8 * HEIGHT.div_ceil(8)];
        let (mut gop, mut whole) = (-1.0, 0.0);
        let report = watch(Sensitivity::Medium, rate, TEN_MINUTES, |at, picture| {
            if (at / 2.0).floor() != gop {
                gop = (at / 2.0).floor();
                whole = random.between(-2.0, 2.0);
                blocks
                    .iter_mut()
                    .for_each(|block| *block = random.between(-6.0, 6.0).round());
            }
            // What a keyframe has changed is refined away until the next.
            let left = 1.0 - (at / 2.0 - gop) * 0.8;
            for (index, value) in yard.iter().enumerate() {
                let block = index / WIDTH / 8 * (WIDTH / 8) + index % WIDTH / 8;
                picture.push(value + whole + blocks[block] * left);
            }
            noise.add(picture);
        });
        assert_quiet("keyframes", &report);
    }
}

#[test]
fn light_that_swings_slowly_gives_no_event() {
    for sensitivity in [Sensitivity::Low, Sensitivity::Medium] {
        let (yard, mut noise) = (yard(1), Noise::new(2.0, 7));
        let report = watch(sensitivity, 10.0, TEN_MINUTES, |at, picture| {
            let gain = 0.75 + 0.25 * (at * std::f32::consts::TAU / 60.0).sin();
            picture.extend(yard.iter().map(|value| value * gain));
            noise.add(picture);
        });
        assert_quiet("swinging light", &report);
    }
}

#[test]
fn dusk_and_dawn_give_no_event() {
    let (yard, mut noise) = (yard(1), Noise::new(4.0, 8));
    let report = watch(Sensitivity::Medium, 10.0, TEN_MINUTES, |at, picture| {
        let gain = 0.2 + 0.8 * (at / 300.0 - 1.0).abs();
        picture.extend(yard.iter().map(|value| value * gain + 10.0 * (1.0 - gain)));
        noise.add(picture);
    });
    assert_quiet("dusk", &report);
}

#[test]
fn steps_of_the_exposure_give_no_event() {
    let (yard, mut noise) = (yard(1), Noise::new(3.0, 9));
    let report = watch(Sensitivity::Medium, 15.0, 120.0, |at, picture| {
        let gain = if ((at / 10.0) as u32).is_multiple_of(2) {
            1.0
        } else {
            0.7
        };
        picture.extend(yard.iter().map(|value| value * gain));
        noise.add(picture);
    });
    assert_quiet("exposure", &report);
}

#[test]
fn the_light_of_a_room_going_on_and_off_is_no_motion() {
    let (yard, mut noise) = (yard(1), Noise::new(3.0, 10));
    let report = watch(Sensitivity::Medium, 10.0, 60.0, |at, picture| {
        let on = (at / 15.0) as u32 % 2 == 1;
        // Not a mere gain: a lamp on the left casts its own shading and saturates what is near.
        picture.extend(yard.iter().enumerate().map(|(index, value)| {
            let x = (index % WIDTH) as f32;
            if on {
                value * 0.6 + 160.0 * (1.0 - x / 400.0)
            } else {
                value * 0.3
            }
        }));
        noise.add(picture);
    });
    assert_quiet("room light", &report);
}

#[test]
fn a_lamp_in_a_part_of_the_picture_is_one_event_at_most_each_time() {
    let (yard, mut noise) = (yard(1), Noise::new(3.0, 11));
    let report = watch(Sensitivity::Medium, 10.0, 65.0, |at, picture| {
        let on = (20.0..40.0).contains(&at);
        picture.extend(yard.iter().enumerate().map(|(index, value)| {
            let (x, y) = ((index % WIDTH) as f32 - 200.0, (index / WIDTH) as f32 - 120.0);
            let glow = 90.0 * (-(x * x + y * y) / 2500.0).exp();
            value + if on { glow } else { 0.0 }
        }));
        noise.add(picture);
    });
    assert!(report.episodes() <= 2, "{:?}", report.events);
    assert_eq!(
        report.between(24.0, 40.0) + report.between(44.0, 65.0),
        0,
        "{:?}",
        report.events
    );
}

#[test]
fn rain_gives_no_event() {
    for rate in [5.0, 10.0, 30.0] {
        let (yard, mut noise, mut random) = (yard(1), Noise::new(3.0, 12), Random::new(13));
        let report = watch(Sensitivity::Medium, rate, 120.0, |_, picture| {
            picture.extend_from_slice(&yard);
            noise.add(picture);
            for _ in 0..60 {
                let (x, y) = (random.between(0.0, 320.0), random.between(-6.0, 180.0));
                let streak = Thing {
                    x,
                    y,
                    w: 1.0,
                    h: random.between(3.0, 8.0),
                    value: 60.0,
                    solid: false,
                };
                streak.draw(picture);
            }
        });
        assert_quiet("rain", &report);
    }
}

#[test]
fn a_camera_that_trembles_by_a_pixel_gives_no_event() {
    let (yard, mut noise, mut random) = (yard(1), Noise::new(3.0, 14), Random::new(15));
    let report = watch(Sensitivity::Medium, 15.0, 120.0, |_, picture| {
        let (dx, dy) = (random.bits() as usize % 3, random.bits() as usize % 3);
        for y in 0..HEIGHT {
            let line = (y + dy).saturating_sub(1).min(HEIGHT - 1);
            picture
                .extend((0..WIDTH).map(|x| yard[line * WIDTH + (x + dx).saturating_sub(1).min(WIDTH - 1)]));
        }
        noise.add(picture);
    });
    assert_quiet("trembling", &report);
}

#[test]
fn leaves_in_the_wind_fall_silent_after_a_while() {
    let (yard, mut noise, mut random) = (yard(1), Noise::new(2.0, 16), Random::new(17));
    let report = watch(Sensitivity::Medium, 10.0, 180.0, |_, picture| {
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
        noise.add(picture);
    });
    assert_eq!(report.between(60.0, 180.0), 0, "{:?}", report.events.last());
}
