//! Light and weather, and how they are drawn by a camera.

use super::picture::{Colour, Picture, mix};
use super::space::{Camera, Point, point};
use crate::clip::canvas::{HEIGHT, WIDTH};
use crate::clip::random::Random;

/// What the day is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weather {
    Clear,
    Overcast,
    Rain,
    Fog,
    Dusk,
    Night,
}

impl Weather {
    /// All of them.
    pub(crate) const ALL: [Self; 6] = [
        Self::Clear,
        Self::Overcast,
        Self::Rain,
        Self::Fog,
        Self::Dusk,
        Self::Night,
    ];
}

/// What the weather makes of light.
#[derive(Clone, Debug)]
pub(super) struct Light {
    pub(super) ambient: Colour,
    sun: Colour,
    pub(super) to_sun: Point,
    /// What a shadow leaves of the light on the ground.
    pub(super) shadow: f32,
    /// Share of the light that a metre of air takes away, and what it gives instead.
    fog: f32,
    fog_colour: Colour,
    pub(super) horizon: Colour,
    pub(super) zenith: Colour,
    /// Streaks of rain in a picture.
    rain: usize,
    pub(super) lamps_on: bool,
    /// The camera: how much it brightens, its noise, and how soft its lens is, 0 to 1.
    gain: f32,
    noise: f32,
    softness: f32,
}

impl Light {
    pub(super) fn new(weather: Weather, random: &mut Random) -> Self {
        let turn = random.between(0.0, std::f32::consts::TAU);
        let high = random.between(0.5, 1.2);
        let clear = Self {
            ambient: [0.52, 0.56, 0.64],
            sun: [0.62, 0.58, 0.5],
            to_sun: point(turn.cos() * high.cos(), turn.sin() * high.cos(), high.sin()),
            shadow: random.between(0.5, 0.65),
            fog: 0.0008,
            fog_colour: [190.0, 204.0, 220.0],
            horizon: [196.0, 212.0, 228.0],
            zenith: [92.0, 136.0, 196.0],
            rain: 0,
            lamps_on: false,
            gain: random.between(0.85, 1.12),
            noise: random.between(0.8, 2.4),
            softness: random.between(0.2, 0.8),
        };
        match weather {
            Weather::Clear => clear,
            Weather::Overcast => overcast(clear),
            Weather::Rain => rain(overcast(clear), random),
            Weather::Fog => fog(overcast(clear), random),
            Weather::Dusk => dusk(clear, random),
            Weather::Night => night(clear, random),
        }
    }

    /// What a face with this normal, which looks at the camera, gets of the light.
    pub(super) fn on(&self, normal: Point) -> Colour {
        let sun = normal.dot(self.to_sun).max(0.0);
        let sky = 0.8 + 0.2 * normal.z;
        let part =
            |at: usize| self.ambient.get(at).unwrap_or(&0.0) * sky + self.sun.get(at).unwrap_or(&0.0) * sun;
        [part(0), part(1), part(2)]
    }

    /// A frame as the camera gives it: red, green and blue of each pixel.
    pub(super) fn develop(&self, picture: &Picture, random: &mut Random, out: &mut Vec<u8>) {
        let mut seen: Vec<Colour> = picture
            .pixels
            .iter()
            .map(|pixel| self.through_air(pixel))
            .collect();
        self.fall(&mut seen, random);
        soften(&mut seen, self.softness);
        out.clear();
        // Grain runs on a little from a pixel to the next of its line.
        let mut grain = [0.0; 3];
        for colour in &seen {
            let (luma, tone) = (random.normal() * self.noise, random.normal() * self.noise * 0.4);
            grain = [luma + tone, luma, luma - tone].map(|part| part + grain[1] * 0.3);
            for (part, grain) in colour.iter().zip(grain) {
                out.push((part * self.gain + grain).round().clamp(0.0, 255.0) as u8);
            }
        }
    }

    fn through_air(&self, pixel: &super::picture::Pixel) -> Colour {
        let mut colour = pixel.colour;
        if pixel.shadow {
            colour = colour.map(|part| part * self.shadow);
        }
        if pixel.near <= 0.0 {
            return colour;
        }
        mix(self.fog_colour, colour, (-self.fog / pixel.near).exp())
    }

    fn fall(&self, seen: &mut [Colour], random: &mut Random) {
        for _ in 0..self.rain {
            let (mut x, top) = (random.part() * WIDTH as f32, random.part() * HEIGHT as f32);
            let (long, lean) = (random.between(6.0, 18.0), random.between(0.1, 0.25));
            let bright = random.between(12.0, 38.0) * self.ambient[1];
            for y in top as usize..((top + long) as usize).min(HEIGHT) {
                x += lean;
                if let Some(colour) = seen.get_mut(y * WIDTH + (x as usize).min(WIDTH - 1)) {
                    *colour = colour.map(|part| part + bright);
                }
            }
        }
    }
}

fn overcast(clear: Light) -> Light {
    Light {
        ambient: [0.78, 0.8, 0.82],
        sun: [0.14, 0.14, 0.14],
        // The whole sky shines: a shadow lies under the thing, and is weak.
        to_sun: point(0.05, -0.05, 1.0).unit(),
        shadow: 0.72,
        horizon: [206.0, 210.0, 214.0],
        zenith: [168.0, 174.0, 182.0],
        fog: 0.002,
        fog_colour: [200.0, 204.0, 208.0],
        ..clear
    }
}

fn rain(overcast: Light, random: &mut Random) -> Light {
    let dark = random.between(0.6, 0.85);
    Light {
        ambient: overcast.ambient.map(|part| part * dark),
        horizon: overcast.horizon.map(|part| part * dark),
        zenith: overcast.zenith.map(|part| part * dark),
        fog_colour: overcast.fog_colour.map(|part| part * dark),
        fog: random.between(0.004, 0.012),
        shadow: 0.8,
        rain: 150 + random.below(350),
        lamps_on: random.chance(0.7),
        noise: overcast.noise + 0.8,
        ..overcast
    }
}

fn fog(overcast: Light, random: &mut Random) -> Light {
    let grey = random.between(165.0, 210.0);
    Light {
        fog: random.between(0.012, 0.035),
        fog_colour: [grey, grey + 2.0, grey + 5.0],
        horizon: [grey, grey + 2.0, grey + 5.0],
        zenith: [grey - 6.0, grey - 4.0, grey],
        shadow: 0.85,
        lamps_on: true,
        ..overcast
    }
}

fn dusk(clear: Light, random: &mut Random) -> Light {
    let level = random.between(0.34, 0.55);
    Light {
        ambient: [level, level * 0.98, level * 1.12],
        sun: [0.22, 0.14, 0.08],
        to_sun: point(clear.to_sun.x, clear.to_sun.y, 0.25).unit(),
        shadow: 0.85,
        horizon: [214.0 * level * 1.4, 150.0 * level * 1.4, 112.0 * level * 1.4],
        zenith: [70.0, 84.0, 128.0].map(|part| part * level * 1.6),
        fog: 0.002,
        fog_colour: [120.0 * level, 116.0 * level, 126.0 * level],
        lamps_on: true,
        noise: clear.noise + 1.2,
        ..clear
    }
}

fn night(clear: Light, random: &mut Random) -> Light {
    let level = random.between(0.3, 0.46);
    Light {
        ambient: [level * 1.08, level, level * 0.98],
        sun: [0.0; 3],
        to_sun: point(0.0, 0.0, 1.0),
        shadow: 0.75,
        horizon: [34.0, 32.0, 38.0],
        zenith: [12.0, 13.0, 20.0],
        fog: 0.002,
        fog_colour: [24.0, 24.0, 28.0],
        lamps_on: true,
        noise: clear.noise + 2.0,
        ..clear
    }
}

/// A lens that is not quite sharp: each pixel takes a share of its neighbours', across and then down.
fn soften(seen: &mut [Colour], softness: f32) {
    let side = softness / 4.0;
    for step in [1, WIDTH] {
        let sharp = seen.to_vec();
        let before = sharp.iter();
        let here = sharp.iter().skip(step);
        let after = sharp.iter().skip(2 * step);
        for ((out, here), (before, after)) in seen.iter_mut().skip(step).zip(here).zip(before.zip(after)) {
            let around = mix(*before, *after, 0.5);
            *out = mix(*here, around, 2.0 * side);
        }
    }
}

/// A lamp's glow around a place, if nothing hides it.
pub(super) fn glow(picture: &mut Picture, camera: &Camera, at: Point, colour: Colour, strength: f32) {
    let seen = camera.view(at);
    if seen.z < 1.0 {
        return;
    }
    let (x, y) = camera.project(seen);
    if !(0.0..WIDTH as f32).contains(&x) || !(0.0..HEIGHT as f32).contains(&y) {
        return;
    }
    let hidden = picture
        .pixels
        .get(y as usize * WIDTH + x as usize)
        .is_none_or(|pixel| pixel.near > 1.0 / (seen.z - 0.4).max(0.5));
    if hidden {
        return;
    }
    let radius = (camera.focal * 0.42 / seen.z).clamp(2.0, 42.0);
    let rows = (y - radius).max(0.0) as usize..((y + radius) as usize + 1).min(HEIGHT);
    for row in rows {
        for column in (x - radius).max(0.0) as usize..((x + radius) as usize + 1).min(WIDTH) {
            let (dx, dy) = ((column as f32 - x) / radius, (row as f32 - y) / radius);
            let bright = (1.0 - dx * dx - dy * dy).max(0.0).powi(3) * strength;
            if let Some(pixel) = picture.pixels.get_mut(row * WIDTH + column) {
                pixel.colour = mix(pixel.colour, colour, bright);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_has_three_bytes_for_each_pixel_and_the_same_ones_for_the_same_seed() {
        let frame = |seed| {
            let light = Light::new(Weather::Rain, &mut Random::new(seed));
            let mut out = Vec::new();
            light.develop(&Picture::new([90.0; 3]), &mut Random::new(seed), &mut out);
            out
        };
        assert_eq!(frame(1).len(), WIDTH * HEIGHT * 3);
        assert_eq!(frame(1), frame(1));
        assert_ne!(frame(1), frame(2));
    }

    #[test]
    fn a_face_towards_the_sun_is_brighter_than_one_away_from_it() {
        let light = Light::new(Weather::Clear, &mut Random::new(3));
        assert!(light.on(light.to_sun)[0] > light.on(light.to_sun * -1.0)[0] + 0.3);
    }

    #[test]
    fn nights_are_darker_than_days() {
        let level = |weather| Light::new(weather, &mut Random::new(5)).ambient[1];
        assert!(
            level(Weather::Night) < level(Weather::Dusk) && level(Weather::Dusk) < level(Weather::Overcast)
        );
    }
}
