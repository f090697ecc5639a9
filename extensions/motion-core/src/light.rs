//! Tells a change of light from motion: a gain and an offset that explain most of the picture.

/// What a cell had and has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// Background, grey levels.
    pub(crate) was: f32,
    /// Mean difference to it.
    pub(crate) change: f32,
}

/// `new = old + gain * old + offset`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Light {
    pub(crate) gain: f32,
    pub(crate) offset: f32,
    /// The largest change that it means for this picture, in grey levels.
    pub(crate) effect: f32,
}

/// How far a cell may lie from the fit and still support it, in grey levels.
const TOLERANCE: f32 = 4.0;
/// Share of cells that must support a fit, else it is no change of the light as a whole.
const SUPPORT: f32 = 0.5;
/// Share of cells from which on no other fit is looked for.
const CLEAR: f32 = 0.85;
/// Where all cells are alike a gain cannot be told from an offset; this many squared levels of spread decide.
const RIDGE: f32 = 25.0;
const MAX_GAIN: f32 = 0.95;
const ROUNDS: usize = 3;

impl Light {
    pub(crate) fn change(&self, was: f32) -> f32 {
        self.gain * was + self.offset
    }
}

/// Where the search for a fit begins.
type Start = fn(&[Sample], &mut Vec<f32>) -> Light;

/// The change of light in these samples, if half of them agree on one.
pub(crate) fn fit(samples: &[Sample], scratch: &mut Vec<f32>) -> Light {
    // Made only when they are needed: the medians cost as much as the fit.
    let starts: [Start; 3] = [|_, _| Light::default(), by_offset, by_gain];
    let mut best = (0, Light::default());
    for start in starts {
        let light = refine(samples, start(samples, scratch));
        let support = samples.iter().filter(|sample| supports(sample, &light)).count();
        if support > best.0 {
            best = (support, light);
        }
        // The usual case, and the first start is the cheapest.
        if support as f32 >= CLEAR * samples.len() as f32 {
            break;
        }
    }
    if (best.0 as f32) < SUPPORT * samples.len() as f32 {
        Light::default()
    } else {
        best.1
    }
}

fn by_offset(samples: &[Sample], scratch: &mut Vec<f32>) -> Light {
    let offset = median(samples.iter().map(|sample| sample.change), scratch);
    Light {
        offset,
        ..Light::default()
    }
}

fn by_gain(samples: &[Sample], scratch: &mut Vec<f32>) -> Light {
    let gain = median(
        samples.iter().map(|sample| sample.change / sample.was.max(8.0)),
        scratch,
    );
    Light {
        gain: gain.clamp(-MAX_GAIN, MAX_GAIN),
        ..Light::default()
    }
}

fn supports(sample: &Sample, light: &Light) -> bool {
    (sample.change - light.change(sample.was)).abs() <= TOLERANCE
}

fn median(values: impl Iterator<Item = f32>, scratch: &mut Vec<f32>) -> f32 {
    scratch.clear();
    scratch.extend(values);
    let middle = scratch.len() / 2;
    if scratch.is_empty() {
        return 0.0;
    }
    *scratch.select_nth_unstable_by(middle, f32::total_cmp).1
}

/// Least squares over those that support it, a few times over.
fn refine(samples: &[Sample], mut light: Light) -> Light {
    for _ in 0..ROUNDS {
        let mut sums = [0.0_f32; 5];
        for sample in samples.iter().filter(|sample| supports(sample, &light)) {
            let Sample { was: x, change: y } = *sample;
            for (sum, term) in sums.iter_mut().zip([1.0, x, y, x * x, x * y]) {
                *sum += term;
            }
        }
        let [n, x, y, xx, xy] = sums;
        if n < 1.0 {
            return Light::default();
        }
        let (mean_x, mean_y) = (x / n, y / n);
        let spread = (xx / n - mean_x * mean_x).max(0.0);
        let gain = ((xy / n - mean_x * mean_y) / (spread + RIDGE)).clamp(-MAX_GAIN, MAX_GAIN);
        light.gain = gain;
        light.offset = mean_y - gain * mean_x;
        // The picture hardly reaches further than two standard deviations from its mean.
        light.effect = mean_y.abs() + (gain * 2.0 * spread.sqrt()).abs();
    }
    light
}

/// Lets the background follow the light.
pub(crate) fn apply(light: &Light, fine: &mut [i16], background: &mut [u8]) {
    use crate::kernel::FRACTION_BITS;
    let gain = (light.gain * 32_768.0) as i32;
    let offset = (light.offset * (1 << FRACTION_BITS) as f32) as i32;
    for (fine, background) in fine.iter_mut().zip(background) {
        let value = i32::from(*fine);
        let moved = (value + ((value * gain + 0x4000) >> 15) + offset).clamp(0, 255 << FRACTION_BITS);
        *fine = moved as i16;
        *background = ((moved + (1 << (FRACTION_BITS - 1))) >> FRACTION_BITS) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(light: impl Fn(f32) -> f32, objects: usize) -> Vec<Sample> {
        (0..900)
            .map(|n| {
                let was = 20.0 + (n * 37 % 200) as f32;
                let change = if n < objects { 60.0 } else { light(was) };
                Sample { was, change }
            })
            .collect()
    }

    #[test]
    fn a_gain_and_an_offset_are_found_among_objects() {
        for (gain, offset) in [(0.3, 0.0), (-0.4, 0.0), (0.0, 25.0), (0.1, -12.0)] {
            let light = fit(&picture(|was| gain * was + offset, 250), &mut Vec::new());
            for was in [20.0, 120.0, 220.0] {
                let off = light.change(was) - (gain * was + offset);
                assert!(
                    off.abs() < 2.0,
                    "gain {gain} offset {offset}: off by {off} at {was}"
                );
            }
        }
    }

    #[test]
    fn objects_alone_are_no_light() {
        let light = fit(&picture(|_| 0.0, 300), &mut Vec::new());
        assert!(light.effect < 0.5, "{light:?}");
    }

    #[test]
    fn a_picture_on_which_no_half_agrees_has_no_light() {
        let samples: Vec<Sample> = (0..900)
            .map(|n| Sample {
                was: 100.0,
                change: (n % 100) as f32 * 2.0 - 100.0,
            })
            .collect();
        assert_eq!(fit(&samples, &mut Vec::new()), Light::default());
    }
}
