//! Which pixels of a source make a pixel, and how much each counts: OpenCV's `INTER_LINEAR`.

/// Fractional bits of a weight in OpenCV's resize.
const WEIGHT_BITS: u32 = 11;
const WHOLE_WEIGHT: f32 = (1 << WEIGHT_BITS) as f32;

/// Two neighbours of the source, and how much each counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tap {
    pub(super) first: u32,
    pub(super) second: u32,
    /// With 11 fractional bits.
    pub(super) weights: [i16; 2],
}

/// For each of `to` columns the neighbours among `from`, which begin at `start`. Beyond the edge the last one stands alone:
/// the other counts nothing.
pub(super) fn columns(start: u32, from: u32, to: u32) -> Vec<Tap> {
    let last = i64::from(from) - 1;
    taps(start, from, to, |floor, share| {
        if floor < 0 || floor >= last { 0.0 } else { share }
    })
}

/// The same for lines. Beyond the edge the last one is both neighbours, each with its share: it is rounded twice.
pub(super) fn rows(start: u32, from: u32, to: u32) -> Vec<Tap> {
    taps(start, from, to, |_, share| share)
}

fn taps(start: u32, from: u32, to: u32, counted: impl Fn(i64, f32) -> f32) -> Vec<Tap> {
    let scale = f64::from(from) / f64::from(to.max(1));
    let last = from.saturating_sub(1);
    let within = |place: i64| start + u32::try_from(place).unwrap_or(0).min(last);
    let tap = |place: u32| {
        let at = ((f64::from(place) + 0.5) * scale - 0.5) as f32;
        let floor = at.floor();
        let (first, share) = (floor as i64, counted(floor as i64, at - floor));
        let weight = |share: f32| (share * WHOLE_WEIGHT).round_ties_even() as i16;
        Tap {
            first: within(first),
            second: within(first + 1),
            weights: [weight(1.0 - share), weight(share)],
        }
    };
    (0..to).map(tap).collect()
}
